//! The libpcap handle of a live interface: everything that depends on the `pcap` crate's ways.
//!
//! Promises: every failure becomes an [`Error`] that says what to do. The two calls below that the `pcap` crate does not
//! offer (or offers only with an assertion) are the only unsafe code of this crate.

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::batch::Batch;
use super::{Clock, Direction, LiveOptions, device};
use crate::stop;
use crate::{Error, LinkType, Timestamp, filter};

/// How long the kernel may keep a packet back to hand over several at once.
const TIMEOUT_MS: i32 = 10;
/// What libpcap passes on of EAGAIN.
const NOTHING_YET: &str = "Resource temporarily unavailable";

#[expect(unsafe_code, reason = "functions of libpcap that the pcap crate does not offer")]
// SAFETY: they take a pcap_t, the last an int as well, and return an int, as their manual pages in section 3 say; the pcap
// crate links the library.
unsafe extern "C" {
    fn pcap_get_selectable_fd(handle: *mut c_void) -> c_int;
    fn pcap_get_tstamp_precision(handle: *mut c_void) -> c_int;
    fn pcap_set_tstamp_type(handle: *mut c_void, kind: c_int) -> c_int;
}

/// An activated, non-blocking handle.
pub(super) struct Handle {
    capture: pcap::Capture<pcap::Active>,
    /// What one unit of the time stamp's fraction is.
    nanos_per_unit: i64,
}

impl Handle {
    pub(super) fn open(name: &str, options: &LiveOptions) -> Result<Self, Error> {
        // The pcap crate takes libpcap's warnings for errors. The one that matters is that there is no promiscuous
        // mode (the `any` device, some wireless cards): without it there is no warning.
        let opened = match activate(name, options, options.promiscuous) {
            Err(_) if options.promiscuous => activate(name, options, false),
            result => result,
        };
        let mut capture = opened.map_err(|error| open_error(name, error))?;
        prefer_cooked_v2(&mut capture);
        let direction = match options.direction {
            Direction::Both => None,
            Direction::In => Some(pcap::Direction::In),
            Direction::Out => Some(pcap::Direction::Out),
        };
        if let Some(direction) = direction {
            capture.direction(direction).map_err(|error| open_error(name, error))?;
        }
        let capture = capture.setnonblock().map_err(|error| open_error(name, error))?;
        let nanos_per_unit = if precision(&capture) == pcap::Precision::Nano as c_int { 1 } else { 1_000 };
        Ok(Self { capture, nanos_per_unit })
    }

    pub(super) fn link_type(&self) -> LinkType {
        filter::link_type_of(&self.capture)
    }

    pub(super) fn set_filter(&mut self, expression: &str) -> Result<(), pcap::Error> {
        self.capture.filter(expression, true)
    }

    /// Dropped by the kernel and by the interface, if it still exists.
    pub(super) fn stats(&mut self) -> Option<(u32, u32)> {
        self.capture.stats().ok().map(|stats| (stats.dropped, stats.if_dropped))
    }

    /// Fills the batch with what is in the ring; whether there was anything. The error is libpcap's message.
    pub(super) fn dispatch(&mut self, batch: &mut Batch) -> Result<bool, String> {
        batch.clear();
        let nanos_per_unit = self.nanos_per_unit;
        let result = self.capture.dispatch(Some(Batch::MOST), |packet| {
            // The fields have 32 or 64 bits, as the system likes.
            let nanos = i128::from(packet.header.ts.tv_sec) * 1_000_000_000
                + i128::from(packet.header.ts.tv_usec) * i128::from(nanos_per_unit);
            let timestamp = Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
            let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
            batch.push(timestamp, packet.data, packet.header.len.max(captured));
        });
        match result.map_err(message) {
            Ok(taken) => Ok(taken > 0),
            // Netfilter's devices say so when there is nothing to read without blocking.
            Err(message) if message.contains(NOTHING_YET) => Ok(false),
            Err(message) => Err(message),
        }
    }

    /// Waits until the ring has packets or time is up; whether it has.
    pub(super) fn readable(&self, timeout: Duration) -> io::Result<bool> {
        self.descriptor().map_or(Ok(false), |descriptor| stop::readable(descriptor, timeout))
    }

    /// What to wait on for packets; a few odd devices have none.
    #[expect(unsafe_code, reason = "libpcap gives its descriptor as a number")]
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the handle is alive and activated.
        let descriptor = unsafe { pcap_get_selectable_fd(self.capture.as_ptr().cast()) };
        // SAFETY: a descriptor that is not negative belongs to the handle and stays open as long as it is borrowed.
        (descriptor >= 0).then(|| unsafe { BorrowedFd::borrow_raw(descriptor) })
    }
}

#[expect(unsafe_code, reason = "the pcap crate ignores whether libpcap accepted the precision")]
fn precision(capture: &pcap::Capture<pcap::Active>) -> c_int {
    // SAFETY: the handle is alive.
    unsafe { pcap_get_tstamp_precision(capture.as_ptr().cast()) }
}

fn activate(
    name: &str,
    options: &LiveOptions,
    promiscuous: bool,
) -> Result<pcap::Capture<pcap::Active>, pcap::Error> {
    let clamp = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let capture = pcap::Capture::from_device(name)?;
    set_clock(&capture, options.clock)?;
    capture
        .promisc(promiscuous)
        .snaplen(clamp(options.snap_length))
        .buffer_size(clamp(options.buffer_size))
        .timeout(TIMEOUT_MS)
        .precision(pcap::Precision::Nano)
        .open()
}

/// Asks for another clock than the system's. The `pcap` crate has a call for it that ignores the answer.
#[expect(unsafe_code, reason = "the pcap crate ignores whether libpcap accepted the clock")]
fn set_clock(capture: &pcap::Capture<pcap::Inactive>, clock: Clock) -> Result<(), pcap::Error> {
    // The numbers of PCAP_TSTAMP_HOST and so on.
    let kind = match clock {
        Clock::Host => return Ok(()),
        Clock::HostLowPrecision => 1,
        Clock::HostHighPrecision => 2,
        Clock::Adapter => 3,
        Clock::AdapterUnsynced => 4,
    };
    // SAFETY: the handle is alive and not activated.
    match unsafe { pcap_set_tstamp_type(capture.as_ptr().cast(), kind) } {
        0 => Ok(()),
        _ => Err(pcap::Error::PcapError("it has no time stamps of this kind".to_owned())),
    }
}

/// The `any` device has two headers to choose from; the second tells the interface of each packet.
fn prefer_cooked_v2(capture: &mut pcap::Capture<pcap::Active>) {
    let cooked = pcap::Linktype(i32::from(LinkType::LINUX_SLL2.0));
    let offered = capture.get_datalink().0 == i32::from(LinkType::LINUX_SLL.0)
        && capture.list_datalinks().is_ok_and(|types| types.contains(&cooked));
    if offered {
        // Refused, it stays with the first version, which is understood as well.
        let _ = capture.set_datalink(cooked);
    }
}

/// What libpcap said.
pub(super) fn message(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(message) if message.is_empty() => "libpcap gives no reason".to_owned(),
        pcap::Error::PcapError(message) => message,
        other => other.to_string(),
    }
}

/// Why an interface could not be opened: there is none, it may not be, or what libpcap says.
fn open_error(name: &str, error: pcap::Error) -> Error {
    let message = message(error);
    let interface = name.to_owned();
    if let Ok(devices) = device::devices() {
        let available: Vec<String> = devices.into_iter().map(|device| device.name).collect();
        if !available.iter().any(|known| known == name) {
            return Error::NoSuchInterface { interface, available };
        }
    }
    // libpcap's words differ by system and version; the same trouble always has one of these in them.
    let forbidden = ["ermission", "not permitted", "CAP_NET_RAW"].iter().any(|word| message.contains(word));
    if forbidden {
        let program =
            std::env::current_exe().map_or_else(|_| "PROGRAM".to_owned(), |path| path.display().to_string());
        return Error::NotPermitted { interface, message, program };
    }
    Error::Live { interface, message }
}
