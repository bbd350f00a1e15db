//! Make this module like that: has a model write a whole module in the way of another one.
//!
//! ```python
//! """Orders, from files."""         # ← "like shop.users"
//! ```
//!
//! The instruction names the other module, by its dotted name or its path; both are shown. Only the lines that differ are
//! edited, and what other modules can use stays: public functions with their parameters, classes with their methods, and names
//! of the module.

use std::collections::BTreeMap;
use std::fmt::Write;

use context::Context;
use graph::{Analysis, FileId, ParamKind, SymbolId, SymbolKind};
use similar::{DiffOp, TextDiff};
use syntax::ast::{Expr, Stmt, StmtFunctionDef};
use syntax::{FileEdit, Parsed, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::layout::newline;
use super::question::{Question, Quoted};
use super::signature::Signature;
use super::{Ask, Assist, AssistId, Behaviour, Refusal, Scope, generate_module};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::PortModule,
    name: "port-module",
    title: "Make this module like another one (preview)",
    prompt: Some("Like which module? Its dotted name, and what else you want"),
    offered,
    scope,
    ask,
    accept,
    behaviour: Behaviour::ReportChanges,
    needs_instruction: true,
    ..Assist::PLAIN
};

/// The lines of the other module that are shown.
const SHOWN: usize = 400;

/// Where a module could be generated, in one that holds a definition.
fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let module = generate_module::offered(analysis, parsed, file, range)?;
    let defines = parsed.statements().iter().any(|stmt| matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
    let is_stub_file = analysis.path(file).extension().is_some_and(|extension| extension == "pyi");
    (defines && !is_stub_file).then_some(module)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let whole = TextRange::up_to(TextSize::of(&**analysis.source(target.file).text()));
    (analysis.symbol(target).kind == SymbolKind::Module).then(|| Scope::of(analysis, target.file, whole))
}

/// What an instruction names: the first word that is the dotted name or the path of one module, or the end of one.
fn named(analysis: &Analysis, target: FileId, instruction: &str) -> Option<FileId> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/');
    let words = instruction.split(|c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    let mut names = words.filter(|word| !word.is_empty()).map(|word| {
        let path = word.strip_suffix(".py").unwrap_or(word);
        path.strip_suffix("/__init__").unwrap_or(path).trim_matches('/').replace('/', ".")
    });
    names.find_map(|name| {
        let others = || analysis.files().filter(|&file| file != target);
        let exact = others().find(|&file| analysis.module_name(file) == name);
        exact.or_else(|| {
            let end = format!(".{name}");
            let mut found = others().filter(|&file| analysis.module_name(file).ends_with(&end));
            // Which of several is meant, nobody can know.
            found.next().filter(|_| found.next().is_none())
        })
    })
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let model = named(analysis, target.file, instruction?)?;
    let text = analysis.source(model).text().lines().take(SHOWN).collect::<Vec<_>>().join("\n");
    let quoted =
        Quoted { label: "The module that it is to be like".to_owned(), text, path: analysis.path(model).to_owned() };
    let (this, model) = (analysis.module_name(target.file), analysis.module_name(model));
    let question = Question {
        title: format!("Make module `{this}` like `{model}`"),
        system: SYSTEM,
        code: "The module to write anew",
        instruction: "What the person who asks wants of it",
        request: format!("Write the module `{this}` in the way of `{model}`."),
    };
    Some(question.ask_with(context, instruction, vec![quoted]))
}

const SYSTEM: &str = "\
You write one Python module of an existing program in the way of another one that is shown. Answer with one ```python block \
that holds the whole file, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- Take over how the other one does things: its structure, its libraries, how it names, logs, handles errors and releases what \
it holds. Keep what this one is for.
- Keep the names of all public functions, classes, methods and constants, and the parameters of the functions: other \
modules use them. What begins with one underscore may be another.
- Keep every line that need not change, comments included.
- Use only names that are shown, or that come from Python's standard library. Do not guess names of attributes or parameters.
- Write nothing else: no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    if analysis.symbol(target).kind != SymbolKind::Module {
        return Err(Refusal::NoTarget);
    }
    let before = analysis.source(target.file).text();
    let mark = if before.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let lines: Vec<&str> = code.trim_start_matches('\u{feff}').trim_matches(['\r', '\n']).lines().collect();
    let end = newline(before);
    let after = format!("{mark}{}{end}", lines.join(end));
    let parsed = parse(&after);
    if let Some(error) = parsed.errors().first() {
        let line = after[..error.range.start().to_usize()].matches('\n').count() as u32 + 1;
        return Err(Refusal::Syntax { line, message: error.message.clone() });
    }
    let (old, new) = (surface(&parse(before), before), surface(&parsed, &after));
    let mut missing = String::new();
    for (name, parameters) in &old {
        match new.get(name) {
            None => _ = writeln!(missing, "`{name}` is gone"),
            Some(now) if now != parameters => {
                _ = writeln!(missing, "`{name}` took ({parameters}) and takes ({now})");
            }
            Some(_) => {}
        }
    }
    if !missing.is_empty() {
        let message = format!("other modules may use what is different here:\n{}", missing.trim_end());
        return Err(Refusal::Unfit { code: "lost-definition", message });
    }
    let edits = differences(before, &after);
    if edits.is_empty() {
        let message = "the code is the module as it is".to_owned();
        return Err(Refusal::Unfit { code: "unchanged", message });
    }
    Ok(SourceChange { files: vec![FileEdit { path: analysis.path(target.file).to_owned(), edits }] })
}

/// What other modules can use: public functions and methods with their parameters, classes and names of the module.
fn surface(parsed: &Parsed, text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let is_public = |name: &str| !name.starts_with('_') || name.ends_with("__");
    let mut add = |name: String, function: Option<&StmtFunctionDef>| {
        found.insert(name, function.map_or(String::new(), |it| parameters(it, text)));
    };
    for stmt in parsed.statements() {
        match stmt {
            Stmt::FunctionDef(it) if is_public(&it.name) => add(it.name.to_string(), Some(it)),
            Stmt::ClassDef(class) if is_public(&class.name) => {
                add(class.name.to_string(), None);
                let methods = class.body.iter().filter_map(Stmt::as_function_def_stmt).filter(|it| is_public(&it.name));
                methods.for_each(|it| add(format!("{}.{}", class.name, it.name), Some(it)));
            }
            Stmt::Assign(it) => it.targets.iter().filter_map(Expr::as_name_expr).for_each(|name| {
                if is_public(&name.id) {
                    add(name.id.to_string(), None);
                }
            }),
            Stmt::AnnAssign(it) => {
                if let Some(name) = it.target.as_name_expr().filter(|name| is_public(&name.id)) {
                    add(name.id.to_string(), None);
                }
            }
            _ => {}
        }
    }
    found
}

/// What can be given to a function, and what need not be: `a, b=…, *rest, c by name`. Types may become others.
fn parameters(function: &StmtFunctionDef, text: &str) -> String {
    let all = Signature::of(function, text, 0).params;
    let shown = all.iter().map(|it| {
        let (stars, how) = match it.kind {
            ParamKind::PositionalOnly => ("", " by position"),
            ParamKind::Positional => ("", ""),
            ParamKind::VarArgs => ("*", ""),
            ParamKind::KeywordOnly => ("", " by name"),
            ParamKind::KwArgs => ("**", ""),
        };
        format!("{stars}{}{}{how}", it.name, if it.has_default { "=…" } else { "" })
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Edits of whole lines that make `after` from `before`.
fn differences(before: &str, after: &str) -> Vec<TextEdit> {
    let diff = TextDiff::from_lines(before, after);
    let offsets = |lines: &[&str]| -> Vec<TextSize> {
        let mut offset = TextSize::new(0);
        let ends = lines.iter().map(|line| {
            offset += TextSize::of(*line);
            offset
        });
        [TextSize::new(0)].into_iter().chain(ends).collect()
    };
    let old = offsets(diff.old_slices());
    let new = offsets(diff.new_slices());
    let changed = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edits = changed.map(|op| {
        let (from, to) = (op.old_range(), op.new_range());
        let text = &after[new[to.start].to_usize()..new[to.end].to_usize()];
        TextEdit::replace(TextRange::new(old[from.start], old[from.end]), text)
    });
    edits.collect()
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
#- /shop/__init__.py
#- /shop/users.py
import logging
log = logging.getLogger(__name__)
def load(path):
    with open(path) as file:
        return list(file)
#- /lib/users.py
#- /shop/items.py
#- /shop/orders.py
$0# Orders.
LIMIT = 3

class Order:
    def __init__(self, row): self.row = row
    def total(self, rate=1): return rate

def load(path, *, limit=LIMIT):
    return _rows(path)[:limit]  # The first ones.

def _rows(path):
    return list(open(path))
";

    const REPLY: &str = "\
# Orders.
import logging

LIMIT = 3
log = logging.getLogger(__name__)

class Order:
    def __init__(self, row): self.row = row
    def total(self, rate=1): return rate

def load(path: str, *, limit=LIMIT):
    with open(path) as file:
        return list(file)[:limit]  # The first ones.
";

    fn workspace(text: &str) -> (Workspace, SymbolId) {
        let (workspace, target) = Workspace::with_target(text, ASSIST.offered);
        (workspace, target.expect("it is offered"))
    }

    #[test]
    fn module_to_port_like_is_found_by_name_or_path() {
        let like = |instruction: &str| {
            let (workspace, target) = workspace(TEXT);
            let found = named(&workspace.analysis, target.file, instruction)?;
            Some(workspace.analysis.module_name(found).to_owned())
        };
        assert_eq!(like("like shop.users").as_deref(), Some("shop.users"));
        assert_eq!(like("Make it like `items`, please.").as_deref(), Some("shop.items"));
        assert_eq!(like("as in shop/users.py").as_deref(), Some("shop.users"));
        assert_eq!(like("the package shop/__init__.py").as_deref(), Some("shop"));
        assert_eq!(like("like users"), None, "there are two");
        assert_eq!(like("like shop.orders"), None, "that is itself");
    }

    #[test]
    fn port_module_is_offered_where_there_is_something_to_port() {
        let offered = |text: &str| Workspace::with_target(text, ASSIST.offered).1.is_some();
        assert!(offered("#- /a.py\nimport b$0\ndef f(): pass\n"));
        assert!(!offered("#- /a.py\nimport b$0\nx = 1\n"), "there is nothing");
        assert!(!offered("#- /a.py\ndef f():\n    pa$0ss\n"), "that is a function");
        assert!(!offered("#- /a.pyi\nimport b$0\ndef f(): ...\n"), "a stub file");
    }

    #[test]
    fn both_are_shown_and_only_lines_that_differ_are_edited() {
        for end in ["\n", "\r\n"] {
            let (workspace, target) = workspace(&TEXT.replace('\n', end));
            let analysis = &workspace.analysis;
            let seen = context(analysis, target, 1000, &Options::default());
            assert_eq!(ask(analysis, target, &seen, None), None);
            assert_eq!(ask(analysis, target, &seen, Some("like nothing")), None);
            let asked = ask(analysis, target, &seen, Some("like shop.users")).unwrap();
            assert_eq!(asked.title, "Make module `shop.orders` like `shop.users`");
            assert!(asked.user.contains("log = logging.getLogger") && asked.user.contains("def _rows(path)"));
            let change = accept(analysis, target, REPLY).unwrap();
            let edits = &change.files[0].edits;
            let after = apply_edits(analysis.source(target.file).text(), edits).unwrap();
            assert_eq!(after, REPLY.replace('\n', end));
            assert!(edits.iter().all(|edit| !edit.text.contains("class Order")), "{edits:?}");
        }
    }

    #[test]
    fn what_others_may_use_stays() {
        let (workspace, target) = workspace(TEXT);
        let refused = |old: &str, new: &str| {
            assert!(REPLY.contains(old));
            let refusal = accept(&workspace.analysis, target, &REPLY.replace(old, new)).expect_err("it is refused");
            refusal.to_string().lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(refused("    def total(self, rate=1): return rate\n", ""), "`Order.total` is gone");
        assert_eq!(refused("LIMIT = 3", "_LIMIT = 3"), "`LIMIT` is gone");
        let parameters = refused("*, limit", "limit");
        assert_eq!(parameters, "`load` took (path, limit=… by name) and takes (path, limit=…)");
        assert!(refused("def load(", "def load").contains("does not parse"));
        let (_, text) = TEXT.split_once("$0").unwrap();
        let refusal = accept(&workspace.analysis, target, text).expect_err("nothing is different");
        assert_eq!(refusal.code(), "unchanged");
    }
}
