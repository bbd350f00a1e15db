//! Inheritance.

use rustc_hash::FxHashSet;

use super::Analysis;
use crate::eval::Referent;
use crate::summary::SymbolIndex;
use crate::types::{Def, Unit, Value};
use crate::{Name, SymbolId, SymbolKind};

impl Analysis {
    /// Direct base classes in the workspace, in the order in which they are written.
    pub fn bases(&self, class: SymbolId) -> Vec<SymbolId> {
        let Some(def) = self.snapshot.def(class) else { return Vec::new() };
        let links = &self.snapshot.links[class.file.index()];
        links.bases.iter().filter(|(symbol, _)| *symbol == def.symbol).map(|(_, base)| *base).collect()
    }

    /// The dotted name of a class outside of the workspace that a class inherits from, also by way of others; the builtins' have no
    /// dot.
    pub fn external_base(&self, class: SymbolId) -> Option<&'static str> {
        let def = self.snapshot.def(class)?;
        self.evaluator().mro(def).external.map(Name::as_str)
    }

    /// Direct subclasses, sorted by path and offset.
    pub fn subclasses(&self, class: SymbolId) -> Vec<SymbolId> {
        let mut found = Vec::new();
        for file in self.sources(class.file) {
            for (symbol, base) in &self.snapshot.links[file.index()].bases {
                if *base == class {
                    found.push(self.id(Def { unit: Unit::live(file), symbol: *symbol }));
                }
            }
        }
        found.sort_by_key(|&id| (self.path(id.file), self.symbol(id).range.start()));
        found.dedup();
        found
    }

    /// The class and its base classes in the workspace in method resolution order.
    pub fn ancestors(&self, class: SymbolId) -> Vec<SymbolId> {
        let Some(def) = self.snapshot.def(class) else { return Vec::new() };
        let mro = self.evaluator().mro(def);
        mro.classes.iter().map(|&class| self.id(class)).collect()
    }

    /// What a method, or other member of a class, overrides; the nearest first.
    pub fn overridden(&self, member: SymbolId) -> Vec<SymbolId> {
        let Some((class, name)) = self.member_of(member) else { return Vec::new() };
        let ancestors = self.ancestors(class);
        ancestors.into_iter().skip(1).filter_map(|base| self.own_member(base, name)).collect()
    }

    /// What overrides a method, or other member of a class, in subclasses at any depth.
    pub fn overriding(&self, member: SymbolId) -> Vec<SymbolId> {
        let Some((class, name)) = self.member_of(member) else { return Vec::new() };
        let mut found = Vec::new();
        let mut seen = FxHashSet::from_iter([class]);
        let mut pending = self.subclasses(class);
        while let Some(subclass) = pending.pop() {
            if seen.insert(subclass) {
                found.extend(self.own_member(subclass, name));
                pending.extend(self.subclasses(subclass));
            }
        }
        found.sort_by_key(|&id| (self.path(id.file), self.symbol(id).range.start()));
        found
    }

    /// Whether the class says itself that it is a protocol.
    pub fn is_protocol(&self, class: SymbolId) -> bool {
        self.snapshot.def(class).is_some_and(|def| self.evaluator().is_protocol(def))
    }

    /// Classes that have every member that a protocol asks for without saying that they implement it; sorted by path and
    /// offset.
    pub fn conforming(&self, protocol: SymbolId) -> Vec<SymbolId> {
        let wanted: Vec<Name> =
            self.members(protocol).into_iter().map(|member| Name::new(self.symbol(member).name)).collect();
        let mut evaluator = self.evaluator();
        let mut found = Vec::new();
        for file in self.files().filter(|_| !wanted.is_empty()) {
            let Some(facts) = self.facts(file) else { continue };
            for (index, symbol) in facts.summary.symbols.iter().enumerate() {
                let def = Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) };
                let is_other = symbol.class.is_some() && !evaluator.is_protocol(def);
                if is_other && wanted.iter().all(|&name| evaluator.has_member(def, name)) {
                    found.push(self.id(def));
                }
            }
        }
        found
    }

    /// Methods, class and instance attributes, inherited ones included: in method resolution order, the first of a name.
    pub fn members(&self, class: SymbolId) -> Vec<SymbolId> {
        let mut seen = FxHashSet::default();
        let mut members = Vec::new();
        for class in self.ancestors(class) {
            let children = self.children(class).into_iter();
            members.extend(children.filter(|&member| {
                let symbol = self.symbol(member);
                symbol.kind != SymbolKind::Lambda && seen.insert(symbol.name)
            }));
        }
        members
    }

    fn member_of(&self, member: SymbolId) -> Option<(SymbolId, Name)> {
        let symbol = self.symbol(member);
        let class = symbol.parent?;
        (self.symbol(class).kind == SymbolKind::Class).then(|| (class, Name::new(symbol.name)))
    }

    pub(super) fn own_member(&self, class: SymbolId, name: Name) -> Option<SymbolId> {
        let def = self.snapshot.def(class)?;
        let referents = self.evaluator().own_referents(def, name);
        referents.into_iter().find_map(|referent| match referent {
            Referent::Definition(def) => Some(self.id(def)),
            _ => None,
        })
    }

    /// Classes of the workspace that the annotations of a function name.
    pub fn annotated_types(&self, function: SymbolId) -> Vec<SymbolId> {
        let Some(def) = self.snapshot.def(function) else { return Vec::new() };
        let summary = self.snapshot.world().summary(def.unit);
        let facts = summary.symbol(def.symbol);
        let mut evaluator = self.evaluator();
        let mut found = Vec::new();
        let scope = facts.scope.map(|scope| summary.scope(scope));
        let mut annotations = Vec::new();
        for param in &facts.params {
            let bindings = scope.and_then(|scope| scope.names.get(&param.name));
            for &binding in bindings.into_iter().flatten() {
                if let crate::summary::BindingValue::Parameter { annotation: Some(annotation), .. } =
                    summary.binding(binding).value
                {
                    annotations.push(annotation);
                }
            }
        }
        annotations.extend(facts.function.iter().filter_map(|function| function.return_annotation));
        for annotation in annotations {
            self.classes_in(&evaluator.eval(def.unit, annotation), &mut found);
        }
        found
    }

    /// Classes of the workspace that a call of a function gives, or that what it gives holds.
    pub fn returned_types(&self, function: SymbolId) -> Vec<SymbolId> {
        let Some(def) = self.snapshot.def(function) else { return Vec::new() };
        let class = self.symbol(function).parent.filter(|&parent| self.symbol(parent).kind == SymbolKind::Class);
        let receiver = class.and_then(|class| self.snapshot.def(class));
        let mut found = Vec::new();
        self.classes_in(&self.evaluator().returned(def, receiver), &mut found);
        found
    }

    /// The classes that a value of these types is, or is an instance of.
    pub(super) fn classes_of(&self, types: &crate::types::Types, found: &mut Vec<SymbolId>) {
        for typed in types.iter() {
            if let Value::Instance(class) | Value::Class(class) | Value::Super(class) = &typed.value {
                let id = self.id(*class);
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
    }

    /// The same, and those of what it holds or returns.
    pub(super) fn classes_in(&self, types: &crate::types::Types, found: &mut Vec<SymbolId>) {
        self.classes_of(types, found);
        for typed in types.iter() {
            match &typed.value {
                Value::Sequence(inner) | Value::Mapping(inner) | Value::Returns(inner) => self.classes_in(inner, found),
                Value::Tuple(parts) => parts.iter().for_each(|part| self.classes_in(part, found)),
                _ => {}
            }
        }
    }
}
