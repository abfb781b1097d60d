//! Where a body ends, told by the head: RFC 9112 §6.3 in its order.

use crate::body::Framing;
use crate::{MessageAnomalies, MessageAnomaly};

/// What the headers of one head say about the length of its body, gathered one field at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lengths {
    content_length: ContentLength,
    transfer_encoding: TransferEncoding,
    /// What is odd about them.
    pub(crate) anomalies: MessageAnomalies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ContentLength {
    #[default]
    Absent,
    Valid(u64),
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum TransferEncoding {
    #[default]
    Absent,
    /// `chunked` was the last coding.
    Chunked,
    /// Another coding was the last.
    Other,
}

impl Lengths {
    /// Whether a field of this name may say anything: almost none has the length of the two that do.
    #[inline]
    pub(crate) const fn may_be(name: &[u8]) -> bool {
        matches!(name.len(), 14 | 17)
    }

    /// Takes one field, in the order they were sent.
    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) {
        // By length first: almost no field has the length of these two.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => {}
        }
    }

    /// A list of equal numbers counts as one (RFC 9112 §6.3, 5), and so do repeated lines.
    fn content_length(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',') {
            let length = decimal(item.trim_ascii());
            self.content_length = match (self.content_length, length) {
                (ContentLength::Absent, Some(length)) => ContentLength::Valid(length),
                (ContentLength::Valid(before), Some(length)) if before == length => {
                    self.anomalies.insert(MessageAnomaly::RepeatedContentLength);
                    ContentLength::Valid(length)
                }
                (ContentLength::Valid(_), Some(_)) => {
                    self.anomalies.insert(MessageAnomaly::ConflictingContentLength);
                    ContentLength::Bad
                }
                (_, None) => {
                    self.anomalies.insert(MessageAnomaly::BadContentLength);
                    ContentLength::Bad
                }
                (ContentLength::Bad, Some(_)) => ContentLength::Bad,
            };
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
        {
            self.transfer_encoding = if item.eq_ignore_ascii_case(b"chunked") {
                TransferEncoding::Chunked
            } else {
                if !item.eq_ignore_ascii_case(b"identity") {
                    self.anomalies.insert(MessageAnomaly::TransferCoding);
                }
                TransferEncoding::Other
            };
        }
    }

    /// How the body of a request ends.
    pub(crate) fn of_request(&mut self) -> Framing {
        match (self.transfer_encoding, self.content_length) {
            (TransferEncoding::Absent, ContentLength::Valid(length)) => Framing::Length(length),
            // Malformed: a server answers 400 and closes; until then what follows is the body.
            (TransferEncoding::Absent, ContentLength::Bad) => Framing::UntilClose,
            (TransferEncoding::Absent, ContentLength::Absent) => Framing::None,
            _ => self.coded(),
        }
    }

    /// How the body of a response ends, to a request with the method HEAD or another.
    pub(crate) fn of_response(&mut self, status: u16, head: bool) -> Framing {
        if head || matches!(status, 100..=199 | 204 | 304) {
            return Framing::None;
        }
        match (self.transfer_encoding, self.content_length) {
            (TransferEncoding::Absent, ContentLength::Valid(length)) => Framing::Length(length),
            (TransferEncoding::Absent, _) => Framing::UntilClose,
            _ => self.coded(),
        }
    }

    /// With a `Transfer-Encoding`, which counts more than any `Content-Length`.
    fn coded(&mut self) -> Framing {
        if self.content_length != ContentLength::Absent {
            self.anomalies.insert(MessageAnomaly::LengthAndChunked);
        }
        if self.transfer_encoding == TransferEncoding::Chunked {
            return Framing::Chunked;
        }
        self.anomalies.insert(MessageAnomaly::NotChunked);
        Framing::UntilClose
    }
}

/// A number of decimal digits and nothing else, as far as 64 bits go.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageAnomaly as A;

    type Case<'a> = (&'a [(&'a str, &'a str)], Framing, Framing, &'a [MessageAnomaly]);

    fn lengths(fields: &[(&str, &str)]) -> Lengths {
        let mut lengths = Lengths::default();
        for (name, value) in fields {
            lengths.field(name.as_bytes(), value.as_bytes());
        }
        lengths
    }

    #[test]
    fn the_order_of_rfc_9112_holds() {
        const CL: &str = "content-LENGTH";
        const TE: &str = "Transfer-Encoding";
        let (none, close, chunked) = (Framing::None, Framing::UntilClose, Framing::Chunked);
        let cases: &[Case<'_>] = &[
            (&[], none, close, &[]),
            (&[(CL, "0")], Framing::Length(0), Framing::Length(0), &[]),
            (&[(CL, " 12 ")], Framing::Length(12), Framing::Length(12), &[]),
            (&[(CL, "18446744073709551615")], Framing::Length(u64::MAX), Framing::Length(u64::MAX), &[]),
            (&[(CL, "18446744073709551616")], close, close, &[A::BadContentLength]),
            (&[(CL, "5"), (CL, "5")], Framing::Length(5), Framing::Length(5), &[A::RepeatedContentLength]),
            (&[(CL, "5, 5")], Framing::Length(5), Framing::Length(5), &[A::RepeatedContentLength]),
            (&[(CL, "5"), (CL, "6")], close, close, &[A::ConflictingContentLength]),
            (&[(CL, "5"), (CL, "6"), (CL, "6")], close, close, &[A::ConflictingContentLength]),
            (&[(CL, "-5")], close, close, &[A::BadContentLength]),
            (&[(CL, "+5")], close, close, &[A::BadContentLength]),
            (&[(CL, "0x5")], close, close, &[A::BadContentLength]),
            (&[(CL, "")], close, close, &[A::BadContentLength]),
            (&[(TE, "chunked")], chunked, chunked, &[]),
            (&[(TE, "Chunked")], chunked, chunked, &[]),
            (&[(TE, "gzip, chunked")], chunked, chunked, &[A::TransferCoding]),
            (&[(TE, "gzip"), (TE, "chunked")], chunked, chunked, &[A::TransferCoding]),
            (&[(TE, "chunked, gzip")], close, close, &[A::TransferCoding, A::NotChunked]),
            (&[(TE, "identity")], close, close, &[A::NotChunked]),
            (&[(TE, "xchunked")], close, close, &[A::TransferCoding, A::NotChunked]),
            (&[(TE, "chunked"), (CL, "5")], chunked, chunked, &[A::LengthAndChunked]),
            (&[(CL, "x"), (TE, "chunked")], chunked, chunked, &[A::LengthAndChunked, A::BadContentLength]),
        ];
        for (fields, request, response, anomalies) in cases {
            let mut lengths = lengths(fields);
            assert_eq!(lengths.of_request(), *request, "{fields:?}");
            assert_eq!(lengths.of_response(200, false), *response, "{fields:?}");
            let mut expected = MessageAnomalies::default();
            anomalies.iter().for_each(|anomaly| expected.insert(*anomaly));
            assert_eq!(lengths.anomalies, expected, "{fields:?}");
        }
    }

    #[test]
    fn some_responses_have_no_body_whatever_their_headers_say() {
        for (status, head) in [(200, true), (100, false), (103, false), (204, false), (304, false)] {
            let mut lengths = lengths(&[("Content-Length", "10"), ("Transfer-Encoding", "chunked")]);
            assert_eq!(lengths.of_response(status, head), Framing::None);
            assert!(lengths.anomalies.is_empty());
        }
    }
}
