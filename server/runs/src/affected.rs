//! The tests that what has changed reaches, in the order in which they are worth running.

use std::path::{Path, PathBuf};

use anyhow::Context;
use graph::Analysis;
use ide::{Affected, Earlier};
use sandbox::Outcome;
use store::Store;
use workspace::results::Edits;
use workspace::revision;

use crate::history;

/// How many definitions are looked at on the way from a change to the tests.
const EFFORT: ide::Effort = ide::Effort::thorough(100_000);

/// A workspace folder, what is known of it from before, and what is not on disk.
pub struct State<'a> {
    pub analysis: &'a Analysis,
    pub root: &'a Path,
    pub store: Option<&'a Store>,
    pub unsaved: &'a [PathBuf],
    /// What was edited since all affected tests passed, where somebody has watched.
    pub edited: Option<&'a Edits>,
}

/// Tests that are worth running.
pub struct Chosen {
    pub affected: Affected,
    /// How many of them to run before the others.
    pub likeliest: usize,
    /// What the change is a change from: `the last commit`.
    pub since: String,
}

/// The tests of the folder that a change since `revision` reaches, and, for what none is known to reach, those that [`ide::widen`]
/// adds; without one, since all of them passed for the last time, else
/// since the last commit. `None` where there is nothing to compare with.
///
/// # Errors
/// When the repository cannot be read, or has no such revision.
pub fn choose(state: &State<'_>, revision: Option<&str>) -> anyhow::Result<Option<Chosen>> {
    let Some((since, before)) = before(state, revision)? else { return Ok(None) };
    Ok(Some(of_earlier(state, &before, since)))
}

/// The tests of the folder that a change from the texts `before` reaches; `since` says what they are.
pub fn of_earlier(state: &State<'_>, before: &[Earlier], since: String) -> Chosen {
    let State { analysis, root, store, .. } = *state;
    let mut affected = ide::affected(analysis, before, history::records(store, root, analysis), EFFORT);
    let record = history::records(store, root, analysis)(&affected.changed);
    ide::widen(analysis, &mut affected, record);
    affected.tests.retain(|it| analysis.path(it.test.file).starts_with(root));
    let likeliest = history::likeliest(&mut affected);
    Chosen { affected, likeliest, since }
}

/// When the workspace was otherwise, and the texts that differed then.
fn before(state: &State<'_>, revision: Option<&str>) -> anyhow::Result<Option<(String, Vec<Earlier>)>> {
    let State { root, store, unsaved, edited, .. } = *state;
    if let Some(revision) = revision {
        return Ok(Some((revision.to_owned(), revision::earlier_with(root, revision, unsaved)?)));
    }
    if let Some(edits) = edited {
        let before = edits.iter().map(|(path, text)| (path.clone(), text.clone()));
        return Ok(Some(("all tests passed".to_owned(), before.collect())));
    }
    let green = store.and_then(|store| store.green().ok().flatten());
    // A commit that was rewritten since may be gone.
    if let Some(before) = green.and_then(|green| revision::since_green(root, &green, unsaved).ok()) {
        return Ok(Some(("all tests passed".to_owned(), before)));
    }
    if revision::commit(root, "HEAD").is_err() {
        return Ok(None);
    }
    let before = revision::earlier_with(root, "HEAD", unsaved).context("the last commit cannot be compared with")?;
    Ok(Some(("the last commit".to_owned(), before)))
}

/// Keeps what came of tests, for the next run and the next start; with `is_green`, that all that were affected have passed.
///
/// # Errors
/// When the database cannot be written.
pub fn remember(state: &State<'_>, outcome: &Outcome, is_green: bool) -> Result<(), store::Error> {
    let Some(store) = state.store.filter(|_| !outcome.tests.is_empty()) else { return Ok(()) };
    history::note(store, outcome)?;
    // Outside of git there is nothing to come back to.
    let green = is_green.then(|| revision::green(state.root, state.analysis, state.unsaved).ok()).flatten();
    green.map_or(Ok(()), |green| store.note_green(&green))
}
