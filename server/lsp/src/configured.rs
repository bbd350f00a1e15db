//! Whether there is a model to ask, as the user's settings say it at the moment.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// When the file was written, and how long it is; `None` where there is none.
type Stamp = Option<(SystemTime, u64)>;

/// The file of the user's settings, read again when it is another: whoever adds a model starts no new session for it.
#[derive(Default)]
pub(crate) struct Configured {
    settings: Option<PathBuf>,
    known: Mutex<Option<(Stamp, bool)>>,
}

impl Configured {
    pub(crate) fn by(settings: Option<PathBuf>) -> Self {
        Configured { settings, known: Mutex::default() }
    }

    pub(crate) fn has_model(&self) -> bool {
        let Some(path) = &self.settings else { return false };
        let stamp = std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((before, has_model)) if before == stamp => has_model,
            _ => {
                let has_model = model::config::load(path).is_ok_and(|settings| !settings.propose.models.is_empty());
                *known = Some((stamp, has_model));
                has_model
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_as_it_is_now_decides() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let configured = Configured::by(Some(path.clone()));
        assert!(!configured.has_model());
        let model =
            "[models.local]\nprovider = \"openai-compatible\"\nbase-url = \"http://127.0.0.1:9\"\nmodel = \"m\"\n";
        std::fs::write(&path, format!("{model}\n[propose]\nmodels = [\"local\"]\n")).unwrap();
        assert!(configured.has_model(), "{:?}", model::config::load(&path).err());
        std::fs::write(&path, model).unwrap();
        assert!(!configured.has_model());
        std::fs::remove_file(&path).unwrap();
        assert!(!configured.has_model());
        assert!(!Configured::default().has_model());
    }
}
