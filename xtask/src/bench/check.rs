//! Whether what egret says of a capture is the truth: each intact exchange as it was said, bodies to the digest; each
//! damaged one with the verdict that it must have; none that was not said.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::make::Capture;
use super::talk::ID_HEADER;
use super::truth::Row;
use crate::shell::Program;

/// How many differences are shown.
const SHOWN: usize = 10;

/// What a record of `egret http --json --digest` says, as far as it is looked at.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    request: Option<Message<'a>>,
    #[serde(borrow)]
    response: Option<Message<'a>>,
    verdict: &'a str,
    part: Option<&'a str>,
    missing: Option<u64>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow)]
    method: Cow<'a, str>,
    #[serde(default, borrow)]
    target: Cow<'a, str>,
    #[serde(default)]
    status: u16,
    #[serde(borrow)]
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    size: u64,
    /// Not of a body that is not whole.
    sha256: Option<&'a str>,
    decoded_size: Option<u64>,
    decoded_sha256: Option<&'a str>,
}

/// How many records there were, and how many differences from the truth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) records: u64,
    pub(super) wrong: usize,
}

/// What is known of an exchange, and whether egret has told of it.
struct Known {
    line: Box<str>,
    told: bool,
}

impl Known {
    /// Whether a head is damaged, its own or one that makes it uncertain.
    fn is_broken(&self) -> bool {
        self.line.ends_with("\tbroken") || self.line.ends_with("\texposed")
    }
}

/// Runs `egret http` on the capture, with these words more, and shows where it does not tell the truth.
pub(super) fn run(egret: &Path, capture: &Capture, more: &[&str]) -> Result<Found> {
    let rows = fs::read_to_string(&capture.rows)
        .with_context(|| format!("cannot read {}", capture.rows.display()))?;
    let mut known: Vec<Known> = rows.lines().map(|line| Known { line: line.into(), told: false }).collect();
    drop(rows);
    let mut wrong = Vec::new();
    let (mut records, mut unnamed) = (0, 0);
    let program =
        Program::new(egret, "http --quiet --json --digest --checksums ignore").words(&more.join(" "));
    let program = program.arg("--read").arg(&capture.path);
    let status = program.lines(&mut |line| {
        let record: Record<'_> = serde_json::from_slice(line)
            .with_context(|| format!("egret printed `{}`", String::from_utf8_lossy(line)))?;
        records += 1;
        match told(&record, &mut known) {
            Told::True => {}
            Told::Unnamed => unnamed += 1,
            Told::Wrong(what) => wrong.push(what),
        }
        Ok(())
    })?;
    if !status.success() {
        bail!("egret failed on {} ({status})", capture.path.display());
    }
    let broken = known.iter().filter(|known| known.is_broken()).count();
    let silent = known.iter().filter(|known| !known.told && !known.is_broken());
    wrong.extend(silent.map(|known| format!("not found: {}", known.line)));
    // A message that lost its name is one of those whose head is damaged; of each exchange there are two.
    if unnamed > 2 * broken {
        wrong.push(format!("{unnamed} exchanges without {ID_HEADER}, but only {broken} with a damaged head"));
    }
    for line in wrong.iter().take(SHOWN) {
        println!("  {line}");
    }
    Ok(Found { records, wrong: wrong.len() })
}

enum Told {
    True,
    /// It cannot be said which exchange it is.
    Unnamed,
    Wrong(String),
}

fn told(record: &Record<'_>, known: &mut [Known]) -> Told {
    let id = [&record.request, &record.response].into_iter().flatten().find_map(|message| {
        let value = message.headers.iter().find(|(name, _)| name == ID_HEADER).map(|(_, value)| value)?;
        u64::from_str_radix(value, 16).ok()
    });
    let Some(id) = id else { return Told::Unnamed };
    let Some(known) = (id as usize).checked_sub(1).and_then(|place| known.get_mut(place)) else {
        return Told::Wrong(format!("never said: {ID_HEADER} {id:016x}"));
    };
    let (row, state) = known.line.rsplit_once('\t').unwrap_or_default();
    let repeated = std::mem::replace(&mut known.told, true);
    let complete = record.verdict == "complete";
    let right = match state.split_once(':') {
        _ if state == "intact" => complete && !repeated && said(record, id).to_string() == row,
        _ if state == "exposed" => !complete || said(record, id).to_string() == row,
        // A damaged request and its response may be told apart.
        None => !complete,
        Some((part, missing)) => {
            !repeated
                && record.part == Some(part)
                && record.missing.map(|missing| missing.to_string()).as_deref() == Some(missing)
        }
    };
    if right {
        return Told::True;
    }
    let Record { verdict, part, missing, .. } = record;
    let again = if repeated { ", for the second time" } else { "" };
    let part = part.unwrap_or_default();
    let missing = missing.map_or(String::new(), |missing| format!(", {missing} bytes missing"));
    Told::Wrong(format!(
        "said:  {row} {state}\n  found: {} {verdict} {part}{missing}{again}",
        said(record, id)
    ))
}

/// What egret says of an exchange, in the form of the truth.
fn said(record: &Record<'_>, id: u64) -> Row {
    // Of the digest of nothing there is nothing to be seen.
    let digest = |size: u64, digest: &str| match size {
        0 => String::new(),
        _ => digest.chars().take(16).collect(),
    };
    let (request, response) = (record.request.as_ref(), record.response.as_ref());
    let text = |word: Option<&Cow<'_, str>>| word.map_or(String::new(), |word| word.to_string());
    let sent = request.map(|message| &message.body);
    let received = response.map(|message| &message.body);
    let size = |body: Option<&Body<'_>>| body.map_or(0, |body| body.size);
    let of = |body: Option<&Body<'_>>| {
        body.map_or(String::new(), |body| digest(body.size, body.sha256.unwrap_or_default()))
    };
    Row {
        id,
        method: text(request.map(|request| &request.method)),
        target: text(request.map(|request| &request.target)),
        status: response.map_or(0, |response| response.status),
        request_size: size(sent),
        request_digest: of(sent),
        response_size: size(received),
        response_digest: of(received),
        decoded: received.filter(|body| body.size > 0).and_then(|body| {
            body.decoded_size.zip(body.decoded_sha256).map(|(size, sha)| (size, digest(size, sha)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "0000000000000001 GET /a 200 0  3 ba7816bf8f01cfea";
    const RECORD: &str = r#"{"request":{"method":"GET","target":"/a","headers":[["X-Request-Id","0000000000000001"]],
        "body":{"size":0,"sha256":"e3b0c44298fc1c149afb"}},"response":{"status":200,"headers":[],
        "body":{"size":3,"sha256":"ba7816bf8f01cfea414140"}},"verdict":"complete"}"#;

    fn judged(state: &str, record: &str) -> &'static str {
        let mut known = [Known { line: format!("{ROW}\t{state}").into(), told: false }];
        match told(&serde_json::from_str(record).unwrap(), &mut known) {
            Told::True => "true",
            Told::Unnamed => "unnamed",
            Told::Wrong(_) => "wrong",
        }
    }

    #[test]
    fn an_intact_exchange_must_be_told_as_it_was_said() {
        assert_eq!(judged("intact", RECORD), "true");
        assert_eq!(judged("intact", &RECORD.replace("ba78", "ba79")), "wrong");
        assert_eq!(judged("intact", &RECORD.replace("\"/a\"", "\"/b\"")), "wrong");
        assert_eq!(judged("intact", &RECORD.replace("01\"]", "02\"]")), "wrong", "nobody said it");
        assert_eq!(judged("intact", &RECORD.replace("Request-Id", "Id")), "unnamed");
    }

    #[test]
    fn a_damaged_exchange_must_not_be_told_as_whole() {
        assert_eq!(judged("broken", RECORD), "wrong");
        assert_eq!(judged("response-body:2", RECORD), "wrong");
        let incomplete = |part: &str| {
            let verdict = format!("\"incomplete\",\"part\":\"{part}\",\"missing\":2");
            RECORD.replace("\"complete\"", &verdict)
        };
        assert_eq!(judged("response-body:2", &incomplete("response-body")), "true");
        assert_eq!(judged("response-body:3", &incomplete("response-body")), "wrong");
        assert_eq!(judged("response-body:2", &incomplete("request-body")), "wrong");
        assert_eq!(judged("intact", &incomplete("response-body")), "wrong");
        assert_eq!(judged("exposed", &incomplete("response-body")), "true");
        assert_eq!(judged("exposed", RECORD), "true");
        assert_eq!(judged("exposed", &RECORD.replace("ba78", "ba79")), "wrong");
        assert_eq!(judged("broken", &incomplete("response-body")), "true");
    }
}
