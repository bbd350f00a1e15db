//! What client and worker say to each other on the worker's standard input and output: one JSON object per line.
//!
//! The worker speaks first, with [`Message::Hello`]. It answers each command with any number of [`Message::Preparing`],
//! for a run at least one [`Message::Running`], from which the limit of time is counted, and then exactly one of
//! [`Message::Prepared`], [`Message::Done`] and [`Message::Unavailable`]. It ends when its standard input does.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Request};

/// Raised with every change to this module's types. The worker is started from the program's file, which may have been
/// replaced by a newer one since the program was started.
pub const VERSION: u32 = 1;

/// Bytes in a line. A longer one is an error: a workspace's unsaved texts and an outcome stay far below.
pub const MAX_LINE: u64 = 256 * 1024 * 1024;

/// From client to worker.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    Prepare,
    Run(Request),
}

/// From worker to client.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub enum Message {
    Hello { version: u32 },
    Preparing { done: u32, total: u32 },
    Prepared,
    Running,
    Done(Outcome),
    Unavailable { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Limits};

    #[test]
    fn a_request_survives_the_wire() {
        let command = Command::Run(Request {
            root: "/home/me/ws".into(),
            overlay: vec![("pkg/mod.py".into(), "x = '\n'".into())],
            action: Action::Doctest { path: "pkg/mod.py".into(), name: Some("C.m".into()) },
            limits: Limits::default(),
        });
        let line = serde_json::to_string(&command).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Command>(&line).unwrap(), command);
    }
}
