//! Small things of the text form: times, amounts, colours.

use std::fmt;
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use egret_capture::Timestamp;
use egret_reassembly::{Counts, Endpoint};

use super::ascii::Ascii;

/// The time of day in UTC, as tcpdump writes it (which uses local time): `14:15:04.123456`.
pub(crate) struct Clock(pub(crate) Timestamp);

impl Clock {
    pub(crate) fn ascii(&self) -> Ascii<15> {
        let (seconds, nanos) = self.0.seconds_and_nanos();
        let second = seconds.rem_euclid(86_400) as u64;
        let mut text = Ascii::new();
        text.number(second / 3600, 2).text(":").number(second / 60 % 60, 2).text(":").number(second % 60, 2);
        text.text(".").number(u64::from(nanos / 1000), 6);
        text
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ascii().fmt(f)
    }
}

/// A duration for people, in the unit that suits it: `0.412 ms`, `12.9 ms`, `3.20 s`, `12 min 5 s`.
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) fn ascii(&self) -> Ascii<40> {
        const MILLISECOND: u64 = 1_000_000;
        let (seconds, nanos) = (self.0.as_secs(), u64::from(self.0.subsec_nanos()));
        let mut text = Ascii::new();
        match seconds {
            0 if nanos < MILLISECOND => text.decimal(nanos, MILLISECOND, 3).text(" ms"),
            0 => text.decimal(nanos, MILLISECOND, 1).text(" ms"),
            1..60 => text.decimal(seconds * 1000 + nanos / MILLISECOND, 1000, 2).text(" s"),
            60..3600 => text.number(seconds / 60, 1).text(" min ").number(seconds % 60, 1).text(" s"),
            _ => text.number(seconds / 3600, 1).text(" h ").number(seconds / 60 % 60, 1).text(" min"),
        };
        text
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ascii().fmt(f)
    }
}

/// A number of bytes for people: `834 B`, `12.3 kB`, `1.20 GB` (powers of ten).
pub(crate) struct Size(pub(crate) u64);

impl Size {
    pub(crate) fn ascii(&self) -> Ascii<24> {
        let mut text = Ascii::new();
        match self.0 {
            0..1_000 => text.number(self.0, 1).text(" B"),
            1_000..1_000_000 => text.decimal(self.0, 1_000, 1).text(" kB"),
            1_000_000..1_000_000_000 => text.decimal(self.0, 1_000_000, 1).text(" MB"),
            _ => text.decimal(self.0, 1_000_000_000, 2).text(" GB"),
        };
        text
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ascii().fmt(f)
    }
}

/// Writes an endpoint as it is displayed. Every line has two of them, and the general machinery takes several times as
/// long.
pub(crate) fn endpoint(end: Endpoint, to: &mut Vec<u8>) {
    let IpAddr::V4(ip) = end.ip else {
        // A vector takes everything.
        let _ = write!(to, "{end}");
        return;
    };
    let [a, b, c, d] = ip.octets();
    let mut text = Ascii::<21>::new();
    text.number(a.into(), 1).text(".").number(b.into(), 1).text(".").number(c.into(), 1).text(".");
    text.number(d.into(), 1).text(":").number(end.port.into(), 1);
    to.extend_from_slice(text.as_bytes());
}

/// A number and what is counted, in the plural unless it is one: `1 packet`, `2 packets`, `2 oddities`.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, one) = self;
        match one.strip_suffix('y') {
            _ if *number == 1 => write!(f, "{number} {one}"),
            Some(stem) => write!(f, "{number} {stem}ies"),
            None => write!(f, "{number} {one}s"),
        }
    }
}

/// What was not delivered, for a summary: begins with a comma, or is empty.
#[derive(Default)]
pub(crate) struct Lost {
    /// Bytes missing from the capture.
    pub(crate) missing: u64,
    /// Gaps they are missing in.
    pub(crate) gaps: u64,
    /// Bytes that were captured, but that no receiver would have taken.
    pub(crate) refused: u64,
}

impl Lost {
    /// What was lost of one direction.
    pub(crate) fn add(&mut self, counts: &Counts) {
        self.missing += counts.missing;
        self.gaps += counts.gaps;
        self.refused += counts.discarded.refused;
    }

    /// What was lost elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.gaps += other.gaps;
        self.refused += other.refused;
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.gaps > 0 {
            write!(f, ", {} missing in {}", Count(self.missing, "byte"), Count(self.gaps, "gap"))?;
        }
        match self.refused {
            0 => Ok(()),
            refused => write!(f, ", {} refused", Count(refused, "byte")),
        }
    }
}

/// Something in a colour, or as it is.
pub(crate) struct Painted<T>(pub(crate) Option<Style>, pub(crate) T);

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(style) => write!(f, "{style}{}{style:#}", self.1),
            None => self.1.fmt(f),
        }
    }
}

/// The colour of a side: what a client says, what a server says.
pub(crate) fn side(client: bool) -> Style {
    let color = if client { AnsiColor::Cyan } else { AnsiColor::Green };
    Style::new().fg_color(Some(color.into()))
}

/// The colour of what is wrong.
pub(crate) fn alarm() -> Style {
    Style::new().fg_color(Some(AnsiColor::Red.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_as_they_are_displayed() {
        for (ip, port) in
            [("0.0.0.0", 0), ("10.2.30.199", 80), ("255.255.255.255", 65_535), ("2001:db8::1", 443)]
        {
            let end = Endpoint { ip: ip.parse().expect("an address"), port };
            let mut line = Vec::new();
            endpoint(end, &mut line);
            assert_eq!(line, end.to_string().into_bytes());
        }
    }

    #[test]
    fn times_and_amounts() {
        assert_eq!(Clock(Timestamp::new(951_782_399, 1_999)).to_string(), "23:59:59.000001");
        assert_eq!(Clock(Timestamp::from_nanos(-1)).to_string(), "23:59:59.999999");
        assert_eq!(Span(Duration::from_micros(412)).to_string(), "0.412 ms");
        assert_eq!(Span(Duration::from_micros(12_940)).to_string(), "12.9 ms");
        assert_eq!(Span(Duration::from_secs(725)).to_string(), "12 min 5 s");
        assert_eq!(Size(999).to_string(), "999 B");
        assert_eq!(Size(12_345).to_string(), "12.3 kB");
        assert_eq!(Count(1, "gap").to_string(), "1 gap");
        assert_eq!(Count(0, "gap").to_string(), "0 gaps");
        assert_eq!(Count(1, "oddity").to_string(), "1 oddity");
        assert_eq!(Count(2, "oddity").to_string(), "2 oddities");
    }
}
