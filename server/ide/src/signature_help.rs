//! What the call around the cursor takes.

use std::ops::Range;

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{self, Expr};
use syntax::{Ranged, TextRange, TextSize};

use crate::Project;
use crate::tree::with_tree_of;

/// How many signatures are shown, of overloads and of functions that may be called.
const MAX_SIGNATURES: usize = 12;

/// The answer to "what does this take?". Never without signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHelp {
    pub signatures: Vec<Signature>,
    /// The first that takes what is written so far.
    pub active: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `f(a: int, *, b=1) -> str`
    pub label: String,
    /// In bytes of the label, each parameter with its annotation and default.
    pub parameters: Vec<Range<usize>>,
    /// The parameter that the argument at the cursor is for.
    pub active: Option<usize>,
    /// The first paragraph of the docstring, as it is written.
    pub documentation: Option<String>,
}

/// The signatures of what the innermost call around `offset` calls, be it half typed.
pub fn signature_help(analysis: &Analysis, project: &Project, file: FileId, offset: TextSize) -> Option<SignatureHelp> {
    let text = analysis.source(file).text();
    let call = with_tree_of(analysis, file, |parsed| {
        let mut finder = Finder { text, offset, found: None };
        finder.visit_body(parsed.statements());
        finder.found
    })??;
    let mut signatures = of_workspace(analysis, file, &call);
    if signatures.is_empty() {
        signatures = of_library(analysis, project, file, &call).unwrap_or_default();
    }
    signatures.truncate(MAX_SIGNATURES);
    let active = signatures.iter().position(|it| it.active.is_some()).unwrap_or(0);
    (!signatures.is_empty()).then_some(SignatureHelp { signatures, active })
}

/// A call, and where in it the cursor is.
#[derive(Debug)]
struct Call {
    /// The name that is called: the last part of a dotted one.
    name: TextRange,
    /// How many arguments are before the cursor's.
    before: usize,
    /// The cursor's argument is for the parameter of this name.
    keyword: Option<String>,
}

struct Finder<'a> {
    text: &'a str,
    offset: TextSize,
    found: Option<Call>,
}

impl Finder<'_> {
    /// Between the parentheses. Where the second is not yet typed, as far as there is nothing else.
    fn is_inside(&self, arguments: &ast::Arguments) -> bool {
        let range = arguments.range();
        let is_closed = self.text[range].ends_with(')') && range.len() > TextSize::from(1);
        if is_closed || self.offset < range.end() {
            return range.start() < self.offset && self.offset < range.end();
        }
        let between = &self.text[usize::from(range.end())..usize::from(self.offset)];
        range.start() < self.offset && between.trim_matches([' ', '\t', ',', '=']).is_empty()
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        // What is around comes first: the innermost is found last.
        if let Expr::Call(call) = expr
            && self.is_inside(&call.arguments)
        {
            let name = match &*call.func {
                Expr::Name(name) => Some(name.range()),
                Expr::Attribute(attribute) => Some(attribute.attr.range()),
                _ => None,
            };
            self.found = name.map(|name| {
                let passed: Vec<ast::ArgOrKeyword> = call.arguments.iter_source_order().collect();
                let is_before = |argument: &&ast::ArgOrKeyword| {
                    let end = argument.range().end();
                    end < self.offset && self.text[usize::from(end)..usize::from(self.offset)].contains(',')
                };
                let before = passed.iter().filter(is_before).count();
                let keyword = passed.get(before).and_then(|argument| match argument {
                    ast::ArgOrKeyword::Keyword(keyword) => Some(keyword.arg.as_ref()?.to_string()),
                    ast::ArgOrKeyword::Arg(_) => None,
                });
                Call { name, before, keyword }
            });
        }
        walk_expr(self, expr);
    }
}

fn of_workspace(analysis: &Analysis, file: FileId, call: &Call) -> Vec<Signature> {
    let at = call.name.start();
    let mut callees: Vec<SymbolId> = analysis.called_at(file, at).into_iter().map(|(symbol, _)| symbol).collect();
    if callees.is_empty() {
        callees.extend(analysis.targets(file, at).into_iter().filter_map(|target| match target {
            graph::Target::Symbol(symbol, _) => Some(symbol),
            graph::Target::Local { .. } | graph::Target::External(_) => None,
        }));
    }
    // A constructor is shown with its class.
    let is_class = |id: &SymbolId| analysis.symbol(*id).kind == SymbolKind::Class;
    let classes: Vec<SymbolId> = callees.iter().copied().filter(is_class).collect();
    callees.retain(|&callee| analysis.symbol(callee).parent.is_none_or(|parent| !classes.contains(&parent)));
    let signatures = callees.into_iter().filter_map(|callee| {
        let symbol = analysis.symbol(callee);
        match symbol.kind {
            SymbolKind::Class => {
                let mut members = analysis.members(callee).into_iter();
                let init = members.find(|&member| analysis.symbol(member).name == "__init__")?;
                signature(analysis, init, symbol.name, 1, call)
            }
            SymbolKind::Function | SymbolKind::Method => {
                let bound = analysis.bound_parameters(file, call.name, callee);
                let bound = bound.unwrap_or_else(|| usize::from(takes_receiver(analysis, callee)));
                signature(analysis, callee, symbol.name, bound, call)
            }
            _ => None,
        }
    });
    signatures.collect()
}

fn of_library(analysis: &Analysis, project: &Project, file: FileId, call: &Call) -> Option<Vec<Signature>> {
    let libraries = &*project.libraries.as_ref()?.0;
    let found = analysis.library_definition(file, call.name.start(), libraries)?;
    let name = found.analysis.symbol(*found.symbols.first()?).name.to_owned();
    let constructor = found.constructor(libraries);
    let called = constructor.as_ref().unwrap_or(&found);
    let analysis = &called.analysis;
    let signatures = called.symbols.iter().filter_map(|&id| {
        let bound = usize::from(takes_receiver(analysis, id) || constructor.is_some());
        signature(analysis, id, &name, bound, call)
    });
    let mut signatures: Vec<Signature> = signatures.collect();
    if signatures.iter().all(|it| it.documentation.is_none())
        && let Some(documentation) = crate::libraries::documentation(&found, libraries)
    {
        signatures.iter_mut().for_each(|it| it.documentation = Some(documentation.clone()));
    }
    Some(signatures)
}

/// Whether an instance is the first argument.
fn takes_receiver(analysis: &Analysis, callee: SymbolId) -> bool {
    let symbol = analysis.symbol(callee);
    symbol.kind == SymbolKind::Method && !symbol.flags.is_staticmethod
}

/// The signature of a function without the first `bound` parameters, which the call does not write down.
fn signature(analysis: &Analysis, function: SymbolId, name: &str, bound: usize, call: &Call) -> Option<Signature> {
    let symbol = analysis.symbol(function);
    let header = format!("{}: ...", symbol.signature());
    let parsed = syntax::parse(&header);
    let [ast::Stmt::FunctionDef(header_of)] = parsed.statements() else { return None };
    let parameters = &header_of.parameters;
    let mut shown = Shown { label: format!("{name}("), parameters: Vec::new(), is_first: true };
    let mut active = None;
    let positional = parameters.posonlyargs.iter().chain(&parameters.args);
    let by_name = |parameter: &ast::Parameter| call.keyword.as_deref() == Some(parameter.name.as_str());
    for (place, parameter) in positional.enumerate() {
        if place >= bound {
            let is_here = if call.keyword.is_some() {
                place >= parameters.posonlyargs.len() && by_name(&parameter.parameter)
            } else {
                place - bound == call.before
            };
            active = active.or(is_here.then_some(shown.parameters.len()));
            shown.parameter(&header[parameter.range()]);
        }
        if place + 1 == parameters.posonlyargs.len() && place >= bound {
            shown.text("/");
        }
    }
    if let Some(rest) = &parameters.vararg {
        active = active.or(call.keyword.is_none().then_some(shown.parameters.len()));
        shown.parameter(&header[rest.range()]);
    } else if !parameters.kwonlyargs.is_empty() {
        shown.text("*");
    }
    for parameter in &parameters.kwonlyargs {
        active = active.or(by_name(&parameter.parameter).then_some(shown.parameters.len()));
        shown.parameter(&header[parameter.range()]);
    }
    if let Some(rest) = &parameters.kwarg {
        active = active.or(call.keyword.is_some().then_some(shown.parameters.len()));
        shown.parameter(&header[rest.range()]);
    }
    shown.label.push(')');
    if let Some(returns) = &header_of.returns {
        shown.label.push_str(" -> ");
        shown.label.push_str(&header[returns.range()]);
    }
    let documentation = symbol.docstring.and_then(crate::hover::first_paragraph);
    Some(Signature { label: shown.label, parameters: shown.parameters, active, documentation })
}

/// A signature that is being written.
struct Shown {
    label: String,
    parameters: Vec<Range<usize>>,
    is_first: bool,
}

impl Shown {
    fn text(&mut self, text: &str) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.label.push_str(", ");
        }
        self.label.push_str(text);
    }

    fn parameter(&mut self, text: &str) {
        self.text(text);
        self.parameters.push(self.label.len() - text.len()..self.label.len());
    }
}

#[cfg(test)]
mod tests {
    use fixture::Workspace;

    use super::*;

    /// What is shown at `$0`, the active parameter between `«` and `»`.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let found = signature_help(&workspace.analysis, &Project::default(), file, offset);
        let shown = found.map_or_else(Vec::new, |help| {
            let one = |signature: &Signature| {
                let mut label = signature.label.clone();
                if let Some(active) = signature.active {
                    let range = signature.parameters[active].clone();
                    label.insert(range.end, '»');
                    label.insert(range.start, '«');
                }
                label
            };
            help.signatures.iter().map(one).collect()
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn functions_and_half_typed_calls() {
        let f = "def f(a: int, b: str = 'x', /, c=1, *rest, d, **more) -> str: ...\n";
        let at = |call: &str| format!("{f}{call}\n");
        check(&at("f($0)"), &["f(«a: int», b: str = 'x', /, c=1, *rest, d, **more) -> str"]);
        check(&at("f($0"), &["f(«a: int», b: str = 'x', /, c=1, *rest, d, **more) -> str"]);
        check(&at("x = f(1, $0"), &["f(a: int, «b: str = 'x'», /, c=1, *rest, d, **more) -> str"]);
        check(&at("f(1, 2, 3, 4, $0)"), &["f(a: int, b: str = 'x', /, c=1, «*rest», d, **more) -> str"]);
        check(&at("f(1, d=$0)"), &["f(a: int, b: str = 'x', /, c=1, *rest, «d», **more) -> str"]);
        check(&at("f(1, zzz=$02)"), &["f(a: int, b: str = 'x', /, c=1, *rest, d, «**more») -> str"]);
        check(&at("print(f(1), $0)"), &[]);
        check(&at("f(g(1, $0))"), &[]);
        check(&at("f(1)$0"), &[]);
    }

    #[test]
    fn methods_and_constructors() {
        let text = "\
class Cart:
    def __init__(self, owner, *, size=3): ...
    def add(self, item): ...
    @staticmethod
    def of(a, b): ...
class Big(Cart): ...
";
        check(&format!("{text}Cart($0)\n"), &["Cart(«owner», *, size=3)"]);
        check(&format!("{text}Big('me', size=$0)\n"), &["Big(owner, *, «size=3»)"]);
        check(&format!("{text}Cart('me').add($0)\n"), &["add(«item»)"]);
        check(&format!("{text}Cart.of(1, $0)\n"), &["of(a, «b»)"]);
        check(&format!("{text}Cart.add($0)\n"), &["add(«self», item)"]);
    }
}
