//! `cargo xtask record`.
use anyhow::Result;
pub(crate) fn run() -> Result<()> {
    crate::setup::program("nginx", &crate::setup::NGINX)?;
    crate::setup::program("curl", &crate::setup::CURL)?;
    Ok(())
}
