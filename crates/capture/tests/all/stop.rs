//! Pipes, ticks, and ending a read from outside.

use std::fs::File;
use std::io::{self, Cursor, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use egret_capture::{Batch, Capture, Event, Stopper};

use crate::by_hand::{MICROSECONDS, Order, pcap_header, record};

fn header() -> Vec<u8> {
    pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1)
}

fn packet(seconds: u32) -> Vec<u8> {
    record(Order::Little, (seconds, 0), (4, 4), b"abcd")
}

/// A capture that reads from a pipe, as from standard input, and the end to write to.
#[cfg(target_os = "linux")]
fn piped() -> (Capture, io::PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    // The name opens the pipe anew; the descriptor it was named by is no longer needed then.
    let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
    let capture = Capture::open(path).unwrap();
    drop(reader);
    (capture, writer)
}

#[test]
fn handles_are_send_and_captures_move_between_threads() {
    fn sent<T: Send>() {}
    fn shared<T: Send + Sync + Clone>() {}
    sent::<Capture>();
    shared::<Stopper>();
}

#[test]
fn a_stop_ends_a_file_between_two_packets() {
    let file = [header(), packet(1), packet(2)].concat();
    let mut capture = Capture::from_reader(Cursor::new(file), "test").unwrap();
    let stopper = capture.stopper();
    assert!(capture.next_packet().unwrap().is_some());
    stopper.stop();
    stopper.stop();
    assert!(capture.next_packet().unwrap().is_none());
}

#[test]
fn a_stop_ends_a_file_between_two_batches() {
    let file = [header(), packet(1), packet(2)].concat();
    let mut capture = Capture::from_reader(Cursor::new(file), "test").unwrap();
    let mut batch = Batch::default();
    assert!(capture.next_batch(&mut batch, 1).unwrap());
    capture.stopper().stop();
    assert!(!capture.next_batch(&mut batch, 1).unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn opening_a_pipe_does_not_wait_for_its_first_bytes() {
    let (mut capture, mut writer) = piped();
    assert!(capture.interfaces().is_empty());
    writer.write_all(&[header(), packet(1)].concat()).unwrap();
    assert!(capture.next_packet().unwrap().is_some());
    assert_eq!(capture.interfaces().len(), 1);
    drop(writer);
    assert!(capture.next_packet().unwrap().is_none());
}

#[test]
#[cfg(target_os = "linux")]
fn a_pipe_ticks_once_before_each_wait() {
    let (mut capture, mut writer) = piped();
    let half = packet(9);
    let (half, rest) = half.split_at(7);
    writer.write_all(&[&header()[..], &packet(7), &packet(8), half].concat()).unwrap();
    let time = |event: Option<Event<'_>>| match event {
        Some(Event::Packet(packet)) => ("packet", packet.timestamp.seconds_and_nanos().0),
        Some(Event::Tick(time)) => ("tick", time.seconds_and_nanos().0),
        _ => ("end", 0),
    };
    assert_eq!(time(capture.next_event().unwrap()), ("packet", 7));
    assert_eq!(time(capture.next_event().unwrap()), ("packet", 8));
    assert_eq!(time(capture.next_event().unwrap()), ("tick", 8));
    let reader = thread::spawn(move || {
        let next = time(capture.next_event().unwrap());
        (capture, next)
    });
    // Long enough for a second tick, if there were one.
    thread::sleep(Duration::from_millis(20));
    writer.write_all(rest).unwrap();
    let (mut capture, next) = reader.join().unwrap();
    assert_eq!(next, ("packet", 9));
    assert_eq!(time(capture.next_event().unwrap()), ("tick", 9));
    drop(writer);
    assert_eq!(time(capture.next_event().unwrap()), ("end", 0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_stop_ends_a_wait_for_a_pipe() {
    let (mut capture, mut writer) = piped();
    writer.write_all(&[header(), packet(1)].concat()).unwrap();
    let stopper = capture.stopper();
    let reader = thread::spawn(move || {
        let mut read = 0;
        while capture.next_packet().unwrap().is_some() {
            read += 1;
        }
        read
    });
    // However the threads are scheduled, the reader ends: with the packet it has read, or before it.
    stopper.stop();
    assert!(reader.join().unwrap() <= 1);
    drop(writer);
}

#[test]
#[cfg(target_os = "linux")]
fn a_byte_from_a_signal_handler_ends_a_wait() {
    let (mut capture, mut writer) = piped();
    writer.write_all(&header()).unwrap();
    let stopper = capture.stopper();
    let mut handler = File::from(stopper.as_fd().try_clone_to_owned().unwrap());
    let reader = thread::spawn(move || capture.next_packet().unwrap().is_none());
    handler.write_all(b"!").unwrap();
    assert!(reader.join().unwrap());
    drop(writer);
}

#[test]
fn stopping_after_the_capture_is_gone_does_nothing() {
    let capture = Capture::from_reader(Cursor::new(header()), "test").unwrap();
    let stopper = capture.stopper();
    drop(capture);
    stopper.stop();
}
