//! The progress bar: on standard error, for people, while a file is read.

use std::io::{self, IsTerminal};

use egret_capture::Capture;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::job::Job;

/// A file below this is read before anyone could look at a bar.
const WORTH_IT: u64 = 16 << 20;

/// A progress bar; gone when dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for reading a regular file, where someone can see it and it is in nobody's way: standard error is a
    /// terminal, standard output is not (records and a bar on one screen would tear each other).
    pub(crate) fn new(job: &Job, capture: &Capture) -> Option<Self> {
        let length = capture.progress()?.length;
        if job.quiet || length < WORTH_IT || !io::stderr().is_terminal() || io::stdout().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let template = "{percent:>3} %  {wide_bar}  {bytes} of {total_bytes}, {eta} left";
        Some(Self(bar.with_style(ProgressStyle::with_template(template).ok()?)))
    }

    /// Moves it to where the capture is.
    pub(crate) fn show(&self, capture: &Capture) {
        if let Some(progress) = capture.progress() {
            self.0.set_position(progress.position);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
