//! Review: a model lints what no rule can.
//!
//! ```python
//! def mean(prices):
//!     return sum(prices) / len(prices)      # ← "an empty list divides by zero"
//! ```
//!
//! A model is asked for findings as data. Each has to quote the code that it is about, which says where it belongs; one
//! that quotes nothing of the code, or claims what the graph knows to be wrong, is dropped and counted. What is left is an
//! opinion: nothing here proves it.

mod contradiction;
mod quoted;

use context::Context;
use graph::{Analysis, FileId, SymbolId, SymbolKind};
use lint::Severity;
use serde::Deserialize;
use serde::de::IgnoredAny;
use syntax::{TextRange, TextSize};

use super::Inquiry;
use super::question::Question;
use ide::wording::place;

/// What it is called in settings and in lists of questions.
pub const NAME: &str = "review";

/// The key under which an answer lists its findings.
pub const KEY: &str = "findings";

/// Longer code is reviewed in parts.
const MAX_LINES: u32 = 400;

/// Longer messages are cut; in characters.
const MAX_MESSAGE: usize = 600;

/// A finding as a model states it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Claim {
    #[serde(default)]
    line: Line,
    /// The code that it is about.
    #[serde(default, alias = "quote")]
    code: String,
    #[serde(default)]
    severity: String,
    #[serde(alias = "reason", alias = "description")]
    message: String,
    /// What to write instead of the quoted code.
    #[serde(default, alias = "suggestion", alias = "fix")]
    replacement: Option<String>,
}

/// Models write numbers as they please.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
enum Line {
    Number(u32),
    Text(String),
    Other(IgnoredAny),
    #[default]
    None,
}

impl Line {
    fn number(&self) -> Option<u32> {
        match self {
            Line::Number(number) => Some(*number),
            Line::Text(text) => text.trim().trim_start_matches(['L', 'l']).split('-').next()?.trim().parse().ok(),
            Line::Other(_) | Line::None => None,
        }
    }
}

/// A finding of a model's, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The innermost definition around it.
    pub symbol: SymbolId,
    pub range: TextRange,
    pub severity: Severity,
    pub message: String,
    /// What the model would write there.
    pub replacement: Option<String>,
}

/// What became of the claims of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// In source order.
    pub findings: Vec<Finding>,
    pub dropped: Vec<Dropped>,
}

/// A claim that is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub message: String,
    pub why: Why,
}

/// Why a claim is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// What it quotes does not stand in the reviewed code.
    NoSuchCode,
    /// The graph knows better; with what it knows.
    Contradicted(String),
    /// Somebody did not want to hear it.
    Dismissed,
    /// The same was said before.
    Repeated,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::NoSuchCode => f.write_str("it quotes no code of what was reviewed"),
            Why::Contradicted(fact) => f.write_str(fact),
            Why::Dismissed => f.write_str("it was dismissed"),
            Why::Repeated => f.write_str("it was said already"),
        }
    }
}

/// The function or class around `offset`, which is what can be reviewed by itself.
pub fn target(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<SymbolId> {
    let mut symbol = analysis.enclosing(file, offset);
    loop {
        let view = analysis.symbol(symbol);
        match view.kind {
            SymbolKind::Function | SymbolKind::Method | SymbolKind::Class => return Some(symbol),
            SymbolKind::Module => return None,
            _ => symbol = view.parent?,
        }
    }
}

/// The parts in which a file is reviewed: all of it at once, or its definitions where that would be too long.
pub fn parts(analysis: &Analysis, file: FileId) -> Vec<SymbolId> {
    fn collect(analysis: &Analysis, symbol: SymbolId, parts: &mut Vec<SymbolId>) {
        let view = analysis.symbol(symbol);
        let is_definition = |&it: &SymbolId| {
            let kind = analysis.symbol(it).kind;
            matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class)
        };
        match view.kind {
            SymbolKind::Module | SymbolKind::Class if line_count(analysis, symbol) > MAX_LINES => {
                let children = analysis.children(symbol).into_iter().filter(is_definition);
                children.for_each(|child| collect(analysis, child, parts));
            }
            _ => parts.push(symbol),
        }
    }
    let mut found = Vec::new();
    collect(analysis, analysis.module(file), &mut found);
    found
}

/// The parts in which what has changed is reviewed: `changed` without what lies inside another of them.
pub fn changed_parts(analysis: &Analysis, changed: &[SymbolId]) -> Vec<SymbolId> {
    let is_code = |&&id: &&SymbolId| {
        let kind = analysis.symbol(id).kind;
        matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class | SymbolKind::Module)
            && (line_count(analysis, id) <= MAX_LINES || !matches!(kind, SymbolKind::Class | SymbolKind::Module))
    };
    let code: Vec<SymbolId> = changed.iter().filter(is_code).copied().collect();
    let contains = |outer: SymbolId, inner: SymbolId| {
        outer != inner
            && outer.file == inner.file
            && analysis.symbol(outer).range.contains_range(analysis.symbol(inner).range)
    };
    code.iter().copied().filter(|&id| !code.iter().any(|&outer| contains(outer, id))).collect()
}

fn line_count(analysis: &Analysis, symbol: SymbolId) -> u32 {
    let (first, last) = lines(analysis, symbol);
    last - first + 1
}

/// The first and the last line of a definition, counted from 0.
fn lines(analysis: &Analysis, symbol: SymbolId) -> (u32, u32) {
    let range = analysis.symbol(symbol).range;
    let lines = analysis.source(symbol.file).lines();
    // A module's range ends behind its last line break.
    let end = if range.is_empty() { range.end() } else { range.end() - TextSize::new(1) };
    (lines.line(range.start()), lines.line(end).max(lines.line(range.start())))
}

/// What to ask a model about `target`.
///
/// `known` is what linters and the graph say of it already, `dismissed` what somebody does not want to hear again.
pub fn ask(
    analysis: &Analysis,
    target: SymbolId,
    context: &Context,
    known: &[String],
    dismissed: &[String],
) -> Inquiry {
    let name = analysis.symbol(target).qualified_name();
    let source = analysis.source(target.file);
    let (first, last) = lines(analysis, target);
    let last = last.min(first + MAX_LINES - 1);
    let numbered = (first..=last).map(|line| {
        let range = source.lines().line_range(line, source.text());
        format!("{:>4} | {}\n", line + 1, source.slice(range).trim_end_matches(['\r', '\n']))
    });
    let context = Context { target_text: numbered.collect(), ..context.clone() };
    let list = |title: &str, items: &[String]| match items {
        [] => String::new(),
        items => format!("{title}\n{}", items.iter().map(|item| format!("- {item}\n")).collect::<String>()),
    };
    let said = list("Tools have found this already:", known)
        + &list("The person who asks does not want to hear this again:", dismissed);
    let question = Question {
        title: format!("Review `{name}`"),
        system: SYSTEM,
        code: "The code to review, with the numbers of its lines",
        instruction: "What need not be said",
        request: "Review the code.".to_owned(),
    };
    question.inquire(&context, Some(said.as_str()))
}

const SYSTEM: &str = "\
You review code of an existing Python program for its author. Answer with JSON and nothing else: \
{\"findings\": [{\"line\": 12, \"code\": \"…\", \"severity\": \"…\", \"message\": \"…\", \"replacement\": \"…\"}]}, or \
{\"findings\": []} where there is nothing to say.

Each finding:
- line: the number before the line that it is about.
- code: what it is about, copied from that line letter by letter, without the number; of several lines, all of them.
- severity: \"error\" for what fails or gives wrong results, \"warning\" for what may, \"information\" for the rest.
- message: what is wrong, for which input, and what happens then, in one or two sentences. Names in `backticks`.
- replacement: the code to write instead of what you quote, or null.

Rules:
- Report defects: wrong results, unhandled input, resources that are not released, races, security, costs that explode, \
what contradicts names, docstrings or callers. No style, no missing docstrings, no missing type annotations, no praise.
- Be sure of what you report. Read the code that is shown before you claim that something is missing or does not fit.
- At most eight findings, the worst first.
- ";

/// The findings among `claims` about `target`. Whether somebody has dismissed one says `is_dismissed`, by the qualified name
/// of the definition and the message.
pub fn judge(
    analysis: &Analysis,
    target: SymbolId,
    claims: Vec<Claim>,
    is_dismissed: impl Fn(&str, &str) -> bool,
) -> Review {
    let mut review = Review::default();
    for claim in claims {
        let message = in_one_line(&claim.message);
        let found = quoted::find(analysis, target, &claim.code, claim.line.number());
        let judged = found.ok_or(Why::NoSuchCode).and_then(|range| {
            if let Some(fact) = contradiction::find(analysis, target.file, range, &message) {
                return Err(Why::Contradicted(fact));
            }
            let symbol = self::target(analysis, target.file, range.start()).unwrap_or(analysis.module(target.file));
            if is_dismissed(&analysis.symbol(symbol).qualified_name(), &message) {
                return Err(Why::Dismissed);
            }
            let repeats = |it: &Finding| it.range == range || it.message == message;
            if message.is_empty() || review.findings.iter().any(repeats) {
                return Err(Why::Repeated);
            }
            Ok((symbol, range))
        });
        match judged {
            Ok((symbol, range)) => {
                let was = analysis.source(target.file).slice(range);
                let replacement = claim.replacement.filter(|new| !new.trim().is_empty() && new.trim() != was);
                let severity = severity(&claim.severity);
                review.findings.push(Finding { symbol, range, severity, message, replacement });
            }
            Err(why) => review.dropped.push(Dropped { message, why }),
        }
    }
    review.findings.sort_by_key(|finding| finding.range.start());
    review
}

/// What says that two messages are the same: their words, whatever stands between them, and no numbers.
pub fn normalized(message: &str) -> String {
    let words = message.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words = words.filter(|word| !word.chars().all(|c| c.is_ascii_digit())).map(str::to_lowercase);
    words.collect::<Vec<String>>().join(" ")
}

/// For the person and for the model that is to mend it: what a finding says, where, and how its author would mend it.
pub fn instruction(analysis: &Analysis, finding: &Finding) -> String {
    let file = finding.symbol.file;
    let mut text = format!("{}: {}", place(analysis, file, finding.range.start()), finding.message);
    text.push_str(&format!("\nIt is about: {}", analysis.source(file).slice(finding.range)));
    if let Some(replacement) = &finding.replacement {
        text.push_str(&format!("\nThe reviewer suggests: {replacement}"));
    }
    text
}

fn in_one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn severity(word: &str) -> Severity {
    match word.trim().to_lowercase().as_str() {
        "error" | "critical" | "high" | "major" | "blocker" | "severe" => Severity::Error,
        "information" | "info" | "low" | "minor" | "note" | "suggestion" => Severity::Information,
        "hint" | "trivial" | "nit" => Severity::Hint,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests;
