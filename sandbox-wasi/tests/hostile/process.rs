//! The worker process: what the system lets it do at most.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where cargo puts the example, seen from the test's own binary in `deps`.
fn worker() -> PathBuf {
    let target = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    target.join("examples/worker")
}

#[cfg(target_os = "linux")]
#[test]
fn the_worker_has_limits_of_its_own() {
    let mut child = Command::new(worker()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut hello = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut hello).unwrap();
    assert!(hello.contains("hello"), "{hello}");
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    // It ends with its input.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let hard = |name: &str| -> u64 {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(hard("Max core file size"), 0);
    assert!(hard("Max file size") <= 512 << 20);
    assert!(hard("Max open files") <= 512);
    assert!(hard("Max data size") <= 16 << 30);
}
