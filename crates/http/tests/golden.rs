//! Every capture among the fixtures gives exactly the exchanges that were reviewed and written down beside it.
//!
//! `cargo xtask bless` rewrites them and shows the difference.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test asserts by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use egret_http::{
    Assembler, Body, Capture, Context, Decode, Exchange, HttpFactory, Limits, Message, Response,
    StreamLimits, StreamPool, decode, text,
};

fn captures() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups =
        std::fs::read_dir(fixtures).unwrap().map(|group| group.unwrap().path()).filter(|path| path.is_dir());
    let files = groups.flat_map(|group| std::fs::read_dir(group).unwrap()).map(|file| file.unwrap().path());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng");
    let mut captures: Vec<PathBuf> = files.filter(is_capture).collect();
    captures.sort();
    captures
}

/// The exchanges of a capture, and what else was on its connections.
fn exchanges(path: &Path) -> String {
    let mut capture = Capture::open(path).unwrap();
    let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
    let limits = Limits { keep_body: 64, decode: Decode::Always, ..Limits::default() };
    let mut out = String::new();
    let mut context = Context::new(|exchange: &Exchange| block(&mut out, exchange), limits);
    while let Some(packet) = capture.next_packet().unwrap() {
        assembler.assemble(&decode(packet), &mut context);
    }
    assembler.finish(&mut context);
    let stats = context.stats().clone();
    drop(context);
    for (kind, count) in &stats.not_http {
        writeln!(out, "not HTTP: {count} of kind {}", kind.name()).unwrap();
    }
    if out.is_empty() { "no exchanges\n".to_owned() } else { out }
}

/// An exchange as a block of lines; times in microseconds.
fn block(out: &mut String, exchange: &Exchange) {
    let (connection, index) = (exchange.connection(), exchange.index());
    let opened = exchange.opened().name();
    let ended = exchange.ended().packet;
    writeln!(out, "{exchange}").unwrap();
    writeln!(out, "  connection {connection} ({opened}), exchange {index}, over at packet {ended}").unwrap();
    if let Some(request) = exchange.request() {
        let words = [request.method(), request.target(), request.version()].map(text).join(" ");
        message(out, &format!("request {}", words.escape_debug()), request);
    }
    for interim in exchange.informational() {
        message(out, &format!("interim {}", status(interim)), interim);
    }
    if let Some(response) = exchange.response() {
        let word = |word: Option<_>| text(word.unwrap_or(b"?"));
        let (version, reason) = (word(response.version()), word(response.reason()));
        message(out, &format!("response {version} {} {}", status(response), reason.escape_debug()), response);
    }
    if let Some(tunnel) = exchange.tunnel() {
        let (client, server, missing) = (tunnel.client_bytes, tunnel.server_bytes, tunnel.missing);
        writeln!(
            out,
            "  tunnel: {client} bytes from the client, {server} from the server, {missing} missing"
        )
        .unwrap();
    }
    let timing = exchange.timing();
    write!(out, "  timing:").unwrap();
    for (name, time) in [
        ("connect", timing.connect),
        ("send", timing.send),
        ("wait", timing.wait),
        ("receive", timing.receive),
    ] {
        if let Some(time) = time {
            write!(out, " {name} {}", time.as_micros()).unwrap();
        }
    }
    writeln!(out, "\n  {}", exchange.verdict()).unwrap();
}

fn status(response: &Response) -> String {
    response.status().map_or("?".to_owned(), |status| status.to_string())
}

fn message(out: &mut String, what: &str, message: &Message) {
    let transfer = message.transfer();
    let (first, last) = (transfer.first_packet, transfer.last_packet);
    writeln!(out, "  {what}, {} headers, packets {first} to {last}", message.headers().len()).unwrap();
    body(out, message.body());
    for (name, value) in message.trailers().iter() {
        writeln!(out, "    trailer {}: {}", text(name), text(value)).unwrap();
    }
    if transfer.retransmitted > 0 || transfer.missing > 0 {
        writeln!(out, "    {} bytes sent again, {} missing", transfer.retransmitted, transfer.missing)
            .unwrap();
    }
    if !message.anomalies().is_empty() {
        let names: Vec<_> = message.anomalies().iter().map(|anomaly| anomaly.name()).collect();
        writeln!(out, "    odd: {}", names.join(", ")).unwrap();
    }
}

fn body(out: &mut String, body: &Body) {
    if body.size() == 0 && body.framing().name() == "none" {
        return;
    }
    write!(out, "    body by {}: {} bytes", body.framing().name(), body.size()).unwrap();
    if let Some(size) = body.decoded_size() {
        write!(out, ", {size} decoded").unwrap();
    }
    if let Some(reason) = body.undecoded() {
        write!(out, ", not decoded: {reason}").unwrap();
    }
    if body.missing() > 0 {
        write!(out, ", {} missing", body.missing()).unwrap();
    }
    let shown = &body.bytes()[..body.bytes().len().min(32)];
    let more = if shown.len() as u64 == body.decoded_size().unwrap_or(body.size()) { "" } else { "…" };
    writeln!(out, " \"{}\"{more}", shown.escape_ascii()).unwrap();
}

#[test]
fn every_fixture_gives_the_exchanges_beside_it() {
    let captures = captures();
    assert!(captures.len() >= 25, "the fixtures are missing: only {} captures found", captures.len());
    for capture in captures {
        expect_test::expect_file![capture.with_extension("exchanges")].assert_eq(&exchanges(&capture));
    }
}
