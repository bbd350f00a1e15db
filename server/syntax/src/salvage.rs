//! Definitions that the parser's recovery loses.
//!
//! In `x = {'a': ` with a `def` on the next line, the parser takes the definition for a part of the dictionary and drops it.
//! A line that begins with `def` or `class` is a definition unless it stands in a string, and that tree-sitter can tell
//! however broken the text is. What stands before a lost one and does not parse is left out, and the parser is asked again.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{ModModule, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// What to leave out so that the first lost definition is found; `None` when none is lost.
pub(super) fn obstacle(module: &Parsed<ModModule>, text: &str) -> Option<TextRange> {
    let mut found = Definitions::default();
    module.suite().iter().for_each(|statement| found.visit_stmt(statement));
    // Most broken texts have all their definitions; looking at lines is cheap.
    if written(text).all(|name| found.names.contains(&name)) {
        return None;
    }
    let tree = shape(text)?;
    let is_code = |name: &TextSize| !is_in_text(&tree, *name);
    let lost = written(text).filter(|name| !found.names.contains(name)).find(is_code)?;
    let start = with_decorators(text, line_start(text, lost));
    let covering = found.simple.iter().filter(|range| range.start() < start && start < range.end());
    let begin = covering.map(|range| range.start()).max();
    let begin = begin.or_else(|| {
        let before = module.errors().iter().map(|error| error.location.start()).filter(|&error| error <= start);
        before.max().map(|error| line_start(text, error.min(start.checked_sub(TextSize::new(1)).unwrap_or_default())))
    })?;
    let range = TextRange::new(begin, start);
    (!text[range].trim().is_empty()).then_some(range)
}

#[derive(Default)]
struct Definitions {
    /// Offsets of the names in `def` and `class`.
    names: Vec<TextSize>,
    /// Statements without a body.
    simple: Vec<TextRange>,
}

impl<'a> Visitor<'a> for Definitions {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.names.push(function.name.start()),
            Stmt::ClassDef(class) => self.names.push(class.name.start()),
            Stmt::If(_) | Stmt::For(_) | Stmt::While(_) | Stmt::With(_) | Stmt::Try(_) | Stmt::Match(_) => {}
            simple => return self.simple.push(simple.range()),
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, _: &'a ruff_python_ast::Expr) {}
}

/// The offsets of names after `def` and `class` at the beginning of lines; strings may hold such lines too.
fn written(text: &str) -> impl Iterator<Item = TextSize> {
    let mut offset = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim_start();
        let rest = trimmed.strip_prefix("async ").map_or(trimmed, str::trim_start);
        let name = rest.strip_prefix("def ").or_else(|| rest.strip_prefix("class "))?.trim_start();
        let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        is_name.then(|| TextSize::new((start + line.len() - name.len()) as u32))
    })
}

fn shape(text: &str) -> Option<tree_sitter::Tree> {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// Whether a string or comment is at the place.
fn is_in_text(tree: &tree_sitter::Tree, offset: TextSize) -> bool {
    let offset = offset.to_usize();
    let node = tree.root_node().descendant_for_byte_range(offset, offset + 1);
    let around = std::iter::successors(node, tree_sitter::Node::parent);
    around.take_while(|node| node.kind() != "interpolation").any(|node| matches!(node.kind(), "string" | "comment"))
}

/// The start of the first of the decorators above a definition.
fn with_decorators(text: &str, definition: TextSize) -> TextSize {
    let mut start = definition;
    while start > TextSize::new(0) {
        let above = line_start(text, start - TextSize::new(1));
        if !text[TextRange::new(above, start)].trim_start().starts_with('@') {
            break;
        }
        start = above;
    }
    start
}

fn line_start(text: &str, offset: TextSize) -> TextSize {
    let before = text.get(..offset.to_usize()).unwrap_or(text);
    TextSize::new(before.rfind('\n').map_or(0, |newline| newline + 1) as u32)
}
