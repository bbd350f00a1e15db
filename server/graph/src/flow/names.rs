//! Names: bindings, variables, members of modules, imports.

use super::nodes::{NodeId, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{Invocation, Watch};
use crate::modules::ModuleRef;
use crate::summary::{BindingIndex, BindingValue, ImportIndex, Key, Narrowing, ScopeIndex, ScopeKind, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{EdgeKind, FileId, Name};

impl Solver<'_> {
    pub fn binding(&mut self, file: FileId, binding: BindingIndex) -> NodeId {
        if let Some(node) = self.program.bindings[file.index()][binding.index()] {
            return node;
        }
        let summary = self.summary(file);
        let node = match &summary.binding(binding).value {
            BindingValue::Value(value) => self.expr(file, *value),
            BindingValue::Definition(symbol) => self.definition(file, *symbol),
            BindingValue::Import(import) => self.import(file, *import),
            BindingValue::Parameter { .. } => {
                // Functions make the nodes of their parameters.
                let function =
                    Def { unit: Unit::live(file), symbol: summary.scope(summary.binding(binding).scope).symbol };
                self.function(function);
                self.program.bindings[file.index()][binding.index()].unwrap_or(NodeId::NOTHING)
            }
            BindingValue::Join(inputs) => {
                let node = self.nodes.new_node();
                self.program.bindings[file.index()][binding.index()] = Some(node);
                for &input in inputs.iter() {
                    let input = self.binding(file, input);
                    self.copy(input, node);
                }
                node
            }
            BindingValue::Narrowed { inputs, by } => {
                let node = self.nodes.new_node();
                self.program.bindings[file.index()][binding.index()] = Some(node);
                for &input in inputs.iter() {
                    let input = self.binding(file, input);
                    match by {
                        Narrowing::None => {}
                        Narrowing::NotNone => self.copy(input, node),
                        Narrowing::Class { test, classes, holds } => {
                            let ruled_out = self.evaluator.ruled_out(Unit::live(file), inputs);
                            let narrowing = self.classes(file, *test, *classes, *holds, &ruled_out);
                            self.watch(input, Watch::Narrow { narrowing, dest: node });
                        }
                    }
                }
                node
            }
        };
        self.program.bindings[file.index()][binding.index()] = Some(node);
        node
    }

    /// A definition after its decorators.
    fn definition(&mut self, file: FileId, symbol: SymbolIndex) -> NodeId {
        let facts = self.summary(file).symbol(symbol);
        let def = Def { unit: Unit::live(file), symbol };
        match facts.decorated {
            Some(value) => {
                let value = self.expr(file, value);
                let node = self.nodes.new_node();
                self.watch(value, Watch::Decorated { definition: def, dest: node });
                node
            }
            None => {
                let def = self.evaluator.of_source(def);
                let object = if facts.class.is_some() { Object::Class(def) } else { Object::Function(def) };
                let object = self.intern(object);
                self.holding(object)
            }
        }
    }

    /// A decorator gives something back for `definition`. One decorator serves many, and what it gives back for the others
    /// is told apart where it is itself decorated; wrappers, which are made in functions, are not.
    pub fn decorated(&mut self, object: ObjectId, value: Object, definition: Def, dest: NodeId) {
        if let Object::Function(other) | Object::Class(other) = value
            && other != definition
        {
            let summary = self.summary(other.unit.file);
            let symbol = summary.symbol(other.symbol);
            let is_nested = symbol.parent.is_some_and(|parent| summary.symbol(parent).kind.is_function());
            if symbol.decorated.is_some() && !is_nested {
                return;
            }
        }
        self.add(dest, object);
    }

    pub fn free(&mut self, file: FileId, scope: ScopeIndex, name: Name) -> NodeId {
        let summary = self.summary(file);
        let mut current = Some(scope);
        while let Some(index) = current {
            let facts = summary.scope(index);
            let is_visible = index == scope || facts.kind != ScopeKind::Class;
            if facts.kind != ScopeKind::Module && is_visible && facts.names.contains_key(&name) {
                return self.variable(file, index, name);
            }
            current = facts.parent;
        }
        let binds = summary.scope(ScopeIndex::MODULE).names.contains_key(&name);
        if !binds && crate::eval::is_builtin(&name) && summary.scope(ScopeIndex::MODULE).stars.is_empty() {
            if name.as_str() == "__name__" && self.following.is_some() {
                return self.constant(Key::Text(self.snapshot.modules.name(file)));
            }
            let object = self.built_in(name);
            let object = self.intern(object);
            return self.holding(object);
        }
        self.member(file, name)
    }

    /// What a name means once its scope has run.
    pub fn variable(&mut self, file: FileId, scope: ScopeIndex, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::Variable(file, scope, name));
        if is_new {
            let bindings = self.summary(file).scope(scope).names.get(&name).unwrap_or_default();
            for &binding in bindings {
                let binding = self.binding(file, binding);
                self.copy(binding, node);
            }
        }
        node
    }

    /// What a name means as an attribute of a module.
    pub fn member(&mut self, file: FileId, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::Variable(file, ScopeIndex::MODULE, name));
        if !is_new {
            return node;
        }
        let summary = self.summary(file);
        let module = summary.scope(ScopeIndex::MODULE);
        let (before, after) = self.evaluator.stars(file, name);
        for (star, is_certain) in after {
            let member = self.member(star, name);
            self.copy(member, node);
            if is_certain {
                return node;
            }
        }
        if let Some(bindings) = module.names.get(&name) {
            for &binding in bindings {
                let binding = self.binding(file, binding);
                self.copy(binding, node);
            }
            return node;
        }
        for (star, is_certain) in before {
            let member = self.member(star, name);
            self.copy(member, node);
            if is_certain && !self.evaluator.member(star, name).is_empty() {
                break;
            }
        }
        let submodule = self.submodule(self.snapshot.modules.name(file), name);
        self.copy(submodule, node);
        if submodule == NodeId::NOTHING {
            let hook = Name::new("__getattr__");
            if module.names.contains_key(&hook) && name != hook {
                let definitions = module.names.get(&hook).into_iter().flatten();
                let functions = definitions.filter_map(|&binding| summary.binding(binding).symbol);
                for symbol in functions {
                    self.note_getter(node, name, Def { unit: Unit::live(file), symbol });
                }
                let hook = self.member(file, hook);
                let name = self.constant(Key::Text(name));
                let arguments = self.given(&[name]);
                let kind = EdgeKind::Property;
                self.watch(hook, Watch::Call(Invocation { arguments, dest: node, site: SiteId::NONE, kind }));
            } else if let Some(object) = self.outside_by_star(file, name) {
                self.add_object(node, object);
            } else if crate::eval::is_builtin(&name) {
                let object = self.built_in(name);
                self.add_object(node, object);
            }
        }
        node
    }

    pub fn submodule(&mut self, package: Name, name: Name) -> NodeId {
        let full = Name::new(&format!("{package}.{name}"));
        let module = self.snapshot.modules.get(full);
        self.module(module, full)
    }

    fn module(&mut self, module: ModuleRef, name: Name) -> NodeId {
        let object = match module {
            ModuleRef::File(file) => Object::Module(file),
            ModuleRef::Namespace(name) => Object::Namespace(name),
            ModuleRef::External => self.outside_module(name),
            ModuleRef::Missing => return NodeId::NOTHING,
        };
        let object = self.intern(object);
        self.holding(object)
    }

    /// Something outside the workspace.
    fn external(&mut self, name: Name) -> NodeId {
        match self.outside(name) {
            Object::Unknown => NodeId::UNKNOWN,
            object => {
                let object = self.intern(object);
                self.holding(object)
            }
        }
    }

    pub fn import(&mut self, file: FileId, index: ImportIndex) -> NodeId {
        let unit = Unit::live(file);
        let import = self.summary(file).import(index);
        let module = self.evaluator.import_candidates(unit, index);
        let Some(name) = import.name else {
            let first = Name::new(import.module.split('.').next().unwrap_or_default());
            return match import.renamed || first == import.module {
                true => self.module(module.unwrap_or(ModuleRef::External), import.module),
                false => {
                    let module = self.evaluator.module(file, first, 0);
                    self.module(module.unwrap_or(ModuleRef::External), first)
                }
            };
        };
        match module {
            Some(ModuleRef::File(other)) => {
                let submodule = self.submodule(self.snapshot.modules.name(other), name);
                // `from . import name` in a package binds what it asks for: the submodule.
                if other == file && submodule != NodeId::NOTHING { submodule } else { self.member(other, name) }
            }
            Some(ModuleRef::Namespace(package)) => self.submodule(package, name),
            Some(ModuleRef::Missing) => NodeId::NOTHING,
            Some(ModuleRef::External) | None if import.level == 0 => {
                self.external(Name::new(&format!("{}.{name}", import.module)))
            }
            _ => NodeId::UNKNOWN,
        }
    }
}
