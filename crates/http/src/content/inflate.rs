//! gzip (RFC 1952) and deflate (RFC 1950, or RFC 1951 without a wrapper) undone as the bytes come.
//!
//! Promises: any number of gzip members; one decompressor for all three forms, which is used again for the next body
//! without an allocation. The wrappers are read here, because that is what makes both possible, and because a
//! checksum that is wrong or cut off does not take away what was decoded: it is said. Refuses: preset dictionaries.
//! A gzip header's own checksum is skipped.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Sink, State};
use crate::Undecoded;
use crate::budget::Budget;

/// What a decompressor is charged: the window of 32 KiB and its tables.
const COST: usize = 48 << 10;

/// The beginning of a gzip member: its magic, and the method of RFC 1951.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const HEADER_CRC: u8 = 1 << 1;
const RESERVED: u8 = 0xe0;

/// Undoes gzip or deflate.
#[derive(Debug)]
pub(super) struct Inflate {
    gzip: bool,
    stage: Stage,
    decompress: Decompress,
    check: Check,
    /// Bytes of the wrapper's fixed parts, until there are enough of them.
    held: [u8; 10],
    count: usize,
    state: State,
    /// Whether a checksum was wrong, or cut off.
    unchecked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The fixed part of the wrapper's header.
    Header,
    /// The length of a gzip header's extra field; here and below with the flags of what is still to come.
    Extra { flags: u8 },
    /// So much of the extra field.
    Skip { flags: u8, left: u16 },
    /// The checksum of the header, which is not looked at.
    HeaderCrc,
    /// A name or comment, up to a NUL.
    Text { flags: u8 },
    /// The compressed data.
    Data,
    /// The checksum, and of gzip the length.
    Trailer,
}

/// A checksum of what was made.
#[derive(Debug)]
enum Check {
    Crc(Crc),
    Adler(Adler),
    /// RFC 1951 has none.
    None,
}

impl Inflate {
    /// A decompressor, if there is memory for it.
    pub(super) fn new(gzip: bool, budget: &mut Budget) -> Option<Self> {
        budget.take(COST).then(|| {
            let mut inflate = Self {
                gzip,
                stage: Stage::Header,
                decompress: Decompress::new(false),
                check: Check::None,
                held: [0; 10],
                count: 0,
                state: State::Nothing,
                unchecked: false,
            };
            inflate.begin();
            inflate
        })
    }

    /// Makes it as new, for another body.
    pub(super) fn reset(&mut self, gzip: bool) {
        (self.gzip, self.state, self.unchecked) = (gzip, State::Nothing, false);
        self.begin();
    }

    pub(super) const fn charged(&self) -> usize {
        COST
    }

    pub(super) const fn state(&self) -> State {
        // All of the data is there; only its checksum is not.
        if matches!((self.state, self.stage), (State::Within, Stage::Trailer)) {
            State::End
        } else {
            self.state
        }
    }

    pub(super) const fn is_unchecked(&self) -> bool {
        self.unchecked || matches!((self.state, self.stage), (State::Within, Stage::Trailer))
    }

    /// At the beginning of a member.
    fn begin(&mut self) {
        self.decompress.reset(false);
        self.check = if self.gzip { Check::Crc(Crc::new()) } else { Check::None };
        (self.stage, self.count) = (Stage::Header, 0);
    }

    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        while let Some(first) = bytes.first() {
            match self.state {
                State::Nothing => self.state = State::Within,
                State::Within => {}
                // RFC 1952 §2.2: members follow one another.
                State::End if self.gzip && *first == 0x1f => {
                    self.state = State::Within;
                    self.begin();
                }
                State::End | State::Trailing => {
                    self.state = State::Trailing;
                    return Ok(());
                }
            }
            bytes = match self.stage {
                Stage::Data => self.inflate(bytes, scratch, budget, sink)?,
                _ => self.wrapper(bytes)?,
            };
            if self.stage == Stage::Data && self.count > 0 {
                self.held_data(scratch, budget, sink)?;
            }
        }
        Ok(())
    }

    /// Takes bytes of a header or trailer; what is left of them.
    fn wrapper<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Undecoded> {
        match self.stage {
            Stage::Header => {
                let wanted = if self.gzip { 10 } else { 2 };
                let rest = self.hold(wanted, bytes);
                if self.gzip {
                    // What is nothing of the kind is known by its first byte.
                    let held = self.held.get(..self.count).unwrap_or_default();
                    if !held.iter().zip(GZIP).all(|(byte, known)| *byte == known) {
                        return Err(Undecoded::Broken);
                    }
                }
                if self.count == wanted {
                    self.header()?;
                }
                Ok(rest)
            }
            Stage::Extra { flags } => {
                let rest = self.hold(2, bytes);
                if self.count == 2 {
                    let [low, high, ..] = self.held;
                    match u16::from_le_bytes([low, high]) {
                        0 => self.after(flags & !EXTRA),
                        left => self.stage = Stage::Skip { flags: flags & !EXTRA, left },
                    }
                }
                Ok(rest)
            }
            Stage::HeaderCrc => {
                let rest = self.hold(2, bytes);
                if self.count == 2 {
                    self.after(0);
                }
                Ok(rest)
            }
            Stage::Skip { flags, left } => {
                let taken = bytes.len().min(usize::from(left));
                let left = left.saturating_sub(u16::try_from(taken).unwrap_or(left));
                self.stage = Stage::Skip { flags, left };
                if left == 0 {
                    self.after(flags);
                }
                Ok(bytes.get(taken..).unwrap_or_default())
            }
            Stage::Text { flags } => match memchr::memchr(0, bytes) {
                Some(end) => {
                    self.after(flags & !(if flags & NAME != 0 { NAME } else { COMMENT }));
                    Ok(bytes.get(end + 1..).unwrap_or_default())
                }
                None => Ok(&[]),
            },
            Stage::Trailer => {
                let wanted = if self.gzip { 8 } else { 4 };
                let rest = self.hold(wanted, bytes);
                if self.count == wanted {
                    self.verify();
                    self.state = State::End;
                }
                Ok(rest)
            }
            Stage::Data => Ok(bytes),
        }
    }

    /// What comes next in a gzip header, by the flags that are left, in the order of RFC 1952 §2.3.
    fn after(&mut self, flags: u8) {
        self.count = 0;
        self.stage = if flags & EXTRA != 0 {
            Stage::Extra { flags }
        } else if flags & (NAME | COMMENT) != 0 {
            Stage::Text { flags }
        } else if flags & HEADER_CRC != 0 {
            Stage::HeaderCrc
        } else {
            Stage::Data
        };
    }

    /// The fixed part of the header is there. For deflate: RFC 1950 §2.2, method 8, and the two bytes are a multiple of
    /// 31. If not, they are compressed data already, as some servers have always understood "deflate".
    fn header(&mut self) -> Result<(), Undecoded> {
        const DICTIONARY: u8 = 1 << 5;
        let [first, second, _, flags, ..] = self.held;
        if self.gzip {
            self.after(flags);
            return if flags & RESERVED == 0 { Ok(()) } else { Err(Undecoded::Broken) };
        }
        self.stage = Stage::Data;
        if first & 0x0f == 8 && u16::from_be_bytes([first, second]) % 31 == 0 {
            self.check = Check::Adler(Adler::new());
            self.count = 0;
            if second & DICTIONARY != 0 {
                return Err(Undecoded::Broken);
            }
        }
        Ok(())
    }

    /// The two bytes that are no header are compressed data.
    fn held_data(
        &mut self,
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        let [first, second, ..] = self.held;
        self.count = 0;
        if !self.inflate(&[first, second], scratch, budget, sink)?.is_empty() {
            self.state = State::Trailing;
        }
        Ok(())
    }

    /// Takes compressed data; what is left of it.
    fn inflate<'a>(
        &mut self,
        mut bytes: &'a [u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<&'a [u8], Undecoded> {
        loop {
            let (before_in, before_out) = (self.decompress.total_in(), self.decompress.total_out());
            let status = self
                .decompress
                .decompress(bytes, scratch, FlushDecompress::None)
                .map_err(|_| Undecoded::Broken)?;
            let taken = usize::try_from(self.decompress.total_in() - before_in).unwrap_or(usize::MAX);
            let made = usize::try_from(self.decompress.total_out() - before_out).unwrap_or(usize::MAX);
            bytes = bytes.get(taken..).unwrap_or_default();
            let output = scratch.get(..made).unwrap_or_default();
            if !output.is_empty() {
                self.check.update(output);
                sink(output, budget)?;
            }
            if status == Status::StreamEnd {
                (self.stage, self.count) = (Stage::Trailer, 0);
                if matches!(self.check, Check::None) {
                    self.state = State::End;
                }
                return Ok(bytes);
            }
            // What is left to be made did not fit only if the scratch is full.
            if bytes.is_empty() && made < scratch.len() || taken == 0 && made == 0 {
                return Ok(&[]);
            }
        }
    }

    /// Gathers the bytes of a fixed part; what is left.
    fn hold<'a>(&mut self, wanted: usize, bytes: &'a [u8]) -> &'a [u8] {
        let missing = wanted.saturating_sub(self.count);
        let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        for (place, byte) in self.held.iter_mut().skip(self.count).zip(taken) {
            *place = *byte;
        }
        self.count += taken.len();
        rest
    }

    fn verify(&mut self) {
        let [a, b, c, d, e, f, g, h, ..] = self.held;
        let right = match &self.check {
            Check::Crc(crc) => {
                crc.sum() == u32::from_le_bytes([a, b, c, d])
                    // Modulo 2^32, as RFC 1952 counts.
                    && self.decompress.total_out() as u32 == u32::from_le_bytes([e, f, g, h])
            }
            Check::Adler(adler) => adler.sum() == u32::from_be_bytes([a, b, c, d]),
            Check::None => true,
        };
        self.unchecked |= !right;
    }
}

impl Check {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Adler(adler) => adler.update(bytes),
            Self::None => {}
        }
    }
}

/// Adler-32 (RFC 1950 §8.2).
#[derive(Debug)]
struct Adler {
    low: u32,
    high: u32,
}

impl Adler {
    const MODULUS: u32 = 65_521;
    /// As many bytes as can be added before the sums must be reduced.
    const RUN: usize = 5_552;

    const fn new() -> Self {
        Self { low: 1, high: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(Self::RUN) {
            for byte in run {
                self.low += u32::from(*byte);
                self.high += self.low;
            }
            self.low %= Self::MODULUS;
            self.high %= Self::MODULUS;
        }
    }

    const fn sum(&self) -> u32 {
        self.high << 16 | self.low
    }
}
