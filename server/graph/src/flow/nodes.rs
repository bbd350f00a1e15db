//! The constraint graph: nodes hold objects, objects run along copies, and watches react to them.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::lists::{List, Lists};
use super::objects::{ContainerId, ObjectId};
use super::watches::Watch;
use crate::FileId;
use crate::Name;
use crate::summary::{ExprIndex, Key, ScopeIndex};
use crate::types::Def;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub u32);

impl NodeId {
    /// Never holds anything.
    pub const NOTHING: NodeId = NodeId(0);
    /// Holds [`ObjectId::UNKNOWN`] from the beginning.
    pub const UNKNOWN: NodeId = NodeId(1);
    /// Holds [`ObjectId::PLAIN`] from the beginning.
    pub const PLAIN: NodeId = NodeId(2);
}

/// Index into the arguments of calls, as nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ArgumentsId(pub u32);

/// Index into the places that edges start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SiteId(pub u32);

impl SiteId {
    /// Where nothing in the text makes the call.
    pub const NONE: SiteId = SiteId(u32::MAX);
}

/// Nodes that are not an expression or a binding of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// What a name means for other scopes and modules.
    Variable(FileId, ScopeIndex, Name),
    /// An attribute that instances of the class are given.
    Field(Def, Name),
    /// An attribute as instances see it.
    InstanceRead(Def, Name),
    /// A special method, which is looked up in the class only.
    SpecialRead(Def, Name),
    /// An attribute as the class sees it.
    ClassRead(Def, Name),
    /// An attribute as `super()` in the class sees it, for a receiver.
    SuperRead(Def, ObjectId, Name),
    FunctionAttribute(Def, Name),
    Return(Def),
    /// The classes that a metaclass makes.
    MadeBy(Def),
    /// What a generator function returns in the end.
    Final(ContainerId),
    /// What is sent into a generator.
    Sent(ContainerId),
    /// The implementations registered for a `singledispatch` function.
    Registered(Def),
    Element(ContainerId, Key),
    /// Keys of a dictionary that are not constants.
    Keys(ContainerId),
    /// The iterator of an instance.
    Iterator(Def),
    /// The iterator of a class whose metaclass makes it one.
    ClassIterator(Def),
    /// What iterating over an instance gives.
    Iterated(Def),
    /// What `__await__` of an instance gives.
    Awaited(Def),
    /// Instances of the classes in a container, and in those that it holds.
    InstancesIn(ContainerId),
    /// A function that is wrapped, as the receiver sees it.
    BoundIn(NodeId, ObjectId),
    /// A call's result while its function is entered on behalf of another call.
    Accumulated(NodeId),
}

/// Where an edge starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    /// An index into the summary's calls.
    Call(u32),
    /// An index into the summary's implied calls.
    Implied(u32),
    /// An index into the summary's stores.
    Store(u32),
    /// An attribute that is read.
    Attribute(ExprIndex),
    /// A class is made; its symbol.
    Class(u32),
    /// An index into the summary's imports.
    Import(u32),
}

/// Beyond these numbers a node only knows that it holds something: places through which everything flows, such as the
/// arguments of a framework's dispatcher, would otherwise cost most of the time and say nothing to a reader. Which objects
/// came first depends on the order of files, and that is their paths': the same texts always give the same edges.
const MAX_OBJECTS: usize = 32;
const MAX_CONTAINERS: u8 = 8;
const MAX_CONSTANTS: u8 = 16;

/// How objects are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Constant,
    Container,
    Other,
    /// Is kept by nodes that no longer tell apart what they hold.
    Followed,
}

/// What has become known at a node: the new objects, where they go, and who waits for them, as ranges of the node's lists.
/// What is added to these lists meanwhile is told of what is here already.
pub(super) struct Delta {
    pub node: NodeId,
    pub objects: std::ops::Range<u32>,
    pub successors: u32,
    pub watches: u32,
}

/// Up to this many copies of a node are scanned instead of looked up.
const SCANNED: usize = 24;

#[derive(Debug, Default)]
struct Node {
    objects: List<ObjectId>,
    /// How many of the objects have been passed on.
    done: u32,
    constants: u8,
    containers: u8,
    queued: bool,
    /// Nothing can be added any more.
    saturated: bool,
}

/// What a node does with its objects. Apart from them, because most of the time objects are added, to nodes all over memory.
#[derive(Debug, Default)]
struct Outlets {
    successors: List<NodeId>,
    watches: List<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    /// By node.
    outlets: Vec<Outlets>,
    object_lists: Lists<ObjectId>,
    successor_lists: Lists<NodeId>,
    watch_lists: Lists<u32>,
    places: FxHashMap<Place, NodeId>,
    watches: Vec<Watch>,
    /// The copies from nodes with more than [`SCANNED`] of them.
    copies: FxHashSet<(NodeId, NodeId)>,
    /// What full nodes hold, where they still take what is [`Weight::Followed`]: in Django several hundred objects.
    followed: FxHashSet<(NodeId, ObjectId)>,
    queue: VecDeque<NodeId>,
    /// Watches that were added to nodes with objects.
    late: VecDeque<(u32, ObjectId)>,
    /// Full nodes still take what is [`Weight::Followed`].
    follows: bool,
}

impl Nodes {
    /// Room for so many nodes of expressions, and what they usually lead to.
    pub fn with_capacity(exprs: usize, follows: bool) -> Self {
        let mut nodes = Nodes {
            nodes: Vec::with_capacity(exprs),
            outlets: Vec::with_capacity(exprs),
            places: FxHashMap::with_capacity_and_hasher(exprs / 2, FxBuildHasher),
            watches: Vec::with_capacity(exprs),
            follows,
            ..Nodes::default()
        };
        for node in [NodeId::NOTHING, NodeId::UNKNOWN, NodeId::PLAIN] {
            let made = nodes.new_node();
            debug_assert_eq!(made, node);
        }
        nodes
    }

    pub fn new_node(&mut self) -> NodeId {
        new_node(&mut self.nodes, &mut self.outlets)
    }

    /// The node of a place, and whether it is new.
    pub fn place(&mut self, place: Place) -> (NodeId, bool) {
        match self.places.entry(place) {
            Entry::Occupied(entry) => (*entry.get(), false),
            Entry::Vacant(entry) => (*entry.insert(new_node(&mut self.nodes, &mut self.outlets)), true),
        }
    }

    /// The node of a place, if there is one.
    pub fn known_place(&self, place: Place) -> Option<NodeId> {
        self.places.get(&place).copied()
    }

    pub fn objects(&self, node: NodeId) -> &[ObjectId] {
        self.object_lists.get(&self.nodes[node.0 as usize].objects)
    }

    pub fn object(&self, node: NodeId, index: u32) -> ObjectId {
        self.objects(node)[index as usize]
    }

    pub fn successor(&self, node: NodeId, index: u32) -> NodeId {
        self.successor_lists.get(&self.outlets[node.0 as usize].successors)[index as usize]
    }

    pub fn watch_at(&self, node: NodeId, index: u32) -> Watch {
        let watches = self.watch_lists.get(&self.outlets[node.0 as usize].watches);
        self.watches[watches[index as usize] as usize]
    }

    /// Adds an object to a node; [`ObjectId::UNKNOWN`] stands for what a node no longer tells apart.
    pub fn add(&mut self, node: NodeId, object: ObjectId, weight: Weight) {
        let facts = &mut self.nodes[node.0 as usize];
        if facts.saturated {
            return;
        }
        let held = self.object_lists.get(&facts.objects);
        let is_crowded = held.len() >= MAX_OBJECTS;
        let is_full = weight != Weight::Followed
            && (is_crowded
                || match weight {
                    Weight::Constant => facts.constants >= MAX_CONSTANTS,
                    Weight::Container => facts.containers >= MAX_CONTAINERS,
                    Weight::Other | Weight::Followed => false,
                });
        let object = if is_full { ObjectId::UNKNOWN } else { object };
        // A bounded number, up to here: looking it up elsewhere would cost more.
        let is_known = if self.follows && held.len() > MAX_OBJECTS {
            self.followed.contains(&(node, object))
        } else {
            held.contains(&object)
        };
        if is_known {
            facts.saturated = is_full && is_crowded && !self.follows;
            return;
        }
        match weight {
            Weight::Constant if !is_full => facts.constants += 1,
            Weight::Container if !is_full => facts.containers += 1,
            _ => {}
        }
        self.object_lists.push(&mut facts.objects, object);
        let held = self.object_lists.get(&facts.objects);
        if self.follows && held.len() > MAX_OBJECTS {
            let is_first = held.len() == MAX_OBJECTS + 1;
            let noted = if is_first { 0 } else { held.len() - 1 };
            self.followed.extend(held[noted..].iter().map(|&object| (node, object)));
        }
        if !std::mem::replace(&mut facts.queued, true) {
            self.queue.push_back(node);
        }
    }

    /// Whether so much flows here that it says nothing.
    pub fn is_wide(&self, node: NodeId) -> bool {
        self.objects(node).len() > MAX_OBJECTS
    }

    /// Whether whatever is added to the node is there already.
    pub fn is_saturated(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].saturated
    }

    /// Notes a copy; `false` when it was there already.
    pub fn connect(&mut self, from: NodeId, to: NodeId) -> bool {
        if from == to {
            return false;
        }
        let list = &mut self.outlets[from.0 as usize].successors;
        let successors = self.successor_lists.get(list);
        let is_known = if successors.len() < SCANNED {
            successors.contains(&to)
        } else {
            if successors.len() == SCANNED {
                self.copies.extend(successors.iter().map(|&to| (from, to)));
            }
            !self.copies.insert((from, to))
        };
        if is_known {
            return false;
        }
        self.successor_lists.push(list, to);
        true
    }

    pub fn watch(&mut self, node: NodeId, watch: Watch) {
        self.watches.push(watch);
        let index = self.watches.len() as u32 - 1;
        self.watch_lists.push(&mut self.outlets[node.0 as usize].watches, index);
        let facts = &self.nodes[node.0 as usize];
        let done = &self.object_lists.get(&facts.objects)[..facts.done as usize];
        self.late.extend(done.iter().map(|&object| (index, object)));
    }

    pub fn next_late(&mut self) -> Option<(Watch, ObjectId)> {
        let (watch, object) = self.late.pop_front()?;
        Some((self.watches[watch as usize], object))
    }

    /// The delta of the next node that has one.
    pub fn next_delta(&mut self) -> Option<Delta> {
        let node = self.queue.pop_front()?;
        let facts = &mut self.nodes[node.0 as usize];
        facts.queued = false;
        let objects = facts.done..self.object_lists.get(&facts.objects).len() as u32;
        facts.done = objects.end;
        let outlets = &self.outlets[node.0 as usize];
        let successors = self.successor_lists.get(&outlets.successors).len() as u32;
        let watches = self.watch_lists.get(&outlets.watches).len() as u32;
        Some(Delta { node, objects, successors, watches })
    }
}

fn new_node(nodes: &mut Vec<Node>, outlets: &mut Vec<Outlets>) -> NodeId {
    // In small steps: these are the largest tables, and doubled they would be mostly empty.
    if nodes.len() == nodes.capacity() {
        let more = nodes.len() / 8 + 8;
        nodes.reserve_exact(more);
        outlets.reserve_exact(more);
    }
    nodes.push(Node::default());
    outlets.push(Outlets::default());
    NodeId(nodes.len() as u32 - 1)
}
