//! Repositories made by the real git, for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository without a commit, in a temporary folder.
pub struct Repository {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let repository = Repository { _folder: folder, root };
        repository.git(&["init", "--quiet"]);
        repository
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.root.join(name)).unwrap();
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--no-verify", "--message", message]);
    }

    /// What git prints, without the last line break.
    pub fn git(&self, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.run(arguments);
        assert!(succeeded, "git {arguments:?}: {printed}");
        printed
    }

    /// The same for a command that may fail.
    pub fn try_git(&self, arguments: &[&str]) {
        self.run(arguments);
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgSign=false", "-C"]);
        git.arg(&self.root).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = git.output().unwrap();
        let text = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
        (output.status.success(), text.trim_end().to_owned())
    }
}

/// The page faults of all processes that this one has started and waited for: the same number again says that there was no
/// further one.
#[cfg(target_os = "linux")]
pub fn children_waited_for() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program may hold anything; after it, the ninth field is `cminflt`.
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(8).unwrap().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
pub fn children_waited_for() -> u64 {
    0
}
