//! Refactor presets: what people most often want of a function's body, each as an action of its own.
//!
//! ```python
//! def total(its):                       # ← "Refactor: improve names (preview)"
//!     r = 0
//!     for it in its:
//!         r = r + it.price
//!     return r
//! ```
//!
//! Each is `refactor_function` with an instruction, offered where there is something of the kind to do. What the person says
//! besides is added to it.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use rustc_hash::FxHashSet;
use syntax::ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use syntax::ast::{Stmt, StmtFunctionDef};
use syntax::{Parsed, TextRange};

use super::names::Names;
use super::{Ask, Assist, AssistId, Behaviour, refactor_function};

pub(super) const SIMPLIFY: Assist = Assist {
    id: AssistId::Simplify,
    name: "simplify",
    title: "Refactor: simplify (preview)",
    offered: |analysis, parsed, file, range| {
        offered(analysis, parsed, file, range, |function, complexity| complexity > 1 || function.body.len() > 2)
    },
    ask: |analysis, target, context, instruction| ask(analysis, target, context, SIMPLER, instruction),
    alias: None,
    prompt: None,
    is_preset: true,
    ..refactor_function::ASSIST
};

pub(super) const ADD_ERROR_HANDLING: Assist = Assist {
    id: AssistId::AddErrorHandling,
    name: "add-error-handling",
    title: "Refactor: add error handling (preview)",
    offered: |analysis, parsed, file, range| {
        let symbol = offered(analysis, parsed, file, range, |function, _| !has_try(&function.body))?;
        // What the workspace does itself, it says by its own exceptions; what fails elsewhere has to be handled.
        (!analysis.external_calls(symbol).is_empty()).then_some(symbol)
    },
    ask: |analysis, target, context, instruction| ask(analysis, target, context, HANDLED, instruction),
    alias: None,
    prompt: None,
    behaviour: Behaviour::ReportChanges,
    is_preset: true,
    ..refactor_function::ASSIST
};

pub(super) const IMPROVE_NAMES: Assist = Assist {
    id: AssistId::ImproveNames,
    name: "improve-names",
    title: "Refactor: improve names (preview)",
    offered: |analysis, parsed, file, range| {
        offered(analysis, parsed, file, range, |function, _| has_short_names(function))
    },
    ask: |analysis, target, context, instruction| ask(analysis, target, context, NAMED, instruction),
    alias: None,
    prompt: None,
    is_preset: true,
    ..refactor_function::ASSIST
};

pub(super) const REDUCE_COMPLEXITY: Assist = Assist {
    id: AssistId::ReduceComplexity,
    name: "reduce-complexity",
    title: "Refactor: reduce complexity (preview)",
    offered: |analysis, parsed, file, range| {
        offered(analysis, parsed, file, range, |_, complexity| complexity >= COMPLEX)
    },
    ask: |analysis, target, context, instruction| ask(analysis, target, context, FLATTENED, instruction),
    alias: None,
    prompt: None,
    is_preset: true,
    ..refactor_function::ASSIST
};

/// The cyclomatic complexity from which on a function is hard to follow.
const COMPLEX: u32 = 8;

/// Short names that everybody understands.
const USUAL: [&str; 14] = ["_", "i", "j", "k", "n", "x", "y", "z", "f", "e", "id", "ok", "db", "fp"];

const SIMPLER: &str = "Make it simpler: fewer steps, fewer variables, less nesting; the standard library's own functions where \
they say it better. Leave what is simple already as it is.";

const HANDLED: &str = "Handle the errors that the calls in it can really raise: catch those exceptions by their names, only \
around the calls that raise them, and raise an exception of the workspace, or of Python's own, that says what failed and with \
what, by `raise … from error`. Catch nothing that cannot be handled, and never swallow an error. What it does without errors \
stays the same.";

const NAMED: &str = "Give its local variables names that say what they hold, in the style of the code around. Change nothing \
but names of local variables; parameters keep theirs.";

const FLATTENED: &str = "Make it less complex: guard clauses and early returns instead of nesting, tables instead of chains of \
conditions, conditions that are joined or taken apart where that is easier to read. Write no new functions beside it.";

/// The written function around `range`, if `fits` says so of it and its cyclomatic complexity.
fn offered(
    analysis: &Analysis,
    parsed: &Parsed,
    file: FileId,
    range: TextRange,
    fits: impl Fn(&StmtFunctionDef, u32) -> bool,
) -> Option<SymbolId> {
    let symbol = super::function_body::around(analysis, file, range)?;
    let function = refactor_function::find(analysis, symbol, parsed)?;
    fits(function.node, analysis.symbol(symbol).complexity).then_some(symbol)
}

fn ask(
    analysis: &Analysis,
    target: SymbolId,
    context: &Context,
    preset: &str,
    instruction: Option<&str>,
) -> Option<Ask> {
    let instruction = [Some(preset), instruction].into_iter().flatten().collect::<Vec<_>>().join("\n");
    (refactor_function::ASSIST.ask)(analysis, target, context, Some(&instruction))
}

/// Whether the function itself handles an exception.
fn has_try(body: &[Stmt]) -> bool {
    struct Search(bool);
    impl StatementVisitor<'_> for Search {
        fn visit_stmt(&mut self, stmt: &Stmt) {
            match stmt {
                Stmt::Try(_) => self.0 = true,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => walk_stmt(self, stmt),
            }
        }
    }
    let mut search = Search(false);
    walk_body(&mut search, body);
    search.0
}

/// Whether a local variable has a name of one or two letters that says nothing.
fn has_short_names(function: &StmtFunctionDef) -> bool {
    let params: FxHashSet<&str> = function.parameters.iter().map(|parameter| parameter.name().as_str()).collect();
    let names = Names::of_function(function).bound();
    names.into_iter().any(|name| name.len() <= 2 && !params.contains(name) && !USUAL.contains(&name))
}

#[cfg(test)]
mod tests {
    use context::{Options, context};

    use super::*;
    use fixture::Workspace;

    /// The presets that are offered at `$0`.
    fn presets(text: &str) -> Vec<&'static str> {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let all = [&SIMPLIFY, &ADD_ERROR_HANDLING, &IMPROVE_NAMES, &REDUCE_COMPLEXITY];
        let parsed = syntax::parse(workspace.analysis.source(file).text());
        let fits = |it: &&&Assist| (it.offered)(&workspace.analysis, &parsed, file, TextRange::empty(offset)).is_some();
        all.iter().filter(fits).map(|it| it.name).collect()
    }

    #[test]
    fn offered_where_there_is_something_to_do() {
        assert_eq!(presets("def f(a):\n    return a$0\n"), [] as [&str; 0]);
        assert_eq!(presets("def f(a):\n    ...$0\n"), [] as [&str; 0]);
        assert_eq!(presets("def f(a):\n    for i in a:\n        print(i)$0\n")[0], "simplify");
        assert!(presets("import json\ndef f(a):\n    return json.loads(a)$0\n").contains(&"add-error-handling"));
        let handled =
            "import json\ndef f(a):\n    try:\n        return json.loads(a)$0\n    except ValueError:\n        pass\n";
        assert!(!presets(handled).contains(&"add-error-handling"));
        assert_eq!(presets("def f(a):\n    qq = a\n    return qq$0\n"), ["improve-names"]);
        assert_eq!(presets("def f(qq):\n    i = qq\n    return i$0\n"), [] as [&str; 0]);
        let branches: String = (0..8).map(|n| format!("    if a == {n}:\n        return {n}\n")).collect();
        assert_eq!(presets(&format!("def f(a):\n{branches}    return$0\n")), ["simplify", "reduce-complexity"]);
    }

    #[test]
    fn the_preset_and_the_person_say_how() {
        let text = "def f(a):\n    qq = a\n    return qq$0\n";
        let (workspace, target) = Workspace::with_target(text, IMPROVE_NAMES.offered);
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let seen = context(analysis, target, 1000, &Options::default());
        let asked = (IMPROVE_NAMES.ask)(analysis, target, &seen, Some("in German")).unwrap();
        assert!(asked.user.contains("parameters keep theirs.\nin German"), "{}", asked.user);
    }
}
