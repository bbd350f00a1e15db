//! Every question to a model: for the sums, and for whoever wants to know what was sent when.

use rusqlite::{Row, params};

use crate::{Error, Journal};

/// One question to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Seconds since 1970.
    pub at: i64,
    /// The user's name for the model.
    pub model: String,
    pub provider: String,
    /// The server's name for it.
    pub server_model: String,
    /// What it was asked for, such as `implement-function`.
    pub assist: String,
    pub input: u64,
    pub output: u64,
    /// The provider did not count, so that the tokens are derived from the lengths of the texts.
    pub estimated: bool,
    /// In millionths of a US dollar; `None` where the price is not known.
    pub cost: Option<u64>,
    pub millis: u64,
    /// How it ended: `end`, `length`, `cached`, `cancelled`, or an error.
    pub outcome: String,
    pub prompt_hash: String,
    /// Redacted, as it was sent; only if the user asked for it.
    pub prompt: Option<String>,
}

/// The sums of a day, an assist and a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// `2026-01-31`, in UTC.
    pub day: String,
    pub assist: String,
    pub model: String,
    pub calls: u64,
    pub input: u64,
    pub output: u64,
    /// In millionths of a US dollar.
    pub cost: u64,
    /// Calls whose price is not known.
    pub unpriced: u64,
}

/// What was spent since some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// In millionths of a US dollar.
    pub cost: u64,
    /// Input and output together.
    pub tokens: u64,
}

impl Journal {
    /// Adds a call.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, call: &Call) -> Result<(), Error> {
        self.connection()
            .prepare_cached(
                "INSERT INTO calls (at, model, provider, server_model, assist, input, output, estimated, cost, millis,
                 outcome, prompt_hash, prompt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                call.at,
                call.model,
                call.provider,
                call.server_model,
                call.assist,
                call.input.cast_signed(),
                call.output.cast_signed(),
                call.estimated,
                call.cost.map(u64::cast_signed),
                call.millis.cast_signed(),
                call.outcome,
                call.prompt_hash,
                call.prompt,
            ])?;
        Ok(())
    }

    /// The calls since `since` (seconds since 1970), the latest first, `limit` at most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn calls(&self, since: i64, limit: u32) -> Result<Vec<Call>, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT at, model, provider, server_model, assist, input, output, estimated, cost, millis, outcome,
             prompt_hash, prompt FROM calls WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?",
        )?;
        Ok(select.query_map((since, limit), call)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The sums since `since` (seconds since 1970), by day, assist and model, the latest day first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn usage(&self, since: i64) -> Result<Vec<Sum>, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT date(at, 'unixepoch') AS day, assist, model, count(*), sum(input), sum(output),
             coalesce(sum(cost), 0), sum(cost IS NULL) FROM calls WHERE at >= ?
             GROUP BY day, assist, model ORDER BY day DESC, assist, model",
        )?;
        let sums = select.query_map([since], |row| {
            Ok(Sum {
                day: row.get(0)?,
                assist: row.get(1)?,
                model: row.get(2)?,
                calls: number(row, 3)?,
                input: number(row, 4)?,
                output: number(row, 5)?,
                cost: number(row, 6)?,
                unpriced: number(row, 7)?,
            })
        })?;
        Ok(sums.collect::<rusqlite::Result<_>>()?)
    }

    /// What was spent since `since` (seconds since 1970).
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn spent(&self, since: i64) -> Result<Spent, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT coalesce(sum(cost), 0), coalesce(sum(input + output), 0) FROM calls WHERE at >= ?",
        )?;
        Ok(select.query_row([since], |row| Ok(Spent { cost: number(row, 0)?, tokens: number(row, 1)? }))?)
    }
}

fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    Ok(Call {
        at: row.get(0)?,
        model: row.get(1)?,
        provider: row.get(2)?,
        server_model: row.get(3)?,
        assist: row.get(4)?,
        input: number(row, 5)?,
        output: number(row, 6)?,
        estimated: row.get(7)?,
        cost: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
        millis: number(row, 9)?,
        outcome: row.get(10)?,
        prompt_hash: row.get(11)?,
        prompt: row.get(12)?,
    })
}

/// SQLite's numbers have signs; ours were written without one.
fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(index)?.cast_unsigned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn call(at: i64, model: &str, assist: &str) -> Call {
        Call {
            at,
            model: model.to_owned(),
            provider: "ollama".to_owned(),
            server_model: "qwen3:8b".to_owned(),
            assist: assist.to_owned(),
            input: 100,
            output: 10,
            estimated: false,
            cost: Some(1500),
            millis: 20,
            outcome: "end".to_owned(),
            prompt_hash: "00".to_owned(),
            prompt: None,
        }
    }

    #[test]
    fn sums_by_day_assist_and_model() {
        const DAY: i64 = 24 * 60 * 60;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        assert_eq!(journal.spent(0).unwrap(), Spent::default());
        let unpriced = Call { cost: None, ..call(DAY + 5, "local", "review") };
        for call in
            [call(10, "local", "review"), call(DAY, "cloud", "review"), call(DAY + 1, "cloud", "review"), unpriced]
        {
            journal.record(&call).unwrap();
        }
        let sums = journal.usage(0).unwrap();
        let short: Vec<_> =
            sums.iter().map(|sum| (&*sum.day, &*sum.model, sum.calls, sum.cost, sum.unpriced)).collect();
        let expected = [
            ("1970-01-02", "cloud", 2, 3000, 0),
            ("1970-01-02", "local", 1, 0, 1),
            ("1970-01-01", "local", 1, 1500, 0),
        ];
        assert_eq!(short, expected);
        assert_eq!((sums[0].input, sums[0].output), (200, 20));
        assert_eq!(journal.spent(DAY).unwrap(), Spent { cost: 3000, tokens: 330 });
        assert_eq!(journal.usage(DAY).unwrap().len(), 2);
        let latest = journal.calls(0, 2).unwrap();
        assert_eq!(latest.iter().map(|call| call.at).collect::<Vec<_>>(), [DAY + 5, DAY + 1]);
        assert_eq!(latest[0].cost, None);
    }
}
