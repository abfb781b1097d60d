//! What a user of protolens writes for the same work, to be measured beside egret: `protolens-peer FILE`.
//!
//! protolens has no decoder and no table of connections: both are here, as short as can be. A packet is copied once, since
//! it may have to wait. A line is printed for each start line, bodies are read and counted; nothing is paired, and nothing
//! said of what is missing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::IpAddr;
use std::rc::Rc;

use protolens::{L7Proto, Packet, Prolens, Task, TransProto};

/// A TCP segment, as protolens asks for it.
#[derive(Clone)]
struct Segment {
    ends: [(IpAddr, u16); 2],
    seq: u32,
    flags: u8,
    payload: Rc<[u8]>,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

impl Packet for Segment {
    fn trans_proto(&self) -> TransProto {
        TransProto::Tcp
    }

    fn sip(&self) -> IpAddr {
        self.ends[0].0
    }

    fn dip(&self) -> IpAddr {
        self.ends[1].0
    }

    fn tu_sport(&self) -> u16 {
        self.ends[0].1
    }

    fn tu_dport(&self) -> u16 {
        self.ends[1].1
    }

    fn seq(&self) -> u32 {
        self.seq
    }

    fn syn(&self) -> bool {
        self.flags & SYN != 0
    }

    fn fin(&self) -> bool {
        self.flags & FIN != 0
    }

    fn payload_len(&self) -> usize {
        self.payload.len()
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// A connection: what protolens knows of it, and whose FIN was seen.
struct Known {
    task: Task<Segment>,
    ended: [bool; 2],
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The TCP segment in an Ethernet frame, if there is one.
fn decode(frame: &[u8]) -> Option<Segment> {
    let (mut kind, mut rest) = (word(frame, 12)?, frame.get(14..)?);
    while matches!(kind, 0x8100 | 0x88a8) {
        (kind, rest) = (word(rest, 2)?, rest.get(4..)?);
    }
    let (source, destination, tcp): (IpAddr, IpAddr, &[u8]) = match kind {
        0x0800 if *rest.get(9)? == 6 => {
            let address = |at: usize| Some(<[u8; 4]>::try_from(rest.get(at..at + 4)?).ok()?.into());
            let header = usize::from(rest.first()? & 15) * 4;
            (address(12)?, address(16)?, rest.get(header..usize::from(word(rest, 2)?))?)
        }
        0x86dd if *rest.get(6)? == 6 => {
            let address = |at: usize| Some(<[u8; 16]>::try_from(rest.get(at..at + 16)?).ok()?.into());
            (address(8)?, address(24)?, rest.get(40..40 + usize::from(word(rest, 4)?))?)
        }
        _ => return None,
    };
    Some(Segment {
        ends: [(source, word(tcp, 0)?), (destination, word(tcp, 2)?)],
        seq: u32::from_be_bytes(tcp.get(4..8)?.try_into().ok()?),
        flags: *tcp.get(13)?,
        payload: tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)?.into(),
    })
}

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).expect("protolens-peer FILE");
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut header = [0; 24];
    file.read_exact(&mut header)?;

    let out = Rc::new(RefCell::new(BufWriter::with_capacity(1 << 16, std::io::stdout())));
    let bodies = Rc::new(Cell::new(0_u64));
    let mut prolens = Prolens::<Segment>::default();
    let lines = Rc::clone(&out);
    prolens.set_cb_http_start_line(move |line: &[u8], _, _, _| {
        let _ = lines.borrow_mut().write_all(line.trim_ascii_end());
        let _ = lines.borrow_mut().write_all(b"\n");
    });
    // A user of headers asks for them.
    let fields = Rc::new(Cell::new(0_u64));
    let count = Rc::clone(&fields);
    prolens.set_cb_http_header(move |_: &[u8], _, _, _| count.set(count.get() + 1));
    let count = Rc::clone(&bodies);
    prolens.set_cb_http_body(move |bytes: &[u8], _, _, _, _: &_, _: &_| count.set(count.get() + bytes.len() as u64));

    let mut table: HashMap<[(IpAddr, u16); 2], Known> = HashMap::new();
    let mut frame = Vec::new();
    while !file.fill_buf()?.is_empty() {
        let mut record = [0; 16];
        file.read_exact(&mut record)?;
        let [.., a, b, c, d, _, _, _, _] = record;
        frame.resize(u32::from_le_bytes([a, b, c, d]) as usize, 0);
        file.read_exact(&mut frame)?;
        let Some(segment) = decode(&frame) else { continue };
        let mut key = segment.ends;
        key.sort_unstable();
        let side = usize::from(key != segment.ends);
        let known = table.entry(key).or_insert_with(|| {
            let mut task = prolens.new_task(TransProto::Tcp);
            prolens.set_task_parser(&mut task, L7Proto::Http);
            Known { task, ended: [false; 2] }
        });
        let flags = segment.flags;
        prolens.run_task(&mut known.task, segment);
        known.ended[side] |= flags & FIN != 0;
        if flags & RST != 0 || known.ended == [true; 2] {
            table.remove(&key);
        }
    }
    let mut out = out.borrow_mut();
    writeln!(out, "{} fields, {} bytes of bodies", fields.get(), bodies.get())?;
    out.flush()
}
