//! What modules offer, and what has to be read to know it.

use super::{Answer, LibraryModule, Surface, external, read};
use crate::modules::ModuleRef;
use crate::summary::{BindingValue, Expr, ExprIndex, ImportIndex, ScopeIndex};
use crate::types::{Types, Unit, Value};
use crate::{FileId, Name};

/// Ways of a source to give its module names that no statement binds.
const MAKES_NAMES: &[&str] = &[
    "__getattr__",
    "globals()[",
    "globals().update",
    "globals().setdefault",
    "vars()[",
    "vars().update",
    "locals()[",
    "locals().update",
    "exec(",
    "sys.modules[__name__]",
    "modules[",
    "setattr(",
];

/// Through how many modules a name is followed.
pub(super) const MAX_HOPS: usize = 16;

impl<'a> Surface<'a> {
    pub(super) fn module(&mut self, module: Name) -> Answer {
        match self.analysis.snapshot.modules.get(module) {
            ModuleRef::File(file) => Answer::Found(Types::one(Value::Module(file))),
            ModuleRef::Namespace(name) => Answer::Found(Types::one(Value::Namespace(name))),
            ModuleRef::External | ModuleRef::Missing => match read(self.libraries, &module) {
                LibraryModule::Opaque => Answer::Found(Types::one(Value::Namespace(module))),
                LibraryModule::Read | LibraryModule::Absent => self.unread(module),
            },
        }
    }

    /// The answer as long as `module` has not been read.
    pub(super) fn unread(&mut self, module: Name) -> Answer {
        if !module.contains("()") {
            self.needs.push(module);
        }
        Answer::Unknown
    }

    pub(super) fn member_of_module(&mut self, file: FileId, name: Name) -> Answer {
        // Which of them has the name must not depend on what happens to have been read.
        if let Some(module) = self.unread_star(file) {
            return self.unread(module);
        }
        let types = self.evaluator.member(file, name);
        if let Some(path) = types.iter().find_map(|typed| external(&typed.value)) {
            return self.unread(path);
        }
        if !types.is_empty() {
            // What is assigned may be declared to be more.
            return if self.is_plain_binding(file, name, MAX_HOPS) { Answer::Found(types) } else { Answer::Unknown };
        }
        if let Some(answer) = self.submodule(self.analysis.snapshot.modules.name(file), name) {
            return answer;
        }
        self.need_member(file, name, MAX_HOPS);
        if !self.evaluator.definitions_of_member(file, name).is_empty() || self.evaluator.binds(file, name) {
            return Answer::Unknown;
        }
        let Some(facts) = self.analysis.facts(file) else { return Answer::Unknown };
        for &star in &facts.summary.scope(ScopeIndex::MODULE).stars {
            match self.evaluator.import_candidates(Unit::live(file), star) {
                Some(ModuleRef::File(_)) => {}
                _ => {
                    let import = facts.summary.import(star);
                    let candidates = self.analysis.snapshot.modules.candidates(file, import.module, import.level);
                    return candidates.first().map_or(Answer::Unknown, |&module| self.unread(module));
                }
            }
        }
        if self.makes_names(file) || self.may_leave_out(file, name) {
            return Answer::Unknown;
        }
        Answer::Lacks(self.analysis.module_name(file).to_owned(), name)
    }

    /// A module whose names `file` takes over, that is there and has not been part of the graph yet.
    fn unread_star(&mut self, file: FileId) -> Option<Name> {
        let facts = self.analysis.facts(file)?;
        facts.summary.scope(ScopeIndex::MODULE).stars.iter().find_map(|&star| {
            if let Some(ModuleRef::File(_)) = self.evaluator.import_candidates(Unit::live(file), star) {
                return None;
            }
            let import = facts.summary.import(star);
            let candidates = self.analysis.snapshot.modules.candidates(file, import.module, import.level);
            let &module = candidates.first()?;
            (read(self.libraries, &module) == LibraryModule::Read).then_some(module)
        })
    }

    /// Whether a module, or one whose names it takes over, has names that no text shows.
    pub(super) fn makes_names(&mut self, file: FileId) -> bool {
        if !self.evaluator.may_hide_names(file) {
            return false;
        }
        let Some(facts) = self.analysis.facts(file) else { return true };
        let is_quiet = facts.summary.errors.is_empty() && facts.summary.scope(ScopeIndex::MODULE).stars.is_empty();
        // To read `globals()` makes no name.
        let text = self.analysis.source(file).text();
        !is_quiet || MAKES_NAMES.iter().any(|way| text.contains(way))
    }

    /// Notes the modules from which the name of a module comes and that have not been read.
    pub(super) fn need_member(&mut self, file: FileId, name: Name, hops: usize) {
        let (Some(facts), Some(hops)) = (self.analysis.facts(file), hops.checked_sub(1)) else { return };
        let summary = &facts.summary;
        for &binding in summary.scope(ScopeIndex::MODULE).names.get(&name).into_iter().flatten() {
            match &summary.binding(binding).value {
                BindingValue::Import(import) => {
                    let facts = summary.import(*import);
                    match self.evaluator.import_candidates(Unit::live(file), *import) {
                        Some(ModuleRef::File(other)) => {
                            if let Some(name) = facts.name.filter(|_| other != file) {
                                self.need_member(other, name, hops);
                            }
                        }
                        Some(ModuleRef::Namespace(_)) => {}
                        _ => {
                            let modules = &self.analysis.snapshot.modules;
                            if let Some(&module) = modules.candidates(file, facts.module, facts.level).first() {
                                self.unread(module);
                            }
                        }
                    }
                }
                BindingValue::Value(value) => self.need_name(Unit::live(file), *value, hops),
                _ => {}
            }
        }
    }

    /// Notes the modules without which a name, or what is before its dots, means nothing yet.
    pub(super) fn need_name(&mut self, unit: Unit, expr: ExprIndex, hops: usize) {
        let summary = self.analysis.snapshot.world().summary(unit);
        match summary.expr(expr) {
            Expr::Free { name, .. } => self.need_member(unit.file, *name, hops),
            Expr::Local(bindings) => {
                for &binding in bindings.iter() {
                    self.need_member(unit.file, summary.binding(binding).name, hops);
                }
            }
            Expr::Attribute { value, name } => {
                let values = self.evaluator.eval(unit, *value);
                for typed in values.iter() {
                    if let Value::Module(file) = typed.value {
                        self.need_member(file, *name, hops);
                    }
                }
                self.need_name(unit, *value, hops);
            }
            Expr::Item { value, .. } => self.need_name(unit, *value, hops),
            _ => {}
        }
    }

    /// Whether every binding of a module's name is a definition, a plain annotation, or an import of something like that.
    pub(super) fn is_plain_binding(&mut self, file: FileId, name: Name, hops: usize) -> bool {
        let (Some(facts), Some(hops)) = (self.analysis.facts(file), hops.checked_sub(1)) else { return false };
        let summary = &facts.summary;
        let unit = Unit::live(file);
        let Some(bindings) = summary.scope(ScopeIndex::MODULE).names.get(&name) else {
            let stars = &summary.scope(ScopeIndex::MODULE).stars;
            return stars.iter().all(|&star| self.is_plain_import(unit, star, name, hops));
        };
        bindings.iter().all(|&binding| match &summary.binding(binding).value {
            BindingValue::Definition(_) => true,
            BindingValue::Import(import) => {
                let imported = summary.import(*import).name;
                imported.is_none_or(|imported| self.is_plain_import(unit, *import, imported, hops))
            }
            BindingValue::Value(value) => match summary.expr(*value) {
                // `Name = Class`, `name = instance.method`
                Expr::Free { .. } | Expr::Attribute { .. } | Expr::Local(_) => true,
                _ => self.is_closed(unit, *value),
            },
            _ => false,
        })
    }

    /// Whether the name that an import takes from a module is bound plainly there, is a module, or is not of that module.
    pub(super) fn is_plain_import(&mut self, unit: Unit, import: ImportIndex, name: Name, hops: usize) -> bool {
        match self.evaluator.import_candidates(unit, import) {
            Some(ModuleRef::File(file)) if file != unit.file => {
                let is_there = self.evaluator.binds(file, name) || self.has_stars(file);
                !is_there || self.is_plain_binding(file, name, hops)
            }
            _ => true,
        }
    }

    pub(super) fn has_stars(&self, file: FileId) -> bool {
        self.analysis.facts(file).is_some_and(|facts| !facts.summary.scope(ScopeIndex::MODULE).stars.is_empty())
    }

    /// The module `package.name`; `None` where there is none.
    pub(super) fn submodule(&mut self, package: Name, name: Name) -> Option<Answer> {
        let full = Name::new(&format!("{package}.{name}"));
        match self.analysis.snapshot.modules.get(full) {
            ModuleRef::File(file) => Some(Answer::Found(Types::one(Value::Module(file)))),
            ModuleRef::Namespace(name) => Some(Answer::Found(Types::one(Value::Namespace(name)))),
            ModuleRef::External | ModuleRef::Missing => match read(self.libraries, &full) {
                // Read just now: it is in the next snapshot.
                LibraryModule::Read => Some(self.unread(full)),
                // A folder may hold modules.
                LibraryModule::Opaque => Some(Answer::Found(Types::one(Value::Namespace(full)))),
                LibraryModule::Absent => None,
            },
        }
    }
}
