//! `egret packets`: each packet as one record, or all of them into a file.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::{Decoder, Layers, Packet};

use crate::job::Job;
use crate::output::{Output, dump};
use crate::pipeline::{self, Consumer, End};
use crate::{args, command};

mod record;
mod time;

use time::Times;

/// With `redacts`, what was said in words is not shown.
pub(crate) fn run(arguments: &args::Packets, redacts: bool) -> Result<ExitCode> {
    let args::Packets { form, input, time, .. } = arguments;
    if arguments.list_interfaces {
        return command::interfaces::run(form);
    }
    let prints = input.write.is_none();
    let job = Job::new(input, form.look.quiet, prints)?;
    let out = Output::new(&form.look)?;
    let (decoder, times) = (input.decoding.decoder(), Times::new(*time));
    pipeline::run(&job, &mut Packets { arguments, redacts, prints, decoder, times, out })
}

struct Packets<'a> {
    arguments: &'a args::Packets,
    redacts: bool,
    /// Packets that are written to a file are not printed, as with tcpdump.
    prints: bool,
    decoder: Decoder,
    times: Times,
    out: Output,
}

impl Consumer for Packets<'_> {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        if self.prints {
            let layers = self.decoder.layers(packet);
            if self.arguments.form.json {
                self.out.json(|json| record::write(&layers, json));
            } else {
                let (arguments, redacts, time) =
                    (self.arguments, self.redacts, self.times.next(packet.timestamp));
                self.out.record(|to| {
                    let line = layers.line(arguments.link_header);
                    writeln!(to, "{time}{}", if redacts { line.without_text() } else { line })?;
                    print_below(&layers, arguments, to)
                });
            }
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, _: &End) {}

    fn output(&mut self) -> &mut Output {
        &mut self.out
    }
}

/// Writes what was asked for below the line of a packet.
fn print_below(layers: &Layers<'_>, arguments: &args::Packets, to: &mut impl Write) -> io::Result<()> {
    let args::Packets { verbose, hex, hex_ascii, ascii, .. } = arguments;
    if *verbose > 0 {
        for layer in layers {
            writeln!(to, "    {layer}")?;
        }
    }
    let bytes = |times: u8| {
        let from = if times > 1 { 0 } else { network(layers) };
        layers.decoded().packet.data.get(from..).unwrap_or_default()
    };
    match (*hex_ascii, *hex) {
        (0, 0) => {}
        (0, times) => dump::packet(bytes(times), false, to)?,
        (times, _) => dump::packet(bytes(times), true, to)?,
    }
    if *ascii > 0 {
        dump::ascii(bytes(*ascii), to)?;
    }
    Ok(())
}

/// Where the outermost network header starts: behind the link header and its tags. All of it, if none was found.
fn network(layers: &Layers<'_>) -> usize {
    let network = |name| matches!(name, "ipv4" | "ipv6" | "arp");
    layers.iter().find(|layer| network(layer.name())).map_or(0, |layer| layer.range().start)
}
