//! Commit message: what a change is, in the form of Conventional Commits 1.0.
//!
//! The graph says which definitions differ, who calls them and which tests reach them; the diff says the rest. What a model
//! answers is checked: form, length, and that the names which it quotes are in the change.

use std::fmt::Write as _;

use graph::{Analysis, SymbolId, SymbolKind};
use rustc_hash::FxHashSet;
use syntax::parse;

use super::reply::functions;
use super::{Fence, Inquiry};
use ide::wording::count;
use ide::{Changes, Earlier, changes};
use ide::{Effort, tests_reaching};

/// What it is called in settings and in lists of questions.
pub const NAME: &str = "commit-message";

/// Longer first lines are cut off in many places.
pub const MAX_HEADER: usize = 72;

/// The types that the convention names, and those that its most used preset adds.
pub const TYPES: [&str; 11] =
    ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];

/// Definitions that are listed.
const SHOWN: usize = 40;

/// Bytes of the diff that a model is shown.
const MAX_DIFF: usize = 24_000;

/// How many definitions the walk to the tests may look at, for each that has changed.
const EFFORT: Effort = Effort::thorough(2000);

/// What the graph says of the change from `before` to now, one line each.
pub fn facts(analysis: &Analysis, before: &[Earlier]) -> String {
    let Changes { mut symbols, gone, modules } = changes(analysis, before);
    let mut seen = FxHashSet::default();
    symbols.retain(|&id| seen.insert(id));
    let mut text = String::new();
    let number = symbols.len();
    for &id in symbols.iter().take(SHOWN) {
        let view = analysis.symbol(id);
        let kind = match view.kind {
            SymbolKind::Class => "class",
            SymbolKind::Method => "method",
            SymbolKind::Function if view.flags.is_test => "test",
            SymbolKind::Function => "function",
            _ => "variable",
        };
        let how = if is_new(analysis, id, before) { "new" } else { "changed" };
        let callers = analysis.callers(id).len();
        let broken = analysis.incompatible_callers(id).broken;
        let tests = tests_reaching(analysis, id, EFFORT).tests.len();
        // Writing to a string cannot fail.
        let _ = write!(text, "{how} {kind} `{}`", view.qualified_name());
        if !view.flags.is_test && kind != "variable" {
            let _ = write!(text, ": {}, reached by {}", count(callers, "caller"), count(tests, "test"));
        }
        if broken > 0 {
            let _ = write!(text, "; the calls of {} no longer fit", count(broken, "caller"));
        }
        text.push('\n');
    }
    if number > SHOWN {
        let _ = writeln!(text, "and {} more definitions", number - SHOWN);
    }
    for (owner, name) in gone {
        let _ = writeln!(text, "removed `{}.{name}`", analysis.symbol(owner).qualified_name());
    }
    for file in modules {
        let _ = writeln!(text, "statements outside of definitions in module `{}`", analysis.module_name(file));
    }
    text
}

/// Whether the file had no definition of this name.
fn is_new(analysis: &Analysis, id: SymbolId, before: &[Earlier]) -> bool {
    let view = analysis.symbol(id);
    let text = before.iter().find(|(path, _)| path == analysis.path(id.file)).and_then(|(_, text)| text.as_deref());
    let Some(text) = text else { return true };
    match view.kind {
        SymbolKind::Function | SymbolKind::Method => {
            let (parsed, name) = (parse(text), view.local_name());
            !functions(parsed.statements()).iter().any(|function| function.path.join(".") == name)
        }
        SymbolKind::Class => !text.contains(&format!("class {}", view.name)),
        _ => !text.contains(view.name),
    }
}

/// What to ask a model. `diff` is that of git, `facts` what the graph says, `subjects` the first lines of the latest commits.
pub fn ask(diff: &str, facts: &str, subjects: &[String]) -> Inquiry {
    let cut = diff.char_indices().map(|(at, _)| at).find(|&at| at >= MAX_DIFF);
    let shown_diff = &diff[..cut.unwrap_or(diff.len())];
    let latest = subjects.join("\n");
    let fence = Fence::around([shown_diff, facts, &latest].into_iter());
    let mut user = String::new();
    let mut shown = vec![format!("the diff, {} bytes", shown_diff.len())];
    if !latest.is_empty() {
        user.push_str(&fence.quote("The first lines of earlier commits, the latest first", &latest));
        user.push('\n');
        shown.push(format!("the first lines of {}", count(subjects.len(), "commit")));
    }
    if !facts.is_empty() {
        user.push_str(&fence.quote("What is known of the change", facts));
        user.push('\n');
    }
    user.push_str(&fence.quote("The diff", shown_diff));
    if cut.is_some() {
        let left_out = format!("the rest of the diff, {} bytes, is left out", diff.len() - shown_diff.len());
        user.push_str(&format!("{left_out}\n"));
        shown.push(left_out);
    }
    user.push_str("\nWrite the commit message.\n");
    let system = format!("{SYSTEM}{}\n", fence.rule());
    Inquiry { title: "Write a commit message".to_owned(), system, user, shown }
}

const SYSTEM: &str = "\
You write the message of one commit in the form of Conventional Commits. Answer with the message alone: no fence, no quotes, \
no introduction.

Rules:
- The first line is `type(scope): description` or `type: description`, at most 72 characters, without a full stop. Types: \
feat, fix, refactor, perf, test, docs, build, ci, style, chore, revert. A `!` before the colon where callers have to change.
- The scope is a module or a part of the program, in the way of the earlier commits.
- Then, where the reason is not obvious, an empty line and the reason, in lines of at most 72 characters.
- Where callers have to change: a last paragraph `BREAKING CHANGE: what they have to do`.
- Say what the change does and why. Claim nothing that the diff does not show. No list of files.
- ";

/// The message in a reply, without what models put around it.
pub fn message(reply: &str) -> String {
    let reply = reply.trim();
    let lines: Vec<&str> = reply.lines().collect();
    let fences: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("```")).map(|(at, _)| at).collect();
    let inside = match fences[..] {
        [first, second, ..] => &lines[first + 1..second],
        _ => &lines[..],
    };
    let start = inside.iter().position(|line| !line.trim().is_empty()).unwrap_or(0);
    let text: Vec<&str> = inside[start..].iter().map(|line| line.trim_end()).collect();
    text.join("\n").trim().trim_matches(['"', '`']).to_owned()
}

/// What is wrong with a message about the change that `shown` is all that is known of; fit to be sent back to the model.
pub fn problems(message: &str, shown: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut lines = message.lines();
    let header = lines.next().unwrap_or_default();
    let length = header.chars().count();
    if length > MAX_HEADER {
        problems.push(format!("the first line has {length} characters, and {MAX_HEADER} are allowed"));
    }
    match header.split_once(": ") {
        None => problems.push("the first line is not of the form `type(scope): description`".to_owned()),
        Some((prefix, description)) => {
            let prefix = prefix.strip_suffix('!').unwrap_or(prefix);
            let (kind, scope) = match prefix.split_once('(') {
                Some((kind, rest)) => (kind, rest.strip_suffix(')')),
                None => (prefix, Some("-")),
            };
            if !TYPES.contains(&kind) {
                problems.push(format!("`{kind}` is no type; there are: {}", TYPES.join(", ")));
            }
            if scope.is_none_or(|scope| scope.trim().is_empty() || scope.contains(['(', ')'])) {
                problems.push("the scope is not a word in brackets".to_owned());
            }
            if description.trim().is_empty() {
                problems.push("the first line has no description".to_owned());
            }
            if description.ends_with('.') {
                problems.push("the first line ends in a full stop".to_owned());
            }
        }
    }
    if lines.next().is_some_and(|second| !second.trim().is_empty()) {
        problems.push("there is no empty line behind the first one".to_owned());
    }
    let quoted = message.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("()"));
    let unknown = quoted.filter(|name| !name.is_empty() && !shown.contains(name));
    problems.extend(unknown.map(|name| format!("`{name}` is not in the change")));
    problems
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use fixture::Workspace;

    #[test]
    fn the_graph_knows_what_changed() {
        let workspace = Workspace::new(
            "\
#- /shop.py
LIMIT = 2

def total(prices, rate):
    return sum(prices) * rate

def discount():
    return 1

class Cart:
    def add(self): ...
#- /app.py
from shop import total
def pay():
    return total([1])
#- /test_app.py
from app import pay
def test_pay():
    assert pay()
",
        );
        let before = "LIMIT = 1\n\ndef total(prices):\n    return sum(prices)\n\ndef old(): ...\n\nclass Cart:\n    def add(self): ...\n";
        let facts = facts(&workspace.analysis, &[(PathBuf::from("/shop.py"), Some(Arc::from(before)))]);
        let expected = "\
changed function `shop.total`: 1 caller, reached by 1 test; the calls of 1 caller no longer fit
new function `shop.discount`: no callers, reached by no tests
changed variable `shop.LIMIT`
removed `shop.old`
";
        assert_eq!(facts, expected);
    }

    #[test]
    fn prose_around_a_commit_message_is_dropped() {
        let expected = "fix(cart): keep cents\n\nThey were lost.";
        for reply in [
            "fix(cart): keep cents\n\nThey were lost.\n",
            "```\nfix(cart): keep cents\n\nThey were lost.\n```\n",
            "Here it is:\n```text\n\nfix(cart): keep cents  \n\nThey were lost.\n```\nShall I commit?",
            "\"fix(cart): keep cents\n\nThey were lost.\"",
        ] {
            assert_eq!(message(reply), expected, "{reply}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let shown = "def total(prices): ...";
        for good in [
            "fix: keep cents",
            "feat(shop)!: ask for a rate\n\nBREAKING CHANGE: call `total()` with a rate",
            "refactor(shop/cart): split `total`",
        ] {
            assert_eq!(problems(good, shown), Vec::<String>::new(), "{good}");
        }
        let long = format!("fix: {}", "x".repeat(70));
        for (bad, expected) in [
            ("Keep cents", "the first line is not of the form `type(scope): description`"),
            ("fixed: keep cents", "`fixed` is no type; there are: "),
            ("fix(): keep cents", "the scope is not a word in brackets"),
            ("fix(a: keep cents", "the scope is not a word in brackets"),
            ("fix: keep cents.", "the first line ends in a full stop"),
            ("fix: keep cents\nThey", "there is no empty line behind the first one"),
            ("fix: keep `cents`", "`cents` is not in the change"),
            (&long, "the first line has 75 characters, and 72 are allowed"),
        ] {
            let found = problems(bad, shown);
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].starts_with(expected), "{bad}: {found:?}");
        }
    }

    #[test]
    fn a_long_diff_is_cut() {
        let asked = ask(&"é".repeat(MAX_DIFF), "changed function `f`", &["feat: a".to_owned()]);
        assert!(asked.user.contains("the rest of the diff, 24000 bytes, is left out"), "{}", asked.user.len());
        assert!(asked.user.contains("feat: a") && asked.user.contains("changed function `f`"));
        assert_eq!(asked.shown.len(), 3);
    }
}
