//! Arguments of calls, and what a change of the callee's parameters makes of them.

use graph::ParamKind;
use syntax::ast::token::TokenKind;
use syntax::ast::{Expr, ExprCall};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::layout::{indent_at, newline};
use super::place::acts;
use super::signature::{Parameter, Signature};

/// A call that cannot be rewritten, and why.
pub(super) type Incompatible = String;

/// A change of a function's parameters, for one way to call it.
pub(super) struct SignatureChange<'a> {
    pub old: &'a Signature,
    pub new: &'a Signature,
    /// How many of the first parameters are not written in the call.
    pub bound: usize,
    /// What to pass for a parameter that callers have to give now.
    pub value: &'a dyn Fn(&Parameter) -> String,
}

/// An argument of the call as it is.
struct Given<'a> {
    /// The parameter before.
    param: Option<usize>,
    keyword: Option<&'a str>,
    value: &'a Expr,
    text: &'a str,
}

/// An argument of the call as it will be.
struct Part {
    /// Which of the given arguments it is; `None` for one that was not given before.
    from: Option<usize>,
    text: String,
}

/// The arguments of the call as it will be.
#[derive(Default)]
struct Arranged {
    by_place: Vec<Part>,
    by_name: Vec<Part>,
    /// A parameter is left out, so that those after it can only be given by name.
    gap: bool,
}

impl SignatureChange<'_> {
    /// What the arguments of `call` become; `None` if they stay.
    ///
    /// # Errors
    /// When the call cannot be rewritten so that it means the same.
    pub fn rewrite_call(
        &self,
        call: &ExprCall,
        parsed: &Parsed,
        text: &str,
    ) -> Result<Option<Vec<TextEdit>>, Incompatible> {
        let unpacks_list = call.arguments.args.iter().any(|arg| arg.is_starred_expr());
        let unpacks_dict = call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
        if (unpacks_list || unpacks_dict) && !self.allows_unpacking(unpacks_list, unpacks_dict) {
            return Err("it unpacks arguments".to_owned());
        }
        let given = self.given(call, parsed, text);
        let mut arranged = Arranged::default();
        self.arrange_positional(&given, unpacks_list, &mut arranged)?;
        self.arrange_extra(&given, unpacks_list, &mut arranged)?;
        self.arrange_named(&given, &mut arranged)?;
        let Arranged { by_place, mut by_name, .. } = arranged;
        // Those that were given by name keep their order; new ones follow.
        by_name.sort_by_key(|part| (part.from.is_none(), part.from));
        let parts: Vec<Part> = by_place.into_iter().chain(by_name).collect();
        keeps_evaluation(&given, &parts)?;
        let mut parts: Vec<String> = parts.into_iter().map(|part| part.text).collect();
        // `f(x for x in y)` shares its parentheses with its only argument.
        if parts.len() > 1
            && let [Expr::Generator(it)] = &*call.arguments.args
            && !it.parenthesized
        {
            parts[0] = format!("({})", parts[0]);
        }
        let edits = rewrite(text, parsed, call.arguments.range, &parts);
        Ok((!edits.is_empty()).then_some(edits))
    }

    /// Whether what is unpacked reaches the same parameters as before.
    fn allows_unpacking(&self, unpacks_list: bool, unpacks_dict: bool) -> bool {
        let places = |signature: &Signature| {
            let given = signature.params.iter().filter(|param| param.is_positional());
            given.map(|param| param.origin).collect::<Vec<_>>()
        };
        let (before, after) = (places(self.old), places(self.new));
        let kept = after.len() >= before.len() && after[..before.len()] == before[..];
        let names =
            |signature: &Signature| signature.params.iter().map(|it| (it.origin, it.name.clone())).collect::<Vec<_>>();
        let same_names = names(self.old).iter().all(|old| names(self.new).contains(old));
        // What is unpacked fills nothing that was not there before, unless the rest was collected.
        let collects = |kind| self.old.params.iter().any(|param| param.kind == kind);
        let required = self.new.params.iter().any(|param| param.origin.is_none() && param.value.is_some())
            && (unpacks_list && collects(ParamKind::VarArgs) || unpacks_dict && collects(ParamKind::KwArgs));
        kept && !required && (same_names || !unpacks_dict)
    }

    /// The arguments of `call` with the parameters that they are for.
    fn given<'c>(&self, call: &'c ExprCall, parsed: &Parsed, text: &'c str) -> Vec<Given<'c>> {
        let params = self.old.params.iter().enumerate();
        let places: Vec<usize> =
            params.filter(|(_, param)| param.is_positional()).map(|(at, _)| at).skip(self.bound).collect();
        let mut given = Vec::new();
        let mut unpacked = false;
        for (nth, arg) in call.arguments.args.iter().enumerate() {
            unpacked |= arg.is_starred_expr();
            let param = places.get(nth).copied().filter(|_| !unpacked);
            given.push(Given { param, keyword: None, value: arg, text: &text[argument_range(parsed, call, arg)] });
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map(|name| name.as_str());
            let by_name = |param: &Parameter| {
                let kinds = [ParamKind::PositionalOnly, ParamKind::VarArgs, ParamKind::KwArgs];
                Some(param.name.as_str()) == name && !kinds.contains(&param.kind)
            };
            let param = self.old.params.iter().position(by_name);
            let range = argument_range(parsed, call, &keyword.value);
            given.push(Given { param, keyword: Some(name.unwrap_or("**")), value: &keyword.value, text: &text[range] });
        }
        given
    }

    /// By position as long as no parameter is left out, and then by name.
    fn arrange_positional(
        &self,
        given: &[Given<'_>],
        unpacks_list: bool,
        arranged: &mut Arranged,
    ) -> Result<(), Incompatible> {
        for param in self.new.params.iter().filter(|param| param.is_positional()).skip(self.bound) {
            match given_for(given, param) {
                Some(at) if given[at].keyword.is_none() && !arranged.gap => {
                    arranged.by_place.push(Part { from: Some(at), text: given[at].text.to_owned() });
                }
                Some(_) if param.kind == ParamKind::PositionalOnly => {
                    return Err(format!("`{}` can only be given by position", param.name));
                }
                Some(at) => {
                    arranged.by_name.push(named(param, Some(at), given[at].text));
                    arranged.gap = true;
                }
                None if has_to_be_given(self.old, param) => {
                    let text = self.to_give(param);
                    if arranged.gap || unpacks_list {
                        arranged.by_name.push(named(param, None, &text));
                        arranged.gap = true;
                    } else {
                        arranged.by_place.push(Part { from: None, text });
                    }
                }
                None => arranged.gap = true,
            }
        }
        Ok(())
    }

    /// What `*args` takes.
    fn arrange_extra(
        &self,
        given: &[Given<'_>],
        unpacks_list: bool,
        arranged: &mut Arranged,
    ) -> Result<(), Incompatible> {
        let extra = given.iter().enumerate().filter(|(_, given)| given.param.is_none() && given.keyword.is_none());
        let extra: Vec<Part> = extra.map(|(at, given)| Part { from: Some(at), text: given.text.to_owned() }).collect();
        // All parameters before `*` have to be given, or the rest would fill them.
        let fits = !arranged.gap && self.new.params.iter().any(|param| param.kind == ParamKind::VarArgs);
        if !extra.is_empty() && !fits && !unpacks_list {
            return Err("it gives more arguments than have a name".to_owned());
        }
        arranged.by_place.extend(extra);
        Ok(())
    }

    /// What can only be given by name, and what `**kwargs` takes.
    fn arrange_named(&self, given: &[Given<'_>], arranged: &mut Arranged) -> Result<(), Incompatible> {
        for param in self.new.params.iter().filter(|param| param.kind == ParamKind::KeywordOnly) {
            match given_for(given, param) {
                Some(at) => arranged.by_name.push(named(param, Some(at), given[at].text)),
                None if has_to_be_given(self.old, param) => {
                    arranged.by_name.push(named(param, None, &self.to_give(param)));
                }
                None => {}
            }
        }
        for (at, given) in given.iter().enumerate().filter(|(_, given)| given.param.is_none()) {
            let text = match given.keyword {
                Some("**") => format!("**{}", given.text),
                Some(name) if self.new.params.iter().any(|param| param.name == name) => {
                    return Err(format!("it already gives `{name}` to `**`"));
                }
                Some(name) => format!("{name}={}", given.text),
                None => continue,
            };
            arranged.by_name.push(Part { from: Some(at), text });
        }
        Ok(())
    }

    /// What a call gives that did not before: the default that there was, if it is the same everywhere.
    fn to_give(&self, param: &Parameter) -> String {
        let before = param.origin.and_then(|at| self.old.params.get(at)).and_then(|it| it.rest.rsplit_once('='));
        let default = before.map(|(_, default)| default.trim()).filter(|default| is_literal(default));
        param.value.clone().or(default.map(str::to_owned)).unwrap_or_else(|| (self.value)(param))
    }
}

/// Which of the arguments is for a parameter.
fn given_for(given: &[Given<'_>], param: &Parameter) -> Option<usize> {
    let origin = param.origin?;
    given.iter().position(|given| given.param == Some(origin))
}

fn named(param: &Parameter, from: Option<usize>, text: &str) -> Part {
    Part { from, text: format!("{}={text}", param.name) }
}

/// Whether everything that may do something is still evaluated, and in the same order.
fn keeps_evaluation(given: &[Given<'_>], parts: &[Part]) -> Result<(), Incompatible> {
    let order: Vec<usize> = parts.iter().filter_map(|part| part.from).collect();
    let dropped = (0..given.len()).find(|at| !order.contains(at) && acts(given[*at].value));
    if let Some(at) = dropped {
        return Err(format!("leaving out `{}` may change what happens", one_line(given[at].text)));
    }
    if !order.into_iter().filter(|at| acts(given[*at].value)).is_sorted() {
        return Err("its arguments would be evaluated in another order".to_owned());
    }
    Ok(())
}

/// Whether a call that did not give `param` before has to give it now.
fn has_to_be_given(old: &Signature, param: &Parameter) -> bool {
    match param.origin.and_then(|at| old.params.get(at)) {
        None => param.value.is_some() || !param.has_default,
        Some(before) => before.has_default && !param.has_default,
    }
}

fn is_literal(text: &str) -> bool {
    let parsed = syntax::parse(text);
    matches!(parsed.statements(), [syntax::ast::Stmt::Expr(it)] if syntax::ast::helpers::is_constant(&it.value))
        && !parsed.has_errors()
}

/// An argument's value with its own parentheses.
fn argument_range(parsed: &Parsed, call: &ExprCall, value: &Expr) -> TextRange {
    let slots = slots(parsed, call.arguments.range);
    match slots.into_iter().find(|slot| slot.contains_range(value.range())) {
        // Of `name=value` and `**value` only the value.
        Some(slot) => {
            let keyword = call.arguments.keywords.iter().find(|keyword| keyword.range.contains_range(value.range()));
            let start = match keyword {
                Some(keyword) => value_start(parsed, keyword),
                None => slot.start(),
            };
            TextRange::new(start, slot.end())
        }
        None => value.range(),
    }
}

fn value_start(parsed: &Parsed, keyword: &syntax::ast::Keyword) -> TextSize {
    let marks = |kind: TokenKind| matches!(kind, TokenKind::Equal | TokenKind::DoubleStar);
    let mut tokens = parsed
        .tokens()
        .iter()
        .skip_while(|token| token.start() < keyword.range.start())
        .filter(|it| !it.kind().is_trivia());
    let found = tokens.find(|token| marks(token.kind()));
    let next = found.and_then(|_| tokens.next());
    next.map_or(keyword.value.start(), |token| token.start())
}

fn one_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// The parts between the commas of a list in parentheses, those of `range`.
fn slots(parsed: &Parsed, range: TextRange) -> Vec<TextRange> {
    let inner = TextRange::new(range.start() + TextSize::new(1), range.end() - TextSize::new(1));
    let mut depth = 0;
    let mut slots: Vec<TextRange> = Vec::new();
    let mut open = false;
    for token in parsed.tokens().iter().filter(|token| inner.contains_range(token.range())) {
        let kind = token.kind();
        match kind {
            TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Newline => continue,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth -= 1,
            TokenKind::Comma if depth == 0 => {
                open = false;
                continue;
            }
            // The commas of `lambda a, b: …` are its own; a colon ends them.
            TokenKind::Lambda => depth += 1,
            TokenKind::Colon if depth > 0 && in_lambda(parsed, inner, token.start()) => depth -= 1,
            _ => {}
        }
        match slots.last_mut() {
            Some(last) if open => *last = TextRange::new(last.start(), token.end()),
            _ => slots.push(token.range()),
        }
        open = true;
    }
    slots
}

/// Whether the colon at `at` is that of a lambda: the nearest opener that is not closed before it is one.
fn in_lambda(parsed: &Parsed, inner: TextRange, at: TextSize) -> bool {
    let mut open: Vec<TokenKind> = Vec::new();
    for token in parsed.tokens().iter().filter(|token| inner.contains_range(token.range()) && token.start() < at) {
        match token.kind() {
            kind @ (TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::Lambda) => open.push(kind),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => drop(open.pop()),
            TokenKind::Colon if open.last() == Some(&TokenKind::Lambda) => drop(open.pop()),
            _ => {}
        }
    }
    open.last() == Some(&TokenKind::Lambda)
}

/// Edits that make the list in parentheses at `range` consist of `parts`, and leave alone what stays.
pub(super) fn rewrite(text: &str, parsed: &Parsed, range: TextRange, parts: &[String]) -> Vec<TextEdit> {
    let slots = slots(parsed, range);
    let old: Vec<&str> = slots.iter().map(|slot| &text[*slot]).collect();
    let start = old.iter().zip(parts).take_while(|(old, new)| *old == new).count();
    let tail = old[start..].iter().rev().zip(parts[start..].iter().rev()).take_while(|(old, new)| *old == new).count();
    let (gone, new) = (&slots[start..slots.len() - tail], &parts[start..parts.len() - tail]);
    let mut edits: Vec<TextEdit> = Vec::new();
    let common = gone.len().min(new.len());
    for (slot, part) in gone.iter().zip(new) {
        if text[*slot] != **part {
            edits.push(TextEdit::replace(*slot, part.clone()));
        }
    }
    if new.len() > common {
        let more = &new[common..];
        let before = (start + common).checked_sub(1).map(|at| slots[at]);
        let after = slots.get(start + common);
        let lines = slots.len() > 1
            && slots.windows(2).all(|pair| text[TextRange::new(pair[0].end(), pair[1].start())].contains('\n'));
        let space = |at: TextSize| match lines {
            true => format!(",{}{}", newline(text), indent_at(text, at)),
            false => ", ".to_owned(),
        };
        edits.push(match (before, after) {
            (Some(before), _) => {
                let space = space(before.start());
                TextEdit::insert(before.end(), more.iter().map(|part| format!("{space}{part}")).collect::<String>())
            }
            (None, Some(after)) => {
                let space = space(after.start());
                TextEdit::insert(after.start(), more.iter().map(|part| format!("{part}{space}")).collect::<String>())
            }
            (None, None) => TextEdit::insert(range.start() + TextSize::new(1), more.join(", ")),
        });
    } else if gone.len() > common {
        let first = start + common;
        let last = slots.len() - tail;
        let range = match (first.checked_sub(1), slots.get(last)) {
            // Up to the next one, so that it takes the place.
            (_, Some(next)) => TextRange::new(slots[first].start(), next.start()),
            (Some(before), None) => TextRange::new(slots[before].end(), slots[last - 1].end()),
            (None, None) => TextRange::new(range.start() + TextSize::new(1), range.end() - TextSize::new(1)),
        };
        edits.push(TextEdit::replace(range, ""));
    }
    edits
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syntax::ast::Stmt;

    use super::super::signature::SignatureStep;
    use super::*;

    /// A function, its calls, and both after `steps`.
    fn check(text: &str, steps: &[SignatureStep], expected: Expect) {
        let parsed = syntax::parse(text);
        let function = parsed.statements()[0].as_function_def_stmt().unwrap();
        let old = Signature::of(function, text, 0);
        let new = match old.after(steps) {
            Ok(new) => new,
            Err(reason) => return expected.assert_eq(&format!("{reason}\n")),
        };
        let mut edits = new.write(function, &parsed, text);
        let mut refused = String::new();
        for stmt in &parsed.statements()[1..] {
            let Stmt::Expr(stmt) = stmt else { continue };
            let call = stmt.value.as_call_expr().unwrap();
            let change = SignatureChange { old: &old, new: &new, bound: 0, value: &|_| "...".to_owned() };
            match change.rewrite_call(call, &parsed, text) {
                Ok(more) => edits.extend(more.into_iter().flatten()),
                Err(reason) => refused.push_str(&format!("{}: {reason}\n", &text[call.range()])),
            }
        }
        let after = syntax::apply_edits(text, &edits).unwrap();
        assert!(!syntax::parse(&after).has_errors(), "{after}");
        expected.assert_eq(&format!("{after}{refused}"));
    }

    fn remove(name: &str) -> SignatureStep {
        SignatureStep::Remove { name: name.to_owned() }
    }

    fn rename(name: &str, to: &str) -> SignatureStep {
        SignatureStep::Rename { name: name.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn removing() {
        check(
            "def f(a, b: int = 1, *, c): ...\nf(1, 2, c=3)\nf(1, b=(2), c=3)\nf(1, c=3)\nf(*x, c=1)\nf(1, g(), c=1)\nf(\n    1,\n    2,  # two\n    c=3,\n)\n",
            &[remove("b")],
            expect![[r#"
                def f(a, *, c): ...
                f(1, c=3)
                f(1, c=3)
                f(1, c=3)
                f(*x, c=1)
                f(1, g(), c=1)
                f(
                    1,
                    c=3,
                )
                f(*x, c=1): it unpacks arguments
                f(1, g(), c=1): leaving out `g()` may change what happens
            "#]],
        );
        check(
            "def f(a): ...\nf(1)\nf(a=1)\nf(x for x in y)\n",
            &[remove("a")],
            expect![[r#"
            def f(): ...
            f()
            f()
            f(x for x in y)
            f(x for x in y): leaving out `x for x in y` may change what happens
        "#]],
        );
        check(
            "def f(a, /, b): ...\nf(1, 2)\n",
            &[remove("a")],
            expect![[r#"
            def f(b): ...
            f(2)
        "#]],
        );
    }

    #[test]
    fn renaming_and_reordering() {
        check(
            "def f(a, b=1): ...\nf(1, b=2)\nf(1, 2)\nf(**x)\n",
            &[rename("b", "c")],
            expect![[r#"
            def f(a, c=1): ...
            f(1, c=2)
            f(1, 2)
            f(**x)
            f(**x): it unpacks arguments
        "#]],
        );
        let order = SignatureStep::Reorder { order: vec!["b".into(), "a".into()] };
        check(
            "def f(a, b): ...\nf(1, 2)\nf(1, b=lambda x, y: 2)\nf(g(), h())\nf(b=1, a=2)\n",
            std::slice::from_ref(&order),
            expect![[r#"
                def f(b, a): ...
                f(2, 1)
                f(a=1, b=lambda x, y: 2)
                f(g(), h())
                f(b=1, a=2)
                f(g(), h()): its arguments would be evaluated in another order
            "#]],
        );
        check(
            "def f(a, b=1): ...\n",
            &[order],
            expect![[r#"
            `a`, which has no default, would follow one that has
        "#]],
        );
    }

    #[test]
    fn adding() {
        let add = |default: Option<&str>, value: Option<&str>, position| SignatureStep::Add {
            name: "n".to_owned(),
            annotation: Some("int".to_owned()),
            default: default.map(str::to_owned),
            value: value.map(str::to_owned),
            position,
            keyword_only: false,
        };
        check(
            "def f(a, b=1): ...\nf(1)\nf(1, 2)\n",
            &[add(None, Some("0"), Some(0))],
            expect![[r#"
            def f(n: int, a, b=1): ...
            f(0, 1)
            f(0, 1, 2)
        "#]],
        );
        check(
            "def f(a, b=1): ...\nf(1)\nf(1, 2)\nf(*x)\n",
            &[add(Some("7"), None, None)],
            expect![[r#"
            def f(a, b=1, n: int = 7): ...
            f(1)
            f(1, 2)
            f(*x)
        "#]],
        );
        check(
            "def f(): ...\nf()\n",
            &[add(None, Some("x, y"), None)],
            expect![[r#"
            `x, y` is not an expression
        "#]],
        );
        check(
            "def f(): ...\nf()\n",
            &[add(None, None, None)],
            expect![[r#"
            callers need a value for `n`, or it needs a default
        "#]],
        );
    }

    #[test]
    fn making_a_parameter_keyword_only() {
        check(
            "def f(a, b, c=1, **k): ...\nf(1, 2)\nf(1, 2, 3, d=4)\nf(\n    1,\n    2,\n)\n",
            &[SignatureStep::KeywordOnly { name: "b".into() }],
            expect![[r#"
                def f(a, c=1, *, b, **k): ...
                f(1, b=2)
                f(1, 3, b=2, d=4)
                f(
                    1,
                    b=2,
                )
            "#]],
        );
    }
}
