//! Fix this finding: has a model rewrite the body of the function that a finding is in.
//!
//! ```python
//! def find(connection, name):
//!     return connection.execute(build("users", name))      # ← S608: no rewriting by rule can mend it
//! ```
//!
//! What is wrong is given as the instruction. Only the body is replaced, as by `implement_function`.

use context::Context;
use graph::{Analysis, SymbolId};
use syntax::SourceChange;

use super::function_body;
use super::question::Question;
use super::{Ask, Assist, AssistId, Occasion, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::FixDiagnostic,
    name: "fix-diagnostic",
    title: "Fix this finding (preview)",
    // Whether there is anything to fix, others know.
    offered: |analysis, _, file, range| function_body::around(analysis, file, range),
    scope,
    ask,
    accept,
    occasion: Occasion::Finding,
    ..Assist::PLAIN
};

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    function_body::scope(analysis, target, function_body::find)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    // Without a finding there is nothing to fix.
    instruction.filter(|it| !it.trim().is_empty())?;
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Fix a finding in `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function with the finding",
        instruction: "The finding",
        request: format!("Write the function `{}` without what the finding is about.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You mend one finding of a linter or of a type of analysis in one Python function of an existing program. Answer with one \
```python block that holds the whole function, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that \
it is right.

Rules:
- Mend what the finding is about and change nothing else: the same results, the same exceptions, the same order of effects.
- Do not silence the finding with a comment, and do not delete what the function is for.
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
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
def run(connection, name):
    \"\"\"Finds.\"\"\"
    return connection.execute(f\"SELECT * FROM users WHERE name = '{name}'\")$0
";

    fn target(text: &str) -> (Workspace, Option<SymbolId>) {
        Workspace::with_target(text, ASSIST.offered)
    }

    #[test]
    fn offered_inside_functions() {
        assert!(target(TEXT).1.is_some());
        assert!(target("x = eval(y)$0\n").1.is_none());
        assert!(target("class C:\n    x = eval(y)$0\n").1.is_none());
        assert!(target("#- /a.pyi\ndef f(): ...$0\n").1.is_none());
    }

    #[test]
    fn the_finding_is_what_is_asked_about() {
        let (workspace, target) = target(TEXT);
        let analysis = &workspace.analysis;
        let target = target.unwrap();
        let seen = context(analysis, target, 1000, &Options::default());
        assert_eq!(ask(analysis, target, &seen, Some(" ")), None);
        let asked = ask(analysis, target, &seen, Some("S608 Possible SQL injection, line 3")).unwrap();
        assert_eq!(asked.title, "Fix a finding in `main.run`");
        assert!(asked.user.contains("S608 Possible SQL injection, line 3"), "{}", asked.user);
        assert!(asked.user.contains("SELECT * FROM users"), "{}", asked.user);
    }

    #[test]
    fn only_the_body_is_replaced() {
        let (workspace, target) = target(TEXT);
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let reply = "def run(connection, name):\n    return connection.execute(\"SELECT 1 WHERE name = ?\", (name,))\n";
        let change = accept(analysis, target, reply).unwrap();
        let after = apply_edits(analysis.source(target.file).text(), &change.files[0].edits).unwrap();
        let expected = "def run(connection, name):\n    \"\"\"Finds.\"\"\"\n    return connection.execute(\"SELECT 1 WHERE name = ?\", (name,))\n";
        assert_eq!(after, expected);
    }
}
