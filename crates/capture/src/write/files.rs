//! A series of files: when the next one begins, and what it is called, as tcpdump's `-C`, `-G` and `-W` have it.
//!
//! Promises: no packet is in two files or in none; times are those of the packets, so a series made from a file is the
//! same as one made live; the intervals follow each other without drifting.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::timestamp::{SECONDS_PER_DAY, civil};
use crate::{Error, Timestamp};

/// When a [`Writer`](crate::Writer) goes on to its next file, and how many there are.
///
/// The name of a file may have parts of a time in it, as strftime(3) has them, in UTC: `%Y %y %m %d %j %H %M %S %s %F
/// %T`. With a size, the second file has a 1 behind its name, the third a 2 (with a number of files, the first a 0, and
/// all as many digits as the last).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// Bytes after which the next packet goes to the next file, named with a number; none by default.
    pub size: Option<u64>,
    /// Time, counted from the first packet, after which the next file begins, named with the time at which its interval
    /// begins; none by default. Seconds count, nothing smaller. Without a part of a time in its name each file takes the
    /// place of the one before.
    pub interval: Option<Duration>,
    /// How many files. With a size the first is taken again after the last; with an interval alone, writing
    /// ends after the last.
    pub files: Option<u32>,
}

/// The files of a writer.
#[derive(Debug)]
pub(super) struct Files {
    /// As the user wrote it.
    name: String,
    rotation: Rotation,
    has_time: bool,
    /// The number of the current file within its interval.
    number: u32,
    /// How many intervals are over.
    intervals: u32,
    /// When the current interval began, in seconds; not known before the first packet.
    began: Option<i64>,
    over: bool,
}

impl Files {
    pub(super) fn new(path: &Path, rotation: Rotation) -> Result<Self, Error> {
        let name = path.display().to_string();
        // A percent sign means nothing where no interval asks for it.
        let has_time = rotation.interval.is_some() && name.contains('%');
        let files = Self { name, rotation, has_time, number: 0, intervals: 0, began: None, over: false };
        if has_time {
            expand(&files.name, Timestamp::EPOCH)
                .map_err(|conversion| Error::FileName { name: files.name.clone(), conversion })?;
        }
        Ok(files)
    }

    /// Whether nothing is to be written any more.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The first file, unless its name waits for a time.
    pub(super) fn first(&mut self) -> Option<PathBuf> {
        (!self.has_time).then(|| self.path())
    }

    /// The file for a packet of this time, if it is not the current one, which has `size` bytes.
    pub(super) fn next(&mut self, time: Timestamp, size: u64) -> Option<PathBuf> {
        let now = time.seconds_and_nanos().0;
        let Some(began) = self.began else {
            self.began = Some(now);
            return self.has_time.then(|| self.path());
        };
        if let Some(interval) = self.rotation.interval {
            let interval = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(1);
            let passed = now.saturating_sub(began) / interval;
            if passed > 0 {
                self.began = Some(began.saturating_add(passed.saturating_mul(interval)));
                self.intervals = self.intervals.saturating_add(1);
                self.number = 0;
                let limited = self.rotation.size.is_none();
                self.over = limited && self.rotation.files.is_some_and(|files| self.intervals >= files);
                return (!self.over).then(|| self.path());
            }
        }
        if self.rotation.size.is_some_and(|limit| size > limit) {
            self.number = self.number.saturating_add(1);
            if self.rotation.files.is_some_and(|files| self.number >= files) {
                self.number = 0;
            }
            return Some(self.path());
        }
        None
    }

    fn path(&self) -> PathBuf {
        let time = Timestamp::new(self.began.unwrap_or(0), 0);
        let mut name = match self.has_time {
            // Checked when it was given.
            true => expand(&self.name, time).unwrap_or_default(),
            false => self.name.clone(),
        };
        match self.rotation {
            Rotation { size: Some(_), files: Some(files), .. } => {
                let width = files.saturating_sub(1).to_string().len();
                let _ = write!(name, "{:0width$}", self.number);
            }
            _ if self.number > 0 => {
                let _ = write!(name, "{}", self.number);
            }
            _ => {}
        }
        name.into()
    }
}

/// A name with the parts of a time in it; the error is the conversion that is not known.
fn expand(name: &str, time: Timestamp) -> Result<String, String> {
    let (seconds, _) = time.seconds_and_nanos();
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil(days);
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut expanded = String::new();
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            expanded.push(character);
            continue;
        }
        let conversion = characters.next();
        let written = match conversion {
            Some('Y') => write!(expanded, "{year:04}"),
            Some('y') => write!(expanded, "{:02}", year.rem_euclid(100)),
            Some('m') => write!(expanded, "{month:02}"),
            Some('d') => write!(expanded, "{day:02}"),
            Some('j') => write!(expanded, "{:03}", day_of_year(year, days)),
            Some('H') => write!(expanded, "{hour:02}"),
            Some('M') => write!(expanded, "{minute:02}"),
            Some('S') => write!(expanded, "{second:02}"),
            Some('s') => write!(expanded, "{seconds}"),
            Some('F') => write!(expanded, "{year:04}-{month:02}-{day:02}"),
            Some('T') => write!(expanded, "{hour:02}:{minute:02}:{second:02}"),
            Some('%') => write!(expanded, "%"),
            Some(other) => return Err(format!("%{other}")),
            None => return Err("%".to_owned()),
        };
        // Writing to a string cannot fail.
        let _ = written;
    }
    Ok(expanded)
}

/// The day of the year, from 1: back to the first of January, of which every day but one of 366 is asked whether it is.
fn day_of_year(year: i64, days: i64) -> i64 {
    (0..=366).find(|back| civil(days - back - 1).0 != year).map_or(1, |back| back + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, rotation: Rotation) -> Files {
        Files::new(Path::new(name), rotation).unwrap()
    }

    fn next(files: &mut Files, second: i64, size: u64) -> Option<String> {
        files.next(Timestamp::new(second, 0), size).map(|path| path.display().to_string())
    }

    #[test]
    fn sizes_number_the_files() {
        let mut files = files("a.pcap", Rotation { size: Some(10), ..Rotation::default() });
        assert_eq!(files.first(), Some("a.pcap".into()));
        // The packet that makes a file too large is still in it.
        let asked: Vec<_> = [0, 10, 11, 10, 99].iter().map(|&size| next(&mut files, 0, size)).collect();
        assert_eq!(asked, [None, None, Some("a.pcap1".to_owned()), None, Some("a.pcap2".to_owned())]);
    }

    #[test]
    fn a_ring_takes_the_first_again() {
        let mut files = files("a%Y", Rotation { size: Some(1), files: Some(11), ..Rotation::default() });
        assert_eq!(files.first(), Some("a%Y00".into()));
        let names: Vec<_> = (0..13).filter_map(|_| next(&mut files, 0, 2)).collect();
        assert_eq!((names[0].as_str(), names[9].as_str(), names[10].as_str()), ("a%Y01", "a%Y10", "a%Y00"));
        assert!(!files.is_over());
    }

    #[test]
    fn intervals_follow_each_other_without_drifting() {
        let interval = Some(Duration::from_secs(60));
        let mut files = files("%s", Rotation { interval, files: Some(3), ..Rotation::default() });
        assert_eq!(files.first(), None);
        let asked = [100, 159, 160, 219, 345, 399].map(|second| next(&mut files, second, 0));
        assert_eq!(
            asked,
            [Some("100".to_owned()), None, Some("160".to_owned()), None, Some("340".to_owned()), None]
        );
        assert!(!files.is_over());
        assert_eq!((next(&mut files, 400, 0), files.is_over()), (None, true));
    }

    #[test]
    fn sizes_count_anew_in_each_interval() {
        let interval = Some(Duration::from_secs(10));
        let mut files = files("%S-", Rotation { interval, size: Some(1), files: None });
        let asked =
            [(0, 0), (1, 2), (2, 2), (10, 2), (11, 2)].map(|(second, size)| next(&mut files, second, size));
        let names = ["00-", "00-1", "00-2", "10-", "10-1"].map(|name| Some(name.to_owned()));
        assert_eq!(asked, names);
    }

    #[test]
    fn names_have_the_parts_of_a_time() {
        let time = Timestamp::new(951_782_400 + 3661, 0);
        assert_eq!(
            expand("%Y%m%d-%H%M%S %F %T %j %y %s%%é", time).unwrap(),
            "20000229-010101 2000-02-29 01:01:01 060 00 951786061%é"
        );
        assert_eq!(expand("%j", Timestamp::new(946_684_799, 0)).unwrap(), "365");
        assert_eq!(expand("a%q", time), Err("%q".to_owned()));
        assert_eq!(expand("a%", time), Err("%".to_owned()));
        let error =
            Files::new(Path::new("%é"), Rotation { interval: Some(Duration::ZERO), ..Rotation::default() });
        assert!(error.unwrap_err().to_string().contains("'%é' is no part of a time"));
    }
}
