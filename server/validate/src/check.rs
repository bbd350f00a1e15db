//! From a candidate to a verdict.

mod baseline;
mod characters;
mod cycles;
mod executed;
mod expected;
mod graph_stage;
mod known_already;
mod laws;
mod lint_stage;
mod mutation;
mod outcomes;
mod past;
mod promises;
mod ranges;
mod redefinition;
mod runs;
mod scope;
mod security;
mod syntax_stage;
mod tests_stage;
mod trial;
mod types_stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use graph::{Analysis, AnalysisHost, Change, Confidence as EdgeConfidence, FileId, SymbolId, SymbolKind};
use sandbox::Action;
use syntax::TextRange;

pub use lint_stage::{Inspection, TaintedCall};
pub use past::PastMistake;
use ranges::Ranges;
use runs::Pending;
pub use scope::TEST_CONFIGURATION;
pub use types_stage::{FakeTypeChecker, Gravity, TypeAnswer, TypeChecker, TypeError, TypeQuestion, Typing};

use crate::candidate::{Edited, display_path};
use crate::confidence::Measured;
use crate::evidence::{Examined, TestRun, compared, created, unified_diff};
use crate::parts;
use crate::{Callers, Candidate, CheckResult, Confidence, Evidence, Finding, Origin, Stage, Validated};

/// What came of a candidate.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub evidence: Evidence,
    /// Present if every check that could run passed.
    pub validated: Option<Validated>,
}

/// A candidate whose synchronous checks are done.
pub struct Checked {
    candidate: Candidate,
    comparison: Comparison,
    overlay: AnalysisHost,
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
    results: BTreeMap<Stage, CheckResult>,
    tests: tests_stage::Plan,
    /// What is run after the tests.
    pending: Option<Pending>,
    runs: Vec<TestRun>,
    examined: Examined,
    /// Of the laws for what was written anew, how many held and how many did not, and whether one did not that holds as a rule.
    laws: [u32; 2],
    is_unusual: bool,
    /// What could not be checked.
    unchecked: Vec<String>,
    /// How much of an earlier mistake it repeats.
    likeness: Option<f64>,
}

/// The workspace before and after the edit.
pub(crate) struct Comparison {
    pub before: Analysis,
    pub after: Analysis,
    pub files: Vec<Edited>,
    /// Absolute paths of the files that went.
    pub removed: Vec<PathBuf>,
}

impl Comparison {
    /// The innermost classes, functions or modules that an edit was made in, in the graph after the edit; and the functions
    /// that were written as a whole, but for those inside others.
    pub fn edited_symbols(&self) -> BTreeSet<SymbolId> {
        let mut symbols = BTreeSet::new();
        for edited in &self.files {
            let Some(file) = self.after.file(&edited.path) else { continue };
            for written in edited.written() {
                symbols.insert(around(&self.after, file, written));
                symbols.extend(self.new_functions(file, written));
            }
        }
        symbols
    }

    /// What a symbol of the graph after the edit was before it.
    pub fn earlier(&self, symbol: SymbolId) -> Option<SymbolId> {
        tests_stage::same(&self.after, symbol, &self.before)
    }

    /// The functions of `file` that lie in `written`, and in no other function.
    fn new_functions(&self, file: FileId, written: TextRange) -> impl Iterator<Item = SymbolId> {
        let is_function = |id: SymbolId| self.after.symbol(id).kind.is_function();
        self.after.symbols(file).into_iter().filter(move |&id| {
            let symbol = self.after.symbol(id);
            symbol.kind != SymbolKind::Lambda
                && is_function(id)
                && written.contains_range(symbol.range)
                && !symbol.parent.is_some_and(is_function)
        })
    }

    /// Whether a function outside of tests is there after the edit, and was not, or was a stub, before it.
    pub fn is_written_anew(&self, symbol: SymbolId) -> bool {
        let was_written = self.earlier(symbol).is_some_and(|it| !self.before.symbol(it).flags.is_stub);
        let flags = self.after.symbol(symbol).flags;
        !was_written && !flags.is_stub && !flags.is_test && !graph::is_test_file(self.after.path(symbol.file))
    }

    pub fn edited_functions(&self) -> impl Iterator<Item = SymbolId> {
        let is_function = |kind| matches!(kind, SymbolKind::Function | SymbolKind::Method);
        self.edited_symbols().into_iter().filter(move |&symbol| is_function(self.after.symbol(symbol).kind))
    }

    fn edited(&self, path: &Path) -> Option<&Edited> {
        self.files.iter().find(|edited| edited.path == path)
    }

    /// A finding at `range` of the text after the edit.
    pub fn finding(&self, stage: Stage, code: &str, message: String, file: FileId, range: TextRange) -> Finding {
        let path = display_path(&self.after, self.after.path(file));
        let line = self.after.source(file).line_number(range.start());
        Finding { stage, code: code.to_owned(), message, path, line }
    }
}

/// The innermost class, function or module around what was written: a definition that it begins with is a part of it.
fn around(analysis: &Analysis, file: FileId, written: TextRange) -> SymbolId {
    let mut symbol = analysis.enclosing(file, written.start());
    loop {
        let view = analysis.symbol(symbol);
        let is_inside = view.kind == SymbolKind::Lambda || written.contains_range(view.range);
        match view.parent.filter(|_| is_inside) {
            Some(parent) => symbol = parent,
            None => return symbol,
        }
    }
}

/// Checks `candidate` against a copy of `host`: syntax, scope, graph, lint, security. Takes as long as analysing the edited
/// files and what depends on them, and a look for tainted calls in the workspace; waits for nothing but the type checker.
pub fn check(host: &AnalysisHost, candidate: Candidate, inspection: &Inspection<'_>) -> Checked {
    let before = host.analysis();
    let mut findings = Vec::new();
    let mut files = Vec::new();
    for edit in &candidate.change.files {
        match Edited::new(edit, &before) {
            Ok(edited) => files.push(edited),
            Err(message) => findings.push(Finding {
                stage: Stage::Syntax,
                code: "misplaced-edit".to_owned(),
                message,
                path: display_path(&before, &edit.path),
                line: 0,
            }),
        }
    }
    let mut overlay = host.clone();
    let mut change = Change::default();
    for edited in files.iter().filter(|edited| graph::is_python(&edited.path)) {
        change.set(edited.path.clone(), edited.after.clone());
    }
    let removed = candidate.removed.clone();
    removed.iter().filter(|path| graph::is_python(path)).for_each(|path| change.remove(path.clone()));
    overlay.apply(change);
    let after = overlay.analysis();
    let mut checked = Checked {
        candidate,
        comparison: Comparison { before, after, files, removed },
        overlay,
        findings,
        warnings: Vec::new(),
        results: BTreeMap::new(),
        tests: tests_stage::Plan::default(),
        pending: None,
        runs: Vec::new(),
        examined: Examined::default(),
        laws: [0, 0],
        is_unusual: false,
        unchecked: Vec::new(),
        likeness: None,
    };
    checked.run_stages(inspection);
    checked
}

impl Checked {
    fn run_stages(&mut self, inspection: &Inspection<'_>) {
        let mut introduced = lint_stage::introduced(&self.comparison, &self.candidate, inspection.linters);
        let mut of_linters = |stage| introduced.blocking.extract_if(.., |it| it.stage == stage).collect::<Vec<_>>();
        let mut found = syntax_stage::findings(&self.comparison);
        found.extend(of_linters(Stage::Syntax));
        self.conclude(Stage::Syntax, found);
        let mut later = vec![Stage::Scope, Stage::Graph, Stage::Lint, Stage::Security];
        later.extend((!inspection.past.is_empty()).then_some(Stage::Memory));
        later.extend(inspection.types.map(|_| Stage::Types));
        if self.results[&Stage::Syntax] == CheckResult::Failed {
            // What the parser makes up where it does not understand would be blamed next.
            let why = CheckResult::NotRun("it does not parse".to_owned());
            self.results.extend(later.into_iter().map(|stage| (stage, why.clone())));
            self.results.insert(Stage::Tests, why);
            return;
        }
        let mut found = scope::findings(&self.comparison, &self.candidate.scope, inspection.asked);
        found.extend(scope::lost_examples(&self.comparison, inspection.asked));
        found.extend(redefinition::findings(&self.comparison));
        let broken = promises::judge(&self.comparison, self.candidate.behaviour);
        found.extend(broken.findings);
        self.conclude(Stage::Scope, found);
        self.ask(Stage::Scope, broken.questions);
        self.warnings.extend(broken.warnings);
        self.conclude(
            Stage::Graph,
            graph_stage::findings(&self.comparison, inspection.project.unwrap_or(&ide::Project::default())),
        );
        self.warnings.extend(known_already::findings(&self.comparison));
        if inspection.linters.is_empty() {
            self.results.insert(Stage::Lint, CheckResult::NotRun("there is no linter".to_owned()));
        } else {
            self.conclude(Stage::Lint, of_linters(Stage::Lint));
        }
        let mut found = of_linters(Stage::Security);
        let (scope, asked) = (&self.candidate.scope, inspection.asked);
        let mut judgement = security::judge(&self.comparison, scope, asked, &introduced.security);
        characters::judge(&self.comparison, &mut judgement);
        found.extend(judgement.findings);
        found.extend(security::secrets_in_prose(&self.comparison));
        found.extend(inspection.tainted.map(|find| lint_stage::tainted(&self.comparison, find)).unwrap_or_default());
        self.conclude(Stage::Security, found);
        judgement.questions.extend(introduced.questions);
        self.ask(Stage::Security, judgement.questions);
        if !inspection.past.is_empty() {
            self.conclude(Stage::Memory, past::findings(&self.comparison, inspection.past));
            self.likeness = past::likeness(&self.comparison, inspection.past);
        }
        self.warnings.extend(introduced.warnings);
        if let Some(typing) = inspection.types {
            let typed = types_stage::judge(&self.comparison, typing, &self.findings);
            self.findings.extend(typed.findings);
            self.results.insert(Stage::Types, typed.result);
            self.ask(Stage::Types, typed.questions);
            self.warnings.extend(typed.warnings);
            self.unchecked.extend(typed.unchecked);
        }
        if let Some(code) = self.candidate.fixes_code.as_deref()
            && introduced.mended.is_none_or(|[was, _]| was == 0)
        {
            self.unchecked.push(format!("mended: whether `{code}` is gone, no linter here can tell"));
        }
        self.unchecked.extend(graph_stage::unchecked(&self.comparison));
        let others = self.comparison.files.iter().filter(|edited| !graph::is_python(&edited.path));
        let path = |edited: &Edited| display_path(&self.comparison.after, &edited.path);
        self.unchecked.extend(others.map(|edited| format!("{}: it is no Python", path(edited))));
        if self.findings.is_empty() {
            self.tests = tests_stage::plan(&self.comparison, self.candidate.behaviour);
            self.unchecked.append(&mut self.tests.left_out);
            if self.tests.requests.is_empty() {
                self.record_outcomes(Vec::new());
            }
        } else {
            let why = "an earlier check failed".to_owned();
            self.results.insert(Stage::Tests, CheckResult::NotRun(why));
        }
    }

    fn conclude(&mut self, stage: Stage, found: Vec<Finding>) {
        self.findings.extend(found);
        let failed = self.findings.iter().any(|finding| finding.stage == stage);
        self.results.insert(stage, if failed { CheckResult::Failed } else { CheckResult::Passed });
    }

    /// What only a person can answer is named among the warnings, and counted where results and open ends are told: such a
    /// check has not passed.
    fn ask(&mut self, stage: Stage, questions: Vec<Finding>) {
        if questions.is_empty() {
            return;
        }
        let count = graph_stage::count(questions.len(), "question");
        self.unchecked.push(format!("{stage}: {count} to whoever reviews, among the warnings"));
        if let Some(result) = self.results.get_mut(&stage).filter(|result| **result == CheckResult::Passed) {
            *result = CheckResult::Asked(count);
        }
        self.warnings.extend(questions);
    }

    /// Puts something on the card that whoever reviews has to know.
    pub fn tell(&mut self, what: String) {
        self.unchecked.push(what);
    }

    /// What is wrong so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What is found that may be meant: no reason to refuse the candidate.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// How much of an earlier mistake comes back, from 0 to 1; `None` when there is nothing to compare with.
    pub fn likeness(&self) -> Option<f64> {
        self.likeness
    }

    /// The line of the text after the edit that a finding is about; nothing where no line is to blame.
    pub fn line_of(&self, finding: &Finding) -> Option<&str> {
        let of_file = |it: &&Edited| display_path(&self.comparison.after, &it.path) == finding.path;
        let edited = self.comparison.files.iter().find(of_file)?;
        let line = finding.line.checked_sub(1)?;
        let Some(file) = self.comparison.after.file(&edited.path) else {
            return edited.after.lines().nth(line as usize).map(str::trim);
        };
        // Large answers have many findings: the lines of the text are counted once.
        let lines = self.comparison.after.source(file).lines();
        (line < lines.line_count()).then(|| edited.after[lines.line_range(line, &edited.after)].trim())
    }

    /// The graph with the edit.
    pub fn overlay(&self) -> &AnalysisHost {
        &self.overlay
    }

    /// Draws the conclusion. `statement` is how sure the author says it is, from 0 to 1.
    pub fn finish(mut self, origin: Option<Origin>, statement: Option<f64>) -> Verdict {
        // Again where nobody has run what was to be run next.
        while !self.results.contains_key(&Stage::Tests) || self.pending.is_some() {
            self.record_outcomes(Vec::new());
        }
        let callers = self.callers();
        let is_valid = self.findings.is_empty() && !self.results.values().any(|result| *result == CheckResult::Failed);
        // After the runs of the requests come those of tests with mutants.
        let action = |index: usize| self.tests.requests.get(index).map(|it| &it.action);
        let is_doctest = |index: usize| matches!(action(index), Some(Action::Doctest { .. }));
        let is_of_laws = |index: usize| action(index).is_some_and(laws::is_of_laws);
        let runs = self.runs.iter().enumerate().filter(|(index, _)| !is_of_laws(*index));
        let (examples, tests): (Vec<_>, Vec<_>) = runs.partition(|(index, _)| is_doctest(*index));
        let telling = |runs: &[(usize, &TestRun)]| runs.iter().map(|(_, run)| run.telling).sum();
        let is_asked = |stage| matches!(self.results.get(&stage), Some(CheckResult::Asked(_)));
        let measured = Measured {
            statement,
            failed: !is_valid,
            tests: telling(&tests),
            examples: telling(&examples),
            laws: self.laws,
            examined: self.examined,
            likeness: self.likeness,
            promises: is_asked(Stage::Scope),
            types: is_asked(Stage::Types),
            unusual: self.is_unusual,
        };
        let texts = self.comparison.files.iter().map(|file| (file.path.clone(), file.before.clone())).collect();
        let validated = is_valid.then(|| Validated::new(self.candidate.change, texts));
        let parts = parts::parts(&self.comparison, &self.findings, &self.warnings);
        let evidence = Evidence {
            title: self.candidate.title,
            parts,
            confidence: Confidence::of(measured),
            unchecked: self.unchecked,
            findings: self.findings,
            left_out: Vec::new(),
            created: created(&self.comparison),
            warnings: self.warnings,
            checks: self.results,
            callers,
            tests: self.runs,
            examined: self.examined,
            diff: unified_diff(&self.comparison),
            texts: compared(&self.comparison),
            origin,
        };
        Verdict { evidence, validated }
    }

    /// Who calls what was edited, and whether the calls still fit.
    fn callers(&self) -> Callers {
        let after = &self.comparison.after;
        let mut callers = Callers::default();
        let mut functions = BTreeSet::new();
        let mut incompatible: BTreeMap<FileId, Ranges> = BTreeMap::new();
        for symbol in self.comparison.edited_functions() {
            for call in after.callers(symbol) {
                functions.insert(call.other);
                for site in call.sites {
                    match site.confidence {
                        EdgeConfidence::Exact => callers.exact += 1,
                        EdgeConfidence::Inferred => callers.inferred += 1,
                        EdgeConfidence::Possible => callers.possible += 1,
                    }
                    let of_file = || {
                        after
                            .incompatible_calls(site.file)
                            .iter()
                            .map(|incompatibility| incompatibility.range)
                            .collect()
                    };
                    let incompatible = incompatible.entry(site.file).or_insert_with(of_file);
                    callers.broken += u32::from(incompatible.contain(site.range));
                }
            }
        }
        callers.functions = functions.len() as u32;
        callers
    }
}

#[cfg(test)]
pub(crate) mod tests;
