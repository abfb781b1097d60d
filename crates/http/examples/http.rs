//! Prints the exchanges of a capture file, one a line: `cargo run --example http -- [FILE]`.
//!
//! Without an argument it reads a capture of nginx and curl that is among the fixtures.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program: it prints")]

use std::process::ExitCode;

use egret_http::{
    Assembler, Capture, Context, Exchange, HttpFactory, Limits, StreamLimits, StreamPool, decode,
};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/real/nginx-keep-alive.pcapng");

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| FIXTURE.to_owned());
    let mut capture = Capture::open(path)?;
    let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
    let mut context = Context::new(|exchange: &Exchange| println!("{exchange}"), Limits::default());
    while let Some(packet) = capture.next_packet()? {
        assembler.assemble(&decode(packet), &mut context);
    }
    assembler.finish(&mut context);
    let incomplete: u64 = context.stats().incomplete.values().sum();
    eprintln!("{} exchanges complete, {incomplete} not", context.stats().complete);
    for (kind, connections) in &context.stats().not_http {
        eprintln!("{connections} connections speak {}", kind.name());
    }
    Ok(())
}
