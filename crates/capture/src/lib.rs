//! Packets from capture files and live interfaces: pcap, pcapng, gzip, zstd, standard input, libpcap.
//!
//! ```
//! # let path = std::env::temp_dir().join(format!("egret-capture-doc-{}.pcap", std::process::id()));
//! # let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
//! # file.extend([0, 0xf1, 0x53, 0x65, 5, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0, 1, 2, 3]);
//! # std::fs::write(&path, file).unwrap();
//! use egret_capture::Capture;
//!
//! let mut capture = Capture::open(&path)?;
//! while let Some(packet) = capture.next_packet()? {
//!     println!("{} {} {} bytes", packet.number, packet.timestamp, packet.wire_len);
//! #   assert_eq!((packet.number, packet.wire_len, packet.data), (1, 60, &[1, 2, 3][..]));
//! #   assert_eq!(packet.timestamp.to_string(), "2023-11-14T22:13:20.000005000Z");
//! }
//! # assert_eq!(capture.statistics().read, 1);
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), egret_capture::Error>(())
//! ```
//!
//! A [`Packet`] borrows the read buffer until the next one is asked for: nothing is copied and nothing allocated for
//! it. Its [`timestamp`](Packet::timestamp) has nanoseconds and is the only clock the crates above this one know.
//!
//! | where packets come from | how |
//! |---|---|
//! | a file: pcap in every byte order and resolution, pcapng with any sections and interfaces, either in gzip or zstd | [`Capture::open`] |
//! | several files at once, merged by time | [`Capture::open_all`] |
//! | a file that is still being written | [`Capture::tail`] |
//! | standard input, as in `ssh HOST tcpdump -w - \| …` | [`Capture::open("-")`](Capture::open) |
//! | anything that implements [`Read`](std::io::Read) | [`Capture::from_reader`] |
//! | an interface of this machine (feature `libpcap`) | `Capture::live`, `Capture::live_all` |
//!
//! `Capture::set_filter` (feature `libpcap`) takes tcpdump's filter expressions for all of them; the same expression
//! selects the same packets live and from a file. [`Capture::next_event`] also says when no packet is waiting, which is
//! the moment to flush output. [`Capture::next_batch`] gives many packets at once, to hand them to other threads without
//! a copy. [`Capture::stopper`] ends a blocked read from another thread or from a signal handler.
//! [`Writer`] writes pcapng, or classic pcap where a name ends in `.pcap`.
//!
//! # Failures
//!
//! Of the crates of this workspace, this is the one that can fail. A file is read up to where it is cut or damaged; then
//! comes one [`Error`] with the file's name, the byte offset and what to do, and after it `Ok(None)`. No length in a file
//! is believed before its bytes have arrived, none above 16 MiB at all, so that no file can make the reader take more than
//! 32 MiB for its buffer and 16 MiB for what it says besides packets; in zstd, 128 MiB for its window.
//!
//! # Features
//!
//! `libpcap` (off by default) links libpcap for live capture and for compiling filters. Without it this crate is Rust
//! only. Live capture needs Unix and is tested on Linux.
//!
//! # What is not here
//!
//! Sending packets; other capture formats (snoop, ERF; editcap converts them); other compressions (the error says which
//! program decompresses them); decoding, which is the next crate's.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod capture;
mod compressed;
mod error;
mod file;
#[cfg(feature = "libpcap")]
mod filter;
mod interface;
mod link_type;
#[cfg(feature = "libpcap")]
mod live;
mod merge;
mod notes;
mod packet;
mod part;
#[cfg(target_os = "linux")]
mod privileges;
mod source;
mod statistics;
mod stop;
mod timestamp;
mod write;

pub use batch::Batch;
pub use capture::Capture;
pub use error::{Error, Fault, Position};
pub use interface::{Interface, InterfaceTable};
pub use link_type::LinkType;
#[cfg(feature = "libpcap")]
#[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
pub use live::{Clock, Device, Direction, LiveOptions, devices};
pub use notes::{Note, Notes};
pub use packet::{Event, Packet};
#[cfg(target_os = "linux")]
pub use privileges::give_up_privileges;
pub use statistics::{Progress, SourceStatistics, Statistics};
pub use stop::Stopper;
pub use timestamp::Timestamp;
pub use write::{Format, Rotation, Writer};

/// The programs of the README are compiled too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
