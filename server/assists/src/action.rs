//! Code actions that need no model: the table, what they see, what they answer.
//!
//! An action keeps what the program does, or it is refused with a reason. What is cheap to see is decided when actions are
//! offered; edits that reach into other files are made when they are asked for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, FileId};
use lint::{Finding, Ruff};
use syntax::{FileEdit, Parsed, SourceChange, TextEdit, TextRange, apply_edits, parse};

use ide::Project;
use ide::tree::with_tree_of;

/// What an action is for; editors sort their menus by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    QuickFix,
    /// Mends all that can be mended; for who asks for just that, as editors do when a file is saved.
    FixAll,
    OrganizeImports,
    Extract,
    Inline,
    Rewrite,
    Move,
    Source,
}

/// A file that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Absolute.
    pub path: PathBuf,
    pub text: String,
}

/// Edits of files, and files to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub edits: SourceChange,
    pub created: Vec<NewFile>,
    pub texts: Vec<TextFileEdit>,
}

/// Edits of a file that is no Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFileEdit {
    /// Absolute.
    pub path: PathBuf,
    /// What the edits were made for.
    pub before: Arc<str>,
    /// In the order of the text.
    pub edits: Vec<TextEdit>,
}

impl Change {
    /// Adds edits of the file at `path`.
    pub(super) fn add(&mut self, path: &Path, edits: impl IntoIterator<Item = TextEdit>) {
        let files = &mut self.edits.files;
        let at = files.iter().position(|file| file.path == path).unwrap_or_else(|| {
            files.push(FileEdit { path: path.to_owned(), edits: Vec::new() });
            files.len() - 1
        });
        files[at].edits.extend(edits);
    }
}

/// The edit, or why there is none: words for a person.
pub type Outcome = Result<Change, String>;

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    Ready(Change),
    /// To be asked for with [`Wanted::Only`].
    Later,
    Refused(String),
}

/// A code action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// In kebab case.
    pub id: &'static str,
    /// What a menu says; different for each action that one assist offers at one place.
    pub title: String,
    pub kind: ActionKind,
    /// The one that most people mean most of the time.
    pub preferred: bool,
    /// The code of the linter's finding that it fixes; `None` where it is about whatever is wrong at the place.
    pub fixes_code: Option<String>,
    pub edit: Edit,
}

/// Which edits are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Those that cost next to nothing.
    Offers,
    All,
    /// That of one action; no other is answered.
    Only {
        id: &'a str,
        title: &'a str,
    },
}

/// Where actions are asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub file: FileId,
    /// The cursor, or what is selected.
    pub range: TextRange,
    /// The text of the file when it was last opened or saved, if it has been edited since.
    pub before: Option<Arc<str>>,
    pub lint: Lint<'a>,
    pub project: &'a Project,
    pub wanted: Wanted<'a>,
}

/// What linters have to do with a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lint<'a> {
    /// What they found in it.
    pub findings: &'a [Finding],
    /// The linter that fixes whole files; `None` where it is switched off, or is the project's own.
    pub ruff: Option<&'a Ruff>,
}

/// What an assist sees.
pub(super) struct AssistContext<'a> {
    pub analysis: &'a Analysis,
    pub file: FileId,
    pub range: TextRange,
    pub text: &'a str,
    pub parsed: &'a Parsed,
    /// As in [`Request`].
    pub before: Option<&'a str>,
    pub lint: Lint<'a>,
    pub project: &'a Project,
}

impl AssistContext<'_> {
    pub fn path(&self) -> &Path {
        self.analysis.path(self.file)
    }

    /// A change of the file at hand.
    pub fn change(&self, edits: impl IntoIterator<Item = TextEdit>) -> Change {
        let mut change = Change::default();
        change.add(self.path(), edits);
        change
    }
}

enum Making<'a> {
    Made(Outcome),
    Later(Box<dyn FnOnce() -> Outcome + 'a>),
}

struct Offer<'a> {
    title: String,
    kind: ActionKind,
    preferred: bool,
    fixes_code: Option<String>,
    making: Making<'a>,
}

/// What one assist offers.
#[derive(Default)]
pub(super) struct Offers<'a>(Vec<Offer<'a>>);

impl<'a> Offers<'a> {
    /// Offers an edit that is known already, or says why there is none.
    pub fn made(&mut self, kind: ActionKind, title: impl Into<String>, outcome: Outcome) {
        self.0.push(Offer {
            title: title.into(),
            kind,
            preferred: false,
            fixes_code: None,
            making: Making::Made(outcome),
        });
    }

    /// Offers an edit that is only made when it is asked for.
    pub fn later(&mut self, kind: ActionKind, title: impl Into<String>, make: impl FnOnce() -> Outcome + 'a) {
        let making = Making::Later(Box::new(make));
        self.0.push(Offer { title: title.into(), kind, preferred: false, fixes_code: None, making });
    }

    /// Marks what was offered last.
    pub fn prefer(&mut self) {
        if let Some(offer) = self.0.last_mut() {
            offer.preferred = true;
        }
    }

    /// Says which finding what was offered last fixes.
    pub fn fixes_code(&mut self, code: &str) {
        if let Some(offer) = self.0.last_mut() {
            offer.fixes_code = Some(code.to_owned());
        }
    }
}

/// An assist as the table knows it.
pub(super) struct Rewrite {
    pub id: &'static str,
    /// Whether it makes sense in a text with syntax errors.
    pub tolerant: bool,
    pub offer: for<'a> fn(&'a AssistContext<'a>, &mut Offers<'a>),
}

/// The actions at a place, in the order of the table.
pub(super) fn run(table: &[Rewrite], analysis: &Analysis, request: &Request<'_>) -> Vec<Action> {
    let text = analysis.source(request.file).text();
    let all = with_tree_of(analysis, request.file, |parsed| {
        let context = AssistContext {
            analysis,
            file: request.file,
            range: request.range,
            text,
            parsed,
            before: request.before.as_deref(),
            lint: request.lint,
            project: request.project,
        };
        let broken = parsed.has_errors();
        let rows = table.iter().filter(|row| row.tolerant || !broken);
        let rows = rows.filter(|row| match request.wanted {
            Wanted::Only { id, .. } => row.id == id,
            _ => true,
        });
        // A defect of one assist hides no other.
        let one = |row: &Rewrite| catch_unwind(AssertUnwindSafe(|| offered(row, &context, request.wanted)));
        let kept = |row: &Rewrite| match one(row) {
            Ok(actions) => actions,
            Err(panic) if cfg!(test) => resume_unwind(panic),
            Err(_) => Vec::new(),
        };
        rows.flat_map(kept).collect::<Vec<_>>()
    });
    all.unwrap_or_default()
}

fn offered(row: &Rewrite, context: &AssistContext<'_>, wanted: Wanted<'_>) -> Vec<Action> {
    let mut offers = Offers::default();
    (row.offer)(context, &mut offers);
    let mut actions = Vec::new();
    for Offer { title, kind, preferred, fixes_code, making } in offers.0 {
        if matches!(wanted, Wanted::Only { title: only, .. } if only != title) {
            continue;
        }
        let edit = match making {
            Making::Later(_) if wanted == Wanted::Offers => Edit::Later,
            Making::Later(make) => checked(context.analysis, make()),
            Making::Made(outcome) => checked(context.analysis, outcome),
        };
        actions.push(Action { id: row.id, title, kind, preferred, fixes_code, edit });
    }
    actions
}

/// No edit may break a file that is Python.
pub(super) fn checked(analysis: &Analysis, outcome: Outcome) -> Edit {
    let mut change = match outcome {
        Ok(change) => change,
        Err(reason) => return Edit::Refused(reason),
    };
    for edit in &mut change.edits.files {
        // Where something is inserted before what is replaced, the protocol wants the insertion first.
        edit.edits.sort_by_key(|edit| (edit.range.start(), !edit.range.is_empty()));
        let Some(file) = analysis.file(&edit.path) else {
            return Edit::Refused(format!("{} is not there any longer", edit.path.display()));
        };
        let before = analysis.source(file).text();
        let sound = apply_edits(before, &edit.edits)
            .is_ok_and(|after| !analysis.syntax_errors(file).is_empty() || !parse(&after).has_errors());
        if !sound {
            return Edit::Refused(format!("{} would not be Python any longer", edit.path.display()));
        }
    }
    Edit::Ready(change)
}

#[cfg(test)]
pub(super) mod testing {
    use expect_test::Expect;

    use super::*;
    use fixture::Workspace;
    use ide::{Packages, RequirementFile};

    fn actions(workspace: &Workspace, row: &Rewrite, before: Option<&str>, wanted: Wanted<'_>) -> Vec<Action> {
        let (file, range) = workspace.selection();
        let ruff = lint::Ruff::with_user_settings(None);
        let findings = ide::lint_findings(&workspace.analysis, &[&ruff], file);
        let lint = Lint { findings: &findings, ruff: Some(&ruff) };
        // A requirement file of the fixture is one of the project, which has an environment without packages.
        let requirements = workspace.texts().filter(|(path, _)| !graph::is_python(path));
        let requirements = requirements.map(|(path, text)| RequirementFile { path, text }).collect();
        let project = Project { requirements, packages: Some(Packages::default()), ..Project::default() };
        let request = Request { file, range, before: before.map(Arc::from), lint, project: &project, wanted };
        run(std::slice::from_ref(row), &workspace.analysis, &request)
    }

    /// What `row` offers at `$0` or for `$1…$1`, one a line, with the reasons of what is refused.
    #[track_caller]
    pub fn check_titles(row: &Rewrite, text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let mut out = String::new();
        for action in actions(&workspace, row, None, Wanted::All) {
            out.push_str(&action.title);
            if let Edit::Refused(reason) = &action.edit {
                out.push_str(&format!("\n    refused: {reason}"));
            }
            out.push('\n');
        }
        expected.assert_eq(&out);
    }

    /// The changed files after the first action of `row`.
    #[track_caller]
    pub fn check(row: &Rewrite, text: &str, expected: Expect) {
        check_after(row, "", None, text, expected);
    }

    /// The changed files after the first action of `row` whose title begins with `title`.
    #[track_caller]
    pub fn check_titled(row: &Rewrite, title: &str, text: &str, expected: Expect) {
        check_after(row, title, None, text, expected);
    }

    #[track_caller]
    pub fn check_after(row: &Rewrite, title: &str, before: Option<&str>, text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let all = actions(&workspace, row, before, Wanted::All);
        let Some(action) = all.iter().find(|action| action.title.starts_with(title)) else {
            return expected.assert_eq("nothing\n");
        };
        // What is resolved later is the same.
        let only = Wanted::Only { id: row.id, title: &action.title };
        assert_eq!(actions(&workspace, row, before, only), std::slice::from_ref(action));
        expected.assert_eq(&shown(&workspace, &action.edit));
    }

    /// Why the first action of `row` is refused; there is one.
    #[track_caller]
    pub fn refusal(row: &Rewrite, text: &str) -> Option<String> {
        let workspace = Workspace::new(text);
        let all = actions(&workspace, row, None, Wanted::All);
        match &all.first().expect("something is offered").edit {
            Edit::Refused(reason) => Some(reason.clone()),
            edit => {
                shown(&workspace, edit);
                None
            }
        }
    }

    pub fn shown(workspace: &Workspace, edit: &Edit) -> String {
        let change = match edit {
            Edit::Ready(change) => change,
            Edit::Later => return "later\n".to_owned(),
            Edit::Refused(reason) => return format!("refused: {reason}\n"),
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for file in &change.edits.files {
            let id = workspace.analysis.file(&file.path).expect("the file exists");
            let after = apply_edits(workspace.analysis.source(id).text(), &file.edits).expect("the edits apply");
            files.push((file.path.display().to_string(), after));
        }
        if let Some(file) = change.texts.first() {
            let after = apply_edits(&file.before, &file.edits).expect("the edits apply");
            return format!("#- {}\n{after}", file.path.display());
        }
        files.extend(change.created.iter().map(|file| (file.path.display().to_string(), file.text.clone())));
        files.sort();
        for (path, after) in &files {
            let errors = parse(after).errors();
            assert!(errors.is_empty(), "{path}: {errors:?}\n{after}");
        }
        let single = files.len() == 1;
        let whole =
            |(path, after): &(String, String)| if single { after.clone() } else { format!("#- {path}\n{after}") };
        files.iter().map(whole).collect::<String>().replace('\r', "␍").replace('\t', "→")
    }
}
