//! Names that libraries define.

use graph::{Analysis, FileId, Libraries, LibraryDefinition, LibraryOrigin, SymbolId, SymbolKind};
use std::path::{Path, PathBuf};
use syntax::{TextRange, TextSize};

use crate::Project;
use crate::hover::page::{Line, Page};

/// How many overloads are shown.
const OVERLOADS: usize = 3;

/// A place in a library. It is no file of the workspace.
#[derive(Clone, Debug)]
pub struct LibraryPlace {
    /// On disk.
    pub path: PathBuf,
    /// The library's graph: [`Self::file`] and the ranges are its.
    pub analysis: Analysis,
    pub file: FileId,
    /// The whole definition.
    pub range: TextRange,
    /// Its name, inside `range`.
    pub name_range: TextRange,
}

/// Which of the two texts of a library is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// What runs, where it is there.
    Source,
    /// The stub, where there is one.
    Stub,
}

/// Where a library defines the name at `offset`: the name that was asked about, and the place.
pub fn library_place(
    analysis: &Analysis,
    project: &Project,
    file: FileId,
    offset: TextSize,
    text: Text,
) -> Option<(TextRange, LibraryPlace)> {
    let libraries = &*project.libraries.as_ref()?.0;
    let found = analysis.library_definition(file, offset, libraries)?;
    let source = if text == Text::Source { found.in_source(libraries) } else { None };
    Some((analysis.name_at(file, offset)?, place(source.unwrap_or(found), libraries)?))
}

/// Where a library defines the class of the value at `offset`: the name that was asked about, and the place.
pub fn library_type(
    analysis: &Analysis,
    project: &Project,
    file: FileId,
    offset: TextSize,
) -> Option<(TextRange, LibraryPlace)> {
    let libraries = &*project.libraries.as_ref()?.0;
    let found = analysis.library_type(file, offset, libraries)?;
    let source = found.in_source(libraries);
    Some((analysis.name_at(file, offset)?, place(source.unwrap_or(found), libraries)?))
}

fn place(found: LibraryDefinition, libraries: &dyn Libraries) -> Option<LibraryPlace> {
    let id = found.implementation()?;
    let analysis = found.analysis;
    let symbol = analysis.symbol(id);
    let (file, range, name_range) = (symbol.id.file, symbol.range, symbol.name_range);
    let path = libraries.file(analysis.path(file))?;
    Some(LibraryPlace { path, analysis, file, range, name_range })
}

/// Writes what a library says of the name at a place; false where none defines it.
pub(crate) fn describe(
    analysis: &Analysis,
    project: &Project,
    (file, offset): (FileId, TextSize),
    page: &mut Page,
) -> bool {
    let Some(libraries) = &project.libraries else { return false };
    let libraries = &*libraries.0;
    let Some(found) = analysis.library_definition(file, offset, libraries) else { return false };
    let analysis = &found.analysis;
    let Some(&first) = found.symbols.first() else { return false };
    let shown = found.symbols.iter().take(OVERLOADS).map(|&id| code(analysis, id));
    let mut signatures: Vec<String> = shown.collect();
    if found.symbols.len() > OVERLOADS {
        signatures.push(format!("# and {} more overloads", found.symbols.len() - OVERLOADS));
    }
    page.code(&signatures.join("\n"));
    let source = found.in_source(libraries);
    page.paragraph(&origin(&found, first, source.as_ref(), libraries));
    if let Some(paragraph) = documentation_of(&found, source.as_ref()) {
        page.paragraph(&Line::default().prose(&paragraph));
    }
    true
}

/// The first paragraph of a docstring: the stub's, or that of the source which it describes.
pub(crate) fn documentation(found: &LibraryDefinition, libraries: &dyn Libraries) -> Option<String> {
    documentation_of(found, found.in_source(libraries).as_ref())
}

fn documentation_of(found: &LibraryDefinition, source: Option<&LibraryDefinition>) -> Option<String> {
    let of_stub = found.symbols.iter().find_map(|&id| found.analysis.symbol(id).docstring);
    let of_source = || {
        let source = source?;
        source.analysis.symbol(*source.symbols.first()?).docstring
    };
    of_stub.or_else(of_source).and_then(crate::hover::first_paragraph)
}

fn code(analysis: &Analysis, id: SymbolId) -> String {
    let symbol = analysis.symbol(id);
    let written = crate::hover::code(analysis, &symbol);
    match symbol.deprecation().as_deref() {
        None => written,
        Some("") => format!("@deprecated\n{written}"),
        Some(reason) => format!("@deprecated({reason:?})\n{written}"),
    }
}

/// "function of `json`, standard library, json/__init__.py:183"
fn origin(
    found: &LibraryDefinition,
    first: SymbolId,
    source: Option<&LibraryDefinition>,
    libraries: &dyn Libraries,
) -> Line {
    let symbol = found.analysis.symbol(first);
    let mut line = Line::default().text(crate::hover::kind(&found.analysis, &symbol));
    if let Some(parent) = symbol.parent {
        let parent = found.analysis.symbol(parent);
        let name = if parent.kind == SymbolKind::Module { parent.qualified_name() } else { parent.local_name() };
        line = line.text(" of ").code(&name);
    }
    line = match libraries.origin(found.module()) {
        LibraryOrigin::Standard => line.text(", standard library"),
        LibraryOrigin::Package { name, version } => line.text(&format!(", {name} {version}")),
        LibraryOrigin::Unknown => line,
    };
    let Some(place) = place(source.unwrap_or(found).clone(), libraries) else { return line };
    let number = place.analysis.source(place.file).line_number(place.name_range.start());
    let shown = format!("{}:{number}", inside(found.module(), &place.path));
    line.text(", ").link(&shown, &format!("{}#L{number}", crate::wording::file_uri(&place.path)))
}

/// `json/__init__.py`: the path of a module below the folder in which it was looked for.
fn inside(module: &str, path: &Path) -> String {
    let is_package = path.file_stem().is_some_and(|stem| stem == "__init__");
    let parts = module.split('.').count() + usize::from(is_package);
    let components: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    components[components.len().saturating_sub(parts)..].join("/")
}
