//! The time at the front of a packet's line, in each of tcpdump's forms. Always in UTC.

use std::fmt;

use egret_decode::Timestamp;

use crate::output::text::Clock;

/// Which form `-t` asks for, and the time that it counts from.
pub(super) struct Times {
    form: u8,
    since: Option<Timestamp>,
}

impl Times {
    /// The form that so many `-t` ask for.
    pub(super) fn new(form: u8) -> Self {
        Self { form, since: None }
    }

    /// The time of the next packet, with a space behind it.
    pub(super) fn next(&mut self, now: Timestamp) -> Stamp {
        let since = self.since.unwrap_or(now);
        // Three: since the packet before; five: since the first.
        if self.form == 3 || self.since.is_none() {
            self.since = Some(now);
        }
        Stamp { form: self.form, now, since }
    }
}

/// A time as text.
pub(super) struct Stamp {
    form: u8,
    now: Timestamp,
    since: Timestamp,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = self.now.seconds_and_nanos();
        match self.form {
            0 => write!(f, "{} ", Clock(self.now)),
            1 => Ok(()),
            2 => write!(f, "{seconds}.{:06} ", nanos / 1000),
            4 => {
                let day = self.now.to_string();
                write!(f, "{} {} ", day.split('T').next().unwrap_or_default(), Clock(self.now))
            }
            _ => {
                // A clock that was set back gives a time below zero.
                // It is the difference of the times that the other forms show.
                let shown = |time: Timestamp| time.nanos().div_euclid(1000);
                let passed = shown(self.now) - shown(self.since);
                let (sign, micros) = (if passed < 0 { '-' } else { ' ' }, passed.unsigned_abs());
                let (second, micros) = (micros / 1_000_000, micros % 1_000_000);
                let (hour, minute) = (second / 3600, second / 60 % 60);
                write!(f, "{sign}{hour:02}:{minute:02}:{:02}.{micros:06} ", second % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_tcpdumps() {
        let packets =
            [Timestamp::new(1_388_651_869, 848_747_999), Timestamp::new(1_388_651_868, 900_000_000)];
        let shown = |form: u8| {
            let mut times = Times::new(form);
            packets.map(|packet| times.next(packet).to_string())
        };
        assert_eq!(shown(0), ["08:37:49.848747 ", "08:37:48.900000 "]);
        assert_eq!(shown(1), ["", ""]);
        assert_eq!(shown(2), ["1388651869.848747 ", "1388651868.900000 "]);
        assert_eq!(shown(3), [" 00:00:00.000000 ", "-00:00:00.948747 "]);
        assert_eq!(shown(4), ["2014-01-02 08:37:49.848747 ", "2014-01-02 08:37:48.900000 "]);
        assert_eq!(shown(5), [" 00:00:00.000000 ", "-00:00:00.948747 "]);
        // The difference of what is shown, not what is shown of the difference.
        let mut times = Times::new(3);
        let close = [1_999, 18_001].map(|nanos| times.next(Timestamp::from_nanos(nanos)).to_string());
        assert_eq!(close, [" 00:00:00.000000 ", " 00:00:00.000017 "]);
        let mut times = Times::new(5);
        let three = [0, 7_205, 3].map(|second| times.next(Timestamp::new(second, 0)).to_string());
        assert_eq!(three, [" 00:00:00.000000 ", " 02:00:05.000000 ", " 00:00:03.000000 "]);
    }
}
