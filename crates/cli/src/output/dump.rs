//! Bytes in hexadecimal, in the two forms people know: tcpdump's and `hexdump -C`'s.

use std::io::{self, Write};

use super::bytes::printable;

/// As tcpdump's `-x`, or `-X` with the characters beside it: two bytes a group, the offset in four digits. A space is shown
/// as a dot there, so that each character is in its column.
pub(crate) fn packet(bytes: &[u8], characters: bool, to: &mut impl Write) -> io::Result<()> {
    for (line, row) in bytes.chunks(16).enumerate() {
        write!(to, "\t0x{:04x}: ", line * 16)?;
        let mut width = 0;
        for pair in row.chunks(2) {
            to.write_all(b" ")?;
            for byte in pair {
                write!(to, "{byte:02x}")?;
            }
            width += 1 + 2 * pair.len();
        }
        if characters {
            let visible = |byte| if byte == b' ' { '.' } else { printable(byte) };
            let shown: String = row.iter().copied().map(visible).collect();
            // Eight groups of four digits with the space in front of each are 40 columns.
            write!(to, "{:1$}{shown}", "", 42 - width.min(40))?;
        }
        to.write_all(b"\n")?;
    }
    Ok(())
}

/// As tcpdump's `-A`: line feeds and tabs are kept, carriage returns in front of line feeds left out.
pub(crate) fn ascii(bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    let mut text = String::with_capacity(bytes.len() + 1);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' | b'\t' => text.push(char::from(*byte)),
            b'\r' if bytes.get(index + 1) == Some(&b'\n') => {}
            byte => text.push(printable(*byte)),
        }
    }
    text.push('\n');
    to.write_all(text.as_bytes())
}

/// As `hexdump -C`, from an offset, behind a mark.
pub(crate) fn stream(mark: &str, offset: u64, bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    for (row, start) in bytes.chunks(16).zip((offset..).step_by(16)) {
        write!(to, "{mark}{start:08x} ")?;
        for place in 0..16 {
            let space = if place % 8 == 0 { " " } else { "" };
            match row.get(place) {
                Some(byte) => write!(to, "{space}{byte:02x} ")?,
                None => write!(to, "{space}   ")?,
            }
        }
        let shown: String = row.iter().copied().map(printable).collect();
        writeln!(to, " |{shown}|")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_those_of_tcpdump_and_hexdump() {
        let bytes: Vec<u8> = std::iter::once(b' ').chain(0x31..0x43).collect();
        let mut to = Vec::new();
        packet(&bytes, true, &mut to).unwrap();
        packet(&bytes[..3], false, &mut to).unwrap();
        stream("> ", 0x10, &bytes[..17], &mut to).unwrap();
        ascii(b"a\r\nb\rc\x00\xff\t\n", &mut to).unwrap();
        let expected = "\
\t0x0000:  2031 3233 3435 3637 3839 3a3b 3c3d 3e3f  .123456789:;<=>?
\t0x0010:  4041 42                                  @AB
\t0x0000:  2031 32
> 00000010  20 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  | 123456789:;<=>?|
> 00000020  40                                                |@|
a
b.c..\t

";
        assert_eq!(String::from_utf8(to).unwrap(), expected);
    }
}
