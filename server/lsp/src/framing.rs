//! Messages as bytes: lets only those through that can be decoded, and answers the others.
//!
//! The transport ends at the first message that it cannot decode, with everything that was typed. So whatever comes in is
//! looked at before: what is no message is replaced by a request to ourselves, [`REFUSED`], whose answer is the error that
//! JSON-RPC wants. Headers are read as widely as HTTP allows.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::Either;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, ReadBuf};
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_service::Service;

/// The method that stands for a message that was refused.
const REFUSED: &str = "$/tantu/refused";

/// Longer messages are passed over. No file that is analysed comes near it.
const MAX_BODY_BYTES: usize = 256 << 20;

/// Headers end somewhere in these.
const MAX_HEADER_BYTES: usize = 8 << 10;

const LENGTH: &[u8] = b"content-length:";

/// Reads what an editor sends, message by message.
pub(crate) struct WellFormed<R> {
    input: R,
    framing: Framing,
    /// What was let through and not read yet.
    ready: VecDeque<u8>,
}

impl<R> WellFormed<R> {
    pub(crate) fn new(input: R) -> Self {
        WellFormed { input, framing: Framing::default(), ready: VecDeque::new() }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for WellFormed<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.ready.is_empty() {
            let mut bytes = [0; 16 << 10];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.input).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.framing.push(read.filled(), &mut this.ready);
        }
        let (front, _) = this.ready.as_slices();
        let count = front.len().min(buffer.remaining());
        buffer.put_slice(&front[..count]);
        this.ready.drain(..count);
        Poll::Ready(Ok(()))
    }
}

/// What the next bytes are.
#[derive(Default)]
enum Expected {
    #[default]
    Headers,
    /// So many bytes of a message.
    Body(usize),
    /// So many bytes of a message that is too long.
    Skipped(usize),
}

#[derive(Default)]
struct Framing {
    expected: Expected,
    /// What has come and is not complete.
    pending: Vec<u8>,
    /// Whether what came since the last message has been answered with an error already.
    is_lost: bool,
}

impl Framing {
    /// Takes `bytes` in, and puts what is complete and well-formed into `out`.
    fn push(&mut self, bytes: &[u8], out: &mut VecDeque<u8>) {
        self.pending.extend_from_slice(bytes);
        let mut read = 0;
        loop {
            let rest = &self.pending[read..];
            match self.expected {
                Expected::Headers => match headers(rest) {
                    Headers::Incomplete => break,
                    Headers::Body { after, length } => {
                        read += after;
                        self.is_lost = false;
                        self.expected = if length <= MAX_BODY_BYTES {
                            Expected::Body(length)
                        } else {
                            refuse(out, Value::Null, ErrorCode::InvalidRequest, "the message is too long");
                            Expected::Skipped(length)
                        };
                    }
                    Headers::Lost { after } => {
                        read += after;
                        if !std::mem::replace(&mut self.is_lost, true) {
                            refuse(out, Value::Null, ErrorCode::ParseError, "no Content-Length header was found");
                        }
                        if after == 0 {
                            break;
                        }
                    }
                },
                Expected::Body(length) if rest.len() < length => break,
                Expected::Body(length) => {
                    pass(&rest[..length], out);
                    read += length;
                    self.expected = Expected::Headers;
                }
                Expected::Skipped(length) => {
                    let skipped = length.min(rest.len());
                    read += skipped;
                    self.expected =
                        if skipped == length { Expected::Headers } else { Expected::Skipped(length - skipped) };
                    if skipped < length {
                        break;
                    }
                }
            }
        }
        self.pending.drain(..read);
    }
}

enum Headers {
    Incomplete,
    /// The message begins after so many bytes, and has so many.
    Body {
        after: usize,
        length: usize,
    },
    /// These bytes say nothing about a message.
    Lost {
        after: usize,
    },
}

/// Looks for the headers at the start of `bytes`.
fn headers(bytes: &[u8]) -> Headers {
    let shown = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
    let end = |line_end: &[u8]| find(shown, line_end).map(|at| at + line_end.len());
    let Some(after) = [end(b"\r\n\r\n"), end(b"\n\n")].into_iter().flatten().min() else {
        // More of it may come, unless there is too much already: then it may begin at the end of it.
        let kept = LENGTH.len() - 1;
        return if bytes.len() < MAX_HEADER_BYTES {
            Headers::Incomplete
        } else {
            Headers::Lost { after: shown.len() - kept }
        };
    };
    let block = &shown[..after];
    let mut lines = block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH).then(|| value.trim_ascii())
    });
    match value {
        Some(value) => match std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()) {
            Some(length) => Headers::Body { after, length },
            None => Headers::Lost { after },
        },
        // Something else may stand before it in the same line.
        None => match find(&block.to_ascii_lowercase(), LENGTH) {
            Some(at) if at > 0 => Headers::Lost { after: at },
            _ => Headers::Lost { after },
        },
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Lets one message through, or refuses it.
fn pass(body: &[u8], out: &mut VecDeque<u8>) {
    let Ok(text) = std::str::from_utf8(body) else {
        return refuse(out, Value::Null, ErrorCode::ParseError, "the message is not UTF-8");
    };
    let text = with_whole_characters(text);
    let message: Value = match serde_json::from_str(&text) {
        Ok(message) => message,
        Err(error) => return refuse(out, Value::Null, ErrorCode::ParseError, &error.to_string()),
    };
    match problem(&message) {
        None => write(text.as_bytes(), out),
        Some(problem) => {
            let id = message.get("id").filter(|id| id.is_i64() || id.is_string()).cloned().unwrap_or_default();
            refuse(out, id, ErrorCode::InvalidRequest, &problem);
        }
    }
}

/// Why a JSON value is no message that the transport can decode.
fn problem(message: &Value) -> Option<String> {
    let object = match message {
        Value::Object(object) => object,
        Value::Array(_) => return Some("messages come one by one".to_owned()),
        _ => return Some("a message is an object".to_owned()),
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Some("`jsonrpc` must be \"2.0\"".to_owned());
    }
    if object.contains_key("method") {
        if object.get("params").is_some_and(|params| !params.is_object() && !params.is_array() && !params.is_null()) {
            return Some("`params` must be an object or an array".to_owned());
        }
        return serde_json::from_value::<Request>(frame(object)).err().map(|error| error.to_string());
    }
    serde_json::from_value::<Response>(frame(object)).err().map(|error| error.to_string())
}

/// A message without what may be large in it and can be anything.
fn frame(object: &Map<String, Value>) -> Value {
    let small = object.iter().filter(|(name, _)| *name != "params");
    small.map(|(name, value)| (name.clone(), if name == "result" { Value::Null } else { value.clone() })).collect()
}

/// Half a surrogate pair is no character, but some editors keep such halves in their texts and send them escaped. Each is
/// replaced by one that counts the same in UTF-16, so that positions stay right.
fn with_whole_characters(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return text.into();
    }
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let (mut whole, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        at = match (unit(start), unit(start + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => start + 12,
            (Some(0xD800..=0xDFFF), _) => {
                whole.push_str(&text[copied..start]);
                whole.push_str("\\ufffd");
                copied = start + 6;
                copied
            }
            // Also the escape of a backslash, whose second half begins none.
            _ => start + 1 + text[start + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    whole.push_str(&text[copied..]);
    whole.into()
}

/// Puts a request to ourselves in the place of a message.
fn refuse(out: &mut VecDeque<u8>, id: Value, code: ErrorCode, reason: &str) {
    tracing::error!("a message was refused: {reason}");
    let params = json!({ "id": id, "code": code.code(), "reason": reason });
    write(json!({ "jsonrpc": "2.0", "method": REFUSED, "params": params }).to_string().as_bytes(), out);
}

fn write(body: &[u8], out: &mut VecDeque<u8>) {
    out.extend(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend(body);
}

/// Answers the requests that stand for refused messages.
pub(crate) struct Refusing<S>(pub(crate) S);

impl<S: Service<Request, Response = Option<Response>>> Service<Request> for Refusing<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<S::Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.method() != REFUSED {
            return Either::Right(self.0.call(request));
        }
        let said = |name: &str| request.params().and_then(|params| params.get(name)).cloned().unwrap_or_default();
        let id = serde_json::from_value(said("id")).unwrap_or(Id::Null);
        let code = ErrorCode::from(said("code").as_i64().unwrap_or_default());
        let message = said("reason").as_str().unwrap_or_default().to_owned().into();
        Either::Left(ready(Ok(Some(Response::from_error(id, Error { code, message, data: None })))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = r#"{"jsonrpc":"2.0","method":"x"}"#;

    /// What comes through when `input` comes in pieces of `size` bytes: methods, or what refused messages are answered.
    fn passed(input: &[u8], size: usize) -> Vec<String> {
        let (mut framing, mut out) = (Framing::default(), VecDeque::new());
        input.chunks(size).for_each(|chunk| framing.push(chunk, &mut out));
        let out: Vec<u8> = out.into();
        let mut out = std::str::from_utf8(&out).unwrap();
        let mut found = Vec::new();
        while let Some(rest) = out.strip_prefix("Content-Length: ") {
            let (length, rest) = rest.split_once("\r\n\r\n").unwrap();
            let (body, rest) = rest.split_at(length.parse().unwrap());
            let message: Value = serde_json::from_str(body).unwrap();
            found.push(match message["method"].as_str() {
                Some(REFUSED) => format!("{} {}", message["params"]["code"], message["params"]["id"]),
                Some(method) => method.to_owned(),
                None => "response".to_owned(),
            });
            out = rest;
        }
        assert_eq!(out, "");
        found
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    #[test]
    fn what_cannot_be_decoded_is_answered_and_what_follows_is_read() {
        let deep = "[".repeat(100_000);
        let cases: &[(&[u8], &str)] = &[
            (b"{", "-32700 null"),
            (b"", "-32700 null"),
            (b"nonsense", "-32700 null"),
            (b"\xff\xfe", "-32700 null"),
            (deep.as_bytes(), "-32700 null"),
            (br#"{"jsonrpc":"2.0","method":"x","params":{"n":1e999}}"#, "-32700 null"),
            (br#"{"jsonrpc":"2.0","method":"x"} {}"#, "-32700 null"),
            (b"[]", "-32600 null"),
            (b"1", "-32600 null"),
            (b"null", "-32600 null"),
            (br#""text""#, "-32600 null"),
            (b"{}", "-32600 null"),
            (br#"{"jsonrpc":"1.0","method":"x","id":3}"#, "-32600 3"),
            (br#"{"jsonrpc":2.0,"method":"x"}"#, "-32600 null"),
            (br#"{"jsonrpc":"2.0","method":1,"id":"a"}"#, "-32600 \"a\""),
            (br#"{"jsonrpc":"2.0","method":"x","id":4,"params":5}"#, "-32600 4"),
            (br#"{"jsonrpc":"2.0","method":"x","params":"scalar"}"#, "-32600 null"),
            (br#"{"jsonrpc":"2.0","method":"x","params":false,"id":1}"#, "-32600 1"),
            (br#"{"jsonrpc":"2.0","method":"x","id":{}}"#, "-32600 null"),
            (br#"{"jsonrpc":"2.0","method":"x","id":1.5}"#, "-32600 null"),
            (br#"{"jsonrpc":"2.0","id":7}"#, "-32600 7"),
            (br#"{"jsonrpc":"2.0","id":7,"error":"text"}"#, "-32600 7"),
            (br#"{"jsonrpc":"2.0","method":"x","params":{"text":"\ud800 \udc00\ud800"}}"#, "x"),
            (br#"{"jsonrpc":"2.0","method":"x","params":null}"#, "x"),
            (br#"{"jsonrpc":"2.0","id":7,"result":null}"#, "response"),
        ];
        for (body, expected) in cases {
            let input = [framed(body), framed(FINE.as_bytes())].concat();
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
            for size in [1, 7, usize::MAX] {
                assert_eq!(passed(&input, size), [*expected, "x"], "{shown}");
            }
        }
    }

    #[test]
    fn headers_are_read_as_http_reads_them() {
        let length = FINE.len();
        for head in [
            format!("content-length: {length}\r\n\r\n"),
            format!("CONTENT-LENGTH:{length}\r\n\r\n"),
            format!("Content-Length:   {length}  \r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n"),
            format!("X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nContent-Length: {length}\r\n\r\n"),
            format!("Content-Type: text/plain; charset=latin1\r\nContent-Length: {length}\r\n\r\n"),
            format!("Content-Length: {length}\n\n"),
        ] {
            assert_eq!(passed(&[head.as_bytes(), FINE.as_bytes()].concat(), 3), ["x"], "{head}");
        }
    }

    #[test]
    fn what_is_no_header_is_answered_once_and_passed_over() {
        let garbage = vec![b'x'; 50_000];
        for lost in [
            &b"garbage\r\n\r\n"[..],
            b"Content-Length: many\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 99999999999999999999999999\r\n\r\n",
            b"\0\0\0\0\n\n\n\n",
            b"garbage in front of ",
            &garbage,
        ] {
            let input = [lost, &framed(FINE.as_bytes())].concat();
            let shown = String::from_utf8_lossy(&lost[..lost.len().min(40)]);
            for size in [1, 1000, usize::MAX] {
                assert_eq!(passed(&input, size), ["-32700 null", "x"], "{shown}");
            }
        }
    }

    #[test]
    fn a_message_without_measure_takes_no_memory() {
        let length = MAX_BODY_BYTES + 10;
        let (mut framing, mut out) = (Framing::default(), VecDeque::new());
        framing.push(format!("Content-Length: {length}\r\n\r\n").as_bytes(), &mut out);
        let chunk = vec![b' '; 1 << 20];
        let mut left = length;
        while left > 0 {
            let size = left.min(chunk.len());
            framing.push(&chunk[..size], &mut out);
            assert!(framing.pending.is_empty());
            left -= size;
        }
        framing.push(&framed(FINE.as_bytes()), &mut out);
        let out = String::from_utf8(out.into()).unwrap();
        assert!(out.contains("too long") && out.ends_with(FINE), "{out}");
    }

    #[test]
    fn only_halves_of_characters_are_replaced() {
        for (text, expected) in [
            (r"\ud83d\ude00", r"\ud83d\ude00"),
            (r"\ud83d", r"\ufffd"),
            (r"\ude00\ud83d", r"\ufffd\ufffd"),
            (r"\ud83d\ud83d\ude00", r"\ufffd\ud83d\ude00"),
            (r"\uD83D\n", r"\ufffd\n"),
            (r"\\ud83d", r"\\ud83d"),
            (r"\\\ud83d", r"\\\ufffd"),
            (r"\ud83", r"\ud83"),
            (r"é\ud800é", r"é\ufffdé"),
            (r"\é\ud800", r"\é\ufffd"),
            (r"\ud7ff\ue000", r"\ud7ff\ue000"),
        ] {
            assert_eq!(with_whole_characters(text), expected, "{text}");
        }
    }
}
