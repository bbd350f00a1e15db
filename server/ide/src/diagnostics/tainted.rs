//! Dangerous calls that data from outside reaches.
//!
//! It is looked for backwards: from each call that would be dangerous, to what its argument is made of in the function
//! around it, from parameters to the callers that the graph knows, and on. Only files with such calls, and those of their
//! callers, are parsed. What a value is made of does not depend on conditions, but a name that gets another value has lost
//! what it held, and names that were checked are left alone.

mod code;
mod entries;
mod guards;
mod lower;
mod place;
mod program;
mod search;
mod sinks;
mod sources;
#[cfg(test)]
mod tests;
mod trace;

use graph::{Analysis, FileId};
use syntax::TextRange;

use super::unused::is_test;
use super::{Code, Diagnostic, Related, Severity, diagnostic};
use place::Place;
use program::Program;
use search::{Path, PathConfidence, search};
use sinks::{Kind, may_be_dangerous, sink};

/// Dangerous calls that are looked into in one workspace.
const MAX_SINKS: usize = 5000;

/// Expressions that are looked at in one workspace; Django's 900 files take 4,500.
const MAX_LOOKED_AT: usize = 1_000_000;

/// A finding, in places that survive edits elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tainted {
    place: Place,
    severity: Severity,
    message: String,
    hops: Vec<(Place, String)>,
}

/// Each dangerous call that data from outside reaches, by file, in source order. Tests are left out.
pub(super) fn tainted(analysis: &Analysis) -> Vec<(FileId, Tainted)> {
    let mut program = Program::new(analysis);
    let mut found = Vec::new();
    let mut count = 0;
    for id in analysis.files() {
        if is_test(analysis, id) || !analysis.syntax_errors(id).is_empty() {
            continue;
        }
        let text = analysis.source(id);
        let calls = analysis.open_calls(id).into_iter();
        let dangerous = calls.filter(|(range, outside)| {
            // An import may give it another name.
            let name = outside.and_then(|name| name.rsplit('.').next());
            may_be_dangerous(name.unwrap_or_else(|| text.slice(*range)))
        });
        let mut candidates: Vec<TextRange> = dangerous.map(|(range, _)| range).collect();
        candidates.sort_by_key(|range| range.start());
        candidates.dedup();
        if candidates.is_empty() {
            continue;
        }
        let Some(file) = program.file(id) else { break };
        for token in candidates {
            let Some(&(function, node)) = file.code.calls.get(&token) else { continue };
            let Some(call) = file.code.call(node) else { continue };
            let Some(sink) = sink(&file, function, call) else { continue };
            count += 1;
            if count > MAX_SINKS || program.looked_at > MAX_LOOKED_AT {
                return found;
            }
            if let Some(path) = search(&mut program, &file, function, &sink) {
                let callee = file.slice(file.code.range(call.callee));
                let callee = if callee.len() > 40 || callee.contains('\n') { file.slice(token) } else { callee };
                found.push((id, Tainted::new(analysis, id, token, sink.kind, callee, path)));
            }
        }
    }
    found
}

impl Tainted {
    fn new(analysis: &Analysis, file: FileId, token: TextRange, kind: Kind, callee: &str, path: Path) -> Self {
        let is_error = kind.is_grave() && path.confidence == PathConfidence::High;
        let (sentence, confidence) = (kind.sentence(callee), path.confidence.as_str());
        let hops = path.hops.into_iter();
        Tainted {
            place: Place::new(analysis, file, token),
            severity: if is_error { Severity::Error } else { Code::TaintedCall.severity() },
            message: format!("{sentence}: {} (confidence: {confidence})", path.what),
            hops: hops.map(|hop| (Place::new(analysis, hop.file, hop.range), hop.message)).collect(),
        }
    }

    /// Where it stands now. `None` when the line has been edited since.
    pub fn diagnose(&self, analysis: &Analysis) -> Option<Diagnostic> {
        let (_, range) = self.place.find(analysis)?;
        let related = self.hops.iter().filter_map(|(place, message)| {
            let (file, range) = place.find(analysis)?;
            Some(Related { file, range, message: message.clone() })
        });
        let related = related.collect();
        let message = self.message.clone();
        Some(Diagnostic { severity: self.severity, related, ..diagnostic(Code::TaintedCall, range, message) })
    }
}
