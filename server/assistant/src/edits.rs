//! Changes of source text on the disk.

use disk::{Obstacle, Replacement};
use graph::Analysis;
use std::path::PathBuf;
use syntax::SourceChange;

/// What stands in the way of writing a change, if anything does. A file that is to be made may be there although the index
/// leaves it out, and links lead anywhere.
pub fn obstacle(change: &SourceChange, analysis: &Analysis) -> Option<Obstacle> {
    let mut files = change.files.iter();
    files.find_map(|file| disk::obstacle(&file.path, analysis.roots(), analysis.file(&file.path).is_some()))
}

/// Writes a change into the workspace folders `roots`, all of it or nothing.
///
/// # Errors
/// When the edits do not fit the texts on disk, or a file cannot be written; the message names it.
pub fn write(change: &SourceChange, roots: &[PathBuf]) -> anyhow::Result<()> {
    let replacement = |file: &syntax::FileEdit| {
        let shown = file.path.display();
        let before = match file.path.symlink_metadata() {
            Ok(_) => Some(syntax::read_source(&file.path).map_err(|error| anyhow::anyhow!("{shown} {error}"))?),
            Err(_) => None,
        };
        let after = syntax::apply_edits(before.as_deref().unwrap_or_default(), &file.edits)
            .map_err(|error| anyhow::anyhow!("{shown}: the edits do not fit at byte {}", u32::from(error.at)))?;
        Ok(Replacement { path: file.path.clone(), before, after })
    };
    let files = change.files.iter().map(replacement).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(disk::replace(&files, roots)?)
}
