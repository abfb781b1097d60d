//! `egret packets`: each packet as one record, or all of them into a file.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::{Packet, decode, layers};

use crate::args;
use crate::job::Job;
use crate::output::{Output, dump};
use crate::pipeline::{self, Consumer, End};

mod record;
mod text;

pub(crate) fn run(arguments: &args::Packets) -> Result<ExitCode> {
    let args::Packets { form, input, .. } = arguments;
    let prints = input.write.is_none();
    let job = Job::new(input, form.look.quiet, prints)?;
    let out = Output::new(&form.look)?;
    pipeline::run(&job, &mut Packets { arguments, prints, out })
}

struct Packets<'a> {
    arguments: &'a args::Packets,
    /// Packets that are written to a file are not printed, as with tcpdump.
    prints: bool,
    out: Output,
}

impl Consumer for Packets<'_> {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        if self.prints {
            if self.arguments.form.json {
                self.out.json(|json| record::write(&decode(packet), &layers(packet), json));
            } else {
                let arguments = self.arguments;
                self.out.record(|to| print(packet, arguments, to));
            }
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, _: &End) {}

    fn output(&mut self) -> &mut Output {
        &mut self.out
    }
}

/// Writes the line of a packet and what was asked for below it.
fn print(packet: Packet<'_>, arguments: &args::Packets, to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "{}", text::Line(&decode(packet)))?;
    let args::Packets { verbose, hex, hex_ascii, ascii, .. } = arguments;
    if *verbose > 0 {
        for layer in &layers(packet) {
            writeln!(to, "    {layer}")?;
        }
    }
    let bytes = |link_header: bool| {
        packet.data.get(if link_header { 0 } else { network(packet) }..).unwrap_or_default()
    };
    match (hex_ascii, hex) {
        (0, 0) => {}
        (0, times) => dump::packet(bytes(*times > 1), false, to)?,
        (times, _) => dump::packet(bytes(*times > 1), true, to)?,
    }
    if *ascii {
        dump::ascii(bytes(false), to)?;
    }
    Ok(())
}

/// Where the outermost network header starts: behind the link header and its tags. All of it, if none was found.
fn network(packet: Packet<'_>) -> usize {
    let network = |name| matches!(name, "ipv4" | "ipv6" | "arp");
    layers(packet).iter().find(|layer| network(layer.name())).map_or(0, |layer| layer.range().start)
}
