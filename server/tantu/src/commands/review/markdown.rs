//! A review as a comment: short enough to be read, and found again by its first line.

use gate::Outcome;
use validate::Finding;

use super::change::{Coverage, Review};

/// By this line a comment is found that is to be updated.
pub(super) const MARK: &str = "<!-- tantu review -->";

/// Rows of a table or a list.
const MOST: usize = 15;

/// The review in a line: outcome, files, problems, tests, coverage.
pub(super) fn badge(review: &Review) -> String {
    let verdict = &review.verdict;
    let outcome = match verdict.outcome {
        Outcome::Passed => "✓ passed",
        Outcome::Asked => "? passed, with questions",
        Outcome::Refused => "✗ refused",
        Outcome::NotFinished => "… not finished",
        Outcome::Unusable => "not judged",
    };
    let mut parts = vec![outcome.to_owned(), counted(verdict.files, "file")];
    if !verdict.findings.is_empty() {
        parts.push(counted(verdict.findings.len(), "problem"));
    }
    match verdict.tests.passed + verdict.tests.failed {
        0 => parts.push("no test was run".to_owned()),
        _ => parts.push(format!("tests: {} passed, {} failed", verdict.tests.passed, verdict.tests.failed)),
    }
    if let Some(Coverage { lines, executed }) = review.coverage {
        parts.push(format!("{executed} of {lines} changed lines run"));
    }
    parts.join(" · ")
}

pub(super) fn page(review: &Review, opinion: Option<&str>) -> String {
    let mut page = format!("{MARK}\n**tantu** {}\n", badge(review));
    let verdict = &review.verdict;
    let obstacles = verdict.obstacles.iter().map(|it| format!("- {}: {}", code(&it.path), escaped(&it.reason)));
    list(&mut page, "Not judged", obstacles.collect());
    table(&mut page, "Problems", &verdict.findings);
    table(&mut page, "Questions and warnings", &verdict.warnings);
    let impact = &review.impact;
    let touched = impact.touched.iter().map(|it| {
        let at_least = if it.complete { "" } else { "at least " };
        format!(
            "- {} {}:{}: {}, {at_least}{}",
            code(&it.symbol),
            escaped(&it.path),
            it.line,
            counted(it.callers, "caller"),
            counted(it.tests, "test")
        )
    });
    list(&mut page, "What it touches", touched.collect());
    let fixed = impact.fixed.iter().map(|it| format!("- {}:{}: {}", escaped(&it.path), it.line, escaped(&it.message)));
    list(&mut page, "Fits again", fixed.collect());
    let failed = verdict.tests.results.iter().filter(|it| it.outcome == "failed");
    let failed = failed.map(|it| {
        let message = it.message.as_deref().unwrap_or_default();
        format!("- {}: {}", code(&it.id), escaped(message.lines().next().unwrap_or_default()))
    });
    list(&mut page, "Tests that fail", failed.collect());
    list(&mut page, "New dependencies", impact.dependencies.iter().map(|it| format!("- {}", code(it))).collect());
    if !verdict.not_checked.is_empty() {
        let items: Vec<String> = verdict.not_checked.iter().take(MOST).map(|it| format!("- {}", escaped(it))).collect();
        let count = verdict.not_checked.len();
        page.push_str(&format!(
            "\n<details><summary>Not checked ({count})</summary>\n\n{}\n\n</details>\n",
            items.join("\n")
        ));
    }
    if let Some(opinion) = opinion {
        let quoted: Vec<String> = opinion.lines().map(|line| format!("> {}", escaped(line))).collect();
        page.push_str(&format!("\n**A model's opinion**, which nothing has proved:\n\n{}\n", quoted.join("\n> \n")));
    }
    page
}

fn table(page: &mut String, title: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    page.push_str(&format!("\n**{title}**\n\n| where | what | by |\n|---|---|---|\n"));
    for it in findings.iter().take(MOST) {
        let place = if it.line > 0 { format!("{}:{}", it.path, it.line) } else { it.path.clone() };
        page.push_str(&format!("| {} | {} | {} |\n", escaped(&place), escaped(&it.message), code(&it.code)));
    }
    rest(page, findings.len());
}

fn list(page: &mut String, title: &str, items: Vec<String>) {
    if items.is_empty() {
        return;
    }
    page.push_str(&format!("\n**{title}**\n\n"));
    items.iter().take(MOST).for_each(|item| page.push_str(&format!("{item}\n")));
    rest(page, items.len());
}

fn rest(page: &mut String, all: usize) {
    if all > MOST {
        page.push_str(&format!("\nand {} more\n", all - MOST));
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Text from files as text: no mark-up, no mention of anybody, one line. What stands between backticks stays code.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for (index, piece) in line.split('`').enumerate() {
        if index % 2 == 1 && line.matches('`').count() > index {
            out.push_str(&code(piece));
            continue;
        }
        for character in piece.chars() {
            match character {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '@' => out.push_str("&#64;"),
                '|' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '!' => {
                    out.push('\\');
                    out.push(character);
                }
                other => out.push(other),
            }
        }
    }
    out
}

/// Text as code: what would end it is left out, and a bar would end the cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '\n', '\r'], "").replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_is_markup() {
        assert_eq!(escaped("see @you <b>x</b> | [y](z)"), "see &#64;you &lt;b&gt;x&lt;/b&gt; \\| \\[y\\](z)");
        assert_eq!(escaped("`a|b` is not *defined*"), "`a\\|b` is not \\*defined\\*");
        assert_eq!(escaped("an open ` quote"), "an open  quote");
    }
}
