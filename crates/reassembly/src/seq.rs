//! Sequence numbers become 64-bit offsets here, and nowhere else.
//!
//! Promises: right for streams of any length and any initial sequence number, as long as a number is within 2^31 of
//! the place it is compared with (RFC 9293 §3.4). Nothing behind this door knows that sequence numbers wrap.

/// How one direction's sequence numbers map to offsets: `base` is the number of the byte at offset 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbering {
    base: u32,
}

impl Numbering {
    /// The numbering in which `seq` is offset 0.
    pub(crate) const fn starting_at(seq: u32) -> Self {
        Self { base: seq }
    }

    /// The offset of `seq`, taken to be within 2^31 of the offset `near`. Negative: in front of the stream.
    pub(crate) const fn offset(self, near: u64, seq: u32) -> i64 {
        (near as i64).wrapping_add(distance(self.seq(near), seq))
    }

    /// The sequence number at an offset.
    pub(crate) const fn seq(self, offset: u64) -> u32 {
        self.base.wrapping_add(offset as u32)
    }
}

/// How far `to` is ahead of `from`; negative when it is behind.
pub(crate) const fn distance(from: u32, to: u32) -> i64 {
    to.wrapping_sub(from) as i32 as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wrap_is_one_step() {
        let numbering = Numbering::starting_at(u32::MAX);
        assert_eq!(numbering.offset(0, u32::MAX), 0);
        assert_eq!(numbering.offset(0, 0), 1);
        assert_eq!(numbering.offset(0, u32::MAX - 1), -1);
        assert_eq!(numbering.offset(5_000_000_000, 5_000_000_000_u64.wrapping_sub(2) as u32), 4_999_999_999);
    }

    proptest! {
        #[test]
        fn an_offset_is_found_again_from_anywhere_near(base: u32, near in 0_u64..1 << 60, step in -(1_i64 << 31)..1_i64 << 31) {
            let numbering = Numbering::starting_at(base);
            let place = near as i64 + step;
            prop_assert_eq!(numbering.offset(near, base.wrapping_add(place as u32)), place);
            if place >= 0 {
                prop_assert_eq!(numbering.seq(place as u64), base.wrapping_add(place as u32));
            }
        }
    }
}
