//! Functions as nodes: parameters, results, what is passed through.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::nodes::{NodeId, Place};
use super::objects::{ContainerId, ContainerKind, Object, Origin as Made};
use super::passes::Pass;
use super::solver::{Solver, sized};
use crate::snapshot::Snapshot;
use crate::summary::{BindingIndex, BindingValue, Expr, Key, ParamKind, ReturnGuard, SymbolIndex};
use crate::types::Def;
use crate::{FileId, Name};

/// A function's parameters and results as nodes.
#[derive(Debug)]
pub(super) struct FunctionNodes {
    pub positional: Vec<(Name, NodeId)>,
    pub keyword_only: Vec<(Name, NodeId)>,
    pub star: Option<ContainerId>,
    pub double_star: Option<ContainerId>,
    pub returns: NodeId,
    /// All that a call gives back, where that follows from what it is given.
    pub passes: Vec<Pass>,
    /// What is returned only where a parameter is, or is not, given, by place among what the function returns.
    pub guarded: Vec<(usize, Guarded)>,
}

/// A value that a function returns, depending on one of its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarded {
    pub guard: ReturnGuard,
    pub value: NodeId,
    /// How it follows from what the call gives, where it does.
    pub pass: Option<Pass>,
}

/// The functions of all files.
pub(super) struct Functions {
    /// By file and symbol.
    nodes: Vec<Vec<Option<Rc<FunctionNodes>>>>,
    /// In the order in which they were met.
    order: Vec<Def>,
    /// By file.
    parameters: Vec<FxHashMap<SymbolIndex, Vec<BindingIndex>>>,
}

impl Functions {
    pub fn new(snapshot: &Snapshot) -> Self {
        Functions {
            nodes: sized(snapshot, None, |summary| summary.symbols.len()),
            order: Vec::new(),
            parameters: vec![FxHashMap::default(); snapshot.files.len()],
        }
    }

    /// The parameters are added in their order.
    pub fn add_parameter(&mut self, file: FileId, function: SymbolIndex, binding: BindingIndex) {
        self.parameters[file.index()].entry(function).or_default().push(binding);
    }

    pub fn parameters(&self, file: FileId, function: SymbolIndex) -> Option<&Vec<BindingIndex>> {
        self.parameters[file.index()].get(&function)
    }

    /// All that were met since this was asked last.
    pub fn take_met(&mut self) -> Vec<Def> {
        std::mem::take(&mut self.order)
    }
}

impl Solver<'_> {
    /// The nodes of a function's parameters and results.
    pub fn function(&mut self, def: Def) -> Rc<FunctionNodes> {
        let file = def.unit.file;
        if let Some(function) = &self.functions.nodes[file.index()][def.symbol.index()] {
            return function.clone();
        }
        let summary = self.summary(file);
        let symbol = summary.symbol(def.symbol);
        let mut nodes = FunctionNodes {
            positional: Vec::new(),
            keyword_only: Vec::new(),
            star: None,
            double_star: None,
            returns: self.place(Place::Return(def)),
            passes: Vec::new(),
            guarded: Vec::new(),
        };
        let bindings = self.functions.parameters(file, def.symbol).cloned().unwrap_or_default();
        for (&binding, param) in bindings.iter().zip(&symbol.params) {
            let node = self.nodes.new_node();
            self.program.bindings[file.index()][binding.index()] = Some(node);
            match param.kind {
                ParamKind::PositionalOnly | ParamKind::Positional => nodes.positional.push((param.name, node)),
                ParamKind::KeywordOnly => nodes.keyword_only.push((param.name, node)),
                ParamKind::VarArgs => {
                    let container = self.container(Made::Star(def), ContainerKind::Tuple);
                    self.add_object(node, Object::Container(container));
                    nodes.star = Some(container);
                }
                ParamKind::KwArgs => {
                    let container = self.container(Made::DoubleStar(def), ContainerKind::Dict);
                    self.add_object(node, Object::Container(container));
                    nodes.double_star = Some(container);
                }
            }
        }
        nodes.passes = self.passes(def, &bindings);
        nodes.guarded = self.guarded(def, &bindings);
        let nodes = Rc::new(nodes);
        // Before defaults and results, which may lead back here.
        self.functions.nodes[file.index()][def.symbol.index()] = Some(nodes.clone());
        self.functions.order.push(def);
        for &binding in &bindings {
            let BindingValue::Parameter { annotation, default, position } = summary.binding(binding).value else {
                continue;
            };
            let Some(node) = self.program.bindings[file.index()][binding.index()] else { continue };
            let annotation = match annotation {
                Some(annotation) => Some((file, annotation)),
                None => self.evaluator.stub_parameter_annotation(def, position),
            };
            for (file, value) in default.map(|default| (file, default)).into_iter().chain(annotation) {
                let value = self.expr(file, value);
                self.copy(value, node);
            }
        }
        if let Some(&(_, first)) = nodes.positional.first() {
            self.seed_receiver(def, first);
        }
        self.results(def, &nodes);
        nodes
    }

    /// What a parameter is when it is not given.
    pub fn default(&mut self, function: Def, position: usize) -> Option<NodeId> {
        let file = function.unit.file;
        let binding = *self.functions.parameters(file, function.symbol)?.get(position)?;
        match self.summary(file).binding(binding).value {
            BindingValue::Parameter { default: Some(default), .. } => Some(self.expr(file, default)),
            _ => None,
        }
    }

    fn results(&mut self, def: Def, nodes: &FunctionNodes) {
        let (returns, guarded) = (nodes.returns, &nodes.guarded);
        let file = def.unit.file;
        let symbol = self.summary(file).symbol(def.symbol);
        let Some(facts) = &symbol.function else { return };
        if symbol.flags.is_generator {
            let container = self.container(Made::Yields(def), ContainerKind::Generator);
            self.add_object(returns, Object::Container(container));
            let end = self.place(Place::Final(container));
            for &value in &facts.returns {
                let value = self.expr(file, value);
                self.copy(value, end);
            }
            for &value in &facts.yields {
                let value = self.expr(file, value);
                self.store_element(container, Key::Any, value);
            }
        } else {
            for (index, &value) in facts.returns.iter().enumerate() {
                let value = self.expr(file, value);
                match guarded.iter().find(|(place, _)| *place == index) {
                    Some((_, guarded)) => self.copy(value, guarded.value),
                    None => self.copy(value, returns),
                }
            }
        }
        let annotation = match facts.return_annotation {
            Some(annotation) => Some((file, annotation)),
            None => self.evaluator.stub_return_annotation(def),
        };
        // What depends on the call is not known here.
        if let Some((file, annotation)) = annotation.filter(|_| guarded.is_empty()) {
            let annotation = self.expr(file, annotation);
            self.fallbacks.push((returns, annotation, returns));
        }
    }

    /// The annotated names of a class's body, in order.
    pub fn own_fields(&self, class: Def) -> SmallVec<[Name; 8]> {
        let summary = self.summary(class.unit.file);
        let mut fields = SmallVec::new();
        let Some(scope) = summary.symbol(class.symbol).scope else { return fields };
        for binding in summary.bindings.iter().filter(|binding| binding.scope == scope) {
            let BindingValue::Value(value) = binding.value else { continue };
            // Without an annotation it is a variable of the class.
            let is_plain = matches!(
                summary.expr(value),
                Expr::Call(_)
                    | Expr::Constant(_)
                    | Expr::Builtin(_)
                    | Expr::List(_)
                    | Expr::Dict(_)
                    | Expr::Definition(_)
                    | Expr::Local(_)
                    | Expr::Free { .. }
                    | Expr::Attribute { .. }
                    | Expr::Format { .. }
                    | Expr::Binary { .. }
            );
            if !is_plain && !fields.contains(&binding.name) {
                fields.push(binding.name);
            }
        }
        fields
    }
}
