//! DNS messages: what they say, and that no crafted one takes longer than its size.

use egret_decode::dns::{Kind, Message, RecordData};

use crate::build::*;

/// The header of a message, with its flags and counts.
fn header(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let counts: Vec<u8> = counts.iter().flat_map(|count| count.to_be_bytes()).collect();
    join(&[&[0x12, 0x34], &flags.to_be_bytes(), &counts])
}

const NAME: &[u8] = b"\x07example\x03com\0";
const QUESTION: &[u8] = b"\x07example\x03com\0\0\x01\0\x01";
/// A compressed name that points to the question's.
const SAME: &[u8] = b"\xc0\x0c";

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    join(&[SAME, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes(), data])
}

fn shown(bytes: &[u8]) -> String {
    Message::new(bytes).unwrap().to_string()
}

#[test]
fn queries_in_one_line() {
    assert_eq!(shown(&join(&[&header(0x0100, [1, 0, 0, 0]), QUESTION])), "4660+ A? example.com.");
    assert_eq!(
        shown(&join(&[&header(0x0130, [1, 0, 0, 1]), NAME, &[0, 28, 0, 3]])),
        "4660+$% [1au] AAAA CHAOS? example.com."
    );
    assert_eq!(shown(&join(&[&header(0x2800, [1, 0, 2, 0]), QUESTION])), "4660 update [2n] A? example.com.");
    assert_eq!(shown(&header(0x0040, [0, 1, 0, 0])), "4660 [b2&3=0x40] [1a] [0q]");
    assert_eq!(
        shown(&join(&[&header(0, [2, 0, 0, 0]), QUESTION, b"\0\0\x02\0\x01"])),
        "4660 [2q] A? example.com. NS? ."
    );
}

#[test]
fn answers_in_one_line() {
    let records = [
        record(1, &[10, 0, 0, 1]),
        record(28, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        record(5, b"\x03www\xc0\x0c"),
        record(15, b"\0\x0a\x04mail\xc0\x0c"),
        record(16, b"\x05a \"b\"\x03c=d"),
        record(33, b"\0\x01\0\x02\x01\xbb\xc0\x0c"),
        record(65, b"\0\x01"),
        record(41, b""),
    ];
    let message = join(&[&header(0x8180, [1, 8, 0, 0]), QUESTION, &records.concat()]);
    assert_eq!(
        shown(&message),
        "4660 8/0/0 A 10.0.0.1, AAAA fd00::1, CNAME www.example.com., MX mail.example.com. 10, \
         TXT \"a \\\"b\\\"\" \"c=d\", SRV example.com.:443 1 2, HTTPS, OPT UDPsize=1"
    );
    let message = Message::new(&message).unwrap();
    let first = message.answers().next().unwrap();
    assert_eq!(
        (first.ttl, first.name.to_string(), Kind(first.kind).to_string()),
        (60, "example.com.".into(), "A".into())
    );
    assert_eq!(message.answers().nth(6).unwrap().data(), RecordData::Other(&[0, 1]));
    assert_eq!(shown(&join(&[&header(0x8783, [1, 0, 1, 0]), QUESTION])), "4660 NXDomain*| 0/1/0");
    assert_eq!(shown(&header(0x8002, [0, 0, 0, 0])), "4660 ServFail- [0q] 0/0/0");
}

#[test]
fn multicast_says_who_may_answer_and_what_to_forget() {
    let question = join(&[&header(0, [2, 0, 0, 0]), NAME, &[0, 12, 0, 1], NAME, &[0, 12, 0x80, 1]]);
    let message = Message::new(&question).unwrap().multicast();
    assert_eq!(message.to_string(), "4660 [2q] PTR (QM)? example.com. PTR (QU)? example.com.");
    let mut answer = record(1, &[10, 0, 0, 1]);
    answer[4] = 0x80;
    let answer = join(&[&header(0x8400, [1, 1, 0, 0]), QUESTION, &answer]);
    let message = Message::new(&answer).unwrap().multicast();
    assert_eq!(message.to_string(), "4660*- 1/0/0 (Cache flush) A 10.0.0.1");
}

#[test]
fn what_is_missing_is_marked() {
    let whole = join(&[&header(0x8180, [1, 1, 0, 0]), QUESTION, &record(1, &[10, 0, 0, 1])]);
    assert_eq!(Message::new(&whole[..11]), None);
    assert_eq!(shown(&whole[..12]), "4660 1/0/0 [|domain]");
    assert_eq!(shown(&whole[..whole.len() - 1]), "4660 1/0/0 [|domain]");
    let query = join(&[&header(0, [1, 0, 0, 0]), QUESTION]);
    assert_eq!(shown(&query[..query.len() - 1]), "4660 [|domain]");
    let short = join(&[&header(0x8180, [1, 1, 0, 0]), QUESTION, &record(1, &[10])]);
    assert_eq!(shown(&short), "4660 1/0/0 A", "an address of one byte is none");
}

#[test]
fn names_end_whatever_they_point_to() {
    let name = |bytes: &[u8]| {
        let message = join(&[&header(0, [1, 0, 0, 0]), bytes, &[0, 1, 0, 1]]);
        Message::new(&message).unwrap().questions().next().map(|question| question.name.to_string())
    };
    // To itself, behind itself, to a name that points back, to a kind of label that does not exist.
    assert_eq!(name(b"\xc0\x0c").unwrap(), "<bad name>");
    assert_eq!(name(b"\xc0\x40").unwrap(), "<bad name>");
    assert_eq!(name(b"\x01a\xc0\x0c").unwrap(), "a.<bad name>");
    assert_eq!(name(b"\x41a\0"), None);
    assert_eq!(name(&join(&[b"\x3f", &[b'a'; 63], &[0]])).unwrap().len(), 64);
    let long = join(&[&join(&[&[0x3f], &[b'a'; 63]]).repeat(5), &[0]]);
    assert!(name(&long).unwrap().ends_with(".<bad name>"), "over 255 bytes");
    assert_eq!(name(b"\x04a.\xff\x1b\0").unwrap(), "a\\.\\xff\\x1b.");
}

#[test]
fn a_message_of_thousands_is_shown_in_part() {
    let many = record(5, b"\xc0\x0c").repeat(4000);
    let message = join(&[&header(0x8180, [1, 4000, 0, 0]), QUESTION, &many]);
    assert_eq!(Message::new(&message).unwrap().answers().count(), 4000);
    assert_eq!(shown(&message).matches("CNAME").count(), 64);
}
