//! One module a command.

pub(crate) mod about;
pub(crate) mod api;
pub(crate) mod follow;
pub(crate) mod http;
pub(crate) mod interfaces;
pub(crate) mod packets;
pub(crate) mod split;
pub(crate) mod stats;
pub(crate) mod streams;
