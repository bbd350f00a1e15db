//! What names in a module stand for through its imports, and how to import one more.

use std::collections::BTreeMap;

use syntax::ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use syntax::ast::{self, Alias, Expr, ExprContext, Stmt};
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::site::Site;
use crate::Document;

#[derive(Default)]
pub(crate) struct Imports<'a> {
    /// What each local name was imported as: `np` → `numpy`, `load` → `yaml.load`. `None` when it is something else too.
    names: BTreeMap<&'a str, Option<String>>,
    /// `load` in `from yaml import load`, by its local name.
    members: BTreeMap<&'a str, &'a Alias>,
    /// Local names bound at the top of the module, with the end of the import.
    top: BTreeMap<&'a str, TextSize>,
}

impl<'a> Imports<'a> {
    pub fn of(document: Document<'a>) -> Self {
        let mut collector = Collector { imports: Imports::default(), depth: 0 };
        collector.visit_body(document.parsed.statements());
        collector.imports
    }

    /// The dotted name that an expression stands for: `h.md5` after `import hashlib as h` is `hashlib.md5`. Names without an
    /// import and without a definition are builtins: `eval`.
    pub fn full_name(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => match self.names.get(name.id.as_str()) {
                Some(imported) => imported.clone(),
                None => Some(name.id.to_string()),
            },
            Expr::Attribute(attribute) => match &*attribute.value {
                // An attribute of what no import has bound is of no known module.
                Expr::Name(name) if !self.names.contains_key(name.id.as_str()) => None,
                value => Some(format!("{}.{}", self.full_name(value)?, attribute.attr)),
            },
            _ => None,
        }
    }

    /// Whether anything imports `module` or a part of it.
    pub fn uses(&self, module: &str) -> bool {
        let is_part =
            |name: &String| name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.names.values().flatten().any(is_part)
    }

    fn bind(&mut self, local: &'a str, imported: Option<String>) {
        let value = match (self.names.get(local), imported) {
            (Some(Some(known)), Some(imported)) if *known == imported => Some(imported),
            (Some(_), _) => None,
            (None, imported) => imported,
        };
        self.names.insert(local, value);
    }
}

struct Collector<'a> {
    imports: Imports<'a>,
    /// Statements around.
    depth: u32,
}

impl<'a> Visitor<'a> for Collector<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    // `import a.b` binds `a`.
                    let first = alias.name.split('.').next().unwrap_or_default();
                    let (local, imported) = match &alias.asname {
                        Some(name) => (name.as_str(), alias.name.as_str()),
                        None => (first, first),
                    };
                    self.imports.bind(local, Some(imported.to_owned()));
                    if self.depth == 0 {
                        self.imports.top.insert(local, import.end());
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let local = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    let module = import.module.as_ref().filter(|_| import.level == 0);
                    let imported = module.map(|module| format!("{module}.{}", alias.name));
                    self.imports.bind(local, imported);
                    self.imports.members.insert(local, alias);
                }
            }
            _ => {
                match statement {
                    Stmt::FunctionDef(function) => self.imports.bind(function.name.as_str(), None),
                    Stmt::ClassDef(class) => self.imports.bind(class.name.as_str(), None),
                    _ => {}
                }
                // What `if TYPE_CHECKING:` imports is not there when the program runs.
                self.depth += 1;
                walk_stmt(self, statement);
                self.depth -= 1;
            }
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && matches!(name.ctx, ExprContext::Store | ExprContext::Del)
        {
            self.imports.bind(name.id.as_str(), None);
        }
        walk_expr(self, expr);
    }

    fn visit_parameter(&mut self, parameter: &'a ast::Parameter) {
        self.imports.bind(parameter.name.as_str(), None);
        walk_parameter(self, parameter);
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(named) = handler;
        if let Some(name) = &named.name {
            self.imports.bind(name.as_str(), None);
        }
        ast::visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        let name = match pattern {
            ast::Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            ast::Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            ast::Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.imports.bind(name.as_str(), None);
        }
        ast::visitor::walk_pattern(self, pattern);
    }
}

impl Site<'_> {
    /// The local name of `module` and, where it is not imported yet, the edit that imports it. `None` where its name stands for
    /// something else.
    pub fn import(&self, module: &str) -> Option<(String, Option<TextEdit>)> {
        let imports = &self.imports;
        let is_module = |imported: &Option<String>| imported.as_deref() == Some(module);
        let known = imports.names.iter().find(|(local, imported)| {
            is_module(imported) && imports.top.get(*local).is_some_and(|end| *end <= self.range.start())
        });
        if let Some((local, _)) = known {
            return Some(((*local).to_owned(), None));
        }
        if imports.names.get(module).is_some_and(|imported| !is_module(imported)) {
            return None;
        }
        let at = self.place_of_imports()?;
        // A docstring on the last line may have no newline behind it.
        let is_cut_off =
            at.to_usize() == self.document.text.len() && !self.document.text.is_empty() && self.line_start(at) != at;
        let newline = self.newline();
        let line = if is_cut_off { format!("{newline}import {module}") } else { format!("import {module}{newline}") };
        Some((module.to_owned(), Some(TextEdit::insert(at, line))))
    }

    /// Before the first import, after the docstring and what is imported from the future.
    fn place_of_imports(&self) -> Option<TextSize> {
        let body = self.document.parsed.statements();
        let is_head = |index: usize, statement: &Stmt| match statement {
            Stmt::Expr(expr) => index == 0 && expr.value.is_string_literal_expr(),
            Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
            _ => false,
        };
        let head = body.iter().enumerate().take_while(|(index, statement)| is_head(*index, statement)).count();
        let next = body.get(head);
        let is_import = |statement: &Stmt| matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_));
        if let Some(next) = next
            && (head == 0 || is_import(next))
        {
            let start = self.line_start(next.start());
            // `"""docstring"""; import os` has no place for a line.
            let start = if start == TextSize::new(0) { self.start() } else { start };
            return (head == 0 || start >= body[head - 1].end()).then_some(start);
        }
        let Some(last) = head.checked_sub(1).and_then(|last| body.get(last)) else { return Some(self.start()) };
        let rest = &self.document.text[last.end().to_usize()..];
        let end = match rest.find(['\n', '\r']) {
            Some(newline) => newline + if rest[newline..].starts_with("\r\n") { 2 } else { 1 },
            None => rest.len(),
        };
        let end = last.end() + TextSize::new(end as u32);
        next.is_none_or(|next| next.start() >= end).then_some(end)
    }

    /// After a byte order mark.
    fn start(&self) -> TextSize {
        TextSize::new(if self.document.text.starts_with('\u{feff}') { 3 } else { 0 })
    }

    /// Edits that make `function`, which stands for `module.old`, stand for `module.new`: by its attribute, or by another name
    /// in the same `from module import old`.
    pub fn renamed(&self, function: &Expr, new: &str) -> Option<Vec<TextEdit>> {
        match function {
            Expr::Attribute(attribute) => Some(vec![TextEdit::replace(attribute.attr.range(), new)]),
            Expr::Name(name) => {
                let full = self.imports.full_name(function)?;
                let wanted = format!("{}.{new}", full.rsplit_once('.')?.0);
                let known = self.imports.names.iter().find(|(_, imported)| imported.as_ref() == Some(&wanted));
                if let Some((local, _)) = known {
                    return Some(vec![TextEdit::replace(name.range(), *local)]);
                }
                if self.imports.names.contains_key(new) {
                    return None;
                }
                let alias: &Alias = self.imports.members.get(name.id.as_str())?;
                let add = TextEdit::insert(alias.end(), format!(", {new}"));
                Some(vec![add, TextEdit::replace(name.range(), new)])
            }
            _ => None,
        }
    }

    /// The local name of `member` of `module` and, where it is not imported yet, the edit that imports it. `None` where its name
    /// stands for something else.
    pub fn import_member(&self, module: &str, member: &str) -> Option<(String, Option<TextEdit>)> {
        let full = format!("{module}.{member}");
        let imports = &self.imports;
        let mut known = imports.names.iter().filter(|(_, imported)| imported.as_ref() == Some(&full));
        if let Some((local, _)) = known.find(|(local, _)| imports.members.contains_key(*local)) {
            return Some(((*local).to_owned(), None));
        }
        if imports.names.contains_key(member) {
            return None;
        }
        let at = self.place_of_imports().filter(|at| self.line_start(*at) == *at)?;
        let line = format!("from {module} import {member}{}", self.newline());
        Some((member.to_owned(), Some(TextEdit::insert(at, line))))
    }

    /// Replaces `range` by `written` for the local name of `module`, with the import where it is missing.
    pub fn with_import(
        &self,
        module: &str,
        range: TextRange,
        written: impl Fn(&str) -> String,
    ) -> Option<Vec<TextEdit>> {
        let (local, import) = self.import(module)?;
        let mut edits: Vec<TextEdit> = import.into_iter().collect();
        edits.push(TextEdit::replace(range, written(&local)));
        Some(edits)
    }
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn imports_have_their_place() {
        check(
            "S307",
            "#!/usr/bin/env python\n\"\"\"Doc.\"\"\"\nfrom __future__ import annotations\n\nimport os\n\nx = $0eval$0(y)\n",
            "#!/usr/bin/env python\n\"\"\"Doc.\"\"\"\nfrom __future__ import annotations\n\nimport ast\nimport os\n\nx = ast.literal_eval(y)\n",
        );
        check("S307", "# c\nx = $0eval$0(y)\n", "# c\nimport ast\nx = ast.literal_eval(y)\n");
        check("S307", "'''D'''\r\nx = $0eval$0(y)\r\n", "'''D'''\r\nimport ast\r\nx = ast.literal_eval(y)\r\n");
        check("S307", "import ast as a\nx = $0eval$0(y)\n", "import ast as a\nx = a.literal_eval(y)\n");
    }

    #[test]
    fn only_what_is_imported_for_sure_counts() {
        check(
            "S307",
            "if TYPE_CHECKING:\n    import ast\nx = $0eval$0(y)\n",
            "import ast\nif TYPE_CHECKING:\n    import ast\nx = ast.literal_eval(y)\n",
        );
        check("S307", "\u{feff}x = $0eval$0(y)\n", "\u{feff}import ast\nx = ast.literal_eval(y)\n");
    }

    #[test]
    fn a_name_that_is_taken_is_not_imported_over() {
        refused("S307", "ast = parse()\nx = $0eval$0(y)\n");
        refused("S307", "def f(ast):\n    return $0eval$0(ast)\n");
        refused("S307", "def eval(x): ...\nx = $0eval$0(y)\n");
        refused("S307", "'''D'''; import os\nx = $0eval$0(y)\n");
    }
}
