//! A stock of bodies that exchanges share, so that making a capture costs no more than writing it: JSON, plain and in
//! gzip, with the digests by which they are known again.

use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::random::Random;
use super::workload::Workload;

/// How many bodies there are for responses, unless they are large; and for requests.
const MANY: usize = 512;
const FEW: usize = 24;

/// A body, with what identifies it.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: String,
}

impl Body {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = short_digest(&Sha256::digest(&bytes));
        Self { bytes, digest }
    }
}

/// As much of a SHA-256 digest, in hexadecimal, as it takes to tell bodies apart.
pub(super) fn short_digest(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The bodies of a workload.
pub(super) struct Stock {
    /// For responses: plain, and the same in gzip.
    pub(super) responses: Vec<(Body, Body)>,
    pub(super) requests: Vec<Body>,
}

impl Stock {
    pub(super) fn new(workload: &Workload, random: &mut Random) -> Result<Self> {
        let count = if workload.body > 100_000 { FEW } else { MANY };
        let mut stock = Self { responses: Vec::new(), requests: Vec::new() };
        for _ in 0..count {
            let plain = json(random.size(workload.body).min(workload.largest) as usize, random);
            let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
            let packed = coder.write_all(&plain).and_then(|()| coder.finish());
            stock.responses.push((Body::new(plain), Body::new(packed.context("cannot compress a body")?)));
            let sent = json(random.size(workload.request_body).min(workload.largest) as usize, random);
            stock.requests.push(Body::new(sent));
        }
        Ok(stock)
    }
}

const WORDS: [&str; 24] = [
    "heron", "reed", "pond", "minnow", "dawn", "marsh", "willow", "ripple", "frog", "newt", "sedge", "mist",
    "otter", "delta", "shoal", "egret", "perch", "loach", "ford", "weir", "brook", "snail", "lily", "gull",
];

/// About `size` bytes of JSON, at least two.
fn json(size: usize, random: &mut Random) -> Vec<u8> {
    let mut text = String::with_capacity(size + 160);
    text.push('[');
    while text.len() + 2 < size {
        if text.len() > 1 {
            text.push(',');
        }
        let mut word = || random.pick(&WORDS).copied().unwrap_or_default();
        let (first, second, third) = (word(), word(), word());
        let (number, amount) = (random.below(1 << 40), random.below(1_000_000));
        text.push_str(&format!(
            "{{\"id\":{number},\"name\":\"{first} {second}\",\"place\":\"{third}\",\"weight\":{}.{:02},\"seen\":\"2026-03-{:02}T{:02}:{:02}:00Z\"}}",
            amount / 100,
            amount % 100,
            1 + random.below(28),
            random.below(24),
            random.below(60),
        ));
    }
    // Cut to the size, most likely inside a string, or filled up to it.
    text.truncate(size.saturating_sub(1).max(1));
    text.extend(std::iter::repeat_n(' ', size.saturating_sub(text.len() + 1)));
    text.push(']');
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_size_they_were_asked_for() {
        for size in [2, 3, 50, 5_000] {
            assert_eq!(json(size, &mut Random::new(3)).len(), size);
        }
    }

    #[test]
    fn a_short_digest_is_the_beginning_of_a_long_one() {
        assert_eq!(short_digest(&Sha256::digest(b"abc")), "ba7816bf8f01cfea");
    }
}
