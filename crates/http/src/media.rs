//! What a body is called when it becomes a file.
//!
//! Promises: a name is made of numbers and of words from this file, so that no peer has a say in where it leads.

use egret_reassembly::Direction;

use crate::{Exchange, Message};

/// Extensions by media type (IANA's names, and some that are in use). `+json` and `+xml` are told by their ends.
const EXTENSIONS: [(&str, &str); 37] = [
    ("application/json", "json"),
    ("application/x-ndjson", "ndjson"),
    ("application/xml", "xml"),
    ("application/javascript", "js"),
    ("application/x-javascript", "js"),
    ("application/x-www-form-urlencoded", "form"),
    ("application/yaml", "yaml"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/gzip", "gz"),
    ("application/wasm", "wasm"),
    ("application/msgpack", "msgpack"),
    ("application/cbor", "cbor"),
    ("application/grpc-web", "grpc"),
    ("application/x-protobuf", "pb"),
    ("application/dns-message", "dns"),
    ("application/ocsp-response", "ocsp"),
    ("multipart/form-data", "multipart"),
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/css", "css"),
    ("text/csv", "csv"),
    ("text/javascript", "js"),
    ("text/markdown", "md"),
    ("text/xml", "xml"),
    ("text/event-stream", "events"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/avif", "avif"),
    ("image/svg+xml", "svg"),
    ("image/x-icon", "ico"),
    ("font/woff2", "woff2"),
    ("audio/mpeg", "mp3"),
    ("video/mp4", "mp4"),
    ("video/mp2t", "ts"),
];

impl Exchange {
    /// A name for a file that one of its two bodies is written to: `17-0-response.json`, from the connection, the index,
    /// whose body it is, and the media type by a fixed list (`bin` for all others). No other exchange of a capture has
    /// it.
    pub fn body_file_name(&self, direction: Direction) -> String {
        let (side, message): (_, Option<&Message>) = match direction {
            Direction::ClientToServer => ("request", self.request().map(|request| &**request)),
            Direction::ServerToClient => ("response", self.response().map(|response| &**response)),
        };
        let media_type = message.and_then(Message::media_type).unwrap_or_default();
        format!("{}-{}-{side}.{}", self.connection(), self.index(), extension(&media_type))
    }
}

fn extension(media_type: &str) -> &'static str {
    let media_type = media_type.to_ascii_lowercase();
    let known = EXTENSIONS.iter().find(|(name, _)| *name == media_type);
    match known {
        Some((_, extension)) => extension,
        None if media_type.ends_with("+json") => "json",
        None if media_type.ends_with("+xml") => "xml",
        None => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (media_type, expected) in [
            ("application/json", "json"),
            ("Application/Problem+JSON", "json"),
            ("image/svg+xml", "svg"),
            ("application/atom+xml", "xml"),
            ("../../etc/passwd", "bin"),
            ("", "bin"),
        ] {
            assert_eq!(extension(media_type), expected, "{media_type}");
        }
    }
}
