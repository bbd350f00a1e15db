//! Reviews: what a model finds in code, asked for and judged, and the findings that an editor shows.

use std::fmt::Write as _;
use std::sync::Arc;

use assists::review::{self, Claim, Review, Why};
use graph::{Analysis, SymbolId};
use model::Prompt;
use serde_json::{Value, json};
use store::Dismissal;
use tokio::task::spawn_blocking;
use workspace::lints::Lints;
use workspace::reviews::{Found, Noted, Update};
use workspace::symbol_key::SymbolKey;

use crate::client::{ModelClient, Question, Say, Spent, growing_lines, models};
use crate::contexts::Contexts;
use crate::executor::BUDGET;

/// Whose findings they are, as editors show it beside each.
pub const SOURCE: &str = "tantu-model";

/// The code of a finding.
pub const CODE: &str = "review";

/// How often a model may answer in a form that cannot be read.
const ATTEMPTS: usize = 2;

/// Dismissed messages that a prompt lists, the latest.
const MAX_DISMISSED: u32 = 20;

/// What is reviewed.
#[derive(Clone)]
pub struct Reviewed {
    pub analysis: Analysis,
    pub contexts: Arc<Contexts>,
    pub lints: Arc<Lints>,
    pub project: Arc<ide::Project>,
}

/// What came of a review.
pub struct Outcome {
    pub review: Review,
    /// Claims that are not of the form that was asked for.
    pub malformed: usize,
    /// Otherwise the answer was cut off.
    pub complete: bool,
    pub model: String,
    pub spent: Spent,
}

/// Has a model review `target`. Findings that were dismissed earlier are dropped.
///
/// # Errors
/// When nobody answers, or nobody answers in a form that can be read; the message is for the user.
pub async fn review(
    client: &Arc<ModelClient>,
    of: Reviewed,
    target: SymbolId,
    say: Say<'_>,
) -> Result<Outcome, String> {
    client.check_allowed(&of.analysis, of.analysis.path(target.file))?;
    say("choosing what the model has to see".to_owned());
    let prepared = {
        let of = of.clone();
        spawn_blocking(move || {
            let context = of.contexts.context(&of.analysis, target, BUDGET, None);
            let known = known(&of, target);
            let asked = review::ask(&of.analysis, target, &context, &known, &dismissed(&of.analysis, target));
            (asked, of.analysis.callers(target).len())
        })
    };
    let (asked, callers) = prepared.await.map_err(|error| error.to_string())?;
    let mut spent = Spent::default();
    let mut problem = String::new();
    for _ in 0..ATTEMPTS {
        let again = match problem.as_str() {
            "" => String::new(),
            problem => format!("\nYour last answer could not be read: {problem}. Answer with the JSON alone.\n"),
        };
        let prompt = Prompt { system: asked.system.clone(), user: format!("{}{again}", asked.user) };
        let question = Question { purpose: review::NAME, callers, passed_over: 0, prompt, form: Some(schema()) };
        let mut lines = growing_lines();
        let heard = |text: &str| say(format!("answering, {} lines so far", lines(text)));
        let answer = client.consult(question, say, heard).await?;
        spent += answer.spent;
        match model::json_items::<Claim>(&answer.text, review::KEY) {
            Ok(found) => {
                let judged = spawn_blocking(move || review::judge(&of.analysis, target, found.items, is_dismissed));
                let review = judged.await.map_err(|error| error.to_string())?;
                let complete = found.complete && answer.complete;
                return Ok(Outcome { review, malformed: found.malformed, complete, model: answer.model, spent });
            }
            Err(error) => {
                answer.forget();
                problem = error.to_string();
            }
        }
    }
    Err(format!("the model's findings cannot be read: {problem}"))
}

/// What tools say of the target.
fn known(of: &Reviewed, target: SymbolId) -> Vec<String> {
    let (analysis, file) = (&of.analysis, target.file);
    let range = analysis.symbol(target).range;
    let graph = ide::diagnostics(analysis, &of.project, file);
    let graph = graph.into_iter().map(|it| (it.range, it.code.as_str().to_owned(), it.message));
    let lint = of.lints.find(analysis, file).into_iter().map(|it| (it.range, it.code.into_owned(), it.message));
    let inside = graph.chain(lint).filter(|(it, ..)| range.contains_range(*it));
    let line = |at: syntax::TextRange| analysis.source(file).line_number(at.start());
    inside.map(|(at, code, message)| format!("line {}: {code} {message}", line(at))).collect()
}

/// What was dismissed of the target and of what is inside.
fn dismissed(analysis: &Analysis, target: SymbolId) -> Vec<String> {
    let Some(journal) = models().journal() else { return Vec::new() };
    let symbols = inside(analysis, target).into_iter().map(|id| analysis.symbol(id).qualified_name());
    let messages = symbols.filter_map(|symbol| journal.dismissed(&symbol, MAX_DISMISSED).ok());
    messages.flatten().take(MAX_DISMISSED as usize).collect()
}

/// `target` and what is defined inside it.
fn inside(analysis: &Analysis, target: SymbolId) -> Vec<SymbolId> {
    let range = analysis.symbol(target).range;
    let is_inside = |&id: &SymbolId| id == target || range.contains_range(analysis.symbol(id).range);
    analysis.symbols(target.file).into_iter().filter(is_inside).collect()
}

fn key(symbol: &str, message: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(symbol.as_bytes()).update(&[0]).update(review::normalized(message).as_bytes());
    *hasher.finalize().as_bytes()
}

fn is_dismissed(symbol: &str, message: &str) -> bool {
    models().journal().is_some_and(|journal| journal.is_dismissed(&key(symbol, message)).unwrap_or(false))
}

/// Sees to it that a finding is not shown again.
///
/// # Errors
/// When that cannot be kept; the message is for the user.
pub fn dismiss(symbol: &str, message: &str) -> Result<(), String> {
    let journal = models().journal().ok_or("there is no journal of models to keep it in; the log says why")?;
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (symbol, message) = (symbol.to_owned(), message.to_owned());
    let dismissal = Dismissal { key: key(&symbol, &message), symbol, message, at: i64::try_from(at).unwrap_or(0) };
    journal.dismiss(&dismissal).map_err(|error| format!("it cannot be kept: {error}"))
}

/// "2 findings; dropped: 1 that it quotes no code of what was reviewed".
pub fn summary(review: &Review) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut text = match review.findings.len() {
        0 => "nothing found".to_owned(),
        number => count(number, "finding"),
    };
    let number = |of: fn(&Why) -> bool| review.dropped.iter().filter(|dropped| of(&dropped.why)).count();
    let reasons = [
        (number(|why| matches!(why, Why::NoSuchCode)), "quoting code that is not there"),
        (number(|why| matches!(why, Why::Contradicted(_))), "contradicting the graph"),
        (number(|why| matches!(why, Why::Dismissed)), "dismissed before"),
        (number(|why| matches!(why, Why::Repeated)), "said twice"),
    ];
    for (number, reason) in reasons.into_iter().filter(|(number, _)| *number > 0) {
        // Writing to a string cannot fail.
        let _ = write!(text, "; {number} dropped, {reason}");
    }
    text
}

/// The form of an answer.
fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let finding = json!({
        "type": "object",
        "properties": {
            "line": { "type": "integer" },
            "code": text(),
            "severity": { "type": "string", "enum": ["error", "warning", "information"] },
            "message": text(),
            "replacement": { "type": ["string", "null"] },
        },
        "required": ["line", "code", "severity", "message", "replacement"],
        "additionalProperties": false,
    });
    let mut schema = json!({ "type": "object", "required": [review::KEY], "additionalProperties": false });
    schema["properties"] = json!({ review::KEY: { "type": "array", "items": finding } });
    schema
}

/// What the review of `target` says, for the snapshots to come.
pub fn news(analysis: &Analysis, target: SymbolId, outcome: &Outcome) -> Update {
    let reviewed = inside(analysis, target).into_iter().map(|id| SymbolKey::new(analysis, id));
    let found = outcome.review.findings.iter().map(|it| {
        let found = Found {
            symbol: it.symbol,
            range: it.range,
            severity: it.severity,
            message: it.message.clone(),
            instruction: review::instruction(analysis, it),
        };
        Noted::new(analysis, found, &outcome.model)
    });
    Update { reviewed: reviewed.collect(), found: found.collect() }
}
