//! The table in `tests/README.md` names only fixtures, tests and cases that exist.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::path::Path;

/// What stands between pairs of a mark, in the rows of the table.
fn marked<'t>(table: &'t str, open: &str, close: &str) -> Vec<&'t str> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let in_row = |row: &'t str| {
        let parts = row.split(open).skip(1);
        parts.filter_map(|part| part.split_once(close)).map(|(name, _)| name).collect::<Vec<_>>()
    };
    rows.flat_map(in_row).collect()
}

#[test]
fn whoever_is_named_exists() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(home.join(path)).unwrap_or_default();
    let table = read("tests/README.md");
    let (mut fixtures, mut tests) = (0, 0);
    for name in
        table.lines().filter(|line| line.starts_with("| ")).flat_map(|row| row.split('`').skip(1).step_by(2))
    {
        if let Some((file, test)) = name.split_once("::") {
            let text = ["tests", "src"].map(|folder| read(&format!("{folder}/{file}.rs"))).concat();
            assert!(
                text.contains(&format!("fn {test}(")),
                "{name} is in the table, but there is no such test"
            );
            tests += 1;
        } else {
            let script = home.join("../../fixtures").join(format!("{name}.script"));
            assert!(script.is_file(), "{name} is in the table, but there is no {}", script.display());
            fixtures += 1;
        }
    }
    let kernel = read("tests/kernel/main.rs");
    let cases = marked(&table, "*\"", "\"*");
    for case in &cases {
        assert!(kernel.contains(&format!("\"{case}\"")), "no case of the kernel test is called {case:?}");
    }
    assert!(fixtures > 60 && tests > 60 && cases.len() > 10, "{fixtures} fixtures, {tests} tests");
}
