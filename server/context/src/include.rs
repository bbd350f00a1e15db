//! Files that the user wants a model to see: texts from their beginning, tables by their first rows.

use serde::Serialize;

use crate::documents::Passage;
use crate::index::Index;

/// A file and its text, or the beginning of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// As the file is known to people.
    pub path: String,
    /// Or why there is none, as in "`path`: it is encrypted".
    pub text: Result<String, String>,
}

/// A file that the user named and that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    pub path: String,
    pub why: String,
}

impl Included {
    pub(crate) fn unread(self) -> Option<Unread> {
        let why = self.text.err()?;
        Some(Unread { path: self.path, why })
    }
}

/// The header of a table and its first rows.
const TABLE_LINES: usize = 6;
/// Longer lines are cut.
const MAX_LINE_BYTES: usize = 400;

impl Index {
    /// As much of each of `files` as fits in `budget` tokens together, and what that takes. What one does not need is for
    /// those after it.
    pub(crate) fn include(&self, files: &[Included], budget: usize) -> (Vec<Passage>, usize) {
        let mut left = budget;
        let mut shown = Vec::new();
        let texts: Vec<(&str, &str)> =
            files.iter().filter_map(|file| Some((file.path.as_str(), file.text.as_deref().ok()?))).collect();
        for (number, (path, text)) in texts.iter().enumerate() {
            let passage = self.beginning(path, text, left / (texts.len() - number));
            left -= passage.as_ref().map_or(0, |passage| passage.tokens);
            shown.extend(passage);
        }
        (shown, budget - left)
    }

    /// The first lines of a file that fit in `budget` tokens; `None` where not one does.
    fn beginning(&self, path: &str, whole: &str, budget: usize) -> Option<Passage> {
        let is_table = [".csv", ".tsv"].iter().any(|end| path.to_lowercase().ends_with(end));
        let total = whole.lines().count();
        let most = if is_table { TABLE_LINES } else { total };
        let mut text = String::new();
        let (mut tokens, mut lines) = (0, 0);
        for line in whole.lines().take(most) {
            let line = match line.len() > MAX_LINE_BYTES {
                true => format!("{} …\n", &line[..line.floor_char_boundary(MAX_LINE_BYTES)]),
                false => format!("{line}\n"),
            };
            let cost = self.counter.count(&line);
            if tokens + cost > budget {
                break;
            }
            (tokens, lines) = (tokens + cost, lines + 1);
            text.push_str(&line);
        }
        if lines == 0 {
            return None;
        }
        text.pop();
        let reason = match total - lines {
            0 => "named in `context.include`".to_owned(),
            1 => "named in `context.include`; its last line is left out".to_owned(),
            rest => format!("named in `context.include`; at least {rest} more lines are left out"),
        };
        // The whole may be a little less than its lines one by one, never more.
        let tokens = tokens.min(self.counter.count(&format!("{text}\n")));
        let (heading, path) = (String::new(), path.to_owned());
        Some(Passage { path, heading, start_line: 1, end_line: lines as u32, text, tokens, reason })
    }
}

#[cfg(test)]
mod tests {
    use graph::AnalysisHost;

    use super::*;

    fn file(path: &str, text: &str) -> Included {
        Included { path: path.to_owned(), text: Ok(text.to_owned()) }
    }

    #[test]
    fn texts_from_their_beginning_and_tables_by_their_first_rows() {
        let index = Index::new(&AnalysisHost::new(vec!["/".into()]).analysis());
        let rows: String = (0..1_000).map(|n| format!("{n},{}\n", n * n)).collect();
        let notes: String = (0..100).map(|n| format!("Note {n}.\n")).collect();
        let files = [
            file("data/squares.CSV", &format!("n,square\n{rows}")),
            file("notes.txt", &notes),
            file("empty.txt", ""),
            file("wide.txt", &"é".repeat(10_000)),
            Included { path: "closed.pdf".to_owned(), text: Err("it is encrypted".to_owned()) },
        ];
        let (shown, used) = index.include(&files, 2_000);
        assert_eq!(
            shown.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(),
            ["data/squares.CSV", "notes.txt", "wide.txt"]
        );
        assert_eq!(shown[0].text, "n,square\n0,0\n1,1\n2,4\n3,9\n4,16");
        assert!(shown[0].reason.ends_with("at least 995 more lines are left out"), "{}", shown[0].reason);
        assert!(shown[1].text.ends_with("Note 99.") && shown[1].reason.ends_with("`context.include`"));
        assert!(shown[2].text.len() < 500 && shown[2].text.ends_with('…'));
        assert_eq!(used, shown.iter().map(|it| it.tokens).sum::<usize>());
        let (little, used) = index.include(&files[1..2], 60);
        assert!(used <= 60 && little[0].end_line < 20 && little[0].text.starts_with("Note 0."));
        assert_eq!(index.include(&files, 0), (Vec::new(), 0));
    }
}
