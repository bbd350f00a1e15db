//! What the editor can do, and what we tell it that we can.

use assists::AssistId;
use syntax::Encoding;
use tower_lsp_server::ls_types as lsp;

use crate::commands::Command;
use crate::handlers;

/// What the editor declared, reduced to what we act on. Nothing beyond standard requests is sent without its word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Editor {
    pub(crate) encoding: Encoding,
    pub(crate) markdown: bool,
    /// Parameters may be named by their places in a signature.
    pub(crate) label_offsets: bool,
    pub(crate) nested_symbols: bool,
    pub(crate) definition_links: bool,
    /// Diagnostics are pulled; then none are pushed. Only of use where the editor can be told to pull again: an edit in
    /// one file, or the end of the index, changes what is wrong in another.
    pub(crate) pulls_diagnostics: bool,
    /// Lenses are shown; what came of a run is in them.
    pub(crate) shows_lenses: bool,
    pub(crate) refreshes_lenses: bool,
    pub(crate) related_information: bool,
    pub(crate) diagnostic_tags: bool,
    /// File watchers can be registered; otherwise the server watches by itself.
    pub(crate) watches_files: bool,
    pub(crate) progress: bool,
    pub(crate) configuration: bool,
    /// Changes of settings can be subscribed to.
    pub(crate) announces_configuration: bool,
    pub(crate) shows_documents: bool,
    /// The user can be asked for a text: `experimental.tantu.input`, see [`input`](crate::input).
    pub(crate) asks_for_text: bool,
    /// It shows what the server knows and has at hand: `experimental.tantu.status`, see [`status`](crate::status).
    pub(crate) shows_status: bool,
    /// It lists tests and what came of them: `experimental.tantu.tests`, see [`running`](crate::running).
    pub(crate) lists_tests: bool,
    /// It shows which statements a run has executed.
    pub(crate) shows_coverage: bool,
    /// It shows two texts beside each other: `experimental.tantu.diff`, see [`comparison`](crate::comparison).
    pub(crate) compares: bool,
    pub(crate) applies_edits: bool,
    /// Edits can be pinned to a document's version.
    pub(crate) versioned_edits: bool,
    /// Edits can be put to the user one by one.
    pub(crate) confirms_edits: bool,
    /// Edits can rename files.
    pub(crate) renames_files: bool,
    /// A rename can be asked about before.
    pub(crate) prepares_renames: bool,
    /// Workspace edits may make files.
    pub(crate) creates_files: bool,
    /// Edits of code actions may come later, when one is chosen.
    pub(crate) resolves_edits: bool,
    /// Code actions may be shown as not possible, with a reason.
    pub(crate) disabled_actions: bool,
    /// Requests that the editor sends again when it is told that the content has changed.
    pub(crate) retries: Vec<String>,
}

impl Editor {
    pub(crate) fn new(client: &lsp::ClientCapabilities) -> Self {
        let text = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let window = client.window.as_ref();
        let general = client.general.as_ref();
        let yes = |flag: Option<bool>| flag.unwrap_or(false);
        let edits = workspace.and_then(|it| it.workspace_edit.as_ref());
        let experimental = |path: &str| {
            let value = client.experimental.as_ref().and_then(|it| it.pointer(path));
            value == Some(&serde_json::Value::Bool(true))
        };
        Editor {
            encoding: negotiate(general.and_then(|it| it.position_encodings.as_deref())),
            markdown: text
                .and_then(|it| it.hover.as_ref()?.content_format.as_ref())
                .is_some_and(|formats| formats.contains(&lsp::MarkupKind::Markdown)),
            label_offsets: yes(text.and_then(|it| {
                let of_parameters = it.signature_help.as_ref()?.signature_information.as_ref()?;
                of_parameters.parameter_information.as_ref()?.label_offset_support
            })),
            nested_symbols: yes(text.and_then(|it| it.document_symbol.as_ref()?.hierarchical_document_symbol_support)),
            definition_links: yes(text.and_then(|it| it.definition.as_ref()?.link_support)),
            pulls_diagnostics: text.is_some_and(|it| it.diagnostic.is_some())
                && yes(workspace.and_then(|it| it.diagnostics.as_ref()?.refresh_support)),
            shows_lenses: text.is_some_and(|it| it.code_lens.is_some()),
            refreshes_lenses: yes(workspace.and_then(|it| it.code_lens.as_ref()?.refresh_support)),
            related_information: yes(text.and_then(|it| it.publish_diagnostics.as_ref()?.related_information)),
            diagnostic_tags: text
                .is_some_and(|it| it.publish_diagnostics.as_ref().is_some_and(|it| it.tag_support.is_some())),
            watches_files: yes(workspace.and_then(|it| it.did_change_watched_files.as_ref()?.dynamic_registration)),
            progress: yes(window.and_then(|it| it.work_done_progress)),
            configuration: yes(workspace.and_then(|it| it.configuration)),
            announces_configuration: yes(
                workspace.and_then(|it| it.did_change_configuration.as_ref()?.dynamic_registration)
            ),
            shows_documents: window.and_then(|it| it.show_document.as_ref()).is_some_and(|it| it.support),
            asks_for_text: experimental("/tantu/input"),
            shows_status: experimental("/tantu/status"),
            lists_tests: experimental("/tantu/tests"),
            shows_coverage: experimental("/tantu/coverage"),
            compares: experimental("/tantu/diff"),
            applies_edits: yes(workspace.and_then(|it| it.apply_edit)),
            // Some versions of Neovim announce only the latter, and understand both.
            versioned_edits: edits.is_some_and(|it| yes(it.document_changes) || it.resource_operations.is_some()),
            // What asks is the annotation of an edit, and only versioned ones have it.
            confirms_edits: edits.is_some_and(|it| yes(it.document_changes) && it.change_annotation_support.is_some()),
            renames_files: edits
                .and_then(|it| it.resource_operations.as_ref())
                .is_some_and(|operations| operations.contains(&lsp::ResourceOperationKind::Rename)),
            prepares_renames: yes(text.and_then(|it| it.rename.as_ref()?.prepare_support)),
            creates_files: edits
                .and_then(|it| it.resource_operations.as_ref())
                .is_some_and(|operations| operations.contains(&lsp::ResourceOperationKind::Create)),
            resolves_edits: text.and_then(|it| it.code_action.as_ref()).is_some_and(|it| {
                let later = it.resolve_support.as_ref().map(|it| it.properties.as_slice()).unwrap_or_default();
                yes(it.data_support) && later.iter().any(|property| property == "edit")
            }),
            disabled_actions: yes(text.and_then(|it| it.code_action.as_ref()?.disabled_support)),
            retries: general
                .and_then(|it| it.stale_request_support.as_ref())
                .map(|it| it.retry_on_content_modified.clone())
                .unwrap_or_default(),
        }
    }

    pub(crate) fn retries(&self, method: &str) -> bool {
        self.retries.iter().any(|it| it == method)
    }
}

/// Bytes need no conversion, scalar values a cheap one; what an editor does not offer it cannot read.
fn negotiate(offered: Option<&[lsp::PositionEncodingKind]>) -> Encoding {
    let offers = |kind| offered.is_some_and(|it| it.contains(&kind));
    if offers(lsp::PositionEncodingKind::UTF8) {
        Encoding::Utf8
    } else if offers(lsp::PositionEncodingKind::UTF32) {
        Encoding::Utf32
    } else {
        Encoding::Utf16
    }
}

/// The answer to `initialize`.
pub(crate) fn server_capabilities(editor: &Editor) -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        position_encoding: Some(match editor.encoding {
            Encoding::Utf8 => lsp::PositionEncodingKind::UTF8,
            Encoding::Utf16 => lsp::PositionEncodingKind::UTF16,
            Encoding::Utf32 => lsp::PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(
            lsp::TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(lsp::TextDocumentSyncKind::INCREMENTAL),
                save: Some(lsp::TextDocumentSyncSaveOptions::Supported(true)),
                ..Default::default()
            }
            .into(),
        ),
        hover_provider: Some(lsp::HoverProviderCapability::Simple(true)),
        definition_provider: Some(lsp::OneOf::Left(true)),
        declaration_provider: Some(lsp::DeclarationCapability::Simple(true)),
        type_definition_provider: Some(lsp::TypeDefinitionProviderCapability::Simple(true)),
        signature_help_provider: Some(lsp::SignatureHelpOptions {
            trigger_characters: Some(vec!["(".to_owned(), ",".to_owned()]),
            ..Default::default()
        }),
        implementation_provider: Some(lsp::ImplementationProviderCapability::Simple(true)),
        references_provider: Some(lsp::OneOf::Left(true)),
        document_highlight_provider: Some(lsp::OneOf::Left(true)),
        workspace_symbol_provider: Some(lsp::OneOf::Left(true)),
        rename_provider: Some(match editor.prepares_renames {
            true => lsp::OneOf::Right(lsp::RenameOptions {
                prepare_provider: Some(true),
                work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
            }),
            false => lsp::OneOf::Left(true),
        }),
        document_symbol_provider: Some(lsp::OneOf::Left(true)),
        call_hierarchy_provider: Some(lsp::CallHierarchyServerCapability::Simple(true)),
        code_lens_provider: Some(lsp::CodeLensOptions { resolve_provider: Some(true) }),
        code_action_provider: Some(lsp::CodeActionProviderCapability::Options(lsp::CodeActionOptions {
            code_action_kinds: Some(handlers::code_action::KINDS.to_vec()),
            // Some editors stand still while they ask, and only those that can wait are sent something to ask for.
            resolve_provider: Some(editor.resolves_edits),
            ..Default::default()
        })),
        execute_command_provider: Some(lsp::ExecuteCommandOptions {
            commands: Command::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            ..Default::default()
        }),
        workspace: Some(lsp::WorkspaceServerCapabilities {
            workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(lsp::OneOf::Left(true)),
            }),
            file_operations: Some(lsp::WorkspaceFileOperationsServerCapabilities {
                will_rename: Some(lsp::FileOperationRegistrationOptions { filters: movable() }),
                // Watchers are for files, and of a folder that moves some editors report nothing else.
                did_rename: Some(lsp::FileOperationRegistrationOptions { filters: movable() }),
                ..Default::default()
            }),
        }),
        diagnostic_provider: editor.pulls_diagnostics.then(|| {
            lsp::DiagnosticServerCapabilities::Options(lsp::DiagnosticOptions {
                identifier: Some("tantu".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: true,
                ..Default::default()
            })
        }),
        // What `tantu.propose` may be asked for, so that no client needs a list of its own.
        experimental: Some(serde_json::json!({ "tantu": { "assists": AssistId::all().collect::<Vec<_>>() } })),
        ..Default::default()
    }
}

/// What has imports that lead to it: Python files, and folders, which may be packages.
fn movable() -> Vec<lsp::FileOperationFilter> {
    use lsp::FileOperationPatternKind::{File, Folder};
    let filter = |(glob, kind): (&str, _)| lsp::FileOperationFilter {
        scheme: Some("file".to_owned()),
        pattern: lsp::FileOperationPattern { glob: glob.to_owned(), matches: Some(kind), options: None },
    };
    [("**/*.{py,pyi}", File), ("**/*", Folder)].map(filter).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_encoding_on_offer_wins() {
        use lsp::PositionEncodingKind as Kind;
        assert_eq!(negotiate(Some(&[Kind::UTF16, Kind::UTF32, Kind::UTF8])), Encoding::Utf8);
        assert_eq!(negotiate(Some(&[Kind::UTF16, Kind::UTF32])), Encoding::Utf32);
        assert_eq!(negotiate(Some(&[Kind::UTF16])), Encoding::Utf16);
        assert_eq!(negotiate(None), Encoding::Utf16);
    }

    #[test]
    fn an_editor_that_pulls_is_not_pushed_to() {
        let silent = Editor::new(&lsp::ClientCapabilities::default());
        assert!(server_capabilities(&silent).diagnostic_provider.is_none());
        let text = lsp::TextDocumentClientCapabilities { diagnostic: Some(Default::default()), ..Default::default() };
        let mut client = lsp::ClientCapabilities { text_document: Some(text), ..Default::default() };
        assert!(server_capabilities(&Editor::new(&client)).diagnostic_provider.is_none(), "it would not pull again");
        let diagnostics = lsp::DiagnosticWorkspaceClientCapabilities { refresh_support: Some(true) };
        client.workspace =
            Some(lsp::WorkspaceClientCapabilities { diagnostics: Some(diagnostics), ..Default::default() });
        assert!(server_capabilities(&Editor::new(&client)).diagnostic_provider.is_some());
    }
}
