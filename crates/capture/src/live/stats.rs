//! The kernel's drop counters, which have 32 bits and wrap, as counters that do not.

/// What was dropped since the capture began.
#[derive(Debug, Default)]
pub(super) struct Drops {
    totals: Option<(u64, u64)>,
    last: (u32, u32),
    /// Packets read since the counters were last looked at.
    since: u64,
}

impl Drops {
    /// Adds what the counters grew by since they were last seen; `None` (the interface vanished) changes nothing.
    pub(super) fn update(&mut self, seen: Option<(u32, u32)>) {
        let Some((kernel, interface)) = seen else { return };
        let (kernel_total, interface_total) = self.totals.unwrap_or_default();
        self.totals = Some((
            kernel_total + u64::from(kernel.wrapping_sub(self.last.0)),
            interface_total + u64::from(interface.wrapping_sub(self.last.1)),
        ));
        self.last = (kernel, interface);
        self.since = 0;
    }

    /// Whether so many packets were read that the counters should be looked at again, lest they wrap twice unseen.
    pub(super) fn is_due(&mut self, packets: usize) -> bool {
        self.since = self.since.saturating_add(packets as u64);
        self.since > 1 << 24
    }

    /// Dropped by the kernel, dropped by the interface.
    pub(super) fn totals(&self) -> [Option<u64>; 2] {
        self.totals.map_or([None; 2], |(kernel, interface)| [Some(kernel), Some(interface)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_wraps_goes_on() {
        let mut drops = Drops::default();
        assert_eq!(drops.totals(), [None; 2]);
        drops.update(Some((u32::MAX - 1, 3)));
        drops.update(Some((4, 3)));
        drops.update(None);
        assert_eq!(drops.totals(), [Some(u64::from(u32::MAX) + 5), Some(3)]);
    }
}
