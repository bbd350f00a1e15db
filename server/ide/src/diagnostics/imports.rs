//! Imports from the workspace that lead nowhere.

use graph::{Analysis, FileId, Import, ImportKind};
use syntax::ast::Stmt;
use syntax::ast::statement_visitor::{StatementVisitor, walk_stmt};
use syntax::{Parsed, Ranged, TextRange};

use super::{Code, Diagnostic, Related, diagnostic};

/// The imports that resolve to nothing, with what was looked for. While a statement is half typed, it is not judged.
pub(super) fn unresolved(analysis: &Analysis, file: FileId) -> Vec<(Import, Vec<String>)> {
    let source = analysis.source(file);
    let line = |range: TextRange| source.lines().line(range.start());
    let broken: Vec<u32> = analysis.syntax_errors(file).iter().map(|error| line(error.range)).collect();
    let imports = analysis.imports(file).into_iter().filter(|import| !broken.contains(&line(import.range)));
    let unresolved = imports.filter_map(|import| match &import.kind {
        ImportKind::Unresolved { looked_for } => {
            let looked_for = looked_for.clone();
            Some((import, looked_for))
        }
        _ => None,
    });
    unresolved.collect()
}

/// One diagnostic for each name that an existing module lacks, and one for each statement whose module is missing.
pub(super) fn diagnose(analysis: &Analysis, imports: &[(Import, Vec<String>)], parsed: &Parsed) -> Vec<Diagnostic> {
    let mut modules = Modules::default();
    modules.visit_body(parsed.statements());
    let mut found: Vec<Diagnostic> = Vec::new();
    for (import, looked_for) in imports {
        let missing_name = looked_for.first().and_then(|name| missing_name(analysis, import, name));
        let next = match missing_name {
            Some((module, name)) => {
                let message = format!("`{}` has no `{name}`", analysis.module_name(module));
                let place = "this is where it was looked for".to_owned();
                let related = Related { file: module, range: TextRange::default(), message: place };
                Diagnostic { related: vec![related], ..diagnostic(Code::UnresolvedImport, import.range, message) }
            }
            None => {
                let message = format!("no module `{}` in this workspace", looked_for.join("` or `"));
                diagnostic(Code::UnresolvedImport, modules.named_by(import.range), message)
            }
        };
        // `from missing import a, b, c` is one mistake.
        if found.last().is_none_or(|last| last.range != next.range) {
            found.push(next);
        }
    }
    found
}

/// The module that is there, and the name that is not in it, when that is what is wrong.
fn missing_name<'a>(analysis: &Analysis, import: &Import, looked_for: &'a str) -> Option<(FileId, &'a str)> {
    let (module, name) = looked_for.rsplit_once('.')?;
    if !import.text.ends_with(&format!(" import {name}")) {
        return None;
    }
    let file = analysis.files().find(|&file| analysis.module_name(file) == module)?;
    Some((file, name))
}

/// The `from` imports of a file: the statement, and the module's name in it.
#[derive(Default)]
struct Modules(Vec<(TextRange, TextRange)>);

impl Modules {
    /// Where the module is named that the imported name at `range` comes from.
    fn named_by(&self, range: TextRange) -> TextRange {
        let statement = self.0.iter().find(|(statement, _)| statement.contains_range(range));
        statement.map_or(range, |(_, module)| *module)
    }
}

impl<'a> StatementVisitor<'a> for Modules {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::ImportFrom(import) = statement
            && let Some(module) = &import.module
        {
            self.0.push((import.range(), module.range()));
        }
        walk_stmt(self, statement);
    }
}
