//! Comments that say of their line that what a linter of ours finds there is meant.

use syntax::ast::token::TokenKind;
use syntax::{Parsed, Ranged, TextRange, TextSize};

use crate::Finding;

/// Keeps those of `found` on whose line no comment consents: in the words of the tools that look for the same, or by one of
/// `codes` behind `noqa`.
pub(crate) fn retain_unconsented(text: &str, parsed: &Parsed, codes: &[&str], found: &mut Vec<Finding>) {
    if found.is_empty() {
        return;
    }
    for token in parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment) {
        if is_consent(&text[token.range()], codes) {
            let start = text[..token.start().to_usize()].rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
            let line = TextRange::new(TextSize::new(start as u32), token.end());
            found.retain(|finding| !line.contains(finding.range.start()) && !line.contains(finding.range.end()));
        }
    }
}

fn is_consent(comment: &str, codes: &[&str]) -> bool {
    const WORDS: &[&str] = &["nosec", "allowlist secret", "whitelist secret", "gitleaks:allow", "trufflehog:ignore"];
    let lower = comment.to_ascii_lowercase();
    let named = lower.split_once("noqa").map(|(_, named)| named.trim_start());
    // Without codes it is about all rules.
    WORDS.iter().any(|word| lower.contains(word))
        || named.is_some_and(|named| !named.starts_with(':') || codes.iter().any(|code| named.contains(code)))
}
