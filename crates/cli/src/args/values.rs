//! Sizes and times as people type them.

use std::time::Duration;

/// `4096`, `64K`, `128M`, `1G`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (number, shift) = match text.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (text.get(..text.len() - 1), 10),
        Some(b'M') => (text.get(..text.len() - 1), 20),
        Some(b'G') => (text.get(..text.len() - 1), 30),
        _ => (Some(text), 0),
    };
    number
        .and_then(|number| number.parse::<usize>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "not a size: give a number of bytes, or one with K, M or G behind it (64M)".to_owned())
}

/// `7:0`: a connection, and the number of an exchange on it.
pub(super) fn exchange(text: &str) -> Result<(u64, u64), String> {
    text.split_once(':')
        .and_then(|(connection, index)| connection.parse().ok().zip(index.parse().ok()))
        .ok_or_else(|| "not an exchange: give the connection's id and the exchange's number (7:0)".to_owned())
}

/// A file's size as tcpdump's `-C` has it: millions of bytes, or KiB, MiB and GiB with a letter behind the number.
pub(super) fn file_size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (text.get(..text.len() - 1), 1 << 10),
        Some(b'm') => (text.get(..text.len() - 1), 1 << 20),
        Some(b'g') => (text.get(..text.len() - 1), 1 << 30),
        _ => (Some(text), 1_000_000),
    };
    number
        .and_then(|number| number.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(unit))
        .filter(|&size| size > 0)
        .ok_or_else(|| "not a size: give millions of bytes, or a number with k, m or g behind it".to_owned())
}

/// `30`, `30s`, `500ms`, `5m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        Some(total) if millis > 0 => Ok(Duration::from_millis(total)),
        _ => Err("not a time: give seconds, or a number with ms, s, m or h behind it (500ms)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(size("64K"), Ok(65_536));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("0"), Ok(0));
        for wrong in ["", "K", "1.5M", "-1", "99999999999G", "5é", "é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            (file_size("2"), file_size("3k"), file_size("1G")),
            (Ok(2_000_000), Ok(3_072), Ok(1 << 30))
        );
        assert!(
            ["", "0", "k", "-1", "1.5", "99999999999999999"].iter().all(|wrong| file_size(wrong).is_err())
        );
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "5 s", "5d", "1.5s", "18446744073709551615h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
