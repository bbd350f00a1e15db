//! Notices changes on disk where the editor does not report them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use crate::loader::Work;
use crate::settings::is_config;

/// Programs write a file in several steps, and a checkout writes thousands of files.
const SETTLE: Duration = Duration::from_millis(100);
/// What never settles is reported all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches the folders that hold Python files, and no others: environments and `.git` are busy and of no interest.
pub struct Watcher {
    notify: notify::RecommendedWatcher,
    folders: HashSet<PathBuf>,
}

impl Watcher {
    /// A watcher that has what it notices loaded; `None` where the system has none.
    pub fn new(queue: Sender<Work>) -> Option<Self> {
        let (sender, changes) = channel();
        let notice = move |event: notify::Result<Event>| match event {
            // A receiver that is gone means that the server ends.
            Ok(event) if !matches!(event.kind, EventKind::Access(_)) => event.paths.into_iter().for_each(|path| {
                let _ = sender.send(path);
            }),
            Ok(_) => {}
            Err(error) => tracing::warn!("watching files: {error}"),
        };
        let notify = notify::recommended_watcher(notice)
            .inspect_err(|error| tracing::warn!("changes made by other programs go unnoticed: {error}"))
            .ok()?;
        std::thread::Builder::new().name("watcher".to_owned()).spawn(move || forward(&changes, &queue)).ok()?;
        Some(Watcher { notify, folders: HashSet::new() })
    }

    /// Also watches `folders`.
    pub fn watch<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) {
        for folder in folders {
            if self.folders.contains(folder) {
                continue;
            }
            self.folders.insert(folder.to_path_buf());
            if let Err(error) = self.notify.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!("changes in {} go unnoticed: {error}", folder.display());
            }
        }
    }
}

fn forward(changes: &Receiver<PathBuf>, queue: &Sender<Work>) {
    while let Ok(first) = changes.recv() {
        let mut batch = HashSet::from([first]);
        let start = Instant::now();
        while let Ok(next) = changes.recv_timeout(SETTLE) {
            batch.insert(next);
            if start.elapsed() > PATIENCE {
                break;
            }
        }
        let relevant = |path: &PathBuf| is_config(path) || path.extension().is_none_or(|it| it == "py" || it == "pyi");
        let batch: Vec<PathBuf> = batch.into_iter().filter(relevant).collect();
        if !batch.is_empty() && queue.send(Work::Reload(batch)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (queue, works) = channel();
        let mut watcher = Watcher::new(queue).unwrap();
        watcher.watch([folder.path()].into_iter());
        let path = folder.path().join("a.py");
        std::fs::write(&path, "x = 1\n").unwrap();
        match works.recv_timeout(Duration::from_secs(20)) {
            Ok(Work::Reload(paths)) => assert_eq!(paths, [path]),
            _ => panic!("nothing was noticed"),
        }
    }
}
