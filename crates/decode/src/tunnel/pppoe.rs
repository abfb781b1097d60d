//! PPP over Ethernet (RFC 2516).
//!
//! The session enters the path. Refuses: discovery, by which a session is opened.

use std::fmt;

use crate::PathId;
use crate::layers::Fields;
use crate::link::ppp;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "pppoe";

/// The fields of a PPPoE header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pppoe {
    pub(crate) code: u8,
    pub(crate) session: u16,
    pub(crate) length: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [version, code, s0, s1, l0, l1] = *walk.view(NAME, 6, |bytes| bytes.first_chunk::<6>())?;
    if version != 0x11 {
        return Err(walk.malformed(NAME, "the version and type are not 1"));
    }
    let header = Pppoe { code, session: u16::from_be_bytes([s0, s1]), length: u16::from_be_bytes([l0, l1]) };
    if code == 0 {
        walk.enter_path(NAME, PathId::PppoeSession(header.session))?;
    }
    walk.enter(NAME, 6, |_| Fields::Pppoe(header))?;
    walk.limit(header.length.into());
    if code == 0 { ppp::walk(walk) } else { Err(walk.unsupported("pppoe code", code.into())) }
}

impl fmt::Display for Pppoe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}, session {}, length {}", self.code, self.session, self.length)
    }
}
