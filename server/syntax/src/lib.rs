//! This crate turns text into trees: documents that are edited incrementally, line indices and position encodings, the
//! Python parser, text edits, and the decoding of files from disk.
//!
//! Nothing here fails on bad input: parsing answers with a tree *and* a list of errors, positions outside the text are
//! clamped. Deliberately absent: anything that looks at more than one file, names or scopes (that is `graph`), and the
//! editor protocol's types (that is `lsp`).

mod decode;
mod deep_stack;
mod document;
mod edit;
mod nesting;
mod parse;
mod position;
mod salvage;

pub use decode::{DecodeError, MAX_FILE_BYTES, decode, read_source};
pub use deep_stack::{DEEP_STACK_BYTES, drop_on_deep_pool, is_deep, on_deep_pool, on_deep_stack, spawn_deep};
pub use document::{ContentChange, Document};
pub use edit::{FileEdit, OverlappingEdits, SourceChange, TextEdit, apply_edits};
pub use parse::{
    OLDEST, Parsed, SyntaxError, is_checked_for_depth, nests_too_deep, parse, parse_annotation, parse_part,
};
pub use position::{Encoding, LineIndex, Position, Source};

pub use ruff_python_ast as ast;
pub use ruff_text_size::{Ranged, TextRange, TextSize};
