//! What is recorded: who answers, who asks, and for what.

use super::programs::Language;

/// A conversation to record.
pub(super) struct Session {
    pub(super) name: &'static str,
    /// What is done, for the line of provenance.
    pub(super) what: &'static str,
    pub(super) server: Host,
    /// Where the server is asked.
    pub(super) host: &'static str,
    /// Whether the capture becomes a fixture. The others are checked, and removed: they are too big.
    pub(super) kept: bool,
    pub(super) clients: &'static [Client],
}

/// Who answers.
pub(super) enum Host {
    Nginx,
    Apache,
    Program(Language),
}

/// Who asks.
pub(super) enum Client {
    /// curl, run once with these arguments, in which `URL` is replaced by the server's. Several transfers in one run,
    /// set off by `--next`, share a connection.
    Curl(&'static str),
    /// A part of the client in this language.
    Program(Language, &'static str),
}

pub(super) const SESSIONS: [Session; 14] = [
    Session {
        name: "nginx-keep-alive",
        what: "one connection: two GETs, a HEAD, a range, two ranges at once, a 404, a 304, a redirect",
        server: Host::Nginx,
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Curl(
            "URL/ --next -s URL/birds.json --next -s -I URL/birds.json --next -s -r 0-99 URL/poem.txt \
                 --next -s -r 0-9,20-29 URL/poem.txt --next -s URL/missing \
                 --next -s -H If-None-Match:ETAG URL/birds.json --next -s URL/moved",
        )],
    },
    Session {
        name: "nginx-chunked-gzip",
        what: "over IPv6: gzip in chunks, chunks, chunks with a trailer, a request in chunks, and HTTP/1.0 until the end",
        server: Host::Nginx,
        host: "[::1]",
        kept: true,
        clients: &[
            Client::Curl(
                "--compressed URL/birds.json --next -s URL/list/ --next -s -H TE:trailers URL/trailer/poem.txt \
             --next -s -H Transfer-Encoding:chunked --data-binary @poem.txt URL/form",
            ),
            Client::Curl("--http1.0 URL/list/"),
        ],
    },
    Session {
        name: "nginx-post",
        what: "a form, 100-continue with 40 kB, 413 to a body that was announced, DELETE with 204, 500, 502, 401",
        server: Host::Nginx,
        host: "127.0.0.1",
        kept: true,
        clients: &[
            Client::Curl(
                "-d name=egret&size=60 URL/form --next -s -T big.bin -H Expect:100-continue URL/upload/big.bin",
            ),
            Client::Curl("-T big.bin -H Expect:100-continue URL/small/big.bin"),
            Client::Curl(
                "-X DELETE URL/thing --next -s URL/broken --next -s URL/nobody --next -s URL/private",
            ),
        ],
    },
    Session {
        name: "apache-ranges",
        what: "one connection: ranges, three at once, one that cannot be, gzip, br, a list of a folder, a 304, HEAD, OPTIONS, TRACE, a PUT that is refused, a 404; HTTP/1.0",
        server: Host::Apache,
        host: "127.0.0.1",
        kept: true,
        clients: &[
            Client::Curl(
                "-s URL/poem.txt --next -s -r 0-99 URL/poem.txt --next -s -r 0-9,20-29,-5 URL/poem.txt \
                 --next -s -r 9999- URL/poem.txt --next -s -H Accept-Encoding:gzip URL/birds.json \
                 --next -s -H Accept-Encoding:br URL/birds.json --next -s URL/list/ \
                 --next -s -H If-None-Match:* URL/poem.txt --next -s -I URL/poem.txt --next -s -X OPTIONS URL/poem.txt \
                 --next -s -X TRACE URL/ --next -s -X PUT -d a=b URL/poem.txt --next -s URL/missing",
            ),
            Client::Curl("--http1.0 URL/poem.txt"),
        ],
    },
    Session {
        name: "apache-python-pool",
        what: "two threads that share a pool of two connections",
        server: Host::Apache,
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "pool")],
    },
    Session {
        name: "python-codings",
        what: "gzip, deflate, br, zstd, br upon gzip, sized and in chunks",
        server: Host::Program(Language::Python),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "codings")],
    },
    Session {
        name: "python-node-fetch",
        what: "codings, a body in chunks and a form in parts, sent by fetch; then a download that is given up",
        server: Host::Program(Language::Python),
        host: "127.0.0.1",
        kept: true,
        clients: &[
            Client::Program(Language::Node, "codings"),
            Client::Program(Language::Node, "uploads"),
            Client::Program(Language::Node, "aborted"),
        ],
    },
    Session {
        name: "python-uploads",
        what: "a form in parts, a body in chunks, a body of known length",
        server: Host::Program(Language::Python),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "uploads")],
    },
    Session {
        name: "python-events-socket",
        what: "server-sent events, a long poll, a WebSocket",
        server: Host::Program(Language::Python),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "events"), Client::Program(Language::Python, "channel")],
    },
    Session {
        name: "node-agent",
        what: "an agent that keeps one connection at a time: chunks with a trailer, early hints, HEAD, DELETE with 204, server-sent events, a long poll; a WebSocket",
        server: Host::Program(Language::Node),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Node, "agent"), Client::Program(Language::Node, "channel")],
    },
    Session {
        name: "node-pipelined",
        what: "twelve requests in one segment, from a raw socket in Python",
        server: Host::Program(Language::Node),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "pipelined")],
    },
    Session {
        name: "node-aborted",
        what: "downloads that are given up, by requests in Python and by fetch",
        server: Host::Program(Language::Node),
        host: "127.0.0.1",
        kept: true,
        clients: &[Client::Program(Language::Python, "aborted"), Client::Program(Language::Node, "aborted")],
    },
    Session {
        name: "big",
        what: "8 MiB there and back, between every two of the programs",
        server: Host::Program(Language::Python),
        host: "127.0.0.1",
        kept: false,
        clients: &[Client::Program(Language::Python, "big"), Client::Program(Language::Node, "big")],
    },
    Session {
        name: "big-node",
        what: "the same with the server in JavaScript, which sends in chunks",
        server: Host::Program(Language::Node),
        host: "127.0.0.1",
        kept: false,
        clients: &[Client::Program(Language::Python, "big"), Client::Program(Language::Node, "big")],
    },
];
