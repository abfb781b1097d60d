//! Makes a capture file of a workload, with what must be found in it beside it; or finds it where it was made before.
//!
//! Promises: the same workload, seed and scale give the same bytes; nothing but the connections that are open at the
//! time is held in memory; a file that is there under its name is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::bodies::Stock;
use super::conversation::{Conversation, Script};
use super::frame::{self, Header};
use super::random::Random;
use super::truth::{Row, State, Truth};
use super::workload::Workload;

/// Goes up when the same workload gives other bytes, so that old files are not taken for new ones.
const VERSION: u32 = 3;
const SEED: u64 = 1;

/// 2026-01-01T00:00:00Z.
const BEGIN: u64 = 1_767_225_600_000_000_000;

/// A capture with its truth.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) path: PathBuf,
    /// A line for each exchange, in the order of their numbers: what [`Row`] says, a tab, and the state's word.
    pub(super) rows: PathBuf,
    pub(super) truth: Truth,
}

/// The capture of a workload, made in `folder` if it is not there.
pub(super) fn capture(workload: &Workload, label: &str, folder: &Path) -> Result<Capture> {
    let name = format!("{label}-{SEED}-v{VERSION}");
    let path = folder.join(format!("{name}.pcap"));
    let rows = folder.join(format!("{name}.rows"));
    let sums = folder.join(format!("{name}.json"));
    if let Ok(text) = fs::read_to_string(&sums)
        && let Ok(truth) = serde_json::from_str::<Truth>(&text)
        && fs::metadata(&path).is_ok_and(|file| file.len() == truth.bytes)
    {
        return Ok(Capture { path, rows, truth });
    }
    println!("making {}", path.display());
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let open = |path: &Path| -> Result<BufWriter<File>> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(BufWriter::with_capacity(1 << 20, file))
    };
    let truth = write(workload, &mut open(&path)?, &mut open(&rows)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    // Last, so that what was interrupted is made again.
    fs::write(&sums, serde_json::to_string(&truth)?)?;
    Ok(Capture { path, rows, truth })
}

fn write(workload: &Workload, to: &mut impl Write, rows: &mut impl Write) -> Result<Truth> {
    let mut random = Random::new(SEED);
    let stock = Stock::new(workload, &mut random)?;
    to.write_all(&file_header())?;
    let mut truth = Truth { bytes: 24, ..Truth::default() };
    let (mut intact, mut failed) = (0, None);
    let mut record = |row: &Row, state: State| {
        intact += u64::from(state == State::Intact);
        failed = writeln!(rows, "{row}\t{}", state.word()).err().or(failed.take());
    };
    let mut script = Script { workload, stock: &stock, exchanges: 0, record: &mut record, said: 0 };
    let begun = workload.open.min(workload.connections);
    let mut open: Vec<Conversation> =
        (0..begun).map(|number| Conversation::new(number, workload, &mut random)).collect();
    truth.connections = begun;
    let mut frame = Vec::new();
    let mut now = BEGIN;
    while !open.is_empty() {
        let chosen = random.below(open.len() as u64) as usize;
        let Some(conversation) = open.get_mut(chosen) else { break };
        let full = truth.bytes >= workload.bytes;
        if full {
            conversation.hurry();
        }
        let mut over = false;
        for _ in 0..=random.below(workload.burst) {
            let Some(packet) = conversation.next(&mut script, &mut random) else {
                over = true;
                break;
            };
            let header = Header {
                from: packet.from,
                flags: packet.flags,
                seq: packet.seq,
                ack: packet.ack,
                clock: (now / 1_000_000) as u32,
                number: truth.packets,
            };
            frame::write(&conversation.ends, header, conversation.payload(&packet), &mut frame);
            // As fast as a line of one gigabit takes it.
            now += frame::wire(&frame) as u64 * 8 + 304;
            frame::stamp(&mut frame, now);
            to.write_all(&frame)?;
            truth.packets += 1;
            truth.bytes += frame.len() as u64;
        }
        if over && !full && truth.connections < workload.connections {
            *conversation = Conversation::new(truth.connections, workload, &mut random);
            truth.connections += 1;
        } else if over {
            open.swap_remove(chosen);
        }
    }
    (truth.exchanges, truth.said) = (script.exchanges, script.said);
    truth.intact = intact;
    if let Some(error) = failed {
        return Err(error.into());
    }
    to.flush()?;
    rows.flush()?;
    Ok(truth)
}

/// Classic pcap, little-endian, microseconds, Ethernet.
fn file_header() -> [u8; 24] {
    let mut header = [0; 24];
    let words = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1_u32];
    for (slot, word) in header.chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(workload: &Workload) -> (Vec<u8>, String, Truth) {
        let (mut file, mut rows) = (Vec::new(), Vec::new());
        let truth = write(workload, &mut file, &mut rows).unwrap();
        (file, String::from_utf8(rows).unwrap(), truth)
    }

    #[test]
    fn a_workload_is_the_same_every_time_and_its_truth_fits() {
        let corner = Workload::named("corner").unwrap().scaled(0.02);
        let (file, rows, truth) = made(&corner);
        assert_eq!(made(&corner).0, file);
        assert_eq!(truth.bytes, file.len() as u64);
        assert_eq!(truth.exchanges, rows.lines().count() as u64);
        assert_eq!(truth.intact, rows.lines().filter(|row| row.ends_with("\tintact")).count() as u64);
        assert!(truth.intact < truth.exchanges, "some are damaged");
        assert!(truth.said > 0 && truth.said < truth.bytes);
    }

    #[test]
    fn the_records_follow_each_other_to_the_end() {
        let (file, _, truth) = made(&Workload::named("tiny").unwrap().scaled(0.001));
        let (mut rest, mut packets, mut last) = (&file[24..], 0, 0);
        while let Some((header, behind)) = rest.split_first_chunk::<16>() {
            let word = |place: usize| u32::from_le_bytes(header[place..place + 4].try_into().unwrap());
            let time = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
            assert!(time >= last, "time does not go back");
            (rest, packets, last) = (&behind[word(8) as usize..], packets + 1, time);
        }
        assert!(rest.is_empty());
        assert_eq!((packets, truth.exchanges), (truth.packets, 500));
    }
}
