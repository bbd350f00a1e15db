//! Refactor this function: has a model write the body of a function anew, so that it does the same.
//!
//! ```python
//! def total(items):
//!     result = 0
//!     for item in items:                # ← offered anywhere in a function that is written
//!         result = result + item.price
//!     return result
//! ```
//!
//! The instruction says how; without one the body is made simpler. Only the body is replaced, so callers keep what they
//! call.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use syntax::{Parsed, SourceChange, TextRange};

use super::function_body;
use super::question::Question;
use super::reply::{Function, is_stub};
use super::{Ask, Assist, AssistId, Behaviour, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::RefactorFunction,
    name: "refactor-function",
    title: "Refactor: as you describe (preview)",
    prompt: Some("What should be different in the function?"),
    offered,
    scope,
    ask,
    accept,
    behaviour: Behaviour::Preserve,
    alias: Some("refactor"),
    ..Assist::PLAIN
};

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    find(analysis, symbol, parsed).map(|_| symbol)
}

/// The function in the tree that the graph calls `symbol`, if there is anything in it.
pub(super) fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<Function<'a>> {
    function_body::find(analysis, symbol, parsed).filter(|function| !is_stub(&function.node.body))
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    function_body::scope(analysis, target, find)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let is_given = instruction.is_some_and(|it| !it.trim().is_empty());
    let how = if is_given { "as the person who asks wants it" } else { "as simple and as readable as you can" };
    let question = Question {
        title: format!("Refactor `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function to refactor",
        instruction: "What the person who asks wants of it",
        request: format!("Write the function `{}` {how}.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You refactor one Python function of an existing program. Answer with one ```python block that holds the whole function, \
then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- The function must do what it did: the same results, the same exceptions, the same order of effects; unless the person \
who asks wants something else.
- Keep the decorators, the signature and the docstring as they are.
- Use only names that are shown, that the function's file imports or defines, or that come from Python's standard \
library. Do not guess names of attributes or parameters.
- If the body needs another import, put it above the function in the same block.
- Write nothing else: no other functions, no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    function_body::accept(analysis, target, code, find)
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
def total(items):
    \"\"\"The sum.\"\"\"
    result = 0
    for item in items:
        result = result + item.price$0
    return result
";

    fn target(text: &str) -> (Workspace, Option<SymbolId>) {
        Workspace::with_target(text, offered)
    }

    #[test]
    fn offered_in_functions_that_are_written() {
        assert!(target(TEXT).1.is_some());
        assert!(target("def f(): ...$0\n").1.is_none());
        assert!(target("def f():\n    \"\"\"Doc.\"\"\"\n    raise NotImplementedError$0\n").1.is_none());
        assert!(target("x = 1$0\n").1.is_none());
    }

    #[test]
    fn the_instruction_says_how() {
        let (workspace, target) = target(TEXT);
        let analysis = &workspace.analysis;
        let target = target.unwrap();
        let seen = context(analysis, target, 1000, &Options::default());
        let plain = ask(analysis, target, &seen, None).unwrap();
        assert_eq!(plain.title, "Refactor `main.total`");
        assert!(plain.user.contains("as simple and as readable as you can"), "{}", plain.user);
        let wanted = ask(analysis, target, &seen, Some("use sum()")).unwrap();
        assert!(wanted.user.contains("use sum()") && wanted.user.contains("as the person who asks"), "{}", wanted.user);
    }

    #[test]
    fn signature_and_docstring_stay() {
        let (workspace, target) = target(TEXT);
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let reply = "def total(items, start=0):\n    return sum(item.price for item in items)\n";
        let change = accept(analysis, target, reply).unwrap();
        let after = apply_edits(analysis.source(target.file).text(), &change.files[0].edits).unwrap();
        let expected = "def total(items):\n    \"\"\"The sum.\"\"\"\n    return sum(item.price for item in items)\n";
        assert_eq!(after, expected);
    }
}
