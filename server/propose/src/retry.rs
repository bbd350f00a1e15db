//! The prompt of a second and later attempt.

use ide::assists::Fence;
use validate::Finding;

/// Findings that one prompt lists at most.
const MAX_FINDINGS: usize = 30;

/// `user`, the first attempt's prompt, with the latest code and what is wrong with it and with earlier ones.
pub(crate) fn prompt(user: &str, code: Option<&str>, latest: &[Finding], earlier: &[Finding]) -> String {
    let list = |findings: &mut dyn Iterator<Item = &Finding>| -> String {
        findings.take(MAX_FINDINGS).map(|finding| format!("- {finding}\n")).collect()
    };
    let code = code.unwrap_or_default();
    let now = list(&mut latest.iter());
    let before = list(&mut earlier.iter().filter(|finding| !latest.iter().any(|it| it.repeats(finding))));
    // Messages quote the program's output, and the code may quote anything; both come from outside.
    let fence = Fence::around([user, code, &now, &before].into_iter());

    let mut out = format!("{user}\n{}\n\n", fence.rule());
    if !code.is_empty() {
        out.push_str(&fence.quote("Your last answer, which was checked and cannot be used", code));
        out.push('\n');
    }
    out.push_str(&fence.quote("What is wrong with your last answer", &now));
    if !before.is_empty() {
        out.push('\n');
        out.push_str(&fence.quote("What was wrong with answers before it; do not bring it back", &before));
    }
    out.push_str("\nAnswer again, in full, without these problems.\n");
    out
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
        let text = prompt("Write f.", Some("def f(): x"), &[finding("`x`")], &[finding("`y`"), finding("`x`")]);
        assert!(text.starts_with("Write f.\n"));
        assert!(text.contains("def f(): x") && text.contains("do not bring it back"));
        assert_eq!(text.matches("`x`").count(), 1);
        assert_eq!(text.matches("- a.py:3: `y` [graph: undefined-name]").count(), 1);
    }

    #[test]
    fn without_code_there_is_nothing_to_quote() {
        let text = prompt("Write f.", None, &[finding("`x`")], &[]);
        assert!(!text.contains("last answer, which") && !text.contains("bring it back"));
    }
}
