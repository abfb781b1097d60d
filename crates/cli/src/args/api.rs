//! The options of `egret api`.

use std::path::PathBuf;

use clap::Args;
use egret_model::Hint;

use super::{Input, LimitArgs};

#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Write to a file instead of standard output, whole or not at all, and while capturing whenever there is news: a
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
