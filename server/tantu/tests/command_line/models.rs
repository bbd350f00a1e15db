//! What becomes of the user's settings, and what a workspace cannot make of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::Project;

/// A model's server that gives every request the same answer.
struct Served {
    address: String,
    /// First line and body of each request.
    requests: Receiver<(String, String)>,
}

impl Served {
    fn start(answer: &str) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, requests) = channel();
        let answer = answer.to_owned();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let _ = sender.send((first.trim().to_owned(), String::from_utf8(body).unwrap()));
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{answer}"
                );
            }
        });
        Served { address, requests }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.requests.try_iter().collect()
    }
}

fn completion(code: &str) -> String {
    let content = format!("```python\n{code}\n```\nConfidence: 0.9\n");
    json!({
        "choices": [{ "message": { "role": "assistant", "content": content }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1000, "completion_tokens": 100 },
    })
    .to_string()
}

const TODO: &str =
    "def double(number: int) -> int:\n    \"\"\"Twice the number.\"\"\"\n    raise NotImplementedError\n";
const DONE: &str = "def double(number: int) -> int:\n    \"\"\"Twice the number.\"\"\"\n    return number * 2";

fn write_settings(project: &Project, text: &str) {
    let folder = project.cache.path().join("config/tantu");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
}

fn settings(address: &str) -> String {
    format!(
        "[models.local]\nprovider = \"openai-compatible\"\nbase-url = \"http://{address}/v1\"\nmodel = \"x\"\nprice = {{ input \
         = 1.0, output = 10.0 }}\n[propose]\nmodels = [\"local\"]\n"
    )
}

fn json_of(project: &Project, arguments: &[&str]) -> Value {
    let (_, stdout, stderr) = project.tantu(arguments);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
}

#[test]
fn a_proposal_is_made_of_what_an_editor_would_show() {
    let served = Served::start(&completion(DONE));
    let content = "BT /F 9 Tf (Doubling never overflows.) Tj ET";
    let pdf = format!(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj 2 0 obj << /Kids [3 0 R] >> endobj 3 0 obj << /Type \
         /Page /Resources << /Font << /F << /Subtype /Type1 >> >> >> /Contents 4 0 R >> endobj 4 0 obj << /Length {} >> \
         stream\n{content}\nendstream endobj trailer << /Root 1 0 R >>",
        content.len()
    );
    let project = Project::new(&[
        ("a.py", &TODO.replace("double", "double_it")),
        ("README.md", "# Numbers\n\n`double_it` never rounds.\n"),
        ("rules.pdf", &pdf),
        ("broken.pdf", "no such thing"),
        ("tantu.toml", "context.include = ['*.pdf']\n"),
    ]);
    write_settings(&project, &settings(&served.address));
    let (_, stdout, stderr) = project.tantu(&["propose", "implement-function", "a.py:1"]);
    let asked = served.asked();
    let (_, prompt) = asked.first().unwrap_or_else(|| panic!("nobody was asked: {stdout}{stderr}"));
    assert!(prompt.contains("never rounds") && prompt.contains("Doubling never overflows."), "{prompt}");
    let (_, stdout, _) = project.tantu(&["context", "a.py:1", "--explain"]);
    assert!(stdout.contains("- left out: broken.pdf, named in context.include: it is no PDF file"), "{stdout}");
}

#[test]
fn a_function_that_is_too_long_to_be_shown_is_not_asked_about() {
    let served = Served::start(&completion(DONE));
    let body: String = (0..3_000).map(|n| format!("    x{n} = {n}\n")).collect();
    let project = Project::new(&[("a.py", &format!("def f():\n{body}    raise NotImplementedError\n"))]);
    write_settings(&project, &settings(&served.address));
    let (status, stdout, stderr) = project.tantu(&["propose", "implement-function", "a.py:1"]);
    assert_eq!(status, 2, "{stdout}{stderr}");
    assert!(stdout.contains("`a.f`: the code is too long"), "{stdout}{stderr}");
    assert_eq!(served.asked(), []);
}

#[test]
fn prose_is_found_by_what_it_means_where_the_settings_say_so() {
    let answer = r#"{"data":[{"index":0,"embedding":[1,0]}]}"#;
    let served = Served::start(answer);
    let project = Project::new(&[
        ("a.py", TODO),
        ("docs/sums.md", "# Sums\n\nTwo equal addends make one product.\n"),
        ("tantu.toml", "context.embeddings = 'local'\n"),
    ]);
    write_settings(&project, &settings(&served.address));
    let explained = || project.tantu(&["context", "a.py:1", "--explain"]).1;
    assert!(!explained().contains("Sums"), "a workspace cannot ask for it");
    assert_eq!(served.asked(), []);
    write_settings(&project, &(settings(&served.address) + "[context]\nembeddings = \"local\"\n"));
    let found = explained();
    assert!(found.contains("passage    Sums (docs/sums.md:1): means what is looked for, as local sees it"), "{found}");
    let asked = served.asked();
    assert_eq!(asked.len(), 2, "the passage, and what is looked for: {asked:?}");
    assert!(asked[0].0.starts_with("POST /v1/embeddings ") && asked[0].1.contains("addends"), "{asked:?}");
    assert!(asked[1].1.contains("double"), "{asked:?}");
    explained();
    assert_eq!(served.asked().len(), 1, "the passage's vector is kept");
}

#[test]
fn a_workspace_can_neither_name_a_model_nor_redirect_one() {
    let (ours, theirs) = (Served::start(&completion(DONE)), Served::start(&completion(DONE)));
    let evil = settings(&theirs.address);
    let variables = format!(
        "OPENAI_BASE_URL=http://{0}/v1\nHTTP_PROXY=http://{0}\nXDG_CONFIG_HOME=.\nTANTU_CONFIG=tantu.toml\n",
        theirs.address
    );
    let in_pyproject = evil.replace("[models", "[tool.tantu.models").replace("[propose]", "[tool.tantu.propose]");
    let project = Project::new(&[
        ("a.py", TODO),
        ("pyproject.toml", &format!("[tool.tantu]\n\n{in_pyproject}")),
        ("tantu.toml", &evil),
        ("config.toml", &evil),
        ("tantu/config.toml", &evil),
        (".config/tantu/config.toml", &evil),
        (".env", &variables),
    ]);
    let propose = ["propose", "implement-function", "a.py:1", "--format", "json"];
    // Without settings of the user's own there is no model.
    let (status, _, stderr) = project.tantu(&propose);
    assert_eq!(status, 2);
    assert!(stderr.contains("no model is configured"), "{stderr}");
    // With them, theirs is asked and no other.
    write_settings(&project, &settings(&ours.address));
    let (_, stdout, stderr) = project.tantu(&propose);
    let summary: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    assert_eq!(summary["model"], "local", "{summary}");
    assert_eq!(ours.asked().len(), 1);
    assert_eq!(theirs.asked(), []);
}

#[test]
fn what_a_proposal_cost_can_be_read_and_the_same_one_costs_nothing() {
    let server = Served::start(&completion(DONE));
    let project = Project::new(&[("a.py", TODO)]);
    write_settings(&project, &(settings(&server.address) + "[audit]\nprompts = true\n"));
    assert_eq!(json_of(&project, &["usage", "--format", "json"]), json!([]));
    let propose = ["propose", "implement-function", "a.py:1", "--format", "json"];
    let first = json_of(&project, &propose);
    assert_eq!((&first["status"], &first["usage"]["cost"]), (&json!("ready"), &json!(0.002)), "{first}");
    let second = json_of(&project, &propose);
    assert_eq!(second["model"], "local, whose answer is from a moment ago");
    assert_eq!((&second["diff"], second["usage"]["cost"].as_f64()), (&first["diff"], None));
    assert_eq!(server.asked().len(), 1);

    let usage = json_of(&project, &["usage", "--format", "json"]);
    let sum = &usage[0];
    let expected = json!(["implement-function", "local", 2, 1000, 100, 0.002]);
    assert_eq!(json!([sum["assist"], sum["model"], sum["calls"], sum["input"], sum["output"], sum["cost"]]), expected);
    let (_, table, _) = project.tantu(&["usage"]);
    assert!(table.starts_with("day ") && table.contains("$0.0020"), "{table}");
    let audit = json_of(&project, &["audit", "--prompts", "--format", "json"]);
    let outcomes: Vec<_> = audit.as_array().unwrap().iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["cached", "end"]);
    assert!(audit[1]["prompt"].as_str().unwrap().contains("def double"));
    assert_eq!(audit[0]["prompt_hash"], audit[1]["prompt_hash"]);
}

#[test]
fn a_proposal_is_printed_or_applied_and_can_be_looked_up() {
    let server = Served::start(&completion(DONE));
    let project = Project::new(&[("a.py", TODO)]);
    write_settings(&project, &settings(&server.address));
    let propose = ["propose", "implement-function", "a.py:1"];
    let (status, diff, _) = project.tantu(&[&propose[..], &["--diff"]].concat());
    assert!(status == 0 && diff.starts_with("--- a/a.py\n") && diff.ends_with("+    return number * 2\n"), "{diff}");
    assert_eq!(project.read("a.py"), TODO);
    let (status, said, _) = project.tantu(&[&propose[..], &["--apply"]].concat());
    assert!(status == 0 && said.contains("applied: every check that could run passed"), "{said}");
    assert_eq!(project.read("a.py"), format!("{DONE}\n"));
    let listed = json_of(&project, &["evidence", "--format", "json"]);
    let states: Vec<_> = listed.as_array().unwrap().iter().map(|card| card["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "ready"]);
    // There is nothing left to implement.
    let (status, _, stderr) = project.tantu(&propose);
    assert!(status == 2 && stderr.contains("makes no sense here"), "{stderr}");
}

#[test]
fn a_yes_given_before_answers_no_question() {
    let asking =
        "import os\n\n\ndef double(number: int) -> int:\n    return getattr(os, 'sysco' + str(number)[:1])(number)\n";
    let server = Served::start(&completion(asking));
    let project = Project::new(&[("a.py", TODO)]);
    write_settings(&project, &settings(&server.address));
    let (status, said, _) = project.tantu(&["propose", "implement-function", "a.py:1", "--apply"]);
    assert!(status == 1 && said.contains("not applied: a check asks"), "{said}");
    assert_eq!(project.read("a.py"), TODO);
}

#[test]
fn recorded_replies_are_given_once_each_and_never_from_the_cache() {
    let project = Project::new(&[("a.py", TODO)]);
    let reply = |code: &str| json!({ "reply": format!("```python\n{code}\n```\n") });
    write_settings(
        &project,
        "[models.r]\nprovider = \"recorded\"\nreplies = \"r.json\"\n[propose]\nmodels = [\"r\"]\n",
    );
    let replies = json!([reply(&DONE.replace("number * 2", "nombre * 2")), reply(DONE)]);
    std::fs::write(project.cache.path().join("config/tantu/r.json"), replies.to_string()).unwrap();
    for _ in 0..2 {
        let summary = json_of(&project, &["propose", "implement-function", "a.py:1", "--format", "json"]);
        assert_eq!((&summary["status"], &summary["attempts"]), (&json!("ready"), &json!(2)), "{summary}");
        assert_eq!(summary["model"], "r (recorded)");
    }
}

#[test]
fn a_server_that_fails_is_named_by_the_doctor() {
    let project = Project::new(&[("a.py", TODO)]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    write_settings(&project, &settings(&nobody));
    for _ in 0..3 {
        assert_eq!(
            json_of(&project, &["propose", "implement-function", "a.py:1", "--format", "json"])["status"],
            "failed"
        );
    }
    let failing = &json_of(&project, &["doctor", "--format", "json"])["failing_servers"][0];
    assert_eq!((&failing["failures"], &failing["state"]), (&json!(3), &json!("open")), "{failing}");
    assert!(failing["retry_in"].as_i64().is_some_and(|left| (1..=60).contains(&left)), "{failing}");
    let (_, stdout, _) = project.tantu(&["doctor"]);
    assert!(
        stdout.contains(&format!("server       http://{nobody}: 3 failures in a row, not asked for another")),
        "{stdout}"
    );
    // Other processes leave it alone, too.
    let left_alone = json_of(&project, &["propose", "implement-function", "a.py:1", "--format", "json"]);
    assert!(left_alone["message"].as_str().unwrap().contains("is not asked for another"), "{left_alone}");
}

#[test]
fn models_are_listed_and_looked_up() {
    let server = Served::start(r#"{"data":[{"id":"x"}]}"#);
    let project = Project::new(&[]);
    write_settings(&project, &(settings(&server.address) + "[models.cloud]\nprovider = \"openai\"\nmodel = \"y\"\n"));
    let listed = json_of(&project, &["model", "list", "--format", "json"]);
    assert_eq!(listed["propose"], json!(["local"]));
    let problems: Vec<_> =
        listed["models"].as_array().unwrap().iter().map(|model| model["problem"].is_null()).collect();
    assert_eq!(problems, [std::env::var_os("OPENAI_API_KEY").is_some(), true]);
    assert_eq!(project.tantu(&["model", "check", "local"]), (0, "local: the server has x\n".into(), String::new()));
    let (status, _, stderr) = project.tantu(&["model", "check", "other"]);
    assert!(status == 2 && stderr.contains("it has: cloud, local"), "{stderr}");
}

#[test]
fn a_proxy_of_the_environment_is_for_others_than_this_machine() {
    let proxy = Served::start(r#"{"data":[{"id":"x"}]}"#);
    let project = Project::new(&[]);
    let url = format!("http://{}", proxy.address);
    let check = |base: &str| {
        write_settings(&project, &settings(base));
        project.tantu_with(&["model", "check", "local"], &[("HTTP_PROXY", &url), ("http_proxy", &url)])
    };
    assert_eq!(check("model.invalid").0, 0);
    assert_eq!(proxy.asked()[0].0, "GET http://model.invalid/v1/models HTTP/1.1");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (status, _, stderr) = check(&nobody);
    assert!(status == 2 && stderr.contains("cannot connect to"), "{stderr}");
    assert_eq!(proxy.asked(), []);
}

#[cfg(target_os = "linux")]
#[test]
fn keys_go_to_the_keyring_through_a_pipe() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new(&[]);
    let (tools, kept) = (project.cache.path().join("tools"), project.cache.path().join("kept"));
    std::fs::create_dir(&tools).unwrap();
    let program = tools.join("secret-tool");
    // Keeps what it reads, and the arguments with it.
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = store ]; then echo \"$@\" > {0}.arguments; cat > {0}; else cat {0} 2>/dev/null; fi\n",
        kept.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let server = Served::start(r#"{"data":[{"id":"x"}]}"#);
    write_settings(&project, &settings(&server.address).replace("price", "keyring = true\nprice"));
    let check = || project.tantu_with(&["model", "check", "local"], &[("PATH", &path)]);
    let (status, _, stderr) = check();
    assert!(status == 2 && stderr.contains("`tantu model login local`"), "{stderr}");

    let mut login = std::process::Command::new(env!("CARGO_BIN_EXE_tantu"))
        .args(["model", "login", "local"])
        .env("PATH", &path)
        .env("XDG_CONFIG_HOME", project.cache.path().join("config"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    login.stdin.take().unwrap().write_all(b"key-0123456789\n").unwrap();
    let output = login.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "the key of local is in the keyring\n");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "key-0123456789");
    let arguments = std::fs::read_to_string(kept.with_extension("arguments")).unwrap();
    assert!(!arguments.contains("0123456789"), "{arguments}");
    assert_eq!(check().0, 0);
}
