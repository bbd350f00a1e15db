//! `tantu check [PATHS]`

pub(super) mod sarif;
mod since;

use std::path::{Path, PathBuf};

use ::workspace::config_findings::{self, FoundIn};
use ::workspace::diagnostics::FileFindings;
use ::workspace::lints::Lints;
use clap::{Args, ValueEnum};
use graph::FileId;
use ide::{KnownForms, Severity, WorkspaceFindings};
use rayon::prelude::*;
use serde::Serialize;
use syntax::{Encoding, Source, TextRange};
use terminal::{Shown, Style};

use crate::Status;
use crate::output::{counted, for_stdout, print, print_json, warn};
use crate::workspace::{Workspace, shown};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders to report on; the current folder if there are none. All of the workspace around them is read
    paths: Vec<PathBuf>,
    /// In JSON, lines and characters are counted from 0, characters in UTF-16 code units, as editors do
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Report only what was not there at this revision of git, such as HEAD or main; by definition, not by line
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// A folder with advisories as osv.dev publishes them; pinned versions that they call vulnerable are reported
    #[arg(long, value_name = "FOLDER")]
    advisories: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading
    Human,
    /// For programs; stable
    Json,
    /// SARIF 2.1.0, which code hosts show beside the code
    Sarif,
}

#[derive(Serialize)]
pub(super) struct Finding {
    path: String,
    range: Range,
    pub(super) code: String,
    source: &'static str,
    severity: &'static str,
    /// How likely a security finding is a real one: `low`, `medium`, `high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<String>,
    pub(super) message: String,
    related: Vec<Related>,
}

impl Finding {
    /// Counted from 1.
    pub(super) fn line(&self) -> u32 {
        self.range.start.line + 1
    }

    /// What is wrong with a change, as far as it has a place.
    pub(super) fn of_change(found: &validate::Finding, severity: &'static str) -> Self {
        let line = found.line.saturating_sub(1);
        let at = || Position { line, character: 0 };
        Finding {
            path: found.path.clone(),
            range: Range { start: at(), end: at() },
            code: found.code.clone(),
            source: "tantu",
            severity,
            confidence: None,
            message: found.message.clone(),
            related: Vec::new(),
        }
    }
}

/// Another place that explains a finding.
#[derive(Serialize)]
struct Related {
    path: String,
    range: Range,
    message: String,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    character: u32,
}

impl From<syntax::Position> for Position {
    fn from(position: syntax::Position) -> Self {
        Position { line: position.line, character: position.column }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (mut workspace, files) = Workspace::around(&arguments.paths)?;
    let of_settings = in_settings(&workspace, &files);
    let mut findings = match &arguments.since {
        Some(revision) => {
            // They decide what is found, whatever is new.
            for it in of_settings {
                warn(format!("tantu: {}:{}: {}", it.path, it.line(), it.message));
            }
            since::introduced(&mut workspace, &files, revision, findings)?
        }
        None => findings(&workspace, &files).into_iter().chain(of_settings).collect(),
    };
    if let Some(folder) = &arguments.advisories {
        findings.extend(vulnerable(&workspace, folder)?);
    }
    match arguments.format {
        Format::Json => print_json(&findings)?,
        Format::Human => print(human(&findings, files.len()))?,
        Format::Sarif => print_json(&sarif::log(&findings))?,
    }
    Ok(if findings.is_empty() { Status::Fine } else { Status::Findings })
}

/// The same findings as in an editor, file by file.
pub(super) fn findings(workspace: &Workspace, files: &[FileId]) -> Vec<Finding> {
    let settings = workspace.settings();
    let lints = Lints::new(settings.ruff, std::slice::from_ref(&workspace.root));
    let of_workspace = WorkspaceFindings::of(&workspace.analysis, &settings.project, &KnownForms::default());
    let of_file = |&file: &FileId| {
        let FileFindings { mut graph, lint } = FileFindings::of(&workspace.analysis, &settings.project, &lints, file);
        graph.extend(of_workspace.diagnostics(&workspace.analysis, file));
        let graph = graph.into_iter().map(|it| (it.range.start(), finding(workspace, file, it)));
        let lint = lint.into_iter().map(|it| (it.range.start(), lint_finding(workspace, file, it)));
        let mut found: Vec<_> = graph.chain(lint).collect();
        found.sort_by(|(a, one), (b, other)| (a, &one.code).cmp(&(b, &other.code)));
        found.into_iter().map(|(_, finding)| finding).collect::<Vec<_>>()
    };
    // Every step of it may be deep work: threads that had to hand it to others would wait, file upon file.
    let side_by_side = || files.par_iter().flat_map_iter(of_file).collect();
    syntax::on_deep_pool(side_by_side).unwrap_or_else(|| files.iter().flat_map(of_file).collect())
}

/// What is wrong in the settings by which `files` are looked at.
fn in_settings(workspace: &Workspace, files: &[FileId]) -> Vec<Finding> {
    let lints = Lints::new(workspace.settings().ruff, std::slice::from_ref(&workspace.root));
    let problems = lints.problems(files.iter().map(|&file| workspace.analysis.path(file)));
    elsewhere(config_findings::of(&workspace.config_files(), problems))
}

/// Findings in files that are no Python.
fn elsewhere(files: Vec<FoundIn>) -> Vec<Finding> {
    let of_file = |file: FoundIn| {
        let (source, path) = (Source::new(file.text.as_str()), shown(&file.path));
        file.findings.into_iter().map(move |it| of_lint(path.clone(), &source, it))
    };
    files.into_iter().flat_map(of_file).collect()
}

/// Pins of versions that the advisories in `folder` call vulnerable.
fn vulnerable(workspace: &Workspace, folder: &Path) -> anyhow::Result<Vec<Finding>> {
    anyhow::ensure!(folder.is_dir(), "{} is not a folder", folder.display());
    let (advisories, problems) = lint::read_advisories(folder);
    for problem in problems {
        warn(format!("tantu: {} {}", problem.path.display(), problem.message));
    }
    Ok(elsewhere(::workspace::advisories::vulnerable(&workspace.root, &advisories)))
}

fn lint_finding(workspace: &Workspace, file: FileId, it: lint::Finding) -> Finding {
    of_lint(workspace.shown(file), workspace.analysis.source(file), it)
}

fn of_lint(path: String, source: &Source, it: lint::Finding) -> Finding {
    Finding {
        path,
        range: range_in(source, it.range),
        code: it.code.into_owned(),
        source: "tantu",
        severity: severity(it.severity),
        confidence: it.confidence.map(|it| it.to_string()),
        message: it.message,
        related: Vec::new(),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
        Severity::Hint => "hint",
    }
}

fn finding(workspace: &Workspace, file: FileId, it: ide::Diagnostic) -> Finding {
    let related = |it: ide::Related| Related {
        path: workspace.shown(it.file),
        range: range(workspace, it.file, it.range),
        message: it.message,
    };
    Finding {
        path: workspace.shown(file),
        range: range(workspace, file, it.range),
        code: it.code.as_str().to_owned(),
        source: "tantu",
        severity: severity(it.severity),
        confidence: None,
        message: it.message,
        related: it.related.into_iter().map(related).collect(),
    }
}

fn range(workspace: &Workspace, file: FileId, range: TextRange) -> Range {
    range_in(workspace.analysis.source(file), range)
}

fn range_in(source: &Source, range: TextRange) -> Range {
    let at = |offset| source.position(offset, Encoding::Utf16).into();
    Range { start: at(range.start()), end: at(range.end()) }
}

fn human(findings: &[Finding], files: usize) -> Shown {
    let place = |path: &str, range: &Range| format!("{path}:{}:{}", range.start.line + 1, range.start.character + 1);
    let mut text = for_stdout();
    for finding in findings {
        let style = if finding.severity == "error" { Style::Red } else { Style::Yellow };
        text.push_styled(Style::Bold, &place(&finding.path, &finding.range));
        text.push(": ");
        text.push_styled(style, finding.severity);
        text.push(&format!(": {} [{}]\n", finding.message, finding.code));
        for related in &finding.related {
            text.push(&format!("    {}: {}\n", place(&related.path, &related.range), related.message));
        }
    }
    text.push(&format!("{} in {}\n", counted(findings.len(), "finding"), counted(files, "file")));
    text
}
