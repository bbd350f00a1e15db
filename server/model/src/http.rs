//! One POST to a model server whose answer is read as it comes: time-outs by stage, refusals, and what a failure means.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Stage};

/// How much of a server's explanation of an error is read, and how much of that is shown.
const EXPLANATION_READ: usize = 64 * 1024;
const EXPLANATION_SHOWN: usize = 300;

/// The most that a list of models may have, in bytes: routers list hundreds, with descriptions.
const LISTING_READ: usize = 8 << 20;

/// The same for vectors: of 4,096 numbers with 20 digits each for each of 64 texts, and more.
const VECTORS_READ: usize = 16 << 20;

/// How long to wait for a model. In the settings these are seconds, fractions allowed, up to a day.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS together.
    #[serde(deserialize_with = "seconds")]
    pub connect: Duration,
    /// From the beginning of the request. A local model without a graphics card reads a long prompt for minutes.
    #[serde(deserialize_with = "seconds")]
    pub first_token: Duration,
    /// Between two pieces of an answer.
    #[serde(deserialize_with = "seconds")]
    pub stalled: Duration,
    /// From the beginning of the request to the end of the answer.
    #[serde(deserialize_with = "seconds")]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(120),
            stalled: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    const DAY: f64 = 86_400.0;
    let seconds = f64::deserialize(value)?;
    if seconds > 0.0 && seconds <= DAY {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(serde::de::Error::custom(format!("{seconds} is not a number of seconds above 0 and up to {DAY}")))
    }
}

/// As [`Timeouts`] are written, where it may be absent.
pub(crate) fn some_seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    seconds(value).map(Some)
}

/// A key to a model server. It can be sent and hidden, but not printed.
#[derive(Clone)]
pub(crate) struct Key(String);

impl Key {
    /// A key as it was found in an environment variable; `None` if no header can carry it. The error must not show it.
    pub(crate) fn new(text: &str) -> Option<Key> {
        let key = text.trim();
        let is_sendable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_sendable.then(|| Key(key.to_owned()))
    }

    /// Some servers quote the key that they reject. Short keys are dummies for servers that want none.
    fn hide(&self, text: &str) -> String {
        if self.0.len() < 8 { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a server wants its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    ApiKey,
}

/// Where requests go.
pub(crate) struct Endpoint {
    client: Client,
    /// Where the API begins.
    base: Url,
    key: Option<Key>,
    key_header: KeyHeader,
    /// Sent with every request.
    headers: HeaderMap,
    timeouts: Timeouts,
}

impl Endpoint {
    /// Fails with a message if TLS cannot be set up, for want of root certificates for instance.
    pub(crate) fn new(base: Url, key: Option<Key>, timeouts: Timeouts) -> Result<Endpoint, String> {
        let mut client = Client::builder()
            .user_agent(concat!("tantu/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .redirect(redirects_within(&base))
            .referer(false)
            // Connecting costs little beside generating, and a connection that the server has just given up is never met.
            .pool_max_idle_per_host(0);
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        if base.scheme() == "http" {
            // Saves loading the system's certificates, and needs none to be installed.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| root_cause(&error))?;
        let (key_header, headers) = (KeyHeader::Bearer, HeaderMap::new());
        Ok(Endpoint { client, base, key, key_header, headers, timeouts })
    }

    /// The same with the key in another header, and with a header more.
    pub(crate) fn with(mut self, key_header: KeyHeader, name: &'static str, value: &'static str) -> Endpoint {
        self.key_header = key_header;
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Sends `body` as JSON to `path`, given as segments below the base, and waits for the answer to begin.
    pub(crate) async fn post(&self, path: &[&str], body: &impl Serialize) -> Result<Body, Error> {
        let request = self.client.post(self.url(path)).header(ACCEPT, "text/event-stream, application/json");
        self.send(request.json(body)).await
    }

    /// Asks for the JSON at `path`.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value, Error> {
        self.read(self.client.get(self.url(path)), LISTING_READ).await
    }

    /// Sends `body` as JSON to `path` and reads the JSON that answers it.
    pub(crate) async fn ask(&self, path: &[&str], body: &impl Serialize) -> Result<Value, Error> {
        self.read(self.client.post(self.url(path)).json(body), VECTORS_READ).await
    }

    /// Reads an answer of at most `limit` bytes.
    async fn read(&self, request: RequestBuilder, limit: usize) -> Result<Value, Error> {
        let mut body = self.send(request.header(ACCEPT, "application/json")).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            bytes.extend_from_slice(chunk.as_ref());
            if bytes.len() > limit {
                return Err(Error::TooLarge { limit });
            }
        }
        let json = serde_json::from_slice(&bytes);
        json.map_err(|error| body.without_key(Error::Malformed { message: format!("it is no JSON, {error}") }))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Every http and https URL has a path; were there one without, it would be sent as it is.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Body, Error> {
        let patience = Patience::new(self.timeouts);
        request = request.headers(self.headers.clone());
        request = match (&self.key, self.key_header) {
            (None, _) => request,
            (Some(key), KeyHeader::Bearer) => request.bearer_auth(&key.0),
            (Some(key), KeyHeader::ApiKey) => request.header("x-api-key", &key.0),
        };
        let response = patience.wait(request.send()).await?;
        let response = response.map_err(|error| self.explain(&error))?;
        let status = response.status();
        tracing::debug!(server = %self.server(), %status, "model server answered");
        if status.is_success() {
            Ok(Body { response, patience, key: self.key.clone() })
        } else if status.is_redirection() {
            Err(redirected(&response))
        } else {
            let refused = refused(response, &patience).await;
            Err(presentable(refused, self.key.as_ref()))
        }
    }

    /// Scheme, host and port.
    pub(crate) fn server(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    fn explain(&self, error: &reqwest::Error) -> Error {
        let cause = root_cause(error);
        if error.is_connect() && error.is_timeout() {
            Error::Timeout { stage: Stage::Connect, limit: self.timeouts.connect }
        } else if error.is_connect() {
            Error::Connect { server: self.server(), cause }
        } else {
            Error::Interrupted { cause }
        }
    }
}

/// The body of a successful response, as far as it has come.
pub(crate) struct Body {
    response: Response,
    patience: Patience,
    key: Option<Key>,
}

impl Body {
    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Error> {
        let chunk = self.patience.wait(self.response.chunk()).await?;
        chunk.map_err(|error| Error::Interrupted { cause: root_cause(&error) })
    }

    /// An error that was found in the body, fit to be shown.
    pub(crate) fn without_key(&self, error: Error) -> Error {
        presentable(error, self.key.as_ref())
    }

    /// Tells that the answer has begun or has grown. Bytes alone say little: some servers send comments to stay connected.
    pub(crate) fn has_progressed(&mut self) {
        self.patience.last_progress = Some(Instant::now());
    }
}

/// The deadline of what is being waited for.
struct Patience {
    timeouts: Timeouts,
    started: Instant,
    last_progress: Option<Instant>,
}

impl Patience {
    fn new(timeouts: Timeouts) -> Patience {
        Patience { timeouts, started: Instant::now(), last_progress: None }
    }

    async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let (start, stage, limit) = match self.last_progress {
            None => (self.started, Stage::FirstToken, self.timeouts.first_token),
            Some(last) => (last, Stage::Stalled, self.timeouts.stalled),
        };
        let total = (self.started + self.timeouts.total, Stage::Total, self.timeouts.total);
        let (deadline, stage, limit) = match start + limit {
            deadline if deadline < total.0 => (deadline, stage, limit),
            _ => total,
        };
        timeout_at(deadline, future).await.map_err(|_| Error::Timeout { stage, limit })
    }
}

/// Follows what repeats the POST at the same server; anything else would show the prompt to a stranger, or lose it.
fn redirects_within(url: &Url) -> Policy {
    const MOST: usize = 3;
    let origin = url.origin();
    Policy::custom(move |attempt: Attempt| {
        let repeats = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if repeats && attempt.url().origin() == origin && attempt.previous().len() <= MOST {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

fn redirected(response: &Response) -> Error {
    let target = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| response.url().join(location).ok());
    let to = target.map(|mut to| {
        to.set_query(None);
        // Only a URL without a host has no place for a name, and then there is none to remove.
        let _ = (to.set_username(""), to.set_password(None));
        shorten(to.as_str())
    });
    Error::Redirected { to: to.unwrap_or_else(|| "an unknown place".into()) }
}

async fn refused(mut response: Response, patience: &Patience) -> Error {
    let code = response.status();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    // A status without its explanation is still a status: whatever goes wrong here only shortens the message.
    while body.len() < EXPLANATION_READ
        && let Ok(Ok(Some(bytes))) = patience.wait(response.chunk()).await
    {
        body.extend_from_slice(&bytes);
    }
    let message = explanation(&String::from_utf8_lossy(&body)).unwrap_or_else(|| reason(code));
    Error::Status { code: code.as_u16(), message, retry_after }
}

/// A proxy in the environment is for the network, not for a server on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

/// Seconds, or milliseconds where a server is that precise. Dates are not read: no model server is known to send them.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name).and_then(as_number);
    let seconds =
        number("retry-after-ms").map(|milliseconds| milliseconds / 1000.0).or_else(|| number(RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn as_number(value: &HeaderValue) -> Option<f64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// What a server says about an error, in the forms that are in use; nothing for a web page or silence.
fn explanation(body: &str) -> Option<String> {
    let text = match serde_json::from_str::<Value>(body) {
        Ok(json) => error_message(&json),
        Err(_) if body.trim_start().starts_with('<') => return None,
        Err(_) => body.to_owned(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// The message in `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`, `{"detail": …}`, or in the value itself.
pub(crate) fn error_message(json: &Value) -> String {
    let inner = ["error", "message", "detail"].iter().find_map(|name| json.get(name));
    match (inner, json) {
        (Some(inner), _) => error_message(inner),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

fn reason(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("no explanation").to_lowercase()
}

/// The error with the server's words in one short line and without our key, which goes first: half of it would not be found.
fn presentable(mut error: Error, key: Option<&Key>) -> Error {
    if let Error::Status { message, .. } | Error::Reported { message } | Error::Malformed { message } = &mut error {
        let hidden = key.map(|key| key.hide(message));
        *message = shorten(hidden.as_deref().unwrap_or(message));
    }
    error
}

/// One line without control characters, of bounded length.
pub(crate) fn shorten(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXPLANATION_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The innermost error says what happened; those around it repeat the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shorten(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations() {
        for (body, expected) in [
            (r#"{"error": {"message": "no such\nmodel", "code": 404}}"#, Some("no such model")),
            (r#"{"error": "overloaded"}"#, Some("overloaded")),
            (r#"{"object": "error", "message": "bad", "code": 400}"#, Some("bad")),
            (r#"{"detail": [{"loc": ["body"]}]}"#, Some(r#"[{"loc":["body"]}]"#)),
            ("no\u{1b}[31m more", Some("no [31m more")),
            ("<html><body>502</body></html>", None),
            ("  ", None),
        ] {
            let shown = explanation(body).map(|text| shorten(&text));
            assert_eq!(shown.as_deref(), expected, "{body}");
        }
        assert_eq!(shorten(&"ä".repeat(1000)).chars().count(), EXPLANATION_SHOWN + 1);
    }

    #[test]
    fn keys_are_never_shown() {
        let key = Key::new(" 0123456789 \n").unwrap();
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.hide("bad key 0123456789!"), "bad key ***!");
        assert_eq!(Key::new("none").unwrap().hide("none given"), "none given");
        assert!(Key::new("two words").is_none());
        assert!(Key::new(" ").is_none());
    }

    #[test]
    fn retry_after_in_both_units() {
        let parse = |name: &'static str, value: &'static str| {
            retry_after(&HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]))
        };
        assert_eq!(parse("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(parse("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("retry-after", "-1"), None);
        assert_eq!(parse("retry-after", "soon"), None);
    }

    #[test]
    fn loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:1/", true),
            ("http://localhost/", true),
            ("http://192.168.0.2/", false),
            ("https://localhost.example.com/", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
