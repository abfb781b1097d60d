//! The options of `egret api` and of the commands below it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use egret_model::Hint;

use super::{Division, Input, LimitArgs};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Api {
    #[command(subcommand)]
    pub(crate) command: Option<ApiCommand>,
    /// Write to a file instead of standard output (`-` is that), whole or not at all, and while capturing whenever there is news: a
    /// model if its name ends in `.egret-model`, JSON if in `.json`, else YAML
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print JSON instead of YAML
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Keep examples of values, but none whose name sounds like a secret
    #[arg(long)]
    pub(crate) examples: bool,
    /// On standard error, only what went wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) division: Division,
    #[command(flatten)]
    pub(crate) input: Input,
}

/// What is described, and how.
#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// Add a model that was written before
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Vec<PathBuf>,
    /// Describe this server, with its port or without; of several, all in one document [default: the one with the most
    /// exchanges]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
    /// What is known of paths: /users/{name}/** names a parameter, /users/^me keeps a literal
    #[arg(long, value_name = "PATH")]
    pub(crate) template: Vec<Hint>,
    /// Leave out files of a site: scripts, style sheets, images, pages
    #[arg(long)]
    pub(crate) no_files: bool,
    /// Leave out paths that only say whether the server is well (/healthz, /ping, …)
    #[arg(long)]
    pub(crate) no_health: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Say why an operation, or a field of it, is described as it is, and which exchanges say so
    Explain(Explain),
    /// Compare two descriptions (models or OpenAPI documents); exit code 1 if a change breaks clients
    Diff(Diff),
    /// Hold traffic against an OpenAPI document: what is not in it, what was not seen, what violates it
    Check(Check),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The method
    #[arg(value_name = "METHOD")]
    pub(crate) method: String,
    /// The path, as a template (/users/{userId}) or as it was called (/users/7)
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// A parameter by its name, or a part of a body by its place (owner.name, items[].id); '' for none, in front of a
    /// filter
    #[arg(value_name = "FIELD")]
    pub(crate) field: Option<String>,
    #[command(flatten)]
    pub(crate) choice: Choice,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The description that clients know
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The one that is to take its place
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The document: OpenAPI 3.0 or 3.1, YAML or JSON
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// On standard error, only what went wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}
