//! The one way to the models that the user's settings name: which is asked, what is never sent, who is asked before it costs
//! much, and how an answer comes back with its secrets in place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use assists::AssistId;
use graph::Analysis;
use model::config::Settings;
use model::{Denied, LanguageModel, Progress, Prompt, Reply, Request, StopReason};
use serde_json::Value;
use store::Journal;

use crate::consent::Consent;

/// What models can be asked that is no assist; in the settings these names stand beside those of assists.
pub const PURPOSES: [&str; 3] = [assists::review::NAME, "explain", "commit-message"];

/// Told, in a few words, what is being done.
pub type Say<'a> = &'a (dyn Fn(String) + Send + Sync);

static JOURNAL: OnceLock<PathBuf> = OnceLock::new();

/// Has what models are asked, and what it costs, kept in the file `path`. To be called before anything else here; without it
/// nothing is kept.
pub fn keep_journal(path: PathBuf) {
    // Only one file for a process.
    let _ = JOURNAL.set(path);
}

/// What is known of the models' servers, and what they cost: for the whole process.
pub fn models() -> &'static Arc<model::State> {
    static STATE: LazyLock<Arc<model::State>> = LazyLock::new(|| {
        let journal = JOURNAL.get().and_then(|path| {
            let journal = Journal::open(path);
            journal.inspect_err(|error| tracing::warn!("what models cost is not kept: {error}")).ok()
        });
        model::State::new(journal.map(Arc::new))
    });
    &STATE
}

/// The models of a list, and what to ask in their place.
type Connected = (Vec<String>, Arc<dyn LanguageModel>);

/// The models that the user's settings name.
pub struct ModelClient {
    settings: Settings,
    denied: Arc<Denied>,
    /// The models that were asked last: recorded replies are given once each.
    connected: Mutex<Option<Connected>>,
    /// Who is asked before what may cost much; nobody where nobody can be.
    consent: Option<Consent>,
}

/// A question.
pub struct Question {
    /// One of [`PURPOSES`], or the name of an assist.
    pub purpose: &'static str,
    /// How many call what it is about: what many depend on may be for another model.
    pub callers: usize,
    /// How many of the models that are for this are passed over.
    pub passed_over: usize,
    pub prompt: Prompt,
    /// The form that the answer has to have, as a JSON schema of an object.
    pub form: Option<Value>,
}

/// What a model has said.
pub struct Answered {
    /// Who, in words.
    pub model: String,
    /// Secrets are back in place.
    pub reply: Reply,
    /// Of the question, by which [`ModelClient::forget`] finds the answer.
    pub hash: String,
}

/// Why there is no answer.
pub enum NotAnswered {
    /// All models that are for this were passed over.
    NoOtherModel,
    /// It may cost so much, in millionths of a US dollar, and that was not wanted.
    NotWanted(u64),
    Failed {
        model: String,
        error: model::Error,
    },
}

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Spent {
    pub input: u64,
    pub output: u64,
    /// In millionths of a US dollar, where the price is known.
    pub cost: Option<u64>,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.input += other.input;
        self.output += other.output;
        self.cost = [self.cost, other.cost].into_iter().flatten().reduce(|a, b| a + b);
    }
}

/// An answer that is no edit.
pub struct Answer {
    /// Who gave it, in words.
    pub model: String,
    pub text: String,
    /// Whether it has its end.
    pub complete: bool,
    pub spent: Spent,
    hash: String,
}

impl Answer {
    /// It was of no use: the same question gets another answer the next time.
    pub fn forget(&self) {
        models().forget(&self.hash);
    }
}

impl ModelClient {
    /// The models that the user's settings in `file` name; `None` if they name none.
    ///
    /// # Errors
    /// When the settings are wrong; the message is for the user, and names the file.
    pub fn configured(file: Option<&Path>) -> Result<Option<Self>, String> {
        let Some(file) = file else { return Ok(None) };
        let settings = model::config::load(file).map_err(|error| error.to_string())?;
        if settings.propose.models.is_empty() {
            return Ok(None);
        }
        let name = file.display();
        let is_assist = |name: &&String| !PURPOSES.contains(&name.as_str());
        for assist in settings.propose.assists.keys().filter(is_assist) {
            assist.parse::<AssistId>().map_err(|problem| format!("{name}: propose.assists: {problem}"))?;
        }
        let denied = denied(&settings, file)?;
        let client = ModelClient { settings, denied, connected: Mutex::default(), consent: None };
        // Mistakes are better heard of before anything is computed.
        client.connect(&client.settings.propose.models, None).map_err(|error| error.to_string())?;
        Ok(Some(client))
    }

    /// As [`Self::configured`]; that the settings name no model is an error, which says how to describe one.
    ///
    /// # Errors
    /// As [`Self::configured`].
    pub fn required(file: Option<&Path>) -> Result<Self, String> {
        Self::configured(file)?.ok_or_else(|| Self::none(file))
    }

    /// The same, where somebody can be asked before what may cost much.
    pub fn with_consent(self, consent: Consent) -> Self {
        ModelClient { consent: Some(consent), ..self }
    }

    /// Says how to describe a model.
    pub fn none(file: Option<&Path>) -> String {
        match file {
            Some(file) => {
                format!("no model is configured: describe one in {}, and name it in [propose] there", file.display())
            }
            None => "no model is configured, and there is no home directory to look for config.toml in".to_owned(),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is never sent.
    pub fn denied(&self) -> &Arc<Denied> {
        &self.denied
    }

    /// Why nothing of the file at `path` is sent to anybody.
    ///
    /// # Errors
    /// With the reason, when that is so.
    pub fn check_allowed(&self, analysis: &Analysis, path: &Path) -> Result<(), String> {
        match is_denied(&self.denied, analysis, path) {
            true => Err(format!(
                "{} may hold secrets, or is left out by .gitignore or your settings, and is never sent",
                path.display()
            )),
            false => Ok(()),
        }
    }

    /// Asks the first model that is for this; if it does not answer, the next one. `heard` is told the whole text so far, with
    /// placeholders where secrets are.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn ask(
        &self,
        question: Question,
        say: Say<'_>,
        mut heard: impl FnMut(&str, &str) + Send,
    ) -> Result<Answered, NotAnswered> {
        let Question { purpose, callers, passed_over, prompt, form } = question;
        let (request, redactions) = Request::redacted(prompt);
        let request = request.for_purpose(purpose);
        let request = match form {
            Some(schema) => request.in_form(assists::review::KEY, schema),
            None => request,
        };
        let hash = request.hash();
        let (names, reason) = self.settings.propose.route(purpose, callers);
        let Some(names @ [first, ..]) = names.get(passed_over..) else { return Err(NotAnswered::NoOtherModel) };
        if let (Some(cost), Some(consent)) = (model::needs_consent(&self.settings, names, &request), &self.consent)
            && !consent(cost).await
        {
            return Err(NotAnswered::NotWanted(cost));
        }
        let mut model = first.clone();
        let asked = match self.connect(names, reason) {
            Ok(asked) => asked,
            Err(error) => return Err(NotAnswered::Failed { model, error }),
        };
        let progress = |progress: Progress<'_>| match progress {
            Progress::Begin { model: name, cached: None } => {
                say(format!("asking {name}"));
                name.clone_into(&mut model);
            }
            Progress::Begin { model: name, cached: Some(age) } => {
                model = format!("{name}, whose answer is from {}", ago(age));
                say(format!("{name} was asked the same {}; that answer is used again", ago(age)));
            }
            Progress::Note(note) => {
                tracing::info!("{note}");
                say(note.to_owned());
            }
            Progress::Text(text) => heard(&model, text),
        };
        match model::collect(&*asked, request, progress).await {
            Ok(mut reply) => {
                reply.text = redactions.restore(&reply.text);
                Ok(Answered { model, reply, hash })
            }
            Err(error) => Err(NotAnswered::Failed { model, error }),
        }
    }

    /// As [`Self::ask`], for an answer that is no edit.
    ///
    /// # Errors
    /// When nobody answers, or the answer is a refusal; the message is for the user.
    pub async fn consult(
        &self,
        question: Question,
        say: Say<'_>,
        mut heard: impl FnMut(&str) + Send,
    ) -> Result<Answer, String> {
        let Answered { model, reply, hash } =
            self.ask(question, say, |_, text| heard(text)).await.map_err(|problem| problem.to_string())?;
        let Reply { text, reason, usage, cost } = reply;
        match &reason {
            StopReason::Refused(why) if why.is_empty() => return Err(format!("{model} declined to answer")),
            StopReason::Refused(why) => return Err(format!("{model} declined to answer: {why}")),
            StopReason::Filtered => return Err(format!("a content filter stopped the answer of {model}")),
            _ => {}
        }
        let (input, output) = usage.map_or((0, 0), |usage| (usage.input, usage.output));
        let complete = !matches!(reason, StopReason::Length | StopReason::ContextFull);
        Ok(Answer { model, text, complete, spent: Spent { input, output, cost }, hash })
    }

    fn connect(&self, names: &[String], reason: Option<String>) -> Result<Arc<dyn LanguageModel>, model::Error> {
        // It is there in full or not.
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, model)) = connected.as_ref().filter(|(known, _)| known == names) {
            return Ok(model.clone());
        }
        let model = model::connect(&self.settings, names, reason, models())?;
        *connected = Some((names.to_vec(), model.clone()));
        Ok(model)
    }
}

impl std::fmt::Display for NotAnswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotAnswered::NoOtherModel => f.write_str("there is no other model to ask"),
            NotAnswered::NotWanted(cost) => write!(f, "it may cost {}, and was not asked", model::dollars(*cost)),
            NotAnswered::Failed { error, .. } => error.fmt(f),
        }
    }
}

/// What the settings in `file` never send.
///
/// # Errors
/// When they are wrong; the message is for the user, and names the file.
pub(crate) fn denied(settings: &Settings, file: &Path) -> Result<Arc<Denied>, String> {
    let denied = Denied::new(&settings.privacy.deny);
    denied.map(Arc::new).map_err(|problem| format!("{}: {problem}", file.display()))
}

/// Whether nothing of the file at `path` is sent: what lies outside of the workspace is judged by its whole path.
pub(crate) fn is_denied(denied: &Denied, analysis: &Analysis, path: &Path) -> bool {
    denied.is_denied(analysis.root_of(path).unwrap_or(Path::new("")), analysis.inside_root(path))
}

/// Counts the lines of a text that grows, each byte once: it is told the whole text each time.
pub fn growing_lines() -> impl FnMut(&str) -> usize {
    let (mut seen, mut ends) = (0, 0);
    move |text| {
        // Another model has begun anew.
        if text.len() < seen {
            (seen, ends) = (0, 0);
        }
        ends += text.as_bytes()[seen..].iter().filter(|byte| **byte == b'\n').count();
        seen = text.len();
        ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
    }
}

/// `3 minutes ago`
pub fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => "a moment ago".to_owned(),
        1 => "1 minute ago".to_owned(),
        2..120 => format!("{minutes} minutes ago"),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 60 / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_a_cost_where_any_part_has() {
        let mut sum = Spent::default();
        sum += Spent { input: 1, output: 2, cost: None };
        assert_eq!(sum.cost, None);
        sum += Spent { input: 1, output: 2, cost: Some(5) };
        sum += Spent { input: 1, output: 2, cost: Some(7) };
        assert_eq!(sum, Spent { input: 3, output: 6, cost: Some(12) });
    }

    #[test]
    fn lines_of_a_growing_text_are_those_of_the_text() {
        let mut lines = growing_lines();
        for text in ["", "a", "a\n", "a\nb\nc", "a\nb\nc\n\n", "x", "x\ny"] {
            assert_eq!(lines(text), text.lines().count(), "{text:?}");
        }
    }

    #[test]
    fn without_settings_there_is_no_model() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        assert!(ModelClient::configured(Some(&file)).unwrap().is_none());
        assert!(ModelClient::none(Some(&file)).contains("config.toml"));
        std::fs::write(&file, "[models.a]\nprovider = 1\n").unwrap();
        assert!(ModelClient::configured(Some(&file)).err().unwrap().contains("config.toml:2"));
    }
}
