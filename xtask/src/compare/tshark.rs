//! What `tshark -z follow,tcp,raw,N` says.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use super::account::{Heard, Recorder, Recording, Scratch};
use super::{first_complaint, quietly};
use crate::shell::Program;

/// Streams followed in one run. tshark reads the whole capture for every run, and pays for each stream in it.
const AT_ONCE: usize = 100;
/// More are not looked at; the report says so.
const MOST: usize = 5_000;
/// So many numbers without a stream at the end of a run mean that there are no more.
const EMPTY_AT_END: usize = 10;

pub(super) fn accounts(capture: &Path, scratch: &Scratch) -> Result<Heard> {
    let mut reader = Reader { scratch, recorder: Recorder::new(), heard: Heard::default(), open: None };
    for first in (0..MOST).step_by(AT_ONCE) {
        let mut program = Program::new("tshark", "-n -q -r").arg(capture);
        for stream in first..first + AT_ONCE {
            program = program.arg("-z").arg(format!("follow,tcp,raw,{stream}"));
        }
        let mut highest = None;
        let status = quietly(program, scratch)?.lines(&mut |line| {
            highest = highest.max(reader.line(line)?);
            Ok(())
        })?;
        reader.close()?;
        if !status.success() {
            let said = std::fs::read_to_string(scratch.path("complaints")).unwrap_or_default();
            reader.heard.complaint = first_complaint(&said).or_else(|| Some(format!("{status}")));
        }
        if highest.is_none_or(|highest| highest + EMPTY_AT_END < first + AT_ONCE) {
            return Ok(reader.heard);
        }
    }
    reader.heard.complaint = Some(format!("only the first {MOST} streams were asked for"));
    Ok(reader.heard)
}

struct Reader<'a> {
    scratch: &'a Scratch,
    recorder: Recorder,
    heard: Heard,
    open: Option<Open>,
}

/// The stream that is being printed.
struct Open {
    stream: usize,
    nodes: [Option<SocketAddr>; 2],
    sides: Option<[Recording; 2]>,
}

impl Reader<'_> {
    /// Takes one line; gives the number of the stream if it shows that there is one.
    fn line(&mut self, line: &[u8]) -> Result<Option<usize>> {
        if let Some(number) = line.strip_prefix(b"Filter: tcp.stream eq ") {
            self.close()?;
            let stream = std::str::from_utf8(number).ok().and_then(|number| number.trim().parse().ok());
            self.open = stream.map(|stream| Open { stream, nodes: [None; 2], sides: None });
            return Ok(None);
        }
        let Some(open) = &mut self.open else { return Ok(None) };
        let node = |prefix: &[u8]| line.strip_prefix(prefix).and_then(endpoint);
        if let Some(node) = node(b"Node 0: ") {
            open.nodes = [Some(node), None];
        } else if let Some(node) = node(b"Node 1: ") {
            let [_, second] = &mut open.nodes;
            *second = Some(node);
            open.sides = Some([self.recorder.begin(self.scratch)?, self.recorder.begin(self.scratch)?]);
            return Ok(Some(open.stream));
        } else if let (Some(sides), Some(record)) = (&mut open.sides, record(line)) {
            let [first, second] = sides;
            let side = if line.starts_with(b"\t") { second } else { first };
            if !is_marker(&record) {
                self.recorder.push(side, &record)?;
            }
        }
        Ok(None)
    }

    /// The stream that was open is over.
    fn close(&mut self) -> Result<()> {
        let Some(Open { stream, nodes: [Some(one), Some(other)], sides: Some([first, second]) }) =
            self.open.take()
        else {
            return Ok(());
        };
        let label = || format!("tcp.stream {stream}");
        self.heard.accounts.push(first.finish(one, other, label())?);
        self.heard.accounts.push(second.finish(other, one, label())?);
        Ok(())
    }
}

fn endpoint(text: &[u8]) -> Option<SocketAddr> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// A line of hexadecimal digits, which is one segment's worth of bytes.
fn record(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = line.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Where bytes are missing, tshark puts a sentence into the stream, as a record of its own.
fn is_marker(record: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(record) else { return false };
    let text = text.trim_end_matches('\0').trim_end_matches('.');
    let number = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(" bytes missing in capture file]"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_nodes_of_each_stream_are_read() {
        let scratch = Scratch::new().unwrap();
        let mut reader =
            Reader { scratch: &scratch, recorder: Recorder::new(), heard: Heard::default(), open: None };
        let text = "\n===\nFollow: tcp,raw\nFilter: tcp.stream eq 1\nNode 0: :0\nNode 1: :0\n===\n\
                    \n===\nFollow: tcp,raw\nFilter: tcp.stream eq 0\nNode 0: 10.0.0.1:1024\nNode 1: [::1]:80\n\
                    6162\n\t58\n63\n\t5b37206279746573206d697373696e6720696e20636170747572652066696c655d00\n===\n";
        let seen: Vec<_> = text.lines().filter_map(|line| reader.line(line.as_bytes()).unwrap()).collect();
        reader.close().unwrap();
        assert_eq!(seen, [0]);
        let [first, second] = &reader.heard.accounts[..] else { panic!("{:?}", reader.heard) };
        assert_eq!(
            (first.from.to_string(), first.to.to_string()),
            ("10.0.0.1:1024".into(), "[::1]:80".into())
        );
        assert_eq!(first.bytes().unwrap().unwrap(), b"abc");
        assert_eq!(second.from, first.to);
        assert_eq!(
            second.bytes().unwrap().unwrap(),
            b"X",
            "the sentence about missing bytes is none of theirs"
        );
    }

    #[test]
    fn only_a_whole_record_is_a_marker() {
        assert!(is_marker(b"[12 bytes missing in capture file].\0"));
        assert!(!is_marker(b"x[12 bytes missing in capture file]"));
        assert!(!is_marker(b"[ bytes missing in capture file]"));
    }
}
