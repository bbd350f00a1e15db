//! Every use of what the name under the cursor refers to.

use graph::{Analysis, Confidence, FileId, Target};
use syntax::{TextRange, TextSize};

/// A use, or a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    pub file: FileId,
    /// The name.
    pub range: TextRange,
    pub confidence: Confidence,
    pub write: bool,
    /// The name in its definition, for symbols of the graph.
    pub declaration: bool,
}

/// The uses of what the name at `offset` refers to, sorted by path and offset. Of several possible targets, all.
pub fn references(analysis: &Analysis, file: FileId, offset: TextSize, include_declaration: bool) -> Vec<Reference> {
    let mut found = Vec::new();
    for target in analysis.targets(file, offset) {
        match target {
            Target::Symbol(symbol, _) => {
                let uses = analysis.references(symbol).into_iter();
                found.extend(uses.map(|site| Reference {
                    file: site.file,
                    range: site.range,
                    confidence: site.confidence,
                    write: site.write,
                    declaration: false,
                }));
                if include_declaration {
                    found.push(Reference {
                        file: symbol.file,
                        range: analysis.symbol(symbol).name_range,
                        confidence: Confidence::Exact,
                        write: true,
                        declaration: true,
                    });
                }
            }
            Target::Local { file, range, parameter } => {
                found.extend(local_references(analysis, file, range.start()));
                if parameter {
                    let sites = analysis.argument_sites(file, range.start()).into_iter();
                    let confidence = Confidence::Inferred;
                    found.extend(sites.map(|(file, range)| Reference {
                        file,
                        range,
                        confidence,
                        write: true,
                        declaration: false,
                    }));
                }
            }
            Target::External(_) => {}
        }
    }
    found.sort_by(|a, b| {
        let key = |it: &Reference| (it.range.start(), !it.declaration);
        analysis.path(a.file).cmp(analysis.path(b.file)).then_with(|| key(a).cmp(&key(b)))
    });
    found.dedup_by_key(|reference| (reference.file, reference.range));
    found
}

/// The uses of a function's own variable; each of its assignments counts as a use.
fn local_references(analysis: &Analysis, file: FileId, offset: TextSize) -> impl Iterator<Item = Reference> {
    let ranges = analysis.local_references(file, offset).into_iter();
    ranges.map(move |range| {
        let targets = analysis.targets(file, range.start());
        let write =
            targets.iter().any(|target| matches!(target, Target::Local { range: bound, .. } if *bound == range));
        Reference { file, range, confidence: Confidence::Exact, write, declaration: false }
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let mut out = String::new();
        for found in references(&workspace.analysis, file, offset, true) {
            out.push_str(&workspace.draw(found.file, found.range));
            let kind = match (found.declaration, found.write) {
                (true, _) => "declaration",
                (false, true) => "write",
                (false, false) => "read",
            };
            out.push_str(&format!("    {kind} {:?}\n", found.confidence));
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn across_files_and_aliases() {
        let text = "\
#- /a.py
def f$0(): pass
f()
#- /b.py
from a import f as g
import a
g(a.f)
";
        check(
            text,
            expect![[r#"
            /a.py:1
                def f(): pass
                    ^
                declaration Exact
            /a.py:2
                f()
                ^
                read Exact
            /b.py:1
                from a import f as g
                              ^
                read Exact
            /b.py:1
                from a import f as g
                                   ^
                read Exact
            /b.py:3
                g(a.f)
                ^
                read Exact
            /b.py:3
                g(a.f)
                    ^
                read Exact
        "#]],
        );
    }

    #[test]
    fn reads_and_writes_of_an_attribute() {
        let text = "\
class Cart:
    def __init__(self):
        self.size = 0
    def add(self):
        self.si$0ze += 1
        return self.size
def size(): pass
";
        check(
            text,
            expect![[r#"
            /main.py:3
                        self.size = 0
                             ^^^^
                declaration Exact
            /main.py:5
                        self.size += 1
                             ^^^^
                write Inferred
            /main.py:6
                        return self.size
                                    ^^^^
                read Inferred
        "#]],
        );
    }

    #[test]
    fn a_local_variable_and_its_closures() {
        let text = "\
def f(n):
    total$0 = 0
    if n:
        total = 1
    subtotal = [total for total in n]
    def inner():
        return total
    return total + other.total

def g():
    total = 2
    return total
";
        check(
            text,
            expect![[r#"
            /main.py:2
                    total = 0
                    ^^^^^
                write Exact
            /main.py:4
                        total = 1
                        ^^^^^
                write Exact
            /main.py:7
                        return total
                               ^^^^^
                read Exact
            /main.py:8
                    return total + other.total
                           ^^^^^
                read Exact
        "#]],
        );
    }

    #[test]
    fn a_variable_of_a_comprehension() {
        check(
            "def f(x):\n    return [x$0 + 1 for x in x if x]\n",
            expect![[r#"
            /main.py:2
                    return [x + 1 for x in x if x]
                            ^
                read Exact
            /main.py:2
                    return [x + 1 for x in x if x]
                                      ^
                write Exact
            /main.py:2
                    return [x + 1 for x in x if x]
                                                ^
                read Exact
        "#]],
        );
    }

    #[test]
    fn a_parameter_and_the_arguments_for_it() {
        check(
            "def f(size$0=1):\n    return g(size=size)\n\nf(size=2)\n",
            expect![[r#"
            /main.py:1
                def f(size=1):
                      ^^^^
                write Exact
            /main.py:2
                    return g(size=size)
                                  ^^^^
                read Exact
            /main.py:4
                f(size=2)
                  ^^^^
                write Inferred
        "#]],
        );
    }

    #[test]
    fn names_from_outside_have_no_references() {
        check("import os\nos.getcwd$0()\n", expect![[""]]);
    }
}
