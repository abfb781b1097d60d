//! The judge: crafted segments go to a real socket of this kernel and, with its answers, to the assembler. What the
//! socket read and what the stream was given must be the same bytes.
//!
//! Needs root, a TUN device and the `ip` command; where one is missing the test says so and passes.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]
#![allow(clippy::print_stdout, reason = "what was compared, or why it was not, is for people")]

use std::io::Write as _;
use std::time::Duration;

use egret_reassembly::{Assembler, Checksums, Limits, LinkType, Packet, StreamPool, Timestamp, decode};

#[path = "../support/mod.rs"]
mod support;
mod tunnel;
use support::{ACK, FIN, Log, PSH, RST, Recorder, SYN};
use tunnel::{Crafted, Tunnel, header_len, read_available, seq_and_flags};

const URG: u8 = 0x20;

/// One segment of the client, relative to the first byte of its stream.
#[derive(Clone)]
struct Step {
    offset: i64,
    payload: Vec<u8>,
    flags: u8,
    /// How far beyond the server's next byte it acknowledges.
    acks: i64,
    urgent: u16,
    /// The client's clock, where the connection has time stamps; `None` leaves the option out.
    clock: Option<u32>,
    bad_checksum: bool,
    /// How many bytes the server sends in front of it. The client acknowledges all of them.
    answer: usize,
}

fn data(offset: i64, payload: &str) -> Step {
    let (payload, flags) = (payload.as_bytes().to_vec(), ACK | PSH);
    Step { offset, payload, flags, acks: 0, urgent: 0, clock: Some(1_000), bad_checksum: false, answer: 0 }
}

impl Step {
    fn flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }
    fn acks(self, acks: i64) -> Self {
        Self { acks, ..self }
    }
    fn urgent(self, urgent: u16) -> Self {
        Self { urgent, flags: self.flags | URG, ..self }
    }
    fn clock(self, clock: impl Into<Option<u32>>) -> Self {
        Self { clock: clock.into(), ..self }
    }
    fn damaged(self) -> Self {
        Self { bad_checksum: true, ..self }
    }
    fn answer(self, answer: usize) -> Self {
        Self { answer, ..self }
    }
}

struct Case {
    name: &'static str,
    isn: u32,
    /// Whether its segments have the time stamp option, and what the SYN says: nothing where it has none.
    timestamps: bool,
    syn_clock: Option<u32>,
    /// Whether selective acknowledgments are agreed to.
    sack: bool,
    syn_data: &'static str,
    steps: Vec<Step>,
}

fn case<const N: usize>(name: &'static str, steps: [Step; N]) -> Case {
    let (isn, steps) = (1_000_000, steps.into());
    Case { name, isn, timestamps: false, syn_clock: Some(1_000), sack: false, syn_data: "", steps }
}

fn with_clock<const N: usize>(name: &'static str, steps: [Step; N]) -> Case {
    Case { timestamps: true, ..case(name, steps) }
}

fn with_sack<const N: usize>(name: &'static str, steps: [Step; N]) -> Case {
    Case { sack: true, ..case(name, steps) }
}

/// The stream's byte `at` has the sequence number 0.
fn wrapping<const N: usize>(name: &'static str, at: u32, steps: [Step; N]) -> Case {
    Case { isn: 0_u32.wrapping_sub(at + 1), ..case(name, steps) }
}

fn cases() -> Vec<Case> {
    let bare = |offset, flags| data(offset, "").flags(flags);
    let mut cases = vec![
        case("in order", [data(0, "abc"), data(3, "def")]),
        case("swapped", [data(3, "def"), data(0, "abc")]),
        case("reversed", [data(9, "jkl"), data(6, "ghi"), data(3, "def"), data(0, "abc")]),
        case("a hole to the end", [data(0, "abc"), data(6, "ghi")]),
        case("retransmitted", [data(0, "abcdef"), data(0, "abcdef"), data(2, "cd")]),
        case("retransmitted with other bytes", [data(0, "abcdef"), data(0, "XXXXXX"), data(6, "g")]),
        case("retransmitted with a new tail", [data(0, "abc"), data(1, "XXdef")]),
        case("a new segment with a lower start wins", [data(4, "efgh"), data(2, "CDEF"), data(0, "ab")]),
        case("a new segment inside keeps its tail", [data(2, "cdef"), data(4, "EFGH"), data(0, "ab")]),
        case("a covering segment replaces", [data(4, "ef"), data(2, "CDEFGH"), data(0, "ab")]),
        case("a covered segment is dropped", [data(2, "cdefgh"), data(4, "EF"), data(0, "ab")]),
        case("same start, longer", [data(2, "cd"), data(2, "CDEF"), data(0, "ab")]),
        case("same start, shorter", [data(2, "cdef"), data(2, "CD"), data(0, "ab")]),
        case("same start, same length", [data(2, "cd"), data(2, "CD"), data(0, "ab")]),
        case("the filler wins what it runs into", [data(3, "def"), data(0, "abcDE"), data(6, "g")]),
        case("the filler covers what waits", [data(3, "def"), data(0, "abcDEFGH")]),
        case("the filler is inside", [data(0, "ab"), data(4, "efgh"), data(2, "cdEF"), data(8, "i")]),
        case("over two that wait", [data(2, "cd"), data(6, "gh"), data(3, "DEFG"), data(0, "ab")]),
        case("covering two that wait", [data(3, "d"), data(5, "f"), data(2, "CDEFG"), data(0, "ab")]),
        case("from one into the next", [data(2, "cdef"), data(8, "ij"), data(4, "EFGHIJK"), data(0, "ab")]),
        case("a chain of overlaps", [data(2, "cdef"), data(3, "DEFG"), data(4, "efgh"), data(0, "ab")]),
        case(
            "a chain from behind",
            [data(6, "ghi"), data(5, "FGH"), data(4, "efg"), data(3, "DEF"), data(0, "abc")],
        ),
        case(
            "starts inside a start that lost",
            [data(2, "cdef"), data(4, "EFGHI"), data(5, "fghij"), data(0, "ab")],
        ),
        case("the filler in three parts", [data(4, "e"), data(3, "DE"), data(0, "a"), data(1, "bcde")]),
        case("starts in front of the stream", [data(-3, "XXXabc"), data(3, "d")]),
        case("keep-alive with a garbage byte", [data(0, "abc"), data(2, "X"), data(3, "d")]),
        case("keep-alive without", [data(0, "abc"), bare(2, ACK), data(3, "d")]),
        case("an empty segment ahead", [data(0, "abc"), bare(100, ACK), data(3, "d")]),
        case("fin", [data(0, "abc"), bare(3, FIN | ACK)]),
        case("fin ahead of a hole", [bare(6, FIN | ACK), data(3, "def"), data(0, "abc")]),
        case("fin with data ahead of a hole", [data(3, "def").flags(FIN | ACK), data(0, "abc")]),
        case("fin twice", [data(0, "abc"), bare(3, FIN | ACK), bare(3, FIN | ACK)]),
        case("data behind a fin", [data(0, "abc"), bare(3, FIN | ACK), data(4, "X"), data(3, "Y")]),
        case("data where a waiting fin was", [bare(3, FIN | ACK), data(3, "def"), data(0, "abc")]),
        case("no ack flag", [data(0, "abc").flags(PSH), data(0, "def")]),
        case("no flag at all", [data(0, "abc").flags(0), data(0, "def")]),
        case("syn in the stream", [data(0, "abc"), data(3, "XYZ").flags(SYN), data(3, "def")]),
        case("syn-ack in the stream", [data(0, "abc"), data(3, "XYZ").flags(SYN | ACK), data(3, "def")]),
        case("reset exactly next", [data(0, "abc"), bare(3, RST | ACK), data(3, "def")]),
        case("reset one too far", [data(0, "abc"), bare(4, RST | ACK), data(3, "def")]),
        case("reset one too near", [data(0, "abc"), bare(2, RST | ACK), data(3, "def")]),
        case("reset without ack", [data(0, "abc"), bare(3, RST), data(3, "def")]),
        case("reset in the window", [data(0, "abc"), bare(1_000, RST | ACK), data(3, "def")]),
        case("reset far away", [data(0, "abc"), bare(200_000_000, RST | ACK), data(3, "def")]),
        case("reset with bytes", [data(0, "abc"), data(3, "XYZ").flags(RST | ACK), data(6, "def")]),
        case("reset behind a hole", [data(0, "abc"), data(6, "ghi"), bare(9, RST | ACK), data(3, "def")]),
        case("a wrong checksum", [data(0, "abc"), data(3, "XYZ").damaged(), data(3, "def")]),
        case(
            "a wrong checksum ahead",
            [data(0, "abc"), data(6, "XYZ").damaged(), data(3, "def"), data(6, "ghi")],
        ),
        case(
            "acknowledges what was never sent",
            [data(0, "abc"), data(3, "XYZ").acks(5_000), data(3, "def")],
        ),
        case("acknowledges one byte too much", [data(0, "abc"), data(3, "XYZ").acks(1), data(3, "def")]),
        case("acknowledges something old", [data(0, "abc").acks(-1), data(3, "def")]),
        case("far beyond the window", [data(0, "abc"), data(500_000_000, "XYZ"), data(3, "def")]),
        case("urgent in the middle", [data(0, "abcdef").urgent(3), data(6, "ghi")]),
        case("urgent at the end", [data(0, "abc").urgent(3), data(3, "def")]),
        case("urgent at the start", [data(0, "abc").urgent(1), data(3, "def")]),
        case("urgent and reordered", [data(3, "def").urgent(2), data(0, "abc")]),
        case("urgent later", [data(0, "abc").urgent(5), data(3, "def")]),
        case("urgent twice", [data(0, "abc").urgent(1), data(3, "def").urgent(2), data(6, "g")]),
        with_clock("time stamps", [data(0, "abc").clock(1_001), data(3, "def").clock(1_002)]),
        with_clock(
            "an old time stamp",
            [data(0, "abc").clock(2_000), data(3, "XYZ").clock(1_500), data(3, "def").clock(2_001)],
        ),
        with_clock("older by one", [data(0, "abc").clock(2_000), data(3, "def").clock(1_999)]),
        with_clock(
            "older by two",
            [data(0, "abc").clock(2_000), data(3, "XYZ").clock(1_998), data(3, "def").clock(2_000)],
        ),
        with_clock(
            "reordered with time stamps",
            [data(6, "ghi").clock(2_002), data(3, "def").clock(2_001), data(0, "abc").clock(2_000)],
        ),
        with_clock("a time stamp left out", [data(0, "abc").clock(2_000), data(3, "def").clock(None)]),
        with_clock("older than the syn", [data(0, "XYZ").clock(900), data(0, "abc").clock(1_001)]),
        with_clock(
            "older by one, and then by two",
            [
                data(0, "abc").clock(2_000),
                data(3, "def").clock(1_999),
                data(6, "XYZ").clock(1_998),
                data(6, "ghi").clock(2_000),
            ],
        ),
        with_clock(
            "an old time stamp on a fin",
            [data(0, "abc").clock(2_000), bare(3, FIN | ACK).clock(1_500), data(3, "def").clock(2_000)],
        ),
        case("fin below what waits", [data(50, "XYZ"), data(0, "abc"), bare(3, FIN | ACK), data(4, "XYZ")]),
        case(
            "reset one behind a fin",
            [data(0, "abc"), bare(3, FIN | ACK), bare(4, RST | ACK), data(4, "def")],
        ),
        case("fin with bad ack", [data(0, "abc"), bare(3, FIN | ACK).acks(5000), data(3, "def")]),
        case(
            "fin with data and bad ack",
            [data(0, "abc"), data(3, "XY").flags(FIN | ACK).acks(5000), data(3, "def")],
        ),
        case(
            "unproven lower start",
            [data(4, "efgh"), data(2, "CDEF").acks(5000), data(0, "ab"), data(2, "cd")],
        ),
        case(
            "unproven covers proven",
            [data(4, "ef"), data(2, "CDEFG").acks(5000), data(0, "ab"), data(2, "cd"), data(6, "g")],
        ),
        case(
            "proven replaces proven because of a neighbour",
            [data(2, "cdef"), data(6, "X").acks(5000), data(4, "EFG"), data(0, "ab")],
        ),
        case("urgent older after newer", [data(3, "def").urgent(2), data(0, "abc").urgent(1), data(6, "g")]),
        case("urgent pointer 0", [data(0, "abc").urgent(0), data(3, "def")]),
        case("urgent pointer 0 ahead", [data(3, "def").urgent(0), data(0, "abc")]),
        case("urgent with bad ack", [data(0, "abc").urgent(2).acks(5000), data(0, "abc"), data(3, "def")]),
        case("urgent on a bare ack", [data(0, "abc"), bare(3, ACK).urgent(2), data(3, "def")]),
        case(
            "urgent moved before read",
            [data(3, "def").urgent(1), data(3, "def").urgent(2), data(0, "abc")],
        ),
        case("urgent one retransmitted", [data(0, "abc").urgent(2), data(0, "abcdef"), data(6, "g")]),
        case(
            "urgent waits then retransmitted without",
            [data(3, "def").urgent(2), data(3, "def"), data(0, "abc")],
        ),
        case("urgent far beyond", [data(0, "abc").urgent(60000), data(3, "def")]),
        case("fin below waiting", [data(0, "abc"), data(8, "XYZ"), data(3, "def").flags(FIN | ACK)]),
        case("bare fin below waiting", [data(0, "abc"), data(8, "XYZ"), bare(3, FIN | ACK), data(3, "q")]),
        case(
            "fin below waiting, both waiting",
            [data(8, "XYZ"), data(3, "def").flags(FIN | ACK), data(0, "abc"), data(6, "no")],
        ),
        case(
            "fin waiting then data across",
            [data(3, "def").flags(FIN | ACK), data(5, "FGH"), data(0, "abc")],
        ),
        case("two fins", [bare(6, FIN | ACK), bare(3, FIN | ACK), data(0, "abc"), data(3, "def")]),
        case(
            "fin far beyond the window then data",
            [data(0, "abc"), bare(500_000_000, FIN | ACK), data(3, "def")],
        ),
        with_clock(
            "a future time stamp with bad ack",
            [
                data(0, "abc").clock(2_000),
                data(3, "XYZ").clock(1_000_000).acks(5000),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "a future time stamp bare bad ack",
            [
                data(0, "abc").clock(2_000),
                bare(3, ACK).clock(1_000_000).acks(5000),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "a future time stamp far below",
            [
                data(0, "abc").clock(2_000),
                data(-100_000, "XYZ").clock(1_000_000),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "a future time stamp very old ack",
            [
                data(0, "abc").clock(2_000),
                data(3, "XYZ").clock(1_000_000).acks(-100_000),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "a future time stamp without ack flag",
            [
                data(0, "abc").clock(2_000),
                data(3, "XYZ").flags(PSH).clock(1_000_000),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "a future time stamp, old ack, retrans",
            [data(0, "abc").clock(2_000), data(0, "abc").clock(1_000_000), data(3, "def").clock(2_001)],
        ),
        with_clock(
            "a future time stamp bare ack below",
            [data(0, "abc").clock(2_000), bare(1, ACK).clock(1_000_000), data(3, "def").clock(2_001)],
        ),
        with_clock(
            "RST with old stamp",
            [data(0, "abc").clock(2_000), bare(3, RST | ACK).clock(1_000), data(3, "def").clock(2_001)],
        ),
        case("the same syn resets", [data(0, "abc"), data(-1, "").flags(SYN), data(3, "def")]),
        with_clock(
            "the same syn resets paws",
            [
                data(0, "abc").clock(2_000),
                data(-1, "").flags(SYN).clock(None),
                data(3, "XYZ").clock(1_500),
                data(3, "def").clock(2_001),
            ],
        ),
        with_clock(
            "the same syn sets future paws",
            [
                data(0, "abc").clock(2_000),
                data(-1, "").flags(SYN).clock(5_000_000),
                data(3, "def").clock(2_001),
            ],
        ),
        case("straddles 2^30", [data(0, "abc"), data((1 << 30) + 1, "XYZ12345"), data(3, "def")]),
        case(
            "rst one beyond waiting hole",
            [data(0, "abc"), data(6, "ghi"), bare(6, RST | ACK), data(3, "def")],
        ),
        case(
            "rst at next with hole behind",
            [data(0, "abc"), data(6, "ghi"), bare(3, RST | ACK), data(3, "def")],
        ),
        case("rst with bad ack", [data(0, "abc"), bare(3, RST | ACK).acks(5000), data(3, "def")]),
        case(
            "rst at end of ooo (sack)",
            [data(0, "abc"), data(6, "ghi"), bare(9, RST | ACK), data(3, "def"), data(9, "j")],
        ),
        with_sack(
            "sack: rst at the end of what waits",
            [data(0, "abc"), data(6, "ghi"), bare(9, RST | ACK), data(3, "def"), data(9, "j")],
        ),
        with_sack(
            "sack: rst behind the end of what waits",
            [data(0, "abc"), data(6, "ghi"), bare(10, RST | ACK), data(3, "def"), data(9, "j")],
        ),
        with_sack(
            "sack: rst at the end of the lower of two that wait",
            [
                data(0, "abc"),
                data(6, "ghi"),
                data(20, "uvw"),
                bare(9, RST | ACK),
                data(3, "def"),
                data(9, "j"),
            ],
        ),
        with_sack(
            "sack: rst at the end of the higher of two that wait",
            [
                data(0, "abc"),
                data(20, "uvw"),
                data(6, "ghi"),
                bare(23, RST | ACK),
                data(3, "def"),
                data(9, "j"),
            ],
        ),
        with_sack(
            "sack: rst in front of what waits",
            [data(0, "abc"), data(6, "ghi"), bare(6, RST | ACK), data(3, "def"), data(9, "j")],
        ),
        with_sack(
            "sack: rst behind a waiting fin",
            [data(0, "abc"), bare(6, FIN | ACK), bare(7, RST | ACK), data(3, "def")],
        ),
        with_sack(
            "sack: rst where a waiting fin is",
            [data(0, "abc"), bare(6, FIN | ACK), bare(6, RST | ACK), data(3, "def")],
        ),
        with_sack(
            "sack: rst behind data with a waiting fin",
            [data(0, "abc"), data(6, "ghi").flags(FIN | ACK), bare(9, RST | ACK), data(3, "def")],
        ),
        with_sack(
            "sack: rst behind a waiting fin with data",
            [data(0, "abc"), data(6, "ghi").flags(FIN | ACK), bare(10, RST | ACK), data(3, "def")],
        ),
        with_sack(
            "sack: rst at the end of what waited before",
            [data(0, "abc"), data(6, "ghi"), data(3, "def"), bare(6, RST | ACK), data(9, "j")],
        ),
        with_sack(
            "sack: rst at the end of what waits, without ack",
            [data(0, "abc"), data(6, "ghi"), bare(9, RST), data(3, "def"), data(9, "j")],
        ),
        Case {
            syn_clock: Some(0),
            ..with_clock(
                "a syn whose clock says nought",
                [data(0, "abc").clock(3_000_000_000), data(3, "def").clock(3_000_000_001)],
            )
        },
        Case {
            syn_clock: Some(0),
            ..with_clock(
                "a clock of nought forgets",
                [
                    data(0, "abc").clock(0),
                    data(3, "def").clock(4_000_000_000),
                    data(6, "XYZ").clock(3_000_000_000),
                    data(6, "ghi").clock(4_000_000_000),
                ],
            )
        },
        Case {
            syn_clock: None,
            ..with_clock(
                "time stamps nobody agreed to",
                [data(0, "abc").clock(2_000), data(3, "def").clock(1_000)],
            )
        },
        case(
            "acknowledges a window ago",
            [data(0, "abc"), data(3, "def").answer(200_000).acks(-60_000), data(6, "ghi")],
        ),
        case(
            "acknowledges more than a window ago",
            [data(0, "abc"), data(3, "XYZ").answer(200_000).acks(-70_000), data(3, "def")],
        ),
        case(
            "acknowledges a little more than a window ago",
            [data(0, "abc"), data(3, "XYZ").answer(200_000).acks(-65_540), data(3, "def")],
        ),
        case(
            "acknowledges a little less than a window ago",
            [data(0, "abc"), data(3, "def").answer(200_000).acks(-65_530), data(6, "ghi")],
        ),
        case(
            "ahead, and acknowledges more than a window ago",
            [data(0, "abc"), data(6, "XYZ").answer(200_000).acks(-70_000), data(3, "def"), data(6, "ghi")],
        ),
        case(
            "a fin that acknowledges more than a window ago",
            [data(0, "abc"), bare(3, FIN | ACK).answer(200_000).acks(-70_000), data(3, "def")],
        ),
        case(
            "a rst that acknowledges more than a window ago",
            [data(0, "abc"), bare(3, RST | ACK).answer(200_000).acks(-70_000), data(3, "def")],
        ),
        case(
            "urgent, and acknowledges more than a window ago",
            [data(0, "abc"), data(3, "XYZ").urgent(2).answer(200_000).acks(-70_000), data(3, "def")],
        ),
        case(
            "an answer in between",
            [data(0, "abc"), data(3, "def").answer(3_000), data(6, "ghi").answer(1)],
        ),
        case(
            "rst where the fin was",
            [data(0, "abc"), bare(3, FIN | ACK), bare(3, RST | ACK), data(4, "XYZ")],
        ),
        case(
            "rst behind a fin ahead of a hole",
            [data(0, "abc"), bare(6, FIN | ACK), bare(7, RST | ACK), data(3, "def")],
        ),
        case("beyond the window by one", [data(0, "abc"), data(70_000, "XYZ"), data(3, "def")]),
        case("every flag", [data(0, "abc"), data(3, "XYZ").flags(0xff), data(3, "def")]),
        case("syn and fin", [data(0, "abc"), data(3, "XYZ").flags(SYN | FIN | ACK), data(3, "def")]),
        case("syn and rst", [data(0, "abc"), bare(3, SYN | RST | ACK), data(3, "def")]),
        case("fin without ack", [data(0, "abc"), data(3, "XYZ").flags(FIN), data(3, "def")]),
        case("urgent without ack", [data(0, "abc"), data(3, "XYZ").flags(PSH).urgent(1), data(3, "def")]),
        case("a fin inside what waits", [data(3, "def"), bare(4, FIN | ACK), data(0, "abc"), data(6, "g")]),
        case(
            "a fin in front of what was received",
            [data(0, "abcdef"), bare(3, FIN | ACK), data(6, "g"), bare(7, FIN | ACK)],
        ),
        case("urgent in fin", [data(0, "abc").urgent(4).flags(FIN | ACK | URG)]),
        case("ack below window old", [data(0, "abc"), data(3, "def").acks(-70_000), data(3, "ghi")]),
        case(
            "out of window seq with good ack old data",
            [data(0, "abc"), data(-200_000, "zz"), data(3, "def")],
        ),
        with_clock("time stamps wrap", [data(0, "abc").clock(u32::MAX), data(3, "def").clock(3)]),
        wrapping("wrap between segments", 3, [data(0, "abc"), data(3, "def"), data(6, "ghi")]),
        wrapping("wrap inside a segment", 2, [data(0, "abcd"), data(4, "efgh")]),
        wrapping("wrap while reordered", 4, [data(6, "gh"), data(3, "def"), data(0, "abc")]),
        wrapping("wrap in an overlap", 4, [data(3, "def"), data(2, "CDEFG"), data(0, "ab")]),
        wrapping("wrap in a hole", 3, [data(0, "ab"), data(5, "fg"), data(2, "cde")]),
        wrapping("wrap at the first byte", 0, [data(3, "def"), data(0, "abc")]),
        Case { syn_data: "early", ..case("data in a syn that is not taken", [data(0, "right")]) },
    ];
    // The window moves on over what was dropped because it was beyond it.
    let stretch = |from: i64, to: i64| {
        (from..to).step_by(1_000).map(|at| data(at, &"x".repeat(1_000))).collect::<Vec<_>>()
    };
    let far = [vec![data(80_000, "XYZ")], stretch(0, 80_000), vec![data(80_000, "def")]].concat();
    cases.push(Case { steps: far, ..case("beyond the window, before it moves there", []) });
    let many = (0..100).map(|at| data(80_000 + at, "X")).collect();
    let many = [many, stretch(0, 80_000), vec![data(80_000, &"d".repeat(100))]].concat();
    cases.push(Case { steps: many, ..case("many beyond the window, before it moves there", []) });
    let letters: Vec<Step> =
        ('a'..='t').enumerate().map(|(at, letter)| data(at as i64, &letter.to_string())).collect();
    let odd_first = letters.iter().skip(1).step_by(2).chain(letters.iter().step_by(2)).cloned().collect();
    cases.push(Case { steps: letters.into_iter().rev().collect(), ..case("single bytes, backwards", []) });
    cases.push(Case { steps: odd_first, ..case("single bytes, odd ones first", []) });
    cases
}

/// Sends a case to the kernel. Returns what the socket read, and the packets of both sides.
fn ask_the_kernel(tunnel: &mut Tunnel, port: u16, case: &Case) -> (Vec<u8>, Vec<Vec<u8>>) {
    let options = |clock: Option<u32>| match clock.filter(|_| case.timestamps) {
        Some(clock) => [&[1, 1, 8, 10][..], &clock.to_be_bytes(), &[0; 4]].concat(),
        None => Vec::new(),
    };
    let mut packets = Vec::new();
    // The same window scale as the kernel's, so that both are known.
    let sack: &[u8] = if case.sack { &[1, 1, 4, 2] } else { &[] };
    let syn_options = [&[2, 4, 5, 180, 1, 3, 3, 7][..], sack, &options(case.syn_clock)].concat();
    let payload = case.syn_data.as_bytes().to_vec();
    let (seq, window) = (case.isn, 65_535);
    let syn = Crafted { seq, window, flags: SYN, options: syn_options, payload, ..Crafted::default() };
    packets.push(tunnel.send(port, &syn));
    let mut server = 0;
    for answer in tunnel.receive(port, Duration::from_millis(2)) {
        let (seq, flags) = seq_and_flags(&answer);
        if flags == SYN | ACK {
            server = seq.wrapping_add(1);
        }
        packets.push(answer);
    }
    let mut acknowledge =
        Crafted { seq: case.isn.wrapping_add(1), ack: server, flags: ACK, window: 512, ..syn };
    (acknowledge.options, acknowledge.payload) = (options(Some(1_000)), Vec::new());
    packets.push(tunnel.send(port, &acknowledge));

    let mut read = Vec::new();
    let (mut socket, _) = tunnel.listener.accept().unwrap();
    for step in &case.steps {
        let end = server.wrapping_add(step.answer as u32);
        let mut unsent = vec![b'.'; step.answer];
        for _ in 0..500 {
            if server == end {
                break;
            }
            socket.set_nonblocking(true).unwrap();
            if let Ok(written) = socket.write(&unsent) {
                unsent.drain(..written);
            }
            for answer in tunnel.receive(port, Duration::from_millis(1)) {
                let behind = seq_and_flags(&answer).0.wrapping_add(answer.len() as u32 - header_len(&answer));
                if behind.wrapping_sub(server) <= step.answer as u32 {
                    server = behind;
                }
                packets.push(answer);
            }
            let seq = case.isn.wrapping_add(1 + read.len() as u32);
            packets.push(tunnel.send(port, &Crafted { seq, ack: server, ..acknowledge.clone() }));
        }
        assert_eq!(server, end, "{}: the server's answer does not arrive", case.name);
        let crafted = Crafted {
            seq: case.isn.wrapping_add(1).wrapping_add(step.offset as u32),
            ack: if step.flags & ACK == 0 { 0 } else { server.wrapping_add(step.acks as u32) },
            flags: step.flags,
            window: 512,
            urgent: step.urgent,
            options: options(step.clock),
            payload: step.payload.clone(),
            bad_checksum: step.bad_checksum,
        };
        packets.push(tunnel.send(port, &crafted));
        packets.extend(tunnel.receive(port, Duration::from_millis(1)));
        read_available(&mut socket, &mut read);
    }
    (read, packets)
}

/// What the assembler makes of the same packets, up to the first gap: behind it a receiver would still be waiting.
fn ask_egret(packets: &[Vec<u8>]) -> (Vec<u8>, String) {
    let limits = Limits { checksums: Checksums::Auto, ..Limits::default() };
    let mut assembler = Assembler::new(StreamPool::new(Recorder, limits));
    let mut log = Log::default();
    for (number, data) in (1..).zip(packets) {
        let (link_type, timestamp) = (LinkType::IPV4, Timestamp::from_nanos(number as i64 * 1_000_000));
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len: data.len() as u32 };
        assembler.assemble(&decode(packet), &mut log);
    }
    assembler.finish(&mut log);
    log.check(&assembler.stats());
    let bytes = log.bytes.first().map(|sides| sides[0].clone()).unwrap_or_default();
    let end = bytes.iter().position(|byte| *byte == b'_').unwrap_or(bytes.len());
    (bytes[..end].to_vec(), log.text())
}

#[test]
fn the_stream_is_given_what_the_socket_read() {
    // Not this thread: it would stay in the new namespace.
    let compared = std::thread::spawn(|| {
        let mut tunnel = match Tunnel::new() {
            Ok(tunnel) => tunnel,
            Err(error) => {
                println!("skipped: no TUN device in a namespace of its own: {error}");
                return;
            }
        };
        let cases = cases();
        assert!(cases.len() >= 40);
        let mut wrong = Vec::new();
        for (port, case) in (40_000..).zip(&cases) {
            let (read, packets) = ask_the_kernel(&mut tunnel, port, case);
            let (given, events) = ask_egret(&packets);
            if read != given {
                let (name, read, given) = (case.name, read.escape_ascii(), given.escape_ascii());
                wrong.push(format!(
                    "{name}: the socket read \"{read}\", the stream was given \"{given}\"\n{events}"
                ));
            }
        }
        println!("{} of {} cases as the kernel has them", cases.len() - wrong.len(), cases.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
    compared.join().unwrap();
}
