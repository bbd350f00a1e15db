//! `tantu check [PATHS]`

use std::path::PathBuf;

use clap::Args;
use graph::FileId;
use serde::Serialize;
use syntax::Encoding;

use crate::Status;
use crate::output::{BOLD, Format, RED, YELLOW, print, print_json, styled};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders to report on; the current folder if there are none. All of the workspace around them is read
    paths: Vec<PathBuf>,
    /// In JSON, lines and characters are counted from 0, characters in UTF-16 code units, as editors do
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Finding {
    path: String,
    range: Range,
    code: &'static str,
    source: &'static str,
    severity: &'static str,
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
    let (workspace, files) = Workspace::around(&arguments.paths)?;
    let findings: Vec<Finding> = files.iter().flat_map(|&file| findings(&workspace, file)).collect();
    match arguments.format {
        Format::Json => print_json(&findings)?,
        Format::Human => print(&human(&findings, files.len()))?,
    }
    Ok(if findings.is_empty() { Status::Fine } else { Status::Findings })
}

fn findings(workspace: &Workspace, file: FileId) -> Vec<Finding> {
    let source = workspace.analysis.source(file);
    let at = |offset| source.position(offset, Encoding::Utf16).into();
    let finding = |it: ide::Diagnostic| Finding {
        path: workspace.shown(file),
        range: Range { start: at(it.range.start()), end: at(it.range.end()) },
        code: it.code.as_str(),
        source: "tantu",
        severity: match it.severity {
            ide::Severity::Error => "error",
            ide::Severity::Warning => "warning",
            ide::Severity::Information => "information",
            ide::Severity::Hint => "hint",
        },
        message: it.message,
    };
    ide::diagnostics(&workspace.analysis, file).into_iter().map(finding).collect()
}

fn human(findings: &[Finding], files: usize) -> String {
    let stdout = std::io::stdout();
    let mut text = String::new();
    for finding in findings {
        let Position { line, character } = finding.range.start;
        let place = format!("{}:{}:{}", finding.path, line + 1, character + 1);
        let style = if finding.severity == "error" { RED } else { YELLOW };
        let severity = styled(&stdout, style, finding.severity);
        let place = styled(&stdout, BOLD, &place);
        text.push_str(&format!("{place}: {severity}: {} [{}]\n", finding.message, finding.code));
    }
    let count = |number: usize, thing: &str| format!("{number} {thing}{}", if number == 1 { "" } else { "s" });
    text.push_str(&format!("{} in {}\n", count(findings.len(), "finding"), count(files, "file")));
    text
}
