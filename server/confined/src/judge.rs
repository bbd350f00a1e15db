//! From how a run ended, and what was said of it, to its outcome. Only what ended as it should, and said so, has passed.

use std::fmt::Write;

use sandbox::{Action, Failure, Outcome, Status, Verdict};

use crate::channel::{Kind, Said};
use crate::process::{End, Ended};

/// A run is worth the first of these that happened in it.
const PRECEDENCE: [(Kind, Status); 5] = [
    (Kind::Memory, Status::Memory),
    (Kind::Failed, Status::Failed),
    (Kind::Error, Status::Error),
    (Kind::Refused, Status::Refused),
    (Kind::NotRunnable, Status::NotRunnable),
];

pub(crate) fn conclude(said: Said, ended: Ended, action: &Action, wall: f32) -> Outcome {
    let (status, reason) = judge(&said, &ended.end, action, wall);
    let mut stderr = ended.stderr;
    let (passed, failed) = (said.count(Verdict::Passed), said.count(Verdict::Failed));
    let mut failures: Vec<Failure> = said.findings.into_iter().map(|(_, it)| it).collect();
    if let Some(reason) = reason {
        if !stderr.is_empty() && !stderr.ends_with('\n') {
            stderr.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(stderr, "tantu: {reason}");
        let (path, line) = said.tests.last().map_or((String::new(), 1), |it| (it.path.clone(), it.line));
        failures.push(Failure::new(path, line, reason));
    }
    Outcome {
        outcome: status,
        passed,
        failed,
        exit: match ended.end {
            End::Exited(status) => Some(status),
            _ => None,
        },
        stdout: ended.stdout,
        stderr,
        failures,
        millis: ended.millis,
        tests: said.tests,
        coverage: said.coverage,
        lines: said.lines,
        ..Outcome::without_run(status, "")
    }
}

/// The status, and a reason where nobody else has given one.
fn judge(said: &Said, end: &End, action: &Action, wall: f32) -> (Status, Option<String>) {
    let why = |status, reason: String| (status, Some(reason));
    let exited = match end {
        End::Exited(status) => *status,
        End::Signaled(signal) => return why(Status::Error, format!("the interpreter was ended by signal {signal}")),
        End::Timeout => return why(Status::Timeout, format!("stopped after {wall} s")),
        End::Output => return why(Status::Output, "stopped: it has written too much".to_owned()),
        End::Disk => return why(Status::Output, "stopped: it has filled its private folder".to_owned()),
        End::Memory => return why(Status::Memory, "stopped at the limit of memory".to_owned()),
        End::Processes => return why(Status::Refused, "stopped: it has started too many processes".to_owned()),
        End::NotStarted(reason) => return why(Status::NotRunnable, format!("not run confined: {reason}")),
    };
    if said.is_disturbed {
        return why(Status::Error, "what the interpreter said of the run makes no sense".to_owned());
    }
    let is_script = !matches!(action, Action::Pytest { .. });
    match said.end {
        Some(status) if status == exited => {}
        None if is_script => {
            // `os._exit` is a way to end a program.
            let status = if exited == 0 { Status::Passed } else { Status::Failed };
            return (status, (exited != 0).then(|| format!("exited with status {exited}")));
        }
        None => return why(Status::Error, "the code ended the interpreter in the middle of the tests".to_owned()),
        Some(status) => {
            return why(Status::Error, format!("the tests ended with status {status}, the interpreter with {exited}"));
        }
    }
    if let Some((_, status)) = PRECEDENCE.iter().find(|(kind, _)| said.findings.iter().any(|(it, _)| it == kind)) {
        return (*status, None);
    }
    if said.count(Verdict::Failed) > 0 {
        return (Status::Failed, None);
    }
    if is_script {
        let failed = format!("exited with status {exited}");
        return if exited == 0 { (Status::Passed, None) } else { why(Status::Failed, failed) };
    }
    let collected = said.collected.unwrap_or(0);
    if said.ended < collected {
        let missing = collected - said.ended;
        return why(Status::Error, format!("nothing is known of {missing} of {collected} tests"));
    }
    if said.count(Verdict::NotRunnable) > 0 {
        return (Status::NotRunnable, None);
    }
    if exited != 0 {
        return why(Status::Error, format!("pytest stopped with status {exited}"));
    }
    if said.count(Verdict::Passed) == 0 {
        return why(Status::NotRunnable, "every test was skipped".to_owned());
    }
    (Status::Passed, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Said {
        let mut said = Said::default();
        for line in lines {
            said.take(line.as_bytes(), "n");
        }
        said
    }

    fn status(lines: &[&str], end: End) -> Status {
        judge(&said(lines), &end, &Action::Pytest { targets: Vec::new() }, 1.0).0
    }

    const COLLECTED: &str = r#"{"nonce":"n","event":"collected","count":1}"#;
    const PASSED: &str = r#"{"nonce":"n","event":"test","executed":null,"result":{"id":"a.py::t","path":"a.py","line":1,"verdict":"passed","returned":false,"millis":1,"message":null}}"#;
    const END: &str = r#"{"nonce":"n","event":"end","status":0,"collected":1}"#;

    #[test]
    fn only_a_run_that_ended_as_it_should_has_passed() {
        assert_eq!(status(&[COLLECTED, PASSED, END], End::Exited(0)), Status::Passed);
        // An early exit, also one with status 0.
        assert_eq!(status(&[COLLECTED, PASSED], End::Exited(0)), Status::Error);
        assert_eq!(status(&[], End::Exited(0)), Status::Error);
        assert_eq!(status(&[COLLECTED, PASSED, END], End::Exited(1)), Status::Error);
        assert_eq!(status(&[COLLECTED, PASSED, END], End::Signaled(9)), Status::Error);
        // A test that nobody has heard of.
        assert_eq!(status(&[COLLECTED, END], End::Exited(0)), Status::Error);
        assert_eq!(status(&[PASSED, END], End::Exited(0)), Status::Error);
        assert_eq!(status(&[COLLECTED, PASSED, END], End::Timeout), Status::Timeout);
        assert_eq!(status(&[], End::NotStarted("no".to_owned())), Status::NotRunnable);
        let finding =
            r#"{"nonce":"n","event":"finding","kind":"error","finding":{"path":"a.py","line":1,"message":"m"}}"#;
        assert_eq!(status(&[COLLECTED, PASSED, finding, END], End::Exited(0)), Status::Error);
    }

    #[test]
    fn a_script_may_end_as_it_likes() {
        let script = Action::Script { path: "a.py".into() };
        assert_eq!(judge(&said(&[]), &End::Exited(0), &script, 1.0).0, Status::Passed);
        assert_eq!(judge(&said(&[]), &End::Exited(3), &script, 1.0).0, Status::Failed);
        let end = r#"{"nonce":"n","event":"end","status":3,"collected":null}"#;
        assert_eq!(judge(&said(&[end]), &End::Exited(3), &script, 1.0).0, Status::Failed);
    }
}
