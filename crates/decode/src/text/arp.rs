//! ARP, in tcpdump's words.

use std::fmt;

use crate::Arp;
use crate::link::Hardware;

/// `length` counts what is behind the packet too: tcpdump shows how far Ethernet padded it.
pub(super) fn packet(
    header: &Arp,
    length: usize,
    link_header: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let Arp { operation, sender_mac, sender_ip, target_mac, target_ip } = header;
    f.write_str(if link_header { "" } else { "ARP, " })?;
    let (sender, target) = (Hardware(sender_mac), Hardware(target_mac));
    match operation {
        1 => {
            write!(f, "Request who-has {target_ip}")?;
            if *target_mac != [0; 6] {
                write!(f, " ({target})")?;
            }
            write!(f, " tell {sender_ip}")?;
        }
        2 => write!(f, "Reply {sender_ip} is-at {sender}")?,
        3 => write!(f, "Reverse Request who-is {target} tell {sender}")?,
        4 => write!(f, "Reverse Reply {target} at {target_ip}")?,
        8 => write!(f, "InARP Request who-is {target} tell {sender_ip} at {sender}")?,
        9 => write!(f, "InARP Reply {sender_ip} at {sender}")?,
        other => return write!(f, "Unknown ({other})"),
    }
    write!(f, ", length {length}")
}
