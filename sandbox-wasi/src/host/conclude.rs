//! From the way in which a run ended to its outcome.

use std::fmt::Write;
use std::path::PathBuf;

use sandbox::{Action, Failure, Limits, Outcome, Status};
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use super::capture::Overflow;
use super::instance::Ended;
use super::instance::bindings::Outcome as Judged;
use super::quota::{MAX_BYTES, MAX_DEPTH, MAX_FILES};

/// What the host has to say about a run, beside what the guest told.
struct Verdict {
    status: Status,
    exit: Option<i32>,
    /// Why it was cut short; shown where it stood.
    reason: Option<String>,
}

pub(super) fn conclude(ended: Ended, action: &Action, limits: Limits, too_large: &[PathBuf]) -> Outcome {
    let verdict = judge(&ended, action, limits);
    let Ended { told, stdout, mut stderr, .. } = ended;
    let mut failures = told.findings;
    if let Some(reason) = verdict.reason {
        say(&mut stderr, &reason);
        let (path, line) = told.place.unwrap_or_default();
        failures.push(Failure::new(path, line, reason));
    } else if verdict.status != Status::Passed && told.passed + told.failed == 0 {
        // The reports of tests are on standard output. What came to none is said here, unless a traceback has said it.
        for Failure { path, line, message, .. } in failures.iter().take(3) {
            if !stderr.contains(message) {
                say(&mut stderr, &format!("{path}:{line}: {message}"));
            }
        }
    }
    if verdict.status != Status::Passed
        && let Some(first) = too_large.first()
    {
        let more = if too_large.len() > 1 { format!(" and {} more", too_large.len() - 1) } else { String::new() };
        say(&mut stderr, &format!("the sandbox does not see {}{more}: larger than 32 MiB", first.display()));
    }
    Outcome {
        outcome: verdict.status,
        passed: told.passed,
        failed: told.failed,
        exit: verdict.exit,
        stdout,
        stderr,
        failures,
        tests: told.tests,
        coverage: told.coverage,
        raised: told.raised,
        compared: told.compared,
        laws: told.laws,
        lines: told.lines,
        ..Outcome::without_run(verdict.status, "")
    }
}

fn judge(ended: &Ended, action: &Action, limits: Limits) -> Verdict {
    let cut_short = |status, reason: String| Verdict { status, exit: None, reason: Some(reason) };
    let error = match &ended.result {
        Ok(verdict) => {
            let status = match verdict.outcome {
                Judged::Passed => Status::Passed,
                Judged::Failed => Status::Failed,
                Judged::Error => Status::Error,
                Judged::Memory => Status::Memory,
                Judged::Refused => Status::Refused,
                Judged::NotRunnable => Status::NotRunnable,
            };
            if status == Status::Error && ended.memory_denied {
                // Running out of memory may break what reports on it, too.
                let reason = format!("met the limit of {} MiB of memory", limits.memory >> 20);
                return Verdict { status: Status::Memory, exit: Some(verdict.exit), reason: Some(reason) };
            }
            if ended.tmp_full && [Status::Failed, Status::Error].contains(&status) {
                return Verdict { status: Status::Output, exit: Some(verdict.exit), reason: Some(tmp_is_full()) };
            }
            return Verdict { status, exit: Some(verdict.exit), reason: None };
        }
        Err(error) => error,
    };
    if ended.timed_out {
        return cut_short(Status::Timeout, format!("stopped after {} s", limits.wall.as_secs_f32()));
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        let is_program = matches!(action, Action::Script { .. } | Action::Code { .. } | Action::Cell { .. });
        return match status {
            0 if is_program => Verdict { status: Status::Passed, exit: Some(0), reason: None },
            _ if is_program => {
                let reason = Some("exited with a status other than 0".into());
                Verdict { status: Status::Failed, exit: Some(*status), reason }
            }
            _ => cut_short(Status::Error, "the code ended the interpreter in the middle of the tests".into()),
        };
    }
    match error.downcast_ref() {
        Some(Overflow::Output) => {
            return cut_short(Status::Output, format!("stopped after {} bytes of output", limits.output));
        }
        Some(Overflow::Tmp) => return cut_short(Status::Output, tmp_is_full()),
        None => {}
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref() {
        let reason = format!("recursion too deep for the sandbox's stack of {} MiB", limits.stack >> 20);
        return cut_short(Status::Failed, reason);
    }
    if ended.memory_denied {
        return cut_short(Status::Memory, format!("stopped at {} MiB of memory", limits.memory >> 20));
    }
    cut_short(Status::Error, format!("the interpreter broke down: {}", error.root_cause()))
}

fn tmp_is_full() -> String {
    format!("/tmp is full: {} MiB or {MAX_FILES} files, at most {MAX_DEPTH} folders deep", MAX_BYTES >> 20)
}

fn say(stderr: &mut String, text: &str) {
    if !stderr.is_empty() && !stderr.ends_with('\n') {
        stderr.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(stderr, "tantu: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::instance::{Told, bindings};

    fn ended(error: wasmtime::Error) -> Ended {
        let told = Told { passed: 2, place: Some(("tests/test_a.py".into(), 7)), ..Told::default() };
        let (stdout, stderr) = ("out".into(), "  File \"a.py\", line 1".into());
        Ended {
            result: Err(error),
            timed_out: false,
            memory_denied: false,
            tmp_full: false,
            read_only_met: false,
            told,
            stdout,
            stderr,
        }
    }

    fn outcome(ended: Ended, action: &Action) -> (Status, Option<i32>, String) {
        let outcome = conclude(ended, action, Limits::default(), &[]);
        assert_eq!((outcome.passed, outcome.failed), (2, 0));
        assert!(outcome.stderr.starts_with("  File \"a.py\", line 1"), "{}", outcome.stderr);
        for failure in &outcome.failures {
            assert_eq!((failure.path.as_str(), failure.line), ("tests/test_a.py", 7));
            assert!(outcome.stderr.ends_with(&format!("\ntantu: {}\n", failure.message)), "{}", outcome.stderr);
        }
        let message = outcome.failures.first().map(|it| it.message.clone()).unwrap_or_default();
        (outcome.outcome, outcome.exit, message)
    }

    fn script() -> Action {
        Action::Script { path: "a.py".into() }
    }

    fn tests() -> Action {
        Action::Pytest { targets: vec![] }
    }

    #[test]
    fn whatever_stops_a_run_has_its_status_and_its_place() {
        let trap = |trap: Trap| ended(trap.into());
        let stack = outcome(trap(Trap::StackOverflow), &tests());
        assert_eq!(stack, (Status::Failed, None, "recursion too deep for the sandbox's stack of 8 MiB".into()));
        let broken = outcome(trap(Trap::UnreachableCodeReached), &tests());
        assert_eq!(broken.0, Status::Error);
        let memory = Ended { memory_denied: true, ..trap(Trap::UnreachableCodeReached) };
        assert_eq!(outcome(memory, &tests()), (Status::Memory, None, "stopped at 256 MiB of memory".into()));
        let time = Ended { timed_out: true, ..trap(Trap::Interrupt) };
        assert_eq!(outcome(time, &tests()), (Status::Timeout, None, "stopped after 10 s".into()));
        let output = ended(wasmtime::Error::new(Overflow::Output).context("in a call of the host"));
        assert_eq!(outcome(output, &tests()).0, Status::Output);
    }

    #[test]
    fn a_full_tmp_is_why_something_failed_but_not_why_it_passed() {
        let full = |judged| {
            let verdict = bindings::Verdict { outcome: judged, exit: 1 };
            Ended { result: Ok(verdict), tmp_full: true, ..ended(Trap::Interrupt.into()) }
        };
        let (status, exit, reason) = outcome(full(Judged::Failed), &tests());
        assert_eq!(
            (status, exit, reason.as_str()),
            (Status::Output, Some(1), "/tmp is full: 64 MiB or 4096 files, at most 100 folders deep")
        );
        assert_eq!(outcome(full(Judged::Passed), &tests()).0, Status::Passed);
    }

    #[test]
    fn leaving_ends_a_program_but_not_tests() {
        let left = |status| ended(wasmtime::Error::new(I32Exit(status)));
        assert_eq!(outcome(left(0), &script()), (Status::Passed, Some(0), String::new()));
        assert_eq!(outcome(left(1), &script()).0, Status::Failed);
        assert_eq!(outcome(left(0), &tests()).0, Status::Error);
    }

    #[test]
    fn files_that_were_left_out_are_named_unless_all_is_well() {
        let too_large = ["data/a.bin".into(), "data/b.bin".into()];
        let broken = conclude(ended(Trap::UnreachableCodeReached.into()), &script(), Limits::default(), &too_large);
        assert!(broken.stderr.contains("does not see data/a.bin and 1 more"), "{}", broken.stderr);
        let fine = conclude(ended(wasmtime::Error::new(I32Exit(0))), &script(), Limits::default(), &too_large);
        assert!(!fine.stderr.contains("data/a.bin"), "{}", fine.stderr);
    }
}
