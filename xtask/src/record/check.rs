//! What the programs told of their exchanges, and whether egret tells the same of the capture.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::shell::Program;
use crate::workspace;

/// An exchange, as a client or a server tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Told {
    method: String,
    target: String,
    status: u64,
    /// The bytes of the response's body, as sent.
    size: Option<u64>,
    /// The digest of the response's body, decoded, and of what was sent with the request.
    sha256: Option<String>,
    sent: Option<String>,
    /// Whether the client gave it up.
    #[serde(default)]
    cut: bool,
}

impl Told {
    /// From lines of JSON.
    pub(super) fn read(lines: &str) -> Result<Vec<Self>> {
        let line = |line| serde_json::from_str(line).with_context(|| format!("what is told by `{line}`?"));
        lines.lines().map(line).collect()
    }

    /// Whether it is this exchange of egret's.
    fn is(&self, seen: &Value) -> bool {
        let body = |side: &str| seen.pointer(&format!("/{side}/body"));
        let digest = |side: &str| {
            let body = body(side)?;
            body.get("decoded_sha256").or_else(|| body.get("sha256"))?.as_str()
        };
        // What nginx logs as the size holds the framing of chunks, and interim responses: that is not compared.
        let framed =
            has_header(seen, "response", "transfer-encoding") || has_header(seen, "request", "expect");
        let size = body("response").and_then(|body| body.get("size")).and_then(Value::as_u64);
        let text = |place: &str| seen.pointer(place).and_then(Value::as_str);
        text("/request/method") == Some(&self.method)
            && text("/request/target") == Some(&self.target)
            && seen.pointer("/response/status").and_then(Value::as_u64) == Some(self.status)
            && text("/verdict").is_some_and(|verdict| (verdict == "complete") != self.cut)
            && (framed || self.size.is_none_or(|told| size == Some(told)))
            && (self.cut
                || self.sha256.is_none()
                || self.sha256.as_deref() == digest("response").or(Some(EMPTY)))
            && (self.sent.is_none() || self.sent.as_deref() == digest("request"))
    }
}

/// The SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn has_header(seen: &Value, side: &str, name: &str) -> bool {
    let headers = seen.pointer(&format!("/{side}/headers")).and_then(Value::as_array);
    let is = |header: &Value| {
        header.get(0).and_then(Value::as_str).is_some_and(|sent| sent.eq_ignore_ascii_case(name))
    };
    headers.into_iter().flatten().any(is)
}

/// Compares what was told with what egret finds in the capture: each exchange once, and no other. How many they are.
pub(super) fn check(capture: &Path, told: &[Told]) -> Result<usize> {
    let egret = Program::new(workspace::built("egret")?, "http --quiet --json --digest -r").arg(capture);
    let lines = egret.output()?;
    let seen = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    let mut seen = seen.context("egret wrote a line that is no JSON")?;
    let mut missed = Vec::new();
    for told in told {
        match seen.iter().position(|seen| told.is(seen)) {
            Some(place) => drop(seen.swap_remove(place)),
            None => missed.push(format!("told, but not found: {told:?}")),
        }
    }
    let places =
        ["request/method", "request/target", "request/body", "response/status", "response/body", "verdict"];
    for seen in &seen {
        let values =
            places.map(|place| seen.pointer(&format!("/{place}")).unwrap_or(&Value::Null).to_string());
        missed.push(format!("found, but not told: {}", values.join(" ")));
    }
    if !missed.is_empty() {
        bail!(
            "{}: egret does not find what the programs told\n  {}",
            workspace::shown(capture),
            missed.join("\n  ")
        );
    }
    Ok(told.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_compared_with_what_was_seen() {
        let seen = r#"{"request":{"method":"GET","target":"/a","body":{"sha256":"r"}},
            "response":{"status":200,"headers":[],"body":{"size":3,"sha256":"x","decoded_sha256":"y"}},"verdict":"complete"}"#;
        let seen: Value = serde_json::from_str(seen).expect("JSON");
        let is = |line: &str| Told::read(line).expect("good")[0].is(&seen);
        assert!(is(r#"{"method":"GET","target":"/a","status":200}"#));
        assert!(is(r#"{"method":"GET","target":"/a","status":200,"size":3,"sha256":"y","sent":"r"}"#));
        for wrong in [
            r#"{"method":"PUT","target":"/a","status":200}"#,
            r#"{"method":"GET","target":"/b","status":200}"#,
            r#"{"method":"GET","target":"/a","status":201}"#,
            r#"{"method":"GET","target":"/a","status":200,"size":4}"#,
            r#"{"method":"GET","target":"/a","status":200,"sha256":"x"}"#,
            r#"{"method":"GET","target":"/a","status":200,"sent":"x"}"#,
            r#"{"method":"GET","target":"/a","status":200,"cut":true}"#,
        ] {
            assert!(!is(wrong), "{wrong}");
        }
        assert!(Told::read("x").is_err());
    }
}
