//! Extract function, or method where the code uses the receiver.
//!
//! ```python
//! def report(order):
//!     total = order.net()           # ← select these
//!     total += order.tax(total)     # ←
//!     print(total)
//! ```
//!
//! What the code needs becomes parameters, what is used afterwards is returned.

use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use syntax::{Ranged, TextEdit, TextRange};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::extract_variable::{is_value, value_text};
use super::layout::{self, Layout, after_comment, indent_at, line_start, newline, own_line_indent, reindent};
use super::names::Names;
use super::place::{
    Step, comments_above, expression_at, free_name, function_around, span, stands_alone, steps, trimmed, whole_lines,
    with_parentheses,
};
use super::variables::{Variables, of_statements, of_value};

pub(super) const REWRITE: Rewrite = Rewrite { id: "extract-function", tolerant: false, offer };

/// What is extracted.
enum Selected<'a> {
    Value(&'a Expr),
    Statements(&'a [Stmt]),
}

impl Selected<'_> {
    fn range(&self) -> TextRange {
        match self {
            Selected::Value(expr) => expr.range(),
            Selected::Statements(body) => span(body).unwrap_or_default(),
        }
    }
}

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    if context.range.is_empty() {
        return;
    }
    let Some(selected) = selected(context) else { return };
    let name = free_name(context.parsed, context.text, "extracted", true);
    let inner = selected.range();
    let function = function_around(context.parsed.statements(), inner);
    let method = function.and_then(|(function, class)| class.and_then(|_| receiver_used(function, &selected)));
    let what = if method.is_some() { "method" } else { "function" };
    offers.made(ActionKind::Extract, format!("Extract {what} `{name}`"), extract(context, &selected, function, &name));
}

fn selected<'a>(context: &AssistContext<'a>) -> Option<Selected<'a>> {
    let (parsed, text) = (context.parsed, context.text);
    // A whole statement is one, even if it is only an expression.
    if let Some(expr) = expression_at(parsed, text, context.range) {
        let inside = steps(parsed.statements(), expr.range());
        let is_statement = inside.last().is_some_and(|step| match step.stmt() {
            Stmt::Expr(it) => it.value.range() == expr.range(),
            _ => false,
        });
        if !is_statement {
            return is_value(context, expr).then_some(Selected::Value(expr));
        }
    }
    let range = without_comments(text, trimmed(text, context.range));
    let steps = steps(parsed.statements(), TextRange::empty(range.start()));
    let fits = |step: &&Step<'_>| step.stmt().start() == range.start();
    let step = steps.iter().find(fits)?;
    let count = step.body[step.index..].iter().position(|stmt| stmt.end() == range.end())? + 1;
    Some(Selected::Statements(&step.body[step.index..step.index + count]))
}

/// `range` without comments at its ends.
fn without_comments(text: &str, range: TextRange) -> TextRange {
    let mut range = range;
    while text[range].starts_with('#') {
        let rest = text[range].find('\n').map_or(range.len().to_usize(), |at| at + 1);
        let start = range.start() + syntax::TextSize::new(rest as u32);
        range = trimmed(text, TextRange::new(start, range.end()));
    }
    // A comment behind the last statement: the statement ends where the comment's line has its code.
    let parsed = syntax::parse(&text[range]);
    let last = parsed.statements().last().map(|stmt| range.start() + stmt.end());
    match last.filter(|_| !parsed.has_errors()) {
        Some(end) if text[TextRange::new(end, range.end())].trim_start().starts_with('#') => {
            TextRange::new(range.start(), end)
        }
        _ => range,
    }
}

/// The outermost of the classes around `function` that no other function stands between: in their bodies nobody can call a
/// function by its name alone.
fn outermost_class<'a>(around: &[Step<'a>], function: &StmtFunctionDef) -> Option<&'a StmtClassDef> {
    let at = around.iter().position(|step| step.stmt().range() == function.range())?;
    let outside = around[..at].iter().rev().map(Step::stmt).take_while(|stmt| !stmt.is_function_def_stmt());
    outside.filter_map(|stmt| stmt.as_class_def_stmt()).last()
}

/// The receiver of the method `function`, if what is selected uses it.
fn receiver_used<'a>(function: &'a StmtFunctionDef, selected: &Selected<'_>) -> Option<&'a str> {
    let is_static = function
        .decorator_list
        .iter()
        .any(|decorator| matches!(&decorator.expression, Expr::Name(name) if name.id.as_str() == "staticmethod"));
    let first = function.parameters.posonlyargs.first().or_else(|| function.parameters.args.first());
    let receiver = first.filter(|_| !is_static)?.parameter.name.as_str();
    let names = match selected {
        Selected::Value(expr) => Names::of_expr(expr),
        Selected::Statements(body) => Names::of(body),
    };
    let used = names.events.iter().any(|event| event.name == receiver);
    (used || uses_super(selected)).then_some(receiver)
}

fn uses_super(selected: &Selected<'_>) -> bool {
    let mut look = Look::default();
    look.all(selected);
    look.is_super
}

/// What makes code depend on the function that it stands in.
#[derive(Default)]
struct Look {
    is_super: bool,
    yields: bool,
    awaits: bool,
    /// Reads its own scope: `locals()`.
    reflects: bool,
    declares: bool,
    is_star: bool,
    is_private: bool,
    depth: usize,
}

impl Look {
    /// Why it cannot be a function of its own, or a method if that is what it becomes; `in_class` is where it stands.
    fn refusal(&self, is_method: bool, in_class: bool) -> Option<&'static str> {
        match () {
            () if self.yields => Some("it contains `yield`"),
            () if self.declares => Some("it declares `global` or `nonlocal` names"),
            () if self.reflects => Some("it may look at the names around it"),
            () if self.is_star => Some("it contains `import *`"),
            () if self.is_super && !is_method => Some("it uses `super()`"),
            () if self.is_private && !is_method && in_class => Some("it uses a private name of the class"),
            () => None,
        }
    }

    fn all(&mut self, selected: &Selected<'_>) {
        match selected {
            Selected::Value(expr) => self.visit_expr(expr),
            Selected::Statements(body) => self.visit_body(body),
        }
    }
}

impl<'a> Visitor<'a> for Look {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let own = self.depth == 0;
        match stmt {
            Stmt::Global(_) | Stmt::Nonlocal(_) if own => self.declares = true,
            Stmt::ImportFrom(it) => self.is_star |= it.names.iter().any(|alias| alias.name.as_str() == "*"),
            Stmt::For(it) if own => self.awaits |= it.is_async,
            Stmt::With(it) if own => self.awaits |= it.is_async,
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {
                self.depth += 1;
                walk_stmt(self, stmt);
                self.depth -= 1;
                return;
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_comprehension(&mut self, comprehension: &'a syntax::ast::Comprehension) {
        self.awaits |= comprehension.is_async && self.depth == 0;
        syntax::ast::visitor::walk_comprehension(self, comprehension);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let is_private = |name: &str| name.starts_with("__") && !name.ends_with("__");
        match expr {
            Expr::Yield(_) | Expr::YieldFrom(_) => self.yields |= self.depth == 0,
            Expr::Await(_) => self.awaits |= self.depth == 0,
            Expr::Name(name) => {
                self.is_super |= matches!(name.id.as_str(), "super" | "__class__");
                self.reflects |= matches!(name.id.as_str(), "locals" | "eval" | "exec" | "vars" | "dir");
                self.is_private |= is_private(&name.id);
            }
            Expr::Attribute(it) => self.is_private |= is_private(&it.attr),
            Expr::Lambda(_) => {
                self.depth += 1;
                walk_expr(self, expr);
                self.depth -= 1;
                return;
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

/// The function around what is selected, and the class around that.
type Around<'a> = Option<(&'a StmtFunctionDef, Option<&'a Stmt>)>;

fn extract(context: &AssistContext<'_>, selected: &Selected<'_>, function: Around<'_>, name: &str) -> Outcome {
    let (parsed, text) = (context.parsed, context.text);
    let range = selected.range();
    let around = match selected {
        Selected::Value(_) => steps(parsed.statements(), range),
        // Several statements are in no statement together.
        Selected::Statements(_) => steps(parsed.statements(), TextRange::empty(range.start())),
    };
    let outermost = around.last().ok_or("there is no statement around it")?;
    if function.is_none() && around.iter().any(|step| step.stmt().is_class_def_stmt() && step.stmt().range() != range) {
        return Err("the body of a class has names of its own".to_owned());
    }
    let mut look = Look::default();
    look.all(selected);
    let receiver = function.and_then(|(function, class)| class.and_then(|_| receiver_used(function, selected)));
    if let Some(reason) = look.refusal(receiver.is_some(), function.is_some_and(|(_, class)| class.is_some())) {
        return Err(reason.to_owned());
    }
    let flow = match selected {
        Selected::Value(expr) => of_value(context, expr, function.map(|it| it.0))?,
        Selected::Statements(body) => of_statements(context, body, function.map(|it| it.0), &around)?,
    };
    let home = Home::of(context, range, &around, function, receiver.is_some());
    let shares_line = function.is_some() && !stands_alone(text, home.anchor)
        || own_line_indent(text, outermost.stmt().start()).is_none()
        || matches!(selected, Selected::Statements(_)) && !stands_alone(text, range);
    if shares_line {
        return Err("it shares its line with other code".to_owned());
    }
    let params: Vec<&str> = flow.inputs.iter().copied().filter(|param| Some(*param) != receiver).collect();
    let owner = receiver.map_or_else(String::new, |receiver| format!("{receiver}."));
    let awaits = if look.awaits { "await " } else { "" };
    let call = format!("{awaits}{owner}{name}({})", params.join(", "));
    let layout = home.layout(context, function);
    let (replaced, body) = match selected {
        Selected::Value(expr) => replaced_value(context, expr, &call, &look, &layout),
        Selected::Statements(body) => replaced_statements(context, body, &call, &flow, &layout),
    };
    let is_classmethod = function.is_some_and(|(at, _)| {
        let mut decorators = at.decorator_list.iter();
        decorators.any(|it| matches!(&it.expression, Expr::Name(name) if name.id.as_str() == "classmethod"))
    });
    let (newline, base) = (layout.newline, &home.base);
    let decorator = match receiver {
        Some(_) if is_classmethod => format!("{base}@classmethod{newline}"),
        _ => String::new(),
    };
    let keyword = if look.awaits { "async def" } else { "def" };
    let params = receiver.into_iter().chain(params).collect::<Vec<_>>().join(", ");
    let definition = format!("{decorator}{base}{keyword} {name}({params}):{newline}{body}{newline}");
    let inserted = home.insert(text, &definition, newline);
    // Insertions come before what is replaced at the same place.
    let edits = if home.is_before { [inserted, replaced] } else { [replaced, inserted] };
    Ok(context.change(edits))
}

/// Where the new function goes: behind the one it was part of, or the class if nobody could call it in there; at the
/// module's level before the statement.
struct Home {
    /// What it goes behind or before.
    anchor: TextRange,
    /// The indentation of its `def`.
    base: String,
    is_before: bool,
}

impl Home {
    fn of(
        context: &AssistContext<'_>,
        selected: TextRange,
        around: &[Step<'_>],
        function: Around<'_>,
        is_method: bool,
    ) -> Self {
        let indent = |name: &syntax::ast::Identifier| indent_at(context.text, name.start()).to_owned();
        let Some((at, in_class)) = function else {
            let anchor = around.first().map_or(selected, |first| first.stmt().range());
            return Home { anchor, base: String::new(), is_before: true };
        };
        // Decorators may call what they are given at once: then it has to be there before them.
        match if is_method { None } else { outermost_class(around, at) } {
            Some(class) => {
                let is_before = !class.decorator_list.is_empty();
                Home { anchor: class.range(), base: indent(&class.name), is_before }
            }
            None => {
                let is_before = !at.decorator_list.is_empty() && in_class.is_none();
                Home { anchor: at.range(), base: indent(&at.name), is_before }
            }
        }
    }

    /// How its body is laid out.
    fn layout(&self, context: &AssistContext<'_>, function: Around<'_>) -> Layout {
        let (parsed, text) = (context.parsed, context.text);
        let unit = function.and_then(|(at, _)| {
            let inside = Layout::of(at, parsed, text).base;
            let unit = inside.strip_prefix(indent_at(text, at.name.start()))?;
            (!unit.is_empty()).then(|| unit.to_owned())
        });
        let unit = unit.unwrap_or_else(|| layout::unit(parsed, text).to_owned());
        Layout { base: format!("{}{unit}", self.base), unit, newline: newline(text) }
    }

    fn insert(&self, text: &str, definition: &str, newline: &str) -> TextEdit {
        let gap = newline.repeat(if self.base.is_empty() { 2 } else { 1 });
        if self.is_before {
            return TextEdit::insert(comments_above(text, self.anchor.start()), format!("{definition}{gap}"));
        }
        let end = whole_lines(text, self.anchor).end();
        let ended = text[..end.to_usize()].ends_with(['\r', '\n']);
        let start = if ended { gap } else { format!("{newline}{gap}") };
        TextEdit::insert(end, format!("{start}{definition}"))
    }
}

/// What stands in place of the expression, and the new function's body.
fn replaced_value(
    context: &AssistContext<'_>,
    expr: &Expr,
    call: &str,
    look: &Look,
    layout: &Layout,
) -> (TextEdit, String) {
    let bare = matches!(expr, Expr::Generator(it) if !it.parenthesized);
    let replaced = if bare { expr.range() } else { with_parentheses(context.parsed, expr) };
    let call = if look.awaits { format!("({call})") } else { call.to_owned() };
    (TextEdit::replace(replaced, call), format!("{}return {}", layout.base, value_text(context.text, expr)))
}

/// What stands in place of the statements, and the new function's body.
fn replaced_statements(
    context: &AssistContext<'_>,
    body: &[Stmt],
    call: &str,
    flow: &Variables<'_>,
    layout: &Layout,
) -> (TextEdit, String) {
    let text = context.text;
    let range = span(body).unwrap_or_default();
    let lines = TextRange::new(line_start(text, range.start()), after_comment(text, range.end()));
    let outputs = flow.outputs.join(", ");
    let mut moved = reindent(text, context.parsed.tokens(), lines, layout);
    let statement = if flow.returns {
        format!("return {call}")
    } else if flow.outputs.is_empty() {
        call.to_owned()
    } else {
        moved.push_str(&format!("{}{}return {outputs}", layout.newline, layout.base));
        format!("{outputs} = {call}")
    };
    let indent = indent_at(text, range.start());
    (TextEdit::replace(lines, format!("{indent}{statement}")), moved)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn extracted_function_takes_inputs_and_returns_outputs() {
        check(
            &REWRITE,
            "def report(order, rate):\n    $1total = order.net()\n    # with tax\n    total += order.tax(total) * rate$1  # all\n    print(total)\n\n\nx = 1\n",
            expect![[r#"
                def report(order, rate):
                    total = extracted(order, rate)
                    print(total)


                def extracted(order, rate):
                    total = order.net()
                    # with tax
                    total += order.tax(total) * rate  # all
                    return total


                x = 1
            "#]],
        );
        check(
            &REWRITE,
            "def f(a):\r\n\tb = c = 0\r\n\tfor x in a:\r\n\t\t$1b += x\r\n\t\tc = \"\"\"\r\n\t\t\"\"\"$1\r\n\treturn b, c\r\n",
            expect![[r#"
                def f(a):␍
                →b = c = 0␍
                →for x in a:␍
                →→b, c = extracted(b, x)␍
                →return b, c␍
                ␍
                ␍
                def extracted(b, x):␍
                →b += x␍
                →c = """␍
                →→"""␍
                →return b, c␍
            "#]],
        );
    }

    #[test]
    fn methods_and_values() {
        check(
            &REWRITE,
            "class Cart:\n    def total(self, rate):\n        return sum($1item.net * rate * self.x$1 for item in self.items)\n\n    def other(self): ...\n",
            expect![[r#"
                class Cart:
                    def total(self, rate):
                        return sum(self.extracted(item, rate) for item in self.items)

                    def extracted(self, item, rate):
                        return item.net * rate * self.x

                    def other(self): ...
            "#]],
        );
        check(
            &REWRITE,
            "class Cart:\n    @classmethod\n    def make(cls, a):\n        $1cls.x = a$1\n",
            expect![[r#"
                class Cart:
                    @classmethod
                    def make(cls, a):
                        cls.extracted(a)

                    @classmethod
                    def extracted(cls, a):
                        cls.x = a
            "#]],
        );
        // Without the receiver it is no method, and a class is no place for a function.
        check(
            &REWRITE,
            "class Cart:\n    class Item:\n        def net(self, rate):\n            return $1rate * 2$1\n\n    x = 1\n",
            expect![[r#"
                class Cart:
                    class Item:
                        def net(self, rate):
                            return extracted(rate)

                    x = 1


                def extracted(rate):
                    return rate * 2
            "#]],
        );
        check(
            &REWRITE,
            "x = 2\ny = $1x * 2$1 + 1\n",
            expect![[r#"
            x = 2
            def extracted():
                return x * 2


            y = extracted() + 1
        "#]],
        );
    }

    #[test]
    fn returning_and_awaiting() {
        check(
            &REWRITE,
            "async def f(a):\n    if a:\n        $1b = await a.get()\n        if b:\n            return b\n        raise E$1\n    return 1\n",
            expect![[r#"
                async def f(a):
                    if a:
                        return await extracted(a)
                    return 1


                async def extracted(a):
                    b = await a.get()
                    if b:
                        return b
                    raise E
            "#]],
        );
    }

    #[test]
    fn statements_at_module_level_are_extracted() {
        check(
            &REWRITE,
            "import os\na = 1\n$1b = a + 1\nprint(b)$1\nprint(b)\n",
            expect![[r#"
                import os
                a = 1
                def extracted():
                    b = a + 1
                    print(b)
                    return b


                b = extracted()
                print(b)
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_expressed_is_refused() {
        for (text, reason) in [
            (
                "def f(a):\n    for x in a:\n        $1if x:\n            break$1\n",
                "`break` or `continue` would leave it",
            ),
            (
                "def f(a):\n    $1if a:\n        return 1$1\n    return 2\n",
                "it returns on some ways and goes on on others",
            ),
            ("def f(a):\n    $1yield a$1\n    return\n", "it contains `yield`"),
            ("def f(a):\n    $1x = a\n    print(locals())$1\n", "it may look at the names around it"),
            ("def f(a):\n    global x\n    $1x = a$1\n", "it binds `x`, which is `global` or `nonlocal`"),
            ("def f(a):\n    $1if a:\n        x = 1$1\n    print(x)\n", "`x` may be left unbound"),
            ("def f(a):\n    if a:\n        x = 1\n    $1print(x)$1\n", "`x` may be unbound before it"),
            (
                "def f(a):\n    b = 1\n    g = lambda: b\n    $1b = a$1\n    return g\n",
                "a nested function shares `b` with the code around it",
            ),
            ("class C:\n    $1x = 1\n    y = 2$1\n", "the body of a class has names of its own"),
            (
                "class C:\n    @staticmethod\n    def f(a):\n        $1print(a.__x)$1\n",
                "it uses a private name of the class",
            ),
            ("def f(a):\n    if a: $1print(a)$1\n", "it shares its line with other code"),
        ] {
            assert_eq!(refusal(&REWRITE, text).as_deref(), Some(reason), "{text}");
        }
        check_titles(&REWRITE, "def f():\n    $1a = 1\n    if a:\n        b = 2$1\n        c = 3\n", expect![""]);
    }

    #[test]
    fn a_break_in_its_own_loop_is_fine() {
        check(
            &REWRITE,
            "def f(a):\n    $1for x in a:\n        if x:\n            break$1\n",
            expect![[r#"
                def f(a):
                    extracted(a)


                def extracted(a):
                    for x in a:
                        if x:
                            break
            "#]],
        );
    }
}
