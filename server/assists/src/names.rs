//! What happens to names in the code of one function, class or module, in the order in which it happens.

use rustc_hash::FxHashSet;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{
    Comprehension, ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt, StmtClassDef, StmtFunctionDef,
};
use syntax::{Ranged, TextRange, TextSize};

use super::place::{child_bodies, span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Load,
    Store,
    Delete,
    /// A nested function reads it, whenever that runs.
    Captured,
    /// A nested function binds it by `nonlocal`.
    CapturedStore,
}

impl Use {
    /// Whether the variable has to be bound there.
    pub fn reads(self) -> bool {
        matches!(self, Use::Load | Use::Captured | Use::Delete)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub name: &'a str,
    pub range: TextRange,
    pub what: Use,
}

/// The names of one scope.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub events: Vec<Event<'a>>,
    /// Declared `global` or `nonlocal`.
    pub declared: FxHashSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Of the statements `body`, which are all of a scope or part of it.
    pub fn of(body: &'a [Stmt]) -> Self {
        let mut names = Names::default();
        names.visit_body(body);
        names
    }

    /// Of an expression.
    pub fn of_expr(expr: &'a Expr) -> Self {
        let mut names = Names::default();
        names.visit_expr(expr);
        names
    }

    /// Of a whole function: its parameters are stored first.
    pub fn of_function(function: &'a StmtFunctionDef) -> Self {
        let mut names = Names::default();
        names.parameters(&function.parameters);
        names.visit_body(&function.body);
        names
    }

    /// The names that the scope binds and that are its own.
    pub fn bound(&self) -> FxHashSet<&'a str> {
        let stores = self.events.iter().filter(|event| matches!(event.what, Use::Store | Use::Delete));
        stores.map(|event| event.name).filter(|name| !self.declared.contains(name)).collect()
    }

    fn add(&mut self, name: &'a str, range: TextRange, what: Use) {
        self.events.push(Event { name, range, what });
    }

    fn parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            let name = parameter.name();
            self.add(name.as_str(), name.range, Use::Store);
        }
    }

    /// What a nested scope takes from here. `now` says that it runs where it stands.
    fn nested(&mut self, inner: Names<'a>, now: bool) {
        let bound = inner.bound();
        for event in inner.events {
            let from_here = !bound.contains(event.name);
            let what = match event.what {
                Use::Load if now => Use::Load,
                Use::Load | Use::Captured => Use::Captured,
                Use::Store | Use::Delete | Use::CapturedStore => Use::CapturedStore,
            };
            if from_here {
                self.add(event.name, event.range, what);
            }
        }
    }

    fn function(&mut self, function: &'a StmtFunctionDef) {
        function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        self.outside_of(&function.parameters);
        let mut inner = Names::of_function(function);
        function.type_params.iter().for_each(|params| inner.visit_type_params(params));
        self.nested(inner, false);
        function.returns.iter().for_each(|returns| self.visit_expr(returns));
        self.add(function.name.as_str(), function.name.range, Use::Store);
    }

    /// Defaults and annotations.
    fn outside_of(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            parameter.default().into_iter().for_each(|default| self.visit_expr(default));
            parameter.annotation().into_iter().for_each(|annotation| self.visit_expr(annotation));
        }
    }

    fn class(&mut self, class: &'a StmtClassDef) {
        class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
        let inner = Names::of(&class.body);
        for event in inner.events {
            match event.what {
                Use::Store | Use::Delete if !inner.declared.contains(event.name) => {}
                // A name that the class binds as well may still come from here.
                what => self.add(event.name, event.range, what),
            }
        }
        self.add(class.name.as_str(), class.name.range, Use::Store);
    }

    fn comprehension(&mut self, elements: &[&'a Expr], generators: &'a [Comprehension], now: bool) {
        let mut inner = Names::default();
        for (nth, generator) in generators.iter().enumerate() {
            if nth == 0 {
                self.visit_expr(&generator.iter);
            } else {
                inner.visit_expr(&generator.iter);
            }
            inner.visit_expr(&generator.target);
            generator.ifs.iter().for_each(|condition| inner.visit_expr(condition));
        }
        elements.iter().for_each(|element| inner.visit_expr(element));
        // What `:=` binds in there is bound out here.
        let targets: FxHashSet<&str> = generators.iter().flat_map(|it| Names::of_expr(&it.target).bound()).collect();
        let (mine, theirs): (Vec<_>, Vec<_>) =
            inner.events.into_iter().partition(|event| event.what == Use::Store && !targets.contains(event.name));
        self.nested(Names { events: theirs, declared: FxHashSet::default() }, now);
        self.events.extend(mine);
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Global(it) => self.declared.extend(it.names.iter().map(|name| name.as_str())),
            Stmt::Nonlocal(it) => self.declared.extend(it.names.iter().map(|name| name.as_str())),
            Stmt::AugAssign(it) => {
                if let Expr::Name(name) = &*it.target {
                    self.add(name.id.as_str(), name.range, Use::Load);
                }
                self.visit_expr(&it.value);
                self.visit_expr(&it.target);
            }
            Stmt::Import(it) => {
                for alias in &it.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    let name = bound.as_str();
                    let first = if alias.asname.is_some() { name } else { name.split('.').next().unwrap_or(name) };
                    self.add(first, TextRange::at(bound.start(), TextSize::of(first)), Use::Store);
                }
            }
            Stmt::ImportFrom(it) => {
                for alias in &it.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.add(bound.as_str(), bound.range, Use::Store);
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                let what = match name.ctx {
                    ExprContext::Store => Use::Store,
                    ExprContext::Del => Use::Delete,
                    ExprContext::Load | ExprContext::Invalid => Use::Load,
                };
                self.add(name.id.as_str(), name.range, what);
            }
            Expr::Lambda(it) => {
                let mut inner = Names::default();
                if let Some(parameters) = &it.parameters {
                    self.outside_of(parameters);
                    inner.parameters(parameters);
                }
                inner.visit_expr(&it.body);
                self.nested(inner, false);
            }
            Expr::ListComp(it) => self.comprehension(&[&it.elt], &it.generators, true),
            Expr::SetComp(it) => self.comprehension(&[&it.elt], &it.generators, true),
            Expr::DictComp(_) => self.dict(expr),
            Expr::Generator(it) => self.comprehension(&[&it.elt], &it.generators, false),
            Expr::Named(it) => {
                self.visit_expr(&it.value);
                self.visit_expr(&it.target);
            }
            _ => walk_expr(self, expr),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(it) = handler;
        it.type_.iter().for_each(|class| self.visit_expr(class));
        if let Some(name) = &it.name {
            self.add(name.as_str(), name.range, Use::Store);
        }
        self.visit_body(&it.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        syntax::ast::visitor::walk_pattern(self, pattern);
        let name = match pattern {
            Pattern::MatchAs(it) => it.name.as_ref(),
            Pattern::MatchStar(it) => it.name.as_ref(),
            Pattern::MatchMapping(it) => it.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.add(name.as_str(), name.range, Use::Store);
        }
    }
}

impl<'a> Names<'a> {
    fn dict(&mut self, expr: &'a Expr) {
        // One of its fields is optional in some versions of the tree; the generic walk knows them all.
        struct Parts<'a>(Vec<&'a Expr>);
        impl<'a> Visitor<'a> for Parts<'a> {
            fn visit_expr(&mut self, expr: &'a Expr) {
                self.0.push(expr);
            }
            fn visit_comprehension(&mut self, _: &'a Comprehension) {}
        }
        let Expr::DictComp(it) = expr else { return };
        let mut parts = Parts(Vec::new());
        walk_expr(&mut parts, expr);
        self.comprehension(&parts.0, &it.generators, true);
    }
}

/// The names that are certainly bound after `body` has run to its end; `None` when it never does.
pub(super) fn definite(body: &[Stmt]) -> Option<FxHashSet<&str>> {
    let mut bound = FxHashSet::default();
    for stmt in body {
        add_definite(stmt, &mut bound)?;
    }
    Some(bound)
}

/// Whether control never passes the end of `body`.
pub(super) fn diverges(body: &[Stmt]) -> bool {
    definite(body).is_none()
}

fn add_definite<'a>(stmt: &'a Stmt, bound: &mut FxHashSet<&'a str>) -> Option<()> {
    match stmt {
        Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) | Stmt::Continue(_) => return None,
        Stmt::If(it) => {
            let mut branches: Vec<Option<FxHashSet<&str>>> = vec![definite(&it.body)];
            branches.extend(it.elif_else_clauses.iter().map(|clause| definite(&clause.body)));
            if it.elif_else_clauses.last().is_none_or(|last| last.test.is_some()) {
                branches.push(Some(FxHashSet::default()));
            }
            bound.extend(meet(branches)?);
        }
        Stmt::With(it) => {
            for item in &it.items {
                item.optional_vars.iter().for_each(|target| bound.extend(Names::of_expr(target).bound()));
            }
            // A context manager may swallow what its body raises.
            bound.extend(definite(&it.body).unwrap_or_default());
        }
        Stmt::Try(it) => {
            let mut main = definite(&it.body);
            if let Some(names) = &mut main {
                match definite(&it.orelse) {
                    Some(more) => names.extend(more),
                    None => main = None,
                }
            }
            let handlers = it.handlers.iter().map(|ExceptHandler::ExceptHandler(handler)| definite(&handler.body));
            let joined = meet(std::iter::once(main).chain(handlers).collect());
            bound.extend(definite(&it.finalbody)?);
            bound.extend(joined?);
        }
        Stmt::Match(it) => {
            let total = it.cases.last().is_some_and(|last| {
                last.guard.is_none() && matches!(&last.pattern, Pattern::MatchAs(it) if it.pattern.is_none())
            });
            let mut branches: Vec<Option<FxHashSet<&str>>> = it.cases.iter().map(|case| definite(&case.body)).collect();
            if !total {
                branches.push(Some(FxHashSet::default()));
            }
            bound.extend(meet(branches)?);
        }
        Stmt::While(it) if matches!(&*it.test, Expr::BooleanLiteral(test) if test.value) => {
            if !leaves(&it.body, Leaves::Break) {
                return None;
            }
        }
        Stmt::For(_) | Stmt::While(_) => {}
        Stmt::Delete(_) => {
            let deleted = Names::of(std::slice::from_ref(stmt));
            for event in &deleted.events {
                bound.remove(event.name);
            }
        }
        _ => bound.extend(simple(stmt)),
    }
    Some(())
}

/// What a statement without blocks, or a definition, binds; `:=` aside, which need not be reached.
fn simple(stmt: &Stmt) -> FxHashSet<&str> {
    struct Walrus<'a>(FxHashSet<&'a str>);
    impl<'a> Visitor<'a> for Walrus<'a> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Named(it) = expr {
                self.0.extend(Names::of_expr(&it.target).bound());
            }
            walk_expr(self, expr);
        }
    }
    let mut walrus = Walrus(FxHashSet::default());
    if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
        walrus.visit_stmt(stmt);
    }
    if matches!(stmt, Stmt::AnnAssign(it) if it.value.is_none()) {
        return FxHashSet::default();
    }
    let names = Names::of(std::slice::from_ref(stmt));
    names.bound().into_iter().filter(|name| !walrus.0.contains(name)).collect()
}

fn meet(branches: Vec<Option<FxHashSet<&str>>>) -> Option<FxHashSet<&str>> {
    branches.into_iter().flatten().reduce(|one, other| one.intersection(&other).copied().collect())
}

/// The names that are certainly bound where `at` begins, inside `body`.
pub(super) fn definite_before(body: &[Stmt], at: TextSize) -> FxHashSet<&str> {
    let mut bound = FxHashSet::default();
    for stmt in body.iter() {
        if stmt.range().contains(at) {
            match stmt {
                Stmt::For(it) => bound.extend(Names::of_expr(&it.target).bound()),
                Stmt::With(it) => it
                    .items
                    .iter()
                    .flat_map(|item| item.optional_vars.as_deref())
                    .for_each(|target| bound.extend(Names::of_expr(target).bound())),
                Stmt::Try(it) => {
                    for ExceptHandler::ExceptHandler(handler) in &it.handlers {
                        if handler.range.contains(at) {
                            bound.extend(handler.name.iter().map(|name| name.as_str()));
                        }
                    }
                    let in_else = span(&it.orelse).is_some_and(|orelse| orelse.contains(at));
                    if in_else {
                        bound.extend(definite(&it.body).unwrap_or_default());
                    }
                }
                Stmt::Match(it) => {
                    for case in it.cases.iter().filter(|case| case.range.contains(at)) {
                        let mut names = Names::default();
                        names.visit_pattern(&case.pattern);
                        if span(&case.body).is_some_and(|body| body.contains(at)) {
                            bound.extend(names.bound());
                        }
                    }
                }
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return bound,
                _ => {}
            }
            // In a handler or a loop's `else`, what the block before did is not certain.
            if let Some(block) =
                child_bodies(stmt).into_iter().find(|block| span(block).is_some_and(|span| span.contains(at)))
            {
                bound.extend(definite_before(block, at));
            }
            return bound;
        }
        if stmt.start() >= at {
            return bound;
        }
        // Behind a statement that control does not pass, everything may be said.
        if add_definite(stmt, &mut bound).is_none() {
            return bound;
        }
    }
    bound
}

/// How control may leave a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    Return,
    Break,
    /// `break` or `continue`.
    Loop,
}

/// Whether `body` itself, loops and functions in it aside, has a statement that leaves it so.
pub(super) fn leaves(body: &[Stmt], how: Leaves) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::FunctionDef(_) | Stmt::ClassDef(_) => false,
        Stmt::Return(_) => how == Leaves::Return,
        Stmt::Break(_) => how != Leaves::Return,
        Stmt::Continue(_) => how == Leaves::Loop,
        Stmt::For(it) if how != Leaves::Return => leaves(&it.orelse, how),
        Stmt::While(it) if how != Leaves::Return => leaves(&it.orelse, how),
        _ => child_bodies(stmt).into_iter().any(|block| leaves(block, how)),
    })
}

#[cfg(test)]
mod tests {
    use syntax::parse;

    use super::*;

    fn shown(text: &str) -> String {
        let parsed = parse(text);
        let names = Names::of(parsed.statements());
        names.events.iter().map(|event| format!("{}:{:?} ", event.name, event.what)).collect()
    }

    #[test]
    fn events_come_in_the_order_in_which_they_happen() {
        assert_eq!(shown("x = y"), "y:Load x:Store ");
        assert_eq!(shown("x += y"), "x:Load y:Load x:Store ");
        assert_eq!(shown("def f(a, b=c): return a + d"), "c:Load d:Captured f:Store ");
        assert_eq!(shown("[a for a in b if (c := a) and d]"), "b:Load d:Load c:Store ");
        assert_eq!(shown("def f():\n    nonlocal x\n    x = 1"), "x:CapturedStore f:Store ");
        assert_eq!(shown("class C(B):\n    x = y\n    def m(self): return z"), "B:Load y:Load z:Captured C:Store ");
        assert_eq!(shown("lambda a: a + b"), "b:Captured ");
        assert_eq!(shown("{k: v for k, v in d}"), "d:Load ");
    }

    fn certain(text: &str) -> Option<Vec<String>> {
        let parsed = parse(text);
        let names = definite(parsed.statements())?;
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        Some(names)
    }

    #[test]
    fn what_is_certainly_bound() {
        assert_eq!(certain("x = 1\nif a:\n    y = 1\nelse:\n    y = z = 2\n").unwrap(), ["x", "y"]);
        assert_eq!(certain("if a:\n    y = 1\nelse:\n    raise x\n").unwrap(), ["y"]);
        assert_eq!(certain("for a in b:\n    y = 1\n").unwrap(), [] as [&str; 0]);
        assert_eq!(certain("try:\n    y = 1\nexcept E:\n    return\n").unwrap(), ["y"]);
        assert_eq!(certain("if a:\n    return 1\nelse:\n    raise x\n"), None);
        assert_eq!(certain("while True:\n    pass\n"), None);
        assert_eq!(certain("a and (b := 1)\n").unwrap(), [] as [&str; 0]);
    }
}
