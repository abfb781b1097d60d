//! `egret interfaces`: what can be captured on.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::Form;

#[cfg(not(feature = "libpcap"))]
pub(crate) fn run(_: &Form) -> Result<ExitCode> {
    anyhow::bail!("cannot list interfaces: {}", crate::pipeline::NO_LIBPCAP)
}

#[cfg(feature = "libpcap")]
pub(crate) fn run(form: &Form) -> Result<ExitCode> {
    let mut out = crate::output::Output::new(&form.look)?;
    let devices = egret_capture::devices()?;
    let width = devices.iter().map(|device| device.name.chars().count()).max().unwrap_or(0);
    for device in &devices {
        if form.json {
            out.json(|json| with_libpcap::write(device, json));
        } else {
            out.line(with_libpcap::Line { device, width });
        }
    }
    out.flush();
    out.check()?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "libpcap")]
mod with_libpcap {
    use std::fmt;

    use egret_capture::Device;

    use crate::output::json::Json;

    pub(super) fn write(device: &Device, json: &mut Json<'_>) {
        json.put("name", &device.name);
        json.maybe("description", device.description.as_ref());
        json.put("addresses", &device.addresses);
        json.put("up", device.up);
        json.put("running", device.running);
        json.put("loopback", device.loopback);
        json.maybe("permitted", device.permitted);
    }

    /// `NAME  STATE  ADDRESSES  (DESCRIPTION)`
    pub(super) struct Line<'a> {
        pub(super) device: &'a Device,
        /// Columns of the longest name.
        pub(super) width: usize,
    }

    impl fmt::Display for Line<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Device { name, description, addresses, up, running, loopback, permitted, .. } = self.device;
            let width = self.width;
            let state = match (up, running) {
                (true, true) => "running",
                (true, false) => "up",
                _ => "down",
            };
            let permitted = match permitted {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            write!(f, "{name:<width$}  {state:<7}  capture: {permitted:<7}")?;
            if *loopback {
                f.write_str("  loopback")?;
            }
            addresses.iter().try_for_each(|address| write!(f, "  {address}"))?;
            match description {
                Some(description) => write!(f, "  ({description})"),
                None => Ok(()),
            }
        }
    }
}
