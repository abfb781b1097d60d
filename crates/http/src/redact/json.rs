//! JSON (RFC 8259), copied with other values in the place of secrets.
//!
//! Promises: what is not JSON to the letter gives nothing at all; everything that is no secret comes out byte by byte
//! as it was, repeated names included; work is linear, and nesting is limited. Several documents in a row (as in
//! `application/x-ndjson`) are JSON too.

use std::borrow::Cow;
use std::fmt::Write;

use super::Redactor;
use super::names::is_secret;

/// The deepest nesting that is followed.
const DEEPEST: usize = 128;

impl Redactor {
    /// The same JSON without its secrets; `None` if it is no JSON. `depth` is how often JSON may be in a string of it.
    pub(super) fn json(&self, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        let out = String::with_capacity(text.len() + text.len() / 4);
        let copy =
            Copy { redactor: self, depth, rest: text, out, open: Vec::new(), secret: false, within: None };
        copy.run().map(String::into_bytes)
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// The first value of a list, or its end.
    First,
    Name,
    /// The first name of an object, or its end.
    FirstName,
    Colon,
    /// A comma, or the end of the list or object.
    Comma,
}

struct Copy<'a, 'r> {
    redactor: &'r Redactor,
    depth: usize,
    rest: &'a str,
    out: String,
    /// The brackets that close what is open.
    open: Vec<char>,
    /// Whether the last name was that of a secret.
    secret: bool,
    /// A list or object that is a secret as a whole: how deep it is, where it begins in the output, and in the text.
    within: Option<(usize, usize, &'a str)>,
}

impl<'a> Copy<'a, '_> {
    fn run(mut self) -> Option<String> {
        let (mut next, mut any) = (Next::Value, false);
        loop {
            let space = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.copy(space)?;
            let Some(first) = self.rest.chars().next() else {
                return (any && self.open.is_empty()).then_some(self.out);
            };
            any = true;
            next = match (next, first) {
                (Next::Value | Next::First, '{' | '[') => self.begin(first)?,
                (Next::Value | Next::First, '"') => self.string()?,
                (Next::First, ']') | (Next::FirstName, '}') => self.end(first)?,
                (Next::Comma, ']' | '}') => self.end(first)?,
                (Next::Value | Next::First, _) => self.word()?,
                (Next::Name | Next::FirstName, '"') => self.name()?,
                (Next::Colon, ':') => {
                    self.copy(1)?;
                    Next::Value
                }
                (Next::Comma, ',') => {
                    self.copy(1)?;
                    if self.open.last() == Some(&'}') { Next::Name } else { Next::Value }
                }
                _ => return None,
            };
        }
    }

    /// What comes behind a value.
    fn behind(&mut self) -> Next {
        self.secret = false;
        if self.open.is_empty() { Next::Value } else { Next::Comma }
    }

    fn begin(&mut self, bracket: char) -> Option<Next> {
        if self.open.len() >= DEEPEST {
            return None;
        }
        if self.secret && self.within.is_none() {
            self.within = Some((self.open.len(), self.out.len(), self.rest));
        }
        self.secret = false;
        let (close, next) = if bracket == '{' { ('}', Next::FirstName) } else { (']', Next::First) };
        self.open.push(close);
        self.copy(1)?;
        Some(next)
    }

    fn end(&mut self, bracket: char) -> Option<Next> {
        (self.open.pop()? == bracket).then_some(())?;
        self.copy(1)?;
        if let Some((depth, start, text)) = self.within
            && depth == self.open.len()
        {
            self.within = None;
            self.out.truncate(start);
            let secret = text.get(..text.len() - self.rest.len())?;
            self.put_token(secret.as_bytes());
        }
        Some(self.behind())
    }

    fn name(&mut self) -> Option<Next> {
        let (raw, name) = self.quoted()?;
        self.secret = is_secret(&super::url::decoded(name.as_bytes()));
        self.put(raw, &name);
        Some(Next::Colon)
    }

    fn string(&mut self) -> Option<Next> {
        let (raw, text) = self.quoted()?;
        // A string that stands alone is what was asked for, and nobody said what that is.
        if (self.secret || self.open.is_empty()) && !text.is_empty() {
            self.put_token(text.as_bytes());
        } else {
            self.put(raw, &text);
        }
        Some(self.behind())
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Next> {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(self.rest.len());
        let word = self.rest.get(..end)?;
        let fixed = matches!(word, "true" | "false" | "null");
        (fixed || is_number(word)).then_some(())?;
        if (self.secret || self.open.is_empty()) && !fixed {
            self.put_token(word.as_bytes());
            self.rest = self.rest.get(end..)?;
        } else {
            self.copy(end)?;
        }
        Some(self.behind())
    }

    /// Takes a string: with its quotes and escapes, and without.
    fn quoted(&mut self) -> Option<(&'a str, Cow<'a, str>)> {
        let inner = self.rest.strip_prefix('"')?;
        let mut bytes = inner.bytes().enumerate();
        let end = loop {
            match bytes.next()? {
                (at, b'"') => break at,
                (_, b'\\') => drop(bytes.next()?),
                (_, ..0x20) => return None,
                _ => {}
            }
        };
        let text = inner.get(..end)?;
        let raw = self.rest.get(..end + 2)?;
        self.rest = self.rest.get(end + 2..)?;
        let text = if text.contains('\\') { Cow::Owned(unescaped(text)?) } else { Cow::Borrowed(text) };
        Some((raw, text))
    }

    /// Writes a string: as it was, if there is no secret in it.
    fn put(&mut self, raw: &str, text: &str) {
        match self.redactor.text(text.as_bytes(), self.depth) {
            None => self.out.push_str(raw),
            Some(redacted) => self.put_string(&String::from_utf8_lossy(&redacted)),
        }
    }

    fn put_token(&mut self, secret: &[u8]) {
        let token = self.redactor.token(secret);
        self.put_string(&String::from_utf8_lossy(&token));
    }

    fn put_string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '\0'..' ' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn copy(&mut self, bytes: usize) -> Option<()> {
        let (done, rest) = self.rest.split_at_checked(bytes)?;
        self.out.push_str(done);
        self.rest = rest;
        Some(())
    }
}

/// A string's content without its escapes (RFC 8259 §7). Half a surrogate pair becomes U+FFFD.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = escape.chars();
        let c = match chars.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = unit(chars.as_str())?;
                chars = chars.as_str().get(4..)?.chars();
                let low = chars.as_str().strip_prefix("\\u").and_then(unit);
                match (high, low) {
                    (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                        chars = chars.as_str().get(6..)?.chars();
                        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
                    }
                    (high, _) => char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => return None,
        };
        out.push(c);
        rest = chars.as_str();
    }
    out.push_str(rest);
    Some(out)
}

/// Four hexadecimal digits.
fn unit(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// RFC 8259 §6.
fn is_number(word: &str) -> bool {
    let (number, exponent) = match word.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (word, None),
    };
    let number = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{redactor, shown};

    fn json(text: &str) -> Option<String> {
        redactor().json(text.as_bytes(), 2).map(|json| shown(&json))
    }

    #[test]
    fn secrets_go_and_everything_else_stays() {
        for (text, expected) in [
            (r#"{"user":"a","password":"b"}"#, r#"{"user":"a","password":"*"}"#),
            (r#" { "PIN" : 1234 , "n" : -1.50e+3 } "#, r#" { "PIN" : "*" , "n" : -1.50e+3 } "#),
            (r#"{"password":"a","password":"b"}"#, r#"{"password":"*","password":"*"}"#),
            (r#"{"pass\u0077ord":"a"}"#, r#"{"pass\u0077ord":"*"}"#),
            (r#"{"p%61ssword":"a"}"#, r#"{"p%61ssword":"*"}"#),
            (r#"{"tokens":["a",{"b":["c"]}],"d":1}"#, r#"{"tokens":"*","d":1}"#),
            (r#"{"a":[{"secret":{"b":{}}}]}"#, r#"{"a":[{"secret":"*"}]}"#),
            (r#"{"token":null,"secret":true,"key":""}"#, r#"{"token":null,"secret":true,"key":""}"#),
            (r#"{"a":"http://u:p@b/?c=d"}"#, r#"{"a":"http://*@b/?c=*"}"#),
            (r#"{"a":"{\"password\":\"b\"}"}"#, r#"{"a":"{\"password\":\"*\"}"}"#),
            (r#"{"eyJhbGciOiJIUzI1NiJ9":1}"#, r#"{"*":1}"#),
            (r#""bare""#, r#""*""#),
            ("[1,2]\n{\"sid\":3}\n", "[1,2]\n{\"sid\":\"*\"}\n"),
            (r#"["\ud83d\ude00\ud83d"]"#, r#"["\ud83d\ude00\ud83d"]"#),
        ] {
            assert_eq!(json(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_gives_nothing() {
        for text in [
            "",
            " ",
            "{",
            "{]",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "[01]",
            "[1.]",
            "[.5]",
            "[1e]",
            "[+1]",
            "nul",
            "[\"a\nb\"]",
            r#"["\x"]"#,
            r#"["\u12"]"#,
            "[\"a]",
            "{\"a\":1}}",
            "// x\n1",
            "[1 2]",
            "NaN",
            "\u{feff}{}",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
        assert!(redactor().json(b"[\"\xff\"]", 2).is_none());
        assert!(json(&"[".repeat(200)).is_none());
        assert!(json(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_some());
    }
}
