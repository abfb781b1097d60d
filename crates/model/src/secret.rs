//! What must not be kept of values: names that say that their value is secret, and values that look like secrets.
//!
//! It errs on the side of silence: a field that sounds like a secret has no values, ranges or examples in a model.

use crate::Kind;

/// Names that say so in an API, and need not in a log: numbers of cards, and a code that is exchanged for a token.
const MORE: [&str; 2] = ["creditcard", "cardnumber"];

/// Whether the value under this name is taken for a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    plain == "code"
        || MORE.iter().any(|part| plain.contains(part))
        || egret_http::is_secret_name(name.as_bytes())
}

/// Whether a header, query parameter or cookie of this name is how a client shows who it is.
pub(crate) fn is_api_key_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    ["apikey", "authtoken", "accesstoken", "xtoken", "authkey", "subscriptionkey"]
        .iter()
        .any(|part| plain.contains(part))
}

/// Whether a cookie of this name holds a session.
pub(crate) fn is_session_name(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    ["sess", "sid", "token", "auth", "jwt", "login"].iter().any(|part| plain.contains(part))
}

/// Whether a value may be kept as one of few that repeat: a word that people chose, and short.
pub(crate) fn is_nameable(value: &str) -> bool {
    value.len() <= 32 && matches!(Kind::of(value), Kind::Word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in
            ["password", "newPassword", "access_token", "API-Key", "X-Auth-Token", "sessionId", "pin", "key"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["name", "status", "keyboard", "spinner", "author", "passenger"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(
            is_api_key_name("X-Api-Key") && is_api_key_name("api_key") && !is_api_key_name("x-request-id")
        );
        assert!(is_session_name("JSESSIONID") && !is_session_name("theme"));
    }

    #[test]
    fn only_words_are_kept() {
        assert!(is_nameable("pending") && is_nameable("in-progress"));
        for value in
            ["heron@example.com", "John Smith", "hunter2hunter3x99", "0189a6f0-4d1c-7b52-8f3a-000000000001"]
        {
            assert!(!is_nameable(value), "{value}");
        }
    }
}
