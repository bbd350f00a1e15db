//! The state of a solution, and the loop that reaches its fixpoint.

use rustc_hash::{FxHashMap, FxHashSet};

use super::nodes::{ArgumentNodes, ArgumentsId, NodeId, Nodes, Origin, Place, SiteId, Watch};
use super::objects::{ContainerId, ContainerKind, Object, ObjectId, Objects};
use super::outcome::{self, Outcome};
use crate::eval::{Evaluator, Mro};
use crate::snapshot::Snapshot;
use crate::summary::Summary;
use crate::types::Def;
use crate::{EdgeKind, FileId, Name};

/// Rounds in which names of attributes that were found (`getattr(x, name)`) are looked up. One finds nearly all.
const MAX_ROUNDS: u32 = 3;

/// Solves the flow of all files of `snapshot`.
pub(crate) fn solve(snapshot: &Snapshot) -> Outcome {
    crate::host::on_deep_stack(|| {
        let mut solver = Solver::new(snapshot);
        solver.generate();
        solver.settle();
        // What nobody gives a value may be anything; what is still unknown then is what its annotation says.
        solver.fall_back();
        solver.settle();
        for _ in 0..MAX_ROUNDS {
            if !solver.look_up_names() {
                break;
            }
            solver.settle();
        }
        solver.outcome()
    })
}

/// A parameter of a function as nodes.
#[derive(Debug)]
pub(super) struct FunctionNodes {
    pub positional: Vec<(Name, NodeId)>,
    pub keyword_only: Vec<(Name, NodeId)>,
    pub star: Option<ContainerId>,
    pub double_star: Option<ContainerId>,
    pub returns: NodeId,
    /// All that a call gives back, where that follows from what it is given.
    pub passes: Vec<super::passes::Pass>,
}

/// Names that the solver looks for itself.
pub(super) struct Words {
    pub call: Name,
    pub init: Name,
    pub new: Name,
    pub iter: Name,
    pub next: Name,
    pub get_item: Name,
    pub set_item: Name,
    pub del_item: Name,
    pub del_attr: Name,
    pub get: Name,
    pub set: Name,
    pub get_attr: Name,
    pub set_attr: Name,
    pub text: Name,
    pub repr: Name,
}

/// A look-up of an attribute by a computed name.
pub(super) struct ByName {
    pub names: NodeId,
    pub object: NodeId,
    /// `Ok`: where the value goes; `Err`: what is stored.
    pub target: Result<NodeId, NodeId>,
    pub site: SiteId,
}

pub(super) struct Solver<'a> {
    pub snapshot: &'a Snapshot,
    pub evaluator: Evaluator<'a>,
    pub nodes: Nodes,
    pub objects: Objects,
    pub words: Words,
    /// Nodes of expressions, bindings and calls, by file; `None` until they are asked for.
    pub exprs: Vec<Vec<Option<NodeId>>>,
    pub bindings: Vec<Vec<Option<NodeId>>>,
    pub calls: Vec<Vec<Option<NodeId>>>,
    pub functions: FxHashMap<Def, std::rc::Rc<FunctionNodes>>,
    /// The functions in the order in which they were met.
    pub function_order: Vec<Def>,
    pub parameters: Vec<FxHashMap<crate::summary::SymbolIndex, Vec<crate::summary::BindingIndex>>>,
    pub arguments: Vec<ArgumentNodes>,
    pub argument_ids: FxHashMap<ArgumentNodes, ArgumentsId>,
    pub sites: Vec<(FileId, Origin)>,
    /// The sites of implied calls, by file and expression.
    pub implied: FxHashMap<(FileId, crate::summary::ExprIndex), SiteId>,
    /// Attributes that are read to be called.
    pub called: FxHashSet<(FileId, crate::summary::ExprIndex)>,
    pub edges: FxHashSet<(SiteId, Def, EdgeKind)>,
    /// Calls of reflected operators: they count where the left operand has no method of its own.
    pub reflected: Vec<(SiteId, Def, NodeId, Name)>,
    pub applied: FxHashSet<(ObjectId, ArgumentsId, NodeId, SiteId, EdgeKind)>,
    /// The classes below each class, in the order of files.
    pub heirs: FxHashMap<Def, Vec<Def>>,
    pub mros: FxHashMap<Def, std::rc::Rc<Mro>>,
    /// Names of attributes that are assigned anywhere.
    pub stored: FxHashSet<Name>,
    /// Getters and descriptors that run when an attribute is read, by the place that it is read from.
    pub getters: FxHashMap<NodeId, Vec<Def>>,
    pub getter_names: FxHashSet<Name>,
    pub narrowings: Vec<super::narrowing::Classes>,
    pub by_name: Vec<ByName>,
    pub looked_up: FxHashSet<(usize, ObjectId)>,
    /// `dest` gets what `source` holds when `known` holds nothing in the end.
    pub fallbacks: Vec<(NodeId, NodeId, NodeId)>,
    pub unknown: ObjectId,
    pub plain: ObjectId,
    /// Holds what is not known.
    pub unknown_node: NodeId,
    pub plain_node: NodeId,
    /// Never holds anything.
    pub nothing: NodeId,
}

impl<'a> Solver<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let (mut nodes, mut objects) = (Nodes::default(), Objects::default());
        let (unknown, plain) = (objects.intern(Object::Unknown), objects.intern(Object::Plain));
        let (nothing, unknown_node, plain_node) = (nodes.new_node(), nodes.new_node(), nodes.new_node());
        let files = snapshot.files.len();
        let sized = |size: &dyn Fn(&Summary) -> usize| {
            (0..files)
                .map(|file| snapshot.facts(FileId(file as u32)).map_or(0, |facts| size(&facts.summary)))
                .map(|size| vec![None; size])
                .collect::<Vec<_>>()
        };
        let mut solver = Solver {
            snapshot,
            evaluator: Evaluator::new(snapshot.world()),
            exprs: sized(&|summary| summary.exprs.len()),
            bindings: sized(&|summary| summary.bindings.len()),
            calls: sized(&|summary| summary.calls.len()),
            nodes,
            objects,
            words: Words::new(),
            functions: FxHashMap::default(),
            function_order: Vec::new(),
            parameters: vec![FxHashMap::default(); files],
            arguments: Vec::new(),
            argument_ids: FxHashMap::default(),
            sites: Vec::new(),
            implied: FxHashMap::default(),
            called: FxHashSet::default(),
            edges: FxHashSet::default(),
            reflected: Vec::new(),
            applied: FxHashSet::default(),
            heirs: FxHashMap::default(),
            mros: FxHashMap::default(),
            stored: FxHashSet::default(),
            getters: FxHashMap::default(),
            getter_names: FxHashSet::default(),
            narrowings: Vec::new(),
            by_name: Vec::new(),
            looked_up: FxHashSet::default(),
            fallbacks: Vec::new(),
            unknown,
            plain,
            unknown_node,
            plain_node,
            nothing,
        };
        solver.add(unknown_node, unknown);
        solver.add(plain_node, plain);
        solver
    }

    pub fn summary(&self, file: FileId) -> &'a Summary {
        self.snapshot.world().summary(crate::types::Unit::live(file))
    }

    /// All files in the order of their paths, so that nothing depends on the order in which they became known.
    pub fn files(&self) -> Vec<FileId> {
        let files = (0..self.snapshot.files.len()).map(|file| FileId(file as u32));
        let mut files: Vec<FileId> = files.filter(|&file| self.snapshot.facts(file).is_some()).collect();
        files.sort_unstable_by_key(|file| &self.snapshot.paths[file.index()]);
        files
    }

    pub fn intern(&mut self, object: Object) -> ObjectId {
        self.objects.intern(object)
    }

    pub fn add(&mut self, node: NodeId, object: ObjectId) {
        if node == self.nothing {
            return;
        }
        let weight = self.objects.get(object).weight();
        self.nodes.add(node, object, weight, self.unknown);
    }

    pub fn add_object(&mut self, node: NodeId, object: Object) {
        let object = self.intern(object);
        self.add(node, object);
    }

    pub fn copy(&mut self, from: NodeId, to: NodeId) {
        if from == self.nothing || to == self.nothing || !self.nodes.connect(from, to) {
            return;
        }
        for index in 0..self.nodes.objects(from).len() {
            let object = self.nodes.objects(from)[index];
            self.add(to, object);
        }
    }

    pub fn watch(&mut self, node: NodeId, watch: Watch) {
        if node != self.nothing {
            self.nodes.watch(node, watch);
        }
    }

    pub fn place(&mut self, place: Place) -> NodeId {
        self.nodes.place(place).0
    }

    pub fn site(&mut self, file: FileId, origin: Origin) -> SiteId {
        self.sites.push((file, origin));
        SiteId(self.sites.len() as u32 - 1)
    }

    pub fn arguments(&mut self, arguments: ArgumentNodes) -> ArgumentsId {
        if let Some(&id) = self.argument_ids.get(&arguments) {
            return id;
        }
        let id = ArgumentsId(self.arguments.len() as u32);
        self.arguments.push(arguments.clone());
        self.argument_ids.insert(arguments, id);
        id
    }

    pub fn given(&mut self, positional: &[NodeId]) -> ArgumentsId {
        self.arguments(ArgumentNodes { positional: positional.into(), ..ArgumentNodes::default() })
    }

    pub fn container(&mut self, origin: super::objects::Origin, kind: ContainerKind) -> ContainerId {
        self.objects.container(origin, kind, None)
    }

    /// A class's method resolution order, as the structural layer knows it.
    pub fn mro(&mut self, class: Def) -> std::rc::Rc<Mro> {
        if let Some(mro) = self.mros.get(&class) {
            return mro.clone();
        }
        let mro = self.evaluator.mro(class);
        self.mros.insert(class, mro.clone());
        mro
    }

    fn settle(&mut self) {
        loop {
            if let Some((watch, object)) = self.nodes.next_late() {
                self.react(watch, object);
                continue;
            }
            let Some((news, successors, watches)) = self.nodes.next_news() else { return };
            for successor in successors {
                for &object in &news {
                    self.add(successor, object);
                }
            }
            for watch in watches {
                let watch = self.nodes.watches[watch as usize];
                for &object in &news {
                    self.react(watch, object);
                }
            }
        }
    }

    fn react(&mut self, watch: Watch, object: ObjectId) {
        let value = self.objects.get(object);
        match watch {
            Watch::Load { name, dest, called } => self.load(value, name, dest, called),
            Watch::Store { name, source, site } => self.store(value, object, name, source, site),
            Watch::Call { arguments, dest, site, kind } => self.apply(object, value, arguments, dest, site, kind),
            Watch::Method { name, arguments, dest, site } => {
                if let Object::Container(container) = value {
                    self.container_method(container, name, arguments, dest, site);
                }
            }
            Watch::Special { name, arguments, dest, site, kind } => {
                if let Object::Instance(class) = value {
                    self.special(class, name, arguments, dest, site, kind);
                }
            }
            Watch::LoadItem { key, key_node, dest, site } => self.load_item(value, key, key_node, dest, site),
            Watch::StoreItem { key, key_node, source, site } => self.store_item(value, key, key_node, source, site),
            Watch::Slice { dest, site } => self.slice(object, value, dest, site),
            Watch::LoadKey { container, dest } => self.load_element(container, known_key(value), dest),
            Watch::StoreKey { container, source } => self.store_element(container, known_key(value), source),
            Watch::Element { dest, site } => self.iterate(value, dest, site),
            Watch::Next { dest, site } => self.next(value, dest, site),
            Watch::Unpack { index, dest, site } => self.unpack(value, index, dest, site),
            Watch::Rest { before, after, container, site } => self.rest(value, before, after, container, site),
            Watch::Enter { dest, site } => self.enter_context(value, dest, site),
            Watch::Format { site } => self.format(value, site),
            Watch::Operate { method, other, dest, site } => self.operate(object, value, method, other, dest, site),
            Watch::Reflect { method, other, dest, site } => self.reflect(value, method, other, dest, site),
            Watch::Bind { class, receiver, name, dest } => self.bind(object, value, class, receiver, name, dest),
            Watch::Caught { narrowing, dest } => self.caught(value, narrowing, dest),
            Watch::InstanceOf { dest } => self.instance_of(value, dest),
            Watch::ClassOf { dest } => match value {
                Object::Instance(class) | Object::Class(class) => self.add_object(dest, Object::Class(class)),
                _ => {}
            },
            Watch::Super { class, dest } => self.super_of(class, object, value, dest),
            Watch::Narrow { narrowing, dest } => self.narrow(object, value, narrowing, dest),
            Watch::Spread { function, from } => {
                if let Object::Container(container) = value {
                    self.each_key(container, super::nodes::KeyWatch::Spread { function, from });
                }
            }
            Watch::SpreadKeywords { function } => {
                if let Object::Container(container) = value {
                    self.each_key(container, super::nodes::KeyWatch::SpreadKeywords(function));
                }
            }
            Watch::Extend { container, site } => self.extend(container, value, site),
            Watch::Update { container } => {
                if let Object::Container(other) = value {
                    self.each_key(other, super::nodes::KeyWatch::Merge(container));
                }
            }
            Watch::GetAttribute { object, dest } => self.load_by_pattern(value, object, dest),
            Watch::Register { function } => {
                let registered = self.place(Place::Registered(function));
                if matches!(value, Object::Function(_) | Object::Bound { .. }) {
                    self.add(registered, object);
                }
            }
        }
    }

    fn fall_back(&mut self) {
        for function in std::mem::take(&mut self.function_order) {
            let nodes = self.function(function);
            for &(_, node) in nodes.positional.iter().chain(&nodes.keyword_only) {
                if self.nodes.objects(node).is_empty() {
                    self.add(node, self.unknown);
                }
            }
        }
        let unknown = self.unknown;
        let fallbacks = std::mem::take(&mut self.fallbacks);
        let open: Vec<_> = fallbacks
            .into_iter()
            .filter(|(known, ..)| self.nodes.objects(*known).iter().all(|&object| object == unknown))
            .collect();
        for (_, source, dest) in open {
            self.copy(source, dest);
        }
    }

    fn outcome(self) -> Outcome {
        outcome::extract(self)
    }
}

/// The key that an object is, when it is a constant.
fn known_key(value: Object) -> crate::summary::Key {
    match value {
        Object::Constant(key) => key,
        _ => crate::summary::Key::Any,
    }
}

impl Words {
    fn new() -> Self {
        Words {
            call: Name::new("__call__"),
            init: Name::new("__init__"),
            new: Name::new("__new__"),
            iter: Name::new("__iter__"),
            next: Name::new("__next__"),
            get_item: Name::new("__getitem__"),
            set_item: Name::new("__setitem__"),
            del_item: Name::new("__delitem__"),
            del_attr: Name::new("__delattr__"),
            get: Name::new("__get__"),
            set: Name::new("__set__"),
            get_attr: Name::new("__getattr__"),
            set_attr: Name::new("__setattr__"),
            text: Name::new("__str__"),
            repr: Name::new("__repr__"),
        }
    }
}
