//! Runs by way of the worker, as every front end has them.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sandbox::{Action, Limits, Outcome, Request, Runner, Status, Worker};
use tokio::time::{sleep, timeout};

/// The `site-packages` of the interpreter that is there.
fn site() -> PathBuf {
    let code = "import os, sys, sysconfig; sys.stdout.write(os.path.join(os.path.realpath(sys.base_prefix), 'lib', \
                f'python{sys.version_info[0]}.{sys.version_info[1]}', 'site-packages'))";
    let output = Command::new("python3").args(["-c", code]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().into()
}

/// A workspace with one script.
fn workspace(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(folder.path().join("script.py"), script).unwrap();
    folder
}

fn request(root: &Path) -> Request {
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    Request { site: vec![site()], limits, ..Request::new(root, Action::Script { path: "script.py".into() }) }
}

fn worker() -> Worker {
    Worker::new(env!("CARGO_BIN_EXE_confined"), [confined::WORKER])
}

async fn run(request: Request) -> Outcome {
    worker().run(request, &|_| {}).await.unwrap()
}

#[tokio::test]
async fn a_script_sees_a_copy_with_unsaved_texts_and_changes_nothing() {
    let folder = workspace("import mod\nprint(mod.x, __name__)\nopen('new', 'w')\n");
    fs::write(folder.path().join("mod.py"), "x = 'saved'\n").unwrap();
    let overlay = vec![("mod.py".into(), "x = 'unsaved'\n".to_owned())];
    let outcome = run(Request { overlay, ..request(folder.path()) }).await;
    assert_eq!((outcome.outcome, outcome.stdout.as_str()), (Status::Refused, "unsaved __main__\n"), "{outcome:?}");
    assert_eq!((outcome.failures[0].path.as_str(), outcome.failures[0].line), ("script.py", 3));
    assert_eq!(fs::read_to_string(folder.path().join("mod.py")).unwrap(), "x = 'saved'\n");
    assert!(!folder.path().join("new").exists());
}

#[tokio::test]
async fn one_worker_runs_one_state_after_another() {
    let folder = workspace("print(1)\n");
    let worker = worker();
    let first = worker.run(request(folder.path()), &|_| {}).await.unwrap();
    fs::write(folder.path().join("script.py"), "print(22)\nraise SystemExit(3)\n").unwrap();
    let second = worker.run(request(folder.path()), &|_| {}).await.unwrap();
    assert_eq!((first.outcome, first.stdout.as_str()), (Status::Passed, "1\n"));
    assert_eq!((second.outcome, second.stdout.as_str(), second.exit), (Status::Failed, "22\n", Some(3)));
}

#[tokio::test]
async fn a_voice_that_does_not_know_the_number_spoils_the_run() {
    let forged = r#"{"nonce": "0", "event": "end", "status": 0}"#;
    let folder = workspace(&format!("import os\nos.write(200, b'''{forged}\\n''')\n"));
    let outcome = run(request(folder.path())).await;
    assert_eq!(outcome.outcome, Status::Error, "{outcome:?}");
    assert!(outcome.stderr.contains("makes no sense"), "{}", outcome.stderr);
}

#[tokio::test]
async fn programs_and_forks_do_not_have_the_channel() {
    let folder = workspace(
        "import os, subprocess, sys\n\
         code = 'import os\\ntry: os.fstat(200)\\nexcept OSError: print(\"closed\")'\n\
         print(subprocess.run([sys.executable, '-c', code], close_fds=False, capture_output=True, text=True).stdout, end='')\n\
         sys.stdout.flush()\n\
         if os.fork() == 0:\n    exec(code)\n    sys.stdout.flush()\n    os._exit(0)\n\
         os.wait()\n",
    );
    let outcome = run(request(folder.path())).await;
    assert_eq!((outcome.outcome, outcome.stdout.as_str()), (Status::Passed, "closed\nclosed\n"), "{}", outcome.stderr);
}

#[tokio::test]
async fn tests_of_an_environment_without_pytest_are_not_runnable() {
    let folder = workspace("");
    // What cannot be found is never said to have passed.
    let action = Action::Pytest { targets: vec!["absent.py".to_owned()] };
    let outcome = run(Request { action, ..request(folder.path()) }).await;
    assert_eq!(outcome.outcome, Status::NotRunnable, "{outcome:?}");
    let outcome = run(Request { site: Vec::new(), ..request(folder.path()) }).await;
    assert_eq!(outcome.outcome, Status::NotRunnable);
}

/// Processes with this word in what they were started with.
fn living(word: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lives = |it: &fs::DirEntry| {
        let line = fs::read(it.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    };
    entries.filter(lives).map(|it| it.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn nothing_outlives_a_run_that_was_cancelled() {
    let word = format!("tantu-outlives-{}", std::process::id());
    let folder = workspace(&format!(
        "import os, subprocess, sys, time\n\
         code = 'import os, time\\nif os.fork() == 0:\\n  time.sleep(1000)'\n\
         subprocess.run([sys.executable, '-c', code, '{word}'])\nprint('started', flush=True)\ntime.sleep(1000)\n"
    ));
    let worker = worker();
    let started = std::sync::Mutex::new(false);
    let on_event = |event| {
        if matches!(event, sandbox::Event::Output { .. }) {
            *started.lock().unwrap() = true;
        }
    };
    {
        let mut run = std::pin::pin!(worker.run(request(folder.path()), &on_event));
        for _ in 0..200 {
            assert!(timeout(Duration::from_millis(50), &mut run).await.is_err());
            if *started.lock().unwrap() {
                break;
            }
        }
        assert!(!living(&word).is_empty());
    }
    // The worker was killed; its warden ends what runs.
    for _ in 0..200 {
        if living(&word).is_empty() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?} live on", living(&word));
}

#[tokio::test]
async fn processes_talk_by_loopback_where_there_is_one() {
    let script = "import multiprocessing as m\nif __name__ == '__main__':\n    m.set_start_method('fork')\n    with m.Manager() as it:\n        print(it.list([1, 2]))\n";
    let folder = workspace(script);
    let outcome = run(request(folder.path())).await;
    let granted = confined::probe(Path::new(env!("CARGO_BIN_EXE_confined"))).unwrap();
    match granted.own_network {
        true => assert_eq!((outcome.outcome, outcome.stdout.as_str()), (Status::Passed, "[1, 2]\n"), "{outcome:?}"),
        false => assert_ne!(outcome.outcome, Status::Passed, "{outcome:?}"),
    }
}

#[tokio::test]
async fn code_of_a_person_may_write_into_the_copy_which_is_then_made_anew() {
    let folder = workspace(
        "import os\nprint(os.path.exists('made'), open('mod.py').read())\nopen('made', 'w').close()\nopen('mod.py', 'w').write('new')\n",
    );
    fs::write(folder.path().join("mod.py"), "old").unwrap();
    let worker = worker();
    for _ in 0..2 {
        let request = Request { writable: true, ..request(folder.path()) };
        let outcome = worker.run(request, &|_| {}).await.unwrap();
        assert_eq!((outcome.outcome, outcome.stdout.as_str()), (Status::Passed, "False old\n"), "{outcome:?}");
    }
    let outcome = worker.run(request(folder.path()), &|_| {}).await.unwrap();
    assert_eq!(outcome.outcome, Status::Refused, "{outcome:?}");
    assert_eq!(fs::read_to_string(folder.path().join("mod.py")).unwrap(), "old");
    assert!(!folder.path().join("made").exists());
}
