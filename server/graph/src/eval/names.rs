//! Names and imports.

use super::stubs::is_open;
use super::{Evaluator, Query};
use crate::modules::ModuleRef;
use crate::summary::{ExprIndex, ImportIndex, Item, ScopeIndex, ScopeKind, SymbolIndex};
use crate::types::{Def, Types, Unit, Value};
use crate::{FileId, Name};

/// Modules, and whether they are certainly imported.
type Stars = Vec<(FileId, bool)>;

/// Modules whose `__all__` is made of that of others, deeper than this, are a cycle.
const MAX_EXPORTERS: u32 = 16;

impl Evaluator<'_> {
    /// A name looked up in `scope` and the scopes around it, then among the built-ins.
    pub(super) fn free(&mut self, unit: Unit, scope: ScopeIndex, name: Name) -> Types {
        let summary = self.world.summary(unit);
        for facts in summary.visible_from(scope).filter(|facts| facts.kind != ScopeKind::Module) {
            // Also when it is not found here: a binding may come.
            self.looked_up(unit.file, Item::Name { owner: summary.symbol(facts.symbol).path, name });
            if let Some(bindings) = facts.names.get(&name) {
                return self.bindings(unit, bindings);
            }
        }
        let types = if unit.retained {
            match summary.scope(ScopeIndex::MODULE).names.get(&name) {
                Some(bindings) => self.bindings(unit, bindings),
                None => Types::none(),
            }
        } else {
            self.member(unit.file, name)
        };
        if types.is_empty() && is_builtin(&name) && !self.binds(unit.file, name) {
            return Types::one(Value::Builtin(name));
        }
        types
    }

    /// Whether a module itself gives `name` a meaning, known or not.
    pub fn binds(&mut self, file: FileId, name: Name) -> bool {
        let Some(facts) = self.world.file(file) else { return false };
        self.looked_up(file, Item::Name { owner: facts.summary.symbol(SymbolIndex::MODULE).path, name });
        facts.summary.scope(ScopeIndex::MODULE).names.contains_key(&name)
            || facts.retained_member("", name, file).is_some()
    }

    /// What `name` means as an attribute of a module.
    pub fn member(&mut self, file: FileId, name: Name) -> Types {
        self.ask(Query::Member(file, name))
    }

    pub(super) fn compute_member(&mut self, file: FileId, name: Name) -> Types {
        let Some(facts) = self.world.file(file) else { return Types::none() };
        let unit = Unit::live(file);
        self.looked_up(file, Item::Name { owner: facts.summary.symbol(SymbolIndex::MODULE).path, name });
        let scope = facts.summary.scope(ScopeIndex::MODULE);
        let (before, after) = self.stars(file, name);
        let mut replaced = Types::none();
        for (star, is_certain) in after {
            replaced.extend(self.member(star, name));
            if is_certain && !replaced.is_empty() {
                return replaced;
            }
        }
        if let Some(bindings) = scope.names.get(&name) {
            let mut types = self.bindings(unit, bindings);
            types.extend(replaced);
            if is_open(&types) {
                let declared = self.member_of_stub(file, name);
                types = if declared.is_empty() { types } else { declared };
            }
            if !types.is_empty() {
                return types;
            }
            // `from . import name` in a package binds what it asks for: the submodule.
            return self.submodule(self.world.modules.name(file), name);
        }
        if let Some(def) = facts.retained_member("", name, file) {
            return self.definition(def).inferred();
        }
        self.looked_up(file, Item::Exports);
        for (star, _) in before {
            let types = self.member(star, name);
            if !types.is_empty() {
                return types;
            }
        }
        let types = self.submodule(self.world.modules.name(file), name);
        if types.is_empty() { self.member_of_stub(file, name) } else { types }
    }

    fn member_of_stub(&mut self, file: FileId, name: Name) -> Types {
        self.stub(file).map(|stub| self.member(stub, name)).unwrap_or_default()
    }

    /// The modules whose star imports bring `name` into a module, the last one first: those that count where the module
    /// does not bind the name itself, and those that come after it did. With each, whether it is certainly imported.
    pub fn stars(&mut self, file: FileId, name: Name) -> (Stars, Stars) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let Some(facts) = self.world.file(file) else { return (before, after) };
        let summary = &facts.summary;
        let scope = summary.scope(ScopeIndex::MODULE);
        let bindings = scope.names.get(&name);
        let bound = bindings.into_iter().flatten().map(|&binding| summary.binding(binding).range.start()).max();
        for &star in scope.stars.iter().rev() {
            if let Some(ModuleRef::File(other)) = self.import_candidates(Unit::live(file), star)
                && other != file
                && self.exports(other, name)
            {
                let import = summary.import(star);
                let stars = match bound {
                    Some(bound) if bound < import.range.start() => &mut after,
                    Some(_) => continue,
                    None => &mut before,
                };
                stars.push((other, !import.is_optional));
            }
        }
        (before, after)
    }

    /// The module from which `name` comes in code of the module itself that runs before the module binds the name: the last
    /// one whose `*` brings it.
    pub fn star_before(&mut self, unit: Unit, expr: ExprIndex, scope: ScopeIndex, name: Name) -> Option<FileId> {
        let summary = self.world.summary(unit);
        let facts = summary.scope(ScopeIndex::MODULE);
        if scope != ScopeIndex::MODULE || facts.stars.is_empty() || unit.retained {
            return None;
        }
        let bound = facts.names.get(&name)?.iter().map(|&binding| summary.binding(binding).range.start()).max()?;
        if summary.owner(expr) != SymbolIndex::MODULE {
            return None;
        }
        for &star in facts.stars.iter().rev() {
            let import = summary.import(star);
            if import.range.start() < bound
                && let Some(ModuleRef::File(other)) = self.import_candidates(unit, star)
                && other != unit.file
                && self.exports(other, name)
                && !self.member(other, name).is_empty()
            {
                return (!import.is_optional).then_some(other);
            }
        }
        None
    }

    /// `package.name` as a module.
    fn submodule(&mut self, package: Name, name: Name) -> Types {
        let full = Name::new(&format!("{package}.{name}"));
        self.looked_up_module(&full);
        match self.world.modules.get(full) {
            ModuleRef::File(file) => Types::one(Value::Module(file)),
            ModuleRef::Namespace(name) => Types::one(Value::Namespace(name)),
            ModuleRef::External | ModuleRef::Missing => Types::none(),
        }
    }

    /// Whether `from file import *` brings `name`.
    pub fn exports(&mut self, file: FileId, name: Name) -> bool {
        self.exports_within(file, name, MAX_EXPORTERS)
    }

    fn exports_within(&mut self, file: FileId, name: Name, depth: u32) -> bool {
        self.looked_up(file, Item::Exports);
        let Some(facts) = self.world.file(file) else { return false };
        let Some(exports) = &facts.summary.exports else { return !name.starts_with('_') };
        let lists_it = |evaluator: &mut Self, module: &Name| {
            let modules = evaluator.member(file, *module);
            let module = modules.iter().find_map(|typed| match typed.value {
                Value::Module(module) => Some(module),
                _ => None,
            });
            module.is_some_and(|module| module != file && evaluator.exports_within(module, name, depth - 1))
        };
        exports.names.contains(&name) || depth > 0 && exports.modules.iter().any(|module| lists_it(self, module))
    }

    /// The modules that an import's module part may mean; the first that exists counts.
    pub fn import_candidates(&mut self, unit: Unit, import: ImportIndex) -> Option<ModuleRef> {
        let import = self.world.summary(unit).import(import);
        self.module(unit.file, import.module, import.level)
    }

    pub fn module(&mut self, file: FileId, module: Name, level: u32) -> Option<ModuleRef> {
        let candidates = self.world.modules.candidates(file, module, level);
        let mut best = None;
        for (nth, candidate) in candidates.into_iter().enumerate() {
            // Whether a missing module is a mistake depends on the packages above it.
            let mut prefix = Some(candidate.as_str());
            while let Some(name) = prefix {
                self.looked_up_module(name);
                prefix = name.rsplit_once('.').map(|(package, _)| package);
            }
            match self.world.modules.get(candidate) {
                ModuleRef::External => {}
                // Only what was asked for can be missing; that a script has no such neighbour says nothing.
                ModuleRef::Missing if nth == 0 => best = Some(ModuleRef::Missing),
                ModuleRef::Missing => {}
                found => return Some(found),
            }
        }
        best
    }

    pub(super) fn import(&mut self, unit: Unit, import: ImportIndex) -> Types {
        let facts = self.world.summary(unit).import(import);
        let module = self.import_candidates(unit, import);
        match facts.name {
            None => self.imported_module(unit, import, module),
            Some(name) => match module {
                Some(ModuleRef::File(file)) => self.member(file, name),
                Some(ModuleRef::Namespace(package)) => self.submodule(package, name),
                Some(ModuleRef::Missing) => Types::none(),
                Some(ModuleRef::External) | None if facts.level == 0 => {
                    Types::one(Value::External(Name::new(&format!("{}.{name}", facts.module))))
                }
                _ => Types::none(),
            },
        }
    }

    /// `import a.b` binds `a`, `import a.b as c` binds `a.b`.
    fn imported_module(&mut self, unit: Unit, import: ImportIndex, module: Option<ModuleRef>) -> Types {
        let facts = self.world.summary(unit).import(import);
        let first = Name::new(facts.module.split('.').next().unwrap_or_default());
        let (bound, module) = match facts.renamed || first == facts.module {
            true => (facts.module, module),
            false => (first, self.module(unit.file, first, 0)),
        };
        match module {
            Some(ModuleRef::File(file)) => Types::one(Value::Module(file)),
            Some(ModuleRef::Namespace(name)) => Types::one(Value::Namespace(name)),
            Some(ModuleRef::Missing) => Types::none(),
            Some(ModuleRef::External) | None => Types::one(Value::External(bound)),
        }
    }

    pub(super) fn module_attribute(&mut self, module: &Value, name: Name) -> Types {
        match module {
            Value::Module(file) => self.member(*file, name),
            Value::Namespace(package) => self.submodule(*package, name),
            _ => Types::none(),
        }
    }

    /// The definition of a class member that a broken text has lost.
    pub(super) fn retained_class_member(&self, class: Def, name: Name) -> Option<Def> {
        let facts = self.world.file(class.unit.file).filter(|_| !class.unit.retained)?;
        facts.retained.as_ref()?;
        let owner = facts.summary.local_name(class.symbol);
        facts.retained_member(&owner, name, class.unit.file)
    }
}

/// Whether Python itself gives the name a meaning in every module.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

/// The names that are bound everywhere.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().copied()
}

/// `dir(builtins)` of CPython 3.14 and the names every module has, sorted.
const BUILTINS: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Ellipsis",
    "EncodingWarning",
    "EnvironmentError",
    "Exception",
    "ExceptionGroup",
    "False",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "None",
    "NotADirectoryError",
    "NotImplemented",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "PythonFinalizationError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "True",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "WindowsError",
    "ZeroDivisionError",
    "_IncompleteInputError",
    "__annotate__",
    "__annotations__",
    "__build_class__",
    "__builtins__",
    "__class__",
    "__conditional_annotations__",
    "__debug__",
    "__dict__",
    "__doc__",
    "__file__",
    "__import__",
    "__loader__",
    "__module__",
    "__name__",
    "__package__",
    "__path__",
    "__qualname__",
    "__spec__",
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "range",
    "repr",
    "reveal_locals",
    "reveal_type",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_sorted() {
        assert!(BUILTINS.is_sorted());
        assert!(is_builtin("len") && is_builtin("__file__") && !is_builtin("pandas"));
    }
}
