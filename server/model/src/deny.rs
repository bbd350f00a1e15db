//! Files whose content is never part of a prompt, whatever they hold.

use std::path::Path;

use disk::IgnoreRules;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Whether a file must never reach a model, whatever it holds: `.env*`, keys, credentials, and everything in a folder such as
/// `secrets`.
///
/// `path` is best given relative to its workspace, so that the folders above it do not count. Letter case does not matter.
pub fn is_denied(path: &Path) -> bool {
    credential::files::holds_secrets(path)
}

/// What is never sent: what [`is_denied`] says, what the user's settings name, and what the workspace's `.gitignore` files
/// leave out, where keys and data tend to lie.
#[derive(Debug, Clone)]
pub struct Denied {
    of_user: Gitignore,
}

impl Default for Denied {
    /// Where the user's settings name nothing.
    fn default() -> Self {
        Denied { of_user: Gitignore::empty() }
    }
}

impl Denied {
    /// `lines` as in a `.gitignore`.
    ///
    /// # Errors
    /// With a message that names the line that is no pattern.
    pub fn new(lines: &[String]) -> Result<Denied, String> {
        let mut builder = GitignoreBuilder::new("");
        for line in lines {
            builder.add_line(None, line).map_err(|error| format!("privacy.deny: {error}"))?;
        }
        Ok(Denied { of_user: builder.build().map_err(|error| format!("privacy.deny: {error}"))? })
    }

    /// Whether the file `relative` of the workspace folder `root` must never reach a model.
    pub fn is_denied(&self, root: &Path, relative: &Path) -> bool {
        is_denied(relative)
            || self.of_user.matched_path_or_any_parents(relative, false).is_ignore()
            || IgnoreRules::default().leaves_out_below(root, &root.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_leaves_out_and_what_the_user_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "local_settings.py\n/dumps/\n*.sql\n");
        write("app/.gitignore", "!kept.sql\ngenerated.py\n");
        let denied = Denied::new(&["internal/".to_owned(), "*_private.py".to_owned()]).unwrap();
        for (path, expected) in [
            ("app/local_settings.py", true),
            ("dumps/users.py", true),
            ("app/dumps/users.py", false),
            ("app/kept.sql", false),
            ("other/kept.sql", true),
            ("app/generated.py", true),
            ("generated.py", false),
            ("internal/a/b.py", true),
            ("a/keys_private.py", true),
            (".env", true),
            ("app/views.py", false),
        ] {
            assert_eq!(denied.is_denied(folder.path(), Path::new(path)), expected, "{path}");
        }
        assert!(Denied::new(&["[b-a]".to_owned()]).unwrap_err().starts_with("privacy.deny: "));
    }
}
