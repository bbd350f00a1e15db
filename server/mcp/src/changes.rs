//! The change that an agent means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gate::{Changes, WholeFile};
use workspace::snapshot::Snapshot;

use crate::tools::FileInput;

/// A change in one of its forms.
pub(crate) struct Form<'a> {
    pub patch: Option<&'a str>,
    pub files: Option<&'a [FileInput]>,
    pub since: Option<&'a str>,
}

/// What is in the editor and not on disk.
pub(crate) fn unsaved(snapshot: &Snapshot) -> Vec<(PathBuf, Arc<str>)> {
    let open = snapshot.documents.iter();
    open.filter_map(|(path, document)| {
        let text = snapshot.text(path)?;
        (text != document.saved).then(|| (path.clone(), text))
    })
    .collect()
}

/// Reads the change. Patches and whole files are against the texts as the editor has them.
///
/// # Errors
/// When it is none, or several at once, or git cannot tell; with a sentence for the agent.
pub(crate) fn changes(snapshot: &Snapshot, root: &Path, form: &Form<'_>) -> Result<Changes, String> {
    let given = [form.patch.is_some(), form.files.is_some(), form.since.is_some()];
    if given.iter().filter(|it| **it).count() > 1 {
        return Err("give one of patch, files and since".to_owned());
    }
    let now = |path: &Path| match snapshot.text(path) {
        Some(text) => Ok(Some(text)),
        None if path.is_file() => {
            syntax::read_source(path).map(|text| Some(Arc::from(text))).map_err(|error| error.to_string())
        }
        None => Ok(None),
    };
    let repository = root.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let has_own = root.join(".git").exists();
    let folders: Vec<PathBuf> =
        std::iter::once(root).chain(repository.filter(|_| !has_own)).map(Path::to_path_buf).collect();
    if let Some(patch) = form.patch {
        let files = gate::parse(patch).map_err(|malformed| malformed.to_string())?;
        return Ok(Changes::of_patch(&files, &folders, &now));
    }
    if let Some(files) = form.files {
        let whole = |file: &FileInput| WholeFile { path: PathBuf::from(&file.path), text: file.text.clone() };
        return Ok(Changes::of_files(files.iter().map(whole).collect(), &folders, &now));
    }
    let revision = form.since.unwrap_or("HEAD");
    Changes::since(root, revision, &unsaved(snapshot)).map_err(|error| format!("{error:#}"))
}
