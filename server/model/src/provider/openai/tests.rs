use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::*;
use crate::http::Key;
use crate::provider::stream::WAIT_FOR_USAGE;
use crate::testing::Step::{Hang, Reset, Send, Wait};
use crate::testing::{Server, Step, response, stream};
use crate::{Backoff, Progress, Prompt, Reply, Retry, Stage, StopReason, Timeouts, Usage, collect};

pub(super) const HELLO: &[&str] = &[
    r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    r#"{"choices":[{"delta":{"content":"gr\u00fcß "}}],"usage":null}"#,
    r#"{"choices":[{"delta":{"content":"dich 🐍"}}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5}}"#,
    "[DONE]",
];
pub(super) const TEXT: &str = r#"{"choices":[{"delta":{"content":"half"}}]}"#;

fn hello() -> Reply {
    let usage = Some(Usage { input: 12, output: 5 });
    Reply { text: "grüß dich 🐍".into(), reason: StopReason::End, usage, cost: None }
}

fn patient() -> Timeouts {
    let long = Duration::from_secs(20);
    Timeouts { connect: long, first_token: long, stalled: long, total: long }
}

fn model(url: &str, timeouts: Timeouts) -> OpenAi {
    let url = format!("{url}/v1").parse().unwrap();
    OpenAi {
        name: "local".into(),
        endpoint: Endpoint::new(url, Key::new("key-0123456789"), timeouts).unwrap(),
        model: "some-name".into(),
        max_tokens: Some(("max_tokens", 64)),
        temperature: Some(0.2),
        quirks: Mutex::default(),
    }
}

fn request() -> Request {
    Request::redacted(Prompt { system: "be brief".into(), user: "greet".into() }).0
}

async fn ask_within(timeouts: Timeouts, script: Vec<Step>) -> Result<Reply, Error> {
    let server = Server::start(vec![script]).await;
    collect(&model(&server.url, timeouts), request(), |_| {}).await
}

async fn ask(script: Vec<Step>) -> Result<Reply, Error> {
    ask_within(patient(), script).await
}

async fn message(script: Vec<Step>) -> String {
    ask(script).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_sent() {
    let mut server = Server::start(vec![vec![Send(stream(HELLO))]]).await;
    let mut seen = Vec::new();
    let reply = collect(&model(&server.url, patient()), request(), |progress| {
        if let Progress::Text(text) = progress {
            seen.push(text.to_owned());
        }
    })
    .await;
    assert_eq!(reply, Ok(hello()));
    assert_eq!(seen, ["grüß ", "grüß dich 🐍"]);

    let sent = server.request().await;
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: Bearer key-0123456789\r\n"), "{head}");
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({
            "model": "some-name",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "greet"}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 64,
            "temperature": 0.2,
        })
    );
}

#[tokio::test]
async fn a_stream_cut_at_every_byte() {
    let bytes = stream(HELLO);
    let one_by_one = bytes.iter().flat_map(|&byte| [Send(vec![byte]), Wait(Duration::ZERO)]).collect();
    assert_eq!(ask(one_by_one).await, Ok(hello()));
    let crlf = String::from_utf8(bytes.clone()).unwrap().replace("\n\n", "\r\n\r\n");
    for text in [bytes, crlf.into_bytes()] {
        for cut in 1..text.len() {
            let (first, rest) = text.split_at(cut);
            let script = vec![Send(first.to_vec()), Wait(Duration::from_micros(200)), Send(rest.to_vec())];
            assert_eq!(ask(script).await, Ok(hello()), "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn reasons_to_stop() {
    let finish = |reason: &str| format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
    for (reason, expected) in [
        ("length", StopReason::Length),
        ("content_filter", StopReason::Filtered),
        ("tool_calls", StopReason::ToolCall),
        ("abort", StopReason::Other("abort".into())),
    ] {
        let reply = ask(vec![Send(stream(&[TEXT, &finish(reason), "[DONE]"]))]).await.unwrap();
        assert_eq!(reply, Reply { text: "half".into(), reason: expected, usage: None, cost: None });
    }
    let refusal = r#"{"choices":[{"delta":{"refusal":"I must not"}}]}"#;
    let reply = ask(vec![Send(stream(&[refusal, &finish("stop"), "[DONE]"]))]).await.unwrap();
    assert_eq!(reply.reason, StopReason::Refused("I must not".into()));
}

#[tokio::test]
async fn ends_that_servers_forget() {
    // No mark and no counts; no reason to stop; and a connection that stays open behind the last event.
    assert_eq!(ask(vec![Send(stream(&HELLO[..4]))]).await.unwrap().usage, None);
    assert_eq!(ask(vec![Send(stream(&[TEXT, "[DONE]"]))]).await.unwrap().reason, StopReason::End);
    let started = Instant::now();
    assert_eq!(ask(vec![Send(stream(&HELLO[..4])), Hang]).await.unwrap().text, hello().text);
    assert!(started.elapsed() < WAIT_FOR_USAGE * 2);
    // And one that breaks there.
    let reply = ask(vec![Send(stream(&HELLO[..4])), Wait(Duration::from_millis(50)), Reset]).await;
    assert_eq!(reply.unwrap().text, hello().text);
}

#[tokio::test]
async fn answers_in_one_piece() {
    let whole = r#" {"choices":[{"message":{"content":"grüß dich 🐍"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":12,"completion_tokens":5}}"#;
    for content_type in ["content-type: application/json", "content-type: text/event-stream", "x-none: 1"] {
        assert_eq!(ask(vec![Send(response("200 OK", &[content_type], whole))]).await, Ok(hello()));
    }
    let events = String::from_utf8(stream(HELLO)).unwrap().replace("text/event-stream", "text/html");
    assert_eq!(ask(vec![Send(events.into_bytes())]).await, Ok(hello()));
}

#[tokio::test]
async fn answers_that_make_no_sense() {
    let ok = |body: &str| vec![Send(response("200 OK", &["content-type: text/html"], body))];
    assert!(message(ok("<!doctype html><p>hi</p>")).await.contains("it is a web page"));
    assert!(message(ok("It works!\n")).await.contains("neither events nor JSON"));
    assert!(message(ok("{\"hello\": 1}")).await.contains("JSON without an answer"));
    assert!(message(ok("{\"choices\": [{\"message\"")).await.contains("unexpected JSON"));
    assert!(matches!(ask(vec![Send(stream(&["{nonsense"]))]).await, Err(Error::Malformed { .. })));
    assert!(matches!(ask(ok("")).await, Err(Error::Interrupted { .. })));
    assert!(matches!(ask(vec![Send(b"SSH-2.0-x\r\n".to_vec())]).await, Err(Error::Interrupted { .. })));
}

#[tokio::test]
async fn streams_that_break_off() {
    let chunked = |size: usize, text: &str| {
        response("200 OK", &["transfer-encoding: chunked"], &format!("{size:x}\r\n{text}\r\n"))
    };
    let event = format!("data: {TEXT}\n\n");
    for script in [
        vec![Send(stream(&[TEXT]))],
        vec![Send(stream(&[TEXT])), Wait(Duration::from_millis(50)), Reset],
        vec![Send(chunked(event.len(), &event))],
        vec![Reset],
        vec![],
    ] {
        let reply = ask(script).await;
        assert!(matches!(reply, Err(Error::Interrupted { .. })), "{reply:?}");
    }
}

#[tokio::test]
async fn errors_within_the_answer() {
    let script = |event: &str| vec![Send(stream(&[TEXT, event, "[DONE]"]))];
    assert_eq!(
        ask(script(r#"{"error":{"message":"out of memory","type":"server_error"}}"#)).await,
        Err(Error::Reported { message: "out of memory".into() })
    );
    let quoted = format!(r#"{{"error":{{"message":"{}key-0123456789"}}}}"#, "x ".repeat(145));
    assert_eq!(ask(script(&quoted)).await, Err(Error::Reported { message: format!("{}***", "x ".repeat(145)) }));
    assert_eq!(
        ask(script(r#"{"error":{"message":"upstream","code":502}}"#)).await,
        Err(Error::Status { code: 502, message: "upstream".into(), retry_after: None })
    );
}

#[tokio::test]
async fn statuses() {
    let script = |status: &str, headers: &[&str], body: &str| vec![Send(response(status, headers, body))];
    let status = |code, message: &str, retry_after: Option<u64>| {
        Err(Error::Status { code, message: message.into(), retry_after: retry_after.map(Duration::from_secs) })
    };
    let slow_down = r#"{"error":{"message":"slow down"}}"#;
    assert_eq!(ask(script("429 x", &["retry-after: 7"], slow_down)).await, status(429, "slow down", Some(7)));
    assert_eq!(ask(script("429 x", &[], slow_down)).await, status(429, "slow down", None));
    assert_eq!(ask(script("500 x", &[], "<html>")).await, status(500, "internal server error", None));
    let rejected = r#"{"error":{"message":"bad key key-0123456789"}}"#;
    assert_eq!(ask(script("401 x", &[], rejected)).await, status(401, "bad key ***", None));
    assert!(message(script("401 x", &[], rejected)).await.contains("api-key-env"));
}

#[tokio::test]
async fn nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let error = collect(&model(&url, patient()), request(), |_| {}).await.unwrap_err();
    assert!(
        matches!(&error, Error::Connect { server, cause } if *server == url && cause.contains("refused")),
        "{error:?}"
    );
}

#[tokio::test]
async fn silence_is_named_by_its_stage() {
    let short = Duration::from_millis(150);
    let comments = || {
        let comment = || [Send(b": wait\n\n".to_vec()), Wait(Duration::from_millis(20))];
        (0..50).flat_map(move |_| comment())
    };
    let silent_start = || vec![Send(stream(&[HELLO[0]]))];
    let alive = || [Send(stream(&[TEXT]))];
    for (stage, timeouts, script) in [
        (Stage::FirstToken, Timeouts { first_token: short, ..patient() }, vec![Hang]),
        (
            Stage::FirstToken,
            Timeouts { first_token: short, ..patient() },
            silent_start().into_iter().chain([Hang]).collect(),
        ),
        (
            Stage::FirstToken,
            Timeouts { first_token: short, ..patient() },
            silent_start().into_iter().chain(comments()).collect(),
        ),
        (Stage::Stalled, Timeouts { stalled: short, ..patient() }, alive().into_iter().chain([Hang]).collect()),
        (Stage::Stalled, Timeouts { stalled: short, ..patient() }, alive().into_iter().chain(comments()).collect()),
        (Stage::Total, Timeouts { total: short, ..patient() }, alive().into_iter().chain([Hang]).collect()),
        (Stage::Total, Timeouts { total: short, ..patient() }, vec![Hang]),
    ] {
        let started = Instant::now();
        let reply = ask_within(timeouts, script).await;
        assert_eq!(reply, Err(Error::Timeout { stage, limit: short }));
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

/// A listener whose queue is full lets connections hang.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_does_not_come_about() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), tokio::net::TcpStream::connect(address)).await {
        queued.push(stream);
    }
    let connect = Duration::from_millis(100);
    let error =
        collect(&model(&format!("http://{address}"), Timeouts { connect, ..patient() }), request(), |_| {}).await;
    assert_eq!(error, Err(Error::Timeout { stage: Stage::Connect, limit: connect }));
}

#[tokio::test]
async fn thinking_is_a_sign_of_life_but_no_text() {
    let thought = Send(
        b"data: {\"choices\":[{\"delta\":{\"content\":null,\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}}]}\n\n"
            .to_vec(),
    );
    let script = vec![
        Send(stream(&[])),
        thought,
        Wait(Duration::from_millis(300)),
        Send(HELLO.iter().flat_map(|event| format!("data: {event}\n\n").into_bytes()).collect()),
    ];
    let timeouts = Timeouts { first_token: Duration::from_millis(200), ..patient() };
    assert_eq!(ask_within(timeouts, script).await, Ok(hello()));
}

#[tokio::test]
async fn redirects() {
    let to = |location: &str| vec![Send(response("307 x", &[&format!("location: {location}")], ""))];
    // To another host, port or scheme: refused, and nothing is sent there.
    for (location, shown) in [
        ("http://user:pass@example.invalid/v1?key=1", "http://example.invalid/v1"),
        ("https://127.0.0.1/v1", "https://127.0.0.1/v1"),
    ] {
        assert_eq!(ask(to(location)).await, Err(Error::Redirected { to: shown.into() }));
    }
    // On the same server the prompt is sent again, but not for ever, and not where it would be lost.
    let mut server = Server::start(vec![to("/v2"), vec![Send(stream(HELLO))]]).await;
    assert_eq!(collect(&model(&server.url, patient()), request(), |_| {}).await, Ok(hello()));
    let (first, second) = (server.request().await, server.request().await);
    assert!(second.starts_with("POST /v2 "));
    assert_eq!(first.split_once("\r\n\r\n").unwrap().1, second.split_once("\r\n\r\n").unwrap().1);
    let server = Server::start((0..9).map(|_| to("/again")).collect()).await;
    let error = collect(&model(&server.url, patient()), request(), |_| {}).await;
    assert_eq!(error, Err(Error::Redirected { to: format!("{}/again", server.url) }));
    let moved = vec![Send(response("301 x", &["location: /new"], ""))];
    assert!(matches!(ask(moved).await, Err(Error::Redirected { .. })));
}

#[tokio::test]
async fn answers_without_end() {
    let piece = format!(r#"{{"choices":[{{"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(10_000));
    let many = vec![piece.as_str(); 200];
    assert!(matches!(ask(vec![Send(stream(&many))]).await, Err(Error::TooLarge { .. })));
    assert!(matches!(ask(vec![Send(stream(&[&"x".repeat(2_000_000)]))]).await, Err(Error::TooLarge { .. })));
    let whole = format!("{{\"x\": \"{}\"}}", "x".repeat(5_000_000));
    assert!(matches!(ask(vec![Send(response("200 OK", &[], &whole))]).await, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn dropping_the_answer_closes_the_connection() {
    // Before the response, and in the midst of it.
    for script in [vec![Hang], vec![Send(stream(&[TEXT])), Hang]] {
        let mut server = Server::start(vec![script]).await;
        let model = model(&server.url, patient());
        let mut answer = Box::pin(collect(&model, request(), |_| {}));
        assert!(timeout(Duration::from_millis(200), &mut answer).await.is_err());
        server.request().await;
        let dropped = tokio::time::Instant::now();
        drop(answer);
        let closed = timeout(Duration::from_secs(5), server.hang_up()).await.unwrap();
        assert!(closed - dropped < Duration::from_millis(100), "{:?}", closed - dropped);
    }
}

#[tokio::test]
async fn a_request_is_repeated_as_it_was() {
    let busy = |body: &str| vec![Send(response("429 x", &["retry-after: 0"], body))];
    let late = vec![Send(stream(&[r#"{"error":{"message":"overloaded","code":503}}"#]))];
    let mut server = Server::start(vec![busy("{}"), late, vec![Send(stream(HELLO))]]).await;
    let backoff = Backoff { pause: Duration::from_millis(1), ..Backoff::default() };
    let model = Retry::new(model(&server.url, patient()), backoff);
    assert_eq!(collect(&model, request(), |_| {}).await, Ok(hello()));
    let requests = [server.request().await, server.request().await, server.request().await];
    assert_eq!(requests[0], requests[2]);
    assert_eq!(requests[1], requests[2]);
}

#[tokio::test]
async fn servers_that_refuse_a_field_are_asked_without_it() {
    let refuse =
        |message: &str| vec![Send(response("400 x", &[], &format!("{{\"error\":{{\"message\":\"{message}\"}}}}")))];
    let mut server = Server::start(vec![
        refuse("Unrecognized request argument supplied: stream_options"),
        refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        refuse("Unsupported value: 'temperature' does not support 0.2"),
        refuse("System role not supported"),
        vec![Send(stream(HELLO))],
        vec![Send(stream(HELLO))],
    ])
    .await;
    let model = model(&server.url, patient());
    assert_eq!(collect(&model, request(), |_| {}).await, Ok(hello()));
    for _ in 0..4 {
        server.request().await;
    }
    let last = server.request().await;
    let plain = json!({
        "model": "some-name",
        "messages": [{"role": "user", "content": "be brief\n\ngreet"}],
        "stream": true,
        "max_completion_tokens": 64,
    });
    assert_eq!(serde_json::from_str::<Value>(last.split_once("\r\n\r\n").unwrap().1).unwrap(), plain);
    // It is remembered.
    assert_eq!(collect(&model, request(), |_| {}).await, Ok(hello()));
    // A limit that is too high is no matter of its name.
    assert_eq!(Quirks::default().learn("max_tokens is too large: 64"), None);
    assert!(matches!(ask(refuse("no such model")).await, Err(Error::Status { code: 400, .. })));
}

#[tokio::test]
async fn parts_of_a_message_and_errors_as_objects() {
    let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"gr\u00fc"},{"type":"text","text":"\u00df"}]},"finish_reason":"stop"}]}"#;
    assert_eq!(ask(vec![Send(stream(&[parts, "[DONE]"]))]).await.unwrap().text, "grüß");
    let error = r#"{"object":"error","message":"the prompt is too long","code":400}"#;
    assert_eq!(
        ask(vec![Send(stream(&[error]))]).await,
        Err(Error::Status { code: 400, message: "the prompt is too long".into(), retry_after: None })
    );
}

#[tokio::test]
async fn a_server_without_tls_behind_https() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // It takes the greeting for a broken request, as servers do.
        tokio::io::AsyncWriteExt::write_all(&mut stream, &response("400 Bad Request", &[], "")).await.unwrap();
    });
    let error = collect(&model(&url, patient()), request(), |_| {}).await.unwrap_err();
    assert!(matches!(&error, Error::Connect { server, .. } if *server == url), "{error:?}");
}

#[test]
fn the_form_of_the_answer_is_asked_for_as_far_as_a_server_understands_it() {
    let model = model("http://127.0.0.1:1", patient());
    let schema = json!({"type": "object"});
    let request = request().in_form("findings", schema.clone());
    let format = |quirks: Quirks| model.body(&request, quirks)["response_format"].clone();
    let all = Quirks::default();
    let strict = json!({"name": "findings", "schema": schema, "strict": true});
    assert_eq!(format(all), json!({"type": "json_schema", "json_schema": strict}));
    let some = all.learn("Invalid value for 'response_format.type': 'json_schema'").unwrap();
    assert_eq!(format(some), json!({"type": "json_object"}));
    let none = some.learn("response_format is not supported").unwrap();
    assert_eq!(format(none), Value::Null);
    assert_eq!(none.learn("response_format is not supported"), None);
}
