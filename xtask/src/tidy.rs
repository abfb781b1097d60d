//! `cargo xtask tidy`.
use anyhow::Result;
pub(crate) fn run() -> Result<()> {
    for l in crate::workspace::LIBRARIES {
        let _ = l;
    }
    Ok(())
}
