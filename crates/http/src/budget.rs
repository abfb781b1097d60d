//! The one budget of bytes that all connections of a context share.
//!
//! Promises: what is charged is capacity, not length, so `used` is what the buffers really take; it never exceeds
//! the limit.

/// Bytes that may be held, and are.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: usize,
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    /// Bytes that may be held at most.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that are held.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Bytes that may still be taken.
    pub(crate) const fn free(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    /// Takes that many bytes, if there are.
    pub(crate) const fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.free();
        if fits {
            self.used += bytes;
        }
        fits
    }

    /// Gives back what was taken.
    pub(crate) const fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Appends as many of `items` as there is room for; how many that are.
    pub(crate) fn extend<T: Copy>(&mut self, buffer: &mut Vec<T>, items: &[T]) -> usize {
        let room = self.reserve(buffer, items.len());
        buffer.extend_from_slice(items.get(..room).unwrap_or_default());
        room
    }

    /// Appends an item, if there is room.
    pub(crate) fn push<T>(&mut self, buffer: &mut Vec<T>, item: T) -> bool {
        let room = self.reserve(buffer, 1) > 0;
        if room {
            buffer.push(item);
        }
        room
    }

    /// Makes room for `more` items and no others; whether the budget allows it.
    pub(crate) fn reserve_exact<T>(&mut self, buffer: &mut Vec<T>, more: usize) -> bool {
        let missing = more.saturating_sub(buffer.capacity() - buffer.len());
        let fits = self.take(missing.saturating_mul(size_of::<T>()));
        if fits && missing > 0 {
            let before = buffer.capacity();
            buffer.reserve_exact(more);
            // The allocator may round up; that is taken too, even over the limit, to be given back later.
            self.used += (buffer.capacity() - before - missing) * size_of::<T>();
        }
        fits
    }

    /// Makes room for `more` items, or as many as the budget allows; how many that are.
    pub(crate) fn reserve<T>(&mut self, buffer: &mut Vec<T>, more: usize) -> usize {
        let free = buffer.capacity() - buffer.len();
        if more <= free {
            return more;
        }
        // As `Vec` grows: at least doubled, so that appending stays linear; or, where that is too much, what is needed.
        let missing = more - free;
        for extra in [missing.max(buffer.capacity()), missing] {
            if self.take(extra.saturating_mul(size_of::<T>())) {
                let before = buffer.capacity();
                buffer.reserve_exact(buffer.capacity() - buffer.len() + extra);
                // The allocator may round up; that is taken too, even over the limit, to be given back later.
                self.used += (buffer.capacity() - before - extra) * size_of::<T>();
                return more;
            }
        }
        let items = (self.free() / size_of::<T>().max(1)).min(missing);
        self.used += items * size_of::<T>();
        buffer.reserve_exact(free + items);
        free + items
    }
}

/// What a buffer takes.
pub(crate) const fn cost<T>(buffer: &Vec<T>) -> usize {
    buffer.capacity() * size_of::<T>()
}
