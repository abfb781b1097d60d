//! Files with one of everything, made by hand.

use crate::by_hand::{
    MICROSECONDS, MODIFIED, NANOSECONDS, Order, block, enhanced, interface, obsolete, pcap_header, record,
    section, simple,
};

/// Small captures with one of every kind of record, in every format.
pub(crate) fn specimens() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for order in [Order::Little, Order::Big] {
        for magic in [MICROSECONDS, NANOSECONDS] {
            let mut file = pcap_header(order, magic, (2, 4), 65_535, 1);
            for data in [&b"abcd"[..], b"", b"efghijk"] {
                file.extend(record(order, (7, 8), (data.len() as u32, 60), data));
            }
            files.push(file);
        }
        // Eight bytes more in a record's header; and the lengths the other way round.
        let mut file = pcap_header(order, MODIFIED, (2, 4), 0, 113);
        file.extend(record(order, (7, 8), (4, 60), b"modified"));
        file.extend(b"abcd");
        files.push(file);
        let mut file = pcap_header(order, MICROSECONDS, (2, 3), 0, 101);
        file.extend(record(order, (7, 8), (60, 4), b"abcd"));
        file.extend(record(order, (7, 8), (3, 60), b"efg"));
        files.push(file);
        files.push(
            [
                section(order),
                interface(order, 1, 96, &[(2, b"eth0"), (9, &[9])]),
                interface(order, 101, 0, &[]),
                enhanced(order, 0, 7, 60, b"abcd"),
                block(order, 0x0bad, b"unknown"),
                obsolete(order, 1, 8, 60, b"efg"),
                simple(order, 3, b"hij"),
                section(Order::Big),
                interface(Order::Big, 1, 0, &[]),
                enhanced(Order::Big, 0, 9, 3, b"klm"),
            ]
            .concat(),
        );
    }
    files
}

/// Options, each padded, and their end.
fn options(order: Order, list: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (code, value) in list.iter().chain([&(0, &b""[..])]) {
        bytes.extend(order.u16(*code));
        bytes.extend(order.u16(value.len() as u16));
        bytes.extend(*value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

pub(crate) fn commented_section(order: Order, comment: &[u8]) -> Vec<u8> {
    let mut body = section(order)[8..24].to_vec();
    body.extend(options(order, &[(4, b"a program"), (1, comment)]));
    block(order, 0x0a0d_0d0a, &body)
}

fn commented_packet(order: Order, second: u64, comments: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    let units = second * 1_000_000;
    for number in [0, (units >> 32) as u32, units as u32, 3, 60] {
        body.extend(order.u32(number));
    }
    body.extend(b"abc\0");
    let list: Vec<(u16, &[u8])> =
        [(2, &[0, 0, 0, 1][..])].into_iter().chain(comments.iter().map(|text| (1, *text))).collect();
    body.extend(options(order, &list));
    block(order, 6, &body)
}

/// A pcapng file with everything that is no packet.
pub(crate) fn noted(order: Order) -> Vec<u8> {
    let secrets = [&order.u32(0x544c_534b)[..], &order.u32(6), b"CLIENT\0\0"].concat();
    let names = options(
        order,
        &[(1, b"\x0a\0\0\x01one\0uno\0"), (2, b"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01six\0"), (9, b"?")],
    );
    let statistics = [
        &order.u32(0)[..],
        &[0; 8],
        &options(order, &[(4, &order.u64(9)), (5, &order.u64(2)), (7, &order.u64(3))]),
    ]
    .concat();
    let described =
        [&order.u16(1)[..], &[0; 2], &order.u32(96), &options(order, &[(2, b"eth0"), (1, b"the port")])]
            .concat();
    [
        commented_section(order, b"the section"),
        block(order, 1, &described),
        block(order, 4, &names),
        commented_packet(order, 1, &[b"first", b"\xffsecond"]),
        block(order, 10, &secrets),
        block(order, 0x0bad, b"custom"),
        block(order, 0x4000_0bad, b"custom"),
        block(order, 9, b"__REALTIME_TIMESTAMP=0\n"),
        commented_packet(order, 2, &[]),
        commented_packet(order, 3, &[b"third"]),
        block(order, 5, &statistics),
        block(order, 5, b"\0\0"),
        block(order, 10, b"\0\0"),
    ]
    .concat()
}
