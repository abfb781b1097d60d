//! Heads that a strict parser refuses: read line by line, keeping what can be told and naming what is wrong.
//!
//! Promises: takes any bytes, once, from the first to the last; gives a method, target, status and headers where
//! there are any; a line that makes no sense is kept as a name without a value, never dropped.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::budget::Budget;
use crate::framing::Lengths;
use crate::head::{Headers, Span};
use crate::message::Message;
use crate::parse::Kind;
use crate::sniff::{is_simple_request, is_token, spaces_in_front};
use crate::{Limits, MessageAnomalies, MessageAnomaly};

/// Finds the words of a head that may be cut off anywhere.
pub(crate) fn parse(
    kind: Kind,
    head: &[u8],
    message: &mut Message,
    limits: &Limits,
    budget: &mut Budget,
) -> Lengths {
    let spaces = match kind {
        Kind::Request => 0,
        Kind::Response => spaces_in_front(head),
    };
    if spaces > 0 {
        message.mark(MessageAnomaly::ExtraSpace);
    }
    let feed = memchr(b'\n', head.get(spaces..).unwrap_or_default());
    let end = feed.map_or(head.len(), |feed| spaces + feed + 1);
    let line = line(head, spaces, end);
    let before = message.anomalies;
    match kind {
        Kind::Request => request_line(head, line, message),
        Kind::Response => status_line(head, line, message),
    }
    if feed.is_none() {
        message.anomalies = before; // What seems odd may only be cut off.
        // Nor is the last word known to its end. Of a target the beginning is worth having.
        let [first, second, third] = &mut message.start;
        *third = Span::default();
        if kind == Kind::Response && second.end >= line.end {
            (*second, message.status) = (Span::default(), 0);
            if first.end >= line.end {
                *first = Span::default();
            }
        }
    }
    fields(head, end, &mut message.headers, &mut message.anomalies, limits, budget)
}

/// Finds the fields in `bytes` from `start` on, up to an empty line.
pub(crate) fn fields(
    bytes: &[u8],
    start: usize,
    headers: &mut Headers,
    anomalies: &mut MessageAnomalies,
    limits: &Limits,
    budget: &mut Budget,
) -> Lengths {
    let (mut lengths, mut start) = (Lengths::default(), start);
    // The field that the next line may continue; it counts once it is whole.
    let mut pending: Option<(Span, Span)> = None;
    // Whether all there is of it is a word without a colon.
    let mut alone = false;
    let mut keep = |(name, value): (Span, Span), anomalies: &mut MessageAnomalies| {
        lengths.field(name.of(bytes), value.of(bytes));
        if headers.fields.len() >= limits.headers || !budget.push(&mut headers.fields, (name, value)) {
            anomalies.insert(MessageAnomaly::TooManyHeaders);
        }
    };
    let rest = bytes.get(start..).unwrap_or_default();
    let (offset, last) = (start, (!rest.ends_with(b"\n")).then_some(bytes.len()));
    for end in memchr_iter(b'\n', rest).map(|feed| offset + feed + 1).chain(last) {
        let span = line(bytes, start, end);
        start = end;
        let text = span.of(bytes);
        if text.is_empty() {
            break;
        }
        if matches!(text.first(), Some(b' ' | b'\t')) {
            anomalies.insert(MessageAnomaly::ObsFold);
            if let Some((_, value)) = &mut pending {
                let mut more = trimmed(bytes, span);
                control(more.of(bytes), anomalies);
                // A fold is a space (RFC 9112 §5.2): what stood alone was a name in front of its colon.
                if alone && more.of(bytes).first() == Some(&b':') {
                    anomalies.insert(MessageAnomaly::SpaceBeforeColon);
                    more = trimmed(bytes, Span { start: more.start + 1, end: more.end });
                    alone = false;
                }
                if value.start == value.end {
                    *value = more;
                } else if more.start != more.end {
                    value.end = more.end;
                }
                continue;
            }
        }
        // What seems odd in a line without its end may only be cut off.
        let before = *anomalies;
        let next = field(bytes, span, anomalies);
        if last == Some(end) {
            *anomalies = before;
        }
        alone = memchr(b':', text).is_none();
        if let Some(field) = pending.replace(next) {
            keep(field, anomalies);
        }
    }
    if let Some(field) = pending {
        keep(field, anomalies);
    }
    lengths
}

/// Name and value of a line.
fn field(bytes: &[u8], line: Span, anomalies: &mut MessageAnomalies) -> (Span, Span) {
    let text = line.of(bytes);
    let Some(colon) = memchr(b':', text) else {
        anomalies.insert(MessageAnomaly::NoColon);
        control(text, anomalies);
        return (trimmed(bytes, line), Span { start: line.end, end: line.end });
    };
    let colon = line.start + colon as u32;
    let sent = Span { start: line.start, end: colon };
    let name = trimmed(bytes, sent);
    if name.end != sent.end {
        anomalies.insert(MessageAnomaly::SpaceBeforeColon);
    }
    if name.start == name.end || !name.of(bytes).iter().all(|byte| is_token(*byte)) {
        anomalies.insert(MessageAnomaly::BadName);
    }
    let value = trimmed(bytes, Span { start: colon + 1, end: line.end });
    control(value.of(bytes), anomalies);
    (name, value)
}

/// `METHOD SP target SP HTTP/1.1`. The version is looked for from the end, so that spaces in the target stay in it.
fn request_line(head: &[u8], line: Span, message: &mut Message) {
    let text = line.of(head);
    control(text, &mut message.anomalies);
    let method = memchr(b' ', text).unwrap_or(text.len());
    let version = match memmem::rfind(text, b" HTTP/") {
        Some(space) if space >= method => space,
        _ => {
            let rest = head.get(line.end as usize..).unwrap_or_default();
            let alone = rest.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            let simple = alone && is_simple_request(text);
            message.mark(if simple { MessageAnomaly::Http09 } else { MessageAnomaly::BadStartLine });
            // The last word of a line that is cut off in its version.
            memrchr(b' ', text)
                .filter(|space| {
                    *space > method && text.get(space + 1..).is_some_and(|end| b"HTTP/".starts_with(end))
                })
                .unwrap_or(text.len())
        }
    };
    let at =
        |start: usize, end: usize| Span { start: line.start + start as u32, end: line.start + end as u32 };
    let target = trimmed(head, at(method.min(version), version));
    let between = version.saturating_sub(method + 1);
    if between > 0 && target.of(head).len() != between {
        message.mark(MessageAnomaly::ExtraSpace);
    }
    if target.of(head).iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        message.mark(MessageAnomaly::SpaceInTarget);
    }
    if target.start == target.end && version < text.len() {
        message.mark(MessageAnomaly::EmptyTarget);
    }
    let sent = at(version.min(text.len()), text.len());
    let version = trimmed(head, sent);
    if version.end != sent.end {
        message.mark(MessageAnomaly::ExtraSpace);
    }
    if !matches!(version.of(head), b"HTTP/1.1" | b"HTTP/1.0" | b"") {
        message.mark(MessageAnomaly::BadVersion);
    }
    message.start = [at(0, method), target, version];
}

/// `HTTP/1.1 SP status [SP reason]`.
fn status_line(head: &[u8], line: Span, message: &mut Message) {
    let text = line.of(head);
    control(text, &mut message.anomalies);
    let at =
        |start: usize, end: usize| Span { start: line.start + start as u32, end: line.start + end as u32 };
    let version = memchr(b' ', text).unwrap_or(text.len());
    if !matches!(text.get(..version), Some(b"HTTP/1.1" | b"HTTP/1.0")) {
        message.mark(MessageAnomaly::BadVersion);
    }
    let spaces = text.iter().skip(version).take_while(|byte| **byte == b' ').count();
    if spaces > 1 {
        message.mark(MessageAnomaly::ExtraSpace);
    }
    let start = version + spaces;
    let digits = text.iter().skip(start).take_while(|byte| **byte != b' ').count();
    let status = at(start, start + digits);
    message.status = number(status.of(head)).unwrap_or(0);
    if digits != 3 || message.status == 0 {
        message.mark(if digits == 0 { MessageAnomaly::BadStartLine } else { MessageAnomaly::BadStatus });
    }
    let reason = trimmed(head, at(start + digits, text.len()));
    message.start = [at(0, version), status, reason];
}

/// A status of one to four digits.
fn number(bytes: &[u8]) -> Option<u16> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    bytes.iter().try_fold(0_u16, |number, byte| Some(number * 10 + char::from(*byte).to_digit(10)? as u16))
}

/// Marks what may not be in a line.
fn control(text: &[u8], anomalies: &mut MessageAnomalies) {
    if memrchr(b'\r', text).is_some() {
        anomalies.insert(MessageAnomaly::BareCr);
    }
    if text.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f)) {
        anomalies.insert(MessageAnomaly::ControlCharacter);
    }
}

/// A line without its end.
fn line(bytes: &[u8], start: usize, end: usize) -> Span {
    let line = bytes.get(start..end).unwrap_or_default();
    let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    Span::new(start..start + text.len())
}

/// A word without the spaces and tabs around it.
fn trimmed(bytes: &[u8], span: Span) -> Span {
    let text = span.of(bytes);
    let space = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    let front = text.iter().take_while(space).count() as u32;
    if front as usize == text.len() {
        return Span { start: span.start, end: span.start };
    }
    let back = text.iter().rev().take_while(space).count() as u32;
    Span { start: span.start + front, end: span.end - back }
}
