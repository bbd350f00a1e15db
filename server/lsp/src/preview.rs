//! Documents that are shown and not edited: diffs, evidence and drawings.

use std::fs;
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;
use tower_lsp_server::ls_types as lsp;

use crate::{from_proto, to_proto};
use workspace::cache;

/// Files in the user's cache that only the user can read. They are removed when this is dropped.
#[derive(Default)]
pub(crate) struct Preview(Option<TempDir>);

impl Preview {
    /// A read-only file with `text`, instead of what `name` was before; `None`, with a line in the log, when it cannot be written.
    pub(crate) fn write(&mut self, name: &str, text: &str) -> Option<lsp::Uri> {
        let path =
            self.try_write(name, text).inspect_err(|error| tracing::warn!("cannot write a preview: {error}")).ok()?;
        to_proto::uri(&path)
    }

    /// The same as a message, for editors that open nothing. Some show messages in one line: there, the file is of more use.
    pub(crate) fn say(&mut self, name: &str, text: &str) -> String {
        match self.write(name, text) {
            Some(uri) => format!("{}:\n{text}", from_proto::path(&uri).display()),
            None => text.to_owned(),
        }
    }

    fn try_write(&mut self, name: &str, text: &str) -> io::Result<PathBuf> {
        let folder = match &mut self.0 {
            Some(folder) => folder,
            none => none.insert(private_folder()?),
        };
        let path = folder.path().join(name);
        let is_written = fs::read_to_string(&path).is_ok_and(|written| written == text);
        if !is_written {
            if path.exists() {
                fs::remove_file(&path)?;
            }
            fs::write(&path, text)?;
            let mut permissions = fs::metadata(&path)?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&path, permissions)?;
        }
        Ok(path)
    }
}

fn private_folder() -> io::Result<TempDir> {
    let cache = cache::directory().ok_or_else(|| io::Error::other("there is no home directory"))?;
    let parent = cache.join("previews");
    fs::create_dir_all(&parent)?;
    tempfile::Builder::new().prefix("shown-").tempdir_in(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_read_until_it_is_dropped() {
        let mut preview = Preview::default();
        let path = from_proto::path(&preview.write("a.diff", "+x\n").unwrap());
        assert_eq!(preview.write("a.diff", "+x\n").map(|uri| from_proto::path(&uri)).as_ref(), Some(&path));
        assert_eq!(fs::read_to_string(&path).unwrap(), "+x\n");
        assert!(fs::metadata(&path).unwrap().permissions().readonly());
        assert_eq!(preview.say("a.diff", "+y\n"), format!("{}:\n+y\n", path.display()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "+y\n");
        drop(preview);
        assert!(!path.exists());
    }
}
