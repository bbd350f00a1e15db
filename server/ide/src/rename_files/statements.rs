//! One file's import statements, written anew.

use graph::{Analysis, FileId, Spelling, Target};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{self, Expr, Stmt};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::Moved;

/// The edits of one file, in any order.
pub(super) fn edits(moved: &Moved<'_>, file: FileId, parsed: &Parsed) -> Vec<TextEdit> {
    let analysis = moved.analysis;
    let text = analysis.source(file).text();
    let mut tree = Tree::default();
    tree.visit_body(parsed.statements());
    let after = moved.file_after(file);
    let is_package = analysis.path(file).file_stem().is_some_and(|stem| stem == "__init__");
    let package = if is_package { after } else { after.rsplit_once('.').map_or("", |(package, _)| package) };
    let mut rewrite = Rewrite { moved, analysis, file, text, package, tree: &tree, edits: Vec::new() };
    for import in &tree.imports {
        match import {
            Import::Module(statement) => statement.names.iter().for_each(|alias| rewrite.module(alias)),
            Import::From(statement) => rewrite.from(statement),
        }
    }
    rewrite.edits
}

enum Import<'t> {
    Module(&'t ast::StmtImport),
    From(&'t ast::StmtImportFrom),
}

/// What of a tree matters here.
#[derive(Default)]
struct Tree<'t> {
    imports: Vec<Import<'t>>,
    /// Names, and dotted chains of them from each of their prefixes: `a`, `a.b`, `a.b.c`.
    chains: Vec<(String, TextRange)>,
}

impl<'t> Visitor<'t> for Tree<'t> {
    fn visit_stmt(&mut self, statement: &'t Stmt) {
        match statement {
            Stmt::Import(import) => self.imports.push(Import::Module(import)),
            Stmt::ImportFrom(import) => self.imports.push(Import::From(import)),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expr: &'t Expr) {
        if let Some(chain) = chain(expr) {
            self.chains.push((chain, expr.range()));
        }
        walk_expr(self, expr);
    }
}

/// `a.b.c`, if that is all there is.
fn chain(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            let value = chain(&attribute.value)?;
            Some(format!("{value}.{}", attribute.attr))
        }
        _ => None,
    }
}

struct Rewrite<'a, 't> {
    moved: &'a Moved<'a>,
    analysis: &'a Analysis,
    file: FileId,
    text: &'a str,
    /// The package of the file afterwards; empty outside of any.
    package: &'a str,
    tree: &'a Tree<'t>,
    edits: Vec<TextEdit>,
}

impl Rewrite<'_, '_> {
    fn replace(&mut self, range: TextRange, text: impl Into<String>) {
        self.edits.push(TextEdit::replace(range, text));
    }

    /// `import a.b.c`, with or without `as`.
    fn module(&mut self, alias: &ast::Alias) {
        let written = alias.name.as_str();
        let Some((name, target)) = self.analysis.import_target(self.file, written, 0) else { return };
        let new = self.absolute(written, &name, &self.moved.name_after(&name, target));
        if new == written {
            return;
        }
        let mut statement = new.clone();
        if alias.asname.is_none() {
            let (used, left) = self.uses(written, target);
            for range in used {
                self.replace(range, new.clone());
            }
            let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
            if left && first(written) != first(&new) && !self.is_imported_otherwise(alias, &first(written)) {
                // What else is used of the package it was in has to stay imported.
                let package = written.rsplit_once('.').map_or(written, |(package, _)| package);
                statement = format!("{package}, {new}");
            }
        }
        self.replace(alias.name.range(), statement);
    }

    /// Where `a.b.c` stands for the module, and whether `a` is used in other ways too.
    fn uses(&self, written: &str, target: Option<FileId>) -> (Vec<TextRange>, bool) {
        let module = target.map(|file| self.analysis.module(file));
        let first = written.split('.').next().unwrap_or_default();
        let mut used = Vec::new();
        for (chain, range) in &self.tree.chains {
            let is_module = || match module {
                Some(module) => {
                    let targets = self.analysis.targets(self.file, range.end());
                    targets.iter().any(|it| matches!(it, Target::Symbol(symbol, _) if *symbol == module))
                }
                None => true,
            };
            if chain == written && is_module() {
                used.push(*range);
            }
        }
        let left = self
            .tree
            .chains
            .iter()
            .any(|(chain, range)| chain == first && !used.iter().any(|used| used.contains_range(*range)));
        (used, left)
    }

    fn is_imported_otherwise(&self, alias: &ast::Alias, first: &str) -> bool {
        self.tree.imports.iter().any(|import| match import {
            Import::Module(statement) => statement.names.iter().any(|other| {
                let is_same = other.name.as_str().split('.').next() == Some(first);
                other.range() != alias.range() && other.asname.is_none() && is_same
            }),
            Import::From(_) => false,
        })
    }

    /// `from package import a, b as c`
    fn from(&mut self, statement: &ast::StmtImportFrom) {
        let module = statement.module.as_deref().unwrap_or_default();
        let level = statement.level;
        let Some((name, target)) = self.analysis.import_target(self.file, module, level) else { return };
        let package_after = self.moved.name_after(&name, target);
        let print = |package: &str| match level {
            0 => self.absolute(module, &name, package),
            _ => self.relative(package),
        };
        let written = format!("{}{module}", ".".repeat(level as usize));
        // Where each name is to be imported from afterwards, and as what.
        let wanted: Vec<(String, String)> = statement
            .names
            .iter()
            .map(|alias| {
                let here = || (print(&package_after), alias.name.to_string());
                let submodule = self.analysis.imported_module_at(self.file, alias.name.end());
                let Some(submodule) = submodule.filter(|module| self.moved.files.contains(module)) else {
                    return here();
                };
                match self.moved.file_after(submodule).rsplit_once('.') {
                    Some((package, last)) => (print(package), last.to_owned()),
                    // A module outside of packages can only be imported by `import`.
                    None => (String::new(), self.moved.file_after(submodule).to_owned()),
                }
            })
            .collect();
        // Most stay together, as a rule all.
        let stays = print(&package_after);
        let together = match wanted.iter().all(|(package, _)| *package == wanted[0].0) {
            true => wanted[0].0.clone(),
            false => stays,
        };
        let mut apart = Vec::new();
        for (position, (alias, (package, last))) in statement.names.iter().zip(&wanted).enumerate() {
            if *package == together && !package.is_empty() {
                if *last != alias.name.as_str() {
                    self.imported_as(alias, last);
                }
                continue;
            }
            let bound = alias.asname.as_ref().map_or(alias.name.as_str(), |name| name.as_str());
            apart.push((
                position,
                match package.is_empty() {
                    true if last == bound => format!("import {last}"),
                    true => format!("import {last} as {bound}"),
                    false if last == bound => format!("from {package} import {last}"),
                    false => format!("from {package} import {last} as {bound}"),
                },
            ));
        }
        if apart.len() == statement.names.len() {
            let statements: Vec<String> = apart.into_iter().map(|(_, statement)| statement).collect();
            self.replace(statement.range(), statements.join("; "));
            return;
        }
        if together != written {
            self.module_part(statement, &together);
        }
        self.take_out(statement, &apart);
    }

    /// The module part of `from module import`, dots included, becomes `new`.
    fn module_part(&mut self, statement: &ast::StmtImportFrom, new: &str) {
        let size = |length: usize| TextSize::new(u32::try_from(length).unwrap_or(0));
        let keyword = statement.start() + TextSize::of("from");
        let rest = &self.text[keyword.to_usize()..];
        let gap = rest.find(|c: char| !c.is_whitespace() && c != '\\').unwrap_or(0);
        let start = keyword + size(gap);
        let end = match &statement.module {
            Some(module) => module.end(),
            None => {
                let dots = self.text[start.to_usize()..].find(|c: char| c != '.' && !c.is_whitespace());
                let dots = &self.text[start.to_usize()..][..dots.unwrap_or(0)];
                start + size(dots.trim_end().len())
            }
        };
        let before = if gap == 0 { " " } else { "" };
        let is_joined = self.text[end.to_usize()..].starts_with(|c: char| c.is_alphabetic());
        let after = if is_joined { " " } else { "" };
        self.replace(TextRange::new(start, end), format!("{before}{new}{after}"));
    }

    /// A name of the import is called `new` afterwards; its uses follow, where nobody else relies on them.
    fn imported_as(&mut self, alias: &ast::Alias, new: &str) {
        let old = alias.name.as_str();
        if alias.asname.is_some() {
            return self.replace(alias.name.range(), new);
        }
        let bound = self.analysis.variable_bound_at(self.file, alias.name.end());
        let sites = bound.and_then(|bound| {
            let mut variables = vec![bound];
            let family = graph::Family::default();
            let sites = self.analysis.spelled(&mut variables, &family);
            let is_own = variables.len() == 1 && sites.iter().all(|site| site.file == self.file);
            let is_free = self.analysis.collisions(&variables, &family, &sites, graph::Name::new(new)).is_empty();
            (is_own && is_free).then_some(sites)
        });
        match sites {
            Some(sites) => {
                self.replace(alias.name.range(), new);
                for site in sites.iter().filter(|site| site.how == Spelling::Certain) {
                    self.replace(site.range, new);
                }
            }
            None => self.replace(alias.name.range(), format!("{new} as {old}")),
        }
    }

    /// Takes names out of an import; statements of their own come before it.
    fn take_out(&mut self, statement: &ast::StmtImportFrom, apart: &[(usize, String)]) {
        if apart.is_empty() {
            return;
        }
        let names = &statement.names;
        let is_out = |position: usize| apart.iter().any(|(out, _)| *out == position);
        let kept: Vec<usize> = (0..names.len()).filter(|&position| !is_out(position)).collect();
        for position in (0..names.len()).filter(|&position| is_out(position)) {
            // With the comma behind it; the last ones with the comma before them.
            let range = match kept.iter().any(|&kept| kept > position) {
                true => TextRange::new(names[position].start(), names[position + 1].start()),
                false => TextRange::new(names[position - 1].end(), names[position].end()),
            };
            self.replace(range, "");
        }
        let start = statement.start().to_usize();
        let line = self.text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let indent = &self.text[line..start];
        let is_first = indent.chars().all(char::is_whitespace);
        let line_end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let separator = if is_first { format!("{line_end}{indent}") } else { "; ".to_owned() };
        let statements: String = apart.iter().map(|(_, statement)| format!("{statement}{separator}")).collect();
        self.edits.push(TextEdit::insert(statement.start(), statements));
    }

    /// How an absolute import is to be written: a script names its neighbours without the folder that both are in.
    fn absolute(&self, written: &str, before: &str, after: &str) -> String {
        let is_neighbour = before != written && before.ends_with(&format!(".{written}"));
        let inside = after.strip_prefix(self.package).and_then(|inside| inside.strip_prefix('.'));
        match inside {
            Some(inside) if is_neighbour && !self.package.is_empty() => inside.to_owned(),
            _ => after.to_owned(),
        }
    }

    /// How a relative import of a module or package is to be written; absolute where they have no package in common.
    fn relative(&self, target: &str) -> String {
        let parts = |name: &'_ str| -> Vec<String> {
            name.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (own, target_parts) = (parts(self.package), parts(target));
        let common = own.iter().zip(&target_parts).take_while(|(a, b)| a == b).count();
        if common == 0 {
            return target.to_owned();
        }
        format!("{}{}", ".".repeat(own.len() - common + 1), target_parts[common..].join("."))
    }
}
