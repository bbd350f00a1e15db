//! What a question may cost, what it cost, and a line in the journal for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::future::{BoxFuture, ready};
use futures::stream::{StreamExt, TryStreamExt, iter, once};
use serde::Deserialize;
use store::{Call, Spent};

use super::{State, lock, now};
use crate::config::Limits;
use crate::{Delta, Deltas, Error, LanguageModel, Request, StopReason, Usage};

const DAY: i64 = 24 * 60 * 60;

/// Source code has more bytes than this in a token, so an estimate is rather too high.
const BYTES_PER_TOKEN: u64 = 3;

/// What an answer is taken to have where its length is not limited, in tokens.
const ANSWER: u64 = 2048;

/// The share of a day's cap from which on the user is told.
const WARN_PERCENT: u64 = 80;

/// In US dollars for a million tokens, which is the same as millionths of a dollar for one.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

impl Price {
    pub(crate) const FREE: Price = Price { input: 0.0, output: 0.0 };

    /// By which models are compared: a prompt is several times as long as its answer.
    pub(crate) fn weight(self) -> f64 {
        4.0 * self.input + self.output
    }

    /// In millionths of a dollar, rounded up: what is spent is never less than what is counted.
    pub(crate) fn of(self, usage: Usage) -> u64 {
        (self.input * usage.input as f64 + self.output * usage.output as f64).ceil() as u64
    }
}

/// What a question takes at most, as far as can be said before.
pub(crate) fn estimate(request: &Request, max_output: Option<u32>) -> Usage {
    let bytes = (request.system().len() + request.user().len()) as u64;
    Usage { input: bytes.div_ceil(BYTES_PER_TOKEN), output: max_output.map_or(ANSWER, u64::from) }
}

/// `$1.25`, of millionths of a dollar; small sums with four digits.
pub fn dollars(micros: u64) -> String {
    let dollars = micros as f64 / 1e6;
    if micros > 0 && micros < 100_000 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// A model whose questions are counted, priced and bounded.
pub(crate) struct Accounted {
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) provider: String,
    /// What the server calls the model.
    pub(crate) server_model: String,
    /// `None`: unknown.
    pub(crate) price: Option<Price>,
    pub(crate) max_output: Option<u32>,
    pub(crate) limits: Limits,
    /// Whether prompts are kept in the journal.
    pub(crate) keeps_prompts: bool,
    pub(crate) state: Arc<State>,
}

impl Accounted {
    /// Refuses what is beyond a cap, and says what the user should know before.
    fn check_allowed(&self, usage: Usage) -> Result<(Spent, Vec<String>), Error> {
        let cost = self.price.map(|price| price.of(usage));
        let wanted = Spent { cost: cost.unwrap_or(0), tokens: usage.input + usage.output };
        let mut notes = Vec::new();
        if let Some(shown) = self.limits.show_estimate_above.filter(|&shown| wanted.cost > shown) {
            notes.push(format!("this may cost {}, more than {}", dollars(wanted.cost), dollars(shown)));
        }
        if let Some(cap) = self.limits.cost_per_request.filter(|&cap| wanted.cost > cap) {
            return Err(self.over(format!(
                "it may cost {}, and {} for one request",
                dollars(wanted.cost),
                dollars(cap)
            )));
        }
        let (cost_cap, token_cap) = (self.limits.cost_per_day, self.limits.tokens_per_day);
        // What costs nothing is not bounded by money.
        let cost_cap = cost_cap.filter(|_| wanted.cost > 0);
        let token_cap = token_cap.filter(|_| self.price != Some(Price::FREE));
        let mut pending = lock(&self.state.pending);
        if cost_cap.is_some() || token_cap.is_some() {
            let Some(journal) = &self.state.journal else {
                return Err(self.over("there is no journal to count in, and nothing".into()));
            };
            let spent =
                journal.spent(now() / DAY * DAY).map_err(|error| Error::Journal { message: error.to_string() })?;
            if let Some(cap) = cost_cap {
                let so_far = spent.cost + pending.cost;
                if so_far + wanted.cost > cap {
                    let (so_far, wanted) = (dollars(so_far), dollars(wanted.cost));
                    return Err(
                        self.over(format!("{so_far} are spent, it may cost {wanted}, and {} a day", dollars(cap)))
                    );
                }
                if so_far + wanted.cost >= cap / 100 * WARN_PERCENT {
                    notes.push(format!("{} of {} for today are spent", dollars(so_far), dollars(cap)));
                }
            }
            if let Some(cap) = token_cap {
                let so_far = spent.tokens + pending.tokens;
                if so_far + wanted.tokens > cap {
                    return Err(self
                        .over(format!("{so_far} tokens are used up, it may take {}, and {cap} a day", wanted.tokens)));
                }
                if so_far + wanted.tokens >= cap / 100 * WARN_PERCENT {
                    notes.push(format!("{so_far} of {cap} tokens for today are used up"));
                }
            }
        }
        pending.cost += wanted.cost;
        pending.tokens += wanted.tokens;
        Ok((wanted, notes))
    }

    fn over(&self, what: String) -> Error {
        Error::OverBudget { model: self.model.name().to_owned(), what }
    }
}

impl LanguageModel for Accounted {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        let estimate = estimate(&request, self.max_output);
        let (reserved, notes) = match self.check_allowed(estimate) {
            Ok(admitted) => admitted,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let call = Call {
            at: now(),
            model: self.model.name().to_owned(),
            provider: self.provider.clone(),
            server_model: self.server_model.clone(),
            assist: request.purpose().to_owned(),
            input: estimate.input,
            output: 0,
            estimated: true,
            cost: None,
            millis: 0,
            outcome: "cancelled".to_owned(),
            prompt_hash: request.hash(),
            prompt: self.keeps_prompts.then(|| format!("{}\n\n{}", request.system(), request.user())),
        };
        let mut entry = Entry {
            call,
            price: self.price,
            state: self.state.clone(),
            started: Instant::now(),
            bytes: 0,
            reserved,
            asked: Arc::default(),
        };
        let (model, asked) = (self.model.clone(), entry.asked.clone());
        // Notes are for before the question, so the question waits until they were heard.
        let asked = once(async move {
            asked.store(true, Ordering::Relaxed);
            model.generate(request).await
        })
        .try_flatten();
        let counted = asked.flat_map(move |delta| iter(entry.note(delta)));
        let notes = iter(notes.into_iter().map(|note| Ok(Delta::Note(note))));
        Box::pin(ready(Ok(notes.chain(counted).boxed())))
    }
}

/// A line of the journal in the making. It is written when the question is over, also when nobody waited for its end.
struct Entry {
    call: Call,
    price: Option<Price>,
    state: Arc<State>,
    started: Instant,
    /// Of text so far.
    bytes: u64,
    reserved: Spent,
    /// Whether a model may have read the prompt, which is paid for.
    asked: Arc<AtomicBool>,
}

impl Entry {
    /// Takes a delta, and adds the cost before the end.
    fn note(&mut self, delta: Result<Delta, Error>) -> Vec<Result<Delta, Error>> {
        match &delta {
            Ok(Delta::Text(text)) => self.bytes += text.len() as u64,
            Ok(Delta::Stop { reason, usage }) => {
                self.call.outcome = outcome(reason).to_owned();
                if let Some(usage) = usage {
                    (self.call.input, self.call.output, self.call.estimated) = (usage.input, usage.output, false);
                }
                return self.cost().map(|cost| Ok(Delta::Cost(cost))).into_iter().chain([delta]).collect();
            }
            Err(error) => {
                self.call.outcome = error.kind().to_owned();
                // Nobody has read what did not arrive, and who refuses sends no bill.
                self.asked.store(self.bytes > 0, Ordering::Relaxed);
            }
            Ok(_) => {}
        }
        vec![delta]
    }

    fn cost(&self) -> Option<u64> {
        self.price.map(|price| price.of(self.usage()))
    }

    fn usage(&self) -> Usage {
        let output = if self.call.estimated { self.bytes.div_ceil(BYTES_PER_TOKEN) } else { self.call.output };
        Usage { input: if self.asked.load(Ordering::Relaxed) { self.call.input } else { 0 }, output }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        {
            let mut pending = lock(&self.state.pending);
            pending.cost = pending.cost.saturating_sub(self.reserved.cost);
            pending.tokens = pending.tokens.saturating_sub(self.reserved.tokens);
        }
        self.call.cost = self.cost();
        let Usage { input, output } = self.usage();
        (self.call.input, self.call.output) = (input, output);
        self.call.millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(journal) = &self.state.journal
            && let Err(error) = journal.record(&self.call)
        {
            tracing::warn!(%error, "a call to {} is not in the journal", self.call.model);
        }
    }
}

fn outcome(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::End => "end",
        StopReason::Length => "length",
        StopReason::ContextFull => "context-full",
        StopReason::Refused(_) => "refused",
        StopReason::Filtered => "filtered",
        StopReason::ToolCall => "tool-call",
        StopReason::Other(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::Journal;

    use super::super::testing::{Scripted, fails, request, says, status};
    use super::*;
    use crate::{Progress, collect};

    struct Bench {
        _folder: tempfile::TempDir,
        state: Arc<State>,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("models.sqlite")).unwrap());
        Bench { _folder: folder, state: State::new(Some(journal)) }
    }

    impl Bench {
        fn model(&self, scripts: Vec<Vec<Result<Delta, Error>>>, price: Option<Price>, limits: Limits) -> Accounted {
            Accounted {
                model: Arc::new(Scripted::new("m", scripts).slow(Duration::from_millis(1))),
                provider: "openai".into(),
                server_model: "x".into(),
                price,
                max_output: Some(10),
                limits,
                keeps_prompts: false,
                state: self.state.clone(),
            }
        }

        fn calls(&self) -> Vec<Call> {
            self.state.journal().unwrap().calls(0, 99).unwrap()
        }
    }

    const PRICE: Option<Price> = Some(Price { input: 3.0, output: 15.0 });

    async fn ask(model: &Accounted) -> (Result<Option<u64>, Error>, Vec<String>) {
        let mut notes = Vec::new();
        let reply = collect(model, request("0123456789"), |progress| {
            if let Progress::Note(note) = progress {
                notes.push(note.to_owned());
            }
        });
        (reply.await.map(|reply| reply.cost), notes)
    }

    #[tokio::test]
    async fn every_end_is_in_the_journal() {
        let bench = bench();
        let uncounted =
            vec![Ok(Delta::Text("abcdef".into())), Ok(Delta::Stop { reason: StopReason::Length, usage: None })];
        let model =
            bench.model(vec![says("x"), fails(status(500)), uncounted, says("never heard")], PRICE, Limits::default());
        assert_eq!(ask(&model).await.0, Ok(Some(450)));
        assert_eq!(ask(&model).await.0, Err(status(500)));
        assert_eq!(ask(&model).await.0, Ok(Some(4 * 3 + 2 * 15)));
        let mut deltas = model.generate(request("0123456789")).await.unwrap();
        assert!(deltas.next().await.is_some());
        drop(deltas);
        // One that was never sent.
        drop(model.generate(request("0123456789")).await.unwrap());
        let calls: Vec<_> = bench
            .calls()
            .into_iter()
            .rev()
            .map(|call| (call.outcome, call.input, call.output, call.cost, call.estimated))
            .collect();
        let expected = [
            ("end", 100, 10, Some(450), false),
            ("status", 0, 0, Some(0), true),
            ("length", 4, 2, Some(42), true),
            ("cancelled", 4, 4, Some(72), true),
            ("cancelled", 0, 0, Some(0), true),
        ];
        assert_eq!(calls, expected.map(|(outcome, i, o, cost, estimated)| (outcome.to_owned(), i, o, cost, estimated)));
        let call = &bench.calls()[0];
        assert_eq!((&*call.assist, call.prompt_hash.len(), &call.prompt), ("review", 64, &None));
        assert_eq!(*lock(&bench.state.pending), Spent::default());
    }

    #[tokio::test]
    async fn prompts_are_kept_when_wanted() {
        let bench = bench();
        let model = Accounted { keeps_prompts: true, ..bench.model(vec![says("x")], None, Limits::default()) };
        assert_eq!(ask(&model).await.0, Ok(None));
        let call = &bench.calls()[0];
        assert_eq!((call.cost, call.prompt.as_deref()), (None, Some("\n\n0123456789")));
    }

    #[tokio::test]
    async fn a_days_cap_warns_and_then_stops() {
        let bench = bench();
        // A question is estimated at 4 · 3 + 10 · 15 = 162 and costs 450.
        let limits = Limits { cost_per_day: Some(1000), ..Limits::default() };
        let scripts = || (0..3).map(|_| says("x")).collect();
        let model = bench.model(scripts(), PRICE, limits);
        assert_eq!(ask(&model).await, (Ok(Some(450)), vec![]));
        assert_eq!(
            bench.model(scripts(), PRICE, limits).check_allowed(Usage { input: 116, output: 0 }).unwrap().1.len(),
            0
        );
        *lock(&bench.state.pending) = Spent::default();
        assert_eq!(
            bench.model(scripts(), PRICE, limits).check_allowed(Usage { input: 117, output: 0 }).unwrap().1.len(),
            1
        );
        *lock(&bench.state.pending) = Spent::default();
        assert_eq!(ask(&model).await.0, Ok(Some(450)));
        let (over, _) = ask(&model).await;
        assert!(over.unwrap_err().to_string().contains("$0.0009 are spent"), "the cap holds");
        // What is on its way counts.
        let other = Limits { cost_per_day: Some(1300), ..limits };
        let model = bench.model(scripts(), PRICE, other);
        let on_its_way = model.generate(request("0123456789")).await.unwrap();
        let second = model.generate(request("0123456789")).await.unwrap();
        assert!(matches!(ask(&model).await.0, Err(Error::OverBudget { .. })));
        drop((on_its_way, second));
        // A model that costs nothing goes on.
        assert_eq!(ask(&bench.model(scripts(), Some(Price::FREE), limits)).await.0, Ok(Some(0)));
    }

    #[tokio::test]
    async fn tokens_and_single_questions_are_bounded_too() {
        let bench = bench();
        let scripts = || (0..3).map(|_| says("x")).collect::<Vec<_>>();
        let limits = Limits { tokens_per_day: Some(120), ..Limits::default() };
        let model = bench.model(scripts(), None, limits);
        assert!(ask(&model).await.0.is_ok());
        assert!(ask(&model).await.0.unwrap_err().to_string().contains("110 tokens are used up"));
        let single = Limits { cost_per_request: Some(161), ..Limits::default() };
        assert!(matches!(ask(&bench.model(scripts(), PRICE, single)).await.0, Err(Error::OverBudget { .. })));
        let shown = Limits { show_estimate_above: Some(161), ..Limits::default() };
        let (_, notes) = ask(&bench.model(scripts(), PRICE, shown)).await;
        assert_eq!(notes, ["this may cost $0.0002, more than $0.0002"]);
        let nowhere = Accounted { state: State::new(None), ..bench.model(scripts(), None, limits) };
        assert!(matches!(ask(&nowhere).await.0, Err(Error::OverBudget { .. })));
    }
}
