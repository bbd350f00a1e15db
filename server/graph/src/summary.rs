//! Phase one: the facts of one file.
//!
//! A [`Summary`] is a pure function of one text. It knows no other file: what a name of another module means is left as a
//! symbolic expression ([`Expr`]), to be evaluated when files are linked. Everything another file may depend on has an
//! entry in [`Summary::items`], a hash without offsets; comparing two summaries' items tells what an edit changed for
//! others.

mod build;
mod expressions;
mod flow;
mod items;
mod narrowing;
mod recent;
mod statements;
mod text;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use syntax::{SyntaxError, TextRange};

use crate::Name;

pub(crate) use build::summarize;
pub(crate) use items::{Item, item_key};

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
}

/// A symbol of a file's text or of what the text has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// What Python calls without its being written.
    pub implied: Vec<ImpliedFacts>,
    /// Assignments to attributes and items.
    pub stores: Vec<Store>,
    /// From which expression on which definition's code is walked: `exprs` is in the order of the walk.
    pub owners: Vec<(ExprIndex, SymbolIndex)>,
    pub imports: Vec<ImportFacts>,
    /// `__all__`, when it is a literal.
    pub exports: Option<Vec<Name>>,
    /// The module builds its namespace at run time (`globals()[…] = …`, `__getattr__`, `exec`): a missing name is no mistake.
    pub dynamic: bool,
    #[serde(with = "crate::archive::errors")]
    pub errors: Vec<SyntaxError>,
    pub lines: u32,
    /// What others may depend on: key → hash of the content, both without offsets.
    #[serde(with = "crate::archive::items")]
    pub items: FxHashMap<u64, u64>,
    /// Every identifier that occurs, sorted by [`Name::address`].
    pub names: Box<[Name]>,
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
    /// Has decorators that are not one of the well-known transparent ones above.
    pub is_decorated: bool,
    /// The body is only a docstring, `...`, `pass` or `raise NotImplementedError`.
    pub is_stub: bool,
    /// Collected by pytest or unittest.
    pub is_test: bool,
    pub has_doctest: bool,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
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
    pub docstring: Option<Docstring>,
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

#[derive(Debug, serde::Serialize, serde::Deserialize)]
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

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct FunctionFacts {
    pub return_annotation: Option<ExprIndex>,
    pub returns: Vec<ExprIndex>,
    pub yields: Vec<ExprIndex>,
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ClassFacts {
    pub bases: Vec<ExprIndex>,
    pub metaclass: Option<ExprIndex>,
    /// `@dataclass`, `NamedTuple`: the annotated names of the body are the parameters of the constructor.
    pub has_fields: bool,
    /// A decorator or metaclass that may add members.
    pub is_transformed: bool,
    /// What methods assign to `self.NAME`.
    pub attributes: FxHashMap<Name, AttributeFacts>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
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

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ScopeFacts {
    pub kind: ScopeKind,
    pub parent: Option<ScopeIndex>,
    /// The definition whose scope this is; for a comprehension the definition around it.
    pub symbol: SymbolIndex,
    /// What a name means once the scope has run: all that may have been bound last.
    pub names: FxHashMap<Name, SmallVec<[BindingIndex; 1]>>,
    /// Modules whose names are imported with `*`.
    pub stars: Vec<ImportIndex>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
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
    Join(SmallVec<[BindingIndex; 4]>),
    /// What a condition leaves of other bindings.
    Narrowed {
        inputs: SmallVec<[BindingIndex; 2]>,
        by: Narrowing,
    },
}

/// What is known after a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Narrowing {
    /// `isinstance(value, classes)`
    Is(ExprIndex),
    IsNot(ExprIndex),
    /// `value is not None`, or the value is true.
    NotNone,
    /// `value is None`
    None,
}

/// A subscript, as far as the text tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Key {
    /// Negative from the end.
    Index(i32),
    Text(Name),
    /// The value of an expression.
    Of(ExprIndex),
    /// Some key, not known which.
    Any,
}

/// A symbolic expression: what will have to be evaluated to know the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Expr {
    /// A name, with the bindings of its own scope that reach it.
    Local(SmallVec<[BindingIndex; 2]>),
    /// A name that is looked up in `scope` and the scopes around it.
    Free {
        scope: ScopeIndex,
        name: Name,
    },
    Attribute {
        value: ExprIndex,
        name: Name,
    },
    Call(CallIndex),
    /// `super()` in a method of the class.
    Super(SymbolIndex),
    /// The class of `value`: `type(x)`, `x.__class__`.
    ClassOf(ExprIndex),
    /// An instance of the class that the annotation names.
    InstanceOf(ExprIndex),
    /// `typing.Self` in a method of the class.
    SelfInstance(SymbolIndex),
    /// What iterating over the value gives.
    Element(ExprIndex),
    /// What `next(value)` gives.
    Next(ExprIndex),
    /// `value[key]`
    Item {
        value: ExprIndex,
        key: Key,
    },
    /// `value[from:to]`; with the ends where they are constants from the start.
    Slice {
        value: ExprIndex,
        from: u32,
        to: Option<u32>,
        /// The ends are known.
        known: bool,
    },
    /// `place`, an attribute or item to which `value` was assigned on every way here, and nothing that might change it came
    /// between.
    Recent {
        place: ExprIndex,
        value: ExprIndex,
    },
    /// One name of a tuple target; negative from the end, after a starred one.
    Unpacked {
        value: ExprIndex,
        index: i32,
    },
    /// The starred name of a tuple target: all but `before` at the start and `after` at the end.
    Rest {
        value: ExprIndex,
        before: u32,
        after: u32,
    },
    Awaited(ExprIndex),
    /// What a generator returns in the end: `yield from value`.
    Final(ExprIndex),
    /// What is sent into the generator function: `yield`.
    Sent(SymbolIndex),
    Entered(ExprIndex),
    /// A unary operator's special method on the value.
    Unary {
        method: Name,
        value: ExprIndex,
    },
    /// A binary operator's special method: of the left operand or, reflected, of the right one.
    Binary {
        method: Name,
        left: ExprIndex,
        right: ExprIndex,
    },
    Union(Box<[ExprIndex]>),
    /// The first alternative that is known.
    OrElse(ExprIndex, ExprIndex),
    List(Box<[ExprIndex]>),
    /// A set, iterator, or list of unknown length, of the element.
    Sequence(ExprIndex),
    Tuple(Box<[ExprIndex]>),
    Dict(Box<[(Key, ExprIndex)]>),
    /// A mapping to the value.
    Mapping(ExprIndex),
    /// A definition of this file: a function, lambda or class before its decorators.
    Definition(SymbolIndex),
    /// A short text or number that may serve as a key or a name.
    Constant(Key),
    /// A text of which the beginning and the end are known.
    Format {
        prefix: Name,
        suffix: Name,
    },
    /// A literal of a built-in type.
    Builtin(Name),
    Unknown,
}

/// An identifier in the text.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Occurrence {
    pub range: TextRange,
    pub what: Occurs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Occurs {
    /// A name or attribute that is read.
    Load(ExprIndex),
    /// A name that is bound.
    Store(BindingIndex),
    /// An attribute that is assigned or deleted.
    StoreAttribute(ExprIndex),
    /// The name in `def` or `class`.
    Definition(SymbolIndex),
    /// The name that an import binds, or the imported name of `from … import name`.
    Import(ImportIndex),
    /// The module of `from module import …`.
    ImportedModule(ImportIndex),
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum CallKind {
    Call,
    Decorator,
    /// `raise Class`, which makes an instance of it.
    Raise,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CallFacts {
    /// The definition whose code makes the call.
    pub caller: SymbolIndex,
    pub callee: ExprIndex,
    /// The callee's name token.
    pub range: TextRange,
    pub kind: CallKind,
    pub arguments: Arguments,
}

/// What is given in a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Arguments {
    /// Those before the first starred one.
    pub positional: SmallVec<[ExprIndex; 2]>,
    /// The value of `*args`.
    pub star: Option<ExprIndex>,
    pub keywords: Box<[(Name, ExprIndex)]>,
    /// The value of `**kwargs`.
    pub double_star: Option<ExprIndex>,
}

impl Arguments {
    /// `*args` or `**kwargs`: the count is not known.
    pub fn unpacks(&self) -> bool {
        self.star.is_some() || self.double_star.is_some()
    }
}

/// Which kind of syntax makes Python call a special method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum ImpliedKind {
    Operator,
    Iteration,
    With,
    /// A value is made a text.
    Format,
}

/// A place at which Python may call what is not written.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ImpliedFacts {
    pub caller: SymbolIndex,
    /// What is evaluated: an operator, an item, an element, what `with` binds; the value itself for [`ImpliedKind::Format`].
    pub expr: ExprIndex,
    pub range: TextRange,
    pub kind: ImpliedKind,
}

/// An assignment to something that is not a name.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
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

#[derive(Debug, serde::Serialize, serde::Deserialize)]
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

impl Summary {
    pub fn symbol(&self, index: SymbolIndex) -> &SymbolFacts {
        &self.symbols[index.index()]
    }

    pub fn scope(&self, index: ScopeIndex) -> &ScopeFacts {
        &self.scopes[index.index()]
    }

    pub fn binding(&self, index: BindingIndex) -> &BindingFacts {
        &self.bindings[index.index()]
    }

    pub fn expr(&self, index: ExprIndex) -> &Expr {
        &self.exprs[index.index()]
    }

    pub fn import(&self, index: ImportIndex) -> &ImportFacts {
        &self.imports[index.index()]
    }

    pub fn call(&self, index: CallIndex) -> &CallFacts {
        &self.calls[index.index()]
    }

    /// The definition in whose code an expression stands.
    pub fn owner(&self, expr: ExprIndex) -> SymbolIndex {
        let after = self.owners.partition_point(|(start, _)| *start <= expr);
        self.owners[..after].last().map_or(SymbolIndex::MODULE, |(_, symbol)| *symbol)
    }

    /// The scopes in which a name used in `scope` is looked up, innermost first. Code in a method does not see the names of
    /// its class.
    pub fn visible_from(&self, scope: ScopeIndex) -> impl Iterator<Item = &ScopeFacts> {
        let around = std::iter::successors(Some(scope), |&index| self.scope(index).parent);
        around
            .filter(move |&index| index == scope || self.scope(index).kind != ScopeKind::Class)
            .map(|index| self.scope(index))
    }

    /// `Class.method` for a method, empty for the module.
    pub fn local_name(&self, index: SymbolIndex) -> String {
        let mut parts = Vec::new();
        let mut current = Some(index);
        while let Some(index) = current
            && index != SymbolIndex::MODULE
        {
            let symbol = self.symbol(index);
            parts.push(symbol.name.as_str());
            current = symbol.parent;
        }
        parts.reverse();
        parts.join(".")
    }

    /// The class that a definition is directly in.
    pub fn enclosing_class(&self, index: SymbolIndex) -> Option<SymbolIndex> {
        let parent = self.symbol(index).parent?;
        (self.symbol(parent).kind == SymbolKind::Class).then_some(parent)
    }

    /// The bindings that meet in a join or are narrowed, through further ones: nested loops feed each other's, so that
    /// following them blindly would never end.
    pub fn joined(&self, join: BindingIndex) -> Vec<BindingIndex> {
        let mut seen = FxHashSet::from_iter([join]);
        let mut pending = vec![join];
        let mut leaves = Vec::new();
        while let Some(binding) = pending.pop() {
            let inputs: &[BindingIndex] = match &self.binding(binding).value {
                BindingValue::Join(inputs) => inputs,
                BindingValue::Narrowed { inputs, .. } => inputs,
                _ => {
                    leaves.push(binding);
                    continue;
                }
            };
            pending.extend(inputs.iter().copied().filter(|&input| seen.insert(input)));
        }
        leaves.sort_unstable();
        leaves
    }

    /// Whether the identifier occurs anywhere in the text.
    pub fn mentions(&self, name: Name) -> bool {
        self.names.binary_search_by_key(&name.address(), |name| name.address()).is_ok()
    }

    /// The identifier of an occurrence.
    pub fn occurring_name(&self, what: Occurs) -> Option<Name> {
        match what {
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) => match self.expr(expr) {
                Expr::Local(bindings) => bindings.first().map(|&binding| self.binding(binding).name),
                Expr::Free { name, .. } | Expr::Attribute { name, .. } => Some(*name),
                _ => None,
            },
            Occurs::Store(binding) => Some(self.binding(binding).name),
            Occurs::Definition(symbol) => Some(self.symbol(symbol).name),
            Occurs::Import(import) => self.import(import).name,
            Occurs::ImportedModule(_) => None,
        }
    }
}
