//! From the bytes of a whole head to where its words are: httparse first, and [`lenient`](crate::lenient) where it
//! refuses.
//!
//! Promises: each head is parsed once; what is kept refers to the head's bytes and copies none of them.

use std::mem::MaybeUninit;

use crate::budget::Budget;
use crate::framing::Lengths;
use crate::head::Span;
use crate::lenient;
use crate::message::Message;
use crate::scan::Scan;
use crate::{Limits, MessageAnomaly};

/// How many headers are parsed without the heap.
const FEW: usize = 64;

/// Whose head it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// Finds the words of `head`, as `scan` found its end, and says what they tell about the body.
///
/// Fills everything of `message` that comes from the head but the head's bytes themselves.
pub(crate) fn parse(
    kind: Kind,
    head: &[u8],
    scan: &Scan,
    message: &mut Message,
    limits: &Limits,
    budget: &mut Budget,
) -> Lengths {
    if scan.bare_lf {
        message.mark(MessageAnomaly::BareLf);
    }
    if !head.is_ascii() && std::str::from_utf8(head).is_err() {
        message.mark(MessageAnomaly::Latin1);
    }
    // Each line but the first and the last is a header, or the continuation of one.
    let headers = scan.lines.saturating_sub(2);
    let strict = if headers <= FEW {
        strict(kind, head, &mut [const { MaybeUninit::uninit() }; FEW], message, budget)
    } else if headers <= limits.headers {
        let mut headers = vec![MaybeUninit::uninit(); headers];
        strict(kind, head, &mut headers, message, budget)
    } else {
        None
    };
    strict.unwrap_or_else(|| lenient::parse(kind, head, message, limits, budget))
}

/// What httparse makes of the head; `None` if it refuses, with nothing left in the message.
fn strict<'a>(
    kind: Kind,
    head: &'a [u8],
    headers: &mut [MaybeUninit<httparse::Header<'a>>],
    message: &mut Message,
    budget: &mut Budget,
) -> Option<Lengths> {
    let headers = match kind {
        Kind::Request => {
            let mut request = httparse::Request::new(&mut []);
            let parsed = request.parse_with_uninit_headers(head, headers);
            if !matches!(parsed, Ok(httparse::Status::Complete(end)) if end == head.len()) {
                return None;
            }
            let (method, target) =
                (word(head, request.method?.as_bytes()), word(head, request.path?.as_bytes()));
            message.start = [method, target, behind(target, VERSION)];
            request.headers
        }
        Kind::Response => {
            let mut response = httparse::Response::new(&mut []);
            let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
                &mut response,
                head,
                headers,
            );
            if !matches!(parsed, Ok(httparse::Status::Complete(end)) if end == head.len()) {
                return None;
            }
            let version = Span { start: 0, end: VERSION };
            let status = behind(version, 3);
            message.status = response.code?;
            message.start = [version, status, reason(head, status)];
            response.headers
        }
    };
    let fields = &mut message.headers.fields;
    let room = budget.reserve(fields, headers.len());
    fields.extend(
        headers
            .iter()
            .take(room)
            .map(|header| (word(head, header.name.as_bytes()), word(head, header.value))),
    );
    if room < headers.len() {
        message.mark(MessageAnomaly::TooManyHeaders);
    }
    let mut lengths = Lengths::default();
    for header in &*headers {
        lengths.field(header.name.as_bytes(), header.value);
    }
    Some(lengths)
}

/// The length of `HTTP/1.1`.
const VERSION: u32 = 8;

/// The word of that length, one space behind another.
const fn behind(before: Span, length: u32) -> Span {
    let start = before.end.saturating_add(1);
    Span { start, end: start.saturating_add(length) }
}

/// The reason phrase. Taken from the line itself, since httparse leaves out one with bytes of 0x80 and above.
fn reason(head: &[u8], status: Span) -> Span {
    let start = status.end as usize + 1;
    let line = head.get(start..).unwrap_or_default();
    let mut length = memchr::memchr(b'\n', line).unwrap_or(0);
    if length.checked_sub(1).and_then(|last| line.get(last)) == Some(&b'\r') {
        length -= 1;
    }
    if line.is_empty() || head.get(status.end as usize) != Some(&b' ') {
        return Span { start: status.end, end: status.end };
    }
    Span::new(start..start + length)
}

/// Where a part of the head is in it.
fn word(head: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().wrapping_sub(head.as_ptr().addr());
    Span::new(start..start.saturating_add(part.len()))
}
