//! A scripted model: an OpenAI-compatible server on loopback that gives prepared replies and keeps what it was asked.
//!
//! It can also do what real ones do on a bad day: refuse, never answer, answer nonsense, or break off in mid-sentence.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;

/// What the model does when it is asked.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Says this, streamed in small pieces if the request asks for a stream.
    Text(String),
    /// Answers with this HTTP status and a message in OpenAI's form.
    Refuse(u16, String),
    /// Takes the request and never answers.
    Hang,
    /// Answers 200 with something that is no completion.
    Nonsense,
    /// Begins to say this and drops the connection in the middle.
    CutOff(String),
}

impl Reply {
    /// A model's usual answer: some prose around a fenced block of Python.
    pub fn code(python: &str) -> Reply {
        Reply::Text(format!("Here is the implementation.\n\n```python\n{}\n```\n", python.trim_end()))
    }
}

/// A request that the model was sent.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub body: Value,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

impl Asked {
    /// The texts of all messages, one after the other: everything that left the machine.
    pub fn prompt(&self) -> String {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        let contents: Vec<_> = messages.map(|message| message["content"].as_str().unwrap_or_default()).collect();
        contents.join("\n\n")
    }
}

/// The server. It stops when dropped.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    asked: Vec<Asked>,
    abandoned: usize,
}

impl ModelServer {
    /// A model that gives these replies in order. One that is asked more often answers with status 500.
    pub fn start(script: impl IntoIterator<Item = Reply>) -> ModelServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        shared.lock().script.extend(script);
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let shared = Arc::clone(&shared);
                    // An error is a client that went away: its business, which `abandoned` counts where it matters.
                    std::thread::spawn(move || shared.serve(stream));
                }
            }
        });
        ModelServer { address, shared }
    }

    /// What a configuration file calls `base-url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// A base URL at which nobody listens.
    pub fn nobody() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        format!("http://{address}/v1")
    }

    /// All completion requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// Waits until `count` completions were requested.
    ///
    /// # Panics
    /// When fewer come.
    #[track_caller]
    pub fn wait_until_asked(&self, count: usize) -> Vec<Asked> {
        self.wait(&format!("{count} requests to the model"), |state| state.asked.len() >= count);
        self.asked()
    }

    /// Waits until a client has closed the connection on which the model hangs.
    ///
    /// # Panics
    /// When it stays.
    #[track_caller]
    pub fn wait_until_abandoned(&self) {
        self.wait("the request to be abandoned", |state| state.abandoned > 0);
    }

    #[track_caller]
    fn wait(&self, what: &str, predicate: impl Fn(&State) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !predicate(&self.shared.lock()) {
            assert!(Instant::now() < end, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over. If this fails, it has gone already.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let asked = read_request(&mut reader)?;
        if asked.path.ends_with("/models") {
            let models = json!({ "object": "list", "data": [{ "id": "scripted", "object": "model" }] });
            return respond(stream, 200, "application/json", models.to_string().as_bytes());
        }
        let streamed = asked.body["stream"] == true;
        let reply = {
            let mut state = self.lock();
            state.asked.push(asked);
            state.script.pop_front().unwrap_or_else(|| Reply::Refuse(500, "the script is at its end".to_owned()))
        };
        match reply {
            Reply::Text(text) if streamed => Completion::begin(stream)?.say(&text)?.end(),
            Reply::Text(text) => respond(stream, 200, "application/json", completion(&text).to_string().as_bytes()),
            Reply::Refuse(status, message) => {
                let error = json!({ "error": { "message": message, "type": "scripted", "code": status } });
                respond(stream, status, "application/json", error.to_string().as_bytes())
            }
            Reply::Hang => {
                // Ends when the client closes its side: with an error or with an end of file.
                let _ = reader.read(&mut [0; 64]);
                self.lock().abandoned += 1;
                Ok(())
            }
            Reply::Nonsense => respond(stream, 200, "text/html", b"<html><body>Bad gateway, probably.</body></html>"),
            Reply::CutOff(text) => {
                let half = text.floor_char_boundary(text.len() / 2);
                Completion::begin(stream)?.say(&text[..half]).map(drop)
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Asked { path, body, authorization })
}

fn respond(mut stream: TcpStream, status: u16, content_type: &str, body: &[u8]) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Scripted\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}

fn usage(text: &str) -> Value {
    let spoken = text.split_whitespace().count();
    json!({ "prompt_tokens": 100, "completion_tokens": spoken, "total_tokens": 100 + spoken })
}

fn completion(text: &str) -> Value {
    let message = json!({ "role": "assistant", "content": text });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    json!({ "id": "c", "object": "chat.completion", "model": "scripted", "choices": [choice], "usage": usage(text) })
}

/// A streamed completion: server-sent events in HTTP chunks, so that a missing end can be noticed.
struct Completion {
    stream: TcpStream,
    said: String,
}

impl Completion {
    fn begin(mut stream: TcpStream) -> io::Result<Completion> {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n")?;
        write!(stream, "Connection: close\r\n\r\n")?;
        Ok(Completion { stream, said: String::new() })
    }

    fn say(mut self, text: &str) -> io::Result<Completion> {
        // Pieces that respect neither words nor lines, as tokens do not.
        let characters: Vec<char> = text.chars().collect();
        for piece in characters.chunks(7) {
            let piece: String = piece.iter().collect();
            self.choice(json!({ "index": 0, "delta": { "content": piece }, "finish_reason": null }), Value::Null)?;
        }
        self.said.push_str(text);
        Ok(self)
    }

    fn end(mut self) -> io::Result<()> {
        let used = usage(&self.said);
        self.choice(json!({ "index": 0, "delta": {}, "finish_reason": "stop" }), used)?;
        self.event("[DONE]")?;
        self.stream.write_all(b"0\r\n\r\n")
    }

    fn choice(&mut self, choice: Value, usage: Value) -> io::Result<()> {
        let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "model": "scripted",
                            "choices": [choice], "usage": usage });
        self.event(&chunk.to_string())
    }

    fn event(&mut self, data: &str) -> io::Result<()> {
        let event = format!("data: {data}\n\n");
        write!(self.stream, "{:x}\r\n{event}\r\n", event.len())?;
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(model: &ModelServer, stream: bool) -> io::Result<String> {
        let body = json!({ "stream": stream, "messages": [{ "role": "user", "content": "why?" }] }).to_string();
        let mut connection = TcpStream::connect(model.address)?;
        write!(
            connection,
            "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer k\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn replies_come_in_order_and_questions_are_kept() {
        let refusal = Reply::Refuse(429, "slow down".to_owned());
        let model = ModelServer::start([Reply::Text("because it is".to_owned()), refusal]);
        let first = ask(&model, false).unwrap();
        assert!(first.contains("because it is"), "{first}");
        let second = ask(&model, false).unwrap();
        assert!(second.starts_with("HTTP/1.1 429") && second.contains("slow down"), "{second}");
        let third = ask(&model, false).unwrap();
        assert!(third.starts_with("HTTP/1.1 500"), "{third}");
        let asked = model.asked();
        assert_eq!((asked.len(), asked[0].prompt().as_str()), (3, "why?"));
        assert_eq!(asked[0].authorization.as_deref(), Some("Bearer k"));
    }

    #[test]
    fn a_stream_has_pieces_and_an_end() {
        let model = ModelServer::start([Reply::Text("ein längerer Satz 🧵".to_owned())]);
        let answer = ask(&model, true).unwrap();
        let events = answer.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        let chunks: Vec<Value> = events.map(|event| serde_json::from_str(event).unwrap()).collect();
        let said: Vec<_> = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
        assert!(said.len() > 1);
        assert_eq!(said.concat(), "ein längerer Satz 🧵");
        assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], json!(4));
        assert!(answer.contains("data: [DONE]") && answer.ends_with("0\r\n\r\n"));
    }

    #[test]
    fn a_cut_off_stream_has_no_end() {
        let model = ModelServer::start([Reply::CutOff("def total(items): return".to_owned())]);
        let answer = ask(&model, true).unwrap();
        assert!(answer.contains("def tot"), "{answer}");
        assert!(!answer.contains("[DONE]") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    }

    #[test]
    fn giving_up_on_a_hanging_model_is_noticed() {
        let model = ModelServer::start([Reply::Hang]);
        let mut connection = TcpStream::connect(model.address).unwrap();
        connection.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        model.wait_until_asked(1);
        drop(connection);
        model.wait_until_abandoned();
    }
}
