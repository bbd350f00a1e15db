//! How a family of models wants to be told what it is and what it must do.

use futures::future::BoxFuture;

use crate::config::ModelConfig;
use crate::{Deltas, Error, LanguageModel, Request};

/// Families without a role for the system, by how the names of their models begin: their vendors say that such rules belong
/// into what the user says, and what servers do with them otherwise differs.
const WITHOUT_SYSTEM: &[&str] = &["gemma", "deepseek-r1", "mistral-7b-instruct", "mixtral-8x7b-instruct"];

/// What becomes of the two parts of a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Template {
    /// The rules are the beginning of what the user says.
    system_in_user: bool,
    /// What follows the rules.
    addition: Option<String>,
}

impl Template {
    /// That of the family, as far as the settings say nothing else.
    pub(crate) fn of(config: &ModelConfig) -> Template {
        let name = config.model.as_deref().unwrap_or_default().to_lowercase();
        // `google/gemma-3-27b-it` on a router, `gemma3:27b` in Ollama.
        let name = name.rsplit('/').next().unwrap_or_default();
        let has_none = || WITHOUT_SYSTEM.iter().any(|family| name.starts_with(family));
        Template {
            system_in_user: config.system_role.map_or_else(has_none, |has_role| !has_role),
            addition: config.system_prompt.clone().filter(|text| !text.trim().is_empty()),
        }
    }

    fn apply(&self, request: Request) -> Request {
        let mut system = request.system().to_owned();
        if let Some(addition) = &self.addition {
            let gap = if system.is_empty() { "" } else { "\n" };
            system = format!("{}{gap}{}", system.trim_end(), addition.trim());
        }
        match self.system_in_user && !system.is_empty() {
            true => {
                let user = format!("{}\n\n{}", system.trim_end(), request.user());
                request.written(String::new(), user)
            }
            false => {
                let user = request.user().to_owned();
                request.written(system, user)
            }
        }
    }
}

/// A model that is told things in its own way.
pub(crate) struct Templated<M> {
    pub(crate) model: M,
    pub(crate) template: Template,
}

impl<M: LanguageModel> LanguageModel for Templated<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        match self.template == Template::default() {
            true => self.model.generate(request),
            false => self.model.generate(self.template.apply(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prompt;

    /// System and user as they are sent.
    fn told(model: &str, more: &str) -> (String, String) {
        let config = format!("provider = \"openai-compatible\"\nmodel = \"{model}\"\n{more}");
        let config: ModelConfig = toml::from_str(&config).unwrap();
        let (request, _) = Request::redacted(Prompt { system: "rules\n".into(), user: "ask".into() });
        let request = Template::of(&config).apply(request);
        (request.system().to_owned(), request.user().to_owned())
    }

    #[test]
    fn some_families_have_no_role_for_the_system() {
        let both = || ("rules\n".to_owned(), "ask".to_owned());
        let one = || (String::new(), "rules\n\nask".to_owned());
        for model in ["google/gemma-3-27b-it", "gemma3:12b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"] {
            assert_eq!(told(model, ""), one(), "{model}");
            assert_eq!(told(model, "system-role = true"), both(), "{model}");
        }
        assert_eq!(told("qwen3:8b", ""), both());
        assert_eq!(told("qwen3:8b", "system-role = false"), one());
    }

    #[test]
    fn the_users_own_words_follow_the_rules() {
        assert_eq!(told("x", "system-prompt = \" /no_think \"").0, "rules\n/no_think");
        assert_eq!(told("gemma3", "system-prompt = \"Be brief.\"").1, "rules\nBe brief.\n\nask");
        assert_eq!(told("x", "system-prompt = \" \"").0, "rules\n");
    }
}
