//! This crate answers what an editor asks about a place in the code: hover, lenses, hierarchies, definitions,
//! references, renames, outlines, diagnostics, what can be run, and what a change would touch.
//!
//! Every feature is a plain function of an [`Analysis`](graph::Analysis) and byte offsets, and answers with plain data in
//! byte offsets of the same snapshot. Nothing fails: where there is nothing to say the answer is `None` or empty, and an
//! answer that had to stop early says so. Deliberately absent: the editor protocol's types and encodings (`lsp`), language
//! models (`propose` and `model`), lint rules (`lint`), any state and any IO.

mod affected;
mod call_hierarchy;
mod cells;
mod changes;
mod code_lens;
mod collection;
mod definition;
mod diagnostics;
mod diagram;
mod document_highlight;
mod document_symbols;
mod duplicates;
mod fixtures;
mod hover;
mod impact;
mod implementation;
mod libraries;
mod lint_findings;
mod nearest_tests;
mod needs;
mod references;
mod rename;
mod rename_files;
mod runnables;
mod signature_help;
pub mod tree;
mod type_definition;
mod type_hierarchy;
pub mod wording;
mod workspace_symbols;

pub use affected::{Affected, AffectedTest, Step, TestRecord, affected, tests_loading, widen};
pub use call_hierarchy::{HierarchyCall, incoming_calls, outgoing_calls, prepare_call_hierarchy};
pub use cells::{Cell, cells};
pub use changes::{Changes, Earlier, changes};
pub use code_lens::{Lens, LensKind, callers_title, code_lenses, renamed_from};
pub use collection::node_id;
pub use definition::{Definition, Place, definition};
pub use diagnostics::{
    Code, Diagnostic, KnownLibraries, Packages, Project, Related, RequirementFile, Severity, WorkspaceFindings,
    diagnostics, is_available, library_mistakes, missing_package, tainted_calls,
};
pub use diagram::{Diagram, call_diagram, diagram_around, import_diagram};
pub use document_highlight::{Highlight, document_highlights};
pub use document_symbols::{DocumentSymbol, document_symbols};
pub use duplicates::{Duplicate, KnownForms, duplicates, known_already};
pub use hover::{Hover, hover, page};
pub use impact::{Effort, Reach, tests_reaching, with_descendants};
pub use implementation::implementations;
pub use libraries::{LibraryPlace, Text, library_place, library_type};
pub use lint_findings::{SharedLinter, known_among, lint_ahead, lint_findings, silence};
pub use nearest_tests::nearest_tests;
pub use needs::{Needs, Obstacle, needs, tries_in_vain};
pub use references::{Reference, references};
pub use rename::{Rename, RenameEdit, RenameStart, prepare_rename, rename};
pub use rename_files::import_edits;
pub use runnables::{Runnable, RunnableKind, runnable_at, runnables, tests};
pub use signature_help::{Signature, SignatureHelp, signature_help};
pub use type_definition::type_definition;
pub use type_hierarchy::{prepare_type_hierarchy, subtypes, supertypes};
pub use workspace_symbols::workspace_symbols;
