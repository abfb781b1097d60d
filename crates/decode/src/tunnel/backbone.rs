//! Provider backbone bridges (IEEE 802.1ah): a customer's frame in a provider's. The service's id enters the path.

use std::fmt;

use crate::PathId;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "backbone";

/// The fields of a service tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backbone {
    pub(crate) priority: u8,
    pub(crate) service: u32,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    walk.enter_tunnel();
    let tag = u32::from_be_bytes(*walk.view(NAME, 4, |bytes| bytes.first_chunk::<4>())?);
    let header = Backbone { priority: (tag >> 29) as u8, service: tag & 0xff_ffff };
    walk.enter_path(NAME, PathId::Service(header.service))?;
    walk.enter(NAME, 4, |_| Fields::Backbone(header))?;
    Ok(Next::Ethernet)
}

impl fmt::Display for Backbone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {}, priority {}", self.service, self.priority)
    }
}
