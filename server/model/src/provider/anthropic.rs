//! Messages, the protocol of Anthropic.

mod wire;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::stream::deltas;
use crate::http::{Endpoint, KeyHeader};
use crate::{Deltas, Error, LanguageModel, Request};

pub(crate) use self::wire::Messages;

/// The version of the protocol; there has been no later one.
const VERSION: &str = "2023-06-01";

/// The protocol wants a limit. Functions and files are shorter.
pub(crate) const MAX_TOKENS: u32 = 8192;

pub(crate) struct Anthropic {
    /// The name that the user gave it.
    name: String,
    endpoint: Endpoint,
    /// What the server calls it.
    model: String,
    max_tokens: u32,
}

impl Anthropic {
    pub(crate) fn new(name: &str, endpoint: Endpoint, model: String, max_tokens: Option<u32>) -> Anthropic {
        let endpoint = with_version(endpoint);
        Anthropic { name: name.to_owned(), endpoint, model, max_tokens: max_tokens.unwrap_or(MAX_TOKENS) }
    }

    fn body(&self, request: &Request) -> Value {
        let mut body = json!({
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": [{"role": "user", "content": request.user()}],
            "stream": true,
        });
        if !request.system().is_empty() {
            body["system"] = request.system().into();
        }
        body
    }
}

/// What every request to this protocol carries.
pub(crate) fn with_version(endpoint: Endpoint) -> Endpoint {
    endpoint.with(KeyHeader::ApiKey, "anthropic-version", VERSION)
}

impl LanguageModel for Anthropic {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            let body = self.endpoint.post(&["messages"], &self.body(&request)).await?;
            Ok(deltas::<Messages>(body))
        })
    }
}

/// Bodies of responses, good and bad.
#[cfg(test)]
pub(crate) fn fixtures() -> Vec<String> {
    vec![
        tests::events(tests::HELLO),
        tests::events(&tests::HELLO[..4]),
        tests::events(&[tests::HELLO[0], tests::OVERLOADED]),
        tests::WHOLE.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Key;
    use crate::testing::Server;
    use crate::testing::Step::{Hang, Send};
    use crate::testing::response;
    use crate::{Prompt, Reply, StopReason, Timeouts, Usage, collect};

    pub(super) const HELLO: &[&str] = &[
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":1,"cache_read_input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"gr\u00fc\u00df "}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"dich 🐍"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    pub(super) const OVERLOADED: &str =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    pub(super) const WHOLE: &str = r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"grüß dich 🐍"}],"stop_reason":"end_turn","usage":{"input_tokens":12,"output_tokens":5}}"#;

    /// Events with their names, as the server writes them.
    pub(super) fn events(events: &[&str]) -> String {
        let name = |event: &str| serde_json::from_str::<Value>(event).unwrap()["type"].as_str().unwrap().to_owned();
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(event))).collect()
    }

    async fn ask(body: &str) -> Result<Reply, Error> {
        let server =
            Server::start(vec![vec![Send(response("200 OK", &["content-type: text/event-stream"], body)), Hang]]);
        let server = server.await;
        collect(&model(&server.url), request(), |_| {}).await
    }

    fn model(url: &str) -> Anthropic {
        let url = format!("{url}/v1").parse().unwrap();
        let endpoint = Endpoint::new(url, Key::new("key-0123456789"), Timeouts::default()).unwrap();
        Anthropic::new("cloud", endpoint, "some-name".into(), Some(64))
    }

    fn request() -> Request {
        Request::redacted(Prompt { system: "be brief".into(), user: "greet".into() }).0
    }

    fn hello() -> Reply {
        let usage = Some(Usage { input: 12, output: 5 });
        Reply { text: "grüß dich 🐍".into(), reason: StopReason::End, usage, cost: None }
    }

    #[tokio::test]
    async fn what_is_sent() {
        let mut server = Server::start(vec![vec![Send(response("200 OK", &[], WHOLE))]]).await;
        assert_eq!(collect(&model(&server.url), request(), |_| {}).await, Ok(hello()));
        let sent = server.request().await;
        let (head, body) = sent.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{head}");
        for header in ["x-api-key: key-0123456789", "anthropic-version: 2023-06-01"] {
            assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
        }
        assert!(!head.contains("authorization"), "{head}");
        assert_eq!(
            serde_json::from_str::<Value>(body).unwrap(),
            json!({
                "model": "some-name",
                "max_tokens": 64,
                "system": "be brief",
                "messages": [{"role": "user", "content": "greet"}],
                "stream": true,
            })
        );
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_mark_though_the_connection_stays() {
        assert_eq!(ask(&events(HELLO)).await, Ok(hello()));
    }

    #[tokio::test]
    async fn every_reason_to_stop() {
        let end = |delta: &str| {
            let delta = format!(r#"{{"type":"message_delta","delta":{delta},"usage":{{"output_tokens":5}}}}"#);
            let mut all = HELLO[..9].to_vec();
            all.extend([delta.as_str(), HELLO[10]]);
            events(&all)
        };
        for (name, expected) in [
            ("end_turn", StopReason::End),
            ("stop_sequence", StopReason::End),
            ("max_tokens", StopReason::Length),
            ("model_context_window_exceeded", StopReason::ContextFull),
            ("tool_use", StopReason::ToolCall),
            ("pause_turn", StopReason::Other("pause_turn".into())),
            ("refusal", StopReason::Refused(String::new())),
        ] {
            let reply = ask(&end(&format!(r#"{{"stop_reason":"{name}"}}"#))).await.unwrap();
            assert_eq!((reply.reason, reply.usage), (expected, hello().usage), "{name}");
        }
        let explained = r#"{"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"I must not"}}"#;
        assert_eq!(ask(&end(explained)).await.unwrap().reason, StopReason::Refused("I must not".into()));
    }

    #[tokio::test]
    async fn errors_within_the_stream_have_the_status_that_they_would_have_had() {
        let error = ask(&events(&[HELLO[0], OVERLOADED])).await.unwrap_err();
        assert_eq!(error, Error::Status { code: 529, message: "Overloaded".into(), retry_after: None });
        assert!(error.is_transient());
        let unknown = r#"{"type":"error","error":{"type":"new_error","message":"odd"}}"#;
        assert_eq!(ask(&events(&[unknown])).await, Err(Error::Reported { message: "odd".into() }));
    }

    #[tokio::test]
    async fn a_stream_without_its_end_is_cut_off() {
        let body = events(&HELLO[..8]);
        let server = Server::start(vec![vec![Send(response("200 OK", &[], &body))]]).await;
        let reply = collect(&model(&server.url), request(), |_| {}).await;
        assert!(matches!(reply, Err(Error::Interrupted { .. })), "{reply:?}");
    }
}
