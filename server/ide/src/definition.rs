//! Where the name under the cursor is defined.

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use syntax::{TextRange, TextSize};

/// More functions than this that may be called are no answer to "where".
const MAX_CALLED: usize = 8;

/// The answer to "go to definition".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name that was asked about.
    pub origin: TextRange,
    /// The most certain first.
    pub places: Vec<Place>,
}

/// A definition to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: FileId,
    /// The whole definition.
    pub range: TextRange,
    /// Its name, inside `range`.
    pub name_range: TextRange,
}

impl Place {
    pub fn of(analysis: &Analysis, symbol: SymbolId) -> Self {
        let view = analysis.symbol(symbol);
        Place { file: symbol.file, range: view.range, name_range: view.name_range }
    }
}

/// What the name at `offset` refers to. A name that is defined outside the workspace has no place and is no answer.
pub fn definition(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<Definition> {
    let origin = analysis.name_at(file, offset)?;
    let mut targets = analysis.targets(file, offset);
    targets.sort_by_key(confidence);
    // Where a variable is called, what it holds comes before where it got it.
    let called = analysis.called_at(file, offset);
    if !called.is_empty() && called.len() <= MAX_CALLED {
        targets.retain(|target| !is_callable(analysis, target));
        targets.splice(..0, called.into_iter().map(|(symbol, confidence)| Target::Symbol(symbol, confidence)));
    }
    let places: Vec<Place> = targets.iter().filter_map(|target| place(analysis, target)).collect();
    (!places.is_empty()).then_some(Definition { origin, places })
}

fn is_callable(analysis: &Analysis, target: &Target) -> bool {
    match target {
        Target::Symbol(symbol, _) => {
            let kind = analysis.symbol(*symbol).kind;
            kind.is_function() || kind == SymbolKind::Class
        }
        Target::Local { .. } | Target::External(_) => false,
    }
}

fn place(analysis: &Analysis, target: &Target) -> Option<Place> {
    match *target {
        Target::Symbol(symbol, _) => Some(Place::of(analysis, symbol)),
        Target::Local { file, range, .. } => Some(Place { file, range, name_range: range }),
        Target::External(_) => None,
    }
}

/// The order in which targets are shown; locals are certain.
pub(crate) fn confidence(target: &Target) -> graph::Confidence {
    match target {
        Target::Symbol(_, confidence) => *confidence,
        Target::Local { .. } | Target::External(_) => graph::Confidence::Exact,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let found = definition(&workspace.analysis, file, offset);
        let places = found.into_iter().flat_map(|definition| definition.places);
        let drawn: String = places.map(|place| workspace.draw(place.file, place.name_range)).collect();
        expected.assert_eq(&drawn);
    }

    #[test]
    fn through_an_aliased_import() {
        let text = "#- /a.py\nfrom pkg import f as g\ng$0()\n#- /pkg/__init__.py\nfrom .m import f\n#- /pkg/m.py\ndef f(): pass\n";
        check(
            text,
            expect![[r#"
            /pkg/m.py:1
                def f(): pass
                    ^
        "#]],
        );
    }

    #[test]
    fn a_method_through_its_receiver() {
        check(
            "class A:\n    def f(self): pass\n\ndef make():\n    return A()\n\nmake().f$0()\n",
            expect![[r#"
            /main.py:2
                    def f(self): pass
                        ^
        "#]],
        );
    }

    #[test]
    fn definition_of_a_module() {
        check(
            "#- /a.py\nimport pkg.m\npkg.m$0.f\n#- /pkg/__init__.py\n#- /pkg/m.py\nx = 1\n",
            expect![[r#"
            /pkg/m.py:1
                x = 1
                ^
        "#]],
        );
    }

    #[test]
    fn a_variable_that_is_called() {
        check(
            "def a(): ...\nf = a\nf$0()\n",
            expect![[r#"
            /main.py:1
                def a(): ...
                    ^
            /main.py:2
                f = a
                ^
        "#]],
        );
    }

    #[test]
    fn definition_of_a_parameter() {
        check(
            "def f(size):\n    return siz$0e\n",
            expect![[r#"
            /main.py:1
                def f(size):
                      ^^^^
        "#]],
        );
    }

    #[test]
    fn what_lies_outside_the_workspace_has_no_place() {
        check("import os\nos.getcwd$0()\n", expect![[""]]);
        check("x = 1 $0 + 2\n", expect![[""]]);
    }
}
