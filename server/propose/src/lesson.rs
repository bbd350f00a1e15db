//! What there is to learn from an answer that was not good enough.

use validate::{Evidence, Finding, Stage};

/// Something that was wrong with an answer, for the next prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// In kebab case: the code of a finding, `rejected` or `adjusted`.
    pub category: String,
    /// What was wrong, in words fit for a model.
    pub text: String,
    /// The lines that were wrong; may be empty.
    pub snippet: String,
    /// Nothing but a person's word speaks against it.
    pub is_adjustment: bool,
    /// The name whose use is this mistake, such as `os.system`.
    pub forbidden: Option<String>,
}

/// Lines of a rejected answer that are kept.
const MAX_LINES: usize = 20;

impl Lesson {
    /// `line` is the line that the finding is about. `None` where nothing is to be learnt: that an answer was cut off or held
    /// no code says nothing of the next one.
    pub(crate) fn of(finding: &Finding, line: Option<&str>) -> Option<Lesson> {
        if matches!(finding.stage, Stage::Reply | Stage::Memory) {
            return None;
        }
        let (category, text) = (finding.code.clone(), finding.message.clone());
        Some(Lesson {
            category,
            text,
            snippet: line.unwrap_or_default().to_owned(),
            is_adjustment: false,
            forbidden: None,
        })
    }

    /// The person wanted an answer that passed the checks to be different.
    pub(crate) fn of_adjustment(adjustment: &str) -> Lesson {
        Lesson {
            category: "adjusted".to_owned(),
            text: adjustment.trim().to_owned(),
            snippet: String::new(),
            is_adjustment: true,
            forbidden: forbidden(adjustment),
        }
    }

    /// The person did not want an answer that passed the checks, and did not say why.
    pub(crate) fn of_rejection(evidence: &Evidence) -> Lesson {
        let added = evidence.diff.lines().filter(|line| !line.starts_with("+++"));
        let added: Vec<&str> = added.filter_map(|line| line.strip_prefix('+')).take(MAX_LINES).collect();
        Lesson {
            category: "rejected".to_owned(),
            text: format!("{}: an answer that passed the checks was not wanted", evidence.title),
            snippet: added.join("\n"),
            is_adjustment: true,
            forbidden: None,
        }
    }
}

/// The name that an adjustment does not want used: in "no `print`", "don't use os.system()", "without `eval`".
fn forbidden(adjustment: &str) -> Option<String> {
    let words: Vec<&str> = adjustment.split_whitespace().collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
        let quoted = bare.strip_prefix('`').and_then(|word| word.strip_suffix('`'));
        let called = quoted.unwrap_or(bare).strip_suffix("()");
        let name = called.or(quoted)?;
        let is_name = name.split('.').all(|part| {
            let mut chars = part.chars();
            chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && chars.all(|c| c.is_alphanumeric() || c == '_')
        });
        (is_name && is_negated(&words[..at])).then(|| name.to_owned())
    })
}

/// Whether the words before a name say that it is not wanted.
fn is_negated(before: &[&str]) -> bool {
    let is_filler = |word: &str| matches!(word, "use" | "using" | "call" | "calling" | "import" | "importing" | "any");
    let mut words = before.iter().rev().map(|word| word.to_lowercase().replace('’', "'"));
    let Some(mut last) = words.next() else { return false };
    while is_filler(&last) {
        let Some(next) = words.next() else { return false };
        last = next;
    }
    let negations = ["no", "not", "never", "don't", "dont", "without", "avoid", "avoiding", "drop", "remove"];
    negations.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_wanted() {
        for (adjustment, expected) in [
            ("no `print`, please", Some("print")),
            ("don't use os.system()", Some("os.system")),
            ("Do not call `eval`.", Some("eval")),
            ("shorter, without `requests.get()`", Some("requests.get")),
            ("never import `pickle`", Some("pickle")),
            ("use `max`", None),
            ("I do not like it, use `max`", None),
            ("no more than `n` items", None),
            ("no print", None),
            ("not `a b`", None),
            ("", None),
        ] {
            assert_eq!(forbidden(adjustment).as_deref(), expected, "{adjustment}");
        }
    }

    #[test]
    fn a_rejection_keeps_what_was_written() {
        let diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-old\n+new\n".to_owned();
        let lesson = Lesson::of_rejection(&Evidence { title: "Edit".to_owned(), diff, ..Evidence::default() });
        assert_eq!(lesson.snippet, "new");
    }
}
