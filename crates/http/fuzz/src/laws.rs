//! The laws, each for one kind of input.

use egret_http::{Direction, Framing, Limits, Undecoded};

use super::outcome::Outcome;
use super::script::{Call, Cut, Script};

const CLIENT: Direction = Direction::ClientToServer;
const SERVER: Direction = Direction::ServerToClient;

/// A conversation that libFuzzer made up, as [`Script::read`] reads it: no panic, calls in order, bodies conserved, the
/// budget kept; and with memory to spare, the same in every cut for as long as no direction is lost.
pub fn connection(input: &[u8]) {
    let script = Script::read(input);
    let whole = script.run(Cut::Whole);
    for cut in [Cut::Every(1), Cut::Every(3 + input.len() % 11)] {
        let pieces = script.run(cut);
        let may_differ = || {
            script.limits.memory < Limits::default().memory
                || script.loses_its_way(Cut::Whole)
                || script.loses_its_way(cut)
        };
        if !pieces.is_same(&whole) && !may_differ() {
            differ(&script, cut, &whole, &pieces);
        }
    }
}

/// A message of which the input is the head: its first byte says whether the client's or the server's.
pub fn head(input: &[u8]) {
    let (first, head) = input.split_first().unwrap_or((&0, &[]));
    let calls = if first & 1 == 0 {
        vec![Call::Data(CLIENT, Some(0), head.to_vec())]
    } else {
        let request = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let acked = Some(request.len() as u64);
        vec![Call::Data(CLIENT, Some(0), request), Call::Data(SERVER, acked, head.to_vec())]
    };
    let script = Script::new(calls);
    let outcome = same_in_every_cut(&script, head.len());
    for exchange in &outcome.exchanges {
        // Names and values are bytes of the head, in their order.
        let messages =
            [exchange.request().map(|message| &**message), exchange.response().map(|message| &**message)];
        for message in messages.into_iter().flatten() {
            let mut rest = if exchange.request().is_some_and(|request| std::ptr::eq(&**request, message))
                && first & 1 != 0
            {
                continue;
            } else {
                head
            };
            for (name, value) in message.headers().iter() {
                for word in [name, value].into_iter().filter(|word| !word.is_empty()) {
                    let found = rest.windows(word.len()).position(|bytes| bytes == word);
                    let Some(found) = found else { panic!("{} is not in the head", word.escape_ascii()) };
                    rest = &rest[found + word.len()..];
                }
            }
        }
    }
}

/// A chunked body: what the engine takes off is what [`unchunked`] does, a plain reading of RFC 9112 §7.1.
pub fn chunked(input: &[u8]) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let request = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    let acked = Some(request.len() as u64);
    let response = [HEAD, input].concat();
    let script = Script::new(vec![Call::Data(CLIENT, Some(0), request), Call::Data(SERVER, acked, response)]);
    let outcome = same_in_every_cut(&script, HEAD.len() + input.len());
    let Some(exchange) = outcome.exchanges.iter().find(|exchange| exchange.index() == 0) else {
        panic!("no exchange")
    };
    let Some(response) = exchange.response() else { panic!("no response") };
    let (data, ended) = unchunked(input);
    assert_eq!(response.body().framing(), Framing::Chunked);
    assert_eq!(response.body().raw(), data, "the data of the chunks");
    assert_eq!(exchange.verdict().is_complete(), ended, "whether the last chunk was there");
}

/// The data of the chunks, and whether there is a last one with its trailers.
fn unchunked(mut input: &[u8]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    // The next line without its end; none if it has no end.
    fn line<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
        let end = input.iter().position(|byte| *byte == b'\n')?;
        let line = &input[..end];
        *input = &input[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
    loop {
        let Some(size) = line(&mut input) else { return (data, false) };
        let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, extension) = size.split_at(digits);
        let behind = extension.first().is_none_or(|byte| b"; \t\r".contains(byte));
        let number =
            std::str::from_utf8(digits).ok().and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let Some(size) = number.filter(|size| *size <= 1 << 63 && digits.len() <= 32) else {
            return (data, false);
        };
        if !behind || extension.contains(&b'\r') {
            return (data, false);
        }
        if size == 0 {
            loop {
                match line(&mut input) {
                    Some([]) => return (data, true),
                    Some(_) => {}
                    None => return (data, false),
                }
            }
        }
        let taken = input.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        data.extend_from_slice(&input[..taken]);
        input = &input[taken..];
        if !(input.starts_with(b"\r\n") || input.starts_with(b"\n")) {
            return (data, false);
        }
        line(&mut input);
    }
}

/// What `Content-Encoding` may say, for the first byte of an input.
const CODINGS: [&str; 8] =
    ["gzip", "deflate", "br", "zstd", "x-gzip", "identity", "gzip, deflate", "deflate, br, gzip"];

/// A body with a content coding, which the first byte chooses.
pub fn content(input: &[u8]) {
    let (first, body) = input.split_first().unwrap_or((&0, &[]));
    let coding = CODINGS[usize::from(*first) % CODINGS.len()];
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    let request = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    let acked = Some(request.len() as u64);
    let response = [head.as_bytes(), body].concat();
    let length = response.len();
    let mut script =
        Script::new(vec![Call::Data(CLIENT, Some(0), request), Call::Data(SERVER, acked, response)]);
    (script.limits.decoded, script.limits.keep_body) = (256 << 10, 1 << 20);
    let outcome = same_in_every_cut(&script, length);
    let Some(exchange) = outcome.exchanges.first() else { panic!("no exchange") };
    let Some(response) = exchange.response() else { panic!("no response") };
    assert!(exchange.verdict().is_complete(), "what a coding does is no fault of the exchange");
    assert_eq!(response.body().raw(), body, "the bytes as sent are always there");
    let made = response.body().decoded().len() as u64;
    assert!(made <= script.limits.decoded, "{made} bytes are more than the limit");
    if let Some(size) = response.body().decoded_size() {
        assert_eq!(made, size);
    }
    if body.is_empty() {
        assert_ne!(response.body().undecoded(), Some(Undecoded::Broken), "nothing is broken");
    }
}

/// The number that [`content`] takes for a coding.
pub fn coding(name: &str) -> Option<u8> {
    CODINGS.iter().position(|coding| coding.eq_ignore_ascii_case(name)).map(|place| place as u8)
}

/// Runs a script in cuts of which there are few enough for inputs of any length.
fn same_in_every_cut(script: &Script, length: usize) -> Outcome {
    let whole = script.run(Cut::Whole);
    let last = script.calls.len().saturating_sub(1);
    for cut in [Cut::Every(1), Cut::Every(2 + length % 7), Cut::At(last, length / 3, length - length / 5)] {
        let pieces = script.run(cut);
        if !pieces.is_same(&whole) && !script.loses_its_way(Cut::Whole) && !script.loses_its_way(cut) {
            differ(script, cut, &whole, &pieces);
        }
    }
    whole
}

fn differ(script: &Script, cut: Cut, whole: &Outcome, pieces: &Outcome) -> ! {
    panic!("{cut:?} differs\n\nwhole: {whole:#?}\n\nin pieces: {pieces:#?}\n\n{:#?}", script.calls)
}
