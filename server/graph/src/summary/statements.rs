//! Statements: definitions, bindings and the flow of control between them.

use syntax::ast::{self, Expr as Ast, Pattern, Stmt};
use syntax::{Ranged, TextRange};

use super::build::{Builder, has_doctest};
use super::flow::Flow;
use super::narrowing::{self, Narrowed};
use super::{
    Arguments, BindingFacts, BindingIndex, BindingValue, CallKind, ClassFacts, Expr, ExprIndex, Flags, FunctionFacts,
    ImpliedKind, ImportFacts, Key, Narrowing, Occurs, Place, ScopeIndex, ScopeKind, SymbolFacts, SymbolIndex,
    SymbolKind, text,
};
use crate::Name;

impl Builder<'_> {
    pub fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        if self.too_deep() {
            return;
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.statement, statement.range());
        self.statement_inner(statement);
        self.statement = outer;
        self.depth -= 1;
    }

    fn statement_inner(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Import(import) => self.import_statement(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Assign(assignment) => {
                let value = self.expr(&assignment.value);
                for target in &assignment.targets {
                    self.assign(target, value);
                }
                self.note_exports(&assignment.targets, &assignment.value);
            }
            Stmt::AnnAssign(assignment) => self.annotated_assignment(assignment),
            Stmt::AugAssign(assignment) => self.augmented_assignment(assignment),
            Stmt::Return(statement) => {
                if let Some(value) = &statement.value {
                    let value = self.expr(value);
                    self.returns(value);
                }
                self.flow.end();
            }
            Stmt::Raise(statement) => {
                if let Some(exception) = &statement.exc {
                    let value = self.expr(exception);
                    if let Ast::Name(_) | Ast::Attribute(_) = **exception {
                        let range = text::callee_range(exception);
                        self.call(value, range, CallKind::Raise, Arguments::default());
                    }
                }
                statement.cause.iter().for_each(|cause| self.visit(cause));
                self.flow.end();
            }
            Stmt::Expr(statement) => self.visit(&statement.value),
            Stmt::If(statement) => self.if_statement(statement),
            Stmt::While(statement) => {
                self.complexity();
                self.in_loop(&statement.body, &statement.orelse, |builder| {
                    let condition = builder.condition(&statement.test);
                    builder.narrow(&condition.when_true)
                });
            }
            Stmt::For(statement) => {
                self.complexity();
                let iterable = self.expr(&statement.iter);
                self.in_loop(&statement.body, &statement.orelse, |builder| {
                    let element = builder.push(Expr::Element(iterable));
                    builder.implied(element, statement.iter.range(), ImpliedKind::Iteration);
                    builder.assign(&statement.target, element);
                    Vec::new()
                });
            }
            Stmt::With(statement) => {
                for item in &statement.items {
                    let context = self.expr(&item.context_expr);
                    let value = self.push(Expr::Entered(context));
                    self.implied(value, item.context_expr.range(), ImpliedKind::With);
                    if let Some(target) = &item.optional_vars {
                        self.assign(target, value);
                    }
                }
                self.statements(&statement.body);
            }
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::Match(statement) => self.match_statement(statement),
            Stmt::Assert(statement) => {
                let condition = self.condition(&statement.test);
                self.narrowed(&condition.when_false, |builder| {
                    statement.msg.iter().for_each(|message| builder.visit(message));
                });
                self.narrow(&condition.when_true);
            }
            Stmt::Delete(statement) => {
                for target in &statement.targets {
                    match target {
                        Ast::Subscript(subscript) => {
                            let object = self.expr(&subscript.value);
                            let key = self.key(&subscript.slice);
                            self.store(object, Place::Item(key), None, subscript.slice.range());
                        }
                        Ast::Attribute(attribute) => {
                            let value = self.expr(target);
                            if let Expr::Attribute { value: object, name } = *self.summary.expr(value) {
                                self.store(object, Place::Attribute(name), None, attribute.attr.range());
                            }
                        }
                        other => self.visit(other),
                    }
                    if let Ast::Name(name) = target {
                        let name = Name::new(&name.id);
                        self.flow.unbind(name);
                        // For Python a deleted name is one of this scope, wherever it was bound.
                        self.summary.scopes[self.scope.index()].names.entry(name).or_default();
                    }
                }
            }
            Stmt::Global(statement) => {
                for name in &statement.names {
                    self.elsewhere.insert((self.scope, Name::new(name)), ScopeIndex::MODULE);
                }
            }
            Stmt::Nonlocal(statement) => {
                for name in &statement.names {
                    let name = Name::new(name);
                    if let Some(scope) = self.enclosing_binder(name) {
                        self.elsewhere.insert((self.scope, name), scope);
                    }
                }
            }
            Stmt::TypeAlias(alias) => {
                let (value, _) =
                    self.with_type_params(alias.type_params.as_deref(), |builder| builder.annotation(&alias.value));
                self.assign(&alias.name, value);
            }
            Stmt::Break(_) | Stmt::Continue(_) => {
                let flow = self.flow.clone();
                if let Some(out) = self.loops.last_mut() {
                    out.join(&flow);
                }
                self.flow.end();
            }
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    fn complexity(&mut self) {
        self.summary.symbols[self.symbol.index()].complexity += 1;
    }

    /// The nearest function around the current one that binds `name`.
    fn enclosing_binder(&self, name: Name) -> Option<ScopeIndex> {
        let mut scope = self.summary.scope(self.scope).parent;
        while let Some(index) = scope {
            let facts = self.summary.scope(index);
            if facts.kind == ScopeKind::Function && facts.names.contains_key(&name) {
                return Some(index);
            }
            scope = facts.parent;
        }
        None
    }

    // ---- definitions

    fn decorators(&mut self, decorators: &[ast::Decorator]) -> Vec<ExprIndex> {
        decorators.iter().map(|decorator| self.expr(&decorator.expression)).collect()
    }

    /// The calls of the decorators, the last one first, as Python makes them; gives what comes out.
    fn decorate(
        &mut self,
        symbol: Option<SymbolIndex>,
        decorators: &[ast::Decorator],
        callees: &[ExprIndex],
    ) -> Option<ExprIndex> {
        let inner = match symbol {
            Some(symbol) => self.push(Expr::Definition(symbol)),
            None => self.unknown(),
        };
        let mut value = inner;
        for (decorator, &callee) in decorators.iter().zip(callees).rev() {
            let arguments = Arguments { positional: [value].into_iter().collect(), ..Arguments::default() };
            let call = self.call(callee, text::callee_range(&decorator.expression), CallKind::Decorator, arguments);
            // What only marks the function is in its flags.
            if !text::is_marker(&decorator.expression) {
                value = self.push(Expr::Call(call));
            }
        }
        (value != inner).then_some(value)
    }

    /// Runs `walk` where the type parameters are known, and says which scope that is.
    fn with_type_params<T>(
        &mut self,
        type_params: Option<&ast::TypeParams>,
        walk: impl FnOnce(&mut Self) -> T,
    ) -> (T, ScopeIndex) {
        let outer = self.scope;
        let Some(type_params) = type_params else { return (walk(self), outer) };
        let flow = self.flow.clone();
        let scope = self.open_scope(ScopeKind::Comprehension, self.symbol);
        self.scope = scope;
        for type_param in type_params.iter() {
            let name = type_param.name();
            let value = self.unknown();
            let binding = self.bind_local(Name::new(name), name.range(), BindingValue::Value(value));
            self.occurs(name.range(), Occurs::Store(binding));
        }
        let result = walk(self);
        self.scope = outer;
        self.flow = flow;
        (result, scope)
    }

    /// Binds without making a node of it, as for type parameters and `except … as name`.
    fn bind_local(&mut self, name: Name, range: TextRange, value: BindingValue) -> BindingIndex {
        let facts = BindingFacts { name, scope: self.scope, range, value, symbol: None };
        let binding = self.push_binding(facts);
        self.summary.scopes[self.scope.index()].names.entry(name).or_default().push(binding);
        self.flow.bind(name, binding);
        binding
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        // The parser recovers `@decorator` without a definition as a function without a name.
        let decorators = self.decorators(&function.decorator_list);
        let ((params, return_annotation), around) = self.with_type_params(function.type_params.as_deref(), |builder| {
            let params = builder.parameters(&function.parameters);
            (params, function.returns.as_ref().map(|annotation| builder.annotation(annotation)))
        });
        if function.name.is_empty() {
            self.decorate(None, &function.decorator_list, &decorators);
            return;
        }
        let name = Name::new(&function.name);
        let parent = self.summary.symbol(self.symbol);
        let is_method = parent.kind == SymbolKind::Class;
        let mut flags = self.flags_of_decorators(&function.decorator_list);
        flags.is_async = function.is_async;
        flags.is_stub = text::is_stub(&function.body);
        flags.is_classmethod |=
            is_method && matches!(function.name.as_str(), "__new__" | "__init_subclass__" | "__class_getitem__");
        flags.is_test = function.name.starts_with("test")
            && match parent.kind {
                SymbolKind::Module => self.is_test_file,
                SymbolKind::Class => parent.flags.is_test,
                _ => false,
            };
        let after_decorators = function.decorator_list.last().map_or(function.start(), Ranged::end);
        let signature = self.definition_range(after_decorators, function.end());
        let mut symbol = SymbolFacts {
            kind: if is_method { SymbolKind::Method } else { SymbolKind::Function },
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags,
            range: function.range(),
            name_range: function.name.range(),
            header: text::header(signature, &function.body, self.text),
            body: text::span(&function.body),
            docstring: text::docstring(&function.body),
            params: params.iter().map(|param| param.facts.clone()).collect(),
            returns: function.returns.as_ref().map(|annotation| annotation.range()),
            decorators: function.decorator_list.iter().map(Ranged::range).collect(),
            complexity: 1,
            scope: None,
            function: Some(Box::new(FunctionFacts { return_annotation, ..FunctionFacts::default() })),
            class: None,
            decorated: None,
        };
        symbol.flags.has_doctest = has_doctest(&symbol);
        let symbol = self.add_symbol(symbol);
        self.summary.symbols[symbol.index()].decorated =
            self.decorate(Some(symbol), &function.decorator_list, &decorators);
        let before = self.reaching(name);
        let binding = self.bind(name, function.name.range(), BindingValue::Definition(symbol));
        debug_assert_eq!(self.summary.binding(binding).symbol, Some(symbol));
        // A property keeps its getter.
        if flags.is_setter
            && let Some(mut bindings) = before
        {
            bindings.push(binding);
            self.flow.bind_all(name, bindings);
        }
        self.occurs(function.name.range(), Occurs::Definition(symbol));
        self.summary.dynamic |= name.as_str() == "__getattr__" && self.symbol == SymbolIndex::MODULE;
        self.in_function(symbol, around, params, |builder| builder.statements(&function.body));
    }

    /// From the first token after the decorators.
    fn definition_range(&self, after: syntax::TextSize, end: syntax::TextSize) -> TextRange {
        let mut start = after.to_usize();
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(start) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' => start += 1,
                b'#' => start += bytes[start..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len() - start),
                _ => break,
            }
        }
        let start = syntax::TextSize::new(start as u32).min(end);
        TextRange::new(start, end)
    }

    fn class(&mut self, class: &ast::StmtClassDef) {
        let decorators = self.decorators(&class.decorator_list);
        let mut facts = ClassFacts { is_transformed: !class.decorator_list.is_empty(), ..ClassFacts::default() };
        let is_field_class =
            |name: &str| matches!(name, "dataclass" | "dataclass_transform" | "define" | "frozen" | "attrs");
        facts.has_fields = class.decorator_list.iter().any(|it| is_field_class(text::decorator_name(&it.expression)))
            || class.bases().iter().any(|base| text::decorator_name(base) == "NamedTuple");
        let is_test_case = class.bases().iter().any(|base| text::decorator_name(base).ends_with("TestCase"));
        let ((), around) = self.with_type_params(class.type_params.as_deref(), |builder| {
            for base in class.bases() {
                let value = builder.expr(base);
                // `Generic[T]`, `Base[int]`: the class is what is subscripted.
                facts.bases.push(match (base, builder.summary.expr(value)) {
                    (Ast::Subscript(_), Expr::Item { value, .. } | Expr::Element(value)) => *value,
                    _ => value,
                });
            }
            for keyword in class.keywords() {
                let value = builder.expr(&keyword.value);
                if keyword.arg.as_ref().is_some_and(|name| name.as_str() == "metaclass") {
                    facts.is_transformed = true;
                    facts.metaclass = Some(value);
                }
            }
        });
        if class.name.is_empty() {
            self.decorate(None, &class.decorator_list, &decorators);
            return;
        }
        let name = Name::new(&class.name);
        let after_decorators = class.decorator_list.last().map_or(class.start(), Ranged::end);
        let signature = self.definition_range(after_decorators, class.end());
        let mut symbol = SymbolFacts {
            kind: SymbolKind::Class,
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags: Flags {
                is_test: self.is_test_file && (is_test_case || class.name.starts_with("Test")),
                is_decorated: !class.decorator_list.is_empty(),
                is_stub: text::is_stub(&class.body),
                ..Flags::default()
            },
            range: class.range(),
            name_range: class.name.range(),
            header: text::header(signature, &class.body, self.text),
            body: text::span(&class.body),
            docstring: text::docstring(&class.body),
            params: Box::default(),
            returns: None,
            decorators: class.decorator_list.iter().map(Ranged::range).collect(),
            complexity: 0,
            scope: None,
            function: None,
            class: Some(Box::new(facts)),
            decorated: None,
        };
        symbol.flags.has_doctest = has_doctest(&symbol);
        let symbol = self.add_symbol(symbol);
        self.in_scope(around, ScopeKind::Class, symbol, |builder| builder.statements(&class.body));
        self.summary.symbols[symbol.index()].decorated =
            self.decorate(Some(symbol), &class.decorator_list, &decorators);
        self.bind(name, class.name.range(), BindingValue::Definition(symbol));
        self.occurs(class.name.range(), Occurs::Definition(symbol));
    }

    // ---- imports

    fn import_statement(&mut self, statement: &ast::StmtImport) {
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

    fn import_from(&mut self, statement: &ast::StmtImportFrom) {
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

    /// `__all__ = […]`, `__all__ += […]`.
    fn note_exports(&mut self, targets: &[Ast], value: &Ast) {
        let is_all = |target: &Ast| matches!(target, Ast::Name(name) if name.id.as_str() == "__all__");
        if self.scope == ScopeIndex::MODULE && targets.iter().any(is_all) {
            let names = text::string_elements(value);
            self.summary.exports = names.map(|names| names.into_iter().map(Name::new).collect());
        }
    }

    // ---- assignments

    fn annotated_assignment(&mut self, assignment: &ast::StmtAnnAssign) {
        let annotation = self.annotation(&assignment.annotation);
        let value = match &assignment.value {
            Some(value) => {
                let value = self.expr(value);
                self.push(Expr::OrElse(annotation, value))
            }
            None => annotation,
        };
        self.assign(&assignment.target, value);
        if let Some(value) = &assignment.value {
            self.note_exports(std::slice::from_ref(&assignment.target), value);
        }
    }

    fn augmented_assignment(&mut self, assignment: &ast::StmtAugAssign) {
        let before = match &*assignment.target {
            Ast::Name(name) => self.resolve(Name::new(&name.id)),
            target => self.expr(target),
        };
        let value = self.expr(&assignment.value);
        let method = text::operator_method(assignment.op).replacen("__", "__i", 1);
        let changed = self.push(Expr::Binary { method: Name::new(&method), left: before, right: value });
        let range = TextRange::new(assignment.target.end(), assignment.value.start());
        self.implied(changed, range, ImpliedKind::Operator);
        if let Ast::Name(name) = &*assignment.target
            && name.id.as_str() == "__all__"
            && self.scope == ScopeIndex::MODULE
        {
            self.extend_exports(&assignment.value);
        }
        self.assign(&assignment.target, changed);
    }

    fn extend_exports(&mut self, value: &Ast) {
        match (text::string_elements(value), &mut self.summary.exports) {
            (Some(names), Some(exports)) => exports.extend(names.into_iter().map(Name::new)),
            // `__all__ += other.__all__` is not evaluated: then everything public counts as exported.
            _ => self.summary.exports = None,
        }
    }

    // ---- control flow

    fn if_statement(&mut self, statement: &ast::StmtIf) {
        let outer = self.type_checking;
        let first: (Option<&Ast>, &[Stmt]) = (Some(&statement.test), &statement.body);
        let branches = std::iter::once(first)
            .chain(statement.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), &clause.body[..])));
        let mut ends: Vec<(Flow, Vec<Narrowed>)> = Vec::new();
        let mut ruled_out = Vec::new();
        for (test, body) in branches {
            let Some(test) = test else {
                self.statements(body);
                break;
            };
            self.complexity();
            let condition = self.condition(test);
            self.type_checking |= text::decorator_name(test) == "TYPE_CHECKING";
            let mut narrowed = Vec::new();
            let branch = self.branch(|builder| {
                narrowed = builder.narrow(&condition.when_true);
                builder.statements(body);
            });
            self.type_checking = outer;
            ends.push((branch, narrowed));
            ruled_out.extend(self.narrow(&condition.when_false));
        }
        ends.push((std::mem::take(&mut self.flow), ruled_out));
        self.flow = narrowing::join(ends);
    }

    /// A loop's body may run after itself: every name it binds is a join of what was before and what it leaves behind.
    fn in_loop(&mut self, body: &[Stmt], orelse: &[Stmt], head: impl FnOnce(&mut Self) -> Vec<Narrowed>) {
        let mut names = Vec::new();
        bound_names(body, &mut names);
        let mut joins = Vec::new();
        for name in names {
            let Some(before) = self.reaching(name) else { continue };
            let join = self.push_binding(BindingFacts {
                name,
                scope: self.scope,
                range: TextRange::default(),
                value: BindingValue::Join(before.iter().copied().collect()),
                symbol: None,
            });
            self.flow.bind(name, join);
            joins.push((name, join));
        }
        // The body runs after itself.
        self.forget_recent();
        let mut exits = Flow::default();
        exits.end();
        self.loops.push(exits);
        let before = self.flow.clone();
        let narrowed = head(self);
        self.statements(body);
        self.widen(&narrowed);
        let exits = self.loops.pop().unwrap_or_default();
        self.flow.join(&exits);
        for (name, join) in joins {
            let Some(after) = self.reaching(name) else { continue };
            if let BindingValue::Join(inputs) = &mut self.summary.bindings[join.index()].value {
                inputs.extend(after.into_iter().filter(|binding| *binding != join));
            }
        }
        // The body may not have run at all.
        self.flow.join(&before);
        self.statements(orelse);
    }

    fn try_statement(&mut self, statement: &ast::StmtTry) {
        let outer = self.optional_import;
        self.optional_import |= !statement.handlers.is_empty();
        let before = self.flow.clone();
        self.statements(&statement.body);
        // A handler may be entered from any point of the body.
        let mut at_handler = before;
        let mut after_body = self.flow.clone();
        if after_body.has_ended() {
            after_body = at_handler.clone();
        }
        at_handler.join(&after_body);
        self.statements(&statement.orelse);
        let mut out = std::mem::take(&mut self.flow);
        for handler in &statement.handlers {
            let ast::ExceptHandler::ExceptHandler(handler) = handler;
            self.complexity();
            self.flow = at_handler.clone();
            let caught = handler.type_.as_ref().map(|class| self.expr(class));
            if let Some(name) = &handler.name {
                let value = match caught {
                    Some(class) => self.exception_instance(class),
                    None => self.unknown(),
                };
                let binding = self.bind_local(Name::new(name), name.range(), BindingValue::Value(value));
                self.occurs(name.range(), Occurs::Store(binding));
            }
            self.statements(&handler.body);
            if let Some(name) = &handler.name {
                self.flow.unbind(Name::new(name));
            }
            out.join(&self.flow);
        }
        self.optional_import = outer;
        let ended = out.has_ended();
        self.flow = if ended { at_handler } else { out };
        self.statements(&statement.finalbody);
        if ended {
            self.flow.end();
        }
    }

    fn exception_instance(&mut self, class: ExprIndex) -> ExprIndex {
        let parts = match self.summary.expr(class) {
            Expr::Tuple(parts) => parts.to_vec(),
            _ => vec![class],
        };
        let instances = parts.into_iter().map(|class| self.push(Expr::InstanceOf(class))).collect();
        self.union(instances)
    }

    fn match_statement(&mut self, statement: &ast::StmtMatch) {
        let subject = self.expr(&statement.subject);
        let name = statement.subject.as_name_expr().map(|name| Name::new(&name.id));
        let mut ends: Vec<(Flow, Vec<Narrowed>)> = Vec::new();
        for case in &statement.cases {
            self.complexity();
            let mut narrowed = Vec::new();
            let end = self.branch(|builder| {
                let class = builder.pattern(&case.pattern, subject);
                if let (Some(name), Some(class)) = (name, class) {
                    narrowed = builder.narrow(&[(name, Narrowing::Is(class))]);
                }
                if let Some(guard) = &case.guard {
                    let condition = builder.condition(guard);
                    narrowed.extend(builder.narrow(&condition.when_true));
                }
                builder.statements(&case.body);
            });
            ends.push((end, narrowed));
        }
        // No case may match.
        ends.push((std::mem::take(&mut self.flow), Vec::new()));
        self.flow = narrowing::join(ends);
    }

    /// Binds what a pattern captures; gives the class that it asks for.
    fn pattern(&mut self, pattern: &Pattern, subject: ExprIndex) -> Option<ExprIndex> {
        match pattern {
            Pattern::MatchValue(pattern) => self.visit(&pattern.value),
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(pattern) => {
                for (index, pattern) in pattern.patterns.iter().enumerate() {
                    let item = self.push(Expr::Unpacked { value: subject, index: index as i32 });
                    self.pattern(pattern, item);
                }
            }
            Pattern::MatchMapping(pattern) => {
                pattern.keys.iter().for_each(|key| self.visit(key));
                for pattern in &pattern.patterns {
                    let item = self.push(Expr::Item { value: subject, key: Key::Any });
                    self.pattern(pattern, item);
                }
                self.capture(pattern.rest.as_ref(), subject);
            }
            Pattern::MatchClass(pattern) => {
                let class = self.expr(&pattern.cls);
                let instance = self.push(Expr::InstanceOf(class));
                for pattern in &pattern.arguments.patterns {
                    let value = self.unknown();
                    self.pattern(pattern, value);
                }
                for keyword in &pattern.arguments.keywords {
                    let name = Name::new(&keyword.attr);
                    let value = self.push(Expr::Attribute { value: instance, name });
                    self.occurs(keyword.attr.range(), Occurs::Load(value));
                    self.pattern(&keyword.pattern, value);
                }
                return Some(class);
            }
            Pattern::MatchStar(pattern) => {
                let rest = self.push(Expr::Rest { value: subject, before: 0, after: 0 });
                self.capture(pattern.name.as_ref(), rest);
            }
            Pattern::MatchAs(pattern) => {
                let class = pattern.pattern.as_ref().and_then(|inner| self.pattern(inner, subject));
                let value = match class {
                    Some(class) => self.push(Expr::InstanceOf(class)),
                    None => subject,
                };
                self.capture(pattern.name.as_ref(), value);
                return class;
            }
            Pattern::MatchOr(pattern) => {
                let mut classes = Vec::new();
                for pattern in &pattern.patterns {
                    classes.push(self.pattern(pattern, subject));
                }
                let classes: Option<Vec<_>> = classes.into_iter().collect();
                return classes.map(|classes| self.push(Expr::Tuple(classes.into())));
            }
        }
        None
    }

    fn capture(&mut self, name: Option<&ast::Identifier>, value: ExprIndex) {
        if let Some(name) = name {
            let binding = self.bind(Name::new(name), name.range(), BindingValue::Value(value));
            self.occurs(name.range(), Occurs::Store(binding));
        }
    }
}

/// The names that `body` binds in its own scope.
fn bound_names(body: &[Stmt], out: &mut Vec<Name>) {
    struct Binders<'a>(&'a mut Vec<Name>);

    impl Binders<'_> {
        fn add(&mut self, name: &str) {
            let name = Name::new(name);
            if !self.0.contains(&name) {
                self.0.push(name);
            }
        }
    }

    impl<'a> ast::visitor::Visitor<'a> for Binders<'_> {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(function) => self.add(&function.name),
                Stmt::ClassDef(class) => self.add(&class.name),
                statement => ast::visitor::walk_stmt(self, statement),
            }
        }

        fn visit_expr(&mut self, expression: &'a Ast) {
            match expression {
                Ast::Name(name) if !name.ctx.is_load() => self.add(&name.id),
                Ast::Lambda(_) => {}
                expression => ast::visitor::walk_expr(self, expression),
            }
        }
    }

    let mut binders = Binders(out);
    for statement in body {
        ast::visitor::Visitor::visit_stmt(&mut binders, statement);
    }
}
