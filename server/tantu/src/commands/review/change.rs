//! A review of what has changed, without a model.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use gate::{Behaviour, Changes, Impact, Options, Outcome, State, Verdict, impact};
use serde::Serialize;

use super::{Arguments, Format, Report, markdown};
use crate::Status;
use crate::commands::check;
use crate::commands::gate::{checked_state, verdict};
use crate::junit;
use crate::output::{print, print_exactly, print_json};
use crate::workspace::Workspace;
use terminal::Shown;

/// All that is known of a change.
#[derive(Serialize)]
pub(super) struct Review {
    pub since: String,
    pub verdict: Verdict,
    pub impact: Impact,
    /// Of the changed lines that a test could run: how many did.
    pub coverage: Option<Coverage>,
}

#[derive(Serialize)]
pub(super) struct Coverage {
    pub lines: u32,
    pub executed: u32,
}

impl Review {
    pub(super) fn of(workspace: &Workspace, since: &str, arguments: &Arguments) -> anyhow::Result<Self> {
        let limit = Duration::try_from_secs_f32(arguments.limit).context("--limit takes seconds, such as 30 or 2.5")?;
        let changes = Changes::since(&workspace.root, since, &[])?;
        let state: State = checked_state(workspace);
        let impact = impact(&state, &changes);
        let behaviour = Behaviour::ReportChanges;
        let options = Options { tests: !arguments.no_tests, behaviour, limit, asked: String::new() };
        let verdict = verdict(workspace, changes, &options)?;
        let examined = verdict.evidence.as_ref().map(|it| it.examined).filter(|it| it.lines > 0);
        let coverage = examined.map(|it| Coverage { lines: it.lines, executed: it.executed });
        Ok(Review { since: since.to_owned(), verdict, impact, coverage })
    }

    pub(super) fn status(&self) -> Status {
        match self.verdict.outcome {
            Outcome::Passed | Outcome::Asked => Status::Fine,
            Outcome::Refused => Status::Findings,
            Outcome::NotFinished | Outcome::Unusable => Status::Failure,
        }
    }

    /// Writes the review to where it is wanted.
    pub(super) fn write(&self, opinion: Option<&(Report, Shown)>, arguments: &Arguments) -> anyhow::Result<()> {
        let files = &arguments.files;
        if let Some(path) = &files.sarif {
            save(path, &(serde_json::to_string_pretty(&self.sarif())? + "\n"))?;
        }
        if let Some(path) = &files.junit {
            save(path, &junit::xml(&self.verdict.tests.results))?;
        }
        let said = opinion.map(|(_, text)| text.as_str());
        let text = match arguments.format {
            Format::Json => {
                let value = Printed { review: self, opinion: opinion.map(|(report, _)| report) };
                if files.output.is_none() {
                    return print_json(&value);
                }
                serde_json::to_string_pretty(&value)? + "\n"
            }
            Format::Sarif => serde_json::to_string_pretty(&self.sarif())? + "\n",
            Format::Markdown => markdown::page(self, said),
            Format::Github => self.annotations(),
            Format::Human => self.text(said),
        };
        match &files.output {
            Some(path) => save(path, &text),
            None if arguments.format == Format::Human => Ok(print(text)?),
            None => Ok(print_exactly(&text)?),
        }
    }

    fn sarif(&self) -> serde_json::Value {
        let findings = self.verdict.findings.iter().map(|it| check::Finding::of_change(it, "error"));
        let warnings = self.verdict.warnings.iter().map(|it| check::Finding::of_change(it, "warning"));
        check::sarif::log(&findings.chain(warnings).collect::<Vec<_>>())
    }

    /// `::error file=…,line=…::message`, as GitHub's runners read it from the output of a step.
    fn annotations(&self) -> String {
        let escaped = |text: &str, is_property: bool| {
            let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
            if is_property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
        };
        let line = |kind: &str, it: &validate::Finding| {
            let place = if it.line > 0 { format!(",line={}", it.line) } else { String::new() };
            let title = format!("tantu {}", it.code);
            let (path, title) = (escaped(&it.path, true), escaped(&title, true));
            format!("::{kind} file={path}{place},title={title}::{}\n", escaped(&it.message, false))
        };
        let findings = self.verdict.findings.iter().map(|it| line("error", it));
        let warnings = self.verdict.warnings.iter().map(|it| line("warning", it));
        let last = format!("::notice title=tantu::{}\n", escaped(&markdown::badge(self), false));
        findings.chain(warnings).chain([last]).collect()
    }

    fn text(&self, opinion: Option<&str>) -> String {
        let mut text = self.verdict.text();
        for touched in self.impact.touched.iter().take(20) {
            let at_least = if touched.complete { "" } else { "at least " };
            text.push_str(&format!(
                "touches {} {}:{}: {} callers, {at_least}{} tests\n",
                touched.symbol, touched.path, touched.line, touched.callers, touched.tests
            ));
        }
        for fixed in &self.impact.fixed {
            text.push_str(&format!("fits again: {}:{}: {}\n", fixed.path, fixed.line, fixed.message));
        }
        for dependency in &self.impact.dependencies {
            text.push_str(&format!("new dependency: {dependency}\n"));
        }
        if let Some(Coverage { lines, executed }) = self.coverage {
            text.push_str(&format!("{executed} of {lines} changed lines were executed by its tests\n"));
        }
        if let Some(opinion) = opinion {
            text.push_str(&format!("\na model's opinion:\n{opinion}"));
        }
        text
    }
}

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    review: &'a Review,
    /// What a model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    opinion: Option<&'a Report>,
}

fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
