//! What is known of names after a condition: `isinstance`, `is None`, truth.

use smallvec::SmallVec;
use syntax::TextRange;
use syntax::ast::{self, Expr as Ast};

use super::build::Builder;
use super::flow::{Flow, Reaching};
use super::{BindingFacts, BindingIndex, BindingValue, Expr, ExprIndex, Narrowing};
use crate::Name;

/// What is known of names.
pub(super) type Narrowings = Vec<(Name, Narrowing)>;

/// A condition that was walked.
pub(super) struct Condition {
    pub value: ExprIndex,
    pub when_true: Narrowings,
    pub when_false: Narrowings,
}

/// A name that is narrowed now, and what it meant before.
pub(super) struct Narrowed {
    name: Name,
    binding: BindingIndex,
    before: Reaching,
}

impl Builder<'_> {
    /// Walks a condition and says what is known after it.
    pub fn condition(&mut self, test: &Ast) -> Condition {
        match test {
            Ast::UnaryOp(ast::ExprUnaryOp { op: ast::UnaryOp::Not, operand, .. }) => {
                let Condition { when_true, when_false, .. } = self.condition(operand);
                let value = self.push(Expr::Builtin(Name::new("bool")));
                Condition { value, when_true: when_false, when_false: when_true }
            }
            Ast::BoolOp(operation) => self.bool_operation(operation),
            Ast::Call(call) => {
                let value = self.expr(test);
                let (when_true, when_false) = self.isinstance(call).unwrap_or_default();
                Condition { value, when_true, when_false }
            }
            Ast::Compare(comparison) => {
                let value = self.expr(test);
                let is_none = comparison.comparators.first().is_some_and(Ast::is_none_literal_expr);
                let name = narrowable(&comparison.left).filter(|_| is_none && comparison.ops.len() == 1);
                let known = |narrowing| name.map(|name| (name, narrowing)).into_iter().collect();
                let (when_true, when_false) = match comparison.ops.first() {
                    Some(ast::CmpOp::Is | ast::CmpOp::Eq) => (known(Narrowing::None), known(Narrowing::NotNone)),
                    Some(ast::CmpOp::IsNot | ast::CmpOp::NotEq) => (known(Narrowing::NotNone), known(Narrowing::None)),
                    _ => Default::default(),
                };
                Condition { value, when_true, when_false }
            }
            other => {
                let value = self.expr(other);
                // What is false may be None or an empty value.
                let when_true = narrowable(other).map(|name| (name, Narrowing::NotNone)).into_iter().collect();
                Condition { value, when_true, when_false: Vec::new() }
            }
        }
    }

    /// `a and b`, `a or b`. Later operands are walked under what the earlier ones leave open.
    pub fn bool_operation(&mut self, operation: &ast::ExprBoolOp) -> Condition {
        let is_and = operation.op == ast::BoolOp::And;
        let mut narrowed = Vec::new();
        let mut known = Vec::new();
        let mut values = Vec::new();
        for operand in &operation.values {
            let Condition { value, when_true, when_false } = self.condition(operand);
            values.push(value);
            let goes_on = if is_and { when_true } else { when_false };
            narrowed.extend(self.narrow(&goes_on));
            known.extend(goes_on);
        }
        self.widen(&narrowed);
        let value = self.union(values);
        let (when_true, when_false) = if is_and { (known, Vec::new()) } else { (Vec::new(), known) };
        Condition { value, when_true, when_false }
    }

    fn isinstance(&self, call: &ast::ExprCall) -> Option<(Narrowings, Narrowings)> {
        let Ast::Name(function) = &*call.func else { return None };
        if function.id.as_str() != "isinstance" || self.reaching(Name::new("isinstance")).is_some() {
            return None;
        }
        let name = narrowable(call.arguments.args.first()?)?;
        // The call that was just walked.
        let classes = *self.summary.calls.last()?.arguments.positional.get(1)?;
        Some((vec![(name, Narrowing::Is(classes))], vec![(name, Narrowing::IsNot(classes))]))
    }

    /// From here on the names mean what the condition leaves of them.
    pub fn narrow(&mut self, narrowings: &[(Name, Narrowing)]) -> Vec<Narrowed> {
        let mut narrowed = Vec::new();
        for &(name, by) in narrowings {
            let Some(before) = self.reaching(name) else { continue };
            let inputs: SmallVec<[BindingIndex; 2]> = before.clone();
            let binding = self.push_binding(BindingFacts {
                name,
                scope: self.scope,
                range: TextRange::default(),
                value: BindingValue::Narrowed { inputs, by },
                symbol: None,
            });
            self.flow.bind(name, binding);
            narrowed.push(Narrowed { name, binding, before });
        }
        narrowed
    }

    /// Where the other outcome of the condition joins again, names that were not bound anew mean what they did before.
    pub fn widen(&mut self, narrowed: &[Narrowed]) {
        widen(&mut self.flow, narrowed);
    }

    /// Walks something under a condition that does not outlast it.
    pub fn narrowed<T>(&mut self, narrowings: &[(Name, Narrowing)], walk: impl FnOnce(&mut Self) -> T) -> T {
        let narrowed = self.narrow(narrowings);
        let result = walk(self);
        self.widen(&narrowed);
        result
    }
}

/// Joins branches. Where only one of them goes on, what its condition says stays known.
pub(super) fn join(mut ends: Vec<(Flow, Vec<Narrowed>)>) -> Flow {
    let alive = ends.iter().filter(|(flow, _)| !flow.has_ended()).count();
    let mut out = Flow::default();
    out.end();
    for (flow, narrowed) in &mut ends {
        if alive > 1 {
            widen(flow, narrowed);
        }
        out.join(flow);
    }
    out
}

fn widen(flow: &mut Flow, narrowed: &[Narrowed]) {
    for Narrowed { name, binding, before } in narrowed.iter().rev() {
        if flow.get(*name).is_some_and(|bindings| bindings.as_slice() == [*binding]) {
            flow.bind_all(*name, before.clone());
        }
    }
}

/// The name that a condition on `expression` is about.
fn narrowable(expression: &Ast) -> Option<Name> {
    match expression {
        Ast::Name(name) => Some(Name::new(&name.id)),
        Ast::Named(named) => narrowable(&named.target),
        _ => None,
    }
}
