//! Folders for a session: a Python workspace, and a user's home in which nothing of the machine's real user is seen.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A workspace in a temporary folder, removed when dropped.
pub struct Workspace {
    root: PathBuf,
    _folder: TempDir,
}

impl Workspace {
    /// A workspace without files.
    pub fn empty() -> Workspace {
        let folder = tempfile::Builder::new().prefix("workspace-").tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it was just made");
        Workspace { root, _folder: folder }
    }

    /// A workspace of the files in `text`: each begins with a line `#- /path/to/file.py`.
    ///
    /// # Panics
    /// When text stands before the first such line.
    pub fn of(text: &str) -> Workspace {
        let workspace = Workspace::empty();
        let mut sections = text.split("#- /");
        let before = sections.next().unwrap_or_default();
        assert!(before.trim().is_empty(), "text before the first `#- /path`: {before:?}");
        for section in sections {
            let (path, content) = section.split_once('\n').unwrap_or((section, ""));
            workspace.write(path.trim(), content);
        }
        workspace
    }

    /// A copy of `fixtures/workspaces/NAME`.
    pub fn fixture(name: &str) -> Workspace {
        let workspace = Workspace::empty();
        let source = crate::repository().join("fixtures/workspaces").join(name);
        copy(&source, &workspace.root).unwrap_or_else(|e| panic!("copying {}: {e}", source.display()));
        workspace
    }

    /// The folder, without symbolic links in its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file given relative to the root.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The URI of a file given relative to the root.
    pub fn uri(&self, file: &str) -> String {
        file_uri(&self.path(file))
    }

    /// Writes a file and the folders it is in, as a program beside the editor would.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path(file);
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        std::fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// What is on disk.
    pub fn read(&self, file: &str) -> String {
        let path = self.path(file);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Deletes a file.
    pub fn remove(&self, file: &str) {
        let path = self.path(file);
        std::fs::remove_file(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// A user's own folders (configuration, cache, data, state), all temporary, so that neither the machine's settings nor
/// its keys nor an earlier test decide a result.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// A user without settings. Only the sandbox's guest and what it compiles to are the real user's: making them takes
    /// minutes.
    pub fn new() -> Home {
        let folder = tempfile::Builder::new().prefix("home-").tempdir().expect("a temporary folder");
        let cache = folder.path().join(".cache/tantu");
        std::fs::create_dir_all(&cache).expect("a fresh folder is writable");
        for name in ["guest", "sandbox"] {
            let real = crate::cache_directory().join(name);
            // On a fresh machine they do not exist yet, and nothing can be made behind a link that leads nowhere.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&real).expect("the cache is writable");
            std::os::unix::fs::symlink(real, cache.join(name)).expect("a fresh folder has room for a link");
        }
        Home { folder }
    }

    /// A user whose `config.toml` has one model, `local`, at `base_url`, and uses it for proposals.
    pub fn with_model(base_url: &str) -> Home {
        let home = Home::new();
        home.configure(&model_settings(base_url));
        home
    }

    /// Writes the user's `config.toml`.
    pub fn configure(&self, toml: &str) {
        let folder = self.folder.path().join(".config/tantu");
        std::fs::create_dir_all(&folder).expect("a fresh home is writable");
        std::fs::write(folder.join("config.toml"), toml).expect("a fresh home is writable");
    }

    /// The whole environment of a process of this user.
    pub fn environment(&self) -> Vec<(String, PathBuf)> {
        let at = |name: &str| self.folder.path().join(name);
        let path = std::env::var_os("PATH").unwrap_or_default();
        [
            ("HOME", at("")),
            ("PATH", PathBuf::from(path)),
            ("XDG_CACHE_HOME", at(".cache")),
            ("XDG_CONFIG_HOME", at(".config")),
            ("XDG_DATA_HOME", at(".local/share")),
            ("XDG_STATE_HOME", at(".local/state")),
            // A real folder of its own: names of sockets may not be long.
            ("XDG_RUNTIME_DIR", at("")),
            ("RUST_BACKTRACE", PathBuf::from("1")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl Default for Home {
    fn default() -> Home {
        Home::new()
    }
}

/// Settings with one model, `local`, at `base_url`, which is used for proposals.
pub fn model_settings(base_url: &str) -> String {
    format!(
        "[propose]\n\
         models = [\"local\"]\n\
         \n\
         [models.local]\n\
         provider = \"openai-compatible\"\n\
         base-url = \"{base_url}\"\n\
         model = \"scripted\"\n"
    )
}

/// The `file:` URI of an absolute path.
pub fn file_uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The path of a `file:` URI; `None` for another scheme or a path that is not UTF-8.
pub fn uri_path(uri: &str) -> Option<PathBuf> {
    let mut rest = uri.strip_prefix("file://")?.bytes();
    let mut path = Vec::new();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => byte,
        };
        path.push(decoded);
    }
    String::from_utf8(path).ok().map(PathBuf::from)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => std::fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_split_at_their_headers() {
        let workspace = Workspace::of("\n#- /pkg/a.py\nx = 1\n#- a comment\n#- /b.py\n");
        assert_eq!(workspace.read("pkg/a.py"), "x = 1\n#- a comment\n");
        assert_eq!(workspace.read("b.py"), "");
    }

    #[test]
    fn uris_and_paths_are_inverse() {
        let path = Path::new("/tmp/a b/ünï#1%.py");
        assert_eq!(file_uri(path), "file:///tmp/a%20b/%C3%BCn%C3%AF%231%25.py");
        assert_eq!(uri_path(&file_uri(path)).as_deref(), Some(path));
        assert_eq!(uri_path("untitled:Untitled-1"), None);
    }
}
