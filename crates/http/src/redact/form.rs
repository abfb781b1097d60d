//! Forms (`application/x-www-form-urlencoded`): the values of fields with the names of secrets.

use super::names::is_secret;
use super::url::decoded;
use super::{NESTED, Redactor};
use crate::percent;
use crate::url::split;

/// Names that mean a secret in a form, as OAuth has them, but hardly elsewhere.
const ALSO: [&[u8]; 2] = [b"code", b"device_code"];

impl Redactor {
    /// The form without its secrets; `None` if it is no form.
    pub(super) fn form(&self, form: &[u8]) -> Option<Vec<u8>> {
        let form = form.trim_ascii();
        // What some programs send as a form if they are not told what it is.
        if matches!(form.first(), Some(b'{' | b'[')) {
            return self.json(form, NESTED);
        }
        if !form.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut out = Vec::with_capacity(form.len());
        for piece in form.split_inclusive(|byte| matches!(byte, b'&' | b';')) {
            let (piece, mark) = match piece.split_last() {
                Some((mark @ (b'&' | b';'), before)) => (before, Some(*mark)),
                _ => (piece, None),
            };
            match split(piece, b'=') {
                _ if piece.is_empty() => {}
                (name, Some(value)) if value.iter().any(|byte| *byte != b'=') => {
                    out.extend(self.name(name, b"="));
                    out.extend(self.value(name, value));
                }
                (name, Some(b"")) if form.len() > piece.len() => {
                    out.extend(self.name(name, b"="));
                }
                _ => out.extend(self.token(&percent::decode(piece, true))),
            }
            out.extend(mark);
        }
        Some(out)
    }

    fn value(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        let name = decoded(name);
        let plain = percent::decode(value, true);
        if is_secret(&name) || ALSO.iter().any(|also| name.eq_ignore_ascii_case(also)) {
            return self.token(&plain);
        }
        match self.text(&decoded(&plain), NESTED) {
            Some(redacted) => percent::encode(&redacted),
            None => value.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{redactor, shown};

    #[test]
    fn forms_without_their_secrets() {
        for (form, expected) in [
            ("user=a&password=b&page=2", "user=a&password=*&page=2"),
            ("p%61ssword=b", "p%61ssword=*"),
            ("p%2561ssword=b;x=y", "p%2561ssword=*;x=y"),
            ("user[PIN]=1&a=", "user[PIN]=*&a="),
            ("grant_type=authorization_code&code=b", "grant_type=authorization_code&code=*"),
            ("abc", "*"),
            ("YWJj==", "*"),
            ("next=http%3A%2F%2Fa%2F%3Fb%3Dc", "next=http:%2F%2Fa%2F%3Fb%3D*"),
            ("payload=%7B%22secret%22%3A%22b%22%7D", "payload=%7B%22secret%22:%22*%22%7D"),
            (r#"{"password":"b"}"#, r#"{"password":"*"}"#),
            ("", ""),
        ] {
            assert_eq!(
                redactor().form(form.as_bytes()).map(|form| shown(&form)).as_deref(),
                Some(expected),
                "{form}"
            );
        }
        for none in ["a=b\nc", "{\"password\":", "a=\u{e9}", "-- x --"] {
            assert_eq!(redactor().form(none.as_bytes()), None, "{none}");
        }
    }
}
