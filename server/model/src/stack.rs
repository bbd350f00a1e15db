//! From the user's settings to something that can be asked: the models of a list with all layers around them.

use std::sync::Arc;

use crate::config::{ModelConfig, Provider, Settings};
use crate::http::is_loopback;
use crate::layer::account::{Accounted, estimate};
use crate::layer::breaker::Guarded;
use crate::layer::cache::Remembered;
use crate::layer::failover::{Failover, Priced};
use crate::layer::in_flight::Joined;
use crate::layer::pace::Paced;
use crate::{Error, LanguageModel, Price, Request, State};

/// The models `names` of the settings, asked in this order. `reason` says why these, and is told to whoever waits.
///
/// # Errors
/// [`Error::Settings`] if one of them cannot be built, or if there is a cap on costs and no price to hold it by.
pub fn connect(
    settings: &Settings,
    names: &[String],
    reason: Option<String>,
    state: &Arc<State>,
) -> Result<Arc<dyn LanguageModel>, Error> {
    let mut models = Vec::new();
    let mut scope = blake3::Hasher::new();
    let mut is_recorded = false;
    for name in names {
        let config = settings.models.get(name).ok_or_else(|| settings.no_model("propose.models", name))?;
        let (model, price) = layered(settings, name, config, state)?;
        models.push((model, price));
        // Whatever is said about a model may change what it answers. Keys are not among that.
        scope.update(format!("{name}\0{config:?}\0").as_bytes());
        is_recorded |= config.provider == Provider::Recorded;
    }
    let scope = *scope.finalize().as_bytes();
    let model = Arc::new(Joined::new(Arc::new(Failover::new(models, reason)), state.clone(), scope));
    match state.journal() {
        Some(journal) if settings.cache.is_on() && !is_recorded => {
            Ok(Arc::new(Remembered::new(model, journal.clone(), scope, settings.cache.age())))
        }
        _ => Ok(model),
    }
}

/// What asking the first of the models `names` may cost, in millionths of a US dollar, where that is more than may be spent
/// without a word ([`crate::config::Limits::ask_above`]). An answer that is known already is counted like a new one.
pub fn needs_consent(settings: &Settings, names: &[String], request: &Request) -> Option<u64> {
    let config = settings.models.get(names.first()?)?;
    let server = (config.provider != Provider::Recorded).then(|| config.base().unwrap_or_default());
    let cost = price(config, server)?.of(estimate(request, config.max_output_tokens));
    settings.limits.ask_above.filter(|&above| cost > above).map(|_| cost)
}

fn layered(settings: &Settings, name: &str, config: &ModelConfig, state: &Arc<State>) -> Result<Priced, Error> {
    let (model, server) = state.built(name, config)?;
    let price = price(config, server.as_deref());
    Ok((surrounded(settings, name, config, state, (model, server))?, price))
}

/// A model of this section, which asks a server, with the layers around it that each model has of its own.
pub(crate) fn surrounded(
    settings: &Settings,
    name: &str,
    config: &ModelConfig,
    state: &Arc<State>,
    (model, server): (Arc<dyn LanguageModel>, Option<String>),
) -> Result<Arc<dyn LanguageModel>, Error> {
    let price = price(config, server.as_deref());
    if price.is_none() && settings.limits.bound_cost() {
        return Err(settings.wrong_model(
            name,
            "price",
            "is missing, and [limits] bounds costs; write price = { input = 3.0, output = 15.0 }, in US dollars for a \
             million tokens",
        ));
    }
    let model: Arc<dyn LanguageModel> = match server {
        None => model,
        Some(server) => {
            let guarded = Guarded::new(model, state.breaker(&server));
            match config.requests_per_minute {
                None => Arc::new(guarded),
                Some(limit) => Arc::new(Paced::new(guarded, state.pace(&server, limit))),
            }
        }
    };
    Ok(Arc::new(Accounted {
        model,
        provider: config.provider.name().to_owned(),
        server_model: config.model.clone().unwrap_or_default(),
        price,
        max_output: config.max_output_tokens,
        limits: settings.limits,
        keeps_prompts: settings.audit.prompts,
        state: state.clone(),
    }))
}

/// What the settings say; a server on this machine costs nothing.
fn price(config: &ModelConfig, server: Option<&str>) -> Option<Price> {
    let is_here = server.is_none_or(|server| server.parse().is_ok_and(|url| is_loopback(&url)));
    config.price.or(is_here.then_some(Price::FREE))
}

#[cfg(test)]
mod tests {
    use store::Journal;

    use super::*;
    use crate::testing::Server;
    use crate::testing::Step::Send;
    use crate::testing::{response, stream};
    use crate::{Progress, Prompt, Request, collect, config};

    const ANSWER: &str = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;

    fn settings(text: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        config::load(&file).unwrap()
    }

    fn state() -> (tempfile::TempDir, Arc<State>) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        (folder, State::new(Some(Arc::new(journal))))
    }

    fn request() -> Request {
        Request::redacted(Prompt { user: "greet".into(), ..Prompt::default() }).0.for_purpose("review")
    }

    #[test]
    fn consent_is_asked_for_what_may_cost_more() {
        let text = |price: &str, above: &str| {
            format!(
                "[models.a]\nprovider = \"openai-compatible\"\nmodel = \"x\"\nbase-url = \"http://model.invalid/v1\"\n\
                 max-output-tokens = 100\n{price}\n[propose]\nmodels = [\"a\"]\n[limits]\n{above}\n"
            )
        };
        let needed = |price: &str, above: &str| {
            let settings = settings(&text(price, above));
            needs_consent(&settings, &settings.propose.models, &request())
        };
        // 2 tokens of prompt and 100 of answer.
        let price = "price = { input = 1.0, output = 10.0 }";
        assert_eq!(needed(price, "ask-above = 0.001"), Some(1002));
        assert_eq!(needed(price, "ask-above = 0.0011"), None);
        assert_eq!(needed(price, ""), None);
        assert_eq!(needed("", "ask-above = 0.001"), None);
        assert_eq!(needed(&price.replace("1.0", "0.0").replace("10.0", "0.0"), "ask-above = 0"), None);
    }

    #[tokio::test]
    async fn a_question_passes_all_layers() {
        let down = Server::start((0..1).map(|_| vec![Send(response("401 x", &[], "{}"))]).collect()).await;
        let up = Server::start(vec![vec![Send(stream(&[ANSWER, "[DONE]"]))]]).await;
        let section = |name: &str, url: &str, more: &str| {
            format!(
                "[models.{name}]\nprovider = \"openai-compatible\"\nmodel = \"x\"\nbase-url = \"{url}/v1\"\n{more}\n"
            )
        };
        let text = section("a", &down.url, "requests-per-minute = 60")
            + &section("b", &up.url, "price = { input = 1.0, output = 2.0 }")
            + "[propose]\nmodels = [\"a\", \"b\"]\n[limits]\ncost-per-day = 1.0";
        let settings = settings(&text);
        let (_folder, state) = state();
        for round in 0..2 {
            // Made anew for every proposal; what is known stays.
            let reason = Some("because".to_owned());
            let model = connect(&settings, &settings.propose.models, reason, &state).unwrap();
            let mut heard = Vec::new();
            let reply = collect(&*model, request(), |progress| match progress {
                Progress::Begin { model, cached } => heard.push(format!("{model} {}", cached.is_some())),
                Progress::Note(note) => heard.push(note.split(':').next().unwrap().to_owned()),
                Progress::Text(_) => {}
            });
            let reply = reply.await.unwrap();
            let expected: &[&str] = match round {
                0 => &["because", "a false", "a gave no answer", "b false"],
                _ => &["b true"],
            };
            assert_eq!((reply.text.as_str(), heard), ("hi", expected.iter().map(|line| line.to_string()).collect()));
            assert_eq!(reply.cost, (round == 0).then_some(11));
        }
        let calls = state.journal().unwrap().calls(0, 9).unwrap();
        let mut outcomes: Vec<_> = calls.iter().map(|call| (&*call.model, &*call.outcome, call.cost)).collect();
        outcomes.sort_unstable();
        assert_eq!(outcomes, [("a", "status", Some(0)), ("b", "cached", Some(0)), ("b", "end", Some(11))]);
    }

    #[tokio::test]
    async fn caps_on_cost_need_prices_of_what_is_not_here() {
        let text = |url: &str| {
            format!(
                "[models.m]\nprovider = \"openai-compatible\"\nmodel = \"x\"\nbase-url = \"{url}\"\n[propose]\nmodels = \
                 [\"m\"]\n[limits]\ncost-per-day = 1.0"
            )
        };
        let (_folder, state) = state();
        let connect = |url: &str| connect(&settings(&text(url)), &["m".to_owned()], None, &state).map(drop);
        assert!(connect("http://model.invalid/v1").unwrap_err().to_string().contains("models.m.price: is missing"));
        assert_eq!(connect("http://127.0.0.1:1/v1"), Ok(()));
    }
}
