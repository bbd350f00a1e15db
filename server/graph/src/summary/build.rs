//! Walks a tree once and collects its facts.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::{self, Expr as Ast};
use syntax::{Parsed, TextRange, TextSize};

use super::bodies::{Bodies, Body};
use super::flow::{Flow, Reaching};
use super::name_table::{Bound, NameTable};
use super::{
    Arguments, BindingFacts, BindingIndex, BindingValue, CallFacts, CallIndex, CallKind, Expr, ExprIndex, Flags,
    ImportFacts, ImportIndex, Occurrence, Occurs, ScopeFacts, ScopeIndex, ScopeKind, Summary, SymbolFacts, SymbolIndex,
    SymbolKind, text,
};
use crate::Name;

/// Expressions nested deeper than this are left out: generated code, never a person's.
const MAX_DEPTH: u32 = 400;

/// Elements of a literal that are looked at; the rest rarely says more about the types in it.
const MAX_ELEMENTS: usize = 16;

/// The facts of `text`. `is_test_file` says whether pytest would collect the file.
pub(crate) fn summarize(text: &str, parsed: &Parsed, is_test_file: bool) -> Summary {
    summarize_edited(text, parsed, is_test_file).0
}

/// The same with what [`replace`](super::replace) needs.
pub(crate) fn summarize_edited(text: &str, parsed: &Parsed, is_test_file: bool) -> (Summary, Vec<Body>) {
    let mut builder = Builder::new(text, is_test_file);
    let body = parsed.statements();
    builder.summary.symbols[0].docstring = text::docstring(body);
    builder.summary.symbols[0].flags.has_doctest = has_doctest(&builder.summary.symbols[0]);
    builder.statements(body);
    let bodies = std::mem::take(&mut builder.bodies.found);
    (builder.finish(parsed), bodies)
}

pub(super) fn has_doctest(symbol: &SymbolFacts) -> bool {
    symbol.docstring.as_ref().is_some_and(|docstring| docstring.text.contains(">>>"))
}

pub(super) fn count_lines(text: &str) -> u32 {
    let newlines = text.bytes().filter(|&byte| byte == b'\n').count();
    let is_open = !text.is_empty() && !text.ends_with('\n');
    (newlines + usize::from(is_open)) as u32
}

pub(super) fn sort_by_place(occurrences: &mut [Occurrence]) {
    // One number compares faster than two.
    let place = |range: TextRange| u64::from(u32::from(range.start())) << 32 | u64::from(u32::from(range.end()));
    occurrences.sort_by_key(|occurrence| place(occurrence.range));
}

/// What flows out of `break` and `continue` of a loop.
pub(super) struct Loop {
    pub broken: Flow,
    pub continued: Flow,
}

impl Default for Loop {
    fn default() -> Self {
        Loop { broken: Flow::unreached(), continued: Flow::unreached() }
    }
}

/// What a function binds in a scope around it, through `nonlocal` or `global`.
pub(super) struct Effect {
    pub name: Name,
    pub scope: ScopeIndex,
    pub binding: BindingIndex,
    /// Whenever the function is called.
    pub is_certain: bool,
}

pub(super) struct Builder<'a> {
    pub summary: Summary,
    /// For each scope what [`ScopeFacts::names`] will be.
    pub names: Vec<FxHashMap<Name, Bound>>,
    pub text: &'a str,
    pub is_test_file: bool,
    pub scope: ScopeIndex,
    pub symbol: SymbolIndex,
    pub flow: Flow,
    /// The loops around.
    pub loops: Vec<Loop>,
    pub optional_import: bool,
    pub type_checking: bool,
    /// Names that `global` and `nonlocal` move to another scope.
    pub elsewhere: FxHashMap<(ScopeIndex, Name), ScopeIndex>,
    pub ordinals: FxHashMap<(Option<SymbolIndex>, Name), u16>,
    lambdas: FxHashMap<SymbolIndex, u32>,
    pub variables: FxHashMap<(SymbolIndex, Name), SymbolIndex>,
    /// Bindings made from another scope, through `global` or `nonlocal`.
    late: FxHashSet<BindingIndex>,
    pub effects: FxHashMap<SymbolIndex, Vec<Effect>>,
    /// Names that a walrus binds out of the comprehensions around.
    pub walruses: Vec<(Name, BindingIndex)>,
    /// The exceptions in the groups that `except*` binds.
    pub groups: FxHashMap<BindingIndex, ExprIndex>,
    /// How many calls the module's own code has made, up to now and before the current statement.
    pub called: u32,
    pub called_before: u32,
    /// For names of the module: the calls that were made when it was last bound.
    bound_at: FxHashMap<Name, u32>,
    /// For names that functions use from the module: the calls that were made when the first one was defined.
    used_at: FxHashMap<Name, u32>,
    /// The statement that is being walked: the range of variables bound in it.
    pub statement: TextRange,
    pub depth: u32,
    pub bodies: Bodies,
}

impl<'a> Builder<'a> {
    pub fn new(text: &'a str, is_test_file: bool) -> Self {
        let end = TextSize::of(text);
        let module = SymbolFacts {
            kind: SymbolKind::Module,
            // A module does not know its own name; the workspace does.
            name: Name::new(""),
            parent: None,
            ordinal: 0,
            path: 0,
            flags: Flags::default(),
            range: TextRange::up_to(end),
            name_range: TextRange::default(),
            header: TextRange::default(),
            body: Some(TextRange::up_to(end)),
            docstring: None,
            params: Box::default(),
            returns: None,
            decorators: Box::default(),
            complexity: 0,
            scope: Some(ScopeIndex::MODULE),
            function: None,
            class: None,
            decorated: None,
        };
        let scope = ScopeFacts {
            kind: ScopeKind::Module,
            parent: None,
            symbol: SymbolIndex::MODULE,
            names: NameTable::default(),
            stars: Vec::new(),
        };
        Builder {
            summary: Summary {
                symbols: vec![module],
                scopes: vec![scope],
                // About what Python has; a large table that grows is copied again and again.
                exprs: Vec::with_capacity(text.len() / 10),
                occurrences: Vec::with_capacity(text.len() / 10),
                bindings: Vec::with_capacity(text.len() / 40),
                ..Summary::default()
            },
            names: vec![FxHashMap::default()],
            text,
            is_test_file,
            scope: ScopeIndex::MODULE,
            symbol: SymbolIndex::MODULE,
            flow: Flow::default(),
            loops: Vec::new(),
            optional_import: false,
            type_checking: false,
            elsewhere: FxHashMap::default(),
            ordinals: FxHashMap::default(),
            lambdas: FxHashMap::default(),
            variables: FxHashMap::default(),
            late: FxHashSet::default(),
            effects: FxHashMap::default(),
            walruses: Vec::new(),
            groups: FxHashMap::default(),
            called: 0,
            called_before: 0,
            bound_at: FxHashMap::default(),
            used_at: FxHashMap::default(),
            statement: TextRange::default(),
            depth: 0,
            bodies: Bodies::default(),
        }
    }

    fn finish(mut self, parsed: &Parsed) -> Summary {
        self.close_scope();
        let mut summary = self.summary;
        for (scope, names) in summary.scopes.iter_mut().zip(self.names) {
            scope.names = names.into();
        }
        summary.errors = parsed.errors();
        summary.lines = count_lines(self.text);
        sort_by_place(&mut summary.occurrences);
        let occurring = summary.occurrences.iter().filter_map(|occurrence| summary.occurring_name(occurrence.what()));
        let names: FxHashSet<Name> = occurring.chain(summary.symbols.iter().map(|symbol| symbol.name)).collect();
        let mut names: Vec<Name> = names.into_iter().collect();
        names.sort_unstable_by_key(|name| name.number());
        summary.names = names.into();
        summary.shrink_to_fit();
        summary
    }

    // ---- arenas

    pub fn push(&mut self, expr: Expr) -> ExprIndex {
        self.summary.exprs.push(expr);
        ExprIndex(self.summary.exprs.len() as u32 - 1)
    }

    pub fn unknown(&mut self) -> ExprIndex {
        self.push(Expr::Unknown)
    }

    pub fn union(&mut self, mut parts: Vec<ExprIndex>) -> ExprIndex {
        parts.truncate(MAX_ELEMENTS);
        match parts.as_slice() {
            [] => self.unknown(),
            [one] => *one,
            _ => self.push(Expr::Union(parts.into())),
        }
    }

    pub fn occurs(&mut self, range: TextRange, what: Occurs) {
        self.summary.occurrences.push(Occurrence::new(range, what));
    }

    /// Adds a definition below the current one.
    pub fn add_symbol(&mut self, mut symbol: SymbolFacts) -> SymbolIndex {
        let ordinal = self.ordinals.entry((symbol.parent, symbol.name)).or_default();
        symbol.ordinal = *ordinal;
        *ordinal += 1;
        let parent = symbol.parent.map_or(0, |parent| self.summary.symbol(parent).path);
        let mut hasher = crate::name::hasher();
        (parent, symbol.name.as_str(), symbol.ordinal).hash(&mut hasher);
        symbol.path = hasher.finish();
        self.summary.symbols.push(symbol);
        SymbolIndex(self.summary.symbols.len() as u32 - 1)
    }

    // ---- scopes and bindings

    pub fn open_scope(&mut self, kind: ScopeKind, symbol: SymbolIndex) -> ScopeIndex {
        self.open_scope_in(self.scope, kind, symbol)
    }

    fn open_scope_in(&mut self, around: ScopeIndex, kind: ScopeKind, symbol: SymbolIndex) -> ScopeIndex {
        self.summary.scopes.push(ScopeFacts {
            kind,
            parent: Some(around),
            symbol,
            names: NameTable::default(),
            stars: Vec::new(),
        });
        self.names.push(FxHashMap::default());
        ScopeIndex(self.summary.scopes.len() as u32 - 1)
    }

    /// Walks a definition's own code in a scope of its own, inside the scope `around`.
    pub fn in_scope(&mut self, around: ScopeIndex, kind: ScopeKind, symbol: SymbolIndex, walk: impl FnOnce(&mut Self)) {
        let scope = self.open_scope_in(around, kind, symbol);
        self.summary.symbols[symbol.index()].scope = Some(scope);
        let outer = (
            std::mem::replace(&mut self.scope, scope),
            std::mem::replace(&mut self.symbol, symbol),
            std::mem::take(&mut self.flow),
            std::mem::take(&mut self.loops),
        );
        self.summary.owners.push((self.next_expr(), symbol));
        walk(self);
        self.close_scope();
        (self.scope, self.symbol, self.flow, self.loops) = outer;
        self.summary.owners.push((self.next_expr(), self.symbol));
    }

    fn next_expr(&self) -> ExprIndex {
        ExprIndex(self.summary.exprs.len() as u32)
    }

    /// Narrows a module's or class's names to what they mean in the end. Functions keep every binding: a closure may
    /// run at any time.
    fn close_scope(&mut self) {
        let kind = self.summary.scope(self.scope).kind;
        if !matches!(kind, ScopeKind::Module | ScopeKind::Class) || self.flow.has_ended() {
            return;
        }
        let names = &mut self.names[self.scope.index()];
        self.flow.each_name(|name, reaching| {
            let all = names.entry(name).or_default();
            // What functions bind through `global`, or may have seen, is not part of the flow to the end.
            let late = all.iter().filter(|binding| self.late.contains(binding) && !reaching.contains(binding));
            *all = reaching.iter().chain(late).copied().collect();
        });
    }

    /// The scope in which the current one binds `name`.
    fn binding_scope(&self, name: Name) -> ScopeIndex {
        self.elsewhere.get(&(self.scope, name)).copied().unwrap_or(self.scope)
    }

    pub fn bind(&mut self, name: Name, range: TextRange, value: BindingValue) -> BindingIndex {
        let scope = self.binding_scope(name);
        let is_variable = matches!(value, BindingValue::Value(_));
        let symbol = match value {
            BindingValue::Definition(symbol) => Some(symbol),
            _ if is_variable => self.variable(scope, name, range),
            _ => None,
        };
        let binding = self.push_binding(BindingFacts { name, scope, range, value, symbol });
        self.names[scope.index()].entry(name).or_default().push(binding);
        if scope == self.scope {
            self.keep_seen(name);
            self.flow.bind(name, binding);
        } else {
            self.late.insert(binding);
            let effect = Effect { name, scope, binding, is_certain: false };
            self.effects.entry(self.symbol).or_default().push(effect);
        }
        binding
    }

    /// A name of the module is about to be bound anew. Functions that were defined and may have been called meanwhile have
    /// seen what it was.
    fn keep_seen(&mut self, name: Name) {
        if self.scope != ScopeIndex::MODULE {
            return;
        }
        let bound = self.bound_at.insert(name, self.called);
        if let (Some(bound), Some(&used)) = (bound, self.used_at.get(&name))
            && self.called_before > bound.max(used)
        {
            self.late.extend(self.flow.get(name).into_iter().flatten());
        }
    }

    /// A function uses a name that is not its own.
    pub fn note_use(&mut self, name: Name) {
        if self.summary.scope(self.scope).kind == ScopeKind::Function {
            self.used_at.entry(name).or_insert(self.called);
            self.bodies.uses.push(name);
        }
    }

    pub fn next_binding(&self) -> BindingIndex {
        BindingIndex(self.summary.bindings.len() as u32)
    }

    pub fn push_binding(&mut self, binding: BindingFacts) -> BindingIndex {
        self.summary.bindings.push(binding);
        BindingIndex(self.summary.bindings.len() as u32 - 1)
    }

    /// The node of a variable of a module or class; locals have none.
    fn variable(&mut self, scope: ScopeIndex, name: Name, range: TextRange) -> Option<SymbolIndex> {
        let facts = self.summary.scope(scope);
        let kind = match facts.kind {
            ScopeKind::Module => SymbolKind::Variable,
            ScopeKind::Class => SymbolKind::Attribute,
            ScopeKind::Function | ScopeKind::Comprehension => return None,
        };
        Some(self.variable_symbol(facts.symbol, name, kind, range))
    }

    pub fn variable_symbol(
        &mut self,
        parent: SymbolIndex,
        name: Name,
        kind: SymbolKind,
        range: TextRange,
    ) -> SymbolIndex {
        if let Some(&symbol) = self.variables.get(&(parent, name)) {
            return symbol;
        }
        let symbol = self.add_symbol(SymbolFacts {
            kind,
            name,
            parent: Some(parent),
            ordinal: 0,
            path: 0,
            flags: Flags::default(),
            range: self.statement,
            name_range: range,
            header: self.statement,
            body: None,
            docstring: None,
            params: Box::default(),
            returns: None,
            decorators: Box::default(),
            complexity: 0,
            scope: None,
            function: None,
            class: None,
            decorated: None,
        });
        self.variables.insert((parent, name), symbol);
        symbol
    }

    /// The class around the current code, through nested functions.
    pub fn current_class(&self) -> Option<SymbolIndex> {
        let mut current = Some(self.symbol);
        while let Some(symbol) = current {
            if self.summary.symbol(symbol).kind == SymbolKind::Class {
                return Some(symbol);
            }
            current = self.summary.symbol(symbol).parent;
        }
        None
    }

    // ---- definitions

    pub fn next_lambda(&mut self) -> Name {
        let count = self.lambdas.entry(self.symbol).or_default();
        *count += 1;
        Name::new(&format!("<lambda{count}>"))
    }

    pub fn import(&mut self, import: ImportFacts) -> ImportIndex {
        self.summary.imports.push(import);
        ImportIndex(self.summary.imports.len() as u32 - 1)
    }

    pub fn call(&mut self, callee: ExprIndex, range: TextRange, kind: CallKind, arguments: Arguments) -> CallIndex {
        self.forget_recent();
        self.called += u32::from(self.symbol == SymbolIndex::MODULE);
        self.summary.calls.push(CallFacts { caller: self.symbol, callee, range, kind, arguments });
        CallIndex(self.summary.calls.len() as u32 - 1)
    }

    /// Runs `walk` on a copy of the flow and gives back the flow at its end; the current flow stays.
    pub fn branch(&mut self, walk: impl FnOnce(&mut Self)) -> Flow {
        let before = self.flow.clone();
        walk(self);
        std::mem::replace(&mut self.flow, before)
    }

    pub fn reaching(&self, name: Name) -> Option<Reaching> {
        self.flow.get(name).cloned()
    }

    pub fn flags_of_decorators(&self, decorators: &[ast::Decorator]) -> Flags {
        let mut flags = Flags::default();
        for decorator in decorators {
            match text::decorator_name(&decorator.expression) {
                "staticmethod" => flags.is_staticmethod = true,
                "classmethod" => flags.is_classmethod = true,
                "abstractmethod" => flags.is_abstract = true,
                "overload" => flags.is_overload = true,
                "deprecated" => flags.is_deprecated = true,
                "property" | "cached_property" | "abstractproperty" | "getter" => flags.is_property = true,
                "setter" | "deleter" => {
                    flags.is_property = true;
                    flags.is_setter = true;
                }
                "override" | "final" | "wraps" | "lru_cache" | "cache" => {}
                _ => flags.is_decorated = true,
            }
        }
        flags
    }

    pub fn too_deep(&self) -> bool {
        self.depth > MAX_DEPTH
    }

    pub fn first_elements<'b>(&self, elements: &'b [Ast]) -> (&'b [Ast], &'b [Ast]) {
        elements.split_at(elements.len().min(MAX_ELEMENTS))
    }
}
