//! What the name under the cursor is, who uses it, and what a change of it would touch.

pub mod page;
mod symbol;

pub(crate) use symbol::{code, first_paragraph, kind};

use graph::{Analysis, FileId, Param, ParamKind, Symbol, SymbolKind, Target};
use syntax::{Ranged, TextRange, TextSize};

use crate::Project;
use crate::definition::confidence;
use crate::tree::with_tree;
use crate::wording::{count, place, uri};
use page::{Line, Page};

/// How many places of a list are shown.
const SHOWN: usize = 5;

/// Longer lines of code are cut.
const MAX_COLUMNS: usize = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// The name that was asked about.
    pub range: TextRange,
    pub markdown: String,
    /// The same without Markdown, for clients that show text as it is.
    pub plain: String,
}

/// What is known about the name at `offset`. The work is bounded, however much depends on the name; a number that had to be
/// cut says "at least".
pub fn hover(analysis: &Analysis, project: &Project, file: FileId, offset: TextSize) -> Option<Hover> {
    let range = analysis.name_at(file, offset)?;
    let mut targets = analysis.targets(file, offset);
    targets.sort_by_key(confidence);
    let mut page = Page::default();
    let Some(first) = targets.first() else {
        // Such as a method of a list.
        let is_known = crate::libraries::describe(analysis, project, (file, offset), &mut page);
        let (markdown, plain) = page.into_texts();
        return is_known.then_some(Hover { range, markdown, plain });
    };
    match first {
        Target::Symbol(symbol, _) => symbol::describe(analysis, (file, offset), *symbol, &mut page),
        Target::Local { file, range, parameter } => local(analysis, *file, *range, *parameter, &mut page),
        Target::External(name) => external(analysis, project, (file, offset), name, &mut page),
    }
    alternatives(analysis, &targets, &mut page);
    let (markdown, plain) = page.into_texts();
    Some(Hover { range, markdown, plain })
}

/// What else the name may mean, which depends on values that only a run would show.
fn alternatives(analysis: &Analysis, targets: &[Target], page: &mut Page) {
    let others: Vec<_> = targets[1..]
        .iter()
        .filter_map(|target| match target {
            Target::Symbol(symbol, _) => Some(*symbol),
            _ => None,
        })
        .collect();
    if others.is_empty() {
        return;
    }
    let mut line = Line::default().text("may also be ");
    for (index, &other) in others.iter().take(SHOWN).enumerate() {
        line = symbol::link(line.separated(index == 0), analysis, other);
    }
    if others.len() > SHOWN {
        line = line.text(&format!(" and {} more", others.len() - SHOWN));
    }
    page.item(&line);
}

fn local(analysis: &Analysis, file: FileId, binding: TextRange, is_parameter: bool, page: &mut Page) {
    let source = analysis.source(file);
    let function = analysis.symbol(analysis.enclosing(file, binding.start()));
    match function.params.iter().find(|param| param.range == binding) {
        Some(param) => page.code(&parameter(analysis, &function, param)),
        None => {
            let lines = source.lines();
            page.code(&first_line(source.slice(lines.line_range(lines.line(binding.start()), source.text()))));
        }
    }
    let mut line = Line::default().text(if is_parameter { "parameter" } else { "local variable" });
    if function.kind != SymbolKind::Module {
        line = line.text(" of ").code(&function.local_name());
    }
    let start = binding.start();
    page.paragraph(&line.text(", ").link(&place(analysis, file, start), &uri(analysis, file, start)));
    symbol::types(analysis, file, start, page);
}

/// As it is written in the header, with annotation and default.
fn parameter(analysis: &Analysis, function: &Symbol<'_>, param: &Param) -> String {
    let stars = match param.kind {
        ParamKind::VarArgs => "*",
        ParamKind::KwArgs => "**",
        _ => "",
    };
    let header = format!("{} pass", analysis.source(function.id.file).slice(function.header));
    let written = with_tree(&header, |parsed| {
        let function = parsed.statements().first()?.as_function_def_stmt()?;
        let written = function.parameters.iter().find(|written| *written.name() == *param.name)?;
        Some(header[written.range()].trim_start_matches('*'))
    });
    format!("{stars}{}", written.flatten().unwrap_or(param.name.as_str()))
}

fn external(analysis: &Analysis, project: &Project, (file, offset): (FileId, TextSize), name: &str, page: &mut Page) {
    if !crate::libraries::describe(analysis, project, (file, offset), page) {
        page.code(name);
        page.paragraph(&Line::default().text("outside the workspace"));
    }
    let source = analysis.source(file);
    let symbols = analysis.symbols(file).into_iter();
    let calls = symbols.flat_map(|symbol| analysis.external_calls(symbol)).filter(|(_, called)| called == name);
    let mut lines: Vec<u32> = calls.map(|(range, _)| source.line_number(range.start())).collect();
    if lines.is_empty() {
        return;
    }
    let places = count(lines.len(), "place");
    lines.sort_unstable();
    lines.dedup();
    let shown: Vec<String> = lines.iter().take(SHOWN).map(u32::to_string).collect();
    let (word, more) = (if lines.len() == 1 { "line" } else { "lines" }, if lines.len() > SHOWN { ", …" } else { "" });
    page.item(&Line::default().text(&format!("called at {places} in this file: {word} {}{more}", shown.join(", "))));
}

/// The first line of some code, cut where it is too long to read.
fn first_line(code: &str) -> String {
    let line = code.trim_start().lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(MAX_COLUMNS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn hover_in(workspace: &Workspace) -> Option<Hover> {
        let (file, offset) = workspace.cursor();
        hover(&workspace.analysis, &Project::default(), file, offset)
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&hover_in(&Workspace::new(text)).map(|hover| hover.markdown).unwrap_or_default());
    }

    fn check_plain(text: &str, expected: Expect) {
        expected.assert_eq(&hover_in(&Workspace::new(text)).map(|hover| hover.plain).unwrap_or_default());
    }

    const CART: &str = "\
#- /shop/__init__.py
#- /shop/money.py
def total$0(parts: list[int], *, start=0) -> int:
    '''Add up *parts*,
    from start.

    >>> total([1])
    '''
    return sum(parts, start)
#- /shop/cart.py
from shop.money import total
class Cart:
    def subtotal(self): return total([])
    def with_tax(self, rates): return self.subtotal() + rates.of(self)
#- /shop/cli.py
from shop.cart import Cart
def main(): print(Cart().with_tax(None))
main()
#- /tests/test_cart.py
from shop.cart import Cart
from shop.money import total
class TestCart:
    def test_subtotal(self): assert Cart().subtotal() == 0
def test_total(): assert total([1]) == 1
";

    #[test]
    fn hover_of_a_function() {
        check(
            CART,
            expect![[r#"
                ```python
                def total(parts: list[int], *, start=0) -> int
                ```

                function of `shop.money`, [shop/money.py:1](file:///shop/money.py#L1)

                Add up *parts*, from start.

                - 2 callers
                  - [`Cart.subtotal`](file:///shop/cart.py#L3) [shop/cart.py:3](file:///shop/cart.py#L3)
                  - [`test_total`](file:///tests/test_cart.py#L5) [tests/test_cart.py:5](file:///tests/test_cart.py#L5)
                - changing this touches 3 functions in 2 modules; 2 tests reach it
                  - [`test_total`](file:///tests/test_cart.py#L5) [tests/test_cart.py:5](file:///tests/test_cart.py#L5)
                  - [`TestCart.test_subtotal`](file:///tests/test_cart.py#L4) [tests/test_cart.py:4](file:///tests/test_cart.py#L4)
                - calls 1 function outside the workspace
            "#]],
        );
    }

    #[test]
    fn hover_without_markdown() {
        check_plain(
            CART,
            expect![[r#"
                def total(parts: list[int], *, start=0) -> int

                function of shop.money, shop/money.py:1

                Add up *parts*, from start.

                - 2 callers
                  - Cart.subtotal shop/cart.py:3
                  - test_total tests/test_cart.py:5
                - changing this touches 3 functions in 2 modules; 2 tests reach it
                  - test_total tests/test_cart.py:5
                  - TestCart.test_subtotal tests/test_cart.py:4
                - calls 1 function outside the workspace
            "#]],
        );
    }

    #[test]
    fn calls_that_are_not_resolved_are_said() {
        check(
            &CART.replace("$0", "").replace("def with_tax", "def with_tax$0"),
            expect![[r#"
                ```python
                def with_tax(self, rates)
                ```

                method of `Cart`, [shop/cart.py:4](file:///shop/cart.py#L4)

                - 1 caller
                  - [`main`](file:///shop/cli.py#L2) [shop/cli.py:2](file:///shop/cli.py#L2)
                - changing this touches 1 function in 1 module; no test reaches it
                - calls [`Cart.subtotal`](file:///shop/cart.py#L3)
                - 1 of 2 calls inside is not resolved: `rates.of` in [line 4](file:///shop/cart.py#L4) (the receiver's type is not known)
            "#]],
        );
    }

    #[test]
    fn hover_of_a_class() {
        let text = "\
class Base:
    def price(self): pass
class Cart$0(Base):
    '''Products.'''
    def __init__(self, owner: str): pass
    def price(self): pass
class Big(Cart): pass
def make(): return Cart('me')
";
        check(
            text,
            expect![[r#"
            ```python
            class Cart(Base):
                def __init__(self, owner: str)
            ```

            class of `main`, [main.py:3](file:///main.py#L3)

            Products.

            - inherits [`Base`](file:///main.py#L1)
            - inherited by [`Big`](file:///main.py#L7)
            - 1 caller
              - [`make`](file:///main.py#L8) [main.py:8](file:///main.py#L8)
            - changing this touches 1 function in 1 module; no test reaches it
        "#]],
        );
    }

    #[test]
    fn an_overridden_method() {
        let text = "\
class Base:
    def price(self): pass
class Cart(Base):
    @property
    def price$0(self): pass
class Big(Cart):
    def price(self): pass
";
        check(
            text,
            expect![[r#"
                ```python
                def price(self)
                ```

                property of `Cart`, [main.py:5](file:///main.py#L5)

                - overrides [`Base.price`](file:///main.py#L2)
                - overridden by [`Big.price`](file:///main.py#L7)
                - no use found
                - no test reaches it
            "#]],
        );
    }

    #[test]
    fn hover_of_a_module() {
        check(
            &format!("{}#- /x.py\nimport shop.mon$0ey\n", CART.replace("$0", "")),
            expect![[r#"
            ```python
            import shop.money
            ```

            module, [shop/money.py:1](file:///shop/money.py#L1)

            - imported by 3 modules
              - [`x`](file:///x.py#L1)
              - [`shop.cart`](file:///shop/cart.py#L1)
              - [`tests.test_cart`](file:///tests/test_cart.py#L1)
            - changing this touches 3 functions in 2 modules; 2 tests reach it
              - [`test_total`](file:///tests/test_cart.py#L5) [tests/test_cart.py:5](file:///tests/test_cart.py#L5)
              - [`TestCart.test_subtotal`](file:///tests/test_cart.py#L4) [tests/test_cart.py:4](file:///tests/test_cart.py#L4)
        "#]],
        );
    }

    #[test]
    fn locals_and_parameters() {
        check(
            "def f(size: int = 1, *rest: str):\n    return si$0ze\n",
            expect![[r#"
                ```python
                size: int = 1
                ```

                parameter of `f`, [main.py:1](file:///main.py#L1)
            "#]],
        );
        check(
            "class A: pass\ndef f():\n    made = A()\n    return mad$0e\n",
            expect![[r#"
                ```python
                made = A()
                ```

                local variable of `f`, [main.py:3](file:///main.py#L3)

                - of type [`A`](file:///main.py#L1)
            "#]],
        );
    }

    #[test]
    fn variables_and_attributes() {
        check(
            "LIMIT$0 = 3\ndef f(): return LIMIT\n",
            expect![[r#"
                ```python
                LIMIT = 3
                ```

                variable of `main`, [main.py:1](file:///main.py#L1)

                - read at 1 place
                  - [`f`](file:///main.py#L2) [main.py:2](file:///main.py#L2)
                - changing this touches 1 function in 1 module; no test reaches it
            "#]],
        );
        check(
            "class A:\n    def __init__(self):\n        self.size = 0\n    def f(self): self.siz$0e += 1\n",
            expect![[r#"
                ```python
                self.size = 0
                ```

                attribute of `A`, [main.py:3](file:///main.py#L3)

                - read at no places, written again at 1 place
                  - [`A.f`](file:///main.py#L4) [main.py:4](file:///main.py#L4)
                - changing this touches 1 function in 1 module; no test reaches it
            "#]],
        );
    }

    #[test]
    fn what_lies_outside_the_workspace() {
        check(
            "import os.path\nos.path.joi$0n('a')\nos.path.join('b')\n",
            expect![[r#"
                ```python
                os.path.join
                ```

                outside the workspace

                - called at 2 places in this file: lines 2, 3
            "#]],
        );
    }

    #[test]
    fn several_possible_targets() {
        let text = "\
class A:
    def run(self): pass
class B:
    def run(self): pass
def f(flag):
    x = A() if flag else B()
    x.ru$0n()
";
        check(
            text,
            expect![[r#"
            ```python
            def run(self)
            ```

            method of `A`, [main.py:2](file:///main.py#L2)

            - 1 caller
              - [`f`](file:///main.py#L5) [main.py:7](file:///main.py#L7) (possible)
            - changing this touches 1 function in 1 module; no test reaches it
            - may also be [`B.run`](file:///main.py#L4)
        "#]],
        );
    }

    #[test]
    fn no_hover_where_there_is_no_name() {
        check("x = 1 $0+ 2\n", expect![[""]]);
    }

    #[test]
    fn a_long_walk_is_cut_and_says_so() {
        let mut text = String::from("#- /a.py\ndef f0$0(): pass\n");
        for n in 1..3000 {
            text.push_str(&format!("def f{n}(): f{}()\n", n - 1));
        }
        let workspace = Workspace::new(&text);
        let plain = hover_in(&workspace).map(|hover| hover.plain).unwrap_or_default();
        assert!(plain.contains("at least 2000 functions"), "{plain}");
    }
}
