//! What the settings say beside describing models: limits, privacy, the journal, the cache.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// `[propose]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ProposeConfig {
    /// Names from `[models]` in the order in which they are asked. None: actions that need a model are off.
    pub models: Vec<String>,
    /// How often one model may try, from 1 to 10.
    pub max_attempts: u32,
    /// US dollars in the file and millionths of them here: a model looks over its first answer before it is checked, if that
    /// answer cost no more. None: never.
    #[serde(deserialize_with = "micros")]
    pub reflect_below: Option<u64>,
    /// Other models for some assists, e.g. `write-docstring`.
    pub assists: BTreeMap<String, Vec<String>>,
    /// Other models for what many depend on.
    pub wide: Option<Wide>,
    /// What looks for type errors.
    pub types: Types,
    /// A program and its arguments: ty, pyright, mypy or pyrefly.
    pub types_command: Vec<String>,
}

/// Who says which type errors a proposal brings about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Types {
    #[default]
    BuiltIn,
    /// What `types-command` says.
    Project,
    Off,
}

impl Default for ProposeConfig {
    fn default() -> Self {
        ProposeConfig {
            models: Vec::new(),
            max_attempts: 3,
            reflect_below: None,
            assists: BTreeMap::new(),
            wide: None,
            types: Types::default(),
            types_command: Vec::new(),
        }
    }
}

/// `[propose.wide]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wide {
    /// From so many callers on.
    pub callers: usize,
    pub models: Vec<String>,
}

impl ProposeConfig {
    /// The models to ask for `assist` at a definition with so many callers, and why, where that is not the ordinary list.
    ///
    /// What many depend on comes first: a mistake there costs most.
    pub fn route(&self, assist: &str, callers: usize) -> (&[String], Option<String>) {
        match (&self.wide, self.assists.get(assist)) {
            (Some(wide), _) if callers >= wide.callers => {
                let why = format!("{callers} callers depend on it, so {} is asked", wide.models.join(", then "));
                (&wide.models, Some(why))
            }
            (_, Some(models)) => (models, Some(format!("{assist} is for {}", models.join(", then ")))),
            _ => (&self.models, None),
        }
    }

    /// Every list of models and the key under which it stands.
    pub(super) fn lists(&self) -> impl Iterator<Item = (String, &[String])> {
        let assists = self.assists.iter().map(|(name, models)| (format!("propose.assists.{name}"), models.as_slice()));
        let wide = self.wide.iter().map(|wide| ("propose.wide.models".to_owned(), wide.models.as_slice()));
        [("propose.models".to_owned(), self.models.as_slice())].into_iter().chain(assists).chain(wide)
    }
}

/// `[context]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ContextConfig {
    /// The name in `[models]` of a model that turns texts into vectors, by which prose of the workspace is found beside its
    /// words. None: by words alone, and nothing is sent.
    pub embeddings: Option<String>,
}

/// `[limits]`. Costs are US dollars in the file and millionths of them here. A day begins at midnight UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    #[serde(deserialize_with = "micros")]
    pub cost_per_day: Option<u64>,
    #[serde(deserialize_with = "micros")]
    pub cost_per_request: Option<u64>,
    /// Input and output together, of models that cost something.
    pub tokens_per_day: Option<u64>,
    /// Say before a request what it may cost, if that is more.
    #[serde(deserialize_with = "micros")]
    pub show_estimate_above: Option<u64>,
    /// Ask the person before a request that may cost more, where there is somebody to ask.
    #[serde(deserialize_with = "micros")]
    pub ask_above: Option<u64>,
}

impl Limits {
    pub(crate) fn bound_cost(&self) -> bool {
        self.cost_per_day.or(self.cost_per_request).is_some()
    }
}

fn micros<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    const MOST: f64 = 1e6;
    let dollars = f64::deserialize(value)?;
    if (0.0..=MOST).contains(&dollars) {
        Ok(Some((dollars * 1e6).round() as u64))
    } else {
        Err(serde::de::Error::custom(format!("{dollars} is not a sum of US dollars from 0 to {MOST}")))
    }
}

/// `[privacy]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Privacy {
    /// Files that are never part of a prompt, as lines of a `.gitignore`, beside those that look like secrets.
    pub deny: Vec<String>,
}

/// `[memory]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Memory {
    /// Whether mistakes of models are remembered and told to the next ones.
    pub enable: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { enable: true }
    }
}

/// `[sandbox]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sandbox {
    /// What may run in the project's own interpreter, confined, where the sandbox cannot run it. Without it nothing may, and
    /// editors ask.
    pub confined: Option<Confined>,
}

/// What may run confined; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confined {
    /// Nothing.
    Off,
    /// The project's code as it is, when a person asks for it.
    Tests,
    /// What a model has written, when it is checked.
    Proposals,
}

impl Sandbox {
    /// Whether the settings let `what` run confined.
    pub fn confines(self, what: Confined) -> bool {
        self.confined.is_some_and(|it| it >= what)
    }
}

/// `[audit]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Audit {
    /// Whether prompts are kept, redacted as they were sent.
    pub prompts: bool,
}

/// `[cache]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Cache {
    /// How long an answer is given again to the same question; 0: never.
    pub hours: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Cache { hours: 24 }
    }
}

impl Cache {
    pub(crate) fn is_on(self) -> bool {
        self.hours > 0
    }

    pub(crate) fn age(self) -> Duration {
        Duration::from_secs(u64::from(self.hours) * 60 * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breadth_comes_before_the_assist() {
        let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let propose = ProposeConfig {
            models: list(&["usual"]),
            assists: BTreeMap::from([("write-docstring".to_owned(), list(&["small"]))]),
            wide: Some(Wide { callers: 20, models: list(&["strong", "usual"]) }),
            ..ProposeConfig::default()
        };
        assert_eq!(propose.route("review", 3), (&list(&["usual"])[..], None));
        let (models, why) = propose.route("write-docstring", 3);
        assert_eq!((models, why.as_deref()), (&list(&["small"])[..], Some("write-docstring is for small")));
        let (models, why) = propose.route("write-docstring", 20);
        assert_eq!(models, list(&["strong", "usual"]));
        assert_eq!(why.as_deref(), Some("20 callers depend on it, so strong, then usual is asked"));
    }
}
