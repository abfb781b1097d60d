//! What the workloads are: how many connections, what is said on them, and how badly it was captured.

/// One workload at full size. Rates are in ten thousandths.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// What it is there for, for people.
    pub(super) what: &'static str,
    /// No connection begins, and none goes on after its exchange, once the capture has this many bytes.
    pub(super) bytes: u64,
    /// The most connections there are.
    pub(super) connections: u64,
    /// How many are open at a time.
    pub(super) open: u64,
    /// How many exchanges a connection has, on average.
    pub(super) exchanges: u64,
    /// How many packets of one connection follow each other at most.
    pub(super) burst: u64,
    /// Whether heads are as short as those of a small client, or as long as those of a browser.
    pub(super) short: bool,
    /// The middle of the sizes of response bodies, and of request bodies.
    pub(super) body: u64,
    pub(super) request_body: u64,
    /// The largest body.
    pub(super) largest: u64,
    pub(super) post: u32,
    pub(super) chunked: u32,
    pub(super) gzip: u32,
    pub(super) ipv6: u32,
    pub(super) vlan: u32,
    pub(super) head: u32,
    pub(super) no_content: u32,
    pub(super) not_modified: u32,
    pub(super) expect: u32,
    pub(super) pipelined: u32,
    /// Of the last responses of connections: those whose body ends with the connection.
    pub(super) until_close: u32,
    /// Connections that end with a RST.
    pub(super) reset: u32,
    pub(super) reordered: u32,
    pub(super) retransmitted: u32,
    /// Segments that were sent and acknowledged, but are not in the capture.
    pub(super) lost: u32,
}

/// What all have in common.
const COMMON: Workload = Workload {
    name: "api",
    what: "JSON over keep-alive connections, 2,000 at a time",
    bytes: 1 << 30,
    connections: u64::MAX,
    open: 2_000,
    exchanges: 20,
    burst: 4,
    short: false,
    body: 3_000,
    request_body: 700,
    largest: 2 << 20,
    post: 2_500,
    chunked: 1_000,
    gzip: 1_000,
    ipv6: 1_000,
    vlan: 0,
    head: 0,
    no_content: 100,
    not_modified: 200,
    expect: 0,
    pipelined: 0,
    until_close: 0,
    reset: 100,
    reordered: 100,
    retransmitted: 50,
    lost: 0,
};

/// The workloads of the bench, in the order of its table.
pub(super) const WORKLOADS: [Workload; 6] = [
    COMMON,
    Workload {
        name: "bulk",
        what: "a few connections with bodies of megabytes",
        open: 16,
        exchanges: 8,
        burst: 16,
        body: 1 << 20,
        largest: 16 << 20,
        post: 1_000,
        ..COMMON
    },
    Workload {
        name: "tiny",
        what: "one small exchange on each of 500,000 connections",
        bytes: u64::MAX,
        connections: 500_000,
        exchanges: 1,
        short: true,
        body: 80,
        request_body: 60,
        ..COMMON
    },
    Workload {
        name: "manyflows",
        what: "one small exchange on each of 1,000,000 connections, 200,000 at a time",
        bytes: u64::MAX,
        connections: 1_000_000,
        open: 200_000,
        exchanges: 1,
        short: true,
        body: 200,
        request_body: 80,
        ..COMMON
    },
    Workload {
        name: "lossy",
        what: "as api, with 5 % of the segments not captured, 5 % out of order, 2 % sent twice",
        bytes: 256 << 20,
        open: 500,
        lost: 500,
        reordered: 500,
        retransmitted: 200,
        ..COMMON
    },
    Workload {
        name: "corner",
        what: "all that HTTP/1.1 allows, with losses: for the truth, not for speed",
        bytes: 72 << 20,
        open: 200,
        head: 200,
        expect: 500,
        pipelined: 500,
        until_close: 2_000,
        vlan: 1_000,
        reset: 300,
        reordered: 300,
        retransmitted: 200,
        lost: 20,
        ..COMMON
    },
];

impl Workload {
    /// The workload of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        WORKLOADS.into_iter().find(|workload| workload.name == name)
    }

    /// The workload for the instruction counts: `api`, small enough for a machine that is simulated.
    pub(super) fn sample() -> Self {
        Self { bytes: 24 << 20, open: 200, ..COMMON }
    }

    /// About a hundred packets: what there is to do is little beside starting.
    pub(super) fn small() -> Self {
        Self { bytes: 48 << 10, open: 2, ..COMMON }
    }

    /// `api`, that many times 64 MiB: how cost grows with the length of a capture.
    pub(super) fn longer(times: u64) -> Self {
        Self { bytes: times << 26, open: 500, ..COMMON }
    }

    /// `api`, of that many million bytes: whether memory depends on the length of a capture.
    pub(super) fn sized(megabytes: u64) -> Self {
        Self { bytes: megabytes * 1_000_000, ..COMMON }
    }

    /// Half a million packets, with that many connections open at a time.
    pub(super) fn wider(open: u64) -> Self {
        Self { bytes: 320 << 20, open, exchanges: 1_000, body: 1_000, ..COMMON }
    }

    /// A part of it, or more of it.
    pub(super) fn scaled(self, scale: f64) -> Self {
        let times = |count: u64, least: u64| match count {
            u64::MAX => u64::MAX,
            count => ((count as f64 * scale) as u64).max(least),
        };
        let open = if self.connections == u64::MAX { self.open } else { times(self.open, 16) };
        Self { bytes: times(self.bytes, 1 << 16), connections: times(self.connections, 64), open, ..self }
    }
}
