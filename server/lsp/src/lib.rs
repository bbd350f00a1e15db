//! This crate is the language server: it speaks the Language Server Protocol, owns the documents and the graph's
//! writer, and answers requests from immutable snapshots.
//!
//! It is the only crate that knows the protocol's types; `from_proto` and `to_proto` are the only conversions.
//! Deliberately absent: features (those are in `ide`, and return plain data) and everything that is slow inside a
//! request: models and the sandbox work in the background and report by progress.

mod announce;
mod capabilities;
mod commands;
mod from_proto;
mod handlers;
mod lifetime;
mod loader;
mod mailbox;
mod progress;
mod query;
mod runs;
mod session;
mod settings;
mod setup;
mod snapshot;
mod symbol_key;
mod to_proto;
mod watch;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sandbox::Runner;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp_server::{LspService, Server};

use crate::lifetime::{Lifetime, UntilClosed};
use crate::mailbox::Mailbox;
use crate::session::Session;
use crate::writer::Writer;

/// How many messages are handled at once. The transport queues what is beyond it, cancellations included, so this is
/// far above what an editor has open at any time.
const CONCURRENCY: usize = 256;

/// How long answers that are still being computed may take after the editor is gone.
const FAREWELL: Duration = Duration::from_millis(200);

/// Serves one editor on standard input and output until it leaves. Returns whether it left in an orderly way, that is
/// by `shutdown` before `exit`.
///
/// # Errors
/// When the threads that the server needs cannot be started.
pub fn serve_stdio(runner: Arc<dyn Runner>) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    let orderly = runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), runner));
    // A read from standard input cannot be interrupted; waiting for it would keep the process after `exit`.
    runtime.shutdown_background();
    orderly
}

/// Serves one editor on the given streams; see [`serve_stdio`].
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite,
    runner: Arc<dyn Runner>,
) -> anyhow::Result<bool> {
    let lifetime = Lifetime::default();
    let (mailbox, events) = Mailbox::new();
    let latest = Writer::start(mailbox.downgrade(), events).context("cannot start the server's threads")?;
    let session = |client| Session::new(client, mailbox, latest, runner, lifetime.clone());
    let (service, socket) =
        LspService::build(session).custom_method("window/workDoneProgress/cancel", Session::cancel_progress).finish();
    let input = UntilClosed::new(input, lifetime.clone());
    let transport = Server::new(input, output, socket).concurrency_level(CONCURRENCY);
    tokio::select! {
        () = transport.serve(service) => {}
        () = async { lifetime.ended().await; tokio::time::sleep(FAREWELL).await } => {}
    }
    Ok(lifetime.was_shut_down())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use sandbox::fake::Fake;
    use sandbox::{Outcome, Status};
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
    use tokio::task::JoinHandle;

    use super::*;

    /// An editor in memory: it speaks the protocol with [`serve`], which knows no difference.
    struct Client {
        input: DuplexStream,
        output: BufReader<DuplexStream>,
        server: JoinHandle<anyhow::Result<bool>>,
        next_id: i64,
        answers: HashMap<i64, Value>,
        notifications: Vec<Value>,
    }

    const URI: &str = "file:///w/a.py";

    impl Client {
        async fn start(capabilities: Value) -> Self {
            let (input, server_input) = tokio::io::duplex(1 << 20);
            let (server_output, output) = tokio::io::duplex(1 << 20);
            let runner = Fake::new(|_| Ok(Outcome { passed: 2, ..Outcome::without_run(Status::Passed, "") }));
            let server = tokio::spawn(serve(server_input, server_output, Arc::new(runner)));
            let (answers, notifications) = (HashMap::new(), Vec::new());
            let output = BufReader::new(output);
            let mut client = Client { input, output, server, next_id: 0, answers, notifications };
            client.ask("initialize", json!({ "capabilities": capabilities })).await;
            client.tell("initialized", json!({})).await;
            client
        }

        async fn send(&mut self, message: Value) {
            let body = message.to_string();
            let framed = format!("Content-Length: {}\r\n\r\n{body}", body.len());
            self.input.write_all(framed.as_bytes()).await.unwrap();
        }

        async fn tell(&mut self, method: &str, params: Value) {
            self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
        }

        /// Sends a request without waiting for its answer.
        async fn request(&mut self, method: &str, params: Value) -> i64 {
            self.next_id += 1;
            self.send(json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params })).await;
            self.next_id
        }

        async fn receive(&mut self) {
            let mut length = 0;
            loop {
                let mut line = String::new();
                assert_ne!(self.output.read_line(&mut line).await.unwrap(), 0, "the server has gone");
                match line.trim().split_once(": ") {
                    Some((_, value)) => length = value.parse().unwrap(),
                    None => break,
                }
            }
            let mut body = vec![0; length];
            self.output.read_exact(&mut body).await.unwrap();
            let message: Value = serde_json::from_slice(&body).unwrap();
            match message["id"].as_i64() {
                Some(id) if message["method"].is_null() => drop(self.answers.insert(id, message)),
                Some(id) => self.send(json!({ "jsonrpc": "2.0", "id": id, "result": null })).await,
                None => self.notifications.push(message),
            }
        }

        async fn answer(&mut self, id: i64) -> Value {
            while !self.answers.contains_key(&id) {
                self.receive().await;
            }
            self.answers.remove(&id).unwrap()
        }

        async fn ask(&mut self, method: &str, params: Value) -> Value {
            let id = self.request(method, params).await;
            self.answer(id).await["result"].take()
        }

        async fn open(&mut self, text: &str) {
            let document = json!({ "uri": URI, "languageId": "python", "version": 0, "text": text });
            self.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
        }

        async fn replace(&mut self, version: i32, text: &str) {
            let document = json!({ "uri": URI, "version": version });
            let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
            self.tell("textDocument/didChange", params).await;
        }

        /// The command of the first lens that runs something.
        async fn run_lens(&mut self) -> Value {
            let lenses = self.ask("textDocument/codeLens", document()).await;
            let runs = lenses.as_array().unwrap().iter().find(|lens| lens["command"]["command"] == "tantu.run");
            runs.unwrap()["command"].clone()
        }

        async fn leave(mut self) -> bool {
            self.ask("shutdown", Value::Null).await;
            self.tell("exit", Value::Null).await;
            self.server.await.unwrap().unwrap()
        }
    }

    fn at(line: u32, character: u32) -> Value {
        json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
    }

    fn document() -> Value {
        json!({ "textDocument": { "uri": URI } })
    }

    #[tokio::test]
    async fn every_hover_is_about_the_edit_before_it() {
        let mut client = Client::start(json!({})).await;
        client.open("def f(): pass\n").await;
        let mut asked = Vec::new();
        // All on their way before the first answer is read.
        for version in 1..=500 {
            client.replace(version, &format!("def f{version}(): pass\n")).await;
            if version % 25 == 0 {
                asked.push((version, client.request("textDocument/hover", at(0, 5)).await));
            }
        }
        for (version, id) in asked {
            let answer = client.answer(id).await.to_string();
            assert!(answer.contains(&format!("def f{version}(")), "after edit {version}: {answer}");
        }
        let last = client.ask("textDocument/hover", at(0, 5)).await.to_string();
        assert!(last.contains("def f500("), "{last}");
        assert!(client.leave().await);
    }

    #[tokio::test]
    async fn incremental_edits_count_in_the_agreed_encoding() {
        for (encoding, column) in [("utf-8", 11), ("utf-16", 8), ("utf-32", 7)] {
            let mut client = Client::start(json!({ "general": { "positionEncodings": [encoding] } })).await;
            client.open("x = '😀é'; def f(): pass\n").await;
            // Replaces `; ` behind the string by a line break.
            let position = |character: u32| json!({ "line": 0, "character": character });
            let range = json!({ "start": position(column + 1), "end": position(column + 3) });
            let document = json!({ "uri": URI, "version": 1 });
            let change = json!({ "textDocument": document, "contentChanges": [{ "range": range, "text": "\n" }] });
            client.tell("textDocument/didChange", change).await;
            let hover = client.ask("textDocument/hover", at(1, 4)).await.to_string();
            assert!(hover.contains("def f()"), "{encoding}: {hover}");
        }
    }

    #[tokio::test]
    async fn a_cancelled_request_is_answered_as_such_and_the_next_one_works() {
        let mut client = Client::start(json!({})).await;
        client.open("def f(): pass\n").await;
        let mut cancelled = 0;
        for version in 1..=50 {
            client.replace(version, "def f(): pass\n").await;
            let id = client.request("textDocument/hover", at(0, 5)).await;
            client.tell("$/cancelRequest", json!({ "id": id })).await;
            let answer = client.answer(id).await;
            if answer["error"]["code"] == -32800 {
                cancelled += 1;
            } else {
                assert!(answer["result"].is_object(), "{answer}");
            }
        }
        // Both messages are there at once, so that some of the answers come too late.
        assert!(cancelled > 0);
        assert!(client.ask("textDocument/hover", at(0, 5)).await.is_object());
    }

    #[tokio::test]
    async fn diagnostics_are_pushed_with_the_version_they_are_about() {
        let mut client = Client::start(json!({})).await;
        client.open("x = (\n").await;
        client.replace(1, "x = 1\n").await;
        client.replace(2, "x = nowhere\n").await;
        let of_version = |messages: &[Value], version: i32| {
            let published = messages.iter().filter(|message| message["method"] == "textDocument/publishDiagnostics");
            published.map(|message| message["params"].clone()).find(|params| params["version"] == version)
        };
        let last = loop {
            if let Some(last) = of_version(&client.notifications, 2) {
                break last;
            }
            client.receive().await;
        };
        assert!(last["diagnostics"].to_string().contains("nowhere"), "{last}");
        let versions: Vec<_> =
            client.notifications.iter().filter_map(|message| message["params"]["version"].as_i64()).collect();
        assert!(versions.is_sorted(), "{versions:?}");
    }

    #[tokio::test]
    async fn an_editor_that_pulls_gets_nothing_pushed() {
        let mut client = Client::start(json!({ "textDocument": { "diagnostic": {} } })).await;
        client.open("x = nowhere\n").await;
        let report = client.ask("textDocument/diagnostic", document()).await;
        assert!(report["items"].to_string().contains("nowhere"), "{report}");
        client.ask("textDocument/documentSymbol", document()).await;
        let pushed = client.notifications.iter().any(|it| it["method"] == "textDocument/publishDiagnostics");
        assert!(!pushed, "{:?}", client.notifications);
    }

    #[tokio::test]
    async fn a_run_shows_in_its_lens_until_the_text_changes() {
        let mut client = Client::start(json!({})).await;
        let text = "def f():\n    '''>>> f()\n    '''\n";
        client.open(text).await;
        let lens = client.run_lens().await;
        assert_eq!(lens["title"], "▶ doctest");
        client.ask("workspace/executeCommand", lens).await;
        while client.run_lens().await["title"] != "✓ 2 passed · 0 ms" {
            tokio::task::yield_now().await;
        }
        client.replace(1, &format!("{text}\n")).await;
        assert_eq!(client.run_lens().await["title"], "▶ doctest");
    }

    #[tokio::test]
    async fn an_editor_that_just_goes_was_not_orderly() {
        let client = Client::start(json!({})).await;
        let Client { input, server, .. } = client;
        drop(input);
        assert!(!server.await.unwrap().unwrap());
    }
}
