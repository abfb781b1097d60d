//! The walk through a packet's headers, from the outside in, which both [`decode`](crate::decode) and
//! [`layers`](crate::layers()) are made of.
//!
//! Each protocol is a function that looks at the bytes in front of it, takes its header off, and says what comes
//! next; the closed `match`es over what may come next are in `link`, `net` and `transport`. The walk owns all the
//! arithmetic: a protocol never computes an offset, so none can be wrong.
//!
//! Promises: total on any bytes and lengths; at most [`MAX_HEADERS`] headers; every slice handed out lies within the
//! packet's bytes.

use egret_capture::{LinkType, Packet};

use crate::layers::Fields;
use crate::{Decoded, Flow, Network, Stop, StopReason, link, net, transport};

/// How many headers one packet may have inside each other. Honest ones, tunnels in tunnels included, stay below half
/// of it; the bound keeps hostile ones from costing more than their size.
pub(crate) const MAX_HEADERS: usize = 32;

/// Who is told of each header on the way. Generic and inlined, so that [`Unseen`] costs nothing.
pub(crate) trait Visitor<'a> {
    /// A header (or, last, the payload) of `length` bytes lies at `offset`; `fields` tells what is in it.
    fn visit(&mut self, name: &'static str, offset: u32, length: usize, fields: impl FnOnce() -> Fields<'a>);
}

/// Nobody is told: the walk of [`decode`](crate::decode).
pub(crate) struct Unseen;

impl<'a> Visitor<'a> for Unseen {
    #[inline(always)]
    fn visit(&mut self, _: &'static str, _: u32, _: usize, _: impl FnOnce() -> Fields<'a>) {}
}

/// What the header that was just taken off says about what follows it.
pub(crate) enum Next {
    /// An IP header whose version is in its first four bits.
    Ip,
    /// What an ethertype says.
    EtherType(u16),
    /// What an IP protocol number says.
    Protocol(u8),
    /// Nothing that has a header: the rest is payload.
    Payload,
}

/// Where the walk is, and what it found so far.
///
/// * `rest` is a slice of the packet's bytes that starts at `offset`.
/// * `cut` bytes followed `rest` on the wire and were not captured; lengths in headers only ever make it smaller.
pub(crate) struct Walk<'a, 'v, V> {
    pub(crate) found: Decoded<'a>,
    /// Set when the header's destination is not yet the final one, which transport checksums are computed with.
    pub(crate) source_routed: bool,
    rest: &'a [u8],
    offset: u32,
    cut: u32,
    headers: usize,
    visitor: &'v mut V,
}

/// Walks through a packet.
#[inline]
pub(crate) fn packet<'a, V: Visitor<'a>>(packet: Packet<'a>, visitor: &mut V) -> Decoded<'a> {
    let mut walk = Walk::new(packet, visitor);
    let end = walk.through_link(packet.link_type);
    walk.finish(end)
}

/// Walks on behind the IP header of `fragment`, through the payload of its whole datagram.
pub(crate) fn datagram<'a, V: Visitor<'a>>(
    fragment: &Decoded<'_>,
    payload: &'a [u8],
    visitor: &mut V,
) -> Decoded<'a> {
    let wire_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut walk = Walk::new(Packet { data: payload, wire_len, ..fragment.packet }, visitor);
    walk.found.path = fragment.path;
    walk.found.network = fragment.network;
    walk.found.flow = fragment.flow.map(Flow::without_ports);
    let end = net::behind_header(&mut walk).and_then(|next| walk.through(next));
    walk.finish(end)
}

impl<'a, 'v, V: Visitor<'a>> Walk<'a, 'v, V> {
    #[inline]
    fn new(packet: Packet<'a>, visitor: &'v mut V) -> Self {
        let found = Decoded::unknown(packet);
        Self {
            found,
            source_routed: false,
            rest: packet.data,
            offset: 0,
            cut: packet.cut(),
            headers: 0,
            visitor,
        }
    }

    #[inline]
    fn through_link(&mut self, link_type: LinkType) -> Result<(), Stop> {
        let next = link::walk(self, link_type)?;
        self.through(next)
    }

    /// From header to header, until one says that what follows is payload. Ends, because every turn takes a header
    /// off and [`Walk::enter`] counts them.
    #[inline]
    fn through(&mut self, mut next: Next) -> Result<(), Stop> {
        loop {
            next = match next {
                Next::Ip => net::walk_ip(self)?,
                Next::EtherType(number) => net::walk_ethertype(self, number)?,
                Next::Protocol(number) => transport::walk(self, number)?,
                Next::Payload => return Ok(()),
            };
        }
    }

    #[inline]
    fn finish(mut self, end: Result<(), Stop>) -> Decoded<'a> {
        let (payload, cut) = (self.rest, self.cut);
        if !payload.is_empty() || cut > 0 {
            self.visitor.visit("payload", self.offset, payload.len(), || Fields::Payload {
                length: payload.len(),
                cut,
            });
        }
        self.found.payload = payload;
        self.found.cut = cut;
        self.found.stop = end.err();
        self.found
    }

    /// The captured bytes from here to where the layer around this one ends.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes behind [`rest`](Self::rest) were on the wire and belong to the layer around this one.
    #[inline]
    pub(crate) fn cut(&self) -> u32 {
        self.cut
    }

    /// A view of the header here, made by a constructor that returns `None` below `size` bytes.
    #[inline]
    pub(crate) fn view<T>(
        &self,
        layer: &'static str,
        size: u32,
        new: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, Stop> {
        new(self.rest).ok_or_else(|| self.truncated(layer, size))
    }

    /// Takes off a header of `length` bytes and tells the visitor; `fields` is given exactly these bytes.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        layer: &'static str,
        length: usize,
        fields: impl FnOnce(&'a [u8]) -> Fields<'a>,
    ) -> Result<(), Stop> {
        if self.headers == MAX_HEADERS {
            return Err(self.stop(layer, StopReason::TooDeep));
        }
        let Some((header, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.truncated(layer, u32::try_from(length).unwrap_or(u32::MAX)));
        };
        self.visitor.visit(layer, self.offset, length, || fields(header));
        self.headers += 1;
        self.rest = rest;
        // No packet is longer than 32 bits can say, because its length on the wire is such a number.
        self.offset = self.offset.saturating_add(length as u32);
        Ok(())
    }

    /// A header says that from here on only `length` bytes are its own. It is believed as far as it makes less of
    /// what was on the wire, and no further.
    #[inline]
    pub(crate) fn limit(&mut self, length: usize) {
        match self.rest.get(..length) {
            Some(own) => (self.rest, self.cut) = (own, 0),
            None => {
                let beyond = u32::try_from(length - self.rest.len()).unwrap_or(u32::MAX);
                self.cut = self.cut.min(beyond);
            }
        }
    }

    /// Leaves out `length` bytes of those that were cut off: they were the rest of a header, not payload.
    pub(crate) fn skip_cut(&mut self, length: u32) {
        self.cut = self.cut.saturating_sub(length);
    }

    /// Stores an IP header and the flow it begins.
    #[inline]
    pub(crate) fn found_network(&mut self, network: Network) {
        self.found.flow =
            network.addresses().map(|(source, destination)| Flow::new(source, destination, self.found.path));
        self.found.network = Some(network);
    }

    /// Stores the ports of the flow.
    #[inline]
    pub(crate) fn found_ports(&mut self, source: u16, destination: u16) {
        if let Some(flow) = &mut self.found.flow {
            flow.source.port = source;
            flow.destination.port = destination;
        }
    }

    /// Remembers the transport header and what it covers, all in [`rest`](Self::rest), for its checksum.
    #[inline]
    pub(crate) fn found_segment(&mut self) {
        if self.cut == 0 && !self.source_routed {
            self.found.segment = self.rest;
        }
    }

    #[cold]
    pub(crate) fn stop(&self, layer: &'static str, reason: StopReason) -> Stop {
        Stop { layer, offset: self.offset, reason }
    }

    #[cold]
    pub(crate) fn truncated(&self, layer: &'static str, needed: u32) -> Stop {
        let had = u32::try_from(self.rest.len()).unwrap_or(u32::MAX);
        self.stop(layer, StopReason::Truncated { needed, had })
    }

    #[cold]
    pub(crate) fn malformed(&self, layer: &'static str, what: &'static str) -> Stop {
        self.stop(layer, StopReason::Malformed(what))
    }

    #[cold]
    pub(crate) fn unsupported(&self, what: &'static str, number: u32) -> Stop {
        self.stop(what, StopReason::Unsupported(number))
    }
}
