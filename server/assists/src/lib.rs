//! This crate is code actions.
//!
//! Each is one file with pure functions. Most are deterministic: `offer` says what can be done at a place, and with which
//! edit (see `action`). The edit of the others is written by a model: when they are offered, what to ask a model, and what
//! the model's reply changes. Nobody is asked here, and nothing a model says is believed here: an edit is only ever put
//! into the place that the assist is for, and whether it is any good is for `validate` to say.
//!
//! Deliberately absent: what an editor asks without wanting an edit (`ide`), models, checks, any state and any IO.

mod action;
mod add_import;
mod add_requirement;
mod add_types;
mod arguments;
mod break_cycle;
mod call_duplicate;
mod call_sites;
mod change_signature;
pub mod commit_message;
mod convert_import;
mod create_definition;
pub mod explain;
mod extract_function;
mod extract_functions;
mod extract_variable;
mod fix_diagnostic;
mod fix_failing_test;
mod follow_comment;
mod function_body;
mod generate_module;
mod implement_function;
mod import_block;
mod imports;
mod inline_function;
mod inline_variable;
mod layout;
mod lint_fixes;
mod make_async;
mod module_path;
mod move_symbol;
mod moved_imports;
mod names;
mod place;
mod port_like;
mod port_module;
mod question;
mod quote;
mod refactor_function;
mod refactor_presets;
mod remove_unused;
mod reply;
pub mod review;
mod rewrite_calls;
mod signature;
mod stdlib;
mod update_callers;
mod variables;
mod write_all;
mod write_docstring;
mod write_tests;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use serde::{Deserialize, Serialize};
use syntax::{Parsed, SourceChange, TextRange};

use ide::tree::with_tree_of;

pub use action::{Action, ActionKind, Change, Edit, Lint, NewFile, Outcome, Request, TextFileEdit, Wanted};
pub use add_requirement::require;
pub use change_signature::{change_signature, function_at};
pub use fix_failing_test::code_under_test;
pub use lint_fixes::silences;
pub use quote::Fence;
pub use signature::SignatureStep;
pub use write_tests::{Retest, retest};

/// Names an assist in commands, in settings and on the command line, in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssistId {
    FollowComment,
    ImplementFunction,
    FixDiagnostic,
    FixFailingTest,
    RefactorFunction,
    Simplify,
    Extract,
    AddTypes,
    MakeAsync,
    AddErrorHandling,
    ImproveNames,
    ReduceComplexity,
    WriteDocstring,
    WriteTests,
    UpdateCallers,
    PortLike,
    PortModule,
    GenerateModule,
}

/// What a model answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Python,
    Json,
}

/// What a model's answer may do to what functions answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Any,
    /// Where it changes, that is told.
    ReportChanges,
    /// It stays as it is, unless the person asks for something.
    Preserve,
}

/// When an assist is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// At every place where it makes sense.
    Place,
    /// For a finding, which is the instruction.
    Finding,
    /// For a test that fails; how it fails is the instruction.
    FailingTest,
}

/// What an assist is offered for at a place, if it makes sense there. The tree is that of the file.
type Offered = fn(&Analysis, &Parsed, FileId, TextRange) -> Option<SymbolId>;

/// What the text at a place asks for.
type Described = fn(&Analysis, FileId, TextRange) -> Option<String>;

/// An assist as the table below knows it.
struct Assist {
    id: AssistId,
    name: &'static str,
    title: &'static str,
    /// Another name of it.
    alias: Option<&'static str>,
    /// When it is offered.
    occasion: Occasion,
    offered: Offered,
    /// What a person is asked before, where the assist is told by an instruction what to do.
    prompt: Option<&'static str>,
    /// It makes no sense without an instruction.
    needs_instruction: bool,
    /// What the text at a place asks for, where that is the instruction.
    described: Option<Described>,
    /// It refactors a function in one way, without being told how.
    is_preset: bool,
    answer: Answer,
    behaviour: Behaviour,
    /// It writes no line of the target.
    is_beside: bool,
    /// Each test that it writes has to fail for a mutant of the target.
    writes_tests: bool,
    scope: fn(&Analysis, SymbolId) -> Option<Scope>,
    ask: fn(&Analysis, SymbolId, &Context, Option<&str>) -> Option<Ask>,
    accept: fn(&Analysis, SymbolId, &str) -> Result<SourceChange, Refusal>,
}

impl Assist {
    /// What most assists are. It is for no place, so that nothing is offered by mistake.
    const PLAIN: Assist = Assist {
        id: AssistId::FollowComment,
        name: "",
        title: "",
        alias: None,
        occasion: Occasion::Place,
        offered: |_, _, _, _| None,
        prompt: None,
        needs_instruction: false,
        described: None,
        is_preset: false,
        answer: Answer::Python,
        behaviour: Behaviour::Any,
        is_beside: false,
        writes_tests: false,
        scope: |_, _| None,
        ask: |_, _, _, _| None,
        accept: |_, _, _| Err(Refusal::NoTarget),
    };
}

/// All assists, in the order in which they are offered, which is that of [`AssistId`].
const ASSISTS: &[Assist] = &[
    follow_comment::ASSIST,
    implement_function::ASSIST,
    fix_diagnostic::ASSIST,
    fix_failing_test::ASSIST,
    refactor_function::ASSIST,
    refactor_presets::SIMPLIFY,
    extract_functions::ASSIST,
    add_types::ASSIST,
    make_async::ASSIST,
    refactor_presets::ADD_ERROR_HANDLING,
    refactor_presets::IMPROVE_NAMES,
    refactor_presets::REDUCE_COMPLEXITY,
    write_docstring::ASSIST,
    write_tests::ASSIST,
    rewrite_calls::ASSIST,
    port_like::ASSIST,
    port_module::ASSIST,
    generate_module::ASSIST,
];

/// The assists that need no model, in the order in which they are offered.
const REWRITES: &[action::Rewrite] = &[
    lint_fixes::REWRITE,
    update_callers::REWRITE,
    add_import::REWRITE,
    add_requirement::REWRITE,
    create_definition::REWRITE,
    change_signature::REWRITE,
    extract_variable::REWRITE,
    extract_function::REWRITE,
    inline_variable::REWRITE,
    inline_function::REWRITE,
    call_duplicate::REWRITE,
    move_symbol::REWRITE,
    remove_unused::REWRITE,
    convert_import::REWRITE,
    break_cycle::REWRITE,
    write_all::REWRITE,
];

/// The code actions at a place that need no model.
pub fn actions(analysis: &Analysis, request: &Request<'_>) -> Vec<Action> {
    action::run(REWRITES, analysis, request)
}

impl AssistId {
    /// All assists, in the order in which they are offered.
    pub fn all() -> impl Iterator<Item = AssistId> {
        ASSISTS.iter().map(|assist| assist.id)
    }

    pub fn name(self) -> &'static str {
        self.assist().name
    }

    /// What a menu says. `(preview)` promises that nothing is applied without a yes.
    pub fn title(self) -> &'static str {
        self.assist().title
    }

    /// What a person is asked before, where the assist is told by an instruction what to do. Without one it is not for a menu.
    pub fn prompt(self) -> Option<&'static str> {
        self.assist().prompt
    }

    /// Whether it makes no sense without an instruction.
    pub fn needs_instruction(self) -> bool {
        self.assist().needs_instruction
    }

    /// When it is offered.
    pub fn occasion(self) -> Occasion {
        self.assist().occasion
    }

    /// Whether it refactors a function in one way, without being told how.
    pub fn is_preset(self) -> bool {
        self.assist().is_preset
    }

    /// What a model answers with.
    pub fn answer(self) -> Answer {
        self.assist().answer
    }

    /// What the answer may do to what functions answer.
    pub fn behaviour(self) -> Behaviour {
        self.assist().behaviour
    }

    /// Whether each test that it writes has to fail for a mutant of the target.
    pub fn writes_tests(self) -> bool {
        self.assist().writes_tests
    }

    /// Another name of it.
    pub fn alias(self) -> Option<&'static str> {
        self.assist().alias
    }

    fn assist(self) -> &'static Assist {
        // A test compares the two orders.
        &ASSISTS[self as usize]
    }
}

impl fmt::Display for AssistId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AssistId {
    type Err = String;

    fn from_str(name: &str) -> Result<AssistId, String> {
        AssistId::all().find(|id| id.name() == name || id.alias() == Some(name)).ok_or_else(|| {
            let known: Vec<&str> = AssistId::all().map(AssistId::name).collect();
            format!("there is no assist called `{name}`; there are: {}", known.join(", "))
        })
    }
}

/// An assist that makes sense at some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub id: AssistId,
    pub title: &'static str,
    /// What it is for.
    pub symbol: SymbolId,
    /// What a comment at the place asks for, where the assist is told by an instruction what to do.
    pub instruction: Option<String>,
}

/// What to ask a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is for, in a few words: "Implement function `shop.cart.total`".
    pub title: String,
    /// Who the model is to be, and the rules it must keep.
    pub system: String,
    pub user: String,
    /// What `user` quotes and what it leaves out, one line each, for the person who wants to know.
    pub shown: Vec<String>,
    /// The files, absolute, that `user` quotes besides the context.
    pub quotes: Vec<PathBuf>,
}

/// What to ask a model that is to say something and to edit nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// What it is for, in a few words: "Review `shop.cart.total`".
    pub title: String,
    /// Who the model is to be, and the rules it must keep.
    pub system: String,
    pub user: String,
    /// What `user` quotes and what it leaves out, one line each, for the person who wants to know.
    pub shown: Vec<String>,
}

/// The only places that an assist may edit, import statements of the same files aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Absolute paths, and ranges in the texts of the snapshot that was asked. A file that is to be made has the empty range
    /// at 0.
    pub places: Vec<(PathBuf, TextRange)>,
    /// Absolute: where files may be made, whatever they are called.
    pub folder: Option<PathBuf>,
}

impl Scope {
    /// One place.
    fn of(analysis: &Analysis, file: FileId, range: TextRange) -> Scope {
        Scope { places: vec![(analysis.path(file).to_owned(), range)], folder: None }
    }
}

/// Why a reply cannot become an edit. The messages are fit to be sent back to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What was to be edited is not there any longer.
    NoTarget,
    Syntax {
        /// One-based, in the reply's code.
        line: u32,
        message: String,
    },
    NoSuchFunction {
        name: String,
        /// What the reply defines instead.
        found: Vec<String>,
    },
    StillStub,
    NoDocstring,
    /// The reply's function is `async`, the one to be written is not.
    Async,
    /// It is not what this assist takes.
    Unfit {
        /// In kebab case.
        code: &'static str,
        message: String,
    },
}

/// The import statements of a change that the code of a reply does not have: they were added for it.
pub fn added_imports(change: &SourceChange, code: &str) -> Vec<String> {
    let written: Vec<&str> = code.lines().map(str::trim).collect();
    let is_import = |line: &&str| line.starts_with("import ") || line.starts_with("from ");
    let edits = change.files.iter().flat_map(|file| &file.edits);
    let lines = edits.flat_map(|edit| edit.text.lines()).map(str::trim).filter(is_import);
    lines.filter(|line| !written.contains(line)).map(str::to_owned).collect()
}

impl Refusal {
    /// In kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NoTarget => "no-target",
            Refusal::Syntax { .. } => "syntax-error",
            Refusal::NoSuchFunction { .. } => "no-such-function",
            Refusal::StillStub => "still-a-stub",
            Refusal::NoDocstring => "no-docstring",
            Refusal::Async => "async-mismatch",
            Refusal::Unfit { code, .. } => code,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoTarget => f.write_str("what was to be edited is not there any longer"),
            Refusal::Syntax { line, message } => write!(f, "the code does not parse: line {line}: {message}"),
            Refusal::NoSuchFunction { name, found } => {
                write!(f, "the code does not define `{name}`, only {}", found.join(", "))
            }
            Refusal::StillStub => f.write_str("the code does not implement the function"),
            Refusal::NoDocstring => f.write_str("the code has no docstring in three quotes for the function"),
            Refusal::Async => f.write_str("the code makes the function `async`, which it is not"),
            Refusal::Unfit { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for Refusal {}

/// The assists that make sense at `range`, in the order of the table. Fast enough for every move of the cursor.
pub fn offered(analysis: &Analysis, file: FileId, range: TextRange) -> Vec<Offer> {
    let offers = with_tree_of(analysis, file, |parsed| {
        let offers = ASSISTS.iter().filter_map(|assist| {
            let symbol = (assist.offered)(analysis, parsed, file, range)?;
            let instruction = assist.described.and_then(|described| described(analysis, file, range));
            Some(Offer { id: assist.id, title: assist.title, symbol, instruction })
        });
        offers.collect()
    });
    offers.unwrap_or_default()
}

/// Where `id` may edit for `target`; `None` if it makes no sense there.
pub fn scope(id: AssistId, analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    (id.assist().scope)(analysis, target)
}

/// Why there is nothing to ask a model; for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// The assist is not for such a target.
    NoSense(AssistId),
    /// The target's own text is cut. Who does not see all of a function cannot write it anew without losing something.
    TooLong {
        /// How many lines would not be seen.
        left_out: usize,
    },
}

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAsked::NoSense(id) => write!(f, "{id} makes no sense here"),
            NotAsked::TooLong { left_out } => write!(
                f,
                "the code is too long: a model would not see {left_out} of its lines; move a part of it into a function or \
                 module of its own first"
            ),
        }
    }
}

impl std::error::Error for NotAsked {}

/// What to ask a model. The same arguments give the same bytes.
///
/// `instruction` is what the person wants besides.
///
/// # Errors
/// When the assist makes no sense for `target`, or `context` does not hold all of the target.
pub fn ask(
    id: AssistId,
    analysis: &Analysis,
    target: SymbolId,
    context: &Context,
    instruction: Option<&str>,
) -> Result<Ask, NotAsked> {
    // Where it may edit is asked again with the answer, of the text as it is then.
    let has_place = scope(id, analysis, target).is_some();
    let ask = has_place.then(|| (id.assist().ask)(analysis, target, context, instruction)).flatten();
    let ask = ask.ok_or(NotAsked::NoSense(id))?;
    match context.target_left_out {
        _ if id.assist().is_beside => Ok(ask),
        0 => Ok(ask),
        left_out => Err(NotAsked::TooLong { left_out }),
    }
}

/// The edit that `code`, the Python code of a model's reply, means for `target` in this snapshot.
///
/// # Errors
/// When the code is not what was asked for.
pub fn accept(id: AssistId, analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    (id.assist().accept)(analysis, target, code)
}

#[cfg(test)]
#[path = "tests/everywhere.rs"]
mod everywhere;

#[cfg(test)]
#[path = "tests/replies.rs"]
mod replies;

#[cfg(test)]
mod tests {
    use context::Options;

    use super::*;
    use fixture::Workspace;

    #[test]
    fn a_function_that_is_not_seen_in_full_is_not_written_anew() {
        let body: String = (0..200).map(|n| format!("    x{n} = {n}\n")).collect();
        let text = format!("def f():\n    # tantu: shorten this\n{body}    raise NotImplementedError$0\n");
        let (workspace, target) =
            Workspace::with_target(&text, |analysis, _, file, range| function_body::around(analysis, file, range));
        let (analysis, target) = (&workspace.analysis, target.expect("the cursor is in a function"));
        // What is not about this function's text.
        let others = [AssistId::UpdateCallers, AssistId::PortLike, AssistId::PortModule, AssistId::GenerateModule];
        for id in AssistId::all().filter(|id| !others.contains(id)) {
            let ask = |budget| {
                let context = context::context(analysis, target, budget, &Options::default());
                ask(id, analysis, target, &context, Some("S608: wrong"))
            };
            assert!(ask(8_192).is_ok(), "{id}");
            let Err(NotAsked::TooLong { left_out }) = ask(300) else { panic!("{id} is asked about a part") };
            assert!((50..200).contains(&left_out), "{left_out}");
        }
        let context = context::context(analysis, target, 8_192, &Options::default());
        let id = AssistId::FixDiagnostic;
        assert_eq!(super::ask(id, analysis, target, &context, None), Err(NotAsked::NoSense(id)));
    }

    #[test]
    fn names_are_stable_and_agree_with_serde() {
        for id in AssistId::all() {
            assert_eq!(id.name().parse(), Ok(id));
            assert_eq!(id.assist().id, id);
            assert!(id.title().ends_with("(preview)"));
        }
        let names: Vec<&str> = AssistId::all().map(AssistId::name).collect();
        let expected = [
            "follow-comment",
            "implement-function",
            "fix-diagnostic",
            "fix-failing-test",
            "refactor-function",
            "simplify",
            "extract",
            "add-types",
            "make-async",
            "add-error-handling",
            "improve-names",
            "reduce-complexity",
            "write-docstring",
            "write-tests",
            "update-callers",
            "port-like",
            "port-module",
            "generate-module",
        ];
        assert_eq!(names, expected);
        let message = "write-poetry".parse::<AssistId>().expect_err("no such assist");
        assert!(message.contains("implement-function"), "{message}");
    }
}
