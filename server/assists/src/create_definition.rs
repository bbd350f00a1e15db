//! Create function, class or method from use.
//!
//! ```python
//! total = add_tax(net, rate=0.2)     # ← offered on `add_tax`, which does not exist
//! ```

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use rustc_hash::FxHashSet;
use syntax::ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use syntax::ast::{AnyNodeRef, Expr, ExprCall, Stmt, StmtClassDef};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::action::{ActionKind, AssistContext, Change, Offers, Rewrite};
use super::call_sites::find_call;
use super::import_block::parse_file;
use super::layout::{indent_at, newline, own_line_indent, unit};
use super::place::{comments_above, nodes, span, steps, whole_lines};

pub(super) const REWRITE: Rewrite = Rewrite { id: "create-definition", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let AssistContext { analysis, file, parsed, text, .. } = *context;
    let Some(range) = analysis.name_at(file, context.range.start()).filter(|it| it.contains_range(context.range))
    else {
        return;
    };
    let name = &text[range];
    let Some(call) = find_call(parsed, range) else { return };
    let is_awaited = nodes(parsed, call.range()).iter().rev().any(|node| match node {
        AnyNodeRef::ExprAwait(it) => it.value.range() == call.range(),
        _ => false,
    });
    let new = New { name, call, is_awaited };
    if matches!(&*call.func, Expr::Name(_)) {
        let undefined = analysis.undefined_names(file);
        if !undefined.iter().any(|(other, _)| *other == range) {
            return;
        }
        let at = Destination::around(parsed, text, range);
        let (function, class) = (
            (format!("Create function `{name}`"), new.function(text, unit(parsed, text), "")),
            (format!("Create class `{name}`"), new.class(text, unit(parsed, text))),
        );
        // By its looks.
        let both = if name.starts_with(char::is_uppercase) { [class, function] } else { [function, class] };
        for (nth, (title, definition)) in both.into_iter().enumerate() {
            offers.made(ActionKind::QuickFix, title, Ok(context.change([at.insert(text, &definition)])));
            if nth == 0 {
                offers.prefer();
            }
        }
    } else if let Expr::Attribute(attribute) = &*call.func {
        let missing = analysis.missing_members(file).into_iter().find(|missing| missing.range == range);
        let Some(missing) = missing else { return };
        let receiver = analysis.symbol(missing.receiver);
        let (home, owner) = (missing.receiver, receiver.name.to_owned());
        if receiver.kind == SymbolKind::Class {
            let on_class = is_class(context, &attribute.value);
            let title = format!("Create method `{name}` in `{owner}`");
            offers.later(ActionKind::QuickFix, title, move || new.method_in(analysis, file, home, on_class));
        } else {
            let title = format!("Create function `{name}` in `{}`", receiver.qualified_name());
            offers.later(ActionKind::QuickFix, title, move || {
                let theirs = analysis.source(home.file).text();
                let parsed = parse_file(analysis, home.file);
                let end = Destination { at: TextSize::of(&**theirs), before: false };
                let mut change = Change::default();
                let text = analysis.source(file).text();
                change.add(
                    analysis.path(home.file),
                    [end.insert(theirs, &new.function(text, unit(&parsed, theirs), ""))],
                );
                Ok(change)
            });
        }
        offers.prefer();
    }
}

/// Whether a receiver is a class itself.
fn is_class(context: &AssistContext<'_>, receiver: &Expr) -> bool {
    let Expr::Name(name) = receiver else { return false };
    name.id.as_str() == "cls"
        || context.analysis.targets(context.file, name.range.start()).iter().any(|target| match target {
            Target::Symbol(symbol, _) => context.analysis.symbol(*symbol).kind == SymbolKind::Class,
            _ => false,
        })
}

/// Where a definition goes.
struct Destination {
    at: TextSize,
    before: bool,
}

impl Destination {
    /// Behind the definition that `range` is in, or before the statement.
    fn around(parsed: &Parsed, text: &str, range: TextRange) -> Destination {
        let outermost = steps(parsed.statements(), range).first().map(|step| step.stmt());
        match outermost {
            // What runs at once needs it before.
            Some(stmt @ Stmt::FunctionDef(it)) if span(&it.body).is_some_and(|body| body.contains_range(range)) => {
                Destination { at: whole_lines(text, stmt.range()).end(), before: false }
            }
            Some(stmt) => Destination { at: comments_above(text, stmt.start()), before: true },
            None => Destination { at: TextSize::of(text), before: false },
        }
    }

    fn insert(&self, text: &str, definition: &str) -> TextEdit {
        let newline = newline(text);
        let definition = definition.replace('\n', newline);
        if self.before {
            return TextEdit::insert(self.at, format!("{definition}{newline}{newline}"));
        }
        let before = &text[..self.at.to_usize()];
        let end = if before.is_empty() || before.ends_with(['\r', '\n']) { "" } else { newline };
        let blank = if before.trim().is_empty() { String::new() } else { newline.repeat(2) };
        TextEdit::insert(self.at, format!("{end}{blank}{definition}"))
    }
}

/// What is called and does not exist.
struct New<'a> {
    name: &'a str,
    call: &'a ExprCall,
    is_awaited: bool,
}

impl New<'_> {
    /// Parameters by the looks of the arguments.
    fn params(&self, text: &str) -> Vec<String> {
        let mut taken: FxHashSet<String> = FxHashSet::default();
        let mut params = Vec::new();
        let mut tail = Vec::new();
        for (nth, argument) in self.call.arguments.args.iter().enumerate() {
            let looks = match argument {
                Expr::Name(name) => Some(name.id.to_string()),
                Expr::Attribute(attribute) => Some(attribute.attr.to_string()),
                Expr::Starred(_) => {
                    tail.insert(0, "*args".to_owned());
                    continue;
                }
                _ => None,
            };
            let fits = |name: &String| !matches!(name.as_str(), "self" | "cls") && !name.starts_with("__");
            let name = looks.filter(fits).unwrap_or_else(|| format!("arg{}", nth + 1));
            let name = if taken.contains(&name) { format!("{name}{}", nth + 1) } else { name };
            taken.insert(name.clone());
            params.push(name);
        }
        for keyword in &self.call.arguments.keywords {
            match &keyword.arg {
                Some(name) if !taken.contains(name.as_str()) => params.push(text[name.range].to_owned()),
                Some(_) => {}
                None => tail.push("**kwargs".to_owned()),
            }
        }
        tail.dedup();
        params.extend(tail);
        params
    }

    fn function(&self, text: &str, unit: &str, receiver: &str) -> String {
        let mut params = self.params(text);
        if !receiver.is_empty() {
            params.insert(0, receiver.to_owned());
        }
        let keyword = if self.is_awaited { "async def" } else { "def" };
        format!("{keyword} {}({}):\n{unit}raise NotImplementedError\n", self.name, params.join(", "))
    }

    fn class(&self, text: &str, unit: &str) -> String {
        let params = self.params(text);
        if params.is_empty() {
            return format!("class {}:\n{unit}pass\n", self.name);
        }
        let fields: String = params
            .iter()
            .map(|param| param.trim_start_matches('*'))
            .map(|param| format!("{unit}{unit}self.{param} = {param}\n"))
            .collect();
        format!("class {}:\n{unit}def __init__(self, {}):\n{fields}", self.name, params.join(", "))
    }

    fn method_in(&self, analysis: &Analysis, file: FileId, class: SymbolId, on_class: bool) -> Result<Change, String> {
        let text = analysis.source(class.file).text();
        let parsed = parse_file(analysis, class.file);
        let name = analysis.symbol(class).name_range;
        let node = classes(parsed.statements()).into_iter().find(|class| class.name.range == name);
        let node = node.ok_or("the class is not there any longer")?;
        let own = indent_at(text, node.name.start());
        let (newline, unit) = (newline(text), unit(&parsed, text));
        let arguments = analysis.source(file).text();
        let receiver = if on_class { "cls" } else { "self" };
        let mut definition = self.function(arguments, unit, receiver);
        if on_class {
            definition.insert_str(0, "@classmethod\n");
        }
        let first = node.body.first().ok_or("the class has no body")?;
        let last = node.body.last().unwrap_or(first);
        let inner = own_line_indent(text, first.start());
        let base = inner.map_or_else(|| format!("{own}{unit}"), str::to_owned);
        let unit_here = base.strip_prefix(own).filter(|unit| !unit.is_empty()).unwrap_or(unit);
        let lines: Vec<String> = definition
            .lines()
            .map(|line| match line.strip_prefix([' ', '\t']) {
                Some(_) => format!("{base}{unit_here}{}", line.trim_start()),
                None => format!("{base}{line}"),
            })
            .collect();
        let lines = lines.join(newline);
        let is_empty = node.body.len() == 1 && syntax::ast::helpers::is_stub_body(&node.body)
            || matches!(&node.body[..], [Stmt::Pass(_)]);
        let edit = match inner {
            // `class C: ...`
            None => TextEdit::replace(TextRange::new(first.start(), last.end()), format!("{newline}{lines}")),
            Some(_) if is_empty => {
                let start = super::layout::line_start(text, first.start());
                TextEdit::replace(TextRange::new(start, last.end()), lines)
            }
            Some(_) => {
                let end = super::layout::after_comment(text, last.end());
                TextEdit::insert(end, format!("{newline}{newline}{lines}"))
            }
        };
        let mut change = Change::default();
        change.add(analysis.path(class.file), [edit]);
        Ok(change)
    }
}

/// All classes in `body`.
fn classes(body: &[Stmt]) -> Vec<&StmtClassDef> {
    struct Search<'a>(Vec<&'a StmtClassDef>);
    impl<'a> StatementVisitor<'a> for Search<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.0.extend(stmt.as_class_def_stmt());
            walk_stmt(self, stmt);
        }
    }
    let mut search = Search(Vec::new());
    walk_body(&mut search, body);
    search.0
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titled, check_titles};
    use super::*;

    #[test]
    fn functions() {
        check(
            &REWRITE,
            "async def f(net, order):\r\n  x = await add_t$0ax(net, order.rate, 3, net, *y, places=2)\r\n\r\n\r\nz = 1\r\n",
            expect![[r#"
                async def f(net, order):␍
                  x = await add_tax(net, order.rate, 3, net, *y, places=2)␍
                ␍
                ␍
                async def add_tax(net, rate, arg3, net4, places, *args):␍
                  raise NotImplementedError␍
                ␍
                ␍
                z = 1␍
            "#]],
        );
        check(
            &REWRITE,
            "x = 1\n# why\ny = g$0()\n",
            expect![[r#"
            x = 1
            def g():
                raise NotImplementedError


            # why
            y = g()
        "#]],
        );
        check_titled(
            &REWRITE,
            "",
            "#- /a.py\nx = 1\n#- /main.py\nimport a\na.f$0(1)\n",
            expect![[r#"
            x = 1


            def f(arg1):
                raise NotImplementedError
        "#]],
        );
    }

    #[test]
    fn classes_by_their_looks() {
        check(
            &REWRITE,
            "def f():\n    return Or$0der(name, 1)",
            expect![[r#"
            def f():
                return Order(name, 1)


            class Order:
                def __init__(self, name, arg2):
                    self.name = name
                    self.arg2 = arg2
        "#]],
        );
    }

    #[test]
    fn methods() {
        check(
            &REWRITE,
            "class C:\n\tdef m(self):\n\t\tself.n$0(1)  # x\n\nx = C()\n",
            expect![[r#"
                class C:
                →def m(self):
                →→self.n(1)  # x

                →def n(self, arg1):
                →→raise NotImplementedError

                x = C()
            "#]],
        );
        check(
            &REWRITE,
            "#- /a.py\nclass C: ...\n#- /main.py\nfrom a import C\nC.make$0()\n",
            expect![[r#"
            class C: 
                @classmethod
                def make(cls):
                    raise NotImplementedError
        "#]],
        );
        check(
            &REWRITE,
            "class C:\n    pass\nC().m$0()\n",
            expect![[r#"
            class C:
                def m(self):
                    raise NotImplementedError
            C().m()
        "#]],
        );
    }

    #[test]
    fn existing_or_unknown_names_are_not_created() {
        check_titles(&REWRITE, "def f(): ...\nf$0()\n", expect![""]);
        check_titles(&REWRITE, "def g(x):\n    x.f$0()\n", expect![""]);
        check_titles(&REWRITE, "print(nope$0)\n", expect![""]);
    }
}
