//! Every message of the fixtures, in every cut into segments: the exchanges are the same to the last field.
//!
//! The calls of a connection are taken from the captures; the bytes of one call at a time are cut at every place, and
//! short ones at every two places. What the fuzz targets check of made-up inputs is checked of these too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test asserts by panicking; the fuzz targets use the rest"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::path::{Path, PathBuf};

use egret_http::{Connection, Context, Exchange, Opened};
use fuzz::script::{Call, Cut, Script};
use fuzz::{captured, laws};

/// What the captures of the fixtures tell, with the name of each.
fn conversations() -> Vec<(String, Script)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups = ["http", "real", "tcp"].map(|group| std::fs::read_dir(fixtures.join(group)).unwrap());
    let mut paths: Vec<PathBuf> = groups.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng"));
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        captured::scripts(&path).into_iter().map(move |script| (name.clone(), script))
    };
    paths.into_iter().flat_map(named).collect()
}

/// Whether all of it was seen. Behind a hole a direction is found again only where a segment begins, so that there
/// another cut may, and does, find more or less.
fn is_whole(script: &Script) -> bool {
    script.opened == Opened::Handshake && !script.calls.iter().any(|call| matches!(call, Call::Gap(..)))
}

/// The numbers and lengths of the calls that bring bytes.
fn data(script: &Script) -> impl Iterator<Item = (usize, usize)> {
    script.calls.iter().enumerate().filter_map(|(number, call)| match call {
        Call::Data(_, _, bytes) => Some((number, bytes.len())),
        _ => None,
    })
}

#[test]
fn every_message_cut_at_every_byte_gives_the_same() {
    let (mut conversations_cut, mut cuts) = (0, 0);
    for (name, script) in conversations() {
        if !is_whole(&script) || script.loses_its_way(Cut::Whole) {
            continue;
        }
        conversations_cut += 1;
        let whole = script.run(Cut::Whole);
        let total: usize = data(&script).map(|(_, length)| length).sum();
        for (number, length) in data(&script) {
            // A long body is the same everywhere: in one, places that follow no pattern.
            let is_due = |place: &usize| {
                total < 6_000 || *place < 600 || length - place < 200 || place.is_multiple_of(211)
            };
            for place in (1..length).filter(is_due) {
                cuts += 1;
                let pieces = script.run(Cut::At(number, place, place));
                assert!(
                    pieces.is_same(&whole),
                    "{name}: call {number} cut at {place}: {:#?}\ninstead of {:#?}",
                    pieces.exchanges,
                    whole.exchanges
                );
            }
        }
    }
    println!("{conversations_cut} conversations, {cuts} cuts");
}

#[test]
fn short_messages_cut_at_every_two_bytes_give_the_same() {
    let mut cuts = 0;
    for (name, script) in conversations() {
        let total: usize = data(&script).map(|(_, length)| length).sum();
        if !is_whole(&script) || total > 1_500 || script.loses_its_way(Cut::Whole) {
            continue;
        }
        let whole = script.run(Cut::Whole);
        for (number, length) in data(&script).filter(|(_, length)| *length <= 300) {
            for first in 1..length {
                for second in first + 1..length {
                    cuts += 1;
                    let pieces = script.run(Cut::At(number, first, second));
                    assert!(pieces.is_same(&whole), "{name}: call {number} cut at {first} and {second}");
                }
            }
        }
    }
    println!("{cuts} cuts");
}

#[test]
fn what_the_fuzz_targets_check_holds_for_the_fixtures() {
    for (_, script) in conversations() {
        let input = script.write();
        laws::connection(&input);
        // In small limits, with next to no memory, and as if it had begun before.
        for options in 1..8 {
            laws::connection(&[&[input[0] ^ options], &input[1..]].concat());
        }
        for call in &script.calls {
            let Call::Data(direction, _, bytes) = call else { continue };
            let bytes = &bytes[..bytes.len().min(3_000)];
            laws::head(&[&[*direction as u8], bytes].concat());
            laws::chunked(bytes);
            if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                laws::chunked(&bytes[end + 4..]);
                for coding in 0..8 {
                    laws::content(&[&[coding], &bytes[end + 4..]].concat());
                }
            }
        }
    }
}

#[test]
fn a_script_is_read_as_it_was_written() {
    let mut compared = 0;
    for (name, script) in conversations() {
        let mut offsets = [0_u64; 2];
        let natural = script.calls.iter().all(|call| match call {
            Call::Data(direction, ack, bytes) => {
                let at_once = *ack == Some(offsets[direction.reversed() as usize]);
                offsets[*direction as usize] += bytes.len() as u64;
                at_once
            }
            call => matches!(call, Call::End(_)),
        });
        if natural {
            compared += 1;
            assert_eq!(Script::read(&script.write()).calls, script.calls, "{name}");
        }
    }
    assert!(compared > 50, "only {compared} scripts could be compared");
}

#[test]
fn what_a_connection_held_is_given_back() {
    let scripts: Vec<Script> = conversations().into_iter().map(|(_, script)| script).collect();
    let mut context = Context::new(|_: &Exchange| (), scripts[0].limits);
    let mut held = Vec::new();
    for _ in 0..300 {
        for script in &scripts {
            let mut connection = Connection::new(1, script.flow(), script.opened);
            script.tell(Cut::Every(100), &mut connection, &mut context, |_| ());
        }
        held.push(context.memory_used());
    }
    // What stays are buffers to be used again, of which there is a fixed number; it takes some rounds until each has
    // its size.
    assert!(held[200..].iter().all(|bytes| *bytes == held[200]), "{held:?}");
    assert!(held[200] < 1 << 20, "{held:?}");
}

/// Found by the target `connection`.
#[test]
fn a_head_as_long_as_the_limit_is_whole_in_every_cut() {
    let head = b"GET /as-long-as-the-limit HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut script =
        Script::new(vec![Call::Data(egret_http::Direction::ClientToServer, Some(0), head.to_vec())]);
    for (limit, odd) in [(head.len(), 0), (head.len() - 1, 1)] {
        script.limits.head = limit;
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(head.len() - 1)] {
            let exchange = script.run(cut).exchanges.remove(0);
            assert_eq!(
                exchange.request().unwrap().anomalies().iter().count(),
                odd,
                "{limit}, {cut:?}: {exchange:?}"
            );
        }
    }
}

/// Found by the targets `head` and `connection`.
#[test]
fn an_interim_response_that_nobody_asked_for_is_told_also_where_it_is_cut() {
    for end in ["", "\r\n", "\r\nX: y\r\n\r\n"] {
        let response = format!("HTTP/1.1 103 Early Hints{end}");
        let script =
            Script::new(vec![Call::Data(egret_http::Direction::ServerToClient, Some(0), response.into())]);
        for cut in [Cut::Whole, Cut::Every(1)] {
            assert_eq!(script.run(cut).exchanges.len(), 1, "{end:?}");
        }
    }
}
