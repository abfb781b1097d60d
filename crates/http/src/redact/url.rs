//! URLs and targets: what is in front of the host, parameters wherever they are, and parts of the path that are
//! secrets by their look.

use std::borrow::Cow;

use super::names::looks_secret;
use super::{NESTED, Redactor};
use crate::percent;
use crate::url::{Url, split};

/// How often a part of a path may have been encoded.
const ENCODED: usize = 4;

/// Longer than any name of a parameter that someone wrote.
const NAME: usize = 64;

impl Redactor {
    /// A URL, or a reference to one.
    pub(super) fn url(&self, url: &[u8]) -> Vec<u8> {
        self.parts(Url::parse(url))
    }

    /// A URL in its parts.
    pub(super) fn parts(&self, url: Url<'_>) -> Vec<u8> {
        let Url { scheme, authority, path, query, fragment } = url;
        let mut out = Vec::new();
        let at = path.iter().rposition(|byte| *byte == b'@');
        match (authority, at) {
            (Some(authority), _) => {
                out.extend(scheme);
                out.extend(b"//");
                out.extend(self.authority(authority));
                out.extend(self.path(path));
            }
            // `user:password@host`, where a URL or a path should be.
            (None, Some(at)) if !path.starts_with(b"/") => {
                let (user, host) = path.split_at_checked(at).unwrap_or((path, &[]));
                out.extend(self.token(&[scheme, user].concat()));
                out.extend(self.path(host));
            }
            _ => {
                out.extend(scheme);
                out.extend(self.path(path));
            }
        }
        for (mark, part) in [(b'?', query), (b'#', fragment)] {
            let Some(part) = part else { continue };
            out.push(mark);
            // A place in a document has no `=`, but what OAuth leaves there has.
            if mark == b'#' && !part.contains(&b'=') {
                out.extend(self.path(part));
            } else {
                out.extend(self.parameters(part));
            }
        }
        out
    }

    /// Every value of a query, whatever its name: there is no telling what a name means to whom.
    pub(super) fn parameters(&self, query: &[u8]) -> Vec<u8> {
        let is_mark = |byte: &u8| matches!(byte, b'&' | b';' | b'#' | b'?');
        let alone = !query.iter().any(is_mark);
        let mut out = Vec::with_capacity(query.len());
        for piece in query.split_inclusive(is_mark) {
            let (piece, mark) = match piece.split_last() {
                Some((mark, before)) if is_mark(mark) => (before, Some(*mark)),
                _ => (piece, None),
            };
            out.extend(self.parameter(piece, alone));
            out.extend(mark);
        }
        out
    }

    /// `name=value`. What has no `=` is all value, and so is what ends in one as base64 does.
    fn parameter(&self, piece: &[u8], alone: bool) -> Vec<u8> {
        let (name, value) = match split(piece, b'=') {
            _ if piece.is_empty() => return Vec::new(),
            (name, Some(b"")) if !alone => return self.name(name, b"="),
            (_, None | Some(b"")) => return self.token(&percent::decode(piece, true)),
            (_, Some(value)) if value.iter().all(|byte| *byte == b'=') => {
                return self.token(&percent::decode(piece, true));
            }
            (name, Some(value)) => (name, value),
        };
        let mut out = self.name(name, b"=");
        out.extend(self.token(&percent::decode(value, true)));
        out
    }

    /// The name of a parameter, if it is one.
    pub(super) fn name(&self, name: &[u8], behind: &[u8]) -> Vec<u8> {
        let plain = name.len() <= NAME
            && name
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !b"\"{}<>\\".contains(byte) || *byte >= 0x80)
            && looks_secret(&decoded(name)).is_none();
        match plain {
            true => [name, behind].concat(),
            false => [&*self.token(name), behind].concat(),
        }
    }

    /// A path: each of its parts on its own, with parameters behind `;`.
    pub(super) fn path(&self, path: &[u8]) -> Vec<u8> {
        // A URL inside a path.
        let whole = memchr::memmem::find(path, b"//").and_then(|_| self.text(path, NESTED));
        let path = whole.as_deref().unwrap_or(path);
        let mut out = Vec::with_capacity(path.len());
        for (index, part) in path.split(|byte| *byte == b'/').enumerate() {
            if index > 0 {
                out.push(b'/');
            }
            let (segment, parameters) = split(part, b';');
            out.extend(self.segment(segment));
            if let Some(parameters) = parameters {
                out.push(b';');
                out.extend(self.parameters(parameters));
            }
        }
        out
    }

    /// A part of a path, as it is or as what it becomes without its encoding.
    fn segment(&self, segment: &[u8]) -> Vec<u8> {
        let plain = decoded(segment);
        match self.text(&plain, NESTED) {
            Some(redacted) if plain.as_ref() == segment => redacted,
            Some(redacted) => percent::encode(&redacted),
            None => segment.to_vec(),
        }
    }
}

/// Without percent-encoding, however often it was applied.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Cow::Borrowed(bytes);
    for _ in 0..ENCODED {
        match percent::decode(&plain, false) {
            Cow::Owned(next) if *next != *plain => plain = Cow::Owned(next),
            _ => break,
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::tests::{redactor, shown};

    #[test]
    fn urls_without_their_secrets() {
        for (url, expected) in [
            ("/a/b.html", "/a/b.html"),
            ("/a?b=c&d=e;f#g", "/a?b=*&d=*;*#g"),
            ("/a?secret", "/a?*"),
            ("/a?c2VjcmV0cw==", "/a?*"),
            ("/a?b=&c=", "/a?b=&c="),
            ("/a?b=c=d", "/a?b=*"),
            ("/a?%61pi=c?d=e", "/a?%61pi=*?d=*"),
            ("/a#access_token=b&c=d", "/a#access_token=*&c=*"),
            ("/a;jsessionid=b/c;d", "/a;jsessionid=*/c;*"),
            ("/password=b/c", "/password=*/c"),
            ("/t/eyJhbGciOiJIUzI1NiJ9.e30.c/x", "/t/*/x"),
            ("/t/%65yJhbGciOiJIUzI1NiJ9.e30.c/x", "/t/*/x"),
            ("http://u:p@a:80/b?c=d", "http://*@a:80/b?c=*"),
            ("//u@a", "//*@a"),
            ("u:p@a:80", "*@a:80"),
            ("/proxy/http://u:p@a/b", "/proxy/http://*@a/b"),
            ("/proxy/http%3A%2F%2Fu:p%40a", "/proxy/http:%2F%2F*@a"),
            ("/@scope/name", "/@scope/name"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(shown(&redactor().url(url.as_bytes())), expected, "{url}");
        }
    }

    #[test]
    fn a_value_has_one_token_however_it_is_encoded() {
        let redactor = redactor();
        assert_eq!(redactor.url(b"/?a=b%20c"), redactor.url(b"/?a=b+c"));
        assert_ne!(redactor.url(b"/?a=b%20c"), redactor.url(b"/?a=b+d"));
    }
}
