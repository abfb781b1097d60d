//! What a request's target names: an authority, a path of segments, a query of pairs.

use std::borrow::Cow;

/// Segments of a path that are told apart; those beyond are as if they were not there.
const SEGMENTS: usize = 16;

/// Pairs of one query that are looked at.
const PAIRS: usize = 1_000;

/// A target, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Of an absolute target, in lower case.
    pub(crate) authority: Option<String>,
    /// Decoded; the empty one behind a slash at the end is among them, the one before the first slash is not.
    pub(crate) segments: Vec<String>,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Whether the path had more segments than are told apart.
    pub(crate) cut: bool,
}

impl Target {
    /// Takes a target apart; `None` for `*` and for one that names no path.
    pub(crate) fn new(target: &str) -> Option<Self> {
        let (authority, rest) = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority.to_ascii_lowercase()), if path.is_empty() { "/" } else { path })
            }
            _ => (None, target),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix('/')?;
        let mut segments = path.split('/').map(|segment| decoded(segment, false).into_owned());
        let known: Vec<_> = segments.by_ref().take(SEGMENTS).collect();
        let cut = segments.next().is_some();
        // The root has no segment, not an empty one.
        let known = if path.is_empty() { Vec::new() } else { known };
        Some(Self { authority, segments: known, query: pairs(query), cut })
    }
}

/// The pairs of a query or a form (`application/x-www-form-urlencoded`), decoded.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(PAIRS);
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true).into_owned(), decoded(value, true).into_owned())
        })
        .collect()
}

/// Percent-decoded (RFC 3986 §2.1); what is not UTF-8 then has replacement characters.
pub(crate) fn decoded(text: &str, plus: bool) -> Cow<'_, str> {
    if !(text.contains('%') || plus && text.contains('+')) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, behind.split_first_chunk::<2>()) {
            (b'%', Some(([high, low], behind))) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = behind;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) if plus => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart() {
        let target = Target::new("/users/4%322/?q=a+b&flag#x").unwrap();
        assert_eq!(target.segments, ["users", "422", ""]);
        assert_eq!(target.query, [("q".into(), "a b".into()), ("flag".into(), String::new())]);
        let target = Target::new("http://Example.com:8080/?x=/").unwrap();
        assert_eq!(target.authority.as_deref(), Some("example.com:8080"));
        assert_eq!(Target::new("/").unwrap().segments, [""; 0]);
        assert_eq!(Target::new("*"), None);
        assert_eq!(Target::new("example.com:443"), None);
        assert!(Target::new(&"/a".repeat(17)).unwrap().cut);
        assert_eq!(decoded("%zz%4", false), "%zz%4");
        assert_eq!(decoded("%ff", false), "\u{fffd}");
    }
}
