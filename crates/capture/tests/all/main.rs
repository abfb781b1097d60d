//! Tests of the whole crate through its public interface, one program for all of them.

mod by_hand;
mod input;
mod laws;
#[cfg(feature = "libpcap")]
mod live;
mod pcap;
mod pcapng;
#[cfg(unix)]
mod stop;
mod write;
