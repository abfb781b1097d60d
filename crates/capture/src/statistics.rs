//! What a capture has counted, and how far it is.
//!
//! Promises: plain values. What nobody counted is `None`, which is not zero.

/// What a capture has counted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Packets read, before any filter for files.
    pub read: u64,
    /// Packets delivered.
    pub passed: u64,
    /// Packets of a link type that the filter has no meaning for; they were not delivered.
    pub unfilterable: u64,
    /// Packets that the kernel dropped because nobody read them in time: live, or as a pcapng file reports it.
    pub dropped_by_kernel: Option<u64>,
    /// Packets that the interface or its driver dropped: live, or as a pcapng file reports it.
    pub dropped_by_interface: Option<u64>,
}

/// What one of the files or interfaces of a capture has counted so far.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatistics {
    /// The file or interface.
    pub name: String,
    /// Packets read, before any filter for files.
    pub read: u64,
    /// As [`Statistics::dropped_by_kernel`].
    pub dropped_by_kernel: Option<u64>,
    /// As [`Statistics::dropped_by_interface`].
    pub dropped_by_interface: Option<u64>,
}

/// How far regular files have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, of the file as it is on disk (compressed, if it is).
    pub position: u64,
    /// The file's length when it was opened.
    pub length: u64,
}

/// Adds to a sum of which nothing may be known.
pub(crate) fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}
