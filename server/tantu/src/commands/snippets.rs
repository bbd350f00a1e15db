//! `tantu snippets list|show|keep|insert|delete`

use std::path::Path;

use anyhow::{Context, bail};
use assistant::client::models;
use assistant::snippets::{Piece, dedented, indented, of_proposal, of_range};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::{Journal, Snippet};
use syntax::TextRange;

use crate::Status;
use crate::output::{Format, counted, print, print_exactly, print_json, table};
use crate::place::{Lines, Place};
use crate::time::utc;
use crate::workspace::{Workspace, existing, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Subcommand)]
enum What {
    /// List the snippets of this workspace, or those with a word in name or code
    List { word: Option<String> },
    /// Print a snippet, and the tests that belong to it
    Show { name: String },
    /// Keep lines of a file, or the answer to a proposal, with the tests that reach them
    Keep {
        name: String,
        /// Such as shop/cart.py:10-20; without lines, all of it
        #[arg(value_name = "FILE[:LINE[-LINE]]", required_unless_present = "proposal")]
        lines: Option<Lines>,
        /// The number of a proposal, whose answer is kept
        #[arg(long, value_name = "ID", conflicts_with = "lines")]
        proposal: Option<i64>,
        /// A file with the tests that belong to it, instead of the nearest ones that reach it
        #[arg(long, value_name = "FILE")]
        tests: Option<std::path::PathBuf>,
    },
    /// Put a snippet into a file, before the line
    Insert {
        name: String,
        #[arg(value_name = "FILE:LINE")]
        place: Place,
    },
    /// Delete a snippet
    Delete { name: String },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let journal =
        models().journal().context("there is no journal: there is no home directory, or it cannot be written")?;
    let workspace = root_of(Path::new("."))?.to_string_lossy().into_owned();
    let (text, value) = match &arguments.what {
        What::List { word } => list(&journal.snippets(&workspace, word.as_deref().unwrap_or_default())?),
        What::Show { name } => {
            let snippet = found(journal, &workspace, name)?;
            let tests = if snippet.tests.is_empty() { String::new() } else { format!("\n# Tests\n{}", snippet.tests) };
            (format!("# {}, from {}\n{}{tests}", snippet.name, snippet.origin, snippet.code), to_json(&snippet))
        }
        What::Keep { name, lines, proposal, tests } => {
            let Piece { code, origin, tests: nearest } = match (lines, proposal) {
                (Some(lines), _) => of_lines(lines)?,
                (None, Some(id)) => {
                    let here = Workspace::read_links(Path::new(&workspace))?;
                    let found = of_proposal(&here.analysis, *id);
                    found.with_context(|| format!("there is no proposal {id} with an answer"))?
                }
                (None, None) => bail!("what is to be kept? Write FILE:LINE-LINE, or --proposal ID"),
            };
            let tests = tests.as_deref().map(whole).transpose()?.unwrap_or(nearest);
            if code.trim().is_empty() {
                bail!("there is nothing to keep: the lines are empty");
            }
            let (kept, name) = (counted(code.lines().count(), "line"), name.clone());
            let replaced =
                journal.keep_snippet(&workspace, &Snippet { name: name.clone(), at: 0, origin, code, tests })?;
            let place = if replaced { ", in place of the one that had its name" } else { "" };
            (format!("{name}: {kept} kept{place}\n"), json!({ "name": name, "replaced": replaced }))
        }
        What::Insert { name, place } => insert(&found(journal, &workspace, name)?, place)?,
        What::Delete { name } => match journal.remove_snippet(&workspace, name)? {
            true => (format!("{name} deleted\n"), json!({ "deleted": name })),
            false => bail!("there is no snippet `{name}`; `tantu snippets list` lists them"),
        },
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        // Code goes into files.
        Format::Human if matches!(arguments.what, What::Show { .. }) => print_exactly(&text)?,
        Format::Human => print(&text)?,
    }
    Ok(Status::Fine)
}

fn found(journal: &Journal, workspace: &str, name: &str) -> anyhow::Result<Snippet> {
    let found = journal.snippet(workspace, name)?;
    found.with_context(|| format!("there is no snippet `{name}`; `tantu snippets list` lists them"))
}

fn list(snippets: &[Snippet]) -> (String, Value) {
    let value = Value::from(snippets.iter().map(to_json).collect::<Vec<_>>());
    if snippets.is_empty() {
        return ("there are no such snippets\n".to_owned(), value);
    }
    let header = ["name", "lines", "kept", "from"].map(str::to_owned);
    let rows =
        snippets.iter().map(|it| [it.name.clone(), it.code.lines().count().to_string(), utc(it.at), it.origin.clone()]);
    (table(&std::iter::once(header).chain(rows).collect::<Vec<_>>(), 1..2), value)
}

fn to_json(it: &Snippet) -> Value {
    json!({ "name": it.name, "kept_at": it.at, "origin": it.origin, "code": it.code, "tests": it.tests })
}

fn whole(path: &Path) -> anyhow::Result<String> {
    let path = existing(path)?;
    syntax::read_source(&path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

fn of_lines(lines: &Lines) -> anyhow::Result<Piece> {
    let shown = lines.place.file.display();
    let text = whole(&lines.place.file)?;
    let count = text.lines().count() as u32;
    let (first, last) = match lines.place.line {
        Some(first) => (first, lines.last.unwrap_or(first)),
        None => (1, count),
    };
    if first == 0 || last < first || last > count {
        bail!("{shown}: it has the lines 1 to {count}");
    }
    let workspace = Workspace::read(&root_of(&lines.place.file)?)?;
    let Ok(file) = workspace.file(&lines.place.file) else {
        // Whatever the graph leaves out can be kept all the same.
        let wanted = text.lines().skip(first as usize - 1).take((last - first + 1) as usize);
        let code = dedented(&wanted.collect::<Vec<_>>());
        return Ok(Piece { code, origin: format!("{shown}:{first}"), tests: String::new() });
    };
    let source = workspace.analysis.source(file);
    let line = |line: u32| source.lines().line_range(line - 1, source.text());
    Ok(of_range(&workspace.analysis, file, TextRange::new(line(first).start(), line(last).end())))
}

fn insert(snippet: &Snippet, place: &Place) -> anyhow::Result<(String, Value)> {
    let path = existing(&place.file)?;
    let text = whole(&path)?;
    let line = place.line.with_context(|| format!("before which line? Write {}:LINE", place.file.display()))?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if line == 0 || line as usize > lines.len() + 1 {
        bail!("{}: it has the lines 1 to {}", place.file.display(), lines.len());
    }
    let at = line as usize - 1;
    let indent =
        lines.get(at).map_or("", |next| &next[..next.len() - next.trim_start().len()]).trim_end_matches(['\r', '\n']);
    let mut out: String = lines[..at].concat();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&indented(&snippet.code, indent));
    out.push_str(&lines[at..].concat());
    std::fs::write(&path, out).with_context(|| path.display().to_string())?;
    let (name, shown) = (&snippet.name, place.file.display());
    Ok((format!("{name} inserted into {shown}, before line {line}\n"), json!({ "inserted": name })))
}
