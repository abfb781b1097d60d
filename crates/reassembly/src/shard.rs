//! One of several equal parts of the connections, so that several threads, processes or machines each do their own.
//!
//! Promises: which part a connection is in depends on its flow alone ([`Flow::shard`]); the parts of a whole have nothing
//! in common and leave nothing out, also parts of parts.

use std::fmt;
use std::str::FromStr;

use egret_decode::Flow;

/// Part I of N of the connections, counted from 0.
///
/// Written as `I/N`: `0/2` and `1/2` are the two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// All of the connections.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The most parts there may be of the whole. Each of them may be divided again, by as much.
    pub const MOST: u32 = u16::MAX as u32;

    /// Part `index` of `of`; `None` if there is no such part, or more than [`MOST`](Self::MOST).
    pub const fn new(index: u32, of: u32) -> Option<Self> {
        if index < of && of <= Self::MOST { Some(Self { index, of }) } else { None }
    }

    /// Part `index` of `of` of this part; `None` if there is no such part, or their number would be too large.
    ///
    /// ```
    /// use egret_reassembly::Shard;
    ///
    /// let half = Shard::new(1, 2).unwrap();
    /// let parts = [0, 1, 2].map(|thread| half.part(thread, 3).unwrap().to_string());
    /// assert_eq!(parts, ["1/6", "3/6", "5/6"]);
    /// ```
    pub const fn part(self, index: u32, of: u32) -> Option<Self> {
        // What leaves `self.index` modulo `self.of` leaves this modulo the product, or another of the same kind. A hash
        // modulo `of` alone would not do: where `of` divides `self.of`, all of this part would be in one of its parts.
        match self.of.checked_mul(of) {
            Some(all) if index < of => Some(Self { index: self.index + self.of * index, of: all }),
            _ => None,
        }
    }

    /// Whether a flow is in this part. What has no flow is in the first.
    pub fn has(self, flow: Option<&Flow>) -> bool {
        self.of == 1 || flow.map_or(0, |flow| flow.shard(self.of)) == self.index
    }

    /// Which part it is, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    pub const fn of(self) -> u32 {
        self.of
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// What is no part of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadShard;

impl fmt::Display for BadShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = Shard::MOST;
        write!(
            f,
            "not a part: give I/N, where I counts from 0 to N - 1 (0/2 and 1/2 are halves) and N is at most {most}"
        )
    }
}

impl std::error::Error for BadShard {}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let (index, of) = text.split_once('/').ok_or(BadShard)?;
        index.parse().ok().zip(of.parse().ok()).and_then(|(index, of)| Self::new(index, of)).ok_or(BadShard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egret_decode::{Endpoint, Path};

    fn flow(port: u16) -> Flow {
        let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
        Flow { source: end(1, port), destination: end(2, 80), path: Path::EMPTY }
    }

    #[test]
    fn every_flow_is_in_one_part_and_in_one_part_of_that() {
        for of in [1, 2, 3, 7, 8] {
            for port in 0..2_000 {
                let within = |whole: Shard, of| {
                    let parts: Vec<_> = (0..of).filter_map(|index| whole.part(index, of)).collect();
                    parts.into_iter().filter(|part| part.has(Some(&flow(port)))).collect::<Vec<_>>()
                };
                let [part] = within(Shard::WHOLE, of)[..] else { panic!("not in one part of {of}") };
                assert!(part.has(Some(&flow(port).reversed())));
                let [_] = within(part, 3)[..] else { panic!("not in one part of {part}") };
            }
        }
        assert!(Shard::WHOLE.has(None) && Shard::new(0, 2).is_some_and(|first| first.has(None)));
        assert!(!Shard::new(1, 2).is_some_and(|second| second.has(None)));
    }

    #[test]
    fn the_parts_are_about_as_large_as_each_other() {
        for of in [2, 3, 5, 8, 12, 16] {
            for index in 0..of {
                let part = Shard::new(index, of).unwrap();
                let count = (0..20_000).filter(|port| part.has(Some(&flow(*port)))).count() as u32;
                assert!((20_000 / of * 9 / 10..=20_000 / of * 11 / 10).contains(&count), "{part}: {count}");
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let part = Shard::new(3, 7).unwrap();
        assert_eq!(part.to_string().parse(), Ok(part));
        for wrong in ["", "/", "1", "2/2", "0/0", "-1/2", "1/2/3", "0/65536", "a/b"] {
            assert_eq!(wrong.parse::<Shard>(), Err(BadShard), "{wrong}");
        }
    }
}
