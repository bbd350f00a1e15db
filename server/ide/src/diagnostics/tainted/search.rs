//! Backwards from a dangerous call, through callers, to where data comes in.

use std::rc::Rc;

use graph::{Confidence, EdgeKind, FileId, ParamKind};
use rustc_hash::FxHashMap;
use syntax::TextRange;

use super::code::{Call, FunctionIndex, Node, NodeIndex};
use super::entries::Given;
use super::program::{File, Program};
use super::sinks::{Kind, Part, Sink};
use super::sources::Source;
use super::trace::{Origin, trace};
use crate::diagnostics::unused::is_test;

/// Calls between the dangerous one and the source.
const MAX_CALLS: u32 = 8;

/// Values that are looked at for one dangerous call.
const MAX_STEPS: usize = 500;

/// Call sites of one function that are looked at.
const MAX_SITES: usize = 100;

/// Where one of several things was taken more than so often, the way is a guess.
const MAX_DOUBTS: u32 = 1;

/// How sure a path is. Surer ones come first in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sureness {
    High,
    Medium,
    Low,
}

impl Sureness {
    pub fn as_str(self) -> &'static str {
        match self {
            Sureness::High => "high",
            Sureness::Medium => "medium",
            Sureness::Low => "low",
        }
    }
}

impl From<Confidence> for Sureness {
    fn from(confidence: Confidence) -> Self {
        match confidence {
            Confidence::Exact => Sureness::High,
            Confidence::Inferred => Sureness::Medium,
            Confidence::Possible => Sureness::Low,
        }
    }
}

/// A place that the data goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub file: FileId,
    pub range: TextRange,
    pub message: String,
}

/// How data from outside gets to a dangerous call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub sureness: Sureness,
    pub what: String,
    /// From where the data comes in.
    pub hops: Vec<Hop>,
}

/// A value on the way.
struct Step<'a> {
    file: Rc<File<'a>>,
    function: FunctionIndex,
    node: NodeIndex,
    part: Part,
    sureness: Sureness,
    /// How often one of several targets or arguments was taken.
    doubts: u32,
    calls: u32,
    /// How it goes on to the next value, and which that is.
    hop: Option<(Hop, usize)>,
    /// The call whose result is looked at.
    within: Option<Within<'a>>,
}

#[derive(Clone)]
struct Within<'a> {
    file: Rc<File<'a>>,
    caller: FunctionIndex,
    call: NodeIndex,
    callee: FunctionIndex,
    sureness: Sureness,
}

/// An argument for a parameter.
struct Bound {
    node: NodeIndex,
    part: Part,
    sureness: Sureness,
}

/// The surest path from outside to a dangerous call of `function`, the shortest among those.
pub(super) fn search<'a>(
    program: &mut Program<'a>,
    file: &Rc<File<'a>>,
    function: FunctionIndex,
    sink: &Sink,
) -> Option<Path> {
    let mut search = Search { program, kind: sink.kind, steps: Vec::new(), known: FxHashMap::default(), best: None };
    for &(node, part) in &sink.inputs {
        let (file, sureness) = (file.clone(), Sureness::High);
        search.steps.push(Step { file, function, node, part, sureness, doubts: 0, calls: 0, hop: None, within: None });
    }
    let mut next = 0;
    while next < search.steps.len().min(MAX_STEPS) {
        search.step(next);
        next += 1;
    }
    search.best
}

struct Search<'p, 'a> {
    program: &'p mut Program<'a>,
    kind: Kind,
    /// In the order in which they were met: fewer calls first.
    steps: Vec<Step<'a>>,
    /// Parameters and attributes that were met, and how surely.
    known: FxHashMap<(FileId, Met, Part), Sureness>,
    best: Option<Path>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Met {
    Parameter(FunctionIndex, usize),
    Attribute(usize, graph::Name),
}

impl<'a> Search<'_, 'a> {
    fn step(&mut self, index: usize) {
        let step = &self.steps[index];
        let (file, function) = (step.file.clone(), step.function);
        let (flows, looked_at) = trace(&file, function, step.node, step.part);
        self.program.looked_at += looked_at;
        for flow in flows {
            let loose = if flow.is_loose { Sureness::Medium } else { Sureness::High };
            let sureness = self.steps[index].sureness.max(loose);
            match flow.origin {
                Origin::Source(ref source, range) => self.found(index, source, range, sureness),
                Origin::Parameter(function, param, at) => {
                    self.parameter(index, function, param, at, flow.part, sureness);
                }
                Origin::Attribute(class, name) => self.attribute(index, class, name, flow.part, sureness),
                Origin::Result(function, call) => self.result(index, function, call, flow.part, sureness),
            }
        }
    }

    /// Whether something is met for the first time, or more surely than before.
    fn is_news(&mut self, file: FileId, met: Met, part: Part, sureness: Sureness) -> bool {
        let known = self.known.get(&(file, met, part));
        let is_news = known.is_none_or(|known| sureness < *known);
        if is_news {
            self.known.insert((file, met, part), sureness);
        }
        is_news
    }

    fn found(&mut self, index: usize, source: &Source, range: TextRange, sureness: Sureness) {
        let own = match self.kind {
            Kind::Code | Kind::Pickle | Kind::Shell => Some(Sureness::Medium),
            Kind::Sql | Kind::Template => Some(Sureness::Low),
            // Whoever starts a program may well say which files and servers it is about.
            Kind::Program | Kind::Url | Kind::Unverified | Kind::Path => None,
        };
        let of_source = match (source.is_own, source.is_segment && self.kind == Kind::Path) {
            (true, _) => own,
            // Without slashes it leads nowhere else, as a rule.
            (false, true) => Some(Sureness::Low),
            (false, false) => Some(Sureness::High),
        };
        let Some(of_source) = of_source else { return };
        let sureness = sureness.max(of_source);
        let file = self.steps[index].file.id;
        let mut hops = vec![Hop { file, range, message: format!("data comes in: {}", source.what) }];
        let mut at = index;
        while let Some((hop, next)) = &self.steps[at].hop {
            hops.push(hop.clone());
            at = *next;
        }
        let path = Path { sureness, what: source.what.clone(), hops };
        let rank = |path: &Path| (path.sureness, path.hops.len());
        if self.best.as_ref().is_none_or(|best| rank(&path) < rank(best)) {
            self.best = Some(path);
        }
    }

    fn parameter(
        &mut self,
        index: usize,
        function: FunctionIndex,
        param: usize,
        at: TextRange,
        part: Part,
        sureness: Sureness,
    ) {
        let step = &self.steps[index];
        let (file, calls) = (step.file.clone(), step.calls);
        let facts = file.code.function(function);
        let name = facts.params[param].name;
        let callee = match facts.class {
            Some(class) if facts.name == "__init__" => &file.code.classes[class].name,
            _ => &facts.name,
        };
        let passed = format!("passed to `{callee}` as `{name}`");
        if let Some(within) = step.within.clone()
            && within.callee == function
        {
            let Some(call) = within.file.code.call(within.call) else { return };
            for bound in bind(&file, function, param, &within.file, call, part) {
                let sureness = sureness.max(within.sureness).max(bound.sureness);
                let doubts = doubt(bound.sureness);
                self.go_on(index, &within.file, within.caller, &bound, (sureness, doubts), calls, passed.clone());
            }
            return;
        }
        match self.program.given(&file, function, param) {
            Given::Nothing => {}
            Given::Data(source) if part != Part::Request => {
                self.found(index, &source, facts.params[param].range, sureness);
            }
            Given::Request(source) if part == Part::Request => self.found(index, &source, at, sureness),
            Given::Data(_) | Given::Request(_) => {}
            Given::ByCallers => {
                if calls < MAX_CALLS && self.is_news(file.id, Met::Parameter(function, param), part, sureness) {
                    self.callers(index, &file, function, param, part, sureness, &passed);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the inner loop of `parameter`, split off to be readable")]
    fn callers(
        &mut self,
        index: usize,
        file: &Rc<File<'a>>,
        function: FunctionIndex,
        param: usize,
        part: Part,
        sureness: Sureness,
        passed: &str,
    ) {
        let Some(symbol) = file.symbol(function) else { return };
        let analysis = self.program.analysis;
        let calls = self.steps[index].calls + 1;
        let sites = analysis.callers(symbol).into_iter().flat_map(|call| call.sites);
        let sites = sites.filter(|site| matches!(site.kind, EdgeKind::Call | EdgeKind::Constructor));
        for site in sites.filter(|site| !is_test(analysis, site.file)).take(MAX_SITES) {
            let Some(caller) = self.program.file(site.file) else { continue };
            let Some(&(within, node)) = caller.code.calls.get(&site.range) else { continue };
            let Some(call) = caller.code.call(node) else { continue };
            for bound in bind(file, function, param, &caller, call, part) {
                let sureness = sureness.max(site.confidence.into()).max(bound.sureness);
                let doubts = doubt(site.confidence.into()) + doubt(bound.sureness);
                self.go_on(index, &caller, within, &bound, (sureness, doubts), calls, passed.to_owned());
            }
        }
    }

    /// What methods of the class give to the attribute.
    fn attribute(&mut self, index: usize, class: usize, name: graph::Name, part: Part, sureness: Sureness) {
        let sureness = sureness.max(Sureness::Medium);
        let step = &self.steps[index];
        let (file, calls) = (step.file.clone(), step.calls);
        if step.within.is_some() || !self.is_news(file.id, Met::Attribute(class, name), part, sureness) {
            return;
        }
        for &(attribute, function, node, is_addition) in &file.code.classes[class].attributes {
            if attribute == name && !(is_addition && part == Part::First) {
                let bound = Bound { node, part, sureness };
                self.go_on(index, &file, function, &bound, (sureness, 0), calls, format!("kept in `{name}`"));
            }
        }
    }

    /// What a function of the workspace returns.
    fn result(&mut self, index: usize, caller: FunctionIndex, node: NodeIndex, part: Part, sureness: Sureness) {
        let step = &self.steps[index];
        let (file, calls) = (step.file.clone(), step.calls);
        let Some(call) = file.code.call(node) else { return };
        if step.within.is_some() || calls >= MAX_CALLS {
            return;
        }
        for (symbol, confidence) in self.program.analysis.called_at(file.id, call.token.start()) {
            let symbol = self.program.analysis.symbol(symbol);
            let Some(home) = self.program.file(symbol.id.file) else { continue };
            let Some(&callee) = home.code.by_name.get(&symbol.name_range) else { continue };
            let doubts = self.steps[index].doubts + doubt(confidence.into());
            let sureness = sureness.max(confidence.into());
            if doubts > MAX_DOUBTS {
                continue;
            }
            for &node_of_result in &home.code.function(callee).returns {
                let within = Within { file: file.clone(), caller, call: node, callee, sureness };
                let message = format!("what `{}` returns", symbol.name);
                let hop = Hop { file: file.id, range: call.token, message };
                self.steps.push(Step {
                    file: home.clone(),
                    function: callee,
                    node: node_of_result,
                    part,
                    sureness,
                    doubts,
                    calls: calls + 1,
                    hop: Some((hop, index)),
                    within: Some(within),
                });
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a step")]
    fn go_on(
        &mut self,
        index: usize,
        file: &Rc<File<'a>>,
        function: FunctionIndex,
        bound: &Bound,
        (sureness, doubts): (Sureness, u32),
        calls: u32,
        message: String,
    ) {
        let doubts = self.steps[index].doubts + doubts;
        if doubts > MAX_DOUBTS {
            return;
        }
        let hop = Hop { file: file.id, range: file.code.range(bound.node), message };
        let (node, part, file) = (bound.node, bound.part, file.clone());
        let hop = Some((hop, index));
        self.steps.push(Step { file, function, node, part, sureness, doubts, calls, hop, within: None });
    }
}

/// The arguments of a call of `function` that may become its parameter.
fn bind(
    callee: &File<'_>,
    function: FunctionIndex,
    param: usize,
    caller: &File<'_>,
    call: &Call,
    part: Part,
) -> Vec<Bound> {
    let facts = callee.code.function(function);
    let wanted = &facts.params[param];
    let is_method = facts.class.is_some() && !facts.is_static;
    // `Class.method(instance, …)` gives the instance as well.
    let on_class = facts.class.is_some_and(|class| {
        let name = &callee.code.classes[class].name;
        let receiver = caller.method(call).map(|(receiver, _)| caller.code.node(receiver));
        !facts.is_classmethod
            && matches!(receiver, Some(Node::Name(it) | Node::Attribute { name: it, .. }) if it.as_str() == *name)
    });
    let offset = usize::from(is_method && !on_class);
    let exact = |node: NodeIndex| Bound { node, part, sureness: Sureness::High };
    let given = call.keyword(&wanted.name);
    let starred = call.positional.iter().position(|&node| matches!(caller.code.node(node), Node::Starred(_)));
    let mut bound = Vec::new();
    match wanted.kind {
        ParamKind::PositionalOnly | ParamKind::Positional | ParamKind::KeywordOnly => {
            if let Some(node) = given.filter(|_| wanted.kind != ParamKind::PositionalOnly) {
                return vec![exact(node)];
            }
            let place = param.checked_sub(offset).filter(|_| wanted.kind != ParamKind::KeywordOnly);
            let is_before = |place: usize| starred.is_none_or(|starred| place < starred);
            match place {
                Some(place) if is_before(place) => bound.extend(call.positional.get(place).map(|&node| exact(node))),
                Some(_) => bound.extend(starred.map(|at| loosely(call.positional[at], Sureness::Low))),
                None => {}
            }
            if bound.is_empty() {
                let others = call.keywords.iter().filter(|(name, _)| name.is_none());
                let named = |node| Bound { node, part: Part::Named(wanted.name), sureness: Sureness::Low };
                bound.extend(others.map(|(_, node)| named(*node)));
            }
        }
        ParamKind::VarArgs => {
            let positional = facts.params.iter();
            let before =
                positional.filter(|it| matches!(it.kind, ParamKind::Positional | ParamKind::PositionalOnly)).count();
            let rest = call.positional.iter().skip(before.saturating_sub(offset));
            bound.extend(rest.map(|&node| loosely(node, Sureness::Medium)));
        }
        ParamKind::KwArgs => {
            let is_other = |name: graph::Name| facts.params.iter().all(|param| param.name != name);
            for &(name, node) in &call.keywords {
                match (name, part) {
                    (None, _) => bound.push(Bound { node, part, sureness: Sureness::Low }),
                    (Some(name), Part::Named(wanted)) if name == wanted => bound.push(loosely(node, Sureness::Medium)),
                    (Some(_), Part::Named(_)) => {}
                    (Some(name), _) if is_other(name) => bound.push(loosely(node, Sureness::Medium)),
                    (Some(_), _) => {}
                }
            }
        }
    }
    bound
}

fn doubt(sureness: Sureness) -> u32 {
    u32::from(sureness == Sureness::Low)
}

fn loosely(node: NodeIndex, sureness: Sureness) -> Bound {
    Bound { node, part: Part::Whole, sureness }
}
