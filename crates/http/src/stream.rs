//! The adapter from reassembled TCP streams to [`Connection`](crate::Connection).
//!
//! What only segments tell is taken from them here: how long the handshake took, what was sent again, and whether a
//! direction ended by itself or with the capture.

use std::hint::black_box;
use std::marker::PhantomData;

use egret_reassembly::{
    Admit, Close, Data, Direction, Gap, Segment, Stream, StreamFactory, TcpFlags, Timestamp,
};

use crate::{Connection, Context, Handler, Missing, Moment, Piece};

/// Makes an [`HttpStream`] for each TCP connection.
#[derive(Debug)]
pub struct HttpFactory<H> {
    handler: PhantomData<fn(H)>,
}

impl<H: Handler> HttpFactory<H> {
    /// The factory; all it needs is in the [`Context`].
    pub const fn new() -> Self {
        Self { handler: PhantomData }
    }
}

impl<H: Handler> Default for HttpFactory<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Handler> StreamFactory for HttpFactory<H> {
    type Stream = HttpStream<H>;

    fn new_stream(&mut self, connection: &egret_reassembly::Connection) -> HttpStream<H> {
        HttpStream {
            connection: Connection::new(connection.id, connection.flow, connection.opened),
            handshake: Handshake::Nothing,
            client: Sent::default(),
            server: Sent::default(),
            packet: connection.id,
            handler: PhantomData,
        }
    }
}

/// HTTP/1 on one TCP connection, found by content on any port.
// In this order in memory: what each packet needs, and what each piece of a body does, in few lines of it.
#[repr(C)]
#[derive(Debug)]
pub struct HttpStream<H> {
    /// The last packet of the connection.
    packet: u64,
    handshake: Handshake,
    client: Sent,
    server: Sent,
    connection: Connection,
    handler: PhantomData<fn(H)>,
}

/// How far the handshake is.
#[derive(Debug, Clone, Copy)]
enum Handshake {
    Nothing,
    /// The first SYN was at this time.
    Syn(Timestamp),
    /// And it was answered.
    SynAck(Timestamp),
    Done,
}

/// What the segments of one direction told.
#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    /// The sequence number behind the last byte that was delivered, if any `was`.
    next: u32,
    was: bool,
    fin: bool,
}

impl<H> HttpStream<H> {
    const fn sent(&mut self, direction: Direction) -> &mut Sent {
        match direction {
            Direction::ClientToServer => &mut self.client,
            Direction::ServerToClient => &mut self.server,
        }
    }

    /// Follows the handshake from the first SYN to its last ACK.
    fn shake(&mut self, segment: &Segment<'_>) {
        let syn = segment.flags.has(TcpFlags::SYN);
        let ack = segment.flags.has(TcpFlags::ACK);
        self.handshake = match (self.handshake, segment.direction) {
            (Handshake::Nothing, Direction::ClientToServer) if syn && !ack => {
                Handshake::Syn(segment.timestamp)
            }
            (Handshake::Nothing, _) if !syn => Handshake::Done,
            (Handshake::Syn(first), Direction::ServerToClient) if syn && ack => Handshake::SynAck(first),
            (Handshake::SynAck(first), Direction::ClientToServer) if ack && !syn => {
                self.connection.connected(segment.timestamp.since(first));
                Handshake::Done
            }
            (same, _) => same,
        };
    }
}

impl<H: Handler> Stream for HttpStream<H> {
    type Context = Context<H>;

    fn accept(&mut self, segment: &Segment<'_>, _context: &mut Context<H>) -> Admit {
        if self.connection.not_http().is_some() {
            return Admit::Ignore;
        }
        self.packet = segment.packet;
        if !matches!(self.handshake, Handshake::Done) {
            self.shake(segment);
        }
        let sent = self.sent(segment.direction);
        sent.fin |= segment.flags.has(TcpFlags::FIN);
        let again =
            if sent.was && !segment.payload.is_empty() { sent.next.wrapping_sub(segment.seq) } else { 0 };
        // Half the sequence space is behind. A single byte just behind is a keep-alive probe, not data.
        if 0 < again && again < 1 << 31 && (again > 1 || segment.payload.len() > 1) {
            let bytes = u64::from(again).min(segment.payload.len() as u64);
            self.connection.retransmitted(segment.direction, bytes);
        }
        Admit::Yes
    }

    fn reassembled(&mut self, data: Data<'_>, context: &mut Context<H>) {
        let Data { direction, offset, timestamp, packet, ack, bytes, .. } = data;
        let sent = self.sent(direction);
        (sent.next, sent.was) = (data.seq.wrapping_add(bytes.len() as u32), true);
        self.connection.data(Piece { direction, offset, timestamp, packet, ack, bytes }, context);
    }

    fn gap(&mut self, gap: Gap, context: &mut Context<H>) {
        let Gap { direction, offset, len, reason, timestamp, packet, .. } = gap;
        let at = Moment { packet, timestamp };
        self.connection.gap(Missing { direction, offset, len, reason, at }, context);
    }

    fn half_closed(&mut self, direction: Direction, timestamp: Timestamp, context: &mut Context<H>) {
        // The end of the capture ends both directions too; only a FIN says that nothing more was to come.
        if self.sent(direction).fin {
            self.connection.end(direction, Moment { packet: self.packet, timestamp }, context);
        }
    }

    fn fetch(&self, direction: Direction, len: usize) {
        black_box(self.packet);
        self.connection.fetch(direction, len as u64);
    }

    fn complete(&mut self, close: Close, context: &mut Context<H>) {
        let at = Moment { packet: close.packet, timestamp: close.timestamp };
        self.connection.close(close.how, at, context);
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    /// It is a part of every connection that is known: growing it is a decision.
    #[test]
    fn a_stream_is_small() {
        assert!(size_of::<HttpStream<()>>() <= 328, "{}", size_of::<HttpStream<()>>());
    }
}
