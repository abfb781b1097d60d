//! The limits of the libraries as options, mapped one to one.

use std::time::Duration;

use clap::{Args, ValueEnum};
use egret_reassembly::{Checksums, Limits, Overlap};

use super::values::{duration, size};

/// What reassembly may hold and how long it waits.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Bytes that may wait in memory, with K, M or G behind the number; http and stats give half of it to messages, and each
    /// of several threads has its part
    /// [default: 64M; 128M for http and stats]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_memory: Option<usize>,
    /// Connections followed at a time, divided among the threads [default: 200000; an eighth more with several threads]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_connections: Option<usize>,
    /// How long to wait for missing bytes that nobody acknowledged: 30s, 500ms, 2m [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) patience: Option<Duration>,
    /// How far packets may be out of order in the capture itself: packets of the connection [default: 32]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) slack_packets: Option<u32>,
    /// The same as a time: 20ms, 1s [default: 20ms]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) slack: Option<Duration>,
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

/// A limit that nobody asked for, with room for that connections do not divide evenly among threads: an eighth more.
const fn uneven(connections: usize, threads: usize) -> usize {
    if threads > 1 { connections + connections / 8 } else { connections }
}

impl LimitArgs {
    /// The limits of reassembly and of HTTP that these amount to: half of the memory for segments that wait, half for
    /// messages under way.
    ///
    /// What may be held is divided by the threads, each of which has limits of its own.
    pub(crate) fn with_http(&self, threads: usize) -> (Limits, egret_http::Limits) {
        let mut reassembly = self.reassembly(threads);
        let mut http = egret_http::Limits::default();
        if let Some(total) = self.max_memory {
            http.memory = total / 2;
            reassembly = self.with_memory(total - http.memory, threads);
        }
        http.memory /= threads;
        (reassembly, http)
    }

    /// The limits of reassembly alone.
    pub(crate) fn reassembly(&self, threads: usize) -> Limits {
        self.with_memory(self.max_memory.unwrap_or(Limits::default().memory), threads)
    }

    fn with_memory(&self, memory: usize, threads: usize) -> Limits {
        let (default, memory) = (Limits::default(), memory / threads);
        Limits {
            memory,
            fragments: default.fragments.min(memory / 4),
            connections: self
                .max_connections
                .unwrap_or_else(|| uneven(default.connections, threads))
                .div_ceil(threads),
            patience: self.patience.unwrap_or(default.patience),
            slack_packets: self.slack_packets.unwrap_or(default.slack_packets),
            slack: self.slack.unwrap_or(default.slack),
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
