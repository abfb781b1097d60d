//! The options of `egret http`.

use std::path::PathBuf;

use clap::Args;
use egret_http::{HostPattern, PathPattern, Selection, StatusPattern};

use super::values::size;
use super::{Division, Form, Input, LimitArgs};

#[derive(Debug, Args)]
pub(crate) struct Http {
    /// Show the heads below each line; twice: the bodies too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show up to this many bytes of each body, decoded [default: 0 with --json, 64K with -vv, 1M with --har]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) body_bytes: Option<usize>,
    /// Add the SHA-256 of each body, as sent and decoded (with --json)
    #[arg(long, requires = "json")]
    pub(crate) digest: bool,
    /// Write the exchanges to an HTTP archive (HAR 1.2) too; `-` is standard output, instead of anything else
    #[arg(long, value_name = "FILE")]
    pub(crate) har: Option<PathBuf>,
    /// Write each body to a file in this folder, which must be new or empty, whole and decoded
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bodies: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) select: Select,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) division: Division,
    #[command(flatten)]
    pub(crate) input: Input,
}

/// Which exchanges are printed: those that are one of what is asked for, in each respect.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Only what is asked of this host: `example.com`, `*.example.com`, `10.0.0.2:8080`, `[::1]:80`
    #[arg(long, value_name = "HOST", value_delimiter = ',', help_heading = "Selection")]
    host: Vec<HostPattern>,
    /// Only this path; `*` stands for any characters, `?` for one, `[ab]` for one of these
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    path: Vec<PathPattern>,
    /// Only requests with this method
    #[arg(long, value_name = "METHOD", value_delimiter = ',', help_heading = "Selection")]
    method: Vec<String>,
    /// Only responses with this status: `404`, `4xx`, `4xx,5xx`
    #[arg(long, value_name = "STATUS", value_delimiter = ',', help_heading = "Selection")]
    status: Vec<StatusPattern>,
    /// Only exchanges of which something was not seen
    #[arg(long, help_heading = "Selection")]
    incomplete: bool,
}

impl Select {
    pub(crate) fn selection(&self) -> Selection {
        let Self { host, path, method, status, incomplete } = self;
        Selection {
            hosts: host.clone(),
            paths: path.clone(),
            methods: method.clone(),
            statuses: status.clone(),
            incomplete: *incomplete,
        }
    }
}
