//! Several files read as one.

use egret_capture::{Capture, Error, Event, LinkType};
use proptest::prelude::*;

use crate::by_hand::{
    Kept, MICROSECONDS, Order, drain, enhanced, interface, pcap_header, read_all, record, section,
};
use crate::input::Scratch;

/// A classic capture with a packet at each of these seconds; each packet says whose it is.
fn capture_of(owner: u8, link_type: u32, seconds: &[u32]) -> Vec<u8> {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, link_type);
    for &second in seconds {
        file.extend(record(Order::Little, (second, 0), (1, 60), &[owner]));
    }
    file
}

fn merged(name: &str, files: &[Vec<u8>]) -> (Capture, (Vec<Kept>, Option<Error>)) {
    let scratch = Scratch::new(name);
    let paths: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(number, file)| scratch.file(&format!("{number}.pcap"), file))
        .collect();
    drain(Capture::open_all(paths).unwrap())
}

#[test]
fn packets_come_by_time_and_of_the_same_time_by_the_order_of_the_files() {
    let files = [capture_of(0, 1, &[1, 3, 3, 9]), capture_of(1, 1, &[3, 4]), capture_of(2, 1, &[])];
    let (mut capture, (packets, error)) = merged("order", &files);
    assert!(error.is_none());
    let seen: Vec<_> =
        packets.iter().map(|packet| (packet.number, packet.nanos / 1_000_000_000, packet.data[0])).collect();
    assert_eq!(seen, [(1, 1, 0), (2, 3, 0), (3, 3, 0), (4, 3, 1), (5, 4, 1), (6, 9, 0)]);
    assert_eq!(capture.statistics().read, 6);
    let read: Vec<_> = capture.sources().into_iter().map(|source| source.read).collect();
    assert_eq!(read, [4, 2, 0]);
    let progress = capture.progress().unwrap();
    assert_eq!(progress.length, files.iter().map(|file| file.len() as u64).sum::<u64>());
    assert_eq!(progress.position, progress.length);
}

#[test]
fn interfaces_are_numbered_over_all_files() {
    let late = [
        section(Order::Big),
        interface(Order::Big, 101, 0, &[(2, b"tun0")]),
        enhanced(Order::Big, 0, 1_500_000, 1, b"t"),
        interface(Order::Big, 113, 0, &[(2, b"any")]),
        enhanced(Order::Big, 1, 2_500_000, 1, b"a"),
        enhanced(Order::Big, 0, 3_500_000, 1, b"t"),
    ]
    .concat();
    let (capture, (packets, _)) = merged("interfaces", &[late, capture_of(7, 1, &[1, 2, 3])]);
    for packet in &packets {
        let described = &capture.interfaces()[packet.interface as usize];
        assert_eq!(described.link_type, packet.link_type);
        assert_eq!(capture.interface_table().get(packet.interface).as_ref(), Some(described));
    }
    let of = |name: &str| capture.interfaces().iter().position(|known| known.name.as_deref() == Some(name));
    let interfaces: Vec<_> = packets.iter().map(|packet| packet.interface as usize).collect();
    let (tun, any) = (of("tun0").unwrap(), of("any").unwrap());
    let classic = packets[0].interface as usize;
    assert_eq!(interfaces, [classic, tun, classic, any, classic, tun]);
    assert_eq!(capture.interfaces()[classic].link_type, LinkType::ETHERNET);
}

#[test]
fn a_damaged_file_is_told_when_the_others_are_read() {
    let cut = |mut file: Vec<u8>| {
        file.truncate(file.len() - 1);
        file
    };
    let scratch = Scratch::new("damaged");
    let paths = [
        scratch.file("first.pcap", &cut(capture_of(0, 1, &[1, 2]))),
        scratch.file("whole.pcap", &capture_of(1, 1, &[3, 4, 5])),
        scratch.file("third.pcap", &cut(capture_of(2, 1, &[2, 9]))),
    ];
    let mut capture = Capture::open_all(paths).unwrap();
    let mut seen = Vec::new();
    let mut errors = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(Some(packet)) => seen.push(packet.data[0]),
            Ok(None) => break,
            Err(error) => errors.push(error.to_string()),
        }
    }
    assert_eq!(seen, [0, 2, 1, 1, 1]);
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0].contains("first.pcap: byte 41") && errors[1].contains("third.pcap: byte 41"),
        "{errors:?}"
    );
}

#[test]
fn one_that_cannot_be_opened_is_told_before_anything_is_read() {
    let scratch = Scratch::new("missing");
    let paths = [scratch.file("there.pcap", &capture_of(0, 1, &[1])), scratch.path("missing.pcap")];
    let error = Capture::open_all(paths).unwrap_err();
    assert!(error.to_string().contains("missing.pcap"), "{error}");
    let nothing: [&str; 0] = [];
    assert!(Capture::open_all(nothing).unwrap().next_packet().unwrap().is_none());
}

#[test]
fn a_stop_ends_all_files() {
    let scratch = Scratch::new("stop");
    let paths = [0, 1].map(|owner| scratch.file(&format!("{owner}"), &capture_of(owner, 1, &[1, 2, 3])));
    let mut capture = Capture::open_all(paths).unwrap();
    let stopper = capture.stopper();
    assert!(capture.next_packet().unwrap().is_some());
    stopper.stop();
    assert!(capture.next_packet().unwrap().is_none());
}

#[test]
#[cfg(target_os = "linux")]
fn a_pipe_among_files_is_waited_for_with_a_tick() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let scratch = Scratch::new("pipe");
    let file = scratch.file("file.pcap", &capture_of(0, 1, &[1, 5]));
    let (reader, mut writer) = std::io::pipe().unwrap();
    let piped = capture_of(1, 1, &[2, 6]);
    writer.write_all(&piped[..24 + 17]).unwrap();
    let mut capture =
        Capture::open_all([file, format!("/proc/self/fd/{}", reader.as_raw_fd()).into()]).unwrap();
    drop(reader);
    let mut next = || match capture.next_event().unwrap() {
        Some(Event::Packet(packet)) => Some((packet.timestamp.nanos() / 1_000_000_000, packet.data[0])),
        Some(Event::Tick(_)) => Some((0, 0)),
        _ => None,
    };
    assert_eq!(next(), Some((1, 0)));
    assert_eq!(next(), Some((2, 1)));
    // The file's next is known, but not whether the pipe has an earlier one.
    assert_eq!(next(), Some((0, 0)));
    writer.write_all(&piped[24 + 17..]).unwrap();
    assert_eq!(next(), Some((5, 0)));
    assert_eq!(next(), Some((6, 1)));
    drop(writer);
    let ended = (0..3).any(|_| next().is_none());
    assert!(ended);
}

proptest! {
    #[test]
    fn a_merge_of_sorted_files_is_the_sorted_whole(
        files in proptest::collection::vec(proptest::collection::vec(0..50_u32, 0..20), 1..6),
    ) {
        let files: Vec<Vec<u8>> = files
            .into_iter()
            .enumerate()
            .map(|(owner, mut seconds)| {
                seconds.sort_unstable();
                capture_of(owner as u8, 1, &seconds)
            })
            .collect();
        let mut whole: Vec<_> = files
            .iter()
            .flat_map(|file| read_all(file))
            .map(|packet| (packet.nanos, packet.data[0]))
            .collect();
        // Stable: of the same time, in the order of the files.
        whole.sort_by_key(|&(nanos, _)| nanos);
        let (_, (packets, error)) = merged("law", &files);
        prop_assert!(error.is_none());
        let seen: Vec<_> = packets.iter().map(|packet| (packet.nanos, packet.data[0])).collect();
        prop_assert_eq!(seen, whole);
        prop_assert!(packets.iter().zip(1..).all(|(packet, number)| packet.number == number));
    }
}
