//! What is shown on standard error while packets are read: a progress bar for files, for live captures what was lost.
//!
//! Where standard error is a terminal and standard output is not, a line that is written over; otherwise (records and
//! such a line on one screen would tear each other) a message each time that more packets were dropped.

use std::fmt;
use std::io::{self, IsTerminal};
use std::time::Duration;

use egret_capture::{Capture, SourceStatistics, Timestamp};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::job::{Job, Source};
use crate::output::text::Count;
use crate::say;

/// A file below this is read before anyone could look at a bar.
const WORTH_IT: u64 = 16 << 20;
/// How often a live capture is looked at.
const EACH: Duration = Duration::from_secs(1);

/// What is shown; gone when dropped.
pub(crate) struct Status {
    bar: Option<ProgressBar>,
    live: bool,
    quiet: bool,
    dropped: u64,
    now: Timestamp,
    /// When a live capture was last looked at.
    looked: Timestamp,
}

impl Status {
    pub(crate) fn new(job: &Job, capture: &Capture) -> Self {
        let live = matches!(job.source, Source::Interfaces(_));
        let visible = !job.quiet && io::stderr().is_terminal() && !io::stdout().is_terminal();
        let length = capture.progress().map(|file| file.length).filter(|&length| length >= WORTH_IT);
        let template = match length {
            _ if live => "{msg}",
            _ => "{percent:>3} %  {wide_bar}  {bytes} of {total_bytes}, {eta} left",
        };
        let style =
            ProgressStyle::with_template(template).ok().filter(|_| visible && (live || length.is_some()));
        let bar = style.map(|style| {
            ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_style(style)
        });
        let start = Timestamp::EPOCH;
        Self { bar, live, quiet: job.quiet, dropped: 0, now: start, looked: start }
    }

    /// How far packet time has come.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Shows where the capture is, at this time.
    pub(crate) fn show(&mut self, capture: &mut Capture, now: Timestamp) {
        self.now = now;
        if let (Some(bar), Some(progress)) = (&self.bar, capture.progress()) {
            bar.set_position(progress.position);
        }
        if !self.live || now.since(self.looked) < EACH {
            return;
        }
        self.looked = now;
        let statistics = capture.statistics();
        let dropped =
            statistics.dropped_by_kernel.unwrap_or(0) + statistics.dropped_by_interface.unwrap_or(0);
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}, {dropped} dropped", Count(statistics.read, "packet")));
            bar.tick();
        } else if dropped > self.dropped && !self.quiet {
            say(format_args!("{} dropped: {}", Count(dropped, "packet"), Drops(&capture.sources())));
        }
        self.dropped = dropped;
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Which interface lost how many packets: `eth0 3 by the kernel, eth1 2 by the interface`.
pub(crate) struct Drops<'a>(pub(crate) &'a [SourceStatistics]);

impl fmt::Display for Drops<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for SourceStatistics { name, dropped_by_kernel, dropped_by_interface, .. } in self.0 {
            for (count, by) in [(dropped_by_kernel, "kernel"), (dropped_by_interface, "interface")] {
                if let Some(count @ 1..) = count {
                    write!(f, "{comma}{name} {count} by the {by}")?;
                    comma = ", ";
                }
            }
        }
        Ok(())
    }
}
