//! What is sent to a model. The only way to make a [`Request`] leads through redaction.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::redact::Redactions;

/// A prompt as its author wrote it, secrets and all.
#[derive(Clone, Default)]
pub struct Prompt {
    /// Who the model is to be and the rules it must keep; can be empty.
    pub system: String,
    /// What is asked, with its context.
    pub user: String,
}

/// A prompt that is fit to be sent: what looked like a secret is a placeholder.
#[derive(Clone)]
pub struct Request {
    system: Arc<str>,
    user: Arc<str>,
    purpose: Arc<str>,
    form: Option<Arc<Form>>,
}

/// What an answer that is data has to look like.
#[derive(Debug)]
pub(crate) struct Form {
    /// Letters, digits, `_` and `-`.
    pub(crate) name: &'static str,
    /// A JSON schema, of an object.
    pub(crate) schema: Value,
}

impl Request {
    /// Replaces secrets by placeholders. The same prompt always yields the same request, byte for byte.
    ///
    /// The [`Redactions`] stay here: they say what was replaced and put it back into an answer.
    pub fn redacted(prompt: Prompt) -> (Request, Redactions) {
        let mut redactions = Redactions::default();
        let system = redactions.hide(&prompt.system).into();
        let user = redactions.hide(&prompt.user).into();
        (Request { system, user, purpose: "".into(), form: None }, redactions)
    }

    /// The same, to be listed under what it is for, such as `implement-function`. That is never sent.
    pub fn for_purpose(mut self, purpose: &str) -> Request {
        self.purpose = purpose.into();
        self
    }

    /// The same, to be answered in JSON as `schema` has it, which describes an object. Servers that can are told to hold the
    /// model to it; others are not told, so the prompt has to say it as well. [`crate::json_items`] reads either's answers.
    pub fn in_form(mut self, name: &'static str, schema: Value) -> Request {
        self.form = Some(Arc::new(Form { name, schema }));
        self
    }

    /// The same question in other words, which are those of this one and of the user's settings.
    pub(crate) fn written(self, system: String, user: String) -> Request {
        Request { system: system.into(), user: user.into(), ..self }
    }

    pub(crate) fn form(&self) -> Option<&Form> {
        self.form.as_deref()
    }

    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// What tells this question from all others, as far as a model can see, within `scope`.
    pub(crate) fn key(&self, scope: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(scope);
        for text in [&self.system, &self.user] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        if let Some(form) = &self.form {
            hasher.update(form.schema.to_string().as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// The hash under which the prompt is listed, in hexadecimal digits.
    pub fn hash(&self) -> String {
        blake3::Hash::from_bytes(self.key(&[0; 32])).to_hex().to_string()
    }

    pub fn system(&self) -> &str {
        &self.system
    }

    pub fn user(&self) -> &str {
        &self.user
    }
}

/// Sizes only: a prompt is the user's source code and has no place in a log.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("purpose", &self.purpose)
            .field("system_bytes", &self.system.len())
            .field("user_bytes", &self.user.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_answer_is_part_of_the_question() {
        let request = || Request::redacted(Prompt { user: "list".into(), ..Prompt::default() }).0;
        assert_eq!(request().hash(), request().hash());
        let formed = request().in_form("findings", serde_json::json!({ "type": "object" }));
        assert_ne!(formed.hash(), request().hash());
    }

    #[test]
    fn a_secret_has_one_placeholder_in_the_whole_request() {
        let key = format!("AKIA{}", "ABCDEFGHIJKLMN12");
        let prompt = Prompt { system: format!("never print {key}"), user: format!("a = '{key}'\nb = '{key}'") };
        let (request, redactions) = Request::redacted(prompt.clone());
        assert_eq!(request.system(), "never print <redacted:aws-key:1>");
        assert_eq!(request.user(), "a = '<redacted:aws-key:1>'\nb = '<redacted:aws-key:1>'");
        assert_eq!(redactions.count(), 1);
        assert_eq!(redactions.restore(request.user()), prompt.user);
        assert!(!format!("{request:?}{redactions:?}").contains(&key));
    }
}
