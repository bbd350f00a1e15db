//! What is asked of libraries that they do not offer, or not for long.

use graph::{Analysis, FileId, LibraryMistake, LibraryMistakeKind};

use super::guards::Guards;
use super::{Code, Diagnostic, Project, diagnostic};
use crate::tree::with_tree_of;

/// What [`super::diagnostics`] says of libraries, whatever comments silence; nothing of what works today.
pub fn library_mistakes(analysis: &Analysis, project: &Project, file: FileId) -> Vec<Diagnostic> {
    let mut found = diagnose(analysis, project, file);
    found.retain(|it| it.code != Code::Deprecated);
    if found.is_empty() {
        return found;
    }
    with_tree_of(analysis, file, |parsed| {
        let guards = Guards::of(analysis.source(file).text(), parsed.statements());
        found.retain(|it| !guards.survive(it.code, it.range));
        found
    })
    .unwrap_or_default()
}

/// Nothing where libraries are not known.
pub(super) fn diagnose(analysis: &Analysis, project: &Project, file: FileId) -> Vec<Diagnostic> {
    let Some(libraries) = &project.libraries else { return Vec::new() };
    let mut mistakes = analysis.library_mistakes(file, &*libraries.0);
    // A script that lists what it needs runs with that, and not with what the project has.
    if !mistakes.is_empty() && super::imports::lists_requirements(analysis.source(file).text()) {
        mistakes.retain(|it| graph::is_standard(it.module.split('.').next().unwrap_or_default()));
    }
    let one = |LibraryMistake { range, kind, .. }| {
        let (code, message) = match kind {
            LibraryMistakeKind::MissingModule { module } => (Code::UnresolvedImport, format!("no module `{module}`")),
            LibraryMistakeKind::MissingName { owner, name } => {
                (Code::UnresolvedImport, format!("`{owner}` has no `{name}`"))
            }
            LibraryMistakeKind::MissingMember { owner, name } => {
                (Code::MissingMember, format!("`{owner}` has no `{name}`"))
            }
            LibraryMistakeKind::Deprecated { name, reason } => {
                (Code::Deprecated, super::deprecated::message(&name, &reason))
            }
            LibraryMistakeKind::IncompatibleCall { callee, message } => {
                (Code::IncompatibleCall, format!("this call does not fit `{callee}`: {message}"))
            }
        };
        diagnostic(code, range, message)
    };
    mistakes.into_iter().map(one).collect()
}
