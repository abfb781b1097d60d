//! The one loop of the program: packets from a source through a consumer, until the end, a signal or an error.
//!
//! Promises: whatever ends the loop, the consumer is finished, its output flushed and the written capture complete
//! before the error is reported; a reader of standard output who has gone ends everything at once.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use egret_capture::{Batch, Capture, Event, Packet, Rotation, SourceStatistics, Stopper, Timestamp, Writer};

use crate::job::{Job, Source};
use crate::output::Output;
use crate::output::text::Count;
use crate::program::Program;
use crate::progress::{Drops, Status};
use crate::{cut, say, signals};

/// What a command does with packets.
pub(crate) trait Consumer {
    /// The next packet. `Break` when the command has seen all it wants.
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()>;
    /// No packet is waiting, and this is the time.
    fn tick(&mut self, _now: Timestamp) {}
    /// No packet will come any more. Prints what was held back.
    fn finish(&mut self, end: &End);
    /// Where it writes.
    fn output(&mut self) -> &mut Output;
    /// Takes the packets, one after the other unless it has a better way.
    ///
    /// # Errors
    /// What is wrong with their source, or with its output.
    fn pump(&mut self, mut pump: Pump<'_>) -> Result<()>
    where
        Self: Sized,
    {
        pump.each(self)
    }
    /// What it found, for the summary: begins with a comma, or is empty. `None` where the output is the summary.
    fn summary(&self) -> Option<String> {
        Some(String::new())
    }
}

/// How reading ended.
#[derive(Debug)]
pub(crate) struct End {
    /// What the source counted.
    pub(crate) statistics: egret_capture::Statistics,
    /// Whether the source was live.
    pub(crate) live: bool,
}

/// Runs a job. The exit code is that of success, unless a signal cut the reading of a file short.
///
/// # Errors
/// What is wrong with the source, the filter, or a file that is written, after everything before it was printed.
pub(crate) fn run(job: &Job, consumer: &mut impl Consumer) -> Result<ExitCode> {
    let mut capture = open(job)?;
    let wanted = cut::wanted(job)?;
    if let Some(user) = &job.input.live.relinquish_privileges {
        give_up_privileges(user)?;
    }
    let interrupted = signals::stop_on_signal(&capture.stopper())?;
    let mut writer = job.input.write.as_ref().map(|path| create(path, job, &capture)).transpose()?;
    let program = Program::start(&job.input.program, capture.stopper())?;
    let mut status = Status::new(job, &capture);

    let (writer_too, status_too) = (writer.as_mut(), &mut status);
    let (wanted, capture_too) = (wanted.as_deref(), &mut capture);
    let read = consumer.pump(Pump {
        job,
        wanted,
        capture: capture_too,
        writer: writer_too,
        status: status_too,
        count: 0,
    });
    // Nobody reads any more: there is no one to finish for. A capture that is being written is still closed properly.
    let gone = read.as_ref().is_err_and(crate::is_closed_pipe);
    let live = matches!(job.source, Source::Interfaces(_));
    let sources = capture.sources();
    let counted = if live { sources.as_slice() } else { &[] };
    let written = writer.map(|writer| finish(writer, counted, status.now())).transpose();
    drop(status);
    // The program goes on if the capture is over before it.
    let ended = program.map(Program::wait).transpose()?;
    if gone {
        return read.map(|()| ended.unwrap_or(ExitCode::SUCCESS));
    }

    let end = End { statistics: capture.statistics(), live };
    consumer.finish(&end);
    consumer.output().flush();
    consumer.output().check()?;
    // To end a live capture or a pipe is what a signal is for; of a file something was left out.
    let unread = capture.progress().is_some_and(|file| file.position < file.length);
    let cut_short = interrupted.exit_code().filter(|_| unread);
    if let Some(found) = consumer.summary().filter(|_| !job.quiet) {
        summarize(&end, &sources, &found, cut_short.is_some());
    }
    written?;
    if read.is_err() {
        // Of several files, more than one may be damaged.
        while let Err(error) = capture.next_packet() {
            say(error);
        }
    }
    read?;
    Ok(ended.unwrap_or_else(|| cut_short.map_or(ExitCode::SUCCESS, ExitCode::from)))
}

/// Where packets come from, with all that is done with them on the way.
pub(crate) struct Pump<'a> {
    job: &'a Job,
    wanted: Option<&'a [u64]>,
    capture: &'a mut Capture,
    writer: Option<&'a mut Writer>,
    status: &'a mut Status,
    count: u64,
}

impl Pump<'_> {
    /// Gives a consumer one packet after the other.
    pub(crate) fn each(&mut self, consumer: &mut impl Consumer) -> Result<()> {
        let snap_length = self.snap_length();
        let Self { job, wanted, capture, writer, status, count } = self;
        loop {
            match capture.next_event()? {
                None => return Ok(()),
                Some(Event::Tick(now)) => {
                    consumer.tick(now);
                    consumer.output().flush_idle();
                    if let Some(writer) = writer {
                        writer.flush()?;
                    }
                    status.show(capture, now);
                }
                Some(Event::Packet(packet))
                    if wanted.is_some_and(|wanted| wanted.binary_search(&packet.number).is_err()) => {}
                Some(Event::Packet(mut packet)) => {
                    packet.data = packet.data.get(..snap_length).unwrap_or(packet.data);
                    if let Some(writer) = writer {
                        writer.write(&packet)?;
                        if writer.is_full() {
                            return Ok(());
                        }
                    }
                    *count += 1;
                    let now = packet.timestamp;
                    if consumer.packet(packet).is_break() || job.input.count == Some(*count) {
                        return Ok(());
                    }
                    // Rarely enough to cost nothing, often enough to move smoothly.
                    if *count & 0xfff == 0 {
                        status.show(capture, now);
                    }
                }
                Some(_) => {}
            }
            consumer.output().check()?;
        }
    }

    /// Whether packets come in batches without being copied, and nothing else is to be done with each of them.
    pub(crate) fn takes_batches(&self) -> bool {
        let one_file = matches!(&self.job.source, Source::Files(paths) if paths.len() == 1);
        one_file && self.wanted.is_none() && self.writer.is_none()
    }

    /// The next packets at once; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the source, or the file that is written.
    pub(crate) fn batch(&mut self, batch: &mut Batch) -> Result<bool> {
        let left = self.job.input.count.map_or(u64::MAX, |count| count - self.count);
        if left == 0 || !self.capture.next_batch(batch, usize::try_from(left).unwrap_or(usize::MAX))? {
            return Ok(false);
        }
        batch.cut(self.snap_length());
        self.count += batch.len() as u64;
        if let Some(writer) = &mut self.writer {
            batch.packets().try_for_each(|packet| writer.write(&packet))?;
            if batch.tick().is_some() {
                writer.flush()?;
            }
        }
        let last = batch.tick().or(batch.packets().next_back().map(|packet| packet.timestamp));
        if let Some(now) = last {
            self.status.show(self.capture, now);
        }
        Ok(true)
    }

    /// Creates a file for the packets of this source, with what the source says besides them.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn create(&self, path: &Path) -> Result<Writer> {
        create(path, self.job, self.capture)
    }

    /// What ends the source, whoever waits for it.
    pub(crate) fn stopper(&self) -> Stopper {
        self.capture.stopper()
    }

    fn snap_length(&self) -> usize {
        let asked = self.job.input.snap_length;
        asked.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

/// Creates the file, or the first of the files, that packets are written to.
fn create(path: &Path, job: &Job, capture: &Capture) -> Result<Writer> {
    let (rotation, interfaces) = (job.input.rotation(), capture.interface_table());
    let mut writer = match rotation == Rotation::default() {
        true => Writer::create(path, interfaces)?,
        false => Writer::rotating(path, rotation, interfaces)?,
    };
    writer.carry(capture.notes());
    job.input.writing.comment.iter().for_each(|comment| writer.comment(comment));
    Ok(writer)
}

/// Ends the written file, with what was counted on each interface.
fn finish(
    mut writer: Writer,
    counted: &[SourceStatistics],
    now: Timestamp,
) -> Result<(), egret_capture::Error> {
    for (interface, counted) in (0..).zip(counted) {
        writer.statistics(interface, now, counted)?;
    }
    writer.finish()
}

#[cfg(target_os = "linux")]
fn give_up_privileges(user: &str) -> Result<()> {
    Ok(egret_capture::give_up_privileges(user)?)
}

#[cfg(not(target_os = "linux"))]
fn give_up_privileges(_: &str) -> Result<()> {
    anyhow::bail!("-Z works on Linux only: run egret as the user it should be, with the right to capture")
}

fn open(job: &Job) -> Result<Capture> {
    let mut capture = match &job.source {
        Source::Files(paths) => match paths.as_slice() {
            [path] if job.input.tail => Capture::tail(path)?,
            paths => Capture::open_all(paths)?,
        },
        Source::Interfaces(names) => live(names, job)?,
    };
    if let Some(expression) = &job.filter {
        filter(&mut capture, expression)?;
    }
    Ok(capture)
}

#[cfg(feature = "libpcap")]
fn live(interfaces: &[String], job: &Job) -> Result<Capture> {
    let capture = Capture::live_all(interfaces, job.input.live_options())?;
    // Nobody need have named the interface; without this line, a capture by mistake looks like a hang.
    if !job.quiet {
        say(format_args!("capturing on {}; Ctrl-C ends it", interfaces.join(", ")));
    }
    Ok(capture)
}

#[cfg(feature = "libpcap")]
fn filter(capture: &mut Capture, expression: &str) -> Result<()> {
    Ok(capture.set_filter(expression)?)
}

#[cfg(not(feature = "libpcap"))]
fn live(interfaces: &[String], _: &Job) -> Result<Capture> {
    anyhow::bail!("cannot capture on {}: {NO_LIBPCAP}\nto read a file, give -r FILE", interfaces.join(", "))
}

#[cfg(not(feature = "libpcap"))]
fn filter(_: &mut Capture, expression: &str) -> Result<()> {
    anyhow::bail!("cannot compile the filter \"{expression}\": {NO_LIBPCAP}")
}

/// What is missing from a build without libpcap, and how to get it.
#[cfg(not(feature = "libpcap"))]
pub(crate) const NO_LIBPCAP: &str = "this egret was built without libpcap\n\
    install libpcap's development file (libpcap-dev on Debian) and build with the feature `libpcap`, which is on by default";

/// One line on standard error: what was read, found and lost.
fn summarize(end: &End, sources: &[SourceStatistics], found: &str, cut_short: bool) {
    use std::fmt::Write;
    let statistics = &end.statistics;
    let mut line = Count(statistics.passed, "packet").to_string();
    line.push_str(found);
    if end.live {
        let drops = statistics.dropped_by_kernel.unwrap_or(0) + statistics.dropped_by_interface.unwrap_or(0);
        let _ = write!(line, ", {drops} dropped");
        if drops > 0 {
            let _ = write!(line, " ({})", Drops(sources));
        }
    } else if cut_short {
        line.push_str("; interrupted before the end of the file");
    }
    say(line);
}
