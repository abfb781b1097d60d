//! Where connections are in memory: in blocks, so that none is ever moved, and each begins with a line of memory.
//!
//! Promises: a connection keeps its number until it is removed; numbers are used again, those that were given back last
//! first; memory grows by a block at a time, and what was there is not copied. None of it is given back before the end.

use crate::connection::Tracked;
use crate::pool::NOWHERE;

/// How many connections there are in a block: about 256 KiB of them.
const BLOCK: usize = 256;

/// Connections, by number.
pub(crate) struct Slots<S> {
    blocks: Vec<Vec<Place<S>>>,
    free: Vec<u32>,
}

/// Where a connection may be. Whether one is there is told in the line of memory that begins with whose it is: what a
/// look-up needs is one line, fetched once.
#[repr(u8, align(64))]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all places are taken, and a pointer to what is there would be one more thing to fetch"
)]
enum Place<S> {
    Free,
    Taken(Tracked<S>),
}

impl<S> Place<S> {
    #[inline]
    const fn tracked(&self) -> Option<&Tracked<S>> {
        match self {
            Self::Free => None,
            Self::Taken(tracked) => Some(tracked),
        }
    }

    #[inline]
    const fn tracked_mut(&mut self) -> Option<&mut Tracked<S>> {
        match self {
            Self::Free => None,
            Self::Taken(tracked) => Some(tracked),
        }
    }
}

impl<S> Default for Slots<S> {
    fn default() -> Self {
        Self { blocks: Vec::new(), free: Vec::new() }
    }
}

impl<S> Slots<S> {
    /// The connection with this number.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&Tracked<S>> {
        let index = index as usize;
        self.blocks.get(index / BLOCK)?.get(index % BLOCK)?.tracked()
    }

    /// The same, to change it.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut Tracked<S>> {
        let index = index as usize;
        self.blocks.get_mut(index / BLOCK)?.get_mut(index % BLOCK)?.tracked_mut()
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Tracked<S>)> {
        (0..).zip(self.blocks.iter().flatten()).filter_map(|(index, place)| Some((index, place.tracked()?)))
    }

    /// Puts a connection somewhere; its number, and itself there. `None` if there are as many as there are numbers.
    #[inline]
    pub(crate) fn insert(&mut self, new: impl FnOnce() -> Tracked<S>) -> Option<(u32, &mut Tracked<S>)> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let place = self.blocks.get_mut(index as usize / BLOCK)?.get_mut(index as usize % BLOCK)?;
        // Made in its place: it is large, and a copy of it takes long.
        *place = Place::Taken(new());
        Some((index, place.tracked_mut()?))
    }

    /// Takes a connection out.
    pub(crate) fn remove(&mut self, index: u32) {
        let block = self.blocks.get_mut(index as usize / BLOCK);
        if let Some(place @ Place::Taken(_)) = block.and_then(|block| block.get_mut(index as usize % BLOCK)) {
            // Dropped where it is.
            *place = Place::Free;
            self.free.push(index);
        }
    }

    /// One more place; its number.
    #[cold]
    fn grow(&mut self) -> Option<u32> {
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let full = (self.blocks.len() - 1) * BLOCK;
        let last = self.blocks.last_mut()?;
        let index = u32::try_from(full + last.len()).ok().filter(|index| *index != NOWHERE)?;
        last.push(Place::Free);
        Some(index)
    }
}
