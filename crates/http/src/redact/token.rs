//! What stands in a secret's place: a digest that nobody can compute, or test a guess with, who does not have the key.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What every token begins with.
const MARK: &str = "redacted:";

/// Bytes of the digest that are shown: two of a million secrets get the same token with a chance of one to 10^7.
const SHOWN: usize = 8;

/// The length of SHA-256's blocks.
const BLOCK: usize = 64;

/// HMAC-SHA-256 (RFC 2104) with its key, ready for messages.
#[derive(Clone)]
pub(super) struct Key {
    inner: Sha256,
    outer: Sha256,
}

impl Key {
    pub(super) fn new(key: &[u8]) -> Self {
        let digest = Sha256::digest(key);
        let key = if key.len() > BLOCK { digest.as_slice() } else { key };
        let pad = |with: u8| {
            let mut block = [with; BLOCK];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            Sha256::new_with_prefix(block)
        };
        Self { inner: pad(0x36), outer: pad(0x5c) }
    }

    fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }

    /// The token for a secret: `redacted:` and 16 hexadecimal digits.
    pub(super) fn token(&self, secret: &[u8]) -> String {
        let mut token = String::from(MARK);
        for byte in self.authenticate(secret).iter().take(SHOWN) {
            let _ = write!(token, "{byte:02x}");
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: &[u8], message: &[u8]) -> String {
        Key::new(key).authenticate(message).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_are_those_of_rfc_4231() {
        assert_eq!(
            hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_token_depends_on_secret_and_key() {
        let [one, other] = [Key::new(b"one"), Key::new(b"other")];
        assert_eq!(one.token(b"x"), one.token(b"x"));
        assert_ne!(one.token(b"x"), one.token(b"y"));
        assert_ne!(one.token(b"x"), other.token(b"x"));
        assert_eq!(one.token(b"").len(), MARK.len() + 2 * SHOWN);
    }
}
