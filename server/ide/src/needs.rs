//! What code needs from outside of the workspace to be run, known before anything runs.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;

use graph::{Analysis, FileId, Import, ImportKind, is_test_file};
use lint::Availability;
use rustc_hash::FxHashSet;
use syntax::TextRange;

use crate::diagnostics::is_somewhere;

/// See [`needs`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The top-level packages that will be imported from the project's environment, with those that these import.
    pub packages: BTreeSet<String>,
    /// What cannot be imported in the sandbox, each package once, in the order in which it would be met.
    pub obstacles: Vec<Obstacle>,
}

/// A package without which code cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// As it is imported.
    pub package: String,
    /// Never that it is importable.
    pub reason: Availability,
    /// The file of the workspace that imports it.
    pub file: FileId,
    /// The imported name there.
    pub range: TextRange,
}

impl Needs {
    /// "needs numpy (C extension), imported by shop/stats.py:3", with the paths as seen from the workspace folder; `None` when
    /// nothing stands in the way.
    pub fn message(&self, analysis: &Analysis) -> Option<String> {
        let all: Vec<String> = self.obstacles.iter().map(|obstacle| obstacle.message(analysis)).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl Obstacle {
    /// "needs numpy (C extension), imported by shop/stats.py:3"
    fn message(&self, analysis: &Analysis) -> String {
        let path = analysis.path(self.file);
        let shown = analysis.inside_root(path);
        let line = analysis.source(self.file).line_number(self.range.start());
        format!("{self}, imported by {}:{line}", shown.display())
    }
}

/// "needs numpy (C extension)"
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = &self.package;
        match &self.reason {
            Availability::Importable { .. } => write!(f, "needs {package}"),
            Availability::Compiled { package: other } if other == package => write!(f, "needs {package} (C extension)"),
            Availability::Compiled { package: other } => {
                write!(f, "needs {package}, which needs {other} (C extension)")
            }
            Availability::NeedsSystem { module } if module == package => {
                write!(f, "needs {package} (not in the sandbox)")
            }
            Availability::NeedsSystem { module } => {
                write!(f, "needs {package}, which needs {module} (not in the sandbox)")
            }
            Availability::NotInstalled => match lint::distribution_of(package) {
                Some(distribution) => write!(f, "needs {package} (not installed: {distribution} brings it)"),
                None => write!(f, "needs {package} (not installed)"),
            },
        }
    }
}

/// What running the code of `files` imports from outside of the workspace: by themselves, and by the modules of the workspace
/// that they import, with the packages around these; for files of tests also by each `conftest.py` above them. What is
/// imported in functions, for type checkers, or under a condition is no need. `availability` says which modules, by their dotted
/// names, can be imported; the last part may be a name in the module before it.
pub fn needs(analysis: &Analysis, files: &[FileId], availability: impl Fn(&str) -> Availability) -> Needs {
    let mut needs = Needs::default();
    let mut pending: VecDeque<FileId> = VecDeque::new();
    let mut seen: FxHashSet<FileId> = FxHashSet::default();
    let mut asked: FxHashSet<String> = FxHashSet::default();
    let visit = |file: FileId, pending: &mut VecDeque<FileId>, seen: &mut FxHashSet<FileId>| {
        let next = packages_around(analysis, file).into_iter().chain([file]);
        pending.extend(next.filter(|file| seen.insert(*file)));
    };
    for &file in files {
        if is_test_file(analysis.path(file)) {
            conftests(analysis, file).into_iter().for_each(|it| visit(it, &mut pending, &mut seen));
        }
        visit(file, &mut pending, &mut seen);
    }
    while let Some(file) = pending.pop_front() {
        for import in analysis.imports(file) {
            if import.is_optional || import.is_type_checking || !is_unconditional(analysis, file, &import) {
                continue;
            }
            match import.kind {
                ImportKind::Module(target) => visit(target, &mut pending, &mut seen),
                ImportKind::External => {
                    let Some(module) = imported(&import).filter(|it| asked.insert(it.clone())) else { continue };
                    let package = module.split('.').next().unwrap_or_default();
                    if needs.obstacles.iter().any(|known| known.package == package) {
                        continue;
                    }
                    match available(&module, &availability) {
                        Availability::Importable { packages } => needs.packages.extend(packages),
                        // Found by a search path that is not followed, as pytest makes them.
                        Availability::NotInstalled if is_somewhere(analysis, package) => {}
                        reason => needs.obstacles.push(Obstacle {
                            package: package.to_owned(),
                            reason,
                            file,
                            range: import.range,
                        }),
                    }
                }
                ImportKind::Namespace(_) | ImportKind::Unresolved { .. } => {}
            }
        }
    }
    needs
}

/// Whether one of `files`, or a `conftest.py` above it, tries to import what is installed and cannot be imported in the sandbox: it
/// runs there, and other tests of it than elsewhere.
pub fn tries_in_vain(analysis: &Analysis, files: &[FileId], availability: impl Fn(&str) -> Availability) -> bool {
    let around = files.iter().flat_map(|&file| conftests(analysis, file).into_iter().chain([file]));
    let mut imports = around.flat_map(|file| analysis.imports(file));
    imports.any(|import| {
        let is_tried = import.is_optional && !import.is_type_checking && matches!(import.kind, ImportKind::External);
        let lacks = |it: Availability| matches!(it, Availability::Compiled { .. } | Availability::NeedsSystem { .. });
        is_tried && imported(&import).is_some_and(|module| lacks(available(&module, &availability)))
    })
}

fn available(module: &str, availability: &impl Fn(&str) -> Availability) -> Availability {
    match availability(module) {
        found @ Availability::NeedsSystem { .. } => found,
        // What is installed under such a name hides nothing.
        _ if graph::is_standard(module) => Availability::Importable { packages: BTreeSet::new() },
        found => found,
    }
}

/// `a.b` of `import a.b`, and `a.b.c` of `from a.b import c`, where `c` may be a module.
fn imported(import: &Import) -> Option<String> {
    let module = match import.text.strip_prefix("from ") {
        Some(from) => from.trim_end_matches(" import *").replace(" import ", "."),
        None => import.text.strip_prefix("import ")?.to_owned(),
    };
    (!module.is_empty() && !module.starts_with('.')).then_some(module)
}

/// Whether the statement stands at the left margin: then it runs whenever the module does.
fn is_unconditional(analysis: &Analysis, file: FileId, import: &Import) -> bool {
    let text = analysis.source(file).text();
    // The names of a long statement stand in lines of their own, which are indented, or begin with a bracket.
    let before = &text[..import.range.start().to_usize()];
    let line = before.rsplit('\n').find(|line| line.starts_with(|c: char| c.is_alphabetic() || c == '_'));
    line.is_some_and(|line| line.starts_with("import ") || line.starts_with("from "))
}

/// Each `__init__.py` that is run before the file is imported, outermost first.
fn packages_around(analysis: &Analysis, file: FileId) -> Vec<FileId> {
    let folders = analysis.path(file).ancestors().skip(1);
    let inits = folders.map_while(|folder| analysis.file(&folder.join("__init__.py")));
    let mut inits: Vec<FileId> = inits.collect();
    inits.reverse();
    inits
}

/// Each `conftest.py` that pytest loads for the file, outermost first.
fn conftests(analysis: &Analysis, file: FileId) -> Vec<FileId> {
    let folders = analysis.path(file).ancestors().skip(1).map(|folder: &Path| folder.join("conftest.py"));
    let mut found: Vec<FileId> = folders.filter_map(|path| analysis.file(&path)).collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    /// Everything called `pure…` can be imported, with `more`; `fast` and what needs it is compiled.
    fn availability(module: &str) -> Availability {
        let package = module.split('.').next().unwrap();
        match package {
            "fast" | "frames" => Availability::Compiled { package: "fast".to_owned() },
            "ssl" => Availability::NeedsSystem { module: "ssl".to_owned() },
            _ if package.starts_with("pure") => {
                Availability::Importable { packages: [package, "more"].map(str::to_owned).into() }
            }
            _ => Availability::NotInstalled,
        }
    }

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let needs = needs(analysis, &[workspace.first_file()], availability);
        let packages: Vec<&str> = needs.packages.iter().map(String::as_str).collect();
        let message = needs.message(analysis).unwrap_or("nothing in the way".to_owned());
        expected.assert_eq(&format!("packages {packages:?}\n{}\n", message.replace("; ", "\n")));
    }

    #[test]
    fn needs_of_modules_imported_on_the_way() {
        check(
            "\
#- /tests/test_shop.py
import os, pytest_like
from shop.stats import la
#- /tests/__init__.py
#- /tests/conftest.py
import pure_fixtures
#- /conftest.py
from pure_top import x
#- /shop/__init__.py
import pure_shop.sub
#- /shop/stats.py
'''Statistics.'''

import fast.linalg as la
from frames import (
    Frame,
)
#- /other.py
import elsewhere
",
            expect![[r#"
                packages ["more", "pure_fixtures", "pure_shop", "pure_top"]
                needs pytest_like (not installed), imported by tests/test_shop.py:1
                needs fast (C extension), imported by shop/stats.py:3
                needs frames, which needs fast (C extension), imported by shop/stats.py:5
            "#]],
        );
    }

    #[test]
    fn imports_that_are_no_needs() {
        check(
            "\
from typing import TYPE_CHECKING
import sys
if TYPE_CHECKING:
    import fast
try:
    import fast
except ImportError:
    fast = None
if sys.platform == 'win32':
    from frames import (
        Frame,
    )
def f():
    import fast
class K:
    def g(self):
        from frames import Frame
import pure
",
            expect![[r#"
                packages ["more", "pure"]
                nothing in the way
            "#]],
        );
    }

    #[test]
    fn a_module_that_is_imported_only_where_it_can_be_missed_needs_nothing() {
        check(
            "#- /a.py\ntry:\n    import b\nexcept ImportError: pass\ndef f(): import c\n#- /b.py\nimport fast\n#- /c.py\nimport fast\n",
            expect![[r#"
                packages []
                nothing in the way
            "#]],
        );
    }

    #[test]
    fn what_lies_somewhere_in_the_workspace_is_not_missing() {
        check(
            "#- /tests/shop/test_b.py\nfrom shop.test_a import case\nimport helpers\n#- /tests/shop/test_a.py\ncase = 1\n#- /tests/lib/helpers.py\n",
            expect![[r#"
                packages []
                nothing in the way
            "#]],
        );
    }

    #[test]
    fn several_names_are_one_need() {
        check(
            "from yaml import a, b\nimport yaml\nimport ssl; import fast\n",
            expect![[r#"
                packages []
                needs yaml (not installed: PyYAML brings it), imported by main.py:1
                needs ssl (not in the sandbox), imported by main.py:3
                needs fast (C extension), imported by main.py:3
            "#]],
        );
    }

    #[test]
    fn what_is_tried_in_vain_makes_other_tests() {
        let tries = |text: &str| {
            let workspace = Workspace::new(text);
            tries_in_vain(&workspace.analysis, &[workspace.first_file()], availability)
        };
        assert!(tries("try:\n    import fast\nexcept ImportError:\n    fast = None\n"));
        assert!(!tries("try:\n    import pure\nexcept ImportError:\n    pure = None\n"));
        assert!(!tries("try:\n    import absent\nexcept ImportError:\n    absent = None\n"));
        assert!(!tries("import fast\n"));
    }
}
