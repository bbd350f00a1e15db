//! What linters find in the text with the edit that they did not find before it.
//!
//! What no compiler takes belongs to the syntax, what is dangerous to security; both keep a candidate back. The rest is told
//! to the person, unless it is sure to fail when it is reached.

use std::path::Path;

use graph::{Analysis, FileId};
use lint::{Document, Identity, Linter, Severity};
use syntax::{TextRange, on_deep_stack, parse};

use super::{Comparison, PastMistake, Typing};
use crate::{Candidate, Finding, Stage};

/// A linter that any thread may use.
type SharedLinter<'a> = dyn Linter + Send + Sync + 'a;

/// Where data from outside reaches a dangerous call: the call, and a sentence about it.
pub type TaintedCall = (FileId, TextRange, String);

/// Finds tainted calls in a whole workspace.
type FindTainted<'a> = dyn Fn(&Analysis) -> Vec<TaintedCall> + Sync + 'a;

/// What candidates are looked at with, besides the graph. Owned by whoever checks many of them: linters remember the settings
/// that they have read.
#[derive(Clone, Copy, Default)]
pub struct Inspection<'a> {
    /// [`lint::Gate`] among them, whatever the user has chosen: without it, code that no compiler takes passes.
    pub linters: &'a [&'a SharedLinter<'a>],
    pub tainted: Option<&'a FindTainted<'a>>,
    pub types: Option<Typing<'a>>,
    /// What the workspace says of itself: what is installed, and what it needs.
    pub project: Option<&'a ide::Project>,
    /// What was wrong with earlier answers.
    pub past: &'a [PastMistake],
    /// What the person asks for, in words.
    pub asked: &'a str,
}

/// The new findings of one candidate.
#[derive(Default)]
pub(super) struct Introduced {
    /// They keep the candidate back.
    pub blocking: Vec<Finding>,
    /// They are told, and no more.
    pub warnings: Vec<Finding>,
    /// What a project may well want: whoever reviews is asked.
    pub questions: Vec<Finding>,
    /// How often the finding that the candidate is to mend was there in its scope, and is in what it has written.
    pub mended: Option<[usize; 2]>,
    /// What linters say about security in the edited files, by the index of the file: before the edit and after it.
    pub security: Vec<[Vec<TextRange>; 2]>,
}

/// What `linters` find in the edited files that they did not find before.
pub(super) fn introduced(comparison: &Comparison, candidate: &Candidate, linters: &[&SharedLinter<'_>]) -> Introduced {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut all = Introduced::default();
    for edited in &comparison.files {
        let Some(file) = after.file(&edited.path) else { continue };
        let old = look(&edited.path, &edited.before, linters);
        let new = look(&edited.path, &edited.after, linters);
        let dangers = |found: &[lint::Finding]| found.iter().filter(|it| is_danger(it)).map(|it| it.range).collect();
        all.security.push([dangers(&old), dangers(&new)]);
        if let Some(code) =
            candidate.fixes_code.as_deref().filter(|_| candidate.scope.ranges_in(&edited.path).next().is_some())
        {
            let is_in_scope = |it: &lint::Finding| {
                candidate.scope.ranges_in(&edited.path).any(|range| range.contains_range(it.range))
            };
            let was = old.iter().filter(|it| it.code == code && is_in_scope(it)).count();
            let left: Vec<&lint::Finding> = new.iter().filter(|it| it.code == code && edited.wrote(it.range)).collect();
            all.mended = Some([was, left.len()]);
            if let Some(first) = left.first().filter(|_| was > 0 && left.len() >= was) {
                let message = format!("what was to be mended is still there: {}", first.message);
                all.blocking.push(comparison.finding(stage(first), code, message, file, first.range));
            }
        }
        // A new file has nothing before.
        let known = before.file(&edited.path).into_iter();
        let known =
            known.flat_map(|file| old.iter().map(move |it| identity(before, file, it.range, &it.code, &it.message)));
        let found = new.into_iter().map(|it| (identity(after, file, it.range, &it.code, &it.message), it));
        for found in lint::introduced(known, found) {
            if found.code == "F821" && after.undefined_names(file).iter().any(|(range, _)| *range == found.range) {
                // The graph says so, and knows which names come from elsewhere.
                continue;
            }
            let stage = stage(&found);
            let is_blocking = stage != Stage::Lint || found.severity == Severity::Error;
            let finding = comparison.finding(stage, &found.code, found.message, file, found.range);
            let kind = match stage {
                Stage::Security if POLICIES.contains(&&*found.code) => &mut all.questions,
                _ if is_blocking => &mut all.blocking,
                _ => &mut all.warnings,
            };
            kind.push(finding);
        }
    }
    all
}

/// What linters find in `text`, in its order, each once.
fn look(path: &Path, text: &str, linters: &[&SharedLinter<'_>]) -> Vec<lint::Finding> {
    let look = || {
        let parsed = parse(text);
        let document = Document { path, text, parsed: &parsed };
        let mut found: Vec<lint::Finding> = linters.iter().flat_map(|linter| linter.lint(&document)).collect();
        found.retain(|it| !lint::is_false_alarm(&document, it));
        found.sort_by(|a, b| (a.range.start(), &a.code).cmp(&(b.range.start(), &b.code)));
        // A rule may be on in the project's settings and in the gate.
        found.dedup_by(|a, b| a.range == b.range && a.code == b.code);
        found
    };
    // Without a thread there are no findings.
    if linters.is_empty() || !lint::is_lintable(path) { Vec::new() } else { on_deep_stack(look).unwrap_or_default() }
}

fn stage(found: &lint::Finding) -> Stage {
    if lint::is_compile_error(&found.code) {
        Stage::Syntax
    } else if is_danger(found) {
        Stage::Security
    } else {
        Stage::Lint
    }
}

/// Rules that say how a project wants things to be done, where a reviewer may well say that it is fine so: permissions, addresses
/// and folders that are written out, no time-out, XML of one's own, hashes that protect nothing, forms for other sites.
const POLICIES: [&str; 14] = [
    "S103",
    "S104",
    "S108",
    "S113",
    "S313",
    "S314",
    "S315",
    "S316",
    "S317",
    "S318",
    "S319",
    "S320",
    "S324",
    "exempt-from-csrf",
];

/// Rules that ask for a look at every call of a kind, whatever was done before it: no way to write it satisfies them.
const AUDITS: [&str; 1] = ["S310"];

/// Whether a finding is about security, and more than a hint that one should look: `import subprocess` is no danger.
fn is_danger(found: &lint::Finding) -> bool {
    found.confidence.is_some() && found.severity <= Severity::Warning && !AUDITS.contains(&&*found.code)
}

fn identity(analysis: &Analysis, file: FileId, range: TextRange, code: &str, message: &str) -> Identity {
    let symbol = analysis.symbol(analysis.enclosing(file, range.start())).qualified_name();
    Identity::new(analysis.path(file).to_string_lossy(), Some(symbol), code, message)
}

/// Calls that data from outside reaches now, anywhere in the workspace.
pub(super) fn tainted(comparison: &Comparison, tainted: &FindTainted<'_>) -> Vec<Finding> {
    const CODE: &str = "tainted-call";
    let now = tainted(&comparison.after);
    if now.is_empty() {
        return Vec::new();
    }
    let identity =
        |analysis: &Analysis, (file, range, message): &TaintedCall| identity(analysis, *file, *range, CODE, message);
    let known = tainted(&comparison.before).into_iter().map(|it| identity(&comparison.before, &it));
    let now = now.into_iter().map(|it| (identity(&comparison.after, &it), it));
    let new = lint::introduced(known, now).into_iter();
    new.map(|(file, range, message)| comparison.finding(Stage::Security, CODE, message, file, range)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use expect_test::{Expect, expect};
    use lint::{Gate, Ruff, Secrets};
    use syntax::TextEdit;

    use super::super::tests::{candidate, draw, load, without_laws};
    use super::super::{Checked, check};
    use super::*;

    /// Puts `new` into the place `$1…$1` and looks with all linters, and ruff's settings in `settings`.
    fn checked(settings: &str, text: &str, new: &str) -> Checked {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("ruff.toml");
        std::fs::write(&user, settings).unwrap();
        let (host, path, range) = load(text);
        let ruff = Ruff::with_user_settings((!settings.is_empty()).then_some(user));
        let gate = Gate(&ruff);
        let linters: &[&SharedLinter<'_>] = &[&ruff, &Secrets, &gate];
        let candidate = candidate(&path, range, vec![TextEdit::replace(range, new)]);
        let inspection = Inspection { linters, tainted: Some(&calls_of_sink), ..Inspection::default() };
        without_laws(check(&host, candidate, &inspection))
    }

    /// Stands for the search of tainted calls.
    fn calls_of_sink(analysis: &Analysis) -> Vec<TaintedCall> {
        let of_file = |file: FileId| {
            let text = analysis.source(file).text().clone();
            let at: Vec<usize> = text.match_indices("sink(").map(|(at, _)| at).collect();
            at.into_iter().map(move |at| {
                let range = TextRange::at((at as u32).into(), 4.into());
                (file, range, "`sink` gets what `input()` gives".to_owned())
            })
        };
        analysis.files().flat_map(of_file).collect()
    }

    /// The findings and what is open, of a candidate that is to mend `code` in the body `$1…$1`.
    fn mending(text: &str, new: &str, code: &str) -> (Vec<String>, String) {
        let (host, path, range) = load(text);
        let ruff = Ruff::with_user_settings(None);
        let linters: &[&SharedLinter<'_>] = &[&ruff];
        let mut candidate = candidate(&path, range, vec![TextEdit::replace(range, new)]);
        candidate.fixes_code = Some(code.to_owned());
        let checked = check(&host, candidate, &Inspection { linters, ..Inspection::default() });
        let codes = checked.findings().iter().map(|finding| finding.code.clone()).collect();
        (codes, draw(&checked))
    }

    #[test]
    fn what_was_to_be_mended_is_gone_or_keeps_back() {
        let text = "#- /a.py\nimport yaml\n\ndef f(a):\n    $1return yaml.load(a)$1\n";
        let (found, _) = mending(text, "return yaml.safe_load(a)", "S506");
        assert_eq!(found, [""; 0]);
        let (found, drawn) = mending(text, "a = a.strip()\n    return yaml.load(a)", "S506");
        assert_eq!(found, ["S506"], "{drawn}");
        assert!(drawn.contains("what was to be mended is still there"), "{drawn}");
        // One of two is mended.
        let two = text.replace("return yaml.load(a)", "b = yaml.load(a)\n    return yaml.load(b)");
        let (found, _) = mending(&two, "b = yaml.safe_load(a)\n    return yaml.load(b)", "S506");
        assert_eq!(found, [""; 0]);
        let (_, drawn) = mending(text, "return a", "incompatible-call");
        assert!(drawn.contains("whether `incompatible-call` is gone, no linter here can tell"), "{drawn}");
    }

    #[track_caller]
    fn verify_with(settings: &str, text: &str, new: &str, expected: Expect) {
        let checked = checked(settings, text, new);
        let warnings = checked.warnings().iter().map(|finding| format!("warning: {finding}\n"));
        expected.assert_eq(&(warnings.collect::<String>() + &draw(&checked)));
    }

    #[track_caller]
    fn verify(text: &str, new: &str, expected: Expect) {
        verify_with("", text, new, expected);
    }

    const MODULE: &str = "\
#- /shop.py
import os

def before(x):
    unused = 1
    assert x
    return eval(x)

def f(a, password=''):
    $1pass$1
#- /other.py
import requests, yaml  # noqa
";

    #[test]
    fn what_was_there_before_is_nobodys_fault() {
        verify(
            MODULE,
            "return a",
            expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
        );
    }

    #[test]
    fn what_may_be_meant_is_told_and_keeps_nothing_back() {
        verify(
            MODULE,
            "import subprocess\n    left = 1\n    assert a\n    return f(a)",
            expect![[r#"
            warning: shop.py:9: `subprocess` imported but unused [lint: F401]
            warning: shop.py:10: Local variable `left` is assigned to but never used [lint: F841]
            warning: shop.py:11: Use of `assert` detected [lint: S101]
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
        );
    }

    #[test]
    fn what_fails_when_it_is_reached_keeps_back() {
        verify(
            MODULE,
            "return [later for a in later]",
            expect![[r#"
            shop.py:9: `later` is not defined [graph: undefined-name]
            shop.py:9: `later` is not defined [graph: undefined-name]
            graph failed
            tests not-run: an earlier check failed
        "#]],
        );
        verify(
            "#- /a.py\n$1x = 1$1\n",
            "__all__ = ['gone']",
            expect![[r#"
            a.py:1: Undefined name `gone` in `__all__` [lint: F822]
            lint failed
            tests not-run: an earlier check failed
        "#]],
        );
    }

    #[test]
    fn what_no_compiler_takes_does_not_parse() {
        verify(
            MODULE,
            "def g(b, b):\n        nonlocal a\n        global b",
            expect![[r#"
            shop.py:9: Duplicate parameter "b" [syntax: invalid-syntax]
            shop.py:11: name `b` cannot refer to a parameter and a global variable [syntax: invalid-syntax]
            syntax failed
            scope not-run: it does not parse
            graph not-run: it does not parse
            lint not-run: it does not parse
            security not-run: it does not parse
            tests not-run: it does not parse
        "#]],
        );
        verify_with(
            "target-version = \"py38\"\n",
            MODULE,
            "match a:\n        case 1:\n            pass",
            expect![[r#"
                shop.py:9: Cannot use `match` statement on Python 3.8 (syntax was added in Python 3.10) [syntax: invalid-syntax]
                syntax failed
                scope not-run: it does not parse
                graph not-run: it does not parse
                lint not-run: it does not parse
                security not-run: it does not parse
                tests not-run: it does not parse
            "#]],
        );
    }

    #[test]
    fn dangers_keep_back_whatever_the_settings_say() {
        let new = "import yaml, requests\n    yaml.load(a)  # noqa\n    eval(a)\n    requests.get(a)";
        verify(
            MODULE,
            new,
            expect![[r#"
                warning: shop.py:12: Probable use of `requests` call without timeout [security: S113]
                warning: shop.py:9: Multiple imports on one line [lint: E401]
                shop.py:10: Probable use of unsafe `yaml.load`. Allows instantiation of arbitrary objects. Consider `yaml.safe_load`. [security: S506]
                shop.py:11: Use of possibly insecure function; consider using `ast.literal_eval` [security: S307]
                shop.py:12: `requests.get` uses the network, and neither the function's name, the first sentence of its docstring nor the person who asks speaks of that [security: unasked-network]
                security failed
                tests not-run: an earlier check failed
                open: security: 1 question to whoever reviews, among the warnings
            "#]],
        );
        verify_with(
            "lint.select = [\"E7\"]\n",
            MODULE,
            new,
            expect![[r#"
                shop.py:10: Probable use of unsafe `yaml.load`. Allows instantiation of arbitrary objects. Consider `yaml.safe_load`. [security: S506]
                shop.py:11: Use of possibly insecure function; consider using `ast.literal_eval` [security: S307]
                shop.py:12: `requests.get` uses the network, and neither the function's name, the first sentence of its docstring nor the person who asks speaks of that [security: unasked-network]
                security failed
                tests not-run: an earlier check failed
            "#]],
        );
    }

    #[test]
    fn what_one_file_does_not_tell_is_found_by_the_graph() {
        let text = "#- /tools.py\nfrom pickle import loads as read\n#- /a.py\nimport subprocess, tools\ndef f(x, y):\n    $1pass$1\n";
        verify(
            text,
            "tools.read(x)\n    subprocess.run(x, shell=y)\n    subprocess.run(x, shell=True)",
            expect![[r#"
            warning: a.py:4: `subprocess` call: check for execution of untrusted input [lint: S603]
            a.py:5: `subprocess` call with `shell=True` identified, security issue [security: S602]
            a.py:3: `pickle.loads` runs whatever the data says [security: insecure-call]
            a.py:4: `subprocess.run` with `shell=True` hands text to a shell [security: insecure-call]
            a.py:4: `subprocess.run` starts another program, and neither the function's name, the first sentence of its docstring nor the person who asks speaks of that [security: unasked-program]
            security failed
            tests not-run: an earlier check failed
        "#]],
        );
    }

    #[test]
    fn secrets_keep_back_and_are_not_repeated() {
        let new = ["password = 'Tr0ub4dor&3'\n    return password, 'gh", "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'"];
        let checked = checked("", MODULE, &new.concat());
        assert!(checked.findings().iter().all(|finding| !finding.message.contains("Tr0ub")));
        expect![[r#"
            shop.py:9: This looks like a password (11 characters). Whoever reads the source can use it; keep it outside. [security: secret]
            shop.py:10: This looks like a GitHub token (40 characters). Whoever reads the source can use it; keep it outside. [security: secret]
            security failed
            tests not-run: an earlier check failed
        "#]].assert_eq(&draw(&checked));
    }

    #[test]
    fn a_way_into_a_dangerous_call_keeps_back() {
        let text = "#- /a.py\ndef sink(x): ...\ndef f():\n    sink(1)\n    $1pass$1\n#- /b.py\nimport a\na.sink(2)\n";
        verify(
            text,
            "pass; print(1)",
            expect![[r#"
            warning: a.py:4: Multiple statements on one line (semicolon) [lint: E702]
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
        );
        verify(
            text,
            "sink(input())",
            expect![[r#"
            a.py:4: `sink` gets what `input()` gives [security: tainted-call]
            security failed
            tests not-run: an earlier check failed
        "#]],
        );
    }

    #[test]
    fn code_that_moves_within_its_function_is_not_new() {
        let text = "#- /a.py\ndef f(x):\n    $1eval(x)$1\n";
        verify(
            text,
            "print(1)\n    if x:\n        eval(x)",
            expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
        );
        verify(
            text,
            "eval(x)\n    eval(x)",
            expect![[r#"
            a.py:3: Use of possibly insecure function; consider using `ast.literal_eval` [security: S307]
            security failed
            tests not-run: an earlier check failed
        "#]],
        );
    }

    #[test]
    fn what_is_no_python_file_is_not_linted() {
        assert!(look(&PathBuf::from("/a.ipynb"), "eval(1)\n", &[&Gate(&Ruff::with_user_settings(None))]).is_empty());
    }
}
