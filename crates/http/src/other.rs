//! What is not HTTP/1, or is not any more: noticed, counted, and then ignored.

use egret_reassembly::Direction;

use crate::connection::{Connection, body_of};
use crate::side::State;
use crate::slot::Fault;
use crate::sniff::Speaks;
use crate::tls::Hello;
use crate::{Context, Handler, NotHttp, TlsVersion, Tunnel, TunnelKind, Why};

impl Connection {
    /// The connection speaks something else. Nothing more will be looked at.
    pub(crate) fn is_not_http<H: Handler>(&mut self, kind: NotHttp, context: &mut Context<H>) {
        self.speaks = Speaks::Not(kind);
        *context.stats.not_http.entry(kind).or_default() += 1;
        for side in [&mut self.client, &mut self.server] {
            match std::mem::replace(&mut side.state, State::Ended) {
                State::Head(gather) => context.release(&gather.bytes),
                State::Hello(hello) => context.budget.release(hello.cost()),
                _ => {}
            }
        }
    }

    /// The connection speaks TLS: what the client says first is worth the wait, if these are its first words.
    pub(crate) fn begin_hello<H: Handler>(
        &mut self,
        direction: Direction,
        before: usize,
        context: &mut Context<H>,
    ) {
        let mut hello = Box::new(Hello::default());
        let side = self.side(direction);
        if let State::Head(gather) = std::mem::take(&mut side.state) {
            // Fewer than a record's header has.
            hello.take(gather.beginning().get(..before).unwrap_or_default(), &mut context.budget);
            context.release(&gather.bytes);
        }
        side.state = State::Hello(hello);
    }

    /// Takes the next bytes of TLS.
    pub(crate) fn hello<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        context: &mut Context<H>,
    ) -> usize {
        if let State::Hello(hello) = &mut self.side(direction).state
            && let Some(found) = hello.take(bytes, &mut context.budget)
        {
            if let Some(hello) = found {
                let tls = &mut context.stats.tls;
                if let Some(name) = &hello.server_name {
                    tls.server_names.add(name);
                }
                hello.protocols.iter().for_each(|protocol| tls.protocols.add(protocol));
                *tls.versions.entry(TlsVersion(hello.version)).or_default() += 1;
            }
            self.is_not_http(NotHttp::Tls, context);
        }
        bytes.len()
    }

    /// Nothing more comes of the first words of TLS, if it was those that were waited for; whether it was.
    pub(crate) fn end_hello<H: Handler>(&mut self, context: &mut Context<H>) -> bool {
        let waits =
            matches!((&self.client.state, &self.server.state), (State::Hello(_), _) | (_, State::Hello(_)));
        if waits {
            self.is_not_http(NotHttp::Tls, context);
        }
        waits
    }

    /// From here on, what both sides say is not HTTP.
    pub(crate) fn open_tunnel<H: Handler>(&mut self, kind: TunnelKind, context: &mut Context<H>) {
        *context.stats.tunnels.entry(kind).or_default() += 1;
        self.server.state = State::Tunnel;
        // The client may have begun before it had the answer.
        let lost = self.client.resync.take().map_or(0, |lost| lost.bytes);
        let early = match std::mem::replace(&mut self.client.state, State::Tunnel) {
            State::Head(gather) => {
                context.release(&gather.bytes);
                gather.scan.before as u64
            }
            State::Lost(lost) => lost.bytes,
            _ => 0,
        };
        if let Some(slot) = self.queue.slots.front_mut() {
            slot.exchange.tunnel =
                Some(Tunnel { kind, client_bytes: early.saturating_add(lost), ..Tunnel::default() });
        }
    }

    /// Counts bytes of a tunnel.
    pub(crate) fn tunnel(&mut self, direction: Direction, bytes: u64) {
        if let Some(slot) = self.queue.slots.front_mut() {
            let tunnel = slot.exchange.tunnel.get_or_insert_default();
            let count = match direction {
                Direction::ClientToServer => &mut tunnel.client_bytes,
                Direction::ServerToClient => &mut tunnel.server_bytes,
            };
            *count = count.saturating_add(bytes);
        }
    }

    /// Counts bytes of a tunnel that are missing.
    pub(crate) fn tunnel_gap(&mut self, direction: Direction, len: u64, why: Why) {
        if let Some(slot) = self.queue.slots.front_mut() {
            let tunnel: &mut Tunnel = slot.exchange.tunnel.get_or_insert_default();
            tunnel.missing = tunnel.missing.saturating_add(len);
            slot.fault(direction, Fault { part: body_of(direction), missing: Some(len), why });
        }
    }
}
