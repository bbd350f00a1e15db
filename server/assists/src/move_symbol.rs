//! Move to another module: a definition, its imports, and the imports of all who use it.
//!
//! Offered on the name of a function, class or variable of a module: for the modules that use it most, and for a new one
//! of its own.

use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, ImportKind, SymbolId, Target};
use syntax::ast::Stmt;
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::action::{ActionKind, AssistContext, Change, NewFile, Offers, Outcome, Rewrite};
use super::call_sites::{Trees, place};
use super::import_block::{NewImport, add_all, has};
use super::layout::newline;
use super::module_path::{group, is_package};
use super::moved_imports::{
    Home, NewEdge, Used, imports_from, imports_name, is_imported_by_name, mentioned_in_text, needed, no_cycle,
    replaced_at_home, rewrite_import, top, used_as, written_module,
};
use super::names::{Names, Use};
use super::place::{comments_above, stands_alone, steps, whole_lines};

pub(super) const REWRITE: Rewrite = Rewrite { id: "move-symbol", tolerant: false, offer };

const MAX_TARGETS: usize = 3;

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let AssistContext { analysis, file, .. } = *context;
    let at = context.range;
    let module = analysis.module(file);
    let symbol = analysis.children(module).into_iter().find(|symbol| {
        let view = analysis.symbol(*symbol);
        view.name_range.contains_range(at) && view.parent == Some(module) && !view.is_retained()
    });
    let Some(symbol) = symbol else { return };
    if analysis.symbol(symbol).flags.is_test {
        return;
    }
    let name = analysis.symbol(symbol).name;
    let mut users: Vec<(usize, FileId)> = Vec::new();
    for site in analysis.references(symbol).into_iter().filter(|site| site.file != file) {
        match users.iter_mut().find(|(_, user)| *user == site.file) {
            Some((count, _)) => *count += 1,
            None => users.push((1, site.file)),
        }
    }
    users.retain(|(_, user)| !analysis.module_name(*user).split('.').any(|part| part.starts_with("test")));
    users.sort_by_key(|(count, user)| (std::cmp::Reverse(*count), analysis.path(*user)));
    for (_, user) in users.into_iter().take(MAX_TARGETS) {
        let title = format!("Move `{name}` to `{}`", analysis.module_name(user));
        offers.later(ActionKind::Move, title, move || change(analysis, symbol, &Home::File(user)));
    }
    let new = new_module(analysis, file, name);
    if let Some((path, module)) = new {
        let title = format!("Move `{name}` to new module `{module}`");
        offers.later(ActionKind::Move, title, move || change(analysis, symbol, &Home::New(path, module)));
    }
}

/// A module beside `file` that is called like `name`, unless there is one.
fn new_module(analysis: &Analysis, file: FileId, name: &str) -> Option<(PathBuf, String)> {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && snake.ends_with(|before: char| before.is_lowercase() || before.is_numeric()) {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    let path: &Path = analysis.path(file);
    let folder = path.parent().filter(|_| path.is_absolute())?;
    let new = folder.join(format!("{snake}.py"));
    let own = analysis.module_name(file);
    let package = if is_package(path) { own } else { own.rsplit_once('.').map_or("", |(package, _)| package) };
    let module = if package.is_empty() { snake.clone() } else { format!("{package}.{snake}") };
    let is_taken = analysis.file(&new).is_some() || analysis.module_file(&module).is_some();
    (!is_taken && snake.is_ascii()).then_some((new, module))
}

fn change(analysis: &Analysis, symbol: SymbolId, home: &Home) -> Outcome {
    let mut trees = Trees::default();
    let definition = Definition::of(analysis, symbol, trees.get(analysis, symbol.file), home)?;
    let users = users(analysis, &definition)?;
    let mut plan = Move {
        analysis,
        home,
        target: home.module(analysis),
        new_edges: definition.edges(analysis, home),
        definition,
        needs: Vec::new(),
        used_at_once: None,
        change: Change::default(),
    };
    plan.needs.extend(plan.definition.imports.iter().cloned());
    for (user, sites) in users.iter().filter(|(user, _)| *user != symbol.file) {
        plan.update_user(*user, trees.get(analysis, *user), sites)?;
    }
    if let Some(by) = mentioned_in_text(analysis, symbol.file, plan.definition.name) {
        let module = analysis.module_name(symbol.file);
        return Err(format!("{by}: a string names `{module}.{}`", plan.definition.name));
    }
    plan.leave(trees.get(analysis, symbol.file), &users)?;
    match home {
        Home::File(file) => plan.append(*file, trees.get(analysis, *file))?,
        Home::New(path, _) => plan.create(path),
    }
    Ok(plan.finish())
}

/// What is moved.
struct Definition<'a> {
    symbol: SymbolId,
    name: &'a str,
    /// With the comments above it, in whole lines.
    range: TextRange,
    text: String,
    /// What it needs where it goes to,
    imports: Vec<NewImport>,
    /// and whether that is something of the module that it leaves.
    needs_source: bool,
}

impl<'a> Definition<'a> {
    fn of(analysis: &'a Analysis, symbol: SymbolId, parsed: &Parsed, home: &Home) -> Result<Self, String> {
        let view = analysis.symbol(symbol);
        let name = view.name;
        let text = analysis.source(symbol.file).text();
        let steps = steps(parsed.statements(), view.name_range);
        let [step] = steps[..] else { return Err(format!("`{name}` is not defined at the module's own level")) };
        let stmt = step.stmt();
        let plain = match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => true,
            Stmt::Assign(it) => it.targets.len() == 1 && it.targets[0].is_name_expr(),
            Stmt::AnnAssign(it) => it.value.is_some(),
            _ => false,
        };
        let all = Names::of(parsed.statements());
        let stores = all.events.iter().filter(|it| it.name == name && it.what != Use::Load && it.what != Use::Captured);
        if !plain || stores.count() > 1 {
            return Err(format!("`{name}` is not bound by one definition"));
        }
        if !stands_alone(text, stmt.range()) {
            return Err("it shares its line with other code".to_owned());
        }
        let start = comments_above(text, stmt.start());
        let range = TextRange::new(start, whole_lines(text, stmt.range()).end());
        let (imports, needs_source) = needed(analysis, symbol.file, parsed, stmt, name, home)?;
        let text = text[range].trim_end_matches(['\r', '\n']).to_owned();
        Ok(Definition { symbol, name, range, text, imports, needs_source })
    }

    /// What its new home imports for it.
    fn edges(&self, analysis: &Analysis, home: &Home) -> Vec<NewEdge> {
        let source = self.needs_source.then_some(self.symbol.file);
        let absolute = self.imports.iter().filter(|import| !import.module.starts_with('.'));
        let modules = absolute.filter_map(|import| analysis.module_file(&import.module));
        source.into_iter().chain(modules).map(|module| (home.file(), Some(module))).collect()
    }
}

/// Who uses the definition, and where: by an import of the name, or as an attribute of the module.
fn users(analysis: &Analysis, definition: &Definition<'_>) -> Result<Vec<(FileId, Vec<TextRange>)>, String> {
    let mut users: Vec<(FileId, Vec<TextRange>)> = Vec::new();
    for site in analysis.references(definition.symbol) {
        if site.file == definition.symbol.file && definition.range.contains_range(site.range) {
            continue;
        }
        if site.write {
            return Err(format!("{}: it is given another value there", place(analysis, site.file, site.range)));
        }
        match users.iter_mut().find(|(file, _)| *file == site.file) {
            Some((_, sites)) => sites.push(site.range),
            None => users.push((site.file, vec![site.range])),
        }
    }
    Ok(users)
}

/// A move as it is put together.
struct Move<'a> {
    analysis: &'a Analysis,
    home: &'a Home,
    /// The module's name there.
    target: String,
    definition: Definition<'a>,
    /// Imports that the new home has to have.
    needs: Vec<NewImport>,
    new_edges: Vec<NewEdge>,
    /// Where its new home uses it by way of the old module.
    used_at_once: Option<TextSize>,
    change: Change,
}

impl Move<'_> {
    /// A file that uses it finds it at its new home.
    fn update_user(&mut self, user: FileId, parsed: &Parsed, sites: &[TextRange]) -> Result<(), String> {
        let (analysis, source, name) = (self.analysis, self.definition.symbol.file, self.definition.name);
        let is_home = Some(user) == self.home.file();
        let mut edits: Vec<TextEdit> = Vec::new();
        let mut imports_home = false;
        for &site in sites {
            match used_as(parsed, site) {
                Used::Import(stmt, at) => {
                    // Others import it by way of a module that passes it on.
                    if !imports_from(analysis, user, stmt, source) {
                        continue;
                    }
                    let Stmt::ImportFrom(it) = stmt else { continue };
                    if is_home {
                        edits.push(replaced_at_home(analysis, user, parsed, stmt, &it.names[at], &mut self.needs)?);
                    } else {
                        edits.extend(rewrite_import(analysis, user, parsed, stmt, at, &self.target)?);
                        imports_home = true;
                    }
                }
                Used::Attribute(whole) => {
                    edits.extend(self.replace_attribute(user, parsed, site, whole)?);
                    imports_home |= !is_home;
                }
                Used::Name => {
                    if !is_imported_by_name(analysis, user, source, name) && !is_home {
                        return Err(format!("{}: it comes by `import *` there", place(analysis, user, site)));
                    }
                }
            }
        }
        if imports_home {
            self.new_edges.push((Some(user), self.home.file()));
        }
        // The same import may be asked for by several uses.
        let mut unique: Vec<TextEdit> = Vec::new();
        for edit in edits {
            if !unique.contains(&edit) {
                unique.push(edit);
            }
        }
        self.change.add(analysis.path(user), unique);
        Ok(())
    }

    /// `module.name`, all of it at `whole`, becomes `name`.
    fn replace_attribute(
        &mut self,
        user: FileId,
        parsed: &Parsed,
        site: TextRange,
        whole: TextRange,
    ) -> Result<Vec<TextEdit>, String> {
        let (analysis, source, name) = (self.analysis, self.definition.symbol.file, self.definition.name);
        let direct = analysis.targets(user, whole.start()).iter().any(|it| match it {
            Target::Symbol(it, _) => *it == analysis.module(source),
            _ => false,
        });
        if !direct {
            // `package.sub.name`, or through another module's import.
            return Err(format!("{}: it is used through a module there", place(analysis, user, site)));
        }
        let mut edits = vec![TextEdit::replace(whole, name)];
        if Some(user) == self.home.file() {
            let runs_later = analysis.symbol(analysis.enclosing(user, whole.start())).kind.is_function();
            if !runs_later {
                self.used_at_once = Some(self.used_at_once.map_or(whole.start(), |at| at.min(whole.start())));
            }
            return Ok(edits);
        }
        let import = NewImport::from(written_module(analysis, user, &self.target, parsed), name);
        let is_bound = Names::of(parsed.statements()).events.iter().any(|it| it.name == name);
        if is_bound && !has(parsed.statements(), &import) {
            return Err(format!("{}: `{name}` is something else there", place(analysis, user, site)));
        }
        edits.extend(add_all(analysis, user, parsed, &[import]));
        Ok(edits)
    }

    /// The module that it leaves: it goes, and is imported where it is still used or exported.
    fn leave(&mut self, parsed: &Parsed, users: &[(FileId, Vec<TextRange>)]) -> Result<(), String> {
        let (analysis, source, name) = (self.analysis, self.definition.symbol.file, self.definition.name);
        let text = analysis.source(source).text();
        let mut edits = vec![TextEdit::replace(with_blank_lines(text, self.definition.range), "")];
        let is_exported = analysis.exports(source).is_some_and(|names| names.contains(&name));
        if is_exported || users.iter().any(|(user, _)| *user == source) {
            let import = NewImport::from(written_module(analysis, source, &self.target, parsed), name);
            edits.extend(add_all(analysis, source, parsed, &[import]));
            self.new_edges.push((Some(source), self.home.file()));
            if self.definition.needs_source {
                return Err(format!(
                    "`{}` and `{}` would import each other: `{name}` needs the one, and is still used there",
                    analysis.module_name(source),
                    self.target
                ));
            }
        }
        // Who no longer imports the module at all.
        let is_gone = |user: &FileId| {
            let mut imports = analysis.imports(*user).into_iter();
            imports.all(|import| {
                import.kind != ImportKind::Module(source) || import.text.ends_with(&format!(" import {name}"))
            })
        };
        let gone: Vec<FileId> = users.iter().map(|(user, _)| *user).filter(is_gone).collect();
        no_cycle(analysis, source, &gone, &self.new_edges, &self.target)?;
        self.change.add(analysis.path(source), edits);
        Ok(())
    }

    /// Its new home is a file that there is.
    fn append(&mut self, file: FileId, parsed: &Parsed) -> Result<(), String> {
        let (analysis, name, target) = (self.analysis, self.definition.name, &self.target);
        let names = Names::of(parsed.statements());
        let binds = |name: &str| names.events.iter().any(|it| it.name == name && it.what == Use::Store);
        for import in &self.needs {
            let bound = import.alias.as_ref().or(import.member.as_ref()).unwrap_or(&import.module);
            let bound = if import.member.is_none() && import.alias.is_none() { top(bound) } else { bound };
            if binds(bound) && !has(parsed.statements(), import) {
                return Err(format!("`{bound}` means something else in `{target}`"));
            }
        }
        let source = self.definition.symbol.file;
        let imported = parsed.statements().iter().any(|stmt| imports_name(analysis, file, stmt, source, name));
        if binds(name) && !imported {
            return Err(format!("`{target}` has a `{name}` already"));
        }
        let text = analysis.source(file).text();
        let mut edits = add_all(analysis, file, parsed, &self.needs);
        edits.push(appended(text, parsed, &self.definition.text, name, self.used_at_once));
        self.change.add(analysis.path(file), edits);
        Ok(())
    }

    /// Its new home is a file of its own.
    fn create(&mut self, path: &Path) {
        let analysis = self.analysis;
        let mut imports: Vec<NewImport> = Vec::new();
        for import in std::mem::take(&mut self.needs) {
            if !imports.contains(&import) {
                imports.push(import);
            }
        }
        imports.sort_by_key(|it| (group(analysis, &it.module), it.member.is_some(), it.module.clone()));
        let newline = newline(analysis.source(self.definition.symbol.file).text());
        let mut head = String::new();
        for (nth, import) in imports.iter().enumerate() {
            let before = nth.checked_sub(1).map(|before| group(analysis, &imports[before].module));
            if before.is_some_and(|before| before != group(analysis, &import.module)) {
                head.push_str(newline);
            }
            head.push_str(&import.text());
            head.push_str(newline);
        }
        if !head.is_empty() {
            head.push_str(&newline.repeat(2));
        }
        let text = format!("{head}{}{newline}", self.definition.text);
        self.change.created.push(NewFile { path: path.to_owned(), text });
    }

    fn finish(self) -> Change {
        let Move { analysis, mut change, .. } = self;
        change.edits.files.retain(|file| !file.edits.is_empty());
        for file in &mut change.edits.files {
            let Some(id) = analysis.file(&file.path) else { continue };
            file.edits = merged(analysis.source(id).text(), std::mem::take(&mut file.edits));
        }
        change
    }
}

/// `range` with the empty lines that would be too many without it.
fn with_blank_lines(text: &str, range: TextRange) -> TextRange {
    let rest = &text[range.end().to_usize()..];
    let blank: usize = rest.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum();
    if blank == rest.len() {
        // The last of the file: those before it go.
        let before = text[..range.start().to_usize()].trim_end();
        let line = text[before.len()..].find('\n').map_or(before.len(), |at| before.len() + at + 1);
        let start = TextSize::new(line as u32).min(range.start());
        return TextRange::new(start, TextSize::of(text));
    }
    TextRange::new(range.start(), range.end() + TextSize::new(blank as u32))
}

/// The definition at the end of a file.
fn appended(text: &str, parsed: &Parsed, moved: &str, name: &str, used: Option<TextSize>) -> TextEdit {
    let newline = newline(text);
    // A variable that others read at once has to stand before them; only functions run later.
    let first_use =
        Names::of(parsed.statements()).events.into_iter().filter(|it| it.name == name && it.what == Use::Load);
    let first = first_use.map(|it| it.range.start()).chain(used).min();
    if let Some(first) = first {
        let at = steps(parsed.statements(), TextRange::empty(first)).first().map(|step| step.stmt().start());
        if let Some(at) = at {
            let at = comments_above(text, at);
            let before = &text[..at.to_usize()];
            let lines = before[before.trim_end().len()..].matches('\n').count();
            // What only imported it goes.
            let is_gone = |stmt: &Stmt| {
                stmt.as_import_from_stmt().is_some_and(|it| it.names.len() == 1 && it.names[0].name.as_str() == name)
            };
            let alone = parsed.statements().iter().take_while(|stmt| stmt.start() < at).all(is_gone);
            let gap = if alone { 0 } else { 3_usize.saturating_sub(lines) };
            return TextEdit::insert(at, format!("{}{moved}{}", newline.repeat(gap), newline.repeat(3)));
        }
    }
    let trimmed = text.trim_end();
    let gap = if trimmed.is_empty() { String::new() } else { newline.repeat(3) };
    let range = TextRange::new(TextSize::of(trimmed), TextSize::of(text));
    TextEdit::replace(range, format!("{gap}{moved}{newline}"))
}

/// The edits of one file, so that nothing is inserted into what is removed: it takes its place.
fn merged(text: &str, edits: Vec<TextEdit>) -> Vec<TextEdit> {
    let newline = newline(text);
    let (mut gone, kept): (Vec<TextEdit>, Vec<TextEdit>) =
        edits.into_iter().partition(|edit| edit.text.is_empty() && !edit.range.is_empty());
    let mut all = Vec::new();
    for edit in kept {
        let inside = |it: &&mut TextEdit| {
            edit.range.is_empty() && it.range.start() < edit.range.start() && edit.range.start() < it.range.end()
        };
        match gone.iter_mut().find(inside) {
            Some(removal) => {
                removal.text.push_str(edit.text.trim_matches(['\r', '\n']));
                removal.text.push_str(newline);
            }
            None => all.push(edit),
        }
    }
    all.extend(gone);
    all
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check_titled, check_titles};
    use super::*;

    const SHOP: &str = "\
#- /shop/__init__.py
#- /shop/cart.py
\"\"\"Carts.\"\"\"
import os
from decimal import Decimal as D

from .tax import rate

LIMIT = 3


# Adds it up.
@os.cache
def to$0tal(cart):
    return D(rate(cart)) + LIMIT


def other(): ...
#- /shop/tax.py
def rate(x): ...
#- /shop/till.py
from shop.cart import other, total
print(total(1))
#- /main.py
import shop.cart
from shop.cart import total as t
t(2)
";

    #[test]
    fn symbol_moves_to_a_new_module() {
        check_titles(
            &REWRITE,
            SHOP,
            expect![[r#"
                Move `total` to `main`
                    refused: main.py:2: it has another name there
                Move `total` to `shop.till`
                Move `total` to new module `shop.total`
            "#]],
        );
        check_titled(
            &REWRITE,
            "Move `total` to new",
            SHOP,
            expect![[r#"
            #- /main.py
            import shop.cart
            from shop.total import total as t
            t(2)
            #- /shop/cart.py
            """Carts."""
            import os
            from decimal import Decimal as D

            from .tax import rate

            LIMIT = 3


            def other(): ...
            #- /shop/till.py
            from shop.cart import other
            from shop.total import total
            print(total(1))
            #- /shop/total.py
            import os
            from decimal import Decimal as D

            from shop.cart import LIMIT

            from .tax import rate


            # Adds it up.
            @os.cache
            def total(cart):
                return D(rate(cart)) + LIMIT
        "#]],
        );
    }

    #[test]
    fn symbol_moves_to_a_module_that_uses_it() {
        check_titled(
            &REWRITE,
            "Move `total` to `shop.till`",
            SHOP,
            expect![[r##"
                #- /main.py
                import shop.cart
                from shop.till import total as t
                t(2)
                #- /shop/cart.py
                """Carts."""
                import os
                from decimal import Decimal as D

                from .tax import rate

                LIMIT = 3


                def other(): ...
                #- /shop/till.py
                import os
                from decimal import Decimal as D

                from shop.cart import other, LIMIT

                from .tax import rate


                # Adds it up.
                @os.cache
                def total(cart):
                    return D(rate(cart)) + LIMIT


                print(total(1))
            "##]],
        );
    }

    #[test]
    fn moved_symbol_is_imported_where_it_is_still_used() {
        check_titled(
            &REWRITE,
            "Move `f` to `b`",
            "#- /a.py\n__all__ = ['f']\ndef f$0(): ...\ndef g():\n    return f()\n#- /b.py\nfrom a import f\nf()\n",
            expect![[r#"
                #- /a.py
                from b import f

                __all__ = ['f']
                def g():
                    return f()
                #- /b.py
                def f(): ...


                f()
            "#]],
        );
        check_titled(
            &REWRITE,
            "Move `f` to `b`",
            "#- /a.py\ndef f$0(): ...\nx = 1\n#- /b.py\nimport a\na.f()\n",
            expect![[r#"
                #- /a.py
                x = 1
                #- /b.py
                import a


                def f(): ...


                f()
            "#]],
        );
    }

    #[test]
    fn move_that_would_break_something_is_refused() {
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\nx = 1\ndef f$0(): return x\nf()\n#- /b.py\nfrom a import f\n",
            expect![[r#"
                refused: `a` and `b` would import each other: `f` needs the one, and is still used there
            "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\nimport b\ndef f$0(): return b\n#- /b.py\nfrom a import f\n",
            expect![[r#"
                refused: `b` has another name there
            "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\ndef f$0():\n    global x\n    x = 1\n#- /b.py\nfrom a import f\n",
            expect![[r#"
                refused: it binds the global `x`
            "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\ndef f$0(): ...\n#- /b.py\nfrom a import f\npatch('a.f')\n",
            expect![[r#"
                refused: b.py:2: a string names `a.f`
            "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\nx$0 = 1\n#- /b.py\nimport a\na.x = 2\n",
            expect![[r#"
                refused: b.py:2: it is given another value there
            "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\ndef f$0(): return __name__\n#- /b.py\nfrom a import f\n",
            expect![[r#"
            refused: it depends on `__name__`, which is another one elsewhere
        "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\ndef f$0(): ...\n#- /b.py\nfrom a import *\nf()\n",
            expect![[r#"
            #- /a.py
            #- /b.py
            from a import *


            def f(): ...


            f()
        "#]],
        );
    }
}
