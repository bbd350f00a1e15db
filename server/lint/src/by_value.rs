//! Findings of ruff's that go by a name alone, held against the value.
//!
//! `token == "block_begin"` compares kinds of a lexer's tokens, and no password. Ruff's S105 to S107 look at nothing but the name;
//! whether it promises a secret in fact and what is given to it could be one, `credential` knows.

use credential::names::Kind;
use credential::{formats, names, values};
use syntax::Ranged;
use syntax::ast::token::TokenKind;

use crate::{Document, Finding};

/// Whether a linter reports by a name what its value refutes.
pub fn is_false_alarm(document: &Document<'_>, finding: &Finding) -> bool {
    match &*finding.code {
        "S105" | "S106" | "S107" => is_no_secret(document, finding),
        // FTP over TLS is what the rule asks for.
        "S321" => document.text[finding.range].split('(').next().is_some_and(|called| called.ends_with("FTP_TLS")),
        _ => false,
    }
}

fn is_no_secret(document: &Document<'_>, finding: &Finding) -> bool {
    // `Possible hardcoded password assigned to argument: "token"`
    let mut quoted = finding.message.rsplit('"');
    let (Some(_), Some(name)) = (quoted.next(), quoted.next()) else { return false };
    let tokens = document.parsed.tokens().iter();
    let Some(literal) = tokens
        .filter(|token| finding.range.contains_range(token.range()))
        .rfind(|token| token.kind() == TokenKind::String)
    else {
        return false;
    };
    let value = document.text[literal.range()].trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let value = value.trim_matches(['"', '\'']);
    if formats::find(value, |_, _| true).is_some() {
        return false;
    }
    match names::kind(name) {
        Some(Kind::Password) => false,
        Some(Kind::Key) => values::key(value, name).is_none(),
        Some(Kind::Hint) | None => values::random(value, name).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Linter, Ruff};

    /// What ruff reports of a line, without and with a look at values.
    fn codes(line: &str) -> (Vec<String>, Vec<String>) {
        let text = format!("{line}\n");
        let parsed = syntax::parse(&text);
        let document = Document { path: Path::new("/nowhere/a.py"), text: &text, parsed: &parsed };
        let mut found = Ruff::with_user_settings(None).lint(&document);
        found.retain(|it| it.code.starts_with('S'));
        let codes = |found: &[Finding]| found.iter().map(|it| it.code.to_string()).collect();
        let all = codes(&found);
        found.retain(|it| !is_false_alarm(&document, it));
        (all, codes(&found))
    }

    #[test]
    fn names_of_tokens_are_no_secrets() {
        for (line, code) in [
            ("if token == 'block_begin': pass", "S105"),
            ("if token_type == 'lparen': pass", "S105"),
            ("pass_arg = 'context'", "S105"),
            ("f(token='comment')", "S106"),
            ("def f(token_kind='name'): pass", "S107"),
        ] {
            assert_eq!(codes(line), (vec![code.to_owned()], vec![]), "{line}");
        }
    }

    #[test]
    fn what_can_be_a_secret_stays() {
        for line in [
            "password = 'hunter2'",
            "db_password = 'block_begin'",
            "token = 'k8Jw2mQ9zRt4vXb7Lp3s'",
            "if token == '9f86d081884c7d659a2feaa0c55ad015': pass",
        ] {
            assert_eq!(codes(line), (vec!["S105".to_owned()], vec!["S105".to_owned()]), "{line}");
        }
        assert_eq!(codes("f(password='hunter2')").1, ["S106"]);
    }

    #[test]
    fn files_over_tls() {
        assert_eq!(codes("import ftplib; ftplib.FTP_TLS(h)").1, [""; 0]);
        assert_eq!(codes("import ftplib; ftplib.FTP(h)").1, ["S321"]);
    }
}
