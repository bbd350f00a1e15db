//! A language server, asked as an editor asks. It knows of no particular one.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    process: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    next_id: i64,
    version: i64,
    document: String,
    pub capabilities: Value,
    pub started: Instant,
}

impl Client {
    /// Starts a server in the folder `root`, up to `initialized`.
    pub fn start(command: &[PathBuf], root: &Path) -> Result<Self> {
        let started = Instant::now();
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .current_dir(root)
            .env_remove("VIRTUAL_ENV")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command[0].display()))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else { bail!("no pipes") };
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (document, capabilities) = (String::new(), Value::Null);
        let mut client = Client { process, input, messages, next_id: 0, version: 0, document, capabilities, started };
        let uri = format!("file://{}", root.display());
        let answer = client.request(
            "initialize",
            json!({
                "processId": std::process::id(), "rootUri": uri, "workspaceFolders": [{ "uri": uri, "name": "bench" }],
                "capabilities": {
                    "workspace": { "configuration": true, "workspaceFolders": true },
                    "textDocument": {
                        "synchronization": {}, "hover": { "contentFormat": ["markdown", "plaintext"] }, "references": {},
                        "publishDiagnostics": { "versionSupport": true }, "diagnostic": { "dynamicRegistration": false },
                    },
                },
            }),
        )?;
        client.capabilities = answer["capabilities"].clone();
        client.notify("initialized", json!({}))?;
        Ok(client)
    }

    pub fn open(&mut self, path: &Path, text: &str) -> Result<()> {
        self.document = format!("file://{}", path.display());
        let item = json!({ "uri": self.document, "languageId": "python", "version": 0, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }))
    }

    /// Replaces what stands at columns of one line.
    pub fn change(&mut self, line: usize, columns: std::ops::Range<usize>, text: &str) -> Result<()> {
        self.version += 1;
        let place = |character: usize| json!({ "line": line, "character": character });
        let range = json!({ "start": place(columns.start), "end": place(columns.end) });
        let document = json!({ "uri": self.document, "version": self.version });
        let changes = json!([{ "range": range, "text": text }]);
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }))
    }

    /// What the server says about a place, as text.
    pub fn ask_at(&mut self, method: &str, line: usize, column: usize) -> Result<String> {
        let mut params = self.document_params();
        params["position"] = json!({ "line": line, "character": column });
        params["context"] = json!({ "includeDeclaration": true });
        Ok(self.request(method, params)?.to_string())
    }

    fn document_params(&self) -> Value {
        json!({ "textDocument": { "uri": self.document } })
    }

    /// Waits until the findings in the document name `word`; asks for them where the server wants to be asked.
    pub fn wait_for_finding(&mut self, word: &str) -> Result<()> {
        let begun = Instant::now();
        let pulls = self.capabilities["diagnosticProvider"].is_object();
        while begun.elapsed() < PATIENCE {
            let found = if pulls {
                self.request("textDocument/diagnostic", self.document_params())?["items"].to_string()
            } else {
                let message = self.receive()?;
                if message["method"] != "textDocument/publishDiagnostics" {
                    continue;
                }
                message["params"]["diagnostics"].to_string()
            };
            if found.contains(word) {
                return Ok(());
            }
        }
        bail!("no finding ever named {word}")
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let message = self.receive()?;
            if message["id"] == id && message["method"].is_null() {
                return Ok(message["result"].clone());
            }
        }
    }

    fn notify(&mut self, method: &str, params: Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).context("the server is gone")?;
        self.input.flush().context("the server is gone")
    }

    /// The next message; what the server asks is answered with nothing.
    fn receive(&mut self) -> Result<Value> {
        let message = match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => bail!("the server says nothing"),
            Err(RecvTimeoutError::Disconnected) => bail!("the server is gone"),
        };
        if !message["id"].is_null() && !message["method"].is_null() {
            let asked = message["params"]["items"].as_array().map_or(0, Vec::len);
            let result = if asked > 0 { json!(vec![Value::Null; asked]) } else { Value::Null };
            self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }))?;
        }
        Ok(message)
    }

    /// The most memory that the server ever had, in MB, where the system tells.
    pub fn peak_memory(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
