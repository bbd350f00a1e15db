//! From a question to an answer, in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ruff_db::diagnostic::{Diagnostic, DiagnosticId, Severity as Level};
use ruff_db::files::{File, Files as KnownFiles, system_path_to_file};
use ruff_db::parsed::parsed_module;
use ruff_db::source::source_text;
use ruff_db::system::SystemPathBuf;
use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::{Ranged, TextRange};
use ty_module_resolver::{ImportingFile, ModuleName, resolve_module};
use ty_python_semantic::Db as _;

use crate::compare::{self, Found};
use crate::database::{Database, Project};
use crate::doubt::{Claim, doubt};
use crate::files::{MAX_FILE, Overlay};
use crate::protocol::{Answer, Edited, Question, Severity, TypeError};

/// Answers questions, and remembers for the next one about the same workspace what it has inferred.
#[derive(Default)]
pub(crate) struct Checker {
    state: Option<(Project, Database)>,
}

/// What is said of a file, or why it was not looked at.
type Looked = Result<Vec<Found>, String>;

impl Checker {
    /// # Errors
    /// When nothing at all could be looked at, in words for people.
    pub fn answer(&mut self, question: &Question) -> Result<Answer, String> {
        let begin = Instant::now();
        let project = project(question)?;
        let mut db = match self.state.take().filter(|(known, _)| *known == project) {
            Some((_, db)) => db,
            None => Database::new(&project).map_err(|error| error.to_string())?,
        };
        let mut answer = Answer::default();
        enter(&mut db, overlay(question, |edited| Some(&edited.after))?, true);
        let edited = question.edited.iter().map(|it| &it.path);
        let paths: Vec<&PathBuf> = edited.chain(&question.users).collect();
        let mut after = Vec::new();
        let mut looked_at = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let is_user = index >= question.edited.len();
            let looked = match is_user && begin.elapsed() > Duration::from_millis(question.millis) {
                true => Err("there was no time".to_owned()),
                false => look(&db, index, path),
            };
            match looked {
                Ok(found) => {
                    looked_at.push(index);
                    after.extend(found);
                }
                Err(why) => answer.left_out.push(((*path).clone(), why)),
            }
        }
        answer.looked_at = looked_at.len() as u32;
        let mut before = Vec::new();
        if !after.is_empty() {
            // Where nothing is wrong with the change, nobody needs to know what was wrong without it.
            enter(&mut db, overlay(question, |edited| edited.before.as_ref())?, false);
            let is_new = |index: usize| question.edited.get(index).is_some_and(|it| it.before.is_none());
            for index in looked_at.into_iter().filter(|index| !is_new(*index)) {
                let is_suspect = index < question.edited.len() || after.iter().any(|it| it.file == index);
                match if is_suspect { look(&db, index, paths[index]) } else { Ok(Vec::new()) } {
                    Ok(found) => before.extend(found),
                    Err(why) => {
                        // Which of its errors are new, nobody knows.
                        after.retain(|it| it.file != index);
                        answer.looked_at -= 1;
                        answer.left_out.push((paths[index].clone(), format!("without the change: {why}")));
                    }
                }
            }
        }
        answer.errors = compare::new(&before, after).into_iter().map(|it| error(&paths, it)).collect();
        answer.errors.sort_by(|a, b| (&a.path, a.range, &a.rule).cmp(&(&b.path, b.range, &b.rule)));
        // After a panic nobody knows what the database holds.
        let is_sound = !answer.left_out.iter().any(|(_, why)| why.contains(FAILED));
        self.state = is_sound.then_some((project, db));
        Ok(answer)
    }
}

const FAILED: &str = "the checker failed";

fn project(question: &Question) -> Result<Project, String> {
    let of = |paths: &[PathBuf]| paths.iter().map(|path| system(path)).collect::<Result<Vec<_>, _>>();
    let is_folder = |path: &SystemPathBuf| path.as_std_path().is_dir();
    let mut project = Project {
        root: system(&question.root)?,
        sources: of(&question.sources)?,
        sites: of(&question.sites)?,
        python: question.python,
    };
    project.sources.retain(is_folder);
    project.sites.retain(is_folder);
    match is_folder(&project.root) {
        true => Ok(project),
        false => Err("the workspace is no folder on disk".to_owned()),
    }
}

fn system(path: &Path) -> Result<SystemPathBuf, String> {
    let unicode = SystemPathBuf::from_path_buf(path.to_path_buf());
    unicode.map_err(|path| format!("{} is no Unicode", path.display()))
}

/// The texts that are not on disk, those of the edited files as `text` has them.
fn overlay<'q>(question: &'q Question, text: impl Fn(&'q Edited) -> Option<&'q String>) -> Result<Overlay, String> {
    let mut overlay = Overlay::new();
    for (path, unsaved) in &question.unsaved {
        overlay.insert(system(path)?, Some(Arc::from(&**unsaved)));
    }
    for edited in &question.edited {
        overlay.insert(system(&edited.path)?, text(edited).map(|text| Arc::from(&**text)));
    }
    Ok(overlay)
}

/// Makes `overlay` what the database sees; with `disk`, whatever has changed there since as well.
fn enter(db: &mut Database, overlay: Overlay, disk: bool) {
    let changed = overlay.clone();
    let old = db.files.set(overlay);
    if disk {
        KnownFiles::sync_all(db);
    }
    // Even those that were not known: the folders around them may be.
    let is_same = |path: &SystemPathBuf| old.get(path) == changed.get(path);
    let paths: Vec<_> = old.keys().chain(changed.keys()).filter(|path| !is_same(path)).cloned().collect();
    for path in paths {
        File::sync_path(db, &path);
    }
}

/// What is wrong with a file, to the best of the checker's knowledge.
fn look(db: &Database, index: usize, path: &Path) -> Looked {
    let path = system(path)?;
    let file = system_path_to_file(db, &path).map_err(|error| error.to_string().to_lowercase())?;
    let work = || {
        let text = source_text(db, file);
        if let Some(error) = text.read_error() {
            return Err(error.to_string());
        }
        if text.as_str().len() as u64 > MAX_FILE {
            return Err(format!("it is larger than {} MiB", MAX_FILE >> 20));
        }
        let found = db.check_file(file);
        let parsed = parsed_module(db, db.program_file(file).python_file(db)).load(db);
        let found = found.iter().filter_map(|it| judge(db, file, index, parsed.suite(), text.as_str(), it));
        Ok(found.collect())
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Err(format!("{FAILED}: {}", said.unwrap_or("no word of why").lines().next().unwrap_or_default()))
    })
}

/// What is found, if it is for this crate to say: whether it parses and which packages are there is known elsewhere.
fn judge(db: &Database, file: File, index: usize, suite: &[Stmt], text: &str, found: &Diagnostic) -> Option<Found> {
    let DiagnosticId::Lint(rule) = found.id() else { return None };
    let range = found.range()?;
    let severity = match found.severity() {
        Level::Info => return None,
        Level::Warning => Severity::Warning,
        Level::Error | Level::Fatal => Severity::Error,
    };
    let mut place = Place::default();
    place.descend(suite, range);
    if rule.as_str() == "unresolved-import" && (place.is_tried || is_package_missing(db, file, place.stmt?, range)) {
        return None;
    }
    let lines = lines_around(text, range);
    let message = found.concise_message().to_string();
    let claim = Claim { file, range, rule: rule.as_str(), message: &message, lines, suite, stmt: place.stmt };
    let doubt = if severity == Severity::Error { doubt(db, &claim) } else { None };
    Some(Found {
        file: index,
        range: (range.start().to_u32(), range.end().to_u32()),
        rule: rule.as_str().to_owned(),
        severity: if doubt.is_some() { Severity::Question } else { severity },
        message: match doubt {
            Some(doubt) => format!("{message} ({doubt})"),
            None => message,
        },
        text: lines.split_whitespace().collect::<Vec<_>>().join(" "),
        definition: place.definition,
    })
}

/// The lines that `range` touches.
fn lines_around(text: &str, range: TextRange) -> &str {
    let start = text[..range.start().to_usize()].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end().to_usize()..].find('\n').map_or(text.len(), |at| range.end().to_usize() + at);
    &text[start..end]
}

/// Whether nothing at all has the name that an import begins with: a package that is not installed, or that no environment
/// was found for.
fn is_package_missing(db: &Database, file: File, import: &Stmt, range: TextRange) -> bool {
    let name = match import {
        Stmt::Import(it) => it.names.iter().find(|it| it.range.contains_range(range)).map(|it| it.name.as_str()),
        Stmt::ImportFrom(ast::StmtImportFrom { level: 0, module: Some(module), .. }) => Some(module.as_str()),
        _ => None,
    };
    let first = name.and_then(|name| ModuleName::new(name.split('.').next()?));
    let environment = db.program_file(file).program(db).resolver_environment(db);
    first.is_some_and(|first| resolve_module(db, ImportingFile::File(file, environment), &first).is_none())
}

/// Where in the tree a range is.
#[derive(Default)]
struct Place<'a> {
    definition: String,
    /// The innermost statement around it.
    stmt: Option<&'a Stmt>,
    /// It is in the body of a `try` that catches something.
    is_tried: bool,
}

impl<'a> Place<'a> {
    fn descend(&mut self, suite: &'a [Stmt], range: TextRange) {
        let mut suite = suite;
        while let Some(stmt) = suite.iter().find(|stmt| stmt.range().contains_range(range)) {
            self.stmt = Some(stmt);
            let bodies: Vec<&'a [Stmt]> = match stmt {
                Stmt::FunctionDef(it) => self.enter(&it.name, &it.body),
                Stmt::ClassDef(it) => self.enter(&it.name, &it.body),
                Stmt::Try(it) => {
                    let is_in_body = it.body.iter().any(|stmt| stmt.range().contains_range(range));
                    self.is_tried |= is_in_body && !it.handlers.is_empty();
                    let handlers = it.handlers.iter().map(|ast::ExceptHandler::ExceptHandler(it)| &*it.body);
                    [&*it.body, &*it.orelse, &*it.finalbody].into_iter().chain(handlers).collect()
                }
                Stmt::If(it) => {
                    let clauses = it.elif_else_clauses.iter().map(|clause| &*clause.body);
                    [&*it.body].into_iter().chain(clauses).collect()
                }
                Stmt::For(it) => vec![&*it.body, &*it.orelse],
                Stmt::While(it) => vec![&*it.body, &*it.orelse],
                Stmt::With(it) => vec![&*it.body],
                Stmt::Match(it) => it.cases.iter().map(|case| &*case.body).collect(),
                _ => return,
            };
            let is_around = |body: &&[Stmt]| body.iter().any(|stmt| stmt.range().contains_range(range));
            let Some(inner) = bodies.into_iter().find(is_around) else { return };
            suite = inner;
        }
    }

    fn enter(&mut self, name: &str, body: &'a [Stmt]) -> Vec<&'a [Stmt]> {
        if !self.definition.is_empty() {
            self.definition.push('.');
        }
        self.definition.push_str(name);
        vec![body]
    }
}

fn error(paths: &[&PathBuf], found: Found) -> TypeError {
    let Found { file, range, rule, message, severity, .. } = found;
    TypeError { path: paths[file].clone(), range, rule, message, severity }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace on disk: files of `#- path` sections.
    fn workspace(files: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for section in files.split("#- ").skip(1) {
            let (path, text) = section.split_once('\n').unwrap();
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn question(folder: &Path, edits: &[(&str, &str)], users: &[&str]) -> Question {
        let edited = |(path, after): &(&str, &str)| {
            let path = folder.join(path);
            Edited { before: std::fs::read_to_string(&path).ok(), after: (*after).to_owned(), path }
        };
        Question {
            root: folder.to_path_buf(),
            sources: vec![folder.to_path_buf()],
            sites: vec![folder.join("site")],
            edited: edits.iter().map(edited).collect(),
            users: users.iter().map(|path| folder.join(path)).collect(),
            millis: 60_000,
            ..Question::default()
        }
    }

    fn shown(folder: &Path, answer: &Answer) -> Vec<String> {
        let of = |it: &TypeError| {
            let path = it.path.strip_prefix(folder).unwrap().display();
            let mark = match it.severity {
                Severity::Error => "",
                Severity::Question => "question ",
                Severity::Warning => "warning ",
            };
            format!("{path}:{}: {mark}{}", it.range.0, it.rule)
        };
        answer.errors.iter().map(of).collect()
    }

    /// The new errors of a change to one file.
    fn new(files: &str, path: &str, after: &str) -> Vec<String> {
        let folder = workspace(files);
        let answer = Checker::default().answer(&question(folder.path(), &[(path, after)], &[])).unwrap();
        assert_eq!((answer.looked_at, &*answer.left_out), (1, &[][..]));
        shown(folder.path(), &answer)
    }

    #[test]
    fn a_wrong_result_is_new() {
        let before = "#- a.py\ndef f() -> int:\n    raise NotImplementedError\n";
        assert_eq!(new(before, "a.py", "def f() -> int:\n    return \"forty\"\n"), ["a.py:27: invalid-return-type"]);
        assert_eq!(new(before, "a.py", "def f() -> int:\n    return 40\n"), [""; 0]);
    }

    #[test]
    fn the_standard_library_is_known() {
        let before = "#- a.py\nimport json, os, re\n";
        let after = "import json, os, re\nos.makedirs('a', parents=True)\njson.dump_string(1)\nm = re.match('a', 'b')\nif m: m.text()\n";
        let found = new(before, "a.py", after);
        assert_eq!(
            found,
            ["a.py:37: unknown-argument", "a.py:51: unresolved-attribute", "a.py:100: unresolved-attribute"]
        );
    }

    #[test]
    fn errors_of_before_are_not_the_changes() {
        let before = "#- a.py\nimport json\n\ndef f():\n    json.dump_string(1)\n";
        let moved = "import json\n\ndef g():\n    return 1\n\n\ndef h():\n    json.dump_string(1)\n";
        assert_eq!(new(before, "a.py", moved), [""; 0]);
        let edited = "import json\n\ndef f():\n    x = json.dump_string(1, 2)\n";
        assert_eq!(new(before, "a.py", edited), [""; 0]);
        let twice = "import json\n\ndef f():\n    json.dump_string(1)\n    json.dump_string(1)\n";
        assert_eq!(new(before, "a.py", twice).len(), 1);
    }

    #[test]
    fn packages_that_are_not_there_are_for_others_to_tell() {
        let before = "#- a.py\nx = 1\n#- site/lib/__init__.py\nthere = 1\n";
        let after = "import missing, missing.sub\nfrom missing import name\nfrom lib import there\nmissing.f(name)\n";
        assert_eq!(new(before, "a.py", after), [""; 0]);
        let after = "from lib import there, gone\nimport lib.gone\nfrom . import nothing\n";
        let found = new(before, "a.py", after);
        assert_eq!(found, ["a.py:23: unresolved-import", "a.py:35: unresolved-import", "a.py:44: unresolved-import"]);
        let tried = "try:\n    from lib import gone\nexcept ImportError:\n    gone = None\n";
        assert_eq!(new(before, "a.py", tried), [""; 0]);
    }

    #[test]
    fn comments_do_not_silence_their_own_judge() {
        for comment in ["type: ignore", "type: ignore[attr-defined]", "ty: ignore", "ty:ignore[unresolved-attribute]"] {
            let found = new("#- a.py\nimport re\n", "a.py", &format!("import re\nre.nothing  # {comment}\n"));
            assert_eq!(found, ["a.py:10: question unresolved-attribute"], "{comment}");
        }
    }

    #[test]
    fn what_a_lambda_is_given_is_guessed() {
        let before = "#- a.py\nfrom __future__ import annotations\nclass A: size = 1\n";
        let after = |body: &str| {
            format!(
                "from __future__ import annotations\nimport json\nclass A: size = 1\ndef f(them: list[A]) -> A | None:\n    \
                 return max(them, key=lambda it: {body}, default=None)\n"
            )
        };
        assert_eq!(new(before, "a.py", &after("it.size")), ["a.py:135: question unresolved-attribute"]);
        assert_eq!(new(before, "a.py", &after("json.dump_string(it)")), ["a.py:135: unresolved-attribute"]);
    }

    #[test]
    fn how_many_a_list_spreads_is_not_known() {
        let text = |arguments: &str| {
            format!("from datetime import datetime\ndef f(fields: list[int]): return datetime({arguments})\n")
        };
        let found = |arguments: &str| new("#- a.py\n", "a.py", &text(arguments)).join(" ");
        assert!(found("*fields").contains("question invalid-argument-type"), "{}", found("*fields"));
        let certain = found("1, 2, 3, 4, 5, 6, 7, 'x'");
        assert!(certain.contains("invalid-argument-type") && !certain.contains("question"), "{certain}");
    }

    #[test]
    fn what_is_inferred_and_may_be_meant_otherwise_is_a_question() {
        let before = "#- a.py\nimport re\n#- b.py\nthere = 1\n";
        let found = |text: &str| new(before, "a.py", &format!("import re\n{text}\n")).join(" ");
        // What others write into, what may be missing from some, and what the graph knows.
        for (text, rule) in [
            (
                "class A:\n    def __init__(self): self.it = None\n    def f(self): self.it.ping()",
                "unresolved-attribute",
            ),
            ("class A: pass\nA().size", "unresolved-attribute"),
            ("import b\nb.gone", "unresolved-attribute"),
            ("def f(): pass\nf.mark = 1", "unresolved-attribute"),
            ("d = {'a': 1}\nd['b'] = 'c'", "invalid-assignment"),
            ("def f(x: int = None): pass", "invalid-parameter-default"),
            ("print(nowhere)", "unresolved-reference"),
        ] {
            let said = found(text);
            assert!(said.is_empty() || said.contains(&format!("question {rule}")), "{text}: {said}");
            assert!(!said.contains(&format!(": {rule}")), "{text}: {said}");
        }
        for (text, rule) in [
            ("re.match('a', 'b').group()", "unresolved-attribute"),
            ("'a'.size", "unresolved-attribute"),
            ("None.size", "unresolved-attribute"),
            ("re.Pattern.gone", "unresolved-attribute"),
            ("def f(x: int): ...\nf('a')", "invalid-argument-type"),
            ("x: int = 'a'", "invalid-assignment"),
            ("1 + 'a'", "unsupported-operator"),
        ] {
            assert!(found(text).contains(&format!(": {rule}")), "{text}: {}", found(text));
        }
    }

    #[test]
    fn files_that_use_the_edited_one_are_looked_at() {
        let folder = workspace(
            "#- a.py\ndef f(x: int) -> int:\n    return x\n#- b.py\nfrom a import f\nf(1)\n#- c.py\nfrom a import f\nf('c')\n",
        );
        let edits = [("a.py", "def f(x: int, y: int) -> int:\n    return x\n")];
        let question = question(folder.path(), &edits, &["b.py", "c.py"]);
        let mut checker = Checker::default();
        let answer = checker.answer(&question).unwrap();
        assert_eq!(shown(folder.path(), &answer), ["b.py:16: missing-argument", "c.py:16: missing-argument"]);
        assert_eq!(answer.looked_at, 3);
        let answer = checker.answer(&Question { millis: 0, ..question }).unwrap();
        assert_eq!((answer.looked_at, answer.left_out.len()), (1, 2));
    }

    #[test]
    fn a_new_file_and_unsaved_texts_are_seen() {
        let folder = workspace("#- pkg/__init__.py\n#- a.py\nx = 1\n");
        let edits = [
            ("pkg/new/one.py", "def f() -> int:\n    return 1\n"),
            ("a.py", "from pkg.new.one import f\nfrom pkg import b\nf().real\nf().foo\nb.there\nb.gone\n"),
        ];
        let mut question = question(folder.path(), &edits, &[]);
        question.unsaved.push((folder.path().join("pkg/b.py"), "there = 1\n".to_owned()));
        let mut checker = Checker::default();
        let expected = ["a.py:53: unresolved-attribute", "a.py:69: question unresolved-attribute"];
        for _ in 0..2 {
            assert_eq!(shown(folder.path(), &checker.answer(&question).unwrap()), expected);
        }
        // Without them, the next question does not see them either.
        question.edited.remove(0);
        question.unsaved.clear();
        let found = shown(folder.path(), &checker.answer(&question).unwrap());
        assert_eq!(found, ["a.py:5: unresolved-import", "a.py:42: unresolved-import"]);
    }

    #[test]
    fn what_changes_on_disk_is_seen_by_the_next_question() {
        let folder = workspace("#- lib.py\ndef f() -> int: ...\n#- a.py\nimport lib\n");
        let question = question(folder.path(), &[("a.py", "import lib\nlib.f().real\n")], &[]);
        let mut checker = Checker::default();
        assert_eq!(checker.answer(&question).unwrap().errors, []);
        std::fs::write(folder.path().join("lib.py"), "def f() -> str: ...\n# longer\n").unwrap();
        assert_eq!(shown(folder.path(), &checker.answer(&question).unwrap()), ["a.py:11: unresolved-attribute"]);
    }

    #[test]
    fn the_version_decides_which_standard_library_there_is() {
        let folder = workspace("#- a.py\nx = 1\n");
        let question = question(folder.path(), &[("a.py", "import typing\ntyping.Self\n")], &[]);
        let old = Checker::default().answer(&Question { python: Some((3, 10)), ..question.clone() }).unwrap();
        assert_eq!(shown(folder.path(), &old), ["a.py:14: unresolved-attribute"]);
        assert_eq!(Checker::default().answer(&question).unwrap().errors, []);
    }

    #[test]
    fn what_cannot_be_looked_at_is_named() {
        let folder = workspace("#- a.py\nx = 1\n");
        let huge = format!("x = 1\n{}", "# nothing\n".repeat(300_000));
        let answer = Checker::default().answer(&question(folder.path(), &[("a.py", &huge)], &["gone.py"])).unwrap();
        let why: Vec<&str> = answer.left_out.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!((answer.looked_at, why), (0, vec!["it is larger than 2 MiB", "not found"]));
        assert!(Checker::default().answer(&question(Path::new("/no/such/folder"), &[], &[])).is_err());
    }

    #[test]
    fn nothing_outside_of_the_workspace_and_its_environment_is_read() {
        let outside = workspace("#- secret/__init__.py\nx = 1\n");
        let folder = workspace("#- a.py\nx = 1\n#- site/lib/__init__.py\ny = 1\n");
        std::fs::write(folder.path().join("site/lib.pth"), outside.path().to_str().unwrap()).unwrap();
        let answer = Checker::default().answer(&question(
            folder.path(),
            &[("a.py", "import secret.gone\nimport lib\nlib.gone\n")],
            &[],
        ));
        assert_eq!(shown(folder.path(), &answer.unwrap()), ["a.py:30: unresolved-attribute"]);
    }

    #[test]
    fn hostile_code_comes_to_an_end() {
        let cyclic =
            "#- a.py\nfrom b import *\nclass A(B): x = B().y\n#- b.py\nfrom a import *\nclass B(A): y = A().x\n";
        let folder = workspace(cyclic);
        let after = "from b import *\nclass A(B):\n    x = B().y\n    def f(self): return self.f().x\n";
        let answer = Checker::default().answer(&question(folder.path(), &[("a.py", after)], &["b.py"])).unwrap();
        assert_eq!(answer.looked_at, 2, "{answer:?}");
        let unions: String = (0..300).map(|it| format!("    if c == {it}: x = ({it}, x)\n")).collect();
        let after =
            format!("def f(c):\n    x = 0\n    while c:\n    {}\n    return x\n", unions.replace('\n', "\n    "));
        new("#- a.py\nx = 1\n", "a.py", &after);
    }

    #[test]
    #[cfg(unix)]
    fn links_that_lead_in_circles_and_pipes_are_passed_over() {
        use std::os::unix::fs::symlink;
        let folder = workspace("#- a.py\nx = 1\n#- pkg/__init__.py\nx = 1\n");
        symlink(folder.path().join("loop"), folder.path().join("loop")).unwrap();
        symlink(folder.path().join("pkg"), folder.path().join("pkg/pkg")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.path().join("pipe.py")).status().unwrap().success());
        symlink("/dev/zero", folder.path().join("zero.py")).unwrap();
        let after = "import pipe, zero, loop\nfrom pkg.pkg.pkg import x\nx.foo\n";
        let answer = Checker::default().answer(&question(folder.path(), &[("a.py", after)], &[])).unwrap();
        assert_eq!(shown(folder.path(), &answer), ["a.py:50: unresolved-attribute"]);
    }
}
