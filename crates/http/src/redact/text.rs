//! Text that may hold anything: a header's value, a string of JSON, a part of a path.
//!
//! Looked for are `user:password@` in URLs, their queries, `name=value` and `name: value` with the name of a secret,
//! `Bearer` and `Basic` with what follows, and words that are secrets by their look. Promises: linear work.

use super::Redactor;
use super::names::{is_issued, is_secret, looks_secret};
use crate::percent;
use crate::url::split;

/// What ends a URL in text.
const AROUND: &[u8] = b" \t\r\n\"'<>";

/// A value without a name between two of these is short, or it would be worth a look.
const SCHEMES: [&[u8]; 2] = [b"bearer", b"basic"];

/// The shortest that is taken for credentials behind the name of a scheme: `Basic usage` is not meant.
const CREDENTIALS: usize = 6;

impl Redactor {
    /// The text without its secrets; `None` if there are none to be seen.
    pub(super) fn text(&self, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            match depth.checked_sub(1) {
                // JSON in a string of JSON in a string: nobody means well with that.
                None => return Some(self.token(text)),
                Some(depth) => {
                    if let Some(json) = self.json(text, depth) {
                        return (json != text).then_some(json);
                    }
                }
            }
        }
        let (mut out, mut rest, mut changed) = (Vec::with_capacity(text.len()), text, false);
        // Where a `?` was seen to have no parameters behind it, by the length of what is left.
        let mut queried = usize::MAX;
        let mut ahead = Ahead { long: usize::MAX, part: usize::MAX, at: usize::MAX };
        while let Some(first) = rest.first() {
            let (taken, shown) = match first {
                b'/' => self.userinfo(rest, &mut ahead),
                b'?' | b'#' if rest.len() < queried => {
                    let (query, _) = run(rest.get(1..).unwrap_or_default(), |byte| !AROUND.contains(&byte));
                    queried = rest.len() - query.len();
                    match query.contains(&b'=') {
                        true => (1 + query.len(), Some([&[*first], &*self.parameters(query)].concat())),
                        false => (1, None),
                    }
                }
                byte if is_name(*byte) => self.word(rest, &mut ahead),
                _ => (1, None),
            };
            let (done, left) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            rest = left;
            match shown {
                None => out.extend(done),
                Some(shown) => {
                    changed = true;
                    out.extend(shown);
                }
            }
        }
        (changed && out != text).then_some(out)
    }

    /// What follows `//` up to the host, if there is anything.
    fn userinfo(&self, text: &[u8], ahead: &mut Ahead) -> (usize, Option<Vec<u8>>) {
        let Some(rest) = text.strip_prefix(b"//") else { return (1, None) };
        let (authority, behind) = run(rest, |byte| !AROUND.contains(&byte) && !b"/\\?#".contains(&byte));
        if authority.contains(&b'@') {
            return (2 + authority.len(), Some([b"//", &*self.authority(authority)].concat()));
        }
        // A `/` in a password that nobody encoded: then what should be a port is none.
        let (_, port) = split(authority, b':');
        let odd =
            port.is_some_and(|port| !authority.starts_with(b"[") && !port.iter().all(u8::is_ascii_digit));
        match ahead.last_at(behind) {
            Some(at) if odd => {
                let length = authority.len() + at;
                let secret = rest.get(..length).unwrap_or_default();
                (2 + length, Some([b"//", &*self.token(secret)].concat()))
            }
            _ => (2 + authority.len(), None),
        }
    }

    /// `user:password@host:port`, without what is in front of the `@`.
    pub(super) fn authority(&self, authority: &[u8]) -> Vec<u8> {
        match authority.iter().rposition(|byte| *byte == b'@') {
            Some(at) if at > 0 => {
                let (user, host) = authority.split_at(at);
                [&*self.token(user), host].concat()
            }
            _ => authority.to_vec(),
        }
    }

    /// A word, and what belongs to it if it is the name of a secret.
    fn word(&self, text: &[u8], ahead: &mut Ahead) -> (usize, Option<Vec<u8>>) {
        let (word, behind) = run(text, is_name);
        // `password="…"`, `\"password\": \"…\"`, `password: …`: a few quotes and spaces are passed over.
        let quotes = run(behind.get(..4).unwrap_or(behind), |byte| b"\"'\\ ".contains(&byte)).0;
        let mark = behind.get(quotes.len()).filter(|byte| matches!(byte, b'=' | b':'));
        if let Some(mark) = mark
            && is_secret(&percent::decode(word, false))
        {
            let before = word.len() + quotes.len() + 1;
            let after = text.get(before..).unwrap_or_default();
            let space = run(after, |byte| b"\"'\\ \t".contains(&byte)).0.len();
            let ends: &[u8] = if *mark == b'=' { b" \t\r\n\"'<>&;,\\" } else { b"\r\n\"'<>&;,\\{}" };
            let value = run(after.get(space..).unwrap_or_default(), |byte| !ends.contains(&byte)).0;
            if !value.is_empty() {
                let shown = text.get(..before + space).unwrap_or_default();
                return (before + space + value.len(), Some([shown, &*self.token(value)].concat()));
            }
        }
        if SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) {
            let space = run(behind, |byte| byte == b' ').0.len();
            let secret =
                run(behind.get(space..).unwrap_or_default(), |byte| !b" \t\r\n\"',;".contains(&byte)).0;
            if space > 0 && secret.len() >= CREDENTIALS {
                return (
                    word.len() + space + secret.len(),
                    Some([word, b" ", &*self.token(secret)].concat()),
                );
            }
        }
        let (long, found) = ahead.secret(text);
        match found {
            Some(at) => {
                let (before, secret) = long.split_at_checked(at).unwrap_or((long, &[]));
                (long.len(), Some([before, &*self.token(secret)].concat()))
            }
            None => (word.len(), None),
        }
    }
}

/// What was found further on in the text, so that no byte is looked at again for each word in front of it. Places are
/// told by the length of what is left there.
struct Ahead {
    /// The end of a run of characters that keys may have, in which there is no secret but what an issuer marked.
    long: usize,
    /// The end of a part of a URL, and the last `@` in it; all of the text behind it, if there is none.
    part: usize,
    at: usize,
}

impl Ahead {
    /// The run of characters that keys may have which begins here, and where in it a secret begins.
    fn secret<'a>(&mut self, text: &'a [u8]) -> (&'a [u8], Option<usize>) {
        if let Some(length) = text.len().checked_sub(self.long).filter(|length| *length > 0) {
            let long = text.get(..length).unwrap_or_default();
            return (long, is_issued(long).then_some(0));
        }
        let (long, behind) = run(text, |byte| is_name(byte) || b"+=~".contains(&byte));
        self.long = behind.len();
        (long, looks_secret(long))
    }

    /// Where the last `@` is in front of the next space, quote, query or fragment.
    fn last_at(&mut self, text: &[u8]) -> Option<usize> {
        if text.len() <= self.part {
            let (part, behind) = run(text, |byte| !AROUND.contains(&byte) && !b"?#".contains(&byte));
            self.part = behind.len();
            let last = part.iter().rposition(|byte| *byte == b'@');
            self.at = last.map_or(usize::MAX, |last| text.len() - last);
        }
        text.len().checked_sub(self.at)
    }
}

/// A character of names and of keys.
const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$')
}

/// As many bytes as are so, and the rest.
fn run(bytes: &[u8], so: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !so(*byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{redactor, shown};

    #[test]
    fn what_is_looked_for_is_found() {
        for (text, expected) in [
            ("see https://u:p@a/b for more", "see https://*@a/b for more"),
            ("https://u:p/x@a/b", "https://*@a/b"),
            ("https://a:80/@b", "https://a:80/@b"),
            ("<https://a/b?c=d&e=f>; rel=next", "<https://a/b?c=*&e=*>; rel=next"),
            ("really? yes", "really? yes"),
            ("password=hunter2&x=y", "password=*&x=y"),
            ("Password: correct horse; x", "Password: *; x"),
            (r#"{"password": "x" broken"#, r#"{"password": "*" broken"#),
            ("api_key='a b'", "api_key='* b'"),
            ("use Bearer abcdef0123 here", "use Bearer * here"),
            ("Basic usage", "Basic usage"),
            ("x eyJhbGciOiJIUzI1NiJ9.e30.c y", "x * y"),
            ("nothing, really: 12 = 13", "nothing, really: 12 = 13"),
            ("é?é=é", "é?é=*"),
            ("", ""),
        ] {
            let redacted = redactor().text(text.as_bytes(), 2);
            assert_eq!(shown(redacted.as_deref().unwrap_or(text.as_bytes())), expected, "{text}");
        }
    }
}
