//! The prompt of a second and later attempt, and the one that has a model look over its first.

use assists::Fence;
use validate::Finding;

/// Findings that one prompt lists at most.
const MAX_FINDINGS: usize = 30;

/// What there is to say about answers so far.
pub(crate) struct Answers<'a> {
    /// The code of the last one, if it had any.
    pub code: Option<&'a str>,
    /// What is wrong with it. Nothing, when it passed the checks.
    pub latest: &'a [Finding],
    /// What was wrong with the ones before.
    pub earlier: &'a [Finding],
    /// What the person wanted to be different, in the order in which it was said.
    pub adjustments: &'a [String],
}

/// `user`, the first attempt's prompt, with the latest code, what is wrong with it and with earlier ones, and what the person
/// has said to those that passed.
pub(crate) fn prompt(user: &str, answers: &Answers<'_>) -> String {
    let Answers { code, latest, earlier, adjustments } = answers;
    let list = |findings: &mut dyn Iterator<Item = &Finding>| -> String {
        findings.take(MAX_FINDINGS).map(|finding| format!("- {finding}\n")).collect()
    };
    let code = code.unwrap_or_default();
    let now = list(&mut latest.iter());
    let before = list(&mut earlier.iter().filter(|finding| !latest.iter().any(|it| it.repeats(finding))));
    let listed: String = adjustments.iter().map(|adjustment| format!("- {adjustment}\n")).collect();
    // Messages quote the program's output, and the code may quote anything; both come from outside.
    let fence = Fence::around([user, code, &now, &before, &listed].into_iter());

    let mut out = format!("{user}\n{}\n\n", fence.rule());
    let mut add = |title: &str, text: &str| {
        if !text.is_empty() {
            out.push_str(&fence.quote(title, text));
            out.push('\n');
        }
    };
    let fate = if latest.is_empty() { "passed the checks" } else { "was checked and cannot be used" };
    add(&format!("Your last answer, which {fate}"), code);
    add("What is wrong with your last answer", &now);
    add("What was wrong with answers before it; do not bring it back", &before);
    add("What the person who asked has said to answers that passed the checks, the latest last", &listed);
    out.push_str(match latest.is_empty() {
        true => "Answer again, in full, as the person wants it; leave the rest of your last answer as it is.\n",
        false => "Answer again, in full, without these problems.\n",
    });
    out
}

/// `user`, the first attempt's prompt, with the code that came of it and nobody has looked at.
pub(crate) fn reflection(user: &str, code: &str) -> String {
    let fence = Fence::around([user, code].into_iter());
    let quoted = fence.quote("Your answer, which nobody has looked at yet", code);
    format!(
        "{user}\n{}\n\n{quoted}\nLook over your answer before it is checked: does it do all that was asked and nothing else, is \
         every name in it shown or imported, does every call fit, what happens at the edges? Answer again, in full, with what \
         you found mended; if there is nothing, with the same code.\n",
        fence.rule()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use validate::Stage;

    fn finding(message: &str) -> Finding {
        let (code, path) = ("undefined-name".to_owned(), "a.py".to_owned());
        Finding { stage: Stage::Graph, code, message: message.to_owned(), path, line: 3 }
    }

    #[test]
    fn findings_are_listed_once_and_quoted() {
        let answers = Answers {
            code: Some("def f(): x"),
            latest: &[finding("`x`")],
            earlier: &[finding("`y`"), finding("`x`")],
            adjustments: &[],
        };
        let text = prompt("Write f.", &answers);
        assert!(text.starts_with("Write f.\n"));
        assert!(text.contains("def f(): x") && text.contains("do not bring it back"));
        assert_eq!(text.matches("`x`").count(), 1);
        assert_eq!(text.matches("- a.py:3: `y` [graph: undefined-name]").count(), 1);
    }

    #[test]
    fn without_code_there_is_nothing_to_quote() {
        let answers = Answers { code: None, latest: &[finding("`x`")], earlier: &[], adjustments: &[] };
        let text = prompt("Write f.", &answers);
        assert!(!text.contains("last answer, which") && !text.contains("bring it back"));
    }

    #[test]
    fn adjustments_are_about_answers_that_passed() {
        let adjustments = ["shorter".to_owned(), "with sum()".to_owned()];
        let answers = Answers { code: Some("def f(): x"), latest: &[], earlier: &[], adjustments: &adjustments };
        let text = prompt("Write f.", &answers);
        assert!(text.contains("which passed the checks") && text.contains("- shorter\n- with sum()\n"), "{text}");
        assert!(!text.contains("What is wrong") && text.ends_with("leave the rest of your last answer as it is.\n"));
    }
}
