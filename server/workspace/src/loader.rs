//! Reads the workspace from disk, off the writer.
//!
//! One thread does all of it in order, so that what was read later is also applied later.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use graph::{AnalysisHost, Change};
use lint::Environment;

use crate::mailbox::{Event, WeakMailbox};
use crate::persistence::{Persist, Persistence};
use crate::progress::Progress;
use crate::project;
use crate::settings;
use crate::watch::Watcher;

/// Files are linked together; in a workspace larger than this, what is known so far is published in between.
const BATCH: usize = 5_000;

/// How often the environment's folders are looked at: no editor watches them, and they are busy.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// More files than this are not one program: somebody opened a home directory. The rest is left out, and the log says so.
const MAX_FILES: usize = 100_000;

pub enum Work {
    /// Builds the graph of `roots` from scratch; the answer bears the `index_id`.
    Index { index_id: u64, roots: Vec<PathBuf>, progress: Box<dyn Progress>, watch: bool },
    /// These files or folders appeared, changed or went away, or are no longer open.
    Reload {
        paths: Vec<PathBuf>,
        /// Questions wait for the answer.
        is_awaited: bool,
    },
    /// The session is over.
    Stop,
}

pub struct Loader {
    mailbox: WeakMailbox,
    queue: Sender<Work>,
    roots: Vec<PathBuf>,
    indexed: HashSet<PathBuf>,
    watcher: Option<Watcher>,
    /// That of the first workspace folder, as the settings have it.
    environment: Environment,
    /// What has taken its place since, if that stays as it is.
    changing: Option<Environment>,
    /// The folder for databases.
    cache: Option<PathBuf>,
    persistence: Option<Arc<Persistence>>,
    persisting: Sender<Persist>,
}

impl Loader {
    /// Starts the loader; it ends when it is told to stop.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        mailbox: WeakMailbox,
        cache: Option<PathBuf>,
        persisting: Sender<Persist>,
    ) -> std::io::Result<Sender<Work>> {
        let (queue, works) = channel();
        let mut loader = Loader {
            mailbox,
            queue: queue.clone(),
            roots: Vec::new(),
            indexed: HashSet::new(),
            watcher: None,
            environment: Environment::default(),
            changing: None,
            cache,
            persistence: None,
            persisting,
        };
        std::thread::Builder::new().name("loader".to_owned()).spawn(move || loader.run(&works))?;
        Ok(queue)
    }

    fn run(&mut self, works: &Receiver<Work>) {
        loop {
            let work = match works.recv_timeout(LOOK_AGAIN) {
                Ok(work) => work,
                Err(RecvTimeoutError::Timeout) => {
                    self.look_for_packages();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match work {
                Work::Index { index_id, roots, progress, watch } => {
                    let index = AssertUnwindSafe(|| self.index(index_id, roots, &*progress, watch));
                    // A panic is a bug, and has been reported. The open documents are still served.
                    let host = catch_unwind(index).unwrap_or_else(|_| AnalysisHost::new(self.roots.clone()));
                    self.mailbox.send(Event::Indexed {
                        index_id,
                        host,
                        database: self.persistence.clone(),
                        complete: true,
                    });
                }
                Work::Reload { paths, is_awaited } => {
                    // Questions may wait for this answer, so there always is one.
                    let change = catch_unwind(AssertUnwindSafe(|| self.reload(paths))).unwrap_or_default();
                    self.mailbox.send(Event::Loaded { change, is_awaited });
                }
                Work::Stop => break,
            }
        }
    }

    fn index(&mut self, index_id: u64, roots: Vec<PathBuf>, progress: &dyn Progress, watch: bool) -> AnalysisHost {
        self.roots = roots;
        self.configure();
        self.persistence = self.cache.as_deref().and_then(|cache| Persistence::open(cache, &self.roots)).map(Arc::new);
        // That the thread is gone has been said.
        let _ = self.persisting.send(Persist::Workspace(self.persistence.clone()));
        let files = self.discover();
        self.watcher = if watch { Watcher::new(self.queue.clone(), self.mailbox.clone()) } else { None };
        self.watch(&files);
        let names = self.roots.first().map(|root| project::test_names(root)).unwrap_or_default();
        let mut host = AnalysisHost::new(self.roots.clone()).with_test_names(names);
        let mut done = 0;
        for batch in files.chunks(BATCH) {
            progress.say(&format!("{} files", files.len()));
            let (mut change, skipped) = graph::load(batch, &|read| progress.advance(done + read, files.len()));
            self.restore(&mut change);
            for file in skipped {
                tracing::warn!("{} {}", file.path.display(), file.reason);
            }
            host.apply(change);
            done += batch.len();
            if done < files.len() {
                self.mailbox.send(Event::Indexed {
                    index_id,
                    host: host.clone(),
                    database: self.persistence.clone(),
                    complete: false,
                });
            }
        }
        self.indexed = files.into_iter().collect();
        host
    }

    /// Reads the settings of the first workspace folder; they are for all of them.
    fn configure(&mut self) {
        if let Some(root) = self.roots.first() {
            self.environment = Environment::find(root, None);
            self.changing = None;
            let (layer, files) = settings::read(root);
            self.mailbox.send(Event::WorkspaceSettings(layer, files));
        }
    }

    /// Reads the settings anew when packages were installed or removed, or another environment took the place of the old one.
    fn look_for_packages(&mut self) {
        let Some(root) = self.roots.first() else { return };
        let found = Environment::find(root, None);
        if found.is_same(&self.environment) {
            self.changing = None;
        } else if self.changing.as_ref().is_some_and(|before| before.is_same(&found)) {
            tracing::info!("the packages of the environment have changed");
            self.configure();
        } else {
            // Whoever installs packages may not be done.
            self.changing = Some(found);
        }
    }

    fn reload(&mut self, mut paths: Vec<PathBuf>) -> Change {
        if paths.iter().any(|path| settings::is_config(path)) {
            self.configure();
            paths.retain(|path| !settings::is_config(path));
        }
        if paths.iter().any(|path| !self.indexed.contains(path) && path.exists()) {
            let known = std::mem::take(&mut self.indexed);
            let files = self.discover();
            self.watch(&files);
            self.indexed = files.into_iter().collect();
            self.indexed.extend(known);
        }
        let mut change = Change::default();
        let mut present = Vec::new();
        for path in &paths {
            let files = self.files_at(path);
            if files.is_empty() {
                change.remove(path.clone());
            }
            for file in files {
                if file.is_file() {
                    present.push(file);
                } else {
                    self.indexed.remove(&file);
                    change.remove(file);
                }
            }
        }
        let (mut loaded, skipped) = graph::load(&present, &|_| ());
        self.restore(&mut loaded);
        change.then(loaded);
        change.files.extend(skipped.into_iter().map(|file| (file.path, None)));
        change
    }

    fn restore(&self, change: &mut Change) {
        if let Some(persistence) = &self.persistence {
            let count = persistence.restore(change);
            tracing::debug!("{count} of {} files were known", change.files.len());
        }
    }

    /// The file at `path`, or those below it: of a folder that was removed or renamed we may hear nothing but its name.
    fn files_at(&self, path: &Path) -> Vec<PathBuf> {
        if self.indexed.contains(path) {
            return vec![path.to_path_buf()];
        }
        self.indexed.iter().filter(|file| file.starts_with(path)).cloned().collect()
    }

    fn discover(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.roots.iter().flat_map(|root| graph::discover(root).files).collect();
        files.sort();
        files.dedup();
        if files.len() > MAX_FILES {
            tracing::warn!("of {} files only {MAX_FILES} are read; open a smaller folder", files.len());
            files.truncate(MAX_FILES);
        }
        files
    }

    fn watch(&mut self, files: &[PathBuf]) {
        if let Some(watcher) = &mut self.watcher {
            let folders = files.iter().filter_map(|file| file.parent());
            watcher.watch(folders.chain(self.roots.iter().map(PathBuf::as_path)));
        }
    }
}
