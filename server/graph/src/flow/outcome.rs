//! What a solution says of call sites, and how it joins what linking says.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use super::nodes::{NodeId, Origin, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use crate::link::{CallLink, Edge, FurtherLink, Links};
use crate::modules::ModuleRef;
use crate::snapshot::Snapshot;
use crate::summary::{self, Expr, ExprIndex, Few, ImpliedKind, ImportIndex, Occurs, ScopeIndex, Summary, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{Confidence, EdgeKind, FileId, Name, SymbolId};

/// An edge that values flowing through the workspace make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlowEdge {
    pub origin: Origin,
    pub file: FileId,
    /// The target's [`SymbolFacts::path`](crate::summary::SymbolFacts).
    pub path: u64,
    pub kind: EdgeKind,
    /// Everything that reaches the place leads to a definition of the workspace.
    pub certain: bool,
}

/// The flow edges of one file, valid for every text with the same expressions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileFlow {
    pub fingerprint: u64,
    /// Sorted.
    pub edges: Vec<FlowEdge>,
}

/// The solution for a workspace.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// See [`Snapshot::flow_basis`].
    pub basis: u64,
    /// There would be more, but it would take too long to find.
    pub is_cut: bool,
    pub files: Vec<Option<Arc<FileFlow>>>,
}

impl Outcome {
    /// Whether values of `source` flow to definitions of one of `targets`.
    pub fn leads_into(&self, source: FileId, targets: &FxHashSet<FileId>) -> bool {
        let flow = self.files.get(source.index()).and_then(|flow| flow.as_ref());
        flow.is_some_and(|flow| flow.edges.iter().any(|edge| targets.contains(&edge.file)))
    }

    /// Whether values of `source` flow to one of these definitions of `target`, named by their paths.
    pub fn leads_to(&self, source: FileId, target: FileId, paths: &FxHashSet<u64>) -> bool {
        let flow = self.files.get(source.index()).and_then(|flow| flow.as_ref());
        flow.is_some_and(|flow| flow.edges.iter().any(|edge| edge.file == target && paths.contains(&edge.path)))
    }
}

/// A hash of what flow depends on in a summary: everything but places in the text.
pub(crate) fn fingerprint(summary: &Summary) -> u64 {
    let mut hasher = crate::name::hasher();
    summary.exprs.hash(&mut hasher);
    for binding in &summary.bindings {
        (binding.name, binding.scope, &binding.value).hash(&mut hasher);
    }
    for scope in &summary.scopes {
        (&scope.names, &scope.stars, scope.parent, scope.symbol).hash(&mut hasher);
    }
    for call in &summary.calls {
        (call.caller, call.callee, call.kind, &call.arguments).hash(&mut hasher);
    }
    for implied in &summary.implied {
        (implied.caller, implied.expr, implied.kind).hash(&mut hasher);
    }
    for store in &summary.stores {
        (store.caller, store.object, store.place, store.value).hash(&mut hasher);
    }
    for import in &summary.imports {
        (import.module, import.level, import.name, import.renamed).hash(&mut hasher);
    }
    for symbol in &summary.symbols {
        (symbol.path, symbol.flags, symbol.scope, symbol.decorated).hash(&mut hasher);
        for param in &symbol.params {
            (param.name, param.kind).hash(&mut hasher);
        }
        if let Some(function) = &symbol.function {
            (function.return_annotation, &function.returns, &function.yields, &function.guards).hash(&mut hasher);
        }
        if let Some(class) = &symbol.class {
            (&class.bases, class.metaclass, class.has_fields).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// What a solution finds before it is read.
#[derive(Default)]
pub(super) struct FoundEdges {
    /// Where edges start.
    pub sites: Vec<(FileId, Origin)>,
    pub edges: FxHashSet<(SiteId, Def, EdgeKind)>,
    /// Calls of reflected operators: they count where the left operand has no method of its own.
    pub reflected: Vec<(SiteId, Def, NodeId, Name)>,
}

pub(super) fn extract(mut solver: Solver<'_>) -> Outcome {
    let mut edges: Vec<Vec<FlowEdge>> = vec![Vec::new(); solver.snapshot.files.len()];
    let all: Vec<(SiteId, Def, EdgeKind)> = solver.found.edges.iter().copied().collect();
    for (site, target, kind) in all {
        let (file, origin) = solver.found.sites[site.0 as usize];
        if !is_wide(&mut solver, file, origin) {
            let certain = is_certain(&mut solver, file, origin);
            edges[file.index()].push(edge(&solver, origin, target, kind, certain));
        }
    }
    for (site, target, left, method) in std::mem::take(&mut solver.found.reflected) {
        let objects = solver.nodes.objects(left).to_vec();
        let decides = objects.into_iter().any(|object| match solver.objects.get(object) {
            Object::Instance(class) => solver.defines(class, method),
            _ => false,
        });
        if !decides && site != SiteId::NONE {
            let (file, origin) = solver.found.sites[site.0 as usize];
            edges[file.index()].push(edge(&solver, origin, target, EdgeKind::Operator, false));
        }
    }
    let mut known = Getters::default();
    for file in solver.files() {
        read_attributes(&mut solver, file, &mut known, &mut edges[file.index()]);
        read_imports(&mut solver, file, &mut edges[file.index()]);
    }
    let files = edges.into_iter().enumerate().map(|(index, mut edges)| {
        let facts = solver.snapshot.facts(FileId(index as u32))?;
        edges.sort_unstable();
        edges.dedup();
        edges.shrink_to_fit();
        Some(Arc::new(FileFlow { fingerprint: facts.fingerprint, edges }))
    });
    Outcome { basis: solver.snapshot.flow_basis(), is_cut: !solver.is_complete(), files: files.collect() }
}

/// Whether so many values reach a call that naming some of them would mislead.
fn is_wide(solver: &mut Solver<'_>, file: FileId, origin: Origin) -> bool {
    let Origin::Call(call) = origin else { return false };
    let callee = solver.summary(file).calls[call as usize].callee;
    let callee = solver.expr(file, callee);
    solver.nodes.is_wide(callee)
}

/// Whether nothing reaches a place that is not of the workspace: else its edges are some of several possibilities.
fn is_certain(solver: &mut Solver<'_>, file: FileId, origin: Origin) -> bool {
    let summary = solver.summary(file);
    let operand = match origin {
        Origin::Call(call) => summary.calls[call as usize].callee,
        Origin::Store(store) => summary.stores[store as usize].object,
        Origin::Implied(implied) => {
            let summary::ImpliedFacts { expr: value, kind, .. } = summary.implied[implied as usize];
            match *summary.expr(value) {
                _ if matches!(kind, ImpliedKind::Format | ImpliedKind::Truth) => value,
                Expr::Element(operand)
                | Expr::Next(operand)
                | Expr::Entered(operand)
                | Expr::Awaited(operand)
                | Expr::Item { value: operand, .. }
                | Expr::Slice { value: operand, .. }
                | Expr::Unpacked { value: operand, .. }
                | Expr::Rest { value: operand, .. }
                | Expr::Unary { value: operand, .. }
                | Expr::Binary { left: operand, .. } => operand,
                _ => value,
            }
        }
        _ => return true,
    };
    let operand = solver.expr(file, operand);
    let is_call = matches!(origin, Origin::Call(_));
    let is_known = |&object: &ObjectId| match solver.objects.get(object) {
        Object::Unknown => false,
        // Numbers and texts have operators, but cannot be called.
        Object::Instance(_) | Object::Class(_) | Object::Modelled(_) => true,
        _ => is_call,
    };
    solver.nodes.objects(operand).iter().all(is_known)
}

fn edge(solver: &Solver<'_>, origin: Origin, target: Def, kind: EdgeKind, certain: bool) -> FlowEdge {
    let file = target.unit.file;
    FlowEdge { origin, file, path: solver.summary(file).symbol(target.symbol).path, kind, certain }
}

/// What runs when an attribute is read of what a node holds, and whether that is all that is read.
type Getters = FxHashMap<(NodeId, Name), (Vec<Def>, bool)>;

fn getters(solver: &Solver<'_>, receiver: NodeId, name: Name) -> (Vec<Def>, bool) {
    let (mut found, mut certain) = (Vec::new(), true);
    for &object in solver.nodes.objects(receiver) {
        let before = found.len();
        let read = match solver.objects.get(object) {
            Object::Instance(class) => Place::InstanceRead(class, name),
            Object::Class(class) => Place::ClassRead(class, name),
            Object::Super { class, receiver } => Place::SuperRead(class, receiver, name),
            Object::Module(file) => Place::Variable(file, ScopeIndex::MODULE, name),
            _ => {
                certain = false;
                continue;
            }
        };
        if let Some(read) = solver.nodes.known_place(read) {
            for &node in solver.getters.made(read) {
                for &object in solver.nodes.objects(node) {
                    if let Object::Function(getter) | Object::Bound { function: getter, .. } =
                        solver.objects.get(object)
                    {
                        found.push(getter);
                    }
                }
            }
            found.extend_from_slice(solver.getters.functions(read));
        }
        certain &= found.len() > before;
    }
    (found, certain)
}

/// Properties and descriptors that run where an attribute is read.
fn read_attributes(solver: &mut Solver<'_>, file: FileId, known: &mut Getters, edges: &mut Vec<FlowEdge>) {
    let stores = &solver.summary(file).stores;
    let deleted = stores.iter().filter(|store| store.value.is_none()).map(|store| (store.object, store.place));
    let deleted: FxHashSet<_> = deleted.collect();
    for (index, expr) in solver.summary(file).exprs.iter().enumerate() {
        let Expr::Attribute { value, name } = expr else { continue };
        if !solver.getters.has(*name) || deleted.contains(&(*value, summary::Place::Attribute(*name))) {
            continue;
        }
        let receiver = solver.expr(file, *value);
        let (found, certain) = known.entry((receiver, *name)).or_insert_with(|| getters(solver, receiver, *name));
        let origin = Origin::Attribute(ExprIndex(index as u32));
        edges.extend(found.iter().map(|&getter| edge(solver, origin, getter, EdgeKind::Property, *certain)));
    }
}

/// The `__getattr__` of modules that `from module import name` asks.
fn read_imports(solver: &mut Solver<'_>, file: FileId, edges: &mut Vec<FlowEdge>) {
    for (index, import) in solver.summary(file).imports.iter().enumerate() {
        let Some(name) = import.name.filter(|name| solver.getters.has(*name)) else { continue };
        let module = solver.evaluator.import_candidates(Unit::live(file), ImportIndex(index as u32));
        let Some(ModuleRef::File(module)) = module else { continue };
        let read = solver.place(Place::Variable(module, ScopeIndex::MODULE, name));
        for &getter in solver.getters.functions(read) {
            edges.push(edge(solver, Origin::Import(index as u32), getter, EdgeKind::Property, true));
        }
    }
}

/// A file's links joined with the flow of values. Where flow knows what is called it decides; what linking is sure of as
/// well stays exact. `None` where flow has nothing to say, or not of this text.
pub(crate) fn merge(snapshot: &Snapshot, file: FileId, structure: &Links) -> Option<Links> {
    let facts = snapshot.facts(file)?;
    let flow = snapshot.flow.files.get(file.index())?.as_ref()?;
    if flow.fingerprint != facts.fingerprint || flow.edges.is_empty() {
        return None;
    }
    let mut links = structure.clone();
    let places = Places::new(&facts.summary, &flow.edges);
    let target = |edge: &FlowEdge| {
        let slot = snapshot.facts(edge.file)?.slots.of_path(edge.path)?;
        Some(SymbolId { file: edge.file, slot })
    };
    for edges in flow.edges.chunk_by(|one, other| one.origin == other.origin) {
        let mut found: Vec<(SymbolId, EdgeKind)> =
            edges.iter().filter_map(|edge| Some((target(edge)?, edge.kind))).collect();
        // Not in the order in which files and definitions became known.
        found.sort_unstable_by_key(|(target, kind)| {
            (snapshot.rank_of(target.file), *kind, snapshot.def(*target).map(|def| def.symbol))
        });
        let (called, further): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, kind)| is_of_callee(*kind));
        let certain = edges.iter().all(|edge| edge.certain);
        let confidence = if further.len() > 1 || !certain { Confidence::Possible } else { Confidence::Inferred };
        let origin = edges[0].origin;
        if let Some((caller, range)) = places.place(origin) {
            let link = |(target, kind)| FurtherLink { caller, range, target, kind, confidence };
            links.further.extend(further.into_iter().map(link));
        }
        if let (Origin::Call(call), false) = (origin, called.is_empty()) {
            let link = &mut links.calls[call as usize];
            let is_direct = !is_element(&facts.summary, facts.summary.calls[call as usize].callee);
            *link = CallLink::Edges(join(snapshot, link, &called, is_direct, certain));
        }
    }
    links.index(file);
    Some(links)
}

/// Where the edges of a file start.
pub(super) struct Places<'a> {
    summary: &'a Summary,
    /// The names of attributes that are read, where any edge starts at one.
    attributes: FxHashMap<ExprIndex, TextRange>,
}

impl<'a> Places<'a> {
    pub fn new(summary: &'a Summary, edges: &[FlowEdge]) -> Self {
        let mut attributes = FxHashMap::default();
        let read: FxHashSet<ExprIndex> = edges
            .iter()
            .filter_map(|edge| match edge.origin {
                Origin::Attribute(expr) => Some(expr),
                _ => None,
            })
            .collect();
        if !read.is_empty() {
            attributes.extend(summary.occurrences.iter().filter_map(|occurrence| match occurrence.what() {
                Occurs::Load(expr) if read.contains(&expr) => Some((expr, occurrence.range)),
                _ => None,
            }));
        }
        Places { summary, attributes }
    }

    /// Whose code an edge starts in, and where.
    pub fn place(&self, origin: Origin) -> Option<(SymbolIndex, TextRange)> {
        let summary = self.summary;
        match origin {
            Origin::Call(call) => summary.calls.get(call as usize).map(|call| (call.caller, call.range)),
            Origin::Implied(implied) => summary.implied.get(implied as usize).map(|it| (it.caller, it.range)),
            Origin::Store(store) => summary.stores.get(store as usize).map(|store| (store.caller, store.range)),
            Origin::Class(class) => {
                let class = summary.symbols.get(class as usize)?;
                Some((class.parent?, class.name_range))
            }
            Origin::Import(import) => {
                let range = summary.imports.get(import as usize)?.range;
                let functions = summary.symbols.iter().enumerate().rev();
                let mut around =
                    functions.filter(|(_, symbol)| symbol.body.is_some_and(|body| body.contains_range(range)));
                Some((around.next().map_or(SymbolIndex::MODULE, |(index, _)| SymbolIndex(index as u32)), range))
            }
            Origin::Attribute(expr) => {
                let range = *self.attributes.get(&expr)?;
                Some((summary.owner(expr), range))
            }
        }
    }
}

/// Kinds of edges whose target is what the written callee is.
fn is_of_callee(kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Call | EdgeKind::Constructor | EdgeKind::Decorator | EdgeKind::Raise)
}

/// Whether what is called, or whose method it is, comes out of a container.
fn is_element(summary: &Summary, callee: ExprIndex) -> bool {
    match *summary.expr(callee) {
        Expr::Attribute { value, .. } | Expr::Recent { place: value, .. } => is_element(summary, value),
        Expr::Item { .. } | Expr::Slice { .. } | Expr::Element(_) | Expr::Next(_) => true,
        _ => false,
    }
}

fn join(
    snapshot: &Snapshot,
    link: &CallLink,
    found: &[(SymbolId, EdgeKind)],
    is_direct: bool,
    certain: bool,
) -> Few<Edge> {
    let before = match link {
        CallLink::Edges(edges) => &edges[..],
        _ => &[],
    };
    // Where there are others, what runs is not a method that only says what others must have.
    let has_code = |target: SymbolId| {
        let def = snapshot.def(target);
        def.is_none_or(|def| !crate::link::is_bodiless(snapshot.world().summary(def.unit), def.symbol))
    };
    let any_code = found.iter().any(|(target, kind)| has_code(*target) && !is_implied(snapshot, *target, *kind));
    let found: Vec<_> = found.iter().copied().filter(|(target, _)| !any_code || has_code(*target)).collect();
    // Linking knows one target, and another outside the workspace.
    let or_outside = matches!(before, [edge] if edge.confidence == Confidence::Possible);
    // What linking infers as well need not be doubted.
    let is_doubtful = |target: SymbolId| !certain && !matches!(before, [edge, ..] if edge.target == target);
    let count = found.iter().filter(|(target, kind)| !is_implied(snapshot, *target, *kind)).count();
    let edge = |&(target, kind): &(SymbolId, EdgeKind)| {
        let implied = is_implied(snapshot, target, kind);
        let is_exact =
            is_direct && before.iter().any(|edge| edge.target == target && edge.confidence == Confidence::Exact);
        let confidence = match is_exact && !implied {
            _ if count > 1 || is_doubtful(target) && !implied => Confidence::Possible,
            _ if or_outside && before[0].target == target => Confidence::Possible,
            true => Confidence::Exact,
            false => Confidence::Inferred,
        };
        Edge { target, confidence, implied, kind }
    };
    let edges: Vec<Edge> = found.iter().map(edge).collect();
    edges[..].into()
}

/// The methods that run when a class is called.
fn is_implied(snapshot: &Snapshot, target: SymbolId, kind: EdgeKind) -> bool {
    kind == EdgeKind::Constructor
        && snapshot.def(target).is_some_and(|def| snapshot.world().summary(def.unit).symbol(def.symbol).class.is_none())
}
