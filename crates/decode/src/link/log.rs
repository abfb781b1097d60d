//! Packets as packet filters log them: OpenBSD's `pflog`, Linux' NFLOG; and per-packet information (PPI).

use std::fmt;

use egret_capture::LinkType;

use super::{ethernet, loopback, wlan};
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const PFLOG: &str = "pflog";
const NFLOG: &str = "nflog";
const PPI: &str = "ppi";

/// The fields of a filter's log entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log<'a> {
    pub(crate) family: u8,
    /// Of NFLOG: the group that it was logged to.
    pub(crate) resource: Option<u16>,
    /// Of PFLOG: the rule's number, what it did, which way the packet went, and the interface.
    pub(crate) verdict: Option<Verdict<'a>>,
}

/// What `pf` decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict<'a> {
    pub(crate) action: u8,
    pub(crate) reason: u8,
    pub(crate) direction: u8,
    pub(crate) rule: u32,
    /// The ruleset in which the rule with the second number decided, if it is not the main one.
    pub(crate) inner: Option<(&'a [u8], u32)>,
    pub(crate) interface: &'a [u8],
}

/// The length is in the first byte and rounded up to four; the fields up to the rule's number are the same in all versions.
#[inline(never)]
pub(crate) fn walk_pflog<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [length, family, action, reason] = *walk.view(PFLOG, 4, |bytes| bytes.first_chunk::<4>())?;
    let length = usize::from(length).next_multiple_of(4);
    if length < 48 {
        return Err(walk.malformed(PFLOG, "the length is below 48 bytes"));
    }
    let header = walk.view(PFLOG, length as u32, |bytes| bytes.get(..length))?;
    let text = |from: usize| {
        let bytes = header.get(from..from + 16).unwrap_or_default();
        bytes.split(|byte| *byte == 0).next().unwrap_or_default()
    };
    let number = |from: usize| {
        header.get(from..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    let verdict = Some(Verdict {
        action,
        reason,
        direction: header.get(60).copied().unwrap_or(0),
        rule: number(36),
        inner: Some((text(20), number(40))).filter(|(_, rule)| *rule != u32::MAX),
        interface: text(4),
    });
    walk.enter(PFLOG, length, |_| Fields::Log(Log { family, resource: None, verdict }))?;
    loopback::walk_family(walk, family.into())
}

/// Family, version, and a list of attributes, one of which is the packet. The attributes' numbers are in the byte order
/// of the machine that captured, which is told by the type of the first: there are few.
#[inline(never)]
pub(crate) fn walk_nflog<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    const PAYLOAD: u16 = 9;
    let [family, version, r0, r1, _, _, t0, _] = *walk.view(NFLOG, 8, |bytes| bytes.first_chunk::<8>())?;
    if version != 0 {
        return Err(walk.malformed(NFLOG, "the version is not 0"));
    }
    let number = if t0 == 0 { u16::from_be_bytes } else { u16::from_le_bytes };
    let mut at = 4;
    loop {
        let attribute = walk.view(NFLOG, at as u32 + 4, |bytes| bytes.get(at..)?.first_chunk::<4>())?;
        let [l0, l1, t0, t1] = *attribute;
        let length = usize::from(number([l0, l1]));
        if length < 4 {
            return Err(walk.malformed(NFLOG, "an attribute is shorter than its header"));
        }
        if number([t0, t1]) == PAYLOAD {
            let resource = Some(u16::from_be_bytes([r0, r1]));
            walk.enter(NFLOG, at + 4, |_| Fields::Log(Log { family, resource, verdict: None }))?;
            walk.limit(length - 4);
            return loopback::walk_family(walk, family.into());
        }
        at += length.next_multiple_of(4);
    }
}

/// A header with information about the packet, and the link type of what follows.
#[inline(never)]
pub(crate) fn walk_ppi<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [_, _, l0, l1, link_type @ ..] = *walk.view(PPI, 8, |bytes| bytes.first_chunk::<8>())?;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if length < 8 {
        return Err(walk.malformed(PPI, "the length is below 8 bytes"));
    }
    walk.enter(PPI, length, |_| Fields::Bytes(length))?;
    match LinkType::from_raw(u32::from_le_bytes(link_type)) {
        LinkType::IEEE802_11 => wlan::walk_plain(walk),
        LinkType::ETHERNET => ethernet::walk_inner(walk),
        LinkType(other) => Err(walk.unsupported("link type", other.into())),
    }
}

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "family {}", self.family)?;
        let Some(Verdict { action, direction, rule, interface, .. }) = self.verdict else { return Ok(()) };
        write!(f, ", rule {rule}, action {action}, direction {direction}, on {}", interface.escape_ascii())
    }
}
