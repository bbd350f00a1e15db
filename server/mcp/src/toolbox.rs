//! Where questions are answered: a workspace, and what checks it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::spawn_blocking;
use workspace::mailbox::{Event, WeakMailbox};
use workspace::snapshot::Snapshot;

use crate::Services;
use crate::tools::{Answer, Ask};

/// How long a question waits for an index that is being built; after it, the answer says that it is not complete.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits for values to be followed after an edit: in a workspace of some hundred files that is enough.
const FLOW_PATIENCE: Duration = Duration::from_millis(100);

/// How often is looked.
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// In a larger workspace, what other programs change is noticed by the watcher alone.
const MOST_FILES: usize = 20_000;

/// A document that somebody may read: what was checked of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Such as `tantu://proposal/7`.
    pub uri: String,
    pub title: String,
    pub markdown: String,
}

/// The way to a workspace that somebody keeps.
#[derive(Clone)]
pub struct Source(WeakMailbox);

impl Source {
    /// Of the workspace behind the mailbox; it is kept by whoever has that.
    pub fn new(mailbox: WeakMailbox) -> Self {
        Source(mailbox)
    }

    async fn snapshot(&self) -> Result<Snapshot, String> {
        let asked = self.0.snapshot().ok_or(OVER)?;
        asked.await.map_err(|_| OVER.to_owned())
    }
}

const OVER: &str = "the workspace is no longer served";

/// Answers questions about one workspace folder.
pub struct Toolbox {
    root: PathBuf,
    source: Source,
    services: Services,
    /// Whether an editor's unsaved texts are in it.
    attached: bool,
    stamps: Arc<Mutex<Stamps>>,
}

impl Toolbox {
    /// For the workspace folder `root`; `attached` says that an editor has it open.
    pub fn new(root: PathBuf, source: Source, services: Services, attached: bool) -> Self {
        Toolbox { root, source, services, attached, stamps: Arc::default() }
    }

    /// Answers. `say` is told what is being done.
    ///
    /// # Errors
    /// When the question makes no sense or cannot be answered; with a sentence for the agent.
    pub(crate) async fn answer(&self, ask: Ask, say: &(dyn Fn(String) + Send + Sync)) -> Result<Answer, String> {
        let snapshot = self.snapshot(say).await?;
        match ask {
            Ask::Explore(input) => {
                let attached = self.attached;
                let work = spawn_blocking(move || crate::explore::explore(&snapshot, attached, &input));
                work.await.map_err(|error| error.to_string())?
            }
            Ask::Check(input) => crate::check::check(snapshot, &self.root, &self.services.checkers, input, say).await,
            Ask::Tests(input) => {
                crate::test_tool::tests(snapshot, &self.root, &self.services.checkers, input, say).await
            }
        }
    }

    /// What was checked of proposals in this workspace.
    pub(crate) fn cards(&self) -> Vec<Card> {
        (self.services.cards)(&self.root)
    }

    /// The workspace as it is now, with what other programs have just written.
    async fn snapshot(&self, say: &(dyn Fn(String) + Send + Sync)) -> Result<Snapshot, String> {
        let start = Instant::now();
        let mut snapshot = self.source.snapshot().await?;
        let mut is_told = false;
        while snapshot.indexing && start.elapsed() < PATIENCE {
            if !std::mem::replace(&mut is_told, true) {
                say("waiting for the index".to_owned());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            snapshot = self.source.snapshot().await?;
        }
        if snapshot.indexing {
            return Ok(snapshot);
        }
        let (stamps, looked_at, root) = (self.stamps.clone(), snapshot.clone(), self.root.clone());
        let touched = spawn_blocking(move || {
            // Never poisoned: nothing panics while it is held.
            stamps.lock().unwrap_or_else(PoisonError::into_inner).touched(&looked_at, &root)
        });
        let touched = touched.await.map_err(|error| error.to_string())?;
        if !touched.is_empty() {
            self.source.0.send(Event::Touched(touched));
            // Waits until that is read.
            snapshot = self.source.snapshot().await?;
        }
        let start = Instant::now();
        while snapshot.analysis.is_flow_outdated() && start.elapsed() < FLOW_PATIENCE {
            tokio::time::sleep(LOOK_AGAIN / 3).await;
            snapshot = self.source.snapshot().await?;
        }
        Ok(snapshot)
    }
}

/// When files and folders were written last, as far as it is known.
#[derive(Default)]
struct Stamps {
    files: HashMap<PathBuf, Option<(SystemTime, u64)>>,
    folders: HashMap<PathBuf, Option<SystemTime>>,
    started: Option<SystemTime>,
}

impl Stamps {
    /// The files that were written since the last time, and those that came. Watchers tell of them too, but later than an agent
    /// asks that has just run `sed`.
    fn touched(&mut self, snapshot: &Snapshot, root: &Path) -> Vec<PathBuf> {
        let analysis = &snapshot.analysis;
        let mut paths: Vec<&Path> = analysis.files().map(|file| analysis.path(file)).collect();
        paths.retain(|path| path.starts_with(root) && !snapshot.documents.contains_key(*path));
        if paths.len() > MOST_FILES {
            return Vec::new();
        }
        // What was written in the second before the first look may have been read before that.
        let doubtful = *self.started.get_or_insert_with(|| SystemTime::now() - Duration::from_secs(2));
        let mut touched = Vec::new();
        let mut folders: Vec<&Path> = vec![root];
        for path in paths {
            let metadata = fs::metadata(path).ok();
            let stamp = metadata.and_then(|it| Some((it.modified().ok()?, it.len())));
            let is_new = match self.files.insert(path.to_path_buf(), stamp) {
                Some(before) => before != stamp,
                None => stamp.is_none_or(|(modified, _)| modified >= doubtful),
            };
            if is_new {
                touched.push(path.to_path_buf());
            }
            folders.extend(path.parent());
        }
        folders.sort();
        folders.dedup();
        for folder in folders {
            let modified = fs::metadata(folder).and_then(|it| it.modified()).ok();
            let is_new = match self.folders.insert(folder.to_path_buf(), modified) {
                Some(before) => before != modified,
                None => modified.is_some_and(|modified| modified >= doubtful),
            };
            if is_new {
                let is_known = |path: &Path| analysis.file(path).is_some();
                touched.extend(
                    entries(folder).into_iter().filter(|path| !is_known(path) && !self.folders.contains_key(path)),
                );
            }
        }
        touched
    }
}

/// The Python files and the folders in a folder that may hold some.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let is_hidden = name.starts_with('.') || name == "__pycache__" || name == "node_modules";
        !is_hidden && (graph::is_python(path) || path.is_dir())
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_wanted).collect()
}
