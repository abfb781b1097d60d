//! `--redact`: a thousand secrets planted wherever secrets are, none in any output; and what refuses it.

use std::collections::HashSet;

use crate::run::{conversation, file, header, record, root, run};

/// What every planted secret has in it, and nothing else.
const CANARY: &str = "Kanarien";

/// Plants secrets, each with a number of its own.
struct Planter(usize);

impl Planter {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("{CANARY}{:04}", self.0)
    }

    /// Each `@` of a template becomes a secret.
    fn plant(&mut self, template: &str) -> String {
        let mut parts = template.split('@');
        let first = parts.next().expect("there is always a first part").to_owned();
        parts.fold(first, |text, part| text + &self.next() + part)
    }
}

/// Targets of requests. `~` stands for the `@` of a URL.
const TARGETS: &[&str] = &[
    "/a?token=@&x=@",
    "/a?%61pi%5Fkey=@;b=@",
    "/a?@",
    "/a;jsessionid=@/b?c=%20@#d=@",
    "http://@:@~b.example/c?d=@",
    "/login/password=@",
    "/t/eyJhbGciOiJIUzI1NiJ9.@.e/x",
    "/proxy/https://u:@~b/c?d=@",
    "/proxy/https%3A%2F%2Fu:@%40b%2Fc%3Fd=@",
    "/a b?c=@ @",
];

/// Fields of requests, and their trailers.
const ASKED: &[&str] = &[
    "Authorization: Bearer @",
    "authorization: @ @",
    "Authorization : Basic @",
    "Proxy-Authorization: Digest username=\"@\", response=\"@\"",
    "Cookie: a=@; b=@; @",
    "Cookie: a=\"@, @\"",
    "X-Api-Key: @",
    "x_auth_token: @",
    "X-Client-Secret: @, @",
    "Ocp-Apim-Subscription-Key: @",
    "Referer: https://u:@~a/b?c=@ @&d=@#token=@",
    "Origin: https://@~a",
    "X-Original-URL: /a?b=@",
    "Sec-WebSocket-Protocol: v1, @",
    "Authorization:\r\n Bearer\r\n\t@",
    "X-Debug: password=@, \"token\": \"@\"",
    "X-Note: use Bearer @ for it",
    "X-Jwt-Like: see v1.eyJhbGciOiJIUzI1NiJ9.@",
    "Authorization Bearer @",
    "@",
    "Author\x01ization: @",
    "X-Json: {\"a\":{\"p\\u0061ssword\":\"@\"}}",
    "Forwarded-Session: @",
];

/// Fields of responses.
const ANSWERED: &[&str] = &[
    "Set-Cookie: a=@; Path=/; HttpOnly",
    "Set-Cookie: a=\"@; @\"; Expires=Thu, 01 Jan 2026 00:00:00 GMT; secret=@",
    "set-cookie: @",
    "Location: https://a/b?code=@&state=@#access_token=@&x=y",
    "Link: <https://a/?b=@>; rel=next, <https://u:@~a/>; rel=prev",
    "Refresh: 5; url=https://a/?b=@",
    "WWW-Authenticate: Negotiate @",
    "Authentication-Info: @",
    "X-Amz-Security-Token: @",
    "X-Csrf: @",
    "Content-Location: /a?b=@",
];

/// Bodies, with their media types.
const BODIES: &[(&str, &str)] = &[
    ("application/json", r#"{"user":"a","password":"@","n":{"apiKey":["@",{"x":"@"}]},"password":"@"}"#),
    ("application/json", r#"{"p\u0061ssword":"@","API-KEY":"@","a":"https://u:@~b/?c=@"}"#),
    ("application/vnd.x+json; charset=utf-8", r#"[{"a":"{\"secret\":\"@\"}"},{"pin":"@"}]"#),
    ("application/json", r#"{"password":"@", broken @"#),
    ("application/json", r#""@""#),
    ("text/json", r#"{"a":"Bearer @","b":"eyJhbGciOiJIUzI1NiJ9.@"}"#),
    ("", r#"{"session":{"id":"@"}}"#),
    ("application/x-www-form-urlencoded", "user=a&password=@&p%61ssword=%20@&%2561pi_key=@"),
    ("application/x-www-form-urlencoded", "@"),
    ("application/x-www-form-urlencoded", r#"{"password":"@"}"#),
    (
        "application/x-www-form-urlencoded",
        "payload=%7B%22token%22%3A%22@%22%7D&next=https%3A%2F%2Fa%2F%3Fb%3D@",
    ),
    ("application/x-www-form-urlencoded", "two lines\n@"),
    (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n@\r\n--x--\r\n",
    ),
    ("text/plain", "dear diary, @"),
    ("application/xml", "<password>@</password>"),
    ("application/octet-stream", "\0\u{1}@"),
    ("application/x-ndjson", "{\"token\":\"@\"}\n{\"token\":\"@\"}\n"),
];

/// A body as gzip that is only packed up, not made smaller.
fn gzip(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a short body");
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(body);
    let crc = body.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0xedb8_8320))
    });
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

/// A message with this start line and these fields; its body plain, chunked with a trailer, or in gzip.
fn message(
    start: &str,
    fields: &[String],
    (media_type, body): (&str, String),
    how: usize,
    trailer: &str,
) -> Vec<u8> {
    let mut head = format!("{start}\r\nHost: a\r\n");
    fields.iter().for_each(|field| head += &format!("{field}\r\n"));
    if !media_type.is_empty() {
        head += &format!("Content-Type: {media_type}\r\n");
    }
    let mut body = body.into_bytes();
    match how % 3 {
        0 => head += &format!("Content-Length: {}\r\n", body.len()),
        1 => {
            head += "Transfer-Encoding: chunked\r\n";
            let size = format!("{:x}\r\n", body.len());
            body = [size.as_bytes(), &body, format!("\r\n0\r\n{trailer}\r\n\r\n").as_bytes()].concat();
        }
        _ => {
            body = gzip(&body);
            head += &format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", body.len());
        }
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}

/// A capture with more than a thousand secrets: every target, field and body there is, several times.
fn capture() -> (String, usize) {
    let mut planter = Planter(0);
    let mut capture = header().to_vec();
    for round in 0..BODIES.len() * 6 {
        let pick =
            |list: &[&'static str], step: usize| list[(round * step + round / list.len()) % list.len()];
        let target = planter.plant(pick(TARGETS, 1)).replace('~', "@");
        let mut fields = |list: &[&'static str]| -> Vec<String> {
            (0..3).map(|step| planter.plant(pick(list, 2 * step + 1)).replace('~', "@")).collect()
        };
        let (asked, answered) = (fields(ASKED), fields(ANSWERED));
        let mut body = |step: usize| {
            let (media_type, body) = BODIES[(round + step) % BODIES.len()];
            (media_type, planter.plant(body).replace('~', "@"))
        };
        let (up, down) = (body(0), body(7));
        let trailer = planter.plant("X-Sum-Token: @\r\nCookie: a=@");
        let start = match round % 10 {
            6 => format!("GET{} {target} HTTP/1.1", planter.next()),
            7 => format!("POST {target} HTTP/1.1 {}", planter.next()),
            8 => format!("POST {target} HTTP/{}", planter.next()),
            9 => format!("GET {target} {}", planter.next()),
            _ => format!("POST {target} HTTP/1.1"),
        };
        let interim =
            planter.plant("HTTP/1.1 103 Early Hints\r\nLink: </a?b=@>; rel=preload\r\nX-Token: @\r\n\r\n");
        let status = planter.plant("HTTP/1.1 200 password=@");
        let said = [
            (true, message(&start, &asked, up, round, &trailer)),
            (false, interim.into_bytes()),
            (false, message(&status, &answered, down, round / 2, &trailer)),
        ];
        let mut next = [1_u32, 1];
        for (index, (client, bytes)) in said.iter().enumerate() {
            let (own, other) = if *client { (0, 1) } else { (1, 0) };
            let second = u32::try_from(round * 10 + index).expect("a short time");
            let mut packet = record(second, *client, next[own], next[other], bytes);
            // A connection of its own for each, told by the client's port.
            let port = 20_000 + u16::try_from(round).expect("a few rounds");
            let at = if *client { 36 } else { 38 };
            packet[at..at + 2].copy_from_slice(&port.to_be_bytes());
            capture.extend(packet);
            next[own] += u32::try_from(bytes.len()).expect("a short message");
        }
    }
    (file("canaries.pcap", &capture), planter.0)
}

/// The text as it is when nothing in it is encoded.
fn peeled(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

const FORMS: [&str; 18] = [
    "http",
    "http -v",
    "http -vv",
    "http -vv --color always",
    "http -vv --body-bytes 30",
    "http --json",
    "http --json --body-bytes 1M",
    "http --json --body-bytes 25",
    "http --har -",
    "http --har - --body-bytes 33",
    "stats --json",
    "streams --json",
    "packets -v",
    "packets --json",
    "api",
    "api --json",
    "api --examples",
    "api explain POST /a",
];

#[test]
fn a_thousand_secrets_and_none_is_printed() {
    let (capture, planted) = capture();
    assert!(planted > 1_000, "only {planted}");
    // They are really there: without --redact all are printed, but those in trailers of messages that are not chunked,
    // and in bodies that are printed in base64.
    let open = run(&format!("http --json --body-bytes 1M -r {capture}"));
    let text = peeled(open.text());
    let seen: HashSet<_> = text.split(CANARY).skip(1).map(|rest| rest.get(..4)).collect();
    assert!(seen.len() > 1_000 && seen.len() * 20 > planted * 17, "{} of {planted}", seen.len());
    for form in FORMS {
        let done = run(&format!("{form} --redact -r {capture}"));
        assert_eq!(done.code, Some(0), "{form}: {}", done.err);
        for line in done.text().lines().chain(done.err.lines()) {
            assert!(!peeled(line).to_lowercase().contains("kanarien"), "{form}: {line}");
        }
        let tokens = done.text().matches("redacted:").count();
        assert!(tokens > 90 || !form.starts_with("http"), "{form}: {tokens} tokens");
    }
}

#[test]
fn what_is_no_secret_stays_and_the_same_secret_has_the_same_token() {
    let capture = file(
        "redact.pcap",
        &conversation(&[
            (
                true,
                b"POST /login?next=%2Fhome HTTP/1.1\r\nHost: a.example\r\nCookie: sid=123\r\n\
                  Content-Type: application/json\r\nContent-Length: 38\r\n\r\n{\"user\":\"heron\",\"password\":\"hunter2\"}\n",
            ),
            (false, b"HTTP/1.1 302 Found\r\nSet-Cookie: sid=123; Path=/\r\nContent-Length: 5\r\n\r\nhello"),
        ]),
    );
    let key = file("redact.key", b"sixteen bytes at least");
    let line = format!("http --json --body-bytes 1K --redact --redact-key {key} -r {capture}");
    let done = run(&line);
    let record = &done.records()[0];
    let token =
        record["request"]["headers"][1][1].as_str().expect("text").strip_prefix("sid=").expect("a name");
    assert!(token.starts_with("redacted:") && token.len() == 25, "{token}");
    assert_eq!(record["response"]["headers"][0][1], format!("sid={token}; Path=/"));
    assert!(record["request"]["target"].as_str().expect("text").starts_with("/login?next=redacted:"));
    let body = &record["request"]["body"];
    assert!(
        body["text"].as_str().expect("text").starts_with(r#"{"user":"heron","password":"redacted:"#),
        "{body}"
    );
    assert_eq!((&body["size"], &body["redacted"], body.get("kept")), (&38.into(), &true.into(), None));
    let hello = &record["response"]["body"];
    assert!(hello["text"].as_str().expect("text").starts_with("redacted:") && hello["size"] == 5, "{hello}");
    // With a key, again the same; without one, other tokens in each run.
    assert_eq!(run(&line).out, done.out);
    let once = || run(&format!("http --json --redact -r {capture}")).out;
    assert_ne!(once(), once());
}

#[test]
fn what_prints_bytes_as_they_are_refuses() {
    const GOOD: &str = "fixtures/http/get.pcap";
    let written = root().join("refused.pcap");
    for line in [
        "follow 1",
        "follow 1 --raw --client",
        "packets -x",
        "packets -X",
        "packets -A",
        "packets -w refused.pcap",
        "http -w refused.pcap",
        "stats -w refused.pcap",
        "http --json --digest",
        "http --bodies refused.pcap",
        "streams --json --digest",
        "api -w refused.pcap",
        "api explain GET / -w refused.pcap",
        "api check fixtures/http/api.openapi.yaml",
    ] {
        let done = run(&format!("{line} --redact -r {GOOD}"));
        assert_eq!(done.code, Some(2), "{line}: {}", done.err);
        assert!(done.out.is_empty() && done.err.contains("--redact"), "{line}: {}", done.err);
        assert!(!written.exists(), "{line}");
    }
    let short = file("short.key", b"guess me");
    let done = run(&format!("http --redact --redact-key {short} -r {GOOD}"));
    assert!(done.code == Some(1) && done.err.contains("16 at least"), "{}", done.err);
    assert_eq!(run(&format!("http --redact --redact-key no-such.key -r {GOOD}")).code, Some(1));
    assert_eq!(run(&format!("http --redact-key {short} -r {GOOD}")).code, Some(2));
}
