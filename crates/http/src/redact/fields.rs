//! Header and trailer fields: which are secrets as a whole, which hold URLs or cookies, and those that are no fields
//! at all.

use super::names::{is_secret, looks_secret};
use super::{NESTED, Redactor};
use crate::head::{Headers, Span};
use crate::sniff::is_token;
use crate::url::split;

/// The schemes of RFC 9110 §11 that are in use: what is in front of credentials, and no secret.
const SCHEMES: [&[u8]; 12] = [
    b"basic",
    b"bearer",
    b"digest",
    b"negotiate",
    b"ntlm",
    b"dpop",
    b"hoba",
    b"mutual",
    b"aws4-hmac-sha256",
    b"apikey",
    b"token",
    b"scram-sha-256",
];

/// Headers whose value is a URL as a whole.
const URLS: [&[u8]; 10] = [
    b"referer",
    b"location",
    b"content-location",
    b"origin",
    b"destination",
    b"x-original-url",
    b"x-rewrite-url",
    b"x-original-uri",
    b"x-forwarded-uri",
    b"sourcemap",
];

/// Attributes of Set-Cookie (RFC 6265 §4.1, and those that came later).
const ATTRIBUTES: [&[u8]; 9] = [
    b"expires",
    b"max-age",
    b"domain",
    b"path",
    b"secure",
    b"httponly",
    b"samesite",
    b"partitioned",
    b"priority",
];

impl Redactor {
    /// Fields without their secrets, behind the words of a start line, which get their places anew. `colons` says that
    /// every line had one.
    pub(super) fn fields(
        &self,
        headers: &Headers,
        start: &mut [(&mut Span, Vec<u8>)],
        colons: bool,
    ) -> Headers {
        let mut redacted = Headers::default();
        // A place that ends at 0 is that of a word which was not seen to its end.
        redacted.bytes.push(b' ');
        for (place, word) in start {
            **place = keep(&mut redacted.bytes, word);
        }
        let last = headers.len().saturating_sub(1);
        for (index, (name, value)) in headers.iter().enumerate() {
            // What has no value may be a line without a colon: not a name, but anything.
            let known = !value.is_empty() || colons && index != last;
            let plain = known && name.iter().all(|byte| is_token(*byte)) && looks_secret(name).is_none();
            let (name, value) = match plain {
                true => (name.to_vec(), self.field(name, value)),
                false => (self.token(name), self.token(value)),
            };
            let place = (keep(&mut redacted.bytes, &name), keep(&mut redacted.bytes, &value));
            redacted.fields.push(place);
        }
        redacted
    }

    /// The value of a field with this name.
    pub(super) fn field(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        let name = name.to_ascii_lowercase();
        let has = |part: &[u8]| memchr::memmem::find(&name, part).is_some();
        if name == b"cookie" {
            self.cookies(value)
        } else if name == b"set-cookie" {
            self.cookie_set(value)
        } else if has(b"authoriz") || has(b"authentic") {
            self.credentials(value)
        } else if is_secret(&name) || name == b"sec-websocket-protocol" {
            // WebSocket has no header for credentials: many put them where the names of protocols should be.
            self.token(value)
        } else if URLS.contains(&&*name) {
            self.url(value)
        } else if name == b"host" {
            self.authority(value)
        } else {
            self.text(value, NESTED).unwrap_or_else(|| value.to_vec())
        }
    }

    /// `Bearer …`: the scheme stays if it is one.
    fn credentials(&self, value: &[u8]) -> Vec<u8> {
        let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
        let (scheme, secret) = value.split_at_checked(end).unwrap_or((value, &[]));
        match SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            true if secret.is_empty() => value.to_vec(),
            true => [scheme, b" ", &*self.token(secret.trim_ascii())].concat(),
            false => self.token(value),
        }
    }

    /// `a=b; c=d` (RFC 6265 §4.2): the names stay.
    fn cookies(&self, value: &[u8]) -> Vec<u8> {
        let pairs: Vec<_> =
            value.split(|byte| *byte == b';').map(|pair| self.cookie(pair.trim_ascii())).collect();
        pairs.join(&b"; "[..])
    }

    fn cookie(&self, pair: &[u8]) -> Vec<u8> {
        match split(pair, b'=') {
            (name, Some(value)) => {
                let mut out = self.name(name.trim_ascii(), b"=");
                out.extend(self.token(value.trim_ascii()));
                out
            }
            (value, None) => self.token(value),
        }
    }

    /// `a=b; Path=/` (RFC 6265 §4.1): name and attributes stay.
    fn cookie_set(&self, value: &[u8]) -> Vec<u8> {
        let parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).enumerate();
        let parts: Vec<_> = parts
            .map(|(index, part)| {
                let attribute = split(part, b'=').0.trim_ascii();
                match ATTRIBUTES.iter().any(|known| attribute.eq_ignore_ascii_case(known)) {
                    true if index > 0 => self.text(part, NESTED).unwrap_or_else(|| part.to_vec()),
                    _ => self.cookie(part),
                }
            })
            .collect();
        parts.join(&b"; "[..])
    }
}

/// Appends a word to a head; where it is then.
fn keep(head: &mut Vec<u8>, word: &[u8]) -> Span {
    let start = head.len();
    head.extend(word);
    Span::new(start..head.len())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{redactor, shown};

    #[test]
    fn fields_by_their_names() {
        for (name, value, expected) in [
            ("Authorization", "Bearer abc def", "Bearer *"),
            ("authorization", "abc def", "*"),
            ("Proxy-Authorization", "Basic\r\n dTpw", "Basic *"),
            ("WWW-Authenticate", "NTLM", "NTLM"),
            ("Cookie", "a=b; c; d=e=f", "a=*; *; d=*"),
            ("Set-Cookie", "a=b; Path=/; HttpOnly; c=d; e", "a=*; Path=/; HttpOnly; c=*; *"),
            ("Set-Cookie", "path=b", "path=*"),
            ("X-API-Key", "a", "*"),
            ("X-Vault-Token", "a b", "*"),
            ("Client-Secret", "a", "*"),
            ("Referer", "https://u:p@a/b?c=d e", "https://*@a/b?c=*"),
            ("Location", "/a?b=c#d=e", "/a?b=*#d=*"),
            ("Origin", "https://a", "https://a"),
            ("Host", "u:p@a:80", "*@a:80"),
            ("Link", "<https://a/?b=c>; rel=next", "<https://a/?b=*>; rel=next"),
            ("Sec-WebSocket-Protocol", "graphql, abc", "*"),
            ("X-Forwarded-Authorization", "Bearer a", "Bearer *"),
            ("Accept", "text/html;q=0.9, */*;q=0.8", "text/html;q=0.9, */*;q=0.8"),
            ("Content-Type", "application/json; charset=utf-8", "application/json; charset=utf-8"),
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"),
            ("ETag", "\"33a64df5\"", "\"33a64df5\""),
        ] {
            let redacted = redactor().field(name.as_bytes(), value.as_bytes());
            assert_eq!(shown(&redacted), expected, "{name}: {value}");
        }
    }
}
