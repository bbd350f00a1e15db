//! Functions whose result follows from what each call of them gives: then calls do not share one result.

use super::functions::Guarded;
use super::nodes::{ArgumentsId, NodeId, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{ArgumentNodes, Invocation, Watch};
use crate::EdgeKind;
use crate::summary::{
    BindingIndex, BindingValue, CallIndex, Expr, ExprIndex, Narrowing, ParamKind, ReturnGuard, Summary, SymbolIndex,
};
use crate::types::{Def, Unit, Value};

/// What a function gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// The parameter at this position itself,
    Whole(usize),
    /// an element of it,
    Element(usize),
    /// an instance of the class that it is,
    Instance(usize),
    /// what this call of it gives,
    Called(usize, CallIndex),
    /// or an instance of the receiver's class: `return cls()`, `-> Self`.
    OfReceiver,
}

impl Solver<'_> {
    /// All that a function gives back, if that is known of each call by itself.
    pub fn passes(&mut self, function: Def, parameters: &[BindingIndex]) -> Vec<Pass> {
        let summary = self.summary(function.unit.file);
        let symbol = summary.symbol(function.symbol);
        let Some(facts) = symbol.function.as_ref().filter(|_| !symbol.flags.is_generator) else { return Vec::new() };
        let has_receiver = summary.enclosing_class(function.symbol).is_some() && !symbol.flags.is_staticmethod;
        let is_self = |annotation: ExprIndex| matches!(summary.expr(annotation), Expr::SelfInstance(_));
        if has_receiver && facts.return_annotation.is_some_and(is_self) {
            return vec![Pass::OfReceiver];
        }
        // Each is looked at by itself, see [`Solver::guarded`].
        if !facts.guards.is_empty() {
            return Vec::new();
        }
        let mut passes = Vec::new();
        for &value in &facts.returns {
            let Some(pass) = self.pass_of(function, value, parameters) else {
                return self.passes_by_annotation(function, parameters);
            };
            if !passes.contains(&pass) {
                passes.push(pass);
            }
        }
        passes
    }

    /// The values that a function gives back only to some calls, by place among all that it gives back.
    pub fn guarded(&mut self, function: Def, parameters: &[BindingIndex]) -> Vec<(usize, Guarded)> {
        let symbol = self.summary(function.unit.file).symbol(function.symbol);
        let Some(facts) = symbol.function.as_ref().filter(|_| !symbol.flags.is_generator) else { return Vec::new() };
        let mut guarded = Vec::new();
        for &(place, guard) in &facts.guards {
            let pass = self.pass_of(function, facts.returns[place as usize], parameters);
            guarded.push((place as usize, Guarded { guard, value: self.nodes.new_node(), pass }));
        }
        guarded
    }

    /// Whether a call may get what is returned under `guard`.
    pub fn may_hold(
        &self,
        function: Def,
        guard: ReturnGuard,
        given: &ArgumentNodes,
        bound: usize,
        kind: EdgeKind,
    ) -> bool {
        let param = &self.summary(function.unit.file).symbol(function.symbol).params[guard.position as usize];
        let by_name = || given.keywords.iter().find(|(name, _)| *name == param.name).map(|(_, node)| *node);
        let by_place = (guard.position as usize).checked_sub(bound).and_then(|index| given.positional.get(index));
        let is_placed = matches!(param.kind, ParamKind::Positional | ParamKind::PositionalOnly);
        match by_place.copied().filter(|_| is_placed).or_else(by_name) {
            Some(argument) if argument == NodeId::NOTHING => guard.is_none,
            // What is decorated is never `None`.
            Some(_) => !guard.is_none || kind != EdgeKind::Decorator,
            None => guard.is_none || given.star.is_some() || given.double_star.is_some(),
        }
    }

    fn pass_of(&mut self, function: Def, value: ExprIndex, parameters: &[BindingIndex]) -> Option<Pass> {
        let summary = self.summary(function.unit.file);
        let has_receiver = || {
            let is_static = summary.symbol(function.symbol).flags.is_staticmethod;
            summary.enclosing_class(function.symbol).is_some() && !is_static
        };
        let (returned, call) = match *summary.expr(value) {
            Expr::Call(call) => (summary.call(call).callee, Some(call)),
            _ => (value, None),
        };
        match self.returned_parameter(summary, function.symbol, returned, parameters) {
            Some(position) => Some(call.map_or(Pass::Whole(position), |call| Pass::Called(position, call))),
            None if has_receiver() && summary.makes_receiver(function.symbol, value) => Some(Pass::OfReceiver),
            None => self.passed_on(function, call?, parameters),
        }
    }

    /// `return decorate(function)`, where `decorate` is a function of this place that gives back what it is given.
    fn passed_on(&mut self, function: Def, call: CallIndex, parameters: &[BindingIndex]) -> Option<Pass> {
        let summary = self.summary(function.unit.file);
        let call = summary.call(call);
        let Expr::Local(bindings) = summary.expr(call.callee) else { return None };
        let [binding] = bindings[..] else { return None };
        let BindingValue::Definition(inner) = summary.binding(binding).value else { return None };
        let symbol = summary.symbol(inner);
        let facts = symbol.function.as_ref().filter(|_| symbol.decorated.is_none() && !symbol.flags.is_generator)?;
        let own = self.functions.parameters(function.unit.file, inner)?;
        let mut places = facts.returns.iter().map(|&value| self.returned_parameter(summary, inner, value, own));
        let place = places.next()??;
        if !places.all(|other| other == Some(place)) {
            return None;
        }
        let argument = *call.arguments.positional.get(place)?;
        self.returned_parameter(summary, function.symbol, argument, parameters).map(Pass::Whole)
    }

    fn returned_parameter(
        &self,
        summary: &Summary,
        function: SymbolIndex,
        value: ExprIndex,
        parameters: &[BindingIndex],
    ) -> Option<usize> {
        let Expr::Local(bindings) = summary.expr(value) else { return None };
        let [mut binding] = bindings[..] else { return None };
        // `None` carries nothing.
        while let BindingValue::Narrowed { inputs, by: Narrowing::NotNone } = &summary.binding(binding).value
            && let [input] = inputs[..]
        {
            binding = input;
        }
        let position = parameters.iter().position(|parameter| *parameter == binding)?;
        is_positional(summary, function, position).then_some(position)
    }

    /// `def first(items: list[T]) -> T`: the parameters that the type variable is taken from.
    fn passes_by_annotation(&mut self, function: Def, parameters: &[BindingIndex]) -> Vec<Pass> {
        let summary = self.summary(function.unit.file);
        let facts = &summary.symbol(function.symbol).function;
        let annotation = facts.as_ref().and_then(|facts| facts.return_annotation);
        let Some(annotation) = annotation else { return Vec::new() };
        // A list of them is taken to be the list that is given.
        let (inner, is_sequence) = match *summary.expr(annotation) {
            Expr::Sequence(element) => (element, true),
            _ => (annotation, false),
        };
        let Some(variable) = self.variable_of(function.unit, inner) else { return Vec::new() };
        let mut passes = Vec::new();
        for (position, &parameter) in parameters.iter().enumerate() {
            let BindingValue::Parameter { annotation: Some(annotation), .. } = summary.binding(parameter).value else {
                continue;
            };
            let (inner, pass) = match *summary.expr(annotation) {
                Expr::Sequence(element) if is_sequence => (element, Pass::Whole(position)),
                _ if is_sequence => continue,
                Expr::Sequence(element) => (element, Pass::Element(position)),
                Expr::ClassOf(instance) => (instance, Pass::Instance(position)),
                _ => (annotation, Pass::Whole(position)),
            };
            if is_positional(summary, function.symbol, position)
                && self.variable_of(function.unit, inner).as_ref() == Some(&variable)
            {
                passes.push(pass);
            }
        }
        passes
    }

    fn variable_of(&mut self, unit: Unit, annotation: ExprIndex) -> Option<Value> {
        let summary = self.summary(unit.file);
        match summary.expr(annotation) {
            Expr::InstanceOf(class) => {
                let types = self.evaluator.eval(unit, *class);
                let mut variables = types.iter().map(|typed| &typed.value);
                variables.find(|value| matches!(value, Value::TypeVariable(..))).cloned()
            }
            // `T | None`
            Expr::Union(parts) => {
                let is_none = |part: &ExprIndex| matches!(summary.expr(*part), Expr::Builtin(_));
                match parts.iter().filter(|part| !is_none(part)).collect::<Vec<_>>()[..] {
                    [part] => self.variable_of(unit, *part),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Each call has its own result.
    pub fn pass_through(
        &mut self,
        passes: &[Pass],
        function: Def,
        receiver: Option<ObjectId>,
        arguments: ArgumentsId,
        dest: NodeId,
    ) {
        let nodes = self.function(function);
        let given = self.all_given(arguments);
        let bound = usize::from(receiver.is_some());
        for &pass in passes {
            let position = match pass {
                Pass::Whole(position)
                | Pass::Element(position)
                | Pass::Instance(position)
                | Pass::Called(position, _) => position,
                Pass::OfReceiver => match receiver.map(|receiver| (receiver, self.objects.get(receiver))) {
                    Some((_, Object::Class(class))) => {
                        self.add_object(dest, Object::Instance(class));
                        continue;
                    }
                    Some((receiver, _)) => {
                        self.add(dest, receiver);
                        continue;
                    }
                    None => {
                        self.copy(nodes.returns, dest);
                        continue;
                    }
                },
            };
            let (name, node) = nodes.positional[position];
            if position == 0
                && let Some(receiver) = receiver
            {
                let receiver = self.holding(receiver);
                self.pass(function, pass, receiver, dest);
            } else if let Some((_, argument)) = given.keywords.iter().find(|(keyword, _)| *keyword == name) {
                self.pass(function, pass, *argument, dest);
            } else if let Some(&argument) = position.checked_sub(bound).and_then(|index| given.positional.get(index)) {
                self.pass(function, pass, argument, dest);
            } else if given.star.is_some() || given.double_star.is_some() {
                self.pass(function, pass, node, dest);
            } else if let Some(default) = self.default(function, position) {
                self.pass(function, pass, default, dest);
            }
        }
    }

    fn pass(&mut self, function: Def, pass: Pass, from: NodeId, dest: NodeId) {
        match pass {
            Pass::Element(_) => self.watch(from, Watch::Element { dest, site: SiteId::NONE }),
            Pass::Instance(_) => self.watch(from, Watch::InstanceOf { dest }),
            // The function's own code makes the edge.
            Pass::Called(_, call) => {
                let file = function.unit.file;
                let arguments = self.argument_nodes(file, &self.summary(file).call(call).arguments);
                let arguments = self.arguments(arguments);
                let (site, kind) = (SiteId::NONE, EdgeKind::Call);
                self.watch(from, Watch::Call(Invocation { arguments, dest, site, kind }));
            }
            Pass::Whole(_) | Pass::OfReceiver => self.copy(from, dest),
        }
    }
}

fn is_positional(summary: &Summary, function: SymbolIndex, position: usize) -> bool {
    let param = summary.symbol(function).params.get(position);
    param.is_some_and(|param| matches!(param.kind, ParamKind::Positional | ParamKind::PositionalOnly))
}
