//! Small things of the text form: times, amounts, colours.

use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use egret_capture::Timestamp;
use egret_reassembly::Counts;

/// The time of day in UTC, as tcpdump writes it (which uses local time): `14:15:04.123456`.
pub(crate) struct Clock(pub(crate) Timestamp);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = self.0.seconds_and_nanos();
        let second = seconds.rem_euclid(86_400);
        write!(f, "{:02}:{:02}:{:02}.{:06}", second / 3600, second / 60 % 60, second % 60, nanos / 1000)
    }
}

/// A duration for people, in the unit that suits it: `0.412 ms`, `12.9 ms`, `3.20 s`, `12 min 5 s`.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs_f64() * 1000.0;
        match self.0.as_secs() {
            0 if millis < 1.0 => write!(f, "{millis:.3} ms"),
            0 => write!(f, "{millis:.1} ms"),
            1..60 => write!(f, "{:.2} s", millis / 1000.0),
            60..3600 => write!(f, "{} min {} s", self.0.as_secs() / 60, self.0.as_secs() % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}

/// A number of bytes for people: `834 B`, `12.3 kB`, `1.20 GB` (powers of ten).
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            _ => write!(f, "{:.2} GB", bytes / 1e9),
        }
    }
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
