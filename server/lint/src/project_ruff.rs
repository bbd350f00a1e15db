//! A project's own `ruff`, run as a process.
//!
//! For projects that pin a release of ruff whose rules differ from the linked ones. Settings, selection and `noqa` are that
//! release's business; what it prints as JSON becomes findings.

mod output;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Document, Finding, Linter, is_lintable};

/// A file with more output than this has something else than findings.
const MAX_OUTPUT_BYTES: u64 = 32 << 20;

/// Of what it says on standard error, an error shows this much.
const MAX_COMPLAINT_CHARS: usize = 400;

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} cannot be run: {error}", executable.display())]
    NotRun { executable: PathBuf, error: io::Error },
    #[error("{} took longer than {} ms", executable.display(), limit.as_millis())]
    TimedOut { executable: PathBuf, limit: Duration },
    #[error("{} printed more than {MAX_OUTPUT_BYTES} bytes", executable.display())]
    TooMuchOutput { executable: PathBuf },
    /// Also when its settings are invalid.
    #[error("{} failed ({status}): {complaint}", executable.display())]
    Failed { executable: PathBuf, status: ExitStatus, complaint: String },
    #[error("{} printed what ruff does not print: {error}", executable.display())]
    NotUnderstood { executable: PathBuf, error: String },
}

/// An executable named `ruff`, and the project that it works for.
#[derive(Debug)]
pub struct ProjectRuff {
    executable: PathBuf,
    root: PathBuf,
    time_limit: Duration,
    /// It failed the last time: said once, not with every keystroke.
    is_failing: AtomicBool,
}

impl ProjectRuff {
    /// `executable` is not searched for. It runs in the folder `root`, and is killed after `time_limit`.
    pub fn new(executable: impl Into<PathBuf>, root: impl Into<PathBuf>, time_limit: Duration) -> Self {
        ProjectRuff { executable: executable.into(), root: root.into(), time_limit, is_failing: AtomicBool::new(false) }
    }

    /// The findings in `document`, in the order of the text.
    ///
    /// # Errors
    /// When the executable cannot be run, takes too long, prints too much, fails or is not ruff.
    pub fn check(&self, document: &Document<'_>) -> Result<Vec<Finding>, Error> {
        if !is_lintable(document.path) {
            return Ok(Vec::new());
        }
        let mut command = Command::new(&self.executable);
        command.args(["check", "--output-format", "json", "--force-exclude", "--no-fix", "--no-cache", "--exit-zero"]);
        command.arg("--stdin-filename").arg(document.path).arg("-");
        let output = self.run(command, document.text)?;
        // An excluded file prints nothing at all.
        if output.is_empty() {
            return Ok(Vec::new());
        }
        output::findings(&output, document)
            .map_err(|error| Error::NotUnderstood { executable: self.executable.clone(), error: error.to_string() })
    }

    /// The release, such as `0.16.4`.
    ///
    /// # Errors
    /// Those of [`ProjectRuff::check`].
    pub fn version(&self) -> Result<String, Error> {
        let mut command = Command::new(&self.executable);
        command.arg("--version");
        let output = String::from_utf8_lossy(&self.run(command, "")?).into_owned();
        match output.trim().strip_prefix("ruff ").and_then(|rest| rest.split_whitespace().next()) {
            Some(version) => Ok(version.to_owned()),
            None => {
                let error = format!("`{}`", shortened(output.trim()));
                Err(Error::NotUnderstood { executable: self.executable.clone(), error })
            }
        }
    }

    /// What `command` prints when it is given `input`.
    fn run(&self, mut command: Command, input: &str) -> Result<Vec<u8>, Error> {
        let executable = || self.executable.clone();
        let not_run = |error| Error::NotRun { executable: executable(), error };
        command.current_dir(&self.root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = Running(command.spawn().map_err(not_run)?);
        let (sender, outputs) = mpsc::channel();
        if let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take())
        {
            let input = input.to_owned();
            // Nobody waits for these threads: a process that it has started may hold the pipes for ever. One that reads
            // nothing closes its pipe, and its exit status says why.
            thread::spawn(move || stdin.write_all(input.as_bytes()));
            let complaints = thread::spawn(move || read_limited(stderr));
            thread::spawn(move || {
                let output = read_limited(stdout);
                let is_too_much = is_too_much(&output);
                let complaints = if is_too_much { None } else { complaints.join().ok() };
                sender.send((output, complaints))
            });
        }
        let Ok((output, complaints)) = outputs.recv_timeout(self.time_limit) else {
            return Err(Error::TimedOut { executable: executable(), limit: self.time_limit });
        };
        if is_too_much(&output) {
            return Err(Error::TooMuchOutput { executable: executable() });
        }
        let output = output.map_err(not_run)?;
        let status = loop {
            match child.0.try_wait().map_err(not_run)? {
                Some(status) => break status,
                // It has closed its output and does not end.
                None if started.elapsed() > self.time_limit => {
                    return Err(Error::TimedOut { executable: executable(), limit: self.time_limit });
                }
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        if status.success() {
            return Ok(output);
        }
        let complaints = complaints.and_then(Result::ok).unwrap_or_default();
        let complaint = shortened(String::from_utf8_lossy(&complaints).trim());
        Err(Error::Failed { executable: executable(), status, complaint })
    }
}

impl Linter for ProjectRuff {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        let checked = self.check(document);
        let was_failing = self.is_failing.swap(checked.is_err(), Ordering::Relaxed);
        checked.unwrap_or_else(|error| {
            if !was_failing {
                tracing::warn!("{} is not linted: {error}", document.path.display());
            }
            Vec::new()
        })
    }
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_too_much(output: &io::Result<Vec<u8>>) -> bool {
    output.as_ref().is_ok_and(|bytes| bytes.len() as u64 > MAX_OUTPUT_BYTES)
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_COMPLAINT_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use syntax::{TextRange, TextSize};

    use super::*;
    use crate::{Applicability, Severity, Tag};

    const TEXT: &str = "\u{feff}import os\nx = '😀' == None\n";

    /// A folder with an executable `ruff` that is a shell script, and what becomes of `TEXT` with it.
    fn check(script: &str) -> Result<Vec<Finding>, Error> {
        check_text(script, TEXT)
    }

    fn check_text(script: &str, text: &str) -> Result<Vec<Finding>, Error> {
        with_script(script, |ruff, root| {
            let path = root.join("a.py");
            ruff.check(&Document { path: &path, text, parsed: &syntax::parse(text) })
        })
    }

    fn with_script<T>(script: &str, look: impl FnOnce(&ProjectRuff, &Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let executable = folder.path().join("ruff");
        std::fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&executable, std::fs::Permissions::from_mode(0o755)).unwrap();
        look(&ProjectRuff::new(&executable, folder.path(), Duration::from_secs(20)), folder.path())
    }

    #[test]
    fn findings_keep_their_fixes() {
        let json = r#"[
            {"code": "E711", "name": "none-comparison", "message": "Comparison", "url": "https://example.org",
             "location": {"row": 2, "column": 5}, "end_location": {"row": 2, "column": 16},
             "fix": {"applicability": "unsafe", "message": "Replace it", "edits": [
                {"content": "is", "location": {"row": 2, "column": 9}, "end_location": {"row": 2, "column": 11}}]}},
            {"code": "F401", "message": "`os` imported but unused",
             "location": {"row": 1, "column": 8}, "end_location": {"row": 1, "column": 10},
             "fix": {"applicability": "safe", "message": null, "edits": [
                {"content": "", "location": {"row": 1, "column": 1}, "end_location": {"row": 2, "column": 1}}]}}
        ]"#;
        let script =
            format!("read line; test \"$(printf %s \"$line\" | tail -c 2)\" = os || exit 2; cat <<'E'\n{json}\nE");
        let findings = check(&script).unwrap();
        assert_eq!(findings.len(), 2);
        let text = |range: TextRange| &TEXT[range];
        let [import, comparison] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((import.code.as_ref(), text(import.range)), ("F401", "os"));
        assert_eq!((import.severity, import.tag), (Severity::Warning, Some(Tag::Unnecessary)));
        let fix = import.fix.as_ref().unwrap();
        assert_eq!((fix.title.as_str(), fix.applicability), ("F401", Applicability::Safe));
        assert_eq!(fix.edits[0].range, TextRange::new(TextSize::new(3), TextSize::new(13)));
        assert_eq!(text(comparison.range), "'😀' == None");
        let fix = comparison.fix.as_ref().unwrap();
        assert_eq!((fix.applicability, text(fix.edits[0].range)), (Applicability::Unsafe, "=="));
    }

    #[test]
    fn syntax_errors_are_reported_where_the_parser_sees_none() {
        let json = r#"[
            {"code": "invalid-syntax", "name": "invalid-syntax", "message": "no", "url": null, "fix": null,
             "location": {"row": 1, "column": 1}, "end_location": {"row": 1, "column": 5}},
            {"code": "E999", "message": "SyntaxError: no", "location": {"row": 1, "column": 1},
             "end_location": {"row": 1, "column": 5}, "fix": null}
        ]"#;
        let script = format!("cat > /dev/null; cat <<'E'\n{json}\nE");
        let found = check_text(&script, "match x:\n    case 1: pass\n").unwrap();
        let [error] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((error.code.as_ref(), error.severity), ("invalid-syntax", Severity::Error));
        assert_eq!(check_text(&script, "match x:\n    case\n").unwrap(), []);
    }

    #[test]
    fn says_what_went_wrong() {
        assert_eq!(check("cat > /dev/null").unwrap(), []);
        let error = check("echo 'ruff failed: no such rule' >&2; exit 2").unwrap_err().to_string();
        assert!(error.ends_with("ruff failed (exit status: 2): ruff failed: no such rule"), "{error}");
        assert!(matches!(check("cat > /dev/null; echo hello"), Err(Error::NotUnderstood { .. })));
        assert!(matches!(check("cat /dev/zero"), Err(Error::TooMuchOutput { .. })));
        let missing = ProjectRuff::new("/nowhere/ruff", "/", Duration::from_secs(1));
        assert!(matches!(missing.version(), Err(Error::NotRun { .. })));
    }

    #[test]
    fn time_is_limited() {
        for script in ["sleep 60", "exec >&- 2>&-; sleep 60"] {
            with_script(script, |ruff, root| {
                let ruff = ProjectRuff::new(&ruff.executable, root, Duration::from_millis(50));
                assert!(matches!(ruff.version(), Err(Error::TimedOut { .. })), "{script}");
            });
        }
    }

    #[test]
    fn says_which_release_it_is() {
        with_script("echo ruff 0.16.4 '(11c76bf 2026-08-22)'", |ruff, _| {
            assert_eq!(ruff.version().unwrap(), "0.16.4");
        });
        with_script("echo black 1", |ruff, _| {
            let error = ruff.version().unwrap_err().to_string();
            assert!(error.ends_with("printed what ruff does not print: `black 1`"), "{error}");
        });
    }
}
