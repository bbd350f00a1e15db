//! Expressions: what they mean symbolically, and the calls, names and lambdas in them.

use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::flow::Flow;
use super::narrowing::Condition;
use super::{
    Arguments, BindingIndex, BindingValue, CallKind, Expr, ExprIndex, Flags, FunctionFacts, ImpliedKind, Key, Occurs,
    Param, ParamKind, ScopeIndex, ScopeKind, SymbolFacts, SymbolIndex, SymbolKind, text,
};
use crate::Name;

/// Elements of a list whose places are kept.
const MAX_ELEMENTS: usize = 16;

/// Entries of a dictionary whose keys are kept.
const MAX_ITEMS: usize = 64;

impl Builder<'_> {
    /// Records what is in `expression` and says what it means.
    pub fn expr(&mut self, expression: &Ast) -> ExprIndex {
        if self.too_deep() {
            return self.unknown();
        }
        self.depth += 1;
        let index = self.expr_inner(expression);
        self.depth -= 1;
        index
    }

    /// Records what is in `expression`, whatever it means.
    pub fn visit(&mut self, expression: &Ast) {
        self.expr(expression);
    }

    fn expr_inner(&mut self, expression: &Ast) -> ExprIndex {
        match expression {
            Ast::Name(name) => self.name(name),
            Ast::Attribute(attribute) => {
                let value = self.expr(&attribute.value);
                let name = Name::new(&attribute.attr);
                let expr = match name.as_str() {
                    "__class__" => Expr::ClassOf(value),
                    _ => Expr::Attribute { value, name },
                };
                let index = self.push(expr);
                self.occurs(attribute.attr.range(), Occurs::Load(index));
                // `del` has to see the place itself.
                match attribute.ctx.is_del() {
                    true => index,
                    false => self.known_place(expression).unwrap_or_else(|| self.recently(expression, index)),
                }
            }
            Ast::Call(call) => self.call_expr(call),
            Ast::Lambda(lambda) => self.lambda(lambda),
            Ast::If(conditional) => {
                let Condition { when_true, when_false, .. } = self.condition(&conditional.test);
                let then = self.narrowed(&when_true, |builder| builder.expr(&conditional.body));
                let otherwise = self.narrowed(&when_false, |builder| builder.expr(&conditional.orelse));
                self.union(vec![then, otherwise])
            }
            Ast::BoolOp(operation) => self.bool_operation(operation).value,
            Ast::Named(named) => {
                let value = self.expr(&named.value);
                self.assign_walrus(&named.target, value);
                value
            }
            Ast::Await(awaited) => {
                let value = self.expr(&awaited.value);
                self.forget_recent();
                let result = self.push(Expr::Awaited(value));
                self.implied(result, awaited.range(), ImpliedKind::Iteration);
                result
            }
            Ast::List(list) if list.elts.len() <= MAX_ELEMENTS && !list.elts.iter().any(Ast::is_starred_expr) => {
                let parts: Box<[_]> = list.elts.iter().map(|element| self.expr(element)).collect();
                self.push(Expr::List(parts))
            }
            Ast::List(ast::ExprList { elts, .. }) | Ast::Set(ast::ExprSet { elts, .. }) => self.sequence(elts),
            Ast::Tuple(tuple) => {
                if tuple.elts.iter().any(Ast::is_starred_expr) {
                    return self.sequence(&tuple.elts);
                }
                let (first, rest) = self.first_elements(&tuple.elts);
                let parts: Vec<_> = first.iter().map(|element| self.expr(element)).collect();
                rest.iter().for_each(|element| self.visit(element));
                self.push(Expr::Tuple(parts.into()))
            }
            Ast::Dict(dict) => {
                let mut items = Vec::new();
                for item in &dict.items {
                    let entry = match &item.key {
                        Some(key) => (self.key(key), self.expr(&item.value)),
                        None => {
                            let other = self.expr(&item.value);
                            (Key::Any, self.push(Expr::Item { value: other, key: Key::Any }))
                        }
                    };
                    items.push(entry);
                }
                // Large tables are data; a few entries show what kind of values they hold.
                items.truncate(MAX_ITEMS);
                self.push(Expr::Dict(items.into()))
            }
            Ast::ListComp(ast::ExprListComp { elt, generators, .. })
            | Ast::SetComp(ast::ExprSetComp { elt, generators, .. })
            | Ast::Generator(ast::ExprGenerator { elt, generators, .. }) => {
                let element = self.comprehension(generators, |builder| builder.expr(elt));
                self.push(Expr::Sequence(element))
            }
            Ast::DictComp(comprehension) => {
                let value = self.comprehension(&comprehension.generators, |builder| {
                    if let Some(key) = &comprehension.key {
                        builder.expr(key);
                    }
                    builder.expr(&comprehension.value)
                });
                self.push(Expr::Mapping(value))
            }
            Ast::Subscript(subscript) => {
                let item = self.subscript(subscript);
                self.known_place(expression).unwrap_or_else(|| self.recently(expression, item))
            }
            Ast::Starred(starred) => {
                let value = self.expr(&starred.value);
                self.iterated(value, starred.value.range())
            }
            Ast::Yield(yielded) => {
                let value = match &yielded.value {
                    Some(value) => self.expr(value),
                    None => self.unknown(),
                };
                self.yields(value);
                self.forget_recent();
                self.push(Expr::Sent(self.symbol))
            }
            Ast::YieldFrom(yielded) => {
                let value = self.expr(&yielded.value);
                let element = self.push(Expr::Element(value));
                self.implied(element, yielded.value.range(), ImpliedKind::Iteration);
                self.yields(element);
                self.forget_recent();
                self.push(Expr::Final(value))
            }
            Ast::StringLiteral(literal) => match text::short_text(literal) {
                Some(text) => self.push(Expr::Constant(Key::Text(Name::new(text)))),
                None => self.builtin("str"),
            },
            Ast::FString(string) => {
                for element in string.value.elements() {
                    self.interpolation(element);
                }
                self.format(text::f_string_ends(string))
            }
            Ast::TString(string) => {
                for element in string.value.elements() {
                    self.interpolation(element);
                }
                self.unknown()
            }
            Ast::BytesLiteral(_) => self.builtin("bytes"),
            Ast::NumberLiteral(literal) => match text::small_number(literal) {
                Some(number) => self.push(Expr::Constant(Key::Index(number))),
                None => self.builtin("int"),
            },
            Ast::BooleanLiteral(_) => self.builtin("bool"),
            Ast::NoneLiteral(_) => self.builtin("None"),
            Ast::BinOp(operation) => {
                let left = self.expr(&operation.left);
                let right = self.expr(&operation.right);
                if let Some(ends) = text::concatenation_ends(operation) {
                    return self.format(Some(ends));
                }
                let method = Name::new(text::operator_method(operation.op));
                let value = self.push(Expr::Binary { method, left, right });
                let range = TextRange::new(operation.left.end(), operation.right.start());
                self.implied(value, range, ImpliedKind::Operator);
                value
            }
            Ast::UnaryOp(operation) => {
                let value = self.expr(&operation.operand);
                let negated = match (operation.op, self.summary.expr(value)) {
                    (ast::UnaryOp::USub, Expr::Constant(Key::Index(number))) => Some(-number),
                    _ => None,
                };
                if let Some(number) = negated {
                    return self.push(Expr::Constant(Key::Index(number)));
                }
                let method = match operation.op {
                    ast::UnaryOp::Not => return self.builtin("bool"),
                    ast::UnaryOp::USub => "__neg__",
                    ast::UnaryOp::UAdd => "__pos__",
                    ast::UnaryOp::Invert => "__invert__",
                };
                let value = self.push(Expr::Unary { method: Name::new(method), value });
                self.implied(value, operation.range(), ImpliedKind::Operator);
                value
            }
            Ast::Compare(comparison) => {
                let mut left = (self.expr(&comparison.left), comparison.left.end());
                for (operator, comparator) in comparison.ops.iter().zip(&comparison.comparators) {
                    let right = self.expr(comparator);
                    let range = TextRange::new(left.1, comparator.start());
                    let operands = match operator {
                        ast::CmpOp::In | ast::CmpOp::NotIn => (right, left.0),
                        _ => (left.0, right),
                    };
                    if let Some(method) = text::comparison_method(*operator) {
                        let method = Name::new(method);
                        let value = self.push(Expr::Binary { method, left: operands.0, right: operands.1 });
                        self.implied(value, range, ImpliedKind::Operator);
                    }
                    left = (right, comparator.end());
                }
                self.builtin("bool")
            }
            Ast::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                parts.into_iter().flatten().for_each(|value| self.visit(value));
                self.unknown()
            }
            Ast::EllipsisLiteral(_) | Ast::IpyEscapeCommand(_) => self.unknown(),
        }
    }

    fn builtin(&mut self, name: &str) -> ExprIndex {
        self.push(Expr::Builtin(Name::new(name)))
    }

    fn yields(&mut self, value: ExprIndex) {
        let symbol = &mut self.summary.symbols[self.symbol.index()];
        symbol.flags.is_generator = true;
        if let Some(function) = &mut symbol.function {
            function.yields.push(value);
        }
    }

    fn interpolation(&mut self, element: &ast::InterpolatedStringElement) {
        let ast::InterpolatedStringElement::Interpolation(interpolation) = element else { return };
        let value = self.expr(&interpolation.expression);
        self.implied(value, interpolation.expression.range(), ImpliedKind::Format);
        if let Some(spec) = &interpolation.format_spec {
            spec.elements.iter().for_each(|element| self.interpolation(element));
        }
    }

    fn name(&mut self, name: &ast::ExprName) -> ExprIndex {
        let index = self.resolve(Name::new(&name.id));
        self.occurs(name.range(), Occurs::Load(index));
        index
    }

    /// What `name` means at this point of the flow.
    pub fn resolve(&mut self, name: Name) -> ExprIndex {
        let elsewhere = self.elsewhere.get(&(self.scope, name)).copied();
        match self.reaching(name) {
            Some(bindings) if elsewhere.is_none() => {
                self.note_effects(&bindings);
                // It was deleted.
                if bindings.is_empty() { self.unknown() } else { self.push(Expr::Local(bindings)) }
            }
            _ => {
                self.note_use(name);
                self.push(Expr::Free { scope: elsewhere.unwrap_or(self.scope), name })
            }
        }
    }

    /// Functions that are named may be called from here on: what they bind in this scope may be bound.
    fn note_effects(&mut self, bindings: &[BindingIndex]) {
        for &binding in bindings {
            let BindingValue::Definition(function) = self.summary.binding(binding).value else { continue };
            for effect in self.effects.get(&function).into_iter().flatten().filter(|it| it.scope == self.scope) {
                self.flow.add(effect.name, effect.binding);
            }
        }
    }

    /// A function is called here and now: what it certainly binds in this scope replaces what was.
    fn take_effect(&mut self, callee: ExprIndex) {
        let Expr::Local(bindings) = self.summary.expr(callee) else { return };
        let [binding] = bindings[..] else { return };
        let BindingValue::Definition(function) = self.summary.binding(binding).value else { return };
        let effects = self.effects.get(&function).into_iter().flatten();
        for effect in effects.filter(|effect| effect.is_certain && effect.scope == self.scope) {
            self.flow.bind(effect.name, effect.binding);
        }
    }

    fn sequence(&mut self, elements: &[Ast]) -> ExprIndex {
        let parts: Vec<_> = elements.iter().map(|element| self.expr(element)).collect();
        let element = self.union(parts);
        self.push(Expr::Sequence(element))
    }

    /// A walrus in a comprehension binds in the scope around it.
    fn assign_walrus(&mut self, target: &Ast, value: ExprIndex) {
        let inner = self.scope;
        let mut scope = inner;
        while self.summary.scope(scope).kind == ScopeKind::Comprehension {
            scope = self.summary.scope(scope).parent.unwrap_or(ScopeIndex::MODULE);
        }
        self.scope = scope;
        self.assign(target, value);
        if let (Ast::Name(name), true) = (target, scope != inner) {
            let name = Name::new(&name.id);
            let bindings = self.reaching(name).unwrap_or_default();
            self.walruses.extend(bindings.into_iter().map(|binding| (name, binding)));
        }
        self.scope = inner;
    }

    fn comprehension(
        &mut self,
        generators: &[ast::Comprehension],
        element: impl FnOnce(&mut Self) -> ExprIndex,
    ) -> ExprIndex {
        let (outer, flow) = (self.scope, self.flow.clone());
        let scope = self.open_scope(ScopeKind::Comprehension, self.symbol);
        for generator in generators {
            // The first iterable belongs to the scope around.
            let iterable = self.expr(&generator.iter);
            if self.scope == outer && self.summary.scope(outer).kind == ScopeKind::Class {
                // The names of a class are not seen in here.
                self.flow = Flow::default();
            }
            self.scope = scope;
            let value = self.push(Expr::Element(iterable));
            self.implied(value, generator.iter.range(), ImpliedKind::Iteration);
            self.assign(&generator.target, value);
            for condition in &generator.ifs {
                let condition = self.condition(condition);
                self.narrow(&condition.when_true);
            }
        }
        let element = element(self);
        self.scope = outer;
        self.flow = flow;
        self.forget_recent();
        for &(name, binding) in &self.walruses {
            self.flow.add(name, binding);
        }
        if self.summary.scope(outer).kind != ScopeKind::Comprehension {
            self.walruses.clear();
        }
        element
    }

    fn subscript(&mut self, subscript: &ast::ExprSubscript) -> ExprIndex {
        let value = self.expr(&subscript.value);
        let key = self.key(&subscript.slice);
        let item = match &*subscript.slice {
            Ast::Slice(slice) => {
                let (from, to, known) = text::slice_ends(slice).map_or((0, None, false), |(from, to)| (from, to, true));
                self.push(Expr::Slice { value, from, to, known })
            }
            _ => self.push(Expr::Item { value, key }),
        };
        self.implied(item, subscript.slice.range(), ImpliedKind::Operator);
        item
    }

    fn format(&mut self, ends: Option<(&str, &str)>) -> ExprIndex {
        match ends {
            Some((prefix, suffix)) => self.push(Expr::Format { prefix: Name::new(prefix), suffix: Name::new(suffix) }),
            None => self.builtin("str"),
        }
    }

    fn arguments(&mut self, arguments: &ast::Arguments) -> Arguments {
        let mut given = Arguments::default();
        for argument in &arguments.args {
            match argument {
                Ast::Starred(starred) => {
                    let value = self.expr(&starred.value);
                    self.iterated(value, starred.value.range());
                    given.star.get_or_insert(value);
                }
                argument => {
                    let value = self.expr(argument);
                    if given.star.is_none() {
                        given.positional.push(value);
                    }
                }
            }
        }
        let mut keywords = Vec::new();
        for keyword in &arguments.keywords {
            let value = self.expr(&keyword.value);
            match &keyword.arg {
                Some(name) => keywords.push((Name::new(name), value)),
                None => given.double_star = Some(value),
            }
        }
        given.keywords = keywords.into();
        given
    }

    fn call_expr(&mut self, call: &ast::ExprCall) -> ExprIndex {
        let callee = self.expr(&call.func);
        let mut arguments = self.arguments(&call.arguments);
        if text::decorator_name(&call.func) == "namedtuple" {
            self.field_names(call, &mut arguments);
        }
        let range = match &*call.func {
            Ast::Name(name) => name.range(),
            Ast::Attribute(attribute) => attribute.attr.range(),
            other => other.range(),
        };
        let positional = arguments.positional.clone();
        let typing = self.typing_name(&call.func);
        let bound = arguments.keywords.iter().find(|(name, _)| name.as_str() == "bound").map(|(_, value)| *value);
        let index = self.call(callee, range, CallKind::Call, arguments);
        self.note_dynamic_namespace(call);
        self.forget_changed(call);
        self.remember_update(&call.func, positional.first().copied());
        self.take_effect(callee);
        if let Some(meaning) = self.evaluated_text(call) {
            return meaning;
        }
        if let Ast::Name(name) = &*call.func
            && self.reaching(Name::new(&name.id)).is_none()
            && let Some(meaning) = self.special_call(&name.id, &positional, range)
        {
            return meaning;
        }
        match (typing.as_deref(), &positional[..]) {
            (Some("cast"), [class, value]) => {
                let annotation = match &call.arguments.args[0] {
                    Ast::Name(_) | Ast::Attribute(_) => self.push(Expr::InstanceOf(*class)),
                    annotation => self.annotation(annotation),
                };
                return self.push(Expr::OrElse(annotation, *value));
            }
            (Some("TypeVar"), [_, constraints @ ..]) => {
                let bounds: Vec<_> =
                    constraints.iter().copied().chain(bound).map(|class| self.push(Expr::InstanceOf(class))).collect();
                let bound = (!bounds.is_empty()).then(|| self.union(bounds));
                return self.push(Expr::TypeVariable(bound));
            }
            (Some("NewType"), [_, class]) => {
                let instance = self.push(Expr::InstanceOf(*class));
                return self.push(Expr::Returning(instance));
            }
            _ => {}
        }
        if let Some(ends) = text::format_ends(call) {
            return self.format(Some(ends));
        }
        self.push(Expr::Call(index))
    }

    /// `eval("f()")`: the text is code of this place.
    fn evaluated_text(&mut self, call: &ast::ExprCall) -> Option<ExprIndex> {
        let name = call.func.as_name_expr()?;
        let is_eval = name.id.as_str() == "eval" && self.reaching(Name::new("eval")).is_none();
        let literal = call.arguments.args.first()?.as_string_literal_expr()?.as_single_part_string()?;
        let is_alone = call.arguments.len() == 1;
        let parsed = (is_eval && is_alone).then(|| syntax::parse_annotation(self.text, literal))??;
        Some(self.expr(&parsed))
    }

    /// Calls of built-ins whose result follows from their arguments.
    fn special_call(&mut self, name: &str, arguments: &[ExprIndex], range: TextRange) -> Option<ExprIndex> {
        let first = arguments.first().copied();
        let meaning = match (name, first) {
            ("super", None) => Expr::Super(self.current_class()?),
            ("super", Some(class)) if arguments.len() == 2 => Expr::SuperOf { class, object: arguments[1] },
            ("type", Some(value)) if arguments.len() == 1 => Expr::ClassOf(value),
            ("list" | "tuple" | "set" | "frozenset" | "sorted", Some(value)) => {
                Expr::Sequence(self.iterated(value, range))
            }
            ("reversed", Some(value)) => {
                let method = Name::new("__reversed__");
                let own = self.push(Expr::Unary { method, value });
                self.implied(own, range, ImpliedKind::Iteration);
                let element = self.push(Expr::Element(value));
                let sequence = self.push(Expr::Sequence(element));
                Expr::Union([own, sequence].into())
            }
            ("iter", Some(value)) if arguments.len() == 1 => {
                let element = self.push(Expr::Element(value));
                Expr::Sequence(element)
            }
            ("next", Some(value)) => {
                let next = self.push(Expr::Next(value));
                self.implied(next, range, ImpliedKind::Iteration);
                return Some(next);
            }
            ("max" | "min", Some(value)) if arguments.len() == 1 => return Some(self.iterated(value, range)),
            ("enumerate", Some(value)) => {
                let number = self.builtin("int");
                let element = self.iterated(value, range);
                let pair = self.push(Expr::Tuple([number, element].into()));
                Expr::Sequence(pair)
            }
            ("zip", Some(_)) => {
                let elements: Vec<_> = arguments.iter().map(|&value| self.iterated(value, range)).collect();
                let tuple = self.push(Expr::Tuple(elements.into()));
                Expr::Sequence(tuple)
            }
            _ => return None,
        };
        Some(self.push(meaning))
    }

    /// The names of a `namedtuple`'s fields, also where they are written as one text.
    fn field_names(&mut self, call: &ast::ExprCall, arguments: &mut Arguments) {
        let names = call.arguments.args.get(1).and_then(text::field_names);
        if let (Some(names), 2..) = (names, arguments.positional.len()) {
            let parts = names.into_iter().map(|name| self.push(Expr::Constant(Key::Text(Name::new(name)))));
            let parts: Box<[_]> = parts.collect();
            let names = self.push(Expr::Tuple(parts));
            arguments.positional[1] = names;
        }
    }

    fn iterated(&mut self, value: ExprIndex, range: TextRange) -> ExprIndex {
        let element = self.push(Expr::Element(value));
        self.implied(element, range, ImpliedKind::Iteration);
        element
    }

    /// What of `typing` a name or attribute is, by whatever name it was imported.
    fn typing_name(&self, callee: &Ast) -> Option<Name> {
        let (name, attribute) = match callee {
            Ast::Name(name) => (Name::new(&name.id), None),
            Ast::Attribute(attribute) => (Name::new(&attribute.value.as_name_expr()?.id), Some(&attribute.attr)),
            _ => return None,
        };
        let outer = || self.summary.visible_from(self.scope).find_map(|scope| scope.names.get(&name));
        let bindings = match self.flow.get(name) {
            Some(bindings) => &bindings[..],
            None => &outer()?[..],
        };
        bindings.iter().find_map(|&binding| {
            let BindingValue::Import(import) = self.summary.binding(binding).value else { return None };
            let import = self.summary.import(import);
            if !matches!(import.module.as_str(), "typing" | "typing_extensions") {
                return None;
            }
            match attribute {
                Some(attribute) if import.name.is_none() => Some(Name::new(attribute)),
                Some(_) => None,
                None => import.name,
            }
        })
    }

    /// `globals()`, `vars()`, `exec` and `setattr(sys.modules…)` at module level make names that no parser sees.
    fn note_dynamic_namespace(&mut self, call: &ast::ExprCall) {
        if let Ast::Name(name) = &*call.func
            && matches!(name.id.as_str(), "globals" | "exec" | "vars" | "setattr")
            && (name.id.as_str() != "setattr" || self.symbol == SymbolIndex::MODULE)
        {
            self.summary.dynamic = true;
        }
    }

    fn lambda(&mut self, lambda: &ast::ExprLambda) -> ExprIndex {
        let params = match &lambda.parameters {
            Some(parameters) => self.parameters(parameters),
            None => Vec::new(),
        };
        let name = self.next_lambda();
        let symbol = self.add_symbol(SymbolFacts {
            kind: SymbolKind::Lambda,
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags: Flags::default(),
            range: lambda.range(),
            name_range: TextRange::at(lambda.start(), "lambda".len().try_into().unwrap_or_default()),
            header: TextRange::new(lambda.start(), lambda.body.start()),
            body: Some(lambda.body.range()),
            docstring: None,
            params: params.iter().map(|param| param.facts.clone()).collect(),
            returns: None,
            decorators: Box::default(),
            complexity: 1,
            scope: None,
            function: Some(Box::new(FunctionFacts::default())),
            class: None,
            decorated: None,
        });
        self.in_function(symbol, self.scope, params, |builder| {
            let value = builder.expr(&lambda.body);
            builder.returns(value);
        });
        self.push(Expr::Definition(symbol))
    }

    pub fn returns(&mut self, value: ExprIndex) {
        if let Some(function) = &mut self.summary.symbols[self.symbol.index()].function {
            function.returns.push(value);
        }
    }

    // ---- annotations

    /// What an annotation says about a value. Names are looked up late, as `from __future__ import annotations` does.
    pub fn annotation(&mut self, annotation: &Ast) -> ExprIndex {
        if self.too_deep() {
            return self.unknown();
        }
        self.depth += 1;
        let index = self.annotation_inner(annotation);
        self.depth -= 1;
        index
    }

    fn annotation_inner(&mut self, annotation: &Ast) -> ExprIndex {
        match annotation {
            Ast::StringLiteral(string) => {
                let literal = string.as_single_part_string();
                match literal.and_then(|literal| syntax::parse_annotation(self.text, literal)) {
                    Some(parsed) => self.annotation(&parsed),
                    None => self.unknown(),
                }
            }
            Ast::BinOp(union) => {
                let parts = vec![self.annotation(&union.left), self.annotation(&union.right)];
                self.union(parts)
            }
            Ast::NoneLiteral(_) => self.builtin("None"),
            Ast::Subscript(subscript) => self.generic(subscript),
            Ast::Name(name) if name.id.as_str() == "Self" => {
                self.late_name(name);
                match self.current_class() {
                    Some(class) => self.push(Expr::SelfInstance(class)),
                    None => self.unknown(),
                }
            }
            other => {
                let class = self.type_expression(other);
                self.push(Expr::InstanceOf(class))
            }
        }
    }

    fn late_name(&mut self, name: &ast::ExprName) -> ExprIndex {
        let index = self.push(Expr::Free { scope: self.scope, name: Name::new(&name.id) });
        self.occurs(name.range(), Occurs::Load(index));
        index
    }

    fn type_expression(&mut self, expression: &Ast) -> ExprIndex {
        match expression {
            Ast::Name(name) => self.late_name(name),
            Ast::Attribute(attribute) => {
                let value = self.type_expression(&attribute.value);
                let index = self.push(Expr::Attribute { value, name: Name::new(&attribute.attr) });
                self.occurs(attribute.attr.range(), Occurs::Load(index));
                index
            }
            other => self.expr(other),
        }
    }

    fn generic(&mut self, subscript: &ast::ExprSubscript) -> ExprIndex {
        let head = match &*subscript.value {
            Ast::Name(name) => name.id.as_str(),
            Ast::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        let class = self.type_expression(&subscript.value);
        if head == "Literal" {
            return self.unknown();
        }
        let arguments = match &*subscript.slice {
            Ast::Tuple(tuple) => &tuple.elts[..],
            other => std::slice::from_ref(other),
        };
        if head == "Annotated" {
            arguments.iter().skip(1).for_each(|argument| self.visit(argument));
            // `Annotated[()]` has none.
            return arguments.first().map_or(class, |argument| self.annotation(argument));
        }
        let mut parts: Vec<ExprIndex> = arguments
            .iter()
            .map(|argument| match argument {
                Ast::EllipsisLiteral(_) => self.unknown(),
                Ast::List(list) => {
                    list.elts.iter().for_each(|element| {
                        self.annotation(element);
                    });
                    self.unknown()
                }
                argument => self.annotation(argument),
            })
            .collect();
        let first = parts.first().copied();
        match (head, first) {
            ("Optional" | "Final" | "ClassVar" | "Required" | "NotRequired" | "TypeGuard", Some(first)) => first,
            ("Union", Some(_)) => self.union(parts),
            (
                "list" | "List" | "Sequence" | "MutableSequence" | "Iterable" | "Iterator" | "set" | "Set"
                | "frozenset" | "FrozenSet" | "AbstractSet" | "Collection" | "Generator" | "AsyncIterator"
                | "AsyncIterable" | "AsyncGenerator" | "deque" | "Deque" | "Reversible",
                Some(first),
            ) => self.push(Expr::Sequence(first)),
            ("tuple" | "Tuple", Some(first)) => {
                if matches!(arguments.get(1), Some(Ast::EllipsisLiteral(_))) {
                    self.push(Expr::Sequence(first))
                } else {
                    self.push(Expr::Tuple(parts.into()))
                }
            }
            (
                "dict" | "Dict" | "Mapping" | "MutableMapping" | "defaultdict" | "DefaultDict" | "OrderedDict",
                Some(_),
            ) => match parts.pop() {
                Some(value) => self.push(Expr::Mapping(value)),
                None => self.unknown(),
            },
            ("type" | "Type", Some(first)) => self.push(Expr::ClassOf(first)),
            ("Awaitable" | "Coroutine", Some(_)) => parts.pop().unwrap_or(class),
            ("Callable", _) => match parts.pop() {
                Some(result) => self.push(Expr::Returning(result)),
                None => self.unknown(),
            },
            _ => self.push(Expr::InstanceOf(class)),
        }
    }
}

/// A parameter, with what its binding needs.
pub(super) struct Parameter {
    pub facts: Param,
    pub value: BindingValue,
}

impl Builder<'_> {
    /// Walks defaults and annotations, which belong to the scope around the function.
    pub fn parameters(&mut self, parameters: &ast::Parameters) -> Vec<Parameter> {
        use super::ParamKind::{KeywordOnly, KwArgs, Positional, PositionalOnly, VarArgs};
        let mut out = Vec::new();
        for (kind, group) in [(PositionalOnly, &parameters.posonlyargs), (Positional, &parameters.args)] {
            group.iter().for_each(|it| self.parameter(&mut out, kind, &it.parameter, it.default.as_deref()));
        }
        parameters.vararg.iter().for_each(|it| self.parameter(&mut out, VarArgs, it, None));
        let keyword_only = parameters.kwonlyargs.iter();
        keyword_only.for_each(|it| self.parameter(&mut out, KeywordOnly, &it.parameter, it.default.as_deref()));
        parameters.kwarg.iter().for_each(|it| self.parameter(&mut out, KwArgs, it, None));
        out
    }

    fn parameter(&mut self, out: &mut Vec<Parameter>, kind: ParamKind, it: &ast::Parameter, default: Option<&Ast>) {
        let default_value = default.map(|default| self.expr(default));
        let annotation = it.annotation.as_ref().map(|annotation| {
            let value = self.annotation(annotation);
            match kind {
                ParamKind::VarArgs => self.push(Expr::Sequence(value)),
                ParamKind::KwArgs => self.push(Expr::Mapping(value)),
                _ => value,
            }
        });
        let position = out.len() as u32;
        out.push(Parameter {
            facts: Param {
                name: Name::new(&it.name),
                range: it.name.range(),
                kind,
                has_default: default.is_some(),
                annotation: it.annotation.as_ref().map(|annotation| annotation.range()),
            },
            value: BindingValue::Parameter { position, annotation, default: default_value },
        });
    }

    /// Walks a function's own code, where its parameters are bound.
    pub fn in_function(
        &mut self,
        symbol: SymbolIndex,
        around: ScopeIndex,
        params: Vec<Parameter>,
        walk: impl FnOnce(&mut Self),
    ) {
        self.in_scope(around, ScopeKind::Function, symbol, |builder| {
            for param in params {
                let binding = builder.bind(param.facts.name, param.facts.range, param.value);
                builder.occurs(param.facts.range, Occurs::Store(binding));
            }
            walk(builder);
        });
    }
}
