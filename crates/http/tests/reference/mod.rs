//! A plain, slow reading of RFC 9112 for the tests: whole buffers, one byte after the other, nothing that is clever.
//! What is not exactly as the grammar has it is refused, and then nothing is compared.

use std::io::Read;

/// A message, to the last byte of its body or as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Method, target and version; or version, status and reason.
    pub(crate) start: [Vec<u8>; 3],
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) framing: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) whole: bool,
}

/// A request with what answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) request: Message,
    pub(crate) interim: Vec<Message>,
    pub(crate) response: Option<Message>,
    pub(crate) tunnel: bool,
}

/// How a body ends (RFC 9112 §6.3).
enum Length {
    None,
    Of(usize),
    Chunked,
    UntilClose,
}

/// Pairs of requests and responses, from all that the two sides say until each closes. `None` where anything is not as
/// the RFC has it, or the two do not fit.
pub(crate) fn conversation(client: &[u8], server: &[u8]) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    let (mut client, mut server) = (client, server);
    loop {
        while let Some(rest) = client.strip_prefix(b"\r\n") {
            client = rest; // §2.2
        }
        if client.is_empty() {
            break;
        }
        let (request, tunnel_asked) = request(&mut client)?;
        let whole = request.whole;
        pairs.push(Pair { request, interim: Vec::new(), response: None, tunnel: false });
        if !whole {
            break;
        }
        if tunnel_asked {
            // Who asks for a tunnel must wait for the answer.
            if !client.is_empty() {
                return None;
            }
            break;
        }
    }
    for pair in &mut pairs {
        if server.is_empty() {
            break;
        }
        loop {
            let mut response = head(&mut server, false)?;
            let status: u16 = std::str::from_utf8(&response.start[1]).ok()?.parse().ok()?;
            if !(100..600).contains(&status) {
                return None;
            }
            let connect = pair.request.start[0] == b"CONNECT" && (200..300).contains(&status);
            pair.tunnel = status == 101 || connect;
            if (100..200).contains(&status) && status != 101 {
                pair.interim.push(response);
                if server.is_empty() {
                    break;
                }
                continue;
            }
            if !pair.tunnel {
                let none = pair.request.start[0] == b"HEAD" || status == 204 || status == 304;
                // What is promised must be good even where there is none of it.
                let promised = length(&response, Length::UntilClose)?;
                let length = if none { Length::None } else { promised };
                body(&mut response, length, &mut server)?;
            }
            pair.response = Some(response);
            break;
        }
        if pair.tunnel {
            break;
        }
        if pair.response.as_ref().is_none_or(|response| !response.whole) {
            break;
        }
    }
    let last = pairs.last().map(|pair| (pair.tunnel, pair.request.start[0] == b"CONNECT"));
    match last {
        // Somebody was asked for a tunnel, and refused, or the tunnel is not the last that was asked for.
        Some((false, true)) => None,
        _ if pairs.iter().rev().skip(1).any(|pair| pair.tunnel) => None,
        Some((true, _)) => Some(pairs),
        // Nobody asked for what follows.
        _ => server.is_empty().then_some(pairs),
    }
}

/// The next request, and whether it asks for a tunnel.
fn request(bytes: &mut &[u8]) -> Option<(Message, bool)> {
    let mut request = head(bytes, true)?;
    let length = length(&request, Length::None)?;
    body(&mut request, length, bytes)?;
    let tunnel = request.start[0] == b"CONNECT" || value(&request, "upgrade").is_some();
    Some((request, tunnel))
}

/// A start line and fields, up to the empty line. Heads that are cut are not compared.
fn head(bytes: &mut &[u8], is_request: bool) -> Option<Message> {
    let start = line(bytes)?;
    let mut words = start.splitn(3, |byte| *byte == b' ');
    let start = [words.next()?, words.next()?, words.next()?].map(<[u8]>::to_vec);
    let version = if is_request { &start[2] } else { &start[0] };
    if version != b"HTTP/1.1" && version != b"HTTP/1.0" {
        return None;
    }
    let good = if is_request {
        is_token(&start[0]) && !start[1].is_empty() && start[1].iter().all(u8::is_ascii_graphic)
    } else {
        start[1].len() == 3
            && start[1].iter().all(u8::is_ascii_digit)
            && start[2].iter().all(|byte| is_text(*byte))
    };
    if !good {
        return None;
    }
    Some(Message {
        start,
        fields: fields(bytes)?,
        framing: "none",
        body: vec![],
        trailers: vec![],
        whole: true,
    })
}

/// Field lines, and the empty line behind them (§5).
fn fields(bytes: &mut &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut fields = Vec::new();
    loop {
        let line = line(bytes)?;
        if line.is_empty() {
            return Some(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if !is_token(name) || !line[colon + 1..].iter().all(|byte| is_text(*byte)) {
            return None;
        }
        fields.push((name.to_vec(), value.to_vec()));
    }
}

fn line<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = bytes.windows(2).position(|end| end == b"\r\n")?;
    let line = &bytes[..end];
    *bytes = &bytes[end + 2..];
    (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some(line)
}

fn is_token(word: &[u8]) -> bool {
    !word.is_empty()
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// What values and reasons are made of: tab, space, visible characters, and bytes beyond ASCII.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}

/// The values under a name, joined as a list.
fn value(message: &Message, name: &str) -> Option<Vec<u8>> {
    let of = |(sent, _): &&(Vec<u8>, Vec<u8>)| sent.eq_ignore_ascii_case(name.as_bytes());
    let values: Vec<&[u8]> = message.fields.iter().filter(of).map(|(_, value)| value.as_slice()).collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// The rules of §6.3 from the third on.
fn length(message: &Message, otherwise: Length) -> Option<Length> {
    let mut lengths = Vec::new();
    for length in value(message, "content-length").iter().flat_map(|value| value.split(|byte| *byte == b','))
    {
        let length = length.trim_ascii();
        let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        lengths.push(std::str::from_utf8(length).ok().filter(|_| digits)?.parse::<usize>().ok()?);
    }
    if lengths.iter().any(|length| *length != lengths[0]) {
        return None;
    }
    if let Some(codings) = value(message, "transfer-encoding") {
        // Other codings, and codings in HTTP/1.0, are not compared.
        let old = message.start.iter().any(|word| word == b"HTTP/1.0");
        return (codings.eq_ignore_ascii_case(b"chunked") && !old).then_some(Length::Chunked);
    }
    Some(lengths.first().map_or(otherwise, |length| Length::Of(*length)))
}

fn body(message: &mut Message, length: Length, bytes: &mut &[u8]) -> Option<()> {
    match length {
        Length::None => {}
        Length::Of(length) => {
            message.framing = "length";
            message.whole = bytes.len() >= length;
            let (body, rest) = bytes.split_at(length.min(bytes.len()));
            (message.body, *bytes) = (body.to_vec(), rest);
        }
        Length::UntilClose => {
            message.framing = "until-close";
            message.body = std::mem::take(bytes).to_vec();
        }
        Length::Chunked => {
            message.framing = "chunked";
            message.whole = chunks(message, bytes)?;
        }
    }
    Some(())
}

/// Chunks (§7.1); whether the last was there. Where the end is missing there is nothing behind it.
fn chunks(message: &mut Message, bytes: &mut &[u8]) -> Option<bool> {
    loop {
        if !bytes.windows(2).any(|end| end == b"\r\n") {
            // A part of a line: of a size, or of its extensions.
            let partly = std::mem::take(bytes);
            return partly.iter().all(u8::is_ascii_hexdigit).then_some(false).filter(|_| partly.len() <= 16);
        }
        let line = line(bytes)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = line.split_at(digits);
        let extension = extension.trim_ascii_start();
        let good = digits > 0 && digits <= 15 && extension.iter().all(|byte| is_text(*byte));
        if !good || !(line.len() == digits || extension.starts_with(b";")) {
            return None;
        }
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            // Trailers that are cut are not compared.
            message.trailers = fields(bytes)?;
            return Some(true);
        }
        let (data, rest) = bytes.split_at(size.min(bytes.len()));
        message.body.extend_from_slice(data);
        *bytes = rest;
        if data.len() < size || bytes.is_empty() || *bytes == b"\r" {
            *bytes = &[];
            return Some(false);
        }
        *bytes = bytes.strip_prefix(b"\r\n")?;
    }
}

/// What a body becomes when its one content coding is undone; `None` where there is none, or it is not exactly that.
pub(crate) fn decoded(message: &Message) -> Option<Vec<u8>> {
    let (mut made, mut body) = (Vec::new(), message.body.as_slice());
    let whole = !body.is_empty();
    match value(message, "content-encoding")?.to_ascii_lowercase().as_slice() {
        b"gzip" => flate2::bufread::MultiGzDecoder::new(&mut body).read_to_end(&mut made).ok()?,
        b"deflate" => match flate2::bufread::ZlibDecoder::new(&mut body).read_to_end(&mut made) {
            Ok(size) => size,
            Err(_) => {
                made.clear();
                body = &message.body;
                flate2::bufread::DeflateDecoder::new(&mut body).read_to_end(&mut made).ok()?
            }
        },
        _ => return None,
    };
    (whole && body.is_empty()).then_some(made)
}
