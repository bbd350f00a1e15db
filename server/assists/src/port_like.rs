//! Make this like that: has a model write the body of a function in the way of another one.
//!
//! ```python
//! def load_orders(path):            # ← "like shop.users.load_users"
//!     return [Order(row) for row in open(path)]
//! ```
//!
//! The instruction names the other function, or class, by its dotted name; both are shown. Only the body is replaced, as by
//! `refactor_function`.

use context::Context;
use graph::{Analysis, SymbolId, SymbolKind};
use syntax::{Parsed, SourceChange};

use super::question::{Question, Quoted};
use super::reply::Function;
use super::{Ask, Assist, AssistId, Behaviour, Refusal, Scope, function_body};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::PortLike,
    name: "port-like",
    title: "Make this like another function (preview)",
    prompt: Some("Like which function or class? Its dotted name, and what else you want"),
    offered: |analysis, _, file, range| function_body::around(analysis, file, range),
    scope,
    ask,
    accept,
    behaviour: Behaviour::ReportChanges,
    needs_instruction: true,
    ..Assist::PLAIN
};

/// The lines of the other function that are shown.
const SHOWN: usize = 200;

fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<Function<'a>> {
    function_body::find(analysis, symbol, parsed)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    function_body::scope(analysis, target, find)
}

/// What an instruction names: the first word that is the name, dotted or the end of one, of one function or class.
fn named(analysis: &Analysis, target: SymbolId, instruction: &str) -> Option<SymbolId> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let words = instruction.split(|c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_meant = |id: &SymbolId| {
        let kind = analysis.symbol(*id).kind;
        *id != target && matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class)
    };
    let exact = |word: &&str| analysis.find(word).into_iter().find(is_meant);
    // A dotted name is more than a word that happens to be one.
    let (dotted, plain): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|word| word.contains('.'));
    dotted.iter().chain(&plain).find_map(exact).or_else(|| {
        dotted.iter().chain(&plain).find_map(|word| {
            let last = word.rsplit('.').next().unwrap_or(word);
            let mut found = Vec::new();
            analysis.each_symbol(|id, _, name| {
                if name == last
                    && is_meant(&id)
                    && format!(".{}", analysis.symbol(id).qualified_name()).ends_with(&format!(".{word}"))
                {
                    found.push(id);
                }
            });
            // Which of several is meant, nobody can know.
            if let [only] = found[..] { Some(only) } else { None }
        })
    })
}

/// The function or class that an instruction names, and its code.
pub(super) fn model(analysis: &Analysis, target: SymbolId, instruction: &str) -> Option<(SymbolId, Quoted)> {
    let model = named(analysis, target, instruction)?;
    let text = analysis.source(model.file).slice(analysis.symbol(model).range);
    let text = text.lines().take(SHOWN).collect::<Vec<_>>().join("\n");
    let label = "The code that it is to be like".to_owned();
    Some((model, Quoted { label, text, path: analysis.path(model.file).to_owned() }))
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let (model, quoted) = model(analysis, target, instruction?)?;
    let (view, model) = (analysis.symbol(target), analysis.symbol(model));
    let question = Question {
        title: format!("Make `{}` like `{}`", view.qualified_name(), model.qualified_name()),
        system: SYSTEM,
        code: "The function to write anew",
        instruction: "What the person who asks wants of it",
        request: format!("Write the function `{}` in the way of `{}`.", view.local_name(), model.local_name()),
    };
    Some(question.ask_with(context, instruction, vec![quoted]))
}

const SYSTEM: &str = "\
You write one Python function of an existing program in the way of another one that is shown. Answer with one ```python block \
that holds the whole function, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- Take over how the other one does things: its structure, its libraries, how it names, logs, handles errors and releases what \
it holds. Keep what this one is for, and what it is called with and returns.
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
#- /shop/__init__.py
#- /shop/users.py
def load(path):
    with open(path) as file:
        return list(file)
class Users: pass
#- /shop/items.py
def load(path): return 1
#- /shop/orders.py
def load_orders(path):
    return list(open(path))$0
";

    /// What is taken to be the model.
    fn like(instruction: &str) -> Option<String> {
        let (workspace, target) = Workspace::with_target(TEXT, ASSIST.offered);
        let found = named(&workspace.analysis, target.unwrap(), instruction)?;
        Some(workspace.analysis.symbol(found).qualified_name())
    }

    #[test]
    fn function_to_port_like_is_found_by_its_name() {
        assert_eq!(like("like shop.users.load").as_deref(), Some("shop.users.load"));
        assert_eq!(like("Make it like `users.load`, please.").as_deref(), Some("shop.users.load"));
        assert_eq!(like("like Users").as_deref(), Some("shop.users.Users"));
        assert_eq!(like("like load"), None, "there are two");
        assert_eq!(like("like load_orders"), None, "that is itself");
        assert_eq!(like("like shop.users"), None, "a module");
    }

    #[test]
    fn port_like_shows_both_and_writes_one() {
        let (workspace, target) = Workspace::with_target(TEXT, ASSIST.offered);
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let seen = context(analysis, target, 1000, &Options::default());
        assert_eq!(ask(analysis, target, &seen, None), None);
        assert_eq!(ask(analysis, target, &seen, Some("like nothing")), None);
        let asked = ask(analysis, target, &seen, Some("like users.load")).unwrap();
        assert_eq!(asked.title, "Make `shop.orders.load_orders` like `shop.users.load`");
        assert!(asked.user.contains("The code that it is to be like"), "{}", asked.user);
        assert!(asked.user.contains("with open(path) as file:") && asked.user.contains("list(open(path))"));
        let reply = "def load_orders(path):\n    with open(path) as file:\n        return list(file)\n";
        let change = accept(analysis, target, reply).unwrap();
        let after = apply_edits(analysis.source(target.file).text(), &change.files[0].edits).unwrap();
        assert_eq!(after, reply);
    }
}
