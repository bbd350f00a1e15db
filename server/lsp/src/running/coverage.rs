//! Telling the editor which statements of the workspace a run has executed, where `tantu.run` was told `"coverage": true` and the editor
//! says in its capabilities that it shows them: `{ "experimental": { "tantu": { "coverage": true } } }`.
//!
//! Before the run's end the notification `tantu/coverage` is sent: `{ "token": "…", "files": [{ "uri": "…", "statements": [0, 4, 5],
//! "missed": [5] }] }`. The token is that of the run ([`report`](super::report)). Numbers are those of lines from 0, where statements
//! begin, in the texts as they were when the run began; [`runs::coverage`] says what counts as one. Files that the run has not
//! imported are not told of, nor are tests.

use std::path::Path;

use sandbox::{Outcome, Request};
use serde::{Deserialize, Serialize};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;
use tower_lsp_server::ls_types::notification::Notification;

use crate::snapshot::Snapshot;

enum Coverage {}

impl Notification for Coverage {
    type Params = OfRun;
    const METHOD: &'static str = "tantu/coverage";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OfRun {
    token: String,
    files: Vec<File>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct File {
    uri: lsp::Uri,
    statements: Vec<u32>,
    missed: Vec<u32>,
}

/// Has a run tell the lines that it executes.
pub(super) fn ask(snapshot: &Snapshot, request: &mut Request) {
    let measured = runs::coverage::measured(&snapshot.analysis, &request.root);
    request.watched = measured.into_iter().map(|(_, path)| path.into()).collect();
    request.whole_files = true;
}

/// What a run in the folder `root` has executed.
pub(super) fn of(snapshot: &Snapshot, root: &Path, outcome: &Outcome) -> Vec<File> {
    let mut measured = runs::coverage::measured(&snapshot.analysis, root);
    measured.retain(|(_, path)| outcome.lines.iter().any(|it| it.path == *path && !it.executed.is_empty()));
    let covered = runs::coverage::of(&snapshot.analysis, &measured, &outcome.lines);
    let from_zero = |lines: Vec<u32>| lines.into_iter().map(|line| line.saturating_sub(1)).collect();
    let files = measured.iter().zip(covered).filter_map(|(&(file, _), covered)| {
        let uri = snapshot.uri(file)?;
        Some(File { uri, statements: from_zero(covered.statements), missed: from_zero(covered.missed) })
    });
    files.collect()
}

/// Tells it.
pub(super) async fn tell(client: &Client, token: String, files: Vec<File>) {
    client.send_notification::<Coverage>(OfRun { token, files }).await;
}
