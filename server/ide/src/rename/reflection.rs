//! Texts that name what is renamed: `getattr(x, "name")`, `patch("package.module.name")`, `__slots__`.

use graph::{Analysis, FileId, Owner, Target, Variable};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{self, Expr, Stmt};
use syntax::{Ranged, TextRange, TextSize};

use crate::tree::with_tree;

/// A text that names a variable.
pub(super) struct Mention {
    pub file: FileId,
    /// The name inside the text; the callee where the text is put together.
    pub range: TextRange,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Certain,
    Possible,
    /// The text is put together at run time and may become the name.
    Computed,
}

/// Functions that take an attribute's name as one of their first two arguments.
const BY_NAME: &[&str] =
    &["getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller", "object", "delitem"];

/// Functions that import what a dotted name names.
const BY_PATH: &[&str] = &["patch", "import_string", "import_module", "setattr", "delattr", "resolve_name"];

/// The texts that name one of `variables`, which all have one name.
pub(super) fn mentions(analysis: &Analysis, variables: &[Variable], family: &graph::Family) -> Vec<Mention> {
    let owner = |variable: &Variable| analysis.owner(*variable);
    let Some(name) = variables.first().map(|variable| variable.name.as_str()) else { return Vec::new() };
    let paths: Vec<String> = variables
        .iter()
        .filter_map(|variable| match owner(variable) {
            Owner::Module => Some(format!("{}.{name}", analysis.module_name(variable.file))),
            Owner::Class(class) => Some(format!("{}.{name}", analysis.symbol(class).qualified_name())),
            Owner::Function | Owner::Parameter { .. } => None,
        })
        .collect();
    if paths.is_empty() {
        return Vec::new();
    }
    let homes: Vec<(FileId, TextRange)> = variables
        .iter()
        .filter_map(|variable| match owner(variable) {
            Owner::Class(class) => Some((class.file, analysis.symbol(class).name_range)),
            _ => None,
        })
        .collect();
    let quoted = [format!("'{name}'"), format!("\"{name}\"")];
    let mut found = Vec::new();
    for file in analysis.files() {
        let text = analysis.source(file).text();
        let computes = !homes.is_empty() && text.contains("getattr(");
        let is_there = computes || quoted.iter().chain(&paths).any(|needle| text.contains(needle.as_str()));
        if !is_there {
            continue;
        }
        let homes = homes.iter().filter(|(home, _)| *home == file).map(|(_, range)| *range).collect();
        let strings = with_tree(text, |parsed| {
            let mut search = Search { name, paths: &paths, homes, text, found: Vec::new() };
            search.visit_body(parsed.statements());
            search.found
        });
        for string in strings.into_iter().flatten() {
            let belongs = |receiver: Option<TextSize>| match receiver {
                Some(at) => belongs(analysis, file, at, variables, family),
                None => Belongs::Unknown,
            };
            let how = match string.kind {
                Kind::Slot | Kind::Path { called: true } => How::Certain,
                Kind::Path { called: false } => How::Possible,
                Kind::Attribute { receiver } => match belongs(receiver) {
                    Belongs::No => continue,
                    Belongs::Yes => How::Certain,
                    // A function of a module is not looked for on what may be any object.
                    Belongs::Unknown if homes_are_modules(analysis, variables) => continue,
                    Belongs::Unknown => How::Possible,
                },
                Kind::Computed { receiver } => match belongs(Some(receiver)) {
                    Belongs::Yes => How::Computed,
                    Belongs::No | Belongs::Unknown => continue,
                },
            };
            found.push(Mention { file, range: string.range, how });
        }
    }
    found
}

fn homes_are_modules(analysis: &Analysis, variables: &[Variable]) -> bool {
    variables.iter().all(|variable| analysis.owner(*variable) == Owner::Module)
}

enum Belongs {
    Yes,
    No,
    Unknown,
}

/// Whether what ends at `at` has the variables.
fn belongs(analysis: &Analysis, file: FileId, at: TextSize, variables: &[Variable], family: &graph::Family) -> Belongs {
    let targets = analysis.targets(file, at);
    let module = targets.iter().find_map(|target| match target {
        Target::Symbol(symbol, _) if analysis.module(symbol.file) == *symbol => Some(symbol.file),
        _ => None,
    });
    if let Some(module) = module {
        let is_home = variables.iter().any(|it| it.file == module && analysis.owner(*it) == Owner::Module);
        return if is_home { Belongs::Yes } else { Belongs::No };
    }
    let (classes, _) = analysis.types_at(file, at);
    match classes.iter().filter(|class| family.classes.contains(class)).count() {
        _ if classes.is_empty() => Belongs::Unknown,
        0 => Belongs::No,
        count if count == classes.len() => Belongs::Yes,
        _ => Belongs::Unknown,
    }
}

struct Found {
    range: TextRange,
    kind: Kind,
}

enum Kind {
    /// In `__slots__` or `__match_args__` of a class.
    Slot,
    /// The whole dotted name; whether it is given to what imports it.
    Path { called: bool },
    /// The name alone, with the end of the expression whose attribute it is.
    Attribute { receiver: Option<TextSize> },
    /// A text that begins as the name does, with the end of the expression whose attribute it is.
    Computed { receiver: TextSize },
}

struct Search<'a> {
    name: &'a str,
    paths: &'a [String],
    homes: Vec<TextRange>,
    text: &'a str,
    found: Vec<Found>,
}

impl Search<'_> {
    /// The range of the name in a text that is written as it is, if the whole text is `prefix` and the name.
    fn content(&self, expr: &Expr) -> Option<(TextRange, String)> {
        let part = expr.as_string_literal_expr()?.as_single_part_string()?;
        let range = part.content_range();
        let written = self.text.get(range.start().to_usize()..range.end().to_usize())?;
        (written == &*part.value).then(|| (range, written.to_owned()))
    }

    fn path(&mut self, expr: &Expr, called: bool) {
        let Some((range, written)) = self.content(expr) else { return };
        let is_path = |path: &&String| {
            written.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let Some(path) = self.paths.iter().find(is_path) else { return };
        let size = |text: &str| TextSize::of(text);
        let end = range.start() + size(path);
        let range = TextRange::new(end - size(self.name), end);
        if !self.found.iter().any(|found| found.range == range) {
            self.found.push(Found { range, kind: Kind::Path { called } });
        }
    }

    fn call(&mut self, call: &ast::ExprCall) {
        let callee = match &*call.func {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => return,
        };
        let arguments = &call.arguments.args;
        if let (true, Some(first)) = (BY_PATH.contains(&callee), arguments.first()) {
            self.path(first, true);
        }
        if !BY_NAME.contains(&callee) {
            return;
        }
        if let [receiver, text, ..] = &arguments[..]
            && let Some(prefix) = beginning(text)
            && self.name.starts_with(prefix)
        {
            self.found.push(Found { range: call.func.range(), kind: Kind::Computed { receiver: receiver.end() } });
        }
        for (position, argument) in arguments.iter().take(2).enumerate() {
            if let Some((range, written)) = self.content(argument)
                && written == self.name
            {
                let receiver = (position == 1).then(|| arguments[0].end());
                self.found.push(Found { range, kind: Kind::Attribute { receiver } });
            }
        }
    }

    fn slots(&mut self, class: &ast::StmtClassDef) {
        for statement in &class.body {
            let Stmt::Assign(assignment) = statement else { continue };
            let is_slots = assignment.targets.iter().any(|target| {
                target.as_name_expr().is_some_and(|name| matches!(name.id.as_str(), "__slots__" | "__match_args__"))
            });
            let elements = match &*assignment.value {
                Expr::Tuple(tuple) => &tuple.elts,
                Expr::List(list) => &list.elts,
                other => std::slice::from_ref(other),
            };
            for element in elements.iter().filter(|_| is_slots) {
                if let Some((range, written)) = self.content(element)
                    && written == self.name
                {
                    self.found.push(Found { range, kind: Kind::Slot });
                }
            }
        }
    }
}

/// What a text that is put together begins with: `handle_` in `f"handle_{name}"`. Nothing is no beginning.
fn beginning(expr: &Expr) -> Option<&str> {
    let beginning = match expr {
        Expr::FString(string) => match string.value.elements().next()? {
            ast::InterpolatedStringElement::Literal(literal) => &*literal.value,
            ast::InterpolatedStringElement::Interpolation(_) => "",
        },
        Expr::BinOp(operation) => operation.left.as_string_literal_expr()?.value.to_str(),
        _ => "",
    };
    let format = beginning.find(['%', '{']).unwrap_or(beginning.len());
    Some(&beginning[..format]).filter(|beginning| !beginning.is_empty())
}

impl<'t> Visitor<'t> for Search<'_> {
    fn visit_stmt(&mut self, statement: &'t Stmt) {
        if let Stmt::ClassDef(class) = statement
            && self.homes.contains(&class.name.range())
        {
            self.slots(class);
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expr: &'t Expr) {
        match expr {
            Expr::Call(call) => self.call(call),
            Expr::StringLiteral(_) => self.path(expr, false),
            _ => {}
        }
        walk_expr(self, expr);
    }
}
