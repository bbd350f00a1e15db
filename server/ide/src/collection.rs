//! What pytest collects, where the text of one file does not say it: test cases whose base class is made elsewhere.

use std::path::Path;

use graph::{Analysis, FileId, Symbol, SymbolId, SymbolKind, is_test_file};

/// Whether pytest collects the class, function or method. The graph knows of what can be seen in the definition's own file;
/// that a class inherits from unittest's `TestCase` through another one is found here.
pub(crate) fn is_collected(analysis: &Analysis, symbol: &Symbol<'_>) -> bool {
    if symbol.flags.is_test {
        return true;
    }
    let path = analysis.path(symbol.id.file);
    let names = analysis.test_names();
    let is_in_tests = || may_hold_tests(analysis, symbol.id.file);
    // By the project's settings, which may name files and leave the rest as it is.
    let is_in_named = || is_test_file(path) || names.is_file(path);
    let is_function = || symbol.name.starts_with("test") || names.is_function(symbol.name);
    let parent = || symbol.parent.map(|parent| analysis.symbol(parent));
    match symbol.kind {
        SymbolKind::Class => {
            (is_in_tests() && is_test_case(analysis, symbol))
                || (is_in_named() && (symbol.name.starts_with("Test") || names.is_class(symbol.name)))
        }
        SymbolKind::Method => {
            is_function()
                && is_in_tests()
                && parent().is_some_and(|class| class.kind == SymbolKind::Class && is_collected(analysis, &class))
        }
        SymbolKind::Function => {
            is_function() && is_in_named() && parent().is_some_and(|parent| parent.kind == SymbolKind::Module)
        }
        _ => false,
    }
}

/// Whether pytest, by the project's settings too, or unittest's discovery (`test*.py`) looks into a file.
pub(crate) fn may_hold_tests(analysis: &Analysis, file: FileId) -> bool {
    let path = analysis.path(file);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    is_test_file(path) || stem.starts_with("test") || analysis.test_names().is_file(path)
}

/// Whether the function or method is a test, as [`is_collected`] has it.
pub(crate) fn is_test_function(analysis: &Analysis, symbol: &Symbol<'_>) -> bool {
    matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) && is_collected(analysis, symbol)
}

fn is_test_case(analysis: &Analysis, class: &Symbol<'_>) -> bool {
    analysis.ancestors(class.id).into_iter().any(|ancestor| {
        let header = analysis.source(ancestor.file).slice(analysis.symbol(ancestor).header);
        let bases = header.split_once('(').map_or("", |(_, bases)| bases);
        bases.split(['(', ')', ',']).any(|base| base.trim().ends_with("TestCase"))
    })
}

/// pytest's name for a test, or for a class of tests, of the workspace folder `root`: `tests/test_cart.py::TestCart::test_total`.
/// Parametrized tests go by one name.
pub fn node_id(analysis: &Analysis, root: &Path, test: SymbolId) -> String {
    let path = analysis.path(test.file);
    let parts: Vec<_> = path.strip_prefix(root).unwrap_or(path).iter().map(|part| part.to_string_lossy()).collect();
    let name = analysis.symbol(test).local_name();
    name.split('.').filter(|name| !name.is_empty()).fold(parts.join("/"), |id, name| format!("{id}::{name}"))
}

#[cfg(test)]
mod tests {
    use fixture::Workspace;
    use graph::{AnalysisHost, Change, TestNames};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let all = analysis.files().flat_map(|file| analysis.symbols(file));
        let tests = all.filter(|&id| is_test_function(analysis, &analysis.symbol(id)));
        let names: Vec<String> = tests.map(|id| analysis.symbol(id).qualified_name()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn test_cases_by_inheritance() {
        check(
            "\
#- /base.py
import unittest
class Base(unittest.TestCase): pass
#- /test_a.py
from base import Base
class Prices(Base):
    def test_price(self): pass
    def helper(self): pass
class Other:
    def test_nothing(self): pass
",
            &["test_a.Prices.test_price"],
        );
    }

    #[test]
    fn tests_by_the_settings_of_pytest() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let names = TestNames::new(&names(&["unit*.py"]), &names(&["Suite"]), &names(&["it_"]));
        let mut host = AnalysisHost::new(vec!["/".into()]).with_test_names(names);
        let mut change = Change::default();
        let text = "class SuiteOfPrices:\n    def it_works(self): pass\n    def helper(self): pass\ndef it_is(): pass\ndef test_old(): pass\n";
        change.set("/unit_a.py", text);
        change.set("/prices.py", text);
        host.apply(change);
        let analysis = host.analysis();
        let all = analysis.files().flat_map(|file| analysis.symbols(file));
        let tests = all.filter(|&id| is_test_function(&analysis, &analysis.symbol(id)));
        let names: Vec<String> = tests.map(|id| analysis.symbol(id).qualified_name()).collect();
        assert_eq!(names, ["unit_a.SuiteOfPrices.it_works", "unit_a.it_is", "unit_a.test_old"]);
    }

    #[test]
    fn test_cases_where_unittest_finds_them() {
        let case = "from unittest import TestCase\nclass Prices(TestCase):\n    def test_price(self): pass\ndef test_not(): pass\n";
        check(&format!("#- /pkg/testprices.py\n{case}"), &["pkg.testprices.Prices.test_price"]);
        check(&format!("#- /pkg/prices.py\n{case}"), &[]);
    }
}
