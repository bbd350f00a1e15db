//! The facts of a text in which only the body of one function is different from a text of which the facts are known.
//!
//! That is what nearly every keystroke does. The function alone is parsed and walked; the facts of everything else are moved to where they
//! stand now. What comes out is what [`summarize`](super::summarize) makes of the whole text, and where that is not certain, nothing
//! does: an edit of the header, a body that says something about what is around it, syntax errors.

use std::cell::Cell;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::{Stmt, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextRange, TextSize};

use super::bodies::{Body, Table};
use super::build::{Builder, count_lines, sort_by_place};
use super::shift::{Shift, Shifted};
use super::{
    AttributeFacts, BindingIndex, BindingValue, FunctionFacts, Occurrence, ScopeIndex, ScopeKind, Summary, SymbolIndex,
    SymbolKind,
};
use crate::Name;

/// What comes out.
pub(crate) struct Replaced {
    pub summary: Summary,
    pub bodies: Vec<Body>,
    /// The body that is different, before and after.
    pub before: Body,
    pub after: Body,
}

/// The facts of `text`, which are those of `text_before` but for one body. `None` where more than that is different, or may be.
pub(crate) fn replace(
    before: &Summary,
    bodies: &[Body],
    text_before: &str,
    text: &str,
    is_test_file: bool,
) -> Option<Replaced> {
    if !before.errors.is_empty() || syntax::is_checked_for_depth(text) != syntax::is_checked_for_depth(text_before) {
        return None;
    }
    let edit = Edit::between(text_before, text)?;
    let header_end = |body: &Body| before.symbol(body.function).header.end().to_usize();
    let at = bodies.partition_point(|body| header_end(body) <= edit.start).checked_sub(1)?;
    let body = &bodies[at];
    let facts = before.symbol(body.function);
    let part = Part::around(facts.range, &edit, text_before, text)?;
    let parsed = syntax::parse_part(text, TextRange::new(part.start, part.end.1))?;
    let function = only_function(&parsed)?;
    let is_same = function.name.as_str() == facts.name.as_str() && function.start() == facts.range.start();
    if !is_same || function.end() > part.end.1 {
        return None;
    }
    let mut builder = Builder::at_body(before, body, text, is_test_file);
    builder.describe_body(body.function, function);
    if builder.summary.symbol(body.function).header != facts.header {
        return None;
    }
    builder.body(body.function, &function.body);
    // There is none where it reaches out.
    let after = builder.bodies.found.pop()?;
    if after.attributes != body.attributes || !are_uses_equivalent(before, &body.uses, &after.uses) {
        return None;
    }
    let shift = Shift {
        begin: body.begin,
        end_before: body.end,
        end_after: after.end,
        same_until: facts.header.end(),
        function_end: (facts.range.end(), function.end()),
        same_from: part.end,
        leads_inside: Cell::new(false),
    };
    let summary = assemble(builder, before, body, &shift, text);
    if shift.leads_inside.get() {
        return None;
    }
    let moved = bodies[at + 1..].iter().map(|later| {
        let mut function = later.function;
        function.shift(&shift);
        let [begin, end] = [&later.begin, &later.end].map(|it| it.moved(&body.end, &after.end));
        Body { function, begin, end, ..later.clone() }
    });
    let bodies = bodies[..at].iter().cloned().chain([after.clone()]).chain(moved).collect();
    Some(Replaced { summary, bodies, before: body.clone(), after })
}

/// Where two texts begin to differ, and where that ends in each.
struct Edit {
    start: usize,
    end: (usize, usize),
}

impl Edit {
    /// `None` for equal texts.
    fn between(before: &str, after: &str) -> Option<Edit> {
        let (one, other) = (before.as_bytes(), after.as_bytes());
        let start = common_prefix(one, other);
        if start == one.len() && start == other.len() {
            return None;
        }
        let (one_rest, other_rest) = (&one[start..], &other[start..]);
        let same = one_rest.iter().rev().zip(other_rest.iter().rev()).take_while(|(one, other)| one == other).count();
        Some(Edit { start, end: (one.len() - same, other.len() - same) })
    }
}

fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 1024;
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(one, other)| one == other);
    let same = blocks.count() * BLOCK;
    same + one[same..].iter().zip(&other[same..]).take_while(|(one, other)| one == other).count()
}

/// The lines of a function, with what follows it up to the next line of code.
struct Part {
    start: TextSize,
    /// Before and after.
    end: (TextSize, TextSize),
}

impl Part {
    fn around(function: TextRange, edit: &Edit, before: &str, after: &str) -> Option<Part> {
        let (function_start, function_end) = (function.start().to_usize(), function.end().to_usize());
        let start = before[..function_start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = next_line_of_code(before, function_end);
        let end_after = end - edit.end.0.min(end) + edit.end.1;
        // Tabs may mean something else elsewhere than here.
        let is_alone = before[start..function_start].bytes().all(|byte| byte == b' ');
        let is_inside = edit.start > function_start && edit.end.0 <= end && function_end < before.len();
        let lines = after.get(start..end_after).filter(|_| is_alone && is_inside)?;
        let is_ended = lines.ends_with('\n') || end_after == after.len();
        let is_plain = !lines.contains('\r') && !lines.trim_end().ends_with('\\');
        let end = (TextSize::new(end as u32), TextSize::new(end_after as u32));
        (is_ended && is_plain).then_some(Part { start: TextSize::new(start as u32), end })
    }
}

/// Where the first line begins after the one with `offset` that is neither empty nor a comment alone.
fn next_line_of_code(text: &str, offset: usize) -> usize {
    let mut at = offset;
    while let Some(newline) = text[at..].find('\n') {
        at += newline + 1;
        if !matches!(text[at..].trim_start_matches([' ', '\t']).bytes().next(), Some(b'\n' | b'#')) {
            return at;
        }
    }
    text.len()
}

fn only_function(parsed: &Parsed) -> Option<&StmtFunctionDef> {
    match parsed.statements() {
        [Stmt::FunctionDef(function)] => Some(function),
        [Stmt::If(around)] => match &around.body[..] {
            [Stmt::FunctionDef(function)] if around.elif_else_clauses.is_empty() => Some(function),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a module's names mean the same whichever of these sets of them a function uses: those do that are bound once.
fn are_uses_equivalent(summary: &Summary, before: &[Name], after: &[Name]) -> bool {
    if before == after {
        return true;
    }
    let (before, after): (FxHashSet<Name>, FxHashSet<Name>) =
        (before.iter().copied().collect(), after.iter().copied().collect());
    before.symmetric_difference(&after).all(|name| {
        let of_module = |scope: ScopeIndex| scope == ScopeIndex::MODULE;
        summary.bindings.iter().filter(|it| of_module(it.scope) && it.name == *name).nth(1).is_none()
    })
}

impl<'a> Builder<'a> {
    /// As it was when it came to a body: the facts from before it are those of `before`, not yet moved.
    fn at_body(before: &Summary, body: &Body, text: &'a str, is_test_file: bool) -> Self {
        fn first<T: Clone>(table: &[T], length: u32) -> Vec<T> {
            let mut first = Vec::with_capacity(table.len() + table.len() / 64 + 16);
            first.extend_from_slice(&table[..length as usize]);
            first
        }
        let length = |table| body.begin.get(table);
        let mut builder = Builder::new(text, is_test_file);
        builder.summary = Summary {
            symbols: first(&before.symbols, length(Table::Symbols)),
            scopes: first(&before.scopes, length(Table::Scopes)),
            bindings: first(&before.bindings, length(Table::Bindings)),
            exprs: first(&before.exprs, length(Table::Exprs)),
            imports: first(&before.imports, length(Table::Imports)),
            calls: first(&before.calls, length(Table::Calls)),
            keywords: first(&before.keywords, length(Table::Keywords)),
            implied: first(&before.implied, length(Table::Implied)),
            stores: first(&before.stores, length(Table::Stores)),
            owners: first(&before.owners, length(Table::Owners)),
            ..Summary::default()
        };
        let facts = &mut builder.summary.symbols[body.function.index()];
        facts.complexity = 1;
        facts.flags.is_generator = false;
        let return_annotation = facts.function.as_ref().and_then(|function| function.return_annotation);
        facts.function = Some(Box::new(FunctionFacts { return_annotation, ..FunctionFacts::default() }));
        if let Some(class) = facts.parent.filter(|_| !body.attributes.is_empty()) {
            builder.leave_attributes(class, body);
        }
        let facts = &builder.summary.symbols[body.function.index()];
        // A function has a scope.
        builder.scope = facts.scope.unwrap_or(ScopeIndex::MODULE);
        builder.symbol = body.function;
        builder.depth = body.depth;
        (builder.optional_import, builder.type_checking) = (body.optional_import, body.type_checking);
        builder.names = vec![FxHashMap::default(); builder.summary.scopes.len()];
        for (index, binding) in builder.summary.bindings.iter().enumerate() {
            let scope = builder.summary.scope(binding.scope);
            let is_seen = binding.scope == builder.scope
                || scope.kind == ScopeKind::Comprehension
                || matches!(binding.value, BindingValue::Import(_));
            if is_seen {
                let index = BindingIndex(index as u32);
                builder.names[binding.scope.index()].entry(binding.name).or_default().push(index);
                if binding.scope == builder.scope {
                    builder.flow.bind(binding.name, index);
                }
            }
        }
        builder
    }
}

impl Builder<'_> {
    /// Forgets what a body and all that follows it assign to attributes of the class.
    fn leave_attributes(&mut self, class: SymbolIndex, body: &Body) {
        for (index, symbol) in self.summary.symbols.iter().enumerate().filter(|(_, it)| it.parent == Some(class)) {
            *self.ordinals.entry((symbol.parent, symbol.name)).or_default() += 1;
            if symbol.kind == SymbolKind::Attribute {
                self.variables.insert((class, symbol.name), SymbolIndex(index as u32));
            }
        }
        let begin = body.begin.get(Table::Exprs);
        let facts = self.summary.symbols[class.index()].class.iter_mut();
        for attribute in facts.flat_map(|facts| facts.attributes.values_mut()) {
            attribute.values.retain(|value| value.0 < begin);
        }
    }

    /// The attributes of the class, with what was walked in the place of the body.
    fn attributes(&self, class: SymbolIndex, before: &Summary, shift: &Shift) -> FxHashMap<Name, AttributeFacts> {
        let attributes = |summary: &Summary| summary.symbol(class).class.as_ref().map(|facts| facts.attributes.clone());
        let now = attributes(&self.summary).unwrap_or_default();
        let mut all = attributes(before).unwrap_or_default();
        for (name, facts) in &mut all {
            let end = facts.values.iter().position(|value| value.0 >= shift.end_before.get(Table::Exprs));
            let mut values = now.get(name).map(|facts| facts.values.clone()).unwrap_or_default();
            let mut following = facts.values.split_off(end.unwrap_or(facts.values.len()));
            following.shift(shift);
            values.extend(following);
            facts.values = values;
            match self.variables.get(&(class, *name)) {
                Some(symbol) => facts.symbol = *symbol,
                None => facts.symbol.shift(shift),
            }
        }
        all
    }
}

/// What was walked, with everything around it where it stands now.
fn assemble(builder: Builder<'_>, before: &Summary, body: &Body, shift: &Shift, text: &str) -> Summary {
    let class = before.symbol(body.function).parent.filter(|_| !body.attributes.is_empty());
    let attributes = class.map(|class| (class, builder.attributes(class, before, shift)));
    let Builder { summary: mut now, names, scope: own_scope, .. } = builder;
    if let Some(facts) = class.and_then(|class| now.symbols[class.index()].class.as_mut()) {
        facts.attributes.clear();
    }
    let is_own = |scope: usize| scope == own_scope.index() || scope >= body.begin.get(Table::Scopes) as usize;
    for (_, (facts, names)) in now.scopes.iter_mut().zip(names).enumerate().filter(|(scope, _)| is_own(*scope)) {
        facts.names = names.into();
    }
    let table = |table| body.stretch(table);
    join(&mut now.symbols, &before.symbols, table(Table::Symbols), shift, Some(body.function.index()));
    if let Some((class, attributes)) = attributes
        && let Some(facts) = &mut now.symbols[class.index()].class
    {
        facts.attributes = attributes;
    }
    join(&mut now.scopes, &before.scopes, table(Table::Scopes), shift, Some(own_scope.index()));
    join(&mut now.bindings, &before.bindings, table(Table::Bindings), shift, None);
    join(&mut now.exprs, &before.exprs, table(Table::Exprs), shift, None);
    join(&mut now.imports, &before.imports, table(Table::Imports), shift, None);
    join(&mut now.calls, &before.calls, table(Table::Calls), shift, None);
    join(&mut now.keywords, &before.keywords, table(Table::Keywords), shift, None);
    join(&mut now.implied, &before.implied, table(Table::Implied), shift, None);
    join(&mut now.stores, &before.stores, table(Table::Stores), shift, None);
    // Those from before it lead nowhere that is moved.
    now.owners.extend(before.owners[table(Table::Owners).end..].iter().map(|&(mut expr, mut symbol)| {
        expr.shift(shift);
        symbol.shift(shift);
        (expr, symbol)
    }));
    let is_before = |offset: TextSize| move |it: &Occurrence| it.range.start() < offset;
    let first = before.occurrences.partition_point(is_before(shift.same_until));
    let last = before.occurrences.partition_point(is_before(shift.same_from.0));
    sort_by_place(&mut now.occurrences);
    let names_after = occurring_names(&now, &now.occurrences);
    let mut occurrences = Vec::with_capacity(before.occurrences.len() + now.occurrences.len());
    occurrences.extend_from_slice(&before.occurrences[..first]);
    occurrences.append(&mut now.occurrences);
    occurrences.extend_from_slice(&before.occurrences[last..]);
    let own = first..occurrences.len() - (before.occurrences.len() - last);
    occurrences[..own.start].shift(shift);
    occurrences[own.end..].shift(shift);
    now.occurrences = occurrences;
    now.exports = before.exports.clone();
    now.dynamic = before.dynamic;
    now.lines = count_lines(text);
    now.names = now_occurring(&now, before, &before.occurrences[first..last], names_after, own);
    now
}

/// Moves what stands before a stretch that was walked anew, and adds what follows it.
fn join<T: Shifted + Clone>(now: &mut Vec<T>, before: &[T], stretch: Range<usize>, by: &Shift, own: Option<usize>) {
    let others = now[..stretch.start].iter_mut().enumerate().filter(|(index, _)| Some(*index) != own);
    others.for_each(|(_, facts)| facts.shift(by));
    let walked = now.len();
    now.extend_from_slice(&before[stretch.end..]);
    now[walked..].shift(by);
}

fn occurring_names(summary: &Summary, occurrences: &[Occurrence]) -> FxHashSet<Name> {
    occurrences.iter().filter_map(|occurrence| summary.occurring_name(occurrence.what())).collect()
}

/// The names that occur once others occur in the body, and those of all symbols.
fn now_occurring(
    now: &Summary,
    before: &Summary,
    of_body: &[Occurrence],
    names_after: FxHashSet<Name>,
    own: Range<usize>,
) -> Box<[Name]> {
    let defined: FxHashSet<Name> = now.symbols.iter().map(|symbol| symbol.name).collect();
    // Lambdas have names that occur nowhere.
    let names_before = occurring_names(before, of_body).into_iter().chain(before.symbols.iter().map(|it| it.name));
    let mut gone: FxHashSet<Name> =
        names_before.filter(|name| !names_after.contains(name) && !defined.contains(name)).collect();
    if !gone.is_empty() {
        let around = now.occurrences[..own.start].iter().chain(&now.occurrences[own.end..]);
        for name in around.filter_map(|occurrence| now.occurring_name(occurrence.what())) {
            gone.remove(&name);
        }
    }
    let new = names_after.into_iter().chain(defined);
    let new: FxHashSet<Name> = new.filter(|name| !before.mentions(*name)).collect();
    let mut names: Vec<Name> = before.names.iter().copied().filter(|name| !gone.contains(name)).chain(new).collect();
    names.sort_unstable_by_key(|name| name.number());
    names.into()
}

#[cfg(test)]
mod tests {
    use super::super::summarize_edited;
    use super::*;

    const TEXT: &str = "\
import os
from typing import cast
name = 1
name = 2

def first(a, *, b: int = 3) -> int:
    # Of this and that.
    return a + b


class C:
    field = 1

    @property
    async def m(self, other=lambda: 1):
        '''Says it.

        >>> 1
        '''
        for each in other:
            def inner(x): return x + each
            yield inner(each)

    def n(self):
        self.made = self.again = [os.path]
        self.field, self.n = 1, 2
        return self.made

    def o(self):
        self.again = self.last = 3

def last():
    pass
# The end.
";

    /// Replaces `from` in [`TEXT`] by `to`, and says whether that took no more than one body.
    #[track_caller]
    fn check(from: &str, to: &str) -> bool {
        check_in(TEXT, from, to)
    }

    #[track_caller]
    fn check_in(text_before: &str, from: &str, to: &str) -> bool {
        let (before, bodies) = summarize_edited(text_before, &syntax::parse(text_before), true);
        assert_eq!(text_before.matches(from).count(), 1, "{from}");
        let text = text_before.replacen(from, to, 1);
        let Some(replaced) = replace(&before, &bodies, text_before, &text, true) else { return false };
        let (expected, expected_bodies) = summarize_edited(&text, &syntax::parse(&text), true);
        assert_eq!(format!("{:#?}", replaced.summary), format!("{expected:#?}"));
        assert_eq!(replaced.bodies, expected_bodies);
        assert_eq!(replaced.summary.items(), expected.items());
        true
    }

    #[test]
    fn a_body_is_replaced() {
        for (from, to) in [
            ("return a + b", "return [a for a in b if os][0] or cast(int, a)"),
            ("return a + b", "import json as os\n    return os"),
            ("# Of this and that.", "'''What it does.\n\n    >>> 2\n    '''"),
            ("# Of this and that.\n    return a + b\n", "...\n"),
            ("Says it.", "Says é."),
            ("\n        >>> 1\n", "\n"),
            ("yield inner(each)\n", "yield inner(each)\n            class D(C):\n                x = self\n"),
            ("def inner(x): return x + each", "pass"),
            ("            yield inner(each)\n", ""),
            (
                "self.made = self.again = [os.path]",
                "x = lambda: [y for y in x]\n        self.made = self.again = [os.path, x]",
            ),
            ("return self.made", "class D:\n            def m(self): self.made = 1"),
            ("self.last = 3", "self.last = lambda: os"),
            ("    pass\n# The end.", "    x = (1,\n2)\n    # More.\n# The end."),
            ("# The end.\n", ""),
        ] {
            assert!(check(from, to), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn names_that_occur_nowhere_go_with_their_definitions() {
        assert!(check_in("def f():\n    return lambda: 1\n", "lambda: 1", "1"));
        assert!(check_in("def f():\n    return [lambda: 1, lambda: 2]\n", ", lambda: 2", ""));
    }

    #[test]
    fn what_reaches_out_of_a_body_is_not_replaced() {
        for (from, to) in [
            ("a, *, b", "a, b, *, c"),
            ("return a + b", "return (a + b"),
            ("return a + b", "return '''a + b"),
            ("return a + b", "return a + b\\"),
            ("return a + b", "global name\n    name = 3"),
            ("return a + b", "globals()['x'] = a"),
            ("return a + b", "return name"),
            ("return a + b\n", "return a + b\nx = 1\n"),
            ("    return a + b\n", "return a + b\n"),
            ("yield inner(each)", "self.other = inner"),
            ("self.made = self", "self.other = self"),
            ("self.last = 3", "self.final = 3"),
            ("async def m", "def m"),
            ("field = 1", "field = 2"),
            ("# The end.\n", "# The end.\nx = 1\n"),
            ("\n\nclass C", "\nx\nclass C"),
        ] {
            assert!(!check(from, to), "{from:?} -> {to:?}");
        }
    }
}
