use std::path::Path;
use std::sync::Arc;

use super::build::build_with;
use super::*;
use crate::testing::{Server, Step, response, stream};
use crate::{LanguageModel, Prompt, Request, collect};

fn load_text(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let place = format!("{}/", folder.path().display());
    load(&path).map_err(|error| error.to_string().replace(&place, ""))
}

fn build_text(section: &str, variables: &[(&str, &str)]) -> Result<Arc<dyn LanguageModel>, String> {
    let settings = load_text(&format!("[models.m]\n{section}"))?;
    let mut config = settings.models["m"].clone();
    config.file = Some("config.toml".into());
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
    build_with("m", &config, variable).map(|(model, _)| model).map_err(|error| error.to_string())
}

#[test]
fn settings_file_with_everything() {
    let settings = load_text(
        r#"
        [models.local]
        provider = "openai-compatible"
        base-url = "http://127.0.0.1:8080/v1"
        model = "some-name"
        api-key-env = "LOCAL_KEY"
        max-output-tokens = 2048
        temperature = 0.2
        timeouts = { connect = 0.5, total = 60 }
        [models.cloud]
        provider = "huggingface"
        model = "a/b"
        [propose]
        models = ["local", "cloud"]
        "#,
    )
    .unwrap();
    assert_eq!(
        settings.propose,
        ProposeConfig { models: vec!["local".into(), "cloud".into()], ..ProposeConfig::default() }
    );
    let local = &settings.models["local"];
    assert_eq!(local.provider, Provider::OpenAiCompatible);
    assert_eq!(local.timeouts.connect.as_millis(), 500);
    assert_eq!(local.timeouts.stalled, Timeouts::default().stalled);
    assert_eq!(settings.models["cloud"].max_output_tokens, None);
}

#[test]
fn no_file_means_no_models() {
    assert_eq!(load(Path::new("/nowhere/config.toml")), Ok(Settings::default()));
}

#[test]
fn mistakes_name_file_line_and_key() {
    for (text, expected) in [
        (
            "[models.m]\nprovider = \"ollama\"\nbase_url = \"x\"",
            "config.toml:3: models.m: unknown field `base_url`, expected one of",
        ),
        (
            "[models.m]\nprovider = \"gpt\"",
            "config.toml:2: models.m.provider: unknown variant `gpt`, expected one of `anthropic`",
        ),
        ("[models.m]\nmodel = \"x\"", "config.toml:1: models.m: missing field `provider`"),
        (
            "[models.m]\nprovider = \"ollama\"\ntemperature = \"hot\"",
            "config.toml:3: models.m.temperature: invalid type: string \"hot\", expected f64",
        ),
        (
            "[models.m]\nprovider = \"ollama\"\n[models.m.timeouts]\ntotal = -1",
            "config.toml:4: models.m.timeouts.total: -1 is not a number of seconds",
        ),
        ("[model]\n", "config.toml:1: settings: unknown field `model`, expected one of `models`, `propose`"),
        ("[models.m]\nprovider = ", "config.toml:2: settings: "),
        (
            "[propose]\nmodels = [\"m\"]",
            "config.toml: propose.models: there is no model `m`; describe it in a section [models.m]",
        ),
        (
            "[models.m]\nprovider = \"ollama\"\n[propose.assists]\nreview = [\"n\"]",
            "config.toml: propose.assists.review: there is no model `n`, only m",
        ),
        ("[limits]\ncost-per-day = -1", "config.toml:2: limits.cost-per-day: -1 is not a sum"),
        (
            "[models.m]\nprovider = \"ollama\"\nprice = { input = -1, output = 0 }",
            "config.toml: models.m.price: must be US dollars",
        ),
        (
            "[models.m]\nprovider = \"ollama\"\nkeyring = true\napi-key-env = \"K\"",
            "config.toml: models.m.keyring: and api-key-env are two places",
        ),
        (
            "[propose]\ntypes = \"mypy\"",
            "config.toml:2: propose.types: unknown variant `mypy`, expected one of `built-in`, `project`, `off`",
        ),
        ("[propose]\ntypes = \"project\"", "config.toml: propose.types-command: goes with types = \"project\""),
        ("[propose]\ntypes-command = [\"mypy\"]", "config.toml: propose.types-command: goes with types = \"project\""),
        ("[propose]\nmax-attempts = 0", "config.toml: propose.max-attempts: must be from 1 to 10"),
    ] {
        let error = load_text(text).unwrap_err();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

#[test]
fn a_key_written_into_the_file_is_not_repeated() {
    let key = ["sk-ant", "-api03-0123456789abcdef"].concat();
    for line in [format!("api-key = \"{key}\""), format!("api-key-env = \"{key}\""), format!("api-key-env = {key}")] {
        let error = build_text(&format!("provider = \"openai\"\nmodel = \"x\"\n{line}"), &[]).err().unwrap();
        assert!(error.contains("config.toml") && !error.contains("0123456789"), "{error}");
    }
}

#[test]
fn models_that_can_be_built() {
    for (section, variables) in [
        ("provider = \"ollama\"\nmodel = \"x\"", &[][..]),
        ("provider = \"openai\"\nmodel = \"x\"", &[("OPENAI_API_KEY", "k")]),
        ("provider = \"huggingface\"\nmodel = \"x\"", &[("HF_TOKEN", "k\n")]),
        ("provider = \"openai\"\nmodel = \"x\"\nbase-url = \"http://h/v1\"", &[]),
        (
            "provider = \"openai-compatible\"\nmodel = \"x\"\nbase-url = \"http://h:1/v1/\"\napi-key-env = \"K\"",
            &[("K", "k")],
        ),
    ] {
        assert_eq!(build_text(section, variables).unwrap().name(), "m");
    }
}

#[tokio::test]
async fn what_is_built_asks_as_configured() {
    let answer = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
    for (provider, field) in [("openai", "max_completion_tokens"), ("huggingface", "max_tokens")] {
        let mut server = Server::start(vec![vec![Step::Send(stream(&[answer, "[DONE]"]))]]).await;
        let section = format!(
            "provider = \"{provider}\"\nmodel = \"x\"\nbase-url = \"{}/v1\"\napi-key-env = \"K\"\nmax-output-tokens = 9",
            server.url
        );
        let model = build_text(&section, &[("K", "secret-key")]).unwrap();
        let (request, _) = Request::redacted(Prompt { user: "greet".into(), ..Prompt::default() });
        assert_eq!(collect(&*model, request, |_| {}).await.unwrap().text, "hi");
        let sent = server.request().await;
        assert!(sent.starts_with("POST /v1/chat/completions "), "{sent}");
        assert!(sent.contains("authorization: Bearer secret-key"), "{sent}");
        let body: serde_json::Value = serde_json::from_str(sent.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!((&body[field], &body["temperature"]), (&9.into(), &serde_json::Value::Null));
    }
}

#[tokio::test]
async fn the_path_is_added_to_the_base() {
    let answer = response("404 x", &[], "");
    for (provider, base, expected) in [
        ("openai-compatible", "/v1", "POST /v1/chat/completions "),
        ("openai-compatible", "/v1/", "POST /v1/chat/completions "),
        ("openai-compatible", "", "POST /v1/chat/completions "),
        ("openai-compatible", "//", "POST /chat/completions "),
        ("openai", "/openai?api-version=1", "POST /openai/chat/completions?api-version=1 "),
        ("anthropic", "/v1", "POST /v1/messages "),
        ("anthropic", "", "POST /v1/messages "),
        ("anthropic", "/behind/a/proxy", "POST /behind/a/proxy/v1/messages "),
        ("ollama", "", "POST /api/chat "),
        ("ollama", "/v1", "POST /api/chat "),
        ("ollama", "/behind/a/proxy/", "POST /behind/a/proxy/api/chat "),
    ] {
        let mut server = Server::start(vec![vec![Step::Send(answer.clone())]]).await;
        let section = format!("provider = \"{provider}\"\nmodel = \"x\"\nbase-url = \"{}{base}\"", server.url);
        let model = build_text(&section, &[]).unwrap();
        let (request, _) = Request::redacted(Prompt::default());
        assert!(collect(&*model, request, |_| {}).await.is_err());
        let sent = server.request().await;
        assert!(sent.starts_with(expected), "{sent}");
    }
}

#[test]
fn models_that_cannot() {
    let compatible = "provider = \"openai-compatible\"\nmodel = \"x\"\n";
    for (section, expected) in [
        (
            "provider = \"anthropic\"\nmodel = \"x\"".to_owned(),
            "api-key-env: the environment variable ANTHROPIC_API_KEY is not set",
        ),
        ("provider = \"anthropic\"\nmodel = \"x\"\ntemperature = 0.5".to_owned(), "temperature: is no longer part of"),
        ("provider = \"openai\"\nmodel = \"x\"\nnum-ctx = 4096".to_owned(), "num-ctx: is only for provider"),
        ("provider = \"ollama\"\nmodel = \"x\"\nnum-ctx = 4".to_owned(), "num-ctx: must be at least 512"),
        ("provider = \"ollama\"".to_owned(), "model: is missing"),
        (compatible.to_owned(), "base-url: is missing"),
        (format!("{compatible}base-url = \"localhost\""), "base-url: is not a URL"),
        (format!("{compatible}base-url = \"ftp://h\""), "base-url: must begin with http"),
        (format!("{compatible}base-url = \"http://u:p@h\""), "base-url: must not hold a name or password"),
        (format!("{compatible}base-url = \"http://h\"\ntemperature = 3"), "temperature: must be from 0 to 2"),
        (
            format!("{compatible}base-url = \"http://h\"\nmax-output-tokens = 0"),
            "max-output-tokens: must be at least 1",
        ),
        (format!("{compatible}base-url = \"http://h\"\nreplies = \"r\""), "replies: is only for"),
        (
            "provider = \"openai\"\nmodel = \"x\"".to_owned(),
            "api-key-env: the environment variable OPENAI_API_KEY is not set",
        ),
        (
            "provider = \"openai\"\nmodel = \"x\"\napi-key-env = \"BAD\"".to_owned(),
            "api-key-env: the environment variable BAD is empty or holds more",
        ),
        ("provider = \"recorded\"".to_owned(), "replies: is missing"),
        ("provider = \"recorded\"\nmodel = \"x\"".to_owned(), "model: means nothing for recorded replies"),
        ("provider = \"recorded\"\nreplies = \"no.json\"".to_owned(), "replies: cannot read no.json"),
    ] {
        let error = build_text(&section, &[("BAD", "two words")]).err().unwrap();
        assert!(error.starts_with(&format!("config.toml: models.m.{expected}")), "{section}\n{error}");
    }
}
