//! Functions and classes.

use syntax::ast::{self, Expr as Ast, Stmt};
use syntax::{Ranged, TextRange};

use super::build::{Builder, has_doctest};
use super::{
    Arguments, BindingFacts, BindingIndex, BindingValue, CallKind, ClassFacts, Expr, ExprIndex, Flags, FunctionFacts,
    Key, Occurs, ScopeIndex, ScopeKind, SymbolFacts, SymbolIndex, SymbolKind, text,
};
use crate::Name;

impl Builder<'_> {
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
            let arguments = Arguments::new(&[value], None, Vec::new(), None);
            let call = self.call(callee, text::callee_range(&decorator.expression), CallKind::Decorator, arguments);
            // What only marks the function is in its flags.
            if !text::is_marker(&decorator.expression) {
                value = self.push(Expr::Call(call));
            }
        }
        (value != inner).then_some(value)
    }

    /// Runs `walk` where the type parameters are known, and says which scope that is.
    pub fn with_type_params<T>(
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
            let value = match type_param {
                ast::TypeParam::TypeVar(variable) => {
                    let bound = variable.bound.as_ref().map(|bound| self.annotation(bound));
                    self.push(Expr::TypeVariable(bound))
                }
                _ => self.unknown(),
            };
            let binding = self.bind_local(Name::new(name), name.range(), BindingValue::Value(value));
            self.occurs(name.range(), Occurs::Store(binding));
        }
        let result = walk(self);
        self.scope = outer;
        self.flow = flow;
        (result, scope)
    }

    /// Binds without making a node of it, as for type parameters and `except … as name`.
    pub fn bind_local(&mut self, name: Name, range: TextRange, value: BindingValue) -> BindingIndex {
        let facts = BindingFacts { name, scope: self.scope, range, value, symbol: None };
        let binding = self.push_binding(facts);
        self.names[self.scope.index()].entry(name).or_default().push(binding);
        self.flow.bind(name, binding);
        binding
    }

    pub fn function(&mut self, function: &ast::StmtFunctionDef) {
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
        flags.is_classmethod |=
            is_method && matches!(function.name.as_str(), "__new__" | "__init_subclass__" | "__class_getitem__");
        flags.is_test = function.name.starts_with("test")
            && match parent.kind {
                SymbolKind::Module => self.is_test_file,
                SymbolKind::Class => parent.flags.is_test,
                _ => false,
            };
        let symbol = SymbolFacts {
            kind: if is_method { SymbolKind::Method } else { SymbolKind::Function },
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags,
            range: function.range(),
            name_range: function.name.range(),
            header: TextRange::default(),
            body: None,
            docstring: None,
            params: params.iter().map(|param| param.facts.clone()).collect(),
            returns: function.returns.as_ref().map(|annotation| annotation.range()),
            decorators: function.decorator_list.iter().map(Ranged::range).collect(),
            complexity: 1,
            scope: None,
            function: Some(Box::new(FunctionFacts { return_annotation, ..FunctionFacts::default() })),
            class: None,
            decorated: None,
        };
        let symbol = self.add_symbol(symbol);
        self.describe_body(symbol, function);
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
        self.in_function(symbol, around, params, |builder| builder.body(symbol, &function.body));
        self.settle_effects(symbol, &function.body);
    }

    /// What a function that was just walked binds in the scope around it: where it certainly does so, a call of it leaves
    /// nothing of what was bound before.
    fn settle_effects(&mut self, function: SymbolIndex, body: &[Stmt]) {
        let Some(effects) = self.effects.get_mut(&function) else { return };
        let plain = body.iter().take_while(|statement| {
            matches!(
                statement,
                Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::Expr(_) | Stmt::Nonlocal(_) | Stmt::Global(_)
            )
        });
        let targets = plain.filter_map(|statement| statement.as_assign_stmt()).flat_map(|assign| &assign.targets);
        let mut certain: Vec<Name> = Vec::new();
        certain.extend(targets.filter_map(|target| target.as_name_expr()).map(|target| Name::new(&target.id)));
        for effect in effects.iter_mut() {
            effect.is_certain = certain.contains(&effect.name);
        }
    }

    /// From `def`, `class` or `async` to the colon.
    pub fn header(&self, decorators: &[ast::Decorator], definition: &impl Ranged, body: &[Stmt]) -> TextRange {
        let after_decorators = decorators.last().map_or(definition.start(), Ranged::end);
        text::header(self.definition_range(after_decorators, definition.end()), body, self.text)
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

    pub fn class(&mut self, class: &ast::StmtClassDef) {
        let decorators = self.decorators(&class.decorator_list);
        let mut facts = ClassFacts { is_transformed: !class.decorator_list.is_empty(), ..ClassFacts::default() };
        let is_field_class =
            |name: &str| matches!(name, "dataclass" | "dataclass_transform" | "define" | "frozen" | "attrs");
        facts.has_fields = class.decorator_list.iter().any(|it| is_field_class(text::decorator_name(&it.expression)))
            || class.bases().iter().any(|base| text::decorator_name(base) == "NamedTuple");
        facts.is_protocol = class.bases().iter().any(|base| match base {
            Ast::Subscript(subscript) => text::decorator_name(&subscript.value) == "Protocol",
            base => text::decorator_name(base) == "Protocol",
        });
        let is_test_case = class.bases().iter().any(|base| text::decorator_name(base).ends_with("TestCase"));
        let ((), around) = self.with_type_params(class.type_params.as_deref(), |builder| {
            for base in class.bases() {
                let value = builder.expr(base);
                // `Generic[T]`, `Base[int]`: the class is what is subscripted.
                let (class, filled_in) = match (base, builder.summary.expr(value)) {
                    (Ast::Subscript(_), &Expr::Item { value, key: Key::Of(filled_in) }) => (value, Some(filled_in)),
                    (Ast::Subscript(_), &Expr::Item { value, .. }) => (value, None),
                    _ => (value, None),
                };
                facts.bases.push(class);
                facts.filled_in.push(filled_in);
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
        let mut symbol = SymbolFacts {
            kind: SymbolKind::Class,
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags: Flags {
                is_test: self.is_test_file && (is_test_case || class.name.starts_with("Test")),
                is_decorated: !class.decorator_list.is_empty(),
                is_deprecated: self.flags_of_decorators(&class.decorator_list).is_deprecated,
                is_stub: text::is_stub(&class.body),
                ..Flags::default()
            },
            range: class.range(),
            name_range: class.name.range(),
            header: self.header(&class.decorator_list, class, &class.body),
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
}
