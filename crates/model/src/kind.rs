//! What a piece of text looks like: an integer, a UUID, a date, a word, …
//!
//! Promises: a pure function of the text alone, so that it cannot matter in which order texts are seen; it takes one
//! pass over the text. Refuses: to guess from one text what only many can tell; that is inference.

use serde::{Deserialize, Serialize};

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Digits, with a minus sign or without.
    Integer,
    /// A decimal number with a point or an exponent.
    Number,
    /// `true` or `false`.
    Boolean,
    /// RFC 9562, in lower or upper case.
    Uuid,
    /// 26 characters of Crockford's base 32.
    Ulid,
    /// 24 hexadecimal digits, as MongoDB makes them.
    ObjectId,
    /// Hexadecimal digits in the length of a known digest (MD5 to SHA-512).
    Hash,
    /// `2026-11-05`.
    Date,
    /// RFC 3339, with or without a zone.
    DateTime,
    /// Something with an `@` and a domain behind it.
    Email,
    /// A URI with `://`.
    Uri,
    /// Four numbers with points.
    Ipv4,
    /// RFC 4291, with at least two colons.
    Ipv6,
    /// A version of semantic versioning: `1.2.3`.
    Version,
    /// What a JSON Web Token looks like.
    Token,
    /// Letters, with hyphens, underscores, points and up to two digits behind them: what names are made of.
    Word,
    /// Base 64 of at least 24 characters that is no word.
    Bytes,
    /// Letters and digits in turn, as a generator makes them: identifiers, and keys of well-known issuers.
    Random,
    /// A slug or identifier of letters and digits that is none of the above.
    Slug,
    /// Anything else: spaces, other alphabets, very long.
    Text,
}

/// Whether a text is of a kind.
type Test = fn(&str) -> bool;

/// What is longer is `Text` whatever it holds: nobody writes it as a name.
const LONGEST: usize = 256;

impl Kind {
    /// What `text` looks like.
    pub fn of(text: &str) -> Self {
        if text.is_empty() || text.len() > LONGEST && !looks_like_token(text) {
            return Self::Text;
        }
        let bytes = text.as_bytes();
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() <= 20 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // Who writes a nought in front means the digits: a postal code, the number of an account.
            let is_count = !digits.starts_with('0') || text == "0";
            return if is_count { Self::Integer } else { Self::Slug };
        }
        if matches!(text, "true" | "false") {
            return Self::Boolean;
        }
        if bytes.iter().all(u8::is_ascii_hexdigit) {
            let has_digit = bytes.iter().any(u8::is_ascii_digit);
            match bytes.len() {
                24 if has_digit => return Self::ObjectId,
                32 | 40 | 56 | 64 | 96 | 128 if has_digit => return Self::Hash,
                _ => {}
            }
        }
        let tests: [(Self, Test); 9] = [
            (Self::Uuid, is_uuid),
            (Self::Ulid, is_ulid),
            (Self::Date, is_date),
            (Self::DateTime, is_date_time),
            (Self::Ipv4, |text| text.parse::<std::net::Ipv4Addr>().is_ok()),
            (Self::Ipv6, |text| text.matches(':').count() >= 2 && text.parse::<std::net::Ipv6Addr>().is_ok()),
            (Self::Email, is_email),
            (Self::Uri, is_uri),
            (Self::Token, looks_like_token),
        ];
        if let Some((kind, _)) = tests.iter().find(|(_, test)| test(text)) {
            return *kind;
        }
        if is_version(text) {
            return Self::Version;
        }
        if is_number(text) {
            return Self::Number;
        }
        if egret_http::looks_secret(bytes) {
            return Self::Random;
        }
        if is_word(text) {
            return Self::Word;
        }
        if is_base64(text) {
            return Self::Bytes;
        }
        if is_random(text) {
            return Self::Random;
        }
        let slug = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~:@+,=$!*'();".contains(byte);
        if bytes.len() <= 128 && bytes.iter().all(slug) { Self::Slug } else { Self::Text }
    }

    /// Whether a path segment or a key of this kind is one of many by its looks alone, so that the values need not be
    /// told apart.
    pub(crate) const fn is_typed(self) -> bool {
        !matches!(self, Self::Boolean | Self::Word | Self::Slug | Self::Version)
    }

    /// The `format` of OpenAPI for texts of this kind, where there is one.
    pub(crate) const fn format(self) -> Option<&'static str> {
        Some(match self {
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Bytes => "byte",
            _ => return None,
        })
    }

    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Uuid => "uuid",
            Self::Ulid => "ulid",
            Self::ObjectId => "object-id",
            Self::Hash => "hash",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Version => "version",
            Self::Token => "token",
            Self::Word => "word",
            Self::Bytes => "bytes",
            Self::Random => "random",
            Self::Slug => "slug",
            Self::Text => "text",
        }
    }

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        const ALL: [Kind; 20] = [
            Kind::Integer,
            Kind::Number,
            Kind::Boolean,
            Kind::Uuid,
            Kind::Ulid,
            Kind::ObjectId,
            Kind::Hash,
            Kind::Date,
            Kind::DateTime,
            Kind::Email,
            Kind::Uri,
            Kind::Ipv4,
            Kind::Ipv6,
            Kind::Version,
            Kind::Token,
            Kind::Word,
            Kind::Bytes,
            Kind::Random,
            Kind::Slug,
            Kind::Text,
        ];
        ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whether each character of `text` is what the pattern says: `x` a hexadecimal digit, `9` a digit, else itself.
fn fits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'x' => byte.is_ascii_hexdigit(),
            b'9' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

fn is_uuid(text: &str) -> bool {
    fits(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().next().is_some_and(|first| (b'0'..=b'7').contains(&first))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"ILOU".contains(&byte))
}

fn is_date(text: &str) -> bool {
    let within = |range: std::ops::Range<usize>, most: u8| {
        text.get(range)
            .and_then(|part| part.parse::<u8>().ok())
            .is_some_and(|part| (1..=most).contains(&part))
    };
    fits(text, "9999-99-99") && within(5..7, 12) && within(8..10, 31)
}

fn is_date_time(text: &str) -> bool {
    let (Some(date), Some(separator), Some(time), Some(rest)) =
        (text.get(..10), text.get(10..11), text.get(11..19), text.get(19..))
    else {
        return false;
    };
    let zone = |zone: &str| matches!(zone, "" | "Z" | "z") || fits(zone, "+99:99") || fits(zone, "-99:99");
    let fraction = rest.strip_prefix(['.', ',']).map_or(Some(rest), |fraction| {
        let behind = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        (behind.len() < fraction.len()).then_some(behind)
    });
    is_date(date)
        && matches!(separator, "T" | "t" | " ")
        && fits(time, "99:99:99")
        && fraction.is_some_and(zone)
}

fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let local = |byte: u8| byte.is_ascii_graphic() && !b"/:@<>()[]\\,;\"".contains(&byte);
    !name.is_empty()
        && name.bytes().all(local)
        && domain.bytes().all(host)
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty())
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_graphic())
}

fn looks_like_token(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.starts_with("eyJ")
        && text.split('.').count() == 3
        && text.split('.').take(2).all(|part| part.len() >= 4)
        && text.split('.').all(|part| part.bytes().all(letter))
}

fn is_version(text: &str) -> bool {
    let parts = || text.split('.');
    parts().count() == 3
        && parts().all(|part| (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_number(text: &str) -> bool {
    let shape = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.len() <= 32
        && text.bytes().all(shape)
        && text.bytes().next().is_some_and(|first| first.is_ascii_digit() || first == b'-')
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_word(text: &str) -> bool {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    text.len() <= 40
        && text.len() - letters.len() <= 2
        && letters.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
        && letters.bytes().filter(|byte| b"-.".contains(byte)).count() <= 3
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len() >= 24
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        && body.bytes().any(|byte| byte.is_ascii_uppercase())
        && body.bytes().any(|byte| byte.is_ascii_lowercase())
        && body.bytes().any(|byte| byte.is_ascii_digit())
}

/// How often letters and digits take turns in what nobody made up: `wh1000xm4` does three times.
const TURNS: usize = 4;

fn is_random(text: &str) -> bool {
    let apart = |byte: &u8| !byte.is_ascii_alphanumeric();
    let turns = |run: &[u8]| {
        run.windows(2)
            .filter(|pair| matches!(pair, [one, next] if one.is_ascii_digit() != next.is_ascii_digit()))
            .count()
    };
    (10..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:~".contains(&byte))
        && text.as_bytes().split(apart).any(|run| turns(run) >= TURNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_look_like() {
        for (text, kind) in [
            ("42", Kind::Integer),
            ("-7", Kind::Integer),
            ("0", Kind::Integer),
            ("00", Kind::Slug),
            ("-0", Kind::Slug),
            ("01067", Kind::Slug),
            ("123456789012345678901", Kind::Number),
            ("1.5", Kind::Number),
            ("-1e9", Kind::Number),
            ("1.2.3", Kind::Version),
            ("true", Kind::Boolean),
            ("0189a6f0-4d1c-7b52-8f3a-000000000001", Kind::Uuid),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind::Ulid),
            ("507f1f77bcf86cd799439011", Kind::ObjectId),
            ("d41d8cd98f00b204e9800998ecf8427e", Kind::Hash),
            ("2026-11-05", Kind::Date),
            ("2026-13-05", Kind::Slug),
            ("2026-11-05T08:00:00Z", Kind::DateTime),
            ("2026-11-05T08:00:00.123456+02:00", Kind::DateTime),
            ("2026-11-05 08:00:00", Kind::DateTime),
            ("2026-11-05T08:00:00.Z", Kind::Slug),
            ("heron@example.com", Kind::Email),
            ("heron@example", Kind::Slug),
            ("https://example.com/a?b", Kind::Uri),
            ("10.0.0.1", Kind::Ipv4),
            ("2001:db8::1", Kind::Ipv6),
            ("users", Kind::Word),
            ("v1", Kind::Word),
            ("openapi.json", Kind::Word),
            ("_search", Kind::Word),
            ("order-items", Kind::Word),
            ("great-egret-2041", Kind::Slug),
            ("a-very-long-title-of-a-post", Kind::Slug),
            ("aGVyb24gYW5kIGVncmV0IDE=", Kind::Bytes),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Kind::Token),
            ("cus_9s6XKzkNRiz8i3", Kind::Random),
            ("dQw4w9WgXcQ", Kind::Random),
            ("sk-abcdefghijklmnopqrstuvwx", Kind::Random),
            ("sony-wh1000xm4", Kind::Slug),
            ("a1b2c3d4e", Kind::Slug),
            ("2026-w45-d4-h08-m15", Kind::Slug),
            ("great egret", Kind::Text),
            ("aigrette é", Kind::Text),
            ("", Kind::Text),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::of(&"9".repeat(300)), Kind::Text);
    }
}
