//! The tools: what they take and what they give. The list never changes, and nothing here has an effect.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

/// Tokens of an answer of `explore`, all of it counted, where nothing else is asked for.
pub(crate) const BUDGET: usize = 2_000;

/// Less than this holds no answer, and more is no answer.
pub(crate) const SMALLEST_BUDGET: usize = 300;
pub(crate) const LARGEST_BUDGET: usize = 20_000;

/// What to look for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExploreInput {
    /// One or several names (`Cart.total`, `shop.cart.Cart`, `total`), paths of files (`shop/cart.py`), or words that names are
    /// made of (`parse amount`), separated by blanks or commas. Never line numbers.
    pub query: String,
    /// How many tokens the answer may have, all of it counted; 2000 if absent, from 300 to 20000.
    #[serde(default)]
    pub budget: Option<u32>,
}

/// What was found; the text beside it has the sources, callers, callees, tests and signatures.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct ExploreOutput {
    /// Of the graph; the same number means the same answers.
    pub revision: u64,
    /// False while the index or the flow of values is not ready: then lists may lack entries.
    pub complete: bool,
    /// Whether unsaved texts of an editor are seen.
    pub attached: bool,
    pub found: Vec<Found>,
    /// Names that exist and come closest to one that does not.
    pub nearest: Vec<String>,
    /// What there was no room for, and how to ask for it.
    pub left_out: Vec<String>,
    /// Of this answer, as counted.
    pub tokens: usize,
}

/// A definition or a file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Found {
    pub name: String,
    pub kind: String,
    /// Relative to the workspace, with the line where it begins.
    pub place: String,
    /// How many call it; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callers: Option<usize>,
    /// How many tests reach it; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<usize>,
}

/// A whole file, as it is to be.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileInput {
    /// Relative to the workspace.
    pub path: String,
    /// All of its text; null where the file is to go.
    pub text: Option<String>,
}

/// A change, in one of three forms.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckInput {
    /// A unified diff, as `git diff` writes it, against the files as they are now.
    #[serde(default)]
    pub patch: Option<String>,
    /// Whole files as they are to be.
    #[serde(default)]
    pub files: Option<Vec<FileInput>>,
    /// A revision of git: what is on disk, or unsaved in the editor, is judged beside it. HEAD where none of the three is given.
    #[serde(default)]
    pub since: Option<String>,
    /// What the change is for, in a sentence.
    #[serde(default)]
    pub asked: Option<String>,
    /// Whether functions are to answer as before: they are run beside what they were, on generated inputs. False if absent.
    #[serde(default)]
    pub refactoring: Option<bool>,
    /// Whether the tests that reach the change are run; true if absent.
    #[serde(default)]
    pub run_tests: Option<bool>,
    /// When to stop, in seconds; 60 if absent, at most 600.
    #[serde(default)]
    pub limit_seconds: Option<u32>,
    /// Whether the text is to hold the whole evidence card.
    #[serde(default)]
    pub card: Option<bool>,
}

/// The verdict.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct CheckOutput {
    /// `passed`, `asked` (a person has a question to answer), `refused`, `not-finished`, or `unusable` (it cannot be applied).
    pub outcome: String,
    /// What is wrong, in the order of weight.
    pub problems: Vec<Problem>,
    /// How many problems there are, those that are not listed included.
    pub problem_count: usize,
    pub warnings: Vec<Problem>,
    /// What was not looked at, and why.
    pub not_checked: Vec<String>,
    pub tests_passed: u32,
    pub tests_failed: u32,
    pub revision: u64,
    /// The resource with the whole evidence card; absent where nothing was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Problem {
    pub path: String,
    /// In the text after the change; 0 where no line is to blame.
    pub line: u32,
    /// The check and its code, such as `graph/incompatible-call`.
    pub code: String,
    pub message: String,
}

/// Whose tests are meant: those of a change, in one of three forms.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestsInput {
    /// A unified diff, as `git diff` writes it, against the files as they are now.
    #[serde(default)]
    pub patch: Option<String>,
    /// Whole files as they are to be.
    #[serde(default)]
    pub files: Option<Vec<FileInput>>,
    /// A revision of git: the change is what differs from it on disk, or unsaved in the editor. HEAD where none is given.
    #[serde(default)]
    pub since: Option<String>,
    /// Whether to run them, isolated; otherwise they are listed. False if absent.
    #[serde(default)]
    pub run: Option<bool>,
    /// How many at most, the likeliest to fail first; 50 if absent.
    #[serde(default)]
    pub most: Option<u32>,
    /// When to stop, in seconds; 120 if absent, at most 600.
    #[serde(default)]
    pub limit_seconds: Option<u32>,
}

/// The tests.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct TestsOutput {
    pub tests: Vec<TestOutput>,
    /// How many tests reach the change, those that are not listed included.
    pub count: usize,
    /// Whether every way from the change to tests was followed to its end.
    pub complete: bool,
    /// Changed definitions that no test is known to reach.
    pub unreached: Vec<String>,
    pub passed: u32,
    pub failed: u32,
    /// What could not be run or was not finished, and why.
    pub not_run: Vec<String>,
    pub revision: u64,
}

/// One test.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct TestOutput {
    /// As pytest names it.
    pub id: String,
    /// From the test to what changed.
    pub why: String,
    /// `passed`, `failed`, `skipped` or `not-runnable`; absent where it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Where and why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The tools, always the same and in the same order.
pub(crate) fn list() -> Vec<Tool> {
    let read_only = || ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
    let tool = |name: &'static str, title: &'static str, description: &'static str| {
        Tool::new(name, description, Arc::new(JsonObject::new())).with_title(title).with_annotations(read_only())
    };
    vec![
        tool(
            "explore",
            "Explore the code",
            "Look up Python code by name before you read or search files: what a definition is, its source, who calls it, what it \
             calls, which tests reach it, signatures of the library functions it uses; each with how certain it is. Takes names, \
             paths or words, several at once.",
        )
        .with_input_schema::<ExploreInput>()
        .with_output_schema::<ExploreOutput>(),
        tool(
            "check",
            "Check a change",
            "Judge a change before or after it is written: names, imports and calls that no longer resolve or fit, callers elsewhere \
             that break, type errors, secrets, insecure code, failing tests. Only what the change makes worse is reported, with \
             what was not looked at. Changes nothing on disk.",
        )
        .with_input_schema::<CheckInput>()
        .with_output_schema::<CheckOutput>(),
        tool(
            "tests",
            "Find and run the tests of a change",
            "Say which tests reach a change and why, the likeliest to fail first, or run them isolated from disk and network and \
             report each with the failing line.",
        )
        .with_input_schema::<TestsInput>()
        .with_output_schema::<TestsOutput>(),
    ]
}

/// One question to a tool.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "tool", content = "arguments", rename_all = "kebab-case")]
pub(crate) enum Ask {
    Explore(ExploreInput),
    Check(CheckInput),
    Tests(TestsInput),
}

impl Ask {
    /// Reads the arguments of the tool `name`.
    ///
    /// # Errors
    /// When there is no such tool, or the arguments are not its; with a sentence for the agent.
    pub(crate) fn read(name: &str, arguments: Option<JsonObject>) -> Result<Self, String> {
        fn of<T: serde::de::DeserializeOwned>(arguments: Option<JsonObject>) -> Result<T, String> {
            serde_json::from_value(serde_json::Value::Object(arguments.unwrap_or_default()))
                .map_err(|error| format!("the arguments do not fit: {error}"))
        }
        match name {
            "explore" => Ok(Ask::Explore(of(arguments)?)),
            "check" => Ok(Ask::Check(of(arguments)?)),
            "tests" => Ok(Ask::Tests(of(arguments)?)),
            other => Err(format!("there is no tool `{other}`; there are explore, check and tests")),
        }
    }
}

/// What a tool answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Answer {
    /// For reading.
    pub text: String,
    /// By the tool's output schema.
    pub structured: serde_json::Value,
    /// Markdown: the evidence card that belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_an_object_with_properties() {
        for tool in list() {
            let input = serde_json::Value::Object((*tool.input_schema).clone());
            assert!(input["properties"].is_object() && input["type"] == "object", "{}: {input}", tool.name);
            let output = tool.output_schema.expect("each tool says what it gives");
            assert!(output["properties"].is_object(), "{}", tool.name);
            assert_eq!(tool.annotations.and_then(|it| it.read_only_hint), Some(true));
        }
        // What every session sends before anybody has asked.
        let text = serde_json::to_string(&list()).unwrap();
        let tokens = context::count_tokens(&text);
        assert!(tokens < 2_600, "{tokens}");
    }

    #[test]
    fn unknown_arguments_are_told() {
        let arguments = serde_json::json!({ "query": "x", "line": 3 });
        let error = Ask::read("explore", arguments.as_object().cloned()).unwrap_err();
        assert!(error.contains("line") && error.contains("query"), "{error}");
        assert!(Ask::read("write", None).unwrap_err().contains("explore, check and tests"));
    }
}
