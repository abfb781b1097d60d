//! Where packets come from, which of them count, and where they are written: options of every command that reads.
//!
//! Letters and units are tcpdump's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use egret_capture::Rotation;

use super::decoding::Decoding;
use super::values::{exchange, file_size};

/// Where packets come from and which of them count.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Input {
    /// Read packets from a capture file: pcap or pcapng, also in gzip or zstd; `-` is standard input. Of several files
    /// (-r A -r B), packets are merged by time
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["interface", "program"])]
    pub(crate) read: Vec<PathBuf>,
    /// Go on reading the file as it grows, and the one that takes its place
    #[arg(long, requires = "read", conflicts_with = "interface")]
    pub(crate) tail: bool,
    /// Capture on an interface (`egret interfaces` lists them; `any` is all of them), or on several (-i A -i B)
    #[arg(short, long, value_name = "INTERFACE")]
    pub(crate) interface: Vec<String>,
    /// Write the packets to a file too: pcapng, or pcap if its name ends so; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Stop after this many packets that pass the filter
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Take at most this many bytes of each packet
    #[arg(short, long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) snap_length: Option<u32>,
    /// Only the packets of this connection: the number of its first packet, as `egret streams` prints it
    #[arg(long, value_name = "ID", requires = "read", conflicts_with_all = ["interface", "tail", "exchange"])]
    pub(crate) stream: Option<u64>,
    /// Only the packets of this exchange, from its first to its last: its connection and its number on it, from 0
    #[arg(long, value_name = "ID:N", requires = "read", conflicts_with_all = ["interface", "tail"], value_parser = exchange)]
    pub(crate) exchange: Option<(u64, u64)>,
    #[command(flatten)]
    pub(crate) live: Live,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// Accepted for tcpdump's sake: addresses and ports are never turned into names
    #[arg(short = 'n', action = clap::ArgAction::Count)]
    pub(crate) no_names: u8,
    #[command(flatten)]
    pub(crate) decoding: Decoding,
    /// Only packets that match this expression (see pcap-filter(7)): 'tcp port 80'
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    /// Capture while this program runs, and end with its exit code; what it prints goes to standard error
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

/// How interfaces are captured on.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live capture")]
pub(crate) struct Live {
    /// See packets that are not for this machine too
    #[arg(long, conflicts_with = "read")]
    pub(crate) promiscuous: bool,
    /// Accepted for tcpdump's sake: without --promiscuous, only this machine's packets are seen
    #[arg(short = 'p', long = "no-promiscuous-mode", conflicts_with = "promiscuous")]
    pub(crate) not_promiscuous: bool,
    /// The kernel's buffer for each interface, in KiB [default: 65536]
    #[arg(short = 'B', long, value_name = "KIB", conflicts_with = "read", value_parser = clap::value_parser!(u32).range(1..2 << 20))]
    pub(crate) buffer_size: Option<u32>,
    /// Only packets that come in, or that go out
    #[arg(short = 'Q', long, value_enum, value_name = "WAY", conflicts_with = "read", default_value_t = Way::Inout)]
    pub(crate) direction: Way,
    /// Where time stamps come from (see pcap-tstamp(7))
    #[arg(short = 'j', long, value_enum, value_name = "CLOCK", conflicts_with = "read", default_value_t = Clock::Host)]
    pub(crate) time_stamp_type: Clock,
    /// Become this user when the interfaces are open, and give up all privileges
    #[arg(short = 'Z', long, value_name = "USER")]
    pub(crate) relinquish_privileges: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Way {
    In,
    Out,
    #[default]
    Inout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Clock {
    #[default]
    Host,
    #[value(name = "host_lowprec")]
    HostLowPrecision,
    #[value(name = "host_hiprec")]
    HostHighPrecision,
    Adapter,
    #[value(name = "adapter_unsynced")]
    AdapterUnsynced,
}

/// What is written where, beside `-w`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing")]
pub(crate) struct Writing {
    /// Begin another file after this many million bytes, or KiB, MiB, GiB with k, m, g behind the number
    #[arg(short = 'C', long, value_name = "SIZE", requires = "write", value_parser = file_size)]
    pub(crate) file_size: Option<u64>,
    /// Begin another file after this many seconds; the file's name may have parts of a time in it: 'web-%Y%m%d-%H%M.pcapng'
    #[arg(short = 'G', long, value_name = "SECONDS", requires = "write", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rotate_seconds: Option<u32>,
    /// With -C, write over the first file after this many; with -G alone, end after them
    #[arg(short = 'W', long, value_name = "N", requires = "write", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) file_count: Option<u32>,
    /// Put this comment into the file (pcapng)
    #[arg(long, value_name = "TEXT", requires = "write")]
    pub(crate) comment: Vec<String>,
    /// Accepted for tcpdump's sake: live packets are in the file that -w names as soon as none waits
    #[arg(short = 'U', action = clap::ArgAction::Count)]
    pub(crate) unbuffered: u8,
}

impl Input {
    /// How to open an interface.
    #[cfg(feature = "libpcap")]
    pub(crate) fn live_options(&self) -> egret_capture::LiveOptions {
        use egret_capture::{Direction, LiveOptions};
        let default = LiveOptions::default();
        LiveOptions {
            snap_length: self.snap_length.unwrap_or(default.snap_length),
            buffer_size: self.live.buffer_size.map_or(default.buffer_size, |kib| kib.saturating_mul(1024)),
            promiscuous: self.live.promiscuous,
            direction: match self.live.direction {
                Way::In => Direction::In,
                Way::Out => Direction::Out,
                Way::Inout => Direction::Both,
            },
            clock: match self.live.time_stamp_type {
                Clock::Host => egret_capture::Clock::Host,
                Clock::HostLowPrecision => egret_capture::Clock::HostLowPrecision,
                Clock::HostHighPrecision => egret_capture::Clock::HostHighPrecision,
                Clock::Adapter => egret_capture::Clock::Adapter,
                Clock::AdapterUnsynced => egret_capture::Clock::AdapterUnsynced,
            },
        }
    }

    /// When the file that is written is followed by another.
    pub(crate) fn rotation(&self) -> Rotation {
        Rotation {
            size: self.writing.file_size,
            interval: self.writing.rotate_seconds.map(|seconds| Duration::from_secs(seconds.into())),
            files: self.writing.file_count,
        }
    }
}
