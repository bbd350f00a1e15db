//! What is known of names, attributes and items after a condition: `isinstance`, `is None`, truth.

use smallvec::SmallVec;
use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::flow::{Flow, Reaching};
use super::{BindingFacts, BindingIndex, BindingValue, ClassTest, Expr, ExprIndex, ImpliedKind, Narrowing, text};
use crate::Name;

/// What a condition is about.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Name(Name),
    /// An attribute or item, by its text and as an expression.
    Place(Name, ExprIndex),
}

/// What is known of names and places.
pub(super) type Narrowings = Vec<(Subject, Narrowing)>;

/// A condition that was walked.
pub(super) struct Condition {
    pub value: ExprIndex,
    pub when_true: Narrowings,
    pub when_false: Narrowings,
}

/// Something that is narrowed now, and what it meant before.
pub(super) struct Narrowed {
    subject: Subject,
    binding: BindingIndex,
    before: Reaching,
}

impl Builder<'_> {
    /// Walks a condition and says what is known after it.
    pub fn condition(&mut self, test: &Ast) -> Condition {
        self.operand(test, true)
    }

    /// An operand of a condition; `is_tested` says whether its truth is asked for.
    fn operand(&mut self, test: &Ast, is_tested: bool) -> Condition {
        match test {
            Ast::UnaryOp(ast::ExprUnaryOp { op: ast::UnaryOp::Not, operand, .. }) => {
                let Condition { when_true, when_false, .. } = self.condition(operand);
                let value = self.push(Expr::Builtin(Name::new("bool")));
                Condition { value, when_true: when_false, when_false: when_true }
            }
            Ast::BoolOp(operation) => self.bool_operation(operation, is_tested),
            Ast::Call(call) => {
                let value = self.expr(test);
                if is_tested && !text::is_plain_test(call) {
                    self.tested(test, value);
                }
                let (when_true, when_false) = self.class_test(call).unwrap_or_default();
                Condition { value, when_true, when_false }
            }
            Ast::Compare(comparison) => {
                let calls = self.summary.calls.len();
                let value = self.expr(test);
                let (is, is_not) = self.comparison(comparison, calls).unwrap_or_default();
                match comparison.ops.first() {
                    Some(ast::CmpOp::Is | ast::CmpOp::Eq) => Condition { value, when_true: is, when_false: is_not },
                    Some(ast::CmpOp::IsNot | ast::CmpOp::NotEq) => {
                        Condition { value, when_true: is_not, when_false: is }
                    }
                    _ => Condition { value, when_true: Vec::new(), when_false: Vec::new() },
                }
            }
            other => {
                let value = self.expr(other);
                if is_tested {
                    self.tested(other, value);
                }
                // What is false may be None or an empty value.
                let when_true = narrowable(other).map(|name| (Subject::Name(name), Narrowing::NotNone));
                Condition { value, when_true: when_true.into_iter().collect(), when_false: Vec::new() }
            }
        }
    }

    /// The truth of a value is asked for, which may run `__bool__` or `__len__`.
    fn tested(&mut self, test: &Ast, value: ExprIndex) {
        let is_plain = matches!(
            self.summary.expr(value),
            Expr::Builtin(_) | Expr::Constant(_) | Expr::Format { .. } | Expr::Unknown | Expr::Binary { .. }
        );
        if !is_plain {
            self.implied(value, test.range(), ImpliedKind::Truth);
        }
    }

    /// `a and b`, `a or b`. Later operands are walked under what the earlier ones leave open; the truth of the last one is
    /// asked for only where that of the whole is.
    pub fn bool_operation(&mut self, operation: &ast::ExprBoolOp, is_tested: bool) -> Condition {
        let is_and = operation.op == ast::BoolOp::And;
        let mut narrowed = Vec::new();
        let mut known = Vec::new();
        let mut values = Vec::new();
        for (index, operand) in operation.values.iter().enumerate() {
            let is_last = index + 1 == operation.values.len();
            let Condition { value, when_true, when_false } = self.operand(operand, is_tested || !is_last);
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

    /// `isinstance(x, C)`, `issubclass(x, C)`: the call that was just walked.
    fn class_test(&self, call: &ast::ExprCall) -> Option<(Narrowings, Narrowings)> {
        let function = call.func.as_name_expr()?;
        let test = match function.id.as_str() {
            "isinstance" => ClassTest::Instance,
            "issubclass" => ClassTest::Subclass,
            _ => return None,
        };
        if self.reaching(Name::new(&function.id)).is_some() {
            return None;
        }
        let positional = &self.summary.calls.last()?.arguments.positional;
        let subject = self.subject(call.arguments.args.first()?, *positional.first()?)?;
        Some(by_class(subject, test, *positional.get(1)?))
    }

    /// `x is None`, `type(x) is C`; the calls from `calls` on are those of the comparison.
    fn comparison(&self, comparison: &ast::ExprCompare, calls: usize) -> Option<(Narrowings, Narrowings)> {
        let [right] = &*comparison.comparators else { return None };
        if right.is_none_literal_expr() {
            let subject = Subject::Name(narrowable(&comparison.left)?);
            return Some((vec![(subject, Narrowing::None)], vec![(subject, Narrowing::NotNone)]));
        }
        let call = comparison.left.as_call_expr()?;
        let is_type = call.func.as_name_expr().is_some_and(|function| function.id.as_str() == "type");
        let [argument] = &*call.arguments.args else { return None };
        if !is_type || narrowable_place(argument).is_none() || !matches!(right, Ast::Name(_) | Ast::Attribute(_)) {
            return None;
        }
        let value = *self.summary.calls.get(calls)?.arguments.positional.first()?;
        // The operand that was walked last, before the operator and its result.
        let last = ExprIndex(self.summary.exprs.len() as u32 - 2);
        let class = match self.summary.expr(last) {
            Expr::Binary { right, .. } => *right,
            _ => last,
        };
        Some(by_class(self.subject(argument, value)?, ClassTest::Exactly, class))
    }

    fn subject(&self, expression: &Ast, value: ExprIndex) -> Option<Subject> {
        match narrowable(expression) {
            Some(name) => Some(Subject::Name(name)),
            None => Some(Subject::Place(narrowable_place(expression)?, value)),
        }
    }

    /// What is known of a place that is read: then it means that, and not what is found there at any time.
    pub fn known_place(&mut self, expression: &Ast) -> Option<ExprIndex> {
        if !self.flow.knows_places() {
            return None;
        }
        let bindings = self.flow.place(narrowable_place(expression)?)?.clone();
        Some(self.push(Expr::Local(bindings.as_slice().into())))
    }

    /// A call may change the attributes of the object whose method it is, and of what it is given.
    pub fn forget_changed(&mut self, call: &ast::ExprCall) {
        if !self.flow.knows_places() {
            return;
        }
        let receiver = call.func.as_attribute_expr().map(|attribute| &*attribute.value);
        for value in receiver.into_iter().chain(&call.arguments.args) {
            if let Some(name) = narrowable_place(value) {
                self.flow.forget_inside(name);
            }
        }
    }

    /// A binding that says more of others; it has no place in the text.
    pub fn derived(&mut self, name: Name, value: BindingValue) -> BindingIndex {
        self.push_binding(BindingFacts { name, scope: self.scope, range: TextRange::default(), value, symbol: None })
    }

    /// From here on the subjects mean what the condition leaves of them.
    pub fn narrow(&mut self, narrowings: &[(Subject, Narrowing)]) -> Vec<Narrowed> {
        let mut narrowed = Vec::new();
        for &(subject, by) in narrowings {
            let (name, before) = match subject {
                Subject::Name(name) => match self.reaching(name) {
                    Some(before) if !before.is_empty() => (name, before),
                    _ => continue,
                },
                Subject::Place(place, value) => match self.flow.place(place) {
                    Some(before) => (place, before.clone()),
                    None => (place, SmallVec::from_slice(&[self.derived(place, BindingValue::Value(value))])),
                },
            };
            let inputs = before.as_slice().into();
            let binding = self.derived(name, BindingValue::Narrowed { inputs, by });
            set(&mut self.flow, subject, SmallVec::from_slice(&[binding]));
            narrowed.push(Narrowed { subject, binding, before });
        }
        narrowed
    }

    /// Where the other outcome of the condition joins again, names that were not bound anew mean what they did before.
    pub fn widen(&mut self, narrowed: &[Narrowed]) {
        widen(&mut self.flow, narrowed);
    }

    /// Walks something under a condition that does not outlast it.
    pub fn narrowed<T>(&mut self, narrowings: &[(Subject, Narrowing)], walk: impl FnOnce(&mut Self) -> T) -> T {
        let narrowed = self.narrow(narrowings);
        let result = walk(self);
        self.widen(&narrowed);
        result
    }
}

fn by_class(subject: Subject, test: ClassTest, classes: ExprIndex) -> (Narrowings, Narrowings) {
    let known = |holds| vec![(subject, Narrowing::Class { test, classes, holds })];
    (known(true), known(false))
}

/// Joins branches. Where only one of them goes on, what its condition says stays known.
pub(super) fn join(mut ends: Vec<(Flow, Vec<Narrowed>)>) -> Flow {
    ends.retain(|(flow, _)| !flow.has_ended());
    let parts = ends.len() > 1;
    let mut flows: Vec<Flow> = Vec::with_capacity(ends.len());
    for (mut flow, narrowed) in ends {
        if parts {
            widen(&mut flow, &narrowed);
        }
        flows.push(flow);
    }
    // Neighbours first: one after the other, each join would walk all that the branches before have bound.
    while flows.len() > 1 {
        let mut joined = Vec::with_capacity(flows.len().div_ceil(2));
        let mut rest = flows.into_iter();
        while let Some(mut flow) = rest.next() {
            if let Some(other) = rest.next() {
                flow.join(&other);
            }
            joined.push(flow);
        }
        flows = joined;
    }
    flows.pop().unwrap_or_else(Flow::unreached)
}

fn widen(flow: &mut Flow, narrowed: &[Narrowed]) {
    for Narrowed { subject, binding, before } in narrowed.iter().rev() {
        let now = match subject {
            Subject::Name(name) => flow.get(*name),
            Subject::Place(place, _) => flow.place(*place),
        };
        if now.is_some_and(|bindings| bindings.as_slice() == [*binding]) {
            set(flow, *subject, before.clone());
        }
    }
}

fn set(flow: &mut Flow, subject: Subject, bindings: Reaching) {
    match subject {
        // Nothing else is bound: what is known of its attributes holds.
        Subject::Name(name) => flow.refine(name, bindings),
        Subject::Place(place, _) => flow.bind_place(place, bindings),
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

/// The text of a name or of an attribute or constant item below one.
pub(super) fn narrowable_place(expression: &Ast) -> Option<Name> {
    fn write(expression: &Ast, out: &mut String) -> Option<()> {
        match expression {
            Ast::Name(name) => out.push_str(&name.id),
            Ast::Attribute(attribute) => {
                write(&attribute.value, out)?;
                out.push('.');
                out.push_str(&attribute.attr);
            }
            Ast::Subscript(subscript) => {
                write(&subscript.value, out)?;
                match &*subscript.slice {
                    Ast::StringLiteral(key) => out.push_str(&format!("[{:?}]", key.value.to_str())),
                    Ast::NumberLiteral(key) => out.push_str(&format!("[{}]", super::text::small_number(key)?)),
                    _ => return None,
                }
            }
            _ => return None,
        }
        (out.len() <= MAX_PLACE).then_some(())
    }
    if let Ast::Name(name) = expression {
        return Some(Name::new(&name.id));
    }
    let mut text = String::new();
    write(expression, &mut text)?;
    Some(Name::new(&text))
}

/// Longer chains of attributes are not followed.
const MAX_PLACE: usize = 80;
