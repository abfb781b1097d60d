//! Numbers as text, put together on the stack and handed on in one piece: there are a dozen in each line, and the
//! general machinery of formatting takes longer for each than for the line's words.

use std::fmt;

/// Text of at most `N` digits, signs and ASCII letters. There is room for all of it: what does not fit is left out (of a number, all of it).
pub(crate) struct Ascii<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Ascii<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.put(text.as_bytes())
    }

    /// A number, with zeros in front up to `width` digits.
    pub(crate) fn number(&mut self, number: u64, width: usize) -> &mut Self {
        let length = digits(number).max(width);
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let room = room.get_mut(..length).unwrap_or_default();
        self.length += room.len();
        let (mut rest, (single, pairs)) = (number, room.as_rchunks_mut::<2>());
        // Half as many divisions, which are most of the work.
        for pair in pairs.iter_mut().rev() {
            let two = (rest % 100) as u8;
            *pair = [b'0' + two / 10, b'0' + two % 10];
            rest /= 100;
        }
        for slot in single {
            *slot = b'0' + (rest % 10) as u8;
        }
        self
    }

    /// `number / unit`, rounded to so many decimals.
    pub(crate) fn decimal(&mut self, number: u64, unit: u64, places: u32) -> &mut Self {
        let factor = 10_u64.pow(places);
        let scaled = number.saturating_mul(factor).saturating_add(unit / 2) / unit;
        self.number(scaled / factor, 1).text(".").number(scaled % factor, places as usize)
    }

    /// The text so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn put(&mut self, ascii: &[u8]) -> &mut Self {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let length = room.len().min(ascii.len());
        for (slot, byte) in room.iter_mut().zip(ascii) {
            *slot = *byte;
        }
        self.length += length;
        self
    }
}

impl<const N: usize> fmt::Display for Ascii<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

/// How many digits a number has. Most are small.
#[inline]
const fn digits(number: u64) -> usize {
    match number {
        0..10 => 1,
        10..100 => 2,
        100..1_000 => 3,
        1_000..10_000 => 4,
        10_000..100_000 => 5,
        _ => number.ilog10() as usize + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_others_write_them() {
        for number in [0, 7, 10, 65_535, 1_000_000_007, u64::MAX] {
            assert_eq!(Ascii::<20>::new().number(number, 1).to_string(), number.to_string());
            assert_eq!(Ascii::<20>::new().number(number, 6).to_string(), format!("{number:06}"));
        }
        assert_eq!(Ascii::<9>::new().decimal(12_345, 1_000, 1).text(" kB").to_string(), "12.3 kB");
        assert_eq!(Ascii::<9>::new().decimal(999_999, 1_000, 1).to_string(), "1000.0");
        assert_eq!(Ascii::<9>::new().decimal(5, 1_000, 3).to_string(), "0.005");
        assert_eq!(Ascii::<3>::new().text("four").to_string(), "fou");
        assert_eq!(Ascii::<3>::new().number(12_345, 1).to_string(), "");
    }
}
