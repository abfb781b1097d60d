//! The layers of every fixture, one line a packet, against `NAME.layers` beside `NAME.pcap` or `NAME.pcapng`.
//!
//! `UPDATE_EXPECT=1 cargo test -p egret-decode --test golden` writes them anew; read the difference before you keep it.

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use egret_decode::{Capture, decode, layers};
    use expect_test::expect_file;

    /// The captures in the folders of `fixtures/`, sorted.
    fn captures() -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        let list = |folder: &Path| -> Vec<PathBuf> {
            let entries = folder.read_dir().expect("a folder that can be read");
            entries.map(|entry| entry.expect("an entry that can be read").path()).collect()
        };
        let folders = list(&root).into_iter().filter(|path| path.is_dir());
        let mut captures: Vec<_> = folders
            .flat_map(|folder| list(&folder))
            .filter(|path| {
                path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
            })
            .collect();
        captures.sort();
        captures
    }

    fn listing(capture: &Path) -> String {
        let mut capture = Capture::open(capture).expect("a fixture that can be opened");
        let mut text = String::new();
        while let Some(packet) = capture.next_packet().expect("a fixture that can be read") {
            let layers: Vec<_> = layers(packet).iter().map(|layer| layer.to_string()).collect();
            write!(text, "{} {}", packet.number, layers.join(" | ")).expect("a string takes everything");
            if let Some(stop) = decode(packet).stop {
                write!(text, " | stopped: {stop}").expect("a string takes everything");
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn every_fixture_has_the_layers_it_had() {
        let captures = captures();
        assert!(!captures.is_empty(), "no fixtures found");
        for capture in captures {
            // A missing golden is an empty one, which no capture with packets equals.
            expect_file![capture.with_extension("layers")].assert_eq(&listing(&capture));
        }
    }
}
