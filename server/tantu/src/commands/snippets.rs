//! `tantu snippets list|show|keep|insert|delete`

use std::path::Path;

use anyhow::{Context, Error, bail};
use assistant::edits;
use assistant::snippets::{Piece, Snippet, Snippets, dedented, indented, of_proposal, of_range};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use syntax::{FileEdit, SourceChange, TextEdit, TextRange, TextSize};

use crate::Status;
use crate::output::{Format, counted, print, print_exactly, print_json, table};
use crate::place::{Lines, Place, start_of_line};
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
        /// Such as shop/cart.py:10-20; with one line, the function or class around it, else that line; without, all of it
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
    let root = root_of(Path::new("."))?;
    let all = Snippets::of(root.to_string_lossy().into_owned()).map_err(Error::msg)?;
    let (text, value) = match &arguments.what {
        What::List { word } => list(&all.list(word.as_deref().unwrap_or_default()).map_err(Error::msg)?),
        What::Show { name } => {
            let snippet = all.find(name).map_err(Error::msg)?;
            let tests = if snippet.tests.is_empty() { String::new() } else { format!("\n# Tests\n{}", snippet.tests) };
            (format!("# {}, from {}\n{}{tests}", snippet.name, snippet.origin, snippet.code), to_json(&snippet))
        }
        What::Keep { name, lines, proposal, tests } => {
            let piece = match (lines, proposal) {
                (Some(lines), _) => Some(of_lines(lines)?),
                (None, Some(id)) => {
                    let found = of_proposal(&Workspace::read_links(&root)?.analysis, *id);
                    Some(found.with_context(|| format!("there is no proposal {id} with an answer"))?)
                }
                (None, None) => bail!("what is to be kept? Write FILE:LINE-LINE, or --proposal ID"),
            };
            let tests = tests.as_deref().map(whole).transpose()?;
            let piece = piece.map(|it| Piece { tests: tests.unwrap_or(it.tests.clone()), ..it });
            let kept = counted(piece.as_ref().map_or(0, |it| it.code.lines().count()), "line");
            let replaced = all.keep(name, piece).map_err(Error::msg)?;
            let place = if replaced { ", in place of the one that had its name" } else { "" };
            (format!("{name}: {kept} kept{place}\n"), json!({ "name": name, "replaced": replaced }))
        }
        What::Insert { name, place } => insert(&all.find(name).map_err(Error::msg)?, place)?,
        What::Delete { name } => {
            all.delete(name).map_err(Error::msg)?;
            (format!("{name} deleted\n"), json!({ "deleted": name }))
        }
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        // Code goes into files.
        Format::Human if matches!(arguments.what, What::Show { .. }) => print_exactly(&text)?,
        Format::Human => print(&text)?,
    }
    Ok(Status::Fine)
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
    let range = match lines.last {
        None if lines.place.line.is_some() => TextRange::empty(start_of_line(source, first)?),
        _ => TextRange::new(line(first).start(), line(last).end()),
    };
    Ok(of_range(&workspace.analysis, file, range))
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
    let before: usize = lines[..at].iter().map(|line| line.len()).sum();
    let end_of_line = if before > 0 && !text[..before].ends_with('\n') { "\n" } else { "" };
    let code = format!("{end_of_line}{}", indented(&snippet.code, indent));
    let edit = TextEdit::insert(TextSize::try_from(before)?, code);
    let change = SourceChange { files: vec![FileEdit { path: path.clone(), edits: vec![edit] }] };
    edits::write(&change, &[root_of(&path)?])?;
    let (name, shown) = (&snippet.name, place.file.display());
    Ok((format!("{name} inserted into {shown}, before line {line}\n"), json!({ "inserted": name })))
}
