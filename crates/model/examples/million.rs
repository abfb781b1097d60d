//! A million exchanges with a million different URLs, observed by one model: how fast, and how much memory it takes.
//! `cargo run --release -p egret-model --example million [-- EXCHANGES]`.

#![expect(clippy::print_stdout, reason = "an example is a program: it prints")]

use std::time::Instant;

use egret_model::{
    Connection, Context, Direction, Ending, Endpoint, Exchange, Flow, Limits, Model, Moment, Opened, Options,
    Path, Piece, Timestamp,
};

#[expect(clippy::disallowed_methods, reason = "how long it took is wall time, and only shown")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let exchanges = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000_u64);
    let mut model = Model::default();
    let begun = now();
    let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
    let flow = Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY };
    let limits = Limits { keep_body: 1 << 16, ..Limits::default() };
    let mut context = Context::new(|exchange: &Exchange| model.observe("made", exchange), limits);
    for number in 0..exchanges {
        let path = match number % 4 {
            0 => format!("/users/{number}/orders"),
            1 => format!("/articles/a-title-{number}-of-one"),
            2 => {
                format!("/files/{:x}/{number}-b/{}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number % 977)
            }
            _ => format!("/search/w{number}x/{number}?q={number}&p{}=1", number % 5_000),
        };
        // Records of one sort, each with one key that few others have.
        let body = format!(
            "{{\"id\":{number},\"name\":\"n{number}\",\"price\":{}.5,\"stock\":{},\"tags\":[\"a\"],\"k{}\":true}}",
            number % 90,
            number % 7,
            number % 1_000
        );
        let request = format!("GET {path} HTTP/1.1\r\nHost: api.example\r\n\r\n");
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = Connection::new(number, flow, Opened::Handshake);
        let pieces = [(Direction::ClientToServer, request), (Direction::ServerToClient, response)];
        for (direction, bytes) in pieces {
            connection.data(Piece::new(direction, Timestamp::EPOCH, bytes.as_bytes()), &mut context);
        }
        connection.close(Ending::Finished, Moment::default(), &mut context);
    }
    drop(context);
    let took = begun.elapsed().as_secs_f64();
    println!("{exchanges} exchanges in {took:.1} s: {:.0} a second", exchanges as f64 / took);
    println!("the model as a file: {} bytes", model.to_bytes().len());
    if let Some(description) = model.describe(&Options::default()) {
        description.operations().take(20).for_each(|(method, path)| println!("{} {path}", method.name()));
    }
    // Linux only; elsewhere nothing is printed.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
}
