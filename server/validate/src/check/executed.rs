//! Which tests have executed what was edited, and which lines of it. A test that passed and has not says nothing of the edit.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{Coverage, Outcome, Request, Verdict};
use syntax::TextSize;

use super::Comparison;
use super::graph_stage::count;
use crate::candidate::{Edited, display_path};

/// What the tests of one run have executed of the edited functions.
pub(super) struct Executed<'a> {
    coverage: &'a Coverage,
    /// Numbers of the functions that were edited, or lie inside those.
    edited: BTreeSet<u32>,
    /// Whether there is anything edited that a test could execute, and anything told of what they did.
    is_known: bool,
}

impl<'a> Executed<'a> {
    pub fn of(comparison: &Comparison, request: &Request, outcome: &'a Outcome) -> Self {
        let after = &comparison.after;
        let edited: Vec<(String, String)> = comparison
            .edited_functions()
            .filter_map(|id| {
                let path = after.path(id.file).strip_prefix(&request.root).ok()?;
                Some((path.to_string_lossy().replace('\\', "/"), after.symbol(id).local_name()))
            })
            .collect();
        let coverage = &outcome.coverage;
        let is_edited = |path: &str, name: &str| {
            edited.iter().any(|(of, function)| {
                of == path
                    && name.strip_prefix(function.as_str()).is_some_and(|it| it.is_empty() || it.starts_with('.'))
            })
        };
        let functions = (0..).zip(&coverage.functions);
        let numbers = functions.filter(|(_, it)| is_edited(&it.path, &it.name)).map(|(number, _)| number);
        Executed { edited: numbers.collect(), coverage, is_known: !edited.is_empty() && !coverage.is_empty() }
    }

    /// Whether the test with this node id has executed any of it; so it is taken to have where nobody knows.
    pub fn by(&self, test: &str) -> bool {
        let is_edited = |number: &u32| self.edited.contains(number);
        let mut of_test = self.coverage.tests.iter().filter(|it| it.test == test).peekable();
        !self.is_known
            || self.coverage.loaded.iter().any(is_edited)
            || of_test.peek().is_none()
            || of_test.any(|it| it.functions.iter().any(is_edited))
    }

    /// How many of the tests that passed have.
    pub fn by_passed(&self, outcome: &Outcome, passed: u32) -> u32 {
        let silent = outcome.tests.iter().filter(|it| it.verdict == Verdict::Passed && !self.by(&it.id));
        passed.saturating_sub(silent.count() as u32)
    }
}

/// The lines of functions that an edit wrote.
#[derive(Debug, Default)]
pub(super) struct ChangedLines {
    pub all: u32,
    /// 1-based, by file as people see it.
    missing: BTreeMap<String, BTreeSet<u32>>,
}

/// Lines of one file that are named.
const MAX_NAMED: usize = 12;

impl ChangedLines {
    /// As the runs tell. Files that none of them has imported are left out.
    pub fn of(comparison: &Comparison, requests: &[Request], outcomes: &[Result<Outcome, String>]) -> Self {
        let mut lines = ChangedLines::default();
        for edited in &comparison.files {
            let told = requests.iter().zip(outcomes).flat_map(|(request, outcome)| {
                let path = edited.path.strip_prefix(&request.root).ok();
                let path = path.map(|path| path.to_string_lossy().replace('\\', "/"));
                outcome.iter().flat_map(|it| &it.lines).filter(move |it| Some(&it.path) == path.as_ref())
            });
            let (mut possible, mut executed) = (BTreeSet::new(), BTreeSet::new());
            for it in told {
                possible.extend(it.possible.iter().copied());
                executed.extend(it.executed.iter().copied());
            }
            let changed: BTreeSet<u32> = written_lines(edited).intersection(&possible).copied().collect();
            lines.all += changed.len() as u32;
            let missing: BTreeSet<u32> = changed.difference(&executed).copied().collect();
            if !missing.is_empty() {
                lines.missing.insert(display_path(&comparison.after, &edited.path), missing);
            }
        }
        lines
    }

    pub fn executed(&self) -> u32 {
        self.all - self.missing.values().map(|lines| lines.len() as u32).sum::<u32>()
    }

    /// What nobody has executed, in words.
    pub fn unexecuted(&self) -> Option<String> {
        if self.missing.is_empty() {
            return None;
        }
        let places = self.missing.iter().map(|(path, lines)| {
            let mut named: Vec<String> = lines.iter().take(MAX_NAMED).map(u32::to_string).collect();
            if lines.len() > MAX_NAMED {
                named.push("…".to_owned());
            }
            format!("{path}:{}", named.join(", "))
        });
        let places: Vec<String> = places.collect();
        let (missing, all) = (self.all - self.executed(), count(self.all as usize, "changed line"));
        Some(format!("{missing} of {all} were executed by no check: {}", places.join("; ")))
    }
}

/// The lines that edits wrote anything of, 1-based.
fn written_lines(edited: &Edited) -> BTreeSet<u32> {
    let starts: Vec<TextSize> = std::iter::once(0)
        .chain(edited.after.match_indices('\n').map(|(at, _)| at + 1))
        .map(|at| TextSize::new(at as u32))
        .collect();
    let line = |at: TextSize| starts.partition_point(|&start| start <= at) as u32;
    edited.written().filter(|it| !it.is_empty()).flat_map(|it| line(it.start())..=line(it.end())).collect()
}
