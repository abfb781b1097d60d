//! Targets and URLs taken apart (RFC 3986, appendix B), in the bytes that were sent.
//!
//! Promises: any bytes can be taken apart, and the parts put together again are those bytes. Nothing is decoded,
//! normalised or refused; who needs that does it.

use crate::head::text;
use crate::{Exchange, Request};

/// A URL, or the target of a request, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Url<'a> {
    /// `http:`, with its colon; or empty.
    pub(crate) scheme: &'a [u8],
    /// What stands between `//` and the path, if there is a `//`.
    pub(crate) authority: Option<&'a [u8]>,
    pub(crate) path: &'a [u8],
    /// Behind the first `?`.
    pub(crate) query: Option<&'a [u8]>,
    /// Behind the first `#`.
    pub(crate) fragment: Option<&'a [u8]>,
}

impl<'a> Url<'a> {
    /// Takes a URL, or a reference to one, apart.
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let (rest, fragment) = split(bytes, b'#');
        let (rest, query) = split(rest, b'?');
        let colon = rest
            .iter()
            .position(|byte| matches!(byte, b':' | b'/'))
            .filter(|at| rest.get(*at) == Some(&b':'));
        let (scheme, rest) = match colon {
            Some(colon) if rest.get(..colon).is_some_and(is_scheme) => rest.split_at(colon + 1),
            _ => (&[][..], rest),
        };
        let (authority, path) = match rest.strip_prefix(b"//") {
            Some(rest) => {
                let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }

    /// Takes the target of a request apart (RFC 9112 §3.2): one that begins with `/` is a path, even where it begins
    /// with two.
    pub(crate) fn of_target(request: &'a Request) -> Self {
        let target = request.target();
        if request.method() == b"CONNECT" {
            return Self { authority: Some(target), ..Self::default() };
        }
        if !target.starts_with(b"/") {
            return Self::parse(target);
        }
        let (rest, fragment) = split(target, b'#');
        let (path, query) = split(rest, b'?');
        Self { path, query, fragment, ..Self::default() }
    }
}

/// RFC 3986 §3.1.
fn is_scheme(bytes: &[u8]) -> bool {
    let [first, rest @ ..] = bytes else { return false };
    first.is_ascii_alphabetic()
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// What is in front of the first `mark`, and what is behind it if it is there.
pub(crate) fn split(bytes: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(mark, bytes) {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..)),
        None => (bytes, None),
    }
}

/// Who is asked, without `user:password@`: a host and, if it is named, a port.
pub(crate) fn host_and_port(authority: &[u8]) -> (&[u8], Option<u16>) {
    let host = match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    // In an IPv6 address there are colons, but it stands in brackets.
    let colon = host.iter().rposition(|byte| matches!(byte, b':' | b']'));
    match colon.filter(|at| host.get(*at) == Some(&b':')) {
        Some(colon) => {
            let (name, port) = host.split_at(colon);
            let port = std::str::from_utf8(port.get(1..).unwrap_or_default()).ok();
            (name, port.and_then(|port| port.parse().ok()))
        }
        None => (host, None),
    }
}

impl Exchange {
    /// Who the request is for, as it says itself: by an absolute target, by the target of CONNECT, or by its `Host`
    /// (RFC 9112 §3.2 and §3.3).
    pub(crate) fn authority(&self) -> Option<&[u8]> {
        let request = self.request()?;
        Url::of_target(request)
            .authority
            .or_else(|| request.headers().get("host"))
            .filter(|authority| !authority.is_empty())
    }

    /// The URL that was asked for (RFC 9110 §7.1), as text: from an absolute target as it is, else from target and
    /// `Host`, or the server's address where no host is named. Percent-encoding is left as it was sent.
    ///
    /// `None` without a request. It is put together, not checked: what was sent may be no URL.
    pub fn url(&self) -> Option<String> {
        let request = self.request()?;
        let target = text(request.target());
        let parts = Url::of_target(request);
        if !parts.scheme.is_empty() && parts.authority.is_some() {
            return Some(target.into_owned());
        }
        let host = match self.authority() {
            Some(authority) => text(authority),
            None => self.server().to_string().into(),
        };
        // The targets of CONNECT and `OPTIONS *` name no path.
        let path = if target.starts_with('/') { &*target } else { "/" };
        Some(format!("http://{host}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> [Option<String>; 5] {
        let Url { scheme, authority, path, query, fragment } = Url::parse(url.as_bytes());
        [Some(scheme), authority, Some(path), query, fragment]
            .map(|part| part.map(|part| text(part).into_owned()))
    }

    #[test]
    fn urls_are_taken_apart() {
        let none = None::<&str>;
        for (url, expected) in [
            ("http://a:1/b?c=d#e", [Some("http:"), Some("a:1"), Some("/b"), Some("c=d"), Some("e")]),
            ("//a", [Some(""), Some("a"), Some(""), none, none]),
            ("/b?c?d#e#f", [Some(""), none, Some("/b"), Some("c?d"), Some("e#f")]),
            ("http://a?b/c", [Some("http:"), Some("a"), Some(""), Some("b/c"), none]),
            ("mailto:x@y", [Some("mailto:"), none, Some("x@y"), none, none]),
            ("/a:b//c", [Some(""), none, Some("/a:b//c"), none, none]),
            ("1a:b", [Some(""), none, Some("1a:b"), none, none]),
            ("*", [Some(""), none, Some("*"), none, none]),
            ("", [Some(""), none, Some(""), none, none]),
        ] {
            assert_eq!(parts(url), expected.map(|part| part.map(str::to_owned)), "{url}");
        }
    }

    #[test]
    fn hosts_and_ports() {
        for (authority, host, port) in [
            ("a", "a", None),
            ("a:80", "a", Some(80)),
            ("u:p@a:80", "a", Some(80)),
            ("u@v@a", "a", None),
            ("[::1]", "[::1]", None),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("a:", "a", None),
            ("a:99999", "a", None),
            ("", "", None),
        ] {
            assert_eq!(host_and_port(authority.as_bytes()), (host.as_bytes(), port), "{authority}");
        }
    }
}
