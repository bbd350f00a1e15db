//! How long `explore` takes in a workspace, and how long it is from the start of `tantu mcp` to its first answer.
//!
//! `cargo run -p tests --example explore_timing -- FOLDER` asks for 200 names that are defined there: first alone, then attached to a
//! server as an editor runs it. `TANTU_BIN` names the program.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::agent::Agent;
use tests::wire::{read_message, write_message};
use tests::workspace::{Home, file_uri};

const QUESTIONS: usize = 200;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder is named");
    let root = Path::new(&folder).canonicalize().expect("the folder is there");
    let home = Home::new();
    let names = names(&root);
    println!("{} names, every {}th of what is defined", QUESTIONS, names.len() / QUESTIONS);
    for attempt in ["first", "second", "third"] {
        let start = Instant::now();
        let mut agent = Agent::start(&root, &home);
        let said = agent.call("explore", &json!({ "query": names[names.len() / 2] }));
        println!(
            "alone, {attempt} start to first answer: {:.0?}, complete: {}",
            start.elapsed(),
            said.structured["complete"]
        );
    }
    let mut agent = Agent::start(&root, &home);
    wait(&mut agent, &names[0], false);
    report("alone", times(&mut agent, &names));
    let mut editor = editor(&root, &home);
    wait(&mut agent, &names[0], true);
    report("attached", times(&mut agent, &names));
    // It is ours, and has nothing unsaved.
    let _ = editor.kill();
    let _ = editor.wait();
}

/// What is defined in the folder, in the order of its files.
fn names(root: &Path) -> Vec<String> {
    let (mut folders, mut names) = (vec![root.to_path_buf()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "py") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let defined = text.lines().filter_map(|line| {
                    let rest = line.trim_start().strip_prefix("def ").or_else(|| line.strip_prefix("class "))?;
                    Some(rest.split(['(', ':']).next()?.trim().to_owned())
                });
                names.extend(defined);
            }
        }
    }
    names.into_iter().collect()
}

/// Asks until everything is known.
fn wait(agent: &mut Agent, name: &str, attached: bool) {
    let end = Instant::now() + Duration::from_secs(300);
    loop {
        let said = agent.call("explore", &json!({ "query": name }));
        if said.structured["complete"] == true && said.structured["attached"] == attached {
            return;
        }
        assert!(Instant::now() < end, "it is not complete: {}", said.structured);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn times(agent: &mut Agent, names: &[String]) -> Vec<Duration> {
    let step = (names.len() / QUESTIONS).max(1);
    let asked = names.iter().step_by(step).take(QUESTIONS);
    let mut times: Vec<Duration> = asked
        .map(|name| {
            let start = Instant::now();
            agent.call("explore", &json!({ "query": name }));
            let time = start.elapsed();
            // Not more than are answered in a minute.
            std::thread::sleep(Duration::from_millis(220).saturating_sub(time));
            time
        })
        .collect();
    times.sort();
    times
}

fn report(what: &str, times: Vec<Duration>) {
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what}: explore p50 {:.1?}, p95 {:.1?}, p99 {:.1?}", at(50), at(95), at(99));
}

/// A server as an editor starts it.
fn editor(root: &Path, home: &Home) -> Child {
    let mut process = Command::new(tests::server_binary())
        .arg("lsp")
        .env_clear()
        .envs(home.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let input = process.stdin.as_mut().expect("a pipe");
    let params = json!({ "processId": null, "rootUri": file_uri(root), "capabilities": {} });
    write_message(input, &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }))
        .expect("it reads");
    write_message(input, &json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} })).expect("it reads");
    let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
    std::thread::spawn(move || while let Ok(Some(_)) = read_message(&mut output) {});
    process
}
