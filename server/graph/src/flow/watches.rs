//! What is done with the objects that reach a node, and with the keys of a container.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::nodes::{ArgumentsId, NodeId, SiteId};
use super::objects::{ContainerId, ObjectId};
use crate::summary::Key;
use crate::types::Def;
use crate::{EdgeKind, Name};

/// A call as what is called sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Invocation {
    pub arguments: ArgumentsId,
    /// What the result goes to.
    pub dest: NodeId,
    pub site: SiteId,
    pub kind: EdgeKind,
}

/// An attribute that is found in a class, as an instance or the class itself sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClassAccess {
    /// The class that has the attribute.
    pub class: Def,
    /// What it is read of.
    pub receiver: ObjectId,
    pub name: Name,
    /// Where what is seen goes to.
    pub dest: NodeId,
}

/// What a node waits for objects to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Watch {
    Load {
        name: Name,
        dest: NodeId,
        called: bool,
    },
    Store {
        name: Name,
        source: NodeId,
        site: SiteId,
    },
    Call(Invocation),
    /// A call of `receiver.name(…)`, for receivers that are containers or texts.
    Method {
        name: Name,
        arguments: ArgumentsId,
        dest: NodeId,
        site: SiteId,
    },
    Special {
        name: Name,
        call: Invocation,
    },
    LoadItem {
        key: Key,
        key_node: NodeId,
        dest: NodeId,
        site: SiteId,
    },
    StoreItem {
        key: Key,
        key_node: NodeId,
        source: NodeId,
        site: SiteId,
    },
    Slice {
        ends: Option<(u16, Option<u16>)>,
        dest: NodeId,
        site: SiteId,
    },
    /// The object's attribute or item was assigned just before; see [`Expr::Recent`](crate::summary::Expr).
    Recent {
        /// The attribute's name; `None` for an item.
        attribute: Option<Name>,
        normal: NodeId,
        source: NodeId,
        dest: NodeId,
    },
    /// What the generator returns in the end.
    Final {
        dest: NodeId,
    },
    Await {
        dest: NodeId,
        site: SiteId,
    },
    /// `del object.name`
    Delete {
        name: Name,
        site: SiteId,
    },
    /// The object is found under the name in the class of `receiver`, where something is assigned.
    Assign {
        receiver: ObjectId,
        source: NodeId,
        site: SiteId,
    },
    /// `staticmethod(object)` or `classmethod(object)` as a call.
    Wrap {
        is_class: bool,
        dest: NodeId,
    },
    /// The object is the name of a module.
    Import {
        is_top: bool,
        dest: NodeId,
    },
    /// The object is a metaclass; `dest` gets the classes that it makes.
    MadeBy {
        dest: NodeId,
    },
    /// `vars(object)`
    Vars {
        dest: NodeId,
    },
    Reversed {
        dest: NodeId,
        site: SiteId,
    },
    Represent {
        site: SiteId,
    },
    AsText {
        site: SiteId,
    },
    /// The object is a key and a value, stored in the container.
    StorePair {
        container: ContainerId,
    },
    /// The object is a key of the container.
    LoadKey {
        container: ContainerId,
        dest: NodeId,
    },
    StoreKey {
        container: ContainerId,
        source: NodeId,
    },
    Element {
        dest: NodeId,
        site: SiteId,
    },
    Next {
        dest: NodeId,
        site: SiteId,
    },
    Unpack {
        index: i32,
        dest: NodeId,
        site: SiteId,
    },
    Rest {
        before: u32,
        after: u32,
        container: ContainerId,
        site: SiteId,
    },
    Enter {
        dest: NodeId,
        site: SiteId,
    },
    Format {
        site: SiteId,
    },
    /// The object decides a condition.
    Truth {
        site: SiteId,
    },
    Operate {
        method: Name,
        other: NodeId,
        dest: NodeId,
        site: SiteId,
    },
    Reflect {
        method: Name,
        other: NodeId,
        dest: NodeId,
        site: SiteId,
    },
    /// The object is found in a class.
    Bind(ClassAccess),
    /// The object is what decorators make of the definition.
    Decorated {
        definition: Def,
        dest: NodeId,
    },
    InstanceOf {
        dest: NodeId,
    },
    /// The object is the class of an `except … as`.
    Caught {
        narrowing: u32,
        dest: NodeId,
    },
    ClassOf {
        dest: NodeId,
    },
    Super {
        class: Def,
        dest: NodeId,
    },
    Narrow {
        narrowing: u32,
        dest: NodeId,
    },
    /// The object is given in a call at the position `from` or later.
    Spread {
        function: Def,
        from: u32,
    },
    SpreadKeywords {
        function: Def,
    },
    /// The object's elements are stored in the container.
    Extend {
        container: ContainerId,
        site: SiteId,
    },
    Update {
        container: ContainerId,
    },
    /// The object is the name of an attribute of what `object` holds.
    GetAttribute {
        object: NodeId,
        dest: NodeId,
    },
    Register {
        function: Def,
    },
}

/// What is done for each key of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyWatch {
    CopyTo(NodeId),
    /// Instances of the classes that the elements are.
    InstancesTo(NodeId),
    /// Keys themselves flow, as when a dictionary is iterated over.
    KeysTo(NodeId),
    /// Into another container, under the same key.
    Merge(ContainerId),
    /// Into another container, under any key.
    Pour(ContainerId),
    /// Elements are arguments of a call.
    Spread {
        function: Def,
        from: u32,
    },
    SpreadKeywords(Def),
    /// All but the first and last ones go to another container.
    Rest {
        container: ContainerId,
        length: Option<u32>,
        before: u32,
        after: u32,
    },
    Pairs(ContainerId),
    /// Into another container, as a slice of this one.
    Slice {
        container: ContainerId,
        from: u32,
        to: Option<u32>,
    },
}

/// The arguments of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ArgumentNodes {
    pub positional: SmallVec<[NodeId; 3]>,
    pub star: Option<NodeId>,
    pub keywords: SmallVec<[(Name, NodeId); 1]>,
    pub double_star: Option<NodeId>,
}

/// The arguments of all calls, each list of them once.
#[derive(Default)]
pub(super) struct ArgumentLists {
    lists: Vec<Rc<ArgumentNodes>>,
    ids: FxHashMap<Rc<ArgumentNodes>, ArgumentsId>,
}

impl ArgumentLists {
    pub fn intern(&mut self, arguments: ArgumentNodes) -> ArgumentsId {
        if let Some(&id) = self.ids.get(&arguments) {
            return id;
        }
        let id = ArgumentsId(self.lists.len() as u32);
        let arguments = Rc::new(arguments);
        self.lists.push(arguments.clone());
        self.ids.insert(arguments, id);
        id
    }

    pub fn get(&self, id: ArgumentsId) -> &Rc<ArgumentNodes> {
        &self.lists[id.0 as usize]
    }
}
