//! Tests of the whole crate through its public interface, one program for all of them.
//!
//! The modules are marked as tests so that the lints know that their helpers may unwrap.

#[cfg(test)]
mod batch;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are a crate of their own")]
mod fuzz;
#[cfg(test)]
mod input;
#[cfg(test)]
mod laws;
#[cfg(test)]
#[cfg(feature = "libpcap")]
mod live;
#[cfg(test)]
mod merge;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod pcap;
#[cfg(test)]
mod pcapng;
#[cfg(test)]
mod specimens;
#[cfg(test)]
#[cfg(unix)]
mod stop;
#[cfg(test)]
#[cfg(unix)]
mod tail;
#[cfg(test)]
mod write;
