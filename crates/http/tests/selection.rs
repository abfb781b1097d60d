//! Which exchanges a selection selects, respect by respect, and what is ruled out before an exchange is over.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

mod common;

use common::Talk;
use egret_http::{
    BodyPiece, Connection, Context, Direction, Ending, Exchange, Handler, Limits, Moment, Opened,
};
use egret_http::{Piece, Selection, Timestamp, text};

/// Some exchanges, one connection, each told by its target or status.
fn talk() -> Talk {
    let mut talk = Talk::new();
    for (request, status) in [
        ("GET /api/v1/users?page=2 HTTP/1.1\r\nHost: api.Example.com\r\n\r\n", 200),
        ("POST /login HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 0\r\n\r\n", 404),
        ("GET http://user:pw@other.example:81/api/logo.png HTTP/1.1\r\nHost: example.com\r\n\r\n", 302),
        ("DELETE /a%2Fb HTTP/1.1\r\nHost: [2001:DB8::0:1]:443\r\n\r\n", 503),
        ("GET /old HTTP/1.0\r\n\r\n", 200),
        ("GET http://bare.example HTTP/1.1\r\n\r\n", 200),
    ] {
        let response = format!("HTTP/1.1 {status} X\r\nContent-Length: 1\r\n\r\nx");
        talk = talk.client(request).server(response);
    }
    talk.client("HEAD /never HTTP/1.1\r\nHost: example.com.\r\n\r\n")
}

const ALL: [&str; 7] = [
    "/api/v1/users?page=2",
    "/login",
    "http://user:pw@other.example:81/api/logo.png",
    "/a%2Fb",
    "/old",
    "http://bare.example",
    "/never",
];

fn selected(selection: &Selection) -> Vec<String> {
    let shown = |exchange: &Exchange| {
        assert!(
            !(selection.selects(exchange) && selection.rules_out(exchange)),
            "{exchange} is wanted, and was ruled out"
        );
        let target = exchange.request().map(|request| text(request.target()).into_owned());
        selection.selects(exchange).then(|| target.unwrap_or_default())
    };
    talk().run(shown).0.into_iter().flatten().collect()
}

fn by(fill: impl FnOnce(&mut Selection)) -> Vec<usize> {
    let mut selection = Selection::default();
    fill(&mut selection);
    let selected = selected(&selection);
    selected.iter().map(|target| ALL.iter().position(|known| known == target).unwrap()).collect()
}

fn by_hosts(hosts: &[&str]) -> Vec<usize> {
    by(|selection| selection.hosts = hosts.iter().map(|host| host.parse().unwrap()).collect())
}

fn by_path(path: &str) -> Vec<usize> {
    by(|selection| selection.paths = vec![path.parse().unwrap()])
}

#[test]
fn nothing_asked_for_is_everything() {
    assert!(Selection::default().is_everything());
    assert_eq!(by(|_| {}), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn by_host() {
    assert_eq!(by_hosts(&["example.com"]), [1, 6], "a port or a dot behind it makes no difference");
    assert_eq!(by_hosts(&["EXAMPLE.com:8080"]), [1]);
    assert_eq!(by_hosts(&["example.com:80"]), [6], "the server's port, where none is named");
    assert_eq!(by_hosts(&["*.example.com"]), [0]);
    assert_eq!(by_hosts(&["other.example", "api.*"]), [0, 2]);
    assert_eq!(by_hosts(&["other.example:81"]), [2], "an absolute target counts more than Host");
    assert_eq!(by_hosts(&["bare.example"]), [5]);
    assert_eq!(by_hosts(&["user"]), [0; 0]);
    // Addresses, in any way to write them; and the server's, where no host is named.
    assert_eq!(by_hosts(&["2001:db8::1"]), [3]);
    assert_eq!(by_hosts(&["[2001:db8:0::1]:443"]), [3]);
    assert_eq!(by_hosts(&["[2001:db8::1]:80"]), [0; 0]);
    assert_eq!(by_hosts(&["10.0.0.2"]), [4]);
    assert_eq!(by_hosts(&["10.0.0.*:80"]), [4]);
    assert_eq!(by_hosts(&["10.0.0.2:81"]), [0; 0]);
}

#[test]
fn by_path_and_query() {
    assert_eq!(by_path("/api/*"), [0, 2]);
    assert_eq!(by_path("*.png"), [2]);
    assert_eq!(by_path("/api/v1/users"), [0], "without the query");
    assert_eq!(by_path("/api/v1/users?page=*"), [0], "or with it");
    assert_eq!(by_path("/logi?"), [1]);
    assert_eq!(by_path("/Login"), [0; 0], "paths are compared byte by byte");
    assert_eq!(by_path("/a/b"), [0; 0]);
    assert_eq!(by_path("/a%2F?"), [3]);
    assert_eq!(by_path("/"), [5], "an absolute target without a path means this one");
    assert_eq!(by(|all| all.paths = vec!["/old".parse().unwrap(), "/login".parse().unwrap()]), [1, 4]);
}

#[test]
fn by_method_status_and_verdict() {
    assert_eq!(by(|all| all.methods = vec!["post".into(), "DELETE".into()]), [1, 3]);
    assert_eq!(by(|all| all.statuses = vec!["4xx".parse().unwrap(), "302".parse().unwrap()]), [1, 2]);
    assert_eq!(by(|all| all.incomplete = true), [6]);
    // All that is asked for has to be so.
    let both = |all: &mut Selection| {
        all.methods = vec!["GET".into()];
        all.statuses = vec!["2xx".parse().unwrap()];
        all.hosts = vec!["*.example.*".parse().unwrap()];
    };
    assert_eq!(by(both), [0]);
}

#[test]
fn what_was_not_seen_is_not_selected() {
    let unasked = Talk::new().midstream().server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let selects = |selection: Selection| unasked.run(|exchange| selection.selects(exchange)).0;
    assert_eq!(selects(Selection::default()), [true]);
    assert_eq!(selects(Selection { statuses: vec!["200".parse().unwrap()], ..Selection::default() }), [true]);
    assert_eq!(
        selects(Selection { hosts: vec!["10.0.0.2".parse().unwrap()], ..Selection::default() }),
        [true]
    );
    assert_eq!(selects(Selection { hosts: vec!["a".parse().unwrap()], ..Selection::default() }), [false]);
    assert_eq!(selects(Selection { methods: vec!["GET".into()], ..Selection::default() }), [false]);
    assert_eq!(selects(Selection { paths: vec!["*".parse().unwrap()], ..Selection::default() }), [false]);
    let unanswered = Talk::new().client("GET / HTTP/1.1\r\n\r\n");
    let any_status = Selection { statuses: vec!["2xx".parse().unwrap()], ..Selection::default() };
    assert_eq!(unanswered.run(|exchange| any_status.selects(exchange)).0, [false]);
}

/// Counts the bytes of bodies that are not ruled out.
struct Counting(Selection, usize);

impl Handler for Counting {
    fn body(&mut self, piece: BodyPiece<'_>) {
        if !self.0.rules_out(piece.exchange) {
            self.1 += piece.bytes.len();
        }
    }

    fn exchange(&mut self, _: &Exchange) {}
}

#[test]
fn what_is_ruled_out_is_known_early() {
    for (selection, bytes) in [
        (Selection::default(), 7),
        (Selection { methods: vec!["GET".into()], ..Selection::default() }, 0),
        (Selection { methods: vec!["PUT".into()], ..Selection::default() }, 7),
        // The request's body is over before the status is there.
        (Selection { statuses: vec!["5xx".parse().unwrap()], ..Selection::default() }, 3),
        (Selection { incomplete: true, ..Selection::default() }, 7),
    ] {
        let mut context = Context::new(Counting(selection, 0), Limits::default());
        let mut connection = Connection::new(1, common::flow(), Opened::Handshake);
        for (direction, bytes) in [
            (Direction::ClientToServer, &b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"[..]),
            (Direction::ServerToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndefg"),
        ] {
            connection.data(Piece::new(direction, Timestamp::EPOCH, bytes), &mut context);
        }
        connection.close(Ending::Finished, Moment::default(), &mut context);
        assert_eq!(context.handler().1, bytes, "{:?}", context.handler().0);
    }
}
