//! What is wrong in files that configure: settings of ours and settings of the linter.

use std::path::PathBuf;

use lint::{ConfigurationProblem, Finding, Severity};
use syntax::{TextRange, TextSize};

use crate::settings::{ConfigFile, Problem};

/// A file that is no Python, and what was found in it.
pub struct FoundIn {
    pub path: PathBuf,
    pub text: String,
    /// Never empty.
    pub findings: Vec<Finding>,
}

/// What is wrong in `files`, and the `problems` that the linter has with its own, file by file.
pub fn of(files: &[ConfigFile], problems: Vec<ConfigurationProblem>) -> Vec<FoundIn> {
    let mut found: Vec<FoundIn> = Vec::new();
    for file in files.iter().filter(|file| !file.problems.is_empty()) {
        let findings = file.problems.iter().map(unknown_setting).collect();
        found.push(FoundIn { path: file.path.clone(), text: file.text.clone(), findings });
    }
    for problem in problems {
        let finding = invalid_ruff_settings(&problem);
        match found.iter_mut().find(|it| it.path == problem.path) {
            Some(known) => known.findings.push(finding),
            None => {
                // A file that cannot be read has no places; the problem says so.
                let text = syntax::read_source(&problem.path).unwrap_or_default();
                found.push(FoundIn { path: problem.path, text, findings: vec![finding] });
            }
        }
    }
    found
}

fn unknown_setting(problem: &Problem) -> Finding {
    let at = |offset: usize| TextSize::new(u32::try_from(offset).unwrap_or(u32::MAX));
    let range = TextRange::new(at(problem.range.start), at(problem.range.end));
    finding(range, "unknown-setting", Severity::Warning, problem.message.clone())
}

fn invalid_ruff_settings(problem: &ConfigurationProblem) -> Finding {
    let message = format!("{}; the default rules apply", problem.message);
    finding(problem.range, "invalid-ruff-settings", Severity::Error, message)
}

fn finding(range: TextRange, code: &'static str, severity: Severity, message: String) -> Finding {
    Finding {
        range,
        code: code.into(),
        name: code.into(),
        message,
        severity,
        confidence: None,
        tag: None,
        fix: None,
        url: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_settings_of_both_is_one() {
        let (path, text) = (PathBuf::from("/w/pyproject.toml"), "[tool.tantu]\nx = 1\n[tool.ruff]\ny = 1\n".to_owned());
        let range = TextRange::new(TextSize::new(31), TextSize::new(32));
        let linters = ConfigurationProblem { path: path.clone(), range, line: 4, message: "no `y`".to_owned() };
        let ours = Problem { range: 13..14, message: "no `x`".to_owned() };
        let fine = ConfigFile { path: "/w/tantu.toml".into(), text: String::new(), problems: Vec::new() };
        let files = [fine, ConfigFile { path: path.clone(), text: text.clone(), problems: vec![ours] }];
        let found = of(&files, vec![linters]);
        let [one] = &found[..] else { panic!("{} files", found.len()) };
        assert_eq!((&one.path, &one.text), (&path, &text));
        let shown = one.findings.iter().map(|it| (&*it.code, &text[it.range], &*it.message));
        let expected =
            [("unknown-setting", "x", "no `x`"), ("invalid-ruff-settings", "y", "no `y`; the default rules apply")];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}
