//! The pieces that the JSON records share. They borrow, and serialise by `Display` where a value has one.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use egret_decode::{Endpoint, Path};
use serde::{Serialize, Serializer};

use super::bytes::Latin1;

/// Anything by its `Display`: times, ids, digests.
#[derive(Clone, Copy)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A duration in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Millis(pub(crate) Duration);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // From whole nanoseconds, so that the number has no more digits than the clock.
        serializer.serialize_f64(self.0.as_nanos() as f64 / 1e6)
    }
}

/// One end of a connection.
#[derive(Serialize)]
pub(crate) struct Peer {
    ip: IpAddr,
    port: u16,
}

impl From<Endpoint> for Peer {
    fn from(end: Endpoint) -> Self {
        Self { ip: end.ip, port: end.port }
    }
}

/// The ids of the encapsulation around a connection, from the outside.
pub(crate) struct Ids(pub(crate) Path);

impl Ids {
    /// For `skip_serializing_if`.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.ids().map(Text))
    }
}

/// Names with numbers, as an object.
pub(crate) struct Counted<'a>(pub(crate) &'a [(&'static str, u64)]);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Bytes of a head: as UTF-8, or each byte one character.
pub(crate) struct HeadText<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) latin1: bool,
}

impl Serialize for HeadText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) if !self.latin1 => serializer.serialize_str(text),
            _ => serializer.collect_str(&Latin1(self.bytes)),
        }
    }
}

/// For `skip_serializing_if`: a count that is only worth saying when it is not zero.
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}
