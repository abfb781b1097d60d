//! `egret split`: captures divided by connection into files, each for a process of its own.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use egret_capture::{Batch, Packet, Timestamp, Writer};
use egret_decode::Decoder;
use egret_reassembly::{Limits, Partition, Parts};

use crate::job::{Job, empty_folder};
use crate::output::Output;
use crate::output::text::Count;
use crate::pipeline::{self, Consumer, End, Pump};
use crate::{args, say};

pub(crate) fn run(arguments: &args::Split) -> Result<ExitCode> {
    let args::Split { parts, output, quiet, .. } = arguments;
    let job = Job::new(&arguments.input(), *quiet, false)?;
    let partition = Partition::new(*parts, Limits::default()).context("there is no such number of parts")?;
    empty_folder(output, "-o")?;
    let paths = (0..*parts).map(|part| output.join(format!("{part}-of-{parts}.pcapng"))).collect();
    let files = Files { writers: Vec::new(), failed: None };
    let (decoder, out) = (arguments.decoding.decoder(), Output::plain()?);
    pipeline::run(&job, &mut Split { decoder, partition, paths, files, out })
}

struct Split {
    decoder: Decoder,
    partition: Partition,
    paths: Vec<PathBuf>,
    files: Files,
    out: Output,
}

/// The files of the parts.
struct Files {
    writers: Vec<Writer>,
    failed: Option<egret_capture::Error>,
}

impl Parts for Files {
    fn packet(&mut self, part: u32, packet: Packet<'_>) {
        self.write(part, |writer| writer.write(&packet));
    }

    fn time(&mut self, part: u32, now: Timestamp) {
        self.write(part, |writer| writer.time(now));
    }
}

impl Files {
    fn write(&mut self, part: u32, write: impl FnOnce(&mut Writer) -> Result<(), egret_capture::Error>) {
        if let Some(writer) = self.writers.get_mut(part as usize)
            && self.failed.is_none()
        {
            self.failed = write(writer).err();
        }
    }

    /// Ends all of them, also where one failed.
    fn finish(&mut self) -> Result<()> {
        let ended: Vec<_> = self.writers.drain(..).map(Writer::finish).collect();
        let failed = self.failed.take().map_or(Ok(()), Err);
        Ok(ended.into_iter().fold(failed, Result::and)?)
    }
}

impl Split {
    /// Takes the packets of a file, some at a time.
    fn go_through(&mut self, pump: &mut Pump<'_>) -> Result<()> {
        let mut batch = Batch::default();
        while pump.batch(&mut batch)? {
            if batch.packets().any(|packet| self.packet(packet).is_break()) {
                break;
            }
        }
        Ok(())
    }
}

impl Consumer for Split {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        self.partition.take(&self.decoder.decode(packet), &mut self.files);
        if self.files.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn finish(&mut self, _: &End) {
        let torn = self.partition.torn();
        if torn > 0 {
            let torn = Count(torn, "fragment");
            say(format_args!(
                "{torn} went to the first part: the others of the datagram were too long in coming"
            ));
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.out
    }

    fn pump(&mut self, mut pump: Pump<'_>) -> Result<()> {
        for path in &self.paths {
            let mut writer = pump.create(path)?;
            writer.as_part();
            // Whatever ends this program, what there is then can be read.
            writer.flush()?;
            self.files.writers.push(writer);
        }
        let read = if pump.takes_batches() { self.go_through(&mut pump) } else { pump.each(self) };
        self.partition.finish(&mut self.files);
        self.files.finish().and(read)
    }

    fn summary(&self) -> Option<String> {
        Some(format!(", {}", Count(self.paths.len() as u64, "part")))
    }
}
