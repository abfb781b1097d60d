//! The language that fixtures are written in: text a person can write and review, compiled to a capture that is
//! always the same bytes. `fixtures/README.md` describes it for those who write scripts.
//!
//! Three steps, each its own module: `words` cuts the text into statements, `parse` gives them a meaning, `play`
//! acts them out — who sends what, when, and which of it a capture would see. `frame` and `pcap` turn that into
//! bytes. Nothing is taken from the project's own decoder: a mistake in it must not hide here as well.

mod frame;
mod parse;
mod pcap;
mod play;
mod words;

use std::fmt;

/// What is wrong with a script, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    line: usize,
    message: String,
}

impl Mistake {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl fmt::Display for Mistake {
    /// `LINE: message`, to be put behind the name of the file and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for Mistake {}

/// The capture file that a script describes.
pub(crate) fn compile(text: &str) -> Result<Vec<u8>, Mistake> {
    let steps = parse::steps(&words::statements(text)?)?;
    let recording = play::play(&steps)?;
    Ok(pcap::file(recording.link, &recording.packets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packets of a compiled script.
    fn packets(text: &str) -> Vec<Vec<u8>> {
        let file = compile(text).expect("it is well written");
        let mut rest = &file[24..];
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let len = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
            packets.push(rest[16..16 + len].to_vec());
            rest = &rest[16 + len..];
        }
        packets
    }

    /// `FLAGS SEQ ACK PAYLOAD` of each packet of a script that begins with `link raw`.
    fn segments(text: &str) -> Vec<String> {
        packets(&format!("link raw\n{text}"))
            .iter()
            .map(|packet| {
                let number =
                    |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().expect("four bytes"));
                let header = 20 + usize::from(packet[32] >> 4) * 4;
                let letters = frame::FLAG_LETTERS.iter().filter(|(_, flag)| packet[33] & flag != 0);
                let flags: String = letters.map(|(letter, _)| *letter).collect();
                let payload = String::from_utf8_lossy(&packet[header..]).into_owned();
                format!("{flags} {} {} {payload}", number(24), number(28)).trim_end().to_string()
            })
            .collect()
    }

    #[test]
    fn a_tiny_script_is_these_bytes() {
        let packet = &packets("client \"hi\"")[0];
        let wanted = [
            2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, // Ethernet
            0x45, 0, 0, 42, 0, 1, 0x40, 0, 64, 6, 0x26, 0xcb, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
            0xc8, 0x22, 0, 80, 0, 0, 0x03, 0xe9, 0, 0, 0x13, 0x89, 0x50, 0x18, 0xff, 0xff, 0x53, 0x7a, 0,
            0, // TCP
            b'h', b'i',
        ];
        assert_eq!(packet[..], wanted);
    }

    #[test]
    fn the_books_are_kept() {
        assert_eq!(
            segments("open\nclient \"abc\"\nserver \"de\"\nclose"),
            [
                "S 1000 0",
                "S. 5000 1001",
                ". 1001 5001",
                "P. 1001 5001 abc",
                "P. 5001 1004 de",
                "F. 1004 5003",
                "F. 5003 1005",
                ". 1005 5004",
            ]
        );
    }

    #[test]
    fn what_is_lost_counts_and_what_is_dropped_does_not() {
        let text = "lose client \"ab\"\nclient \"cd\"\nserver ack\ndrop client \"ef\"\nclient \"gh\"\nserver ack\n\
                    client overlap 4 \"ef\"\nserver ack\nignored client flags P \"xy\"\nserver ack";
        assert_eq!(
            segments(text),
            [
                "P. 1003 5001 cd",
                ". 5001 1005",
                "P. 1007 5001 gh",
                ". 5001 1005",
                "P. 1005 5001 ef",
                ". 5001 1009",
                "P 1009 0 xy",
                ". 5001 1009",
            ]
        );
    }

    #[test]
    fn order_copies_and_pieces() {
        let text = "swap client \"a\"\nclient \"b\"\nduplicate client \"c\"\nclient split 1 \"de\"\nclient offset 0 \"ab\"";
        let places: Vec<String> = segments(text).iter().map(|line| line.replace(" 5001", "")).collect();
        let wanted =
            ["P. 1002 b", "P. 1001 a", "P. 1003 c", "P. 1003 c", ". 1004 d", "P. 1005 e", "P. 1001 ab"];
        assert_eq!(places, wanted);
    }

    #[test]
    fn odd_segments() {
        let text = "connection isn 0xffffffff 7\nclient syn \"x\" option wscale 7\nserver rst\nclient urgent 1 \"u\"\n\
                    acks on\nclient fin acks 3 \"v\"";
        assert_eq!(
            segments(text),
            ["S 4294967295 0 x", "R. 0 1", "P.U 1 8 u", "FP. 2 11 v", ". 8 4"],
            "sequence numbers wrap, and the flags are in tcpdump's letters"
        );
    }

    #[test]
    fn time_and_the_snap_length() {
        let file =
            compile("at 1.5\nsnap 60\nclient repeat 10 \"ab\"\nwait 20ms\nserver ack").expect("well written");
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
        assert_eq!([word(24), word(28), word(32), word(36)], [1_767_225_601, 500_000_000, 60, 74]);
        let second = 24 + 16 + 60;
        assert_eq!([word(second), word(second + 4)], [1_767_225_601, 521_000_000]);
    }

    #[test]
    fn mistakes_say_where_and_what() {
        for (text, wanted) in [
            ("klient \"x\"", "1: `klient` begins no statement (fixtures/README.md lists them)"),
            ("\n\nclient", "3: nothing is sent: give bytes, or `ack`, `syn`, `fin`, `rst`, `flags`"),
            (
                "lose drop client \"x\"",
                "1: `lose` (received, not captured) and `drop` (neither) exclude each other",
            ),
            ("lose", "1: behind this comes who sends: `client` or `server`"),
            ("b.client \"x\"", "1: there is no connection `b`: begin with `connection b …`"),
            ("client \"x\"\nlink raw", "2: a capture has one link type: say it before the first packet"),
            ("link token-ring", "1: link types are ethernet, raw, null, loop, sll, sll2"),
            ("at 2\nat 1", "2: it is 2 s already: a script's time does not go back"),
            ("wait soon", "1: `soon` is no time: seconds, or a number with `ms`, `us` or `ns`"),
            ("swap client \"x\"", "1: `swap` puts a packet behind the next one captured, and there is none"),
            ("client flags X", "1: `X` is no flag: F S R P . U E W, or `none`"),
            ("client fragment 9 \"x\"", "1: the size of fragments is a multiple of 8"),
            ("client fragment 8 order 9 \"x\"", "1: `order`: there are only 3 fragments"),
            ("client order 1 \"x\"", "1: `order` is about the pieces of `fragment N`"),
            ("client hex abc", "1: `abc` has an odd number of hex digits"),
            ("client window 65536 ack", "1: `65536` is no number that fits `window`"),
            ("client split 0 \"x\"", "1: 0 bytes in each segment is too few"),
            ("client \"x\" quickly", "1: `quickly` says nothing here (see fixtures/README.md)"),
            ("connection b client 10.0.0.1", "1: `10.0.0.1` is no ADDRESS:PORT, as 10.0.0.1:80 or [::1]:80"),
            ("connection client 10.0.0.1:1 server [::1]:2", "1: both ends are IPv4, or both are IPv6"),
            ("open b c", "1: something is left over at the end of this statement"),
            ("link raw\nconnection vlan 7\nopen", "3: VLAN tags need `link ethernet`"),
        ] {
            assert_eq!(compile(text).expect_err(text).to_string(), wanted);
        }
    }
}
