//! Connections in which both sides have said all, until the last acknowledgment comes or its time is over: in the order of
//! those times, which is that in which they came.
//!
//! Promises: constant time on average for each, though nobody is taken out who ends before: who that was is seen when his
//! turn comes, or when there are too many in line. So there may be others here than those that still wait, but not more of
//! them, and a few.

use std::collections::VecDeque;

use egret_decode::Timestamp;

/// So many are never looked through for those who have ended.
const FEW: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Closing {
    queue: VecDeque<Entry>,
    /// How many still waited when that was looked at last.
    waiting: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Timestamp,
    id: u64,
    index: u32,
}

impl Closing {
    /// Puts a connection in line; `false` if others are there whose time comes later, so that it has to wait elsewhere.
    pub(crate) fn push(&mut self, at: Timestamp, id: u64, index: u32) -> bool {
        let last = self.queue.back().is_none_or(|last| last.at <= at);
        if last {
            self.queue.push_back(Entry { at, id, index });
        }
        last
    }

    /// How many are in line.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// When the first one's time is over.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.queue.front().map(|entry| entry.at)
    }

    /// Takes the first one out, the id and the place of it, if its time is over.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<(u64, u32)> {
        let due = self.first().is_some_and(|at| at <= now);
        if due { self.queue.pop_front().map(|entry| (entry.id, entry.index)) } else { None }
    }

    /// Takes out who does not wait any more, if so many have come since that was done last that it is worth it.
    pub(crate) fn tidy(&mut self, waits: impl Fn(u64, u32) -> bool) {
        if self.queue.len() > 2 * self.waiting + FEW {
            self.queue.retain(|entry| waits(entry.id, entry.index));
            self.waiting = self.queue.len();
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
    fn who_came_first_goes_first_and_nobody_goes_in_front() {
        let mut closing = Closing::default();
        assert!(closing.push(at(2), 7, 0) && closing.push(at(2), 3, 1) && closing.push(at(4), 5, 2));
        assert!(!closing.push(at(3), 9, 3), "in front of the last");
        assert_eq!((closing.first(), closing.pop(at(1))), (Some(at(2)), None));
        let all: Vec<(u64, u32)> = std::iter::from_fn(|| closing.pop(at(4))).collect();
        assert_eq!(all, [(7, 0), (3, 1), (5, 2)]);
        assert_eq!(closing.first(), None);
        assert!(closing.push(at(3), 9, 3));
    }

    #[test]
    fn those_who_have_ended_do_not_stay() {
        let mut closing = Closing::default();
        for id in 0..10_000 {
            assert!(closing.push(at(0), id, 0));
            closing.tidy(|id, _| id % 2_000 == 0);
            assert!(closing.queue.len() <= 2 * 5 + FEW, "{}", closing.queue.len());
        }
        let left: Vec<u64> = std::iter::from_fn(|| closing.pop(at(0))).map(|(id, _)| id).collect();
        assert!([0, 2_000, 4_000, 6_000, 8_000].iter().all(|id| left.contains(id)), "{left:?}");
    }
}
