//! Who calls functions and methods by names that are put together at run time: `getattr(self, "visit_" + kind)`.
//!
//! What stands in the text restricts which names these can be: `"visit_" + kind`, `f"visit_{kind}"`, `"do_%s" % command`,
//! `"{}_view".format(name)`, also by way of a variable of the same function, and `name.startswith("visit_")`. Names without such
//! a part may be any, and are not followed.

use std::collections::BTreeMap;

use graph::{Analysis, FileId, ImportKind, SymbolId, SymbolKind, Target};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, Operator, Stmt};
use syntax::{Ranged, TextSize, on_deep_stack, parse};

/// Shorter parts restrict too little: `do_` tells names apart, `__` and `_x` do not.
const MIN_PART: usize = 3;
const MIN_LETTERS: usize = 2;

/// What tells that a file may look for names.
const WAYS: [&str; 4] = ["getattr(", "globals()", "vars(", "methodcaller("];

/// How a name begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pattern {
    prefix: String,
    suffix: String,
}

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        name.len() >= self.prefix.len() + self.suffix.len()
            && name.starts_with(&self.prefix)
            && name.ends_with(&self.suffix)
    }

    /// Whether it tells names apart.
    fn is_telling(&self) -> bool {
        let parts = || self.prefix.chars().chain(self.suffix.chars());
        parts().count() >= MIN_PART && parts().filter(|c| *c != '_').count() >= MIN_LETTERS
    }
}

/// Who may call some of `targets` by a computed name, with these.
pub(super) fn users(analysis: &Analysis, targets: &[SymbolId]) -> Vec<(SymbolId, Vec<SymbolId>)> {
    let is_named = |id: &&SymbolId| {
        let symbol = analysis.symbol(**id);
        matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class)
    };
    let mut by_name: BTreeMap<&str, Vec<SymbolId>> = BTreeMap::new();
    for &target in targets.iter().filter(is_named) {
        by_name.entry(analysis.symbol(target).name).or_default().push(target);
    }
    let parts = parts(by_name.keys().copied());
    let mut found: Vec<(SymbolId, Vec<SymbolId>)> = Vec::new();
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    for file in analysis.files() {
        let text = analysis.source(file).text();
        if !WAYS.iter().any(|way| text.contains(way)) || !(has_part(text, &parts) || asks_module(analysis, file)) {
            continue;
        }
        // Without a thread to look with, nothing is found.
        for (at, which) in on_deep_stack(|| places(text)).unwrap_or_default() {
            let matching: Vec<SymbolId> = match which {
                Which::Named(pattern) => {
                    let matching = by_name.iter().filter(|(name, _)| pattern.matches(name));
                    matching.flat_map(|(_, targets)| targets).copied().collect()
                }
                Which::AnyOf(receiver) => {
                    let modules = modules_at(analysis, file, receiver);
                    let is_in = |id: &SymbolId| {
                        let parent = analysis.symbol(*id).parent;
                        parent.is_some_and(|parent| modules.contains(&parent))
                    };
                    by_name.values().flatten().copied().filter(is_in).collect()
                }
            };
            let user = analysis.enclosing(file, at);
            if !matching.is_empty() && seen.insert(user) {
                found.push((user, matching));
            }
        }
    }
    found
}

/// Which names are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Named(Pattern),
    /// Any of what stands at this place, if that is a module.
    AnyOf(TextSize),
}

/// The modules of the workspace that a name at a place stands for.
fn modules_at(analysis: &Analysis, file: FileId, at: TextSize) -> Vec<SymbolId> {
    let targets = analysis.targets(file, at).into_iter();
    let modules = targets.filter_map(|target| match target {
        Target::Symbol(id, _) => Some(id),
        _ => None,
    });
    modules.filter(|&id| analysis.symbol(id).kind == SymbolKind::Module).collect()
}

/// Whether `getattr` is asked of something that the file imports as a module.
fn asks_module(analysis: &Analysis, file: FileId) -> bool {
    let text = analysis.source(file).text();
    let mut asked = text.match_indices("getattr(").map(|(at, call)| {
        let rest = &text[at + call.len()..];
        let receiver = &rest[..rest.find([',', ')', '\n']).unwrap_or(0)];
        receiver.rsplit('.').next().unwrap_or_default().trim()
    });
    let imports = analysis.imports(file);
    let is_module = |name: &str| {
        imports
            .iter()
            .any(|it| matches!(it.kind, ImportKind::Module(_)) && it.text.rsplit([' ', '.']).next() == Some(name))
    };
    asked.any(is_module)
}

/// What names begin and end with. Of the two parts of a pattern one has at least so many bytes.
fn parts<'a>(names: impl Iterator<Item = &'a str>) -> FxHashSet<&'a str> {
    const SHORTEST: usize = MIN_PART.div_ceil(2);
    let of_name = |name: &'a str| {
        let ends = (SHORTEST..=name.len()).filter(|&end| name.is_char_boundary(end));
        ends.flat_map(move |end| [Some(&name[..end]), name.get(name.len() - end..)]).flatten()
    };
    names.flat_map(of_name).collect()
}

/// Whether one of `parts` stands beside a quote of the text: parsing it is worth while.
fn has_part(text: &str, parts: &FxHashSet<&str>) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(['\'', '"']).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let after = &after[..after.find(|c| !is_part(c)).unwrap_or(after.len())];
        let before = &before[before.trim_end_matches(is_part).len()..];
        // Of `"%s_view"` without the letter.
        let without_letter = before.chars().next().map_or("", |first| &before[first.len_utf8()..]);
        [after, before, without_letter].iter().any(|part| parts.contains(part))
    })
}

/// Where a text looks for names, and for which.
fn places(text: &str) -> Vec<(TextSize, Which)> {
    let parsed = parse(text);
    let mut functions = Functions::default();
    functions.visit_body(parsed.statements());
    let rest = std::mem::take(&mut functions.around);
    functions.found.extend(rest.places());
    functions.found
}

/// Visits the outermost functions one by one, as the names of variables hold inside of each.
#[derive(Default)]
struct Functions {
    found: Vec<(TextSize, Which)>,
    /// What stands outside of functions.
    around: Lookups,
}

impl<'a> Visitor<'a> for Functions {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                let mut lookups = Lookups::default();
                lookups.visit_body(&function.body);
                self.found.extend(lookups.places());
            }
            Stmt::ClassDef(class) => self.visit_body(&class.body),
            statement => self.around.visit_stmt(statement),
        }
    }
}

/// What a function says of the names that it looks for.
#[derive(Default)]
struct Lookups {
    /// Of names that stand where they are looked for.
    direct: Vec<(TextSize, Pattern)>,
    /// Of names in variables.
    indirect: Vec<(TextSize, String)>,
    /// What variables may be.
    patterns: FxHashMap<String, Vec<Pattern>>,
    /// Of any name, and of what.
    any: Vec<(TextSize, TextSize)>,
}

impl Lookups {
    fn places(self) -> Vec<(TextSize, Which)> {
        let Lookups { direct, indirect, patterns, any } = self;
        let mut found = direct;
        for (at, variable) in indirect {
            found.extend(patterns.get(&variable).into_iter().flatten().map(|pattern| (at, pattern.clone())));
        }
        found.retain(|(_, pattern)| pattern.is_telling());
        let restricted: FxHashSet<TextSize> = found.iter().map(|(at, _)| *at).collect();
        let any = any.into_iter().filter(|(at, _)| !restricted.contains(at));
        let named = found.into_iter().map(|(at, pattern)| (at, Which::Named(pattern)));
        named.chain(any.map(|(at, receiver)| (at, Which::AnyOf(receiver)))).collect()
    }

    fn look_for(&mut self, at: TextSize, name: &Expr) {
        match name {
            Expr::Name(variable) => self.indirect.push((at, variable.id.to_string())),
            Expr::Named(named) => self.look_for(at, &named.value),
            name => self.direct.extend(pattern(name).map(|pattern| (at, pattern))),
        }
    }

    fn call(&mut self, call: &ExprCall) {
        let function = match &*call.func {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => return,
        };
        match (function, &*call.arguments.args) {
            ("getattr", [of, name, ..]) => {
                self.look_for(call.start(), name);
                let receiver = match of {
                    Expr::Name(name) => Some(name.start()),
                    Expr::Attribute(it) => Some(it.attr.start()),
                    _ => None,
                };
                self.any.extend(receiver.filter(|_| !name.is_string_literal_expr()).map(|of| (call.start(), of)));
            }
            ("methodcaller", [name, ..]) => self.look_for(call.start(), name),
            ("startswith" | "endswith", [part, ..]) => {
                let Expr::Attribute(of) = &*call.func else { return };
                let Expr::Name(variable) = &*of.value else { return };
                for part in texts(part) {
                    let pattern = match function {
                        "startswith" => Pattern { prefix: part, suffix: String::new() },
                        _ => Pattern { prefix: String::new(), suffix: part },
                    };
                    self.patterns.entry(variable.id.to_string()).or_default().push(pattern);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Lookups {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Assign(assign) = statement
            && let Some(pattern) = pattern(&assign.value)
        {
            for name in assign.targets.iter().filter_map(Expr::as_name_expr) {
                self.patterns.entry(name.id.to_string()).or_default().push(pattern.clone());
            }
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Named(named) => {
                if let (Expr::Name(name), Some(pattern)) = (&*named.target, pattern(&named.value)) {
                    self.patterns.entry(name.id.to_string()).or_default().push(pattern);
                }
            }
            // `globals()[name]`
            Expr::Subscript(item) => {
                if let Expr::Call(call) = &*item.value
                    && let Expr::Name(function) = &*call.func
                    && matches!(function.id.as_str(), "globals" | "vars")
                {
                    self.look_for(item.start(), &item.slice);
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// What an expression that puts a text together begins and ends with; nothing for one that does not, and for a whole text: that
/// is no computed name.
fn pattern(expression: &Expr) -> Option<Pattern> {
    match expression {
        Expr::BinOp(sum) if sum.op == Operator::Add => {
            let (prefix, _) = ends(&sum.left);
            let (_, suffix) = ends(&sum.right);
            Some(Pattern { prefix, suffix })
        }
        Expr::BinOp(format) if format.op == Operator::Mod => {
            let text = text(&format.left)?;
            Some(Pattern { prefix: text.split('%').next()?.to_owned(), suffix: after_percent(&text) })
        }
        Expr::FString(_) => {
            let (prefix, suffix) = ends(expression);
            Some(Pattern { prefix, suffix })
        }
        // `"visit_{}".format(kind)`, and what changes no letter that it adds: `("visit_" + kind).lower()`
        Expr::Call(call) => {
            let Expr::Attribute(method) = &*call.func else { return None };
            match method.attr.as_str() {
                "format" => {
                    let text = text(&method.value)?;
                    let prefix = text.split('{').next()?.to_owned();
                    Some(Pattern { prefix, suffix: text.rsplit('}').next()?.to_owned() })
                }
                "lower" | "strip" | "replace" => pattern(&method.value),
                _ => None,
            }
        }
        _ => None,
    }
}

fn after_percent(text: &str) -> String {
    let last = text.rsplit('%').next().unwrap_or_default();
    last.chars().skip(1).collect()
}

/// What is known of the beginning and the end of a text.
fn ends(expression: &Expr) -> (String, String) {
    match expression {
        Expr::StringLiteral(literal) => (literal.value.to_str().to_owned(), literal.value.to_str().to_owned()),
        Expr::BinOp(sum) if sum.op == Operator::Add => (ends(&sum.left).0, ends(&sum.right).1),
        Expr::FString(text) => {
            let elements: Vec<&InterpolatedStringElement> = text.value.elements().collect();
            let literal = |element: Option<&&InterpolatedStringElement>| match element {
                Some(InterpolatedStringElement::Literal(literal)) => literal.value.to_string(),
                _ => String::new(),
            };
            let before = text.value.iter().find_map(|part| match part {
                FStringPart::Literal(literal) => Some(literal.value.to_string()),
                FStringPart::FString(_) => None,
            });
            (before.unwrap_or_else(|| literal(elements.first())), literal(elements.last()))
        }
        _ => Default::default(),
    }
}

fn text(expression: &Expr) -> Option<String> {
    Some(expression.as_string_literal_expr()?.value.to_str().to_owned())
}

/// A text, or those of a tuple.
fn texts(expression: &Expr) -> Vec<String> {
    match expression {
        Expr::Tuple(tuple) => tuple.elts.iter().filter_map(text).collect(),
        expression => text(expression).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
        let found = places(&format!("def f(self, kind):\n{}", lines.concat()));
        let said = found.iter().filter_map(|(_, it)| match it {
            Which::Named(it) => Some(format!("{}…{}", it.prefix, it.suffix)),
            Which::AnyOf(_) => None,
        });
        let said: Vec<String> = said.collect();
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn names_that_are_put_together() {
        check("getattr(self, 'visit_' + kind)(1)", &["visit_…"]);
        check("getattr(self, 'visit_' + kind.lower() + '_node', None)", &["visit_…_node"]);
        check("getattr(self, f'visit_{kind}')", &["visit_…"]);
        check("getattr(self, f'{kind}_view')", &["…_view"]);
        check("getattr(self, 'do_%s' % kind)", &["do_…"]);
        check("getattr(self, 'command_%s' % kind)", &["command_…"]);
        check("getattr(self, 'visit_{}_x'.format(kind))", &["visit_…_x"]);
        check("getattr(self, ('visit_' + kind).lower())", &["visit_…"]);
        check("globals()['handle_' + kind]()", &["handle_…"]);
        check("operator.methodcaller('handle_' + kind)", &["handle_…"]);
    }

    #[test]
    fn texts_that_are_worth_parsing() {
        let check = |text: &str| has_part(text, &parts(["visit_call", "call_view"].into_iter()));
        let worth = ["'visit_' + x", "f\"vi{x}\"", "\"%s_view\"", "f'{x}_view'", "'{}_call'", "startswith('visit')"];
        assert_eq!(worth.map(check), [true; 6]);
        assert_eq!(["'leave_' + x", "visit_", "f'{visit_call}'", "'é'"].map(check), [false; 4]);
    }

    #[test]
    fn names_in_variables() {
        check("name = 'visit_' + kind\nreturn getattr(self, name)", &["visit_…"]);
        check("if method := getattr(self, name := f'visit_{kind}', None): pass", &["visit_…"]);
        check(
            "for name in dir(self):\n    if name.startswith(('visit_', 'leave_')):\n        getattr(self, name)()",
            &["visit_…", "leave_…"],
        );
        check("other = 'visit_' + kind\nreturn getattr(self, kind)", &[]);
    }

    #[test]
    fn names_that_may_be_any_are_not_followed() {
        check("getattr(self, kind)", &[]);
        check("getattr(self, 'name')", &[]);
        check("getattr(self, '_' + kind)", &[]);
        check("getattr(self, f'__{kind}__')", &[]);
    }
}
