//! What variables code takes from around it, and what it leaves to it.

use rustc_hash::FxHashSet;
use syntax::ast::{Expr, Stmt, StmtFunctionDef};
use syntax::{Ranged, TextRange};

use super::action::AssistContext;
use super::names::{Event, Leaves, Names, Use, definite, definite_before, diverges, leaves};
use super::place::{Step, expressions, span};

/// What goes in and comes out.
pub(super) struct Variables<'a> {
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    /// The code leaves the function around it, always.
    pub returns: bool,
}

/// Of an expression.
///
/// # Errors
/// When it cannot be a function of its own; the reason for a person.
pub(super) fn of_value<'a>(
    context: &AssistContext<'a>,
    expr: &'a Expr,
    function: Option<&'a StmtFunctionDef>,
) -> Result<Variables<'a>, String> {
    let names = Names::of_expr(expr);
    if names.events.iter().any(|event| event.what == Use::Store) {
        return Err("it binds a name".to_owned());
    }
    let mut inputs: Vec<&str> = Vec::new();
    let bound_here = function.map(|function| Names::of_function(function).bound()).unwrap_or_default();
    // Variables of comprehensions and lambdas around it.
    let mut inner: FxHashSet<&str> = FxHashSet::default();
    for outer in expressions(context.parsed, expr.range()) {
        if outer.range() == expr.range() {
            break;
        }
        let generators = match outer {
            Expr::ListComp(it) => &it.generators[..],
            Expr::SetComp(it) => &it.generators[..],
            Expr::DictComp(it) => &it.generators[..],
            Expr::Generator(it) => &it.generators[..],
            Expr::Lambda(it) => {
                inner.extend(it.parameters.iter().flat_map(|all| all.iter()).map(|it| it.name().as_str()));
                &[]
            }
            _ => &[],
        };
        inner.extend(generators.iter().flat_map(|it| Names::of_expr(&it.target).bound()));
    }
    for event in &names.events {
        let local = bound_here.contains(event.name) || inner.contains(event.name);
        if local && !inputs.contains(&event.name) {
            inputs.push(event.name);
        }
    }
    // A lambda in there keeps the variable, not its value.
    let captured = names.events.iter().find(|event| event.what == Use::Captured && inputs.contains(&event.name));
    if let Some(captured) = captured {
        let stores = function.map_or(0, |function| {
            let all = Names::of_function(function).events;
            all.iter().filter(|it| it.name == captured.name && it.what == Use::Store).count()
        });
        if stores > 1 || inner.contains(captured.name) {
            return Err(format!("a function in it uses `{}`, which changes", captured.name));
        }
    }
    Ok(Variables { inputs, outputs: Vec::new(), returns: false })
}

/// Of the statements `body`, in `function` or at the module's level; `around` are the statements around the first one.
///
/// # Errors
/// As [`of_value`].
pub(super) fn of_statements<'a>(
    context: &AssistContext<'a>,
    body: &'a [Stmt],
    function: Option<&'a StmtFunctionDef>,
    around: &[Step<'a>],
) -> Result<Variables<'a>, String> {
    if leaves(body, Leaves::Loop) {
        return Err("`break` or `continue` would leave it".to_owned());
    }
    let returns = leaves(body, Leaves::Return);
    if returns && !diverges(body) {
        return Err("it returns on some ways and goes on on others".to_owned());
    }
    if returns && function.is_none() {
        return Err("it returns outside of a function".to_owned());
    }
    let code = Code::of(context, body, function, around);
    if let Some(name) = code.stored.iter().find(|name| code.all.declared.contains(**name)) {
        return Err(format!("it binds `{name}`, which is `global` or `nonlocal`"));
    }
    let mut inputs = code.inputs();
    let outputs = if returns { Vec::new() } else { code.outputs(&inputs) };
    let certain = definite(body).unwrap_or_default();
    for &name in &outputs {
        if !certain.contains(name) && !inputs.contains(&name) {
            if !code.before.contains(name) {
                return Err(format!("`{name}` may be left unbound"));
            }
            inputs.push(name);
        }
    }
    if let Some(name) = inputs.iter().find(|name| !code.before.contains(**name)) {
        return Err(format!("`{name}` may be unbound before it"));
    }
    if let Some(name) = code.stored.iter().find(|name| code.deletes(name)) {
        return Err(format!("it deletes `{name}`"));
    }
    if let Some(name) = inputs.iter().chain(&outputs).find(|name| code.shares(name)) {
        return Err(format!("a nested function shares `{name}` with the code around it"));
    }
    Ok(Variables { inputs, outputs, returns })
}

/// Statements, and the names in them and around them.
struct Code<'a> {
    body: &'a [Stmt],
    range: TextRange,
    in_function: bool,
    /// In a loop that is around it in the same function.
    in_loop: bool,
    inside: Names<'a>,
    /// Of the whole function or module.
    all: Names<'a>,
    /// What is bound for certain when it begins.
    before: FxHashSet<&'a str>,
    /// What it binds or deletes, each once.
    stored: Vec<&'a str>,
}

impl<'a> Code<'a> {
    fn of(
        context: &AssistContext<'a>,
        body: &'a [Stmt],
        function: Option<&'a StmtFunctionDef>,
        around: &[Step<'a>],
    ) -> Self {
        let range = span(body).unwrap_or_default();
        let (scope, all): (&[Stmt], _) = match function {
            Some(function) => (&function.body, Names::of_function(function)),
            None => (context.parsed.statements(), Names::of(context.parsed.statements())),
        };
        let mut before = definite_before(scope, range.start());
        if let Some(function) = function {
            before.extend(function.parameters.iter().map(|parameter| parameter.name().as_str()));
        }
        let inside = Names::of(body);
        let mut stored = Vec::new();
        for event in inside.events.iter().filter(|event| matches!(event.what, Use::Store | Use::Delete)) {
            if !stored.contains(&event.name) {
                stored.push(event.name);
            }
        }
        let in_loop = around.iter().rev().skip(1).any(|step| {
            let stmt = step.stmt();
            let inside_function = function.is_none_or(|function| function.range().contains_range(stmt.range()));
            inside_function && (stmt.is_for_stmt() || stmt.is_while_stmt()) && stmt.range() != range
        });
        Code { body, range, in_function: function.is_some(), in_loop, inside, all, before, stored }
    }

    /// What the code reads of what was bound before it.
    fn inputs(&self) -> Vec<&'a str> {
        let own = self.all.bound();
        let mut inputs = Vec::new();
        for event in self.inside.events.iter().filter(|event| own.contains(event.name)) {
            let bound_outside = self.outside(event.name).any(|other| other.what == Use::Store);
            let certain_inside = definite_before(self.body, event.range.start()).contains(event.name);
            // At a module's level, other names can be seen from everywhere.
            let needed = self.in_function || self.stored.contains(&event.name);
            if event.what.reads() && bound_outside && !certain_inside && needed && !inputs.contains(&event.name) {
                inputs.push(event.name);
            }
        }
        inputs
    }

    /// What is read afterwards of what the code binds.
    fn outputs(&self, inputs: &[&'a str]) -> Vec<&'a str> {
        let is_output = |name: &&str| {
            let read_later = self
                .outside(name)
                .filter(|event| event.what.reads())
                .any(|event| event.range.start() >= self.range.end() || self.in_loop || event.what == Use::Captured);
            // The next time round it is read before it is bound.
            let read_again = self.in_loop && inputs.contains(name);
            read_later || read_again || !self.in_function
        };
        self.stored.iter().copied().filter(is_output).collect()
    }

    /// Where a name is used around the code.
    fn outside(&self, name: &str) -> impl Iterator<Item = &Event<'a>> {
        self.all.events.iter().filter(move |event| event.name == name && !self.range.contains_range(event.range))
    }

    /// Whether it deletes a variable that is used elsewhere.
    fn deletes(&self, name: &str) -> bool {
        self.inside.events.iter().any(|event| event.name == name && event.what == Use::Delete)
            && self.outside(name).next().is_some()
    }

    /// Whether a nested function would see another variable: it sees a variable, not the value that it had.
    fn shares(&self, name: &str) -> bool {
        let captures = |event: &Event<'_>| matches!(event.what, Use::Captured | Use::CapturedStore);
        let all = || self.all.events.iter().filter(|event| event.name == name);
        let captured_inside = self.inside.events.iter().any(|event| event.name == name && captures(event));
        let captured_outside = self.outside(name).any(captures);
        let stores = all().filter(|event| event.what == Use::Store).count();
        let writes_through = all().any(|event| event.what == Use::CapturedStore);
        let shared = self.in_function
            && (captured_inside && (stores > 1 || self.in_loop) || captured_outside && self.stored.contains(&name));
        shared && (stores > 1 || captured_inside && captured_outside) || writes_through
    }
}
