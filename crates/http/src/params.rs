//! What messages say in pairs of names and values besides their headers: queries, forms and cookies.
//!
//! Promises: work in proportion to the bytes; a pair that makes no sense is given as a name without a value.

use std::borrow::Cow;

use crate::percent::decode;
use crate::url::{Url, split};
use crate::{Message, Request, Response, text};

impl Request {
    /// The parameters in the target's query, decoded, in the order they were sent.
    pub fn query(&self) -> impl Iterator<Item = (String, String)> {
        pairs(Url::of_target(self).query.unwrap_or_default())
    }

    /// Names and values of the cookies (RFC 6265 §4.2), as sent.
    pub fn cookies(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let pairs = self.headers().all("cookie").flat_map(|value| value.split(|byte| *byte == b';'));
        pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()).map(name_and_value)
    }
}

impl Response {
    /// The cookies that are set (RFC 6265 §4.1).
    pub fn cookies(&self) -> impl Iterator<Item = SetCookie<'_>> {
        self.headers().all("set-cookie").map(SetCookie::parse)
    }
}

impl Message {
    /// The fields of a form (`application/x-www-form-urlencoded`), decoded, in the order they were sent; `None` if the
    /// body is none, or was not kept as a whole.
    pub fn form(&self) -> Option<impl Iterator<Item = (String, String)>> {
        let form = self.media_type()?.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        (form && self.body().is_whole()).then(|| pairs(self.body().bytes().trim_ascii()))
    }
}

/// A cookie that a response sets, with those of its attributes that have a meaning for more than its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SetCookie<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// `Path`.
    pub path: Option<&'a [u8]>,
    /// `Domain`.
    pub domain: Option<&'a [u8]>,
    /// Whether it is `Secure`.
    pub secure: bool,
    /// Whether it is `HttpOnly`.
    pub http_only: bool,
}

impl<'a> SetCookie<'a> {
    fn parse(value: &'a [u8]) -> Self {
        let mut parts = value.split(|byte| *byte == b';').map(|part| name_and_value(part.trim_ascii()));
        let (name, value) = parts.next().unwrap_or_default();
        let mut cookie = Self { name, value, ..Self::default() };
        for (name, value) in parts {
            match &*name.to_ascii_lowercase() {
                b"path" => cookie.path = Some(value),
                b"domain" => cookie.domain = Some(value),
                b"secure" => cookie.secure = true,
                b"httponly" => cookie.http_only = true,
                _ => {}
            }
        }
        cookie
    }
}

fn name_and_value(pair: &[u8]) -> (&[u8], &[u8]) {
    let (name, value) = split(pair, b'=');
    (name.trim_ascii_end(), value.unwrap_or_default().trim_ascii_start())
}

/// The pairs of a query or a form, decoded.
fn pairs(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    let decoded = |part| match decode(part, true) {
        Cow::Borrowed(bytes) => text(bytes).into_owned(),
        Cow::Owned(bytes) => text(&bytes).into_owned(),
    };
    bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = split(pair, b'=');
        (decoded(name), decoded(value.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let found: Vec<_> = pairs(b"a=b+c&d%20=%26e=f&&g&%ff=\xe9").collect();
        let expected = [("a", "b c"), ("d ", "&e=f"), ("g", ""), ("\u{ff}", "\u{e9}")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn cookies_that_are_set() {
        let cookie = SetCookie::parse(b"a=b=c; Path=/x; domain = d; Secure; HTTPONLY; Max-Age=1; odd");
        assert_eq!(
            cookie,
            SetCookie {
                name: b"a",
                value: b"b=c",
                path: Some(b"/x"),
                domain: Some(b"d"),
                secure: true,
                http_only: true
            }
        );
        assert_eq!(SetCookie::parse(b""), SetCookie::default());
    }
}
