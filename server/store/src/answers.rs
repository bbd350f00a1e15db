//! Answers that were paid for, by what was asked; and which servers are better left alone for a while.

use rusqlite::{OptionalExtension, params};

use crate::{Error, Journal};

/// The answer to a question that was asked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it was given, in seconds since 1970.
    pub at: i64,
    /// Who gave it: the user's name for the model.
    pub model: String,
    /// With placeholders where secrets were.
    pub text: String,
    /// The tokens that the provider counted, input and output.
    pub tokens: Option<(u64, u64)>,
    /// As in [`crate::Call`].
    pub prompt_hash: String,
}

/// A server that failed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingServer {
    /// `https://api.example.com`
    pub server: String,
    /// In a row.
    pub failures: u32,
    /// It is not asked before, in seconds since 1970. `None`: it may be.
    pub open_until: Option<i64>,
    /// The last error.
    pub error: String,
    /// When that was, in seconds since 1970.
    pub at: i64,
}

impl Journal {
    /// The answer to `key`, if it was given at `since` (seconds since 1970) or later.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn answer(&self, key: &[u8; 32], since: i64) -> Result<Option<Answer>, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT at, model, text, input, output, prompt_hash FROM answers WHERE key = ? AND at >= ?",
        )?;
        let answer = select.query_row(params![key, since], |row| {
            let (input, output): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            let tokens = input.zip(output).map(|(input, output)| (input.cast_unsigned(), output.cast_unsigned()));
            Ok(Answer { at: row.get(0)?, model: row.get(1)?, text: row.get(2)?, tokens, prompt_hash: row.get(5)? })
        });
        Ok(answer.optional()?)
    }

    /// Keeps an answer, and forgets all that were given before `since` (seconds since 1970).
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn keep_answer(&self, key: &[u8; 32], answer: &Answer, since: i64) -> Result<(), Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM answers WHERE at < ?", [since])?;
        let (input, output) = answer.tokens.unzip();
        transaction.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                key,
                answer.at,
                answer.model,
                answer.text,
                input.map(u64::cast_signed),
                output.map(u64::cast_signed),
                answer.prompt_hash
            ],
        )?;
        Ok(transaction.commit()?)
    }

    /// Forgets all answers to a prompt, whoever gave them.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn forget_answers(&self, prompt_hash: &str) -> Result<(), Error> {
        self.connection().execute("DELETE FROM answers WHERE prompt_hash = ?", [prompt_hash])?;
        Ok(())
    }

    /// Notes that a server fails.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn note_failing(&self, server: &FailingServer) -> Result<(), Error> {
        let FailingServer { server, failures, open_until, error, at } = server;
        self.connection().execute(
            "INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?, ?)",
            params![server, failures, open_until, error, at],
        )?;
        Ok(())
    }

    /// Notes that a server works.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn note_working(&self, server: &str) -> Result<(), Error> {
        self.connection().execute("DELETE FROM servers WHERE server = ?", [server])?;
        Ok(())
    }

    /// The servers that failed when they were last asked.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn failing(&self) -> Result<Vec<FailingServer>, Error> {
        let connection = self.connection();
        let mut select =
            connection.prepare_cached("SELECT server, failures, open_until, error, at FROM servers ORDER BY server")?;
        let servers = select.query_map([], |row| {
            Ok(FailingServer {
                server: row.get(0)?,
                failures: row.get(1)?,
                open_until: row.get(2)?,
                error: row.get(3)?,
                at: row.get(4)?,
            })
        })?;
        Ok(servers.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        (folder, journal)
    }

    #[test]
    fn answers_grow_old() {
        let (_folder, journal) = journal();
        let answer = |at| Answer {
            at,
            model: "local".into(),
            text: "x = 1".into(),
            tokens: Some((7, 3)),
            prompt_hash: "0a".into(),
        };
        journal.keep_answer(&[1; 32], &answer(100), 0).unwrap();
        assert_eq!(journal.answer(&[1; 32], 100).unwrap(), Some(answer(100)));
        assert_eq!(journal.answer(&[1; 32], 101).unwrap(), None);
        assert_eq!(journal.answer(&[2; 32], 0).unwrap(), None);
        journal.keep_answer(&[2; 32], &Answer { tokens: None, ..answer(300) }, 200).unwrap();
        assert_eq!(journal.answer(&[1; 32], 0).unwrap(), None);
        assert_eq!(journal.answer(&[2; 32], 0).unwrap().unwrap().tokens, None);
        journal.forget_answers("0b").unwrap();
        assert!(journal.answer(&[2; 32], 0).unwrap().is_some());
        journal.forget_answers("0a").unwrap();
        assert_eq!(journal.answer(&[2; 32], 0).unwrap(), None);
    }

    #[test]
    fn servers_fail_until_they_work() {
        let (_folder, journal) = journal();
        let failing = FailingServer {
            server: "http://a".into(),
            failures: 3,
            open_until: Some(160),
            error: "refused".into(),
            at: 100,
        };
        journal.note_failing(&FailingServer { failures: 1, open_until: None, ..failing.clone() }).unwrap();
        journal.note_failing(&failing).unwrap();
        assert_eq!(journal.failing().unwrap(), [failing]);
        journal.note_working("http://a").unwrap();
        assert_eq!(journal.failing().unwrap(), []);
    }
}
