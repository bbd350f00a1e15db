//! One run, in the background.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use runs::confined::Both;
use runs::environments::Environments;
use runs::native::Native;
use runs::plan::{self, Plan};
use runs::{affected, wording};
use sandbox::{Action, Outcome, Runner, Status, Verdict, run_likeliest_first};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;
use workspace::mailbox::Event;
use workspace::results::Ended;

use super::coverage;
use super::permission::Permission;
use super::report::{self, Reporter, Update};
use crate::commands::Run;
use crate::progress::Job;
use crate::questions::Questions;
use crate::snapshot::{Channel, Snapshot};

const YES: &str = "Run outside of the sandbox";
const CONFINED: &str = "Run confined";
const NEVER: &str = "Never in this folder";

/// What a run needs besides what it is told.
pub(crate) struct Perform {
    pub(crate) run: Run,
    pub(crate) run_id: u64,
    pub(crate) runner: Arc<dyn Runner>,
    /// Absent where nothing can be confined.
    pub(crate) confined: Option<Arc<dyn Runner>>,
    pub(crate) permission: Permission,
    pub(crate) environments: Arc<Environments>,
    pub(crate) job: Job,
    pub(crate) mailbox: Channel,
    pub(crate) client: Client,
    pub(crate) questions: Questions,
}

impl Perform {
    /// Runs what `snapshot` holds, and tells the writer and the user what came of it.
    pub(crate) async fn work(self, snapshot: Snapshot) {
        let reporter = Reporter::new(&self.client, self.job.token(), &snapshot);
        reporter.tell(Update::Began(self.run.clone())).await;
        let mut done = self.once(&snapshot, &reporter).await;
        if let Some((plan, outcome)) = &done
            && self.may_confine_now(plan, outcome).await
        {
            done = self.once(&snapshot, &reporter).await;
        }
        let (mut tests, mut covered) = (Vec::new(), None);
        let ended = done.map(|(plan, outcome)| {
            let root = plan.request.root.clone();
            covered = self.is_measured(&snapshot).then(|| coverage::of(&snapshot, &root, &outcome));
            let mut ended = Ended::new(&self.run.plain(), &outcome, &root, plan.files);
            ended.leave_out(&plan.left_out);
            tests = report::tests(&snapshot, &self.run, &outcome, &ended);
            let is_green = ended.is_green;
            // Nobody waits for it.
            tokio::task::spawn_blocking(move || {
                let unsaved: Vec<PathBuf> = snapshot.documents.keys().cloned().collect();
                if let Err(error) = affected::remember(&plan::state(&snapshot, &root, &unsaved), &outcome, is_green) {
                    tracing::warn!("what came of the tests is not kept: {error}");
                }
            });
            ended
        });
        self.mailbox.send(Event::RunEnded { run: self.run.plain(), run_id: self.run_id, ended });
        if let Some(files) = covered {
            coverage::tell(&self.client, self.job.token(), files).await;
        }
        reporter.tell(Update::Ended { tests }).await;
    }

    /// Whether somebody wants to know which statements are executed.
    fn is_measured(&self, snapshot: &Snapshot) -> bool {
        self.run.coverage && snapshot.editor.shows_coverage
    }

    /// Plans it, and runs it. Nothing where there is nothing to run, and when the user has cancelled.
    async fn once(&self, snapshot: &Snapshot, reporter: &Reporter) -> Option<(Plan, Outcome)> {
        let (run, environments, planned) = (self.run.clone(), self.environments.clone(), snapshot.clone());
        let encoding = snapshot.editor.encoding;
        let permission = self.confined.is_some().then(|| self.permission.clone());
        let is_measured = self.is_measured(snapshot);
        let plan = move || {
            let may_confine = |root: &Path| permission.is_some_and(|it| it.of(root) == Some(true));
            let mut plan = plan::plan(&run.plain(), encoding, &planned, &environments, may_confine)?;
            if is_measured {
                coverage::ask(&planned, &mut plan.request);
            }
            Ok::<_, String>(plan)
        };
        match tokio::task::spawn_blocking(plan).await {
            Ok(Ok(plan)) => self.follow(&plan, reporter).await.map(|outcome| (plan, outcome)),
            Ok(Err(reason)) => {
                self.client.show_message(lsp::MessageType::INFO, reason).await;
                None
            }
            // A defect of ours, which has been reported on standard error.
            Err(_) => None,
        }
    }

    /// Asks once for each folder whether what the sandbox cannot run may run confined. Whether that was answered by a yes.
    async fn may_confine_now(&self, plan: &Plan, outcome: &Outcome) -> bool {
        let root = &plan.request.root;
        let is_open = matches!(outcome.outcome, Status::NotRunnable | Status::Refused)
            || outcome.tests.iter().any(|test| test.verdict == Verdict::NotRunnable);
        let is_program = matches!(plan.request.action, Action::Code { .. } | Action::Cell { .. });
        if !is_open
            || is_program
            || self.confined.is_none()
            || plan.request.site.is_empty()
            || self.permission.of(root).is_some()
        {
            return false;
        }
        let reason = outcome.failures.first().map_or("it cannot be run in the sandbox", |it| it.message.as_str());
        let question = format!(
            "{}: {reason}. Run in the interpreter of {} what the sandbox cannot run, confined by the kernel: with private \
             folders, without your files and without a network?",
            plan.what,
            root.display()
        );
        let answer = self.questions.ask(lsp::MessageType::INFO, question, [CONFINED, NEVER]).await;
        if let Some(answer) = &answer {
            self.permission.remember(root, answer == CONFINED);
        }
        answer.is_some_and(|it| it == CONFINED)
    }

    /// The sandbox, and behind it the project's own interpreter where that may be.
    fn runner(&self, plan: &Plan) -> Arc<dyn Runner> {
        let Some(confined) = &self.confined else { return self.runner.clone() };
        let (permission, root) = (self.permission.clone(), plan.request.root.clone());
        let is_allowed = move || permission.of(&root) == Some(true);
        let both = Both::new(self.runner.clone(), confined.clone(), is_allowed);
        Arc::new(both.with_only_confined(plan.only_confined.iter().cloned()))
    }

    /// Nothing when the user has cancelled.
    async fn follow(&self, plan: &Plan, reporter: &Reporter) -> Option<Outcome> {
        self.job.say(plan.what.clone());
        let outcome = match &plan.obstacle {
            Some(obstacle) => Outcome {
                failures: vec![obstacle.clone()],
                ..Outcome::without_run(Status::NotRunnable, &obstacle.message)
            },
            None => self.in_sandbox(plan, reporter).await?,
        };
        let mut report = wording::report(&plan.what, &outcome);
        for it in &plan.left_out {
            report.push_str(&format!("left out: {}:{}: {}\n", it.path, it.line, it.message));
        }
        self.log(report, reporter).await;
        let wants_more = matches!(outcome.outcome, Status::NotRunnable | Status::Refused);
        let Some(native) = plan.native.as_ref().filter(|_| wants_more) else { return Some(outcome) };
        let reason = outcome.failures.first().map_or("it cannot be run in the sandbox", |it| it.message.as_str());
        if !self.is_allowed(native, &plan.what, reason).await {
            return Some(outcome);
        }
        self.job.say(format!("{} (outside of the sandbox)", plan.what));
        let outcome = native.run(self.job.cancelled()).await?;
        self.log(format!("{}{}", outcome.stdout, wording::report(&plan.what, &outcome)), reporter).await;
        Some(outcome)
    }

    /// Asks whether to run it outside of the sandbox.
    async fn is_allowed(&self, native: &Native, what: &str, reason: &str) -> bool {
        let answer =
            self.questions.ask(lsp::MessageType::WARNING, native.question(what, reason), [YES, "Leave it"]).await;
        answer.as_deref() == Some(YES)
    }

    async fn in_sandbox(&self, plan: &Plan, reporter: &Reporter) -> Option<Outcome> {
        // What is written goes to the editor's log while it is written.
        let (lines, mut written) = tokio::sync::mpsc::unbounded_channel::<String>();
        let (client, reporter) = (self.client.clone(), reporter.clone());
        let log = tokio::spawn(async move {
            let mut line = String::new();
            while let Some(text) = written.recv().await {
                // Editors show it on terminals of their own.
                let text = terminal::escaped(&text).into_owned();
                line.push_str(&text);
                reporter.tell(Update::Wrote { text }).await;
                // Logs consist of lines.
                if let Some(end) = line.rfind('\n') {
                    let rest = line.split_off(end + 1);
                    let lines = std::mem::replace(&mut line, rest);
                    client.log_message(lsp::MessageType::LOG, lines).await;
                }
            }
            if !line.is_empty() {
                client.log_message(lsp::MessageType::LOG, line).await;
            }
        });
        let verdicts: Mutex<Vec<Verdict>> = Mutex::default();
        let on_event = |event| match event {
            sandbox::Event::Preparing { .. } => self.job.say("preparing the Python sandbox, once on this machine"),
            sandbox::Event::Running => {
                // What was told before the start does not count.
                verdicts.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.job.say(plan.what.clone());
            }
            sandbox::Event::Test(test) => {
                let mut done = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                done.push(test.verdict);
                self.job.say(wording::progress(&done, &test));
            }
            // The task lives as long as there is something to log.
            sandbox::Event::Output { text, .. } => _ = lines.send(text),
        };
        let runner = self.runner(plan);
        let run = run_likeliest_first(&*runner, plan.request.clone(), plan.likeliest, &on_event);
        let result = tokio::select! {
            result = run => result,
            () = self.job.cancelled().cancelled() => return None,
        };
        drop(lines);
        let _ = log.await;
        Some(match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.client.show_message(lsp::MessageType::ERROR, format!("tantu: {error}")).await;
                Outcome::without_run(Status::Error, error)
            }
        })
    }

    async fn log(&self, text: String, reporter: &Reporter) {
        let text = terminal::escaped(&text).into_owned();
        reporter.tell(Update::Wrote { text: text.clone() }).await;
        self.client.log_message(lsp::MessageType::INFO, text).await;
    }
}
