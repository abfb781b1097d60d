//! Starting the command, and the captures it is started on.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The command with these words behind it, in the top folder of the project, with nothing on standard input.
pub(crate) fn egret(words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_egret"));
    command.args(words).current_dir(root()).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// How a run ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).expect("messages are text");
        Self { code: output.status.code(), out: output.stdout, err }
    }
}

impl Done {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("the output is text")
    }

    /// The lines of the output, each read as JSON.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// Runs the command with the words of a line, as a shell would split it (single quotes only).
pub(crate) fn run(line: &str) -> Done {
    egret(&words(line)).output().expect("the command starts").into()
}

/// As [`run`], with something on standard input.
pub(crate) fn run_with(line: &str, input: &[u8]) -> Done {
    let mut command = egret(&words(line));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("the command reads");
    child.wait_with_output().expect("the command ends").into()
}

pub(crate) fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate().map(|(index, part)| (index % 2 == 1, part));
    let words = quoted.flat_map(|(quoted, part)| match quoted {
        true => vec![part.to_owned()],
        false => part.split_whitespace().map(str::to_owned).collect(),
    });
    words.collect()
}

/// The top folder of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every capture in the folders of `fixtures/`, as paths from the top folder.
pub(crate) fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["tcp", "http", "real"] {
        for entry in fs::read_dir(root().join("fixtures").join(folder)).expect("the fixtures are there") {
            let name = entry.expect("a readable folder").file_name().into_string().expect("a plain name");
            if name.ends_with(".pcap") || name.ends_with(".pcapng") {
                found.push(format!("fixtures/{folder}/{name}"));
            }
        }
    }
    found.sort();
    assert!(found.len() > 25, "only {} fixtures", found.len());
    found
}

/// A file of this test run, with these bytes in it.
pub(crate) fn file(name: &str, bytes: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).expect("the folder for tests can be written to");
    path.into_os_string().into_string().expect("a plain path")
}

/// A capture in which a client and a server, each from its first byte on, say these things in turn: raw IP, no
/// handshake, no checksums.
pub(crate) fn conversation(said: &[(bool, &[u8])]) -> Vec<u8> {
    let mut capture = header().to_vec();
    let mut next = [1u32, 1];
    for (index, (client, bytes)) in said.iter().enumerate() {
        let (own, other) = if *client { (0, 1) } else { (1, 0) };
        let second = u32::try_from(index).expect("a short conversation");
        capture.extend(record(second, *client, next[own], next[other], bytes));
        next[own] += u32::try_from(bytes.len()).expect("a short message");
    }
    capture
}

/// The header of a classic capture file of raw IP packets.
pub(crate) fn header() -> [u8; 24] {
    let mut header = [0; 24];
    header[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    header[4..8].copy_from_slice(&[2, 0, 4, 0]);
    header[16..20].copy_from_slice(&65_535_u32.to_le_bytes());
    header[20..24].copy_from_slice(&101_u32.to_le_bytes());
    header
}

/// One record of a classic capture file: a TCP segment between 10.0.0.1:40000 and 10.0.0.2:80.
pub(crate) fn record(second: u32, client: bool, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).expect("a short segment");
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    let (mut from, mut to) = ((1, 40_000_u16), (2, 80));
    if !client {
        (from, to) = (to, from);
    }
    packet.extend([10, 0, 0, from.0, 10, 0, 0, to.0]);
    packet.extend(from.1.to_be_bytes());
    packet.extend(to.1.to_be_bytes());
    packet.extend(seq.to_be_bytes());
    packet.extend(ack.to_be_bytes());
    packet.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(payload);
    let mut record = Vec::new();
    for field in [second, 0, length.into(), length.into()] {
        record.extend(field.to_le_bytes());
    }
    record.extend(packet);
    record
}

/// Sends a signal and waits for the end: the exit code, and what was said on standard error.
pub(crate) fn signal(name: &str, child: Child) -> (Option<i32>, String) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill is there");
    assert!(status.success());
    let output = child.wait_with_output().expect("the command ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether the command has come to the point where it handles signals: SIGTERM, the fifteenth, is the last of them.
pub(crate) fn catches_signals(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("the child lives");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("the line is there");
    u64::from_str_radix(caught.trim(), 16).expect("a mask") & 1 << 14 != 0
}
