//! From an exchange to evidence. Each exchange is judged by itself: nothing that was seen before has a say in it.
//!
//! What counts as what:
//! * A call that was refused (4xx), or sent on to the same path with another slash at the end, says nothing of what a
//!   request may be: it is kept beside those that were accepted.
//! * A preflight of CORS is the browser's, not the API's.
//! * A body is evidence only if it is there to its last byte.

use egret_http::{Exchange, Message, Part, Request, Response, Verdict, text};

use crate::Witness;
use crate::body::{self, Document};
use crate::facts::Reading;
use crate::headers::{is_parameter, looks_like_file};
use crate::key::Key;
use crate::model::{Api, Share};
use crate::operation::{Content, Method, Operation, Place};
use crate::secret::{is_api_key_name, is_secret_name, is_session_name};
use crate::security::Shown;
use crate::target::Target;
use crate::tree::{Tree, grow};

/// An exchange whose request and status were seen.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) response: &'a Response,
    pub(crate) status: u16,
    pub(crate) target: Target,
    pub(crate) witness: Witness,
    nanos: i64,
    request_whole: bool,
    response_whole: bool,
}

impl<'a> Call<'a> {
    /// What can be told of an exchange; `None` where its request or its status was not seen to the end.
    pub(crate) fn new(source: u64, exchange: &'a Exchange) -> Option<Self> {
        let (request_whole, response_whole) = match exchange.verdict() {
            Verdict::Complete => (true, true),
            Verdict::Incomplete { part: Part::RequestBody, .. } => (false, false),
            Verdict::Incomplete { part: Part::ResponseBody, .. } => (true, false),
            _ => return None,
        };
        let (request, response) = (exchange.request()?, exchange.response()?);
        let span = |message: &Message| (message.transfer().first_packet, message.transfer().last_packet);
        Some(Self {
            request,
            response,
            status: response.status().filter(|status| (100..600).contains(status))?,
            target: Target::new(&text(request.target()))?,
            witness: Witness {
                source,
                connection: exchange.connection(),
                index: exchange.index(),
                request: span(request),
                response: span(response),
            },
            nanos: exchange.started().nanos(),
            request_whole,
            response_whole,
        })
    }

    /// The server as the client calls it, in lower case; `None` if it says nothing that could be one.
    pub(crate) fn authority(&self) -> Option<String> {
        let host = || self.request.headers().get("host").map(|host| text(host).trim().to_ascii_lowercase());
        let authority = self.target.authority.clone().or_else(host)?;
        let authority = authority.rsplit('@').next().unwrap_or(&authority);
        let authority = authority.strip_suffix(":80").unwrap_or(authority);
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        (1..=128)
            .contains(&authority.len())
            .then_some(authority)
            .filter(|name| name.bytes().all(fine))
            .map(str::to_owned)
    }

    /// The method, if OpenAPI knows it and it is the API's.
    pub(crate) fn method(&self) -> Option<Method> {
        let method = Method::named(&text(self.request.method()))?;
        let preflight = method == Method::Options
            && self.request.headers().get("access-control-request-method").is_some();
        // What becomes another protocol (a WebSocket) is nothing that OpenAPI could describe.
        let switches = self.status == 101;
        (!preflight && !switches).then_some(method)
    }

    fn header<'m>(message: &'m Message, name: &str) -> std::borrow::Cow<'m, str> {
        text(message.headers().get(name).unwrap_or_default())
    }

    /// Whether the call asks for this media type by its name, not by a pattern (RFC 9110 §12.5.1).
    fn asks_for(&self, media_type: &str) -> bool {
        let accept = Self::header(self.request, "accept");
        accept
            .split(',')
            .any(|one| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type)))
    }

    /// Whether the answer says nothing of what a request may be.
    pub(crate) fn is_refused(&self) -> bool {
        let slash = || {
            let location = Self::header(self.response, "location");
            let there = Target::new(&location).map(|target| target.segments).unwrap_or_default();
            let path = |segments: &[String]| segments.join("/").trim_end_matches('/').to_owned();
            there != self.target.segments && path(&there) == path(&self.target.segments)
        };
        (400..500).contains(&self.status) || (300..400).contains(&self.status) && slash()
    }

    /// The bodies, where they are whole and of a media type that can be read.
    pub(crate) fn documents(&self) -> (Payload<'_>, Payload<'_>) {
        (Payload::new(self.request, self.request_whole), Payload::new(self.response, self.response_whole))
    }
}

/// A body: its media type, and its document if it is evidence.
pub(crate) struct Payload<'a> {
    pub(crate) media_type: Option<std::borrow::Cow<'a, str>>,
    /// An error for a body that should be one and cannot be read.
    pub(crate) document: Option<Result<Document, ()>>,
}

impl<'a> Payload<'a> {
    fn new(message: &'a Message, whole: bool) -> Self {
        let body = message.body();
        if body.size() == 0 && whole {
            return Self { media_type: None, document: None };
        }
        let media_type = message.media_type().map(|media_type| media_type.to_ascii_lowercase());
        let media_type = media_type.unwrap_or_else(|| "application/octet-stream".into());
        let coded = message.encodings().next().is_some() && body.decoded_size().is_none();
        let readable = whole && body.is_whole() && !coded;
        let header = Call::header(message, "content-type");
        // A body that is not whole is asked for its kind only.
        let document = match body::read(&media_type, &header, if readable { body.bytes() } else { b"" }) {
            Some(_) if !readable => Some(Err(())),
            document => document,
        };
        Self { media_type: Some(media_type.into()), document }
    }

    fn observe(&self, content: &mut Content, reading: Reading<'_>) {
        grow(&mut content.count, 1);
        match &self.document {
            Some(Ok(document)) => content.add(document, reading),
            Some(Err(())) => grow(&mut content.unread, 1),
            None => {}
        }
    }
}

impl Api {
    /// Adds a call.
    pub(crate) fn observe(&mut self, call: &Call<'_>, examples: bool, share: Share) {
        grow(&mut self.calls, 1);
        let Some(method) = call.method() else {
            grow(&mut self.elsewhere, 1);
            return;
        };
        let refused = call.is_refused();
        let (sent, answered) = call.documents();
        let (tree, bounds) =
            if refused { (&mut self.refused, share.refused()) } else { (&mut self.found, share.found()) };
        tree.observe(bounds, |mut node: &mut Tree<Place>, added| {
            for segment in &call.target.segments {
                let key = Key::of(segment);
                let typed = key.as_kind().is_some();
                let Some(next) = node.branch(key, added) else { return 0 };
                node = next;
                let reading = Reading { secret: false, example: examples, witness: &call.witness };
                if typed && !refused {
                    node.evidence.texts.get_or_insert_default().text(segment, reading);
                }
                let echoes =
                    |document: &Result<Document, ()>| document.as_ref().is_ok_and(|d| d.mentions(segment));
                if !typed && !refused && answered.document.as_ref().is_some_and(echoes) {
                    grow(&mut node.evidence.echoed, 1);
                }
            }
            let known = node.evidence.operations.get(&method).map_or(0, Operation::weight);
            let operation = node.evidence.operations.entry(method).or_default();
            operation.observe(call, refused, examples, &sent, &answered);
            operation.weight().saturating_sub(known)
        });
    }
}

impl Operation {
    fn observe(
        &mut self,
        call: &Call<'_>,
        refused: bool,
        examples: bool,
        sent: &Payload<'_>,
        answered: &Payload<'_>,
    ) {
        let reading = Reading { secret: false, example: examples, witness: &call.witness };
        grow(&mut self.calls, 1);
        self.at(call.nanos);
        self.witnesses.add(call.witness);
        self.responses.with(&call.status.to_string(), |answer| {
            grow(&mut answer.count, 1);
            answer.witnesses.add(call.witness);
            if let Some(media_type) = &answered.media_type {
                answer.content.with(media_type, |content| {
                    grow(&mut content.asked_for, u64::from(call.asks_for(media_type)));
                    answered.observe(content, reading);
                });
            }
        });
        if refused {
            return;
        }
        grow(&mut self.accepted, 1);
        let file = call.target.segments.last().is_some_and(|name| looks_like_file(name));
        let shown = answered.media_type.as_deref().unwrap_or_default();
        if file && !shown.ends_with("json") {
            grow(&mut self.files, 1);
        }
        if let Some(media_type) = &sent.media_type {
            self.request.with(media_type, |content| sent.observe(content, reading));
        }
        self.parameters(call, reading);
    }

    fn parameters(&mut self, call: &Call<'_>, reading: Reading<'_>) {
        let mut shown = Shown::default();
        let mut names = std::collections::BTreeMap::<&str, Vec<&str>>::new();
        for (name, value) in &call.target.query {
            names.entry(name).or_default().push(value);
        }
        for (name, values) in names {
            if is_api_key_name(name) {
                shown.key("query", name);
            } else {
                self.query.with(name, |parameter| parameter.add(name, &values, reading));
            }
        }
        let mut headers = std::collections::BTreeMap::<String, Vec<String>>::new();
        for (name, value) in call.request.headers().iter() {
            let (name, value) = (text(name).to_ascii_lowercase(), text(value));
            match name.as_str() {
                "authorization" => shown.authorization(&value),
                "cookie" => self.cookies(&value, &mut shown, reading),
                name if is_api_key_name(name) => shown.key("header", name),
                name if is_parameter(name) => {
                    headers.entry(name.to_owned()).or_default().push(value.into_owned());
                }
                _ => {}
            }
        }
        // A field that comes twice is one list (RFC 9110 §5.3): the call has it once.
        for (name, values) in headers {
            self.header.with(&name, |parameter| parameter.add(&name, &[&values.join(", ")], reading));
        }
        self.security.with(&shown.together(), |count| grow(count, 1));
    }

    fn cookies(&mut self, value: &str, shown: &mut Shown, reading: Reading<'_>) {
        let mut cookies = std::collections::BTreeMap::<&str, &str>::new();
        for pair in value.split(';').take(100) {
            let Some((name, value)) = pair.split_once('=') else { continue };
            cookies.entry(name.trim()).or_insert(value.trim());
        }
        for (name, value) in cookies {
            if is_session_name(name) {
                shown.key("cookie", name);
            } else {
                self.cookie.with(name, |parameter| parameter.add(name, &[value], reading));
            }
        }
    }
}

impl crate::operation::Parameter {
    fn add(&mut self, name: &str, values: &[&str], reading: Reading<'_>) {
        grow(&mut self.calls, 1);
        grow(&mut self.repeated, u64::from(values.len() > 1));
        let reading = Reading { secret: is_secret_name(name), ..reading };
        values.iter().for_each(|value| self.facts.text(value, reading));
    }
}
