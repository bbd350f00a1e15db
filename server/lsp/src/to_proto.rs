//! Our types → the protocol's.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use assists::{Change, NewFile};
use graph::{FileId, SymbolKind};
use syntax::{Encoding, FileEdit, Position, Source, SourceChange, TextEdit, TextRange};
use tower_lsp_server::ls_types as lsp;

use crate::snapshot::Snapshot;

/// The inverse of [`crate::from_proto::path`]; `None` for a path that no URI can hold.
pub(crate) fn uri(path: &Path) -> Option<lsp::Uri> {
    if path.is_absolute() { lsp::Uri::from_file_path(path) } else { lsp::Uri::from_str(path.to_str()?).ok() }
}

pub(crate) fn position(position: Position) -> lsp::Position {
    lsp::Position { line: position.line, character: position.column }
}

pub(crate) fn range(source: &Source, range: TextRange, encoding: Encoding) -> lsp::Range {
    let at = |offset| position(source.position(offset, encoding));
    lsp::Range { start: at(range.start()), end: at(range.end()) }
}

/// The change as the editor applies it: pinned to the versions of the open documents, where the editor checks them.
/// `None` when a file has no URI or is not known.
pub(crate) fn workspace_edit(snapshot: &Snapshot, change: &SourceChange) -> Option<lsp::WorkspaceEdit> {
    Some(as_one(snapshot, document_edits(snapshot, change)?))
}

/// A proposal's change as the editor applies it: a file that is not known is to be made.
///
/// # Errors
/// As [`change`].
pub(crate) fn proposed(snapshot: &Snapshot, edits: &SourceChange) -> Result<lsp::WorkspaceEdit, String> {
    let (known, new): (Vec<FileEdit>, Vec<FileEdit>) =
        edits.files.iter().cloned().partition(|file| snapshot.analysis.file(&file.path).is_some());
    let text =
        |file: FileEdit| NewFile { path: file.path, text: file.edits.into_iter().map(|edit| edit.text).collect() };
    let created = new.into_iter().map(text).collect();
    change(snapshot, &Change { edits: SourceChange { files: known }, created, texts: Vec::new() })
}

fn as_one(snapshot: &Snapshot, documents: Vec<lsp::TextDocumentEdit>) -> lsp::WorkspaceEdit {
    if !snapshot.editor.versioned_edits {
        return plain_edit(documents);
    }
    let changes = lsp::DocumentChanges::Edits(documents);
    lsp::WorkspaceEdit { document_changes: Some(changes), ..Default::default() }
}

/// The same for a change that may make files.
///
/// # Errors
/// When the editor cannot do it; the message is for the user.
pub(crate) fn change(snapshot: &Snapshot, change: &Change) -> Result<lsp::WorkspaceEdit, String> {
    let no_uri = || "a file is not known to the editor".to_owned();
    let documents = documents(snapshot, change).ok_or_else(no_uri)?;
    if change.created.is_empty() {
        return Ok(as_one(snapshot, documents));
    }
    if !snapshot.editor.versioned_edits || !snapshot.editor.creates_files {
        return Err("this editor lets no server make files".to_owned());
    }
    let mut operations = Vec::new();
    for file in &change.created {
        let uri = uri(&file.path).ok_or_else(no_uri)?;
        let options = Some(lsp::CreateFileOptions { overwrite: Some(false), ignore_if_exists: Some(false) });
        let create = lsp::CreateFile { uri: uri.clone(), options, annotation_id: None };
        operations.push(lsp::DocumentChangeOperation::Op(lsp::ResourceOp::Create(create)));
        let text = lsp::TextEdit { range: lsp::Range::default(), new_text: file.text.clone() };
        operations.push(lsp::DocumentChangeOperation::Edit(document_edit(uri, None, vec![text])));
    }
    operations.extend(documents.into_iter().map(lsp::DocumentChangeOperation::Edit));
    let changes = lsp::DocumentChanges::Operations(operations);
    Ok(lsp::WorkspaceEdit { document_changes: Some(changes), ..Default::default() })
}

/// The edits of files that are there.
fn documents(snapshot: &Snapshot, change: &Change) -> Option<Vec<lsp::TextDocumentEdit>> {
    let mut documents = document_edits(snapshot, &change.edits)?;
    for file in &change.texts {
        let source = Source::new(file.before.clone());
        let to_lsp = |edit: &TextEdit| {
            let range = range(&source, edit.range, snapshot.editor.encoding);
            lsp::TextEdit { range, new_text: edit.text.clone() }
        };
        documents.push(document_edit(uri(&file.path)?, None, file.edits.iter().map(to_lsp).collect()));
    }
    Some(documents)
}

fn document_edits(snapshot: &Snapshot, change: &SourceChange) -> Option<Vec<lsp::TextDocumentEdit>> {
    let one = |file: &FileEdit| {
        let id = snapshot.analysis.file(&file.path)?;
        let edits = file
            .edits
            .iter()
            .map(|edit| lsp::TextEdit { range: snapshot.range(id, edit.range), new_text: edit.text.clone() });
        Some(document_edit(snapshot.uri(id)?, snapshot.version(&file.path), edits.collect()))
    };
    change.files.iter().map(one).collect()
}

fn document_edit(uri: lsp::Uri, version: Option<i32>, edits: Vec<lsp::TextEdit>) -> lsp::TextDocumentEdit {
    lsp::TextDocumentEdit {
        text_document: lsp::OptionalVersionedTextDocumentIdentifier { uri, version },
        edits: edits.into_iter().map(lsp::OneOf::Left).collect(),
    }
}

fn plain_edit(documents: Vec<lsp::TextDocumentEdit>) -> lsp::WorkspaceEdit {
    let plain = |edit| match edit {
        lsp::OneOf::Left(edit) => edit,
        lsp::OneOf::Right(lsp::AnnotatedTextEdit { text_edit, .. }) => text_edit,
    };
    let files = documents.into_iter().map(|document| {
        let edits = document.edits.into_iter().map(plain).collect();
        (document.text_document.uri, edits)
    });
    lsp::WorkspaceEdit { changes: Some(files.collect()), ..Default::default() }
}

/// A rename as the editor applies it: as [`workspace_edit`], with what is not certain for the user to confirm, and the
/// move of a file at the end. `None` when a file has no URI.
pub(crate) fn rename(snapshot: &Snapshot, rename: &ide::Rename) -> Option<lsp::WorkspaceEdit> {
    let mut files: Vec<(FileId, Vec<&ide::RenameEdit>)> = Vec::new();
    for edit in &rename.edits {
        match files.last_mut() {
            Some((file, edits)) if *file == edit.file => edits.push(edit),
            _ => files.push((edit.file, vec![edit])),
        }
    }
    let text_edit = |it: &ide::RenameEdit| lsp::TextEdit {
        range: snapshot.range(it.file, it.edit.range),
        new_text: it.edit.text.clone(),
    };
    if !snapshot.editor.versioned_edits {
        let change = |(file, edits): (FileId, Vec<&ide::RenameEdit>)| {
            Some((snapshot.uri(file)?, edits.into_iter().map(text_edit).collect()))
        };
        let changes = files.into_iter().map(change).collect::<Option<_>>()?;
        return Some(lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() });
    }
    let mut annotations = HashMap::new();
    let mut documents = Vec::new();
    for (file, edits) in files {
        let mut one = |it: &ide::RenameEdit| match &it.doubt {
            None => lsp::OneOf::Left(text_edit(it)),
            Some(doubt) => {
                let annotation_id = format!("doubt-{}", annotations.len());
                let annotation = lsp::ChangeAnnotation {
                    label: "Possibly not meant".to_owned(),
                    needs_confirmation: Some(true),
                    description: Some(doubt.clone()),
                };
                annotations.insert(annotation_id.clone(), annotation);
                lsp::OneOf::Right(lsp::AnnotatedTextEdit { text_edit: text_edit(it), annotation_id })
            }
        };
        let version = snapshot.version(snapshot.analysis.path(file));
        documents.push(lsp::TextDocumentEdit {
            text_document: lsp::OptionalVersionedTextDocumentIdentifier { uri: snapshot.uri(file)?, version },
            edits: edits.into_iter().map(&mut one).collect(),
        });
    }
    let changes = match &rename.moved {
        None => lsp::DocumentChanges::Edits(documents),
        Some((old, new)) => {
            // The edits are for the file in its old place.
            let mut operations: Vec<_> = documents.into_iter().map(lsp::DocumentChangeOperation::Edit).collect();
            let (old_uri, new_uri) = (uri(old)?, uri(new)?);
            let file = lsp::RenameFile { old_uri, new_uri, options: None, annotation_id: None };
            operations.push(lsp::DocumentChangeOperation::Op(lsp::ResourceOp::Rename(file)));
            lsp::DocumentChanges::Operations(operations)
        }
    };
    let change_annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
    Some(lsp::WorkspaceEdit { document_changes: Some(changes), change_annotations, ..Default::default() })
}

pub(crate) fn symbol_kind(kind: SymbolKind) -> lsp::SymbolKind {
    match kind {
        SymbolKind::Module => lsp::SymbolKind::MODULE,
        SymbolKind::Class => lsp::SymbolKind::CLASS,
        SymbolKind::Function | SymbolKind::Lambda => lsp::SymbolKind::FUNCTION,
        SymbolKind::Method => lsp::SymbolKind::METHOD,
        SymbolKind::Variable => lsp::SymbolKind::VARIABLE,
        SymbolKind::Attribute => lsp::SymbolKind::FIELD,
    }
}

pub(crate) fn severity(severity: ide::Severity) -> lsp::DiagnosticSeverity {
    match severity {
        ide::Severity::Error => lsp::DiagnosticSeverity::ERROR,
        ide::Severity::Warning => lsp::DiagnosticSeverity::WARNING,
        ide::Severity::Information => lsp::DiagnosticSeverity::INFORMATION,
        ide::Severity::Hint => lsp::DiagnosticSeverity::HINT,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::from_proto;

    #[test]
    fn paths_survive_the_way_there_and_back() {
        for path in ["/a b/é+%.py", "/w/shop/__init__.py", "untitled:Untitled-1"] {
            assert_eq!(from_proto::path(&uri(Path::new(path)).unwrap()), PathBuf::from(path));
        }
    }

    #[test]
    fn ranges_survive_in_every_encoding() {
        let source = Source::new("x = 1\nname = '😀é' # ☃\n");
        let text = source.text().clone();
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (start, _) in text.char_indices() {
                let there =
                    TextRange::new(u32::try_from(start).unwrap().into(), u32::try_from(text.len()).unwrap().into());
                assert_eq!(from_proto::range(&source, range(&source, there, encoding), encoding), there);
            }
        }
    }
}
