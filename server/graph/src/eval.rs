//! Evaluates symbolic expressions across files.
//!
//! Every question another one may ask again is a [`Query`] with a remembered answer. Answers depend on each other in
//! cycles (recursive functions, mutually importing modules); such a cycle is iterated from nothing until its answers stop
//! growing, and none of them is remembered before that. So an answer never depends on which question was asked first,
//! and the graph not on the number of threads.

mod attribute;
mod calls;
mod class;
mod definition;
mod generic;
mod names;
mod narrowing;
mod overloads;
mod parameters;
mod stubs;

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::modules::Modules;
use crate::snapshot::FileFacts;
use crate::summary::{BindingIndex, BindingValue, Expr, ExprIndex, Item, Key, Summary, item_key};
use crate::types::{Def, Typed, Types, Unit, Value};
use crate::{FileId, Name};

pub(crate) use class::Mro;
pub(crate) use definition::Referent;
use generic::instances;
pub use names::built_in_names;
pub(crate) use names::is_builtin;
pub(crate) use narrowing::plain_method;

/// Iterations of a cycle. Real code settles in two or three; the bound is for code that was written to have no fixpoint.
const MAX_ITERATIONS: u32 = 12;

/// Nesting of queries. Deeper chains are generated code; they are cut as if they were a cycle.
const MAX_DEPTH: usize = 600;

/// All files and their names: what evaluation may look at.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub files: &'a [Option<std::sync::Arc<FileFacts>>],
    pub modules: &'a Modules,
}

impl<'a> World<'a> {
    pub fn file(&self, file: FileId) -> Option<&'a FileFacts> {
        self.files.get(file.index())?.as_deref()
    }

    pub fn summary(&self, unit: Unit) -> &'a Summary {
        let facts = self.file(unit.file);
        let summary = match unit.retained {
            false => facts.map(|facts| &*facts.summary),
            true => facts.and_then(|facts| facts.retained.as_ref()).map(|retained| &*retained.summary),
        };
        // Only reached with a unit of a file that was removed while links to it are being replaced.
        summary.unwrap_or_else(|| crate::snapshot::empty_summary())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Query {
    Binding(Unit, BindingIndex),
    /// What a name means for other modules.
    Member(FileId, Name),
    /// What a call returns; with the class of the receiver for methods.
    Return(Def, Option<Def>),
    Bases(Def),
    /// What methods assign to an attribute.
    InstanceAttribute(Def, Name),
}

/// The number of a query of one evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct QueryId(u32);

impl QueryId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dependency {
    Item(u64),
    Query(QueryId),
}

#[derive(Debug)]
struct Answer {
    types: Types,
    dependencies: Box<[Dependency]>,
}

impl Answer {
    fn new(types: Types, mut dependencies: Vec<Dependency>) -> Self {
        dependencies.sort_unstable();
        dependencies.dedup();
        Answer { types, dependencies: dependencies.as_slice().into() }
    }
}

/// A question being answered.
struct Frame {
    query: QueryId,
    /// The lowest frame whose unfinished answer was used.
    low: usize,
    dependencies: Vec<Dependency>,
    /// Length of [`Evaluator::unsettled`] when the frame was opened.
    unsettled: usize,
}

/// The answer of a question that is part of an unfinished cycle.
struct Provisional {
    types: Types,
    dependencies: Vec<Dependency>,
    /// Valid in this iteration; the frame it waits for.
    low: Option<usize>,
}

/// Evaluates against one [`World`], remembering answers. For one thread and one revision.
pub(crate) struct Evaluator<'a> {
    pub world: World<'a>,
    /// Every query that was ever asked.
    ids: FxHashMap<Query, QueryId>,
    /// By the queries' numbers; `None` until they are settled.
    answers: Vec<Option<Answer>>,
    /// Each rests on [`Query::Bases`] of its class.
    mros: FxHashMap<Def, Rc<Mro>>,
    frames: Vec<Frame>,
    open: FxHashMap<QueryId, usize>,
    provisional: FxHashMap<QueryId, Provisional>,
    /// The provisional queries, in the order in which they were finished.
    unsettled: Vec<QueryId>,
    changed: bool,
    /// Dependencies of what is evaluated outside any query.
    outer: Vec<Dependency>,
    /// How often they were taken, and for each query when its own last were.
    taken: u32,
    taken_in: Vec<u32>,
    /// The members of modules that a search for referents has come by: between modules that import `*` from each other the
    /// number of ways has no bound.
    walked: FxHashMap<(FileId, Name), definition::Referents>,
    /// What joins of bindings lead to.
    leaves: FxHashMap<(Unit, BindingIndex), Rc<[BindingIndex]>>,
}

impl<'a> Evaluator<'a> {
    pub fn new(world: World<'a>) -> Self {
        Evaluator {
            world,
            ids: FxHashMap::default(),
            answers: Vec::new(),
            mros: FxHashMap::default(),
            frames: Vec::new(),
            open: FxHashMap::default(),
            provisional: FxHashMap::default(),
            unsettled: Vec::new(),
            changed: false,
            outer: Vec::new(),
            taken: 0,
            taken_in: Vec::new(),
            walked: FxHashMap::default(),
            leaves: FxHashMap::default(),
        }
    }

    /// The keys of everything that was looked up since the last call, in any file; sorted.
    pub fn take_dependencies(&mut self) -> Vec<u64> {
        let mut pending = std::mem::take(&mut self.outer);
        let mut items = Vec::new();
        self.taken += 1;
        self.taken_in.resize(self.answers.len(), 0);
        while let Some(dependency) = pending.pop() {
            match dependency {
                Dependency::Item(key) => items.push(key),
                Dependency::Query(query) => {
                    if std::mem::replace(&mut self.taken_in[query.index()], self.taken) != self.taken
                        && let Some(answer) = &self.answers[query.index()]
                    {
                        pending.extend_from_slice(&answer.dependencies);
                    }
                }
            }
        }
        items.sort_unstable();
        items.dedup();
        items
    }

    fn depends(&mut self, dependency: Dependency) {
        match self.frames.last_mut() {
            Some(frame) => frame.dependencies.push(dependency),
            None => self.outer.push(dependency),
        }
    }

    /// Notes that `item` of `file` was looked up, whether it was found or not.
    pub(super) fn looked_up(&mut self, file: FileId, item: Item) {
        self.depends(Dependency::Item(file_item(file, item_key(item))));
    }

    /// Notes that it mattered whether a module of this name exists.
    pub(super) fn looked_up_module(&mut self, name: &str) {
        self.depends(Dependency::Item(module_item(name)));
    }

    fn ask(&mut self, query: Query) -> Types {
        let id = self.id(query);
        self.depends(Dependency::Query(id));
        if let Some(answer) = &self.answers[id.index()] {
            return answer.types.clone();
        }
        if let Some(&depth) = self.open.get(&id) {
            self.waits_for(depth);
            return self.provisional.get(&id).map(|provisional| provisional.types.clone()).unwrap_or_default();
        }
        if let Some(Provisional { types, low: Some(low), .. }) = self.provisional.get(&id) {
            let (types, low) = (types.clone(), *low);
            self.waits_for(low);
            return types;
        }
        if self.frames.len() >= MAX_DEPTH {
            self.waits_for(0);
            return Types::none();
        }
        self.answer(query, id)
    }

    fn id(&mut self, query: Query) -> QueryId {
        let next = QueryId(self.answers.len() as u32);
        let id = *self.ids.entry(query).or_insert(next);
        if id == next {
            self.answers.push(None);
        }
        id
    }

    fn waits_for(&mut self, depth: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.low = frame.low.min(depth);
        }
    }

    fn answer(&mut self, query: Query, id: QueryId) -> Types {
        let depth = self.frames.len();
        self.open.insert(id, depth);
        let mut iterations = 0;
        let outer_changed = std::mem::take(&mut self.changed);
        loop {
            let unsettled = self.unsettled.len();
            self.frames.push(Frame { query: id, low: usize::MAX, dependencies: Vec::new(), unsettled });
            let types = self.compute(query);
            let Some(frame) = self.frames.pop() else { return types };
            if frame.low == usize::MAX {
                self.open.remove(&id);
                self.provisional.remove(&id);
                self.answers[id.index()] = Some(Answer::new(types.clone(), frame.dependencies));
                self.changed = outer_changed;
                return types;
            }
            let before = self.provisional.get(&id).map(|provisional| &provisional.types);
            self.changed |= before.map_or(!types.is_empty(), |before| *before != types);
            let low = (frame.low < depth).then_some(frame.low);
            let provisional = Provisional { types: types.clone(), dependencies: frame.dependencies, low };
            self.provisional.insert(id, provisional);
            if frame.low < depth {
                // Part of a cycle that began further down; it will be asked again from there, and so will all that
                // waited for this frame, whose number another one may get.
                for query in &self.unsettled[frame.unsettled..] {
                    if let Some(provisional) = self.provisional.get_mut(query) {
                        provisional.low = provisional.low.map(|low| low.min(frame.low));
                    }
                }
                self.open.remove(&id);
                self.unsettled.push(frame.query);
                self.waits_for(frame.low);
                self.changed |= outer_changed;
                return types;
            }
            iterations += 1;
            if !self.changed || iterations >= MAX_ITERATIONS {
                self.open.remove(&id);
                self.finish_cycle(id, frame.unsettled);
                self.changed = outer_changed;
                return types;
            }
            self.changed = false;
            self.begin_iteration(frame.unsettled);
        }
    }

    /// The answers of a finished cycle stand.
    fn finish_cycle(&mut self, head: QueryId, from: usize) {
        let mut settled: Vec<QueryId> = self.unsettled.drain(from..).collect();
        settled.push(head);
        for query in settled {
            if let Some(Provisional { types, dependencies, .. }) = self.provisional.remove(&query) {
                self.answers[query.index()] = Some(Answer::new(types, dependencies));
            }
        }
    }

    /// Keeps the cycle's answers as a start, but computes each again.
    fn begin_iteration(&mut self, from: usize) {
        for query in self.unsettled.drain(from..) {
            if let Some(provisional) = self.provisional.get_mut(&query) {
                provisional.low = None;
            }
        }
    }

    fn compute(&mut self, query: Query) -> Types {
        match query {
            Query::Binding(unit, binding) => self.compute_binding(unit, binding),
            Query::Member(file, name) => self.compute_member(file, name),
            Query::Return(function, receiver) => self.compute_return(function, receiver),
            Query::Bases(class) => self.compute_bases(class),
            Query::InstanceAttribute(class, name) => self.compute_instance_attribute(class, name),
        }
    }

    // ---- bindings and expressions

    pub fn bindings(&mut self, unit: Unit, bindings: &[BindingIndex]) -> Types {
        let mut types = Types::none();
        for &binding in bindings {
            types.extend(self.binding(unit, binding));
        }
        types
    }

    pub fn binding(&mut self, unit: Unit, binding: BindingIndex) -> Types {
        let facts = self.world.summary(unit).binding(binding);
        match &facts.value {
            // Cheaper to build than to remember.
            BindingValue::Definition(symbol) => {
                self.note_binding(unit, binding);
                self.definition(Def { unit, symbol: *symbol })
            }
            _ => self.ask(Query::Binding(unit, binding)),
        }
    }

    /// A definition as a value. Decorators other than the well-known ones may replace it, so it is only inferred then.
    fn definition(&mut self, def: Def) -> Types {
        let def = self.of_source(def);
        let symbol = self.world.summary(def.unit).symbol(def.symbol);
        let value = if symbol.class.is_some() { Value::Class(def) } else { Value::Function(def) };
        let types = Types::one(value);
        if symbol.flags.is_decorated && symbol.class.is_none() { types.inferred() } else { types }
    }

    fn note_binding(&mut self, unit: Unit, binding: BindingIndex) {
        let summary = self.world.summary(unit);
        let facts = summary.binding(binding);
        let scope = summary.scope(facts.scope);
        let owner = summary.symbol(scope.symbol).path;
        self.looked_up(unit.file, Item::Name { owner, name: facts.name });
    }

    fn compute_binding(&mut self, unit: Unit, binding: BindingIndex) -> Types {
        self.note_binding(unit, binding);
        let summary = self.world.summary(unit);
        let facts = summary.binding(binding);
        match &facts.value {
            BindingValue::Definition(symbol) => self.definition(Def { unit, symbol: *symbol }),
            BindingValue::Import(import) => self.import(unit, *import),
            BindingValue::Value(value) => self.eval(unit, *value).inferred(),
            BindingValue::Parameter { position, annotation, default } => {
                let function = Def { unit, symbol: summary.scope(facts.scope).symbol };
                self.parameter(function, *position, *annotation, *default)
            }
            BindingValue::Join(inputs) => self.bindings(unit, inputs),
            BindingValue::Narrowed { inputs, by } => {
                let values = self.bindings(unit, inputs);
                self.narrowed(unit, values, inputs, *by)
            }
        }
    }

    pub fn eval(&mut self, unit: Unit, expr: ExprIndex) -> Types {
        let summary = self.world.summary(unit);
        match summary.expr(expr) {
            Expr::Local(bindings) => self.bindings(unit, bindings),
            Expr::Free { scope, name } => match self.star_before(unit, expr, *scope, *name) {
                Some(star) => self.member(star, *name),
                None => self.free(unit, *scope, *name),
            },
            Expr::Attribute { value, name } => {
                let receivers = self.eval(unit, *value);
                self.attribute(&receivers, *name)
            }
            Expr::Call(call) => {
                let callees = self.eval(unit, summary.call(*call).callee);
                self.call(&callees, Some((unit, *call)))
            }
            Expr::Super(class) => Types::one(Value::Super(Def { unit, symbol: *class })),
            Expr::SuperOf { class, .. } => {
                let classes = self.eval(unit, *class);
                map(&classes, |value| match value {
                    Value::Class(class) => Some(Value::Super(*class)),
                    Value::External(_) => Some(value.clone()),
                    _ => None,
                })
            }
            Expr::TypeVariable(_) => Types::one(Value::TypeVariable(unit, expr)),
            Expr::Returning(result) => Types::one(Value::Returns(self.eval(unit, *result).nested())),
            Expr::MatchArgument { value, class, position } => {
                self.match_argument(unit, *value, *class, *position).inferred()
            }
            Expr::SelfInstance(class) => {
                let class = self.of_source(Def { unit, symbol: *class });
                Types::one(Value::Instance(class))
            }
            Expr::ClassOf(value) => {
                let values = self.eval(unit, *value);
                map(&values, |value| match value {
                    Value::Instance(class) | Value::Class(class) => Some(Value::Class(*class)),
                    other => Some(other.clone()),
                })
            }
            Expr::InstanceOf(class) => {
                let classes = self.eval(unit, *class);
                instances(&classes).inferred()
            }
            Expr::Caught(caught) => {
                let classes = self.eval(unit, caught.class);
                instances(&classes).inferred()
            }
            Expr::Element(value) => {
                let values = self.eval(unit, *value);
                self.element(&values).inferred()
            }
            Expr::Next(value) => {
                let values = self.eval(unit, *value);
                self.next(&values).inferred()
            }
            Expr::Item { value, key } => {
                let values = self.eval(unit, *value);
                self.item(&values, *key)
            }
            Expr::Final(_) | Expr::Sent(_) => Types::none(),
            Expr::Recent { place, .. } => self.eval(unit, *place),
            Expr::Slice { value, .. } => {
                let values = self.eval(unit, *value);
                self.slice(&values)
            }
            Expr::Unpacked { value, index } => {
                let values = self.eval(unit, *value);
                self.unpacked(&values, *index).inferred()
            }
            Expr::Rest { value, .. } => {
                let values = self.eval(unit, *value);
                Types::one(Value::Sequence(self.element(&values).nested()))
            }
            Expr::Unary { method, value } => {
                let values = self.eval(unit, *value);
                self.operated(&values, *method)
            }
            Expr::Binary { method, left, right } => self.binary(unit, *method, *left, *right),
            Expr::Awaited(value) => self.eval(unit, *value),
            Expr::Entered(value) => {
                let values = self.eval(unit, *value);
                self.entered(&values).inferred()
            }
            Expr::Union(parts) => self.union(unit, parts),
            Expr::OrElse(first, second) => {
                let types = self.eval(unit, *first);
                if types.is_empty() { self.eval(unit, *second) } else { types }
            }
            Expr::Sequence(element) => Types::one(Value::Sequence(self.eval(unit, *element).nested())),
            Expr::Mapping(value) => Types::one(Value::Mapping(self.eval(unit, *value).nested())),
            Expr::Tuple(parts) => {
                let parts = parts.iter().map(|&part| self.eval(unit, part).nested()).collect();
                Types::one(Value::Tuple(parts))
            }
            Expr::List(parts) => Types::one(Value::Sequence(self.union(unit, parts).nested())),
            Expr::Dict(items) => {
                let mut values = Types::none();
                for (_, value) in items.iter() {
                    values.extend(self.eval(unit, *value));
                }
                Types::one(Value::Mapping(values.nested()))
            }
            Expr::Definition(symbol) => {
                let def = Def { unit, symbol: *symbol };
                let is_class = summary.symbol(*symbol).class.is_some();
                Types::one(if is_class { Value::Class(def) } else { Value::Function(def) })
            }
            Expr::Constant(Key::Index(_)) => Types::one(Value::Builtin(Name::new("int"))),
            Expr::Constant(_) | Expr::Format { .. } => Types::one(Value::Builtin(Name::new("str"))),
            Expr::Builtin(name) => Types::one(Value::Builtin(*name)),
            Expr::Unknown => Types::none(),
        }
    }

    fn union(&mut self, unit: Unit, parts: &[ExprIndex]) -> Types {
        let mut types = Types::none();
        for &part in parts {
            types.extend(self.eval(unit, part));
        }
        types
    }
}

/// So many bits of a key say which file it is about; the others, which item of it. Where two items have the same, one file too many is
/// linked again.
const FILE_BITS: u32 = 24;

/// In the place of a file.
const OF_MODULES: u64 = (1 << FILE_BITS) - 1;

fn key(of: u64, item: u64) -> u64 {
    of << (u64::BITS - FILE_BITS) | item.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> FILE_BITS
}

/// The key of an item of a certain file.
pub(crate) fn file_item(file: FileId, item: u64) -> u64 {
    key(u64::from(file.0), item)
}

/// The files that keys are about; `None` where one is not about a file. The keys are sorted, and so are the files.
pub(crate) fn files_of_keys(keys: &[u64]) -> Vec<Option<FileId>> {
    let of = keys.iter().map(|key| key >> (u64::BITS - FILE_BITS));
    let mut files: Vec<_> = of.map(|of| (of != OF_MODULES).then_some(FileId(of as u32))).collect();
    files.dedup();
    files
}

/// The key of "is there a module of this name".
pub(crate) fn module_item(name: &str) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = crate::name::hasher();
    name.hash(&mut hasher);
    key(OF_MODULES, hasher.finish())
}

/// Maps values one to one, keeping how they were found.
fn map(types: &Types, change: impl Fn(&Value) -> Option<Value>) -> Types {
    types.iter().filter_map(|typed| Some(Typed { value: change(&typed.value)?, inferred: typed.inferred })).collect()
}
