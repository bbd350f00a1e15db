//! What a place in a file means to be run.

use ::workspace::revision;
use anyhow::Context;
use graph::{FileId, SymbolId, SymbolKind};
use ide::{Runnable, RunnableKind};
use sandbox::Action;
use syntax::{TextRange, TextSize};

use super::Arguments;
use crate::place::{Lines, start_of_line};
use crate::workspace::Workspace;
use runs::plan::slashed;

/// How often a function is called.
const INPUTS: u32 = 200;

/// What `arguments` ask for.
///
/// # Errors
/// When there is no such line, or nothing to run there.
pub(super) fn action(workspace: &Workspace, file: FileId, arguments: &Arguments) -> anyhow::Result<Action> {
    let Lines { place, last } = &arguments.lines;
    let analysis = &workspace.analysis;
    let path = analysis.path(file);
    let path = path.strip_prefix(&workspace.root).unwrap_or(path).to_path_buf();
    let name = place.file.display();
    let source = analysis.source(file);
    let is_generated = arguments.smoke || arguments.against.is_some();
    let Some(line) = place.line else {
        anyhow::ensure!(!is_generated, "which function of {name}? Write {name}:LINE");
        let is_whole = |it: &Runnable| it.kind == RunnableKind::Pytest && it.target.is_none();
        let has_tests = ide::runnables(analysis, file).iter().any(is_whole);
        return Ok(if has_tests { Action::Pytest { targets: vec![slashed(&path)] } } else { Action::Script { path } });
    };
    let offset = start_of_line(source, line).with_context(|| name.to_string())?;
    if is_generated {
        return generated(workspace, file, offset, arguments);
    }
    let code = |range: TextRange| {
        let (text, first_line) = (source.slice(range).to_owned(), source.line_number(range.start()));
        Action::Code { text, filename: slashed(&path), first_line }
    };
    if let Some(last) = last {
        start_of_line(source, *last).with_context(|| name.to_string())?;
        let [first, last] = [line, *last].map(|line| source.lines().line_range(line - 1, source.text()));
        return Ok(code(first.cover(last)));
    }
    let runnable = ide::runnable_at(analysis, file, offset).with_context(|| {
        format!("{name}:{line}: there is no test, doctest, cell or `__main__` here; --smoke calls a function")
    })?;
    Ok(match runnable.kind {
        RunnableKind::Main => Action::Script { path },
        RunnableKind::Doctest => Action::Doctest { path, name: runnable.target },
        RunnableKind::Cell if arguments.only => code(runnable.range),
        // What the cell uses was made by those above it.
        RunnableKind::Cell => code(TextRange::up_to(runnable.range.end())),
        RunnableKind::Pytest => {
            let names = runnable.target.iter().flat_map(|target| target.split('.'));
            Action::Pytest { targets: vec![names.fold(slashed(&path), |id, name| format!("{id}::{name}"))] }
        }
    })
}

/// The function around the place, on inputs that are made up.
fn generated(workspace: &Workspace, file: FileId, at: TextSize, arguments: &Arguments) -> anyhow::Result<Action> {
    let analysis = &workspace.analysis;
    let path = analysis.path(file);
    let around = std::iter::successors(Some(analysis.enclosing(file, at)), |&id| analysis.symbol(id).parent);
    // What is defined in a function is nobody else's to call.
    let is_callable = |id: &SymbolId| {
        let symbol = analysis.symbol(*id);
        let in_function = symbol.parent.is_some_and(|parent| analysis.symbol(parent).kind.is_function());
        matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) && !in_function
    };
    let place = arguments.lines.place.file.display();
    let function = around
        .into_iter()
        .find(is_callable)
        .with_context(|| format!("{place}:{}: there is no function here", analysis.source(file).line_number(at)))?;
    let function = analysis.symbol(function).local_name();
    let against = match &arguments.against {
        Some(revision) => {
            let text = revision::text_at(&workspace.root, revision, path)?;
            Some(text.with_context(|| format!("{place} did not exist at {revision}"))?.to_string())
        }
        None => None,
    };
    let path = path.strip_prefix(&workspace.root).unwrap_or(path).to_path_buf();
    // The same inputs every time: what is reported can be looked into.
    Ok(Action::Generated { path, function, inputs: INPUTS, seed: 0, against, tests: Vec::new(), calls: Vec::new() })
}
