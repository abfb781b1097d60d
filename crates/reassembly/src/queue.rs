//! Connections in the order they were last heard of, by class: who is given up first, and who has been silent.
//!
//! Promises: every operation takes constant time; a connection that speaks all the time is moved at most once per
//! [`GRAIN`], so that busy connections do not touch their neighbours' memory with every packet.

use std::time::Duration;

use egret_decode::Timestamp;

use crate::pool::Class;

/// How exact the order is.
const GRAIN: Duration = Duration::from_secs(1);

const NOBODY: u32 = u32::MAX;

/// Doubly linked lists through one vector, which is indexed like the pool's slots.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    links: Vec<Link>,
    lists: [List; Class::ALL.len()],
}

#[derive(Debug, Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
    class: Option<u8>,
    queued: Timestamp,
}

const LOOSE: Link = Link { previous: NOBODY, next: NOBODY, class: None, queued: Timestamp::EPOCH };

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
    /// Notes that a connection of this class was heard of.
    pub(crate) fn touch(&mut self, index: u32, class: Class, now: Timestamp) {
        let link = self.link(index);
        if link.class == Some(class as u8) && now.since(link.queued) < GRAIN {
            return;
        }
        self.remove(index);
        self.push_back(index, class as u8, now);
    }

    /// Puts a connection at the back of its queue again.
    pub(crate) fn requeue(&mut self, index: u32, now: Timestamp) {
        if let Some(class) = self.link(index).class {
            self.remove(index);
            self.push_back(index, class, now);
        }
    }

    /// Takes a connection out.
    pub(crate) fn remove(&mut self, index: u32) {
        let Link { previous, next, class, .. } = self.link(index);
        let Some(class) = class else { return };
        self.set(index, LOOSE);
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

    /// The connection of a class that was not heard of for longest, and since when (within [`GRAIN`]).
    pub(crate) fn front(&self, class: Class) -> Option<(u32, Timestamp)> {
        let first = self.lists.get(class as usize)?.first;
        (first != NOBODY).then(|| (first, self.link(first).queued))
    }

    /// The connection that is given up first.
    pub(crate) fn first(&self) -> Option<u32> {
        Class::ALL.into_iter().find_map(|class| self.front(class)).map(|(index, _)| index)
    }

    fn push_back(&mut self, index: u32, class: u8, now: Timestamp) {
        let Some(list) = self.lists.get_mut(usize::from(class)) else { return };
        let previous = std::mem::replace(&mut list.last, index);
        if list.first == NOBODY {
            list.first = index;
        }
        if let Some(link) = self.links.get_mut(previous as usize) {
            link.next = index;
        }
        self.set(index, Link { previous, next: NOBODY, class: Some(class), queued: now });
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
        queues.touch(0, Class::Tombstone, at(9));
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
}
