//! A host that does not exist, at the other end of a TUN device in a network namespace of its own: its packets are
//! written by hand, and what answers is the kernel's real TCP.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::time::Duration;

const SERVER: [u8; 4] = [10, 99, 0, 1];
const CLIENT: [u8; 4] = [10, 99, 0, 2];
const PORT: u16 = 80;

/// The device, and a listening socket behind it.
pub(crate) struct Tunnel {
    device: File,
    pub(crate) listener: TcpListener,
}

/// One TCP segment of the host that does not exist.
#[derive(Clone, Default)]
pub(crate) struct Crafted {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) urgent: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) bad_checksum: bool,
}

impl Tunnel {
    /// Moves this thread into a new network namespace and sets the device up there.
    ///
    /// # Errors
    /// Where this is not allowed, or there is no TUN device or no `ip` command.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: only this thread's network namespace changes.
        #[expect(unsafe_code, reason = "there is no safe wrapper")]
        let unshared = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        if unshared != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut options = File::options();
        let device = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
        let mut request = [0_u8; 40];
        request[..6].copy_from_slice(b"egret0");
        request[16..18].copy_from_slice(&((libc::IFF_TUN | libc::IFF_NO_PI) as u16).to_ne_bytes());
        // SAFETY: the request is as large as an `ifreq`, which the kernel reads and writes.
        #[expect(unsafe_code, reason = "there is no safe wrapper")]
        let attached = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, request.as_mut_ptr()) };
        if attached != 0 {
            return Err(io::Error::last_os_error());
        }
        for words in ["link set lo up", "addr add 10.99.0.1/24 dev egret0", "link set egret0 up"] {
            let done = Command::new("ip").args(words.split(' ')).status()?;
            if !done.success() {
                return Err(io::Error::other(format!("`ip {words}` failed")));
            }
        }
        Ok(Self { device, listener: TcpListener::bind((std::net::Ipv4Addr::from(SERVER), PORT))? })
    }

    /// Sends a segment from this port of the host that does not exist. Returns the packet.
    pub(crate) fn send(&mut self, port: u16, crafted: &Crafted) -> Vec<u8> {
        let packet = packet(port, crafted);
        self.device.write_all(&packet).unwrap();
        packet
    }

    /// What the kernel has sent to this port within a few milliseconds.
    pub(crate) fn receive(&mut self, port: u16, wait: Duration) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut buffer = [0; 65_536];
        for round in 0..2 {
            while let Ok(len) = self.device.read(&mut buffer) {
                let packet = &buffer[..len];
                let ours = packet[0] >> 4 == 4 && packet[9] == 6 && packet[22..24] == port.to_be_bytes();
                if ours {
                    packets.push(packet.to_vec());
                }
            }
            if round == 0 {
                std::thread::sleep(wait);
            }
        }
        packets
    }
}

/// Everything that can be read from a socket now.
pub(crate) fn read_available(socket: &mut TcpStream, into: &mut Vec<u8>) {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 65_536];
    while let Ok(len) = socket.read(&mut buffer) {
        if len == 0 {
            break;
        }
        into.extend(&buffer[..len]);
    }
}

/// The sequence number of a packet of the kernel's, and its flags.
pub(crate) fn seq_and_flags(packet: &[u8]) -> (u32, u8) {
    (u32::from_be_bytes(packet[24..28].try_into().unwrap()), packet[33])
}

/// How long a packet's headers are.
pub(crate) fn header_len(packet: &[u8]) -> u32 {
    20 + u32::from(packet[32] >> 4) * 4
}

fn packet(port: u16, crafted: &Crafted) -> Vec<u8> {
    let Crafted { seq, ack, flags, window, urgent, options, payload, bad_checksum } = crafted;
    assert!(options.len() % 4 == 0);
    let mut tcp = Vec::new();
    tcp.extend(port.to_be_bytes());
    tcp.extend(PORT.to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([((20 + options.len()) as u8 / 4) << 4, *flags]);
    tcp.extend(window.to_be_bytes());
    tcp.extend([0, 0]);
    tcp.extend(urgent.to_be_bytes());
    tcp.extend(options);
    tcp.extend(payload);
    let pseudo = [&CLIENT[..], &SERVER, &[0, 6], &(tcp.len() as u16).to_be_bytes()].concat();
    let sum = checksum(&[&pseudo, &tcp]) ^ if *bad_checksum { 0x5555 } else { 0 };
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());

    let mut ip = vec![0x45, 0];
    ip.extend((20 + tcp.len() as u16).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    ip.extend(CLIENT);
    ip.extend(SERVER);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(tcp);
    ip
}

/// The Internet checksum (RFC 1071) of parts of which only the last may be odd.
fn checksum(parts: &[&[u8]]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = parts.iter().flat_map(|part| part.chunks(2)).map(word).sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}
