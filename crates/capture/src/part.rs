//! Parts of a capture: what is common to who writes and who reads them.
//!
//! A part is a pcapng file like any other, and says in options and blocks that the format has for it what it must say of the
//! whole: each packet has its number there as its `epb_packetid`, which is to tell it from all others; and what time it was
//! there, where the part's own packets do not show it, is the time of an interface statistics block. What a packet's id
//! means is its writer's affair. So a section is read as a part only if it names this program and this purpose as the
//! application that wrote it (`shb_userappl`): other programs that copy packets name themselves, and may well leave out some.

/// The application that writes parts.
pub(crate) const PROGRAM: &str = concat!("egret ", env!("CARGO_PKG_VERSION"), " (part)");

/// Whether a section that was written by `program` is a part: written by this version or another one.
pub(crate) fn is_part(program: &[u8]) -> bool {
    program.starts_with(b"egret ") && program.ends_with(b" (part)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_who_wrote_them() {
        assert!(is_part(PROGRAM.as_bytes()) && is_part(b"egret 9.9.9 (part)"));
        for other in ["egret 0.1.0", "Mergecap (Wireshark) 4.0.17", "egret (part) ", "(part)", ""] {
            assert!(!is_part(other.as_bytes()), "{other}");
        }
    }
}
