//! Imports from the workspace that lead nowhere.

use graph::{Analysis, FileId, Import, ImportKind};
use rustc_hash::FxHashSet;
use syntax::ast::Stmt;
use syntax::ast::statement_visitor::{StatementVisitor, walk_stmt};
use syntax::{Parsed, Ranged, TextRange};

use super::{Code, Diagnostic, Project, Related, diagnostic};

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

/// Modules of the standard library of Python 3.8 that later ones do not have.
const REMOVED: &[&str] = &[
    "_bootlocale",
    "aifc",
    "asynchat",
    "asyncore",
    "audioop",
    "binhex",
    "cgi",
    "cgitb",
    "chunk",
    "crypt",
    "distutils",
    "formatter",
    "imghdr",
    "imp",
    "lib2to3",
    "mailcap",
    "msilib",
    "nis",
    "nntplib",
    "ossaudiodev",
    "parser",
    "pipes",
    "smtpd",
    "sndhdr",
    "spwd",
    "sunau",
    "symbol",
    "telnetlib",
    "uu",
    "xdrlib",
];

/// The imports of packages that are nowhere: neither in the workspace, nor in the standard library, nor installed. Nothing is
/// known where there is no environment to look at. Each package once.
pub(super) fn unknown(analysis: &Analysis, project: &Project, file: FileId) -> Vec<Diagnostic> {
    let places = project.packages.iter().flat_map(|packages| &packages.places);
    let places: Vec<String> = places.map(|place| format!("`{}`", place.display())).collect();
    let unknown = unknown_packages(analysis, project, file).into_iter().map(|(import, package)| {
        let message = format!(
            "no module `{package}`: it is not in this workspace, the standard library or {}{}",
            places.join(", "),
            origin(project, &package)
        );
        diagnostic(Code::UnknownModule, import.range, message)
    });
    unknown.collect()
}

/// The package at `range` that is imported and nowhere.
pub fn missing_package(analysis: &Analysis, project: &Project, file: FileId, range: TextRange) -> Option<String> {
    let line = |range: TextRange| analysis.source(file).lines().line(range.start());
    let unknown = unknown_packages(analysis, project, file).into_iter();
    unknown.filter(|(import, _)| line(import.range) == line(range)).map(|(_, package)| package).next()
}

/// Whether a script says itself what has to be installed for it (PEP 723): in a comment from `# /// script` to `# ///`.
pub(super) fn lists_requirements(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "# /// script").skip(1);
    let mut inside = lines.by_ref().take_while(|line| line.starts_with('#'));
    inside.any(|line| line.trim_end() == "# ///")
}

fn unknown_packages(analysis: &Analysis, project: &Project, file: FileId) -> Vec<(Import, String)> {
    let Some(packages) = &project.packages else { return Vec::new() };
    let mut found = Vec::new();
    if lists_requirements(analysis.source(file).text()) {
        return found;
    }
    let mut seen = FxHashSet::default();
    for import in analysis.imports(file) {
        let text = import.text.strip_prefix("import ").or_else(|| import.text.strip_prefix("from "));
        let module = text.and_then(|text| text.split(' ').next()).unwrap_or_default();
        let package = module.split('.').next().unwrap_or_default().to_owned();
        let is_foreign = import.kind == ImportKind::External && !package.is_empty();
        if !is_foreign || import.is_optional || import.is_type_checking || !seen.insert(package.clone()) {
            continue;
        }
        let is_known = graph::is_standard(&package)
            || REMOVED.contains(&&*package)
            || packages.names.contains(&package)
            || is_somewhere(analysis, &package)
            || analysis.is_optional_package(&package);
        if !is_known {
            found.push((import, package));
        }
    }
    found
}

/// Whether a package is installed for the project, or the project declares that it needs it.
pub fn is_available(project: &Project, package: &str) -> bool {
    let is_installed = project.packages.as_ref().is_some_and(|packages| packages.names.contains(package));
    is_installed || declaration(project, package).is_some()
}

/// The file that asks for what brings `package`.
fn declaration<'a>(project: &'a Project, package: &str) -> Option<&'a super::RequirementFile> {
    let distribution = lint::distribution_of(package).unwrap_or(package);
    project.requirements.iter().find(|file| lint::requires(file.name(), &file.text, distribution))
}

/// Which distribution brings `package`, as far as that is known, and who asks for it.
fn origin(project: &Project, package: &str) -> String {
    let known = lint::distribution_of(package);
    let distribution = known.unwrap_or(package);
    match (declaration(project, package), known) {
        (Some(file), _) => format!("; {} asks for `{distribution}`, which is not installed", file.name()),
        (None, Some(_)) => format!("; `{distribution}` brings it"),
        (None, None) => String::new(),
    }
}

/// Whether some file or folder of the workspace is called so. Programs extend `sys.path` in ways that are not followed.
pub(crate) fn is_somewhere(analysis: &Analysis, name: &str) -> bool {
    analysis.files().any(|file| {
        let path = analysis.path(file).with_extension("");
        let inside = analysis.inside_root(&path);
        inside.iter().any(|part| part == name)
    })
}

/// Marks the module in what [`unknown`] found, where the statement names it before the names.
pub(super) fn mark_modules(found: &mut [Diagnostic], parsed: &Parsed) {
    let mut modules = Modules::default();
    modules.visit_body(parsed.statements());
    for diagnostic in found.iter_mut().filter(|it| it.code == Code::UnknownModule) {
        diagnostic.range = modules.named_by(diagnostic.range);
    }
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
