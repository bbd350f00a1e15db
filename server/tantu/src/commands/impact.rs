//! `tantu impact SYMBOL|FILE:LINE`

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use graph::{Analysis, Confidence, SymbolId};
use serde::Serialize;
use terminal::{Shown, Style};

use crate::Status;
use crate::output::{Format, for_stdout, print, print_json};
use crate::place::{Place, start_of_line};
use crate::workspace::{Workspace, root_of};

/// How many definitions are looked at on the way to the tests. Beyond it, numbers are lower bounds.
const EFFORT: ide::Effort = ide::Effort::thorough(100_000);

#[derive(Args)]
pub(crate) struct Arguments {
    /// A line of a definition, such as shop/cart.py:12, or a name in the current folder, such as shop.cart:Cart.add
    #[arg(value_name = "SYMBOL|FILE:LINE")]
    target: String,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// What a change of a definition touches.
#[derive(Serialize)]
struct Impact {
    symbol: String,
    path: String,
    /// 1-based, as all lines here.
    line: u32,
    callers: Vec<Caller>,
    /// Functions and methods that reach the definition, and their modules.
    functions: usize,
    modules: usize,
    tests: Vec<Test>,
    /// Otherwise the numbers are lower bounds.
    complete: bool,
}

#[derive(Serialize)]
struct Caller {
    symbol: String,
    path: String,
    lines: Vec<u32>,
    confidence: Confidence,
    /// Why its calls do not fit.
    broken: Vec<String>,
}

#[derive(Serialize)]
struct Test {
    symbol: String,
    path: String,
    line: u32,
    /// From the test to the definition.
    via: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (workspace, symbol) = target(&arguments.target)?;
    let impact = impact(&workspace, symbol);
    match arguments.format {
        Format::Json => print_json(&impact)?,
        Format::Human => print(human(&impact))?,
    }
    let is_broken = impact.callers.iter().any(|caller| !caller.broken.is_empty());
    Ok(if is_broken { Status::Findings } else { Status::Fine })
}

/// The workspace around `target`, with the flow of values, and the definition that it names.
///
/// # Errors
/// When there is no such definition or there are several, or the workspace cannot be read.
pub(crate) fn target(target: &str) -> anyhow::Result<(Workspace, SymbolId)> {
    // Parsing a place fails only where the line is none.
    let place = target.parse::<Place>().map_err(anyhow::Error::msg)?;
    if place.line.is_some() || place.file.is_file() {
        let workspace = Workspace::read(&root_of(&place.file)?)?;
        let file = workspace.file(&place.file)?;
        let source = workspace.analysis.source(file);
        let offset = start_of_line(source, place.line.unwrap_or(1))
            .map_err(|error| error.context(place.file.display().to_string()))?;
        let symbol = workspace.analysis.enclosing(file, offset);
        return Ok((workspace, symbol));
    }
    let workspace = Workspace::read(Path::new("."))?;
    let found = workspace.analysis.find(&target.replace(':', "."));
    match found[..] {
        [symbol, ..] => Ok((workspace, symbol)),
        [] => anyhow::bail!("nothing in {} is called {target}", workspace.root.display()),
    }
}

fn impact(workspace: &Workspace, symbol: SymbolId) -> Impact {
    let analysis = &workspace.analysis;
    let line = |id: SymbolId| analysis.source(id.file).line_number(analysis.symbol(id).name_range.start());
    let name = |id: SymbolId| analysis.symbol(id).qualified_name();
    let callers = analysis.callers(symbol).into_iter().map(|call| Caller {
        symbol: name(call.other),
        path: workspace.shown(call.other.file),
        lines: call.sites.iter().map(|site| analysis.source(site.file).line_number(site.range.start())).collect(),
        confidence: call.confidence,
        broken: broken(analysis, &call.sites),
    });
    let reach = ide::tests_reaching(analysis, symbol, EFFORT);
    let tests = reach.tests.iter().map(|&test| Test {
        symbol: name(test),
        path: workspace.shown(test.file),
        line: line(test),
        via: reach.path(test).into_iter().map(name).collect(),
    });
    Impact {
        symbol: name(symbol),
        path: workspace.shown(symbol.file),
        line: line(symbol),
        callers: callers.collect(),
        functions: reach.functions,
        modules: reach.modules,
        tests: tests.collect(),
        complete: reach.complete,
    }
}

/// Why the calls at `sites`, all of one file, do not fit.
fn broken(analysis: &Analysis, sites: &[graph::CallSite]) -> Vec<String> {
    let Some(first) = sites.first() else { return Vec::new() };
    let incompatible = analysis.incompatible_calls(first.file).into_iter();
    incompatible.filter(|it| sites.iter().any(|site| site.range == it.range)).map(|it| it.message).collect()
}

fn human(impact: &Impact) -> Shown {
    let mut text = for_stdout();
    let at_least = if impact.complete { "" } else { "at least " };
    text.push_styled(Style::Bold, &impact.symbol);
    // Writing to text cannot fail.
    let _ = writeln!(text, " {}:{}", impact.path, impact.line);
    let broken = impact.callers.iter().filter(|caller| !caller.broken.is_empty()).count();
    if broken > 0 {
        text.push_styled(Style::Red, &format!("breaks {broken} of {} callers", impact.callers.len()));
        text.push("\n");
    }
    let _ = writeln!(
        text,
        "{} callers; {at_least}{} functions in {} modules and {} tests reach it",
        impact.callers.len(),
        impact.functions,
        impact.modules,
        impact.tests.len()
    );
    for caller in &impact.callers {
        let lines: Vec<String> = caller.lines.iter().map(u32::to_string).collect();
        let _ = writeln!(text, "caller {} {}:{}", caller.symbol, caller.path, lines.join(","));
        for message in &caller.broken {
            text.push("    ");
            text.push_styled(Style::Red, message);
            text.push("\n");
        }
    }
    for test in &impact.tests {
        let _ = writeln!(text, "test {}:{} {}", test.path, test.line, test.via.join(" → "));
    }
    text
}
