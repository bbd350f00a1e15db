//! Functions that are the same as others of the workspace, or nearly so.
//!
//! Each function is brought into a normal form ([`normal_form`]): one item a statement, without comments, layout, annotations and
//! docstring, names of its own variables left out. Those with the same form, names of variables matched one to one, are clones of
//! type 2. Clones of type 3 are found as by NiCad (Roy and Cordy, ICPC 2008): the longest common subsequence of the items has to
//! be four fifths of the longer function. Which pairs are compared is decided as by SourcererCC (Sajnani et al., ICSE 2016): two
//! functions that are alike to this degree share one of their rarest items, so only an index of those is looked into, and the
//! whole grows with the text and not with the number of pairs.

mod normal_form;

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use graph::{Analysis, FileId, SymbolId};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use syntax::{TextRange, TextSize};

use crate::tree::with_tree_of;
use normal_form::{Form, forms};

/// Of the longer function as much has to be in the other, in percent.
const ALIKE: usize = 80;
/// Smaller functions are alike by chance.
const MIN_ITEMS: usize = 5;
const MIN_NODES: u32 = 40;
/// The same for functions that are nearly the same.
const MIN_ITEMS_OF_NEAR: usize = 8;
/// An item in more functions than this says nothing about them.
const MAX_POSTINGS: usize = 40;
/// Of files that have all of these names as many are looked into.
const MAX_FILES: usize = 30;
/// What somebody writes anew may be smaller and is worth a word all the same.
const MIN_NODES_OF_NEW: u32 = 14;

/// Another function that is the same, or nearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    pub symbol: SymbolId,
    pub other: SymbolId,
    /// In percent of the statements of the longer one; 100 where they differ in names of variables at most.
    pub likeness: u8,
    /// How many others are the same besides.
    pub more: usize,
}

impl Duplicate {
    /// What is said of it.
    pub fn sentence(&self, analysis: &Analysis) -> String {
        let name = analysis.symbol(self.symbol).local_name();
        let other = analysis.symbol(self.other).qualified_name();
        let more = if self.more == 0 { String::new() } else { format!(" and {} more", self.more) };
        match self.likeness {
            100 => format!("`{name}` is the same as `{other}`{more}"),
            part => format!("`{name}` is nearly the same as `{other}`{more}: {part} % of the statements"),
        }
    }
}

/// A text, by its hash and its length.
type Key = (u64, usize);

/// The forms of each text.
type Forms = FxHashMap<Key, Arc<[Form]>>;

/// Normal forms of texts that were looked at before: those that are as they were need not be parsed again.
#[derive(Debug, Default)]
pub struct KnownForms(Mutex<Forms>);

impl KnownForms {
    /// The forms of a file's functions that are big enough; and marks them as used.
    fn of(&self, analysis: &Analysis, file: FileId, used: &mut FxHashSet<Key>) -> Arc<[Form]> {
        let text = analysis.source(file).text();
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        let key = (hasher.finish(), text.len());
        used.insert(key);
        if let Some(known) = self.known().get(&key) {
            return known.clone();
        }
        let mut new = with_tree_of(analysis, file, forms).unwrap_or_default();
        new.retain(|form| form.items.len() >= MIN_ITEMS && form.nodes >= MIN_NODES);
        // Only what is written anew is looked for by its names.
        new.iter_mut().for_each(|form| form.names = Box::default());
        let new: Arc<[Form]> = new.into();
        self.known().insert(key, new.clone());
        new
    }

    fn known(&self) -> MutexGuard<'_, Forms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A function, and what it looks like.
struct Function {
    symbol: SymbolId,
    form: Form,
}

/// The functions that have a duplicate, by file and place; each with the one that is most like it. Tests, stubs and methods with two
/// underscores at both ends may be alike.
pub fn duplicates(analysis: &Analysis, known: &KnownForms) -> Vec<Duplicate> {
    let mut used = FxHashSet::default();
    let mut functions = Vec::new();
    for file in analysis.files().filter(|&file| is_judged(analysis, file)) {
        let forms = known.of(analysis, file, &mut used);
        functions.extend(forms.iter().filter_map(|form| function(analysis, file, form)));
    }
    known.known().retain(|key, _| used.contains(key));
    let mut found = exact(&functions);
    let done: FxHashSet<SymbolId> = found.iter().map(|it| it.symbol).collect();
    found.extend(near(&functions).into_iter().filter(|it| !done.contains(&it.symbol)));
    found.sort_by_key(|it| (it.symbol.file, analysis.symbol(it.symbol).range.start()));
    found
}

/// Functions of `file` of which `is_new` says that they were written, each with one elsewhere that is the same; `is_old` says which
/// may be named. Only files that have the longest names in it are looked into.
pub fn known_already(
    analysis: &Analysis,
    file: FileId,
    is_new: impl Fn(TextRange) -> bool,
    is_old: impl Fn(SymbolId) -> bool,
) -> Vec<Duplicate> {
    let Some(own) = with_tree_of(analysis, file, forms) else { return Vec::new() };
    let mut found = Vec::new();
    for form in own.into_iter().filter(|form| form.nodes >= MIN_NODES_OF_NEW && !form.names.is_empty()) {
        let Some(new) = function(analysis, file, &form) else { continue };
        if !is_new(analysis.symbol(new.symbol).range) {
            continue;
        }
        let may_have = |other: &FileId| {
            let text = analysis.source(*other).text();
            !graph::is_test_file(analysis.path(*other)) && form.names.iter().all(|name| text.contains(&**name))
        };
        let same = analysis.files().filter(may_have).take(MAX_FILES).find_map(|other| {
            let forms = with_tree_of(analysis, other, forms)?;
            let same = forms.iter().filter(|it| it.is_same(&form));
            same.filter_map(|it| Some(function(analysis, other, it)?.symbol))
                .find(|it| *it != new.symbol && is_old(*it))
        });
        found.extend(same.map(|other| Duplicate { symbol: new.symbol, other, likeness: 100, more: 0 }));
    }
    found
}

fn is_judged(analysis: &Analysis, file: FileId) -> bool {
    let path = analysis.path(file);
    path.extension().is_none_or(|extension| extension != "pyi")
        && !crate::diagnostics::is_test(analysis, file)
        && analysis.syntax_errors(file).is_empty()
}

fn function(analysis: &Analysis, file: FileId, form: &Form) -> Option<Function> {
    let symbol = analysis.enclosing(file, form.at);
    let view = analysis.symbol(symbol);
    // What others call by a protocol, or by a decorator that has taken it.
    let is_special = view.name.starts_with("__") && view.name.ends_with("__") || view.name == "_";
    let is_it = view.kind.is_function() && view.name_range.contains_inclusive(form.at);
    (is_it && !is_special && !view.flags.is_overload && !view.flags.is_test)
        .then(|| Function { symbol, form: form.clone() })
}

/// Clones of type 1 and 2.
fn exact(functions: &[Function]) -> Vec<Duplicate> {
    let mut classes: FxHashMap<(u64, bool, &[u32]), Vec<SymbolId>> = FxHashMap::default();
    for function in functions {
        let Form { exact, is_async, items, .. } = &function.form;
        classes.entry((*exact, *is_async, items)).or_default().push(function.symbol);
    }
    let pairs = classes.into_values().filter(|class| class.len() > 1).flat_map(|class| {
        let other = |symbol: SymbolId| class.iter().copied().find(|other| *other != symbol);
        let pairs = class.iter().filter_map(|&symbol| Some((symbol, other(symbol)?)));
        let more = class.len() - 2;
        pairs.map(|(symbol, other)| Duplicate { symbol, other, likeness: 100, more }).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// Clones of type 3.
fn near(functions: &[Function]) -> Vec<Duplicate> {
    let mut frequencies: FxHashMap<u32, u32> = FxHashMap::default();
    let big: Vec<&Function> = functions.iter().filter(|it| it.form.items.len() >= MIN_ITEMS_OF_NEAR).collect();
    big.iter().flat_map(|it| &*it.form.items).for_each(|item| *frequencies.entry(*item).or_default() += 1);
    // Of two functions with so much in common one of the rarest items is the same.
    let rarest = |it: &Function| {
        let mut items = it.form.items.to_vec();
        items.sort_unstable_by_key(|item| (frequencies[item], *item));
        let length = items.len() - (items.len() * ALIKE).div_ceil(100) + 1;
        items.truncate(length);
        items.dedup();
        items
    };
    let mut postings: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
    let mut best: FxHashMap<usize, (usize, usize)> = FxHashMap::default();
    let mut compared = FxHashSet::default();
    for (number, function) in big.iter().enumerate() {
        for item in rarest(function) {
            let sharing = postings.entry(item).or_default();
            for &other in sharing.iter() {
                // What does the same with and without waiting has no other form to take.
                if function.form.is_async != big[other].form.is_async || !compared.insert((other, number)) {
                    continue;
                }
                let Some(likeness) = likeness(&function.form.items, &big[other].form.items) else { continue };
                for (one, two) in [(number, other), (other, number)] {
                    let known = best.entry(one).or_insert((likeness, two));
                    if known.0 < likeness {
                        *known = (likeness, two);
                    }
                }
            }
            if sharing.len() < MAX_POSTINGS {
                sharing.push(number);
            }
        }
    }
    let duplicate = |(number, (likeness, other)): (usize, (usize, usize))| Duplicate {
        symbol: big[number].symbol,
        other: big[other].symbol,
        // Where only names are matched otherwise, they are not quite the same.
        likeness: likeness.min(99) as u8,
        more: 0,
    };
    best.into_iter().map(duplicate).collect()
}

/// How much of the longer one is in the other in the same order, in percent, where that is enough.
fn likeness(one: &[u32], two: &[u32]) -> Option<usize> {
    let (short, long) = if one.len() < two.len() { (one, two) } else { (two, one) };
    if short.len() * 100 < long.len() * ALIKE {
        return None;
    }
    let mut row = vec![0_usize; short.len() + 1];
    for item in long {
        let mut diagonal = 0;
        for (column, other) in short.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if item == other { diagonal + 1 } else { above.max(row[column]) };
            diagonal = above;
        }
    }
    let common = row[short.len()] * 100 / long.len();
    (common >= ALIKE).then_some(common)
}

/// Where a duplicate is shown, as long as the function is as long as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    duplicate: Duplicate,
    length: TextSize,
}

impl Shown {
    pub(crate) fn new(analysis: &Analysis, duplicate: Duplicate) -> Self {
        Shown { duplicate, length: analysis.symbol(duplicate.symbol).range.len() }
    }

    /// The place and what is said; and where the other one is. `None` when either has been edited away.
    pub(crate) fn find(&self, analysis: &Analysis) -> Option<(TextRange, String, FileId, TextRange)> {
        let Duplicate { symbol, other, .. } = self.duplicate;
        if !analysis.contains(symbol) || !analysis.contains(other) {
            return None;
        }
        let (view, place) = (analysis.symbol(symbol), analysis.symbol(other));
        let is_as_it_was = view.range.len() == self.length;
        is_as_it_was.then(|| (view.name_range, self.duplicate.sentence(analysis), other.file, place.name_range))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use fixture::Workspace;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let known = KnownForms::default();
        let found = duplicates(&workspace.analysis, &known);
        assert_eq!(found, duplicates(&workspace.analysis, &known), "what is known gives the same");
        let drawn: String = found.iter().map(|it| it.sentence(&workspace.analysis) + "\n").collect();
        expected.assert_eq(&drawn);
    }

    const TOTAL: &str = "\
def total(cart, rate):
    \"\"\"What it costs.\"\"\"
    result = 0
    for item in cart.items:
        if item.price is None:
            continue
        result += item.price * item.count
    if result > 100:
        result = result - cart.discount(rate)
    return round(result, 2)
";

    fn two(first: &str, second: &str) -> String {
        format!("#- /a.py\n{first}#- /b.py\n{second}")
    }

    #[test]
    fn names_comments_layout_and_hints_do_not_matter() {
        let other = TOTAL
            .replace("total(", "price(")
            .replace("cart", "basket")
            .replace("(basket, rate)", "(basket: Basket, rate: float = ...) -> float")
            .replace(" = ...", "")
            .replace("result", "out")
            .replace("    if out > 100", "    # Big ones.\n\n    if out > 100")
            .replace("\"\"\"What it costs.\"\"\"", "\"Other words.\"");
        check(
            &two(TOTAL, &other),
            expect![[r#"
                `total` is the same as `b.price`
                `price` is the same as `a.total`
            "#]],
        );
        check(
            &two(TOTAL, &format!("{other}{}", TOTAL.replace("total", "third"))),
            expect![[r#"
            `total` is the same as `b.price` and 1 more
            `price` is the same as `a.total` and 1 more
            `third` is the same as `a.total` and 1 more
        "#]],
        );
    }

    #[test]
    fn what_was_added_or_changed_makes_it_nearly_the_same() {
        let other = TOTAL.replace("    if result > 100", "    log(result)\n    if result > 100");
        check(
            &two(TOTAL, &other),
            expect![[r#"
                `total` is nearly the same as `b.total`: 88 % of the statements
                `total` is nearly the same as `a.total`: 88 % of the statements
            "#]],
        );
    }

    #[test]
    fn other_calls_numbers_and_orders_are_other_functions() {
        for (from, to) in [
            ("result > 100", "result > 50"),
            ("item.price * item.count", "item.weight * item.count"),
            ("round(", "int("),
            ("continue", "break"),
            ("result - cart", "cart.offset - result"),
        ] {
            let other = TOTAL.replace(from, to).replace("    result = 0\n", "    other()\n    result = 1\n");
            check(&two(TOTAL, &other), expect![""]);
        }
        // Variables that change places are no renaming.
        let swapped = TOTAL.replace("cart.discount(rate)", "rate.discount(cart)");
        check(
            &two(TOTAL, &swapped),
            expect![[r#"
                `total` is nearly the same as `b.total`: 99 % of the statements
                `total` is nearly the same as `a.total`: 99 % of the statements
            "#]],
        );
    }

    #[test]
    fn what_waits_is_no_copy_of_what_does_not() {
        check(&two(TOTAL, &format!("async {TOTAL}")), expect![""]);
        check(&two(TOTAL, &format!("async {}", TOTAL.replace("cart.discount", "await cart.discount"))), expect![""]);
    }

    #[test]
    fn small_ones_tests_and_protocols_may_be_alike() {
        check(
            &two("def f(x):\n    y = x + 1\n    return y\n", "def g(x):\n    y = x + 1\n    return y\n"),
            expect![""],
        );
        check(&format!("#- /test_a.py\n{TOTAL}#- /test_b.py\n{TOTAL}"), expect![""]);
        let method = |name: &str| {
            let body: String = TOTAL.replace("total", name).lines().map(|line| format!("    {line}\n")).collect();
            format!("class A:\n{body}")
        };
        check(&two(&method("__call__"), &method("__call__")), expect![""]);
        check(
            &two(&method("total"), TOTAL),
            expect![[r#"
                `A.total` is the same as `b.total`
                `total` is the same as `a.A.total`
            "#]],
        );
    }

    #[test]
    fn what_is_written_anew_and_known_already_is_named() {
        let text = "#- /money.py\nimport math\ndef round_up(value):\n    return math.ceil(value * 100) / 100\n#- /b.py\nimport math\n\ndef $0cents(amount):\n    return math.ceil(amount * 100) / 100\ndef other(amount):\n    return math.floor(amount * 100) / 100\n";
        let workspace = Workspace::new(text);
        let (file, _) = workspace.selection();
        let found = known_already(&workspace.analysis, file, |_| true, |_| true);
        let drawn: Vec<String> = found.iter().map(|it| it.sentence(&workspace.analysis)).collect();
        assert_eq!(drawn, ["`cents` is the same as `money.round_up`"]);
        assert_eq!(known_already(&workspace.analysis, file, |_| false, |_| true), []);
        assert_eq!(known_already(&workspace.analysis, file, |_| true, |_| false), []);
    }
}
