//! Phase one: the facts of one file.
//!
//! A [`Summary`] is a pure function of one text. It knows no other file: what a name of another module means is left as a
//! symbolic expression ([`Expr`]), to be evaluated when files are linked. Everything another file may depend on has an
//! entry in [`Summary::items`], a hash without offsets; comparing two summaries' items tells what an edit changed for
//! others.

mod annotations;
mod arguments;
mod bodies;
mod build;
mod calls;
mod comprehensions;
mod control;
mod definitions;
mod expressions;
mod few;
mod flow;
mod fold;
mod functions;
mod imports;
mod items;
mod lookup;
mod matching;
mod name_map;
mod name_table;
mod names;
mod narrowing;
mod occurrence;
mod recent;
mod replace;
mod shift;
mod statements;
mod symbolic;
mod targets;
mod text;
mod thin;

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use syntax::{SyntaxError, TextRange};

use crate::Name;

pub(crate) use arguments::Arguments;
pub(crate) use bodies::{Body, Lengths, Table};
pub(crate) use build::{summarize, summarize_edited};
pub(crate) use few::Few;
pub(crate) use items::{Item, item_key};
pub(crate) use name_table::NameTable;
pub(crate) use occurrence::{Occurrence, Occurs};
pub(crate) use replace::{Replaced, replace};
pub(crate) use symbolic::{Caught, ClassTest, Expr, Key, Narrowing};
pub(crate) use thin::Thin;

/// Declares an index type into one of the summary's arenas.
macro_rules! index {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name(pub u32);

        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// Index into [`Summary::symbols`].
    SymbolIndex
    /// Index into [`Summary::scopes`].
    ScopeIndex
    /// Index into [`Summary::bindings`].
    BindingIndex
    /// Index into [`Summary::exprs`].
    ExprIndex
    /// Index into [`Summary::imports`].
    ImportIndex
    /// Index into [`Summary::calls`].
    CallIndex
    /// Index into [`Summary::keywords`].
    KeywordIndex
}

/// A symbol of a file's text or of what the text has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SlotKey {
    pub symbol: SymbolIndex,
    pub retained: bool,
}

impl SymbolIndex {
    /// The module itself.
    pub const MODULE: SymbolIndex = SymbolIndex(0);
}

impl ScopeIndex {
    pub const MODULE: ScopeIndex = ScopeIndex(0);
}

/// The facts of one file.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Summary {
    /// The module first, then its definitions in source order, parents before children.
    pub symbols: Vec<SymbolFacts>,
    pub scopes: Vec<ScopeFacts>,
    pub bindings: Vec<BindingFacts>,
    pub exprs: Vec<Expr>,
    /// Sorted by offset.
    pub occurrences: Vec<Occurrence>,
    pub calls: Vec<CallFacts>,
    /// The names of arguments: `name=value`.
    pub keywords: Vec<KeywordFacts>,
    /// What Python calls without its being written.
    pub implied: Vec<ImpliedFacts>,
    /// Assignments to attributes and items.
    pub stores: Vec<Store>,
    /// From which expression on which definition's code is walked: `exprs` is in the order of the walk.
    pub owners: Vec<(ExprIndex, SymbolIndex)>,
    pub imports: Vec<ImportFacts>,
    /// `__all__`, when the text tells it.
    pub exports: Option<Exports>,
    /// The module builds its namespace at run time (`globals()[…] = …`, `__getattr__`, `exec`): a missing name is no mistake.
    pub dynamic: bool,
    #[serde(with = "crate::archive::errors")]
    pub errors: Vec<SyntaxError>,
    pub lines: u32,
    /// See [`Summary::items`]. Only of files that were edited.
    #[serde(skip)]
    items: OnceLock<FxHashMap<u64, u64>>,
    /// See [`Summary::hands_on`]. Only of files that were asked about it.
    #[serde(skip)]
    handed_on: OnceLock<Box<[Name]>>,
    /// Every identifier that occurs, sorted by [`Name::number`].
    pub names: Box<[Name]>,
}

impl Summary {
    /// What others may depend on: key → hash of the content, both without offsets and of this process.
    pub fn items(&self) -> &FxHashMap<u64, u64> {
        self.items.get_or_init(|| items::items(self))
    }

    /// Gives back what tables have reserved. A summary is never changed again.
    fn shrink_to_fit(&mut self) {
        exact(&mut self.symbols);
        exact(&mut self.scopes);
        exact(&mut self.bindings);
        exact(&mut self.exprs);
        exact(&mut self.occurrences);
        exact(&mut self.calls);
        exact(&mut self.keywords);
        exact(&mut self.implied);
        exact(&mut self.stores);
        exact(&mut self.owners);
        exact(&mut self.imports);
    }
}

/// Moves a table to where nothing is reserved. [`Vec::shrink_to_fit`] leaves it to the allocator, and ours does nothing
/// about a block of which half is used.
fn exact<T>(table: &mut Vec<T>) {
    if table.len() < table.capacity() {
        let mut exact = Vec::with_capacity(table.len());
        exact.append(table);
        *table = exact;
    }
}

/// What `__all__` lists.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Exports {
    pub names: Vec<Name>,
    /// Modules, as they are called in the file, whose own `__all__` is part of it.
    pub modules: Vec<Name>,
}

/// What kind of definition a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SymbolKind {
    Module,
    Class,
    Function,
    Method,
    Lambda,
    /// A variable of a module.
    Variable,
    /// A variable of a class or of its instances.
    Attribute,
}

impl SymbolKind {
    pub fn is_function(self) -> bool {
        matches!(self, SymbolKind::Function | SymbolKind::Method | SymbolKind::Lambda)
    }
}

/// Properties of a definition that are seen in its own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Flags {
    pub is_async: bool,
    pub is_generator: bool,
    pub is_property: bool,
    /// The part of a property that takes a new value.
    pub is_setter: bool,
    pub is_classmethod: bool,
    pub is_staticmethod: bool,
    pub is_abstract: bool,
    /// One of several `@overload` signatures.
    pub is_overload: bool,
    /// Says with `@deprecated` that it is to be used no longer.
    pub is_deprecated: bool,
    /// Has decorators that are not one of the well-known transparent ones above.
    pub is_decorated: bool,
    /// The body is only a docstring, `...`, `pass` or `raise NotImplementedError`.
    pub is_stub: bool,
    /// Collected by pytest or unittest.
    pub is_test: bool,
    pub has_doctest: bool,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SymbolFacts {
    pub kind: SymbolKind,
    pub name: Name,
    pub parent: Option<SymbolIndex>,
    /// Counts earlier definitions of the same qualified name: redefinitions, overloads, property setters.
    pub ordinal: u16,
    /// A hash of the qualified names and ordinals from the module down: the same wherever the definition stands.
    pub path: u64,
    pub flags: Flags,
    pub range: TextRange,
    pub name_range: TextRange,
    pub header: TextRange,
    pub body: Option<TextRange>,
    pub docstring: Option<Box<Docstring>>,
    pub params: Box<[Param]>,
    pub returns: Option<TextRange>,
    pub decorators: Box<[TextRange]>,
    pub complexity: u32,
    /// The scope that the definition opens.
    pub scope: Option<ScopeIndex>,
    pub function: Option<Box<FunctionFacts>>,
    pub class: Option<Box<ClassFacts>>,
    /// The definition after its decorators.
    pub decorated: Option<ExprIndex>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Docstring {
    pub range: TextRange,
    /// Cleaned as `inspect.cleandoc` does.
    pub text: Box<str>,
}

/// How a parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ParamKind {
    PositionalOnly,
    Positional,
    VarArgs,
    KeywordOnly,
    KwArgs,
}

/// A parameter of a function.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Param {
    pub name: Name,
    /// The name's range.
    pub range: TextRange,
    pub kind: ParamKind,
    pub has_default: bool,
    pub annotation: Option<TextRange>,
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct FunctionFacts {
    pub return_annotation: Option<ExprIndex>,
    pub returns: Vec<ExprIndex>,
    pub yields: Vec<ExprIndex>,
    /// Where parameters decide which of the values is returned; by place in `returns`.
    pub guards: Vec<(u32, ReturnGuard)>,
}

/// What holds of a parameter where a value is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct ReturnGuard {
    /// The parameter's position; it is `None` where it is not given.
    pub position: u32,
    pub is_none: bool,
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ClassFacts {
    pub bases: Vec<ExprIndex>,
    /// What stands in the brackets of each base: `Base[int]`.
    pub filled_in: Vec<Option<ExprIndex>>,
    pub metaclass: Option<ExprIndex>,
    /// `@dataclass`, `NamedTuple`: the annotated names of the body are the parameters of the constructor.
    pub has_fields: bool,
    /// A base is called `Protocol`; see `Evaluator::is_protocol`.
    pub is_protocol: bool,
    /// A decorator or metaclass that may add members.
    pub is_transformed: bool,
    /// What methods assign to `self.NAME`.
    pub attributes: FxHashMap<Name, AttributeFacts>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct AttributeFacts {
    pub symbol: SymbolIndex,
    pub values: Vec<ExprIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Function,
    Comprehension,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ScopeFacts {
    pub kind: ScopeKind,
    pub parent: Option<ScopeIndex>,
    /// The definition whose scope this is; for a comprehension the definition around it.
    pub symbol: SymbolIndex,
    /// What a name means once the scope has run: all that may have been bound last.
    pub names: NameTable,
    /// Modules whose names are imported with `*`.
    pub stars: Vec<ImportIndex>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct BindingFacts {
    pub name: Name,
    pub scope: ScopeIndex,
    /// The bound name's range.
    pub range: TextRange,
    pub value: BindingValue,
    /// The variable's node, for variables of modules and classes.
    pub symbol: Option<SymbolIndex>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum BindingValue {
    Definition(SymbolIndex),
    Import(ImportIndex),
    Value(ExprIndex),
    /// Which parameter of the scope's function; its annotation or, failing that, its default.
    Parameter {
        position: u32,
        annotation: Option<ExprIndex>,
        default: Option<ExprIndex>,
    },
    /// Where control flow joins.
    Join(Few<BindingIndex>),
    /// What a condition leaves of other bindings.
    Narrowed {
        inputs: Few<BindingIndex>,
        by: Narrowing,
    },
}

/// The name of an argument: `name=value`.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeywordFacts {
    pub call: CallIndex,
    pub name: Name,
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum CallKind {
    Call,
    Decorator,
    /// `raise Class`, which makes an instance of it.
    Raise,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CallFacts {
    /// The definition whose code makes the call.
    pub caller: SymbolIndex,
    pub callee: ExprIndex,
    /// The callee's name token.
    pub range: TextRange,
    pub kind: CallKind,
    pub arguments: Arguments,
}

/// Which kind of syntax makes Python call a special method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum ImpliedKind {
    Operator,
    Iteration,
    With,
    /// A value is made a text.
    Format,
    /// A value decides a condition.
    Truth,
}

/// A place at which Python may call what is not written.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ImpliedFacts {
    pub caller: SymbolIndex,
    /// What is evaluated: an operator, an item, an element, what `with` binds; the value itself for
    /// [`ImpliedKind::Format`] and [`ImpliedKind::Truth`].
    pub expr: ExprIndex,
    pub range: TextRange,
    pub kind: ImpliedKind,
}

/// An assignment to something that is not a name.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Store {
    pub caller: SymbolIndex,
    pub object: ExprIndex,
    pub place: Place,
    /// `None` for `del`.
    pub value: Option<ExprIndex>,
    pub range: TextRange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Place {
    Attribute(Name),
    Item(Key),
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ImportFacts {
    /// The module, without leading dots.
    pub module: Name,
    /// Leading dots.
    pub level: u32,
    /// `None` for `import module`, `*` for star imports.
    pub name: Option<Name>,
    /// `import a.b.c` binds `a`; with `as` it binds `a.b.c`.
    pub renamed: bool,
    /// The imported name's or module's token.
    pub range: TextRange,
    /// In a `try` with a handler, or behind `TYPE_CHECKING`.
    pub is_optional: bool,
    pub is_type_checking: bool,
}

impl ImportFacts {
    pub fn is_star(&self) -> bool {
        self.name.is_some_and(|name| name.as_str() == "*")
    }
}
