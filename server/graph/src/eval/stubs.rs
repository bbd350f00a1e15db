//! Stubs beside sources: a `.pyi` file says what its source does not. Definitions are the source's, types the stub's.

use super::{Evaluator, Query};
use crate::FileId;
use crate::summary::{BindingValue, ExprIndex, Item, SymbolFacts, SymbolIndex};
use crate::types::{Def, Types, Unit, Value};

/// Whether a source leaves open what something is.
pub(super) fn is_open(types: &Types) -> bool {
    types.iter().all(|typed| matches!(typed.value, Value::External(_)))
}

impl Evaluator<'_> {
    /// The stub beside a source.
    pub(super) fn stub(&mut self, file: FileId) -> Option<FileId> {
        let modules = self.world.modules;
        self.looked_up_module(&modules.name(file));
        modules.stub(file)
    }

    /// What a definition of a stub stands for: that of its source, where it has one.
    pub fn of_source(&mut self, def: Def) -> Def {
        match self.world.modules.source(def.unit.file) {
            Some(source) if !def.unit.retained => self.counterpart(def, source).unwrap_or(def),
            _ => def,
        }
    }

    /// What the stub has under the name of a definition of its source.
    pub(super) fn in_stub(&mut self, def: Def) -> Option<Def> {
        if def.unit.retained {
            return None;
        }
        let stub = self.stub(def.unit.file)?;
        self.counterpart(def, stub)
    }

    fn counterpart(&mut self, def: Def, file: FileId) -> Option<Def> {
        let path = self.world.summary(def.unit).symbol(def.symbol).path;
        self.looked_up(file, Item::Definition { path });
        let unit = Unit::live(file);
        let symbols = &self.world.summary(unit).symbols;
        let index = symbols.iter().position(|symbol| symbol.path == path)?;
        Some(Def { unit, symbol: SymbolIndex(index as u32) })
    }

    /// What the stub says that a function returns.
    pub(super) fn returned_by_stub(&mut self, function: Def, receiver: Option<Def>) -> Types {
        let Some(stub) = self.in_stub(function) else { return Types::none() };
        let symbol = self.world.summary(stub.unit).symbol(stub.symbol);
        if symbol.function.is_none() {
            return Types::none();
        }
        let mut types = self.ask(Query::Return(stub, receiver));
        if symbol.flags.is_overload {
            for overload in self.later_overloads(stub) {
                types.extend(self.ask(Query::Return(overload, receiver)));
            }
        }
        types
    }

    /// The other definitions of the name of an overload in its file.
    fn later_overloads(&self, overload: Def) -> Vec<Def> {
        let symbols = &self.world.summary(overload.unit).symbols;
        let SymbolFacts { parent, name, .. } = symbols[overload.symbol.index()];
        let others = symbols.iter().enumerate().skip(overload.symbol.index() + 1);
        let others = others.filter(|(_, other)| other.parent == parent && other.name == name);
        others.map(|(index, _)| Def { unit: overload.unit, symbol: SymbolIndex(index as u32) }).collect()
    }

    /// The annotation of what a function returns in the stub.
    pub fn stub_return_annotation(&mut self, function: Def) -> Option<(FileId, ExprIndex)> {
        let stub = self.in_stub(function)?;
        let symbol = self.world.summary(stub.unit).symbol(stub.symbol);
        Some((stub.unit.file, symbol.function.as_ref()?.return_annotation?))
    }

    /// The annotation of a parameter in the stub, by its name.
    pub fn stub_parameter_annotation(&mut self, function: Def, position: u32) -> Option<(FileId, ExprIndex)> {
        let stub = self.in_stub(function)?;
        let name = self.world.summary(function.unit).symbol(function.symbol).params.get(position as usize)?.name;
        let summary = self.world.summary(stub.unit);
        let symbol = summary.symbol(stub.symbol);
        let binding = *summary.scope(symbol.scope?).names.get(&name)?.first()?;
        match summary.binding(binding).value {
            BindingValue::Parameter { annotation: Some(annotation), .. } if !symbol.flags.is_overload => {
                Some((stub.unit.file, annotation))
            }
            _ => None,
        }
    }
}
