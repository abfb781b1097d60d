//! The clock of a pcapng interface: what one unit of its time stamps is, and what they count from.
//!
//! Promises: every resolution and offset a file can name, without overflow; what does not fit a [`Timestamp`] is moved
//! to its nearest end. pcap-parser's own conversion gives up on powers of two and wraps.

use crate::Timestamp;

/// How to turn units into nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    scale: Scale,
    offset_nanos: i64,
}

#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Nanoseconds in a unit.
    Multiply(u64),
    /// Units in a nanosecond; a unit so small that 64 bits of them are no nanosecond has `u64::MAX`.
    Divide(u64),
    /// The unit is a second divided by two, that many times.
    Halve(u32),
}

impl Default for Clock {
    /// Microseconds since 1970: what a file means that says nothing.
    fn default() -> Self {
        Self { scale: Scale::Multiply(1_000), offset_nanos: 0 }
    }
}

impl Clock {
    /// Takes the value of `if_tsresol`: a negative power of 10, or of 2 if the highest bit is set.
    pub(crate) fn set_resolution(&mut self, value: u8) {
        let power = u32::from(value & 0x7f);
        self.scale = match (value & 0x80 != 0, power) {
            (true, _) => Scale::Halve(power),
            (false, 0..=9) => Scale::Multiply(10_u64.pow(9 - power)),
            (false, _) => Scale::Divide(10_u64.checked_pow(power - 9).unwrap_or(u64::MAX)),
        };
    }

    /// Takes the value of `if_tsoffset`: seconds to add to every time stamp.
    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset_nanos = seconds.saturating_mul(1_000_000_000);
    }

    /// The time of a stamp in units.
    #[inline]
    pub(crate) fn timestamp(self, units: u64) -> Timestamp {
        let nanos = match self.scale {
            Scale::Multiply(factor) => u128::from(units) * u128::from(factor),
            Scale::Divide(divisor) => u128::from(units / divisor),
            Scale::Halve(power) => (u128::from(units) * 1_000_000_000) >> power,
        };
        // At most 2^64 * 10^9 < 2^94: the sum cannot overflow either.
        let nanos = nanos as i128 + i128::from(self.offset_nanos);
        let clamped = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Timestamp::from_nanos(clamped as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(resolution: u8, offset: i64, units: u64) -> i64 {
        let mut clock = Clock::default();
        clock.set_resolution(resolution);
        clock.set_offset(offset);
        clock.timestamp(units).nanos()
    }

    #[test]
    fn a_unit_is_what_the_resolution_says() {
        assert_eq!(Clock::default().timestamp(7).nanos(), 7_000);
        assert_eq!(nanos(0, 0, 2), 2_000_000_000);
        assert_eq!(nanos(6, 0, 2), 2_000);
        assert_eq!(nanos(9, 0, 2), 2);
        assert_eq!(nanos(12, 0, 2_999), 2);
        assert_eq!(nanos(0x80, 0, 3), 3_000_000_000);
        assert_eq!(nanos(0x80 | 1, 0, 3), 1_500_000_000);
        assert_eq!(nanos(0x80 | 30, 0, 1 << 31), 2_000_000_000);
    }

    #[test]
    fn the_offset_is_in_seconds_and_may_be_negative() {
        assert_eq!(nanos(9, 2, 1), 2_000_000_001);
        assert_eq!(nanos(9, -2, 1), -1_999_999_999);
    }

    #[test]
    fn no_value_overflows() {
        for resolution in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, 1, i64::MAX] {
                for units in [0, 1, u64::MAX] {
                    let _ = nanos(resolution, offset, units);
                }
            }
        }
        assert_eq!(nanos(0, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!(nanos(28, i64::MIN, u64::MAX), i64::MIN + 1);
    }
}
