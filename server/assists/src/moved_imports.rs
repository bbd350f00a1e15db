//! The imports of a definition that moves, and of those who use it.

use std::path::PathBuf;

use graph::{Analysis, FileId, ImportKind};
use rustc_hash::FxHashSet;
use syntax::ast::{Alias, Expr, Stmt};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::call_sites::place;
use super::import_block::{NewImport, remove_aliases, written};
use super::layout::{indent_at, newline};
use super::module_path::{absolute, relative};
use super::names::{Names, Use};
use super::place::{expressions, stands_alone, steps};

/// Where the definition goes.
pub(super) enum Home {
    File(FileId),
    /// Its path and its dotted name.
    New(PathBuf, String),
}

impl Home {
    pub fn module(&self, analysis: &Analysis) -> String {
        match self {
            Home::File(file) => analysis.module_name(*file).to_owned(),
            Home::New(_, module) => module.clone(),
        }
    }

    pub fn file(&self) -> Option<FileId> {
        match self {
            Home::File(file) => Some(*file),
            Home::New(..) => None,
        }
    }
}

/// Who imports whom; `None` is the new module.
pub(super) type NewEdge = (Option<FileId>, Option<FileId>);

/// That none of `edges` closes a cycle of imports that was not there. The files `gone` will not import `source` any longer.
pub(super) fn no_cycle(
    analysis: &Analysis,
    source: FileId,
    gone: &[FileId],
    edges: &[NewEdge],
    target: &str,
) -> Result<(), String> {
    let old = |file: FileId| -> Vec<FileId> {
        let imports = analysis.imports(file).into_iter();
        imports
            .filter(|import| !import.is_type_checking)
            .filter(|import| !analysis.symbol(analysis.enclosing(file, import.range.start())).kind.is_function())
            .filter_map(|import| match import.kind {
                ImportKind::Module(module) if module != source || !gone.contains(&file) => Some(module),
                _ => None,
            })
            .collect()
    };
    for &(importer, imported) in edges {
        let known = importer.zip(imported).is_some_and(|(importer, imported)| old(importer).contains(&imported));
        if known || importer == imported {
            continue;
        }
        let mut seen: FxHashSet<Option<FileId>> = FxHashSet::default();
        let mut pending = vec![imported];
        while let Some(module) = pending.pop() {
            if !seen.insert(module) {
                continue;
            }
            if module == importer {
                let name = |file: Option<FileId>| file.map_or(target, |file| analysis.module_name(file)).to_owned();
                let (importer, imported) = (name(importer), name(imported));
                return Err(format!("`{importer}` would import `{imported}`, which already needs `{importer}`"));
            }
            pending.extend(module.into_iter().flat_map(old).map(Some));
            pending.extend(edges.iter().filter(|(from, _)| *from == module).map(|(_, to)| *to));
        }
    }
    Ok(())
}

/// The imports that the definition `stmt` needs elsewhere, and whether one of them is of its old module.
pub(super) fn needed(
    analysis: &Analysis,
    source: FileId,
    parsed: &Parsed,
    stmt: &Stmt,
    name: &str,
    home: &Home,
) -> Result<(Vec<NewImport>, bool), String> {
    let inside = Names::of(std::slice::from_ref(stmt));
    let all = Names::of(parsed.statements());
    let mut used: Vec<&str> = Vec::new();
    for event in &inside.events {
        match event.what {
            Use::CapturedStore => return Err(format!("it binds the global `{}`", event.name)),
            Use::Load | Use::Captured if event.name != name && !used.contains(&event.name) => used.push(event.name),
            _ => {}
        }
    }
    let (mut imports, mut from_source) = (Vec::new(), false);
    for used in used {
        if matches!(used, "__name__" | "__file__" | "__package__" | "__spec__" | "globals") {
            return Err(format!("it depends on `{used}`, which is another one elsewhere"));
        }
        let bindings: Vec<_> = all.events.iter().filter(|it| it.name == used && it.what == Use::Store).collect();
        if bindings.is_empty() {
            if !Analysis::is_builtin(used) {
                return Err(format!("nobody knows where `{used}` comes from"));
            }
            continue;
        }
        let found = parsed.statements().iter().find_map(|stmt| import_of(analysis, source, stmt, used, home));
        match found {
            Some(import) => {
                let is_home = home.file().is_some_and(|file| import.1 == Some(file));
                if is_home && (import.0.alias.is_some() || import.0.member.is_none()) {
                    return Err(format!("`{used}` has another name there"));
                }
                if !is_home {
                    imports.push(import.0);
                }
            }
            None => {
                let rebound = all.events.iter().any(|it| it.name == used && it.what == Use::CapturedStore);
                if bindings.len() > 1 || rebound {
                    return Err(format!("it uses `{used}`, which changes"));
                }
                from_source = true;
                let module = analysis.module_name(source);
                imports.push(NewImport::from(module, used));
            }
        }
    }
    Ok((imports, from_source))
}

/// The import of `stmt` that binds `name`, as it is written in the new home, and the module that it is of.
fn import_of(
    analysis: &Analysis,
    source: FileId,
    stmt: &Stmt,
    name: &str,
    home: &Home,
) -> Option<(NewImport, Option<FileId>)> {
    let bound = |alias: &Alias| match (&alias.asname, stmt) {
        (Some(asname), _) => asname.to_string(),
        (None, Stmt::Import(_)) => top(&alias.name).to_owned(),
        (None, _) => alias.name.to_string(),
    };
    let asname = |alias: &Alias| alias.asname.as_ref().map(ToString::to_string);
    match stmt {
        Stmt::Import(it) => {
            let alias = it.names.iter().find(|alias| bound(alias) == name)?;
            let import = NewImport { module: alias.name.to_string(), member: None, alias: asname(alias) };
            Some((import, analysis.module_file(&alias.name)))
        }
        Stmt::ImportFrom(it) => {
            let alias = it.names.iter().find(|alias| bound(alias) == name)?;
            let module = it.module.as_ref().map_or("", |module| module.as_str());
            let dotted = absolute(analysis, source, it.level, module)?;
            let file = analysis.module_file(&dotted);
            let module = match home {
                Home::File(file) if it.level > 0 => {
                    relative(analysis, *file, &dotted).unwrap_or_else(|| dotted.clone())
                }
                // It stands beside the old one, and sees the same.
                Home::New(..) => written(it),
                Home::File(_) => dotted.clone(),
            };
            let member = Some(alias.name.to_string());
            Some((NewImport { module, member, alias: asname(alias) }, file))
        }
        _ => None,
    }
}

/// How a place uses a definition.
pub(super) enum Used<'a> {
    /// The name number so many of an import.
    Import(&'a Stmt, usize),
    /// `module.name`, all of it.
    Attribute(TextRange),
    Name,
}

pub(super) fn used_as(parsed: &Parsed, site: TextRange) -> Used<'_> {
    let steps = steps(parsed.statements(), site);
    if let Some(stmt) = steps.last().map(|step| step.stmt())
        && let Stmt::ImportFrom(it) = stmt
        && let Some(at) = it.names.iter().position(|alias| alias.range.contains_range(site))
    {
        return Used::Import(stmt, at);
    }
    let around = expressions(parsed, site).pop();
    match around {
        Some(Expr::Attribute(it)) if it.attr.range == site => Used::Attribute(it.range),
        _ => Used::Name,
    }
}

/// Whether `stmt`, an import in `user`, is of the module `source` itself.
pub(super) fn imports_from(analysis: &Analysis, user: FileId, stmt: &Stmt, source: FileId) -> bool {
    let Stmt::ImportFrom(it) = stmt else { return false };
    let module = it.module.as_ref().map_or("", |module| module.as_str());
    let dotted = absolute(analysis, user, it.level, module);
    dotted.is_some_and(|dotted| {
        analysis.module_file(&dotted) == Some(source) || {
            // A script's neighbour.
            let links = analysis.imports(user);
            links
                .iter()
                .any(|import| stmt.range().contains_range(import.range) && import.kind == ImportKind::Module(source))
        }
    })
}

pub(super) fn imports_name(analysis: &Analysis, user: FileId, stmt: &Stmt, source: FileId, name: &str) -> bool {
    let Stmt::ImportFrom(it) = stmt else { return false };
    imports_from(analysis, user, stmt, source)
        && it.names.iter().any(|alias| alias.name.as_str() == name && alias.asname.is_none())
}

/// Whether `user` names it in an import, so that plain uses of the name follow that.
pub(super) fn is_imported_by_name(analysis: &Analysis, user: FileId, source: FileId, name: &str) -> bool {
    let links = analysis.imports(user);
    let stars =
        links.iter().any(|import| import.text.ends_with("import *") && import.kind == ImportKind::Module(source));
    !stars || links.iter().any(|import| import.text.ends_with(&format!("import {name}")))
}

/// The new home imports it no longer, and in its place what it needs of the same module.
pub(super) fn replaced_at_home(
    analysis: &Analysis,
    user: FileId,
    parsed: &Parsed,
    stmt: &Stmt,
    alias: &Alias,
    needs: &mut Vec<NewImport>,
) -> Result<TextEdit, String> {
    let text = analysis.source(user).text();
    if alias.asname.is_some() {
        return Err(format!("{}: it has another name there", place(analysis, user, alias.range)));
    }
    let Stmt::ImportFrom(it) = stmt else { return Err("it is not imported by its name".to_owned()) };
    let module = absolute(analysis, user, it.level, it.module.as_ref().map_or("", |module| module.as_str()));
    let (here, others) = std::mem::take(needs)
        .into_iter()
        .partition(|need: &NewImport| Some(&need.module) == module.as_ref() && need.alias.is_none());
    *needs = others;
    let here: Vec<NewImport> = here;
    let has = |member: &str| it.names.iter().any(|other| other.asname.is_none() && other.name.as_str() == member);
    let members: Vec<&str> = here.iter().filter_map(|need| need.member.as_deref()).filter(|it| !has(it)).collect();
    if members.is_empty() {
        let at = it.names.iter().position(|other| other.range == alias.range);
        return Ok(remove_aliases(text, parsed, stmt, &at.into_iter().collect::<Vec<_>>()));
    }
    Ok(TextEdit::replace(alias.range, members.join(", ")))
}

/// `from old import name` becomes `from new import name`, on the spot.
pub(super) fn rewrite_import(
    analysis: &Analysis,
    user: FileId,
    parsed: &Parsed,
    stmt: &Stmt,
    at: usize,
    target: &str,
) -> Result<Vec<TextEdit>, String> {
    let text = analysis.source(user).text();
    let Stmt::ImportFrom(it) = stmt else { return Ok(Vec::new()) };
    let alias = &it.names[at];
    let module = match it.level {
        0 => target.to_owned(),
        _ => relative(analysis, user, target).unwrap_or_else(|| target.to_owned()),
    };
    let part = &text[alias.range];
    let line = format!("from {module} import {part}");
    if it.names.len() == 1 {
        // Parentheses and comments in the statement stay.
        let head = TextRange::new(it.range.start(), alias.range.start());
        let import = text[head].rfind("import").ok_or("an import without `import`")?;
        let end = it.range.start() + TextSize::new(import as u32);
        return Ok(vec![TextEdit::replace(TextRange::new(it.range.start(), end), format!("from {module} "))]);
    }
    if !stands_alone(text, stmt.range()) {
        return Err(format!("{}: it shares its line with other code", place(analysis, user, alias.range)));
    }
    let after = super::imports::line_end(text, stmt.end());
    let line = format!("{}{}{line}", newline(text), indent_at(text, stmt.start()));
    Ok(vec![remove_aliases(text, parsed, stmt, &[at]), TextEdit::insert(after, line)])
}

/// How `user` writes the module `target`.
pub(super) fn written_module(analysis: &Analysis, user: FileId, target: &str, parsed: &Parsed) -> String {
    let froms = || parsed.statements().iter().filter_map(|stmt| stmt.as_import_from_stmt());
    let dots = froms().filter(|it| it.level > 0).count();
    let own = analysis.module_name(user);
    let plain = froms().filter(|it| it.level == 0 && it.module.as_ref().is_some_and(|it| top(it) == top(own))).count();
    let relative = relative(analysis, user, target).filter(|_| dots > plain);
    relative.unwrap_or_else(|| target.to_owned())
}

/// Where a string names it, as `mock.patch` and configurations do.
pub(super) fn mentioned_in_text(analysis: &Analysis, source: FileId, name: &str) -> Option<String> {
    let dotted = format!("{}.{name}", analysis.module_name(source));
    for file in analysis.files() {
        let text = analysis.source(file).text();
        for quote in ['"', '\''] {
            for end in ["\"", "'", "."] {
                if let Some(at) = text.find(&format!("{quote}{dotted}{end}")) {
                    return Some(place(analysis, file, TextRange::empty(TextSize::new(at as u32))));
                }
            }
        }
    }
    None
}

/// The first name of a dotted one.
pub(super) fn top(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or(dotted)
}
