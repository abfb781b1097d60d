//! An exchange as an entry of an HTTP archive: <http://www.softwareishard.com/blog/har-12-spec/>.
//!
//! What the format has no place for stands under names with `_` in front, as it asks for: the connection, the verdict
//! and the packets, all as in `--json`.

use std::time::Duration;

use egret_http::{Body, Exchange, Message, Request, Response, SetCookie, Timing};

use super::Bodies;
use super::record::{Words, shown_text, verdict};
use crate::output::bytes::Base64;
use crate::output::json::Json;

/// For a number that is not known (the format's own way to say so).
const UNKNOWN: i8 = -1;

pub(super) fn entry(exchange: &Exchange, bodies: Bodies, json: &mut Json<'_>) {
    let Timing { connect, send, wait, receive, .. } = exchange.timing();
    json.text("startedDateTime", exchange.started());
    let phases = [connect, send, wait, receive];
    json.millis("time", Some(phases.into_iter().flatten().sum()));
    // Both have to be there: what was not seen is empty.
    let (none, unseen) = (Request::default(), Response::default());
    json.inside("request", |json| request(exchange, exchange.request().unwrap_or(&none), bodies, json));
    json.inside("response", |json| response(exchange.response().unwrap_or(&unseen), bodies, json));
    json.inside("cache", |_| {});
    json.inside("timings", |json| {
        json.put("blocked", UNKNOWN);
        json.put("dns", UNKNOWN);
        match connect {
            Some(connect) => json.millis("connect", Some(connect)),
            None => json.put("connect", UNKNOWN),
        }
        for (name, phase) in [("send", send), ("wait", wait), ("receive", receive)] {
            json.millis(name, Some(phase.unwrap_or(Duration::ZERO)));
        }
        json.put("ssl", UNKNOWN);
    });
    json.text("serverIPAddress", exchange.server().ip);
    json.text("connection", exchange.connection());
    json.put("_connection", exchange.connection());
    json.put("_index", exchange.index());
    verdict(exchange.verdict(), ["_verdict", "_part", "_missing", "_why"], json);
    json.inside("_packets", |json| {
        let messages = [
            ("request", exchange.request().map(|request| request.transfer())),
            ("response", exchange.response().map(|response| response.transfer())),
        ];
        for (name, transfer) in messages {
            json.maybe(name, transfer.map(|transfer| (transfer.first_packet, transfer.last_packet)));
        }
    });
}

fn request(exchange: &Exchange, request: &Request, bodies: Bodies, json: &mut Json<'_>) {
    let words = Words::of(request);
    json.put("method", words.text(request.method()));
    json.put("url", exchange.url().unwrap_or_default());
    json.put("httpVersion", words.text(request.version()));
    json.objects("cookies", request.cookies(), |(name, value), json| {
        json.put("name", words.text(name));
        json.put("value", words.text(value));
    });
    headers(request, json);
    json.objects("queryString", request.query(), pair);
    if request.body().size() > 0 {
        json.inside("postData", |json| {
            json.put("mimeType", words.text(request.headers().get("content-type").unwrap_or_default()));
            if let Some(form) = request.form() {
                json.objects("params", form, pair);
            }
            content(request.body(), bodies, "_encoding", json);
        });
    }
    sizes(request, json);
}

fn response(response: &Response, bodies: Bodies, json: &mut Json<'_>) {
    let words = Words::of(response);
    let field = |name| words.text(response.headers().get(name).unwrap_or_default());
    json.put("status", response.status().unwrap_or(0));
    json.put("statusText", words.text(response.reason().unwrap_or_default()));
    json.put("httpVersion", words.text(response.version().unwrap_or_default()));
    json.objects("cookies", response.cookies(), |cookie: SetCookie<'_>, json| {
        json.put("name", words.text(cookie.name));
        json.put("value", words.text(cookie.value));
        json.maybe("path", cookie.path.map(|path| words.text(path)));
        json.maybe("domain", cookie.domain.map(|domain| words.text(domain)));
        json.put("httpOnly", cookie.http_only);
        json.put("secure", cookie.secure);
    });
    headers(response, json);
    json.inside("content", |json| {
        let body = response.body();
        json.put("size", body.decoded_size().unwrap_or(body.size()));
        json.maybe(
            "compression",
            body.decoded_size().map(|decoded| i128::from(decoded) - i128::from(body.size())),
        );
        json.put("mimeType", field("content-type"));
        content(body, bodies, "encoding", json);
    });
    json.put("redirectURL", field("location"));
    sizes(response, json);
}

fn headers(message: &Message, json: &mut Json<'_>) {
    json.objects("headers", Words::of(message).fields(message.headers()), |(name, value), json| {
        json.put("name", name);
        json.put("value", value);
    });
}

fn pair((name, value): (String, String), json: &mut Json<'_>) {
    json.put("name", name);
    json.put("value", value);
}

/// What was kept of a body.
fn content(body: &Body, bodies: Bodies, encoding: &str, json: &mut Json<'_>) {
    match shown_text(body) {
        Some(text) => json.string("text", text),
        None if body.bytes().is_empty() => {}
        None => {
            json.text("text", Base64(body.bytes()));
            json.put(encoding, "base64");
        }
    }
    if bodies.redacted {
        json.maybe("comment", (!body.bytes().is_empty()).then_some("redacted"));
    } else if !body.is_whole() {
        let whole = body.decoded_size().unwrap_or(body.size());
        json.text("comment", format_args!("{} of {whole} bytes", body.bytes().len()));
    }
}

fn sizes(message: &Message, json: &mut Json<'_>) {
    json.put("headersSize", UNKNOWN);
    json.put("bodySize", message.body().size());
}
