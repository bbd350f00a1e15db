//! What has to hold of a function whatever it is for, tried in the sandbox where one was written anew: an empty mapping's
//! `popitem` raises `KeyError`, `from_hex` reads what `as_hex` makes ([`sandbox::Law`]). It needs neither a test nor a text before.

use std::path::Path;

use graph::{Analysis, SymbolId, SymbolKind};
use sandbox::{Action, Outcome, Weight};
use syntax::ast::{Expr, Stmt};
use syntax::parse;

use super::Comparison;
use super::outcomes::{finding, target_path};
use crate::{Behaviour, Finding};

/// Functions whose laws are tried.
const MAX_FUNCTIONS: usize = 3;

const INPUTS: u32 = 60;

/// Calls of a class that say how its objects are made.
const MAX_CALLS: usize = 12;

/// Bytes of one of them.
const MAX_CALL: usize = 120;

/// The functions of `root` that were written anew, to be run on generated inputs.
pub(super) fn actions<'a>(
    comparison: &'a Comparison,
    behaviour: Behaviour,
    root: &'a Path,
) -> impl Iterator<Item = Action> + 'a {
    let after = &comparison.after;
    let functions = comparison.edited_functions().filter(move |_| behaviour == Behaviour::Any);
    let functions = functions.filter(|&symbol| comparison.is_written_anew(symbol)).filter_map(move |symbol| {
        let path = after.path(symbol.file);
        let view = after.symbol(symbol);
        let path = path.strip_prefix(root).ok().filter(|_| after.root_of(path) == Some(root))?;
        // Of functions within others nobody can get hold.
        let mut around = std::iter::successors(view.parent, |&it| after.symbol(it).parent);
        let is_within = around.any(|it| after.symbol(it).kind.is_function());
        (!is_within).then(|| Action::Generated {
            path: path.to_owned(),
            function: view.local_name(),
            inputs: INPUTS,
            seed: 0,
            against: None,
            tests: Vec::new(),
            calls: view.parent.map(|it| calls(after, it)).unwrap_or_default(),
        })
    });
    functions.take(MAX_FUNCTIONS)
}

/// What the workspace calls a class with, where that is literals: `(maxsize=2)`.
fn calls(analysis: &Analysis, class: SymbolId) -> Vec<String> {
    if analysis.symbol(class).kind != SymbolKind::Class {
        return Vec::new();
    }
    // What a base class is called with may do for one that is nowhere called.
    let of_class = |class: SymbolId| {
        let init = analysis.children(class).into_iter().find(|&it| analysis.symbol(it).name == "__init__");
        std::iter::once(class).chain(init)
    };
    let called: Vec<SymbolId> = analysis.ancestors(class).into_iter().flat_map(of_class).collect();
    let callers = called.into_iter().flat_map(|it| analysis.callers(it));
    let mut found = Vec::new();
    for site in callers.flat_map(|call| call.sites) {
        let text = &analysis.source(site.file).text()[site.range.end().into()..];
        let Some(call) = parenthesised(text).filter(|it| is_literal(it)) else { continue };
        if !found.iter().any(|it| it == call) {
            found.push(call.to_owned());
        }
        if found.len() == MAX_CALLS {
            break;
        }
    }
    found
}

/// The parentheses that a text begins with, and what is in them.
fn parenthesised(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < MAX_CALL) {
        depth += i32::from(c == '(') - i32::from(c == ')');
        match depth {
            0 if at == 0 => return None,
            0 => return Some(&text[..=at]),
            _ => {}
        }
    }
    None
}

fn is_literal(call: &str) -> bool {
    let text = format!("f{call}");
    let parsed = parse(&text);
    let [Stmt::Expr(statement)] = parsed.statements() else { return false };
    let Expr::Call(call) = &*statement.value else { return false };
    if parsed.has_errors() {
        return false;
    }
    let mut values = call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|it| &it.value));
    values.all(is_constant) && call.arguments.keywords.iter().all(|it| it.arg.is_some())
}

fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::UnaryOp(it) => is_constant(&it.operand),
        Expr::List(it) => it.elts.iter().all(is_constant),
        Expr::Tuple(it) => it.elts.iter().all(is_constant),
        Expr::Set(it) => it.elts.iter().all(is_constant),
        Expr::Dict(it) => it.items.iter().all(|it| it.key.as_ref().is_some_and(is_constant) && is_constant(&it.value)),
        _ => value.is_literal_expr(),
    }
}

/// What a run says of laws.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// How many held wherever they were tried, and how many did not.
    pub held: u32,
    pub broken: u32,
    /// The same of those that say something by holding; the others hold of most that is wrong as well.
    pub telling: [u32; 2],
    /// Broken ones that have to hold.
    pub findings: Vec<Finding>,
    /// Broken ones that hold as a rule.
    pub questions: Vec<Finding>,
}

pub(super) fn is_of_laws(action: &Action) -> bool {
    matches!(action, Action::Generated { against: None, .. })
}

/// How many laws held wherever they were tried.
pub(super) fn kept(outcome: &Outcome) -> usize {
    outcome.laws.iter().filter(|law| law.broken == 0).count()
}

pub(super) fn judge(action: &Action, outcome: &Outcome) -> Kept {
    let mut kept = Kept::default();
    let line = outcome.failures.first().map_or(0, |failure| failure.line);
    for law in &outcome.laws {
        let says_something = law.weight != Weight::Likely;
        kept.telling[usize::from(law.broken > 0)] += u32::from(says_something);
        // What holds as a rule need not hold of odd inputs.
        let is_odd = law.weight == Weight::Likely && law.broken * 4 < law.held + law.broken;
        if law.broken == 0 || is_odd {
            kept.held += 1;
            continue;
        }
        let example = law.example.as_deref().unwrap_or_default();
        let message = format!("{}, or so it should be: {example}", law.sentence);
        match law.weight {
            Weight::Sure => kept.findings.push(finding("broken-law", message, target_path(action), line)),
            Weight::Likely => kept.questions.push(finding("unusual", message, target_path(action), line)),
            Weight::Extra => continue,
        }
        kept.broken += 1;
    }
    kept
}

#[cfg(test)]
mod tests {
    use sandbox::{Law, Status};
    use syntax::TextEdit;

    use super::super::tests::{candidate, judge as check, load};
    use super::*;
    use crate::{CheckResult, Checked, Evidence, Stage};

    const SHELF: &str = "\
#- /shelf.py
class Base:
    def __init__(self, size, name='x'): self.size = size
class Shelf(Base):
    def take(self):
        $1raise NotImplementedError$1
#- /test_shelf.py
from shelf import Shelf
def limit(): return 3
def test_shelf():
    Shelf(2)
    Shelf(size=-3, name=')')
    Shelf(limit())
    Shelf(2)
";

    fn checked() -> Checked {
        let (host, path, range) = load(SHELF);
        check(&host, candidate(&path, range, vec![TextEdit::replace(range, "return self.size")]))
    }

    fn tried(checked: &Checked) -> Option<Action> {
        checked.more_tests().into_iter().map(|it| it.action).find(is_of_laws)
    }

    fn told(laws: &[(Weight, u32, Option<&str>)]) -> Evidence {
        let mut checked = checked();
        let law = |&(weight, held, example): &(Weight, u32, Option<&str>)| Law {
            sentence: "Once is enough".to_owned(),
            weight,
            held,
            broken: u32::from(example.is_some()),
            example: example.map(str::to_owned),
        };
        let laws: Vec<Law> = laws.iter().map(law).collect();
        checked.record_outcomes(Vec::new());
        assert!(tried(&checked).is_some());
        checked.record_outcomes(vec![Ok(Outcome { laws, passed: 1, ..Outcome::without_run(Status::Passed, "") })]);
        checked.finish(None, None).evidence
    }

    #[test]
    fn objects_are_made_as_the_workspace_makes_them() {
        let mut checked = checked();
        checked.record_outcomes(Vec::new());
        let Some(Action::Generated { function, calls, .. }) = tried(&checked) else { panic!("a function is tried") };
        assert_eq!(function, "Shelf.take");
        // The one with a parenthesis in a string ends too soon, and is no call.
        assert_eq!(calls, ["(2)"]);
    }

    #[test]
    fn what_has_been_written_before_is_compared_instead() {
        let (host, path, range) = load("#- /a.py\ndef f():\n    $1return 1$1\n");
        let mut checked = check(&host, candidate(&path, range, vec![TextEdit::replace(range, "return 2")]));
        checked.record_outcomes(Vec::new());
        assert_eq!(tried(&checked), None);
    }

    #[test]
    fn a_broken_law_refuses_or_asks() {
        let refused = told(&[(Weight::Sure, 3, Some("Shelf(2): twice"))]);
        assert_eq!(refused.findings[0].message, "Once is enough, or so it should be: Shelf(2): twice");
        assert_eq!(refused.checks[&Stage::Tests], CheckResult::Failed);
        let asked = told(&[(Weight::Likely, 3, Some("Shelf(2): twice"))]);
        assert_eq!((asked.findings.len(), asked.warnings.len()), (0, 1));
        let odd = told(&[(Weight::Likely, 4, Some("Shelf(2): twice"))]);
        assert_eq!((odd.findings.len(), odd.warnings.len()), (0, 0));
        let silent = told(&[(Weight::Extra, 3, Some("Shelf(2): twice"))]);
        assert_eq!((silent.findings.len(), silent.warnings.len()), (0, 0));
        let held = told(&[(Weight::Extra, 3, None)]);
        assert!(asked.confidence.score < silent.confidence.score && silent.confidence.score < held.confidence.score);
    }
}
