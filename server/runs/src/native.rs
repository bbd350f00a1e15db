//! Running in the project's own interpreter what the sandbox cannot run. Only after a "yes" to the very command, and only
//! what stands on disk: nothing that a model wrote.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lint::Environment;
use sandbox::{Action, Failure, Outcome, Status};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

/// When a run is stopped.
const WALL: Duration = Duration::from_secs(600);

/// Bytes that are kept of each stream.
const OUTPUT: u64 = 1 << 20;

/// A command, and where it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    interpreter: PathBuf,
    arguments: Vec<String>,
    root: PathBuf,
}

impl Native {
    /// `None` without an interpreter, and for parts of a file, which cannot be run like that.
    pub fn new(environment: &Environment, root: &Path, action: &Action) -> Option<Self> {
        let interpreter = environment.interpreter()?;
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let arguments = match action {
            Action::Pytest { targets } => {
                let mut arguments = words(&["-m", "pytest", "-q", "--tb=short"]);
                arguments.extend(targets.iter().cloned());
                arguments
            }
            Action::Script { path } => words(&[path.to_str()?]),
            Action::Doctest { path, .. } => words(&["-m", "doctest", path.to_str()?]),
            Action::Code { .. } | Action::Cell { .. } | Action::Generated { .. } => return None,
        };
        Some(Native { interpreter, arguments, root: root.to_path_buf() })
    }

    fn command_line(&self) -> String {
        let words = [self.interpreter.to_string_lossy().into_owned()].into_iter().chain(self.arguments.iter().cloned());
        words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word }).collect::<Vec<_>>().join(" ")
    }

    /// What a person is asked before `what` is run, which the sandbox cannot run for the `reason`.
    pub fn question(&self, what: &str, reason: &str) -> String {
        format!(
            "{what}: {reason}. Run what is saved of it on this machine, outside of the sandbox? {} (in {})",
            self.command_line(),
            self.root.display()
        )
    }

    /// Runs the command; nothing when the user has cancelled, which ends the process.
    pub async fn run(&self, cancelled: &CancellationToken) -> Option<Outcome> {
        let start = Instant::now();
        let spawned = tokio::process::Command::new(&self.interpreter)
            .args(&self.arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let reason = format!("{} cannot be started: {error}", self.interpreter.display());
                return Some(Outcome::without_run(Status::Error, reason));
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = async { tokio::join!(read(stdout), read(stderr), child.wait()) };
        let (stdout, stderr, status) = tokio::select! {
            ended = tokio::time::timeout(WALL, ended) => match ended {
                Ok(ended) => ended,
                Err(_) => return Some(Outcome::without_run(Status::Timeout, "stopped after 10 minutes")),
            },
            () = cancelled.cancelled() => return None,
        };
        let exit = status.ok().and_then(|status| status.code());
        let (passed, failed) = counts(&stdout);
        Some(Outcome {
            outcome: match exit {
                Some(0) => Status::Passed,
                // What pytest says of tests that failed, and Python of a script that raised.
                Some(1) => Status::Failed,
                _ => Status::Error,
            },
            passed,
            failed,
            exit,
            failures: failures(&stdout),
            stdout,
            stderr,
            millis: start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            ..Outcome::without_run(Status::Passed, "")
        })
    }
}

/// The beginning of a stream; the rest is read and dropped, so that the process does not wait for us.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    // What was read before an error is all that there is.
    let _ = (&mut stream).take(OUTPUT).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// From pytest's last line: `1 failed, 4 passed in 0.12s`.
fn counts(stdout: &str) -> (u32, u32) {
    let last = stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |what: &str| {
        let words: Vec<&str> = last.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let at = words.iter().position(|word| *word == what)?;
        words.get(at.checked_sub(1)?)?.parse().ok()
    };
    (count("passed").unwrap_or(0), count("failed").unwrap_or(0))
}

/// From pytest's short tracebacks: the innermost line of each inside the folder, and what it says went wrong.
fn failures(stdout: &str) -> Vec<Failure> {
    let mut found = Vec::new();
    let mut place: Option<(&str, u32)> = None;
    for line in stdout.lines() {
        if let Some(message) = line.strip_prefix("E   ") {
            if let Some((path, line)) = place.take() {
                found.push(Failure::new(path, line, message.trim()));
            }
        } else if let Some((path, rest)) = line.split_once(':')
            && path.ends_with(".py")
            && !Path::new(path).is_absolute()
            && let Some((number, _)) = rest.split_once(':')
            && let Ok(number) = number.parse()
        {
            place = Some((path, number));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pytest_prints_is_understood() {
        let stdout = "F.\n=== FAILURES ===\n___ test_a ___\ntests/test_a.py:3: in test_a\n    assert f() == 2\n\
                      E   assert 1 == 2\nE    +  where 1 = f()\n=== short test summary info ===\n\
                      FAILED tests/test_a.py::test_a - assert 1 == 2\n1 failed, 1 passed in 0.02s\n";
        assert_eq!(counts(stdout), (1, 1));
        assert_eq!(failures(stdout), [Failure::new("tests/test_a.py", 3, "assert 1 == 2")]);
        assert_eq!((counts(""), failures("")), ((0, 0), Vec::new()));
    }

    #[tokio::test]
    async fn a_command_is_run_where_the_project_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.py"), "import sys\nprint('here')\nsys.exit(1)\n").unwrap();
        let native = |interpreter: &str| Native {
            interpreter: PathBuf::from(interpreter),
            arguments: vec!["a.py".to_owned()],
            root: folder.path().to_path_buf(),
        };
        let outcome = native("python3").run(&CancellationToken::new()).await.unwrap();
        assert_eq!((outcome.outcome, outcome.exit, outcome.stdout.trim()), (Status::Failed, Some(1), "here"));
        assert_eq!(native("no-such-python").run(&CancellationToken::new()).await.unwrap().outcome, Status::Error);
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        std::fs::write(folder.path().join("a.py"), "import time\ntime.sleep(1000)\n").unwrap();
        assert_eq!(native("python3").run(&cancelled).await, None);
    }
}
