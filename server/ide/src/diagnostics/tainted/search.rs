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
pub(super) enum PathConfidence {
    High,
    Medium,
    Low,
}

impl PathConfidence {
    pub fn as_str(self) -> &'static str {
        match self {
            PathConfidence::High => "high",
            PathConfidence::Medium => "medium",
            PathConfidence::Low => "low",
        }
    }
}

impl From<Confidence> for PathConfidence {
    fn from(confidence: Confidence) -> Self {
        match confidence {
            Confidence::Exact => PathConfidence::High,
            Confidence::Inferred => PathConfidence::Medium,
            Confidence::Possible => PathConfidence::Low,
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
    pub confidence: PathConfidence,
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
    confidence: PathConfidence,
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
    confidence: PathConfidence,
}

/// A parameter that data may come through, and what of it is wanted how surely.
struct Wanted<'a> {
    file: Rc<File<'a>>,
    function: FunctionIndex,
    param: usize,
    part: Part,
    confidence: PathConfidence,
}

/// An argument for a parameter.
struct Bound {
    node: NodeIndex,
    part: Part,
    confidence: PathConfidence,
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
        let (file, confidence) = (file.clone(), PathConfidence::High);
        search.steps.push(Step {
            file,
            function,
            node,
            part,
            confidence,
            doubts: 0,
            calls: 0,
            hop: None,
            within: None,
        });
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
    known: FxHashMap<(FileId, Met, Part), PathConfidence>,
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
            let loose = if flow.is_loose { PathConfidence::Medium } else { PathConfidence::High };
            let confidence = self.steps[index].confidence.max(loose);
            match flow.origin {
                Origin::Source(ref source, range) => self.found(index, source, range, confidence),
                Origin::Parameter(function, param, at) => {
                    let wanted = Wanted { file: file.clone(), function, param, part: flow.part, confidence };
                    self.parameter(index, &wanted, at);
                }
                Origin::Attribute(class, name) => self.attribute(index, class, name, flow.part, confidence),
                Origin::Result(function, call) => self.result(index, function, call, flow.part, confidence),
            }
        }
    }

    /// Whether something is met for the first time, or more surely than before.
    fn is_news(&mut self, file: FileId, met: Met, part: Part, confidence: PathConfidence) -> bool {
        let known = self.known.get(&(file, met, part));
        let is_news = known.is_none_or(|known| confidence < *known);
        if is_news {
            self.known.insert((file, met, part), confidence);
        }
        is_news
    }

    fn found(&mut self, index: usize, source: &Source, range: TextRange, confidence: PathConfidence) {
        let own = match self.kind {
            Kind::Code | Kind::Pickle | Kind::Shell => Some(PathConfidence::Medium),
            Kind::Sql | Kind::Template => Some(PathConfidence::Low),
            // Whoever starts a program may well say which files and servers it is about.
            Kind::Program | Kind::Url | Kind::Unverified | Kind::Path | Kind::Redirect => None,
        };
        let of_source = match (source.is_own, source.is_segment && self.kind == Kind::Path) {
            (true, _) => own,
            // Without slashes it leads nowhere else, as a rule.
            (false, true) => Some(PathConfidence::Low),
            (false, false) => Some(PathConfidence::High),
        };
        let Some(of_source) = of_source else { return };
        let confidence = confidence.max(of_source);
        let file = self.steps[index].file.id;
        let mut hops = vec![Hop { file, range, message: format!("data comes in: {}", source.what) }];
        let mut at = index;
        while let Some((hop, next)) = &self.steps[at].hop {
            hops.push(hop.clone());
            at = *next;
        }
        let path = Path { confidence, what: source.what.clone(), hops };
        let rank = |path: &Path| (path.confidence, path.hops.len());
        if self.best.as_ref().is_none_or(|best| rank(&path) < rank(best)) {
            self.best = Some(path);
        }
    }

    /// `at` is where the parameter is read.
    fn parameter(&mut self, index: usize, wanted: &Wanted<'a>, at: TextRange) {
        let &Wanted { ref file, function, param, part, confidence } = wanted;
        let step = &self.steps[index];
        let calls = step.calls;
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
            for bound in bind(wanted, &within.file, call) {
                let step = Step {
                    file: within.file.clone(),
                    function: within.caller,
                    node: bound.node,
                    part: bound.part,
                    confidence: confidence.max(within.confidence).max(bound.confidence),
                    doubts: doubt(bound.confidence),
                    calls,
                    hop: None,
                    within: None,
                };
                self.go_on(index, step, passed.clone());
            }
            return;
        }
        match self.program.given(file, function, param) {
            Given::Nothing => {}
            Given::Data(source) if part != Part::Request => {
                self.found(index, &source, facts.params[param].range, confidence);
            }
            Given::Request(source) if part == Part::Request => self.found(index, &source, at, confidence),
            Given::Data(_) | Given::Request(_) => {}
            Given::ByCallers => {
                if calls < MAX_CALLS && self.is_news(file.id, Met::Parameter(function, param), part, confidence) {
                    self.callers(index, wanted, &passed);
                }
            }
        }
    }

    /// What callers give to the parameter.
    fn callers(&mut self, index: usize, wanted: &Wanted<'a>, passed: &str) {
        let Some(symbol) = wanted.file.symbol(wanted.function) else { return };
        let analysis = self.program.analysis;
        let calls = self.steps[index].calls + 1;
        let sites = analysis.callers(symbol).into_iter().flat_map(|call| call.sites);
        let sites = sites.filter(|site| matches!(site.kind, EdgeKind::Call | EdgeKind::Constructor));
        for site in sites.filter(|site| !is_test(analysis, site.file)).take(MAX_SITES) {
            let Some(caller) = self.program.file(site.file) else { continue };
            let Some(&(function, node)) = caller.code.calls.get(&site.range) else { continue };
            let Some(call) = caller.code.call(node) else { continue };
            let of_call = PathConfidence::from(site.confidence);
            for bound in bind(wanted, &caller, call) {
                let step = Step {
                    file: caller.clone(),
                    function,
                    node: bound.node,
                    part: bound.part,
                    confidence: wanted.confidence.max(of_call).max(bound.confidence),
                    doubts: doubt(of_call) + doubt(bound.confidence),
                    calls,
                    hop: None,
                    within: None,
                };
                self.go_on(index, step, passed.to_owned());
            }
        }
    }

    /// What methods of the class give to the attribute.
    fn attribute(&mut self, index: usize, class: usize, name: graph::Name, part: Part, confidence: PathConfidence) {
        let confidence = confidence.max(PathConfidence::Medium);
        let step = &self.steps[index];
        let (file, calls) = (step.file.clone(), step.calls);
        if step.within.is_some() || !self.is_news(file.id, Met::Attribute(class, name), part, confidence) {
            return;
        }
        for &(attribute, function, node, is_addition) in &file.code.classes[class].attributes {
            if attribute == name && !(is_addition && part == Part::First) {
                let file = file.clone();
                let step = Step { file, function, node, part, confidence, doubts: 0, calls, hop: None, within: None };
                self.go_on(index, step, format!("kept in `{name}`"));
            }
        }
    }

    /// What a function of the workspace returns.
    fn result(&mut self, index: usize, caller: FunctionIndex, node: NodeIndex, part: Part, confidence: PathConfidence) {
        let step = &self.steps[index];
        let (file, calls) = (step.file.clone(), step.calls);
        let Some(call) = file.code.call(node) else { return };
        if step.within.is_some() || calls >= MAX_CALLS {
            return;
        }
        for (symbol, of_call) in self.program.analysis.called_at(file.id, call.token.start()) {
            let of_call = PathConfidence::from(of_call);
            let symbol = self.program.analysis.symbol(symbol);
            let Some(home) = self.program.file(symbol.id.file) else { continue };
            let Some(&callee) = home.code.by_name.get(&symbol.name_range) else { continue };
            let doubts = self.steps[index].doubts + doubt(of_call);
            let confidence = confidence.max(of_call);
            if doubts > MAX_DOUBTS {
                continue;
            }
            for &node_of_result in &home.code.function(callee).returns {
                let within = Within { file: file.clone(), caller, call: node, callee, confidence };
                let message = format!("what `{}` returns", symbol.name);
                let hop = Hop { file: file.id, range: call.token, message };
                self.steps.push(Step {
                    file: home.clone(),
                    function: callee,
                    node: node_of_result,
                    part,
                    confidence,
                    doubts,
                    calls: calls + 1,
                    hop: Some((hop, index)),
                    within: Some(within),
                });
            }
        }
    }

    /// Looks at `step` as well, from which data goes to the step at `index`; unless that would be too much of a guess.
    fn go_on(&mut self, index: usize, step: Step<'a>, message: String) {
        let doubts = self.steps[index].doubts + step.doubts;
        if doubts > MAX_DOUBTS {
            return;
        }
        let hop = Hop { file: step.file.id, range: step.file.code.range(step.node), message };
        self.steps.push(Step { doubts, hop: Some((hop, index)), ..step });
    }
}

/// The arguments of a call that may become the parameter.
fn bind(wanted: &Wanted<'_>, caller: &File<'_>, call: &Call) -> Vec<Bound> {
    let &Wanted { file: ref callee, function, param, part, .. } = wanted;
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
    let exact = |node: NodeIndex| Bound { node, part, confidence: PathConfidence::High };
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
                Some(_) => bound.extend(starred.map(|at| loosely(call.positional[at], PathConfidence::Low))),
                None => {}
            }
            if bound.is_empty() {
                let others = call.keywords.iter().filter(|(name, _)| name.is_none());
                let named = |node| Bound { node, part: Part::Named(wanted.name), confidence: PathConfidence::Low };
                bound.extend(others.map(|(_, node)| named(*node)));
            }
        }
        ParamKind::VarArgs => {
            let positional = facts.params.iter();
            let before =
                positional.filter(|it| matches!(it.kind, ParamKind::Positional | ParamKind::PositionalOnly)).count();
            let rest = call.positional.iter().skip(before.saturating_sub(offset));
            bound.extend(rest.map(|&node| loosely(node, PathConfidence::Medium)));
        }
        ParamKind::KwArgs => {
            let is_other = |name: graph::Name| facts.params.iter().all(|param| param.name != name);
            for &(name, node) in &call.keywords {
                match (name, part) {
                    (None, _) => bound.push(Bound { node, part, confidence: PathConfidence::Low }),
                    (Some(name), Part::Named(wanted)) if name == wanted => {
                        bound.push(loosely(node, PathConfidence::Medium))
                    }
                    (Some(_), Part::Named(_)) => {}
                    (Some(name), _) if is_other(name) => bound.push(loosely(node, PathConfidence::Medium)),
                    (Some(_), _) => {}
                }
            }
        }
    }
    bound
}

fn doubt(confidence: PathConfidence) -> u32 {
    u32::from(confidence == PathConfidence::Low)
}

fn loosely(node: NodeIndex, confidence: PathConfidence) -> Bound {
    Bound { node, part: Part::Whole, confidence }
}
