//! What is in a packet: link, network and transport headers, the innermost flow and its payload.
//!
//! ```no_run
//! use egret_decode::{Capture, Error, decode};
//!
//! # fn main() -> Result<(), Error> {
//! let mut capture = Capture::open("trace.pcap")?;
//! while let Some(packet) = capture.next_packet()? {
//!     let decoded = decode(packet);
//!     if let (Some(flow), Some(tcp)) = (decoded.flow, decoded.tcp()) {
//!         println!("{flow} {} seq {} {} bytes", tcp.flags, tcp.seq, decoded.payload.len());
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! [`decode`] is a pure function of one packet and cannot fail: it goes in as far as it can, borrows the packet's
//! bytes, allocates nothing, and says in [`Decoded::stop`] why it stopped when it did. [`layers()`] lists every header
//! on the way, for people; both are the same walk. [`decode_datagram`] goes on where a fragment had to stop, once the
//! datagram has been put together.
//!
//! # What is decoded
//!
//! | layer | kinds |
//! |---|---|
//! | link | Ethernet with LLC and SNAP, Linux cooked capture v1 and v2, BSD loopback (`NULL`, `LOOP`), raw IP, PPP and Cisco's HDLC, PPPoE, 802.11 data frames (also behind radiotap, Prism, AVS or PPI), PFLOG, NFLOG, FDDI, the tags of Broadcom's and Marvell's switches |
//! | tags | VLAN and QinQ (ethertypes 0x8100, 0x88a8, 0x9100), VN-tag, provider backbone bridges |
//! | network | IPv4 with options, IPv6 with up to eight extension headers, ARP |
//! | tunnels | IP in IP in every combination, GRE (keys, PPTP, Ethernet, ERSPAN, WCCP), VXLAN and its GPE, GENEVE, GTP-U, Teredo, L2TP, MPLS with pseudowires, PPPoE, EtherIP, IPsec's authentication header |
//! | transport | TCP with options, UDP, ICMP, ICMPv6 |
//!
//! Tunnels are followed to the innermost packet, at most 32 headers deep. Over UDP they are known by their standard ports;
//! a [`Decoder`] knows others, and can leave VLANs out of account. The ids that both directions of a tunnel share (VLAN,
//! VNI, GRE key, PPPoE session, service) are part of the flow; what differs by direction is only in the list of layers.
//!
//! Anything else stays in [`Decoded::payload`], and [`Decoded::stop`] says what it was. Of several packets in one 802.11 frame
//! (an A-MSDU), only the first is decoded.
//!
//! # Which lengths are believed
//!
//! Every byte is written by somebody who may be hostile, so a length can only ever make things smaller:
//!
//! * A length in a header (IP total length, IPv6 payload length, UDP length) that ends before the packet does cuts off
//!   what is behind it: link-layer padding is not payload.
//! * A length that reaches beyond the packet as it was on the wire ([`Packet::wire_len`]) is not believed: the payload
//!   is what is there, and [`Decoded::cut`] counts only bytes that were on the wire and were not captured.
//! * A length of 0 in IP means that segmentation was left to the network card (or a jumbogram): the packet's own length counts.
//!
//! This crate never reads files, keeps no state between packets, has no clock and no threads. The types of
//! its left neighbour that it hands out ([`Capture`], [`Packet`], …) are re-exported, so one dependency is enough.
#![forbid(unsafe_code)]

mod checksum;
mod decoded;
mod decoder;
pub mod dns;
mod flow;
mod layers;
mod link;
mod net;
mod plain;
mod stop;
mod text;
mod transport;
mod tunnel;
mod walk;

pub use checksum::Checksum;
pub use decoded::{Decoded, decode, decode_datagram};
pub use decoder::{Decoder, UdpTunnel, UnknownTunnel};
pub use egret_capture::{
    Batch, Capture, Error, Event, Interface, InterfaceTable, LinkType, Packet, Progress, Statistics, Stopper,
    Timestamp,
};
pub use flow::{Endpoint, Flow, Path, PathId};
pub use layers::{Layer, Layers, layers};
pub use link::Hardware;
pub use net::{Arp, Fragment, Ipv4, Ipv6, Network};
pub use stop::{Stop, StopReason};
pub use text::Line;
pub use transport::{Icmp, SackBlocks, Tcp, TcpFlags, TcpOption, TcpOptions, Transport, Udp};

/// The programs of the README are compiled and run too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
