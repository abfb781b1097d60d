//! What may be typed: the commands and their options, as types.
//!
//! The conventions are tcpdump's: `-r`, `-i`, `-w`, `-c`, `-s`, `-n`, `-l`, and a filter as the last words. What can
//! be refused before a packet is read is refused here, with exit code 2.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use egret_reassembly::{Checksums, Limits, Overlap};

/// See network traffic: packets, TCP streams and HTTP exchanges, live or from a capture file.
///
/// Reads a capture file (-r), an interface (-i), or, without either, standard input when something is piped into it
/// and every interface (`any`) when not.
#[derive(Debug, Parser)]
#[command(name = "egret", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print each packet on a line, as tcpdump does; or write them to a file
    Packets(Packets),
    /// Print each TCP connection on a line: who, how long, how much, what is missing, how it ended
    Streams(Streams),
    /// Print what the two sides of one TCP connection said
    Follow(Follow),
    /// Print each HTTP request with its response on a line
    Http(Http),
    /// Count what a capture holds and what was lost
    Stats(Stats),
    /// List the interfaces that can be captured on
    Interfaces(Interfaces),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of egret, or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Packets {
    /// Show the layers of each packet below its line (twice is the same: there is no more to show)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show the bytes in hexadecimal, from the network header on; twice: from the link header on
    #[arg(short = 'x', action = clap::ArgAction::Count)]
    pub(crate) hex: u8,
    /// Show the bytes in hexadecimal and ASCII; twice: from the link header on
    #[arg(short = 'X', action = clap::ArgAction::Count)]
    pub(crate) hex_ascii: u8,
    /// Show the bytes in ASCII
    #[arg(short = 'A')]
    pub(crate) ascii: bool,
    /// Accepted for tcpdump's sake: sequence numbers are always those of the wire
    #[arg(short = 'S', action = clap::ArgAction::Count)]
    pub(crate) absolute: u8,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Streams {
    /// Add the SHA-256 of the bytes of each direction (with --json)
    #[arg(long, requires = "json")]
    pub(crate) digest: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// The connection: the number of its first packet, as `egret streams` prints it
    #[arg(value_name = "ID")]
    pub(crate) id: u64,
    /// Only what the client said
    #[arg(long, group = "side")]
    pub(crate) client: bool,
    /// Only what the server said
    #[arg(long, group = "side")]
    pub(crate) server: bool,
    /// What both said (the default)
    #[arg(long, group = "side")]
    pub(crate) both: bool,
    /// Exactly the bytes, and nothing else
    #[arg(long, group = "shape")]
    pub(crate) raw: bool,
    /// The bytes in hexadecimal and ASCII
    #[arg(long, group = "shape")]
    pub(crate) hex: bool,
    /// The bytes as text, with what could disturb a terminal escaped (the default)
    #[arg(long, group = "shape")]
    pub(crate) text: bool,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Http {
    /// Show the heads below each line; twice: the bodies too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show up to this many bytes of each body, decoded [default: 0 with --json, 64K with -vv]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) body_bytes: Option<usize>,
    /// Add the SHA-256 of each body, as sent and decoded (with --json)
    #[arg(long, requires = "json")]
    pub(crate) digest: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Interfaces {
    #[command(flatten)]
    pub(crate) form: Form,
}

/// How results are printed, for the commands that print records.
#[derive(Debug, Args)]
pub(crate) struct Form {
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: Look,
}

/// How anything is printed.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// Write each record out at once (live output is never held back while no packet waits)
    #[arg(short = 'l', long)]
    pub(crate) line_buffered: bool,
    /// Colour the text
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// On standard error, only what went wrong: no announcement, no progress bar, no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// Where packets come from and which of them count.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Read packets from a capture file: pcap or pcapng, also compressed with gzip; `-` is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "interface")]
    pub(crate) read: Option<PathBuf>,
    /// Capture on an interface (`egret interfaces` lists them; `any` is all of them)
    #[arg(short, long, value_name = "INTERFACE")]
    pub(crate) interface: Option<String>,
    /// Write the packets to a file too: pcapng, or pcap if its name ends so; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Stop after this many packets that pass the filter
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Take at most this many bytes of each packet
    #[arg(short, long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) snap_length: Option<u32>,
    /// Accepted for tcpdump's sake: addresses and ports are never turned into names
    #[arg(short = 'n', action = clap::ArgAction::Count)]
    pub(crate) no_names: u8,
    /// Accepted for tcpdump's sake: live packets are in the file that -w names as soon as none waits
    #[arg(short = 'U', action = clap::ArgAction::Count)]
    pub(crate) unbuffered: u8,
    /// Only packets that match this expression (see pcap-filter(7)): 'tcp port 80'
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
}

/// What reassembly may hold and how long it waits.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Bytes that may wait in memory, with K, M or G behind the number; http and stats give half of it to messages
    /// [default: 64M; 128M for http and stats]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_memory: Option<usize>,
    /// Connections followed at a time [default: 200000]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_connections: Option<usize>,
    /// How long to wait for missing bytes that nobody acknowledged: 30s, 500ms, 2m [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) patience: Option<Duration>,
    /// How long a connection may be silent before it is taken for dead [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) idle: Option<Duration>,
    /// Who wins where segments overlap with different bytes
    #[arg(long, value_enum, default_value_t = OverlapArg::Linux, value_name = "WHO", help_heading = "Limits")]
    pub(crate) overlap: OverlapArg,
    /// What to do about segments with a wrong TCP checksum
    #[arg(long, value_enum, default_value_t = ChecksumsArg::Ignore, value_name = "WHAT", help_heading = "Limits")]
    pub(crate) checksums: ChecksumsArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChecksumsArg {
    /// Nothing: captured on the sending machine, they are often not filled in yet
    Ignore,
    /// Drop them, as every receiver does
    Verify,
    /// Drop them where the same side sent right ones before
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverlapArg {
    /// What Linux keeps
    Linux,
    /// The bytes that came first
    First,
    /// The bytes that came last
    Last,
}

impl LimitArgs {
    /// The limits of reassembly and of HTTP that these amount to: half of the memory for segments that wait, half for
    /// messages under way.
    pub(crate) fn with_http(&self) -> (Limits, egret_http::Limits) {
        let mut reassembly = self.reassembly();
        let mut http = egret_http::Limits::default();
        if let Some(total) = self.max_memory {
            http.memory = total / 2;
            reassembly = self.with_memory(total - http.memory);
        }
        (reassembly, http)
    }

    /// The limits of reassembly alone.
    pub(crate) fn reassembly(&self) -> Limits {
        self.with_memory(self.max_memory.unwrap_or(Limits::default().memory))
    }

    fn with_memory(&self, memory: usize) -> Limits {
        let default = Limits::default();
        Limits {
            memory,
            fragments: default.fragments.min(memory / 4),
            connections: self.max_connections.unwrap_or(default.connections),
            patience: self.patience.unwrap_or(default.patience),
            idle: self.idle.unwrap_or(default.idle),
            overlap: match self.overlap {
                OverlapArg::Linux => Overlap::Linux,
                OverlapArg::First => Overlap::First,
                OverlapArg::Last => Overlap::Last,
            },
            checksums: match self.checksums {
                ChecksumsArg::Ignore => Checksums::Ignore,
                ChecksumsArg::Verify => Checksums::Verify,
                ChecksumsArg::Auto => Checksums::Auto,
            },
            ..default
        }
    }
}

/// `4096`, `64K`, `128M`, `1G`.
fn size(text: &str) -> Result<usize, String> {
    let (number, shift) = match text.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (text.get(..text.len() - 1), 10),
        Some(b'M') => (text.get(..text.len() - 1), 20),
        Some(b'G') => (text.get(..text.len() - 1), 30),
        _ => (Some(text), 0),
    };
    number
        .and_then(|number| number.parse::<usize>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "not a size: give a number of bytes, or one with K, M or G behind it (64M)".to_owned())
}

/// `30`, `30s`, `500ms`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        Some(total) if millis > 0 => Ok(Duration::from_millis(total)),
        _ => Err("not a time: give seconds, or a number with ms, s, m or h behind it (500ms)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_and_times() {
        assert_eq!(size("64K"), Ok(65_536));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("0"), Ok(0));
        for wrong in ["", "K", "1.5M", "-1", "99999999999G", "5é", "é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "5 s", "5d", "1.5s", "18446744073709551615h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
