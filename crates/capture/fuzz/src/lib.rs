//! What must hold for any file. An input of the target `file` is in what pieces it is read (one byte), and the file.

use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use egret_capture::{Batch, Capture, Format, Note, Packet, Writer};

/// The bytes of an input for a file.
pub fn input(pieces: u8, file: &[u8]) -> Vec<u8> {
    [&[pieces], file].concat()
}

/// Reads a file in every way there is: each gives the same. What was read is written, and reads back.
pub fn file(input: &[u8]) {
    let Some((&pieces, file)) = input.split_first() else { return };
    let whole = Outcome::of(open(file, file.len()), None);
    whole.check();
    // Each read asks the system whether to stop: of a long file there are not that many.
    let smallest = 1 + file.len() / 200;
    for size in [smallest, smallest + 1 + usize::from(pieces)] {
        let most = (pieces % 2 == 0).then_some(1 + usize::from(pieces) / 2 % 5);
        let other = Outcome::of(open(file, size), most);
        assert_eq!(other.packets, whole.packets, "read in pieces of {size} bytes, {most:?} packets at once");
        assert_eq!(other.error, whole.error, "read in pieces of {size} bytes, {most:?} packets at once");
        assert_eq!(other.notes, whole.notes, "read in pieces of {size} bytes, {most:?} packets at once");
    }
    write(file, &whole);
}

/// A packet as it is kept after the buffer moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    nanos: i64,
    link_type: u16,
    interface: u32,
    wire_len: u32,
    data: Vec<u8>,
    comments: Vec<String>,
}

impl Kept {
    fn of(packet: Packet<'_>, comments: Vec<String>) -> Self {
        let Packet { timestamp, link_type, interface, wire_len, data, .. } = packet;
        let (nanos, link_type) = (timestamp.nanos(), link_type.0);
        Self { nanos, link_type, interface, wire_len, data: data.to_vec(), comments }
    }
}

/// All that a file gives.
#[derive(Default)]
struct Outcome {
    packets: Vec<Kept>,
    /// The link type of each interface.
    interfaces: Vec<u16>,
    notes: Vec<Note>,
    error: Option<String>,
}

impl Outcome {
    /// Reads everything packet by packet, or in batches of at most so many.
    fn of(opened: Result<Capture, egret_capture::Error>, most: Option<usize>) -> Self {
        let mut outcome = Self::default();
        let mut capture = match opened {
            Ok(capture) => capture,
            Err(error) => return Self { error: Some(error.to_string()), ..outcome },
        };
        let notes = capture.notes();
        let mut batch = Batch::default();
        let take = |outcome: &mut Self, packet: Packet<'_>| {
            assert_eq!(packet.number, outcome.packets.len() as u64 + 1);
            outcome.packets.push(Kept::of(packet, notes.comments(packet.number)));
        };
        let ended = loop {
            let found = match most {
                None => capture.next_packet().map(|packet| packet.map(|packet| take(&mut outcome, packet))),
                Some(most) => capture.next_batch(&mut batch, most).map(|more| {
                    assert!(batch.len() <= most);
                    batch.packets().for_each(|packet| take(&mut outcome, packet));
                    more.then_some(())
                }),
            };
            match found {
                Ok(Some(())) => {}
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        assert!(matches!(capture.next_packet(), Ok(None)), "nothing comes behind the end or an error");
        outcome.error = ended;
        outcome.interfaces = capture.interfaces().iter().map(|interface| interface.link_type.0).collect();
        outcome.notes = notes.since(0);
        outcome
    }

    /// What holds for every file that was read.
    fn check(&self) {
        for packet in &self.packets {
            assert!(packet.wire_len as usize >= packet.data.len(), "{packet:?}");
            let described = self.interfaces.get(packet.interface as usize);
            assert_eq!(described, Some(&packet.link_type), "{packet:?}");
        }
        if let Some(error) = &self.error {
            assert!(!error.contains('\n') && error.len() < 500, "{error:?}");
        }
    }

    /// Names, and everything else but comments, each in their order: that is what a writer keeps.
    fn carried(&self) -> [Vec<&Note>; 2] {
        let (names, others): (Vec<_>, Vec<_>) =
            self.notes.iter().partition(|note| matches!(note, Note::Name { .. }));
        [names, others.into_iter().filter(|note| !matches!(note, Note::Comment(_))).collect()]
    }
}

/// Writes everything in a file in both formats, and reads it back.
fn write(file: &[u8], read: &Outcome) {
    // What decompression made long is left to tests made for it: texts may have to be cut to be written.
    if read.packets.is_empty() || read.packets.iter().map(|packet| packet.data.len()).sum::<usize>() > 1 << 20
    {
        return;
    }
    let again = Outcome::of(open(&written(file, Format::Pcapng), usize::MAX), None);
    assert_eq!(again.error, None);
    let mut seen = Vec::new();
    let expected = read.packets.iter().map(|packet| {
        let interface = seen.iter().position(|known| *known == packet.interface).unwrap_or_else(|| {
            seen.push(packet.interface);
            seen.len() - 1
        });
        // The format has no time before 1970.
        Kept { interface: interface as u32, nanos: packet.nanos.max(0), ..packet.clone() }
    });
    assert!(
        again.packets.iter().cloned().eq(expected),
        "{:?}\nis read back of\n{:?}",
        again.packets,
        read.packets
    );
    assert_eq!(again.carried(), read.carried());

    let first = read.packets.first().map(|packet| packet.link_type);
    // A record without a byte may look like a file header: see the reader.
    if read.packets.iter().any(|packet| Some(packet.link_type) != first || packet.wire_len == 0) {
        return;
    }
    let again = Outcome::of(open(&written(file, Format::Pcap), usize::MAX), None);
    assert_eq!(again.error, None);
    let latest = i64::from(u32::MAX) * 1_000_000_000 + 999_999_999;
    let expected = read.packets.iter().map(|packet| Kept {
        interface: 0,
        nanos: packet.nanos.clamp(0, latest),
        comments: Vec::new(),
        ..packet.clone()
    });
    assert!(
        again.packets.iter().cloned().eq(expected),
        "{:?}\nis read back of\n{:?}",
        again.packets,
        read.packets
    );
}

/// What a writer makes of a file; of a damaged one, of what is before the damage.
fn written(file: &[u8], format: Format) -> Vec<u8> {
    let output = Shared::default();
    let mut capture = open(file, file.len()).expect("it was read before");
    let mut writer = Writer::new(output.clone(), format, capture.interface_table());
    writer.carry(capture.notes());
    while let Ok(Some(packet)) = capture.next_packet() {
        writer.write(&packet).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything");
    std::mem::take(&mut output.0.lock().expect("nobody panics"))
}

fn open(file: &[u8], size: usize) -> Result<Capture, egret_capture::Error> {
    Capture::from_reader(Pieces { bytes: Cursor::new(file.to_vec()), size }, "input")
}

/// Gives its bytes in pieces of one size.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(bytes.len());
        self.bytes.read(&mut bytes[..size])
    }
}

/// Bytes that can be looked at when the writer is done with them.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
