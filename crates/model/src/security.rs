//! How calls show who makes them: names of schemes, and never what was shown.
//!
//! One call may show several things, and then all of them count together: `http bearer JWT` is one line, and two lines
//! are two schemes that were used at once. No line is a call that showed nothing.

use std::collections::BTreeSet;

use crate::Kind;

/// What one call shows.
#[derive(Debug, Default)]
pub(crate) struct Shown(BTreeSet<String>);

impl Shown {
    /// A key in a header, a query or a cookie of this name.
    pub(crate) fn key(&mut self, place: &str, name: &str) {
        let name = name.replace(char::is_control, "");
        self.0.insert(format!("{place} {name}"));
    }

    /// `Authorization`: which scheme, and of the credentials only whether they are a JSON Web Token.
    pub(crate) fn authorization(&mut self, value: &str) {
        let (scheme, credentials) = value.split_once(' ').unwrap_or(("", ""));
        let name = match scheme.to_ascii_lowercase().as_str() {
            "bearer" if Kind::of(credentials.trim()) == Kind::Token => "http bearer JWT",
            "bearer" => "http bearer",
            "basic" => "http basic",
            "digest" => "http digest",
            _ => "header authorization",
        };
        self.0.insert(name.to_owned());
    }

    /// As one name: a line for each.
    pub(crate) fn together(self) -> String {
        self.0.into_iter().collect::<Vec<_>>().join("\n")
    }
}

/// A scheme by its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scheme<'a> {
    /// A scheme of `Authorization`, and what its credentials look like.
    Http(&'a str, Option<&'a str>),
    /// Where the key is, and what it is called there.
    Key(&'a str, &'a str),
}

impl<'a> Scheme<'a> {
    /// `None` for what a file made up.
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let (place, name) = line.split_once(' ')?;
        match place {
            "http" => {
                let (scheme, format) =
                    name.split_once(' ').map_or((name, None), |(scheme, format)| (scheme, Some(format)));
                Some(Self::Http(scheme, format))
            }
            "header" | "query" | "cookie" => Some(Self::Key(place, name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_and_nothing_of_what_was_shown() {
        for (value, line) in [
            ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "http bearer JWT"),
            ("bearer swordfish", "http bearer"),
            ("Basic c3dvcmRmaXNo", "http basic"),
            ("DIGEST username=a", "http digest"),
            ("swordfish", "header authorization"),
            ("AWS4-HMAC-SHA256 Credential=a", "header authorization"),
        ] {
            let mut shown = Shown::default();
            shown.authorization(value);
            assert_eq!(shown.together(), line, "{value}");
        }
        let mut shown = Shown::default();
        shown.key("query", "my api\nkey");
        shown.key("cookie", "sid");
        assert_eq!(shown.together(), "cookie sid\nquery my apikey");
        assert_eq!(Scheme::of("query my apikey"), Some(Scheme::Key("query", "my apikey")));
        assert_eq!(Scheme::of("http bearer JWT"), Some(Scheme::Http("bearer", Some("JWT"))));
        assert_eq!(Scheme::of("ftp x"), None);
    }
}
