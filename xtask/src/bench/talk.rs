//! What is said: one request and its response, as text, with what must be found of them.

use std::io::Write;
use std::ops::Range;

use super::bodies::{Body, Stock};
use super::random::Random;
use super::truth::Row;
use super::workload::Workload;

/// Where a message is among what its side says in one turn.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) head: Range<usize>,
    pub(super) body: Range<usize>,
    /// Whether each byte of the body's range is one of the body: it is not in chunks.
    pub(super) counted: bool,
}

/// An exchange, as it is said.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) row: Row,
    pub(super) request: Spoken,
    pub(super) response: Spoken,
    /// Where the interim response ends that the client waits for before it sends its body.
    pub(super) interim: Option<usize>,
    /// Whether the connection must end for the response to end.
    pub(super) until_close: bool,
}

/// Where in its connection an exchange is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its number, over the whole capture.
    pub(super) id: u64,
    pub(super) last: bool,
    /// Whether others are said in the same turn, so that neither side waits for the other.
    pub(super) pipelined: bool,
}

/// Says an exchange: appends to what the client and the server say.
pub(super) fn exchange(
    workload: &Workload,
    stock: &Stock,
    place: Place,
    random: &mut Random,
    [client, server]: &mut [Vec<u8>; 2],
) -> Exchange {
    let nothing = Body { bytes: Vec::new(), digest: String::new() };
    let id = place.id;
    let post = random.chance(workload.post);
    let head = !post && random.chance(workload.head);
    let method = match (post, head) {
        (true, _) if random.chance(7_000) => "POST",
        (true, _) => "PUT",
        (_, true) => "HEAD",
        _ if random.chance(300) => "DELETE",
        _ => "GET",
    };
    let target = target(workload.short, random);
    let expect = post && !place.pipelined && random.chance(workload.expect);

    let start = client.len();
    put(client, format_args!("{method} {target} HTTP/1.1\r\n"));
    request_headers(workload.short, id, random, client);
    let sent = if post { random.pick(&stock.requests).unwrap_or(&nothing) } else { &nothing };
    if expect {
        client.extend(b"Expect: 100-continue\r\n");
    }
    let in_chunks = post && random.chance(workload.chunked / 3);
    let request = finish(start, post.then_some(&*sent.bytes), in_chunks, random, client);

    let start = server.len();
    let interim = expect.then(|| {
        server.extend(b"HTTP/1.1 100 Continue\r\n\r\n");
        server.len()
    });
    let (status, reason) = status(workload, post, head, random);
    put(server, format_args!("HTTP/1.1 {status} {reason}\r\n"));
    response_headers(workload.short, id, random, server);
    let empty = matches!(status, 204 | 304);
    let (plain, packed) =
        random.pick(&stock.responses).map_or((&nothing, &nothing), |(plain, packed)| (plain, packed));
    let coded = !empty && random.chance(workload.gzip);
    let body = if coded { packed } else { plain };
    let until_close =
        place.last && !empty && !head && !place.pipelined && random.chance(workload.until_close);
    if coded {
        server.extend(b"Content-Encoding: gzip\r\n");
    }
    let response = if empty {
        finish(start, None, false, random, server)
    } else if head {
        put(
            server,
            format_args!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.bytes.len()),
        );
        finish(start, None, false, random, server)
    } else if until_close {
        server.extend(b"Content-Type: application/json\r\nConnection: close\r\n\r\n");
        let end = server.len();
        server.extend(&body.bytes);
        Spoken { head: start..end, body: end..server.len(), counted: true }
    } else {
        finish(start, Some(&body.bytes), random.chance(workload.chunked), random, server)
    };

    let has_body = !empty && !head;
    let received = if has_body { body } else { &nothing };
    let row = Row {
        id,
        method: method.to_owned(),
        target,
        status,
        request_size: sent.bytes.len() as u64,
        request_digest: sent.digest.clone(),
        response_size: received.bytes.len() as u64,
        response_digest: received.digest.clone(),
        decoded: (coded && has_body).then(|| (plain.bytes.len() as u64, plain.digest.clone())),
    };
    Exchange { row, request, response, interim, until_close }
}

fn target(short: bool, random: &mut Random) -> String {
    const KINDS: [&str; 8] =
        ["sightings", "nests", "ponds", "observers", "routes", "tides", "photos", "permits"];
    let kind = random.pick(&KINDS).copied().unwrap_or_default();
    let number = random.below(1_000_000);
    if short {
        return format!("/v1/{kind}/{number}");
    }
    let other = random.pick(&KINDS).copied().unwrap_or_default();
    format!(
        "/api/v2/{kind}/{number}/{other}?after={:016x}&limit={}&order=-seen",
        random.number(),
        1 + random.below(100)
    )
}

fn status(workload: &Workload, post: bool, head: bool, random: &mut Random) -> (u16, &'static str) {
    match random.below(10_000) {
        _ if !head && random.chance(workload.no_content) => (204, "No Content"),
        _ if !head && !post && random.chance(workload.not_modified) => (304, "Not Modified"),
        0..3_000 if post => (201, "Created"),
        9_700..9_950 => (404, "Not Found"),
        9_950.. => (500, "Internal Server Error"),
        _ => (200, "OK"),
    }
}

/// The name under which both messages of an exchange carry its number.
pub(super) const ID_HEADER: &str = "X-Request-Id";

fn request_headers(short: bool, id: u64, random: &mut Random, to: &mut Vec<u8>) {
    put(to, format_args!("Host: api{}.marsh.example\r\n", random.below(8)));
    if short {
        return put(to, format_args!("User-Agent: wader/2\r\n{ID_HEADER}: {id:016x}\r\n"));
    }
    to.extend(
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
        Accept: application/json, text/plain;q=0.9, */*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n\
        Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n",
    );
    put(to, format_args!("{ID_HEADER}: {id:016x}\r\n"));
    if random.chance(6_000) {
        to.extend(b"Authorization: Bearer ");
        (0..12).for_each(|_| put(to, format_args!("{:016x}", random.number())));
        to.extend(b"\r\n");
    }
    if random.chance(5_000) {
        put(
            to,
            format_args!("Cookie: session={:016x}{:016x}; theme=reed\r\n", random.number(), random.number()),
        );
    }
    if random.chance(3_000) {
        let (trace, parent) = (random.number(), random.number());
        put(to, format_args!("traceparent: 00-{trace:016x}{parent:016x}-{:016x}-01\r\n", random.number()));
    }
}

fn response_headers(short: bool, id: u64, random: &mut Random, to: &mut Vec<u8>) {
    put(to, format_args!("Date: Thu, 01 Jan 2026 00:00:{:02} GMT\r\n", random.below(60)));
    if !short {
        to.extend(
            b"Server: nginx/1.28.0\r\nCache-Control: private, no-store, max-age=0\r\nVary: Accept-Encoding, Origin\r\n\
            X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n",
        );
        put(
            to,
            format_args!(
                "X-RateLimit-Remaining: {}\r\nETag: \"{:016x}\"\r\n",
                random.below(5_000),
                random.number()
            ),
        );
    }
    put(to, format_args!("{ID_HEADER}: {id:016x}\r\n"));
}

/// Ends a head, and puts the body behind it.
fn finish(
    start: usize,
    body: Option<&[u8]>,
    in_chunks: bool,
    random: &mut Random,
    to: &mut Vec<u8>,
) -> Spoken {
    match body {
        None => to.extend(b"\r\n"),
        Some(_) if in_chunks => {
            to.extend(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        }
        Some(body) => {
            put(to, format_args!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len()));
        }
    }
    let end = to.len();
    let mut rest = body.unwrap_or_default();
    if !in_chunks {
        to.extend(rest);
        return Spoken { head: start..end, body: end..to.len(), counted: true };
    }
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(256 + random.below(16_000) as usize));
        put(to, format_args!("{:x}\r\n", chunk.len()));
        to.extend(chunk);
        to.extend(b"\r\n");
        rest = behind;
    }
    to.extend(b"0\r\n");
    if random.chance(100) {
        to.extend(b"X-Checksum: 0\r\n");
    }
    to.extend(b"\r\n");
    Spoken { head: start..end, body: end..to.len(), counted: false }
}

fn put(to: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = to.write_fmt(text);
}
