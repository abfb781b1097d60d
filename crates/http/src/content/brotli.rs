//! br (RFC 7932) undone as the bytes come.
//!
//! Promises: what the decoder allocates is counted as it allocates it, and refused where the budget has no room; its
//! window grows with what it holds, up to the 16 MiB of RFC 7932. Refuses: the larger windows that are no part of it.

use std::fmt;

use brotli_decompressor::{
    Allocator, BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper, SliceWrapperMut,
};

use super::{Sink, State};
use crate::Undecoded;
use crate::budget::Budget;

type Decoder = BrotliState<Meter, Meter, Meter>;

/// Undoes br.
pub(super) struct Brotli {
    decoder: Decoder,
    state: State,
    charged: usize,
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Brotli({:?}, {} bytes held)", self.state, self.charged)
    }
}

impl Brotli {
    /// A decoder, if there is memory for it. It allocates more as it goes.
    pub(super) fn new(budget: &mut Budget) -> Option<Box<Self>> {
        let charged = size_of::<Self>();
        let decoder = || BrotliState::new_strict(Meter::default(), Meter::default(), Meter::default());
        budget.take(charged).then(|| Box::new(Self { decoder: decoder(), state: State::Nothing, charged }))
    }

    pub(super) const fn charged(&self) -> usize {
        self.charged
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        if matches!(self.state, State::End | State::Trailing) {
            self.state = State::Trailing;
            return Ok(());
        }
        self.state = State::Within;
        let (mut left, mut position) = (bytes.len(), 0);
        loop {
            let (mut room, mut made, mut total) = (scratch.len(), 0, 0);
            self.lend(budget.free());
            let result = BrotliDecompressStream(
                &mut left,
                &mut position,
                bytes,
                &mut room,
                &mut made,
                scratch,
                &mut total,
                &mut self.decoder,
            );
            let refused = self.settle(budget);
            let output = scratch.get(..made).unwrap_or_default();
            if !output.is_empty() {
                sink(output, budget)?;
            }
            match result {
                _ if refused => return Err(Undecoded::MemoryLimit),
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultSuccess => {
                    self.state = if left > 0 { State::Trailing } else { State::End };
                    return Ok(());
                }
                BrotliResult::ResultFailure => return Err(Undecoded::Broken),
            }
        }
    }

    fn meters(&mut self) -> [&mut Meter; 3] {
        let Decoder { alloc_u8, alloc_u32, alloc_hc, .. } = &mut self.decoder;
        [alloc_u8, alloc_u32, alloc_hc]
    }

    /// How much each allocator may take in the next step.
    fn lend(&mut self, room: usize) {
        for meter in self.meters() {
            meter.room = room;
        }
    }

    /// Charges what was taken in the last step, and gives back what was freed; whether there was too little.
    fn settle(&mut self, budget: &mut Budget) -> bool {
        let (mut held, mut refused) = (size_of::<Self>(), false);
        for meter in self.meters() {
            held += meter.held;
            refused |= meter.refused;
        }
        // Each allocator kept to what was free, but all of them together may not have.
        if held <= self.charged || budget.take(held - self.charged) {
            budget.release(self.charged.saturating_sub(held));
            self.charged = held;
        } else {
            refused = true;
        }
        refused
    }
}

/// Allocates, and counts what it allocates.
#[derive(Default)]
struct Meter {
    held: usize,
    room: usize,
    refused: bool,
}

impl<T: Clone + Default> Allocator<T> for Meter {
    type AllocatedMemory = Cells<T>;

    /// Too few cells are an error of the decoder's, which ends with it.
    fn alloc_cell(&mut self, cells: usize) -> Cells<T> {
        let bytes = cells.saturating_mul(size_of::<T>());
        if bytes > self.room {
            self.refused = true;
            return Cells::default();
        }
        self.room -= bytes;
        self.held += bytes;
        Cells(vec![T::default(); cells])
    }

    fn free_cell(&mut self, cells: Cells<T>) {
        let bytes = cells.0.len() * size_of::<T>();
        self.held = self.held.saturating_sub(bytes);
        self.room = self.room.saturating_add(bytes);
    }
}

/// What an allocator gives.
#[derive(Default)]
struct Cells<T>(Vec<T>);

impl<T> SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}
