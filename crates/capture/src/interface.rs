//! Where packets come from: the interfaces that a capture describes.
//!
//! Promises: the index of an interface never changes, and what a packet calls its interface is in the table before
//! the packet is delivered. Refuses: to grow with a hostile file; there is a limit on their number and their text.

use std::sync::{Arc, Mutex, PoisonError};

use crate::LinkType;

/// One interface of a capture: a network interface, or the file's word for one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Its name on the capturing machine (`eth0`), if known.
    pub name: Option<String>,
    /// What people call it, if known.
    pub description: Option<String>,
    /// What someone wrote about it, if anyone did.
    pub comment: Option<String>,
    /// What its packets begin with.
    pub link_type: LinkType,
    /// The most bytes of a packet that were kept; 0 means no limit.
    pub snap_length: u32,
}

impl Interface {
    /// An interface of which nothing is known but its link type.
    pub fn new(link_type: LinkType) -> Self {
        Self { name: None, description: None, comment: None, link_type, snap_length: 0 }
    }
}

/// The interfaces of a capture, shared with whoever must look one up while a packet is borrowed.
///
/// A packet borrows its [`Capture`](crate::Capture), so [`Capture::interfaces`](crate::Capture::interfaces) cannot be
/// called before it is let go; a clone of this table can always be asked. [`Writer`](crate::Writer) takes one.
/// Indices are those of [`Packet::interface`](crate::Packet::interface). Adding is rare (once an interface), so a lock
/// costs nothing.
#[derive(Debug, Clone, Default)]
pub struct InterfaceTable {
    entries: Arc<Mutex<Vec<Interface>>>,
}

impl InterfaceTable {
    /// The interface with this index, if there is one.
    pub fn get(&self, index: u32) -> Option<Interface> {
        self.with(|entries| usize::try_from(index).ok().and_then(|index| entries.get(index)).cloned())
    }

    /// Adds an interface and returns its index: for tables that join those of several captures.
    pub fn push(&self, interface: Interface) -> u32 {
        self.with(|entries| {
            let index = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            entries.push(interface);
            index
        })
    }

    fn with<T>(&self, visit: impl FnOnce(&mut Vec<Interface>) -> T) -> T {
        // A panic elsewhere cannot leave a Vec half pushed: the table of a poisoned lock is still whole.
        visit(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The table as the reader keeps it: its own list to borrow from, and the shared one kept equal to it.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    list: Vec<Interface>,
    shared: InterfaceTable,
}

impl Interfaces {
    /// The most interfaces one capture may describe, over all its sections. With their texts cut to
    /// [`MAX_TEXT`](Self::MAX_TEXT) bytes each, a table stays below 30 MiB.
    pub(crate) const LIMIT: u32 = 16_384;
    /// The most bytes that are kept of a name, of a description and of a comment.
    pub(crate) const MAX_TEXT: usize = 256;

    /// Adds an interface and returns its index, or `None` at the limit.
    pub(crate) fn push(&mut self, interface: Interface) -> Option<u32> {
        let index = u32::try_from(self.list.len()).ok().filter(|&index| index < Self::LIMIT)?;
        self.list.push(interface.clone());
        self.shared.push(interface);
        Some(index)
    }

    /// The number of an interface that is just like this one, or of this one, added: for files that have one interface
    /// each and follow each other.
    pub(crate) fn find_or_push(&mut self, interface: Interface) -> Option<u32> {
        // The latest only: the list may be long, and the files many.
        match self.list.last() {
            Some(known) if *known == interface => u32::try_from(self.list.len() - 1).ok(),
            _ => self.push(interface),
        }
    }

    /// Adds an interface of a table that is within its limit: as many tables as there are sources, so no more than the
    /// user named.
    pub(crate) fn join(&mut self, interface: Interface) -> u32 {
        self.list.push(interface.clone());
        self.shared.push(interface)
    }

    pub(crate) fn list(&self) -> &[Interface] {
        &self.list
    }

    pub(crate) fn shared(&self) -> InterfaceTable {
        self.shared.clone()
    }
}
