//! Which syntax the parts of a prompt are in.
//!
//! A prompt quotes files between lines `<data-…>` and `</data-…>`, whose mark no quoted text contains. The first line of what
//! is quoted names the file, alone or behind `# `; else what is quoted tells.

use std::ops::Range;

use credential::grammar::Syntax;

pub(super) fn parts(text: &str) -> Vec<(Range<usize>, Syntax)> {
    let mut parts = Vec::new();
    let mut start = 0;
    // The line that will end the part, and the part's syntax once its first line was read.
    let mut quotation: Option<(String, Option<Syntax>)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        match &mut quotation {
            None if content.starts_with("<data-") && content.ends_with('>') => {
                parts.push((start..at, Syntax::Unknown));
                start = at + line.len();
                quotation = Some((format!("</{}", &content[1..]), None));
            }
            Some((end, syntax)) if content == end => {
                parts.push((start..at, syntax.unwrap_or(Syntax::Unknown)));
                start = at + line.len();
                quotation = None;
            }
            Some((_, syntax @ None)) => {
                let path = content.strip_prefix("# ").unwrap_or(content);
                let is_path = path.contains(['.', '/']) && !path.contains(['=', '(', '"', '\'', '<', ':']);
                let named = Syntax::of_path(path);
                if is_path || named != Syntax::Unknown {
                    parts.push((start..at + line.len(), Syntax::Markup));
                    start = at + line.len();
                }
                *syntax = Some(named);
            }
            _ => {}
        }
        at += line.len();
    }
    let syntax = quotation.and_then(|(_, syntax)| syntax).unwrap_or(Syntax::Unknown);
    parts.push((start..text.len(), syntax));
    parts.retain(|(range, _)| !range.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_files_are_read_by_their_names() {
        let text = "Read this:\n<data-1f>\nconf/app.yml\na: b\n</data-1f>\n\nCode:\n<data-1f>\n# a/b.py\nx = 1\n</data-1f>\nDo it.\n";
        let parts: Vec<(&str, Syntax)> =
            parts(text).into_iter().map(|(range, syntax)| (&text[range], syntax)).collect();
        assert_eq!(
            parts,
            [
                ("Read this:\n", Syntax::Unknown),
                ("conf/app.yml\n", Syntax::Markup),
                ("a: b\n", Syntax::Yaml),
                ("\nCode:\n", Syntax::Unknown),
                ("# a/b.py\n", Syntax::Markup),
                ("x = 1\n", Syntax::Python),
                ("Do it.\n", Syntax::Unknown),
            ]
        );
        assert_eq!(super::parts("<data-1>\nsetup.cfg\na = b"), [(9..19, Syntax::Markup), (19..24, Syntax::Ini)]);
    }
}
