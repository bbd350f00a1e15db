//! What implements the class or method under the cursor.

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use rustc_hash::FxHashSet;
use syntax::TextSize;

use crate::definition::Place;

/// The subclasses of a class at any depth, or the methods that override a method; sorted by path and offset. Of a protocol
/// also what has all that it asks for. A method that is no mere declaration counts as its own implementation.
pub fn implementations(analysis: &Analysis, file: FileId, offset: TextSize) -> Vec<Place> {
    let mut found: FxHashSet<SymbolId> = FxHashSet::default();
    for target in analysis.targets(file, offset) {
        let Target::Symbol(symbol, _) = target else { continue };
        let view = analysis.symbol(symbol);
        match (view.kind, view.parent) {
            (SymbolKind::Class, _) => found.extend(subclasses(analysis, symbol)),
            (SymbolKind::Method | SymbolKind::Attribute, Some(class)) => {
                if !view.flags.is_abstract && !view.flags.is_stub {
                    found.insert(symbol);
                }
                found.extend(analysis.overriding(symbol));
                if analysis.is_protocol(class) {
                    let conforming = analysis.conforming(class).into_iter();
                    let members = conforming.flat_map(|class| analysis.members(class));
                    found.extend(members.filter(|&member| analysis.symbol(member).name == view.name));
                }
            }
            _ => drop(found.insert(symbol)),
        }
    }
    let mut places: Vec<Place> = found.into_iter().map(|symbol| Place::of(analysis, symbol)).collect();
    places.sort_by(|a, b| {
        let path = |place: &Place| analysis.path(place.file);
        path(a).cmp(path(b)).then(a.range.start().cmp(&b.range.start()))
    });
    places
}

fn subclasses(analysis: &Analysis, class: SymbolId) -> FxHashSet<SymbolId> {
    let mut found = FxHashSet::default();
    let mut pending = analysis.subclasses(class);
    if analysis.is_protocol(class) {
        pending.extend(analysis.conforming(class));
    }
    while let Some(subclass) = pending.pop() {
        if subclass != class && found.insert(subclass) {
            pending.extend(analysis.subclasses(subclass));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    /// Every place as `path:line`.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let (file, offset) = workspace.cursor();
        let found = implementations(analysis, file, offset).into_iter().map(|place| {
            let line = analysis.source(place.file).line_number(place.name_range.start());
            format!("{}:{line}", analysis.path(place.file).display())
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn subclasses_at_any_depth() {
        check(
            "#- /a.py\nclass A$0: ...\nclass B(A): ...\n#- /b.py\nfrom a import B\nclass C(B): ...\nclass D: ...\n",
            &["/a.py:2", "/b.py:2"],
        );
    }

    #[test]
    fn overriding_methods() {
        let base = "from abc import abstractmethod\nclass A:\n    @abstractmethod\n    def m$0(self): ...\n";
        let rest = "class B(A):\n    def m(self): return 1\nclass C(A): ...\nclass D(C):\n    def m(self): return 2\n";
        check(&format!("{base}{rest}"), &["/main.py:6", "/main.py:9"]);
        check(
            "class A:\n    def m(self): return 1\nclass B(A):\n    def m(self): return 2\nA().m$0()\n",
            &["/main.py:2", "/main.py:4"],
        );
    }

    #[test]
    fn what_conforms_to_a_protocol() {
        let text = "from typing import Protocol\nclass P(Protocol):\n    def m(self): ...\n    x: int\n\
                    class A:\n    x = 1\n    def m(self): return 1\nclass B:\n    def m(self): return 2\n";
        check(&text.replace("class P(", "class P$0("), &["/main.py:5"]);
        check(&text.replacen("def m(", "def m$0(", 1), &["/main.py:7"]);
    }

    #[test]
    fn a_function_is_its_own() {
        check("def f$0(): ...\n", &["/main.py:1"]);
    }
}
