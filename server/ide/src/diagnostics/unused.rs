//! Functions, classes, methods and variables that nothing uses.
//!
//! A program may be used from outside of its own text: what starts it, what a framework calls, what other programs import.
//! Whatever may be such an entry point is not judged.

use std::path::Path;

use graph::{Analysis, FileId, Symbol, SymbolId, SymbolKind, Usage};
use rustc_hash::FxHashSet;

use super::Project;
use crate::fixtures::is_fixture;

/// What certainly nothing uses, in order of files. What is inside an unused class is not named as well.
pub(super) fn unused(analysis: &Analysis, project: &Project) -> Vec<SymbolId> {
    let surroundings = Surroundings::of(analysis, project);
    let files: Vec<FileId> = analysis.files().filter(|&file| !is_run_by_others(analysis, file)).collect();
    let symbols = files.iter().flat_map(|&file| analysis.symbols(file));
    let candidates: Vec<SymbolId> = symbols.filter(|&id| surroundings.is_candidate(&analysis.symbol(id))).collect();
    let usages = analysis.usages(&candidates);
    let unused = candidates.into_iter().zip(usages).filter(|(_, usage)| *usage == Usage::Unused);
    let unused: Vec<SymbolId> = unused.map(|(id, _)| id).collect();
    let all: FxHashSet<SymbolId> = unused.iter().copied().collect();
    let is_inside = |id: &SymbolId| analysis.symbol(*id).parent.is_some_and(|parent| all.contains(&parent));
    unused.into_iter().filter(|id| !is_inside(id)).collect()
}

/// Tests, what configures tests, stubs, and files that do not parse.
fn is_run_by_others(analysis: &Analysis, file: FileId) -> bool {
    let path = analysis.path(file);
    path.extension().is_some_and(|extension| extension == "pyi")
        || matches!(stem(path), "setup" | "noxfile" | "fabfile" | "tasks" | "dodo")
        || is_test(analysis, file)
        || !analysis.syntax_errors(file).is_empty()
}

/// Whether a file holds tests or what configures them.
pub(crate) fn is_test(analysis: &Analysis, file: FileId) -> bool {
    let path = analysis.path(file);
    let in_tests = |path: &Path| path.iter().any(|part| part == "tests" || part == "test");
    let inside = analysis.inside_root(path);
    let stem = stem(path);
    stem == "conftest" || stem.starts_with("test_") || stem.ends_with("_test") || in_tests(inside)
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

struct Surroundings<'a> {
    analysis: &'a Analysis,
    project: &'a Project,
    /// Names of what protocols ask for: a class need not say that it has what they do.
    of_protocols: FxHashSet<String>,
    closed_classes: FxHashSet<SymbolId>,
}

impl<'a> Surroundings<'a> {
    fn of(analysis: &'a Analysis, project: &'a Project) -> Self {
        let protocols = analysis.protocols().into_iter();
        let members = protocols.flat_map(|protocol| analysis.children(protocol));
        let of_protocols = members.map(|member| analysis.symbol(member).name.to_owned()).collect();
        Surroundings { analysis, project, of_protocols, closed_classes: analysis.closed_classes() }
    }

    fn is_candidate(&self, symbol: &Symbol<'_>) -> bool {
        let flags = symbol.flags;
        let is_ours = !flags.is_decorated && !flags.is_overload && !flags.is_test && symbol.decorators.is_empty();
        // `__unittest` and `_repr_html_` are somebody's protocol as well.
        let is_special = symbol.name.starts_with("__") || symbol.name.starts_with('_') && symbol.name.ends_with('_');
        let is_private = symbol.name.starts_with('_');
        let may_be_public = is_private || !self.project.is_library;
        let Some(parent) = symbol.parent.filter(|_| is_ours && !is_special && may_be_public) else { return false };
        let parent = self.analysis.symbol(parent);
        match (symbol.kind, parent.kind) {
            (SymbolKind::Function, SymbolKind::Module) => symbol.name != "main" && !self.is_entry_point(symbol),
            (SymbolKind::Class, SymbolKind::Module) => self.closed_classes.contains(&symbol.id),
            // A public variable may be a setting, or what a server is told to serve.
            (SymbolKind::Variable, SymbolKind::Module) => is_private && self.is_plain_assignment(symbol),
            (SymbolKind::Method, SymbolKind::Class) => {
                self.closed_classes.contains(&parent.id)
                    && self.analysis.overridden(symbol.id).is_empty()
                    && self.analysis.overriding(symbol.id).is_empty()
                    && !self.of_protocols.contains(symbol.name)
                    && !is_called_by_others(symbol.name)
            }
            _ => false,
        }
    }

    fn is_entry_point(&self, symbol: &Symbol<'_>) -> bool {
        let name = symbol.qualified_name();
        is_fixture(self.analysis, symbol)
            || symbol.name.starts_with("pytest_")
            || self.project.scripts.iter().any(|script| script.replace(':', ".") == name)
    }

    /// `_name = …`, not one of several names that something is taken apart into, nor one that a loop binds.
    fn is_plain_assignment(&self, symbol: &Symbol<'_>) -> bool {
        let source = self.analysis.source(symbol.id.file);
        let rest = source.text()[usize::from(symbol.name_range.end())..].trim_start_matches([' ', '\t']);
        let line = source.lines().line(symbol.name_range.start());
        let start = source.lines().line_range(line, source.text()).start();
        let is_first = start == symbol.name_range.start();
        is_first && (rest.starts_with(':') || rest.starts_with('=') && !rest.starts_with("=="))
    }
}

/// Methods that `unittest`, `logging`, `ast` and the like call by name.
fn is_called_by_others(name: &str) -> bool {
    ["visit_", "test_", "do_", "handle_", "on_"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "setUp" | "tearDown" | "setUpClass" | "tearDownClass" | "run" | "emit" | "close" | "write")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::Project;
    use crate::diagnostics::workspace::tests::{check, check_in};

    const APP: &str = "\
#- /app.py
from shop import Cart
import registry
_UNUSED = 1
_USED = 2
SETTING = 3
_a, _b = 1, 2
def helper(): return _USED
def lonely(n): return lonely(n - 1)
@registry.register
def registered(): ...
class Gone:
    def inside(self): ...
def start():
    Cart().add()
if __name__ == '__main__':
    start()
    helper()
#- /shop.py
class Cart:
    def add(self): ...
    def remove(self): ...
    def _check(self): ...
    def __len__(self): ...
class Rule:
    def apply(self): ...
class Half(Rule):
    def apply(self): ...
#- /registry.py
def register(f): return f
def unknown(x): return x.remove()
#- /test_shop.py
from shop import Half
def test_half(): Half()
";

    #[test]
    fn definitions_unused_in_a_program() {
        check(
            APP,
            expect![[r#"
            /app.py:3
                _UNUSED = 1
                ^^^^^^^
                unused Hint: `_UNUSED` is not used
            /app.py:8
                def lonely(n): return lonely(n - 1)
                    ^^^^^^
                unused Hint: `lonely` is not used
            /app.py:11
                class Gone:
                      ^^^^
                unused Hint: `Gone` is not used
            /registry.py:2
                def unknown(x): return x.remove()
                    ^^^^^^^
                unused Hint: `unknown` is not used
            /shop.py:4
                    def _check(self): ...
                        ^^^^^^
                unused Hint: `Cart._check` is not used
        "#]],
        );
    }

    #[test]
    fn in_a_library_what_is_public_is_used_by_others() {
        let project = Project { is_library: true, ..Project::default() };
        check_in(
            APP,
            &project,
            expect![[r#"
            /app.py:3
                _UNUSED = 1
                ^^^^^^^
                unused Hint: `_UNUSED` is not used
            /shop.py:4
                    def _check(self): ...
                        ^^^^^^
                unused Hint: `Cart._check` is not used
        "#]],
        );
    }

    #[test]
    fn entry_points() {
        let project = Project { scripts: vec!["cli:go".to_owned()], ..Project::default() };
        let text = "\
#- /cli.py
def go(): ...
def main(): ...
def pytest_configure(): ...
def other(): ...
#- /protocols.py
from typing import Protocol
class Sized(Protocol):
    def size(self): ...
def f(x: Sized): ...
class Box:
    def size(self): ...
    def weight(self): ...
f(Box())
import argparse
class Handler(argparse.Action):
    def handle(self): ...
f(Handler)
";
        check_in(
            text,
            &project,
            expect![[r#"
            /cli.py:4
                def other(): ...
                    ^^^^^
                unused Hint: `other` is not used
            /protocols.py:7
                    def weight(self): ...
                        ^^^^^^
                unused Hint: `Box.weight` is not used
        "#]],
        );
    }
}
