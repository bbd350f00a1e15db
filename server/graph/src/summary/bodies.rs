//! Which of a file's facts come from which function's body.
//!
//! Facts stand in tables in the order of the walk, so that what a body adds to each is one stretch of it. Only for texts that are being
//! edited: a keystroke in a body [replaces](super::replace) these stretches and leaves the rest.

use std::ops::Range;

use syntax::ast::{Stmt, StmtFunctionDef};

use super::build::Builder;
use super::{Summary, SymbolIndex};
use crate::Name;

/// The tables with an index of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Symbols,
    Scopes,
    Bindings,
    Exprs,
    Imports,
    Calls,
    Keywords,
    Implied,
    Stores,
    Owners,
}

/// How many tables there are.
pub(super) const TABLES: usize = 10;

/// How long each table is at some point of the walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths([u32; TABLES]);

impl Summary {
    /// How long each table is.
    pub fn lengths(&self) -> Lengths {
        let lengths = [
            self.symbols.len(),
            self.scopes.len(),
            self.bindings.len(),
            self.exprs.len(),
            self.imports.len(),
            self.calls.len(),
            self.keywords.len(),
            self.implied.len(),
            self.stores.len(),
            self.owners.len(),
        ];
        Lengths(lengths.map(|length| length as u32))
    }
}

impl Lengths {
    pub fn get(&self, table: Table) -> u32 {
        self.0[table as usize]
    }

    /// The same after a stretch that ended at `before` ends at `after`.
    pub fn moved(&self, before: &Lengths, after: &Lengths) -> Lengths {
        let mut moved = *self;
        for (length, (before, after)) in moved.0.iter_mut().zip(before.0.iter().zip(&after.0)) {
            *length = *length - before + after;
        }
        moved
    }
}

/// What the body of a function, one that is in no other function, has added to the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub function: SymbolIndex,
    pub begin: Lengths,
    pub end: Lengths,
    /// How deep its statements are.
    pub(super) depth: u32,
    pub(super) optional_import: bool,
    pub(super) type_checking: bool,
    /// The names that it has from outside, sorted by [`Name::number`].
    pub(super) uses: Box<[Name]>,
    /// The attributes of `self` that it assigns, in this order.
    pub(super) attributes: Box<[Name]>,
}

impl Body {
    pub fn stretch(&self, table: Table) -> Range<usize> {
        self.begin.get(table) as usize..self.end.get(table) as usize
    }
}

/// What is noted on the walk.
#[derive(Default)]
pub(super) struct Bodies {
    pub found: Vec<Body>,
    /// The walk is in a body that began with this symbol.
    inside: Option<SymbolIndex>,
    /// What is walked says something about what is around it: it binds global names, or makes the module build its namespace at run time.
    pub reaches_out: bool,
    pub uses: Vec<Name>,
    attributes: Vec<Name>,
}

impl Builder<'_> {
    /// Walks the body of a function, whose scope is open and whose parameters are bound.
    pub fn body(&mut self, function: SymbolIndex, body: &[Stmt]) {
        if self.bodies.inside.is_some() {
            return self.statements(body);
        }
        let begin = self.summary.lengths();
        let depth = self.depth;
        let (optional_import, type_checking) = (self.optional_import, self.type_checking);
        let reached_out = std::mem::take(&mut self.bodies.reaches_out);
        let was_dynamic = std::mem::take(&mut self.summary.dynamic);
        self.bodies.uses.clear();
        self.bodies.attributes.clear();
        self.bodies.inside = Some(SymbolIndex(begin.get(Table::Symbols)));
        self.statements(body);
        self.bodies.inside = None;
        self.bodies.reaches_out |= self.summary.dynamic;
        self.summary.dynamic |= was_dynamic;
        if !self.bodies.reaches_out {
            let mut uses = self.bodies.uses.clone();
            uses.sort_unstable_by_key(|name| name.number());
            uses.dedup();
            self.bodies.found.push(Body {
                function,
                begin,
                end: self.summary.lengths(),
                depth,
                optional_import,
                type_checking,
                uses: uses.into(),
                attributes: self.bodies.attributes.as_slice().into(),
            });
        }
        self.bodies.reaches_out |= reached_out;
    }

    /// An attribute of a class is assigned.
    pub fn note_attribute(&mut self, class: SymbolIndex, name: Name) {
        if self.bodies.inside.is_some_and(|first| class < first) {
            self.bodies.attributes.push(name);
        }
    }

    /// The facts of a function that its body decides.
    pub fn describe_body(&mut self, symbol: SymbolIndex, function: &StmtFunctionDef) {
        let header = self.header(&function.decorator_list, function, &function.body);
        let facts = &mut self.summary.symbols[symbol.index()];
        facts.range = syntax::Ranged::range(function);
        facts.header = header;
        facts.body = super::text::span(&function.body);
        facts.docstring = super::text::docstring(&function.body);
        facts.flags.is_stub = super::text::is_stub(&function.body);
        facts.flags.has_doctest = super::build::has_doctest(facts);
    }
}
