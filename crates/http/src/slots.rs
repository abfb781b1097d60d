//! The exchanges of a connection that are under way, oldest first: nearly always one, or none.
//!
//! Promises: the oldest is found without a detour, and a connection that never has two at once takes no memory for more.
//! Who has them is in a place of its own, which only pipelining makes.

use std::collections::VecDeque;

use crate::slot::Slot;

/// Exchanges, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// The oldest. Where there is none, there is nothing behind it.
    front: Option<Box<Slot>>,
    behind: Option<Box<Behind>>,
}

/// All but the oldest.
#[derive(Debug, Default)]
struct Behind {
    slots: VecDeque<Box<Slot>>,
}

impl Slots {
    fn behind(&self) -> Option<&VecDeque<Box<Slot>>> {
        self.behind.as_deref().map(|behind| &behind.slots)
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.front.is_some()) + self.behind().map_or(0, VecDeque::len)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&Slot> {
        self.front.as_deref()
    }

    #[inline]
    pub(crate) fn front_mut(&mut self) -> Option<&mut Slot> {
        self.front.as_deref_mut()
    }

    #[inline]
    pub(crate) fn back(&self) -> Option<&Slot> {
        self.behind().and_then(VecDeque::back).or(self.front.as_ref()).map(|slot| &**slot)
    }

    #[inline]
    pub(crate) fn back_mut(&mut self) -> Option<&mut Slot> {
        let behind = self.behind.as_deref_mut().and_then(|behind| behind.slots.back_mut());
        behind.or(self.front.as_mut()).map(|slot| &mut **slot)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Slot> {
        match index.checked_sub(1) {
            None => self.front(),
            Some(index) => self.behind()?.get(index).map(|slot| &**slot),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> + Clone {
        self.front.iter().chain(self.behind().into_iter().flatten()).map(|slot| &**slot)
    }

    pub(crate) fn push_back(&mut self, slot: Box<Slot>) {
        if self.front.is_none() {
            self.front = Some(slot);
        } else {
            self.behind.get_or_insert_default().slots.push_back(slot);
        }
    }

    pub(crate) fn push_front(&mut self, slot: Box<Slot>) {
        if let Some(second) = self.front.replace(slot) {
            self.behind.get_or_insert_default().slots.push_front(second);
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<Box<Slot>> {
        let second = self.behind.as_deref_mut().and_then(|behind| behind.slots.pop_front());
        std::mem::replace(&mut self.front, second)
    }

    pub(crate) fn pop_back(&mut self) -> Option<Box<Slot>> {
        let last = self.behind.as_deref_mut().and_then(|behind| behind.slots.pop_back());
        last.or_else(|| self.front.take())
    }

    /// How many, from the front, are `such`, where all of those are in front of all others.
    pub(crate) fn partition_point(&self, such: impl Fn(&Slot) -> bool) -> usize {
        match self.front() {
            Some(front) if such(front) => {
                1 + self.behind().map_or(0, |behind| behind.partition_point(|slot| such(slot)))
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use egret_reassembly::{Endpoint, Flow, Opened};

    use super::*;
    use crate::{Context, Exchange};

    fn slot(index: u64) -> Box<Slot> {
        let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
        let flow = Flow { source: end(1), destination: end(2), path: Default::default() };
        Box::new(Context::<fn(&Exchange)>::new_slot(0, index, flow, Opened::Handshake))
    }

    fn index(slot: &Slot) -> u64 {
        slot.exchange.index
    }

    /// Any row of steps leaves it as they leave a deque.
    #[test]
    fn it_is_as_a_deque() {
        let steps = |row: u64| std::iter::successors(Some(row), |rest| (*rest >= 4).then_some(rest / 4));
        for row in 0..4_u64.pow(6) {
            let (mut slots, mut deque) = (Slots::default(), VecDeque::new());
            for (at, step) in (100..).zip(steps(row)) {
                match step % 4 {
                    0 => {
                        slots.push_back(slot(at));
                        deque.push_back(at);
                    }
                    1 => {
                        slots.push_front(slot(at));
                        deque.push_front(at);
                    }
                    2 => assert_eq!(slots.pop_front().map(|slot| index(&slot)), deque.pop_front()),
                    _ => assert_eq!(slots.pop_back().map(|slot| index(&slot)), deque.pop_back()),
                }
                let found: Vec<u64> = slots.iter().map(index).collect();
                assert_eq!(found, Vec::from(deque.clone()), "{row}");
                assert_eq!((slots.len(), slots.is_empty()), (deque.len(), deque.is_empty()));
                assert_eq!(slots.front().map(index), deque.front().copied());
                assert_eq!(slots.back().map(index), deque.back().copied());
                assert_eq!(slots.front_mut().map(|slot| index(slot)), deque.front().copied());
                assert_eq!(slots.back_mut().map(|slot| index(slot)), deque.back().copied());
                assert_eq!(slots.get(1).map(index), deque.get(1).copied());
            }
        }
    }

    #[test]
    fn a_place_among_those_in_order_is_found() {
        let mut slots = Slots::default();
        assert_eq!(slots.partition_point(|_| true), 0);
        (0..5).for_each(|index| slots.push_back(slot(index)));
        for place in 0..=5 {
            assert_eq!(slots.partition_point(|slot| index(slot) < place), place as usize);
        }
    }
}
