//! Fix the code under this test: has a model rewrite the body of the function that a failing test tests.
//!
//! ```python
//! def test_total():
//!     assert total([1, 2]) == 3        # ← failed: assert 2 == 3; `total` is rewritten, the test is not
//! ```
//!
//! What pytest said is given as the instruction. Only the body is replaced, as by `implement_function`. The test is among
//! those that the answer has to pass.

use context::Context;
use graph::{Analysis, Confidence, FileId, SymbolId};
use syntax::{SourceChange, TextRange, TextSize};

use super::function_body;
use super::question::Question;
use super::{Ask, Assist, AssistId, Occasion, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::FixFailingTest,
    name: "fix-failing-test",
    title: "Fix the code under a failing test (preview)",
    // Whether a test fails, others know.
    offered: |analysis, _, file, range| function_body::around(analysis, file, range),
    scope,
    ask,
    accept,
    occasion: Occasion::FailingTest,
    ..Assist::PLAIN
};

/// The function that the test at `line` of `file` is likely to be about: the last one on the way to the failure that is no
/// test (`frames`, outermost first), else the one that the line calls, else the last one that the test has called before.
pub fn code_under_test(
    analysis: &Analysis,
    file: FileId,
    line: TextRange,
    frames: &[(FileId, TextSize)],
) -> Option<SymbolId> {
    let is_code = |&symbol: &SymbolId| {
        let it = analysis.symbol(symbol);
        it.kind.is_function() && !it.flags.is_test && scope(analysis, symbol).is_some()
    };
    let here = analysis.enclosing(file, line.start());
    let on_the_way = frames.iter().rev().map(|&(file, offset)| analysis.enclosing(file, offset)).chain([here]);
    if let Some(found) = on_the_way.into_iter().find(is_code) {
        return Some(found);
    }
    let calls = analysis.callees(here).into_iter().filter(|call| is_code(&call.other));
    let sites = calls.flat_map(|call| call.sites.into_iter().map(move |site| (site, call.other)));
    let sites = sites.filter(|(site, _)| site.confidence != Confidence::Possible && site.range.start() < line.end());
    // The outermost call of a line is written first, and is what its value comes from.
    let nearest = sites.max_by_key(|(site, _)| {
        let on_line = line.contains(site.range.start());
        (on_line, if on_line { u32::MAX - u32::from(site.range.start()) } else { u32::from(site.range.start()) })
    });
    nearest.map(|(_, symbol)| symbol)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    function_body::scope(analysis, target, function_body::find)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    // Without a failure there is nothing to fix.
    instruction.filter(|it| !it.trim().is_empty())?;
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Fix `{}` so that a test passes", view.qualified_name()),
        system: SYSTEM,
        code: "The function under test",
        instruction: "How the test fails",
        request: format!("Write the function `{}` so that this test passes.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You mend one Python function of an existing program that a test shows to be wrong. Answer with one ```python block that \
holds the whole function, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- Do what the function's name, docstring and callers promise; the test is an example of it. Do not write code for the \
values of the test alone, and do not catch the failure to hide it.
- Change as little as is needed.
- Keep the decorators, the signature and the docstring as they are.
- Use only names that are shown, that the function's file imports or defines, or that come from Python's standard \
library. Do not guess names of attributes or parameters.
- If the body needs another import, put it above the function in the same block.
- Write nothing else: no other functions, no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    function_body::accept(analysis, target, code, function_body::find)
}

#[cfg(test)]
mod tests {
    use context::{Options, context};

    use super::*;
    use fixture::Workspace;

    const CODE: &str = "\
#- /cart.py
def total(lines): return add(lines)
def add(lines): return len(lines)
def empty(): return []
#- /test_cart.py
from cart import empty, total
def test_total():
    lines = empty()
    assert total(lines + empty()) == 3$0
    done = 1
";

    /// The qualified name of what is found for the line with the cursor.
    fn found(text: &str, frame: Option<&str>) -> Option<String> {
        let workspace = Workspace::new(text);
        let (analysis, (file, offset)) = (&workspace.analysis, workspace.cursor());
        let source = analysis.source(file);
        let line = source.lines().line_range(source.line_number(offset) - 1, source.text());
        let frames: Vec<_> = frame.map(|name| analysis.find(name)[0]).into_iter().collect();
        let frames: Vec<_> = frames.into_iter().map(|it| (it.file, analysis.symbol(it).name_range.start())).collect();
        code_under_test(analysis, file, line, &frames).map(|symbol| analysis.symbol(symbol).qualified_name())
    }

    #[test]
    fn the_code_under_a_test_is_what_raised_or_what_the_line_calls() {
        assert_eq!(found(CODE, None).as_deref(), Some("cart.total"));
        assert_eq!(found(CODE, Some("cart.add")).as_deref(), Some("cart.add"));
        let below = CODE.replace("3$0", "3").replace("done = 1", "done = 1$0");
        assert_eq!(found(&below, None).as_deref(), Some("cart.empty"), "the last call before");
        assert_eq!(found("#- /test_a.py\ndef test_a(): assert 1 == 2$0\n", None), None);
    }

    #[test]
    fn the_failure_is_part_of_the_prompt() {
        let workspace = Workspace::new(CODE);
        let target = workspace.analysis.find("cart.total")[0];
        let seen = context(&workspace.analysis, target, 1000, &Options::default());
        let asked = ask(&workspace.analysis, target, &seen, Some("assert 2 == 3")).expect("there is a failure");
        assert_eq!(asked.title, "Fix `cart.total` so that a test passes");
        assert!(asked.user.contains("assert 2 == 3") && asked.user.contains("return add(lines)"), "{}", asked.user);
        assert_eq!(ask(&workspace.analysis, target, &seen, Some(" ")), None);
    }
}
