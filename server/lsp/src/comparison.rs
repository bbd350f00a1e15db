//! Having the editor show a change as texts beside each other.
//!
//! Standard LSP shows documents, and a diff is only one more of them. An editor that compares says so in its capabilities:
//! `{ "experimental": { "tantu": { "diff": true } } }`. It is sent the request `tantu/diff`: `{ "title": "…", "files": [{ "uri":
//! "…", "text": "…" }] }` with each file as it would be; what is there now it knows itself, and a file that is not there is
//! new. It answers `null`.

use serde::{Deserialize, Serialize};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;
use tower_lsp_server::ls_types::request::Request;
use validate::{Evidence, Texts};

use crate::snapshot::Snapshot;
use crate::to_proto;

enum Diff {}

impl Request for Diff {
    type Params = Comparison;
    type Result = ();
    const METHOD: &'static str = "tantu/diff";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Comparison {
    title: String,
    files: Vec<Proposed>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Proposed {
    uri: lsp::Uri,
    text: String,
}

/// Shows what `evidence` is about. False when the editor does not, or when the texts have moved on since; then the unified
/// diff says what was meant.
pub(crate) async fn show(client: &Client, snapshot: &Snapshot, evidence: &Evidence) -> bool {
    if !snapshot.editor.compares {
        return false;
    }
    let Some(files) = files(snapshot, evidence) else { return false };
    client.send_request::<Diff>(Comparison { title: evidence.title.clone(), files }).await.is_ok()
}

fn files(snapshot: &Snapshot, evidence: &Evidence) -> Option<Vec<Proposed>> {
    let proposed = |Texts { path, before, after }: &Texts| {
        let is_current = snapshot.text(path).unwrap_or_default() == *before;
        let uri = match snapshot.analysis.file(path) {
            Some(file) => snapshot.uri(file),
            None => to_proto::uri(path),
        };
        Some(Proposed { uri: uri.filter(|_| is_current)?, text: after.to_string() })
    };
    evidence.texts.iter().map(proposed).collect::<Option<Vec<_>>>().filter(|files| !files.is_empty())
}
