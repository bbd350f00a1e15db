//! Mends what linters find: one finding, all of one rule, all of a file; sorts imports; or silences a finding.

use lint::{Applicability, Document, Finding};
use syntax::TextEdit;

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};

pub(super) const REWRITE: Rewrite = Rewrite { id: "lint-fix", tolerant: true, offer };

const SILENCE: &str = "Silence ";

/// Whether an action with this title only writes a comment that silences a finding.
pub fn silences(title: &str) -> bool {
    title.starts_with(SILENCE)
}

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let here = || context.lint.findings.iter().filter(|it| it.range.intersect(context.range).is_some());
    for finding in here() {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.applicability > Applicability::Display) else { continue };
        let is_safe = fix.applicability == Applicability::Safe;
        let note = if is_safe { "" } else { ", may change behaviour" };
        let title = format!("{} ({}{note})", fix.title, finding.code);
        offers.made(ActionKind::QuickFix, title, Ok(context.change(fix.edits.clone())));
        offers.fixes_code(&finding.code);
        if is_safe {
            offers.prefer();
        }
    }
    let document = Document { path: context.path(), text: context.text, parsed: context.parsed };
    for finding in here() {
        for fix in lint::security_fixes(&document, &finding.code, finding.range) {
            let title = format!("{} ({})", fix.title, finding.code);
            offers.made(ActionKind::QuickFix, title, Ok(context.change(fix.edits)));
            offers.fixes_code(&finding.code);
        }
    }
    let Some(ruff) = context.lint.ruff else { return };
    let mut rules: Vec<&str> = Vec::new();
    for finding in here().filter(|it| is_fixed_elsewhere(it, context.lint.findings)) {
        if rules.contains(&&*finding.code) {
            continue;
        }
        rules.push(&finding.code);
        let title = format!("Fix all {} in this file", finding.code);
        offers.later(ActionKind::QuickFix, title, move || {
            some(context, ruff.fix_all(&document, Applicability::Safe, Some(&finding.code)))
        });
        offers.fixes_code(&finding.code);
    }
    for finding in here().filter(|it| it.url.is_some()) {
        let title = format!("{SILENCE}{} here: `# noqa: {}`", finding.name, finding.code);
        offers.later(ActionKind::QuickFix, title, move || some(context, ruff.noqa(&document, finding, None)));
        offers.fixes_code(&finding.code);
    }
    offers.later(ActionKind::FixAll, "Fix all that can be fixed safely", move || {
        some(context, ruff.fix_all(&document, Applicability::Safe, None))
    });
    offers.later(ActionKind::OrganizeImports, "Organize imports", move || {
        some(context, ruff.organize_imports(&document))
    });
}

/// Whether there is more of the same that can be fixed safely.
fn is_fixed_elsewhere(finding: &Finding, all: &[Finding]) -> bool {
    let is_fixed = |it: &&Finding| {
        it.code == finding.code && it.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe)
    };
    all.iter().filter(is_fixed).count() > 1
}

fn some(context: &AssistContext<'_>, edits: Vec<TextEdit>) -> Outcome {
    if edits.is_empty() { Err("there is nothing to change".to_owned()) } else { Ok(context.change(edits)) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use syntax::TextRange;

    use super::super::action::testing::{check, check_titled, check_titles};
    use super::*;

    #[test]
    fn what_is_offered() {
        check_titles(
            &REWRITE,
            "import os$0, sys\nimport re\n\n\ndef f(x=[]):\n    assert x\n",
            expect![[r#"
            Split imports (E401)
            Remove unused import (F401)
            Fix all F401 in this file
            Silence multiple-imports-on-one-line here: `# noqa: E401`
            Silence unused-import here: `# noqa: F401`
            Fix all that can be fixed safely
            Organize imports
        "#]],
        );
    }

    #[test]
    fn one_finding_is_fixed() {
        check(
            &REWRITE,
            "import os$0\nimport re\n",
            expect![[r#"
            import re
        "#]],
        );
    }

    #[test]
    fn a_security_finding() {
        let text = "import hashlib\n\n\ndef digest(text):\n    return hashlib.m$0d5(text)\n";
        check(
            &REWRITE,
            text,
            expect![[r#"
            import hashlib


            def digest(text):
                return hashlib.sha256(text)
        "#]],
        );
    }

    #[test]
    fn findings_are_fixed_by_rule_and_all_at_once() {
        let text = "import os$0\nimport re\nx = f''\n";
        check_titled(
            &REWRITE,
            "Fix all F401",
            text,
            expect![[r#"
            x = f''
        "#]],
        );
        check_titled(
            &REWRITE,
            "Fix all that",
            text,
            expect![[r#"
            x = ''
        "#]],
        );
    }

    #[test]
    fn imports_are_sorted() {
        check_titled(
            &REWRITE,
            "Organize",
            "import re\nimport os$0\nprint(re, os)\n",
            expect![[r#"
            import os
            import re

            print(re, os)
        "#]],
        );
    }

    #[test]
    fn a_finding_is_silenced() {
        check_titled(
            &REWRITE,
            "Silence",
            "import os$0\r\n",
            expect![[r#"
            import os  # noqa: F401␍
        "#]],
        );
    }

    /// `fixtures/security/planted.txt`: each with the code that has to be found, whether that is grave, and whether there is a fix.
    #[test]
    fn planted_vulnerabilities_are_found_and_mended() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let planted = std::fs::read_to_string(folder.join("fixtures/security/planted.txt")).unwrap();
        let (mut wrong, mut count, mut grave, mut mended) = (Vec::new(), 0, 0, 0);
        for sample in planted.split("#- ").skip(1) {
            let (head, text) = sample.split_once('\n').unwrap();
            let [how, code, fix] = head.split(' ').take(3).collect::<Vec<_>>().try_into().unwrap();
            let workspace = fixture::Workspace::new(&format!("#- /web.py\n{text}"));
            let analysis = &workspace.analysis;
            let file = analysis.files().next().unwrap();
            let ruff = lint::Ruff::with_user_settings(None);
            let mut found: Vec<(String, lint::Severity, TextRange)> =
                ide::lint_findings(analysis, &[&ruff, &lint::Secrets, &lint::Weaknesses], file)
                    .into_iter()
                    .map(|it| (it.code.into_owned(), it.severity, it.range))
                    .collect();
            let tainted = ide::tainted_calls(analysis).into_iter();
            found.extend(tainted.map(|(_, range, _)| ("tainted-call".to_owned(), lint::Severity::Warning, range)));
            let source = analysis.source(file).text();
            let parsed = syntax::parse(source);
            let document = Document { path: analysis.path(file), text: source, parsed: &parsed };
            let is_mended =
                found.iter().any(|(code, _, range)| !lint::security_fixes(&document, code, *range).is_empty());
            let severity = found.iter().find(|(it, ..)| it == code).map(|(_, severity, _)| *severity);
            let is_grave = severity == Some(lint::Severity::Error);
            count += 1;
            grave += usize::from(is_grave);
            mended += usize::from(is_grave && is_mended);
            let of_taint = code == "tainted-call" && severity.is_some();
            if severity.is_none() || !of_taint && is_grave != (how == "high") || is_mended != (fix == "fixed") {
                wrong.push(format!("{head}: {found:?}, mended: {is_mended}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let said =
            format!("Of {count} planted vulnerabilities all are found; of the {grave} grave ones {mended} have a fix");
        let manual = std::fs::read_to_string(folder.join("docs/lint.md")).unwrap();
        assert!(
            manual.split_whitespace().collect::<Vec<_>>().join(" ").contains(&said),
            "docs/lint.md has to say: {said}"
        );
    }
}
