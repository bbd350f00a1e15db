//! The base protocol: messages framed by `Content-Length`, and the log of a session in both directions.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the editor to the server.
    ToServer,
    /// From the server to the editor.
    ToEditor,
}

/// One message of a session.
#[derive(Clone, Debug)]
pub struct Record {
    pub direction: Direction,
    pub message: Value,
}

impl Record {
    /// The record as one line of a log file.
    pub fn to_line(&self) -> String {
        let direction = match self.direction {
            Direction::ToServer => "c2s",
            Direction::ToEditor => "s2c",
        };
        json!({ "dir": direction, "msg": self.message }).to_string()
    }

    fn from_line(line: &str) -> Result<Record> {
        let mut value: Value = serde_json::from_str(line)?;
        let direction = match value["dir"].as_str() {
            Some("c2s") => Direction::ToServer,
            Some("s2c") => Direction::ToEditor,
            _ => anyhow::bail!("`dir` must be c2s or s2c"),
        };
        Ok(Record { direction, message: value["msg"].take() })
    }
}

/// Reads the next message; `None` at the end of the stream.
///
/// # Errors
/// Besides those of the stream: `InvalidData` when the header has no length or the body is not JSON.
pub fn read_message(stream: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let length: usize = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no Content-Length"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// Writes one message and flushes.
///
/// # Errors
/// Those of the stream.
pub fn write_message(stream: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(stream, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

/// Reads a log file as the tee writes it: one JSON object `{"dir": "c2s" | "s2c", "msg": …}` per line.
///
/// # Errors
/// A file that cannot be read or a line that is no record, with its number.
pub fn read_log(path: &Path) -> Result<Vec<Record>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut records = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let record = Record::from_line(&line?).with_context(|| format!("{}:{}", path.display(), number + 1))?;
        records.push(record);
    }
    Ok(records)
}

/// A session as a person reads it in a failed test: one line per message, long ones shortened.
pub fn transcript(records: &[Record]) -> String {
    const WIDTH: usize = 400;
    let mut text = String::new();
    for record in records {
        let arrow = match record.direction {
            Direction::ToServer => "-->",
            Direction::ToEditor => "<--",
        };
        let message = record.message.to_string();
        let shown: String = message.chars().take(WIDTH).collect();
        let cut = if shown.len() < message.len() { " …" } else { "" };
        text.push_str(&format!("{arrow} {shown}{cut}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_with_their_length_in_bytes() {
        let sent = [json!({ "text": "naïve 🧵" }), json!({ "id": 2 })];
        let mut stream = Vec::new();
        for message in &sent {
            write_message(&mut stream, message).unwrap();
        }
        let mut stream = stream.as_slice();
        assert_eq!(read_message(&mut stream).unwrap().as_ref(), Some(&sent[0]));
        assert_eq!(read_message(&mut stream).unwrap().as_ref(), Some(&sent[1]));
        assert_eq!(read_message(&mut stream).unwrap(), None);
    }

    #[test]
    fn headers_are_read_in_any_order_and_case() {
        let text = "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(read_message(&mut text.as_bytes()).unwrap(), Some(json!({})));
    }

    #[test]
    fn a_header_without_a_length_is_an_error() {
        let error = read_message(&mut "X: 1\r\n\r\n{}".as_bytes()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_broken_log_line_is_reported_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let good = Record { direction: Direction::ToEditor, message: json!({ "id": 1 }) }.to_line();
        std::fs::write(&path, format!("{good}\nnot json\n")).unwrap();
        let error = read_log(&path).unwrap_err().to_string();
        assert!(error.ends_with("log.jsonl:2"), "{error}");
    }
}
