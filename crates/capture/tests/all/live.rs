//! Live capture on the loopback interface; skipped, with a word, where this user may not capture.

use std::net::UdpSocket;
use std::thread;

use egret_capture::{Capture, Error, Event, Format, LiveOptions, Writer, devices};

use crate::by_hand::read_all;
use crate::write::Shared;

const LOOPBACK: &str = if cfg!(target_os = "linux") { "lo" } else { "lo0" };

/// A kernel buffer of a size that several tests at once can have.
fn options() -> LiveOptions {
    LiveOptions { buffer_size: 4 * 1024 * 1024, ..LiveOptions::default() }
}

/// A capture on the loopback interface, if it may be.
fn loopback() -> Option<Capture> {
    match Capture::live(LOOPBACK, options()) {
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
    let options = LiveOptions { snap_length: 60, ..options() };
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
    let (mut last, mut captured) = (None, None);
    let (mut packets, mut ticks) = (0, 0);
    // The clock moves on while nothing comes: behind the packet at first, for the margin that ticks keep.
    while packets == 0 || last <= captured {
        assert!(ticks < 100, "the time of ticks stands still");
        let time = match capture.next_event().unwrap().unwrap() {
            Event::Packet(packet) => {
                packets += 1;
                captured = Some(packet.timestamp);
                packet.timestamp
            }
            Event::Tick(time) => {
                ticks += 1;
                time
            }
            event => panic!("{event:?}"),
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
    let mut writer = Writer::new(output.clone(), Format::Pcapng, capture.interface_table());
    let packet = capture.next_packet().unwrap().unwrap();
    writer.write(&packet).unwrap();
    writer.finish().unwrap();
    let kept = read_all(&output.bytes());
    assert_eq!(kept[0].data, packet.data);
    assert_eq!(kept[0].nanos, packet.timestamp.nanos());
}

#[test]
#[cfg(target_os = "linux")]
fn several_interfaces_are_one_capture_in_the_order_of_time() {
    if loopback().is_none() {
        return;
    }
    // The second sees everything that the first sees.
    let mut capture = Capture::live_all([LOOPBACK, "any"], options()).unwrap();
    let (sender, receiver) = sockets();
    capture.set_filter(&format!("udp dst port {}", port(&receiver))).unwrap();
    let stopper = capture.stopper();
    thread::spawn(move || {
        for number in 0..60_u8 {
            sender.send(&[number; 10]).unwrap();
            thread::sleep(std::time::Duration::from_millis(1));
        }
        stopper.stop();
    });
    let (mut last, mut seen) = (None, [Vec::new(), Vec::new()]);
    let mut ticks = 0;
    while let Some(event) = capture.next_event().unwrap() {
        match event {
            Event::Packet(packet) => {
                assert!(last <= Some(packet.timestamp), "{last:?} {packet:?}");
                last = Some(packet.timestamp);
                seen[packet.interface as usize].push(*packet.data.last().unwrap());
            }
            Event::Tick(_) => ticks += 1,
            event => panic!("{event:?}"),
        }
    }
    assert!(ticks > 0);
    let all: Vec<u8> = (0..60).collect();
    assert_eq!(seen[0], all);
    // `any` sees a packet of the loopback interface going out and coming in, and libpcap leaves one of them out.
    assert_eq!(seen[1], all);
    let names: Vec<_> = capture.interfaces().iter().filter_map(|known| known.name.clone()).collect();
    assert_eq!(names, [LOOPBACK, "any"]);
    let sources: Vec<_> = capture.sources().into_iter().map(|source| (source.name, source.read)).collect();
    assert_eq!(sources, [(LOOPBACK.to_owned(), 60), ("any".to_owned(), 60)]);
}

#[test]
fn an_unknown_interface_is_told_with_those_there_are() {
    match Capture::live("egret-no-such-0", options()).unwrap_err() {
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
        let refused = matches!(Capture::live(LOOPBACK, options()), Err(Error::NotPermitted { .. }));
        assert_eq!(permitted, !refused);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_and_the_interpreter_select_the_same_packets() {
    let Some(mut everything) = loopback() else { return };
    // An address nobody else on this machine talks to.
    let address = format!("127.77.{}.1", std::process::id() % 256);
    everything.set_filter(&format!("host {address}")).unwrap();
    let sender = UdpSocket::bind((address.as_str(), 0)).unwrap();
    let expressions = [
        "udp",
        "not udp",
        "dst port 4000",
        "portrange 4000-4010",
        "greater 200",
        "less 200 and udp[8] = 7",
        "net 127.77.0.0/16 and len % 2 = 0",
        "ip[8] > 10 and not (port 4001 or port 4002)",
        "vlan or ip",
    ];
    let mut filtered = expressions.map(|expression| {
        let mut capture = Capture::live(LOOPBACK, options()).unwrap();
        capture.set_filter(&format!("({expression}) and host {address}")).unwrap();
        capture
    });
    for number in 0..200_u16 {
        // Nobody listens: the answers (port unreachable) are packets as well, and may make the next send fail.
        let data = vec![number as u8 % 9; usize::from(number) * 3];
        let _ = sender.send_to(&data, (address.as_str(), 4000 + number % 20));
    }

    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, everything.interface_table());
    everything.stopper().stop();
    while let Some(packet) = everything.next_packet().unwrap() {
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
    assert!(read_all(&output.bytes()).len() >= 100);

    for (expression, live) in expressions.iter().zip(&mut filtered) {
        live.stopper().stop();
        let mut file = Capture::from_reader(std::io::Cursor::new(output.bytes()), "all").unwrap();
        file.set_filter(&format!("({expression}) and host {address}")).unwrap();
        let contents = |capture: &mut Capture| {
            let mut contents = Vec::new();
            while let Some(packet) = capture.next_packet().unwrap() {
                contents.push(packet.data.to_vec());
            }
            contents
        };
        assert_eq!(contents(live), contents(&mut file), "{expression}");
    }
}
