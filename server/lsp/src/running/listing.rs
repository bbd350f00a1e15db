//! Telling the editor which tests there are, so that it can list them without showing lenses.
//!
//! An editor that lists tests says so in its capabilities: `{ "experimental": { "tantu": { "tests": true } } }`. For each file
//! with tests it is sent the notification `tantu/tests`: `{ "uri": "…", "tests": [{ "kind": "pytest|doctest", "target":
//! "TestCart.test_total", "range": … }] }`. `kind` and `target` are what `tantu.run` takes; all the tests of a file have no
//! target, and a class comes before what is in it. `"outdated": true` says that an edit since has reached what was last heard
//! of a test. A file is told again when its tests have changed, with none when it has no
//! more of them. What comes of tests is told by [`report`](super::report).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;
use tower_lsp_server::ls_types::notification::Notification;

use workspace::results::RunKind;

use crate::lifetime::Lifetime;
use crate::snapshot::{Latest, Snapshot};

/// Nobody is told while somebody types.
const QUIET: Duration = Duration::from_millis(300);

enum Tests {}

impl Notification for Tests {
    type Params = OfFile;
    const METHOD: &'static str = "tantu/tests";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OfFile {
    uri: lsp::Uri,
    tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Test {
    kind: RunKind,
    target: Option<String>,
    range: lsp::Range,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    outdated: bool,
}

/// Tells of every change until the session is over.
pub(crate) async fn run(client: Client, mut latest: Latest, lifetime: Lifetime) {
    let telling = async {
        let mut told = BTreeMap::new();
        latest.mark_changed();
        while latest.changed().await.is_ok() {
            while matches!(timeout(QUIET, latest.changed()).await, Ok(Ok(()))) {}
            let snapshot = latest.see();
            // A panic has been reported on standard error.
            let Ok(mut now) = tokio::task::spawn_blocking(move || tests(&snapshot)).await else { continue };
            for file in changes(&mut told, &mut now) {
                client.send_notification::<Tests>(file).await;
            }
        }
    };
    tokio::select! {
        () = telling => {}
        () = lifetime.ended() => {}
    }
}

/// The tests of every file that has some.
fn tests(snapshot: &Snapshot) -> BTreeMap<PathBuf, OfFile> {
    let analysis = &snapshot.analysis;
    let superseded = snapshot.results.superseded(analysis);
    let of_file = |file| {
        let test = |it: ide::Runnable| {
            let (kind, range) = (RunKind::from(it.kind), snapshot.range(file, it.name_range));
            let outdated = !superseded.is_empty()
                && superseded.contains(&(analysis.path(file).to_path_buf(), kind, it.target.clone()));
            Test { kind, target: it.target, range, outdated }
        };
        let tests: Vec<Test> = ide::tests(analysis, file).into_iter().map(test).collect();
        let uri = snapshot.uri(file).filter(|_| !tests.is_empty())?;
        Some((analysis.path(file).to_path_buf(), OfFile { uri, tests }))
    };
    analysis.files().filter_map(of_file).collect()
}

/// What of `now` differs from what was `told`, which is then the same.
fn changes(told: &mut BTreeMap<PathBuf, OfFile>, now: &mut BTreeMap<PathBuf, OfFile>) -> Vec<OfFile> {
    let gone = told.iter().filter(|(path, _)| !now.contains_key(*path));
    let gone = gone.map(|(_, file)| OfFile { uri: file.uri.clone(), tests: Vec::new() });
    let other = now.iter().filter(|(path, file)| told.get(*path) != Some(file)).map(|(_, file)| file.clone());
    let changes = gone.chain(other).collect();
    std::mem::swap(told, now);
    changes
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn of_file(uri: &str, targets: &[&str]) -> (PathBuf, OfFile) {
        let test = |target: &&str| Test {
            kind: RunKind::Pytest,
            target: Some((*target).to_owned()),
            range: lsp::Range::default(),
            outdated: false,
        };
        let uri = lsp::Uri::from_str(uri).unwrap();
        (uri.path().to_string().into(), OfFile { uri, tests: targets.iter().map(test).collect() })
    }

    #[test]
    fn only_what_is_new_is_told() {
        let mut told = BTreeMap::new();
        let mut check = |now: &[(&str, &[&str])], expected: &[(&str, usize)]| {
            let mut now = now.iter().map(|(uri, targets)| of_file(uri, targets)).collect();
            let changes = changes(&mut told, &mut now);
            let said: Vec<(&str, usize)> = changes.iter().map(|file| (file.uri.as_str(), file.tests.len())).collect();
            assert_eq!(said, expected);
        };
        let (a, b) = ("file:///w/test_a.py", "file:///w/test_b.py");
        check(&[(a, &["test_1"]), (b, &["test_2"])], &[(a, 1), (b, 1)]);
        check(&[(a, &["test_1"]), (b, &["test_2", "test_3"])], &[(b, 2)]);
        check(&[(a, &["test_1"]), (b, &["test_2", "test_3"])], &[]);
        check(&[(b, &["test_2", "test_3"])], &[(a, 0)]);
    }
}
