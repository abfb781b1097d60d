//! Comparing two versions of the same bytes.

use std::ops::Range;

use super::account::LOOKED_AT;
use super::ours::Side;

/// Where the gaps are in the delivered bytes, in which they take no room.
pub(super) fn holes(side: &Side) -> impl Iterator<Item = usize> {
    side.gaps.iter().scan(0, |missing, (offset, len, _)| {
        let at = offset.saturating_sub(*missing);
        *missing += len;
        usize::try_from(at).ok()
    })
}

/// `mine` with zeros in its gaps, and whether there were any. What is missing at the very end, behind `enough` bytes,
/// is left out: nothing lies behind it that would make a program seek there.
pub(super) fn filled(mine: &[u8], side: &Side, enough: usize) -> Option<(Vec<u8>, bool)> {
    let mut filled = Vec::new();
    let (mut done, mut filling) = (0, false);
    for (hole, (_, len, _)) in holes(side).zip(&side.gaps) {
        filled.extend_from_slice(mine.get(done..hole)?);
        done = hole;
        if done == mine.len() && filled.len() >= enough {
            break;
        }
        let room = LOOKED_AT.checked_sub(filled.len() as u64)?;
        let end = filled.len() + usize::try_from(*len).ok().filter(|_| *len <= room)?;
        filled.resize(end, 0);
        filling = true;
    }
    filled.extend_from_slice(mine.get(done..)?);
    Some((filled, filling))
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether leaving out bytes of `long` gives `short`.
pub(super) fn is_within(short: &[u8], long: &[u8]) -> bool {
    let mut long = long.iter();
    short.iter().all(|byte| long.any(|candidate| candidate == byte))
}

/// How many bytes differ, of two directions that are equally long.
pub(super) fn replaced(mine: &[u8], theirs: &[u8]) -> usize {
    if mine.len() != theirs.len() {
        return usize::MAX;
    }
    mine.iter().zip(theirs).filter(|(mine, theirs)| mine != theirs).count()
}

/// The ranges where `long` has something else than `short`, or more.
pub(super) fn differences(short: &[u8], long: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in long.iter().enumerate().filter(|(at, byte)| short.get(*at) != Some(*byte)) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_out_and_replacing() {
        assert!(is_within(b"ace", b"abcde") && is_within(b"", b"") && is_within(b"", b"a"));
        assert!(!is_within(b"ca", b"abcde") && !is_within(b"aa", b"a"));
        assert_eq!(replaced(b"abcd", b"aXcY"), 2);
        assert_eq!(replaced(b"abcd", b"abc"), usize::MAX);
    }

    #[test]
    fn differences_are_ranges_of_the_longer_one() {
        assert_eq!(differences(b"abcdef", b"aXYdeZ"), [1..3, 5..6]);
        assert_eq!(differences(b"ab", b"Xbcd"), [0..1, 2..4]);
        assert_eq!(differences(b"ab", b"ab"), []);
    }
}
