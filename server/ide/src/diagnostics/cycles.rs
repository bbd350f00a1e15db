//! Modules that import each other.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use graph::{Analysis, FileId, ImportKind};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use super::{Code, Diagnostic, Related, Severity, diagnostic};

/// A shortest chain of imports from a module back to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    /// The module first.
    chain: Vec<FileId>,
    /// Some of the imports are for type checkers only; at run time there is no cycle.
    is_soft: bool,
}

/// Which modules a module imports.
type Imports = FxHashMap<FileId, Vec<FileId>>;

/// For each file that is part of a cycle, a shortest one.
pub(super) fn cycles(analysis: &Analysis) -> FxHashMap<FileId, Cycle> {
    let (mut hard, mut all) = (Imports::default(), Imports::default());
    for file in analysis.files() {
        for (to, import) in imports(analysis, file) {
            all.entry(file).or_default().push(to);
            if !import.is_soft {
                hard.entry(file).or_default().push(to);
            }
        }
    }
    let mut cycles = FxHashMap::default();
    for (imports, is_soft) in [(hard, false), (all, true)] {
        let imports = trim(imports);
        for &file in imports.keys() {
            if !cycles.contains_key(&file)
                && let Some(chain) = shortest(&imports, file)
            {
                cycles.insert(file, Cycle { chain, is_soft });
            }
        }
    }
    cycles
}

struct FirstImport {
    range: TextRange,
    is_soft: bool,
}

/// What runs when `file` is imported, by the module that it leads to: the first import that is not for type checkers
/// only, else the first. Imports in functions run later, when the modules are there.
fn imports(analysis: &Analysis, file: FileId) -> BTreeMap<FileId, FirstImport> {
    let mut found: BTreeMap<FileId, FirstImport> = BTreeMap::new();
    for import in analysis.imports(file) {
        let ImportKind::Module(to) = import.kind else { continue };
        if to == file || analysis.is_in_function(file, import.range) {
            continue;
        }
        let next = FirstImport { range: import.range, is_soft: import.is_type_checking };
        match found.get(&to) {
            Some(known) if !known.is_soft || next.is_soft => {}
            _ => {
                found.insert(to, next);
            }
        }
    }
    found
}

/// Leaves only modules that import and are imported, which are few: those of cycles and those between cycles.
fn trim(mut imports: Imports) -> Imports {
    loop {
        let imported: FxHashSet<FileId> = imports.values().flatten().copied().collect();
        let importing: FxHashSet<FileId> = imports.keys().copied().collect();
        let before: usize = imports.values().map(Vec::len).sum();
        imports.retain(|file, _| imported.contains(file));
        imports.values_mut().for_each(|to| to.retain(|to| importing.contains(to)));
        imports.retain(|_, to| !to.is_empty());
        if imports.values().map(Vec::len).sum::<usize>() == before {
            return imports;
        }
    }
}

fn shortest(imports: &Imports, start: FileId) -> Option<Vec<FileId>> {
    let mut reached_from: FxHashMap<FileId, FileId> = FxHashMap::default();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &next in imports.get(&at).into_iter().flatten() {
            if next == start {
                let back = |&at: &FileId| (at != start).then(|| reached_from.get(&at).copied()).flatten();
                let mut chain: Vec<FileId> = std::iter::successors(Some(at), back).collect();
                chain.reverse();
                return Some(chain);
            }
            if let Entry::Vacant(entry) = reached_from.entry(next) {
                entry.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

impl Cycle {
    /// At the import that leads on, with all others as related places. `None` when one of them is gone since.
    pub fn diagnose(&self, analysis: &Analysis) -> Option<Diagnostic> {
        let next = |at: usize| self.chain[(at + 1) % self.chain.len()];
        let places: Vec<(FileId, TextRange)> = self
            .chain
            .iter()
            .enumerate()
            .map(|(at, &file)| Some((file, imports(analysis, file).get(&next(at))?.range)))
            .collect::<Option<_>>()?;
        let names: Vec<&str> = self.chain.iter().chain([&self.chain[0]]).map(|&it| analysis.module_name(it)).collect();
        let kind = if self.is_soft { "import cycle for type checkers only" } else { "import cycle" };
        let message = format!("{kind}: {}", names.join(" → "));
        let related = |(at, &(file, range)): (usize, &(FileId, TextRange))| {
            let (from, to) = (analysis.module_name(file), analysis.module_name(next(at)));
            Related { file, range, message: format!("`{from}` imports `{to}`") }
        };
        let related = places.iter().enumerate().skip(1).map(related).collect();
        let severity = if self.is_soft { Severity::Hint } else { Code::ImportCycle.severity() };
        Some(Diagnostic { severity, related, ..diagnostic(Code::ImportCycle, places[0].1, message) })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::workspace::tests::check;

    #[test]
    fn import_cycle_is_reported_with_its_whole_chain() {
        let text = "\
#- /pkg/a.py
import os
from pkg.b import f
#- /pkg/b.py
from . import c
def f(): ...
#- /pkg/c.py
class C:
    import pkg.a
#- /pkg/d.py
import pkg.a
#- /pkg/__init__.py
";
        check(
            text,
            expect![[r#"
            /pkg/a.py:2
                from pkg.b import f
                                  ^
                import-cycle Warning: import cycle: pkg.a → pkg.b → pkg.c → pkg.a
                    /pkg/b.py:1 `pkg.b` imports `pkg.c`
                    /pkg/c.py:2 `pkg.c` imports `pkg.a`
            /pkg/b.py:1
                from . import c
                              ^
                import-cycle Warning: import cycle: pkg.b → pkg.c → pkg.a → pkg.b
                    /pkg/c.py:2 `pkg.c` imports `pkg.a`
                    /pkg/a.py:2 `pkg.a` imports `pkg.b`
            /pkg/c.py:1
                class C:
                      ^
                unused Hint: `C` is not used
            /pkg/c.py:2
                    import pkg.a
                           ^^^^^
                import-cycle Warning: import cycle: pkg.c → pkg.a → pkg.b → pkg.c
                    /pkg/a.py:2 `pkg.a` imports `pkg.b`
                    /pkg/b.py:1 `pkg.b` imports `pkg.c`
        "#]],
        );
    }

    #[test]
    fn imports_in_functions_close_no_cycle() {
        check(
            "#- /a.py\nimport b\n#- /b.py\ndef f():\n    import a\n",
            expect![[r#"
            /b.py:1
                def f():
                    ^
                unused Hint: `f` is not used
        "#]],
        );
    }

    #[test]
    fn imports_for_type_checkers_are_softer() {
        let text = "\
#- /a.py
import b
#- /b.py
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import a
";
        check(
            text,
            expect![[r#"
            /a.py:1
                import b
                       ^
                import-cycle Hint: import cycle for type checkers only: a → b → a
                    /b.py:3 `b` imports `a`
            /b.py:3
                    import a
                           ^
                import-cycle Hint: import cycle for type checkers only: b → a → b
                    /a.py:1 `a` imports `b`
        "#]],
        );
    }
}
