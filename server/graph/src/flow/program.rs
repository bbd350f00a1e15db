//! From summaries to constraints.

use rustc_hash::FxHashSet;

use super::nodes::{NodeId, Origin, Place, SiteId};
use super::objects::{ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::{Solver, sized};
use super::watches::{ArgumentNodes, Invocation, Watch};
use crate::snapshot::Snapshot;
use crate::summary::{
    self, Arguments, BindingIndex, BindingValue, CallIndex, CallKind, ClassTest, Expr, ExprIndex, ImpliedKind, Key,
    SymbolIndex,
};
use crate::types::{Def, Unit, Value};
use crate::{EdgeKind, FileId, Name};

/// The nodes of what is written, by file; `None` until they are asked for.
pub(super) struct ProgramNodes {
    pub exprs: Vec<Vec<Option<NodeId>>>,
    pub bindings: Vec<Vec<Option<NodeId>>>,
    pub calls: Vec<Vec<Option<NodeId>>>,
    /// The sites of implied calls, by file and expression; [`SiteId::NONE`] where nothing is implied.
    implied: Vec<Vec<SiteId>>,
    /// What is read to be called, by file and expression.
    called: Vec<Vec<bool>>,
    /// The node that holds nothing but an object, by object.
    held: Vec<Option<NodeId>>,
}

impl ProgramNodes {
    pub fn new(snapshot: &Snapshot) -> Self {
        ProgramNodes {
            exprs: sized(snapshot, None, |summary| summary.exprs.len()),
            bindings: sized(snapshot, None, |summary| summary.bindings.len()),
            calls: sized(snapshot, None, |summary| summary.calls.len()),
            implied: sized(snapshot, SiteId::NONE, |summary| summary.exprs.len()),
            called: sized(snapshot, false, |summary| summary.exprs.len()),
            held: Vec::new(),
        }
    }
}

/// What has to be known of all files before any constraint.
#[derive(Default)]
pub(super) struct Declared {
    /// Names of attributes that are assigned anywhere.
    pub stored: FxHashSet<Name>,
    /// Any class defines `__getattribute__`.
    pub get_attribute: bool,
    /// Any class defines `__set_name__`.
    pub set_name: bool,
    /// Any class defines `__bool__` or `__len__`.
    pub truth: bool,
}

impl Solver<'_> {
    pub fn generate(&mut self) {
        let files = self.files();
        for &file in &files {
            self.note_names(file);
        }
        for &file in &files {
            self.generate_file(file);
        }
    }

    /// See [`Declared`].
    fn note_names(&mut self, file: FileId) {
        let summary = self.summary(file);
        for store in &summary.stores {
            if let summary::Place::Attribute(name) = store.place {
                self.declared.stored.insert(name);
            }
        }
        for call in &summary.calls {
            if call.kind == CallKind::Call {
                self.program.called[file.index()][call.callee.index()] = true;
            }
            if let Expr::Free { name, .. } = summary.expr(call.callee)
                && name.as_str() == "setattr"
                && let Some(&name) = call.arguments.positional.get(1)
                && let Expr::Constant(Key::Text(name)) = summary.expr(name)
            {
                self.declared.stored.insert(*name);
            }
        }
        for (index, symbol) in summary.symbols.iter().enumerate() {
            self.declared.set_name |= symbol.name.as_str() == "__set_name__";
            self.declared.truth |= matches!(symbol.name.as_str(), "__bool__" | "__len__");
            self.declared.get_attribute |= symbol.name == self.dunders.get_attribute;
            if symbol.class.is_some() {
                let class = Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) };
                for &base in &self.mro(class).classes[1..] {
                    self.hierarchy.add_subclass(base, class);
                }
            }
            let bases = symbol.class.iter().flat_map(|class| &class.bases);
            for &base in bases {
                if let Expr::Call(call) = summary.expr(base)
                    && let Some(places) = self.places_of_call(file, *call)
                {
                    self.declared.stored.extend(places.iter().copied());
                }
            }
            // The parameters of a constructor that is made from the annotated names of the body.
            if symbol.class.as_ref().is_some_and(|class| class.has_fields) {
                let fields = self.own_fields(Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) });
                self.declared.stored.extend(fields);
            }
        }
        for (index, binding) in summary.bindings.iter().enumerate() {
            if let BindingValue::Parameter { .. } = binding.value {
                let function = summary.scope(binding.scope).symbol;
                self.functions.add_parameter(file, function, BindingIndex(index as u32));
            }
        }
        for (index, implied) in summary.implied.iter().enumerate() {
            if !matches!(implied.kind, ImpliedKind::Format | ImpliedKind::Truth) {
                let site = self.site(file, Origin::Implied(index as u32));
                self.program.implied[file.index()][implied.expr.index()] = site;
            }
        }
    }

    fn generate_file(&mut self, file: FileId) {
        let summary = self.summary(file);
        for (index, symbol) in summary.symbols.iter().enumerate() {
            if symbol.function.is_some() {
                self.function(Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) });
            }
        }
        for (index, symbol) in summary.symbols.iter().enumerate() {
            if symbol.class.is_some() {
                self.make_class(file, SymbolIndex(index as u32));
            }
        }
        for index in 0..summary.calls.len() {
            self.generate_call(file, CallIndex(index as u32));
        }
        for (index, store) in summary.stores.iter().enumerate() {
            let object = self.expr(file, store.object);
            let source = store.value.map_or(NodeId::NOTHING, |value| self.expr(file, value));
            let site = self.site(file, Origin::Store(index as u32));
            let is_deleted = store.value.is_none();
            match store.place {
                summary::Place::Attribute(name) if is_deleted => self.watch(object, Watch::Delete { name, site }),
                summary::Place::Attribute(name) => self.watch(object, Watch::Store { name, source, site }),
                summary::Place::Item(key) => {
                    let (key, key_node) = self.key(file, key);
                    if is_deleted {
                        let given = self.given(&[key_node]);
                        let (dest, name) = (NodeId::NOTHING, self.dunders.del_item);
                        let kind = EdgeKind::Operator;
                        self.watch(
                            object,
                            Watch::Special { name, call: Invocation { arguments: given, dest, site, kind } },
                        );
                    } else {
                        self.watch(object, Watch::StoreItem { key, key_node, source, site });
                    }
                }
            }
        }
        for (index, implied) in summary.implied.iter().enumerate() {
            let value = self.expr(file, implied.expr);
            let watch = match implied.kind {
                ImpliedKind::Format => |site| Watch::Format { site },
                ImpliedKind::Truth if self.declared.truth => |site| Watch::Truth { site },
                _ => continue,
            };
            let site = self.site(file, Origin::Implied(index as u32));
            self.watch(value, watch(site));
        }
        // Attributes that are only read may be properties.
        for (index, expr) in summary.exprs.iter().enumerate() {
            if matches!(expr, Expr::Attribute { .. }) {
                self.expr(file, ExprIndex(index as u32));
            }
        }
    }

    fn generate_call(&mut self, file: FileId, call: CallIndex) {
        let summary = self.summary(file);
        let facts = summary.call(call);
        let kind = match facts.kind {
            CallKind::Call => EdgeKind::Call,
            CallKind::Decorator => EdgeKind::Decorator,
            CallKind::Raise => EdgeKind::Raise,
        };
        let arguments = self.argument_nodes(file, &facts.arguments);
        let arguments = self.arguments(arguments);
        let site = self.site(file, Origin::Call(call.0));
        let dest = self.call(file, call);
        let callee = self.expr(file, facts.callee);
        self.watch(callee, Watch::Call(Invocation { arguments, dest, site, kind }));
        if let Expr::Attribute { value, name } = *summary.expr(facts.callee) {
            let receiver = self.expr(file, value);
            self.watch(receiver, Watch::Method { name, arguments, dest, site });
        }
        if facts.kind == CallKind::Decorator {
            // A decorator of which nothing is known is taken to give back what it decorates.
            if let Some(given) = self.first_given(arguments) {
                self.fallbacks.push((callee, given, dest));
            }
        }
    }

    pub fn argument_nodes(&mut self, file: FileId, arguments: &Arguments) -> ArgumentNodes {
        ArgumentNodes {
            positional: arguments.positional.iter().map(|&argument| self.expr(file, argument)).collect(),
            star: arguments.star().map(|argument| self.expr(file, argument)),
            keywords: arguments.keywords().iter().map(|&(name, argument)| (name, self.expr(file, argument))).collect(),
            double_star: arguments.double_star().map(|argument| self.expr(file, argument)),
        }
    }

    /// The result of a call.
    fn call(&mut self, file: FileId, call: CallIndex) -> NodeId {
        if let Some(node) = self.program.calls[file.index()][call.index()] {
            return node;
        }
        let node = self.nodes.new_node();
        self.program.calls[file.index()][call.index()] = Some(node);
        node
    }

    /// A key, and the node of its value when it is computed.
    fn key(&mut self, file: FileId, key: Key) -> (Key, NodeId) {
        match key {
            Key::Of(value) => (key, self.expr(file, value)),
            Key::Any => (key, NodeId::UNKNOWN),
            Key::Index(_) | Key::Text(_) => (key, self.constant(key)),
        }
    }

    pub fn constant(&mut self, key: Key) -> NodeId {
        let object = self.intern(Object::Constant(key));
        self.holding(object)
    }

    /// A node that holds one object.
    pub fn holding(&mut self, object: super::objects::ObjectId) -> NodeId {
        let index = object.0 as usize;
        if let Some(&Some(node)) = self.program.held.get(index) {
            return node;
        }
        let node = self.nodes.new_node();
        if self.program.held.len() <= index {
            self.program.held.resize(index + 1, None);
        }
        self.program.held[index] = Some(node);
        self.add(node, object);
        node
    }

    /// The node of an expression.
    pub fn expr(&mut self, file: FileId, expr: ExprIndex) -> NodeId {
        if let Some(node) = self.program.exprs[file.index()][expr.index()] {
            return node;
        }
        let node = match self.alias(file, expr) {
            Some(node) => node,
            None => {
                let node = self.nodes.new_node();
                // Before what it is made of: expressions in loops depend on themselves.
                self.program.exprs[file.index()][expr.index()] = Some(node);
                self.define(file, expr, node);
                node
            }
        };
        self.program.exprs[file.index()][expr.index()] = Some(node);
        node
    }

    /// The node of an expression that is another one's.
    fn alias(&mut self, file: FileId, expr: ExprIndex) -> Option<NodeId> {
        let summary = self.summary(file);
        Some(match summary.expr(expr) {
            Expr::Local(bindings) => match bindings[..] {
                [binding] => self.binding(file, binding),
                _ => return None,
            },
            Expr::Free { scope, name } => match self.evaluator.star_before(Unit::live(file), expr, *scope, *name) {
                Some(star) => self.member(star, *name),
                None => self.free(file, *scope, *name),
            },
            Expr::Call(call) => self.call(file, *call),
            Expr::Definition(symbol) => {
                let def = Def { unit: Unit::live(file), symbol: *symbol };
                let is_class = summary.symbol(*symbol).class.is_some();
                let object = self.intern(if is_class { Object::Class(def) } else { Object::Function(def) });
                self.holding(object)
            }
            Expr::SelfInstance(class) => {
                let object = self.intern(Object::Instance(Def { unit: Unit::live(file), symbol: *class }));
                self.holding(object)
            }
            Expr::Constant(key) => self.constant(*key),
            Expr::Format { prefix, suffix } => {
                let object = self.intern(Object::Format { prefix: *prefix, suffix: *suffix });
                self.holding(object)
            }
            Expr::Builtin(name) if name.as_str() == "None" => NodeId::NOTHING,
            Expr::Builtin(_) => NodeId::PLAIN,
            // What they stand for is left to the annotations' own evaluation.
            Expr::Unknown | Expr::TypeVariable(_) | Expr::Returning(_) => NodeId::UNKNOWN,
            _ => return None,
        })
    }

    fn define(&mut self, file: FileId, expr: ExprIndex, node: NodeId) {
        let summary = self.summary(file);
        let site = self.program.implied[file.index()][expr.index()];
        match summary.expr(expr) {
            Expr::Local(bindings) => {
                for &binding in bindings.iter() {
                    let binding = self.binding(file, binding);
                    self.copy(binding, node);
                }
            }
            Expr::Attribute { value, name } => {
                let value = self.expr(file, *value);
                // Then methods of containers need no object of their own.
                let called = self.program.called[file.index()][expr.index()];
                self.watch(value, Watch::Load { name: *name, dest: node, called });
            }
            Expr::Super(class) => self.super_node(file, expr, *class, node),
            Expr::SuperOf { class, object } => {
                let classes = self.evaluator.classes(Unit::live(file), *class);
                let object = self.expr(file, *object);
                for class in &classes {
                    match *class {
                        Value::Class(class) if !class.unit.retained => {
                            self.watch(object, Watch::Super { class, dest: node })
                        }
                        _ => self.add(node, ObjectId::UNKNOWN),
                    }
                }
                if classes.is_empty() {
                    self.add(node, ObjectId::UNKNOWN);
                }
            }
            Expr::Caught(caught) => {
                let unit = Unit::live(file);
                let ruled_out: Vec<_> = caught
                    .not
                    .iter()
                    .flat_map(|&class| self.evaluator.classes(unit, class))
                    .map(|class| (ClassTest::Instance, class))
                    .collect();
                let narrowing = self.classes(file, ClassTest::Instance, caught.class, true, &ruled_out);
                let class = self.expr(file, caught.class);
                self.watch(class, Watch::Caught { narrowing, dest: node });
            }
            Expr::MatchArgument { value, class, position } => {
                let value = self.expr(file, *value);
                for name in self.evaluator.match_names(Unit::live(file), *class, *position) {
                    self.watch(value, Watch::Load { name, dest: node, called: false });
                }
            }
            Expr::ClassOf(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::ClassOf { dest: node });
            }
            Expr::InstanceOf(class) => {
                let class = self.expr(file, *class);
                self.watch(class, Watch::InstanceOf { dest: node });
            }
            Expr::Element(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Element { dest: node, site });
            }
            Expr::Next(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Next { dest: node, site });
            }
            Expr::Item { value, key } => {
                let value = self.expr(file, *value);
                let (key, key_node) = self.key(file, *key);
                self.watch(value, Watch::LoadItem { key, key_node, dest: node, site });
            }
            Expr::Slice { value, ends } => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Slice { ends: *ends, dest: node, site });
            }
            Expr::Recent { place, value } => {
                let normal = self.expr(file, *place);
                let source = self.expr(file, *value);
                let (object, attribute) = match *summary.expr(*place) {
                    Expr::Attribute { value, name } => (value, Some(name)),
                    Expr::Item { value, .. } => (value, None),
                    _ => return self.copy(normal, node),
                };
                let object = self.expr(file, object);
                self.watch(object, Watch::Recent { attribute, normal, source, dest: node });
            }
            Expr::Final(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Final { dest: node });
            }
            Expr::Sent(function) => {
                let function = Def { unit: Unit::live(file), symbol: *function };
                let container = self.container(Made::Yields(function), ContainerKind::Generator);
                let sent = self.place(Place::Sent(container));
                self.copy(sent, node);
            }
            Expr::Awaited(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Await { dest: node, site });
            }
            Expr::Unpacked { value, index } => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Unpack { index: *index, dest: node, site });
            }
            Expr::Rest { value, before, after } => {
                let value = self.expr(file, *value);
                let container = self.container(Made::Expr(node), ContainerKind::Sequence);
                self.add_object(node, Object::Container(container));
                self.watch(value, Watch::Rest { before: *before, after: *after, container, site });
            }
            Expr::Entered(value) => {
                let value = self.expr(file, *value);
                self.watch(value, Watch::Enter { dest: node, site });
            }
            Expr::Unary { method, value } => {
                let value = self.expr(file, *value);
                let arguments = self.given(&[]);
                let kind = EdgeKind::Operator;
                self.watch(
                    value,
                    Watch::Special { name: *method, call: Invocation { arguments, dest: node, site, kind } },
                );
            }
            Expr::Binary { method, left, right } => {
                let (left, right) = (self.expr(file, *left), self.expr(file, *right));
                self.watch(left, Watch::Operate { method: *method, other: right, dest: node, site });
                self.watch(right, Watch::Reflect { method: *method, other: left, dest: node, site });
            }
            Expr::Union(parts) => {
                for &part in parts.iter() {
                    let part = self.expr(file, part);
                    self.copy(part, node);
                }
            }
            Expr::OrElse(annotation, value) => {
                let (annotation, value) = (self.expr(file, *annotation), self.expr(file, *value));
                self.copy(value, node);
                // `x: C = None`, and what an unknown function gives.
                if value == NodeId::NOTHING || value == NodeId::PLAIN || value == NodeId::UNKNOWN {
                    self.copy(annotation, node);
                } else {
                    self.fallbacks.push((value, annotation, node));
                }
            }
            Expr::List(parts) => self.literal(file, node, ContainerKind::Sequence, parts),
            Expr::Tuple(parts) => self.literal(file, node, ContainerKind::Tuple, parts),
            Expr::Sequence(element) => {
                let container = self.container(Made::Expr(node), ContainerKind::Sequence);
                self.add_object(node, Object::Container(container));
                let element = self.expr(file, *element);
                self.store_element(container, Key::Any, element);
            }
            Expr::Dict(items) => {
                let container = self.container(Made::Expr(node), ContainerKind::Dict);
                self.add_object(node, Object::Container(container));
                for (key, value) in items.iter() {
                    // `**other`
                    if let (Key::Any, Expr::Item { value: other, key: Key::Any }) = (key, summary.expr(*value)) {
                        let other = self.expr(file, *other);
                        self.watch(other, Watch::Update { container });
                        continue;
                    }
                    let value = self.expr(file, *value);
                    let (key, key_node) = self.key(file, *key);
                    self.store_by_key(container, key, key_node, value);
                }
            }
            Expr::Mapping(value) => {
                let container = self.container(Made::Expr(node), ContainerKind::Dict);
                self.add_object(node, Object::Container(container));
                let value = self.expr(file, *value);
                self.store_element(container, Key::Any, value);
            }
            _ => {}
        }
    }

    fn literal(&mut self, file: FileId, node: NodeId, kind: ContainerKind, parts: &[ExprIndex]) {
        let container = self.objects.container(Made::Expr(node), kind, Some(parts.len() as u32));
        self.add_object(node, Object::Container(container));
        for (index, &part) in parts.iter().enumerate() {
            let part = self.expr(file, part);
            self.store_element(container, Key::Index(index as i32), part);
        }
    }

    fn super_node(&mut self, file: FileId, expr: ExprIndex, class: SymbolIndex, node: NodeId) {
        let summary = self.summary(file);
        let mut function = summary.owner(expr);
        while summary.symbol(function).parent.is_some_and(|parent| parent != class) {
            function = summary.symbol(function).parent.unwrap_or(SymbolIndex::MODULE);
        }
        let unit = Unit::live(file);
        if summary.symbol(function).function.is_none() {
            return;
        }
        let receiver = self.function(Def { unit, symbol: function }).positional.first().map(|(_, node)| *node);
        if let Some(receiver) = receiver {
            self.watch(receiver, Watch::Super { class: Def { unit, symbol: class }, dest: node });
        }
    }
}
