//! Many packets of a capture at once.
//!
//! Promises: the same packets, numbers and counts as one by one. Of one file, they stay where they were read; without a
//! filter, nothing is done with each of them but to note where it is.

use super::{Advance, Capture};
use crate::file::FileCapture;
use crate::{Batch, Error};

impl Capture {
    /// The next packets that pass the filter, at most so many, up to where none is waiting; `false` at the end or after a
    /// stop. Of one file, no packet is copied; of several sources, all are.
    ///
    /// What was in the batch is forgotten, and its memory used.
    ///
    /// ```no_run
    /// use egret_capture::{Batch, Capture};
    ///
    /// let mut capture = Capture::open("trace.pcap")?;
    /// let mut batch = Batch::default();
    /// while capture.next_batch(&mut batch, usize::MAX)? {
    ///     println!("{} packets", batch.len());
    /// }
    /// # Ok::<(), egret_capture::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`next_packet`](Self::next_packet), after a batch with everything before.
    pub fn next_batch(&mut self, batch: &mut Batch, most: usize) -> Result<bool, Error> {
        batch.clear();
        if let Some(error) = self.late.take() {
            return Err(error);
        }
        let in_place = self.holding().is_some();
        let most = most.min(Batch::MOST);
        while batch.len() < most && (in_place || !batch.is_full()) {
            if in_place && !self.over && !self.filters() && !self.wake.stopped() {
                self.lend(batch, most);
            }
            if batch.len() >= most {
                break;
            }
            match self.advance(true) {
                Ok(Advance::Record(record)) => {
                    if in_place {
                        batch.lend(self.number, &record);
                        if batch.len() == 1
                            && let Some(file) = self.holding()
                        {
                            file.hold(true);
                        }
                    } else {
                        batch.copy(&self.packet(&record));
                    }
                    // The notes know the comments on one packet at a time.
                    if record.commented {
                        break;
                    }
                }
                Ok(Advance::Tick) => {
                    batch.tick = Some(self.last);
                    break;
                }
                Ok(Advance::Full) if batch.is_empty() => {}
                Ok(Advance::Full | Advance::End) => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.late = Some(error);
                    break;
                }
            }
        }
        if let Some(file) = self.holding() {
            if batch.is_empty() {
                file.hold(false);
            } else {
                file.exchange(&mut batch.bytes);
            }
        }
        Ok(!batch.is_empty() || batch.tick.is_some())
    }

    /// Puts packets into a batch that were read already, as far as there is nothing to say of them but where they are.
    fn lend(&mut self, batch: &mut Batch, most: usize) {
        let before = batch.len();
        let number = self.number;
        let Some(file) = self.holding() else { return };
        let last = file.lend(batch, most, number);
        let count = (batch.len() - before) as u64;
        if count == 0 {
            return;
        }
        file.hold(true);
        self.last = batch.last().unwrap_or(self.last);
        self.number = last;
        self.read += count;
        self.passed += count;
        if let Some(source) = self.sources.first_mut() {
            source.read += count;
        }
    }

    /// Whether packets are looked at before they are delivered.
    #[cfg(feature = "libpcap")]
    fn filters(&self) -> bool {
        self.filter.is_some()
    }

    #[cfg(not(feature = "libpcap"))]
    fn filters(&self) -> bool {
        false
    }

    /// The one file whose packets can be held where they were read, if there is only one.
    fn holding(&mut self) -> Option<&mut FileCapture> {
        if let [source] = self.sources.as_mut_slice() { source.as_holding() } else { None }
    }
}
