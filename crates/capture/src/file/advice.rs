//! What to say of a file that is no capture: what it seems to be instead, and what would help.

/// The formats that are read, for every message.
const READ: &str = "pcap and pcapng are read, plain or in gzip or zstd";

/// So many of the first bytes are shown; a reader that has fewer reads on before it gives up.
pub(crate) const SHOWN: usize = 8;

/// What the first bytes of a file that is not read look like.
pub(crate) fn advice(head: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 11] = [
        (b"\xfd7zXZ\0", "this is xz: decompress it first (xz -dc FILE | egret -r - …)"),
        (b"BZh", "this is bzip2: decompress it first (bzip2 -dc FILE | egret -r - …)"),
        (b"\x04\x22\x4d\x18", "this is lz4: decompress it first (lz4 -dc FILE | egret -r - …)"),
        (b"PK\x03\x04", "this is a zip archive: unpack it first"),
        (b"snoop\0", "this is a snoop capture: convert it first (editcap FILE out.pcapng)"),
        (b"GMBU", "this is a Network Monitor capture: convert it first (editcap FILE out.pcapng)"),
        (b"RTSS", "this is a Network Monitor capture: convert it first (editcap FILE out.pcapng)"),
        (b"TRSNIFF", "this is a Sniffer capture: convert it first (editcap FILE out.pcapng)"),
        (b"\xa1\xb2", "this may be a pcap file of another make: convert it first (editcap FILE out.pcapng)"),
        (b"{", "this is text, perhaps JSON; a capture is needed (tcpdump -w FILE)"),
        (b"<", "this is text, perhaps HTML of a failed download; a capture is needed (tcpdump -w FILE)"),
    ];
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map_or(READ, |&(_, advice)| advice)
}

/// The first bytes as a person can compare them: hexadecimal, and text where it is text.
pub(crate) fn first_bytes(head: &[u8]) -> String {
    let head = head.get(..SHOWN).unwrap_or(head);
    let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String =
        head.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '.' }).collect();
    format!("{} \"{text}\"", hex.join(" "))
}
