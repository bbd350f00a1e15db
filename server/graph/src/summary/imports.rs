//! Imports, and what a module exports.

use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::{BindingValue, Exports, ImportFacts, Occurs, ScopeIndex};
use crate::Name;

impl Builder<'_> {
    pub fn import_statement(&mut self, statement: &ast::StmtImport) {
        for alias in &statement.names {
            let module = Name::new(&alias.name);
            let import = self.import(ImportFacts {
                module,
                level: 0,
                name: None,
                renamed: alias.asname.is_some(),
                range: alias.name.range(),
                is_optional: self.optional_import,
                is_type_checking: self.type_checking,
            });
            let (bound, range) = match &alias.asname {
                Some(name) => (Name::new(name), name.range()),
                None => {
                    let first = module.as_str().split('.').next().unwrap_or_default();
                    let end = alias.name.start() + syntax::TextSize::of(first);
                    (Name::new(first), TextRange::new(alias.name.start(), end))
                }
            };
            self.bind(bound, range, BindingValue::Import(import));
            self.occurs(alias.name.range(), Occurs::Import(import));
            if alias.asname.is_some() {
                self.occurs(range, Occurs::Import(import));
            }
        }
    }

    pub fn import_from(&mut self, statement: &ast::StmtImportFrom) {
        let module = Name::new(statement.module.as_deref().unwrap_or_default());
        for (position, alias) in statement.names.iter().enumerate() {
            let import = self.import(ImportFacts {
                module,
                level: statement.level,
                name: Some(Name::new(&alias.name)),
                renamed: alias.asname.is_some(),
                range: alias.name.range(),
                is_optional: self.optional_import,
                is_type_checking: self.type_checking,
            });
            if position == 0
                && let Some(written) = &statement.module
            {
                self.occurs(written.range(), Occurs::ImportedModule(import));
            }
            if alias.name.as_str() == "*" {
                self.bodies.reaches_out = true;
                self.summary.scopes[self.scope.index()].stars.push(import);
                continue;
            }
            self.occurs(alias.name.range(), Occurs::Import(import));
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            self.bind(Name::new(bound), bound.range(), BindingValue::Import(import));
            if alias.asname.is_some() {
                self.occurs(bound.range(), Occurs::Import(import));
            }
        }
    }

    /// `__all__ = […]`
    pub fn note_exports(&mut self, targets: &[Ast], value: &Ast) {
        if self.scope == ScopeIndex::MODULE && targets.iter().any(is_all) {
            self.summary.exports = exported(value);
            self.mention_exports(value);
        }
    }

    /// `__all__ += […]`
    pub fn extend_exports(&mut self, value: &Ast) {
        self.mention_exports(value);
        let more = exported(value);
        self.summary.exports = self.summary.exports.take().zip(more).map(|(mut exports, more)| {
            exports.names.extend(more.names);
            exports.modules.extend(more.modules);
            exports
        });
    }

    /// `__all__.append(…)`, `.extend(…)`, `.remove(…)`
    pub fn note_changed_exports(&mut self, value: &Ast) {
        let Ast::Call(call) = value else { return };
        let Ast::Attribute(method) = &*call.func else { return };
        let ([argument], true) = (&*call.arguments.args, is_all(&method.value) && self.scope == ScopeIndex::MODULE)
        else {
            return;
        };
        if matches!(method.attr.as_str(), "append" | "remove") {
            self.mention_exports(argument);
        }
        let name = argument.as_string_literal_expr().map(|literal| Name::new(literal.value.to_str()));
        match (method.attr.as_str(), name, &mut self.summary.exports) {
            ("append", Some(name), Some(exports)) => exports.names.push(name),
            ("remove", Some(name), Some(exports)) => exports.names.retain(|other| *other != name),
            ("extend", ..) => self.extend_exports(argument),
            // Built in ways that are not followed: then everything public counts as exported.
            ("append" | "insert" | "remove", ..) => self.summary.exports = None,
            _ => {}
        }
    }
}

impl Builder<'_> {
    /// The texts in a value of `__all__` that are written as the names are.
    fn mention_exports(&mut self, value: &Ast) {
        let mut pending = vec![value];
        while let Some(value) = pending.pop() {
            match value {
                Ast::List(ast::ExprList { elts, .. }) | Ast::Tuple(ast::ExprTuple { elts, .. }) => pending.extend(elts),
                Ast::BinOp(operation) => pending.extend([&*operation.left, &*operation.right]),
                Ast::StringLiteral(literal) => {
                    let Some(part) = literal.as_single_part_string() else { continue };
                    let range = part.content_range();
                    if self.text.get(range.start().to_usize()..range.end().to_usize()) == Some(&*part.value) {
                        self.mention(ScopeIndex::MODULE, Name::new(&part.value), range);
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_all(target: &Ast) -> bool {
    matches!(target, Ast::Name(name) if name.id.as_str() == "__all__")
}

/// The names in the value of `__all__`; `None` when it is made in a way that is not followed.
fn exported(value: &Ast) -> Option<Exports> {
    let mut exports = Exports::default();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Ast::List(ast::ExprList { elts, .. }) | Ast::Tuple(ast::ExprTuple { elts, .. }) => {
                for element in elts {
                    match element {
                        Ast::StringLiteral(literal) => exports.names.push(Name::new(literal.value.to_str())),
                        Ast::Starred(starred) => pending.push(&starred.value),
                        _ => return None,
                    }
                }
            }
            Ast::BinOp(operation) if operation.op == ast::Operator::Add => {
                pending.extend([&*operation.left, &*operation.right]);
            }
            // `list(module.__all__)`
            Ast::Call(call) if call.func.is_name_expr() && call.arguments.args.len() == 1 => {
                pending.push(&call.arguments.args[0]);
            }
            Ast::Attribute(attribute) if attribute.attr.as_str() == "__all__" => {
                exports.modules.push(Name::new(&attribute.value.as_name_expr()?.id));
            }
            _ => return None,
        }
    }
    exports.names.sort_unstable();
    exports.names.dedup();
    Some(exports)
}
