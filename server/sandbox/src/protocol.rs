//! What client and worker say to each other on the worker's standard input and output: one JSON object per line.
//!
//! The worker speaks first, with [`Message::Hello`]. It answers each command with any number of [`Message::Preparing`],
//! for a run at least one [`Message::Running`], from which the limit of time is counted, followed by any number of
//! [`Message::Output`] and [`Message::Test`], and then exactly one of [`Message::Prepared`], [`Message::Done`],
//! [`Message::Reset`] and [`Message::Unavailable`]. It ends when its standard input does.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Request, Stream, TestResult};

/// Raised with every change to this module's types. The worker is started from the program's file, which may have been
/// replaced by a newer one since the program was started.
pub const VERSION: u32 = 6;

/// Bytes in a line. A longer one is an error: a workspace's unsaved texts and an outcome stay far below.
pub const MAX_LINE: u64 = 256 * 1024 * 1024;

/// From client to worker.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    Prepare,
    Run(Box<Request>),
    /// Forget the state of a session of cells.
    Reset {
        session: String,
    },
}

/// From worker to client.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub enum Message {
    Hello { version: u32 },
    Preparing { done: u32, total: u32 },
    Prepared,
    Running,
    Output { stream: Stream, text: String },
    Test { result: TestResult },
    Done(Box<Outcome>),
    Reset,
    Unavailable { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Limits, Verdict};

    #[test]
    fn a_request_survives_the_wire() {
        let action = Action::Doctest { path: "pkg/mod.py".into(), name: Some("C.m".into()) };
        let command = Command::Run(Box::new(Request {
            site: vec!["/venv/lib/python3.14/site-packages".into()],
            packages: vec!["six".into()],
            overlay: vec![("pkg/mod.py".into(), "x = '\n'".into())],
            limits: Limits { output: 1, ..Limits::default() },
            ..Request::new("/home/me/ws", action)
        }));
        let line = serde_json::to_string(&command).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Command>(&line).unwrap(), command);
    }

    #[test]
    fn what_is_told_meanwhile_survives_the_wire() {
        let result = TestResult {
            id: "test_a.py::test_b[\n]".into(),
            path: "test_a.py".into(),
            line: 3,
            verdict: Verdict::Failed,
            returned: false,
            millis: 2,
            message: Some("assert 1 == 2\n +  where".into()),
        };
        let output = Message::Output { stream: Stream::Stderr, text: "careful\n".into() };
        for message in [Message::Test { result }, output] {
            let line = serde_json::to_string(&message).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Message>(&line).unwrap(), message);
        }
    }
}
