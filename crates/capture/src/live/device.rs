//! The interfaces of this machine.

use std::net::IpAddr;

use super::handle;
use crate::Error;

/// An interface that could be captured on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Its name, for [`Capture::live`](crate::Capture::live).
    pub name: String,
    /// What people call it, if anyone does.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// It is switched on.
    pub up: bool,
    /// It has a carrier.
    pub running: bool,
    /// It is the machine talking to itself.
    pub loopback: bool,
    /// It is a radio.
    pub wireless: bool,
    /// Whether this process may capture on it; `None` where that cannot be told without trying.
    pub permitted: Option<bool>,
}

/// The interfaces of this machine, in libpcap's order: the likeliest first.
///
/// # Errors
/// libpcap cannot list them.
pub fn devices() -> Result<Vec<Device>, Error> {
    let listed = pcap::Device::list().map_err(|error| Error::Live {
        interface: "interfaces".to_owned(),
        message: handle::message(error),
    })?;
    let capable = has_net_raw();
    Ok(listed
        .into_iter()
        .map(|device| Device {
            permitted: capable.filter(|_| is_network_interface(&device.name)),
            up: device.flags.is_up(),
            running: device.flags.is_running(),
            loopback: device.flags.is_loopback(),
            wireless: device.flags.is_wireless(),
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            description: device.desc,
            name: device.name,
        })
        .collect())
}

/// Whether capturing on the interface needs what [`has_net_raw`] looks for: other devices (USB, Bluetooth, netfilter
/// logs) have rules of their own.
fn is_network_interface(name: &str) -> bool {
    name == "any" || std::path::Path::new("/sys/class/net").join(name).exists()
}

/// Whether this process has the capability `CAP_NET_RAW`, which Linux asks for to open a packet socket.
fn has_net_raw() -> Option<bool> {
    const CAP_NET_RAW: u32 = 13;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(line.trim(), 16).ok()?;
    Some(effective >> CAP_NET_RAW & 1 == 1)
}
