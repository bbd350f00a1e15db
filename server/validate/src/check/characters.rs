//! Characters that make code look like something else: controls of the writing direction, control characters, letters that
//! are invisible, and letters of one script that pass for those of another (Unicode Technical Standard 39).
//!
//! Refused is what deceives whoever reads the code; the rest is named to whoever reviews. Names in one script that pass for
//! no other name are nobody's business.

use std::collections::{BTreeMap, BTreeSet};

use graph::FileId;
use syntax::ast::token::TokenKind;
use syntax::ast::{Expr, Stmt};
use syntax::{Parsed, Ranged, TextRange, TextSize, parse};
use unicode_security::{MixedScript, skeleton};

use super::Comparison;
use super::security::Judgement;
use crate::candidate::Edited;
use crate::{Finding, Stage};

/// Words that no name may pass for although they are bound nowhere.
const KEYWORDS: &str = "False None True and as assert async await break case class continue def del elif else except finally \
     for from global if import in is lambda match nonlocal not or pass raise return try type while with yield";

/// Names of control characters, which Unicode gives none.
const CONTROLS: &[(char, &str)] = &[
    ('\0', "NULL"),
    ('\u{7}', "BELL"),
    ('\u{8}', "BACKSPACE"),
    ('\u{b}', "LINE TABULATION"),
    ('\u{e}', "SHIFT OUT"),
    ('\u{1a}', "SUBSTITUTE"),
    ('\u{1b}', "ESCAPE"),
    ('\u{7f}', "DELETE"),
    ('\u{85}', "NEXT LINE"),
    ('\u{9b}', "CONTROL SEQUENCE INTRODUCER"),
];

/// How a character deceives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    Direction,
    Control,
    Invisible,
}

/// Adds what the edited files' new characters do.
pub(super) fn judge(comparison: &Comparison, judgement: &mut Judgement) {
    for edited in comparison.files.iter().filter(|edited| graph::is_python(&edited.path)) {
        let Some(file) = comparison.after.file(&edited.path) else { continue };
        // Nearly all code is plain.
        if edited.after.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b' '..=b'~')) {
            continue;
        }
        let (before, after) = (parse(&edited.before), parse(&edited.after));
        OfFile { comparison, edited, file, before: &before, after: &after }.judge(judgement);
    }
}

struct OfFile<'a> {
    comparison: &'a Comparison,
    edited: &'a Edited,
    file: FileId,
    before: &'a Parsed,
    after: &'a Parsed,
}

impl OfFile<'_> {
    fn judge(&self, judgement: &mut Judgement) {
        self.controls(judgement);
        self.names(judgement);
        self.words(judgement);
    }

    fn finding(&self, code: &str, message: String, range: TextRange) -> Finding {
        self.comparison.finding(Stage::Security, code, message, self.file, range)
    }

    /// What is no letter and is not seen, more often than before.
    fn controls(&self, judgement: &mut Judgement) {
        let mut known: BTreeMap<char, usize> = BTreeMap::new();
        for c in self.edited.before.chars().filter(|c| !c.is_ascii_graphic()) {
            *known.entry(c).or_default() += 1;
        }
        let text = &*self.edited.after;
        let mut found: BTreeMap<char, Vec<TextRange>> = BTreeMap::new();
        for (at, c) in text.char_indices().filter(|(at, c)| !(*at == 0 && *c == '\u{feff}')) {
            if trick(c).is_some() && !belongs_to_neighbours(text, at, c) {
                found.entry(c).or_default().push(range(at, c.len_utf8()));
            }
        }
        for (c, places) in found {
            let is_name = |range: TextRange| {
                let mut names = names(self.after);
                names.any(|name| name.intersect(range).is_some_and(|common| !common.is_empty()))
            };
            let new = places.len().saturating_sub(known.get(&c).copied().unwrap_or(0));
            let written = places.into_iter().filter(|place| self.edited.wrote(*place));
            let Some(first) = written.take(new).next() else { continue };
            let called = spelled(c);
            match trick(c) {
                Some(Trick::Direction) => {
                    let message = format!("{called} shows the text in another order than it is read in");
                    judgement.findings.push(self.finding("bidirectional-control", message, first));
                }
                Some(Trick::Control) => {
                    let message = format!("{called} stands in the text as it is; write it as an escape");
                    judgement.findings.push(self.finding("control-character", message, first));
                }
                Some(Trick::Invisible) if is_name(first) => {
                    let message = format!("{called} in a name is not seen");
                    judgement.findings.push(self.finding("invisible-character", message, first));
                }
                Some(Trick::Invisible) => {
                    let message = format!("{called} is not seen where it stands: is that meant?");
                    judgement.questions.push(self.finding("invisible-character", message, first));
                }
                None => {}
            }
        }
    }

    /// New names that pass for other ones.
    fn names(&self, judgement: &mut Judgement) {
        let before: BTreeSet<&str> = names(self.before).map(|range| &self.edited.before[range]).collect();
        let text = &*self.edited.after;
        let mut all: BTreeSet<&str> = names(self.after).map(|range| &text[range]).collect();
        all.extend(KEYWORDS.split_whitespace());
        for name in graph::built_in_names() {
            all.insert(name);
        }
        let mut by_looks: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for name in &all {
            by_looks.entry(looks(name)).or_default().insert(name);
        }
        let mut told = BTreeSet::new();
        for range in names(self.after) {
            let name = &text[range];
            if name.is_ascii() || before.contains(name) || !self.edited.wrote(range) || !told.insert(name) {
                continue;
            }
            let looks = looks(name);
            let read = read_as(name);
            let twin = by_looks.get(&looks).into_iter().flatten().find(|twin| **twin != name && twin.is_ascii());
            let twin =
                twin.or_else(|| by_looks.get(&looks)?.iter().find(|twin| **twin != name && before.contains(**twin)));
            let strange = strange_characters(name);
            let message = if let Some(read) = read.filter(|read| read.is_ascii()) {
                format!("a name is written with {strange} and is read as `{read}`")
            } else if let Some(twin) = twin {
                format!("a name is written with {strange} and looks like `{twin}`, which is another one")
            } else if !name.is_single_script() && looks.is_ascii() {
                format!("a name mixes scripts: with {strange} it looks like `{looks}`")
            } else {
                continue;
            };
            judgement.findings.push(self.finding("confusable-name", message, range));
        }
    }

    /// New words in strings and comments that look like plain ones and are not.
    fn words(&self, judgement: &mut Judgement) {
        let before: BTreeSet<&str> = words(&self.edited.before).map(|(_, word)| word).collect();
        let of_names: BTreeSet<TextSize> = names(self.after).map(|range| range.start()).collect();
        let mut told = BTreeSet::new();
        for (at, word) in words(&self.edited.after) {
            let range = range(at, word.len());
            let is_new = !before.contains(word) && self.edited.wrote(range) && !of_names.contains(&range.start());
            if is_new && !word.is_ascii() && !word.is_single_script() && looks(word).is_ascii() && told.insert(word) {
                let message = format!(
                    "with {} a word of the text looks like `{}` and is another one: is that meant?",
                    strange_characters(word),
                    looks(word)
                );
                judgement.questions.push(self.finding("confusable-text", message, range));
            }
        }
    }
}

fn range(at: usize, length: usize) -> TextRange {
    // Texts are limited to much less than 4 GiB.
    TextRange::at(TextSize::new(at as u32), TextSize::new(length as u32))
}

fn names(parsed: &Parsed) -> impl Iterator<Item = TextRange> {
    parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Name).map(Ranged::range)
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = text.split(move |c| !is_part(c)).filter(|word| !word.is_empty());
    // All of them are parts of the same text.
    words.map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// What all texts have in common that look the same.
fn looks(text: &str) -> String {
    skeleton(text).collect()
}

/// The name that Python takes an identifier for, where that is another text.
fn read_as(name: &str) -> Option<String> {
    let parsed = parse(name);
    let [Stmt::Expr(statement)] = parsed.statements() else { return None };
    let Expr::Name(read) = &*statement.value else { return None };
    (read.id.as_str() != name).then(|| read.id.to_string())
}

fn trick(c: char) -> Option<Trick> {
    match c {
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(Trick::Direction)
        }
        '\t' | '\n' | '\r' | '\u{c}' => None,
        c if c.is_control() => Some(Trick::Control),
        '\u{2028}' | '\u{2029}' => Some(Trick::Invisible),
        c if c.is_ascii() => None,
        // Unicode calls them default-ignorable; what looks like nothing else is left of them.
        c => skeleton(c.encode_utf8(&mut [0; 4])).next().is_none().then_some(Trick::Invisible),
    }
}

/// Joiners and selectors belong to emoji, and to scripts that need them.
fn belongs_to_neighbours(text: &str, at: usize, c: char) -> bool {
    let joins = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}');
    let before = text[..at].chars().next_back();
    joins && before.is_some_and(|before| !before.is_ascii() && trick(before).is_none_or(|_| before != c))
}

/// The characters of a word that are not plain letters, each once.
fn strange_characters(word: &str) -> String {
    let mut seen = Vec::new();
    for c in word.chars().filter(|c| !c.is_ascii()) {
        if !seen.contains(&c) {
            seen.push(c);
        }
    }
    let spelled: Vec<String> = seen.into_iter().take(3).map(spelled).collect();
    spelled.join(", ")
}

/// `U+202E RIGHT-TO-LEFT OVERRIDE`
fn spelled(c: char) -> String {
    let control = CONTROLS.iter().find(|(control, _)| *control == c).map(|(_, name)| (*name).to_owned());
    let name = control.or_else(|| unicode_names2::name(c).map(|name| name.to_string()));
    let name = name.unwrap_or_else(|| if c.is_control() { "CONTROL CHARACTER" } else { "without a name" }.to_owned());
    format!("U+{:04X} {name}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use syntax::TextEdit;

    use super::super::tests::{candidate, load};
    use super::super::{Inspection, check};
    use super::*;

    /// What is refused and asked of a body, with lines: it begins in the fourth.
    fn judged(body: &str) -> (Vec<String>, Vec<String>) {
        let text = "#- /a.py\nadmin = 1\ngröße = 2\ndef f(text):\n    $1...$1\n    return text  # \u{202e}was here\n";
        let (host, path, range) = load(text);
        let candidate = candidate(&path, range, vec![TextEdit::replace(range, body)]);
        let checked = check(&host, candidate, &Inspection::default());
        let draw = |found: &[Finding]| {
            let found = found.iter().filter(|it| it.stage == Stage::Security);
            found.map(|it| format!("{}: {}: {}", it.line, it.code, it.message)).collect()
        };
        (draw(checked.findings()), draw(checked.warnings()))
    }

    #[track_caller]
    fn refused(body: &str, expected: &str) {
        let (refused, _) = judged(body);
        assert!(refused.iter().any(|it| it.starts_with(expected)), "{body:?}: {refused:?}");
    }

    #[track_caller]
    fn asked(body: &str, expected: &str) {
        let (refused, asked) = judged(body);
        assert_eq!((refused.len(), asked.len()), (0, 1), "{body:?}: {refused:?} {asked:?}");
        assert!(asked[0].starts_with(expected), "{body:?}: {asked:?}");
    }

    #[track_caller]
    fn passed(body: &str) {
        assert_eq!(judged(body), (Vec::new(), Vec::new()), "{body:?}");
    }

    #[test]
    fn controls_of_the_direction_are_refused_everywhere() {
        refused("pass  # \u{202e} } if admin {", "4: bidirectional-control: U+202E RIGHT-TO-LEFT OVERRIDE");
        refused("text = 'user\u{2066} // \u{2069}'", "4: bidirectional-control: U+2066 LEFT-TO-RIGHT ISOLATE");
        refused("'''a\n    \u{200f}b'''", "5: bidirectional-control: U+200F RIGHT-TO-LEFT MARK");
        passed("pass  # \u{5e9}\u{5dc}\u{5d5}\u{5dd}");
    }

    #[test]
    fn control_characters_are_refused_as_they_are() {
        refused("text = '\u{1b}[2J'", "4: control-character: U+001B ESCAPE");
        refused("pass  # \u{9b}31m", "4: control-character: U+009B CONTROL SEQUENCE INTRODUCER");
        passed("text = '\\x1b[2J'");
        passed("text = 'a\tb'");
    }

    #[test]
    fn names_that_pass_for_others_are_refused() {
        refused("\u{430}dmin = 2", "4: confusable-name: a name is written with U+0430 CYRILLIC SMALL LETTER A");
        refused("\u{435}v\u{430}l = text", "4: confusable-name");
        refused("\u{435}\u{445}\u{435}\u{441} = text", "4: confusable-name");
        refused("\u{1d41e}val('1')", "4: confusable-name: a name is written with U+1D41E MATHEMATICAL BOLD SMALL E");
        refused("t\u{435}xt = 1", "4: confusable-name");
        refused("us\u{435}r = 1", "4: confusable-name: a name mixes scripts");
    }

    #[test]
    fn names_of_one_script_are_fine() {
        passed("\u{3c0} = 3.14");
        passed("сумма = 1");
        passed("数量 = 1");
        passed("größe = naïve = 1");
        passed("Δx = 1");
        passed("λ = 1");
    }

    #[test]
    fn what_is_not_seen_is_named() {
        asked("text = 'a\u{200b}b'", "4: invisible-character: U+200B ZERO WIDTH SPACE");
        asked("pass  # a\u{ad}b", "4: invisible-character: U+00AD SOFT HYPHEN");
        refused("a\u{3164} = 1", "4: invisible-character: U+3164 HANGUL FILLER");
        passed("text = '\u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f}'");
        asked("text = '\u{430}dmin'", "4: confusable-text: with U+0430 CYRILLIC SMALL LETTER A");
        passed("text = 'привет, world'");
    }
}
