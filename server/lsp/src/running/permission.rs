//! Whether code of a workspace may run in its own interpreter, confined: the user's settings say, or a person has answered once.
//!
//! The answer is kept outside of the workspace, which could otherwise give it itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::config::Confined;

const FILE: &str = "confined.json";

/// What is known of it, for all workspaces.
#[derive(Clone)]
pub(crate) struct Permission {
    /// The user's settings.
    pub(crate) settings: Option<PathBuf>,
    /// Where answers are kept.
    pub(crate) cache: Option<PathBuf>,
}

impl Permission {
    /// Whether what a person asks for may run confined; `None` while nobody has said.
    pub(crate) fn of(&self, root: &Path) -> Option<bool> {
        let settings = self.settings.as_deref().map(model::config::load);
        match settings {
            Some(Ok(settings)) if settings.sandbox.confined.is_some() => {
                Some(settings.sandbox.confines(Confined::Tests))
            }
            // What makes no sense allows nothing.
            Some(Err(_)) => Some(false),
            Some(Ok(_)) | None => self.answers().get(&root.to_string_lossy().into_owned()).copied(),
        }
    }

    /// Keeps an answer. Without a place for it the question is put again some time.
    pub(crate) fn remember(&self, root: &Path, answer: bool) {
        let Some(cache) = &self.cache else { return };
        let mut answers = self.answers();
        answers.insert(root.to_string_lossy().into_owned(), answer);
        let written = serde_json::to_vec_pretty(&answers).map_err(std::io::Error::from).and_then(|bytes| {
            fs::create_dir_all(cache)?;
            let new = cache.join(format!("{FILE}.new"));
            fs::write(&new, bytes)?;
            fs::rename(new, cache.join(FILE))
        });
        if let Err(error) = written {
            tracing::warn!("what may run confined is not remembered: {error}");
        }
    }

    fn answers(&self) -> BTreeMap<String, bool> {
        let read = |cache: &PathBuf| serde_json::from_slice(&fs::read(cache.join(FILE)).ok()?).ok();
        self.cache.as_ref().and_then(read).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_before_answers() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("config.toml");
        let permission = Permission { settings: Some(settings.clone()), cache: Some(folder.path().join("cache")) };
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        assert_eq!(permission.of(one), None);
        permission.remember(one, true);
        permission.remember(other, false);
        assert_eq!((permission.of(one), permission.of(other)), (Some(true), Some(false)));
        for (text, expected) in [("off", false), ("tests", true), ("proposals", true), ("nonsense", false)] {
            fs::write(&settings, format!("[sandbox]\nconfined = \"{text}\"\n")).unwrap();
            assert_eq!((permission.of(one), permission.of(other)), (Some(expected), Some(expected)), "{text}");
        }
        assert_eq!(Permission { settings: None, cache: None }.of(one), None);
    }
}
