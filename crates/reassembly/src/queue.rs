//! Connections in the order they were last heard of, by class: who is given up first, and who has been silent.
//!
//! Promises: a connection that speaks all the time is moved at most once per [`GRAIN`], so that busy connections do not
//! touch their neighbours' memory with every packet; every operation takes constant time, or logarithmic time for the
//! few connections whose place within a grain matters because their time is near.

use std::collections::BTreeSet;
use std::time::Duration;

use egret_decode::Timestamp;

use crate::standing::Class;

/// How exact the order is.
const GRAIN: Duration = Duration::from_secs(1);

const NOBODY: u32 = u32::MAX;

/// Doubly linked lists through one vector, which is indexed like the pool's slots. Their order is that of `queued`, which
/// is at most a grain behind what was last heard; where it must be exact, a connection moves over to `exact`.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    links: Vec<Link>,
    lists: [List; Class::ALL.len()],
    exact: BTreeSet<(u8, Timestamp, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
    class: Option<u8>,
    /// Whether it is in `exact` and not in a list.
    exact: bool,
    queued: Timestamp,
}

const LOOSE: Link =
    Link { previous: NOBODY, next: NOBODY, class: None, exact: false, queued: Timestamp::EPOCH };

#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NOBODY, last: NOBODY }
    }
}

impl Queues {
    /// Whether a connection that is queued under one time, and was last heard of at another, is to be moved.
    #[inline]
    pub(crate) const fn is_stale(queued: Timestamp, last: Timestamp) -> bool {
        last.nanos().saturating_sub(queued.nanos()) >= GRAIN.as_nanos() as i64
    }

    /// Notes that a connection of this class was heard of; under which time it is queued now.
    pub(crate) fn touch(&mut self, index: u32, class: Class, now: Timestamp) -> Timestamp {
        let link = self.link(index);
        if link.class == Some(class as u8) && !Self::is_stale(link.queued, now) {
            return link.queued;
        }
        self.remove(index);
        self.push_back(index, class as u8, now);
        now
    }

    /// Puts a connection at its exact place: it was heard of after it was queued, but not a grain after.
    pub(crate) fn place_exactly(&mut self, index: u32, last: Timestamp) {
        if let Some(class) = self.link(index).class {
            self.remove(index);
            self.exact.insert((class, last, index));
            self.set(index, Link { class: Some(class), exact: true, queued: last, ..LOOSE });
        }
    }

    /// Takes a connection out.
    pub(crate) fn remove(&mut self, index: u32) {
        let Link { previous, next, class, exact, queued } = self.link(index);
        let Some(class) = class else { return };
        self.set(index, LOOSE);
        if exact {
            self.exact.remove(&(class, queued, index));
            return;
        }
        let list = self.lists.get_mut(usize::from(class));
        if let Some(list) = list {
            if list.first == index {
                list.first = next;
            }
            if list.last == index {
                list.last = previous;
            }
        }
        if let Some(link) = self.links.get_mut(previous as usize) {
            link.next = next;
        }
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = previous;
        }
    }

    /// The connection of a class that was not heard of for longest, and since when at least (within [`GRAIN`]).
    pub(crate) fn front(&self, class: Class) -> Option<(u32, Timestamp)> {
        let class = class as u8;
        let first = self.lists.get(usize::from(class))?.first;
        let listed = (first != NOBODY).then(|| (self.link(first).queued, first));
        let of_class =
            (class, Timestamp::from_nanos(i64::MIN), 0)..(class + 1, Timestamp::from_nanos(i64::MIN), 0);
        let exact = self.exact.range(of_class).next().map(|(_, last, index)| (*last, *index));
        listed.into_iter().chain(exact).min().map(|(since, index)| (index, since))
    }

    /// The connection that is given up first.
    pub(crate) fn first(&self) -> Option<u32> {
        Class::ALL.into_iter().find_map(|class| self.front(class)).map(|(index, _)| index)
    }

    fn push_back(&mut self, index: u32, class: u8, now: Timestamp) {
        let Some(list) = self.lists.get_mut(usize::from(class)) else { return };
        let behind = self.links.get(list.last as usize).is_some_and(|last| last.queued > now);
        if behind {
            // A deadline changed its class, without its being heard of.
            self.exact.insert((class, now, index));
            return self.set(index, Link { class: Some(class), exact: true, queued: now, ..LOOSE });
        }
        let previous = std::mem::replace(&mut list.last, index);
        if list.first == NOBODY {
            list.first = index;
        }
        if let Some(link) = self.links.get_mut(previous as usize) {
            link.next = index;
        }
        self.set(index, Link { previous, class: Some(class), queued: now, ..LOOSE });
    }

    fn link(&self, index: u32) -> Link {
        self.links.get(index as usize).copied().unwrap_or(LOOSE)
    }

    fn set(&mut self, index: u32, link: Link) {
        let index = index as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, LOOSE);
        }
        if let Some(place) = self.links.get_mut(index) {
            *place = link;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::new(seconds, 0)
    }

    #[test]
    fn half_open_connections_go_first_then_the_one_silent_for_longest() {
        let mut queues = Queues::default();
        queues.touch(3, Class::Established, at(0));
        queues.touch(1, Class::Established, at(5));
        queues.touch(2, Class::HalfOpen, at(9));
        queues.touch(0, Class::Midstream, at(9));
        queues.touch(3, Class::Established, at(10));
        let order: Vec<u32> =
            std::iter::from_fn(|| queues.first().inspect(|first| queues.remove(*first))).collect();
        assert_eq!(order, [2, 0, 1, 3]);
    }

    #[test]
    fn a_busy_connection_is_moved_once_per_grain() {
        let mut queues = Queues::default();
        queues.touch(0, Class::Established, at(0));
        queues.touch(1, Class::Established, at(0));
        queues.touch(0, Class::Established, Timestamp::new(0, 999_999_999));
        assert_eq!(queues.front(Class::Established), Some((0, at(0))));
        queues.touch(0, Class::Established, at(1));
        assert_eq!(queues.front(Class::Established), Some((1, at(0))));
    }

    #[test]
    fn an_exact_place_is_in_front_of_whoever_was_heard_of_later() {
        let mut queues = Queues::default();
        let half = Timestamp::new(0, 500_000_000);
        queues.touch(0, Class::Established, at(0));
        queues.touch(1, Class::Established, half);
        queues.touch(2, Class::Established, at(5));
        queues.place_exactly(0, Timestamp::new(0, 900_000_000));
        assert_eq!(queues.front(Class::Established), Some((1, half)));
        queues.remove(1);
        assert_eq!(queues.front(Class::Established), Some((0, Timestamp::new(0, 900_000_000))));
        queues.touch(0, Class::Established, at(7));
        assert_eq!(queues.front(Class::Established), Some((2, at(5))), "it was heard of again");
        // Who changes its class without being heard of is not behind those who were heard of since.
        queues.touch(3, Class::Midstream, at(8));
        queues.touch(2, Class::Midstream, at(5));
        assert_eq!(queues.front(Class::Midstream), Some((2, at(5))));
    }
}
