//! Offers to install a package that an import names and that is not there.

use graph::FileId;
use lint::{Environment, Installer};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::commands::{Command, Install};
use crate::from_proto;
use crate::handlers::code_action::refused;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;

/// What is to be installed, and where.
pub(crate) struct Installation {
    pub(crate) folder: std::path::PathBuf,
    pub(crate) installer: Installer,
}

/// For the import at the place.
pub(crate) fn actions(snapshot: &Snapshot, params: &lsp::CodeActionParams, file: FileId) -> Vec<lsp::CodeAction> {
    let (analysis, project) = (&snapshot.analysis, &snapshot.settings.project);
    let range = from_proto::range(analysis.source(file), params.range, snapshot.editor.encoding);
    let Some(package) = ide::missing_package(analysis, project, file, range) else { return Vec::new() };
    let distribution = lint::distribution_of(&package).unwrap_or(&package).to_owned();
    let install = Install { uri: params.text_document.uri.clone(), distribution };
    let Some(found) = installation_of(snapshot, file, &install) else { return Vec::new() };
    let title = format!("Install `{}` ({})", install.distribution, found.installer.command());
    let is_it = |it: &&lsp::Diagnostic| it.code == Some(lsp::NumberOrString::String("unknown-module".to_owned()));
    vec![lsp::CodeAction {
        title: title.clone(),
        kind: Some(lsp::CodeActionKind::QUICKFIX),
        diagnostics: Some(params.context.diagnostics.iter().filter(is_it).cloned().collect()),
        command: Some(Command::Install(install).titled(title)),
        ..Default::default()
    }]
}

/// How `tantu.install` is done.
pub(crate) fn installation(query: &Query, params: &Install) -> Result<Installation> {
    let snapshot = &query.snapshot;
    let found = snapshot.file(&params.uri).and_then(|file| installation_of(snapshot, file, params));
    found.ok_or_else(|| refused(format!("`{}` cannot be installed here", params.distribution)))
}

fn installation_of(snapshot: &Snapshot, file: FileId, install: &Install) -> Option<Installation> {
    let folder = snapshot.analysis.root_of(snapshot.analysis.path(file))?.to_path_buf();
    let installer = Installer::of(&folder, &Environment::find(&folder, None), &install.distribution)?;
    Some(Installation { folder, installer })
}

/// The edit that writes down that the project needs it; nothing where it does so already, or has no place for it.
pub(crate) fn declaration(query: &Query, distribution: &str) -> Option<lsp::WorkspaceEdit> {
    let change = assists::require(&query.snapshot.settings.project, distribution).into_iter().next()?.1;
    to_proto::change(&query.snapshot, &change).ok()
}
