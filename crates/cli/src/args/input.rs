//! Where packets come from, which of them count, and where they are written: options of every command that reads.

use std::path::PathBuf;

use clap::Args;

/// Where packets come from and which of them count.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Read packets from a capture file: pcap or pcapng, also compressed with gzip; `-` is standard input. Of several
    /// files (-r A -r B), packets are merged by time
    #[arg(short, long, value_name = "FILE", conflicts_with = "interface")]
    pub(crate) read: Vec<PathBuf>,
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
