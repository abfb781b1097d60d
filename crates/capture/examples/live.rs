//! Captures on an interface and prints the number, time and length of each packet:
//! `cargo run --features libpcap --example live -- [INTERFACE] [FILTER] [PACKETS] [SECONDS]`.
//!
//! Without arguments it waits for 4 packets on `lo` to or from port 3030, for at most 10 seconds; try
//! `curl http://127.0.0.1:3030/` meanwhile. Without the permission to capture it says so and succeeds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program: it prints")]

use std::process::ExitCode;
use std::time::Duration;

use egret_capture::{Capture, Error, LiveOptions};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::NotPermitted { .. }) => {
            eprintln!("skipped: {error}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().unwrap_or_else(|| "lo".to_owned());
    let filter = arguments.next().unwrap_or_else(|| "port 3030".to_owned());
    let packets: u64 = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(4);
    let seconds: u64 = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(10);

    let mut capture = Capture::live(&interface, LiveOptions::default())?;
    capture.set_filter(&filter)?;
    let stopper = capture.stopper();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds));
        stopper.stop();
    });

    eprintln!("listening on {interface} for '{filter}'");
    while let Some(packet) = capture.next_packet()? {
        println!("{} {} {}", packet.number, packet.timestamp, packet.wire_len);
        if packet.number >= packets {
            break;
        }
    }
    let statistics = capture.statistics();
    eprintln!("{} packets, {} dropped", statistics.read, statistics.dropped_by_kernel.unwrap_or(0));
    Ok(())
}
