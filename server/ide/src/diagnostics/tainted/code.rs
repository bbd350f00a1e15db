//! What a file's code does with values, without its syntax: who is made of what.
//!
//! It owns its data, so that a file is parsed once for all questions about it, and its nodes refer to each other by
//! number, so that nothing deep has to be walked to be dropped.

use graph::{Name, ParamKind};
use rustc_hash::FxHashMap;
use syntax::{TextRange, TextSize};

/// A name with more values than this in one function is not followed: generated code has thousands.
const MAX_BINDINGS: usize = 200;

/// Index into the nodes of a [`Code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeIndex(pub u32);

/// Index into [`Code::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FunctionIndex(pub u32);

impl FunctionIndex {
    /// The code of the module itself.
    pub const MODULE: FunctionIndex = FunctionIndex(0);
}

/// The code of a file.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// The module first.
    pub functions: Vec<Function>,
    pub classes: Vec<Class>,
    pub nodes: Vec<(Node, TextRange)>,
    /// Calls by the callee's name token, as the graph names them.
    pub calls: FxHashMap<TextRange, (FunctionIndex, NodeIndex)>,
    /// Functions by their name tokens.
    pub by_name: FxHashMap<TextRange, FunctionIndex>,
}

/// What an expression is made of.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A number, a comparison, or what is not looked into.
    Plain,
    Literal(Box<str>),
    Flag(bool),
    Name(Name),
    /// What an import binds, by its dotted name.
    Imported(Box<str>),
    Attribute {
        value: NodeIndex,
        name: Name,
    },
    /// An item or a slice.
    Item(NodeIndex),
    Call(Box<Call>),
    /// Parts that follow each other: an f-string, `+`, `%`.
    Text(Vec<NodeIndex>),
    Container(Vec<NodeIndex>),
    /// One of several.
    Choice(Vec<NodeIndex>),
    /// What iterating or unpacking gives.
    Element(NodeIndex),
    /// `*value` in a list of arguments or elements.
    Starred(NodeIndex),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub callee: NodeIndex,
    /// The callee's name token.
    pub token: TextRange,
    pub positional: Vec<NodeIndex>,
    /// `None` for `**value`.
    pub keywords: Vec<(Option<Name>, NodeIndex)>,
}

impl Call {
    pub fn keyword(&self, name: &str) -> Option<NodeIndex> {
        self.keywords.iter().find(|(keyword, _)| keyword.is_some_and(|it| it.as_str() == name)).map(|(_, node)| *node)
    }
}

#[derive(Debug, Default)]
pub(super) struct Function {
    /// Empty for a module.
    pub name: String,
    pub name_range: TextRange,
    /// The function around it, classes left out.
    pub parent: Option<FunctionIndex>,
    /// The class whose method it is: an index into [`Code::classes`].
    pub class: Option<usize>,
    pub is_static: bool,
    pub is_classmethod: bool,
    pub params: Vec<Parameter>,
    /// The expressions after each `@`.
    pub decorators: Vec<NodeIndex>,
    pub bindings: FxHashMap<Name, Vec<Binding>>,
    /// Names to which every branch gives another value.
    pub replaced: Vec<Replaced>,
    /// Statements at whose end the function is over.
    pub ended: Vec<TextRange>,
    pub loops: Vec<TextRange>,
    /// Names whose values are checked, and where that holds.
    pub guards: Vec<(Name, TextRange)>,
    pub returns: Vec<NodeIndex>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub name: Name,
    pub range: TextRange,
    pub kind: ParamKind,
    pub annotation: Option<TextRange>,
    pub default: Option<NodeIndex>,
}

/// A value that a name may have.
#[derive(Debug)]
pub(super) struct Binding {
    pub value: NodeIndex,
    /// Where it begins to hold.
    pub after: TextSize,
    /// The statements among which it stands: what follows it there cannot see earlier values.
    pub block: TextRange,
    /// For names of comprehensions and lambdas, the only place where they are seen.
    pub scope: Option<TextRange>,
    /// Something is added to what the name holds already.
    pub is_addition: bool,
}

/// A name that has lost what it held before a statement.
#[derive(Debug)]
pub(super) struct Replaced {
    pub name: Name,
    /// The statement's beginning and end.
    pub from: TextSize,
    pub after: TextSize,
    /// The statements among which it stands.
    pub block: TextRange,
}

#[derive(Debug)]
pub(super) struct Class {
    pub name: String,
    /// The last part of each base's name.
    pub bases: Vec<String>,
    /// What methods give to `self.NAME`: the name, where, the value, whether it is added to what is there.
    pub attributes: Vec<(Name, FunctionIndex, NodeIndex, bool)>,
}

impl Code {
    pub fn node(&self, node: NodeIndex) -> &Node {
        &self.nodes[node.0 as usize].0
    }

    pub fn range(&self, node: NodeIndex) -> TextRange {
        self.nodes[node.0 as usize].1
    }

    pub fn function(&self, function: FunctionIndex) -> &Function {
        &self.functions[function.0 as usize]
    }

    pub fn call(&self, node: NodeIndex) -> Option<&Call> {
        match self.node(node) {
            Node::Call(call) => Some(call),
            _ => None,
        }
    }

    pub fn literal(&self, node: NodeIndex) -> Option<&str> {
        match self.node(node) {
            Node::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Whether `node` is the first parameter of a method.
    pub fn receiver(&self, function: FunctionIndex, node: NodeIndex) -> Option<usize> {
        let Node::Name(name) = self.node(node) else { return None };
        let facts = self.function(function);
        // A function in a method sees the method's `self`.
        match facts.class {
            Some(class) if !facts.is_static && facts.params.first()?.name == *name => Some(class),
            Some(_) => None,
            None => self.receiver(facts.parent?, node),
        }
    }
}

/// Where a name's value may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaching {
    /// A value, and whether it is only added to what is there.
    Value(FunctionIndex, NodeIndex, bool),
    Parameter(FunctionIndex, usize),
}

impl Code {
    /// What the name at `at` may hold, innermost scope first; empty for names that nothing binds.
    pub fn reaching(&self, function: FunctionIndex, name: Name, at: TextRange) -> Vec<Reaching> {
        let mut found = Vec::new();
        let mut next = Some(function);
        while let Some(index) = next {
            let facts = self.function(index);
            let is_own = index == function;
            let scoped =
                facts.bindings_of(name).iter().filter(|it| it.scope.is_some_and(|scope| scope.contains_range(at)));
            if let Some(binding) = scoped.min_by_key(|it| it.scope.map(TextRange::len)) {
                return vec![Reaching::Value(index, binding.value, false)];
            }
            facts.reaching(index, name, is_own.then_some(at), &mut found);
            if !found.is_empty() || facts.binds(name) {
                break;
            }
            next = facts.parent;
        }
        found
    }
}

impl Function {
    fn bindings_of(&self, name: Name) -> &[Binding] {
        let bindings = self.bindings.get(&name).map_or(&[][..], |bindings| bindings);
        if bindings.len() > MAX_BINDINGS { &[] } else { bindings }
    }

    fn binds(&self, name: Name) -> bool {
        self.params.iter().any(|param| param.name == name) || self.bindings_of(name).iter().any(|it| it.scope.is_none())
    }

    /// At a place of the function's own code; elsewhere every value counts.
    fn reaching(&self, index: FunctionIndex, name: Name, at: Option<TextRange>, found: &mut Vec<Reaching>) {
        let bindings = || self.bindings_of(name).iter().filter(|it| it.scope.is_none());
        let param = self.params.iter().position(|param| param.name == name);
        let Some(at) = at.map(TextRange::start) else {
            found.extend(bindings().map(|it| Reaching::Value(index, it.value, it.is_addition)));
            found.extend(param.map(|param| Reaching::Parameter(index, param)));
            return;
        };
        let own = bindings().filter(|it| !it.is_addition).map(|it| (it.after, it.after, it.block));
        let joined = self.replaced.iter().filter(|it| it.name == name).map(|it| (it.from, it.after, it.block));
        // What was bound before `from` is gone after `after`, if `block` runs in between.
        let replacing: Vec<_> = own.chain(joined).filter(|(_, after, _)| *after <= at).collect();
        let is_gone = |bound: TextSize| {
            let runs = |block: &TextRange| block.contains_inclusive(at) || block.contains_inclusive(bound);
            replacing.iter().any(|(from, _, block)| bound < *from && runs(block))
                || self.ended.iter().any(|block| block.contains_inclusive(bound) && !block.contains(at))
        };
        // What follows in a loop comes round again, unless the name gets another value first.
        let comes_round = |bound: TextSize| {
            let mut loops = self.loops.iter().filter(|it| it.contains(at) && it.contains_inclusive(bound));
            let is_replaced = |it: &TextRange| {
                replacing.iter().any(|(from, _, block)| it.contains(*from) && block.contains_inclusive(at))
            };
            loops.any(|it| !is_replaced(it))
        };
        for binding in bindings() {
            if !is_gone(binding.after) && (binding.after <= at || comes_round(binding.after)) {
                found.push(Reaching::Value(index, binding.value, binding.is_addition));
            }
        }
        let is_replaced = replacing.iter().any(|(_, _, block)| block.contains_inclusive(at));
        found.extend(param.filter(|_| !is_replaced).map(|param| Reaching::Parameter(index, param)));
    }

    /// Whether a test has made sure what the name holds at `at`.
    pub fn is_guarded(&self, name: Name, at: TextRange) -> bool {
        self.guards.iter().any(|(guarded, range)| *guarded == name && range.contains_range(at))
    }
}
