//! The adapter from reassembled TCP streams to [`Connection`](crate::Connection).

use std::marker::PhantomData;

use egret_reassembly::{Admit, Close, Data, Direction, Gap, Segment, Stream, StreamFactory, Timestamp};

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
            handler: PhantomData,
        }
    }
}

/// HTTP/1 on one TCP connection, found by content on any port.
#[derive(Debug)]
pub struct HttpStream<H> {
    connection: Connection,
    handler: PhantomData<fn(H)>,
}

impl<H: Handler> Stream for HttpStream<H> {
    type Context = Context<H>;

    fn accept(&mut self, _segment: &Segment<'_>, _context: &mut Context<H>) -> Admit {
        if self.connection.not_http().is_some() { Admit::Ignore } else { Admit::Yes }
    }

    fn reassembled(&mut self, data: Data<'_>, context: &mut Context<H>) {
        let Data { direction, offset, timestamp, packet, ack, bytes, .. } = data;
        self.connection.data(Piece { direction, offset, timestamp, packet, ack, bytes }, context);
    }

    fn gap(&mut self, gap: Gap, context: &mut Context<H>) {
        let Gap { direction, offset, len, reason, timestamp, packet, .. } = gap;
        let at = Moment { packet, timestamp };
        self.connection.gap(Missing { direction, offset, len, reason, at }, context);
    }

    fn half_closed(&mut self, direction: Direction, timestamp: Timestamp, context: &mut Context<H>) {
        self.connection.end(direction, Moment { packet: 0, timestamp }, context);
    }

    fn complete(&mut self, close: Close, context: &mut Context<H>) {
        let at = Moment { packet: close.packet, timestamp: close.timestamp };
        self.connection.close(close.how, at, context);
    }
}
