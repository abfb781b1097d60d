//! What a user knows of the network that no packet says: options of every command that reads.

use clap::Args;
use egret_decode::{Decoder, UdpTunnel};

/// How to decode, where it is not as everywhere.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Decoding {
    /// Take UDP packets on this port for a tunnel: udp.port=8472:vxlan (or vxlan-gpe, geneve, gtp-u, teredo, gre, mpls,
    /// l2tp); the standard ports are known
    #[arg(long, value_name = "udp.port=N:TUNNEL", value_parser = rule, help_heading = "Decoding")]
    decode_as: Vec<(u16, UdpTunnel)>,
    /// Do not tell connections apart by VLAN: for taps that see the two directions in different ones
    #[arg(long, help_heading = "Decoding")]
    ignore_vlan: bool,
}

impl Decoding {
    pub(crate) fn decoder(&self) -> Decoder {
        let Self { decode_as, ignore_vlan } = self;
        Decoder { udp_tunnels: decode_as.clone(), ignore_vlan: *ignore_vlan }
    }
}

/// `udp.port=8472:vxlan`.
fn rule(text: &str) -> Result<(u16, UdpTunnel), String> {
    let parts = text.strip_prefix("udp.port=").and_then(|rest| rest.split_once(':'));
    let (port, tunnel) = parts.ok_or("write it as udp.port=8472:vxlan")?;
    let port = port.parse().map_err(|_| format!("not a port: {port}"))?;
    Ok((port, tunnel.parse().map_err(|error: egret_decode::UnknownTunnel| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_refused_with_a_hint() {
        assert_eq!(rule("udp.port=8472:vxlan"), Ok((8472, UdpTunnel::Vxlan)));
        assert_eq!(rule("udp.port=0:gtp-u"), Ok((0, UdpTunnel::GtpU)));
        for (wrong, hint) in [
            ("tcp.port=80:http", "write it as"),
            ("udp.port=8472", "write it as"),
            ("udp.port=65536:vxlan", "not a port"),
            ("udp.port=8472:vlan", "give one of vxlan"),
        ] {
            assert!(rule(wrong).unwrap_err().contains(hint), "{wrong}");
        }
    }
}
