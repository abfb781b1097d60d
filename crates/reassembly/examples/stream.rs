//! A stream of your own: a line protocol that is not HTTP, read from a capture file.
//!
//!     cargo run -p egret-reassembly --example stream -- fixtures/tcp/lines.pcap
//!
//! Prints every line that either side said. A line with a hole in it is marked, never spliced.

use std::io::Write as _;
use std::process::ExitCode;

use egret_reassembly::{
    Assembler, Capture, Close, Connection, Data, Direction, Gap, Limits, Stream, StreamFactory, StreamPool,
    decode,
};

/// A line longer than this is cut: nobody may make us remember more.
const MAX_LINE: usize = 4096;

/// What is left of an unfinished line, for each direction.
struct Lines {
    who: String,
    unfinished: [Vec<u8>; 2],
}

impl Lines {
    fn unfinished(&mut self, direction: Direction) -> &mut Vec<u8> {
        let [client, server] = &mut self.unfinished;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn say(&mut self, direction: Direction, end: &str, out: &mut Vec<u8>) {
        let line = std::mem::take(self.unfinished(direction));
        let side = if direction == Direction::ClientToServer { '>' } else { '<' };
        out.extend(format!("{} {side} {}{end}\n", self.who, line.escape_ascii()).bytes());
    }
}

impl Stream for Lines {
    /// The output, lent by `main` with each packet.
    type Context = Vec<u8>;

    fn reassembled(&mut self, data: Data<'_>, out: &mut Vec<u8>) {
        for piece in data.bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let line = self.unfinished(data.direction);
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend(text.iter().take(room));
            if ended {
                self.say(data.direction, "", out);
            }
        }
    }

    fn gap(&mut self, gap: Gap, out: &mut Vec<u8>) {
        self.say(gap.direction, &format!(" [{} bytes missing: {}]", gap.len, gap.reason), out);
    }

    fn complete(&mut self, close: Close, out: &mut Vec<u8>) {
        for direction in Direction::BOTH {
            if !self.unfinished(direction).is_empty() {
                self.say(direction, " [no end of line]", out);
            }
        }
        out.extend(format!("{} {}\n", self.who, close.how).bytes());
    }
}

struct LinesFactory;

impl StreamFactory for LinesFactory {
    type Stream = Lines;

    fn new_stream(&mut self, connection: &Connection) -> Lines {
        Lines { who: connection.client().to_string(), unfinished: Default::default() }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("say which capture file to read")?;
    let mut capture = Capture::open(file)?;
    let mut assembler = Assembler::new(StreamPool::new(LinesFactory, Limits::default()));
    let mut out = Vec::new();
    while let Some(packet) = capture.next_packet()? {
        assembler.assemble(&decode(packet), &mut out);
        std::io::stdout().write_all(&out)?;
        out.clear();
    }
    assembler.finish(&mut out);
    Ok(std::io::stdout().write_all(&out)?)
}
