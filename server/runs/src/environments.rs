//! The environments of the workspace folders, remembered: what can be imported from one takes reading its packages.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lint::Environment;

#[derive(Default)]
pub struct Environments(Mutex<HashMap<PathBuf, Arc<Environment>>>);

impl Environments {
    /// That of the folder `root`, as it is now.
    pub fn of(&self, root: &Path) -> Arc<Environment> {
        // Which one is chosen may have changed; looking for it reads next to nothing.
        let chosen = Environment::find(root, None);
        // Nothing can be left half changed.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(root) {
            Some(known) if known.sites == chosen.sites && known.is_current() => known.clone(),
            _ => {
                let chosen = Arc::new(chosen);
                known.insert(root.to_path_buf(), chosen.clone());
                chosen
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_environment_is_remembered_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let site = |name: &str| folder.path().join(name).join("lib/python3.12/site-packages");
        for name in [".venv", "other"] {
            fs::create_dir_all(site(name)).unwrap();
            fs::write(folder.path().join(name).join("pyvenv.cfg"), "version = 3.12.0\n").unwrap();
        }
        let environments = Environments::default();
        let first = environments.of(folder.path());
        assert!(Arc::ptr_eq(&first, &environments.of(folder.path())));
        fs::write(folder.path().join("tantu.toml"), "python = \"other\"\n").unwrap();
        let second = environments.of(folder.path());
        assert_eq!(second.sites, [site("other")]);
        assert!(!Arc::ptr_eq(&first, &second));
    }
}
