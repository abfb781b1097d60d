//! Patterns with wildcards.
//!
//! Promises: work is at most in proportion to the lengths of the pattern and of the text multiplied, however many
//! stars there are; every pattern can be read.

/// A pattern: `*` stands for any characters, `?` for one, `[abc]`, `[a-z]` and `[!a]` for one of some or none of them;
/// `\` takes its meaning from what follows. Everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    One,
    Many,
    /// One of these ranges, or none of them.
    Class {
        ranges: Vec<(u8, u8)>,
        negated: bool,
    },
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = pattern.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            pieces.push(match (first, tail) {
                (b'*', _) if pieces.last() == Some(&Piece::Many) => continue,
                (b'*', _) => Piece::Many,
                (b'?', _) => Piece::One,
                (b'\\', [next, tail @ ..]) => {
                    rest = tail;
                    Piece::Byte(*next)
                }
                (b'[', _) => match class(tail) {
                    Some((class, tail)) => {
                        rest = tail;
                        class
                    }
                    None => Piece::Byte(b'['), // It is never closed.
                },
                _ => Piece::Byte(*first),
            });
        }
        Self { pieces }
    }

    /// Whether all of `text` is as the pattern says; in small and capital letters alike if `any_case`.
    pub(super) fn matches(&self, text: &[u8], any_case: bool) -> bool {
        let (mut rest, mut pieces) = (text, self.pieces.as_slice());
        // Where to go on if the way taken leads nowhere: the last star takes one byte more. Earlier stars need not be
        // tried again, since the last can take all that they could.
        let mut again: Option<(&[u8], &[Piece])> = None;
        loop {
            match (pieces, rest) {
                ([], []) => return true,
                ([Piece::Many, tail @ ..], _) => {
                    again = Some((rest, tail));
                    pieces = tail;
                }
                ([piece, tail @ ..], [byte, text @ ..]) if piece.matches(*byte, any_case) => {
                    // `?` stands for a character, not for a byte of it.
                    let more =
                        text.iter().take_while(|byte| !matches!(piece, Piece::Byte(_)) && is_inside(**byte));
                    rest = text.get(more.count()..).unwrap_or_default();
                    pieces = tail;
                }
                _ => match again {
                    Some(([_, text @ ..], tail)) => {
                        (rest, pieces) = (text, tail);
                        again = Some((text, tail));
                    }
                    _ => return false,
                },
            }
        }
    }
}

/// Whether a byte is not the first of its UTF-8 character.
const fn is_inside(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

impl Piece {
    fn matches(&self, byte: u8, any_case: bool) -> bool {
        let lower = byte.to_ascii_lowercase();
        match self {
            Self::Byte(wanted) if any_case => wanted.eq_ignore_ascii_case(&byte),
            Self::Byte(wanted) => *wanted == byte,
            Self::One => true,
            Self::Many => false,
            Self::Class { ranges, negated } => {
                let within = |byte| ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte));
                (within(byte) || any_case && (within(lower) || within(byte.to_ascii_uppercase()))) != *negated
            }
        }
    }
}

/// Reads `a-z]`: the class, and what is behind it. A `]` that comes first is one of the class.
fn class(bytes: &[u8]) -> Option<(Piece, &[u8])> {
    let (negated, mut rest) = match bytes {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        rest = match rest {
            [b']', rest @ ..] if !ranges.is_empty() => return Some((Piece::Class { ranges, negated }, rest)),
            [first, b'-', last, rest @ ..] if *last != b']' => {
                ranges.push((*first, *last));
                rest
            }
            [first, rest @ ..] => {
                ranges.push((*first, *first));
                rest
            }
            [] => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, yes, no) in [
            ("/api/*", &["/api/", "/api/v1/users", "/api//"][..], &["/api", "/apis/x", "x/api/"][..]),
            ("*.png", &["/a.png", ".png"], &["/a.png.txt", "png"]),
            ("/a/*/b*c", &["/a/x/bc", "/a/x/y/bcbc", "/a//bc"], &["/a/bc", "/a/x/b"]),
            ("/?", &["/a", "/é", "/*"], &["/", "/ab"]),
            ("/[a-cx]", &["/b", "/x"], &["/d", "/", "/bb"]),
            ("/[!a-c]", &["/d"], &["/a", "/"]),
            ("[]]", &["]"], &["[]]"]),
            ("/[a", &["/[a"], &["/a"]),
            (r"/\*\?\[", &["/*?["], &["/xyz"]),
            ("", &[""], &["/"]),
            ("*", &["", "/", "é\u{0}"], &[]),
            ("***a", &["a", "bba"], &["b"]),
        ] {
            let glob = Glob::new(pattern);
            for text in yes {
                assert!(glob.matches(text.as_bytes(), false), "{pattern} {text}");
            }
            for text in no {
                assert!(!glob.matches(text.as_bytes(), false), "{pattern} {text}");
            }
        }
        assert!(Glob::new("*.Example.[a-c]OM").matches(b"api.eXample.COM", true));
        assert!(!Glob::new("/A").matches(b"/a", false));
    }

    #[test]
    fn many_stars_take_no_longer_than_one() {
        // Tried one after the other, the ways to divide this text among the stars would outlast any test.
        let glob = Glob::new(&"*a".repeat(60));
        assert!(!glob.matches(&[b'a'; 20_000].iter().chain(b"b").copied().collect::<Vec<_>>(), false));
    }
}
