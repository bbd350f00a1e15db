//! The tables that contexts are chosen from, kept with the session that they belong to.
//!
//! They are made when somebody asks, and from then on ahead of questions, when it has been quiet for a while. In a small
//! workspace the ranker is fitted to it each time they are made. In a large one that takes longer than anybody waits: the
//! weights are those that are shipped until they have been fitted in the background, once for a session, and then those.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use context::{Context, Index, Models, Options, Sources};
use graph::{Analysis, Libraries, SymbolId};
use model::Denied;
use syntax::TextSize;
use workspace::background;
use workspace::observer::Observer;
use workspace::persistence::Persistence;
use workspace::settings::Settings;

use crate::client::denied;
use crate::include;
use crate::pdfs::Pdfs;
use crate::prose_embeddings::ProseEmbeddings;

/// While somebody types, the tables would be out of date before they are there.
const QUIET: Duration = Duration::from_millis(300);

/// Shared by all questions of a session. What is never sent is no part of any context.
#[derive(Default)]
pub struct Contexts {
    /// The file with the user's settings, which may change while a session lasts.
    settings: Option<PathBuf>,
    /// What the settings never send, as far as they could be read.
    denied: Mutex<Arc<Denied>>,
    kept: Mutex<Kept>,
    /// Held by whoever makes an index for a question: the next one most often asks for the same.
    asking: Mutex<()>,
    wanted: AtomicBool,
    /// Where prose is searched.
    documents: Mutex<Option<Arc<Persistence>>>,
    /// By which prose is found besides; most users have none.
    embeddings: Mutex<Option<Arc<ProseEmbeddings>>>,
    /// Globs of files that the user wants a model to see.
    include: Mutex<Arc<Vec<String>>>,
    /// What can be imported from elsewhere.
    libraries: Mutex<Option<Arc<dyn Libraries>>>,
    pdfs: Pdfs,
}

#[derive(Default)]
struct Kept {
    index: Option<Arc<Index>>,
    /// Fitted to a large workspace, which consists of these folders.
    models: Option<(Vec<PathBuf>, Models)>,
}

impl Contexts {
    /// As the user's settings in `file` have them: what is never sent, and by what prose is found beside its words.
    pub fn configured(file: Option<&Path>) -> Self {
        let contexts = Contexts { settings: file.map(Path::to_path_buf), ..Contexts::default() };
        match ProseEmbeddings::configured(file) {
            Ok(embeddings) => contexts.set_embeddings(embeddings.map(Arc::new)),
            // Whoever uses a model is told as well.
            Err(problem) => tracing::warn!("prose is found by its words alone: {problem}"),
        }
        contexts
    }

    /// What is never sent. Settings that cannot be read leave it as it was.
    fn denied(&self) -> Arc<Denied> {
        let read = self.settings.as_deref().and_then(|file| denied(&model::config::load(file).ok()?, file).ok());
        let mut known = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read {
            *known = read;
        }
        known.clone()
    }

    /// The index of `analysis`.
    pub fn index(&self, analysis: &Analysis) -> Arc<Index> {
        self.expect_questions();
        let _turn = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = self.kept().index.as_ref().filter(|index| index.is_of(analysis)) {
            return index.clone();
        }
        // Not while the lock is held, which making takes as well.
        let last = self.kept().index.clone();
        let index = self.make(analysis, last);
        self.kept().index.insert(index).clone()
    }

    /// All that a model may be shown of `target` and what is around it, to be looked at.
    pub fn shown(&self, analysis: &Analysis, target: SymbolId, place: Option<TextSize>, budget: usize) -> Context {
        // Nothing is kept free for instructions and an answer: this is the context alone.
        let options = Options { reserve: 0 };
        self.find(analysis, target, None, |index, sources| index.context_with(target, place, budget, &options, sources))
    }

    /// What a model may be shown to write or change `target`, in a prompt of `budget` tokens: no file that may hold secrets is part of
    /// it.
    pub fn context(&self, analysis: &Analysis, target: SymbolId, budget: usize, instruction: Option<&str>) -> Context {
        self.find(analysis, target, instruction, |index, sources| index.context_for_prompt(target, budget, &sources))
    }

    fn find(
        &self,
        analysis: &Analysis,
        target: SymbolId,
        instruction: Option<&str>,
        find: impl FnOnce(&Index, Sources) -> Context,
    ) -> Context {
        let index = self.index(analysis);
        let query = index.query(target, instruction);
        let documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let embeddings = self.embeddings();
        let found = documents.map_or_else(Vec::new, |documents| match embeddings {
            Some(embeddings) => {
                let found = embeddings.search(&documents, analysis, &query);
                embeddings.renew_behind(&documents, analysis);
                found
            }
            None => documents.search(analysis, &query),
        });
        let globs = self.include.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let included = include::read(analysis.roots(), &globs, &self.pdfs);
        let libraries = self.libraries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sources = Sources { query, found, included, libraries };
        let mut context = find(&index, sources);
        let denied = self.denied();
        let roots = analysis.roots();
        let is_denied = |path: &str| match roots {
            [] => denied.is_denied(Path::new(""), Path::new(path)),
            roots => roots.iter().any(|root| denied.is_denied(root, Path::new(path))),
        };
        context.items.retain(|item| !is_denied(&item.path));
        context.documents.retain(|passage| !is_denied(&passage.path));
        context
    }

    /// Signatures come from these libraries from now on.
    pub fn set_libraries(&self, libraries: Option<Arc<dyn Libraries>>) {
        *self.libraries.lock().unwrap_or_else(PoisonError::into_inner) = libraries;
    }

    /// Prose is searched in this database from now on.
    pub fn set_prose(&self, documents: Option<Arc<Persistence>>) {
        *self.documents.lock().unwrap_or_else(PoisonError::into_inner) = documents;
    }

    /// Prose is found also by `embeddings` from now on.
    pub fn set_embeddings(&self, embeddings: Option<Arc<ProseEmbeddings>>) {
        *self.embeddings.lock().unwrap_or_else(PoisonError::into_inner) = embeddings;
    }

    /// By what prose, and mistakes of models, are found beside their words.
    pub fn embeddings(&self) -> Option<Arc<ProseEmbeddings>> {
        self.embeddings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The files that any of `globs` names are part of contexts from now on.
    pub fn include(&self, globs: Arc<Vec<String>>) {
        *self.include.lock().unwrap_or_else(PoisonError::into_inner) = globs;
    }

    /// From now on tables are made ahead.
    pub fn expect_questions(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    fn make(&self, analysis: &Analysis, last: Option<Arc<Index>>) -> Arc<Index> {
        let mut index = last.map_or_else(|| self.first(analysis), |last| last.renewed(analysis));
        if index.is_small() {
            index.refit();
        } else if let Some(models) = self.fitted(analysis) {
            index.weigh(models);
        }
        Arc::new(index)
    }

    /// The first index of a session, which may be known from before.
    fn first(&self, analysis: &Analysis) -> Index {
        let Some(kept) = self.documents.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return Index::new(analysis);
        };
        let (index, is_new) = kept.index(analysis);
        if is_new && let Err(error) = kept.keep_index(&index, analysis) {
            tracing::debug!("what names refer to is not kept: {error}");
        }
        index
    }

    fn fitted(&self, analysis: &Analysis) -> Option<Models> {
        let kept = self.kept();
        kept.models.as_ref().filter(|(roots, _)| roots == analysis.roots()).map(|(_, models)| models.clone())
    }

    /// Makes the index of `analysis` and, where there are none yet, the weights of a large workspace.
    fn prepare(&self, analysis: &Analysis) {
        let last = self.kept().index.clone();
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        if !last.as_ref().is_some_and(|index| index.is_of(analysis)) {
            let index = self.make(analysis, last.clone());
            let mut kept = self.kept();
            // Whoever asked meanwhile asked for something newer.
            if kept.index.as_ref().map(Arc::as_ptr) == last.as_ref().map(Arc::as_ptr) {
                kept.index = Some(index);
            }
        }
        let index = self.kept().index.clone().filter(|index| index.is_of(analysis) && !index.is_small());
        if let Some(index) = index.filter(|_| self.fitted(analysis).is_none()) {
            let models = index.fit();
            self.kept().models = Some((analysis.roots().to_vec(), models.clone()));
            let mut weighed = index.renewed(analysis);
            weighed.weigh(models);
            let mut kept = self.kept();
            if kept.index.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &index)) {
                kept.index = Some(Arc::new(weighed));
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each field is replaced as a whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has `contexts` told of each state of a workspace, and tables made ahead on a thread of their own.
///
/// # Errors
/// When no thread can be started.
pub fn observe(contexts: &Arc<Contexts>) -> std::io::Result<Observing> {
    let of = contexts.clone();
    // What panics is made when somebody asks.
    let ahead = background::start("contexts", QUIET, move |analysis: Analysis, _| of.prepare(&analysis))?;
    Ok(Observing { contexts: contexts.clone(), ahead })
}

/// See [`observe`].
pub struct Observing {
    contexts: Arc<Contexts>,
    ahead: Sender<Analysis>,
}

impl Observer for Observing {
    fn opened(&self, database: Option<Arc<Persistence>>) {
        self.contexts.set_prose(database);
    }

    fn configured(&self, settings: &Settings) {
        self.contexts.include(settings.include.clone());
        self.contexts.set_libraries(settings.project.libraries.as_ref().map(|known| known.0.clone()));
    }

    fn settled(&self, analysis: &Analysis) {
        // Without the thread whoever asks waits for it.
        let _ = self.ahead.send(analysis.clone());
    }
}

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};

    use super::*;

    fn set(host: &mut AnalysisHost, path: &str, text: &str) -> Analysis {
        let mut change = Change::default();
        change.set(path, text);
        host.apply(change);
        host.analysis()
    }

    #[test]
    fn an_index_is_made_once_for_each_instant() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let contexts = Contexts::default();
        let first = set(&mut host, "/a.py", "def f(): ...\n");
        let before = contexts.index(&first);
        assert!(before.is_of(&first) && Arc::ptr_eq(&before, &contexts.index(&first)));
        let second = set(&mut host, "/a.py", "def g(): ...\n");
        let after = contexts.index(&second);
        assert!(after.is_of(&second) && !before.is_of(&second));
    }

    #[test]
    fn an_index_is_made_ahead_once_anybody_has_asked() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let contexts = Contexts::default();
        let first = set(&mut host, "/a.py", "def f(): ...\n");
        contexts.prepare(&first);
        assert!(contexts.kept().index.is_none());
        contexts.index(&first);
        let second = set(&mut host, "/a.py", "def g(): ...\n");
        contexts.prepare(&second);
        let ahead = contexts.kept().index.clone().unwrap();
        assert!(ahead.is_of(&second) && Arc::ptr_eq(&ahead, &contexts.index(&second)));
    }

    #[test]
    fn a_large_workspace_is_fitted_once_and_not_while_somebody_waits() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let used = "def one(): ...\ndef two(): ...\ndef three(): ...\n";
        set(&mut host, "/used.py", used);
        let function = "def f(x):\n    return one() + two() + three()\n";
        set(&mut host, "/a.py", &format!("from used import one, two, three\n{function}"));
        for file in 0..42 {
            let constants: String = (0..100).map(|n| format!("V{n} = {n}\n")).collect();
            set(&mut host, &format!("/constants{file}.py"), &constants);
        }
        let contexts = Contexts::default();
        let analysis = host.analysis();
        let index = contexts.index(&analysis);
        assert!(!index.is_small());
        assert_eq!(*index.models(), Models::default());
        contexts.prepare(&analysis);
        let fitted = contexts.index(&analysis).models().clone();
        assert_ne!(fitted, Models::default());
        let later = set(&mut host, "/used.py", &format!("{used}def four(): ...\n"));
        assert_eq!(*contexts.index(&later).models(), fitted);
    }
}
