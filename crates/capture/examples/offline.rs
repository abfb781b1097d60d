//! Reads a capture file and prints the number, time and length of each packet:
//! `cargo run --example offline -- FILE` (`-`, and nothing at all, is standard input).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program: it prints")]

use std::process::ExitCode;

use egret_capture::{Capture, Error};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "-".to_owned());
    let mut capture = Capture::open(path)?;
    while let Some(packet) = capture.next_packet()? {
        println!("{} {} {}", packet.number, packet.timestamp, packet.wire_len);
    }
    eprintln!("{} packets from {} interfaces", capture.statistics().read, capture.interfaces().len());
    Ok(())
}
