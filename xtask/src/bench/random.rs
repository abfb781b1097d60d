//! Numbers that look random and are the same on every machine: SplitMix64 (Steele, Lea, Flood 2014), and what the
//! workloads draw from it.
//!
//! Promises: whole numbers only, so that no mathematical library can make two machines' captures differ.

/// A source of numbers, told apart by its seed.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`; 0 if that is 0.
    pub(super) const fn below(&mut self, limit: u64) -> u64 {
        ((self.number() as u128 * limit as u128) >> 64) as u64
    }

    /// True that many times in ten thousand.
    pub(super) const fn chance(&mut self, rate: u32) -> bool {
        rate > 0 && self.below(10_000) < rate as u64
    }

    /// One of some things.
    pub(super) fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        things.get(self.below(things.len() as u64) as usize)
    }

    /// A size: half of them are below `middle`, most within a factor of four, some sixty times as large.
    pub(super) fn size(&mut self, middle: u64) -> u64 {
        /// The fourth root of two, to the powers 0 to 3, in thousandths.
        const STEPS: [u64; 4] = [1000, 1189, 1414, 1682];
        // Four dice with 13 sides each: 0 to 48 quarters of a doubling, mostly near 24.
        let quarters: u64 = (0..4).map(|_| self.below(13)).sum();
        let step = STEPS.get(quarters as usize % 4).copied().unwrap_or(1000);
        let size = ((middle * step / 1000) << (quarters / 4)) >> 6;
        size + self.below(size / 8 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        let mut random = Random::new(1);
        assert_eq!(random.number(), 0x910a_2dec_8902_5cc1);
        assert_eq!((0..5).map(|_| random.below(100)).collect::<Vec<_>>(), [74, 97, 44, 44, 76]);
    }

    #[test]
    fn sizes_lie_around_their_middle() {
        let mut random = Random::new(7);
        let mut sizes: Vec<u64> = (0..10_000).map(|_| random.size(1 << 11)).collect();
        sizes.sort_unstable();
        assert!((1_500..3_000).contains(&sizes[5_000]), "{}", sizes[5_000]);
        assert!(sizes[9_999] > 30_000 && sizes[0] < 256);
    }
}
