//! Every bound this crate keeps to, and what it does with bodies, as plain values. All are finite by default.

/// How much of messages is kept, and how much may be kept in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all connections of one [`Context`](crate::Context) may hold together: heads, queued exchanges, kept
    /// bodies, decoders. Worst case: this many bytes, and one head while it is delivered. Over it, bodies are counted
    /// but not kept; a head that finds no room makes its exchange incomplete (`limit`); and where not even an exchange
    /// finds room, a head that lies whole in one packet is an exchange of its own. Default 64 MiB.
    pub memory: usize,
    /// Bytes of one head (start line and headers), and of one body's trailers. What is beyond is searched for its end
    /// but not kept. Worst case: this much for each direction of a connection, out of `memory`. Default 256 KiB.
    pub head: usize,
    /// Headers of one head. Those beyond are skipped, but for the ones that tell the body's length. Worst case: 16
    /// bytes each, out of `memory`. Default 2,000.
    pub headers: usize,
    /// Requests of one connection that wait for their response. Those beyond are reported unanswered (`limit`) at once,
    /// and the responses to them without their requests, so that none is given to another. Worst case: this many
    /// heads, out of `memory`. Default 1,000.
    pub queue: usize,
    /// Bytes kept of each body, from its start; 0 counts only. Worst case: twice this for each message under way (as
    /// sent, and decoded), out of `memory`. Default 0.
    pub keep_body: usize,
    /// When content codings (gzip, deflate, br, zstd) are undone. Worst case of one decoder, out of `memory`: 48 KiB
    /// for gzip and deflate, 18 MiB for br, 12 MiB for zstd; they take as much as the body makes them.
    pub decode: Decode,
    /// Whether to take the SHA-256 of each body, as sent and decoded. Default no.
    pub digest: bool,
    /// Bytes that one body may become by decoding, whether kept or not; decoding stops there. Default 64 MiB.
    pub decoded: u64,
    /// How many times longer than what was sent a decoded body may become, once it is longer than 1 MiB. Default 200
    /// (text compresses 5 to 20 times; the most that deflate can do is 1,032 times).
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            head: 256 << 10,
            headers: 2_000,
            queue: 1_000,
            keep_body: 0,
            decode: Decode::Kept,
            digest: false,
            decoded: 64 << 20,
            ratio: 200,
        }
    }
}

/// When content codings are undone: it costs more than everything else this crate does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Decode {
    /// Never: bodies are kept and delivered as sent.
    Never,
    /// Where the decoded bytes are kept ([`Limits::keep_body`] is not 0) or digested ([`Limits::digest`]).
    #[default]
    Kept,
    /// Always: for the sizes, or for a handler that takes the decoded pieces.
    Always,
}
