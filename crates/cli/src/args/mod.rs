//! What may be typed: the commands and their options, as types.
//!
//! The conventions are tcpdump's: `-r`, `-i`, `-w`, `-c`, `-s`, `-n`, `-l`, and a filter as the last words. What can
//! be refused before a packet is read is refused here, with exit code 2.

use clap::{Args, Parser, Subcommand, ValueEnum};

mod api;
mod decoding;
mod division;
mod http;
mod input;
mod limits;
mod packets;
mod redact;
mod split;
mod values;

pub(crate) use api::{Api, ApiCommand, Check, Choice, Diff, Explain};
pub(crate) use division::Division;
pub(crate) use http::Http;
pub(crate) use input::Input;
pub(crate) use limits::LimitArgs;
pub(crate) use packets::Packets;
pub(crate) use redact::Redaction;
pub(crate) use split::Split;

/// See network traffic: packets, TCP streams and HTTP exchanges, live or from a capture file.
///
/// Reads a capture file (-r), an interface (-i), or, without either, standard input when something is piped into it
/// and every interface (`any`) when not.
#[derive(Debug, Parser)]
#[command(name = "egret", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) redaction: Redaction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print each packet on a line, as tcpdump does; or write them to a file
    Packets(Packets),
    /// Print each TCP connection on a line: who, how long, how much, what is missing, how it ended
    Streams(Streams),
    /// Print what the two sides of one TCP connection said
    Follow(Follow),
    /// Print each HTTP request with its response on a line
    Http(Http),
    /// Describe the API that traffic shows, as OpenAPI 3.1
    Api(Box<Api>),
    /// Count what a capture holds and what was lost
    Stats(Stats),
    /// Divide captures by connection into parts, for several machines to read
    Split(Split),
    /// List the interfaces that can be captured on
    Interfaces(Interfaces),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of egret, or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Streams {
    /// Add the SHA-256 of the bytes of each direction (with --json)
    #[arg(long, requires = "json")]
    pub(crate) digest: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) division: Division,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// The connection: the number of its first packet, as `egret streams` prints it
    #[arg(value_name = "ID")]
    pub(crate) id: u64,
    /// Only what the client said
    #[arg(long, group = "side")]
    pub(crate) client: bool,
    /// Only what the server said
    #[arg(long, group = "side")]
    pub(crate) server: bool,
    /// What both said (the default)
    #[arg(long, group = "side")]
    pub(crate) both: bool,
    /// Exactly the bytes, and nothing else
    #[arg(long, group = "shape")]
    pub(crate) raw: bool,
    /// The bytes in hexadecimal and ASCII
    #[arg(long, group = "shape")]
    pub(crate) hex: bool,
    /// The bytes as text, with what could disturb a terminal escaped (the default)
    #[arg(long, group = "shape")]
    pub(crate) text: bool,
    /// A JSON object for each run of bytes from one packet, and for each gap, one a line
    #[arg(long, group = "shape")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) division: Division,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Interfaces {
    #[command(flatten)]
    pub(crate) form: Form,
}

/// How results are printed, for the commands that print records.
#[derive(Debug, Args)]
pub(crate) struct Form {
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: Look,
}

/// How anything is printed.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// Write each record out at once (live output is never held back while no packet waits)
    #[arg(short = 'l', long)]
    pub(crate) line_buffered: bool,
    /// Colour the text
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// On standard error, only what went wrong: no announcement, no progress bar, no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
