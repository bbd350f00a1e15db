//! The calls of functions, as trees.

use graph::{Analysis, CallSite, Confidence, EdgeKind, FileId, SymbolId, SymbolKind};
use rustc_hash::FxHashMap;
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, ExprCall, Stmt, StmtFunctionDef};
use syntax::{Parsed, TextRange};

use super::import_block::parse_file;
use super::reply::functions;

/// A call, and which of the functions it was looked up for it calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called {
    pub site: CallSite,
    pub callee: SymbolId,
}

/// The calls of `family`, sorted by path and offset; one that calls several of them counts once.
pub(super) fn calls(analysis: &Analysis, family: &[SymbolId]) -> Vec<Called> {
    let mut found: Vec<Called> = Vec::new();
    for &callee in family {
        let sites = analysis.callers(callee).into_iter().flat_map(|call| call.sites);
        found.extend(sites.map(|site| Called { site, callee }));
    }
    found.sort_by_key(|called| (analysis.path(called.site.file), called.site.range.start(), called.site.confidence));
    found.dedup_by_key(|called| (called.site.file, called.site.range));
    found
}

/// Why `called` is no plain call of one of `family`; `None` if it is one.
pub(super) fn doubt(analysis: &Analysis, called: &Called, family: &[SymbolId]) -> Option<String> {
    match called.site.kind {
        EdgeKind::Call | EdgeKind::Constructor => {}
        kind => return Some(format!("it is called by a {}", kind.as_str())),
    }
    if called.site.confidence != Confidence::Possible {
        return None;
    }
    let targets = analysis.called_at(called.site.file, called.site.range.start());
    let all_ours = !targets.is_empty() && targets.iter().all(|(target, _)| family.contains(target));
    (!all_ours).then(|| "something else may be called there".to_owned())
}

/// The trees of files, each parsed once.
#[derive(Default)]
pub(super) struct Trees(FxHashMap<FileId, Parsed>);

impl Trees {
    pub fn get(&mut self, analysis: &Analysis, file: FileId) -> &Parsed {
        self.0.entry(file).or_insert_with(|| parse_file(analysis, file))
    }
}

/// The call whose callee's name is at `range`.
pub(super) fn find_call(parsed: &Parsed, range: TextRange) -> Option<&ExprCall> {
    struct Search<'a> {
        range: TextRange,
        found: Option<&'a ExprCall>,
    }
    impl<'a> Visitor<'a> for Search<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if syntax::Ranged::range(stmt).contains_range(self.range) {
                syntax::ast::visitor::walk_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Call(call) = expr {
                let name = match &*call.func {
                    Expr::Name(name) => name.range,
                    Expr::Attribute(attribute) => attribute.attr.range,
                    _ => TextRange::default(),
                };
                if name == self.range {
                    self.found = Some(call);
                    return;
                }
            }
            walk_expr(self, expr);
        }
    }
    let mut search = Search { range, found: None };
    search.visit_body(parsed.statements());
    search.found
}

/// The function that the graph calls `symbol`.
pub(super) fn find_function<'a>(
    analysis: &Analysis,
    symbol: SymbolId,
    parsed: &'a Parsed,
) -> Option<&'a StmtFunctionDef> {
    let name = analysis.symbol(symbol).name_range;
    functions(parsed.statements()).into_iter().find(|function| function.node.name.range == name).map(|it| it.node)
}

/// `shop/cart.py:12`, for a person.
pub(super) fn place(analysis: &Analysis, file: FileId, range: TextRange) -> String {
    let path = analysis.path(file);
    let inside = analysis.inside_root(path);
    format!("{}:{}", inside.display(), analysis.source(file).line_number(range.start()))
}

/// How many of a function's first parameters are its receiver.
pub(super) fn receiver(analysis: &Analysis, symbol: SymbolId) -> usize {
    let view = analysis.symbol(symbol);
    let in_class = view.parent.is_some_and(|parent| analysis.symbol(parent).kind == SymbolKind::Class);
    usize::from(in_class && !view.flags.is_staticmethod)
}
