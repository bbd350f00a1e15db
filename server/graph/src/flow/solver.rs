//! The state of a solution, and the loop that reaches its fixpoint.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::attributes::GetterReads;
use super::computed::ComputedNames;
use super::dunders::DunderNames;
use super::external::{ExternalUses, Externals, Following};
use super::functions::Functions;
use super::hierarchy::Hierarchy;
use super::narrowing::Classes;
use super::nodes::{ArgumentsId, Delta, NodeId, Nodes, Origin, Place, SiteId};
use super::objects::{ContainerId, ContainerKind, Object, ObjectId, Objects};
use super::outcome::{self, FoundEdges, Outcome};
use super::program::{Declared, ProgramNodes};
use super::watches::{ArgumentLists, ArgumentNodes, Invocation, Watch};
use crate::FileId;
use crate::eval::Evaluator;
use crate::snapshot::Snapshot;
use crate::summary::Summary;

/// How often an object may be passed on or reacted to, for each expression of the program and on top. Ordinary programs need
/// 1 to 7 for each expression, site-packages of 9,900 files 38. What needs more has met a case that is not widened, and would
/// take minutes and gigabytes.
const EFFORT_PER_EXPR: u64 = 64;
const EFFORT: u64 = 10_000_000;

/// Rounds in which names of attributes that were found (`getattr(x, name)`) are looked up. One finds nearly all.
const MAX_ROUNDS: u32 = 3;

/// Solves the flow of all files of `snapshot`. On a thread of its own, so that linking an edit never waits for it.
pub(crate) fn solve(snapshot: &Snapshot) -> Outcome {
    let outcome = on_own_thread(|| {
        let mut solver = Solver::new(snapshot, None);
        solver.solve();
        outcome::extract(solver)
    });
    // Without a thread there is no flow; what linking says stands.
    outcome.unwrap_or_else(|| Outcome { basis: snapshot.flow_basis(), ..Outcome::default() })
}

/// Solves the flow of all files anew and follows `externals`; says how they are used. On a thread of its own.
pub(crate) fn external_uses(snapshot: &Snapshot, externals: &Externals, files: &[FileId]) -> ExternalUses {
    let uses = on_own_thread(|| {
        let mut solver = Solver::new(snapshot, Some(externals));
        solver.solve();
        solver.external_uses(files)
    });
    uses.unwrap_or_else(|| ExternalUses { is_cut: true, ..ExternalUses::default() })
}

/// `None` if there can be no thread.
fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("flow".to_owned()).stack_size(syntax::DEEP_STACK_BYTES);
        match builder.spawn_scoped(scope, work) {
            Ok(thread) => Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
            Err(error) => {
                tracing::warn!("values are not followed: {error}");
                None
            }
        }
    })
}

/// The state of a solution. Each part is declared beside the pass that fills it.
pub(super) struct Solver<'a> {
    pub snapshot: &'a Snapshot,
    pub evaluator: Evaluator<'a>,
    pub nodes: Nodes,
    pub objects: Objects<'a>,
    pub dunders: DunderNames,
    pub argument_lists: ArgumentLists,
    pub declared: Declared,
    pub program: ProgramNodes,
    pub functions: Functions,
    pub hierarchy: Hierarchy,
    pub narrowings: Vec<Classes>,
    pub computed_names: ComputedNames,
    pub getters: GetterReads,
    pub found: FoundEdges,
    /// `dest` gets what `source` holds when `known` holds nothing in the end.
    pub fallbacks: Vec<(NodeId, NodeId, NodeId)>,
    /// Where something from outside is followed by name.
    pub following: Option<Following<'a>>,
    pub bounds: Bounds,
}

/// What keeps the work finite.
pub(super) struct Bounds {
    /// How often an object was passed on or reacted to,
    effort: u64,
    /// and may be.
    most: u64,
    /// What was called how: nothing is entered twice.
    pub applied: FxHashSet<(ObjectId, Invocation)>,
    /// How many makings of elements and results lead to a node.
    pub derived: FxHashMap<NodeId, u8>,
    /// See [`Solver::watch_once`].
    watched: FxHashSet<(NodeId, Watch)>,
}

impl Bounds {
    fn new(exprs: usize) -> Self {
        Bounds {
            effort: 0,
            most: EFFORT + EFFORT_PER_EXPR * exprs as u64,
            applied: FxHashSet::default(),
            derived: FxHashMap::default(),
            watched: FxHashSet::default(),
        }
    }
}

impl<'a> Solver<'a> {
    fn new(snapshot: &'a Snapshot, externals: Option<&'a Externals>) -> Self {
        let program = ProgramNodes::new(snapshot);
        let exprs = program.exprs.iter().map(Vec::len).sum();
        let mut solver = Solver {
            snapshot,
            evaluator: Evaluator::new(snapshot.world()),
            nodes: Nodes::with_capacity(exprs, externals.is_some()),
            objects: Objects::new(externals),
            dunders: DunderNames::new(),
            argument_lists: ArgumentLists::default(),
            declared: Declared::default(),
            program,
            functions: Functions::new(snapshot),
            hierarchy: Hierarchy::new(snapshot),
            narrowings: Vec::new(),
            computed_names: ComputedNames::default(),
            getters: GetterReads::default(),
            found: FoundEdges::default(),
            fallbacks: Vec::new(),
            following: externals.map(Following::new),
            bounds: Bounds::new(exprs),
        };
        solver.add(NodeId::UNKNOWN, ObjectId::UNKNOWN);
        solver.add(NodeId::PLAIN, ObjectId::PLAIN);
        solver
    }

    fn solve(&mut self) {
        self.generate();
        self.propagate();
        // What nobody gives a value may be anything; what is still unknown then is what its annotation says.
        self.fall_back();
        self.propagate();
        for _ in 0..MAX_ROUNDS {
            if !self.look_up_names() {
                break;
            }
            self.propagate();
        }
    }

    /// Whether everything was followed to its end.
    pub fn is_complete(&self) -> bool {
        self.bounds.effort < self.bounds.most
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
        if node == NodeId::NOTHING {
            return;
        }
        self.nodes.add(node, object, self.objects.weight(object));
    }

    pub fn add_object(&mut self, node: NodeId, object: Object) {
        let object = self.intern(object);
        self.add(node, object);
    }

    pub fn copy(&mut self, from: NodeId, to: NodeId) {
        if from == NodeId::NOTHING
            || to == NodeId::NOTHING
            || !self.nodes.connect(from, to)
            || self.nodes.is_saturated(to)
        {
            return;
        }
        for index in 0..self.nodes.objects(from).len() {
            let object = self.nodes.objects(from)[index];
            self.add(to, object);
        }
    }

    pub fn watch(&mut self, node: NodeId, watch: Watch) {
        if node != NodeId::NOTHING {
            self.nodes.watch(node, watch);
        }
    }

    /// For what may lead back to itself.
    pub fn watch_once(&mut self, node: NodeId, watch: Watch) {
        if self.bounds.watched.insert((node, watch)) {
            self.watch(node, watch);
        }
    }

    pub fn place(&mut self, place: Place) -> NodeId {
        self.nodes.place(place).0
    }

    pub fn site(&mut self, file: FileId, origin: Origin) -> SiteId {
        self.found.sites.push((file, origin));
        SiteId(self.found.sites.len() as u32 - 1)
    }

    pub fn arguments(&mut self, arguments: ArgumentNodes) -> ArgumentsId {
        self.argument_lists.intern(arguments)
    }

    /// What a call gives.
    pub fn all_given(&self, arguments: ArgumentsId) -> Rc<ArgumentNodes> {
        self.argument_lists.get(arguments).clone()
    }

    /// The first thing that a call gives, by place.
    pub fn first_given(&self, arguments: ArgumentsId) -> Option<NodeId> {
        self.argument_lists.get(arguments).positional.first().copied()
    }

    pub fn given(&mut self, positional: &[NodeId]) -> ArgumentsId {
        self.arguments(ArgumentNodes { positional: positional.into(), ..ArgumentNodes::default() })
    }

    pub fn container(&mut self, origin: super::objects::Origin, kind: ContainerKind) -> ContainerId {
        self.objects.container(origin, kind, None)
    }

    /// Until nothing changes any more, or the effort is spent.
    fn propagate(&mut self) {
        while self.bounds.effort < self.bounds.most {
            if let Some((watch, object)) = self.nodes.next_late() {
                self.bounds.effort += 1;
                self.react(watch, object);
                continue;
            }
            let Some(Delta { node, objects, successors, watches }) = self.nodes.next_delta() else { return };
            self.bounds.effort += objects.len() as u64 * u64::from(successors + watches);
            for index in 0..successors {
                let successor = self.nodes.successor(node, index);
                if self.nodes.is_saturated(successor) {
                    continue;
                }
                for index in objects.clone() {
                    self.add(successor, self.nodes.object(node, index));
                }
            }
            for index in 0..watches {
                let watch = self.nodes.watch_at(node, index);
                for index in objects.clone() {
                    self.react(watch, self.nodes.object(node, index));
                }
            }
        }
    }

    fn react(&mut self, watch: Watch, object: ObjectId) {
        let value = self.objects.get(object);
        match watch {
            Watch::Load { name, dest, called } => self.load(value, name, dest, called),
            Watch::Store { name, source, site } => self.store(value, object, name, source, site),
            Watch::Call(call) => self.apply(object, value, call),
            Watch::Method { name, arguments, dest, site } => match value {
                Object::Container(container) => self.container_method(container, name, arguments, dest, site),
                Object::Plain | Object::Constant(_) | Object::Format { .. } if name.as_str() == "format" => {
                    for &value in &self.all_given(arguments).positional {
                        self.watch(value, Watch::Format { site });
                    }
                }
                Object::Vars(_) | Object::External(_) => {
                    self.namespace_method(value, name, arguments, dest, site);
                }
                _ => {}
            },
            Watch::Final { dest } => {
                if let Object::Container(container) = value {
                    let end = self.place(Place::Final(container));
                    self.copy(end, dest);
                }
            }
            Watch::Special { name, call } => match value {
                Object::Instance(class) => self.special(class, name, call),
                Object::Class(class) => {
                    self.special_of_class(class, name, call);
                }
                _ => {}
            },
            Watch::LoadItem { key, key_node, dest, site } => self.load_item(value, key, key_node, dest, site),
            Watch::StoreItem { key, key_node, source, site } => self.store_item(value, key, key_node, source, site),
            Watch::Slice { ends, dest, site } => self.slice(object, value, ends, dest, site),
            Watch::Recent { attribute, normal, source, dest } => self.recent(value, attribute, normal, source, dest),
            Watch::Await { dest, site } => self.await_value(object, value, dest, site),
            Watch::Delete { name, site } => self.delete(object, value, name, site),
            Watch::Assign { receiver, source, site } => self.assign_through(value, receiver, source, site),
            Watch::Wrap { is_class, dest } => {
                if matches!(value, Object::Function(_) | Object::Partial { .. }) {
                    self.add_object(dest, Object::Wrapped { function: object, is_class });
                } else {
                    self.add(dest, object);
                }
            }
            Watch::Import { is_top, dest } => self.import_by_name(value, is_top, dest),
            Watch::MadeBy { dest } => {
                if let Object::Class(metaclass) = value {
                    let classes = self.place(Place::MadeBy(metaclass));
                    self.copy(classes, dest);
                }
            }
            Watch::Vars { dest } => {
                if matches!(value, Object::Instance(_) | Object::Class(_) | Object::Module(_) | Object::External(_)) {
                    self.add_object(dest, Object::Vars(object));
                }
            }
            Watch::Reversed { dest, site } => self.reversed(value, dest, site),
            Watch::AsText { site } => self.as_text(value, site),
            Watch::Represent { site } => self.represent(value, site),
            Watch::StorePair { container } => self.store_pair(container, value),
            Watch::LoadKey { container, dest } => self.load_element(container, known_key(value), dest),
            Watch::StoreKey { container, source } => self.store_element(container, known_key(value), source),
            Watch::Element { dest, site } => self.iterate(value, dest, site),
            Watch::Next { dest, site } => self.next(value, dest, site),
            Watch::Unpack { index, dest, site } => self.unpack(value, index, dest, site),
            Watch::Rest { before, after, container, site } => self.rest(value, before, after, container, site),
            Watch::Enter { dest, site } => self.enter_context(value, dest, site),
            Watch::Format { site } => self.format(value, site),
            Watch::Truth { site } => self.truth(value, site),
            Watch::Operate { method, other, dest, site } => self.operate(object, value, method, other, dest, site),
            Watch::Reflect { method, other, dest, site } => self.reflect(value, method, other, dest, site),
            Watch::Bind(access) => self.bind(object, value, access),
            Watch::Caught { narrowing, dest } => self.caught(value, narrowing, dest),
            Watch::Decorated { definition, dest } => self.decorated(object, value, definition, dest),
            Watch::InstanceOf { dest } => self.instance_of(value, dest),
            Watch::ClassOf { dest } => match value {
                Object::Instance(class) | Object::Class(class) => self.add_object(dest, Object::Class(class)),
                _ => {}
            },
            Watch::Super { class, dest } => self.super_of(class, object, value, dest),
            Watch::Narrow { narrowing, dest } => self.narrow(object, value, narrowing, dest),
            Watch::Spread { function, from } => {
                if let Object::Container(container) = value {
                    self.each_key(container, super::watches::KeyWatch::Spread { function, from });
                }
            }
            Watch::SpreadKeywords { function } => {
                if let Object::Container(container) = value {
                    self.each_key(container, super::watches::KeyWatch::SpreadKeywords(function));
                }
            }
            Watch::Extend { container, site } => self.extend(container, value, site),
            Watch::Update { container } => {
                if let Object::Container(other) = value {
                    self.update(container, other);
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
        for function in self.functions.take_met() {
            let nodes = self.function(function);
            for &(_, node) in nodes.positional.iter().chain(&nodes.keyword_only) {
                if self.nodes.objects(node).is_empty() {
                    self.add(node, ObjectId::UNKNOWN);
                }
            }
        }
        let fallbacks = std::mem::take(&mut self.fallbacks);
        let open: Vec<_> = fallbacks
            .into_iter()
            .filter(|(known, ..)| self.nodes.objects(*known).iter().all(|&object| object == ObjectId::UNKNOWN))
            .collect();
        for (_, source, dest) in open {
            self.copy(source, dest);
        }
    }
}

/// A list for each file, as long as one of its summary's.
pub(super) fn sized<T: Clone>(snapshot: &Snapshot, value: T, size: impl Fn(&Summary) -> usize) -> Vec<Vec<T>> {
    let sizes = (0..snapshot.files.len())
        .map(|file| snapshot.facts(FileId(file as u32)).map_or(0, |facts| size(&facts.summary)));
    sizes.map(|size| vec![value.clone(); size]).collect()
}

/// The key that an object is, when it is a constant.
fn known_key(value: Object) -> crate::summary::Key {
    match value {
        Object::Constant(key) => key,
        _ => crate::summary::Key::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spent_effort_ends_the_work_and_is_said() {
        let host = crate::testing::host("#- /a.py\ndef run(f): f()\ndef g(): ...\nrun(g)\n");
        let analysis = host.analysis();
        assert!(!solve(&analysis.snapshot).is_cut);
        let mut solver = Solver::new(&analysis.snapshot, None);
        solver.bounds.most = 1;
        solver.solve();
        assert!(outcome::extract(solver).is_cut);
    }
}
