//! What only a look at every file tells: import cycles, what nothing uses, what is there twice, and where data from outside gets.

use graph::{Analysis, FileId, SymbolId};
use rustc_hash::FxHashMap;
use syntax::TextRange;

use super::cycles::{Cycle, cycles};
use super::tainted::{Tainted, tainted};
use super::unused::unused;
use super::{Code, Diagnostic, Project, Related, diagnostic, unsilenced};
use crate::duplicates::{KnownForms, Shown, duplicates};

/// Findings about a snapshot of the whole workspace. They hold no offsets: shown in a later snapshot they stand where their
/// subjects stand then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceFindings {
    files: FxHashMap<FileId, FileFindings>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FileFindings {
    cycle: Option<Cycle>,
    unused: Vec<Unused>,
    duplicates: Vec<Shown>,
    tainted: Vec<Tainted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Unused {
    symbol: SymbolId,
    /// How often the file mentioned its name.
    mentions: usize,
}

impl WorkspaceFindings {
    /// Looks at every file: not for a thread that someone waits for. `forms` are those of an earlier look.
    pub fn of(analysis: &Analysis, project: &Project, forms: &KnownForms) -> Self {
        let mut findings = WorkspaceFindings::default();
        for (file, cycle) in cycles(analysis) {
            findings.files.entry(file).or_default().cycle = Some(cycle);
        }
        let mut symbols: FxHashMap<FileId, Vec<SymbolId>> = FxHashMap::default();
        for symbol in unused(analysis, project) {
            symbols.entry(symbol.file).or_default().push(symbol);
        }
        for (file, symbols) in symbols {
            let mentions = mentions(analysis, file, symbols.iter().copied());
            let unused =
                symbols.into_iter().map(|symbol| Unused { symbol, mentions: mentions[analysis.symbol(symbol).name] });
            findings.files.entry(file).or_default().unused.extend(unused);
        }
        for duplicate in duplicates(analysis, forms) {
            let shown = Shown::new(analysis, duplicate);
            findings.files.entry(duplicate.symbol.file).or_default().duplicates.push(shown);
        }
        for (file, finding) in tainted(analysis) {
            findings.files.entry(file).or_default().tainted.push(finding);
        }
        findings
    }

    /// What they say of `file`, in source order. What an edit may have mended since is left out.
    pub fn diagnostics(&self, analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
        let Some(findings) = self.files.get(&file) else { return Vec::new() };
        if !analysis.syntax_errors(file).is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Diagnostic> = findings.cycle.iter().filter_map(|cycle| cycle.diagnose(analysis)).collect();
        let there: Vec<&Unused> = findings.unused.iter().filter(|unused| analysis.contains(unused.symbol)).collect();
        let mentions = mentions(analysis, file, there.iter().map(|unused| unused.symbol));
        for unused in there {
            let symbol = analysis.symbol(unused.symbol);
            if mentions[symbol.name] <= unused.mentions {
                let message = format!("`{}` is not used", symbol.local_name());
                found.push(diagnostic(Code::Unused, symbol.name_range, message));
            }
        }
        for (range, message, file, place) in findings.duplicates.iter().filter_map(|it| it.find(analysis)) {
            let other = Related { file, range: place, message: "the other one".to_owned() };
            found.push(Diagnostic { related: vec![other], ..diagnostic(Code::Duplicate, range, message) });
        }
        found.extend(findings.tainted.iter().filter_map(|tainted| tainted.diagnose(analysis)));
        found.sort_by_key(|it| (it.range.start(), it.code));
        unsilenced(analysis, file, found)
    }
}

/// Dangerous calls that data from outside reaches, in the whole workspace: the call and a sentence about it.
pub fn tainted_calls(analysis: &Analysis) -> Vec<(FileId, TextRange, String)> {
    let found = tainted(analysis).into_iter();
    found.filter_map(|(file, it)| it.diagnose(analysis).map(|it| (file, it.range, it.message))).collect()
}

/// How often a file mentions the names of some of its symbols. The text is read once, however many they are.
fn mentions(analysis: &Analysis, file: FileId, symbols: impl Iterator<Item = SymbolId>) -> FxHashMap<&str, usize> {
    let mut mentions: FxHashMap<&str, usize> = symbols.map(|symbol| (analysis.symbol(symbol).name, 0)).collect();
    if !mentions.is_empty() {
        let words = analysis.source(file).text().split(|char: char| char != '_' && !char.is_alphanumeric());
        for word in words {
            mentions.entry(word).and_modify(|count| *count += 1);
        }
    }
    mentions
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    #[track_caller]
    pub(crate) fn check(text: &str, expected: Expect) {
        check_in(text, &Project::default(), expected);
    }

    #[track_caller]
    pub(crate) fn check_in(text: &str, project: &Project, expected: Expect) {
        let workspace = Workspace::new(text);
        let findings = WorkspaceFindings::of(&workspace.analysis, project, &KnownForms::default());
        let mut out = String::new();
        for file in workspace.analysis.files() {
            for found in findings.diagnostics(&workspace.analysis, file) {
                out.push_str(&workspace.draw(file, found.range));
                out.push_str(&format!("    {} {:?}: {}\n", found.code.as_str(), found.severity, found.message));
                for related in found.related {
                    let place = workspace.draw(related.file, related.range);
                    out.push_str(&format!("        {} {}\n", place.lines().next().unwrap(), related.message));
                }
            }
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn silenced() {
        check(
            "def f(): ...  # tantu: ignore[unused]\ndef g(): ...  # tantu: ignore[import-cycle]\n",
            expect![[r#"
            /main.py:2
                def g(): ...  # tantu: ignore[import-cycle]
                    ^
                unused Hint: `g` is not used
        "#]],
        );
    }

    #[test]
    fn workspace_findings_follow_edits() {
        let before = Workspace::new("def f(): ...\ndef g(): ...\n");
        let findings = WorkspaceFindings::of(&before.analysis, &Project::default(), &KnownForms::default());
        let after = Workspace::new("# moved\ndef f(): ...\ndef g(): ...\ng()\n");
        let file = after.first_file();
        let found = findings.diagnostics(&after.analysis, file);
        let names: Vec<&str> = found.iter().map(|it| after.analysis.source(file).slice(it.range)).collect();
        assert_eq!(names, ["f"]);
    }
}
