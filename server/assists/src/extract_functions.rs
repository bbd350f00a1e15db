//! Extract functions: has a model divide a long function into smaller ones.
//!
//! ```python
//! def report(orders):               # ← offered in long functions
//!     ...                           # becomes a few calls of `_total(orders)`, `_table(orders)`, which are new
//! ```
//!
//! The body is replaced as by `refactor_function`. Functions of the reply that the module does not have are put above; those
//! of a method that take `self` or `cls`, above it in its class.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use syntax::ast::{Stmt, StmtFunctionDef};
use syntax::{Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::imports::{self, Destination};
use super::layout::{Layout, indent_at, newline, reindent, unit};
use super::place::{comments_above, steps};
use super::question::Question;
use super::refactor_function::find;
use super::reply::{Function, Reply, functions};
use super::{Ask, Assist, AssistId, Behaviour, Refusal, Scope, function_body};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::Extract,
    name: "extract",
    title: "Refactor: extract functions (preview)",
    offered,
    scope,
    ask,
    accept,
    behaviour: Behaviour::Preserve,
    is_preset: true,
    ..Assist::PLAIN
};

/// The lines from which on a body is long.
const LONG: usize = 15;

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    let view = analysis.symbol(symbol);
    let is_long = view.body.is_some_and(|body| analysis.source(file).slice(body).lines().count() >= LONG);
    is_long.then_some(())?;
    find(analysis, symbol, parsed).map(|_| symbol)
}

/// Where new functions and, for a method, new methods go.
struct Places {
    functions: TextSize,
    methods: Option<TextSize>,
}

impl Places {
    fn of(function: &Function<'_>, body: &[Stmt], text: &str) -> Option<Places> {
        let outermost = steps(body, function.node.name.range).first()?.stmt();
        let above = |stmt: TextRange| comments_above(text, stmt.start());
        let methods = function.class.map(|_| above(function.node.range));
        Some(Places { functions: above(outermost.range()), methods })
    }
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed)?;
    let places = Places::of(&function, parsed.statements(), text)?;
    let mut scope = function_body::scope(analysis, target, find)?;
    let path = scope.places[0].0.clone();
    let above = [Some(places.functions), places.methods].into_iter().flatten();
    scope.places.extend(above.map(|at| (path.clone(), TextRange::empty(at))));
    Some(scope)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Extract functions from `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function to divide",
        instruction: "What the person who asks wants of it",
        request: format!("Write the function `{}` and the functions that come out of it.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You divide one long Python function of an existing program into smaller ones. Answer with one ```python block that holds \
the whole function and, before it, the new functions that it calls, then one line `Confidence: N`, where N from 0 to 1 is how \
sure you are that it is right.

Rules:
- Each new function does one thing that its name says, begins with an underscore, and has a docstring of one line.
- All together must do what the function did: the same results, the same exceptions, the same order of effects.
- The new functions of a method take `self` first if they need it; write them without the class.
- Keep the decorators, the signature and the docstring of the function as they are.
- Use only names that are shown, that the function's file imports or defines, or that come from Python's standard \
library. Do not guess names of attributes or parameters.
- If the code needs another import, put it above the functions in the same block.
- Write nothing else: no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let mut change = function_body::accept(analysis, target, code, find)?;
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed).ok_or(Refusal::NoTarget)?;
    let places = Places::of(&function, parsed.statements(), text).ok_or(Refusal::NoTarget)?;
    let reply = Reply::parse(code)?;
    let new = new_functions(analysis, target, &function, &reply);
    if new.is_empty() {
        let message = "the code has no function that is new: nothing was extracted".to_owned();
        return Err(Refusal::Unfit { code: "nothing-extracted", message });
    }
    let newline = newline(text);
    let own = indent_at(text, function.node.name.start()).to_owned();
    let mut imported = change.files[0].edits.clone();
    for (is_method, wanted) in [(false, places.functions), (true, places.methods.unwrap_or(places.functions))] {
        let of_kind: Vec<&StmtFunctionDef> =
            new.iter().copied().filter(|it| is_method == (places.methods.is_some() && is_bound(it))).collect();
        if of_kind.is_empty() {
            continue;
        }
        let base = if is_method { own.clone() } else { String::new() };
        let layout = Layout { base, unit: unit(&parsed, text).to_owned(), newline };
        let gap = newline.repeat(if is_method { 2 } else { 3 });
        let texts = of_kind.iter().map(|it| {
            let range = TextRange::new(comments_above(reply.text(), it.range.start()), it.range.end());
            format!("{}{gap}", reindent(reply.text(), reply.parsed().tokens(), range, &layout).trim_end())
        });
        imported.push(TextEdit::insert(wanted, texts.collect::<String>()));
    }
    // What only the new functions use has to be imported as well.
    let statements: Vec<&Stmt> = reply.statements().iter().filter(is_import).collect();
    let known = imported.iter().map(|edit| edit.text.as_str()).collect::<String>();
    let bodies: Vec<Stmt> = new.iter().map(|it| Stmt::FunctionDef((*it).clone())).collect();
    let missing = imports::missing(&statements, &bodies, &Destination::of(analysis, target.file, &parsed));
    if let Some(taken) = missing.local.first() {
        return Err(Refusal::Unfit {
            code: "name-taken",
            message: format!("`{taken}` would hide a name that the file uses for something else"),
        });
    }
    let lines: Vec<String> = missing.global.into_iter().filter(|line| !known.contains(line.as_str())).collect();
    if !lines.is_empty() {
        imported.push(imports::insertion(text, &parsed, &lines));
    }
    imported.sort_by_key(|edit| edit.range.start());
    change.files[0].edits = imported;
    Ok(change)
}

fn is_import(stmt: &&Stmt) -> bool {
    matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_))
}

/// Whether the first parameter is the receiver's.
fn is_bound(function: &StmtFunctionDef) -> bool {
    let first = function.parameters.iter().next();
    first.is_some_and(|parameter| matches!(parameter.name().as_str(), "self" | "cls"))
}

/// The functions of the reply that the place does not have.
fn new_functions<'a>(
    analysis: &Analysis,
    target: SymbolId,
    function: &Function<'_>,
    reply: &'a Reply,
) -> Vec<&'a StmtFunctionDef> {
    let names = |owner| analysis.children(owner).into_iter().map(|child| analysis.symbol(child).name);
    let parent = analysis.symbol(target).parent;
    let known: Vec<&str> = names(analysis.module(target.file))
        .chain(parent.into_iter().flat_map(names))
        .chain(function.path.clone())
        .collect();
    let depth = |it: &Function<'_>| it.path.len() == 1 || it.class.is_some() && it.path.len() == 2;
    let all = functions(reply.statements()).into_iter().filter(depth);
    all.map(|it| it.node).filter(|it| !known.contains(&it.name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn check(text: &str, reply: &str, expected: Expect) {
        let (workspace, target) =
            Workspace::with_target(text, |analysis, _, file, range| function_body::around(analysis, file, range));
        let (analysis, target) = (&workspace.analysis, target.expect("a function"));
        expected.assert_eq(&match accept(analysis, target, reply) {
            Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
            Ok(change) => {
                let places = scope(analysis, target).expect("a function").places;
                let edits = &change.files[0].edits;
                for edit in edits.iter().filter(|edit| !edit.text.trim_start().starts_with("import")) {
                    assert!(places.iter().any(|(_, range)| range.contains_range(edit.range)), "{edit:?}");
                }
                let after = apply_edits(analysis.source(target.file).text(), edits).expect("they fit");
                assert!(!parse(&after).has_errors(), "{after}");
                after
            }
        });
    }

    #[test]
    fn offered_in_long_functions() {
        let lines: String = (0..LONG).map(|n| format!("    print({n})\n")).collect();
        let is_offered = |text: &str| Workspace::with_target(text, offered).1.is_some();
        assert!(is_offered(&format!("def f():\n{lines}    return$0\n")));
        assert!(!is_offered("def f():\n    return 1$0\n"));
    }

    #[test]
    fn new_functions_go_above() {
        check(
            "import json\n\n\n# What it does.\n@cached\ndef f(a):\n    '''Doc.'''\n    x = a + 1$0\n    return x\n",
            "import math\n\ndef _one(a):\n  '''Adds.'''\n  return math.floor(a) + 1\n\ndef f(a):\n  return _one(a)\n",
            expect![[r#"
                import json
                import math


                def _one(a):
                    '''Adds.'''
                    return math.floor(a) + 1


                # What it does.
                @cached
                def f(a):
                    '''Doc.'''
                    return _one(a)
            "#]],
        );
    }

    #[test]
    fn new_methods_go_into_the_class() {
        check(
            "class C:\n    a = 1\n\n    def f(self):\n        x = self.a + 1$0\n        return x\n",
            "class C:\n    def _one(self):\n        return self.a + _two()\n\n    def f(self):\n        return self._one()\n\ndef _two():\n    return 1\n",
            expect![[r#"
                def _two():
                    return 1


                class C:
                    a = 1

                    def _one(self):
                        return self.a + _two()

                    def f(self):
                        return self._one()
            "#]],
        );
    }

    #[test]
    fn reply_without_a_new_function_is_refused() {
        check(
            "def g(): ...\ndef f(a):\n    return a$0\n",
            "def g(): return 2\ndef f(a):\n    return 1 + g()\n",
            expect![[r#"
                nothing-extracted: the code has no function that is new: nothing was extracted
            "#]],
        );
    }
}
