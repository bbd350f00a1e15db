//! Asking models something whose answer is no edit.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use context::{Context, Options};
use graph::{Analysis, SymbolId};
use model::config::Settings;
use model::{Denied, LanguageModel, Progress, Prompt, Reply, Request, StopReason};
use serde_json::Value;

use crate::consent::Consent;
use crate::contexts::Contexts;
use crate::effects::{BUDGET, Say, ago, models, relative};

/// What models can be asked that is no assist; in the settings these names stand beside those of assists.
pub const PURPOSES: [&str; 3] = [assists::review::NAME, "explain", "commit-message"];

/// The models of a list, and what to ask in their place.
type Connected = (Vec<String>, Arc<dyn LanguageModel>);

/// The models that the user's settings name.
pub struct Inquirer {
    settings: Settings,
    denied: Denied,
    /// The models that were asked last: recorded replies are given once each.
    connected: Mutex<Option<Connected>>,
    /// Who is asked before what may cost much; nobody where nobody can be.
    consent: Option<Consent>,
}

/// A question.
pub struct Inquiry {
    /// One of [`PURPOSES`].
    pub purpose: &'static str,
    /// How many call what it is about: what many depend on may be for another model.
    pub callers: usize,
    pub prompt: Prompt,
    /// The form that the answer has to have, as a JSON schema of an object.
    pub form: Option<Value>,
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

/// An answer.
pub struct Answer {
    /// Who gave it, in words.
    pub model: String,
    /// Secrets are back in place.
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

impl Inquirer {
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
        let denied = Denied::new(&settings.privacy.deny).map_err(|problem| format!("{}: {problem}", file.display()))?;
        let inquirer = Inquirer { settings, denied, connected: Mutex::default(), consent: None };
        inquirer.connect(&inquirer.settings.propose.models, None).map_err(|error| error.to_string())?;
        Ok(Some(inquirer))
    }

    /// The same, where somebody can be asked before what may cost much.
    pub(crate) fn with_consent(self, consent: Consent) -> Self {
        Inquirer { consent: Some(consent), ..self }
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

    /// Why nothing of the file at `path` is sent to anybody.
    ///
    /// # Errors
    /// With the reason, when that is so.
    pub fn admit(&self, analysis: &Analysis, path: &Path) -> Result<(), String> {
        let (root, inside): (PathBuf, PathBuf) = relative(path, analysis);
        match self.denied.is_denied(&root, &inside) {
            true => Err(format!(
                "{} may hold secrets, or is left out by .gitignore or your settings, and is never sent",
                path.display()
            )),
            false => Ok(()),
        }
    }

    /// What a model may see to judge `target`.
    pub fn context(&self, contexts: &Contexts, analysis: &Analysis, target: SymbolId) -> Context {
        let mut context = contexts.context(analysis, target, None, BUDGET, &Options::default(), None);
        let is_denied = |path: &str| analysis.roots().iter().any(|root| self.denied.is_denied(root, Path::new(path)));
        context.items.retain(|item| !is_denied(&item.path));
        context.documents.retain(|passage| !is_denied(&passage.path));
        context
    }

    /// Asks. `heard` is told the whole text so far, with placeholders where secrets are; `say` what is being done.
    ///
    /// # Errors
    /// When nobody answers, or the answer is a refusal; the message is for the user.
    pub async fn ask(
        &self,
        inquiry: Inquiry,
        say: Say<'_>,
        mut heard: impl FnMut(&str) + Send,
    ) -> Result<Answer, String> {
        let Inquiry { purpose, callers, prompt, form } = inquiry;
        let (request, redactions) = Request::redacted(prompt);
        let request = request.for_purpose(purpose);
        let request = match form {
            Some(schema) => request.in_form(assists::review::KEY, schema),
            None => request,
        };
        let hash = request.hash();
        let (names, reason) = self.settings.propose.route(purpose, callers);
        if let (Some(cost), Some(consent)) = (model::needs_consent(&self.settings, names, &request), &self.consent)
            && !consent(cost).await
        {
            return Err(format!("it may cost {}, and was not asked", model::dollars(cost)));
        }
        let asked = self.connect(names, reason).map_err(|error| error.to_string())?;
        let mut model = names.first().cloned().unwrap_or_default();
        let progress = |progress: Progress<'_>| match progress {
            Progress::Begin { model: name, cached: None } => {
                say(format!("asking {name}"));
                name.clone_into(&mut model);
            }
            Progress::Begin { model: name, cached: Some(age) } => {
                model = format!("{name}, whose answer is from {}", ago(age));
            }
            Progress::Note(note) => say(note.to_owned()),
            Progress::Text(text) => heard(text),
        };
        let Reply { text, reason, usage, cost } =
            model::collect(&*asked, request, progress).await.map_err(|error| error.to_string())?;
        match &reason {
            StopReason::Refused(why) if why.is_empty() => return Err(format!("{model} declined to answer")),
            StopReason::Refused(why) => return Err(format!("{model} declined to answer: {why}")),
            StopReason::Filtered => return Err(format!("a content filter stopped the answer of {model}")),
            _ => {}
        }
        let usage = usage.map_or((0, 0), |usage| (usage.input, usage.output));
        Ok(Answer {
            model,
            text: redactions.restore(&text),
            complete: !matches!(reason, StopReason::Length | StopReason::ContextFull),
            spent: Spent { input: usage.0, output: usage.1, cost },
            hash,
        })
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
    fn without_settings_there_is_no_model() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        assert!(Inquirer::configured(Some(&file)).unwrap().is_none());
        assert!(Inquirer::none(Some(&file)).contains("config.toml"));
        std::fs::write(&file, "[models.a]\nprovider = 1\n").unwrap();
        assert!(Inquirer::configured(Some(&file)).err().unwrap().contains("config.toml:2"));
    }
}
