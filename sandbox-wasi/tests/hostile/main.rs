//! Code that means harm, or does it by mistake: it is stopped, the outcome says why, and the next run does not notice.
//! The code is in `fixtures/hostile`. Needs the guest: `cargo xtask guest`.

#[path = "../support/sandbox.rs"]
mod support;

mod process;
mod suites;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use sandbox::{Action, Limits, Outcome, Request, Status};
use support::{Workspace, run, script};

fn limits() -> Limits {
    Limits { wall: Duration::from_secs(60), memory: 128 << 20, ..Limits::default() }
}

/// A workspace with a copy of the fixtures.
fn workspace() -> Workspace {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/hostile");
    let ws = Workspace::new([("harmless.py", "print('well')\n")]);
    for entry in fs::read_dir(fixtures).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), ws.path().join(entry.file_name())).unwrap();
    }
    ws
}

#[track_caller]
fn attack_in(ws: &Workspace, action: Action, limits: Limits) -> Outcome {
    let before = contents(ws.path());
    let outcome = run(&Request { limits, ..ws.request(action) });
    assert_eq!(contents(ws.path()), before, "the host's files have changed");
    let next = ws.run(script("harmless.py"));
    assert_eq!((next.outcome, next.stdout.as_str()), (Status::Passed, "well\n"), "after {outcome:?}: {next:?}");
    outcome
}

/// The files of a folder with their content and time stamp.
fn contents(folder: &Path) -> Vec<(PathBuf, SystemTime, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.symlink_metadata().unwrap().is_file());
    let content = |path: PathBuf| {
        let metadata = path.metadata().unwrap();
        (path.clone(), metadata.modified().unwrap(), fs::read(path).unwrap())
    };
    let mut contents: Vec<_> = files.map(content).collect();
    contents.sort();
    contents
}

#[track_caller]
fn attack(file: &str) -> Outcome {
    attack_in(&workspace(), script(file), limits())
}

#[track_caller]
fn check(outcome: &Outcome, status: Status, stderr: &str) {
    assert_eq!(outcome.outcome, status, "{outcome:#?}");
    assert!(outcome.stderr.contains(stderr), "{outcome:#?}");
}

#[track_caller]
fn attack_in_time(file: &str) -> Outcome {
    let started = Instant::now();
    let outcome = attack_in(&workspace(), script(file), Limits { wall: Duration::from_secs(1), ..limits() });
    assert!(started.elapsed() < Duration::from_secs(30));
    check(&outcome, Status::Timeout, "tantu: stopped after 1 s\n");
    assert_eq!((outcome.exit, outcome.failures.len(), outcome.failures[0].path.as_str()), (None, 1, file));
    outcome
}

#[test]
fn endless_loops_are_stopped_and_what_they_wrote_is_kept() {
    assert_eq!(attack_in_time("endless_loop.py").stdout, "before\n");
}

#[test]
fn endless_loops_in_odd_places_are_stopped() {
    for file in ["endless_atexit.py", "endless_del.py", "endless_regex.py"] {
        assert_eq!(attack_in_time(file).stdout, "before\n");
    }
    attack_in_time("endless_repr.py");
}

#[test]
fn endless_waits_are_stopped() {
    attack_in_time("endless_sleep.py");
}

#[test]
fn endless_instructions_are_stopped() {
    attack_in_time("endless_arithmetic.py");
}

#[test]
fn the_test_that_does_not_end_is_named() {
    let targets = vec!["test_endless.py".into()];
    let limits = Limits { wall: Duration::from_secs(3), ..limits() };
    let outcome = attack_in(&workspace(), Action::Pytest { targets }, limits);
    check(&outcome, Status::Timeout, "stopped after 3 s");
    assert_eq!((outcome.passed, outcome.failed, outcome.failures[0].line), (1, 0, 5), "{outcome:#?}");

    let action = Action::Doctest { path: "endless_doctest.py".into(), name: None };
    let outcome = attack_in(&workspace(), action, limits);
    check(&outcome, Status::Timeout, "stopped after 3 s");
    assert_eq!((outcome.passed, outcome.failures[0].line), (1, 5), "{outcome:#?}");
}

#[test]
fn memory_is_limited() {
    let outcome = attack("memory_bomb.py");
    check(&outcome, Status::Memory, "MemoryError");
    assert_eq!(outcome.failures[0].line, 3);
}

#[test]
fn code_may_survive_the_limit_of_memory() {
    let outcome = attack("memory_hoard.py");
    check(&outcome, Status::Passed, "");
    let taken: u32 = outcome.stdout.split(' ').nth(2).unwrap().parse().unwrap();
    assert!((20..128).contains(&taken), "{outcome:?}");
}

#[test]
fn a_test_that_takes_too_much_memory_does_not_take_the_others_along() {
    let outcome = attack_in(&workspace(), Action::Pytest { targets: vec!["test_memory.py".into()] }, limits());
    check(&outcome, Status::Memory, "");
    assert_eq!((outcome.passed, outcome.failed, outcome.failures[0].line), (1, 1, 6), "{outcome:#?}");
}

#[test]
fn output_is_limited() {
    let outcome = attack("output_flood.py");
    check(&outcome, Status::Output, "stopped after 1048576 bytes of output");
    assert_eq!(outcome.stdout.len(), 1 << 20);
    let outcome = attack("error_flood.py");
    check(&outcome, Status::Output, "stopped after 1048576 bytes of output");
}

#[test]
fn temporary_files_are_limited() {
    check(&attack("fill_tmp.py"), Status::Output, "tantu: /tmp is full: 64 MiB or 4096 files");
    check(&attack("fill_dev.py"), Status::Output, "tantu: /tmp is full: 64 MiB or 4096 files");
    let outcome = attack("fill_tmp_by_one.py");
    check(&outcome, Status::Output, "tantu: /tmp is full");
    assert_eq!(outcome.stdout, "64\n64\nno space\nno space\n");
    let outcome = attack("fill_tmp_with_names.py");
    check(&outcome, Status::Passed, "");
    // All but the null device and the home.
    assert_eq!(outcome.stdout, "4094\n");
}

#[test]
fn folders_inside_each_other_are_limited() {
    assert_eq!(attack("nested_folders.py").stdout, "100 ENOSPC\n");
    let outcome = attack("nested_by_renaming.py");
    check(&outcome, Status::Passed, "");
    assert!(outcome.stdout.ends_with(" ENOSPC\n"), "{outcome:#?}");
}

#[test]
fn what_an_instance_has_written_is_removed_with_it() {
    let ws = workspace();
    attack_in(&ws, script("fill_tmp_with_names.py"), limits());
    let staged = Path::new(
        &std::env::var_os("XDG_CACHE_HOME").map_or_else(|| std::env::home_dir().unwrap().join(".cache"), PathBuf::from),
    )
    .join("tantu/sandbox/workspaces");
    for workspace in fs::read_dir(staged).unwrap() {
        let lock = fs::read_to_string(workspace.as_ref().unwrap().path().join("lock")).unwrap_or_default();
        if Path::new(&lock) == ws.path().canonicalize().unwrap() {
            let scratch = workspace.unwrap().path().join("scratch");
            assert_eq!(fs::read_dir(scratch).unwrap().count(), 0);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_code_has_taken_is_given_back() {
    let resident = || -> u64 {
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    attack("memory_bomb.py");
    let before = resident();
    for _ in 0..3 {
        attack("memory_bomb.py");
    }
    assert!(resident() < before + (64 << 20), "{before} bytes became {}", resident());
}

#[test]
fn an_archive_that_is_larger_inside_meets_the_limit_of_memory() {
    let outcome = attack("zip_bomb.py");
    check(&outcome, Status::Memory, "MemoryError");
}

#[test]
fn deep_recursion_fails() {
    let outcome = attack("deep_recursion.py");
    check(&outcome, Status::Failed, "RecursionError");
    assert_eq!(outcome.failures[0].line, 2);
}

#[test]
fn recursion_inside_the_interpreter_is_survived() {
    for stack in [2 << 20, 8 << 20] {
        let outcome = attack_in(&workspace(), script("deep_native_recursion.py"), Limits { stack, ..limits() });
        // Either Python notices in time, or the stack ends.
        match outcome.outcome {
            Status::Passed => assert!(outcome.stdout.starts_with("RecursionError\n"), "{outcome:#?}"),
            _ => check(&outcome, Status::Failed, "recursion too deep for the sandbox's stack of"),
        }
    }
}

#[test]
fn files_of_the_host_do_not_exist() {
    check(&attack("read_host_file.py"), Status::Refused, "not allowed in the sandbox: FileNotFoundError");
    check(&attack("read_above_workspace.py"), Status::Refused, "not allowed in the sandbox: PermissionError");
    check(&attack("read_everywhere.py"), Status::Passed, "");
    let outcome = attack("read_proc.py");
    check(&outcome, Status::Passed, "");
    assert_eq!(outcome.stdout, "[]\n");
    let outcome = attack("escape_by_link.py");
    check(&outcome, Status::Passed, "");
    assert_eq!(outcome.stdout, "[]\n");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_workspace_and_special_files_are_not_staged() {
    use std::os::unix::fs::symlink;
    let ws = workspace();
    let planted = |name: &str| ws.path().join(format!("planted_{name}"));
    symlink("/etc/passwd", planted("file")).unwrap();
    symlink("/etc", planted("folder")).unwrap();
    symlink("../../../../../../../../etc/passwd", planted("relative")).unwrap();
    symlink(planted("loop"), planted("loop")).unwrap();
    symlink(".", planted("self")).unwrap();
    symlink("harmless.py", planted("inside")).unwrap();
    assert!(Command::new("mkfifo").arg(planted("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(planted("socket")).unwrap();
    let outcome = attack_in(&ws, script("read_links.py"), limits());
    check(&outcome, Status::Refused, "PermissionError");
    assert_eq!(outcome.stdout, "['planted_inside']\n");
}

#[test]
fn the_workspace_cannot_be_changed() {
    let ws = workspace();
    let before = fs::read(ws.path().join("write_workspace.py")).unwrap();
    let names = || fs::read_dir(ws.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let listed = names();
    check(&attack_in(&ws, script("write_workspace.py"), limits()), Status::Refused, "PermissionError");
    assert_eq!(fs::read(ws.path().join("write_workspace.py")).unwrap(), before);
    assert_eq!(names(), listed);
}

#[test]
fn there_is_no_network() {
    for file in ["open_socket.py", "raw_socket.py", "fetch_url.py"] {
        check(&attack(file), Status::Refused, "tantu: ");
    }
}

#[test]
fn there_are_no_processes_and_no_threads() {
    for file in ["start_process.py", "fork.py", "start_thread.py"] {
        check(&attack(file), Status::Refused, "not allowed in the sandbox");
    }
}

#[test]
fn leaving_ends_the_run_only() {
    let outcome = attack("leave_at_once.py");
    check(&outcome, Status::Failed, "exited with a status other than 0");
    assert_eq!((outcome.stdout.as_str(), outcome.exit), ("before\n", Some(1)));
    let outcome = attack("leave_happily.py");
    assert_eq!((outcome.outcome, outcome.exit), (Status::Passed, Some(0)));
    let outcome = attack("leave.py");
    assert_eq!((outcome.outcome, outcome.exit, outcome.stdout.as_str()), (Status::Failed, Some(3), "before\n"));
    check(&attack("abort.py"), Status::Error, "the interpreter broke down");
}

#[test]
fn tests_cannot_pass_by_leaving() {
    let outcome = attack_in(&workspace(), Action::Pytest { targets: vec!["test_leave.py".into()] }, limits());
    check(&outcome, Status::Error, "ended the interpreter in the middle of the tests");
    assert_eq!((outcome.passed, outcome.failures[0].line), (1, 8), "{outcome:#?}");
}

#[test]
fn vandalism_is_forgotten() {
    for file in ["break_stdio.py", "shadow_interpreter.py"] {
        let outcome = attack(file);
        assert!([Status::Passed, Status::Failed, Status::Error].contains(&outcome.outcome), "{outcome:#?}");
    }
}

#[test]
fn paths_out_of_the_workspace_are_refused() {
    let ws = workspace();
    let outside = ["../secret.py", "/etc/passwd", "", ".", "a/../../b.py"];
    for path in outside {
        let actions = [
            script(path),
            Action::Doctest { path: path.into(), name: None },
            Action::Code { text: "1".into(), filename: path.into(), first_line: 1 },
        ];
        for action in actions {
            check(&attack_in(&ws, action, limits()), Status::Refused, "is not a path inside the workspace");
        }
        let overlay = vec![(path.into(), String::new())];
        let request = Request { overlay, ..ws.request(script("harmless.py")) };
        check(&run(&request), Status::Refused, "is not a path inside the workspace");
    }
    for target in ["../test_a.py::test_b", "/etc", "--version", "@harmless.py"] {
        let outcome = attack_in(&ws, Action::Pytest { targets: vec![target.into()] }, limits());
        check(&outcome, Status::Refused, "tantu: ");
    }
}

#[test]
fn a_workspace_that_is_not_there_is_refused() {
    let ws = workspace();
    let request = Request { root: ws.path().join("nowhere"), ..ws.request(script("harmless.py")) };
    check(&run(&request), Status::Refused, "cannot be read");
}
