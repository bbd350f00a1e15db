//! From a file's tree to its [`Code`].

mod expressions;

use graph::{Name, ParamKind};
use syntax::ast::{
    ElifElseClause, ExceptHandler, Expr, Operator, Parameters, Pattern, Stmt, StmtClassDef, StmtFunctionDef, StmtIf,
};
use syntax::{Parsed, Ranged, TextRange, TextSize};

use super::code::{Binding, Class, Code, Function, FunctionIndex, Node, NodeIndex, Parameter, Replaced};
use super::guards;

/// The code of a parsed text.
pub(super) fn lower(parsed: &Parsed) -> Code {
    let mut lowering = Lowering {
        code: Code { functions: vec![Function::default()], ..Code::default() },
        function: FunctionIndex::MODULE,
        class: None,
        block: parsed.module().range(),
        depth: 0,
        bound: Vec::new(),
    };
    lowering.body(parsed.statements());
    lowering.code
}

struct Lowering {
    code: Code,
    function: FunctionIndex,
    /// The class whose body is walked.
    class: Option<usize>,
    /// The statements that are walked.
    block: TextRange,
    depth: u32,
    /// Names that got another value so far, and among which statements.
    bound: Vec<(Name, TextRange)>,
}

impl Lowering {
    fn here(&mut self) -> &mut Function {
        &mut self.code.functions[self.function.0 as usize]
    }

    fn add(&mut self, node: Node, range: TextRange) -> NodeIndex {
        self.code.nodes.push((node, range));
        NodeIndex(self.code.nodes.len() as u32 - 1)
    }

    fn bind(&mut self, name: &str, value: NodeIndex, after: TextSize) {
        self.add_to(name, value, after, false);
    }

    fn add_to(&mut self, name: &str, value: NodeIndex, after: TextSize, is_addition: bool) {
        let (name, block) = (Name::new(name), self.block);
        let binding = Binding { value, after, block, scope: None, is_addition };
        self.here().bindings.entry(name).or_default().push(binding);
        if !is_addition {
            self.bound.push((name, block));
        }
    }

    /// The names that are bound when the end of `body` is reached.
    fn body(&mut self, body: &[Stmt]) -> Vec<Name> {
        let (Some(first), Some(last)) = (body.first(), body.last()) else { return Vec::new() };
        let range = TextRange::new(first.start(), last.end());
        let outer = std::mem::replace(&mut self.block, range);
        let before = self.bound.len();
        self.inline(body);
        self.block = outer;
        if guards::ends(body) {
            self.here().ended.push(range);
        }
        let own = self.bound[before..].iter().filter(|(_, block)| *block == range);
        own.map(|(name, _)| *name).collect()
    }

    /// Statements that run whenever those around them do.
    fn inline(&mut self, body: &[Stmt]) {
        body.iter().for_each(|statement| self.statement(statement));
    }

    /// One of several bodies has run, each with the names that it binds: what all bind has lost what it held.
    fn joined(&mut self, whole: TextRange, bodies: &[(Vec<Name>, bool)]) {
        let mut others = bodies.iter().filter(|(_, ends)| !ends).map(|(names, _)| names);
        let Some(first) = others.next() else { return };
        let others: Vec<_> = others.collect();
        let block = self.block;
        let common = first.iter().filter(|name| others.iter().all(|names| names.contains(name)));
        let common: Vec<Name> = common.copied().collect();
        self.bound.extend(common.iter().map(|&name| (name, block)));
        let joined = common.into_iter().map(|name| Replaced { name, from: whole.start(), after: whole.end(), block });
        self.here().replaced.extend(joined);
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.define(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Return(it) => {
                if let Some(value) = it.value.as_deref().map(|value| self.expression(value)) {
                    self.here().returns.push(value);
                }
            }
            Stmt::Assign(it) => {
                let value = self.expression(&it.value);
                it.targets.iter().for_each(|target| self.assign(target, value, it.range.end(), false));
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = it.value.as_deref().map(|value| self.expression(value)) {
                    self.assign(&it.target, value, it.range.end(), false);
                }
            }
            Stmt::AugAssign(it) => {
                let value = self.expression(&it.value);
                let is_text = matches!(it.op, Operator::Add | Operator::Mod | Operator::BitOr);
                if is_text {
                    self.assign(&it.target, value, it.range.end(), true);
                }
            }
            Stmt::For(it) => {
                let values = self.expression(&it.iter);
                let element = self.add(Node::Element(values), it.iter.range());
                self.here().loops.push(it.range);
                self.in_block(&it.body, |this| this.assign(&it.target, element, it.iter.end(), false));
                self.body(&it.body);
                self.body(&it.orelse);
            }
            Stmt::While(it) => {
                self.here().loops.push(it.range);
                self.test(&it.test, Some(&it.body));
                self.body(&it.body);
                self.body(&it.orelse);
            }
            Stmt::If(it) => self.branch(it),
            Stmt::With(it) => {
                for item in &it.items {
                    let value = self.expression(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.assign(target, value, item.context_expr.end(), false);
                    }
                }
                self.inline(&it.body);
            }
            Stmt::Match(it) => {
                let subject = self.expression(&it.subject);
                for case in &it.cases {
                    self.in_block(&case.body, |this| this.pattern(&case.pattern, subject));
                    if let Some(guard) = &case.guard {
                        self.expression(guard);
                    }
                    self.body(&case.body);
                }
            }
            Stmt::Try(it) => {
                let handlers = || it.handlers.iter().map(|ExceptHandler::ExceptHandler(handler)| handler);
                if handlers().all(|handler| guards::leaves(&handler.body)) {
                    self.inline(&it.body);
                    for handler in handlers() {
                        self.body(&handler.body);
                    }
                    self.inline(&it.orelse);
                } else {
                    let mut names = self.body(&it.body);
                    let mut bodies = Vec::new();
                    for handler in handlers() {
                        bodies.push((self.body(&handler.body), guards::ends(&handler.body)));
                    }
                    names.extend(self.body(&it.orelse));
                    bodies.push((names, false));
                    self.joined(it.range, &bodies);
                }
                self.inline(&it.finalbody);
            }
            Stmt::Raise(it) => {
                self.all(it.exc.as_deref());
            }
            Stmt::Assert(it) => {
                let rest = TextRange::new(it.range.end(), self.block.end().max(it.range.end()));
                let sure = guards::sure(&it.test, true);
                self.here().guards.extend(sure.into_iter().map(|name| (name, rest)));
                self.expression(&it.test);
            }
            Stmt::Import(it) => {
                for alias in &it.names {
                    let (bound, whole) = match &alias.asname {
                        Some(name) => (name.as_str(), alias.name.as_str()),
                        None => {
                            let first = alias.name.split('.').next().unwrap_or_default();
                            (first, first)
                        }
                    };
                    let value = self.add(Node::Imported(whole.into()), alias.range);
                    self.bind(bound, value, alias.range.end());
                }
            }
            Stmt::ImportFrom(it) => {
                let module = it.module.as_ref().map_or("", |module| module.as_str());
                for alias in &it.names {
                    // What a relative import gives is of the workspace; the graph knows it.
                    let dots = ".".repeat(it.level as usize);
                    let value = Node::Imported(format!("{dots}{module}.{}", alias.name).into());
                    let value = self.add(value, alias.range);
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name), value, alias.range.end());
                }
            }
            Stmt::Expr(it) => {
                let value = self.expression(&it.value);
                self.filled(&it.value, value);
            }
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    /// What `work` binds, it binds at the beginning of `body`.
    fn in_block(&mut self, body: &[Stmt], work: impl FnOnce(&mut Self)) {
        let (Some(first), Some(last)) = (body.first(), body.last()) else { return };
        let outer = std::mem::replace(&mut self.block, TextRange::new(first.start(), last.end()));
        work(self);
        self.block = outer;
    }

    fn branch(&mut self, branch: &StmtIf) {
        self.test(&branch.test, Some(&branch.body));
        let mut bodies = vec![(self.body(&branch.body), guards::ends(&branch.body))];
        let mut is_exhaustive = false;
        let rest = TextRange::new(branch.range.end(), self.block.end().max(branch.range.end()));
        if guards::leaves(&branch.body) {
            let sure = guards::sure(&branch.test, false);
            self.here().guards.extend(sure.into_iter().map(|name| (name, rest)));
        }
        let mut before = vec![&*branch.test];
        for ElifElseClause { test, body, .. } in &branch.elif_else_clauses {
            if let (Some(first), Some(last)) = (body.first(), body.last()) {
                let body = TextRange::new(first.start(), last.end());
                let sure = before.iter().flat_map(|test| guards::sure(test, false));
                let sure: Vec<_> = sure.map(|name| (name, body)).collect();
                self.here().guards.extend(sure);
            }
            if let Some(test) = test {
                self.test(test, Some(body));
                before.push(test);
            } else if guards::leaves(body) {
                // `if checked: … else: return`
                let sure = guards::sure(&branch.test, true);
                self.here().guards.extend(sure.into_iter().map(|name| (name, rest)));
            }
            is_exhaustive |= test.is_none();
            bodies.push((self.body(body), guards::ends(body)));
        }
        if is_exhaustive {
            self.joined(branch.range, &bodies);
        }
    }

    fn test(&mut self, test: &Expr, body: Option<&[Stmt]>) {
        self.expression(test);
        if let Some((first, last)) = body.and_then(|body| body.first().zip(body.last())) {
            let body = TextRange::new(first.start(), last.end());
            let sure = guards::sure(test, true);
            self.here().guards.extend(sure.into_iter().map(|name| (name, body)));
        }
    }

    fn assign(&mut self, target: &Expr, value: NodeIndex, after: TextSize, is_addition: bool) {
        match target {
            Expr::Name(name) => {
                self.add_to(&name.id, value, after, is_addition);
            }
            Expr::Tuple(_) | Expr::List(_) => {
                let targets = match target {
                    Expr::Tuple(it) => &it.elts,
                    Expr::List(it) => &it.elts,
                    _ => return,
                };
                // `a, b = x, y` gives each its own.
                let values = match self.code.node(value) {
                    Node::Container(values) if values.len() == targets.len() => Some(values.clone()),
                    _ => None,
                };
                for (index, target) in targets.iter().enumerate() {
                    let value = match &values {
                        Some(values) => values[index],
                        None => self.add(Node::Element(value), target.range()),
                    };
                    self.assign(target, value, after, is_addition);
                }
            }
            Expr::Starred(it) => self.assign(&it.value, value, after, is_addition),
            Expr::Attribute(it) => self.assign_attribute(&it.value, &it.attr, value, is_addition),
            Expr::Subscript(it) => {
                let held = self.add(Node::Container(vec![value]), target.range());
                self.assign_inside(&it.value, held, after);
            }
            _ => {}
        }
    }

    /// `holder[…] = …` and `holder.append(…)`.
    fn assign_inside(&mut self, holder: &Expr, held: NodeIndex, after: TextSize) {
        match holder {
            Expr::Name(_) => self.assign(holder, held, after, true),
            Expr::Attribute(it) => self.assign_attribute(&it.value, &it.attr, held, true),
            _ => {}
        }
    }

    fn assign_attribute(&mut self, object: &Expr, name: &str, value: NodeIndex, is_addition: bool) {
        let object = self.expression(object);
        if let Some(class) = self.code.receiver(self.function, object) {
            self.code.classes[class].attributes.push((Name::new(name), self.function, value, is_addition));
        }
    }

    /// What a statement that is only a call puts into a container.
    fn filled(&mut self, statement: &Expr, call: NodeIndex) {
        let Expr::Call(statement) = statement else { return };
        let rest = TextRange::new(statement.end(), self.block.end().max(statement.end()));
        self.here().guards.extend(guards::checked(statement).into_iter().map(|name| (name, rest)));
        let Expr::Attribute(method) = &*statement.func else { return };
        if !matches!(method.attr.as_str(), "append" | "extend" | "add" | "insert" | "update" | "appendleft") {
            return;
        }
        let Some(arguments) = self.code.call(call).map(|call| {
            call.positional.iter().copied().chain(call.keywords.iter().map(|(_, value)| *value)).collect::<Vec<_>>()
        }) else {
            return;
        };
        let held = self.add(Node::Container(arguments), statement.range());
        self.assign_inside(&method.value, held, statement.end());
    }

    fn pattern(&mut self, pattern: &Pattern, subject: NodeIndex) {
        let after = pattern.start();
        match pattern {
            Pattern::MatchAs(it) => {
                if let Some(name) = &it.name {
                    self.bind(name, subject, after);
                }
                it.pattern.iter().for_each(|inner| self.pattern(inner, subject));
            }
            Pattern::MatchStar(it) => it.name.iter().for_each(|name| self.bind(name, subject, after)),
            Pattern::MatchMapping(it) => it.patterns.iter().for_each(|inner| self.pattern(inner, subject)),
            Pattern::MatchSequence(it) => it.patterns.iter().for_each(|inner| self.pattern(inner, subject)),
            Pattern::MatchOr(it) => it.patterns.iter().for_each(|inner| self.pattern(inner, subject)),
            Pattern::MatchClass(it) => {
                it.arguments.patterns.iter().for_each(|inner| self.pattern(inner, subject));
                it.arguments.keywords.iter().for_each(|inner| self.pattern(&inner.pattern, subject));
            }
            Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => {}
        }
    }

    fn define(&mut self, function: &StmtFunctionDef) {
        let decorators: Vec<NodeIndex> =
            function.decorator_list.iter().map(|decorator| self.expression(&decorator.expression)).collect();
        let params = self.parameters(&function.parameters);
        let is = |name: &str| {
            function.decorator_list.iter().any(|it| matches!(&it.expression, Expr::Name(it) if it.id == name))
        };
        let index = FunctionIndex(self.code.functions.len() as u32);
        self.code.functions.push(Function {
            name: function.name.to_string(),
            name_range: function.name.range,
            parent: Some(self.function),
            class: self.class,
            is_static: is("staticmethod"),
            is_classmethod: is("classmethod"),
            params,
            decorators,
            ..Function::default()
        });
        self.code.by_name.insert(function.name.range, index);
        // The name hides what the module around calls so; what it is, the graph knows.
        let value = self.add(Node::Plain, function.name.range);
        self.bind(&function.name, value, function.range.end());
        let outer = std::mem::replace(&mut self.function, index);
        let class = self.class.take();
        self.body(&function.body);
        self.function = outer;
        self.class = class;
    }

    fn parameters(&mut self, parameters: &Parameters) -> Vec<Parameter> {
        let mut lowered = Vec::new();
        let kinds = [
            (&parameters.posonlyargs, ParamKind::PositionalOnly),
            (&parameters.args, ParamKind::Positional),
            (&parameters.kwonlyargs, ParamKind::KeywordOnly),
        ];
        for (list, kind) in kinds {
            for it in list {
                let default = it.default.as_deref().map(|default| self.expression(default));
                lowered.push(parameter(&it.parameter, kind, default));
            }
        }
        lowered.extend(parameters.vararg.iter().map(|it| parameter(it, ParamKind::VarArgs, None)));
        lowered.extend(parameters.kwarg.iter().map(|it| parameter(it, ParamKind::KwArgs, None)));
        lowered
    }

    fn class(&mut self, class: &StmtClassDef) {
        let bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        let bases = bases.filter_map(|base| match base {
            Expr::Name(name) => Some(name.id.to_string()),
            Expr::Attribute(attribute) => Some(attribute.attr.to_string()),
            _ => None,
        });
        self.code.classes.push(Class { name: class.name.to_string(), bases: bases.collect(), attributes: Vec::new() });
        let value = self.add(Node::Plain, class.name.range);
        self.bind(&class.name, value, class.range.end());
        let outer = self.class.replace(self.code.classes.len() - 1);
        // Names of the body are not seen by its methods: they are bound in a function of their own.
        let index = FunctionIndex(self.code.functions.len() as u32);
        let parent = Some(self.function);
        self.code.functions.push(Function { name: class.name.to_string(), parent, ..Function::default() });
        let around = std::mem::replace(&mut self.function, index);
        self.body(&class.body);
        self.function = around;
        self.class = outer;
        // Methods see what is around the class.
        for function in &mut self.code.functions {
            if function.parent == Some(index) {
                function.parent = parent;
            }
        }
    }
}

fn parameter(parameter: &syntax::ast::Parameter, kind: ParamKind, default: Option<NodeIndex>) -> Parameter {
    Parameter {
        name: Name::new(&parameter.name),
        range: parameter.name.range,
        kind,
        annotation: parameter.annotation.as_ref().map(|annotation| annotation.range()),
        default,
    }
}
