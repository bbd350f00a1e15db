//! What is wrong in a file.
//!
//! These are shown while somebody types, so each must be right: where the text does not parse, names are not judged; where
//! the program itself is prepared for a missing name or module, nothing is reported. What takes a look at every file is
//! in [`workspace`] and never computed on the way to what is known of one.

mod calls;
mod code;
mod cycles;
mod deprecated;
mod guards;
mod imports;
mod libraries;
mod members;
mod overrides;
mod project;
mod suppression;
mod tainted;
mod unused;
mod workspace;

use graph::{Analysis, FileId};
pub use lint::Severity;
use rustc_hash::FxHashSet;
use syntax::TextRange;

use crate::tree::with_tree_of;
pub use code::Code;
use guards::Guards;
pub(crate) use imports::is_somewhere;
pub use imports::{is_available, missing_package};
pub use libraries::library_mistakes;
pub(crate) use suppression::Suppressions;
pub(crate) use unused::is_test;

pub use project::{KnownLibraries, Packages, Project, RequirementFile};
pub use workspace::{WorkspaceFindings, tainted_calls};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub range: TextRange,
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// Other places that explain this one.
    pub related: Vec<Related>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub file: FileId,
    pub range: TextRange,
    pub message: String,
}

/// The diagnostics that the file alone and what it uses tell, in source order; see [`WorkspaceFindings`] for the others.
/// `# tantu: ignore` and `# tantu: ignore[code, …]` at the end of a line silence what starts on it, syntax errors excepted.
pub fn diagnostics(analysis: &Analysis, project: &Project, file: FileId) -> Vec<Diagnostic> {
    let errors = analysis.syntax_errors(file);
    let mut found: Vec<Diagnostic> =
        errors.iter().map(|error| diagnostic(Code::SyntaxError, error.range, error.message.clone())).collect();
    let imports = imports::unresolved(analysis, file);
    let mut others = imports::unknown(analysis, project, file);
    let mut names = Vec::new();
    if errors.is_empty() {
        names = analysis.undefined_names(file);
        others.extend(members::diagnose(analysis, file));
        others.extend(calls::diagnose(analysis, file));
        others.extend(overrides::diagnose(analysis, file));
        others.extend(deprecated::diagnose(analysis, file));
        others.extend(libraries::diagnose(analysis, project, file));
    }
    // Only a file in which something looks wrong is parsed again.
    if !imports.is_empty() || !names.is_empty() || !others.is_empty() {
        let (text, lines) = (analysis.source(file).text(), analysis.source(file).lines());
        let missing = with_tree_of(analysis, file, |parsed| {
            let guards = Guards::of(text, parsed.statements());
            let mut missing = imports::diagnose(analysis, &imports, parsed);
            imports::mark_modules(&mut others, parsed);
            missing.extend(others);
            missing.retain(|diagnostic| !guards.survive(diagnostic.code, diagnostic.range));
            missing.extend(undefined_names(names, &guards));
            let suppressions = Suppressions::of(text, parsed.tokens(), lines);
            missing.retain(|it| !suppressions.silence(lines.line(it.range.start()), it.code.as_str()));
            missing
        });
        found.extend(missing.into_iter().flatten());
    }
    found.sort_by_key(|diagnostic| (diagnostic.range.start(), diagnostic.code));
    found
}

/// Leaves out what comments in the file silence.
fn unsilenced(analysis: &Analysis, file: FileId, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let (text, lines) = (analysis.source(file).text(), analysis.source(file).lines());
    if found.is_empty() || !text.contains("tantu:") {
        return found;
    }
    with_tree_of(analysis, file, |parsed| {
        let suppressions = Suppressions::of(text, parsed.tokens(), lines);
        found.retain(|it| !suppressions.silence(lines.line(it.range.start()), it.code.as_str()));
        found
    })
    .unwrap_or_default()
}

fn diagnostic(code: Code, range: TextRange, message: String) -> Diagnostic {
    Diagnostic { range, code, severity: code.severity(), message, related: Vec::new() }
}

/// A name whose absence is handled in one place may be there at run time, and is not judged anywhere in the file.
fn undefined_names(names: Vec<(TextRange, String)>, guards: &Guards<'_>) -> Vec<Diagnostic> {
    let survived = names.iter().filter(|(range, _)| guards.survive(Code::UndefinedName, *range));
    let survived: FxHashSet<String> = survived.map(|(_, name)| name.clone()).collect();
    let undefined = names.into_iter().filter(|(_, name)| !survived.contains(name));
    undefined.map(|(range, name)| diagnostic(Code::UndefinedName, range, format!("`{name}` is not defined"))).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    pub(super) fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let mut out = String::new();
        for found in diagnostics(&workspace.analysis, &Project::default(), file) {
            out.push_str(&workspace.draw(file, found.range));
            out.push_str(&format!("    {}: {}\n", found.code.as_str(), found.message));
            for related in found.related {
                out.push_str(&format!("{}    {}\n", workspace.draw(related.file, related.range), related.message));
            }
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn undefined() {
        check(
            "def f(a):\n    return a + b\n\nprint(f(c))\n",
            expect![[r#"
            /main.py:2
                    return a + b
                               ^
                undefined-name: `b` is not defined
            /main.py:4
                print(f(c))
                        ^
                undefined-name: `c` is not defined
        "#]],
        );
    }

    #[test]
    fn names_are_not_judged_while_the_text_does_not_parse() {
        check(
            "clas Cart:\n    size = undefined\n",
            expect![[r#"
            /main.py:1
                clas Cart:
                     ^^^^
                syntax-error: Simple statements must be separated by newlines or semicolons
            /main.py:1
                clas Cart:
                          ^
                syntax-error: Expected an expression
            /main.py:2
                    size = undefined
                ^^^^
                syntax-error: Unexpected indentation
        "#]],
        );
    }

    #[test]
    fn imports_of_the_workspace() {
        let text = "\
#- /shop/app.py
import os, numpy
import shop.legacy
from shop.cart import Cart, Crate
from . import cart, gone
from .gone import (
    thing,
    other,
)
#- /shop/__init__.py
'A shop.'
#- /shop/cart.py
class Cart: pass
";
        check(
            text,
            expect![[r#"
                /shop/app.py:2
                    import shop.legacy
                           ^^^^^^^^^^^
                    unresolved-import: no module `shop.legacy` in this workspace
                /shop/app.py:3
                    from shop.cart import Cart, Crate
                                                ^^^^^
                    unresolved-import: `shop.cart` has no `Crate`
                /shop/cart.py:1
                    class Cart: pass
                    ^
                    this is where it was looked for
                /shop/app.py:4
                    from . import cart, gone
                                        ^^^^
                    unresolved-import: `shop` has no `gone`
                /shop/__init__.py:1
                    'A shop.'
                    ^
                    this is where it was looked for
                /shop/app.py:5
                    from .gone import (
                          ^^^^
                    unresolved-import: no module `shop.gone` in this workspace
            "#]],
        );
    }

    #[test]
    fn half_an_import() {
        check(
            "#- /shop/app.py\nfrom . import \n#- /shop/__init__.py\n",
            expect![[r#"
            /shop/app.py:1
                from . import 
                              ^
                syntax-error: Expected one or more symbol names after import
        "#]],
        );
    }

    #[test]
    fn what_the_program_is_prepared_for() {
        let text = "\
#- /shop/app.py
import sys
from contextlib import suppress
from shop import PY2
try:
    import shop.fast
except ImportError:
    import shop.slow
try:
    unicode
except (NameError, OSError):
    pass
print(unicode)
integers = (int, long) if sys.version_info[0] == 2 else int
if PY2:
    import shop.old
with suppress(ImportError):
    import shop.maybe
try:
    import shop.wrong
except ValueError:
    pass
#- /shop/__init__.py
PY2 = False
";
        check(
            text,
            expect![[r#"
                /shop/app.py:7
                        import shop.slow
                               ^^^^^^^^^
                    unresolved-import: no module `shop.slow` in this workspace
                /shop/app.py:19
                        import shop.wrong
                               ^^^^^^^^^^
                    unresolved-import: no module `shop.wrong` in this workspace
            "#]],
        );
    }

    #[test]
    fn packages_that_are_not_installed() {
        let text = "\
#- /main.py
import os, requests, distutils.core
from numpy.linalg import (
    norm,
)
import yaml
try:
    import ujson
except ImportError:
    pass
import helpers
def f():
    import lazy
#- /other.py
try:
    import yaml
except ImportError:
    yaml = None
#- /tools/helpers.py
";
        let workspace = Workspace::new(text);
        let packages =
            Packages { places: vec!["/v/site-packages".into()], names: ["requests".to_owned()].into_iter().collect() };
        let project = Project { packages: Some(packages), ..Project::default() };
        let file = workspace.first_file();
        let found = diagnostics(&workspace.analysis, &project, file);
        let shown: Vec<_> =
            found.iter().map(|it| (workspace.analysis.source(file).slice(it.range), &*it.message)).collect();
        let message = "no module `numpy`: it is not in this workspace, the standard library or `/v/site-packages`";
        assert_eq!(shown, [("numpy.linalg", message)]);
        assert_eq!(diagnostics(&workspace.analysis, &Project::default(), file), []);
    }

    #[test]
    fn suppressed() {
        let text = "\
a  # tantu: ignore
b  # noqa: F821  # tantu: ignore[undefined-name]
c  # tantu: ignore[unresolved-import]
d  # tantu: ignored
'# tantu: ignore'; e
f  #tantu:ignore [syntax-error, undefined-name] because
g  # type: ignore[name-defined]
h  # type: int
";
        check(
            text,
            expect![[r#"
                /main.py:3
                    c  # tantu: ignore[unresolved-import]
                    ^
                    undefined-name: `c` is not defined
                /main.py:4
                    d  # tantu: ignored
                    ^
                    undefined-name: `d` is not defined
                /main.py:5
                    '# tantu: ignore'; e
                                       ^
                    undefined-name: `e` is not defined
                /main.py:8
                    h  # type: int
                    ^
                    undefined-name: `h` is not defined
            "#]],
        );
    }

    #[test]
    fn a_syntax_error_is_never_silent() {
        check(
            "x = = 1  # tantu: ignore\n",
            expect![[r#"
            /main.py:1
                x = = 1  # tantu: ignore
                    ^
                syntax-error: Expected an expression
        "#]],
        );
    }
}
