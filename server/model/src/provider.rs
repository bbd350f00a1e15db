//! The services that answer prompts, one module each. A new one implements [`crate::LanguageModel`] and gets a name in
//! [`crate::config::Provider`].

pub(crate) mod anthropic;
pub(crate) mod ollama;
pub(crate) mod openai;
pub(crate) mod recorded;
pub(crate) mod stream;
