//! `# noqa` comments.

use ruff_diagnostics::Edit;
use ruff_text_size::Ranged;
use syntax::{TextEdit, TextSize};

use crate::difference::difference;
use crate::{Document, Finding, Ruff};

impl Ruff {
    /// The edits that silence `finding` with a comment `# noqa: CODE` at the end of its line, or of the string or the
    /// continued line that it is in; with `reason` behind the code. Codes are added to a comment that is there. None when
    /// such a comment is there already, and for what a comment cannot name: codes are letters and digits, as in `F401`.
    ///
    /// `finding` need not be this linter's: one of [`crate::ProjectRuff`] does as well.
    pub fn noqa(&self, document: &Document<'_>, finding: &Finding, reason: Option<&str>) -> Vec<TextEdit> {
        let end = TextSize::of(document.text);
        if code_length(&finding.code) != Some(finding.code.len()) || finding.range.end() > end {
            return Vec::new();
        }
        let edit = self.suppression(document, &finding.code, finding.range);
        edit.map(|edit| commented(document.text, &edit, reason)).unwrap_or_default()
    }
}

/// `edit` rewrites the end of a line. It drops what stands behind the codes of a comment, which may be the reason for
/// them, and ends the text with a line break; this puts both right.
fn commented(text: &str, edit: &Edit, reason: Option<&str>) -> Vec<TextEdit> {
    let old = &text[edit.range()];
    let old_comment = old.trim_end_matches(['\r', '\n']);
    let line_break = &old[old_comment.len()..];
    let mut new = edit.content().unwrap_or_default().trim_end_matches(['\r', '\n']).to_owned();
    if let Some(reason) = reason {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if !reason.is_empty() {
            new.push(' ');
            new.push_str(&reason);
        }
    }
    new.push_str(behind_codes(old_comment));
    new.push_str(line_break);
    let edits = difference(old, &new).into_iter();
    edits.map(|edit_of_old| TextEdit::replace(edit_of_old.range + edit.start(), edit_of_old.text)).collect()
}

/// What follows the codes of a `noqa` comment, with the space before it.
fn behind_codes(comment: &str) -> &str {
    let Some(start) = comment.to_ascii_lowercase().find("noqa") else { return "" };
    let Some((_, mut rest)) = comment[start..].split_once(':') else { return "" };
    loop {
        let code = rest.trim_start_matches([' ', '\t', ',']);
        match code_length(code) {
            Some(length) => rest = &code[length..],
            None => return rest.trim_end(),
        }
    }
}

/// How long the rule's code is with which `text` begins.
fn code_length(text: &str) -> Option<usize> {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let behind = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_code = digits.len() < text.len() && behind.len() < digits.len();
    (is_code && !behind.starts_with(|c: char| c.is_alphanumeric())).then(|| text.len() - behind.len())
}

#[cfg(test)]
mod tests {
    use syntax::{apply_edits, parse};

    use super::*;
    use crate::Linter;

    fn check(text: &str, code: &str, reason: Option<&str>, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let settings = "line-length = 20\nlint.select = [\"F\", \"E\", \"B\"]\n";
        std::fs::write(folder.path().join("ruff.toml"), settings).unwrap();
        let path = folder.path().join("a.py");
        let ruff = Ruff::with_user_settings(None);
        let document = Document { path: &path, text, parsed: &parse(text) };
        let finding = ruff.lint(&document).into_iter().find(|finding| finding.code == code).unwrap();
        let edits = ruff.noqa(&document, &finding, reason);
        assert_eq!(apply_edits(text, &edits).as_deref(), Ok(expected));
        let again = Document { path: &path, text: expected, parsed: &parse(expected) };
        assert!(ruff.lint(&again).iter().all(|finding| finding.code != code));
        assert_eq!(ruff.noqa(&again, &finding, reason), []);
    }

    #[test]
    fn the_code_stands_at_the_end_of_the_line() {
        check("import os\nx = 1\n", "F401", None, "import os  # noqa: F401\nx = 1\n");
        check("import os\r\nx = 1\r\n", "F401", None, "import os  # noqa: F401\r\nx = 1\r\n");
        check("import os", "F401", None, "import os  # noqa: F401");
        check("import os", "F401", Some("is\nimported  elsewhere"), "import os  # noqa: F401 is imported elsewhere");
        check("import os  # why\n", "F401", None, "import os  # why  # noqa: F401\n");
        check("é = x == None\n", "E711", None, "é = x == None  # noqa: E711\n");
    }

    #[test]
    fn codes_are_added_to_a_comment() {
        check("import os  # noqa: E501\n", "F401", None, "import os  # noqa: E501, F401\n");
        check("import os  # noqa: E501 it is long\n", "F401", None, "import os  # noqa: E501, F401 it is long\n");
        check(
            "import os  # noqa: B008, E501  # pragma: no cover\n",
            "F401",
            Some("used"),
            "import os  # noqa: B008, E501, F401 used  # pragma: no cover\n",
        );
    }

    #[test]
    fn only_codes_can_be_named() {
        assert_eq!(code_length("F401, E501"), Some(4));
        assert_eq!(code_length("secret"), None);
        assert_eq!(code_length("F401x"), None);
        assert_eq!(code_length("TODO"), None);
        assert_eq!(code_length("42"), None);
    }

    #[test]
    fn strings_and_continued_lines_get_it_at_their_end() {
        let text = "x = \"\"\"\nmuch longer than twenty columns\n\"\"\"\ny = 1\n";
        check(text, "E501", None, &text.replace("\"\"\"\ny", "\"\"\"  # noqa: E501\ny"));
        check("x = None == \\\n    undefined\n", "E711", None, "x = None == \\\n    undefined  # noqa: E711\n");
    }
}
