//! What the server says without being asked: findings that are pushed, and that answers given earlier are out of date.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;

use crate::handlers::diagnostics;
use crate::lifetime::Lifetime;
use crate::snapshot::{Latest, Snapshot};
use crate::to_proto;
use workspace::diagnostics::WorkspaceDiagnostics;
use workspace::lints::Lints;
use workspace::settings::Diagnostics;

/// Nobody types slower than this within a word.
const QUIET: Duration = Duration::from_millis(150);

/// Announces each state that the writer publishes; states that are superseded meanwhile are skipped.
pub(crate) async fn run(client: Client, mut latest: Latest, lifetime: Lifetime) {
    let announcements = async {
        let mut pushed = Pushed {
            client: client.clone(),
            documents: HashMap::new(),
            files: BTreeMap::new(),
            workspace_diagnostics: Arc::default(),
            open: BTreeSet::new(),
            config_files: BTreeMap::new(),
            lints: Arc::default(),
            open_before: BTreeSet::new(),
            calls_changed: false,
        };
        let mut pulled = HashMap::new();
        let mut generation = 0;
        latest.mark_changed();
        while latest.changed().await.is_ok() {
            let snapshot = latest.see();
            pushed.update_config_files(&snapshot).await;
            if !snapshot.editor.pulls_diagnostics {
                pushed.update(&snapshot, &latest).await;
                pushed.update_workspace(&snapshot).await;
            }
            let is_other = snapshot.generation != std::mem::replace(&mut generation, snapshot.generation);
            let pulls = snapshot.editor.pulls_diagnostics;
            let calls_changed = std::mem::take(&mut pushed.calls_changed);
            if is_other || calls_changed || pulls && concerns_others(&mut pulled, &snapshot, &latest).await {
                tokio::spawn(refresh(client.clone(), snapshot));
            }
        }
    };
    tokio::select! {
        () = announcements => {}
        () = lifetime.ended() => {}
    }
}

/// Tells the editor to ask again for what it shows.
async fn refresh(client: Client, snapshot: Snapshot) {
    // An editor that refuses will notice with the next edit.
    if snapshot.editor.pulls_diagnostics {
        let _ = client.workspace_diagnostic_refresh().await;
    }
    if snapshot.editor.refreshes_lenses {
        let _ = client.code_lens_refresh().await;
    }
}

/// Whether an edit of one document means something for the others or their lenses, which an editor that pulls does not ask
/// about. `known` is what there was to say about each, and about which version.
async fn concerns_others(
    known: &mut HashMap<PathBuf, (i32, Vec<lsp::Diagnostic>)>,
    snapshot: &Snapshot,
    latest: &Latest,
) -> bool {
    let mut newer = latest.clone();
    if snapshot.documents.len() < 2 || timeout(QUIET, newer.changed()).await.is_ok() {
        return false;
    }
    let state = snapshot.clone();
    let all = move || {
        let open = state.documents.iter();
        let found = open.map(|(path, it)| (path.clone(), (it.version, diagnostics::document(&state, path))));
        found.collect::<HashMap<_, _>>()
    };
    // A panic has been reported on standard error.
    let Ok(found) = tokio::task::spawn_blocking(all).await else { return false };
    let is_other = |path: &PathBuf, (version, now): &(i32, Vec<lsp::Diagnostic>)| {
        known
            .get(path)
            .is_some_and(|(of, before)| of == version && before != now || incompatible(before) != incompatible(now))
    };
    let concerns = found.iter().any(|(path, found)| is_other(path, found));
    *known = found;
    concerns
}

/// The calls that do not fit what they call: lenses there count them.
fn incompatible(found: &[lsp::Diagnostic]) -> Vec<&str> {
    let code = lsp::NumberOrString::String(ide::Code::IncompatibleCall.as_str().to_owned());
    found.iter().filter(|it| it.code.as_ref() == Some(&code)).map(|it| it.message.as_str()).collect()
}

/// What the editor was told last about each document.
struct Pushed {
    client: Client,
    documents: HashMap<PathBuf, Published>,
    /// What it was told about files that are not open, after which of the workspace's diagnostics.
    files: BTreeMap<PathBuf, Vec<lsp::Diagnostic>>,
    workspace_diagnostics: Arc<WorkspaceDiagnostics>,
    open: BTreeSet<PathBuf>,
    /// What it was told about configuration files, for which linters and open documents.
    config_files: BTreeMap<PathBuf, Vec<lsp::Diagnostic>>,
    lints: Arc<Lints>,
    open_before: BTreeSet<PathBuf>,
    /// Whether other calls do not fit than when the editor was told to ask for lenses again.
    calls_changed: bool,
}

struct Published {
    uri: lsp::Uri,
    version: i32,
    diagnostics: Vec<lsp::Diagnostic>,
}

impl Pushed {
    /// Nobody pulls findings in configuration files: they are not Python.
    async fn update_config_files(&mut self, snapshot: &Snapshot) {
        let open: BTreeSet<PathBuf> = snapshot.documents.keys().cloned().collect();
        if Arc::ptr_eq(&self.lints, &snapshot.lints) && self.open_before == open {
            return;
        }
        (self.lints, self.open_before) = (snapshot.lints.clone(), open);
        let state = snapshot.clone();
        // A panic has been reported on standard error.
        let task = tokio::task::spawn_blocking(move || diagnostics::config_files(&state));
        let Ok(found) = task.await else { return };
        // A file is named when it has problems, and when it had some before.
        let paths: BTreeSet<&PathBuf> = self.config_files.keys().chain(found.keys()).collect();
        for path in paths {
            if self.config_files.get(path) != found.get(path)
                && let Some(uri) = to_proto::uri(path)
            {
                self.client.publish_diagnostics(uri, found.get(path).cloned().unwrap_or_default(), None).await;
            }
        }
        self.config_files = found;
    }

    /// What the last look at the whole workspace found in files that are not open.
    async fn update_workspace(&mut self, snapshot: &Snapshot) {
        let before = std::mem::replace(&mut self.workspace_diagnostics, snapshot.workspace_diagnostics.clone());
        let is_wanted = snapshot.settings.diagnostics == Diagnostics::Workspace;
        let now: BTreeSet<PathBuf> = snapshot.documents.keys().cloned().collect();
        let was_open = std::mem::replace(&mut self.open, now);
        let is_told = Arc::ptr_eq(&before, &self.workspace_diagnostics) && was_open == self.open;
        if is_told && is_wanted || !is_wanted && self.files.is_empty() {
            return;
        }
        let state = snapshot.clone();
        // A panic has been reported on standard error.
        let Ok(mut found) = tokio::task::spawn_blocking(move || diagnostics::workspace(&state)).await else { return };
        found.retain(|path, _| snapshot.version(path).is_none());
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(found.keys()).collect();
        for path in paths.into_iter().filter(|path| snapshot.version(path).is_none()) {
            if self.files.get(path) != found.get(path)
                && let Some(uri) = to_proto::uri(path)
            {
                self.client.publish_diagnostics(uri, found.get(path).cloned().unwrap_or_default(), None).await;
            }
        }
        self.files = found;
    }

    async fn update(&mut self, snapshot: &Snapshot, latest: &Latest) {
        let closed: Vec<PathBuf> =
            self.documents.keys().filter(|path| snapshot.version(path).is_none()).cloned().collect();
        for path in closed {
            if let Some(told) = self.documents.remove(&path) {
                self.client.publish_diagnostics(told.uri, Vec::new(), None).await;
            }
        }
        let (edited, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
            snapshot.documents.keys().partition(|path| self.is_outdated(path, snapshot));
        for path in &edited {
            self.push(path, snapshot, latest).await;
        }
        // What an edit means for the other documents can wait until the user has stopped typing.
        let mut newer = latest.clone();
        if !edited.is_empty() && !others.is_empty() && timeout(QUIET, newer.changed()).await.is_ok() {
            return;
        }
        for path in others {
            if latest.has_changed() {
                return;
            }
            self.push(path, snapshot, latest).await;
        }
    }

    fn is_outdated(&self, path: &Path, snapshot: &Snapshot) -> bool {
        self.documents.get(path).map(|told| told.version) != snapshot.version(path)
    }

    async fn push(&mut self, path: &Path, snapshot: &Snapshot, latest: &Latest) {
        let Some(document) = snapshot.documents.get(path) else { return };
        let (state, target) = (snapshot.clone(), path.to_path_buf());
        let task = tokio::task::spawn_blocking(move || diagnostics::document(&state, &target));
        // A panic has been reported on standard error; the other documents are none the worse for it.
        let Ok(diagnostics) = task.await else { return };
        let superseded = latest.version(path) != Some(document.version);
        let known = self.documents.get(path);
        let repeats = known.is_some_and(|told| told.version == document.version && told.diagnostics == diagnostics);
        if superseded || repeats {
            return;
        }
        let before = known.map(|told| told.diagnostics.as_slice()).unwrap_or_default();
        self.calls_changed |= incompatible(before) != incompatible(&diagnostics);
        let Some(uri) = snapshot.uri_of(path) else { return };
        let told = Published { uri: uri.clone(), version: document.version, diagnostics: diagnostics.clone() };
        self.documents.insert(path.to_path_buf(), told);
        self.client.publish_diagnostics(uri, diagnostics, Some(document.version)).await;
    }
}
