//! zstd (RFC 8878) undone as the bytes come, a block at a time.
//!
//! Promises: any number of frames, skippable ones among them; windows to the 8 MiB that RFC 9659 allows on the web,
//! charged as they fill; a block waits for its last byte, so at most 128 KiB are held back of what was sent. Refuses:
//! dictionaries. What a window holds is given when it is pushed out of it, or at the end of the frame.

use std::fmt;
use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Sink, State};
use crate::Undecoded;
use crate::budget::{Budget, cost};

/// RFC 9659 §3.
const WINDOW: u64 = 8 << 20;

/// The most that a block is, coded or not (RFC 8878 §3.1.1.2.4).
const BLOCK: usize = 128 << 10;

/// What a decoder is charged before any window: its tables.
const TABLES: usize = 64 << 10;

/// How a frame begins.
const MAGIC: u32 = 0xfd2f_b528;

/// Undoes zstd.
pub(super) struct Zstd {
    frame: FrameDecoder,
    stage: Stage,
    /// The beginning of what is not there as a whole yet.
    held: Vec<u8>,
    state: State,
    /// The window of the frame, and the most that may be in it.
    window: usize,
    filled: usize,
    /// The most that the decoder may have allocated for its window, and for the parts of a block.
    ring: usize,
    parts: usize,
    /// Whether the frame ends with a checksum, and whether one was wrong.
    checksum: bool,
    unchecked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The four bytes that tell what comes.
    Magic,
    /// The length of a frame that is to be skipped, and its content.
    SkipLength,
    Skip(u32),
    /// The byte that tells how long a frame's header is, and the header.
    Descriptor,
    Header {
        length: usize,
    },
    /// The header of a block, and the block with it.
    BlockHeader,
    Block {
        length: usize,
    },
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zstd({:?}, {:?}, {} bytes held)", self.state, self.stage, self.charged())
    }
}

impl Zstd {
    /// A decoder, if there is memory for it. It allocates more as it goes.
    pub(super) fn new(budget: &mut Budget) -> Option<Box<Self>> {
        budget.take(size_of::<Self>() + TABLES).then(|| {
            Box::new(Self {
                frame: new_frame(),
                stage: Stage::Magic,
                held: Vec::new(),
                state: State::Nothing,
                window: 0,
                filled: 0,
                ring: 0,
                parts: 0,
                checksum: false,
                unchecked: false,
            })
        })
    }

    /// Makes it as new, for another body.
    pub(super) fn reset(&mut self) {
        self.held.clear();
        (self.stage, self.state, self.unchecked) = (Stage::Magic, State::Nothing, false);
    }

    pub(super) fn charged(&self) -> usize {
        size_of::<Self>() + TABLES + cost(&self.held) + self.ring + self.parts
    }

    pub(super) const fn state(&self) -> State {
        // The beginning of what may have become another frame.
        if matches!(self.state, State::End) && !self.held.is_empty() { State::Trailing } else { self.state }
    }

    pub(super) const fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        loop {
            if self.held.is_empty() && !self.goes_on(bytes) {
                return Ok(());
            }
            if let Stage::Skip(left) = self.stage {
                let taken = bytes.len().min(left as usize);
                bytes = bytes.get(taken..).unwrap_or_default();
                self.skip(left.saturating_sub(u32::try_from(taken).unwrap_or(left)));
                continue;
            }
            let wanted = self.wanted();
            if let (true, Some((unit, rest))) = (self.held.is_empty(), bytes.split_at_checked(wanted)) {
                if self.unit(unit, scratch, budget, sink)? {
                    bytes = rest;
                }
                continue;
            }
            let missing = wanted.saturating_sub(self.held.len());
            let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            bytes = rest;
            self.hold(taken, missing, budget)?;
            if self.held.len() < wanted {
                return Ok(());
            }
            let held = std::mem::take(&mut self.held);
            let result = self.unit(&held, scratch, budget, sink);
            self.held = held;
            if result? {
                self.held.clear();
            }
        }
    }

    /// Whether there is more to be done: what comes behind a frame may be another one, or something else.
    fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let Some(first) = bytes.first() else {
            return false;
        };
        match self.state {
            State::Nothing => self.state = State::Within,
            State::End if !matches!(first, 0x28 | 0x50..=0x5f) => self.state = State::Trailing,
            _ => {}
        }
        self.state != State::Trailing
    }

    /// How many bytes of the unit (a frame's header, a block) must be there for its next stage.
    const fn wanted(&self) -> usize {
        match self.stage {
            Stage::Magic => 4,
            Stage::SkipLength => 8,
            Stage::Skip(_) => 0,
            Stage::Descriptor => 5,
            Stage::BlockHeader => 3,
            Stage::Header { length } | Stage::Block { length } => length,
        }
    }

    fn hold(&mut self, bytes: &[u8], missing: usize, budget: &mut Budget) -> Result<(), Undecoded> {
        // As much as is needed, in one go, so that nothing is copied as it grows.
        if !budget.reserve_exact(&mut self.held, missing) {
            return Err(Undecoded::MemoryLimit);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn skip(&mut self, left: u32) {
        if left == 0 {
            (self.stage, self.state) = (Stage::Magic, State::End);
        } else {
            self.stage = Stage::Skip(left);
        }
    }

    /// Takes the next stage of a unit; whether the unit is over with it.
    fn unit(
        &mut self,
        unit: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<bool, Undecoded> {
        match self.stage {
            Stage::Magic => {
                self.stage = match unit.first_chunk().map_or(0, |magic| u32::from_le_bytes(*magic)) {
                    MAGIC => Stage::Descriptor,
                    0x184d_2a50..=0x184d_2a5f => Stage::SkipLength,
                    _ if self.state == State::End => {
                        self.state = State::Trailing;
                        return Ok(true);
                    }
                    _ => return Err(Undecoded::Broken),
                };
                self.state = State::Within;
            }
            Stage::SkipLength => {
                self.skip(unit.last_chunk().map_or(0, |length| u32::from_le_bytes(*length)));
                return Ok(true);
            }
            Stage::Descriptor => {
                let descriptor = unit.last().copied().unwrap_or(0);
                self.checksum = descriptor & 4 != 0;
                self.stage = Stage::Header { length: header_length(descriptor) };
            }
            Stage::BlockHeader => {
                let [first, second, third] = unit.first_chunk().copied().unwrap_or_default();
                let size = usize::from(first >> 3) | usize::from(second) << 5 | usize::from(third) << 13;
                let (last, kind) = (first & 1 != 0, first >> 1 & 3);
                if kind == 3 || size > BLOCK {
                    return Err(Undecoded::Broken);
                }
                let content = if kind == 1 { 1 } else { size };
                let checksum = if last && self.checksum { 4 } else { 0 };
                self.stage = Stage::Block { length: 3 + content + checksum };
            }
            Stage::Header { .. } => {
                self.begin_frame(unit, budget)?;
                return Ok(true);
            }
            Stage::Block { .. } => {
                self.block(unit, scratch, budget, sink)?;
                return Ok(true);
            }
            Stage::Skip(_) => {}
        }
        Ok(false)
    }

    fn begin_frame(&mut self, header: &[u8], budget: &mut Budget) -> Result<(), Undecoded> {
        let window = window(header);
        if window > WINDOW {
            return Err(Undecoded::WindowLimit);
        }
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        if self.ring < ring(window) {
            // One that is used again would make room for the whole window at once; a new one grows as it fills.
            self.frame = new_frame();
            budget.release(self.ring + self.parts);
            (self.ring, self.parts) = (0, 0);
        }
        let mut rest = header;
        self.frame.reset(&mut rest).map_err(|_| Undecoded::Broken)?;
        (self.window, self.filled, self.stage) = (window, 0, Stage::BlockHeader);
        Ok(())
    }

    fn block(
        &mut self,
        block: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        let kind = block.first().map_or(0, |first| first >> 1 & 3);
        if kind == 2 {
            let parts = parts(block.get(3..).unwrap_or_default())?;
            if parts > self.parts {
                if !budget.take(parts - self.parts) {
                    return Err(Undecoded::MemoryLimit);
                }
                self.parts = parts;
            }
        }
        // What a block of these sizes may add, the part that is only found to be too much when it is there included.
        self.charge_ring(self.filled + 3 * BLOCK.min(self.window.max(1 << 10)), budget)?;
        let mut rest = block;
        let over = self
            .frame
            .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| Undecoded::Broken)?;
        self.filled = (self.filled + BLOCK).min(self.window);
        loop {
            let made = self.frame.read(scratch).unwrap_or(0);
            if made == 0 {
                break;
            }
            sink(scratch.get(..made).unwrap_or_default(), budget)?;
        }
        self.stage = Stage::BlockHeader;
        if over {
            (self.stage, self.state) = (Stage::Magic, State::End);
            let (sent, found) = (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum());
            self.unchecked |= sent.is_some() && sent != found;
        }
        Ok(())
    }

    /// Takes from the budget what the window takes with so many bytes in it.
    fn charge_ring(&mut self, filled: usize, budget: &mut Budget) -> Result<(), Undecoded> {
        let needed = ring(filled);
        if needed > self.ring {
            if !budget.take(needed - self.ring) {
                return Err(Undecoded::MemoryLimit);
            }
            self.ring = needed;
        }
        Ok(())
    }
}

fn new_frame() -> FrameDecoder {
    let mut frame = FrameDecoder::new();
    frame.set_max_window_size(WINDOW);
    frame
}

/// What a window takes with so many bytes in it: it grows in powers of two, with room for two blocks.
const fn ring(filled: usize) -> usize {
    const ROOM: usize = 2 * BLOCK;
    match filled.saturating_add(1) {
        small @ ..=ROOM => small.next_power_of_two() + 1,
        large => (large - ROOM).next_power_of_two() + ROOM + 1,
    }
}

/// The length of a frame's header with its magic, by its descriptor (RFC 8878 §3.1.1.1.1).
const fn header_length(descriptor: u8) -> usize {
    let single = descriptor & 0x20 != 0;
    let window = if single { 0 } else { 1 };
    let dictionary = match descriptor & 3 {
        3 => 4,
        length => length as usize,
    };
    let content = match (descriptor >> 6, single) {
        (0, false) => 0,
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    5 + window + dictionary + content
}

/// The window that a frame's header asks for.
fn window(header: &[u8]) -> u64 {
    let (Some(descriptor), rest) = (header.get(4), header.get(5..).unwrap_or_default()) else {
        return 0;
    };
    if descriptor & 0x20 == 0 {
        let window = rest.first().copied().unwrap_or(0);
        let base = 1_u64 << (10 + (window >> 3));
        return base + base / 8 * u64::from(window & 7);
    }
    // One segment: the window is the content.
    let skip = match descriptor & 3 {
        3 => 4,
        length => usize::from(length),
    };
    let size = rest.get(skip..).unwrap_or_default();
    let number = size.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    if size.len() == 2 { number + 256 } else { number }
}

/// What the literals and sequences of a compressed block take while they are decoded, as its headers say (RFC 8878
/// §3.1.1.3), with room for how buffers grow.
fn parts(block: &[u8]) -> Result<usize, Undecoded> {
    /// Three numbers of 32 bits.
    const SEQUENCE: usize = 12;
    let byte = |at: usize| block.get(at).copied().map_or(0, u64::from);
    let bits = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24 | byte(4) << 32;
    let field = |from: u64, count: u64| ((bits >> from) & ((1 << count) - 1)) as usize;
    let (header, literals, sent) = match (field(0, 2), field(2, 2)) {
        (kind @ 0..=1, format) => {
            let (header, literals) = match format {
                1 => (2, field(4, 12)),
                3 => (3, field(4, 20)),
                _ => (1, field(3, 5)),
            };
            (header, literals, if kind == 1 { 1 } else { literals })
        }
        (_, 0 | 1) => (3, field(4, 10), field(14, 10)),
        (_, 2) => (4, field(4, 14), field(18, 14)),
        (..) => (5, field(4, 18), field(22, 18)),
    };
    if literals > BLOCK {
        return Err(Undecoded::Broken);
    }
    let at = header + sent;
    let sequences = match (byte(at), byte(at + 1), byte(at + 2)) {
        (few @ 0..128, ..) => few,
        (255, low, high) => (low | high << 8) + 0x7f00,
        (high, low, _) => (high - 128) << 8 | low,
    };
    Ok(2 * (literals + usize::try_from(sequences).unwrap_or(0) * SEQUENCE) + block.len())
}
