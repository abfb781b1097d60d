//! The walk through a packet's headers, from the outside in, which both [`decode`](crate::decode) and
//! [`layers`](crate::layers()) are made of.
//!
//! Each protocol is a function that looks at the bytes in front of it, takes its header off, and says what comes
//! next; the closed `match`es over what may come next are in `link`, `net` and `transport`. The walk owns all the
//! arithmetic: a protocol never computes an offset, so none can be wrong.
//!
//! Ethernet, IPv4 and TCP are inlined into the walk and everything rarer is kept out of line: that leaves the common
//! path enough registers and makes it a quarter faster.
//!
//! Promises: total on any bytes and lengths; at most [`MAX_HEADERS`] headers; every slice handed out lies within the
//! packet's bytes.

use egret_capture::{LinkType, Packet};

use crate::layers::Fields;
use crate::{
    Decoded, Decoder, Endpoint, Flow, Network, Path, PathId, Stop, StopReason, Transport, link, net,
    transport,
};

/// How many headers one packet may have inside each other. Honest ones, tunnels in tunnels included, stay below half
/// of it; the bound keeps hostile ones from costing more than their size.
pub(crate) const MAX_HEADERS: usize = 32;

/// Who is told of each header on the way. Generic and inlined, so that [`Unseen`] costs nothing.
pub(crate) trait Visitor<'a> {
    /// A header (or, last, the payload) lies at `offset`. Its lengths are that of itself, and that of itself with what it
    /// carries as it was on the wire; `fields` tells what is in it.
    fn visit(
        &mut self,
        name: &'static str,
        offset: u32,
        lengths: (usize, usize),
        fields: impl FnOnce() -> Fields<'a>,
    );
}

/// Nobody is told: the walk of [`decode`](crate::decode).
pub(crate) struct Unseen;

impl<'a> Visitor<'a> for Unseen {
    #[inline(always)]
    fn visit(&mut self, _: &'static str, _: u32, _: (usize, usize), _: impl FnOnce() -> Fields<'a>) {}
}

/// What the header that was just taken off says about what follows it.
pub(crate) enum Next {
    /// An IP header whose version is in its first four bits.
    Ip,
    /// What an ethertype says.
    EtherType(u16),
    /// What an IP protocol number says.
    Protocol(u8),
    /// An Ethernet frame, inside a tunnel.
    Ethernet,
    /// Nothing that has a header: the rest is payload.
    Payload,
}

/// The walk is over before its time; why is noted in [`Decoded::stop`]. Empty, so that `?` costs nothing.
pub(crate) struct Stopped;

/// Where the walk is, and what it found so far.
///
/// * `rest` is a slice of the packet's bytes that starts at `offset`.
/// * `cut` bytes followed `rest` on the wire and were not captured; lengths in headers only ever make it smaller.
pub(crate) struct Walk<'a, 'v, V> {
    /// The network header, innermost so far.
    pub(crate) network: Option<Network>,
    /// The transport header, innermost so far.
    pub(crate) transport: Option<Transport<'a>>,
    /// Encapsulation ids so far.
    pub(crate) path: Path,
    /// The transport's ports, 0 until then.
    pub(crate) ports: (u16, u16),
    /// Set when the transport checksum covers something else than what is here: another destination (a source route
    /// with hops to go), or bytes that a header promises and the wire did not have.
    pub(crate) unverifiable: bool,
    /// What the caller knows about this network.
    pub(crate) decoder: &'a Decoder,
    stop: Option<Stop>,
    segment: &'a [u8],
    rest: &'a [u8],
    offset: u32,
    cut: u32,
    headers: usize,
    visitor: &'v mut V,
}

/// Walks through a packet.
#[inline]
pub(crate) fn packet<'a, V: Visitor<'a>>(
    decoder: &'a Decoder,
    packet: Packet<'a>,
    visitor: &mut V,
) -> Decoded<'a> {
    let mut walk = Walk::new(decoder, packet.data, packet.cut(), visitor);
    // How it ended is noted in the walk.
    let _ = walk.through_link(packet.link_type);
    walk.finish(packet)
}

/// Walks on behind the IP header of `fragment`, through the payload of its whole datagram.
pub(crate) fn datagram<'a, V: Visitor<'a>>(
    fragment: &Decoded<'a>,
    payload: &'a [u8],
    visitor: &mut V,
) -> Decoded<'a> {
    let wire_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut walk = Walk::new(fragment.decoder, payload, 0, visitor);
    walk.network = fragment.network;
    walk.path = fragment.path;
    let _ = net::behind_header(&mut walk).and_then(|next| walk.through(next));
    walk.finish(Packet { data: payload, wire_len, ..fragment.packet })
}

impl<'a, 'v, V: Visitor<'a>> Walk<'a, 'v, V> {
    #[inline]
    fn new(decoder: &'a Decoder, data: &'a [u8], cut: u32, visitor: &'v mut V) -> Self {
        Self {
            decoder,
            network: None,
            transport: None,
            path: Path::EMPTY,
            ports: (0, 0),
            unverifiable: false,
            stop: None,
            segment: &[],
            rest: data,
            offset: 0,
            cut,
            headers: 0,
            visitor,
        }
    }

    #[inline]
    fn through_link(&mut self, link_type: LinkType) -> Result<(), Stopped> {
        let next = link::walk(self, link_type)?;
        self.through(next)
    }

    /// From header to header, until one says that what follows is payload. Ends, because every turn takes a header
    /// off and [`Walk::enter`] counts them.
    #[inline]
    fn through(&mut self, mut next: Next) -> Result<(), Stopped> {
        loop {
            next = match next {
                Next::Ip => net::walk_ip(self)?,
                Next::EtherType(number) => net::walk_ethertype(self, number)?,
                Next::Protocol(number) => transport::walk(self, number)?,
                Next::Ethernet => link::ethernet::walk_inner(self)?,
                Next::Payload => return Ok(()),
            };
        }
    }

    #[inline]
    fn finish(self, packet: Packet<'a>) -> Decoded<'a> {
        let (payload, cut) = (self.rest, self.cut);
        if !payload.is_empty() || cut > 0 {
            let lengths = (payload.len(), payload.len() + cut as usize);
            self.visitor
                .visit("payload", self.offset, lengths, || Fields::Payload { length: payload.len(), cut });
        }
        let (path, (source_port, destination_port)) = (self.path, self.ports);
        let flow = self.network.and_then(|network| network.addresses()).map(|(source, destination)| Flow {
            source: Endpoint { ip: source, port: source_port },
            destination: Endpoint { ip: destination, port: destination_port },
            path,
        });
        Decoded {
            packet,
            network: self.network,
            transport: self.transport,
            path,
            flow,
            payload,
            cut,
            stop: self.stop,
            segment: self.segment,
            decoder: self.decoder,
        }
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
        &mut self,
        layer: &'static str,
        size: u32,
        new: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, Stopped> {
        new(self.rest).ok_or_else(|| self.truncated(layer, size))
    }

    /// Takes off a header of `length` bytes and tells the visitor; `fields` is given exactly these bytes.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        layer: &'static str,
        length: usize,
        fields: impl FnOnce(&'a [u8]) -> Fields<'a>,
    ) -> Result<(), Stopped> {
        if self.headers == MAX_HEADERS {
            return Err(self.stop(layer, StopReason::TooDeep));
        }
        let Some((header, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.truncated(layer, u32::try_from(length).unwrap_or(u32::MAX)));
        };
        let lengths = (length, self.rest.len() + self.cut as usize);
        self.visitor.visit(layer, self.offset, lengths, || fields(header));
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
                self.unverifiable |= beyond > self.cut;
                self.cut = self.cut.min(beyond);
            }
        }
    }

    /// From here on another packet is inside this one: what the outer transport said is not the inner one's.
    pub(crate) fn enter_tunnel(&mut self) {
        self.transport = None;
        self.ports = (0, 0);
        self.segment = &[];
        self.unverifiable = false;
    }

    /// Adds an id that both directions share to the path, unless its header is one too many.
    pub(crate) fn enter_path(&mut self, layer: &'static str, id: PathId) -> Result<(), Stopped> {
        let entered = if self.headers == MAX_HEADERS { None } else { self.path.entered(id) };
        self.path = entered.ok_or_else(|| self.stop(layer, StopReason::TooDeep))?;
        Ok(())
    }

    /// Leaves out `length` bytes of those that were cut off: they were the rest of a header, not payload.
    pub(crate) fn skip_cut(&mut self, length: u32) {
        self.cut = self.cut.saturating_sub(length);
    }

    /// Remembers the transport header and what it covers, all in [`rest`](Self::rest), for its checksum.
    #[inline]
    pub(crate) fn found_segment(&mut self) {
        if self.cut == 0 && !self.unverifiable {
            self.segment = self.rest;
        }
    }

    #[cold]
    pub(crate) fn stop(&mut self, layer: &'static str, reason: StopReason) -> Stopped {
        self.stop = Some(Stop { layer, offset: self.offset, reason });
        Stopped
    }

    #[cold]
    pub(crate) fn truncated(&mut self, layer: &'static str, needed: u32) -> Stopped {
        let had = u32::try_from(self.rest.len()).unwrap_or(u32::MAX);
        self.stop(layer, StopReason::Truncated { needed, had })
    }

    #[cold]
    pub(crate) fn malformed(&mut self, layer: &'static str, what: &'static str) -> Stopped {
        self.stop(layer, StopReason::Malformed(what))
    }

    #[cold]
    pub(crate) fn encrypted(&mut self, layer: &'static str) -> Stopped {
        self.stop(layer, StopReason::Encrypted)
    }

    #[cold]
    pub(crate) fn unsupported(&mut self, what: &'static str, number: u32) -> Stopped {
        self.stop(what, StopReason::Unsupported(number))
    }
}
