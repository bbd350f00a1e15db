//! What variables code takes from around it, and what it leaves to it.

use rustc_hash::FxHashSet;
use syntax::ast::{Expr, Stmt, StmtFunctionDef};
use syntax::{Ranged, TextRange};

use super::action::AssistContext;
use super::names::{Leaves, Names, Use, definite, definite_before, diverges, leaves};
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
    let range = span(body).unwrap_or_default();
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
    let inside = Names::of(body);
    let all = match function {
        Some(function) => Names::of_function(function),
        None => Names::of(context.parsed.statements()),
    };
    let is_inside = |at: TextRange| range.contains_range(at);
    let scope: &[Stmt] = function.map_or(context.parsed.statements(), |function| &function.body);
    let mut before = definite_before(scope, range.start());
    if let Some(function) = function {
        before.extend(function.parameters.iter().map(|parameter| parameter.name().as_str()));
    }
    let own = all.bound();
    let stored: Vec<&str> = {
        let mut seen = Vec::new();
        for event in inside.events.iter().filter(|event| matches!(event.what, Use::Store | Use::Delete)) {
            if !seen.contains(&event.name) {
                seen.push(event.name);
            }
        }
        seen
    };
    if let Some(name) = stored.iter().find(|name| all.declared.contains(**name)) {
        return Err(format!("it binds `{name}`, which is `global` or `nonlocal`"));
    }
    let in_loop = around.iter().rev().skip(1).any(|step| {
        let stmt = step.stmt();
        let inside_function = function.is_none_or(|function| function.range().contains_range(stmt.range()));
        inside_function && (stmt.is_for_stmt() || stmt.is_while_stmt()) && stmt.range() != range
    });

    // What the code reads of what was bound before it.
    let mut inputs: Vec<&str> = Vec::new();
    for event in inside.events.iter().filter(|event| own.contains(event.name)) {
        let reads = matches!(event.what, Use::Load | Use::Captured | Use::Delete);
        let bound_outside = all
            .events
            .iter()
            .any(|other| other.name == event.name && other.what == Use::Store && !is_inside(other.range));
        let certain_inside = definite_before(body, event.range.start()).contains(event.name);
        // At a module's level, other names can be seen from everywhere.
        let needed = function.is_some() || stored.contains(&event.name);
        if reads && bound_outside && !certain_inside && needed && !inputs.contains(&event.name) {
            inputs.push(event.name);
        }
    }
    // What is read afterwards of what the code binds.
    let certain = definite(body).unwrap_or_default();
    let mut outputs: Vec<&str> = Vec::new();
    if !returns {
        for &name in stored.iter() {
            let read_later = all.events.iter().any(|event| {
                let reads = matches!(event.what, Use::Load | Use::Captured | Use::Delete);
                event.name == name
                    && reads
                    && !is_inside(event.range)
                    && (event.range.start() >= range.end() || in_loop || event.what == Use::Captured)
            });
            // The next time round it is read before it is bound.
            let read_again = in_loop && inputs.contains(&name);
            if read_later || read_again || function.is_none() {
                outputs.push(name);
            }
        }
    }
    for &name in &outputs {
        if !certain.contains(name) && !inputs.contains(&name) {
            if !before.contains(name) {
                return Err(format!("`{name}` may be left unbound"));
            }
            inputs.push(name);
        }
    }
    if let Some(name) = inputs.iter().find(|name| !before.contains(**name)) {
        return Err(format!("`{name}` may be unbound before it"));
    }
    let deleted = |name: &&&str| {
        inside.events.iter().any(|event| event.name == **name && event.what == Use::Delete)
            && (all.events.iter().any(|event| event.name == **name && !is_inside(event.range)))
    };
    if let Some(name) = stored.iter().find(deleted) {
        return Err(format!("it deletes `{name}`"));
    }
    // A nested function sees a variable, not the value that it had.
    for &name in inputs.iter().chain(&outputs) {
        let captured_inside = inside
            .events
            .iter()
            .any(|event| event.name == name && matches!(event.what, Use::Captured | Use::CapturedStore));
        let captured_outside = all.events.iter().any(|event| {
            event.name == name && matches!(event.what, Use::Captured | Use::CapturedStore) && !is_inside(event.range)
        });
        let stores = all.events.iter().filter(|event| event.name == name && event.what == Use::Store).count();
        let writes_through = all.events.iter().any(|event| event.name == name && event.what == Use::CapturedStore);
        let shared = function.is_some()
            && (captured_inside && (stores > 1 || in_loop) || captured_outside && stored.contains(&name));
        if shared && (stores > 1 || captured_inside && captured_outside) || writes_through {
            return Err(format!("a nested function shares `{name}` with the code around it"));
        }
    }
    Ok(Variables { inputs, outputs, returns })
}
