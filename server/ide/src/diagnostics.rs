//! What is certainly wrong in a file.
//!
//! These are shown while somebody types, so each must be right: where the text does not parse, names are not judged; where
//! the program itself is prepared for a missing name or module, nothing is reported.

mod guards;
mod suppression;

use graph::{Analysis, FileId, Import, ImportKind};
use syntax::{TextRange, parse};

use guards::Guards;
use suppression::Suppressions;

/// What a diagnostic is about. The names are part of the interface: suppression comments and settings use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    SyntaxError,
    UnresolvedImport,
    UndefinedName,
}

impl Code {
    pub const ALL: [Code; 3] = [Code::SyntaxError, Code::UnresolvedImport, Code::UndefinedName];

    /// The stable name, in kebab case.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::SyntaxError => "syntax-error",
            Code::UnresolvedImport => "unresolved-import",
            Code::UndefinedName => "undefined-name",
        }
    }

    /// One sentence for the manual.
    pub fn title(self) -> &'static str {
        match self {
            Code::SyntaxError => "The text is not Python.",
            Code::UnresolvedImport => "An import names a module or a name of this workspace that does not exist.",
            Code::UndefinedName => "A name is used that nothing binds.",
        }
    }

    pub fn severity(self) -> Severity {
        match self {
            Code::SyntaxError | Code::UnresolvedImport | Code::UndefinedName => Severity::Error,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

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

/// The diagnostics of `file`, in source order. `# tantu: ignore` and `# tantu: ignore[code, …]` at the end of a line silence
/// what starts on it, syntax errors excepted.
pub fn diagnostics(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let text = analysis.source(file).text();
    let mut found = unresolved_imports(analysis, file);
    if analysis.syntax_errors(file).is_empty() {
        found.extend(undefined_names(analysis, file));
    }
    if !found.is_empty() {
        let parsed = parse(text);
        let lines = analysis.source(file).lines();
        let guards = Guards::of(parsed.statements());
        let suppressions = Suppressions::of(text, parsed.tokens(), lines);
        found.retain(|it| !guards.expect(it) && !suppressions.silence(lines.line(it.range.start()), it.code));
    }
    found.extend(syntax_errors(analysis, file));
    found.sort_by_key(|diagnostic| (diagnostic.range.start(), diagnostic.code));
    found
}

fn diagnostic(code: Code, range: TextRange, message: String) -> Diagnostic {
    Diagnostic { range, code, severity: code.severity(), message, related: Vec::new() }
}

fn syntax_errors(analysis: &Analysis, file: FileId) -> impl Iterator<Item = Diagnostic> {
    let errors = analysis.syntax_errors(file).iter();
    errors.map(|error| diagnostic(Code::SyntaxError, error.range, error.message.clone()))
}

fn undefined_names(analysis: &Analysis, file: FileId) -> impl Iterator<Item = Diagnostic> {
    let names = analysis.undefined_names(file).into_iter();
    names.map(|(range, name)| diagnostic(Code::UndefinedName, range, format!("`{name}` is not defined")))
}

fn unresolved_imports(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let source = analysis.source(file);
    let line = |range: TextRange| source.lines().line(range.start());
    let broken: Vec<u32> = analysis.syntax_errors(file).iter().map(|error| line(error.range)).collect();
    let mut found = Vec::new();
    for import in analysis.imports(file) {
        // `from .mod import ` is half of something: the name is yet to come.
        if let ImportKind::Unresolved { looked_for } = &import.kind
            && !broken.contains(&line(import.range))
        {
            found.push(unresolved_import(analysis, &import, looked_for));
        }
    }
    found
}

fn unresolved_import(analysis: &Analysis, import: &Import, looked_for: &[String]) -> Diagnostic {
    let missing_name = looked_for.first().and_then(|name| missing_name(analysis, import, name));
    match missing_name {
        Some((module, name)) => {
            let message = format!("`{}` has no `{name}`", analysis.module_name(module));
            let range = TextRange::default();
            let related = Related { file: module, range, message: "this is where it was looked for".to_owned() };
            Diagnostic { related: vec![related], ..diagnostic(Code::UnresolvedImport, import.range, message) }
        }
        None => {
            let message = format!("no module `{}` in this workspace", looked_for.join("` or `"));
            diagnostic(Code::UnresolvedImport, import.range, message)
        }
    }
}

/// The module that is there, and the name that is not in it, when that is what is wrong.
fn missing_name<'a>(analysis: &Analysis, import: &Import, looked_for: &'a str) -> Option<(FileId, &'a str)> {
    let (module, name) = looked_for.rsplit_once('.')?;
    if !import.text.ends_with(&format!(" import {name}")) {
        return None;
    }
    let file = analysis.files().find(|&file| analysis.module_name(file) == module)?;
    Some((file, name))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let mut out = String::new();
        for found in diagnostics(&workspace.analysis, file) {
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
from .gone import thing
#- /shop/__init__.py
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
    
                    ^
                    this is where it was looked for
                /shop/app.py:5
                    from .gone import thing
                                      ^^^^^
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
from contextlib import suppress
try:
    import shop.fast
except ImportError:
    import shop.slow
try:
    unicode
except (NameError, OSError):
    pass
with suppress(ImportError):
    import shop.maybe
try:
    import shop.wrong
except ValueError:
    pass
#- /shop/__init__.py
";
        check(
            text,
            expect![[r#"
                /shop/app.py:5
                        import shop.slow
                               ^^^^^^^^^
                    unresolved-import: no module `shop.slow` in this workspace
                /shop/app.py:13
                        import shop.wrong
                               ^^^^^^^^^^
                    unresolved-import: no module `shop.wrong` in this workspace
            "#]],
        );
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

    #[test]
    fn codes_are_stable() {
        let names = Code::ALL.map(Code::as_str);
        assert_eq!(names, ["syntax-error", "unresolved-import", "undefined-name"]);
    }
}
