//! This crate keeps the dependency graph of a Python workspace: what defines, imports, calls and inherits what.
//!
//! It works in two phases. A file's *summary* is a pure function of its text; *linking* evaluates the summaries of all
//! files into edges. [`AnalysisHost`] owns the graph and applies changes; [`Analysis`] is an immutable snapshot of it that
//! answers questions. An edit summarises one file again and links only the files that had looked up something that
//! changed, including look-ups that found nothing; the result equals a graph built from scratch.
//!
//! An edge carries a [`Confidence`], and call sites without a target are kept with the reason. A name alone never makes an
//! edge. Deliberately absent: the editor's protocol, rendering for people, models, any disk access but [`discover`] and
//! [`load`], and any lock.

mod analysis;
mod apply_flow;
mod archive;
mod discover;
mod eval;
mod flow;
mod host;
mod link;
mod modules;
mod name;
mod snapshot;
mod stdlib;
mod summary;
mod test_names;
#[cfg(test)]
mod testing;
mod tree;
mod types;

use std::fmt;

pub use analysis::{
    Analysis, Call, CallSite, Collision, CollisionKind, Doubt, Edge, Family, Import, ImportKind, Importable,
    IncompatibleCall, IncompatibleCallers, IncompatibleOverride, Libraries, LibraryDefinition, LibraryMistake,
    LibraryMistakeKind, LibraryModule, LibraryOrigin, LibraryPath, LibraryUse, Meaning, MissingMember, Owner, Relation,
    Resolver, Site, Spelled, Spelling, Stats, Symbol, Target, Usage, Variable, Verdicts,
};
pub use apply_flow::Flow;
pub use archive::{Archived, Digest};
pub use discover::{Discovery, Skipped, check_glob, discover, is_document, is_python, load, matching};
pub use eval::built_in_names;
pub use flow::{ExternalArgument, ExternalUse, ExternalUseKind, ExternalUses, Externals};
pub use host::{AnalysisHost, Change, Timings, is_test_file};
pub use name::Name;
pub use stdlib::is_standard;
pub use summary::{Flags, Param, ParamKind, SymbolKind};
pub use test_names::TestNames;
pub use tree::{SharedTree, Tree};

/// A file of a host; stable for the host's life, also when the file is deleted and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A definition of a host; stable across edits while its qualified name (and its place among redefinitions) stays the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId {
    pub file: FileId,
    slot: u32,
}

/// How an edge was found. Surer ones come first in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One binding, no inference.
    Exact,
    /// Through types, returned values or the flow of data.
    Inferred,
    /// One of several targets, or something that is not known may be there instead.
    Possible,
}

/// What a call edge is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    Call,
    /// A class is called, and what runs then.
    Constructor,
    Decorator,
    /// `raise Class`
    Raise,
    /// A built-in calls what it is given, as `map` and `sorted` do.
    Callback,
    Iteration,
    With,
    /// An operator, a subscript, or a value that is made a text or decides a condition.
    Operator,
    /// Reading or assigning an attribute runs a property, a descriptor or `__getattr__`.
    Property,
    /// A `class` statement runs its metaclass, `__init_subclass__` of a base, or `__set_name__` of what stands in it.
    ClassCreation,
}

impl EdgeKind {
    /// In lower case, words joined by hyphens.
    pub fn as_str(self) -> &'static str {
        match self {
            EdgeKind::Call => "call",
            EdgeKind::Constructor => "constructor",
            EdgeKind::Decorator => "decorator",
            EdgeKind::Raise => "raise",
            EdgeKind::Callback => "callback",
            EdgeKind::Iteration => "iteration",
            EdgeKind::With => "with",
            EdgeKind::Operator => "operator",
            EdgeKind::Property => "property",
            EdgeKind::ClassCreation => "class-creation",
        }
    }

    /// Whether a reader sees in the text that something is called. Hierarchies show these; impact follows all.
    pub fn is_explicit(self) -> bool {
        !matches!(self, EdgeKind::With | EdgeKind::Operator | EdgeKind::Property | EdgeKind::ClassCreation)
    }
}

/// Why a call site has no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unresolved {
    UnknownName,
    UnknownValue,
    UnknownReceiver,
    UnknownMember,
    UnknownDecorator,
    NotCallable,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unresolved::UnknownName => "the name is not bound anywhere",
            Unresolved::UnknownValue => "what is called comes from a value that is not known",
            Unresolved::UnknownReceiver => "the receiver's type is not known",
            Unresolved::UnknownMember => "the receiver's type is known, but not this member of it",
            Unresolved::UnknownDecorator => "the decorator is not known",
            Unresolved::NotCallable => "what is called is not a function or class",
        })
    }
}
