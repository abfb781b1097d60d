//! Exchanges without their secrets.
//!
//! Promises: what a [`Redactor`] gives holds no byte of what it takes for a secret, in whatever form it is printed.
//! Where it cannot tell, with what is no header, no JSON and no form to the letter, it takes the whole for one.

use crate::body::Body;
use crate::head::Span;
use crate::message::Message;
use crate::{Exchange, MessageAnomaly, Request, Response};

mod fields;
mod form;
mod json;
mod names;
mod text;
mod token;
mod url;

use token::Key;

/// Whether what stands under this name is a secret, as far as a name can tell: `password`, `accessToken`, `X-Api-Key`.
pub fn is_secret_name(name: &[u8]) -> bool {
    names::is_secret(name)
}

/// Whether a word is a secret by its look: a JSON web token is in it, or it is a key as well-known issuers make them.
pub fn looks_secret(word: &[u8]) -> bool {
    names::looks_secret(word).is_some()
}

/// How often JSON may be in a string of JSON, for what is inside to be looked at.
const NESTED: usize = 3;

/// Longer than any method.
const METHOD: usize = 24;

/// Puts tokens in the place of secrets.
///
/// A token is `redacted:` and 16 hexadecimal digits, the beginning of an HMAC-SHA-256 of the secret: the same secret
/// gives the same token wherever it is and however it is encoded, so that one can see where it comes from and where it
/// goes; without the key, nobody can test a guess with it.
///
/// ```
/// use egret_http::Redactor;
/// # fn f(exchange: &egret_http::Exchange) {
/// let redactor = Redactor::new(b"a key of some length, from a good source");
/// println!("{}", redactor.exchange(exchange));
/// # }
/// ```
///
/// What is taken for a secret:
///
/// * the values of `Authorization` and its like, of `Cookie` and `Set-Cookie`, and of headers and trailers with a name
///   like `X-Api-Key`, `X-Auth-Token`, `Client-Secret`; names, schemes and the attributes of cookies stay;
/// * every value of a query, in the target and in the URLs of any header, and what is in front of the `@` of a URL;
/// * of JSON and of forms, what stands under a name like `password`, `accessToken` or `pin`, however deep; every other
///   body as a whole, JSON included that was not kept to its end;
/// * in any text that is left: JSON web tokens, keys of well-known issuers, `Bearer …`, `password=…`;
/// * lines of a head that are no fields, words of a start line that cannot be what they should be.
///
/// What is not: hosts, addresses, paths, names, sizes and times; nor a secret under a name that does not tell it
/// (`{"value": "hunter2"}`, `/reset/2f9c1b`), unless it is one by its look.
#[derive(Clone)]
pub struct Redactor {
    key: Key,
}

impl std::fmt::Debug for Redactor {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor with this key. Who knows the key can test guesses: take 16 random bytes or more, and keep them.
    pub fn new(key: &[u8]) -> Self {
        Self { key: Key::new(key) }
    }

    /// The exchange without its secrets. Sizes, verdict and times are those of what was sent; the bytes of bodies are
    /// not, so that [`Body::is_whole`] means nothing here.
    pub fn exchange(&self, exchange: &Exchange) -> Exchange {
        Exchange {
            request: self.request(&exchange.request),
            response: self.response(&exchange.response),
            informational: exchange.informational.iter().map(|response| self.response(response)).collect(),
            ..*exchange
        }
    }

    fn request(&self, request: &Request) -> Request {
        let (method, version) = (request.method(), request.version());
        let target = match method {
            b"CONNECT" => self.authority(request.target()),
            _ if request.target().starts_with(b"/") => self.parts(crate::url::Url::of_target(request)),
            _ => self.url(request.target()),
        };
        let method = if is_method(method) { method.to_vec() } else { self.token(method) };
        let version = if is_version(version) { version.to_vec() } else { self.token(version) };
        Request(self.message(request, [method, target, version]))
    }

    fn response(&self, response: &Response) -> Response {
        let version = response.version().unwrap_or_default();
        let version = if is_version(version) { version.to_vec() } else { self.token(version) };
        let status = response.status().map(|status| status.to_string().into_bytes()).unwrap_or_default();
        let reason = response.reason().unwrap_or_default();
        let reason = self.text(reason, NESTED).unwrap_or_else(|| reason.to_vec());
        Response(self.message(response, [version, status, reason]))
    }

    fn message(&self, message: &Message, words: [Vec<u8>; 3]) -> Message {
        let mut start = message.start;
        // What was not seen to its end stays unseen.
        let seen = start.iter_mut().zip(words).filter(|(span, _)| span.end > 0);
        let mut seen: Vec<(&mut Span, Vec<u8>)> = seen.collect();
        let colons = !message.anomalies.contains(MessageAnomaly::NoColon);
        let headers = self.fields(&message.headers, &mut seen, colons);
        let trailers = message.trailers.as_deref().filter(|trailers| !trailers.is_empty());
        let trailers = trailers.map(|trailers| Box::new(self.fields(trailers, &mut [], colons)));
        Message {
            headers,
            start,
            trailers,
            body: self.body(message),
            status: message.status,
            anomalies: message.anomalies,
            transfer: message.transfer,
        }
    }

    /// The body, as far as it was kept, without its secrets.
    fn body(&self, message: &Message) -> Body {
        let Body { framing, size, missing, decoded_size, undecoded, .. } = message.body;
        let mut body = Body { framing, size, missing, decoded_size, undecoded, ..Body::default() };
        let kept = message.body.bytes();
        if kept.is_empty() {
            return body;
        }
        let media_type = message.media_type().unwrap_or_default().to_ascii_lowercase();
        let known = match &*media_type {
            // The end of what was cut off may be anything.
            _ if !message.body.is_whole() => None,
            "application/x-www-form-urlencoded" => self.form(kept),
            "" | "text/plain" => self.json(kept, NESTED),
            json if json.contains("json") => self.json(kept, NESTED),
            _ => None,
        };
        let redacted = known.unwrap_or_else(|| self.token(kept));
        if body.decoded_size().is_some() {
            body.decoded = redacted;
        } else {
            body.raw = redacted;
        }
        body
    }

    /// What stands in a secret's place. Nothing is no secret.
    fn token(&self, secret: &[u8]) -> Vec<u8> {
        if secret.is_empty() { Vec::new() } else { self.key.token(secret).into_bytes() }
    }
}

/// Whether a word may be a method: letters of one case, as in `GET`, `M-SEARCH`, `RPC_IN_DATA`, and not many.
fn is_method(word: &[u8]) -> bool {
    let all = |is: fn(&u8) -> bool| word.iter().all(|byte| is(byte) || matches!(byte, b'-' | b'_'));
    word.len() <= METHOD && (all(u8::is_ascii_uppercase) || all(u8::is_ascii_lowercase))
}

/// Whether a word may be a version: `HTTP/1.1`, or `ICY`.
fn is_version(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"HTTP/").unwrap_or(b"not a number");
    word == b"ICY" || number.len() <= 4 && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Redactor;

    pub(super) fn redactor() -> Redactor {
        Redactor::new(b"a key for tests")
    }

    /// As text, with a star for each token.
    pub(super) fn shown(bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split("redacted:");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |shown, part| shown + "*" + part.get(16..).unwrap_or("(cut)"))
    }
    /// Bytes that mean something to one of the parsers, and some that do not.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(
            proptest::sample::select(&b"ab0%2fF&;=?#/:@\"'\\{}[], \t\r\n\xff\xc3<eyJ.~+"[..]),
            0..40,
        )
    }

    proptest! {
        #[test]
        fn no_query_keeps_a_value(before in bytes(), after in bytes()) {
            let target = [b"/a?".as_slice(), &before, b"&c=Kanarien", &after].concat();
            prop_assert!(!shown(&redactor().url(&target)).contains("Kanarien"), "{}", target.escape_ascii());
            // What a mark divides from its value is a name.
            let value: Vec<u8> = before.into_iter().filter(|byte| !b"&;?#".contains(byte)).collect();
            let header = [b"/a?b=".as_slice(), &value, b"Kanarien", &after].concat();
            prop_assert!(!shown(&redactor().url(&header)).contains("Kanarien"), "{}", header.escape_ascii());
        }

        #[test]
        fn no_cookie_keeps_a_value(before in bytes(), after in bytes()) {
            let cookie = [b"a=".as_slice(), &before, b"; b=Kanarien", &after].concat();
            for name in [&b"Cookie"[..], b"set-cookie", b"Authorization", b"X-Api-Key"] {
                prop_assert!(!shown(&redactor().field(name, &cookie)).contains("Kanarien"), "{}", cookie.escape_ascii());
            }
        }

        #[test]
        fn any_bytes_can_be_looked_at(bytes in bytes()) {
            let redactor = redactor();
            let _ = (redactor.json(&bytes, 2), redactor.form(&bytes), redactor.path(&bytes));
            // What is said to be changed is.
            if let Some(once) = redactor.text(&bytes, 2) {
                prop_assert!(once != bytes);
            }
        }
    }
}
