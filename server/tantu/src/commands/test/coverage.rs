//! Coverage, for people and in the formats of other programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use runs::coverage::FileCoverage;
use terminal::{Shown, Style};

use crate::output::{counted, for_stdout, table};

#[derive(Args)]
pub(super) struct Wanted {
    /// Say which statements of the workspace the tests have executed
    #[arg(long)]
    coverage: bool,
    /// Write the coverage to FILE in the format of lcov, which editors and code hosts read
    #[arg(long, value_name = "FILE")]
    lcov: Option<PathBuf>,
    /// Write the coverage to FILE in the format of Cobertura, which CI servers read
    #[arg(long, value_name = "FILE")]
    cobertura: Option<PathBuf>,
}

impl Wanted {
    pub(super) fn is_any(&self) -> bool {
        self.coverage || self.lcov.is_some() || self.cobertura.is_some()
    }

    /// Whether it is to be shown, and not only written.
    pub(super) fn is_shown(&self) -> bool {
        self.coverage
    }

    /// # Errors
    /// When a file cannot be written; with its name.
    pub(super) fn write(&self, files: &[FileCoverage]) -> anyhow::Result<()> {
        for (path, text) in [(&self.lcov, lcov(files)), (&self.cobertura, cobertura(files))] {
            if let Some(path) = path {
                std::fs::write(path, text).with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }
}

fn percent(executed: usize, all: usize) -> String {
    // A single missed statement is not 100 %.
    match all {
        0 => "100 %".to_owned(),
        _ => format!("{} %", executed * 100 / all),
    }
}

pub(super) fn human(files: &[FileCoverage]) -> Shown {
    let mut out = for_stdout();
    let row = |it: &FileCoverage| {
        let (all, missed) = (it.statements.len(), it.missed.len());
        [it.path.clone(), all.to_string(), missed.to_string(), percent(it.executed(), all), it.missed_in_words()]
    };
    let mut rows = vec![["file", "statements", "missed", "", "lines"].map(str::to_owned)];
    rows.extend(files.iter().filter(|it| !it.missed.is_empty()).map(row));
    if rows.len() > 1 {
        out.push(&table(&rows, 1..4));
    }
    let all: usize = files.iter().map(|it| it.statements.len()).sum();
    let executed: usize = files.iter().map(FileCoverage::executed).sum();
    out.push_styled(Style::Bold, &percent(executed, all));
    out.push(&format!(" of {} in {} executed\n", counted(all, "statement"), counted(files.len(), "file")));
    out
}

/// As `geninfo` of LCOV 2 describes it: `DA` is a line and how often it was executed, of which we know only whether.
fn lcov(files: &[FileCoverage]) -> String {
    let mut out = String::new();
    for file in files {
        // Writing to text cannot fail.
        let _ = writeln!(out, "TN:\nSF:{}", file.path);
        for line in &file.statements {
            let _ = writeln!(out, "DA:{line},{}", u8::from(file.missed.binary_search(line).is_err()));
        }
        let _ = writeln!(out, "LF:{}\nLH:{}\nend_of_record", file.statements.len(), file.executed());
    }
    out
}

/// By Cobertura's DTD `coverage-04`. Branches are not measured.
fn cobertura(files: &[FileCoverage]) -> String {
    let rate = |executed: usize, all: usize| if all == 0 { 1.0 } else { executed as f64 / all as f64 };
    let all: usize = files.iter().map(|it| it.statements.len()).sum();
    let executed: usize = files.iter().map(FileCoverage::executed).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" ?>\n<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n\
         <coverage version=\"{}\" timestamp=\"0\" lines-valid=\"{all}\" lines-covered=\"{executed}\" line-rate=\"{:.4}\" \
         branches-valid=\"0\" branches-covered=\"0\" branch-rate=\"0\" complexity=\"0\">\n  <sources><source>.</source></sources>\n  \
         <packages>\n    <package name=\".\" line-rate=\"{:.4}\" branch-rate=\"0\" complexity=\"0\">\n      <classes>\n",
        env!("CARGO_PKG_VERSION"),
        rate(executed, all),
        rate(executed, all),
    );
    for file in files {
        let path = escaped(&file.path);
        let rate = rate(file.executed(), file.statements.len());
        let _ = writeln!(
            out,
            "        <class name=\"{path}\" filename=\"{path}\" line-rate=\"{rate:.4}\" branch-rate=\"0\" complexity=\"0\">\n          \
             <methods/>\n          <lines>"
        );
        for line in &file.statements {
            let hits = u8::from(file.missed.binary_search(line).is_err());
            let _ = writeln!(out, "            <line number=\"{line}\" hits=\"{hits}\"/>");
        }
        out.push_str("          </lines>\n        </class>\n");
    }
    out.push_str("      </classes>\n    </package>\n  </packages>\n</coverage>\n");
    out
}

/// As the value of an attribute in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<FileCoverage> {
        let of = |path: &str, statements: &[u32], missed: &[u32]| FileCoverage {
            path: path.to_owned(),
            statements: statements.to_vec(),
            missed: missed.to_vec(),
        };
        vec![of("a&b.py", &[1, 2, 4], &[4]), of("whole.py", &[1], &[])]
    }

    #[test]
    fn only_files_with_something_missed_have_a_row() {
        let expected = "\
file    statements  missed        lines
a&b.py           3       1  66 %  4
75 % of 4 statements in 2 files executed
";
        assert_eq!(human(&files()).as_str(), expected);
    }

    #[test]
    fn other_programs_can_read_it() {
        let expected = "TN:\nSF:a&b.py\nDA:1,1\nDA:2,1\nDA:4,0\nLF:3\nLH:2\nend_of_record\nTN:\nSF:whole.py\nDA:1,1\nLF:1\nLH:1\nend_of_record\n";
        assert_eq!(lcov(&files()), expected);
        let xml = cobertura(&files());
        assert!(xml.contains("lines-valid=\"4\" lines-covered=\"3\" line-rate=\"0.7500\""), "{xml}");
        assert!(
            xml.contains("filename=\"a&amp;b.py\" line-rate=\"0.6667\"")
                && xml.contains("<line number=\"4\" hits=\"0\"/>")
        );
    }
}
