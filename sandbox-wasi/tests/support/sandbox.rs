//! A workspace in a temporary folder, and the host that all tests of a binary share.

use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use sandbox::{Action, Outcome, Request};
use sandbox_wasi::Host;
use tempfile::TempDir;

/// Fails with the remedy when the guest is not built.
static HOST: LazyLock<Mutex<Host>> = LazyLock::new(|| match Host::load(&|_| {}) {
    Ok(host) => Mutex::new(host),
    Err(error) => panic!("{error}"),
});

pub struct Workspace {
    pub dir: TempDir,
}

impl Workspace {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn request(&self, action: Action) -> Request {
        let site = self.path().join(".venv/lib/python3.14/site-packages");
        Request { site: vec![site], ..Request::new(self.path(), action) }
    }

    pub fn run(&self, action: Action) -> Outcome {
        run(&self.request(action))
    }
}

/// The host; a test that has failed leaves it as good as before.
pub fn host() -> MutexGuard<'static, Host> {
    HOST.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn run(request: &Request) -> Outcome {
    host().run(request, &|_| {}).unwrap()
}

pub fn script(path: &str) -> Action {
    Action::Script { path: path.into() }
}
