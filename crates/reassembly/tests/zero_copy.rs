//! In-order bytes are handed on where they lie, and a connection in its steady state allocates nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Range;

use egret_reassembly::{
    Assembler, Close, Connection, Data, Gap, Limits, LinkType, Packet, Stream, StreamFactory, StreamPool,
    Timestamp, decode,
};

mod support;
use support::{ACK, SYN, sent};

struct Counting;

thread_local! {
    /// Of this thread alone: the test runner has others.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
#[expect(unsafe_code, reason = "an allocator that counts can only be written with unsafe")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the bytes that lie within the packet, and those that do not.
struct Place;

#[derive(Default)]
struct Seen {
    packet: Range<usize>,
    in_place: u64,
    elsewhere: u64,
}

impl StreamFactory for Place {
    type Stream = Self;
    fn new_stream(&mut self, _: &Connection) -> Self {
        Self
    }
}

impl Stream for Place {
    type Context = Seen;
    fn reassembled(&mut self, data: Data<'_>, seen: &mut Seen) {
        let len = data.bytes.len() as u64;
        if seen.packet.contains(&data.bytes.as_ptr().addr()) {
            seen.in_place += len
        } else {
            seen.elsewhere += len
        }
    }
    fn gap(&mut self, gap: Gap, _: &mut Seen) {
        panic!("nothing is missing: {gap:?}");
    }
    fn complete(&mut self, _: Close, _: &mut Seen) {}
}

#[test]
fn the_steady_state_copies_and_allocates_nothing() {
    let mut segments =
        vec![sent(true, 0, 0, SYN, b""), sent(false, 900, 1, SYN | ACK, b""), sent(true, 1, 901, ACK, b"")];
    for round in 0..1_000_u32 {
        segments.push(sent(true, 1 + 10 * round, 901 + 20 * round, ACK, b"a question"));
        segments.push(sent(false, 901 + 20 * round, 11 + 10 * round, ACK, b"and an answer to it."));
    }
    let packets: Vec<Vec<u8>> = segments.iter().map(support::Sent::bytes).collect();
    let mut assembler = Assembler::new(StreamPool::new(Place, Limits::default()));
    let mut seen = Seen::default();
    let mut before = 0;
    for (number, data) in (1..).zip(&packets) {
        if number == 10 {
            before = ALLOCATIONS.get();
        }
        seen.packet = data.as_ptr().addr()..data.as_ptr().addr() + data.len();
        let (link_type, timestamp) = (LinkType::IPV4, Timestamp::from_nanos(number as i64 * 1_000_000));
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len: data.len() as u32 };
        assembler.assemble(&decode(packet), &mut seen);
    }
    let allocations = ALLOCATIONS.get() - before;
    assert_eq!((seen.in_place, seen.elsewhere), (30_000, 0));
    assert_eq!(allocations, 0, "allocations in 1,990 segments");
}
