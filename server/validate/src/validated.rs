//! What passed, pinned to the texts that it was checked against.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use syntax::{SourceChange, TextRange};

/// A change that passed every check that could run. Only this crate can make one.
#[derive(Clone, Debug)]
pub struct Validated {
    change: SourceChange,
    /// The texts that the change was checked against.
    texts: Vec<(PathBuf, Arc<str>)>,
}

/// A file is not what it was when the change was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Absolute.
    pub path: PathBuf,
}

/// What an edit takes away and what it puts there, wherever that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditFingerprint {
    path: PathBuf,
    edits: Vec<(String, String)>,
}

impl Validated {
    /// For `check` alone, when every check that could run has passed.
    pub(crate) fn new(change: SourceChange, texts: Vec<(PathBuf, Arc<str>)>) -> Validated {
        Validated { change, texts }
    }

    /// What the change does, without the places. When everything around it moves, this stays the same.
    pub fn fingerprint(&self) -> Vec<EditFingerprint> {
        let files = self.change.files.iter().map(|file| {
            let texts = self.texts.iter().find(|(path, _)| *path == file.path);
            let before = texts.map_or("", |(_, text)| &**text);
            let taken = |range: TextRange| before[range.start().to_usize()..range.end().to_usize()].to_owned();
            let edits = file.edits.iter().map(|edit| (taken(edit.range), edit.text.clone())).collect();
            EditFingerprint { path: file.path.clone(), edits }
        });
        files.collect()
    }

    /// The change, if `current` still gives the very texts that it was checked against; a missing file is an empty one.
    ///
    /// # Errors
    /// When one of the files is another by now.
    pub fn change(&self, current: impl Fn(&Path) -> Option<Arc<str>>) -> Result<&SourceChange, Moved> {
        let moved = self.texts.iter().find(|(path, text)| current(path).unwrap_or_default() != *text);
        match moved {
            Some((path, _)) => Err(Moved { path: path.clone() }),
            None => Ok(&self.change),
        }
    }
}
