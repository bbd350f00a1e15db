//! What models did wrong, so that they can be told the next time.

use std::collections::BTreeSet;

use rusqlite::{Row, Transaction, params};

use crate::summaries::now;
use crate::{Error, Journal};

/// Mistakes that are kept for one workspace.
const MAX_KEPT: usize = 500;
/// A mistake that was seen once is put aside when it was not seen again for as many seconds.
const RARE_FOR: i64 = 90 * 24 * 60 * 60;
/// Two texts of one category are about the same mistake when they share at least this part of their words.
const ALIKE: f64 = 0.8;

/// Something that was wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In kebab case: the code of a finding, `rejected` or `adjusted`.
    pub category: String,
    /// What was wrong, in words fit for a model.
    pub text: String,
    /// The lines that were wrong, without secrets; may be empty.
    pub snippet: String,
    /// The user's name for the model that made it.
    pub model: String,
    /// `error` or `adjustment`.
    pub severity: String,
    /// The name whose use is this mistake, such as `os.system`.
    pub forbidden: Option<String>,
}

/// A mistake with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMistake {
    pub id: i64,
    pub mistake: Mistake,
    /// How often it was made.
    pub frequency: u32,
    /// How often a model was told of it, or an answer was refused for it.
    pub hits: u32,
    /// Seconds since 1970.
    pub first_seen: i64,
    pub last_seen: i64,
    /// Old and rare: no longer told.
    pub is_archived: bool,
}

const COLUMNS: &str = "m.id, m.category, m.text, m.snippet, m.model, m.severity, m.forbidden, m.frequency, m.hits, \
                       m.first_seen, m.last_seen, m.is_archived";

impl Journal {
    /// Keeps a mistake; one that is alike is made once more instead. Puts aside what is old and rare. The answer is its
    /// number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn learn(&self, workspace: &str, mistake: &Mistake) -> Result<i64, Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let now = now();
        transaction.execute(
            "UPDATE mistakes SET is_archived = 1 WHERE workspace = ? AND frequency = 1 AND last_seen < ?",
            params![workspace, now - RARE_FOR],
        )?;
        let known = all(&transaction, workspace)?;
        let same = known.iter().find(|it| {
            it.mistake.category == mistake.category
                && it.mistake.forbidden == mistake.forbidden
                && likeness(&it.mistake.text, &mistake.text) >= ALIKE
        });
        let id = match same {
            Some(same) => {
                transaction.execute(
                    "UPDATE mistakes SET frequency = frequency + 1, last_seen = ?, is_archived = 0, text = ?, snippet = ?,
                     model = ? WHERE id = ?",
                    params![now, mistake.text, mistake.snippet, mistake.model, same.id],
                )?;
                transaction.execute("DELETE FROM mistake_words WHERE rowid = ?", [same.id])?;
                same.id
            }
            None => {
                let Mistake { category, text, snippet, model, severity, forbidden } = mistake;
                transaction.execute(
                    "INSERT INTO mistakes (workspace, category, text, snippet, model, severity, forbidden, frequency, hits,
                     first_seen, last_seen, is_archived) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?, 0)",
                    params![workspace, category, text, snippet, model, severity, forbidden, now, now],
                )?;
                transaction.last_insert_rowid()
            }
        };
        transaction.execute(
            "INSERT INTO mistake_words (rowid, text, snippet) VALUES (?, ?, ?)",
            params![id, mistake.text, mistake.snippet],
        )?;
        // The rarest go first, of those the oldest.
        let mut rest: Vec<&KnownMistake> = known.iter().filter(|it| it.id != id).collect();
        rest.sort_by_key(|it| (!it.is_archived, it.frequency, it.last_seen));
        for old in rest.iter().take((rest.len() + 1).saturating_sub(MAX_KEPT)) {
            remove(&transaction, old.id)?;
        }
        transaction.commit()?;
        Ok(id)
    }

    /// All mistakes of `workspace`, the most frequent first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn mistakes(&self, workspace: &str) -> Result<Vec<KnownMistake>, Error> {
        Ok(all(&self.connection(), workspace)?)
    }

    /// The mistakes whose words are most like `text`, best first; none that were put aside.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn mistakes_like(&self, workspace: &str, text: &str, limit: u32) -> Result<Vec<KnownMistake>, Error> {
        let words = words(text);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let query: Vec<String> = words.iter().take(200).map(|word| format!("\"{word}\"")).collect();
        let connection = self.connection();
        let mut select = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM mistake_words JOIN mistakes m ON m.id = mistake_words.rowid
             WHERE mistake_words MATCH ? AND m.workspace = ? AND NOT m.is_archived ORDER BY bm25(mistake_words), m.id LIMIT ?"
        ))?;
        let rows = select.query_map(params![query.join(" OR "), workspace, limit], known)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts that these mistakes were of use.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn hit_mistakes(&self, ids: &[i64]) -> Result<(), Error> {
        let connection = self.connection();
        let mut update = connection.prepare_cached("UPDATE mistakes SET hits = hits + 1 WHERE id = ?")?;
        for id in ids {
            update.execute([id])?;
        }
        Ok(())
    }

    /// Forgets one mistake of `workspace`, or all of them. How many there were.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn forget_mistakes(&self, workspace: &str, id: Option<i64>) -> Result<usize, Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let known = all(&transaction, workspace)?;
        let gone: Vec<i64> = known.iter().map(|it| it.id).filter(|known| id.is_none_or(|id| id == *known)).collect();
        for id in &gone {
            remove(&transaction, *id)?;
        }
        transaction.commit()?;
        Ok(gone.len())
    }
}

fn all(connection: &rusqlite::Connection, workspace: &str) -> rusqlite::Result<Vec<KnownMistake>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM mistakes m WHERE workspace = ? ORDER BY is_archived, frequency DESC, last_seen DESC, id"
    ))?;
    select.query_map([workspace], known)?.collect()
}

fn remove(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM mistakes WHERE id = ?")?.execute([id])?;
    transaction.prepare_cached("DELETE FROM mistake_words WHERE rowid = ?")?.execute([id])?;
    Ok(())
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownMistake> {
    Ok(KnownMistake {
        id: row.get(0)?,
        mistake: Mistake {
            category: row.get(1)?,
            text: row.get(2)?,
            snippet: row.get(3)?,
            model: row.get(4)?,
            severity: row.get(5)?,
            forbidden: row.get(6)?,
        },
        frequency: row.get(7)?,
        hits: row.get(8)?,
        first_seen: row.get(9)?,
        last_seen: row.get(10)?,
        is_archived: row.get(11)?,
    })
}

/// Words of at least three letters, in lower case.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    words.map(str::to_lowercase).collect()
}

/// The share of their words that two texts have in common (Jaccard's index).
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 1.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "/w";

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        (folder, journal)
    }

    fn mistake(text: &str) -> Mistake {
        Mistake {
            category: "undefined-name".to_owned(),
            text: text.to_owned(),
            snippet: "total_amount()".to_owned(),
            model: "local".to_owned(),
            severity: "error".to_owned(),
            forbidden: None,
        }
    }

    #[test]
    fn what_is_alike_is_one_mistake() {
        let (_folder, journal) = journal();
        let first = journal.learn(HERE, &mistake("`Cart` has no member `total_amount`")).unwrap();
        let again = journal.learn(HERE, &mistake("`Cart` has no member `total_amount`.")).unwrap();
        let other = journal.learn(HERE, &mistake("`price` takes two arguments")).unwrap();
        let elsewhere = journal.learn("/other", &mistake("`Cart` has no member `total_amount`")).unwrap();
        assert!(first == again && first != other && elsewhere != first);
        let known = journal.mistakes(HERE).unwrap();
        assert_eq!(known.iter().map(|it| (it.id, it.frequency)).collect::<Vec<_>>(), [(first, 2), (other, 1)]);
    }

    #[test]
    fn mistakes_are_found_by_their_words_and_counted() {
        let (_folder, journal) = journal();
        let cart = journal.learn(HERE, &mistake("`Cart` has no member `total_amount`")).unwrap();
        journal.learn(HERE, &Mistake { snippet: String::new(), ..mistake("`price` takes two arguments") }).unwrap();
        let found = journal.mistakes_like(HERE, "write def total(cart: Cart) \" OR (", 5).unwrap();
        assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), [cart]);
        journal.hit_mistakes(&[cart]).unwrap();
        assert_eq!(journal.mistakes(HERE).unwrap()[0].hits, 1);
        assert_eq!(journal.mistakes_like(HERE, "a b", 5).unwrap(), []);
    }

    #[test]
    fn what_is_old_and_rare_is_put_aside_until_it_is_made_again() {
        let (_folder, journal) = journal();
        let old = journal.learn(HERE, &mistake("`Cart` has no member `total_amount`")).unwrap();
        journal.connection().execute("UPDATE mistakes SET last_seen = 1000", []).unwrap();
        journal.learn(HERE, &mistake("`price` takes two arguments")).unwrap();
        assert!(journal.mistakes(HERE).unwrap().iter().any(|it| it.id == old && it.is_archived));
        assert_eq!(journal.mistakes_like(HERE, "cart member", 5).unwrap(), []);
        journal.learn(HERE, &mistake("`Cart` has no member `total_amount`")).unwrap();
        assert_eq!(journal.mistakes_like(HERE, "cart member", 5).unwrap()[0].id, old);
    }

    #[test]
    fn mistakes_are_forgotten_one_by_one_and_all_at_once() {
        let (_folder, journal) = journal();
        let ids: Vec<i64> = ["one thing", "another matter", "third case"]
            .map(|text| journal.learn(HERE, &mistake(text)).unwrap())
            .into();
        assert_eq!(journal.forget_mistakes("/other", Some(ids[0])).unwrap(), 0);
        assert_eq!(journal.forget_mistakes(HERE, Some(ids[0])).unwrap(), 1);
        assert_eq!(journal.mistakes_like(HERE, "thing", 5).unwrap(), []);
        assert_eq!(journal.forget_mistakes(HERE, None).unwrap(), 2);
        assert_eq!(journal.mistakes(HERE).unwrap(), []);
    }

    #[test]
    fn there_are_never_too_many() {
        let (_folder, journal) = journal();
        for at in 0..MAX_KEPT + 3 {
            journal.learn(HERE, &mistake(&format!("case{at} matter{at} thing{at}"))).unwrap();
        }
        assert_eq!(journal.mistakes(HERE).unwrap().len(), MAX_KEPT);
    }
}
