//! Long work that the user can watch, and some of it cancel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::{self as lsp, notification};
use workspace::progress::Progress;

/// Starts jobs and finds them again when the user cancels one.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Shared>);

struct Shared {
    client: Client,
    /// Trips at the end of the session.
    end: CancellationToken,
    next: AtomicU32,
    running: watch::Sender<Running>,
}

/// Jobs that have not ended, by their numbers: the titles, and what cancels them.
pub(crate) type Running = BTreeMap<u32, (String, CancellationToken)>;

/// One piece of long work. Its progress ends when it is dropped.
pub(crate) struct Job {
    number: u32,
    jobs: Jobs,
    cancelled: CancellationToken,
    updates: mpsc::UnboundedSender<Update>,
}

/// What is known of a job beforehand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How much there is to do; see [`Progress::advance`].
    Counted,
    /// Only that the user may have enough of it.
    Cancellable,
}

#[derive(Clone, PartialEq, Eq)]
struct Update {
    percentage: Option<u32>,
    message: Option<String>,
}

impl Jobs {
    pub(crate) fn new(client: Client, end: CancellationToken) -> Self {
        Jobs(Arc::new(Shared { client, end, next: AtomicU32::new(0), running: watch::Sender::default() }))
    }

    /// Starts a job; it is shown only by an editor that `shows` progress. Must be called inside the runtime.
    pub(crate) fn start(&self, title: &str, shows: bool, kind: Kind) -> Job {
        let cancelled = self.0.end.child_token();
        let (updates, receiver) = mpsc::unbounded_channel();
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.running.send_modify(|running| _ = running.insert(number, (title.to_owned(), cancelled.clone())));
        if shows {
            let begin = lsp::WorkDoneProgressBegin {
                title: title.to_owned(),
                cancellable: Some(kind == Kind::Cancellable),
                message: None,
                percentage: (kind == Kind::Counted).then_some(0),
            };
            tokio::spawn(self.clone().show(token(number), begin, receiver));
        }
        Job { number, jobs: self.clone(), cancelled, updates }
    }

    /// The user pressed the button of the job with this token.
    pub(crate) fn cancel(&self, token: &str) {
        let running = self.0.running.borrow();
        if let Some((_, (_, job))) = running.iter().find(|(number, _)| self::token(**number) == token) {
            job.cancel();
        }
    }

    /// Those that have not ended; sees every change.
    pub(crate) fn running(&self) -> watch::Receiver<Running> {
        self.0.running.subscribe()
    }

    async fn show(
        self,
        token: String,
        mut begin: lsp::WorkDoneProgressBegin,
        mut updates: mpsc::UnboundedReceiver<Update>,
    ) {
        let created = self.0.client.create_work_done_progress(lsp::ProgressToken::String(token.clone())).await;
        if created.is_ok() {
            let mut shown = Update { percentage: begin.percentage, message: None };
            // What is over before the editor has answered need not flicker.
            shown.overtake(&mut updates);
            (begin.percentage, begin.message) = (shown.percentage, shown.message.clone());
            self.send(&token, lsp::WorkDoneProgress::Begin(begin)).await;
            while let Some(update) = updates.recv().await {
                let before = shown.clone();
                shown.merge(update);
                shown.overtake(&mut updates);
                if shown != before {
                    let Update { percentage, message } = shown.clone();
                    let report = lsp::WorkDoneProgressReport { cancellable: None, message, percentage };
                    self.send(&token, lsp::WorkDoneProgress::Report(report)).await;
                }
            }
            // Without a word at the end, Helix wipes away what was said last: what came of it, or why it failed.
            let end = lsp::WorkDoneProgressEnd { message: Some("done".to_owned()) };
            self.send(&token, lsp::WorkDoneProgress::End(end)).await;
        }
    }

    async fn send(&self, token: &str, progress: lsp::WorkDoneProgress) {
        let token = lsp::ProgressToken::String(token.to_owned());
        let value = lsp::ProgressParamsValue::WorkDone(progress);
        self.0.client.send_notification::<notification::Progress>(lsp::ProgressParams { token, value }).await;
    }
}

impl Update {
    fn merge(&mut self, next: Update) {
        self.percentage = next.percentage.or(self.percentage);
        if next.message.is_some() {
            self.message = next.message;
        }
    }

    /// Takes in what waits.
    fn overtake(&mut self, updates: &mut mpsc::UnboundedReceiver<Update>) {
        while let Ok(next) = updates.try_recv() {
            self.merge(next);
        }
    }
}

fn token(number: u32) -> String {
    format!("tantu-{number}")
}

impl Drop for Job {
    fn drop(&mut self) {
        self.jobs.0.running.send_modify(|running| _ = running.remove(&self.number));
    }
}

impl Job {
    /// The token of its progress, by which the editor cancels it.
    pub(crate) fn token(&self) -> String {
        token(self.number)
    }

    /// Trips when the user cancels the job or the session ends.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    pub(crate) fn say(&self, message: impl Into<String>) {
        self.report(Update { percentage: None, message: Some(message.into()) });
    }

    fn report(&self, update: Update) {
        // Nobody listens where the editor shows no progress.
        let _ = self.updates.send(update);
    }
}

impl Progress for Job {
    fn say(&self, message: &str) {
        Job::say(self, message);
    }

    fn advance(&self, done: usize, total: usize) {
        let percentage = u32::try_from(100 * done / total.max(1)).unwrap_or(100);
        self.report(Update { percentage: Some(percentage), message: None });
    }
}
