//! Names that others rely on, bound to something else: a candidate that assigns to `json.dumps` changes the whole program,
//! wherever it stands. So does a new module that hides one of Python's.

use std::collections::BTreeSet;

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange, TextSize, parse};

use super::Comparison;
use crate::{Finding, Stage};

/// Modules that Python imports by itself.
const IMPORTED_AT_START: [&str; 2] = ["sitecustomize", "usercustomize"];

/// Modules whose members are there to be assigned to.
const ASSIGNABLE: [&str; 2] = ["sys", "warnings"];

pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut found = Vec::new();
    for edited in &comparison.files {
        let Some(file) = after.file(&edited.path) else { continue };
        if before.file(&edited.path).is_none() {
            let top = after.module_name(file).split('.').next().unwrap_or_default();
            let hides = graph::is_standard(top) && !matches!(top, "test" | "tests" | "__main__");
            let is_new = before.module_file(top).is_none();
            if is_new && (hides || IMPORTED_AT_START.contains(&top)) {
                let message = format!("a module called `{top}` would take the place of one that Python itself imports");
                found.push(comparison.finding(Stage::Scope, "hides-module", message, file, TextRange::default()));
            }
        }
        // Tests put other things in place of what they do not test.
        if graph::is_test_file(&edited.path) {
            continue;
        }
        for (range, name) in rebound(after, file).into_iter().filter(|(range, _)| edited.wrote(*range)) {
            let message = format!("`{name}` is bound to something else, for everybody who uses it");
            found.push(comparison.finding(Stage::Scope, "redefinition", message, file, range));
        }
    }
    found
}

/// Functions, classes and modules that an assignment puts something else in place of: by way of the module or class that they
/// are in, or of `global`.
fn rebound(analysis: &Analysis, file: FileId) -> Vec<(TextRange, String)> {
    let text = analysis.source(file).text();
    let parsed = parse(text);
    let mut search = Search::default();
    search.visit_body(parsed.statements());
    let definitions = parsed.statements().iter().filter_map(|stmt| match stmt {
        Stmt::FunctionDef(it) => Some(it.name.as_str()),
        Stmt::ClassDef(it) => Some(it.name.as_str()),
        _ => None,
    });
    let known: BTreeSet<&str> = definitions.chain(search.modules.iter().map(String::as_str)).collect();
    let globals = search.globals.iter().filter(|(_, name)| known.contains(name));
    let mut found: Vec<(TextRange, String)> = globals.map(|(range, name)| (*range, (*name).to_owned())).collect();
    let mut resolver = analysis.resolver(file);
    let mut of_kind = |end: TextSize, kinds: &[SymbolKind]| {
        let is_it = |target: &Target| match target {
            Target::Symbol(id, ..) => kinds.contains(&analysis.symbol(*id).kind).then_some(*id),
            Target::External(..) | Target::Local { .. } => None,
        };
        resolver.targets(end).iter().find_map(is_it)
    };
    for Assigned { range, owner, name } in search.assigned {
        let dotted = &text[owner];
        let is_definition = |owner: SymbolId| {
            let members = analysis.children(owner).into_iter().map(|id| analysis.symbol(id));
            members.into_iter().any(|it| {
                it.name == name && matches!(it.kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class)
            })
        };
        let is_other = match of_kind(owner.end(), &[SymbolKind::Class, SymbolKind::Module]) {
            // What is state is there to be changed.
            Some(owner) => is_definition(owner),
            // An instance has its own; a module from outside does not.
            None => {
                let top = dotted.split('.').next().unwrap_or_default();
                search.modules.contains(dotted) && !ASSIGNABLE.contains(&top)
            }
        };
        if is_other {
            found.push((range, format!("{dotted}.{name}")));
        }
    }
    found
}

/// `owner.name = …`, or `setattr(owner, "name", …)`.
struct Assigned<'a> {
    range: TextRange,
    owner: TextRange,
    name: &'a str,
}

#[derive(Default)]
struct Search<'a> {
    /// Names of `global` statements.
    globals: Vec<(TextRange, &'a str)>,
    assigned: Vec<Assigned<'a>>,
    /// What `import` binds, dotted as it is written.
    modules: BTreeSet<String>,
}

impl<'a> Search<'a> {
    fn assign(&mut self, target: &'a Expr) {
        if let Expr::Attribute(it) = target {
            self.assigned.push(Assigned { range: it.range(), owner: it.value.range(), name: &it.attr });
        }
    }
}

impl<'a> Visitor<'a> for Search<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Global(it) => self.globals.extend(it.names.iter().map(|name| (name.range(), name.as_str()))),
            Stmt::Assign(it) => it.targets.iter().for_each(|target| self.assign(target)),
            Stmt::AugAssign(it) => self.assign(&it.target),
            Stmt::AnnAssign(it) => self.assign(&it.target),
            Stmt::Delete(it) => it.targets.iter().for_each(|target| self.assign(target)),
            Stmt::Import(it) => self.modules.extend(it.names.iter().map(|alias| match &alias.asname {
                Some(name) => name.to_string(),
                None => alias.name.to_string(),
            })),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && call.func.as_name_expr().is_some_and(|it| matches!(it.id.as_str(), "setattr" | "delattr"))
            && let [owner, Expr::StringLiteral(name), ..] = &*call.arguments.args
        {
            self.assigned.push(Assigned { range: call.range(), owner: owner.range(), name: name.value.to_str() });
        }
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use syntax::TextEdit;

    use super::super::tests::{candidate, judge, load};
    use super::*;

    const TEXT: &str = "\
#- /lib.py
def helper(): return 1
LIMIT = 3
#- /a.py
import subprocess, json, sys, lib
class Base:
    count = 0
    def m(self): return 1
def other(): return 2
def f(x):
    $1...$1
";

    /// What is found about the new body.
    fn codes(new: &str) -> Vec<String> {
        let (host, path, range) = load(TEXT);
        let checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, new)]));
        let found = checked.findings().iter().filter(|it| it.stage == Stage::Scope);
        found.map(|it| format!("{} {}", it.code, it.message.split('`').nth(1).unwrap_or_default())).collect()
    }

    #[test]
    fn what_others_use_is_not_bound_anew() {
        assert_eq!(codes("subprocess.run = print"), ["redefinition subprocess.run"]);
        assert_eq!(codes("if x:\n        lib.helper = lambda: 2"), ["redefinition lib.helper"]);
        assert_eq!(codes("Base.m = lambda self: 2"), ["redefinition Base.m"]);
        assert_eq!(codes("setattr(subprocess, 'run', print)"), ["redefinition subprocess.run"]);
        assert_eq!(codes("global other\n    other = x"), ["redefinition other"]);
        assert_eq!(codes("global json\n    json = x"), ["redefinition json"]);
    }

    #[test]
    fn state_is_there_to_be_changed() {
        for new in [
            "Base.count += 1",
            "lib.LIMIT = 4",
            "b = Base()\n    b.m = x",
            "sys.stdout = x",
            "x.run = 1",
            "global cache\n    cache = x",
            "json = x\n    return json",
        ] {
            let found = codes(new);
            assert!(found.iter().all(|code| !code.starts_with("redefinition")), "{new}: {found:?}");
        }
    }

    #[test]
    fn new_modules_hide_none_of_pythons() {
        let (host, _, _) = load("#- /pkg/__init__.py\n$1$1\n");
        let new = |path: &str| {
            let at = TextRange::empty(TextSize::new(0));
            let mut candidate = candidate(Path::new(path), at, vec![TextEdit::insert(TextSize::new(0), "x = 1\n")]);
            candidate.scope.folder = Some(PathBuf::from("/"));
            let codes: Vec<String> = judge(&host, candidate).findings().iter().map(|it| it.code.clone()).collect();
            codes
        };
        assert_eq!(new("/json.py"), ["hides-module"]);
        assert_eq!(new("/logging/__init__.py"), ["hides-module"]);
        assert_eq!(new("/sitecustomize.py"), ["hides-module"]);
        assert!(new("/pkg/json.py").is_empty() && new("/tests/test_a.py").is_empty() && new("/limits.py").is_empty());
    }
}
