//! Replies from a file in place of a model, for tests and demonstrations.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{StreamExt, iter};
use serde::Deserialize;

use crate::{Delta, Deltas, Error, LanguageModel, Request, StopReason};

/// Characters in one delta.
const PIECE: usize = 24;

/// One reply of a file, which is a JSON list of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedReply {
    /// The reply is only for a prompt that contains this.
    #[serde(rename = "match")]
    pub pattern: Option<String>,
    pub reply: String,
    /// How long the reply takes, spread evenly over its pieces.
    #[serde(default)]
    pub delay_ms: u64,
}

/// Gives each recorded reply once: to a prompt goes the first one left that is for it.
pub struct Recorded {
    name: String,
    file: PathBuf,
    left: Mutex<Vec<RecordedReply>>,
}

impl Recorded {
    /// Replies that are already in memory. `file` is where they came from, for messages.
    pub fn new(name: &str, file: &Path, replies: Vec<RecordedReply>) -> Recorded {
        Recorded { name: format!("{name} (recorded)"), file: file.to_owned(), left: Mutex::new(replies) }
    }

    /// Reads a file of replies; the message of an error names the file and the line.
    pub(crate) fn read(name: &str, file: &Path) -> Result<Recorded, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let replies = serde_json::from_str(&text).map_err(|error| {
            format!("{} is not a list of `{{\"match\": …, \"reply\": …, \"delay_ms\": …}}`: {error}", file.display())
        })?;
        Ok(Recorded::new(name, file, replies))
    }

    fn take(&self, request: &Request) -> Result<RecordedReply, Error> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_for_it = |reply: &RecordedReply| {
            let pattern = reply.pattern.as_deref().unwrap_or_default();
            request.user().contains(pattern) || request.system().contains(pattern)
        };
        match left.iter().position(is_for_it) {
            Some(index) => Ok(left.remove(index)),
            None => Err(Error::NotRecorded { file: self.file.clone(), left: left.len() }),
        }
    }
}

impl LanguageModel for Recorded {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            let RecordedReply { reply, delay_ms, .. } = self.take(&request)?;
            let characters: Vec<char> = reply.chars().collect();
            let mut deltas: Vec<Delta> =
                characters.chunks(PIECE).map(|piece| Delta::Text(piece.iter().collect())).collect();
            deltas.push(Delta::Stop { reason: StopReason::End, usage: None });
            let pause = Duration::from_millis(delay_ms / deltas.len() as u64);
            let paced = iter(deltas).then(move |delta| async move {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                Ok(delta)
            });
            Ok(paced.boxed())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Progress, Prompt, collect};

    fn request(user: &str) -> Request {
        Request::redacted(Prompt { system: String::new(), user: user.into() }).0
    }

    #[tokio::test]
    async fn replies_are_used_up_in_order_and_by_match() {
        let replies = r#"[{"match": "add", "reply": "sum"}, {"reply": "any"}, {"match": "add", "reply": "total", "delay_ms": 2}]"#;
        let model = Recorded::new("demo", Path::new("r.json"), serde_json::from_str(replies).unwrap());
        assert_eq!(model.name(), "demo (recorded)");
        for (user, expected) in [("please add", "sum"), ("add more", "any"), ("and add", "total")] {
            let reply = collect(&model, request(user), |_| {}).await.unwrap();
            assert_eq!((reply.text.as_str(), reply.reason, reply.usage), (expected, StopReason::End, None));
        }
        let error = collect(&model, request("add"), |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "r.json has no recorded reply left for this prompt (0 left for others)");
    }

    #[tokio::test]
    async fn a_reply_grows_piece_by_piece() {
        let text = "ß🐍".repeat(30);
        let reply = RecordedReply { pattern: None, reply: text.clone(), delay_ms: 0 };
        let model = Recorded::new("demo", Path::new(""), vec![reply]);
        let mut seen = Vec::new();
        let reply = collect(&model, request("x"), |progress| {
            if let Progress::Text(text) = progress {
                seen.push(text.chars().count());
            }
        })
        .await
        .unwrap();
        assert_eq!(seen, [24, 48, 60]);
        assert_eq!(reply.text, text);
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("replies.json");
        std::fs::write(&file, "[\n{\"reply\": \"x\", \"dealy_ms\": 3}]").unwrap();
        let error = Recorded::read("demo", &file).err().unwrap();
        assert!(error.contains("replies.json") && error.contains("`dealy_ms`") && error.contains("line 2"), "{error}");
    }
}
