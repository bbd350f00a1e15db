//! This crate reads git repositories and runs nothing: no git, no filter, no hook, no signature check, nothing that fetches
//! what is missing. A repository's own configuration decides about none of these here, because nobody asks it.
//!
//! [`read`] is the only way in: it finds the repository around a folder and hands it to a piece of work that has a time
//! limit, because a repository is data that anybody may have made. Deliberately absent: Python, the graph, and anything that
//! writes.

mod differences;
mod open;
mod staged;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

pub use open::{Commit, MAX_CONTENT_BYTES, Repository};
pub use staged::Staged;

/// How long one piece of work with a repository may take. Comparing Linux with its last commit takes a second.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Why a repository does not say what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} is in no repository of git", .0.display())]
    NoRepository(PathBuf),
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("`{revision}` is no revision of the repository {}: {reason}", root.display())]
    NoRevision { revision: String, root: PathBuf, reason: String },
    #[error("{} is not in {}", path.display(), root.display())]
    Outside { path: PathBuf, root: PathBuf },
    #[error("the repository around {} could not be read within {} s", folder.display(), limit.as_secs())]
    TimeLimit { folder: PathBuf, limit: Duration },
    #[error("the repository around {} could not be read: reading it ended early", .0.display())]
    Ended(PathBuf),
}

/// What `work` makes of the repository around `folder`.
///
/// # Errors
/// When there is no repository, when it is no regular one, when `work` fails, and when all that takes longer than a minute;
/// then the thread that waits is left behind.
pub fn read<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(&Repository) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    within(TIME_LIMIT, folder, work)
}

fn within<T: Send + 'static>(
    limit: Duration,
    folder: &Path,
    work: impl FnOnce(&Repository) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = channel();
    let folder = folder.to_owned();
    let inside = folder.clone();
    let thread = std::thread::Builder::new().name("repository".to_owned());
    let spawned = thread.spawn(move || {
        // Who asked may have stopped waiting.
        let _ = sender.send(Repository::discover(&inside).and_then(|repository| work(&repository)));
    });
    if let Err(error) = spawned {
        return Err(Error::Unreadable { path: folder, reason: error.to_string() });
    }
    match receiver.recv_timeout(limit) {
        Ok(made) => made,
        Err(RecvTimeoutError::Timeout) => Err(Error::TimeLimit { folder, limit }),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Ended(folder)),
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_a_time_limit_and_may_panic() {
        let folder = testing::Repository::new();
        let root = folder.root().to_owned();
        let slow = |_: &Repository| {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        };
        let limited = within(Duration::from_millis(20), &root, slow);
        assert!(matches!(limited, Err(Error::TimeLimit { .. })), "{limited:?}");
        let ended = read(&root, |_| -> Result<(), Error> { panic!("on purpose") });
        assert!(matches!(ended, Err(Error::Ended(_))), "{ended:?}");
    }
}
