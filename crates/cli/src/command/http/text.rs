//! An exchange for people: a line, and below it, if asked for, what was said.

use std::fmt::{self, Display};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use egret_http::{Exchange, Headers, Message, Response, Verdict};
use egret_reassembly::Direction;

use super::Bodies;
use super::record::shown_text;
use crate::output::Output;
use crate::output::ascii::Ascii;
use crate::output::bytes::{Escaped, escaped};
use crate::output::lines::Lines;
use crate::output::text::{Clock, Painted, Size, Span, alarm, endpoint, side};

/// Writes an exchange: its line; with `verbose` 1 the heads too, with 2 the bodies.
pub(super) fn write(exchange: &Exchange, verbose: u8, bodies: Bodies, out: &mut Output) {
    let style = out.color.then(|| style(exchange)).flatten();
    let color = out.color;
    let bodies = (verbose > 1).then_some(bodies);
    // A line that wraps is harder to read than one that ends early; what is below it is shown as a whole.
    let width = out.width.filter(|_| verbose == 0);
    out.record(|to| {
        if style.is_none() && width.is_none() {
            line(exchange, to)?;
            to.push(b'\n');
        } else {
            let mut whole = Vec::new();
            line(exchange, &mut whole)?;
            let whole = String::from_utf8_lossy(&whole);
            let shown = width.map_or(&*whole, |width| cut(&whole, width));
            writeln!(to, "{}", Painted(style, shown))?;
        }
        if verbose == 0 {
            return Ok(());
        }
        if let Some(request) = exchange.request() {
            let start = Words([request.method(), request.target(), request.version()]);
            message(request, start, Direction::ClientToServer, bodies, color, to)?;
        }
        let interim = exchange.informational().iter();
        for response in interim.chain(exchange.response()) {
            let status = Status(response).to_string();
            let version = response.version().unwrap_or(b"?");
            let start = Words([version, status.as_bytes(), response.reason().unwrap_or_default()]);
            message(response, start, Direction::ServerToClient, bodies, color, to)?;
        }
        to.write_all(b"\n")
    });
}

/// Writes the line for an exchange, without its end:
/// `TIME  CLIENT > SERVER  METHOD TARGET  STATUS TYPE SIZE  WAIT`, and the verdict where it is not "complete".
///
/// In bytes, piece by piece: a line has a dozen of them, and each would cost several times as much by way of `Display`.
fn line(exchange: &Exchange, to: &mut Vec<u8>) -> io::Result<()> {
    let put = |to: &mut Vec<u8>, bytes: &[u8]| to.extend_from_slice(bytes);
    put(to, Clock(exchange.started()).ascii().as_bytes());
    put(to, b"  ");
    endpoint(exchange.client(), to);
    put(to, b" > ");
    endpoint(exchange.server(), to);
    put(to, b"  ");
    match exchange.request() {
        Some(request) => {
            escaped(request.method(), to);
            put(to, b" ");
            escaped(request.target(), to);
            if request.body().size() > 0 {
                put(to, b" (");
                put(to, Size(request.body().size()).ascii().as_bytes());
                put(to, b")");
            }
        }
        None => put(to, b"?"),
    }
    if let Some(response) = exchange.response() {
        put(to, b"  ");
        match response.status() {
            Some(status) => put(to, Ascii::<5>::new().number(status.into(), 1).as_bytes()),
            None => put(to, b"?"),
        }
        if let Some(kind) = response.media_type() {
            put(to, b" ");
            escaped(kind.as_bytes(), to);
        }
        put(to, b" ");
        put(to, Size(response.body().size()).ascii().as_bytes());
        if let Some(decoded) = response.body().decoded_size() {
            put(to, b" (");
            put(to, Size(decoded).ascii().as_bytes());
            put(to, b" decoded)");
        }
    }
    if let Some(wait) = exchange.timing().wait {
        put(to, b"  ");
        put(to, Span(wait).ascii().as_bytes());
    }
    if let Some(tunnel) = exchange.tunnel() {
        let (sent, received) = (Size(tunnel.client_bytes), Size(tunnel.server_bytes));
        write!(to, "  {} tunnel: sent {sent}, received {received}", tunnel.kind.name())?;
    }
    match exchange.verdict() {
        Verdict::Complete => Ok(()),
        verdict => write!(to, "  [{verdict}]"),
    }
}

/// The status of a response, or `?` where it was not seen.
struct Status<'a>(&'a Response);

impl Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.status() {
            Some(status) => Ascii::<5>::new().number(status.into(), 1).fmt(f),
            None => f.write_str("?"),
        }
    }
}

/// The colour of an exchange: what went wrong, on which side.
fn style(exchange: &Exchange) -> Option<Style> {
    let color = match exchange.response().and_then(|response| response.status()) {
        _ if !exchange.verdict().is_complete() => return Some(alarm()),
        Some(200..300) => AnsiColor::Green,
        Some(300..400) => AnsiColor::Cyan,
        Some(400..500) => AnsiColor::Yellow,
        Some(500..) => AnsiColor::Red,
        _ => return None,
    };
    Some(Style::new().fg_color(Some(color.into())))
}

/// As much of a line as fits into `width` columns, counting each character as one.
fn cut(line: &str, width: usize) -> &str {
    match line.char_indices().nth(width) {
        Some((end, _)) => line.get(..end).unwrap_or(line),
        None => line,
    }
}

/// The three words of a start line.
struct Words<'a>([&'a [u8]; 3]);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([first, second, third]) = self;
        write!(f, "{} {} {}", Escaped(first), Escaped(second), Escaped(third))
    }
}

/// A message's head, and its body if it is asked for, each line behind the mark of its side.
fn message(
    message: &Message,
    start: Words<'_>,
    from: Direction,
    bodies: Option<Bodies>,
    color: bool,
    to: &mut impl Write,
) -> io::Result<()> {
    let client = from == Direction::ClientToServer;
    let mark = if client { "> " } else { "< " };
    let style = color.then(|| side(client));
    writeln!(to, "{}", Painted(style, format_args!("{mark}{start}")))?;
    fields(message.headers(), mark, style, to)?;
    let body = message.body();
    if let Some(bodies) = bodies.filter(|_| body.size() > 0) {
        writeln!(to, "{mark}")?;
        let rest = match shown_text(body) {
            Some(text) => {
                let mut lines = Lines::new(mark);
                lines.push(text.as_bytes(), to)?;
                lines.end(to)?;
                let kept = body.bytes().len() as u64;
                match bodies.redacted {
                    true => Some(format!("redacted, {}", Size(body.size()))),
                    false => (!body.is_whole()).then(|| format!("{} of {}", Size(kept), Size(body.size()))),
                }
            }
            None if body.bytes().is_empty() => Some(format!("{}, not kept", Size(body.size()))),
            None => Some(format!("{}, not text", Size(body.size()))),
        };
        if let Some(rest) = rest {
            writeln!(to, "{mark}[{rest}]")?;
        }
    }
    fields(message.trailers(), mark, style, to)
}

fn fields(headers: &Headers, mark: &str, style: Option<Style>, to: &mut impl Write) -> io::Result<()> {
    headers.iter().try_for_each(|(name, value)| {
        let field = format_args!("{mark}{}: {}", Escaped(name), Escaped(value));
        writeln!(to, "{}", Painted(style, field))
    })
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(cut("héllo", 2), "hé");
        assert_eq!(cut("héllo", 5), "héllo");
        assert_eq!(cut("héllo", 80), "héllo");
        assert_eq!(cut("héllo", 0), "");
    }
}
