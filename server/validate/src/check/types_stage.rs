//! Which type errors the candidate brings about, in its own files and in those that use them, as a type checker sees it that
//! runs elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, FileId, ImportKind};
use lint::Environment;
use syntax::ast::{self, Stmt};
use syntax::{TextRange, TextSize, on_deep_stack, parse};

use super::{Comparison, graph_stage};
use crate::candidate::display_path;
use crate::{CheckResult, Finding, Stage};

/// Files that use the edited ones and are looked at. A hundred may import a module, and nearly all say the same.
const MOST_USERS: usize = 16;
/// Folders to import from; each costs a look at the disk for every name.
const MOST_SOURCES: usize = 8;
/// Names of packages or files that a message lists.
const NAMED: usize = 3;

/// Something that tells which type errors a change brings about.
pub trait TypeChecker: Send + Sync {
    /// Takes as long as inferring the types of the files.
    ///
    /// # Errors
    /// When nothing was looked at, with the reason for people: it crashed, took too long, is switched off.
    fn compare(&self, question: &TypeQuestion) -> Result<TypeAnswer, String>;
}

/// A change, and what is known of the workspace around it. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeQuestion {
    /// The user's own type checker, as their settings name it; empty: the one inside.
    pub command: Vec<String>,
    pub root: PathBuf,
    /// The folders that the workspace's modules are imported from.
    pub sources: Vec<PathBuf>,
    /// The `site-packages` of the environment.
    pub sites: Vec<PathBuf>,
    /// Texts that are not on disk.
    pub unsaved: Vec<(PathBuf, Arc<str>)>,
    /// The files before and after the change; `None` where there was none.
    pub edited: Vec<(PathBuf, Option<Arc<str>>, Arc<str>)>,
    /// Files that use the edited ones, those that call it first.
    pub users: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeAnswer {
    /// Those that the change brings about.
    pub errors: Vec<TypeError>,
    /// Files that were not looked at, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeError {
    pub path: PathBuf,
    /// In the text with the change.
    pub range: TextRange,
    /// The checker's name for it.
    pub rule: String,
    pub message: String,
    pub gravity: Gravity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    Error,
    /// What may be an error; the message says why it may be none.
    Question,
    Warning,
}

/// What the stage works with.
#[derive(Clone, Copy)]
pub struct Typing<'a> {
    pub checker: &'a dyn TypeChecker,
    /// Of [`TypeQuestion`].
    pub command: &'a [String],
    pub environment: &'a Environment,
    /// What the editor has and the disk has not.
    pub unsaved: &'a [(PathBuf, Arc<str>)],
}

/// What the stage found.
pub(super) struct Typed {
    pub result: CheckResult,
    pub findings: Vec<Finding>,
    pub questions: Vec<Finding>,
    pub warnings: Vec<Finding>,
    pub unchecked: Vec<String>,
}

/// `known` are the findings of other stages: what they say of a line is not said again.
pub(super) fn judge(comparison: &Comparison, typing: Typing<'_>, known: &[Finding]) -> Typed {
    let mut typed = Typed {
        result: CheckResult::Passed,
        findings: Vec::new(),
        questions: Vec::new(),
        warnings: Vec::new(),
        unchecked: Vec::new(),
    };
    let (question, left_out) = ask(comparison, typing);
    typed.unchecked.extend(left_out);
    if question.edited.is_empty() {
        typed.result = CheckResult::NotRun("no Python was edited".to_owned());
        return typed;
    }
    let answer = match typing.checker.compare(&question) {
        Ok(answer) => answer,
        Err(why) => {
            typed.unchecked.push(format!("types: {why}"));
            typed.result = CheckResult::NotRun(why);
            return typed;
        }
    };
    typed.unchecked.extend(unknown_packages(comparison, typing.environment));
    for (path, why) in &answer.left_out {
        typed.unchecked.push(format!("types: {}: {why}", display_path(&comparison.after, path)));
    }
    let is_edited = |path: &Path| comparison.edited(path).is_some();
    if answer.left_out.iter().any(|(path, _)| is_edited(path)) {
        typed.result = CheckResult::NotRun("an edited file could not be looked at".to_owned());
    }
    for error in answer.errors {
        // Nobody can name a place in a file that is not in the graph.
        let Some(file) = comparison.after.file(&error.path) else { continue };
        let finding = comparison.finding(Stage::Types, &error.rule, error.message, file, error.range);
        match error.gravity {
            Gravity::Error => {
                typed.result = CheckResult::Failed;
                let is_known =
                    |it: &Finding| (&it.path, it.line) == (&finding.path, finding.line) && says_why(it.stage);
                if !known.iter().any(is_known) {
                    typed.findings.push(finding);
                }
            }
            Gravity::Question => typed.questions.push(finding),
            Gravity::Warning => typed.warnings.push(finding),
        }
    }
    typed
}

/// Whether what this stage finds at a line may be what that one found.
fn says_why(stage: Stage) -> bool {
    matches!(stage, Stage::Syntax | Stage::Graph)
}

/// The question, and what is left out of it.
fn ask(comparison: &Comparison, typing: Typing<'_>) -> (TypeQuestion, Vec<String>) {
    let after = &comparison.after;
    let mut left_out = Vec::new();
    let python: Vec<_> = comparison.files.iter().filter(|edited| graph::is_python(&edited.path)).collect();
    let root_of = |path: &Path| after.root_of(path).map(Path::to_path_buf);
    let root = python.first().and_then(|edited| root_of(&edited.path)).unwrap_or_default();
    let (inside, outside): (Vec<_>, Vec<_>) =
        python.into_iter().partition(|edited| root_of(&edited.path).as_ref() == Some(&root));
    for edited in outside {
        left_out.push(format!("types: {}: it is in another workspace folder", display_path(after, &edited.path)));
    }
    let mut users = Vec::new();
    for edited in &inside {
        let is_same = interface(&edited.before) == interface(&edited.after);
        if let Some(file) = after.file(&edited.path).filter(|_| !is_same) {
            users.extend(users_of(comparison, file));
        }
    }
    users.retain(|user| comparison.edited(user).is_none() && root_of(user).as_ref() == Some(&root));
    let mut seen = BTreeSet::new();
    users.retain(|user| seen.insert(user.clone()));
    if users.len() > MOST_USERS {
        let more = users.len() - MOST_USERS;
        let names: Vec<_> = users[MOST_USERS..].iter().take(NAMED).map(|path| display_path(after, path)).collect();
        let etc = if more > NAMED { " and others" } else { "" };
        let files = graph_stage::count(more, "file");
        left_out.push(format!("types: {files} that use what was edited: {}{etc}", names.join(", ")));
        users.truncate(MOST_USERS);
    }
    let text_before =
        |path: &Path| comparison.before.file(path).map(|file| comparison.before.source(file).text().clone());
    let question = TypeQuestion {
        command: typing.command.to_vec(),
        sources: sources(after, &root),
        sites: typing.environment.sites.clone(),
        unsaved: typing.unsaved.to_vec(),
        edited: inside.iter().map(|it| (it.path.clone(), text_before(&it.path), it.after.clone())).collect(),
        users,
        root,
    };
    (question, left_out)
}

/// The files that use a file, before the change or after it: those that call what is in it, then all that import it.
fn users_of(comparison: &Comparison, file: FileId) -> Vec<PathBuf> {
    let path = comparison.after.path(file);
    let mut calling = BTreeSet::new();
    let mut importing = BTreeSet::new();
    for analysis in [&comparison.before, &comparison.after] {
        let edited = comparison.edited_functions().filter(|symbol| symbol.file == file);
        let is_after = std::ptr::eq(analysis, &comparison.after);
        let edited = edited.filter_map(|symbol| if is_after { Some(symbol) } else { comparison.earlier(symbol) });
        let callers = edited.flat_map(|symbol| analysis.callers(symbol));
        calling.extend(callers.map(|call| analysis.path(call.other.file).to_path_buf()));
        let Some(file) = analysis.file(path) else { continue };
        importing.extend(analysis.importers(file).into_iter().map(|it| analysis.path(it).to_path_buf()));
    }
    let others = importing.into_iter().filter(|it| !calling.contains(it)).collect::<Vec<_>>();
    calling.into_iter().chain(others).collect()
}

/// The folders that modules of `root` are imported from, those of most modules first.
fn sources(analysis: &Analysis, root: &Path) -> Vec<PathBuf> {
    let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
    for file in analysis.files() {
        let path = analysis.path(file);
        if let Some(source) = source(path, analysis.module_name(file)).filter(|source| source.starts_with(root)) {
            *counts.entry(source).or_default() += 1;
        }
    }
    counts.entry(root).or_default();
    let mut sources: Vec<(&Path, usize)> = counts.into_iter().collect();
    sources.sort_by_key(|(path, count)| (std::cmp::Reverse(*count), *path));
    sources.into_iter().take(MOST_SOURCES).map(|(path, _)| path.to_path_buf()).collect()
}

/// The folder that the module with a dotted name is imported from, if it is where its name says.
fn source<'p>(path: &'p Path, module: &str) -> Option<&'p Path> {
    let stem = path.file_stem()?.to_str()?;
    let mut folder = path.parent()?;
    let mut parts: Vec<&str> = module.split('.').collect();
    if stem != "__init__" && parts.pop() != Some(stem) {
        return None;
    }
    while let Some(part) = parts.pop() {
        if folder.file_name()?.to_str()? != part {
            return None;
        }
        folder = folder.parent()?;
    }
    Some(folder)
}

/// What of a module others can see, as far as a type checker does that takes what a function returns from its signature: all
/// but the bodies of functions, and of these what they give to attributes and names of the module.
fn interface(text: &str) -> String {
    let look = || {
        let parsed = parse(text);
        let mut hidden = Vec::new();
        bodies(parsed.statements(), &mut hidden);
        let mut out = String::new();
        let mut at = TextSize::new(0);
        for (body, shown) in hidden {
            out.push_str(&text[TextRange::new(at, body.start())]);
            shown.into_iter().for_each(|range| out.extend(["\n", &text[range]]));
            at = body.end();
        }
        out.push_str(&text[at.to_usize()..]);
        // Blank lines and comments at the ends of lines change nothing for anybody else; that the latter count is harmless.
        out.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    // Without a thread nobody knows: every text is different from every other.
    on_deep_stack(look).unwrap_or_else(|| text.to_owned())
}

/// The bodies of functions, in order, each with the statements in it that others see.
fn bodies(suite: &[Stmt], found: &mut Vec<(TextRange, Vec<TextRange>)>) {
    for stmt in suite {
        match stmt {
            Stmt::FunctionDef(function) => {
                if let (Some(first), Some(last)) = (function.body.first(), function.body.last()) {
                    let mut shown = Vec::new();
                    visible(&function.body, &mut shown);
                    found.push((TextRange::new(range(first).start(), range(last).end()), shown));
                }
            }
            _ => inner(stmt).into_iter().for_each(|suite| bodies(suite, found)),
        }
    }
}

fn visible(suite: &[Stmt], shown: &mut Vec<TextRange>) {
    for stmt in suite {
        let is_visible = match stmt {
            Stmt::Assign(it) => it.targets.iter().any(holds_attribute),
            Stmt::AnnAssign(it) => it.target.is_attribute_expr(),
            Stmt::AugAssign(it) => it.target.is_attribute_expr(),
            Stmt::For(it) => holds_attribute(&it.target),
            Stmt::With(it) => it.items.iter().any(|item| item.optional_vars.as_deref().is_some_and(holds_attribute)),
            Stmt::Global(_) => true,
            _ => false,
        };
        match stmt {
            _ if is_visible => shown.push(range(stmt)),
            _ => inner(stmt).into_iter().for_each(|suite| visible(suite, shown)),
        }
    }
}

fn holds_attribute(target: &ast::Expr) -> bool {
    match target {
        ast::Expr::Attribute(_) => true,
        ast::Expr::Tuple(it) => it.elts.iter().any(holds_attribute),
        ast::Expr::List(it) => it.elts.iter().any(holds_attribute),
        ast::Expr::Starred(it) => holds_attribute(&it.value),
        _ => false,
    }
}

/// The statements directly inside of a statement, but for functions'.
fn inner(stmt: &Stmt) -> Vec<&[Stmt]> {
    match stmt {
        Stmt::ClassDef(it) => vec![&it.body],
        Stmt::If(it) => {
            let clauses = it.elif_else_clauses.iter().map(|clause| &*clause.body);
            std::iter::once(&*it.body).chain(clauses).collect()
        }
        Stmt::For(it) => vec![&it.body, &it.orelse],
        Stmt::While(it) => vec![&it.body, &it.orelse],
        Stmt::With(it) => vec![&it.body],
        Stmt::Match(it) => it.cases.iter().map(|case| &*case.body).collect(),
        Stmt::Try(it) => {
            let handlers = it.handlers.iter().map(|ast::ExceptHandler::ExceptHandler(handler)| &*handler.body);
            std::iter::once(&*it.body).chain(handlers).chain([&*it.orelse, &*it.finalbody]).collect()
        }
        _ => Vec::new(),
    }
}

fn range(stmt: &Stmt) -> TextRange {
    syntax::Ranged::range(stmt)
}

/// The packages that the edited files import and the checker knows nothing of.
fn unknown_packages(comparison: &Comparison, environment: &Environment) -> Option<String> {
    let after = &comparison.after;
    let files = comparison.files.iter().filter_map(|edited| after.file(&edited.path));
    let imports = files.flat_map(|file| after.imports(file)).filter(|import| import.kind == ImportKind::External);
    let packages: BTreeSet<String> = imports.map(|import| graph_stage::package(&import).to_owned()).collect();
    let is_unknown = |it: &&String| !graph::is_standard(it) && !environment.names().contains(*it);
    let unknown: Vec<String> = packages.iter().filter(is_unknown).map(|name| format!("`{name}`")).collect();
    let etc = if unknown.len() > NAMED { format!(" and {} more", unknown.len() - NAMED) } else { String::new() };
    let names = unknown.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let why = match environment.folder {
        Some(_) => "the project's environment has none",
        None => "no environment of the project was found",
    };
    (!unknown.is_empty()).then(|| format!("types: how {names}{etc} is used: {why}"))
}

/// A checker that looks at nothing, for tests of what uses one: it says what it is told.
pub struct FakeTypeChecker<F>(pub F);

impl<F: Fn(&TypeQuestion) -> Result<TypeAnswer, String> + Send + Sync> TypeChecker for FakeTypeChecker<F> {
    fn compare(&self, question: &TypeQuestion) -> Result<TypeAnswer, String> {
        (self.0)(question)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syntax::TextEdit;

    use super::*;
    use crate::check::tests::{candidate, draw, load};
    use crate::{Checked, Inspection, check};

    const SHOP: &str = "\
#- /src/shop/__init__.py
#- /src/shop/price.py
import flask

def price(n: int) -> int:
    $1return n$1
#- /src/shop/cart.py
from shop.price import price
def total(): return price(2)
#- /src/shop/names.py
from shop import price
";

    fn checked(
        text: &str,
        new: &str,
        answer: impl Fn(&TypeQuestion) -> Result<TypeAnswer, String> + Send + Sync,
    ) -> Checked {
        let (host, path, range) = load(text);
        let unsaved = [(PathBuf::from("/src/shop/names.py"), Arc::from("x"))];
        let checker = FakeTypeChecker(answer);
        let types = Typing { checker: &checker, command: &[], environment: &Environment::default(), unsaved: &unsaved };
        let inspection = Inspection { types: Some(types), ..Inspection::default() };
        check(&host, candidate(&path, range, vec![TextEdit::replace(range, new)]), &inspection)
    }

    /// What is said where the checker finds this at `flask`, the second line of the text.
    fn verify(found: &[(Gravity, &str)], left_out: &[(&str, &str)], expected: Expect) {
        let checked = checked(SHOP, "return 2", |question| {
            let errors = found.iter().map(|(gravity, rule)| TypeError {
                path: question.edited[0].0.clone(),
                range: TextRange::new(7.into(), 12.into()),
                rule: (*rule).to_owned(),
                message: "no".to_owned(),
                gravity: *gravity,
            });
            let left_out = left_out.iter().map(|(path, why)| (PathBuf::from(path), (*why).to_owned()));
            Ok(TypeAnswer { errors: errors.collect(), left_out: left_out.collect() })
        });
        let mut out = draw(&checked);
        checked.warnings().iter().for_each(|warning| out.push_str(&format!("warning: {warning}\n")));
        expected.assert_eq(&out);
    }

    #[test]
    fn errors_refuse_and_the_rest_is_told() {
        verify(
            &[],
            &[],
            expect![[r#"
                lint not-run: there is no linter
                tests not-run: no test or doctest reaches the edit
                open: types: how `flask` is used: no environment of the project was found
                open: behaviour: no test or doctest reaches the edit
            "#]],
        );
        verify(
            &[(Gravity::Error, "bad"), (Gravity::Warning, "odd")],
            &[],
            expect![[r#"
            src/shop/price.py:1: no [types: bad]
            types failed
            lint not-run: there is no linter
            tests not-run: an earlier check failed
            open: types: how `flask` is used: no environment of the project was found
            warning: src/shop/price.py:1: no [types: odd]
        "#]],
        );
    }

    #[test]
    fn what_may_be_none_is_a_question() {
        verify(
            &[(Gravity::Question, "bad")],
            &[],
            expect![[r#"
                types asked: 1 question
                lint not-run: there is no linter
                tests not-run: no test or doctest reaches the edit
                open: types: 1 question to whoever reviews, among the warnings
                open: types: how `flask` is used: no environment of the project was found
                open: behaviour: no test or doctest reaches the edit
                warning: src/shop/price.py:1: no [types: bad]
            "#]],
        );
    }

    #[test]
    fn what_was_not_looked_at_has_not_passed() {
        verify(
            &[],
            &[("/src/shop/price.py", "too large"), ("/src/shop/cart.py", "there was no time")],
            expect![[r#"
                types not-run: an edited file could not be looked at
                lint not-run: there is no linter
                tests not-run: no test or doctest reaches the edit
                open: types: how `flask` is used: no environment of the project was found
                open: types: src/shop/price.py: too large
                open: types: src/shop/cart.py: there was no time
                open: behaviour: no test or doctest reaches the edit
            "#]],
        );
        let crashed = checked(SHOP, "return 2", |_| Err("it crashed".to_owned()));
        expect![[r#"
            types not-run: it crashed
            lint not-run: there is no linter
            tests not-run: no test or doctest reaches the edit
            open: types: it crashed
            open: behaviour: no test or doctest reaches the edit
        "#]]
        .assert_eq(&draw(&crashed));
        let broken = checked(SHOP, "return (", |_| panic!("it does not parse"));
        assert_eq!(broken.results[&Stage::Types], CheckResult::NotRun("it does not parse".to_owned()));
    }

    #[test]
    fn what_the_graph_says_of_a_line_is_not_said_again() {
        let text = "#- /a.py\n$1x = 1$1\n";
        let checked = checked(text, "x = nowhere", |question| {
            let path = question.edited[0].0.clone();
            let (range, rule) = (TextRange::new(4.into(), 11.into()), "unresolved-reference".to_owned());
            let error = TypeError { path, range, rule, message: "no".to_owned(), gravity: Gravity::Error };
            Ok(TypeAnswer { errors: vec![error], left_out: Vec::new() })
        });
        expect![[r#"
            a.py:1: `nowhere` is not defined [graph: undefined-name]
            graph failed
            types failed
            lint not-run: there is no linter
            tests not-run: an earlier check failed
        "#]]
        .assert_eq(&draw(&checked));
    }

    #[test]
    fn users_are_asked_about_where_they_can_see_the_change() {
        let users = |text: &str, new: &str| {
            let seen = std::sync::Mutex::new(Vec::new());
            checked(text, new, |question| {
                assert_eq!((&*question.root, &*question.sources), (Path::new("/"), &["/src".into(), "/".into()][..]));
                assert_eq!((&question.edited[0].1.is_some(), question.unsaved.len()), (&true, 1));
                seen.lock().unwrap().extend(question.users.clone());
                Ok(TypeAnswer::default())
            });
            seen.into_inner().unwrap()
        };
        assert_eq!(users(SHOP, "return n + 1"), Vec::<PathBuf>::new());
        let signature = SHOP.replace("def price(n: int)", "def price($1n: int$1)").replace("$1return n$1", "return n");
        assert_eq!(
            users(&signature, "n: int, m: int"),
            [Path::new("/src/shop/cart.py"), Path::new("/src/shop/names.py")]
        );
    }

    #[test]
    fn what_lies_in_bodies_is_hidden_but_for_attributes() {
        let is_same = |a: &str, b: &str| interface(a) == interface(b);
        assert!(is_same(
            "def f(a):\n    return a\nx = 1\n",
            "def f(a):\n\n    # more\n    y = a\n    return y\nx = 1\n"
        ));
        assert!(is_same("class A:\n  def f(a):\n    return a\n", "class A:\n  def f(a): pass\n"));
        for (a, b) in [
            ("def f(a):\n    pass\n", "def f(b):\n    pass\n"),
            ("def f(a):\n    pass\n", "def f(a) -> int:\n    pass\n"),
            ("def f(a):\n    pass\n", "@g\ndef f(a):\n    pass\n"),
            ("x = 1\n", "x = ''\n"),
            ("class A:\n    def f(self):\n        pass\n", "class A:\n    def f(self):\n        if self: self.x = 1\n"),
            ("def f():\n    x = 1\n", "def f():\n    global x\n    x = 1\n"),
        ] {
            assert!(!is_same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn modules_are_imported_from_where_their_names_say() {
        let of = |path: &'static str, module| source(Path::new(path), module);
        assert_eq!(of("/w/src/a/b.py", "a.b"), Some(Path::new("/w/src")));
        assert_eq!(of("/w/src/a/__init__.py", "a"), Some(Path::new("/w/src")));
        assert_eq!(of("/w/x.py", "x"), Some(Path::new("/w")));
        assert_eq!(of("/w/x.py", "other"), None);
    }
}
