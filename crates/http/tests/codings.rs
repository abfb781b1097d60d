//! Content codings: undone, stacked, broken, cut off, bombs; and digests of what was sent and what it became.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::Talk;
use egret_http::{Body, Decode, Exchange, Limits, MessageAnomaly};

const PAGE: &[u8] = include_bytes!("data/page.txt");
const GZIP: &[u8] = include_bytes!("data/page.gz");
const ZSTD: &[u8] = include_bytes!("data/page.zst");
const BROTLI: &[u8] = include_bytes!("data/page.br");

/// The page in each coding.
const CODED: [(&str, &[u8]); 7] = [
    ("gzip", GZIP),
    ("x-gzip", GZIP),
    ("deflate", include_bytes!("data/page.zlib")),
    ("deflate", include_bytes!("data/page.deflate")),
    ("br", BROTLI),
    ("zstd", ZSTD),
    ("identity, GZIP, Br", include_bytes!("data/page.gz.br")),
];

/// 16 MiB of zeros in each coding.
const ZEROS: [(&str, &[u8]); 3] = [
    ("gzip", include_bytes!("data/zeros.gz")),
    ("br", include_bytes!("data/zeros.br")),
    ("zstd", include_bytes!("data/zeros.zst")),
];

/// 300,000 bytes, more than a block of zstd, and their digest.
const LONG: [(&str, &[u8]); 2] =
    [("br", include_bytes!("data/long.br")), ("zstd", include_bytes!("data/long.zst"))];

fn response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn get(response: impl AsRef<[u8]>, limits: Limits) -> Talk {
    Talk { limits, ..Talk::new() }.client("GET / HTTP/1.1\r\n\r\n").server(response)
}

fn keeping(keep_body: usize) -> Limits {
    Limits { keep_body, ..Limits::default() }
}

/// The body of the only response, which is the same however it is cut, and what is odd about it.
#[track_caller]
fn body(talk: &Talk) -> (Body, Vec<&'static str>) {
    let show = |exchange: &Exchange| {
        let response = exchange.response().unwrap();
        (response.body().clone(), response.anomalies().iter().map(MessageAnomaly::name).collect())
    };
    let whole = talk.run(show).0.pop().unwrap();
    for size in [1, 2, 3, 100] {
        assert_eq!(talk.cut_into(size).run(show).0, std::slice::from_ref(&whole), "in pieces of {size}");
    }
    whole
}

/// Why the body was not decoded, and that it is there as sent.
#[track_caller]
fn undecoded(talk: &Talk, sent: &[u8]) -> &'static str {
    let (body, _) = body(talk);
    assert_eq!(body.bytes(), &sent[..sent.len().min(talk.limits.keep_body)]);
    assert_eq!((body.decoded_size(), body.size()), (None, sent.len() as u64));
    body.undecoded().unwrap().name()
}

#[test]
fn every_coding_is_undone() {
    for (coding, coded) in CODED {
        let (found, odd) = body(&get(response(coding, coded), keeping(10)));
        assert_eq!((found.bytes(), found.decoded_size()), (&PAGE[..10], Some(PAGE.len() as u64)), "{coding}");
        assert_eq!((found.raw(), found.size()), (&coded[..10], coded.len() as u64));
        assert_eq!((found.undecoded(), odd), (None, vec![]), "{coding}");
        // Nothing kept, nothing decoded, unless decoding is asked for.
        let (found, _) = body(&get(response(coding, coded), keeping(0)));
        assert_eq!((found.decoded_size(), found.undecoded()), (None, None));
        let (found, _) =
            body(&get(response(coding, coded), Limits { decode: Decode::Always, ..Limits::default() }));
        assert_eq!(found.decoded_size(), Some(PAGE.len() as u64));
        let (found, _) = body(&get(response(coding, coded), Limits { decode: Decode::Never, ..keeping(9) }));
        assert_eq!((found.bytes(), found.undecoded()), (&coded[..9], None));
    }
}

#[test]
fn what_is_cut_off_or_broken_stays_as_sent() {
    for (coding, coded) in CODED {
        // Behind the compressed data gzip has 8 bytes of checksum and length.
        let cut = &coded[..coded.len() - 9];
        assert_eq!(undecoded(&get(response(coding, cut), keeping(40)), cut), "truncated", "{coding}");
        let head = &coded[..1];
        assert_eq!(undecoded(&get(response(coding, head), keeping(40)), head), "truncated", "{coding}");
        let broken = b"\x07not that";
        assert_eq!(undecoded(&get(response(coding, broken), keeping(3)), broken), "broken", "{coding}");
    }
    // What the connection did not deliver is missing of the coding too; what was made of the rest is there.
    let mut cut = response("gzip", GZIP);
    cut.truncate(cut.len() - 12);
    let (found, _) = body(&get(cut, keeping(100)));
    assert_eq!(found.undecoded().map(|reason| reason.name()), Some("truncated"));
    assert!(PAGE.starts_with(found.decoded()) && !found.decoded().is_empty());
}

#[test]
fn codings_are_listed_in_one_line_or_several() {
    let coded = include_bytes!("data/page.gz.br");
    for codings in ["Content-Encoding: gzip,br", "Content-Encoding: x-gzip\r\nX: y\r\ncontent-encoding: ,br,"]
    {
        let head = format!("HTTP/1.1 200 OK\r\n{codings}\r\nContent-Length: {}\r\n\r\n", coded.len());
        let (found, _) = body(&get([head.as_bytes(), coded].concat(), keeping(10_000)));
        assert_eq!(found.bytes(), PAGE);
    }
    let wrong_way = get(response("br, gzip", coded), keeping(200));
    assert_eq!(undecoded(&wrong_way, coded), "broken");
}

#[test]
fn what_is_around_the_name_of_a_coding_is_passed_over() {
    for coding in ["gzip;", ": gzip", "\0gzip\x0b", "\u{a0}gzip", "\"gzip\"", "identity;, gzip;"] {
        let (found, _) = body(&get(response(coding, GZIP), keeping(10_000)));
        assert_eq!(found.bytes(), PAGE, "{coding:?}");
    }
    for coded in [&include_bytes!("data/page.zlib")[..], include_bytes!("data/page.deflate")] {
        assert_eq!(body(&get(response("x-deflate", coded), keeping(10_000))).0.bytes(), PAGE);
    }
}

#[test]
fn codings_that_are_not_undone_are_named() {
    for (coding, name) in [
        ("gz\0ip", "unknown-coding"),
        ("gzip q", "unknown-coding"),
        (";", "unknown-coding"),
        ("compress", "unknown-coding"),
        ("bogus", "unknown-coding"),
        ("gzip, bogus", "unknown-coding"),
        ("gzip, gzip, gzip, gzip, gzip", "too-many-codings"),
    ] {
        assert_eq!(undecoded(&get(response(coding, b"abc"), keeping(9)), b"abc"), name);
    }
    let (found, _) = body(&get(response("identity", b"abc"), keeping(9)));
    assert_eq!((found.bytes(), found.undecoded()), (&b"abc"[..], None));
    let (found, _) = body(&get(response("gzip", b""), keeping(9)));
    assert_eq!((found.bytes(), found.undecoded(), found.decoded_size()), (&b""[..], None, None));
}

#[test]
fn members_and_frames_follow_one_another_and_what_is_behind_them_is_named() {
    let skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
    let empty = b"\x50\x2a\x4d\x18\0\0\0\0";
    let size = PAGE.len() as u64;
    for (coding, parts, members) in [
        ("gzip", &[GZIP, GZIP][..], 2),
        ("zstd", &[ZSTD, ZSTD], 2),
        ("zstd", &[skippable, ZSTD, empty, skippable, ZSTD], 2),
        ("zstd", &[skippable], 0),
    ] {
        let (found, odd) = body(&get(response(coding, &parts.concat()), keeping(1)));
        assert_eq!((found.decoded_size(), odd), (Some(members * size), vec![]), "{coding}");
    }
    for (coding, coded, behind) in [
        ("gzip", GZIP, &b"xyz"[..]),
        ("gzip", GZIP, b"\0\0"),
        ("br", BROTLI, b"xyz"),
        ("zstd", ZSTD, b"xyz"),
        ("zstd", ZSTD, b"(xyz"),
        ("zstd", ZSTD, b"P"),
        ("deflate", include_bytes!("data/page.zlib"), b"xyz"),
        ("deflate", include_bytes!("data/page.deflate"), b"xyz"),
    ] {
        let (found, odd) = body(&get(response(coding, &[coded, behind].concat()), keeping(1)));
        assert_eq!((found.decoded_size(), odd), (Some(size), vec!["data-behind-coding"]), "{coding}");
    }
    // An empty stored block is a whole deflate stream, of two bytes or of five.
    for empty in [&b"\x03\0"[..], b"\x01\0\0\xff\xff"] {
        let (found, odd) = body(&get(response("deflate", empty), keeping(1)));
        assert_eq!((found.decoded_size(), odd), (Some(0), vec![]));
    }
}

#[test]
fn every_field_of_a_gzip_header_is_read() {
    let data = &GZIP[10..];
    let fields: [(u8, &[u8]); 4] =
        [(4, b"\x03\0abc"), (8, b"name\0"), (16, b"a comment\0"), (2, b"\x12\x34")];
    for choice in 0..16_u8 {
        let mut header = GZIP[..10].to_vec();
        header[3] = 1; // "Text" means nothing.
        for (number, (flag, field)) in fields.iter().enumerate() {
            if choice & 1 << number != 0 {
                header[3] |= flag;
                header.extend_from_slice(field);
            }
        }
        let (found, odd) = body(&get(response("gzip", &[&header, data].concat()), keeping(10)));
        assert_eq!((found.bytes(), odd), (&PAGE[..10], vec![]), "fields {choice:#06b}");
        assert_eq!(undecoded(&get(response("gzip", &header), keeping(9)), &header), "truncated");
    }
    let mut reserved = GZIP.to_vec();
    reserved[3] = 0x20;
    assert_eq!(undecoded(&get(response("gzip", &reserved), keeping(9)), &reserved), "broken");
    let empty_extra = [&GZIP[..3], &[4], &GZIP[4..10], &[0, 0], data].concat();
    assert_eq!(body(&get(response("gzip", &empty_extra), keeping(9))).0.bytes(), &PAGE[..9]);
    // A preset dictionary, which nobody can know.
    let dictionary = b"\x78\xbb\0\0\0\0\x03\0";
    assert_eq!(undecoded(&get(response("deflate", dictionary), keeping(9)), dictionary), "broken");
}

#[test]
fn a_wrong_checksum_is_said_and_takes_nothing_away() {
    let zlib: &[u8] = include_bytes!("data/page.zlib");
    for (coding, coded, places) in
        [("gzip", GZIP, &[8, 4, 1][..]), ("deflate", zlib, &[4, 1]), ("zstd", ZSTD, &[4, 1])]
    {
        for place in places {
            let mut wrong = coded.to_vec();
            wrong[coded.len() - place] ^= 1;
            let (found, odd) = body(&get(response(coding, &wrong), keeping(10_000)));
            assert_eq!((found.bytes(), odd), (PAGE, vec!["coding-checksum"]), "{coding} at -{place}");
        }
    }
    // Cut off in the checksum, all of the content is there.
    for (coding, coded, cut) in
        [("gzip", GZIP, 8), ("gzip", GZIP, 3), ("deflate", zlib, 4), ("deflate", zlib, 1)]
    {
        let (found, odd) = body(&get(response(coding, &coded[..coded.len() - cut]), keeping(10_000)));
        assert_eq!((found.bytes(), odd), (PAGE, vec!["coding-checksum"]), "{coding} without {cut}");
    }
}

#[test]
fn a_bomb_is_stopped() {
    for (coding, bomb) in ZEROS {
        let mut talk = get(response(coding, bomb), keeping(5));
        assert_eq!(undecoded(&talk, bomb), "ratio-limit", "{coding}");
        talk.limits.ratio = 1 << 40;
        talk.limits.decoded = 10 << 20;
        assert_eq!(undecoded(&talk, bomb), "size-limit", "{coding}");
        talk.limits.decoded = 16 << 20;
        let (found, _) = body(&talk);
        assert_eq!((found.bytes(), found.decoded_size()), (&[0; 5][..], Some(16 << 20)), "{coding}");
    }
    // What the first of two codings becomes is bounded too, even if the second makes nothing of it.
    let nothings = include_bytes!("data/nothings.gz");
    assert_eq!(undecoded(&get(response("deflate, gzip", nothings), keeping(5)), nothings), "ratio-limit");
}

#[test]
fn decoding_stops_at_the_limit_to_the_byte() {
    for (coding, coded) in CODED {
        for limit in [0, 1, 100, PAGE.len() - 1] {
            let talk = get(response(coding, coded), Limits { decoded: limit as u64, ..keeping(10_000) });
            assert_eq!(undecoded(&talk, coded), "size-limit", "{coding} to {limit}");
            let (found, _) = body(&talk);
            let made = found.decoded();
            // What is between two codings is held to the limit too.
            let exact = made.len() == limit || coding.contains(',') && made.len() < limit;
            assert!(PAGE.starts_with(made) && exact, "{coding} to {limit}: {}", made.len());
        }
        let talk = get(response(coding, coded), Limits { decoded: PAGE.len() as u64, ..keeping(10_000) });
        assert_eq!(body(&talk).0.bytes(), PAGE, "{coding}");
    }
}

#[test]
fn windows_are_bounded_and_charged() {
    // 16 MiB where 8 are allowed.
    let wide = include_bytes!("data/wide.zst");
    assert_eq!(undecoded(&get(response("zstd", wide), keeping(40)), wide), "window-limit");
    for (coding, coded) in LONG {
        let limits = Limits { memory: 200 << 10, ..keeping(10) };
        assert_eq!(undecoded(&get(response(coding, coded), limits), coded), "memory-limit", "{coding}");
        let (found, _) = body(&get(response(coding, coded), Limits { memory: 3 << 20, ..limits }));
        assert_eq!(found.decoded_size(), Some(300_000), "{coding}");
    }
    for (coding, coded) in CODED {
        let limits = Limits { memory: 8 << 10, ..keeping(10) };
        assert_eq!(undecoded(&get(response(coding, coded), limits), coded), "memory-limit", "{coding}");
    }
}

#[test]
fn what_decoders_take_is_given_back() {
    use common::{CLIENT, SERVER, flow};
    use egret_http::{Connection, Context, Ending, Moment, Opened, Piece, Timestamp};
    let mut context = Context::new(|_: &Exchange| (), keeping(10));
    let mut held = Vec::new();
    let codings: Vec<_> = CODED.into_iter().chain(LONG).chain(ZEROS).collect();
    for round in 0..200 {
        let (coding, coded) = codings[round * 7 % codings.len()];
        let mut connection = Connection::new(1, flow(), Opened::Handshake);
        let request = b"GET / HTTP/1.1\r\n\r\n";
        connection.data(Piece::new(CLIENT, Timestamp::EPOCH, request), &mut context);
        let response = response(coding, coded);
        // Cut off now and then.
        let response = &response[..response.len() - round % 3 * 5];
        for piece in response.chunks([1_000, 50][round % 2]) {
            connection.data(Piece::new(SERVER, Timestamp::EPOCH, piece), &mut context);
            assert!(context.memory_used() <= context.limits().memory);
        }
        connection.close(Ending::Finished, Moment::default(), &mut context);
        held.push(context.memory_used());
    }
    assert!(held.iter().all(|held| *held < 4 << 20), "{held:?}");
    assert_eq!(held[150], held[150 + codings.len()], "what is held grows");
}

#[test]
fn damaged_bodies_are_read_as_far_as_they_go() {
    let mut random = 1_u32;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    for round in 0..300 {
        for (coding, coded) in CODED.into_iter().chain(LONG) {
            let mut damaged = coded.to_vec();
            for _ in 0..=round % 3 {
                let place = next(coded.len().min(200));
                damaged[place] = next(256) as u8;
            }
            let talk = get(response(coding, &damaged), keeping(1_000));
            let (found, _) = talk.run(|exchange| exchange.response().unwrap().body().clone());
            assert_eq!(found[0].size(), damaged.len() as u64);
            assert!(found[0].decoded_size().is_some() != found[0].undecoded().is_some(), "{coding}");
        }
    }
}

#[test]
fn digests_of_what_was_sent_and_what_it_became() {
    const OF_PAGE: &str = "a668de3c5f99235a6600646c9fcd83c9c4fdfeff3ff5063baabed379c6668074";
    const OF_LONG: &str = "b408f31c604173e78c603964b9950c827c674ff3caa8921017a4fb3590372c20";
    const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let limits = Limits { digest: true, ..Limits::default() };
    let hex = |digest: Option<&[u8; 32]>| {
        digest.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let digests = |talk: &Talk| {
        let (body, _) = body(talk);
        (hex(body.sha256()), hex(body.decoded_sha256()))
    };
    let (page, long) = (Some(OF_PAGE.to_owned()), Some(OF_LONG.to_owned()));
    let plain = digests(&get(response("identity", PAGE), limits));
    assert_eq!(plain, (page.clone(), None));
    for (coding, coded) in CODED {
        let sent = digests(&get(response("identity", coded), limits)).0;
        assert_eq!(digests(&get(response(coding, coded), limits)), (sent, page.clone()), "{coding}");
    }
    for (coding, coded) in LONG {
        assert_eq!(digests(&get(response(coding, coded), limits)).1, long, "{coding}");
    }
    // Nothing decoded, but all sent.
    let broken = digests(&get(response("gzip", b"no gzip"), limits));
    assert!(broken.0.is_some() && broken.1.is_none());
    let nothing = Some(OF_NOTHING.to_owned());
    assert_eq!(digests(&get(response("gzip", b""), limits)), (nothing.clone(), None));
    let mut requests = get("HTTP/1.1 204 No\r\n\r\n", limits)
        .run(|exchange| hex(exchange.request().unwrap().body().sha256()))
        .0;
    assert_eq!(requests.pop(), Some(nothing));
    // Nothing is digested over a hole.
    let holey = Talk { limits, ..Talk::new() }
        .client("GET / HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        .lose_server("def")
        .server("ghi");
    assert_eq!(digests(&holey), (None, None));
    assert_eq!(digests(&get(response("gzip", GZIP), keeping(9))), (None, None), "not asked for");
}
