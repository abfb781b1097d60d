//! What is done with the bytes of a body besides counting and keeping them: content codings (RFC 9110 §8.4.1) are
//! undone as the bytes come, from the last that was applied to the first, and digests are taken.
//!
//! Promises: what a body becomes is bounded, absolutely and in proportion to what was sent, whether it is kept or
//! not, and so is what each of stacked codings becomes; what decoders hold is charged to the budget; a decoder that is
//! done with a body serves the next one, but for br's.

mod brotli;
mod inflate;
mod zstd;

use sha2::{Digest, Sha256};

use crate::budget::Budget;
use crate::sniff::is_token;
use crate::{Limits, Undecoded};
use brotli::Brotli;
use inflate::Inflate;
use zstd::Zstd;

/// A body may always become this long, whatever the ratio.
const ALWAYS: u64 = 1 << 20;

/// How many codings may be stacked. More than two are not seen where nobody means harm.
const DEPTH: usize = 4;

/// What each decoder writes into, a part of a body at a time.
const SCRATCH: usize = 16 << 10;

/// Takes what was decoded, in pieces.
type Sink<'a> = &'a mut dyn FnMut(&[u8], &mut Budget) -> Result<(), Undecoded>;

/// Where a decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No byte was there.
    Nothing,
    /// Between the beginning and the end of the coded data.
    Within,
    /// At the end of it.
    End,
    /// Behind the end.
    Trailing,
}

/// A coding that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// RFC 1952; `x-gzip` is the same.
    Gzip,
    /// RFC 1950, or RFC 1951; `x-deflate` is the same, where it is written.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        let is = |known| name.eq_ignore_ascii_case(known);
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") || is("x-deflate") => Some(Self::Deflate),
            () if is("br") => Some(Self::Brotli),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }
}

/// The name of a coding without what is around it and cannot be part of one, as some browsers read `gzip;` and `:gzip`.
fn bare(name: &str) -> &str {
    name.trim_matches(|letter| !u8::try_from(letter).is_ok_and(is_token))
}

/// Undoes the codings of one body, and takes its digests.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// From the coding that was applied last to the first.
    layers: Vec<Layer>,
    /// Decoders that served earlier bodies.
    spare: Vec<Decoder>,
    /// Bytes as sent.
    taken: u64,
    sent: Option<Sha256>,
    made: Option<Sha256>,
}

/// One coding.
#[derive(Debug)]
struct Layer {
    decoder: Decoder,
    made: u64,
}

#[derive(Debug)]
enum Decoder {
    Inflate(Inflate),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
}

/// What a body came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How long it became; `None` for no bytes at all.
    pub(crate) size: Option<u64>,
    /// Whether there were bytes behind the end of the coded data.
    pub(crate) trailing: bool,
    /// Whether a checksum of a coding was wrong, or cut off.
    pub(crate) unchecked: bool,
}

impl Content {
    /// Begins a body that is coded as `encodings` say, in the order they were applied, whether or not digests are
    /// wanted of it. If it cannot be decoded, the reason; digests are taken all the same.
    pub(crate) fn begin<T: AsRef<str>>(
        &mut self,
        encodings: impl Iterator<Item = T>,
        digests: bool,
        budget: &mut Budget,
    ) -> Option<Undecoded> {
        let result = self.set_layers(encodings, budget);
        if result.is_err() {
            self.end_decoding(budget);
        }
        (self.taken, self.sent) = (0, digests.then(Sha256::new));
        self.made = (digests && self.decodes()).then(Sha256::new);
        result.err()
    }

    fn set_layers<T: AsRef<str>>(
        &mut self,
        encodings: impl Iterator<Item = T>,
        budget: &mut Budget,
    ) -> Result<(), Undecoded> {
        let (mut codings, mut count) = ([None; DEPTH], 0);
        for name in encodings {
            let name = bare(name.as_ref());
            if name.eq_ignore_ascii_case("identity") {
                continue;
            }
            let coding = Coding::named(name).ok_or(Undecoded::UnknownCoding)?;
            *codings.get_mut(count).ok_or(Undecoded::TooManyCodings)? = Some(coding);
            count += 1;
        }
        for coding in codings.into_iter().rev().flatten() {
            let spare = self.spare.iter().position(|decoder| decoder.serves(coding));
            let decoder = match spare.map(|place| self.spare.swap_remove(place)) {
                Some(mut decoder) => {
                    decoder.reset(coding);
                    decoder
                }
                None => Decoder::new(coding, budget).ok_or(Undecoded::MemoryLimit)?,
            };
            self.layers.push(Layer { decoder, made: 0 });
        }
        Ok(())
    }

    /// Whether there is anything to undo.
    pub(crate) fn decodes(&self) -> bool {
        !self.layers.is_empty()
    }

    /// How long the body has become so far.
    pub(crate) fn made(&self) -> u64 {
        self.layers.last().map_or(0, |layer| layer.made)
    }

    /// Takes the next bytes as sent and gives what they become to `sink`, by way of `scratch`.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        scratch: &mut Vec<u8>,
        limits: &Limits,
        budget: &mut Budget,
        sink: &mut dyn FnMut(&[u8], &mut Budget),
    ) -> Result<(), Undecoded> {
        let Self { layers, taken, sent, made, .. } = self;
        if let Some(digest) = sent {
            digest.update(bytes);
        }
        *taken += bytes.len() as u64;
        if layers.is_empty() {
            return Ok(());
        }
        if scratch.len() < layers.len() * SCRATCH {
            scratch.resize(layers.len() * SCRATCH, 0);
        }
        let caps = Caps { limits, taken: *taken };
        feed(layers, caps, bytes, scratch, budget, &mut |bytes, budget| {
            if let Some(digest) = made {
                digest.update(bytes);
            }
            sink(bytes, budget);
            Ok(())
        })
    }

    /// Says that the body is over: what it became, or why decoding did not come to its end.
    pub(crate) fn finish(&self) -> Result<Outcome, Undecoded> {
        let mut outcome = Outcome { size: None, trailing: false, unchecked: false };
        for layer in &self.layers {
            let (state, unchecked) = layer.decoder.state();
            outcome.trailing |= state == State::Trailing;
            outcome.unchecked |= unchecked;
            match state {
                State::Nothing if self.taken == 0 => return Ok(outcome),
                State::Nothing | State::Within => return Err(Undecoded::Truncated),
                State::End | State::Trailing => {}
            }
        }
        outcome.size = self.layers.last().map(|layer| layer.made);
        Ok(outcome)
    }

    /// The digests of what was sent, and of what it became.
    pub(crate) fn digests(&mut self) -> [Option<[u8; 32]>; 2] {
        [&mut self.sent, &mut self.made].map(|digest| digest.take().map(|digest| digest.finalize().into()))
    }

    /// Nothing more is decoded of this body. Its decoders are kept for another, as far as they can serve one.
    pub(crate) fn end_decoding(&mut self, budget: &mut Budget) {
        for Layer { decoder, .. } in self.layers.drain(..) {
            if self.spare.len() < DEPTH && !matches!(decoder, Decoder::Brotli(_)) {
                self.spare.push(decoder);
            } else {
                budget.release(decoder.charged());
            }
        }
        self.made = None;
    }

    /// What its decoders are charged.
    pub(crate) fn charged(&self) -> usize {
        self.layers.iter().map(|layer| &layer.decoder).chain(&self.spare).map(Decoder::charged).sum()
    }
}

impl Decoder {
    fn new(coding: Coding, budget: &mut Budget) -> Option<Self> {
        match coding {
            Coding::Gzip | Coding::Deflate => Inflate::new(coding == Coding::Gzip, budget).map(Self::Inflate),
            Coding::Brotli => Brotli::new(budget).map(Self::Brotli),
            Coding::Zstd => Zstd::new(budget).map(Self::Zstd),
        }
    }

    /// Whether it can serve another body with that coding. One for br cannot be used again.
    const fn serves(&self, coding: Coding) -> bool {
        match self {
            Self::Inflate(_) => matches!(coding, Coding::Gzip | Coding::Deflate),
            Self::Brotli(_) => false,
            Self::Zstd(_) => matches!(coding, Coding::Zstd),
        }
    }

    fn reset(&mut self, coding: Coding) {
        match self {
            Self::Inflate(inflate) => inflate.reset(matches!(coding, Coding::Gzip)),
            Self::Brotli(_) => {}
            Self::Zstd(zstd) => zstd.reset(),
        }
    }

    fn charged(&self) -> usize {
        match self {
            Self::Inflate(inflate) => inflate.charged(),
            Self::Brotli(brotli) => brotli.charged(),
            Self::Zstd(zstd) => zstd.charged(),
        }
    }

    /// Where it is, and whether a checksum did not fit.
    fn state(&self) -> (State, bool) {
        match self {
            Self::Inflate(inflate) => (inflate.state(), inflate.is_unchecked()),
            Self::Brotli(brotli) => (brotli.state(), false),
            Self::Zstd(zstd) => (zstd.state(), zstd.is_unchecked()),
        }
    }

    fn push(
        &mut self,
        bytes: &[u8],
        scratch: &mut [u8],
        budget: &mut Budget,
        sink: Sink<'_>,
    ) -> Result<(), Undecoded> {
        match self {
            Self::Inflate(inflate) => inflate.push(bytes, scratch, budget, sink),
            Self::Brotli(brotli) => brotli.push(bytes, scratch, budget, sink),
            Self::Zstd(zstd) => zstd.push(bytes, scratch, budget, sink),
        }
    }
}

/// How much a body may become.
#[derive(Clone, Copy)]
struct Caps<'a> {
    limits: &'a Limits,
    /// Bytes as sent.
    taken: u64,
}

impl Caps<'_> {
    /// Whether it may go on when it has become so long, and `more` is there beyond the limit.
    fn check(&self, made: u64, more: bool) -> Result<(), Undecoded> {
        if more {
            return Err(Undecoded::SizeLimit);
        }
        if made > ALWAYS && made > self.taken.saturating_mul(self.limits.ratio) {
            return Err(Undecoded::RatioLimit);
        }
        Ok(())
    }
}

/// Gives bytes to the first of the layers, what they become to the next, and what comes of the last to `sink`.
fn feed(
    layers: &mut [Layer],
    caps: Caps<'_>,
    bytes: &[u8],
    scratch: &mut [u8],
    budget: &mut Budget,
    sink: Sink<'_>,
) -> Result<(), Undecoded> {
    let (Some((layer, rest)), Some((mine, others))) =
        (layers.split_first_mut(), scratch.split_at_mut_checked(SCRATCH))
    else {
        return sink(bytes, budget);
    };
    let Layer { decoder, made } = layer;
    decoder.push(bytes, mine, budget, &mut |output, budget| {
        // To the byte, so that a body is cut at the same place however its bytes came.
        let room = usize::try_from(caps.limits.decoded.saturating_sub(*made)).unwrap_or(usize::MAX);
        let within = output.get(..room).unwrap_or(output);
        if !within.is_empty() {
            *made += within.len() as u64;
            feed(rest, caps, within, others, budget, sink)?;
        }
        caps.check(*made, within.len() < output.len())
    })
}
