//! What is done to captures: to their packets, and to the bytes of their files. Promises: the same for the same numbers.

use egret_http::{LinkType, Packet, Timestamp};

/// Numbers that look random, told apart by their seed: SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(u64);

impl Random {
    /// For one case of a seed.
    pub fn new(seed: u64, case: u64) -> Self {
        let mut random = Self(seed);
        random.0 = random.number() ^ case;
        random
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.number()) * limit as u128) >> 64) as usize
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some things.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// A range of something that long, most often a short one.
    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = *self.pick(&[1, 4, 40, len]);
        start..len.min(start + self.below(longest + 1))
    }
}

/// A packet that owns its bytes. Its number is its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub timestamp: Timestamp,
    pub link_type: LinkType,
    pub interface: u32,
    pub data: Vec<u8>,
    pub wire_len: u32,
}

impl Frame {
    pub fn new(packet: &Packet<'_>) -> Self {
        let Packet { timestamp, link_type, interface, data, wire_len, .. } = *packet;
        Self { timestamp, link_type, interface, data: data.to_vec(), wire_len }
    }

    pub fn packet(&self, number: u64) -> Packet<'_> {
        let Self { timestamp, link_type, interface, data, wire_len } = self;
        let (timestamp, link_type, interface) = (*timestamp, *link_type, *interface);
        Packet { number, timestamp, link_type, interface, data, wire_len: *wire_len }
    }

    /// Other bytes, all of which were captured.
    fn replace(&mut self, data: Vec<u8>) {
        self.wire_len = data.len() as u32;
        self.data = data;
    }
}

/// Does something to some packets; `other` is where those come from that are put in.
pub fn packets(frames: &mut Vec<Frame>, other: &[Frame], random: &mut Random) {
    for _ in 0..=random.below(8) {
        let count = frames.len();
        if count == 0 {
            return;
        }
        let (one, two) = (random.below(count), random.below(count));
        match random.below(10) {
            0 | 1 => flip(&mut frames[one].data, random),
            // As a snap length cuts, or as if there had been no more.
            2 => {
                let left = random.below(frames[one].data.len() + 1);
                frames[one].data.truncate(left);
                if random.once_in(2) {
                    frames[one].wire_len = left as u32;
                }
            }
            3 => drop(frames.remove(one)),
            4 => drop(frames.drain(random.range(count))),
            // At the time of the packet in whose place it comes, or with its own.
            5 => {
                let timestamp = frames[if random.once_in(4) { one } else { two }].timestamp;
                frames.insert(two, Frame { timestamp, ..frames[one].clone() });
            }
            // As the network reorders, and as a capture does.
            6 => {
                let near = (one + 1 + random.below(4)).min(count - 1);
                let times = [frames[one].timestamp, frames[near].timestamp];
                frames.swap(one, near);
                if !random.once_in(4) {
                    [frames[one].timestamp, frames[near].timestamp] = times;
                }
            }
            7 => {
                let (head, tail) = (frames[one].data.clone(), &frames[two].data);
                let mut data = head[..random.below(head.len() + 1)].to_vec();
                data.extend(&tail[random.below(tail.len() + 1)..]);
                frames[one].replace(data);
            }
            // Of another capture, a packet or some.
            8 => {
                let timestamp = frames[one].timestamp;
                let strange = other[random.range(other.len())].iter().take(40);
                let strange: Vec<Frame> = strange.map(|frame| Frame { timestamp, ..frame.clone() }).collect();
                frames.splice(one..one, strange);
            }
            // Time that jumps, by a microsecond to three centuries, for one packet or all behind it.
            _ => {
                let jump = 1_000_i64 << random.below(53);
                let jump = if random.once_in(2) { jump } else { -jump };
                let end = if random.once_in(2) { one + 1 } else { count };
                for frame in &mut frames[one..end] {
                    frame.timestamp = Timestamp::from_nanos(frame.timestamp.nanos().saturating_add(jump));
                }
            }
        }
    }
}

/// Does something to some bytes of a file; `other` is where those come from that are put in.
pub fn bytes(file: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let range = random.range(file.len());
        let place = random.below(file.len() + 1);
        match random.below(8) {
            0 | 1 => flip(file, random),
            // Headers are short and at the beginning.
            2 => {
                let header = file.len().min(200);
                flip(&mut file[..header], random);
            }
            3 => file.truncate(place),
            4 => drop(file.drain(range)),
            5 => {
                let again = file[range].to_vec();
                drop(file.splice(place..place, again));
            }
            6 => {
                let moved: Vec<u8> = file.drain(range).collect();
                let place = place.min(file.len());
                drop(file.splice(place..place, moved));
            }
            _ => drop(file.splice(range, other[random.range(other.len())].iter().copied())),
        }
    }
}

/// One bit, or a byte that is a limit of something.
fn flip(bytes: &mut [u8], random: &mut Random) {
    let place = random.below(bytes.len());
    let Some(byte) = bytes.get_mut(place) else { return };
    *byte = if random.once_in(2) {
        *byte ^ (1 << random.below(8))
    } else {
        *random.pick(&[
            0,
            1,
            0x7f,
            0x80,
            0xff,
            b'\n',
            b'\r',
            b' ',
            byte.wrapping_add(1),
            byte.wrapping_sub(1),
        ])
    };
}
