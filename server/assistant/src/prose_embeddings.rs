//! Prose that is found by what it means and not by its words, where the user's settings name a model that says so
//! (`[context] embeddings`). Without one nothing of this happens, and nothing is sent.
//!
//! The vectors of passages are kept in the database of the workspace. Whoever asks first is answered by words alone, while
//! vectors are made in the background.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use graph::Analysis;
use model::config::Settings;
use model::{BATCH, Denied, Embeddings};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::client::models;
use workspace::documents::{MAX_FOUND, found_at};
use workspace::persistence::Persistence;
use workspace::priority;

/// More passages than this are a library of their own; the first by path have vectors.
const MAX_PASSAGES: usize = 5_000;
/// How long a context waits for the meaning of what is looked for.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many passages are taken for their meaning alone.
const MAX_ALIKE: usize = 3;
/// Reciprocal rank fusion: how little the first places differ (Cormack, Clarke and Büttcher 2009).
const RANK_OFFSET: f32 = 60.0;

/// Says what passages mean.
pub struct ProseEmbeddings {
    embeddings: Embeddings,
    denied: Denied,
    known: Mutex<Arc<Vec<Known>>>,
    /// The documents that all vectors were made of.
    seen: Mutex<HashMap<String, i64>>,
    renewing: AtomicBool,
    /// Of texts that are not kept, by their keys.
    passing: Mutex<HashMap<[u8; 32], store::Vector>>,
}

/// A passage and its meaning.
struct Known {
    path: String,
    passage: store::Passage,
    /// Of length 1.
    vector: store::Vector,
}

impl ProseEmbeddings {
    /// By the model that the user's settings in `file` name for this; `None` where they name none.
    ///
    /// # Errors
    /// When the settings are wrong; the message is for the user.
    pub fn configured(file: Option<&Path>) -> Result<Option<Self>, String> {
        let Some(file) = file else { return Ok(None) };
        let settings = model::config::load(file).map_err(|error| error.to_string())?;
        // The journal is only for those who ask models.
        settings.context.embeddings.as_ref().map_or(Ok(None), |_| Self::of(&settings, models()))
    }

    fn of(settings: &Settings, state: &Arc<model::State>) -> Result<Option<Self>, String> {
        let embeddings = Embeddings::connect(settings, state).map_err(|error| error.to_string())?;
        let Some(embeddings) = embeddings else { return Ok(None) };
        let denied = Denied::new(&settings.privacy.deny)?;
        let (known, seen, renewing, passing) = Default::default();
        Ok(Some(ProseEmbeddings { embeddings, denied, known, seen, renewing, passing }))
    }

    /// Makes the vectors that are missing. Blocks while the model is asked.
    ///
    /// # Errors
    /// With a message for the user when the model does not answer, or the database cannot be used. What was learned until
    /// then is kept.
    pub fn renew(&self, documents: &Persistence, analysis: &Analysis) -> Result<(), String> {
        let unread = |error: store::Error| error.to_string();
        let store = documents.store();
        let stamps = store.document_stamps().map_err(unread)?;
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == stamps {
            return Ok(());
        }
        let mut passages = store.passages(MAX_PASSAGES).map_err(unread)?;
        passages.retain(|(path, _)| !self.is_denied(analysis, Path::new(path)));
        let texts: Vec<String> = passages.iter().map(|(_, passage)| text(passage)).collect();
        let keys: Vec<_> = texts.iter().map(|text| self.embeddings.key(text)).collect();
        let mut vectors = store.vectors().map_err(unread)?;
        let mut wanted = HashSet::new();
        let missing: Vec<usize> =
            (0..keys.len()).filter(|&at| !vectors.contains_key(&keys[at]) && wanted.insert(keys[at])).collect();
        let mut result = Ok(());
        if !missing.is_empty() {
            let runtime = runtime()?;
            for batch in missing.chunks(BATCH) {
                let asked: Vec<String> = batch.iter().map(|&at| texts[at].clone()).collect();
                match runtime.block_on(self.embeddings.embed(&asked)) {
                    Ok(made) => {
                        let made: Vec<_> = batch.iter().map(|&at| keys[at]).zip(made).collect();
                        store.keep_vectors(made.iter().map(|(key, vector)| (*key, vector))).map_err(unread)?;
                        vectors.extend(made);
                    }
                    Err(error) => {
                        result = Err(format!("{}: {error}", self.embeddings.name()));
                        break;
                    }
                }
            }
        }
        let kept: HashSet<_> = keys.iter().copied().collect();
        if vectors.keys().any(|key| !kept.contains(key)) {
            store.retain_vectors(&kept).map_err(unread)?;
        }
        let known = passages
            .into_iter()
            .zip(&keys)
            .filter_map(|((path, passage), key)| Some(Known { path, passage, vector: vectors.get(key).cloned()? }));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known.collect());
        if result.is_ok() {
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        }
        result
    }

    /// As [`Self::renew`], on a thread of its own; one at a time.
    pub fn renew_behind(self: &Arc<Self>, documents: &Arc<Persistence>, analysis: &Analysis) {
        if self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (embeddings, documents, analysis) = (self.clone(), documents.clone(), analysis.clone());
        let renew = move || {
            priority::lower();
            let result = embeddings.renew(&documents, &analysis);
            embeddings.renewing.store(false, Ordering::Release);
            if let Err(error) = result {
                tracing::warn!("prose is found by its words alone: {error}");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("embeddings".to_owned()).spawn(renew) {
            self.renewing.store(false, Ordering::Release);
            tracing::warn!("prose is found by its words alone: {error}");
        }
    }

    /// What may match `query` by its words or by its meaning, the likeliest first.
    pub fn search(
        &self,
        documents: &Persistence,
        analysis: &Analysis,
        query: &context::Query,
    ) -> Vec<context::Passage> {
        let by_words = documents.search(analysis, query);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_empty() || query.words.is_empty() {
            return by_words;
        }
        let wanted = match self.meaning(&query.words.join(" ")) {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::warn!("prose is found by its words alone: {}: {error}", self.embeddings.name());
                return by_words;
            }
        };
        let mut alike: Vec<(f32, &Known)> = known.iter().map(|it| (product(&wanted, &it.vector), it)).collect();
        // The sort is stable: equals stay by path and line.
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        alike.truncate(MAX_FOUND);
        let by_meaning = alike.into_iter().enumerate().map(|(place, (_, known))| {
            let mut passage = found_at(analysis, &known.path, known.passage.clone());
            if place < MAX_ALIKE {
                passage.reason = format!("means what is looked for, as {} sees it", self.embeddings.name());
            }
            passage
        });
        fused(by_words, by_meaning.collect())
    }

    /// Which of `texts` mean most nearly what `wanted` does: their places, the nearest first. Blocks while the model is asked.
    ///
    /// # Errors
    /// With a message for the log when the model does not answer soon.
    pub fn nearest(&self, wanted: &str, texts: &[String]) -> Result<Vec<usize>, String> {
        let keys: Vec<_> = texts.iter().map(|text| self.embeddings.key(text)).collect();
        let mut known = self.passing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.retain(|key, _| keys.contains(key));
        let missing: Vec<usize> = (0..texts.len()).filter(|&at| !known.contains_key(&keys[at])).collect();
        let asked = missing.iter().map(|&at| texts[at].clone()).chain([wanted.to_owned()]);
        let mut vectors = self.embed(&asked.collect::<Vec<_>>())?;
        let wanted = vectors.pop().ok_or_else(|| "no vector".to_owned())?;
        known.extend(missing.into_iter().map(|at| keys[at]).zip(vectors));
        let alike = |at: &usize| known.get(&keys[*at]).map_or(-1.0, |vector| product(&wanted, vector));
        let mut places: Vec<usize> = (0..texts.len()).collect();
        places.sort_by(|a, b| alike(b).total_cmp(&alike(a)));
        *self.passing.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(places)
    }

    fn meaning(&self, text: &str) -> Result<store::Vector, String> {
        self.embed(&[text.to_owned()])?.pop().ok_or_else(|| "no vector".to_owned())
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<store::Vector>, String> {
        // The timer needs the runtime, so it is made inside.
        let asking = async { timeout(PATIENCE, self.embeddings.embed(texts)).await };
        let answer = runtime()?.block_on(asking);
        let vectors = answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
        vectors.map_err(|error| error.to_string())
    }

    fn is_denied(&self, analysis: &Analysis, path: &Path) -> bool {
        analysis.root_of(path).is_none_or(|root| self.denied.is_denied(root, analysis.inside_root(path)))
    }
}

fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

/// What is sent of a passage.
fn text(passage: &store::Passage) -> String {
    format!("{}\n{}", passage.heading, passage.text)
}

/// The cosine of the angle between vectors of length 1.
fn product(a: &[f32], b: &[f32]) -> f32 {
    if a.len() == b.len() { a.iter().zip(b).map(|(a, b)| a * b).sum() } else { -1.0 }
}

/// Two orders as one: what stands early in both comes first.
fn fused(first: Vec<context::Passage>, second: Vec<context::Passage>) -> Vec<context::Passage> {
    let mut scores: HashMap<(String, u32), (f32, usize)> = HashMap::new();
    let mut all: Vec<context::Passage> = Vec::new();
    for list in [first, second] {
        for (rank, passage) in list.into_iter().enumerate() {
            let (score, at) = scores.entry((passage.path.clone(), passage.start_line)).or_insert((0.0, all.len()));
            *score += 1.0 / (RANK_OFFSET + rank as f32);
            if *at == all.len() {
                all.push(passage);
            } else if all[*at].reason.is_empty() {
                all[*at].reason = passage.reason;
            }
        }
    }
    let mut ranked: Vec<(f32, usize)> = scores.into_values().collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.truncate(MAX_FOUND);
    ranked.into_iter().map(|(_, at)| all[at].clone()).collect()
}

#[cfg(test)]
mod tests;
