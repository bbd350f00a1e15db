//! The commands that an editor can execute.

use assists::{AssistId, SignatureStep};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types as lsp;
use workspace::results::{self, RunKind};

use crate::from_proto;

/// From one list: the type, the names, and the way from one to the other.
macro_rules! commands {
    ($($name:literal => $variant:ident($argument:ty),)*) => {
        /// A command with its one argument, an object.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum Command {
            $($variant($argument),)*
        }

        impl Command {
            pub(crate) const NAMES: &[&str] = &[$($name),*];

            fn of(name: &str, argument: Value) -> Result<Self> {
                match name {
                    $($name => typed(name, argument).map(Command::$variant),)*
                    other => Err(Error::invalid_params(format!("there is no command {other}"))),
                }
            }

            fn parts(&self) -> (&'static str, serde_json::Result<Value>) {
                match self {
                    $(Command::$variant(argument) => ($name, serde_json::to_value(argument)),)*
                }
            }
        }
    };
}

commands! {
    "tantu.run" => Run(Run),
    "tantu.runHere" => RunHere(RunHere),
    "tantu.runAffectedTests" => RunAffectedTests(RunAffectedTests),
    "tantu.resetCells" => ResetCells(ResetCells),
    "tantu.propose" => Propose(Propose),
    "tantu.fixTraceback" => FixTraceback(FixTraceback),
    "tantu.showCallers" => ShowCallers(lsp::TextDocumentPositionParams),
    "tantu.changeSignature" => ChangeSignature(ChangeSignature),
    "tantu.graph" => Graph(Graph),
    "tantu.context" => Context(ShowContext),
    "tantu.evidence" => Evidence(ShowEvidence),
    "tantu.snippets" => Snippets(Snippets),
    "tantu.silence" => Silence(Silence),
    "tantu.review" => Review(Review),
    "tantu.dismissFinding" => DismissFinding(DismissFinding),
    "tantu.explain" => Explain(Explain),
    "tantu.commitMessage" => CommitMessage(CommitMessage),
    "tantu.install" => Install(Install),
    "tantu.answer" => Answer(Answer),
}

/// `tantu.run`: runs a test, a doctest, a cell, a selection or a script in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) uri: lsp::Uri,
    pub(crate) kind: RunKind,
    /// The name inside the module, such as `TestCart.test_total`, or of a cell its number; all of the module if there is
    /// none.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// Of a selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<lsp::Range>,
    /// Whether to tell which statements of the workspace were executed: see `running::coverage`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) coverage: bool,
}

impl Run {
    pub(crate) fn of(runnable: &ide::Runnable, uri: lsp::Uri) -> Self {
        Run { uri, kind: runnable.kind.into(), target: runnable.target.clone(), range: None, coverage: false }
    }

    /// The same in terms of the workspace.
    pub(crate) fn plain(&self) -> results::Run {
        let position = |at: lsp::Position| syntax::Position { line: at.line, column: at.character };
        results::Run {
            path: from_proto::path(&self.uri),
            kind: self.kind,
            target: self.target.clone(),
            range: self.range.map(|range| (position(range.start), position(range.end))),
        }
    }
}

/// `tantu.runHere`: runs the lines that are selected, else the innermost test, doctest, cell or script around the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunHere {
    pub(crate) uri: lsp::Uri,
    /// What is selected; empty where the cursor is.
    pub(crate) range: lsp::Range,
}

/// `tantu.runAffectedTests`: runs the tests that reach what has changed since all of them passed for the last time, else since
/// the last commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunAffectedTests {
    /// A file in the workspace folder that is meant, or the folder; the first one if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<lsp::Uri>,
}

/// `tantu.resetCells`: forgets what the cells of a file have left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResetCells {
    pub(crate) uri: lsp::Uri,
}

/// `tantu.propose`: asks a model for a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Propose {
    pub(crate) assist: AssistId,
    pub(crate) uri: lsp::Uri,
    pub(crate) position: lsp::Position,
    /// What the person wants besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instruction: Option<String>,
    /// The code of the finding that is to be mended; what it says is the instruction.
    #[serde(default, rename = "fixesCode", skip_serializing_if = "Option::is_none")]
    pub(crate) fixes_code: Option<String>,
}

/// `tantu.fixTraceback`: has a model mend the innermost function of the workspace in a traceback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FixTraceback {
    /// As Python prints it, among other text.
    pub(crate) text: String,
}

/// `tantu.install`: installs a distribution with the project's own tool, after asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Install {
    /// A file in the workspace folder that is meant.
    pub(crate) uri: lsp::Uri,
    /// As the package index knows it.
    pub(crate) distribution: String,
}

/// `tantu.changeSignature`: changes the parameters of a function, with all its calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeSignature {
    pub(crate) uri: lsp::Uri,
    /// On the function's name, or on that of one of its parameters.
    pub(crate) position: lsp::Position,
    /// Done one after the other.
    pub(crate) steps: Vec<SignatureStep>,
}

/// `tantu.graph`: draws what calls the definition at a place and what it calls. The answer is a [`Drawing`], or `null` where
/// there is no definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Graph {
    #[serde(flatten)]
    pub(crate) place: lsp::TextDocumentPositionParams,
    /// How many calls away from the definition.
    #[serde(default = "Graph::depth")]
    pub(crate) depth: usize,
    /// Whether the editor is also asked to open the picture.
    #[serde(default)]
    pub(crate) show: bool,
}

impl Graph {
    fn depth() -> usize {
        2
    }
}

/// The answer to `tantu.graph`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Drawing {
    /// The definition's qualified name.
    pub(crate) symbol: String,
    pub(crate) svg: String,
}

/// `tantu.context`: says what a model would be shown to write or change the definition at a place. The answer is an
/// [`Explanation`], or `null` in a file that is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShowContext {
    #[serde(flatten)]
    pub(crate) place: lsp::TextDocumentPositionParams,
    /// Tokens, all of them for what is shown.
    #[serde(default = "ShowContext::budget")]
    pub(crate) budget: usize,
    /// Whether the editor is also asked to open the document.
    #[serde(default)]
    pub(crate) show: bool,
}

impl ShowContext {
    fn budget() -> usize {
        assistant::executor::BUDGET
    }
}

/// `tantu.evidence`: says what was checked of a proposal. The answer is a card, or `null` if there is no such proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShowEvidence {
    /// The proposal's number; the latest one of this workspace if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<i64>,
    /// Whether the editor is also asked to open the document.
    #[serde(default)]
    pub(crate) show: bool,
}

/// `tantu.snippets`: keeps code by name, for the workspace of a file, and puts it into texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snippets {
    pub(crate) action: SnippetAction,
    /// A file of the workspace that is meant; of an insertion, the one that is edited.
    pub(crate) uri: lsp::Uri,
    /// Of the snippet; to list, a word in name or code. An editor that can ask for a text asks for a name that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What is to be kept, all of the file if there is none; or the line before which it is inserted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<lsp::Range>,
    /// The number of a proposal whose answer is to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proposal: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SnippetAction {
    /// The answer is a list of `{ name, origin, lines, code, tests }`.
    List,
    Keep,
    Insert,
    Delete,
}

/// The answer to `tantu.context`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Explanation {
    /// The definition's qualified name.
    pub(crate) symbol: String,
    pub(crate) tokens: usize,
    pub(crate) markdown: String,
}

/// `tantu.silence`: writes a comment that silences a linter's finding, with the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Silence {
    #[serde(flatten)]
    pub(crate) place: lsp::TextDocumentPositionParams,
    /// Of the rule; that of the first finding at the place if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// An editor that can ask for a text asks for a reason that is missing; it may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// `tantu.review`: has a model look for defects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) uri: lsp::Uri,
    /// In the function or class that is meant; all of the file if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<lsp::Position>,
}

/// `tantu.dismissFinding`: a finding of a model's is not shown again, in no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DismissFinding {
    /// The qualified name of the definition.
    pub(crate) symbol: String,
    pub(crate) message: String,
}

/// `tantu.explain`: says what the definition at a place does and how it is tied in. The answer is a [`Facts`], or `null` in a
/// file that is not known. What a model has to say besides follows in the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Explain {
    #[serde(flatten)]
    pub(crate) place: lsp::TextDocumentPositionParams,
    /// Whether a model is asked and the editor opens the document; else the answer is all.
    #[serde(default = "Explain::show")]
    pub(crate) show: bool,
}

impl Explain {
    fn show() -> bool {
        true
    }
}

/// The answer to `tantu.explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Facts {
    /// The definition's qualified name.
    pub(crate) symbol: String,
    pub(crate) markdown: String,
}

/// `tantu.commitMessage`: has a model write the message for what is staged in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommitMessage {
    /// A file in the repository that is meant, or a folder; the first workspace folder if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<lsp::Uri>,
}

/// `tantu.answer`: answers a question in an editor that can only show messages, see [`questions`](crate::questions).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) answer: String,
}

impl Command {
    /// Those that have a model write something.
    pub(crate) const ASKING_MODELS: [&str; 2] = ["tantu.propose", "tantu.review"];

    /// # Errors
    /// "Invalid params", with the reason, when there is no such command or its argument does not fit.
    pub(crate) fn parse(params: lsp::ExecuteCommandParams) -> Result<Self> {
        let mut arguments = params.arguments;
        let argument = match arguments.len() {
            // As a person calls a command by its name.
            0 => Value::Object(Default::default()),
            1 => arguments.remove(0),
            _ => Value::Null,
        };
        Self::of(&params.command, argument)
    }

    /// The command as a lens or a code action carries it.
    pub(crate) fn titled(&self, title: String) -> lsp::Command {
        let (command, argument) = self.parts();
        // All of these are plain data, which always has a JSON form.
        lsp::Command { title, command: command.to_owned(), arguments: argument.ok().map(|it| vec![it]) }
    }
}

fn typed<T: DeserializeOwned>(command: &str, argument: Value) -> Result<T> {
    serde_json::from_value(argument)
        .map_err(|error| Error::invalid_params(format!("{command} takes one object as its argument: {error}")))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn parse(command: &str, argument: Value) -> Result<Command> {
        let command = command.to_owned();
        Command::parse(lsp::ExecuteCommandParams { command, arguments: vec![argument], ..Default::default() })
    }

    #[test]
    fn what_is_sent_out_comes_back() {
        let uri = lsp::Uri::from_str("file:///a.py").unwrap();
        let run = Command::Run(Run {
            uri,
            kind: RunKind::Pytest,
            target: Some("TestA.test_b".to_owned()),
            range: None,
            coverage: false,
        });
        let sent = run.titled("▶ run".to_owned());
        assert_eq!(parse(&sent.command, sent.arguments.unwrap().remove(0)).unwrap(), run);
    }

    #[test]
    fn some_are_called_by_their_name_alone() {
        let call = |command: &str| {
            Command::parse(lsp::ExecuteCommandParams { command: command.to_owned(), ..Default::default() })
        };
        let all = Command::RunAffectedTests(RunAffectedTests { uri: None });
        assert_eq!(call("tantu.runAffectedTests").unwrap(), all);
        assert!(call("tantu.run").unwrap_err().message.contains("uri"));
    }

    #[test]
    fn mistakes_are_invalid_params_and_say_why() {
        let error = parse("tantu.run", Value::from("x")).unwrap_err();
        assert_eq!(error.code, tower_lsp_server::jsonrpc::ErrorCode::InvalidParams);
        assert!(error.message.contains("tantu.run"), "{}", error.message);
        assert!(parse("tantu.fly", Value::Null).unwrap_err().message.contains("tantu.fly"));
    }
}
