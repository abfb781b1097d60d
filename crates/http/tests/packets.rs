//! What only packets tell: how long the handshake took, what was sent again, how a body that lasts until the end of
//! the connection ended, and which bytes of a connection that is not HTTP cost nothing more.
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test asserts by panicking")]

use egret_http::{
    Assembler, Context, Exchange, HttpFactory, Limits, LinkType, NotHttp, Packet, Stats, StreamLimits,
    StreamPool, Timestamp, decode,
};

const CLIENT: u8 = 1;
const SERVER: u8 = 2;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Packets of one connection, a millisecond apart, from a client at port 50,000 to a server at port 80.
#[derive(Default)]
struct Wire {
    packets: Vec<Vec<u8>>,
    /// The next sequence number of each side.
    next: [u32; 2],
}

impl Wire {
    /// With the packets of a handshake.
    fn open() -> Self {
        let mut wire = Self { packets: Vec::new(), next: [1_000, 5_000] };
        wire.send(CLIENT, SYN, "").send(SERVER, SYN | ACK, "").send(CLIENT, ACK, "");
        wire
    }

    fn send(&mut self, from: u8, flags: u8, data: &str) -> &mut Self {
        self.put(from, 0, flags, data);
        let next = self.side(from);
        *next += data.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self
    }

    /// Sent, but not captured.
    fn lose(&mut self, from: u8, data: &str) -> &mut Self {
        *self.side(from) += data.len() as u32;
        self
    }

    /// A packet that begins `back` bytes before what comes next.
    fn put(&mut self, from: u8, back: u32, flags: u8, data: &str) -> &mut Self {
        let (seq, ack) = (*self.side(from) - back, *self.side(3 - from));
        let ack = if flags & ACK == 0 { 0 } else { ack };
        let ports = if from == CLIENT { [50_000_u16, 80] } else { [80, 50_000] };
        let mut packet = vec![0x45, 0];
        packet.extend((40 + data.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, 3 - from]);
        packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        packet.extend([seq, ack].into_iter().flat_map(u32::to_be_bytes));
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(data.bytes());
        self.packets.push(packet);
        self
    }

    fn side(&mut self, from: u8) -> &mut u32 {
        let [client, server] = &mut self.next;
        if from == CLIENT { client } else { server }
    }

    fn run<T>(&self, mut show: impl FnMut(&Exchange) -> T) -> (Vec<T>, Stats) {
        let mut found = Vec::new();
        let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
        let mut context = Context::new(|exchange: &Exchange| found.push(show(exchange)), Limits::default());
        for (number, data) in self.packets.iter().enumerate() {
            let packet = Packet {
                number: number as u64 + 1,
                timestamp: Timestamp::from_nanos(number as i64 * 1_000_000),
                link_type: LinkType::IPV4,
                interface: 0,
                data,
                wire_len: data.len() as u32,
            };
            assembler.assemble(&decode(packet), &mut context);
        }
        assembler.finish(&mut context);
        let stats = context.stats().clone();
        drop(context);
        (found, stats)
    }

    fn verdicts(&self) -> Vec<String> {
        self.run(|exchange| exchange.verdict().to_string()).0
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn the_handshake_is_timed_for_the_first_exchange() {
    let mut wire = Wire::open();
    for _ in 0..2 {
        wire.send(CLIENT, ACK, GET).send(SERVER, ACK, OK);
    }
    let connect = |exchange: &Exchange| exchange.timing().connect.map(|time| time.as_millis());
    assert_eq!(wire.run(connect).0, [Some(2), None]);
    // From the first SYN, also if it had to be sent again.
    let mut again = Wire { packets: Vec::new(), next: [1_000, 5_000] };
    again.put(CLIENT, 0, SYN, "").send(CLIENT, SYN, "").send(SERVER, SYN | ACK, "").send(CLIENT, ACK, GET);
    assert_eq!(again.send(SERVER, ACK, OK).run(connect).0, [Some(3)]);
    // Not without a SYN.
    let mut midstream = Wire { packets: Vec::new(), next: [1_000, 5_000] };
    assert_eq!(midstream.send(CLIENT, ACK, GET).send(SERVER, ACK, OK).run(connect).0, [None]);
}

#[test]
fn bytes_that_were_sent_again_are_counted_where_they_belong() {
    let mut wire = Wire::open();
    wire.send(CLIENT, ACK, GET).put(CLIENT, GET.len() as u32, ACK, GET);
    wire.put(CLIENT, 1, ACK, "\n"); // A keep-alive probe.
    let (first, second) = OK.split_at(20);
    wire.send(SERVER, ACK, first).put(SERVER, 5, ACK, &first[15..]).send(SERVER, ACK, second);
    let again = |exchange: &Exchange| {
        (
            exchange.request().unwrap().transfer().retransmitted,
            exchange.response().unwrap().transfer().retransmitted,
        )
    };
    assert_eq!(wire.run(again).0, [(GET.len() as u64, 5)]);
}

#[test]
fn only_a_fin_completes_a_body_that_lasts_until_the_end() {
    let page = "HTTP/1.0 200 OK\r\n\r\nall of it";
    let wire = || {
        let mut wire = Wire::open();
        wire.send(CLIENT, ACK, GET).send(SERVER, ACK, page);
        wire
    };
    assert_eq!(wire().verdicts(), ["response-body incomplete: end-of-capture"]);
    assert_eq!(wire().send(SERVER, FIN | ACK, "").verdicts(), ["complete"]);
    assert_eq!(wire().send(SERVER, FIN | ACK, "").send(CLIENT, FIN | ACK, "").verdicts(), ["complete"]);
    assert_eq!(wire().send(SERVER, RST | ACK, "").verdicts(), ["response-body incomplete: reset"]);
    // The end of the client is not the end of the server's body.
    assert_eq!(wire().send(CLIENT, FIN | ACK, "").verdicts(), ["response-body incomplete: end-of-capture"]);
    assert_eq!(
        wire().lose(SERVER, "lost").send(SERVER, FIN | ACK, "").send(CLIENT, FIN | ACK, "").verdicts(),
        ["response-body incomplete: 4 bytes missing, gap-acknowledged"]
    );
}

#[test]
fn a_thousand_requests_with_one_lost_response() {
    let mut wire = Wire::open();
    for number in 0..1_000 {
        wire.send(CLIENT, ACK, &format!("GET /{number} HTTP/1.1\r\n\r\n"));
        let response = format!("HTTP/1.1 200 OK\r\nX: {number}\r\nContent-Length: 2\r\n\r\nok");
        if number == 333 {
            wire.lose(SERVER, &response)
        } else {
            wire.send(SERVER, ACK, &response)
        };
    }
    let (found, stats) = wire.run(|exchange| {
        let target = exchange.request().unwrap().target().to_vec();
        let answer = exchange.response().map(|response| response.headers().get("x").unwrap().to_vec());
        (String::from_utf8(target).unwrap(), answer.map(|answer| String::from_utf8(answer).unwrap()))
    });
    assert_eq!((found.len(), stats.complete), (1_000, 999));
    for (target, answer) in found {
        let expected = (target != "/333").then_some(&target[1..]);
        assert_eq!(answer.as_deref(), expected);
    }
}

#[test]
fn what_is_not_http_is_ignored_from_then_on() {
    let mut wire = Wire::open();
    wire.send(CLIENT, ACK, "\u{16}\u{3}\u{1}\0\u{5}hello").send(SERVER, ACK, "\u{16}\u{3}\u{3}\0\u{5}hello");
    for _ in 0..10 {
        wire.send(CLIENT, ACK, "GET / HTTP/1.1\r\n\r\n");
    }
    let (found, stats) = wire.run(|_| ());
    assert!(found.is_empty());
    assert_eq!(stats.not_http.get(&NotHttp::Tls), Some(&1));
}
