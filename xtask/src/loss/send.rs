//! Sending frames at a rate, over a packet socket, many with one system call.

use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Frames handed to the system at once: enough that the calls do not count, few enough to be no burst.
const AT_ONCE: usize = 32;

/// The frames of a capture.
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Where each lies in `bytes`.
    places: Vec<(usize, usize)>,
}

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) time: Duration,
}

impl Frames {
    /// Reads the first packets of a classic capture of Ethernet in this machine's byte order.
    pub(super) fn read(path: &Path, most: usize) -> Result<Self> {
        let file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        // Far more than a second's worth of any link is not needed.
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, 512 << 20), &mut bytes)?;
        let word = |at: usize| {
            let four = bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*four))
        };
        if !matches!(word(0), Some(0xa1b2_c3d4 | 0xa1b2_3c4d)) || word(20) != Some(1) {
            bail!("{} is no classic little-endian capture of Ethernet", path.display());
        }
        let (mut places, mut at) = (Vec::new(), 24);
        while let Some((captured, wire)) = word(at + 8).zip(word(at + 12)) {
            let place = (at + 16, captured as usize);
            at += 16 + captured as usize;
            if at > bytes.len() || places.len() == most {
                break;
            }
            if captured == wire {
                places.push(place);
            }
        }
        if places.is_empty() {
            bail!("{} has no whole packet", path.display());
        }
        Ok(Self { bytes, places })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes in a frame.
    pub(super) fn average(&self) -> usize {
        self.places.iter().map(|(_, length)| length).sum::<usize>() / self.places.len()
    }
}

/// Sends frames over and over; at rate 0 as fast as can be.
pub(super) fn send(interface: &str, frames: &Frames, rate: u64, seconds: u64) -> Result<Sent> {
    let socket = open(interface).with_context(|| format!("cannot send on {interface}"))?;
    let mut vectors: Vec<libc::iovec> = frames
        .places
        .iter()
        .filter_map(|&(start, length)| frames.bytes.get(start..start + length))
        .map(|frame| libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() })
        .collect();
    let (began, limit) = (super::now(), Duration::from_secs(seconds));
    let mut sent = Sent { packets: 0, bytes: 0, time: Duration::ZERO };
    let mut next = 0;
    while began.elapsed() < limit {
        if rate > 0 {
            let due = Duration::from_secs_f64(sent.packets as f64 / rate as f64);
            if let Some(early) = due.checked_sub(began.elapsed()) {
                thread::sleep(early);
            }
        }
        let end = (next + AT_ONCE).min(vectors.len());
        let some = vectors.get_mut(next..end).unwrap_or_default();
        let count = send_some(&socket, some)?;
        sent.packets += count as u64;
        sent.bytes += some.iter().take(count).map(|frame| frame.iov_len as u64).sum::<u64>();
        next = (next + count) % vectors.len();
    }
    sent.time = began.elapsed();
    Ok(sent)
}

#[expect(unsafe_code, reason = "the standard library has no packet sockets")]
fn open(interface: &str) -> io::Result<OwnedFd> {
    let number: u32 = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex"))?
        .trim()
        .parse()
        .map_err(io::Error::other)?;
    // SAFETY: takes numbers only.
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made, and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: zeros are an address of no family.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = number as i32;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the address is as long as it is said to be.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), length) };
    if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
}

/// Sends these frames, or the first of them; how many.
#[expect(unsafe_code, reason = "the standard library cannot send many at once")]
fn send_some(socket: &OwnedFd, frames: &mut [libc::iovec]) -> Result<usize> {
    let mut messages: Vec<libc::mmsghdr> = frames
        .iter_mut()
        .map(|frame| {
            // SAFETY: zeros are a message of nothing to nobody.
            let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
            message.msg_hdr.msg_iov = frame;
            message.msg_hdr.msg_iovlen = 1;
            message
        })
        .collect();
    loop {
        let count = messages.len() as u32;
        // SAFETY: the messages point to vectors, and these to frames, that all live until the call returns.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        if let Ok(sent) = usize::try_from(sent) {
            return Ok(sent);
        }
        let error = io::Error::last_os_error();
        // The link's queue is full: what is in it goes first.
        if !matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::EINTR | libc::EAGAIN)) {
            return Err(error).context("sending failed");
        }
        thread::sleep(Duration::from_micros(50));
    }
}
