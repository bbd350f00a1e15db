//! An agent: a client of `tantu mcp` that speaks the Model Context Protocol line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::workspace::Home;

/// A session with `tantu mcp`, by the handshake of 2025-11-25. It ends with this value.
pub struct Agent {
    process: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    last: i64,
    /// What the server said without being asked.
    pub notifications: Vec<Value>,
    /// What it said of itself.
    pub server: Value,
}

/// What a tool has answered.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub structured: Value,
    pub is_error: bool,
}

impl Agent {
    /// Starts one in the folder `root`, as the user of `home`.
    ///
    /// # Panics
    /// When the server does not start or does not speak the protocol.
    pub fn start(root: &Path, home: &Home) -> Agent {
        let mut process = Command::new(crate::server_binary())
            .arg("mcp")
            .current_dir(root)
            .env_clear()
            .envs(home.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let input = process.stdin.take().expect("it is a pipe");
        let reading = BufReader::new(process.stdout.take().expect("it is a pipe"));
        let (sender, output) = channel();
        std::thread::spawn(move || {
            for line in reading.lines().map_while(Result::ok) {
                let message = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (notifications, server) = (Vec::new(), Value::Null);
        let mut agent = Agent { process, input, output, last: 0, notifications, server };
        let client = json!({ "name": "tests", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        agent.server = agent.request("initialize", &hello);
        agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        agent
    }

    /// Sends a message as it is.
    ///
    /// # Panics
    /// When the server is gone.
    pub fn send(&mut self, message: &Value) {
        writeln!(self.input, "{message}").expect("the server reads");
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    /// When the answer is an error, or does not come.
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}")).clone()
    }

    /// Asks, and does not wait; returns the question's number.
    pub fn ask(&mut self, method: &str, params: &Value) -> i64 {
        self.last += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }));
        self.last
    }

    /// Waits for the answer to a question.
    ///
    /// # Panics
    /// When it does not come.
    pub fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.output.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("answer {id}: {error}"));
            if message["id"] == id {
                return message;
            }
            self.notifications.push(message);
        }
    }

    /// Calls a tool.
    ///
    /// # Panics
    /// As [`Agent::request`].
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Said {
        let result = self.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let pieces = result["content"].as_array().into_iter().flatten();
        Said {
            text: pieces.filter_map(|piece| piece["text"].as_str()).collect(),
            structured: result["structuredContent"].clone(),
            is_error: result["isError"] == true,
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
