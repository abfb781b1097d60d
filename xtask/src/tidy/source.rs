//! Rules about the text of Rust files.

use crate::workspace::LIBRARIES;

/// A Rust file by its place from the top of the project.
pub(super) struct File<'a> {
    pub(super) place: &'a str,
    pub(super) text: &'a str,
}

/// The lines of a file, its tests aside, may be at most so many.
const LONGEST: usize = 500;

impl<'a> File<'a> {
    fn is_in(&self, name: &str) -> bool {
        self.place
            .strip_prefix("crates/")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|r| r.starts_with("/src/"))
    }

    /// Whether it is a library's own code: not an example, not a test.
    pub(super) fn is_library(&self) -> bool {
        LIBRARIES.iter().any(|name| self.is_in(name))
    }

    pub(super) fn is_command(&self) -> bool {
        self.is_in("cli")
    }

    fn is_test(&self) -> bool {
        self.place.contains("/tests/")
    }

    /// The lines up to the tests, with their numbers.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

pub(super) fn check(file: &File<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    if !file.text.starts_with("//! ") {
        complaints.push(format!(
            "{}:1: begins without `//! `; say what the file is, promises and refuses",
            file.place
        ));
    }
    let lines = file.code().count();
    if lines > LONGEST && !file.is_test() {
        complaints.push(format!(
            "{}: {lines} lines without its tests, {LONGEST} at most; divide it by what it is about",
            file.place
        ));
    }
    for (number, line) in file.text.lines().enumerate() {
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            complaints.push(format!("{}:{}: `{word}`; finish it, or file an issue", file.place, number + 1));
        }
    }
    if file.is_library() {
        complaints.extend(globals(file));
        complaints.extend(foreign_types(file));
    }
    complaints
}

/// Written in two pieces, so that this file does not complain about itself.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimpl", "emented!(")];

/// What makes a result depend on something else than what was passed in.
const AMBIENT: [(&str, &str); 12] = [
    ("Instant::now", "time is packet time: take a Timestamp"),
    ("SystemTime::now", "time is packet time: take a Timestamp"),
    ("static mut ", "pass the value in"),
    ("thread_local!", "pass the value in"),
    ("lazy_static", "pass the value in"),
    ("OnceLock", "pass the value in"),
    ("OnceCell", "pass the value in"),
    ("LazyLock", "pass the value in"),
    ("LazyCell", "pass the value in"),
    ("env::var", "libraries read no environment: take a value"),
    ("env::args", "libraries read no arguments: take a value"),
    ("std::process::exit", "return an error"),
];

/// How many lines an `#[expect(clippy::disallowed_methods, …)]` reaches.
const EXCUSED_FOR: usize = 6;

fn globals<'a>(file: &'a File<'_>) -> impl Iterator<Item = String> + 'a {
    // The one exception is announced as such to clippy, with its reason, a few lines before.
    let excused = |number: usize| {
        let near = file.code().skip(number.saturating_sub(EXCUSED_FOR)).take(EXCUSED_FOR);
        near.into_iter().any(|(_, line)| line.contains("clippy::disallowed_methods"))
    };
    file.code().filter(|(_, line)| !line.trim_start().starts_with("//")).filter_map(move |(number, line)| {
        let (what, fix) =
            AMBIENT.iter().find(|(what, _)| line.contains(what)).or_else(|| shared_static(line))?;
        if what.ends_with("::now") && excused(number) {
            return None;
        }
        Some(format!("{}:{number}: `{}` in a library crate; {fix}", file.place, what.trim()))
    })
}

/// A `static` that can change.
fn shared_static(line: &str) -> Option<&'static (&'static str, &'static str)> {
    const SHARED: (&str, &str) = ("static", "a value that changes is no global: pass it in");
    let declared = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
    let changes = ["Atomic", "Mutex", "RwLock", "Cell<"].iter().any(|word| declared.contains(word));
    (declared.starts_with("static ") && changes).then_some(&SHARED)
}

/// The crates whose types must not be seen from outside: they would become part of our own promises.
const HIDDEN: [&str; 4] = ["pcap", "pcap_parser", "pnet_packet", "httparse"];

/// Names of hidden crates in signatures, fields, variants and trait implementations that a user can see.
fn foreign_types(file: &File<'_>) -> Vec<String> {
    let imported: Vec<&str> = file.code().flat_map(|(_, line)| imports(line)).collect();
    let mut complaints = Vec::new();
    let mut item: Option<Item> = None;
    for (number, whole) in file.code() {
        let line = whole.trim();
        if line.starts_with("//") {
            continue;
        }
        item = item.or_else(|| Item::begins(line));
        let Some(open) = item else { continue };
        // Where the body of a function begins, what is seen from outside is over.
        let seen = if line.starts_with("pub use") { line } else { line.split('{').next().unwrap_or(line) };
        let words = || seen.split(|c: char| !c.is_alphanumeric() && c != '_');
        let of_path =
            |name: &&&str| seen.contains(&format!("{name}::")) && words().any(|word| word == **name);
        let path = HIDDEN.iter().find(of_path).copied();
        if let Some(name) =
            path.or_else(|| imported.iter().copied().find(|name| words().any(|word| word == *name)))
        {
            complaints.push(format!(
                "{}:{number}: `{name}` is seen from outside; wrap it in a type of our own, or keep it private",
                file.place
            ));
        }
        let over = match open {
            Item::Line => true,
            Item::Signature => line.contains(['{', ';']),
            Item::Variants => whole.starts_with('}') || line.ends_with("{}"),
        };
        if over {
            item = None;
        }
    }
    complaints
}

/// Something that can be seen from outside, by where it ends.
#[derive(Clone, Copy)]
enum Item {
    /// A field, a type, a `pub use`: with its line.
    Line,
    /// A function or an implementation: where its body begins.
    Signature,
    /// An enum: with its last brace, since its variants are as public as it is.
    Variants,
}

impl Item {
    /// What begins in this line, if anything does.
    fn begins(line: &str) -> Option<Self> {
        let signatures = ["pub fn ", "pub const fn ", "pub async fn ", "impl ", "impl<"];
        if signatures.iter().any(|word| line.starts_with(word)) {
            Some(Self::Signature)
        } else if line.starts_with("pub enum ") {
            Some(Self::Variants)
        } else {
            line.starts_with("pub ").then_some(Self::Line)
        }
    }
}

/// The names that `use hidden::{A, b::C as D}` brings in, types only.
fn imports(line: &str) -> Vec<&str> {
    let Some(path) = line.trim_start().strip_prefix("use ") else { return Vec::new() };
    if !HIDDEN.iter().any(|name| path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"))) {
        return Vec::new();
    }
    let names = path.split([',', '{', '}', ';']).filter_map(|part| part.rsplit([' ', ':']).next());
    names.filter(|name| name.starts_with(char::is_uppercase)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(place: &str, text: &str) -> Vec<String> {
        check(&File { place, text })
    }

    const LIBRARY: &str = "crates/http/src/x.rs";

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(complaints(LIBRARY, "//! It is this.\n"), [""; 0]);
        assert!(complaints(LIBRARY, "use x;\n")[0].contains("begins without"));
    }

    #[test]
    fn long_files_are_divided() {
        let long = format!("//! X.\n{}", "x\n".repeat(LONGEST - 1));
        assert_eq!(complaints(LIBRARY, &format!("{long}#[cfg(test)]\nmod tests {{\n}}\n")), [""; 0]);
        assert!(complaints(LIBRARY, &format!("{long}x\n"))[0].contains("501 lines"));
        assert_eq!(complaints("crates/http/tests/x.rs", &format!("{long}x\n")), [""; 0]);
    }

    #[test]
    fn nothing_is_left_unfinished() {
        for word in UNFINISHED {
            assert_eq!(complaints("xtask/src/x.rs", &format!("//! X.\n// {word}\n")).len(), 1, "{word}");
        }
    }

    #[test]
    fn libraries_depend_on_nothing_around_them() {
        for line in [
            "let now = std::time::Instant::now();",
            "static mut X: u8 = 0;",
            "static X: AtomicU64 = AtomicU64::new(0);",
            "pub(crate) static X: Mutex<u8> = Mutex::new(0);",
            "static X: OnceLock<u8> = OnceLock::new();",
            "let home = std::env::var(\"HOME\");",
        ] {
            let text = format!("//! X.\n{line}\n");
            assert_eq!(complaints(LIBRARY, &text).len(), 1, "{line}");
            assert_eq!(complaints("crates/cli/src/x.rs", &text), [""; 0], "{line}");
            assert_eq!(complaints(LIBRARY, &format!("//! X.\n#[cfg(test)]\n{line}\n")), [""; 0], "{line}");
        }
        assert_eq!(
            complaints(LIBRARY, "//! X.\nstatic X: &[u8] = &[1];\n// OnceLock would not do.\n"),
            [""; 0]
        );
    }

    #[test]
    fn types_of_others_stay_inside() {
        for wrong in [
            "pub fn raw(&self) -> &pcap::Device {",
            "pub fn raw(\n    &self,\n    head: httparse::Request,\n) {",
            "impl From<pcap::Error> for Error {",
            "    pub header: pnet_packet::tcp::TcpPacket<'a>,",
            "pub use pcap_parser::PcapError;",
            "pub enum Error {\n    /// Its own.\n    Other {\n        number: u8,\n    },\n    Pcap(pcap::Error),\n}",
            "use pcap::{Active, Capture as Raw};\npub fn raw() -> Raw<Active> {",
        ] {
            let found = complaints(LIBRARY, &format!("//! X.\n{wrong}\n"));
            assert!(!found.is_empty() && found[0].contains("seen from outside"), "{wrong}: {found:?}");
        }
        for fine in [
            "pub(crate) fn raw() -> pcap::Device {",
            "pub fn parse(&self) {\n    let x = httparse::parse(1);\n}",
            "pub fn open() -> Self { Self(pcap::open()) }",
            "use pcap::Device;\nfn raw() -> Device {",
            "pub struct X {\n    raw: pcap::Device,\n}",
            "/// Like pcap::Device.\npub fn x() {}",
        ] {
            assert_eq!(complaints(LIBRARY, &format!("//! X.\n{fine}\n")), [""; 0], "{fine}");
        }
    }
}
