//! `cargo xtask tidy`: the rules of the house that a compiler does not check.
//!
//! Every rule is a function from text to complaints, so that it is tested on made-up input; each complaint names the
//! place and says the fix.

mod fixtures;
mod house;
mod layers;
mod links;
mod source;

use anyhow::{Result, bail};

use crate::workspace::{self, LIBRARIES, files, read, shown};

pub(crate) fn run() -> Result<()> {
    let mut complaints = Vec::new();
    complaints.extend(house::top_level(&house::entries()?));
    let crates = workspace::root().join("crates");
    for name in LIBRARIES {
        let manifest = crates.join(name).join("Cargo.toml");
        complaints.extend(layers::check(name, &read(&manifest)?));
    }
    let mut lines = [0, 0];
    for folder in ["crates", "xtask"] {
        for path in files(&workspace::root().join(folder), "rs")? {
            let place = shown(&path);
            let file = source::File { place: &place, text: &read(&path)? };
            complaints.extend(source::check(&file));
            if let Some(count) = if file.is_library() { lines.first_mut() } else { lines.last_mut() } {
                *count += if file.is_library() || file.is_command() { file.code().count() } else { 0 };
            }
        }
    }
    complaints.extend(house::proportion(lines));
    for path in files(workspace::root(), "md")? {
        complaints.extend(links::check(&path, &read(&path)?));
    }
    complaints.extend(fixtures::check()?);

    if complaints.is_empty() {
        println!("tidy: no complaints");
        return Ok(());
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    bail!("tidy has {} complaints, above", complaints.len())
}
