//! How the work is divided: among threads, and among processes.

use std::fs;
use std::num::NonZeroU16;
use std::thread::available_parallelism;

use clap::Args;
use egret_reassembly::Shard;

use crate::job::{Job, Source};

/// Files of fewer bytes than this are read by one thread before others would be of use.
const WORTH_IT: u64 = 32 << 20;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Division {
    /// How many threads put connections together; what is printed is the same [default: one a core for files of 32 MiB and
    /// more, one for anything else and for `streams` without --digest]
    #[arg(long, value_name = "N", help_heading = "Division")]
    threads: Option<NonZeroU16>,
    /// Only part I of N of the connections, I from 0 to N-1: all parts together are the whole
    #[arg(long, value_name = "I/N", default_value_t, hide_default_value = true, help_heading = "Division")]
    pub(crate) shard: Shard,
}

impl Division {
    /// How many threads a job is for; one, if nobody says otherwise, where each packet is `little` work: reading is most of
    /// that then, which one thread does anyway.
    pub(crate) fn threads(&self, job: &Job, little: bool) -> usize {
        let input = &job.input;
        // One connection is for one thread; and how far a series of files goes is known packet by packet.
        if input.stream.is_some() || input.exchange.is_some() || input.rotation() != Default::default() {
            return 1;
        }
        let size = match &job.source {
            Source::Files(files) if !input.tail => {
                files.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
            }
            _ => 0,
        };
        match self.threads {
            Some(threads) => usize::from(threads.get()),
            None if size >= WORTH_IT && !little => available_parallelism().map_or(1, usize::from),
            None => 1,
        }
    }
}
