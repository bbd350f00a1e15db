//! What a class inherits from, and what inherits from it.

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use syntax::TextSize;

/// The classes that the hierarchy of `offset` starts from: what the name there refers to or, failing that, the classes of
/// its value, or, on the first lines of a class, that class.
pub fn prepare_type_hierarchy(analysis: &Analysis, file: FileId, offset: TextSize) -> Vec<SymbolId> {
    let is_class = |symbol: &SymbolId| analysis.symbol(*symbol).kind == SymbolKind::Class;
    let mut classes: Vec<SymbolId> = Vec::new();
    for target in analysis.targets(file, offset) {
        if let Target::Symbol(symbol, _) = target
            && is_class(&symbol)
            && !classes.contains(&symbol)
        {
            classes.push(symbol);
        }
    }
    if classes.is_empty() {
        let (own, held) = analysis.types_at(file, offset);
        classes = if own.is_empty() { held } else { own };
    }
    if classes.is_empty() {
        let around = analysis.enclosing(file, offset);
        if is_class(&around) && analysis.symbol(around).header.contains_inclusive(offset) {
            classes.push(around);
        }
    }
    classes
}

/// The direct base classes in the workspace, in the order in which they are written.
pub fn supertypes(analysis: &Analysis, class: SymbolId) -> Vec<SymbolId> {
    analysis.bases(class)
}

/// The direct subclasses, sorted by path and offset.
pub fn subtypes(analysis: &Analysis, class: SymbolId) -> Vec<SymbolId> {
    analysis.subclasses(class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let (file, offset) = workspace.cursor();
        let names = |symbols: Vec<SymbolId>| {
            let names: Vec<_> = symbols.iter().map(|&symbol| analysis.symbol(symbol).qualified_name()).collect();
            names.join(" ")
        };
        let found = prepare_type_hierarchy(analysis, file, offset);
        let drawn = found.into_iter().map(|class| {
            format!(
                "{} < {} > {}",
                analysis.symbol(class).qualified_name(),
                names(supertypes(analysis, class)),
                names(subtypes(analysis, class))
            )
        });
        assert_eq!(drawn.collect::<Vec<_>>().join("\n"), expected);
    }

    #[test]
    fn several_bases_across_files() {
        let text = "\
#- /a.py
class A: ...
class B: ...
#- /b.py
import a
from a import B as Base
class C$0(a.A, Base): ...
#- /c.py
from b import *
class D(C): ...
class E(D): ...
";
        check(text, "b.C < a.A a.B > c.D");
    }

    #[test]
    fn type_hierarchy_from_a_use_a_value_and_a_header() {
        check("class A: ...\nA$0()\n", "main.A <  > ");
        check("class A: ...\nclass B(A): ...\nb = B()\nb$0\n", "main.B < main.A > ");
        check("cla$0ss A: ...\n", "main.A <  > ");
        check("class A:\n    def m(self): pa$0ss\n", "");
        check("def f$0(): ...\n", "");
    }
}
