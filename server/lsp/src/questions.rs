//! Questions with a few answers to choose from.
//!
//! An editor that does not know `window/showMessageRequest`, such as Helix 25.07, is told by a message that something is
//! asked, and finds the answers among its code actions until one is chosen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types as lsp;

use crate::commands::{Answer, Command};

/// The way to ask whoever uses the editor.
#[derive(Clone)]
pub(crate) struct Questions {
    client: Client,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    /// The editor has said that it cannot ask.
    by_actions: bool,
    /// Number of the latest question that waits for a code action, and its text.
    latest: (u64, String),
    open: Vec<Open>,
}

struct Open {
    id: u64,
    /// What the answers are about.
    subject: String,
    answers: Vec<&'static str>,
    chosen: oneshot::Sender<String>,
}

impl Questions {
    pub(crate) fn new(client: Client) -> Self {
        Questions { client, asked: Arc::default() }
    }

    /// The answer that is chosen; `None` when the question is closed without one.
    pub(crate) async fn ask(
        &self,
        severity: lsp::MessageType,
        text: String,
        answers: impl IntoIterator<Item = &'static str>,
    ) -> Option<String> {
        let answers: Vec<&str> = answers.into_iter().collect();
        if let Ok(answer) = self.by_dialog(severity, &text, &answers).await {
            return answer;
        }
        let (chosen, answer) = oneshot::channel();
        // Who looks at something first is not told again what is asked.
        if self.asked().open(&text, answers, chosen) {
            self.client.show_message(severity, format!("Answer by a code action: {text}")).await;
        }
        answer.await.ok()
    }

    /// Says something, and whether what can be done about it is wanted. Where that cannot be asked, it is not waited for.
    pub(crate) async fn offer(&self, severity: lsp::MessageType, text: String, action: &'static str) -> bool {
        match self.by_dialog(severity, &text, &[action]).await {
            Ok(answer) => answer.is_some(),
            Err(()) => {
                self.client.show_message(severity, text).await;
                false
            }
        }
    }

    /// An error when the editor does not know such requests.
    async fn by_dialog(
        &self,
        severity: lsp::MessageType,
        text: &str,
        answers: &[&str],
    ) -> std::result::Result<Option<String>, ()> {
        if self.asked().by_actions {
            return Err(());
        }
        let item = |title: &&str| lsp::MessageActionItem { title: (*title).to_owned(), properties: Default::default() };
        let items = answers.iter().map(item).collect();
        match self.client.show_message_request(severity, text, Some(items)).await {
            Ok(answer) => Ok(answer.map(|it| it.title)),
            Err(error) if error.code == ErrorCode::MethodNotFound => {
                self.asked().by_actions = true;
                Err(())
            }
            Err(_) => Ok(None),
        }
    }

    /// The answers to open questions.
    pub(crate) fn actions(&self) -> Vec<lsp::CodeAction> {
        self.asked().actions()
    }

    /// # Errors
    /// "Invalid params" when nobody waits for this answer.
    pub(crate) fn answer(&self, answer: Answer) -> Result<()> {
        let late = || Error::invalid_params("this question is not open");
        self.asked().answer(answer).ok_or_else(late)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Whether it is another question than the one before.
    fn open(&mut self, text: &str, answers: Vec<&'static str>, chosen: oneshot::Sender<String>) -> bool {
        let (id, before) = &mut self.latest;
        *id += 1;
        let is_new = before != text;
        text.clone_into(before);
        let subject = text.split(": ").next().unwrap_or(text).to_owned();
        self.open.push(Open { id: *id, subject, answers, chosen });
        is_new
    }

    fn actions(&mut self) -> Vec<lsp::CodeAction> {
        // Whoever asked may have been cancelled.
        self.open.retain(|question| !question.chosen.is_closed());
        let action = |question: &Open, answer: &str| {
            let title = format!("{}: {answer}", question.subject);
            let command = Command::Answer(Answer { id: question.id, answer: answer.to_owned() });
            lsp::CodeAction {
                command: Some(command.titled(title.clone())),
                title,
                kind: Some(lsp::CodeActionKind::QUICKFIX),
                ..Default::default()
            }
        };
        let of = |question: &Open| question.answers.iter().map(|it| action(question, it)).collect::<Vec<_>>();
        self.open.iter().flat_map(of).collect()
    }

    fn answer(&mut self, Answer { id, answer }: Answer) -> Option<()> {
        let is_meant = |question: &Open| question.id == id && question.answers.contains(&&*answer);
        let question = self.open.swap_remove(self.open.iter().position(is_meant)?);
        question.chosen.send(answer).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_open_until_it_is_answered_or_nobody_waits() {
        let mut asked = Asked::default();
        let (chosen, mut first) = oneshot::channel();
        assert!(asked.open("Implement `f`: confidence 0.9.", vec!["Apply", "Discard"], chosen));
        let (chosen, second) = oneshot::channel();
        assert!(!asked.open("Implement `f`: confidence 0.9.", vec!["Why"], chosen), "it was told");
        let titles: Vec<String> = asked.actions().into_iter().map(|it| it.title).collect();
        assert_eq!(titles, ["Implement `f`: Apply", "Implement `f`: Discard", "Implement `f`: Why"]);
        let answer = |id, answer: &str| Answer { id, answer: answer.to_owned() };
        assert_eq!(asked.answer(answer(1, "Why")), None, "that is no answer to it");
        assert_eq!(asked.answer(answer(1, "Apply")), Some(()));
        assert_eq!(first.try_recv().as_deref(), Ok("Apply"));
        assert_eq!(asked.answer(answer(1, "Apply")), None, "it is answered once");
        drop(second);
        assert!(asked.actions().is_empty());
    }
}
