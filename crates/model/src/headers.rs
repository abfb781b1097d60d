//! Which headers are an API's own, and which names are those of files.

/// Headers of HTTP, browsers and proxies: not parameters of an API. (OpenAPI 3.1 §4.8.12 leaves `Accept`,
/// `Content-Type` and `Authorization` to other places.)
const COMMON: [&str; 44] = [
    "accept",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "save-data",
    "te",
    "trailer",
    "transfer-encoding",
    "traceparent",
    "tracestate",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-real-ip",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-requested-with",
    "x-correlation-id",
    "x-request-id",
    "x-client-ip",
    "x-forwarded",
    "http2-settings",
    "true-client-ip",
    "x-original-uri",
    "x-http-method-override",
    "x-scheme",
    "early-data",
];

/// How others begin.
const PREFIXES: [&str; 14] = [
    "accept-",
    "access-control-",
    "cf-",
    "content-",
    "fly-",
    "if-",
    "proxy-",
    "sec-",
    "x-amz-cf-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded-",
    "x-schemathesis-",
];

/// Whether a header of this name, in lower case, may be a parameter of an API.
pub(crate) fn is_parameter(name: &str) -> bool {
    !COMMON.contains(&name) && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// How names of files end that are part of a site, not of an API.
const FILES: [&str; 24] = [
    "js", "mjs", "css", "map", "html", "htm", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico",
    "woff", "woff2", "ttf", "otf", "eot", "mp4", "webm", "mp3", "wasm", "txt",
];

/// Whether a path that ends with this segment is that of a file.
pub(crate) fn looks_like_file(segment: &str) -> bool {
    segment.rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && FILES.contains(&end))
}

/// Whether a path that ends with this segment only says whether the server is well.
pub(crate) fn looks_like_health(segment: &str) -> bool {
    matches!(
        segment,
        "health"
            | "healthz"
            | "healthcheck"
            | "health-check"
            | "livez"
            | "liveness"
            | "live"
            | "readyz"
            | "readiness"
            | "ready"
            | "ping"
            | "heartbeat"
    )
}
