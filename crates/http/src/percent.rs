//! Percent-encoding (RFC 3986 §2.1), as URLs and forms use it.
//!
//! Promises: any bytes can be decoded; a `%` without two hexadecimal digits behind it stands for itself.

use std::borrow::Cow;

/// Undoes the encoding; in forms and queries `+` stands for a space.
pub(crate) fn decode(bytes: &[u8], plus: bool) -> Cow<'_, [u8]> {
    if !bytes.iter().any(|byte| *byte == b'%' || plus && *byte == b'+') {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let byte = match (first, tail) {
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = behind;
                    continue;
                }
                _ => b'%',
            },
            (b'+', _) if plus => b' ',
            _ => *first,
        };
        decoded.push(byte);
        rest = tail;
    }
    Cow::Owned(decoded)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Encodes everything but letters, digits and what may stand in each part of a URL without a meaning of its own.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    let mut encoded = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b',') {
            encoded.push(*byte);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            encoded.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (encoded, decoded) in
            [("a%20b", "a b"), ("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("%2541", "%41"), ("a+b", "a+b")]
        {
            assert_eq!(&*decode(encoded.as_bytes(), false), decoded.as_bytes());
        }
        assert_eq!(&*decode(b"a+b%2B", true), b"a b+");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(&*decode(&encode(&all), true), all);
    }
}
