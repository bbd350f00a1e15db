//! Gives a name to what the cursor is on, everywhere it is written.
//!
//! What is renamed are variables, not texts: a definition, the names that imports make of it in other modules, the members
//! of related classes that stand in for each other, parameters and the arguments that name them. A place that only may be
//! one of them is never changed silently: the rename is refused and says why or, where the editor can ask, put to the user.

mod reflection;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use graph::{
    Analysis, Collision, CollisionKind, Doubt, Family, FileId, Meaning, Name, Owner, Spelling, SymbolId, SymbolKind,
    Variable,
};
use syntax::{TextEdit, TextRange, TextSize};

use crate::rename_files;
use reflection::How;

/// What a rename begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameStart {
    /// The name under the cursor.
    pub range: TextRange,
    pub name: String,
}

/// A rename, ready to be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rename {
    /// Sorted by path and offset; they do not overlap.
    pub edits: Vec<RenameEdit>,
    /// The module's file, or its package's folder, and its new path. To be moved after the edits.
    pub moved: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameEdit {
    pub file: FileId,
    pub edit: TextEdit,
    /// Why it may be wrong.
    pub doubt: Option<String>,
}

/// What the name under the cursor is.
enum Subject {
    Variables(Vec<Variable>),
    Module(FileId),
}

/// Whether the name at `offset` can be renamed; `None` where there is no name.
///
/// # Errors
/// In words for the user, why not.
pub fn prepare_rename(analysis: &Analysis, file: FileId, offset: TextSize) -> Result<Option<RenameStart>, String> {
    let Some(range) = name_range(analysis, file, offset) else { return Ok(None) };
    let name = match subject(analysis, file, offset, range)? {
        Subject::Variables(variables) => variables[0].name.to_string(),
        Subject::Module(module) => {
            let name = analysis.module_name(module);
            name.rsplit('.').next().unwrap_or(name).to_owned()
        }
    };
    Ok(Some(RenameStart { range, name }))
}

/// The edits that call what is at `offset` by `new_name`. Where `asks`, places that only may be meant are among them, with
/// the doubt; otherwise such a place is a reason to refuse.
///
/// # Errors
/// In words for the user, why it cannot be renamed.
pub fn rename(
    analysis: &Analysis,
    file: FileId,
    offset: TextSize,
    new_name: &str,
    asks: bool,
) -> Result<Rename, String> {
    let Some(range) = name_range(analysis, file, offset) else { return Err("there is no name here".to_owned()) };
    let subject = subject(analysis, file, offset, range)?;
    check_identifier(new_name)?;
    match subject {
        Subject::Module(module) => rename_module(analysis, module, new_name),
        Subject::Variables(variables) => {
            Renaming { analysis, new_name, asks, edits: Vec::new(), doubts: Vec::new() }.variables(variables)
        }
    }
}

/// The name at `offset`; of a dotted module the part that is there.
fn name_range(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<TextRange> {
    let range = analysis.name_at(file, offset)?;
    let text = analysis.source(file).slice(range);
    if !text.contains('.') {
        return Some(range);
    }
    let inside = (offset - range.start()).to_usize();
    let start = text[..inside].rfind('.').map_or(0, |dot| dot + 1);
    let end = text[inside..].find('.').map_or(text.len(), |dot| inside + dot);
    let at = |offset: usize| range.start() + TextSize::new(u32::try_from(offset).unwrap_or(0));
    Some(TextRange::new(at(start), at(end)))
}

fn subject(analysis: &Analysis, file: FileId, offset: TextSize, range: TextRange) -> Result<Subject, String> {
    let text = analysis.source(file).slice(range);
    match analysis.meaning_at(file, offset) {
        Some(Meaning::Variables(variables)) => {
            let Some(first) = variables.first() else { return Err(unknown(text)) };
            if first.name.starts_with("__") && first.name.ends_with("__") {
                return Err(format!("`{}` has a meaning of its own for Python", first.name));
            }
            if analysis.bound_at(*first).is_none() {
                return Err(unknown(text));
            }
            let path = analysis.path(first.file);
            if !analysis.roots().is_empty() && !analysis.roots().iter().any(|root| path.starts_with(root)) {
                return Err(format!("`{text}` comes from outside the workspace (`{}`)", path.display()));
            }
            Ok(Subject::Variables(variables))
        }
        Some(Meaning::Module(module)) => {
            // Of `a.b.c` the module is that of the last part.
            let whole = analysis.name_at(file, offset).unwrap_or(range);
            let after = TextRange::new(range.end(), whole.end());
            let parts_after = analysis.source(file).slice(after).matches('.').count();
            let mut name = analysis.module_name(module);
            for _ in 0..parts_after {
                name = name.rsplit_once('.').map_or(name, |(package, _)| package);
            }
            let module = analysis.module_file(name).ok_or_else(|| format!("`{name}` is a folder without a module"))?;
            Ok(Subject::Module(module))
        }
        Some(Meaning::External(name)) => Err(format!("`{text}` comes from outside the workspace (`{name}`)")),
        Some(Meaning::Unknown | Meaning::Missing(_)) | None => Err(unknown(text)),
    }
}

fn unknown(text: &str) -> String {
    format!("it is not known what `{text}` is here")
}

fn check_identifier(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let is_start = letters.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    if !is_start || !letters.all(|c| c == '_' || c.is_alphanumeric()) {
        return Err(format!("`{name}` is no name in Python"));
    }
    if KEYWORDS.binary_search(&name).is_ok() {
        return Err(format!("`{name}` is a keyword"));
    }
    Ok(())
}

/// `keyword.kwlist` of CPython 3.14 and `__debug__`, which cannot be assigned either; sorted.
const KEYWORDS: &[&str] = &[
    "False",
    "None",
    "True",
    "__debug__",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
];

fn rename_module(analysis: &Analysis, module: FileId, new_name: &str) -> Result<Rename, String> {
    let path = analysis.path(module);
    let is_package = path.file_stem().is_some_and(|stem| stem == "__init__");
    let old = if is_package { path.parent().unwrap_or(path) } else { path };
    let mut new = old.with_file_name(new_name);
    if let (false, Some(extension)) = (is_package, path.extension()) {
        new.set_extension(extension);
    }
    if old == new {
        return Ok(Rename::default());
    }
    if analysis.roots().iter().any(|root| root == old) {
        return Err("the workspace folder itself is not a module".to_owned());
    }
    let name = analysis.module_name(module);
    let other = name.rsplit_once('.').map_or(new_name.to_owned(), |(package, _)| format!("{package}.{new_name}"));
    if let Some(taken) = analysis.module_file(&other).filter(|&taken| taken != module) {
        return Err(format!("there is a module `{other}` already: {}", path_of(analysis, taken)));
    }
    let edits = rename_files::import_edits(analysis, &[(old.to_path_buf(), new.clone())]);
    let edits = edits.into_iter().map(|(file, edit)| RenameEdit { file, edit, doubt: None }).collect();
    Ok(Rename { edits, moved: Some((old.to_path_buf(), new)) })
}

/// A rename that is being put together.
struct Renaming<'a> {
    analysis: &'a Analysis,
    new_name: &'a str,
    asks: bool,
    edits: Vec<RenameEdit>,
    /// Reasons without a place that could be left as it is.
    doubts: Vec<String>,
}

impl Renaming<'_> {
    fn variables(mut self, mut variables: Vec<Variable>) -> Result<Rename, String> {
        let analysis = self.analysis;
        let old = variables[0].name;
        if old.as_str() == self.new_name {
            return Ok(Rename::default());
        }
        let is_member = |variable: &Variable| matches!(analysis.owner(*variable), Owner::Class(_));
        let members: Vec<Variable> = variables.iter().copied().filter(is_member).collect();
        if members.len() != variables.len() && variables.len() > 1 {
            return Err(format!("`{old}` may be several things here: {}", self.list(&variables)));
        }
        let family = if members.is_empty() { Family::default() } else { analysis.family(&members) };
        if !members.is_empty() {
            // Two unrelated classes that one place uses in turn are not one thing.
            let of_first = analysis.family(&members[..1]).members;
            if members.iter().any(|member| !of_first.contains(member)) {
                return Err(format!("`{old}` may be several things here: {}", self.list(&variables)));
            }
            if family.external_base.is_some_and(|base| base.ends_with("TypedDict")) {
                return Err(format!("`{old}` is a key of a dictionary, and keys are texts"));
            }
            variables.clone_from(&family.members);
            if is_private(self.new_name) && !is_private(&old) {
                return Err(format!("`{}` would be private to each class", self.new_name));
            }
        } else {
            self.related_parameters(&mut variables);
        }
        self.stubs(&mut variables);
        let sites = analysis.spelled(&mut variables, &family);
        let collisions = analysis.collisions(&variables, &family, &sites, Name::new(self.new_name));
        if let Some(collision) = collisions.first() {
            return Err(self.collides(*collision));
        }
        for site in &sites {
            match site.how {
                Spelling::Certain => self.replace(site.file, site.range, None),
                Spelling::Imported => {
                    let edit = TextEdit::insert(site.range.start(), format!(" as {}", self.new_name));
                    self.edits.push(RenameEdit { file: site.file, edit, doubt: None });
                }
                Spelling::Doubtful(doubt @ (Doubt::Unpacked | Doubt::DottedImport)) => {
                    self.doubts.push(format!("{}: {}", self.place(site.file, site.range), explain(doubt)));
                }
                Spelling::Doubtful(doubt) => {
                    let doubt = format!("{}: {}", self.place(site.file, site.range), explain(doubt));
                    self.replace(site.file, site.range, Some(doubt));
                }
            }
        }
        self.broken_files();
        self.reflection(&variables, &family);
        self.framework(&variables, &family);
        self.protocols(&family);
        self.finish(&old)
    }

    /// The parameters of the same name of functions that stand in for each other: methods that override each other,
    /// overloads, definitions under different conditions.
    fn related_parameters(&self, variables: &mut Vec<Variable>) {
        let analysis = self.analysis;
        let Owner::Parameter { function, by_name: true } = analysis.owner(variables[0]) else { return };
        let view = analysis.symbol(function);
        let Some(itself) = analysis.variable_of(function) else { return };
        let mut owners: Vec<SymbolId> = Vec::new();
        for member in analysis.family(&[itself]).members {
            match analysis.owner(member) {
                Owner::Class(class) => owners.push(class),
                _ => owners.extend(view.parent),
            }
        }
        for owner in owners {
            for child in analysis.children(owner) {
                let other = analysis.symbol(child);
                if other.name == view.name
                    && other.kind.is_function()
                    && let Some(parameter) = analysis.parameter(child, variables[0].name)
                    && !variables.contains(&parameter)
                {
                    variables.push(parameter);
                }
            }
        }
    }

    /// What a stub says of the same module, and what the stub speaks of.
    fn stubs(&self, variables: &mut Vec<Variable>) {
        let analysis = self.analysis;
        for variable in variables.clone() {
            let container = match analysis.owner(variable) {
                Owner::Module => String::new(),
                Owner::Class(class) => format!("{}.", analysis.symbol(class).local_name()),
                Owner::Function | Owner::Parameter { .. } => continue,
            };
            let path = analysis.path(variable.file);
            let is_stub = path.extension().is_some_and(|extension| extension == "pyi");
            let other = path.with_extension(if is_stub { "py" } else { "pyi" });
            let Some(other) = analysis.file(&other) else { continue };
            let name = format!("{container}{}", variable.name);
            let symbols = analysis.symbols(other).into_iter().filter(|&it| analysis.symbol(it).local_name() == name);
            for twin in symbols.filter_map(|symbol| analysis.variable_of(symbol)) {
                if !variables.contains(&twin) {
                    variables.push(twin);
                }
            }
        }
    }

    fn replace(&mut self, file: FileId, range: TextRange, doubt: Option<String>) {
        self.edits.push(RenameEdit { file, edit: TextEdit::replace(range, self.new_name), doubt });
    }

    /// What does not parse may hide uses.
    fn broken_files(&mut self) {
        let mut files: Vec<FileId> = self.edits.iter().map(|edit| edit.file).collect();
        files.dedup();
        for file in files {
            if let Some(error) = self.analysis.syntax_errors(file).first() {
                self.doubts.push(format!("{}: a syntax error may hide uses", self.place(file, error.range)));
            }
        }
    }

    /// Texts that name the variables.
    fn reflection(&mut self, variables: &[Variable], family: &Family) {
        for found in reflection::mentions(self.analysis, variables, family) {
            let place = self.place(found.file, found.range);
            match found.how {
                How::Certain => self.replace(found.file, found.range, None),
                How::Possible => {
                    self.replace(found.file, found.range, Some(format!("{place}: a text that may name it")));
                }
                How::Computed => self.doubts.push(format!("{place}: a name is put together that may be this one")),
            }
        }
    }

    /// A member that nobody in the workspace uses, of a class whose base class is elsewhere, is likely to be called from
    /// there.
    fn framework(&mut self, variables: &[Variable], family: &Family) {
        let Some(base) = family.external_base else { return };
        let is_harmless = !base.contains('.') || base.starts_with("enum.") || base.starts_with("typing.");
        let homes: Vec<(FileId, TextRange)> =
            variables.iter().filter_map(|&variable| Some((variable.file, self.analysis.bound_at(variable)?))).collect();
        let is_used = self.edits.iter().any(|edit| !homes.contains(&(edit.file, edit.edit.range)));
        let is_test = |&(file, range): &(FileId, TextRange)| {
            self.analysis.symbol(self.analysis.enclosing(file, range.start())).flags.is_test
        };
        if !is_harmless && !is_used && !homes.iter().any(is_test) {
            let place = homes.first().map(|&(file, range)| self.place(file, range)).unwrap_or_default();
            self.doubts.push(format!("{place}: `{base}` is not in the workspace and may use it"));
        }
    }

    /// A class that has all that a protocol asks for is one without a word of it.
    fn protocols(&mut self, family: &Family) {
        let analysis = self.analysis;
        let Some(name) = family.members.first().map(|member| member.name) else { return };
        let mut protocols = Vec::new();
        analysis.each_symbol(|symbol, kind, _| {
            if kind == SymbolKind::Class && analysis.is_protocol(symbol) {
                protocols.push(symbol);
            }
        });
        for protocol in protocols {
            if !analysis.members(protocol).iter().any(|&member| analysis.symbol(member).name == name.as_str()) {
                continue;
            }
            let is_home = family.classes.contains(&protocol);
            let other = match is_home {
                true => analysis.conforming(protocol).into_iter().find(|class| !family.classes.contains(class)),
                false => {
                    analysis.conforming(protocol).iter().find(|class| family.classes.contains(class)).map(|_| protocol)
                }
            };
            if let Some(other) = other {
                let place = self.place(other.file, analysis.symbol(other).name_range);
                let other = analysis.symbol(other).name;
                let reason = if is_home { "conforms to the protocol" } else { "is a protocol that asks for it" };
                self.doubts.push(format!("{place}: `{other}` {reason}"));
            }
        }
    }

    fn finish(mut self, old: &str) -> Result<Rename, String> {
        let analysis = self.analysis;
        let first = self.edits.iter_mut().find(|edit| edit.doubt.is_none());
        if let (true, Some(first), false) = (self.asks, first, self.doubts.is_empty()) {
            first.doubt = Some(self.doubts.join("; "));
        }
        let mut reasons: Vec<&str> = self.doubts.iter().map(String::as_str).collect();
        reasons.extend(self.edits.iter().filter_map(|edit| edit.doubt.as_deref()));
        if let (false, [first, rest @ ..]) = (self.asks, &reasons[..]) {
            let more = match rest.len() {
                0 => String::new(),
                1 => " (and one more place)".to_owned(),
                count => format!(" (and {count} more places)"),
            };
            return Err(format!("`{old}` cannot be renamed with certainty: {first}{more}"));
        }
        self.edits.sort_by(|a, b| {
            let key = |it: &RenameEdit| (it.edit.range.start(), it.edit.range.end());
            analysis.path(a.file).cmp(analysis.path(b.file)).then(key(a).cmp(&key(b)))
        });
        self.edits.dedup_by(|a, b| a.file == b.file && a.edit == b.edit);
        Ok(Rename { edits: self.edits, moved: None })
    }

    fn collides(&self, collision: Collision) -> String {
        let (name, place) = (self.new_name, self.place(collision.file, collision.range));
        match collision.kind {
            CollisionKind::Taken => format!("`{name}` is taken: {place}"),
            CollisionKind::Captured => format!("`{name}` would mean something else: {place}"),
            CollisionKind::Captures => format!("`{name}` means something else there, and would change: {place}"),
        }
    }

    fn list(&self, variables: &[Variable]) -> String {
        let places =
            variables.iter().filter_map(|&variable| Some(self.place(variable.file, self.analysis.bound_at(variable)?)));
        places.collect::<Vec<_>>().join(", ")
    }

    /// `pkg/mod.py:3`
    fn place(&self, file: FileId, range: TextRange) -> String {
        let line = self.analysis.source(file).line_number(range.start());
        format!("{}:{line}", path_of(self.analysis, file))
    }
}

fn explain(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::UnknownReceiver => "what has this attribute is not known",
        Doubt::Several => "it may be something else as well",
        Doubt::Subclass => "a subclass has it, and may be meant",
        Doubt::UnknownCallee => "what is called here is not known",
        Doubt::Unpacked => "`**` may pass it here",
        Doubt::DottedImport => "an import of a submodule binds it too",
    }
}

fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

/// The path in the workspace folder.
fn path_of(analysis: &Analysis, file: FileId) -> String {
    analysis.inside_root(analysis.path(file)).display().to_string()
}
