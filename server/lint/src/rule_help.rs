//! What a rule is for, from ruff's own documentation.

use ruff_linter::codes::Rule as RuffRule;
use ruff_linter::registry::{Linter as Origin, RuleNamespace};

use crate::INVALID_SYNTAX;

/// A rule explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHelp {
    /// `unused-import`.
    pub name: &'static str,
    /// The message, with names in braces where it differs by case: `{name} imported but unused`.
    pub summary: &'static str,
    /// What it does, why that is bad, an example, in Markdown.
    pub explanation_markdown: String,
    pub url: Option<String>,
}

/// Explains the rule `code` of ruff, such as `F401`, or its syntax errors. `None` for other codes.
pub fn explain(code: &str) -> Option<RuleHelp> {
    if code == INVALID_SYNTAX {
        let page = include_str!("../../../docs/diagnostics/invalid-syntax.md");
        let (_, text) = page.split_once("\n\n").unwrap_or_default();
        let summary = text.lines().next().unwrap_or_default();
        return Some(RuleHelp {
            name: INVALID_SYNTAX,
            summary,
            explanation_markdown: text.trim().to_owned(),
            url: None,
        });
    }
    let rule = RuffRule::from_code(code).ok()?;
    let summary = rule.message_formats().first().copied().unwrap_or_default();
    let mut explanation = String::new();
    if let Some((origin, _)) = Origin::parse_code(code) {
        explanation = format!("Derived from the **{}** linter.\n\n", origin.name());
    }
    explanation.push_str(rule.explanation().unwrap_or(summary).trim());
    Some(RuleHelp { name: rule.name().as_str(), summary, explanation_markdown: explanation, url: rule.url() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_explained() {
        let help = explain("F401").unwrap();
        assert_eq!(help.name, "unused-import");
        assert!(help.summary.contains("imported but unused"), "{}", help.summary);
        assert!(help.explanation_markdown.starts_with("Derived from the **Pyflakes** linter.\n\n## What it does\n"));
        assert_eq!(help.url.as_deref(), Some("https://docs.astral.sh/ruff/rules/unused-import"));
        assert_eq!(explain("F999999"), None);
        assert_eq!(explain("secret"), None);
    }

    #[test]
    fn syntax_errors_are_explained_by_the_manual() {
        let help = explain("invalid-syntax").unwrap();
        assert_eq!(help.name, "invalid-syntax");
        assert!(help.summary.starts_with("The text parses, but ") && help.summary.ends_with('.'), "{}", help.summary);
        assert!(help.explanation_markdown.contains("target-version"));
    }
}
