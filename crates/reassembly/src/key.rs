//! What connections are told apart by: the two ends, whichever speaks, and the networks on the way.

use std::net::IpAddr;

use egret_decode::Flow;

/// What a connection is looked up by: its ends in a fixed order and its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    ends: [u64; 4],
    path: [u64; 2],
    ports: u32,
    version: u32,
}

impl Key {
    pub(crate) fn of(flow: &Flow) -> Self {
        let swap = flow.source > flow.destination;
        let (low, high) =
            if swap { (flow.destination, flow.source) } else { (flow.source, flow.destination) };
        let words = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => [0, u64::from(ip.to_bits())],
            IpAddr::V6(ip) => [(ip.to_bits() >> 64) as u64, ip.to_bits() as u64],
        };
        let ([a, b], [c, d]) = (words(low.ip), words(high.ip));
        let path = flow.path.key();
        Self {
            ends: [a, b, c, d],
            path: [(path >> 64) as u64, path as u64],
            ports: u32::from(low.port) << 16 | u32::from(high.port),
            version: u32::from(low.ip.is_ipv6()),
        }
    }
}
