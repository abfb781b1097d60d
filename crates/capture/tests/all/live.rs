//! Live capture on the loopback interface; skipped, with a word, where this user may not capture.

use std::net::UdpSocket;
use std::thread;

use egret_capture::{Capture, Error, Event, Format, LiveOptions, Writer, devices};

use crate::by_hand::read_all;
use crate::write::Shared;

const LOOPBACK: &str = if cfg!(target_os = "linux") { "lo" } else { "lo0" };

/// A capture on the loopback interface, if it may be.
fn loopback() -> Option<Capture> {
    match Capture::live(LOOPBACK, LiveOptions::default()) {
        Ok(capture) => Some(capture),
        Err(error @ Error::NotPermitted { .. }) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Two sockets on ports of their own: one to send from, one to send to.
fn sockets() -> (UdpSocket, UdpSocket) {
    let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    a.connect(b.local_addr().unwrap()).unwrap();
    (a, b)
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().unwrap().port()
}

#[test]
fn packets_of_this_machine_are_seen_once_filtered_and_in_order() {
    let Some(mut capture) = loopback() else { return };
    let ((sender, receiver), (other, _other_receiver)) = (sockets(), sockets());
    capture.set_filter(&format!("udp dst port {}", port(&receiver))).unwrap();
    for number in 0..20_u8 {
        other.send(b"not this one").unwrap();
        sender.send(&[number; 100]).unwrap();
    }
    let mut last = None;
    for number in 0..20_u8 {
        let packet = capture.next_packet().unwrap().unwrap();
        assert_eq!(packet.number, u64::from(number) + 1);
        assert!(packet.data.ends_with(&[number; 100]));
        assert_eq!(packet.wire_len as usize, packet.data.len());
        assert!(last <= Some(packet.timestamp));
        last = Some(packet.timestamp);
    }
    let statistics = capture.statistics();
    assert_eq!((statistics.read, statistics.passed), (20, 20));
    assert_eq!(statistics.dropped_by_kernel, Some(0));
    assert_eq!(capture.interfaces()[0].name.as_deref(), Some(LOOPBACK));
}

#[test]
fn the_snap_length_cuts_what_is_captured_and_not_what_is_told() {
    let options = LiveOptions { snap_length: 60, ..LiveOptions::default() };
    if loopback().is_none() {
        return;
    }
    let mut capture = Capture::live(LOOPBACK, options).unwrap();
    let (sender, receiver) = sockets();
    capture.set_filter(&format!("udp dst port {} and greater 500", port(&receiver))).unwrap();
    sender.send(&[7; 500]).unwrap();
    let packet = capture.next_packet().unwrap().unwrap();
    assert_eq!((packet.data.len(), packet.wire_len), (60, 14 + 20 + 8 + 500));
    assert_eq!(packet.cut(), 482);
}

#[test]
fn an_idle_link_ticks_and_its_time_does_not_go_back() {
    let Some(mut capture) = loopback() else { return };
    let (sender, receiver) = sockets();
    capture.set_filter(&format!("udp dst port {}", port(&receiver))).unwrap();
    sender.send(b"one").unwrap();
    let mut last = None;
    let (mut packets, mut ticks) = (0, 0);
    while packets == 0 || ticks < 3 {
        let time = match capture.next_event().unwrap().unwrap() {
            Event::Packet(packet) => {
                packets += 1;
                packet.timestamp
            }
            Event::Tick(time) => {
                ticks += 1;
                time
            }
            _ => unreachable!("there are two kinds of event"),
        };
        assert!(last <= Some(time));
        last = Some(time);
    }
    assert_eq!(packets, 1);
}

#[test]
fn a_stop_from_another_thread_ends_a_wait_and_loses_nothing_before_it() {
    let Some(mut capture) = loopback() else { return };
    let (sender, receiver) = sockets();
    capture.set_filter(&format!("udp dst port {}", port(&receiver))).unwrap();
    let stopper = capture.stopper();
    let reader = thread::spawn(move || {
        let mut packets = 0;
        while capture.next_packet().unwrap().is_some() {
            packets += 1;
        }
        packets
    });
    for _ in 0..50 {
        sender.send(b"before the stop").unwrap();
    }
    stopper.stop();
    assert_eq!(reader.join().unwrap(), 50);
}

#[test]
fn what_is_captured_can_be_written_and_read() {
    let Some(mut capture) = loopback() else { return };
    let (sender, receiver) = sockets();
    capture.set_filter(&format!("udp dst port {}", port(&receiver))).unwrap();
    sender.send(b"to the file").unwrap();
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, capture.interface_table()).unwrap();
    let packet = capture.next_packet().unwrap().unwrap();
    writer.write(&packet).unwrap();
    writer.finish().unwrap();
    let kept = read_all(&output.bytes());
    assert_eq!(kept[0].data, packet.data);
    assert_eq!(kept[0].nanos, packet.timestamp.nanos());
}

#[test]
fn an_unknown_interface_is_told_with_those_there_are() {
    match Capture::live("egret-no-such-0", LiveOptions::default()).unwrap_err() {
        Error::NoSuchInterface { interface, available } => {
            assert_eq!(interface, "egret-no-such-0");
            assert!(available.iter().any(|name| name == LOOPBACK), "{available:?}");
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_bad_filter_is_told_in_libpcaps_words_with_its_place() {
    let Some(mut capture) = loopback() else { return };
    let error = capture.set_filter("tcp prot 80").unwrap_err();
    let Error::Filter { expression, message, position, .. } = &error else { panic!("{error}") };
    assert_eq!((expression.as_str(), *position), ("tcp prot 80", Some(4)));
    assert!(message.contains("syntax error"), "{message}");
    assert!(error.to_string().contains("at character 5"), "{error}");
}

#[test]
fn the_loopback_device_is_listed() {
    let devices = devices().unwrap();
    let loopback = devices.iter().find(|device| device.name == LOOPBACK).unwrap();
    assert!(loopback.loopback && loopback.up);
    assert!(loopback.addresses.iter().any(|address| address.is_loopback()));
    // What is said of the permission is what opening it shows.
    if let Some(permitted) = loopback.permitted {
        let refused =
            matches!(Capture::live(LOOPBACK, LiveOptions::default()), Err(Error::NotPermitted { .. }));
        assert_eq!(permitted, !refused);
    }
}
