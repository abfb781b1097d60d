//! Which names are those of secrets, and which words are secrets by their look.

/// A name is a secret's if this is anywhere in it, whatever stands between its letters and digits.
const WITHIN: [&[u8]; 24] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"passcode",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"accesskey",
    b"privatekey",
    b"credential",
    b"authoriz",
    b"authentic",
    b"bearer",
    b"jwt",
    b"cookie",
    b"session",
    b"signature",
    b"csrf",
    b"xsrf",
    b"assertion",
    b"saml",
    b"verifier",
    b"onetime",
];

/// A name is a secret's if one of its words is this: `userPin`, `user_pin` and `user-pin` have two words each.
const WORDS: [&[u8]; 22] = [
    b"key", b"keys", b"auth", b"oauth", b"pass", b"pw", b"pin", b"otp", b"totp", b"mfa", b"tfa", b"sid",
    b"sig", b"hmac", b"nonce", b"cvv", b"cvc", b"ssn", b"cred", b"creds", b"psk", b"seed",
];

/// Whether what stands under this name is a secret, as far as a name can tell.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let letters: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    letters.ends_with(b"key")
        || WITHIN.iter().any(|part| memchr::memmem::find(&letters, part).is_some())
        || words(name).any(|word| WORDS.iter().any(|secret| word.eq_ignore_ascii_case(secret)))
}

/// The words of a name: runs of letters and digits, divided where a capital letter follows a small one.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| !byte.is_ascii_alphanumeric())
        .flat_map(|run| run.chunk_by(|one, next| !(one.is_ascii_lowercase() && next.is_ascii_uppercase())))
}

/// What well-known issuers let their keys begin with, and how long one is at least.
const ISSUED: [(&[u8], usize); 17] = [
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"ghu_", 20),
    (b"ghs_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 20),
    (b"xoxb-", 15),
    (b"xoxp-", 15),
    (b"xoxa-", 15),
    (b"sk_live_", 16),
    (b"sk_test_", 16),
    (b"sk-", 20),
    (b"AKIA", 20),
    (b"ASIA", 20),
    (b"AIza", 30),
    (b"ya29.", 16),
];

/// `{"` in base64: so begin JSON web tokens, and other JSON that someone did not want to be read.
const JSON_IN_BASE64: &[u8] = b"eyJ";

/// Shorter than any of those that hold something.
const SHORTEST: usize = 16;

/// Whether a run of bytes without space is a key by the mark of its issuer.
pub(super) fn is_issued(run: &[u8]) -> bool {
    ISSUED.iter().any(|(prefix, least)| run.len() >= *least && run.starts_with(prefix))
}

/// Where in a run of bytes without space a secret begins that can be told by its look.
pub(super) fn looks_secret(run: &[u8]) -> Option<usize> {
    if is_issued(run) {
        return Some(0);
    }
    let at = memchr::memmem::find(run, JSON_IN_BASE64)?;
    (run.len() - at >= SHORTEST).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "PASSWORD",
            "user[password]",
            "new-password",
            "pass_word",
            "X-Api-Key",
            "x-auth-token",
            "apiKey",
            "APIKEY",
            "access_token",
            "client.secret",
            "userPin",
            "pin",
            "sessionId",
            "JSESSIONID",
            "sid",
            "sig",
            "X-Amz-Signature",
            "Ocp-Apim-Subscription-Key",
            "authkey",
            "auth",
            "x-auth-user",
            "SAMLResponse",
            "code_verifier",
            "csrfmiddlewaretoken",
            "p\u{0}assword",
        ] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "user",
            "author",
            "authority",
            "page",
            "q",
            "pinned",
            "side",
            "spinning",
            "compass",
            "passenger",
            "keyboard",
            "Content-Type",
            "User-Agent",
            "signal",
            "design",
            "id",
            "Accept-Encoding",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn secrets_by_their_look() {
        assert_eq!(looks_secret(b"eyJhbGciOiJIUzI1NiJ9.e30.abc"), Some(0));
        assert_eq!(looks_secret(b"v1.eyJhbGciOiJIUzI1NiJ9"), Some(3));
        assert_eq!(looks_secret(b"ghp_0123456789abcdef0123"), Some(0));
        for plain in [&b"eyJ"[..], b"keyJoin", b"ghp_", b"AKIAN", b"sk-short", b"index.html"] {
            assert_eq!(looks_secret(plain), None, "{}", plain.escape_ascii());
        }
    }
}
