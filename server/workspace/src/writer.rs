//! The one place where state changes.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use graph::{Analysis, AnalysisHost, Change, Flow, SharedTree, Timings};
use syntax::{ContentChange, Document, Encoding};
use tokio::sync::{mpsc, watch};

use crate::diagnostics::{self, Task};
use crate::flow;
use crate::lints::{self, Ahead};
use crate::loader::{Loader, Work};
use crate::mailbox::{self, Event, WeakMailbox};
use crate::observer::Observer;
use crate::persistence::{self, Persist};
use crate::progress::Progress;
use crate::settings::{Diagnostics, Layer, Settings};
use crate::snapshot::{Applied, OpenDocument, Snapshot};

/// Editors tell of one action in several notifications, a fraction of a millisecond apart: what comes within this time after
/// an edit is analysed together with it. An analysis of the state between them would only delay that of the last one.
const BURST: Duration = Duration::from_micros(500);

/// No edit waits longer for more of them.
const LONGEST_BURST: Duration = Duration::from_millis(2);

/// Owns the documents and the graph; a thread of its own, so that neither disk nor network can keep it waiting.
pub struct Writer {
    roots: Vec<PathBuf>,
    documents: HashMap<PathBuf, EditedDocument>,
    workers: Workers,
    observer: Arc<dyn Observer>,
    /// The revision whose diagnostics of the workspace were asked for last.
    diagnosed: Option<u64>,
    /// Something was loaded that is not kept yet.
    to_keep: bool,
    /// How many reloads the loader has not answered yet.
    reloads: usize,
    /// What came after a question that has to wait for a reload, beginning with that question.
    held: VecDeque<Event>,
    /// Whether changes on disk are noticed here.
    watches: bool,
    /// How many indexes the loader was asked for.
    indexes: u64,
    /// While the loader builds a graph of its own: what that graph does not know.
    missed: Option<HashMap<PathBuf, Option<Arc<str>>>>,
    editor_settings: Layer,
    workspace_settings: Layer,
    /// The state as readers see it, behind by what is marked stale.
    current: Snapshot,
    stale: bool,
    /// When the first edit came that readers do not see.
    edited: Option<Instant>,
    latest: watch::Sender<Snapshot>,
}

/// Threads beside the writer. Without one of them what it makes is made when somebody asks, or is missing; nothing fails.
struct Workers {
    loader: Sender<Work>,
    persistence: Sender<Persist>,
    flow: Sender<Analysis>,
    diagnostics: Sender<Task>,
    lint: Sender<Ahead>,
}

impl Workers {
    fn start(mailbox: WeakMailbox, cache: Option<PathBuf>, observer: Arc<dyn Observer>) -> std::io::Result<Self> {
        let persistence = persistence::start(observer)?;
        Ok(Workers {
            loader: Loader::start(mailbox.clone(), cache, persistence.clone())?,
            persistence,
            flow: flow::start(mailbox.clone())?,
            diagnostics: diagnostics::start(mailbox)?,
            lint: lints::start()?,
        })
    }
}

struct EditedDocument {
    document: Document,
    /// The text when it was opened, or last saved.
    saved: Arc<str>,
    stale: bool,
}

impl Writer {
    /// Starts the writer; it ends when all senders of `events` are gone. The receiver sees every state it publishes.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        mailbox: WeakMailbox,
        mut events: mpsc::UnboundedReceiver<Event>,
        cache: Option<PathBuf>,
        observer: Arc<dyn Observer>,
    ) -> std::io::Result<watch::Receiver<Snapshot>> {
        let host = AnalysisHost::new(Vec::new());
        let current = Snapshot {
            generation: 0,
            documents: Arc::default(),
            analysis: host.analysis(),
            host,
            settings: Arc::default(),
            config_files: Arc::default(),
            lints: Arc::default(),
            results: Arc::default(),
            reviews: Arc::default(),
            database: None,
            workspace_diagnostics: Arc::default(),
            indexing: false,
            applied: None,
        };
        let (latest, receiver) = watch::channel(current.clone());
        let mut writer = Writer {
            roots: Vec::new(),
            documents: HashMap::new(),
            workers: Workers::start(mailbox, cache, observer.clone())?,
            observer,
            diagnosed: None,
            to_keep: false,
            reloads: 0,
            held: VecDeque::new(),
            watches: false,
            indexes: 0,
            missed: None,
            editor_settings: Layer::default(),
            workspace_settings: Layer::default(),
            current,
            stale: false,
            edited: None,
            latest,
        };
        // An edit is applied where it arrives: no other thread has to wake up for it, or to end what it is at.
        syntax::spawn_deep("writer", move || {
            loop {
                // Edits that arrive in a row are analysed together, when somebody asks or nothing else is to be done.
                let event = events.try_recv().ok().or_else(|| writer.next_of_burst(&mut events)).or_else(|| {
                    writer.publish();
                    events.blocking_recv()
                });
                match event {
                    Some(event) => writer.receive(event),
                    None => break,
                }
            }
            writer.load(Work::Stop);
        })?;
        Ok(receiver)
    }

    /// What follows an edit at once.
    fn next_of_burst(&self, events: &mut mpsc::UnboundedReceiver<Event>) -> Option<Event> {
        let left = LONGEST_BURST.checked_sub(self.edited?.elapsed())?;
        mailbox::receive_within(events, BURST.min(left))
    }

    /// Handles `event` in its turn.
    fn receive(&mut self, event: Event) {
        let from_loader = matches!(event, Event::Loaded { .. } | Event::Indexed { .. });
        if !from_loader && (!self.held.is_empty() || self.has_to_wait(&event)) {
            self.held.push_back(event);
            return;
        }
        self.handle(event);
        while self.held.front().is_some_and(|event| !self.has_to_wait(event)) {
            if let Some(event) = self.held.pop_front() {
                self.handle(event);
            }
        }
    }

    /// Whether an answer would be stale: we were told of a change on disk, and do not know it yet. The first index is not
    /// waited for; its snapshots say that they are partial.
    fn has_to_wait(&self, event: &Event) -> bool {
        matches!(event, Event::Snapshot(_)) && self.reloads > 0 && self.missed.is_none()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Initialize { roots, watch } => {
                self.watches = watch;
                self.current.host = AnalysisHost::new(roots.clone());
                self.roots = roots;
                self.stale = true;
            }
            Event::Index(progress) => self.index(progress),
            Event::Folders { added, removed, progress } => {
                self.roots.retain(|root| !removed.contains(root) && !added.contains(root));
                self.roots.extend(added);
                self.index(progress);
            }
            Event::Open { path, text, version } => {
                let document = Document::new(&text, version);
                self.documents.insert(path, EditedDocument { document, saved: text.into(), stale: true });
                self.stale = true;
            }
            Event::Change { path, changes, encoding, version } => self.edit(&path, &changes, encoding, version),
            Event::Saved { path } => self.saved(&path),
            Event::Close { path } => self.close(path),
            Event::Touched(paths) => self.reload(paths),
            Event::Loaded { change, is_awaited } => self.loaded(change, is_awaited),
            Event::Indexed { index_id, host, database, complete } if index_id == self.indexes => {
                self.current.database = database;
                self.take_over(host, complete);
            }
            // Another index was asked for meanwhile.
            Event::Indexed { .. } => {}
            Event::FlowSolved(flow) => self.apply_flow(flow),
            Event::Diagnosed(index_id, found) => {
                let is_new = index_id == self.indexes && !self.current.workspace_diagnostics.says_the_same(&found);
                if is_new {
                    self.current.workspace_diagnostics = found;
                    self.refresh();
                }
            }
            // Some editors tell them with every document that is shown. New ones have everything looked at again.
            Event::EditorSettings(layer) if layer == self.editor_settings => {}
            Event::EditorSettings(layer) => {
                self.editor_settings = layer;
                self.apply_settings();
            }
            Event::WorkspaceSettings(layer, files) => {
                self.workspace_settings = layer;
                self.current.config_files = Arc::new(files);
                self.apply_settings();
            }
            Event::RunStarted { run, run_id } => {
                Arc::make_mut(&mut self.current.results).start(run, run_id);
                self.refresh();
            }
            Event::RunEnded { run, run_id, ended } => {
                Arc::make_mut(&mut self.current.results).end(run, run_id, ended);
                self.refresh();
            }
            Event::Reviewed(news) => {
                let analysis = self.current.host.analysis();
                Arc::make_mut(&mut self.current.reviews).add(&analysis, news);
                self.refresh();
            }
            Event::Dismissed { symbol, message } => {
                Arc::make_mut(&mut self.current.reviews).dismiss(&symbol, &message);
                self.refresh();
            }
            Event::Snapshot(reply) => {
                self.publish();
                // The one who asked may have been cancelled meanwhile.
                let _ = reply.send(self.current.clone());
            }
        }
    }

    fn edit(&mut self, path: &Path, changes: &[ContentChange], encoding: Encoding, version: i32) {
        let Some(open) = self.documents.get_mut(path) else {
            return tracing::debug!("a change of {}, which is not open", path.display());
        };
        if !self.current.results.is_empty() {
            let before = self.current.text(path);
            Arc::make_mut(&mut self.current.results).edited(path, before.as_ref());
        }
        open.document.apply(changes, version, encoding);
        open.stale = true;
        self.stale = true;
        self.edited.get_or_insert_with(Instant::now);
    }

    fn saved(&mut self, path: &Path) {
        let Some(open) = self.documents.get_mut(path) else { return };
        open.saved = open.document.text();
        if let Some(shown) = Arc::make_mut(&mut self.current.documents).get_mut(path) {
            shown.saved = open.saved.clone();
        }
        self.stale = true;
    }

    fn close(&mut self, path: PathBuf) {
        if self.documents.remove(&path).is_none() {
            return;
        }
        Arc::make_mut(&mut self.current.documents).remove(&path);
        self.current.lints.retain(|path| self.documents.contains_key(path));
        self.stale = true;
        // The loader is busy, and nobody waits for it: until it comes to this file, nothing is known of it.
        if self.missed.is_some() {
            self.apply(Change::from_iter([(path.clone(), None)]));
        }
        self.reload(vec![path]);
    }

    /// Takes in what the loader found on disk.
    fn loaded(&mut self, mut change: Change, is_awaited: bool) {
        self.reloads = self.reloads.saturating_sub(usize::from(is_awaited));
        // An open document is what the editor says, whatever is on disk.
        change.files.retain(|(path, _)| !self.documents.contains_key(path));
        if !self.current.results.is_empty() {
            for (path, text) in &change.files {
                let before = self.current.text(path);
                if before.as_deref() != text.as_deref() {
                    Arc::make_mut(&mut self.current.results).edited(path, before.as_ref());
                }
            }
        }
        self.apply(change);
        self.to_keep = true;
        self.refresh();
    }

    fn apply_flow(&mut self, flow: Flow) {
        // What readers hold is out of date in any case; the editor asks again only for what looks different.
        self.stale = true;
        if self.current.host.apply_flow(flow) {
            self.to_keep = true;
            self.refresh();
        }
    }

    /// Has the loader build the graph of the workspace from scratch. Until it is there, the one at hand answers.
    fn index(&mut self, progress: Box<dyn Progress>) {
        let open = self.documents.iter().map(|(path, open)| (path.clone(), Some(open.document.text())));
        self.missed = Some(open.collect());
        self.current.indexing = true;
        self.stale = true;
        self.indexes += 1;
        self.load(Work::Index { index_id: self.indexes, roots: self.roots.clone(), progress, watch: self.watches });
    }

    fn take_over(&mut self, host: AnalysisHost, complete: bool) {
        self.current.host = host;
        self.current.workspace_diagnostics = Arc::default();
        self.diagnosed = None;
        let missed = self.missed.iter().flatten();
        self.apply(missed.map(|(path, text)| (path.clone(), text.clone())).collect());
        if complete {
            self.missed = None;
            self.current.indexing = false;
            self.to_keep = true;
        }
        self.refresh();
    }

    /// Brings the settings up to date.
    fn apply_settings(&mut self) {
        self.current.settings = Arc::new(Settings::new([&self.editor_settings, &self.workspace_settings]));
        self.observer.configured(&self.current.settings);
        self.current.lints = Arc::new(self.current.lints.renewed(&self.current.settings, &self.roots));
        self.diagnosed = None;
        self.refresh();
    }

    /// Something has changed that the editor did not do: what it shows may be out of date.
    fn refresh(&mut self) {
        self.current.generation += 1;
        self.stale = true;
    }

    fn reload(&mut self, paths: Vec<PathBuf>) {
        self.reloads += 1;
        self.load(Work::Reload { paths, is_awaited: true });
    }

    fn load(&self, work: Work) {
        if self.workers.loader.send(work).is_err() {
            tracing::error!("the loader has stopped; changes on disk go unnoticed");
        }
    }

    fn apply(&mut self, change: Change) -> Option<Timings> {
        if change.files.is_empty() {
            return None;
        }
        if let Some(missed) = &mut self.missed {
            missed.extend(change.files.iter().cloned());
        }
        self.stale = true;
        let paths: Vec<PathBuf> = change.files.iter().map(|(path, _)| path.clone()).collect();
        let fallback = self.current.host.clone();
        if let Ok(timings) = catch_unwind(AssertUnwindSafe(|| self.current.host.apply(change))) {
            return Some(timings);
        }
        // A defect of ours; see the log. No answer about these files is better than a stale one, and all the others live.
        self.current.host = fallback;
        let without = paths.into_iter().map(|path| (path, None)).collect();
        if catch_unwind(AssertUnwindSafe(|| self.current.host.apply(without))).is_err() {
            self.current.host = AnalysisHost::new(self.roots.clone());
        }
        None
    }

    /// Brings the readers' state up to date.
    fn publish(&mut self) {
        self.edited = None;
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let mut change = Change::default();
        let documents = Arc::make_mut(&mut self.current.documents);
        for (path, open) in self.documents.iter_mut().filter(|(_, open)| open.stale) {
            open.stale = false;
            let tree = SharedTree::new(open.document.text());
            if self.current.settings.diagnostics != Diagnostics::Off {
                let (lints, path, tree) = (self.current.lints.clone(), path.clone(), tree.clone());
                let _ = self.workers.lint.send(Ahead { lints, path, tree });
            }
            change.edit_shared(path.clone(), tree);
            let document = OpenDocument { version: open.document.version(), saved: open.saved.clone() };
            documents.insert(path.clone(), document);
        }
        let begun = Instant::now();
        let taken = self.apply(change);
        self.current.applied = taken.map(|timings| Applied { begun, ended: Instant::now(), timings });
        self.stale = false;
        self.current.analysis = self.current.host.analysis();
        if self.missed.is_none() && std::mem::take(&mut self.to_keep) {
            let _ = self.workers.persistence.send(Persist::Graph(self.current.analysis.clone()));
        }
        if self.missed.is_none() && self.current.analysis.is_flow_outdated() {
            let _ = self.workers.flow.send(self.current.analysis.clone());
        }
        if self.missed.is_none() && !self.current.analysis.is_flow_outdated() {
            self.observer.settled(&self.current.analysis);
        }
        self.diagnose();
        self.latest.send_replace(self.current.clone());
    }

    /// Has the whole workspace looked at, once for each state in which it is known where values flow.
    fn diagnose(&mut self) {
        let (analysis, settings) = (&self.current.analysis, &self.current.settings);
        let revision = analysis.revision();
        if self.missed.is_some()
            || settings.diagnostics == Diagnostics::Off
            || self.diagnosed == Some(revision)
            || analysis.is_flow_outdated()
        {
            return;
        }
        self.diagnosed = Some(revision);
        let (analysis, project) = (analysis.clone(), settings.project.clone());
        let every_file = settings.diagnostics == Diagnostics::Workspace;
        let lints = self.current.lints.clone();
        let _ = self.workers.diagnostics.send(Task { index_id: self.indexes, analysis, project, lints, every_file });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mailbox::Mailbox;

    #[tokio::test]
    async fn settings_that_are_told_again_change_nothing() {
        let (mailbox, events) = Mailbox::new();
        Writer::start(mailbox.downgrade(), events, None, Arc::new(())).unwrap();
        let mut lints = Vec::new();
        for settings in [json!({ "codeLens": false }), json!({ "codeLens": false }), Value::Object(Default::default())]
        {
            mailbox.send(Event::EditorSettings(Layer::of_editor(&settings).0));
            lints.push(mailbox.snapshot().await.unwrap().lints);
        }
        assert!(Arc::ptr_eq(&lints[0], &lints[1]), "what was found is kept");
        assert!(!Arc::ptr_eq(&lints[1], &lints[2]), "other settings may have other findings");
    }
}
