//! `egret interfaces`: what can be captured on.

use anyhow::Result;

use crate::args;

#[cfg(not(feature = "libpcap"))]
pub(crate) fn run(_: &args::Interfaces) -> Result<bool> {
    anyhow::bail!("cannot list interfaces: {}", crate::pipeline::NO_LIBPCAP)
}

#[cfg(feature = "libpcap")]
pub(crate) fn run(arguments: &args::Interfaces) -> Result<bool> {
    use crate::output::Output;

    let mut out = Output::new(&arguments.form.look)?;
    for device in &egret_capture::devices()? {
        if arguments.form.json {
            out.json(&with_libpcap::Record::from(device));
        } else {
            out.line(with_libpcap::Line(device));
        }
    }
    out.flush();
    out.check()?;
    Ok(true)
}

#[cfg(feature = "libpcap")]
mod with_libpcap {
    use std::fmt;
    use std::net::IpAddr;

    use egret_capture::Device;
    use serde::Serialize;

    #[derive(Serialize)]
    pub(super) struct Record<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        addresses: &'a [IpAddr],
        up: bool,
        running: bool,
        loopback: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        permitted: Option<bool>,
    }

    impl<'a> From<&'a Device> for Record<'a> {
        fn from(device: &'a Device) -> Self {
            let Device { name, description, addresses, up, running, loopback, permitted, .. } = device;
            Self {
                name,
                description: description.as_deref(),
                addresses,
                up: *up,
                running: *running,
                loopback: *loopback,
                permitted: *permitted,
            }
        }
    }

    /// `NAME  STATE  ADDRESSES  (DESCRIPTION)`
    pub(super) struct Line<'a>(pub(super) &'a Device);

    impl fmt::Display for Line<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Device { name, description, addresses, up, running, loopback, permitted, .. } = self.0;
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
            write!(f, "{name:<16}  {state:<8}  capture: {permitted:<8}")?;
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
