//! The tests that belong to a piece of code, for somebody who keeps both.

use graph::{Analysis, FileId, SymbolId};
use syntax::TextRange;

use crate::impact::{Effort, reaching};

/// Tests that are quoted, and lines of all of them.
const MAX_TESTS: usize = 5;
const MAX_LINES: usize = 200;
/// Definitions that are looked at on the way to tests.
const EFFORT: Effort = Effort::quick(2_000);

/// The text of the tests that reach what is defined in `range`, or else the function around it: the nearest first, each below
/// a comment that says where it is from. Empty if there are none.
pub fn nearest_tests(analysis: &Analysis, file: FileId, range: TextRange) -> String {
    let is_function = |id: &SymbolId| analysis.symbol(*id).kind.is_function();
    let inside = |id: &SymbolId| range.contains_range(analysis.symbol(*id).range);
    let mut targets: Vec<SymbolId> = analysis.symbols(file).into_iter().filter(is_function).filter(inside).collect();
    if targets.is_empty() {
        let around =
            std::iter::successors(Some(analysis.enclosing(file, range.start())), |&id| analysis.symbol(id).parent);
        targets.extend(around.filter(is_function).find(|&id| analysis.symbol(id).range.contains_range(range)));
    }
    let (mut text, mut lines, mut count) = (String::new(), 0, 0);
    for test in reaching(analysis, &targets, EFFORT).tests {
        let (source, symbol) = (analysis.source(test.file), analysis.symbol(test));
        let quoted = source.slice(symbol.range);
        // What is kept already needs no copy beside it.
        if test.file == file && inside(&test) {
            continue;
        }
        lines += quoted.lines().count();
        count += 1;
        if lines > MAX_LINES || count > MAX_TESTS {
            break;
        }
        let first = source.lines().line_range(source.lines().line(symbol.range.start()), source.text()).start();
        let indent = source.slice(TextRange::new(first, symbol.range.start()));
        let path = analysis.path(test.file);
        text.push_str(&format!("# {}\n", analysis.inside_root(path).display()));
        for line in quoted.lines() {
            text.push_str(line.strip_prefix(indent).unwrap_or(line));
            text.push('\n');
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
#- /shop.py
def price(): return 1
def quote():
    return price()
def other(): pass
#- /tests/test_shop.py
from shop import quote, other
class TestQuote:
    def test_quote(self):
        assert quote() == 1

        # Still.
def test_other(): other()
";

    fn around(selected: &str) -> String {
        let (workspace, _) = Workspace::with_target(&format!("{TEXT}$0"), |_, _, _, _| None);
        let analysis = &workspace.analysis;
        let file = analysis.file(std::path::Path::new("/shop.py")).unwrap();
        let start = analysis.source(file).text().find(selected).unwrap();
        let range = TextRange::at((start as u32).into(), (selected.len() as u32).into());
        nearest_tests(analysis, file, range)
    }

    #[test]
    fn of_the_function_around_and_of_those_inside() {
        let quoted = "# tests/test_shop.py\ndef test_quote(self):\n    assert quote() == 1\n";
        assert_eq!(around("return price()"), quoted);
        assert_eq!(around("def price(): return 1\n"), quoted);
        assert_eq!(around("def other(): pass\n"), "# tests/test_shop.py\ndef test_other(): other()\n");
        assert_eq!(
            around("def price(): return 1\ndef quote():\n    return price()\ndef other(): pass\n")
                .matches("# tests")
                .count(),
            2
        );
    }
}
