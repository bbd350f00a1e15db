//! Notices changes on disk where the editor does not report them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher as _};

use crate::loader::Work;
use crate::mailbox::{Event, WeakMailbox};
use crate::settings::is_config;

/// Programs write a file in several steps, and a checkout writes thousands of files.
const SETTLE: Duration = Duration::from_millis(100);
/// What never settles is reported all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many files that are complete are told at once, and questions wait for them: a program that has changed a few asks about them next.
/// What else comes before it is quiet is read together, and nobody waits.
const AT_ONCE: usize = 16;

/// A path, and whether whoever wrote there is done.
type Noticed = (PathBuf, bool);

/// Watches the folders that hold Python files, and no others: environments and `.git` are busy and of no interest.
pub struct Watcher {
    notify: notify::RecommendedWatcher,
    folders: HashSet<PathBuf>,
}

impl Watcher {
    /// A watcher that has what it notices loaded; `None` where the system has none.
    pub fn new(queue: Sender<Work>, mailbox: WeakMailbox) -> Option<Self> {
        let (sender, changes) = channel();
        let notice = move |event: notify::Result<notify::Event>| match event {
            Ok(event) => {
                let Some(is_complete) = change(event.kind) else { return };
                for path in event.paths {
                    // A receiver that is gone means that the server ends.
                    let _ = sender.send((path, is_complete));
                }
            }
            Err(error) => tracing::warn!("watching files: {error}"),
        };
        let notify = notify::recommended_watcher(notice)
            .inspect_err(|error| tracing::warn!("changes made by other programs go unnoticed: {error}"))
            .ok()?;
        std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || forward(&changes, &queue, &mailbox))
            .ok()?;
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

/// Whether an event is a change, and if so, whether it is a whole one.
fn change(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Remove(_) => Some(true),
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::From)) => Some(true),
        EventKind::Access(_) => None,
        _ => Some(false),
    }
}

fn forward(changes: &Receiver<Noticed>, queue: &Sender<Work>, mailbox: &WeakMailbox) {
    while let Ok(first) = changes.recv() {
        let mut batch = HashSet::new();
        let mut at_once = 0;
        let mut next = Some(first);
        let start = Instant::now();
        while let Some((path, is_complete)) = next {
            if is_relevant(&path) {
                if is_complete && at_once < AT_ONCE {
                    at_once += 1;
                    batch.remove(&path);
                    mailbox.send(Event::Touched(vec![path]));
                } else {
                    batch.insert(path);
                }
            }
            next = if start.elapsed() > PATIENCE { None } else { changes.recv_timeout(SETTLE).ok() };
        }
        let paths: Vec<PathBuf> = batch.into_iter().collect();
        if !paths.is_empty() && queue.send(Work::Reload { paths, is_awaited: false }).is_err() {
            return;
        }
    }
}

fn is_relevant(path: &Path) -> bool {
    is_config(path) || path.extension().is_none_or(|it| it == "py" || it == "pyi")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Mailbox;

    fn watched() -> (tempfile::TempDir, Watcher, Receiver<Work>, Mailbox, tokio::sync::mpsc::UnboundedReceiver<Event>) {
        let folder = tempfile::tempdir().unwrap();
        let (queue, works) = channel();
        let (mailbox, events) = Mailbox::new();
        let mut watcher = Watcher::new(queue, mailbox.downgrade()).unwrap();
        watcher.watch([folder.path()].into_iter());
        (folder, watcher, works, mailbox, events)
    }

    #[test]
    fn a_few_whole_files_are_told_at_once() {
        let (folder, _watcher, _works, _mailbox, mut events) = watched();
        let path = folder.path().join("a.py");
        std::fs::write(&path, "x = 1\n").unwrap();
        match crate::mailbox::receive_within(&mut events, Duration::from_secs(20)) {
            Some(Event::Touched(paths)) => assert_eq!(paths, [path]),
            _ => panic!("nothing was noticed"),
        }
    }

    #[test]
    fn of_many_files_the_rest_comes_together() {
        let (folder, _watcher, works, _mailbox, mut events) = watched();
        let written: HashSet<PathBuf> = (0..200).map(|number| folder.path().join(format!("m{number}.py"))).collect();
        for path in &written {
            std::fs::write(path, "x = 1\n").unwrap();
        }
        let mut seen = HashSet::new();
        let end = Instant::now() + Duration::from_secs(20);
        while seen != written && Instant::now() < end {
            if let Ok(Work::Reload { paths, is_awaited }) = works.recv_timeout(Duration::from_millis(50)) {
                assert!(!is_awaited);
                seen.extend(paths);
            }
            while let Ok(Event::Touched(paths)) = events.try_recv() {
                seen.extend(paths);
            }
        }
        assert_eq!(seen, written);
    }

    #[test]
    fn a_file_that_is_still_being_written_is_not_whole() {
        use std::io::Write as _;
        let (folder, _watcher, works, _mailbox, mut events) = watched();
        let mut file = std::fs::File::create(folder.path().join("a.py")).unwrap();
        file.write_all(b"x = ").unwrap();
        match works.recv_timeout(Duration::from_secs(20)) {
            Ok(Work::Reload { paths, .. }) => assert_eq!(paths, [folder.path().join("a.py")]),
            _ => panic!("nothing was noticed"),
        }
        assert!(events.try_recv().is_err());
    }
}
