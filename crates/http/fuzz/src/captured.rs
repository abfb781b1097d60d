//! The conversations of a capture, as scripts.

use std::path::Path;

use egret_http::{Assembler, Capture, Direction, Opened, StreamLimits, StreamPool, Timestamp, decode};
use egret_reassembly::{Admit, Close, Connection, Data, Gap, Segment, Stream, StreamFactory, TcpFlags};

use super::script::{Call, Script};

/// What is told of each connection of a capture, in the order in which they ended. Panics where the capture cannot be
/// read: the fixtures can.
pub fn scripts(path: &Path) -> Vec<Script> {
    let mut capture = Capture::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut assembler = Assembler::new(StreamPool::new(Recorders, StreamLimits::default()));
    let mut scripts = Vec::new();
    while let Some(packet) =
        capture.next_packet().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    {
        assembler.assemble(&decode(packet), &mut scripts);
    }
    assembler.finish(&mut scripts);
    scripts
}

struct Recorders;

impl StreamFactory for Recorders {
    type Stream = Recorder;

    fn new_stream(&mut self, connection: &Connection) -> Recorder {
        Recorder { opened: connection.opened, calls: Vec::new(), fin: [false; 2] }
    }
}

/// Writes down what is said on one connection.
struct Recorder {
    opened: Opened,
    calls: Vec<Call>,
    fin: [bool; 2],
}

impl Stream for Recorder {
    type Context = Vec<Script>;

    fn accept(&mut self, segment: &Segment<'_>, _: &mut Vec<Script>) -> Admit {
        self.fin[segment.direction as usize] |= segment.flags.has(TcpFlags::FIN);
        Admit::Yes
    }

    fn reassembled(&mut self, data: Data<'_>, _: &mut Vec<Script>) {
        self.calls.push(Call::Data(data.direction, data.ack, data.bytes.to_vec()));
    }

    fn gap(&mut self, gap: Gap, _: &mut Vec<Script>) {
        self.calls.push(Call::Gap(gap.direction, gap.len, gap.reason));
    }

    fn half_closed(&mut self, direction: Direction, _: Timestamp, _: &mut Vec<Script>) {
        // The end of the capture ends both directions too.
        if self.fin[direction as usize] {
            self.calls.push(Call::End(direction));
        }
    }

    fn complete(&mut self, close: Close, scripts: &mut Vec<Script>) {
        let calls = std::mem::take(&mut self.calls);
        if !calls.is_empty() {
            scripts.push(Script { opened: self.opened, ending: close.how, ..Script::new(calls) });
        }
    }
}
