//! How grave bandit thinks its findings are, and how likely.
//!
//! Ruff's `S` rules are bandit's tests, without bandit's levels. This is the table of bandit 1.9.4. Where bandit decides
//! by the case and ruff's message does not tell the cases apart, the graver level stands here.

use crate::{Confidence, Severity};

const LOW: Severity = Severity::Information;
const MEDIUM: Severity = Severity::Warning;
const HIGH: Severity = Severity::Error;

/// Severity and confidence of what the rule `code` reports with `message`. `None` for rules that are not bandit's.
pub(crate) fn rating(code: &str, message: &str) -> Option<(Severity, Confidence)> {
    use Confidence::{High, Low, Medium};
    // A command without anything from outside in it.
    let seems_safe = message.contains("seems safe");
    let rating = match code {
        "S101" | "S110" | "S112" | "S403" | "S404" | "S603" | "S607" => (LOW, High),
        "S405" | "S406" | "S407" | "S408" | "S409" | "S410" => (LOW, High),
        "S105" | "S106" | "S107" | "S504" | "S606" => (LOW, Medium),
        "S602" | "S605" if seems_safe => (LOW, High),
        "S311" => (LOW, High),
        "S102" | "S301" | "S302" | "S303" | "S305" | "S306" | "S307" | "S308" | "S310" => (MEDIUM, High),
        "S313" | "S314" | "S315" | "S316" | "S317" | "S318" | "S319" | "S320" | "S323" => (MEDIUM, High),
        "S506" | "S508" | "S509" | "S612" | "S702" | "S704" => (MEDIUM, High),
        "S104" | "S108" | "S503" | "S601" | "S610" | "S611" => (MEDIUM, Medium),
        "S113" | "S604" => (MEDIUM, Low),
        // Medium where the text is handed to `execute`, which ruff does not say.
        "S608" => (MEDIUM, Low),
        "S103" | "S202" | "S324" | "S501" | "S502" | "S505" | "S602" | "S605" => (HIGH, High),
        "S304" | "S312" | "S321" | "S401" | "S402" | "S411" | "S412" | "S413" | "S415" => (HIGH, High),
        "S701" => (HIGH, High),
        "S201" | "S507" | "S609" => (HIGH, Medium),
        _ => return None,
    };
    Some(rating)
}

#[cfg(test)]
mod tests {
    use ruff_linter::registry::Linter;

    use super::*;

    #[test]
    fn every_rule_of_bandit_has_its_levels() {
        let rules: Vec<String> = Linter::Flake8Bandit.all_rules().map(|rule| rule.noqa_code().to_string()).collect();
        assert!(rules.len() > 70);
        let without: Vec<&String> = rules.iter().filter(|code| rating(code, "").is_none()).collect();
        assert!(without.is_empty(), "{without:?}");
        assert_eq!(rating("SIM101", ""), None);
    }

    #[test]
    fn a_fixed_command_is_less_grave() {
        assert_eq!(rating("S602", "identified, security issue"), Some((HIGH, Confidence::High)));
        assert_eq!(
            rating("S602", "`subprocess` call with `shell=True` seems safe, but"),
            Some((LOW, Confidence::High))
        );
    }
}
