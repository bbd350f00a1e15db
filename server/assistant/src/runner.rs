//! Drives a [`Proposal`] from its first effect to its end: what needs a person is asked of whom it is for, each state is kept,
//! and what there is to learn is remembered.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::OnceLock;

use propose::{Effect, Event, Lesson, Proposal, Severity};
use store::{Journal, Owner, Step};
use tokio::task::spawn_blocking;
use validate::{Evidence, Validated};

use crate::client::models;
use crate::executor::{Executor, State};
use crate::memory;

/// Whom a proposal is for: a person in an editor, or whoever reads a terminal.
pub trait ProposalHost: Sync {
    /// The newest state; `None` when the session is over.
    fn state(&self) -> impl Future<Output = Option<State>> + Send;

    /// Told, in a few words, what is being done.
    fn say(&self, what: String);

    /// Asks for a yes or no. `None` leaves it at that: there is nobody to ask.
    fn review(&self, evidence: &Evidence) -> impl Future<Output = Option<Event>> + Send;

    /// Puts the change into the text. `None` when the session is over.
    fn apply(&self, validated: &Validated) -> impl Future<Output = Option<Event>> + Send;

    fn report(&self, severity: Severity, message: String) -> impl Future<Output = ()> + Send;

    /// Completes when the person cancels.
    fn cancelled(&self) -> impl Future<Output = ()> + Send;
}

/// A proposal that is worked on.
pub struct ProposalRunner {
    proposal: Proposal,
    effects: VecDeque<Effect>,
    /// Where it is kept, from the first state on.
    id: Option<i64>,
    /// Whoever it was for has what was wanted.
    is_left: bool,
}

impl ProposalRunner {
    pub fn new((proposal, effects): (Proposal, Vec<Effect>)) -> Self {
        ProposalRunner { proposal, effects: effects.into(), id: None, is_left: false }
    }

    /// Goes on with what was kept under `id`.
    pub fn resume(id: i64, proposal: Proposal) -> Self {
        let (proposal, effects) = proposal.resume();
        ProposalRunner { proposal, effects: effects.into(), id: Some(id), is_left: false }
    }

    /// Works until it is over, or left open by the host. The number is that of the journal.
    pub async fn drive<A: ProposalHost>(mut self, executor: &Executor, host: &A) -> (Proposal, Option<i64>) {
        self.keep(host).await;
        while let Some(effect) = self.effects.pop_front() {
            let event = tokio::select! {
                event = perform(effect, &self.proposal, executor, host) => event,
                () = host.cancelled() => Some(Event::Cancelled),
            };
            if let Some(event) = event {
                let (next, more) = self.proposal.step(event);
                self.proposal = next;
                self.effects.extend(more);
                self.keep(host).await;
            }
        }
        if !self.proposal.is_over() {
            self.is_left = true;
            self.keep(host).await;
        }
        (self.proposal, self.id)
    }

    /// Writes the state to the journal, if there is one.
    async fn keep<A: ProposalHost>(&mut self, host: &A) {
        let (Some(journal), Ok(body)) = (models().journal().cloned(), serde_json::to_string(&self.proposal)) else {
            return;
        };
        let known = self.id;
        let workspace = match known {
            Some(_) => None,
            None => {
                host.state().await.map(|state| memory::workspace(&state.host.analysis(), &self.proposal.task().path))
            }
        };
        let title = self.proposal.title().unwrap_or(self.proposal.task().assist.title()).to_owned();
        let (state, is_over) = match self.is_left {
            true => ("ready", true),
            false => (self.proposal.state().name(), self.proposal.is_over()),
        };
        let written = spawn_blocking(move || {
            let step = Step { title: &title, state, is_over, body: &body };
            match (known, workspace, owner(&journal)) {
                (Some(id), ..) => journal.continue_proposal(id, step).map(|()| Some(id)),
                (None, Some(workspace), Some(owner)) => {
                    journal.begin_proposal(owner, Path::new(&workspace), step).map(Some)
                }
                _ => Ok(None),
            }
        });
        match written.await {
            Ok(Ok(id)) => self.id = id,
            Ok(Err(error)) => tracing::warn!("a proposal is not kept: {error}"),
            Err(error) => tracing::error!("a proposal is not kept: {error}"),
        }
    }
}

/// This process as one that works on proposals.
pub fn owner(journal: &Journal) -> Option<&'static Owner> {
    static OWNER: OnceLock<Option<Owner>> = OnceLock::new();
    let own = || journal.own().inspect_err(|error| tracing::warn!("proposals are not kept: {error}")).ok();
    OWNER.get_or_init(own).as_ref()
}

async fn perform<A: ProposalHost>(effect: Effect, proposal: &Proposal, executor: &Executor, host: &A) -> Option<Event> {
    let task = proposal.task().clone();
    let say = |what| host.say(what);
    Some(match effect {
        Effect::Assemble => {
            say("choosing what the model has to see".to_owned());
            executor.assemble(task, host.state().await?).await
        }
        Effect::Generate { prompt, passed_over } => executor.generate(task.assist, prompt, passed_over, &say).await,
        Effect::Check { title, code, parts } => {
            say("checking the reply".to_owned());
            executor.check(task, title, code, parts, host.state().await?).await
        }
        Effect::Test(requests) => executor.test(requests, host.state().await?, &say).await,
        Effect::Review(evidence) => {
            say("waiting for your answer".to_owned());
            let event = host.review(&evidence).await?;
            if matches!(event, Event::Discarded) {
                executor.forget_answer();
            }
            event
        }
        Effect::Apply(validated) => host.apply(&validated).await?,
        Effect::Report { severity, message } => {
            host.report(severity, message).await;
            return None;
        }
        Effect::Learn(lessons) => {
            learn(lessons, proposal, executor, host).await;
            return None;
        }
    })
}

async fn learn<A: ProposalHost>(lessons: Vec<Lesson>, proposal: &Proposal, executor: &Executor, host: &A) {
    let (Some(journal), true) = (models().journal().cloned(), executor.remembers()) else { return };
    let Some(state) = host.state().await else { return };
    let workspace = memory::workspace(&state.host.analysis(), &proposal.task().path);
    let model = proposal.model().unwrap_or_default().to_owned();
    let written = spawn_blocking(move || memory::learn(&journal, &workspace, &model, lessons)).await;
    if let Err(error) = written {
        tracing::error!("mistakes are not remembered: {error}");
    }
}
