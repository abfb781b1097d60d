//! What a branch of a tree is called: a kind of text, the items of an array, or a text of its own.
//!
//! Keys have an order in which they are given up when there are too many, and it depends on nothing but their text:
//! kinds never, then words (by a hash), then other texts (by a hash). Whichever way observations come, the same keys
//! are kept.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// The name of a branch, in the order in which branches are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    class: Class,
    hash: u64,
    text: Box<str>,
}

/// What is kept first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// The items of an array.
    Items,
    /// Every text of a kind.
    Kind(Kind),
    /// A word, which is likely a name that people gave.
    Word,
    /// Another text, which is likely one of many.
    Other,
}

/// Texts longer than this are not told apart.
const LONGEST: usize = 128;

impl Key {
    /// The branch of the items of an array.
    pub(crate) fn items() -> Self {
        Self { class: Class::Items, hash: 0, text: "".into() }
    }

    /// The branch of every text of a kind.
    pub(crate) fn kind(kind: Kind) -> Self {
        Self { class: Class::Kind(kind), hash: 0, text: "".into() }
    }

    /// The branch of a path segment or a field name: by its kind where that tells that it is one of many.
    pub(crate) fn of(text: &str) -> Self {
        match Kind::of(text) {
            // The segment behind a slash at the end, and a field without a name: one of its kind.
            _ if text.is_empty() => Self::literal(text),
            // `/2.0/users`: a version, which names a place.
            Kind::Number if matches!(text.as_bytes(), [b'0'..=b'9', b'.', b'0'..=b'9']) => {
                Self::literal(text)
            }
            // A word in another alphabet is a word: places are called by it too.
            Kind::Text if text.chars().all(|letter| letter.is_alphabetic() || "-_".contains(letter)) => {
                Self::literal(text)
            }
            kind if kind.is_typed() => Self::kind(kind),
            _ => Self::literal(text),
        }
    }

    /// The branch of the field `name` of an object. Numbers with a point and words in other alphabets are names.
    pub(crate) fn field(name: &str) -> Self {
        match Kind::of(name) {
            Kind::Text | Kind::Number | Kind::Bytes if name.len() <= LONGEST => {
                Self { class: Class::Other, hash: hash(name), text: name.into() }
            }
            _ => Self::of(name),
        }
    }

    /// The branch of this text alone.
    pub(crate) fn literal(text: &str) -> Self {
        if text.len() > LONGEST {
            return Self::kind(Kind::Text);
        }
        let class = if Kind::of(text) == Kind::Word || text.is_empty() { Class::Word } else { Class::Other };
        Self { class, hash: hash(text), text: text.into() }
    }

    /// The text, where the branch is that of a text alone.
    pub(crate) fn text(&self) -> Option<&str> {
        matches!(self.class, Class::Word | Class::Other).then_some(&*self.text)
    }

    /// The hash of the text, where the branch is that of a text alone.
    pub(crate) const fn hash(&self) -> Option<u64> {
        if self.is_literal() { Some(self.hash) } else { None }
    }

    /// The kind, where the branch is that of a kind.
    pub(crate) const fn as_kind(&self) -> Option<Kind> {
        match self.class {
            Class::Kind(kind) => Some(kind),
            _ => None,
        }
    }

    /// Whether the branch is that of a text alone.
    pub(crate) const fn is_literal(&self) -> bool {
        matches!(self.class, Class::Word | Class::Other)
    }

    /// Whether it is a word.
    pub(crate) const fn is_word(&self) -> bool {
        matches!(self.class, Class::Word)
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let of = |key: &Self| (key.class, key.hash);
        of(self).cmp(&of(other)).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// In files: `=text`, `{kind}` or `[]`.
impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.class {
            Class::Items => serializer.serialize_str("[]"),
            Class::Kind(kind) => serializer.collect_str(&format_args!("{{{}}}", kind.name())),
            Class::Word | Class::Other => serializer.collect_str(&format_args!("={}", self.text)),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "[]" {
            return Ok(Self::items());
        }
        if let Some(text) = text.strip_prefix('=') {
            return Ok(Self::literal(text));
        }
        let name = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let kind = name.and_then(Kind::named);
        kind.map(Self::kind).ok_or_else(|| serde::de::Error::custom("a key that is not =text, {kind} or []"))
    }
}

/// FNV-1a with a last mix: stable for ever, because it decides what files hold. It is no secret, and so a peer can
/// choose which of its own names are kept; it cannot make more be kept.
pub(crate) fn hash(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let mixed =
        text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_before_words_and_words_before_the_rest() {
        let keys = [Key::items(), Key::of("42"), Key::of("users"), Key::of("great-egret-2041-b")];
        assert!(keys.is_sorted());
        assert_eq!(Key::of("42"), Key::of("43"));
        assert_ne!(Key::of("users"), Key::of("orders"));
        assert_eq!(Key::of(&"a".repeat(129)), Key::kind(Kind::Text));
    }

    #[test]
    fn a_key_in_a_file_is_the_key() {
        for key in [
            Key::items(),
            Key::of("42"),
            Key::of("users"),
            Key::field("{uuid}"),
            Key::field("a b"),
            Key::of(""),
        ] {
            let text = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), key, "{text}");
        }
        assert!(serde_json::from_str::<Key>("\"{egret}\"").is_err());
        assert!(serde_json::from_str::<Key>("\"users\"").is_err());
    }

    #[test]
    fn the_hash_is_the_one_in_files() {
        assert_eq!(hash("users"), 5_369_706_861_356_806_934);
    }
}
