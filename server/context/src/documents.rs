//! What a workspace's prose says of a target: readmes, documentation, decisions, docstrings of modules and classes.
//!
//! Whoever keeps the prose cuts it with [`passages`] and looks for [`Index::query`]. What speaks of the target is shown for
//! at most a tenth of the budget; what only may do so takes what code leaves of that, and code leaves nothing but what is
//! hardly ever used.

use graph::{SymbolId, SymbolKind};
use serde::Serialize;

use crate::form::whole_lines;
use crate::index::Index;
use crate::words::parts;

/// A part of a document, by heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// As the document is known to people.
    pub path: String,
    /// Empty before the first heading.
    pub heading: String,
    /// One-based and inclusive.
    pub start_line: u32,
    pub end_line: u32,
    pub text: String,
    /// `o200k_base` tokens of the text and the line break after it; 0 until it is chosen.
    pub tokens: usize,
    /// Why it is here; until it is chosen empty, or why it was found where that is no matter of words.
    pub reason: String,
}

impl Passage {
    /// Whether all lines of `other` are lines of this one.
    pub(crate) fn covers(&self, other: &Passage) -> bool {
        self.path == other.path && self.start_line <= other.start_line && other.end_line <= self.end_line
    }
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The target's name, in lower case.
    name: String,
    /// The words in it.
    name_words: Vec<String>,
    /// All words, those of the name first.
    pub words: Vec<String>,
}

/// Passages longer than this are cut at an empty line.
const MAX_LINES: usize = 40;
/// Words that say nothing about what a text is about, and those of every docstring.
const STOP_WORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "are",
    "argument",
    "arguments",
    "but",
    "can",
    "class",
    "def",
    "does",
    "false",
    "for",
    "from",
    "function",
    "has",
    "have",
    "how",
    "init",
    "into",
    "its",
    "method",
    "none",
    "not",
    "object",
    "one",
    "only",
    "other",
    "param",
    "parameter",
    "parameters",
    "return",
    "returns",
    "self",
    "should",
    "some",
    "than",
    "that",
    "the",
    "them",
    "then",
    "there",
    "this",
    "true",
    "type",
    "used",
    "value",
    "values",
    "when",
    "which",
    "will",
    "with",
    "you",
    "your",
];
/// More words make a search slow and vague.
const MAX_WORDS: usize = 32;

impl Index {
    /// What to look for in prose to learn about `target`: the words of its name, of its class, of its docstring and of the
    /// `instruction`.
    pub fn query(&self, target: SymbolId, instruction: Option<&str>) -> Query {
        let view = self.analysis.symbol(target);
        if matches!(view.kind, SymbolKind::Lambda) {
            return Query::default();
        }
        let own = view.name.rsplit('.').next().unwrap_or_default();
        let class = view.parent.map(|parent| self.analysis.symbol(parent));
        let class = class.filter(|class| class.kind == SymbolKind::Class).map_or("", |class| class.name);
        let telling = |text: &str| {
            let words = parts(text).into_iter();
            words.filter(|word| word.len() > 2 && !STOP_WORDS.contains(&word.as_str())).collect::<Vec<_>>()
        };
        let name_words = telling(own);
        let mut words = name_words.clone();
        for text in [class, instruction.unwrap_or_default(), view.docstring.unwrap_or_default()] {
            for word in telling(text) {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        words.truncate(MAX_WORDS);
        Query { name: own.to_lowercase(), name_words, words }
    }

    /// Of `found`, what matches `query`, in the same order: what matches well, and what may.
    pub(crate) fn matching(&self, query: &Query, found: Vec<Passage>) -> (Vec<Passage>, Vec<Passage>) {
        let (mut good, mut fair) = (Vec::new(), Vec::new());
        for mut passage in found {
            let kind = match query.matches(&passage) {
                Some((reason, is_good)) => {
                    passage.reason = reason;
                    if is_good { &mut good } else { &mut fair }
                }
                // Found by what it means, whatever its words are.
                None if !passage.reason.is_empty() => &mut fair,
                None => continue,
            };
            passage.tokens = self.counter.count(&format!("{}\n", passage.text));
            kind.push(passage);
        }
        (good, fair)
    }
}

/// Those of `passages` that fit in `budget` tokens together, and what they take.
pub(crate) fn fitting(passages: Vec<Passage>, budget: usize) -> (Vec<Passage>, usize) {
    let mut left = budget;
    let fits = |passage: &Passage| {
        let fits = passage.tokens <= left;
        left -= if fits { passage.tokens } else { 0 };
        fits
    };
    let chosen = passages.into_iter().filter(fits).collect();
    (chosen, budget - left)
}

/// The docstrings of a module and its classes that say more than a line; `path` is left empty.
pub fn docstrings(analysis: &graph::Analysis, file: graph::FileId) -> Vec<Passage> {
    let source = analysis.source(file);
    let mut found = Vec::new();
    for symbol in analysis.symbols(file) {
        let view = analysis.symbol(symbol);
        let Some(range) = view.docstring_range.filter(|_| matches!(view.kind, SymbolKind::Module | SymbolKind::Class))
        else {
            continue;
        };
        let text = whole_lines(source, range);
        if text.lines().count() > 2 {
            let start_line = source.line_number(range.start());
            found.extend(cut(&view.local_name(), start_line, &text.lines().collect::<Vec<_>>()));
        }
    }
    found
}

impl Query {
    /// Why a passage matches, and whether it does so well: it names the target, or has all words of its name. At least half
    /// of them and two words in all are a match. A word counts whatever its ending.
    fn matches(&self, passage: &Passage) -> Option<(String, bool)> {
        let said = parts(&format!("{} {}", passage.heading, passage.text));
        let has = |word: &&String| said.iter().any(|other| is_like(word, other));
        let shared: Vec<&str> = self.words.iter().filter(has).map(String::as_str).collect();
        let of_name = self.name_words.iter().filter(has).count();
        // A name of one common word proves nothing.
        let is_named = self.name_words.len() > 1
            && crate::words::identifiers(&passage.text).any(|(_, name)| name.to_lowercase() == self.name);
        if is_named {
            return Some(("names the target".to_owned(), true));
        }
        let is_about = of_name > 0 && 2 * of_name >= self.name_words.len() && shared.len() >= 2;
        let is_good = self.name_words.len() > 1 && of_name == self.name_words.len();
        is_about.then(|| (format!("speaks of {}", shared[..shared.len().min(5)].join(", ")), is_good))
    }
}

/// Whether two words differ in their endings at most: pay, paying.
fn is_like(a: &str, b: &str) -> bool {
    const ENDINGS: [&str; 9] = ["", "s", "es", "d", "ed", "ing", "er", "ers", "ly"];
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Cuts a document by its headings, which are those of Markdown or reStructuredText; `path` is left empty.
pub fn passages(text: &str) -> Vec<Passage> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let (mut heading, mut start) = (String::new(), 0);
    let mut fence: Option<&str> = None;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            _ => {}
        }
        let next = if fence.is_none() { heading_at(&lines, at) } else { None };
        if let Some((title, length)) = next {
            found.extend(cut(&heading, start as u32 + 1, &lines[start..at]));
            (heading, start) = (title, at);
            at += length;
        } else {
            at += 1;
        }
    }
    found.extend(cut(&heading, start as u32 + 1, &lines[start..]));
    found
}

/// The heading that begins at a line, and how many lines it takes.
fn heading_at(lines: &[&str], at: usize) -> Option<(String, usize)> {
    let line = lines[at];
    let level = line.bytes().take_while(|&byte| byte == b'#').count();
    if (1..=6).contains(&level) && line[level..].starts_with(' ') {
        return Some((line[level..].trim().trim_end_matches('#').trim().to_owned(), 1));
    }
    if let (true, Some(title), Some(under)) = (is_rule(line), lines.get(at + 1), lines.get(at + 2))
        && is_rule(under)
        && !title.trim().is_empty()
        && !is_rule(title)
    {
        return Some((title.trim().to_owned(), 3));
    }
    let under = lines.get(at + 1)?;
    let is_title = !line.trim().is_empty() && !line.starts_with(char::is_whitespace) && !is_rule(line);
    let is_first = at == 0 || lines[at - 1].trim().is_empty();
    let is_underlined = is_rule(under) && under.trim_end().len() >= line.trim_end().chars().count();
    (is_title && is_first && is_underlined).then(|| (line.trim().to_owned(), 2))
}

/// Whether a line is one sign over and over, as under a title.
fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    let first = line.bytes().next().unwrap_or(b' ');
    line.len() > 2 && b"=-~^\"'*+#`:.".contains(&first) && line.bytes().all(|byte| byte == first)
}

/// The parts of some lines under one heading, each short enough to be shown.
fn cut(heading: &str, start_line: u32, lines: &[&str]) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < lines.len() {
        let end = if lines.len() - start <= MAX_LINES {
            lines.len()
        } else {
            let window = &lines[start..start + MAX_LINES];
            // Half a passage is better than half a paragraph, but not than next to nothing.
            let empty = window.iter().rposition(|line| line.trim().is_empty()).filter(|&at| at > MAX_LINES / 2);
            start + empty.map_or(MAX_LINES, |at| at + 1)
        };
        let part = &lines[start..end];
        let first = part.iter().position(|line| !line.trim().is_empty());
        let last = part.iter().rposition(|line| !line.trim().is_empty());
        // A heading alone says nothing.
        if let (Some(first), Some(last)) = (first, last)
            && part.iter().any(|line| {
                line.trim().trim_start_matches('#').trim() != heading && !is_rule(line) && !line.trim().is_empty()
            })
        {
            found.push(Passage {
                path: String::new(),
                heading: heading.to_owned(),
                start_line: start_line + (start + first) as u32,
                end_line: start_line + (start + last) as u32,
                text: part[first..=last].join("\n"),
                tokens: 0,
                reason: String::new(),
            });
        }
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use graph::{AnalysisHost, Change};

    use super::*;
    use crate::{Included, Options, Sources};

    const ALL: Options = Options { reserve: 0 };

    fn check(text: &str, expected: Expect) {
        let shown = passages(text).into_iter().map(|it| {
            format!("{}-{} {:?}: {}\n", it.start_line, it.end_line, it.heading, it.text.lines().last().unwrap())
        });
        expected.assert_eq(&shown.collect::<String>());
    }

    #[test]
    fn markdown_by_heading() {
        let text = "Before.\n\n# Money\n\nAmounts.\n\n```sh\n# no heading\n```\n\n## Alone\n\n## Rounding ##\nHalf up.\n\nOld\n---\nStill.\n";
        check(
            text,
            expect![[r#"
            1-1 "": Before.
            3-9 "Money": ```
            13-14 "Rounding": Half up.
            16-18 "Old": Still.
        "#]],
        );
    }

    #[test]
    fn restructured_text_by_heading() {
        let text = "=====\nMoney\n=====\n\nAmounts.\n\nRounding\n========\n\nHalf up.\n\n* one\n* two\n";
        check(
            text,
            expect![[r#"
            1-5 "Money": Amounts.
            7-13 "Rounding": * two
        "#]],
        );
    }

    #[test]
    fn long_passages_are_cut() {
        let text: String =
            (0..100).map(|n| if n % 10 == 9 { "\n".to_owned() } else { format!("line {n}\n") }).collect();
        let found = passages(&text);
        assert_eq!(
            found.iter().map(|it| (it.start_line, it.end_line)).collect::<Vec<_>>(),
            [(1, 39), (41, 79), (81, 99)]
        );
        assert_eq!(passages(""), []);
        assert_eq!(passages("#\n\n===\n"), []);
    }

    #[test]
    fn only_what_matches_well_is_shown_and_for_a_tenth() {
        let mut change = Change::default();
        change.set(
            "/a.py",
            "class Cart:\n    def round_total(self):\n        \"\"\"The sum in whole cents.\"\"\"\n\nf = lambda: 1\n",
        );
        let mut host = AnalysisHost::new(vec!["/".into()]);
        host.apply(change);
        let analysis = host.analysis();
        let index = Index::new(&analysis);
        let target = analysis.find("a.Cart.round_total")[0];
        let query = index.query(target, Some("Round half up."));
        assert_eq!(query.words, ["round", "total", "cart", "half", "sum", "whole", "cents"]);
        let found = passages(
            "# Rounding\nTotals are rounded half up.\n# Other\nThe cart is blue.\n# API\nSee Cart.round_total().\n",
        );
        let prose = Sources { query: query.clone(), found, ..Default::default() };
        let context = index.context_with(target, None, 2_000, &ALL, prose.clone());
        let shown: Vec<_> = context.documents.iter().map(|it| (it.heading.as_str(), it.reason.as_str())).collect();
        assert_eq!(shown, [("Rounding", "speaks of round, total, half"), ("API", "names the target")]);
        let used: usize = context.documents.iter().map(|it| it.tokens).sum();
        assert_eq!(context.documents_tokens, used);
        assert!(used > 0 && used <= 200);
        let small = index.context_with(target, None, 80, &ALL, prose.clone());
        assert!(small.documents_tokens <= 8);
        assert!(small.tokens + small.documents_tokens <= 80);
        let included = vec![Included { path: "notes.txt".to_owned(), text: Ok("Carts are heavy.\n".to_owned()) }];
        let named = index.context_with(target, None, 2_000, &ALL, Sources { included, ..prose.clone() });
        assert_eq!(named.documents[0].text, "Carts are heavy.");
        assert_eq!(named.documents[1..], context.documents);
        assert!(named.to_markdown(2_000).contains("| notes.txt:1 | named in `context.include` |"));
        // The document that was found is named as well: what it shows is not shown again.
        let rounding =
            Included { path: context.documents[0].path.clone(), text: Ok("# Rounding\nTotals.\n".repeat(9)) };
        let once = index.context_with(target, None, 2_000, &ALL, Sources { included: vec![rounding], ..prose.clone() });
        assert_eq!(once.documents.len(), 1, "{:?}", once.documents);
        let without = index.context(target, 2_000, &ALL);
        assert_eq!((without.items, without.documents), (context.items, Vec::new()));
        let lambda = analysis.enclosing(target.file, syntax::TextSize::new(88));
        assert_eq!(index.query(lambda, None).words, [""; 0]);
    }

    #[test]
    fn docstrings_are_passages_too() {
        let mut change = Change::default();
        change.set("/a.py", "\"\"\"Carts.\n\nOf money.\n\"\"\"\nclass A:\n    \"\"\"Short.\"\"\"\nclass B:\n    \"\"\"Long.\n\n    And more.\n    \"\"\"\n");
        let mut host = AnalysisHost::new(vec!["/".into()]);
        host.apply(change);
        let analysis = host.analysis();
        let found = docstrings(&analysis, analysis.files().next().unwrap());
        let found: Vec<_> = found.iter().map(|it| (it.heading.as_str(), it.start_line, it.end_line)).collect();
        assert_eq!(found.iter().map(|it| (it.1, it.2)).collect::<Vec<_>>(), [(1, 4), (8, 11)]);
        assert_eq!(found[1].0, "B");
    }
}
