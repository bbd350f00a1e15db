//! `# tantu: ignore` comments, and those by which type checkers are told that the program knows better.

use syntax::ast::token::{TokenKind, Tokens};
use syntax::{LineIndex, Ranged};

use super::Code;

/// The lines that silence something.
#[derive(Default)]
pub(crate) struct Suppressions<'a> {
    /// Zero-based line, and the codes; `None` silences everything.
    lines: Vec<(u32, Option<Vec<&'a str>>)>,
}

impl<'a> Suppressions<'a> {
    pub fn of(text: &'a str, tokens: &Tokens, lines: &LineIndex) -> Self {
        let mut suppressions = Suppressions::default();
        if !["tantu:", "type:", "pyright:", "ty:"].iter().any(|tool| text.contains(tool)) {
            return suppressions;
        }
        for token in tokens.iter().filter(|token| token.kind() == TokenKind::Comment) {
            let line = lines.line(token.start());
            // Other tools write into the same comment: `# noqa  # tantu: ignore`.
            let parts = text[token.range()].split('#');
            suppressions.lines.extend(parts.clone().filter_map(directive).map(|codes| (line, codes)));
            if parts.into_iter().any(is_type_ignore) {
                let reported = Code::ALL.into_iter().filter(|code| code.is_type_error());
                suppressions.lines.push((line, Some(reported.map(Code::as_str).collect())));
            }
        }
        suppressions
    }

    pub fn silence(&self, line: u32, code: &str) -> bool {
        let former = FORMER.iter().find(|(now, _)| *now == code).map(|(_, former)| *former);
        let is_named = |codes: &Vec<&str>| codes.iter().any(|it| *it == code || Some(*it) == former);
        self.lines.iter().any(|(at, codes)| *at == line && codes.as_ref().is_none_or(is_named))
    }
}

/// Codes with what they were called before, which comments may still say.
const FORMER: [(&str, &str); 2] = [("incompatible-call", "misfit-call"), ("incompatible-override", "misfit-override")];

/// `type: ignore`, `type: ignore[attr-defined]`, `pyright: ignore`, `ty: ignore`.
fn is_type_ignore(comment: &str) -> bool {
    let tool = comment.trim_start().split_once(':');
    tool.is_some_and(|(tool, rest)| {
        matches!(tool, "type" | "pyright" | "ty") && rest.trim_start().starts_with("ignore")
    })
}

/// What `tantu: ignore[a, b]` silences; `None` when `comment` is something else.
fn directive(comment: &str) -> Option<Option<Vec<&str>>> {
    let rest = comment.trim_start().strip_prefix("tantu:")?.trim_start().strip_prefix("ignore")?;
    match rest.trim_start().strip_prefix('[') {
        Some(codes) => {
            let (codes, _) = codes.split_once(']')?;
            Some(Some(codes.split(',').map(str::trim).collect()))
        }
        None => (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use syntax::parse;

    use super::*;

    #[test]
    fn former_codes_still_suppress() {
        let text = "f()  # tantu: ignore[misfit-call]\ng()  # tantu: ignore[incompatible-call]\n";
        let (parsed, lines) = (parse(text), LineIndex::new(text));
        let suppressions = Suppressions::of(text, parsed.tokens(), &lines);
        assert!(suppressions.silence(0, "incompatible-call") && suppressions.silence(1, "incompatible-call"));
        assert!(!suppressions.silence(0, "incompatible-override"));
    }
}
