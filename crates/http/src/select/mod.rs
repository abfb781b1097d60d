//! Which exchanges someone wants to see.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::url::{Url, host_and_port};
use crate::{Exchange, Request};

mod glob;

use glob::Glob;

/// Which exchanges are wanted: those that are, in every respect in which something is asked for, one of what is asked
/// for. The default asks for nothing, and selects everything.
///
/// ```
/// use egret_http::Selection;
///
/// let selection = Selection {
///     hosts: vec!["*.example.com".parse()?, "[::1]:8080".parse()?],
///     statuses: vec!["4xx".parse()?, "500".parse()?],
///     ..Selection::default()
/// };
/// # Ok::<(), egret_http::BadPattern>(())
/// ```
///
/// An exchange without a request is selected by no host but the server's address, no path and no method; one without
/// a response by no status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Who is asked.
    pub hosts: Vec<HostPattern>,
    /// What is asked for.
    pub paths: Vec<PathPattern>,
    /// The methods, in any case: `GET`.
    pub methods: Vec<String>,
    /// The status of the final response.
    pub statuses: Vec<StatusPattern>,
    /// Only exchanges of which something was not seen.
    pub incomplete: bool,
}

impl Selection {
    /// Whether nothing is asked for, so that everything is selected.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an exchange that is over is wanted.
    pub fn selects(&self, exchange: &Exchange) -> bool {
        if self.incomplete && exchange.verdict().is_complete() {
            return false;
        }
        let asked = match exchange.request() {
            Some(request) => self.wants_request(exchange, request),
            None => self.paths.is_empty() && self.methods.is_empty() && self.wants_host(exchange),
        };
        asked && self.wants_status(exchange.response().and_then(|response| response.status()))
    }

    /// Whether it is already known that an exchange that is under way will not be wanted: for a handler that would do
    /// something about its bodies.
    pub fn rules_out(&self, exchange: &Exchange) -> bool {
        let asked = exchange.request().is_none_or(|request| self.wants_request(exchange, request));
        let answered = exchange.response().is_none_or(|response| self.wants_status(response.status()));
        !(asked && answered)
    }

    fn wants_request(&self, exchange: &Exchange, request: &Request) -> bool {
        any(&self.methods, |method| request.method().eq_ignore_ascii_case(method.as_bytes()))
            && any(&self.paths, |path| path.matches(request))
            && self.wants_host(exchange)
    }

    fn wants_host(&self, exchange: &Exchange) -> bool {
        any(&self.hosts, |host| host.matches(exchange))
    }

    fn wants_status(&self, status: Option<u16>) -> bool {
        any(&self.statuses, |wanted| status.is_some_and(|status| wanted.matches(status)))
    }
}

/// Whether one of some patterns fits, or there are none.
fn any<T>(patterns: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    patterns.is_empty() || patterns.iter().any(fits)
}

/// A pattern cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPattern(&'static str);

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadPattern {}

/// A host, and a port if only that one is meant: `example.com`, `*.example.com:8080`, `10.0.0.2`, `::1`, `[::1]:8080`.
///
/// `*` stands for any characters, and small letters for capital ones too. It is compared with the host that the
/// request names: in an absolute target, in the target of CONNECT, or in `Host`. Where none names a port, the port is
/// the server's; where there is no request, or it names no host, the host is the server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    host: Glob,
    /// If the pattern is one address: it can be written in several ways.
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl FromStr for HostPattern {
    type Err = BadPattern;

    fn from_str(pattern: &str) -> Result<Self, BadPattern> {
        let (host, port) = match pattern.parse::<Ipv6Addr>() {
            Ok(_) => (pattern, None),
            Err(_) => match host_and_port(pattern.as_bytes()) {
                (host, port) if host.len() == pattern.len() => (pattern, port),
                (host, Some(port)) => (std::str::from_utf8(host).unwrap_or_default(), Some(port)),
                (_, None) => {
                    return Err(BadPattern(
                        "not a host: give a name or an address, and behind a colon a port",
                    ));
                }
            },
        };
        let host = unbracketed(host.trim_end_matches('.'));
        if host.is_empty() {
            return Err(BadPattern("a host is missing: `*` stands for every host"));
        }
        Ok(Self { host: Glob::new(host), address: host.parse().ok(), port })
    }
}

impl HostPattern {
    fn matches(&self, exchange: &Exchange) -> bool {
        let server = exchange.server();
        let Some(authority) = exchange.authority() else {
            let port = self.port.is_none_or(|port| port == server.port);
            return port && (self.is(server.ip) || self.host.matches(server.ip.to_string().as_bytes(), true));
        };
        let (host, port) = host_and_port(authority);
        if self.port.is_some_and(|wanted| wanted != port.unwrap_or(server.port)) {
            return false;
        }
        let host = host.strip_suffix(b".").unwrap_or(host);
        let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
        let address = || std::str::from_utf8(host).ok().and_then(|host| host.parse().ok());
        self.host.matches(host, true)
            || self.address.is_some() && address().is_some_and(|address| self.is(address))
    }

    fn is(&self, address: IpAddr) -> bool {
        self.address == Some(address)
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// A path, with wildcards: `*` stands for any characters (`/` is one), `?` for one, `[abc]` for one of these, and `\`
/// takes its meaning from what follows.
///
/// It is compared with the path as it was sent, without the query; a pattern with `?` in it also with path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    path: Glob,
    /// Whether the query may be meant too.
    query: bool,
}

impl FromStr for PathPattern {
    type Err = BadPattern;

    fn from_str(pattern: &str) -> Result<Self, BadPattern> {
        Ok(Self { path: Glob::new(pattern), query: pattern.contains('?') })
    }
}

impl PathPattern {
    fn matches(&self, request: &Request) -> bool {
        let Url { path, query, .. } = Url::of_target(request);
        let path = if path.is_empty() && request.method() != b"CONNECT" { b"/" } else { path };
        self.path.matches(path, false)
            || query
                .is_some_and(|query| self.query && self.path.matches(&[path, b"?", query].concat(), false))
    }
}

/// A status, or a group of them: `404`, `4xx`, `30x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern {
    first: u16,
    last: u16,
}

impl FromStr for StatusPattern {
    type Err = BadPattern;

    fn from_str(pattern: &str) -> Result<Self, BadPattern> {
        const WRONG: BadPattern = BadPattern("not a status: give a number (404) or a group (4xx, 30x)");
        let digits = pattern.trim_end_matches(['x', 'X']);
        let (1..=3, 3, true) =
            (digits.len(), pattern.len(), digits.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            return Err(WRONG);
        };
        let group = [1, 10, 100].into_iter().nth(pattern.len() - digits.len()).ok_or(WRONG)?;
        let first = digits.parse::<u16>().map_err(|_| WRONG)? * group;
        Ok(Self { first, last: first + group - 1 })
    }
}

impl StatusPattern {
    const fn matches(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_make_no_sense() {
        for wrong in ["", ":80", "[]", "a:b", "a:99999", "."] {
            assert!(wrong.parse::<HostPattern>().is_err(), "{wrong}");
        }
        for wrong in ["", "x", "xxx", "4x", "4x4", "40", "4040", "-40", "4xxx", "é4"] {
            assert!(wrong.parse::<StatusPattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_of_statuses() {
        let matches = |pattern: &str, status| pattern.parse::<StatusPattern>().unwrap().matches(status);
        assert!(matches("4xx", 400) && matches("4xx", 499) && !matches("4xx", 500) && !matches("4XX", 399));
        assert!(matches("40x", 409) && !matches("40x", 410));
        assert!(matches("404", 404) && !matches("404", 405));
        assert!(matches("9xx", 999));
    }
}
