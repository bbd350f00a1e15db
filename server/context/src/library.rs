//! Signatures of the library functions and classes that the target is likely to need.
//!
//! No model ranks them: what the target's file imports and does not use yet comes first, then what its class, its file and files
//! with the same imports use, each the more the more often, and what shares words with the target.

use graph::{
    Analysis, FileId, ImportKind, Libraries, LibraryDefinition, LibraryOrigin, LibraryPath, LibraryUse, Param,
    ParamKind, SymbolId, SymbolKind,
};
use rustc_hash::FxHashMap;
use syntax::TextRange;

use crate::Item;
use crate::documents::Query;
use crate::form::Form;
use crate::index::Index;
use crate::words::parts;

/// Of so many names the definitions are looked up.
const MAX_LOOKED_UP: usize = 60;
/// Of a module that waits to be used, so many names are taken.
const MAX_OF_MODULE: usize = 6;
/// Other files with the same imports that are looked at.
const MAX_FILES: usize = 40;
/// Longer signatures are shown without annotations and defaults.
const MAX_SIGNATURE: usize = 120;
/// Longer first lines of docstrings are left out.
const MAX_SUMMARY: usize = 90;

/// Why a name is likely to be needed.
#[derive(Default)]
struct Evidence {
    is_imported: bool,
    /// In a module that is imported as a whole and that the rest of the file does not use.
    is_in_waiting_module: bool,
    /// Uses in the target, its class, its file, and files beside it.
    in_target: usize,
    in_class: usize,
    in_file: usize,
    beside: usize,
    shared_words: usize,
}

impl Evidence {
    fn score(&self) -> f64 {
        let often = |count: usize| if count == 0 { 0.0 } else { 1.0 + (count as f64).ln() };
        // What is imported is there for somebody: where nobody uses it yet, for the target.
        let waits = self.is_imported && self.in_file + self.in_class == 0;
        f64::from(u8::from(waits)) * 4.0
            + f64::from(u8::from(self.is_imported))
            + f64::from(u8::from(self.is_in_waiting_module)) * 1.5
            + 3.0 * often(self.in_target)
            + 1.5 * often(self.in_class)
            + 1.2 * often(self.in_file)
            + 0.6 * often(self.beside)
            + 1.5 * self.shared_words.min(3) as f64
    }

    fn reasons(&self) -> Vec<String> {
        let all = [
            (self.in_target > 0, "used by the target"),
            (
                self.is_imported && self.in_file + self.in_class == 0,
                "imported by the target's file and not used there yet",
            ),
            (self.is_in_waiting_module, "in a module that the target's file imports and does not use yet"),
            (self.in_class > 0, "used elsewhere in the target's class"),
            (self.in_file > 0, "used elsewhere in the target's file"),
            (self.beside > 0, "used in files with the same imports"),
            (self.shared_words > 0, "shares words with the target"),
        ];
        all.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why.to_owned()).take(crate::MAX_REASONS).collect()
    }
}

impl Index {
    /// The likeliest first, for at most `room` tokens.
    pub(crate) fn library_items(
        &self,
        target: SymbolId,
        query: &Query,
        libraries: &dyn Libraries,
        room: usize,
    ) -> Vec<Item> {
        let mut found: Vec<(f64, LibraryPath, Evidence)> = gather(&self.analysis, target, query, libraries)
            .into_iter()
            .map(|(path, evidence)| (evidence.score(), path, evidence))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut items: Vec<Item> = Vec::new();
        let mut summaries: Vec<Option<String>> = Vec::new();
        let mut left = room;
        for (_, path, evidence) in found.into_iter().take(MAX_LOOKED_UP) {
            let Some(definition) = path.definition(libraries) else { continue };
            // What belongs to no distribution is somebody's own code elsewhere.
            if libraries.origin(definition.module()) == LibraryOrigin::Unknown {
                continue;
            }
            let Some((mut item, summary)) = item(&definition, target.file, libraries) else { continue };
            item.tokens = self.counter.count(&format!("{}\n", item.text));
            item.reason = evidence.reasons();
            if item.tokens <= left && !items.iter().any(|other| other.symbol == item.symbol) {
                left -= item.tokens;
                items.push(item);
                summaries.push(summary);
            }
        }
        // More signatures are worth more than what they do in words.
        for (item, summary) in items.iter_mut().zip(summaries) {
            let Some(summary) = summary else { continue };
            let text = format!("{}\n{summary}", item.text);
            let tokens = self.counter.count(&format!("{text}\n"));
            if tokens - item.tokens <= left {
                left -= tokens - item.tokens;
                (item.text, item.tokens) = (text, tokens);
            }
        }
        items
    }
}

fn gather(
    analysis: &Analysis,
    target: SymbolId,
    query: &Query,
    libraries: &dyn Libraries,
) -> FxHashMap<LibraryPath, Evidence> {
    let view = analysis.symbol(target);
    let class = view.parent.map(|parent| analysis.symbol(parent)).filter(|parent| parent.kind == SymbolKind::Class);
    let mut found: FxHashMap<LibraryPath, Evidence> = FxHashMap::default();
    let own = analysis.library_paths(target.file);
    for used in &own {
        let evidence = found.entry(used.path.clone()).or_default();
        let inside = |range: TextRange| range.contains_range(used.range);
        if used.is_import {
            evidence.is_imported = true;
        } else if inside(view.range) {
            evidence.in_target += 1;
        } else if class.as_ref().is_some_and(|class| inside(class.range)) {
            evidence.in_class += 1;
        } else {
            evidence.in_file += 1;
        }
    }
    let imports = analysis.imports(target.file);
    let mut modules: Vec<&str> = imports.iter().filter_map(|import| import.text.split_whitespace().nth(1)).collect();
    modules.sort_unstable();
    modules.dedup();
    for file in beside(analysis, target.file, &modules) {
        for used in analysis.library_paths(file) {
            let is_at_hand =
                modules.iter().any(|module| module.split('.').next() == used.path.module().split('.').next());
            if is_at_hand && !used.is_import {
                found.entry(used.path).or_default().beside += 1;
            }
        }
    }
    let shared_words = |path: &LibraryPath| {
        let words = path.name().map(parts).unwrap_or_default();
        words.iter().filter(|word| query.words.contains(word)).count()
    };
    for module in waiting_modules(analysis, target, &own) {
        let mut names = LibraryPath::all_of(&module, libraries);
        let beside = |path: &LibraryPath| found.get(path).map_or(0, |evidence| evidence.beside);
        names.sort_by_key(|path| std::cmp::Reverse((shared_words(path), beside(path))));
        for path in names.into_iter().take(MAX_OF_MODULE) {
            found.entry(path).or_default().is_in_waiting_module = true;
        }
    }
    for (path, evidence) in &mut found {
        evidence.shared_words = shared_words(path);
    }
    found.retain(|path, _| path.name().is_some_and(|name| !name.starts_with('_')));
    found
}

/// The modules from outside that the target's file imports as a whole, and of which it uses nothing but in the target.
fn waiting_modules(analysis: &Analysis, target: SymbolId, used: &[LibraryUse]) -> Vec<String> {
    let inside = analysis.symbol(target).range;
    let is_used = |module: &str| used.iter().any(|it| !inside.contains_range(it.range) && it.path.module() == module);
    let imports = analysis.imports(target.file).into_iter();
    let outside = imports.filter(|import| import.kind == ImportKind::External);
    let modules = outside.filter_map(|import| Some(import.text.strip_prefix("import ")?.to_owned()));
    modules.filter(|module| !is_used(module)).collect()
}

/// The files that share most imports with the target's.
fn beside(analysis: &Analysis, own: FileId, modules: &[&str]) -> Vec<FileId> {
    let shared = |file: FileId| {
        let imports = analysis.imports(file);
        let mut found: Vec<&str> = imports.iter().filter_map(|import| import.text.split_whitespace().nth(1)).collect();
        found.sort_unstable();
        found.dedup();
        found.iter().filter(|module| modules.binary_search(module).is_ok()).count()
    };
    let mut files: Vec<(usize, FileId)> =
        analysis.files().filter(|&file| file != own).map(|file| (shared(file), file)).filter(|(n, _)| *n > 0).collect();
    files.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| analysis.path(a.1).cmp(analysis.path(b.1))));
    files.into_iter().take(MAX_FILES).map(|(_, file)| file).collect()
}

/// What is shown of a definition, and the line that its documentation begins with.
fn item(definition: &LibraryDefinition, file: FileId, libraries: &dyn Libraries) -> Option<(Item, Option<String>)> {
    let analysis = &definition.analysis;
    let symbol = analysis.symbol(*definition.symbols.first()?);
    let (text, indent) = match symbol.kind {
        SymbolKind::Class => (class(definition, libraries), "    "),
        SymbolKind::Function => (signature(analysis, symbol.id), "    "),
        SymbolKind::Method => {
            let owner = analysis.symbol(symbol.parent?);
            (format!("class {}:\n    {}", owner.name, signature(analysis, symbol.id)), "        ")
        }
        SymbolKind::Module | SymbolKind::Lambda | SymbolKind::Variable | SymbolKind::Attribute => return None,
    };
    let line = |offset| analysis.source(symbol.id.file).line_number(offset);
    let summary = summary(symbol.docstring).map(|summary| format!("{indent}\"\"\"{summary}\"\"\""));
    let item = Item {
        file,
        id: None,
        path: definition.module().to_owned(),
        symbol: format!("{}.{}", definition.module(), symbol.local_name()),
        level: 2,
        form: Form::Library,
        start_line: line(symbol.header.start()),
        end_line: line(symbol.header.end()),
        exact: false,
        text,
        tokens: 0,
        reason: Vec::new(),
    };
    Some((item, summary))
}

/// The header, or only the names of the parameters where it is long.
fn signature(analysis: &Analysis, id: SymbolId) -> String {
    let symbol = analysis.symbol(id);
    let written = symbol.signature();
    if written.len() <= MAX_SIGNATURE && !written.contains('\n') {
        return written;
    }
    let names: Vec<String> = symbol.params.iter().map(sketch).collect();
    format!("def {}({})", symbol.name, names.join(", "))
}

/// The header with that of the constructor.
fn class(definition: &LibraryDefinition, libraries: &dyn Libraries) -> String {
    let header = definition.symbols.first().map(|&id| definition.analysis.symbol(id).signature()).unwrap_or_default();
    let header = header.trim_end_matches(':');
    match definition.constructor(libraries).and_then(|found| Some(signature(&found.analysis, *found.symbols.first()?)))
    {
        Some(constructor) => format!("{header}:\n    {constructor}"),
        None => header.to_owned(),
    }
}

/// `name`, `name=...`, `*names`.
fn sketch(param: &Param) -> String {
    match (param.kind, param.has_default) {
        (ParamKind::VarArgs, _) => format!("*{}", param.name),
        (ParamKind::KwArgs, _) => format!("**{}", param.name),
        (_, true) => format!("{}=...", param.name),
        (_, false) => param.name.to_string(),
    }
}

fn summary(docstring: Option<&str>) -> Option<&str> {
    let first = docstring?.lines().map(str::trim).find(|line| !line.is_empty())?;
    (first.len() <= MAX_SUMMARY && !first.starts_with(">>>") && !first.contains("\"\"\"")).then_some(first)
}
