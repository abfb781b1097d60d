//! Writes the first inputs of each target, made from the captures below a folder: `seeds CAPTURES CORPUS`.

use std::fs;
use std::path::{Path, PathBuf};

use egret_http::{Direction, Exchange, Message};
use egret_http_fuzz::script::{Call, Cut};
use egret_http_fuzz::{captured, laws};

fn main() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(captures), Some(corpus), None) = (words.next(), words.next(), words.next()) else {
        panic!("usage: seeds CAPTURES CORPUS");
    };
    let mut seeds = Seeds { corpus, written: 0 };
    walk(&captures, &mut |path| {
        for script in captured::scripts(path) {
            seeds.write("connection", &script.write());
            for call in &script.calls {
                if let Call::Data(direction, _, bytes) = call {
                    seeds.head(*direction, bytes);
                }
            }
            script.run(Cut::Whole).exchanges.iter().for_each(|exchange| seeds.bodies(exchange));
        }
    });
    println!("{} inputs", seeds.written);
}

struct Seeds {
    corpus: PathBuf,
    written: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, input: &[u8]) {
        // libFuzzer takes nothing of an input beyond this, and learns faster from short ones.
        if input.len() > 4_000 {
            return;
        }
        let folder = self.corpus.join(target);
        self.written += 1;
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(format!("fixture-{:04}", self.written)), input));
        written.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }

    fn head(&mut self, direction: Direction, bytes: &[u8]) {
        let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return };
        self.write("head", &[&[direction as u8], &bytes[..end + 4]].concat());
        // The bytes of a chunked body begin behind its head.
        if bytes[..end].to_ascii_lowercase().windows(7).any(|word| word == b"chunked") {
            self.write("chunked", &bytes[end + 4..]);
        }
    }

    fn bodies(&mut self, exchange: &Exchange) {
        let messages =
            [exchange.request().map(|message| &**message), exchange.response().map(|message| &**message)];
        for message in messages.into_iter().flatten() {
            let message: &Message = message;
            let coding = message.encodings().collect::<Vec<_>>().join(", ");
            if let (Some(number), false) = (laws::coding(&coding), message.body().raw().is_empty()) {
                self.write("content", &[&[number], message.body().raw()].concat());
            }
        }
    }
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            visit(&path);
        }
    }
}
