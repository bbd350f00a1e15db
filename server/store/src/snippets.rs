//! Code that somebody wants to keep, by name, for each workspace.

use rusqlite::{OptionalExtension, Row, params};

use crate::summaries::now;
use crate::{Error, Journal};

/// Code with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    pub name: String,
    /// When it was kept, in seconds since 1970.
    pub at: i64,
    /// Where it is from, such as `shop/cart.py:12`.
    pub origin: String,
    pub code: String,
    /// Tests that belong to it; empty if there are none.
    pub tests: String,
}

impl Journal {
    /// Keeps `snippet`, in place of the one that has its name; its time is now. Whether there was one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_snippet(&self, workspace: &str, snippet: &Snippet) -> Result<bool, Error> {
        let replaced = self.snippet(workspace, &snippet.name)?.is_some();
        let Snippet { name, origin, code, tests, .. } = snippet;
        self.connection()
            .prepare_cached(
                "INSERT OR REPLACE INTO snippets (workspace, name, at, origin, code, tests) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![workspace, name, now(), origin, code, tests])?;
        Ok(replaced)
    }

    /// The snippet `name`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn snippet(&self, workspace: &str, name: &str) -> Result<Option<Snippet>, Error> {
        let connection = self.connection();
        let mut select = connection
            .prepare_cached("SELECT name, at, origin, code, tests FROM snippets WHERE workspace = ? AND name = ?")?;
        Ok(select.query_row([workspace, name], snippet).optional()?)
    }

    /// The snippets that have `words` in name or code, in any case; all of them for nothing. By name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn snippets(&self, workspace: &str, words: &str) -> Result<Vec<Snippet>, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT name, at, origin, code, tests FROM snippets
             WHERE workspace = ?1 AND (?2 = '' OR instr(lower(name || ' ' || code), lower(?2)) > 0) ORDER BY name",
        )?;
        let rows = select.query_map([workspace, words], snippet)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether there was a snippet `name`.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_snippet(&self, workspace: &str, name: &str) -> Result<bool, Error> {
        let connection = self.connection();
        let removed = connection
            .prepare_cached("DELETE FROM snippets WHERE workspace = ? AND name = ?")?
            .execute([workspace, name])?;
        Ok(removed > 0)
    }
}

fn snippet(row: &Row<'_>) -> rusqlite::Result<Snippet> {
    Ok(Snippet { name: row.get(0)?, at: row.get(1)?, origin: row.get(2)?, code: row.get(3)?, tests: row.get(4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_searched_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        let snippet = |name: &str, code: &str| Snippet {
            name: name.to_owned(),
            at: 0,
            origin: "a.py:1".to_owned(),
            code: code.to_owned(),
            tests: String::new(),
        };
        assert!(!journal.keep_snippet("/w", &snippet("sum", "Total = 1")).unwrap());
        assert!(!journal.keep_snippet("/w", &snippet("mean", "x")).unwrap());
        assert!(!journal.keep_snippet("/other", &snippet("sum", "y")).unwrap());
        assert!(journal.keep_snippet("/w", &snippet("sum", "Total = 2")).unwrap());
        let names = |words: &str| -> Vec<String> {
            journal.snippets("/w", words).unwrap().into_iter().map(|it| it.name).collect()
        };
        assert_eq!(
            (names(""), names("total"), names("%")),
            (vec!["mean".into(), "sum".into()], vec!["sum".into()], vec![])
        );
        assert_eq!(journal.snippet("/w", "sum").unwrap().unwrap().code, "Total = 2");
        assert!(journal.remove_snippet("/w", "sum").unwrap() && !journal.remove_snippet("/w", "sum").unwrap());
        assert_eq!(journal.snippet("/other", "sum").unwrap().unwrap().code, "y");
    }
}
