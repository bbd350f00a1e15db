//! Names and imports.

use super::{Evaluator, Query};
use crate::modules::ModuleRef;
use crate::summary::{ImportIndex, Item, ScopeIndex, ScopeKind, SymbolIndex};
use crate::types::{Def, Types, Unit, Value};
use crate::{FileId, Name};

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
        if let Some(bindings) = scope.names.get(&name) {
            let types = self.bindings(unit, bindings);
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
        for &star in &scope.stars {
            if let Some(ModuleRef::File(other)) = self.import_candidates(unit, star)
                && other != file
                && self.exports(other, name)
            {
                let types = self.member(other, name);
                if !types.is_empty() {
                    return types;
                }
            }
        }
        self.submodule(self.world.modules.name(file), name)
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
        self.looked_up(file, Item::Exports);
        let Some(facts) = self.world.file(file) else { return false };
        match &facts.summary.exports {
            Some(names) => names.contains(&name),
            None => !name.starts_with('_'),
        }
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
        let owner = facts.summary.local_name(class.symbol);
        facts.retained_member(&owner, name, class.unit.file)
    }
}

/// Whether Python itself gives the name a meaning in every module.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
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
