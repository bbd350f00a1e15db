//! This crate decides what a model, or a person, must see to write or judge one piece of code: the symbols its body will
//! probably use, ranked by the evidence in the dependency graph ([`FEATURES`]), as code or as signatures, under a token
//! budget, with a ledger of what was taken, why, and what was left out.
//!
//! Deliberately absent: prompts and models, reading or writing files, randomness. The same graph and the same request
//! give the same bytes.

mod documents;
mod evidence;
mod features;
mod fit;
mod forest;
mod form;
mod include;
mod index;
mod ledger;
mod library;
mod own_text;
mod resolved_names;
mod select;
mod tokens;
mod uses;
mod words;

use std::sync::Arc;

use graph::{Analysis, FileId, Libraries, SymbolId};
use serde::Serialize;
use syntax::TextSize;

pub use documents::{Passage, Query, docstrings, passages};
pub use features::{FEATURES, Feature, FeatureInfo};
pub use fit::{Example, Model, Models, examples};
pub use forest::{Forest, Growth};
pub use form::Form;
pub use include::{Included, Unread};
pub use index::Index;
pub use tokens::count_tokens;

use evidence::Focus;
use features::Row;
use form::Forms;
use select::{Candidate, Selection, TokenBudget};

/// What a caller may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The percentage of the budget that is kept free for instructions and the answer; more than 100 counts as 100.
    /// Whoever shows the context alone keeps nothing.
    pub reserve: u8,
}

impl Default for Options {
    fn default() -> Self {
        Options { reserve: 30 }
    }
}

/// What may be shown beside the workspace's own code.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What the target is about.
    pub query: Query,
    /// The prose that was found by it, the likeliest first.
    pub found: Vec<Passage>,
    /// Files that the user named.
    pub included: Vec<Included>,
    /// What can be imported from elsewhere.
    pub libraries: Option<Arc<dyn Libraries>>,
}

/// What to show beside a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Context {
    /// The qualified name of the target.
    pub target: String,
    /// The target's own lines. Like `imports` they are a part of the prompt in their own right, for which the reserve is there. Where they
    /// alone are more than the budget, only the first ones and those around the place that was asked about.
    pub target_text: String,
    /// How many of its lines are missing in `target_text`.
    pub target_left_out: usize,
    /// The import statements of the target's file as written, at most [`MAX_IMPORTS`].
    pub imports: Vec<String>,
    /// Those of libraries last. The most important first, except that members of a class follow each other: they share one `class` line, or
    /// follow the class where it is shown itself.
    pub items: Vec<Item>,
    /// The most important of what is missing, at most [`MAX_LEFT_OUT`]; also the code of what is shown by its signature.
    pub left_out: Vec<LeftOut>,
    /// How many symbols are not shown at all, those not counted that are hardly ever used.
    pub left_out_total: usize,
    /// The sum over `items`; with that over `documents` never more than the budget less its reserve.
    pub tokens: usize,
    /// The files that the user named, then what the workspace's prose says of the target, the likeliest first; see
    /// [`Index::context_with`].
    pub documents: Vec<Passage>,
    /// At most a tenth of the budget less its reserve, and a fifth more where the user named files.
    pub documents_tokens: usize,
    /// Of the files that the user named, those that could not be read.
    pub unread: Vec<Unread>,
    pub levels: Levels,
}

impl Context {
    /// Tokens of a prompt with this context, without what the person says: with its rules, and the paths above what is quoted.
    pub fn sent(&self) -> usize {
        let own = count_tokens(&self.target_text) + count_tokens(&self.imports.join("\n"));
        let mut paths: Vec<&str> = self.items.iter().map(|item| &*item.path).collect();
        paths.extend(self.documents.iter().map(|passage| &*passage.path));
        paths.sort_unstable();
        paths.dedup();
        let paths: usize = paths.into_iter().map(|path| count_tokens(path) + PATH).sum();
        RULES + own + paths + self.tokens + self.documents_tokens
    }
}

/// One text of a context.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    #[serde(skip)]
    pub file: FileId,
    #[serde(skip)]
    pub id: Option<SymbolId>,
    /// Relative to the workspace folder, with `/`; absolute for files outside all folders.
    pub path: String,
    /// The qualified name, such as `pkg.mod.Class.f`.
    pub symbol: String,
    /// 1: shown with its code, because the target most probably depends on it; 2: shown by its signature, such as what
    /// comes next by rank, what level 1 depends on, and the target's callers.
    pub level: u8,
    pub form: Form,
    /// The lines of the file that the text was taken from, one-based and inclusive.
    pub start_line: u32,
    pub end_line: u32,
    /// Whether line `k` of the text is line `start_line + k` of the file, unchanged. Where it is not, a `class` line or
    /// a docstring's first line was added, or lines were left out.
    pub exact: bool,
    pub text: String,
    /// `o200k_base` tokens of the text and the line break after it.
    pub tokens: usize,
    /// Why it is here, the strongest reason first.
    pub reason: Vec<String>,
}

/// Something that was not shown, or not in full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    pub path: String,
    pub symbol: String,
    /// What is missing.
    pub form: Form,
    pub why: String,
}

/// How the budget was divided and used, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Levels {
    pub reserve: usize,
    pub level1: Share,
    pub level2: Share,
}

/// One level's part. A level that needs less than its share leaves the rest to the other, which then uses more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    pub share: usize,
    pub used: usize,
}

/// The length of [`Context::left_out`].
pub const MAX_LEFT_OUT: usize = 20;
/// The length of [`Context::imports`].
pub const MAX_IMPORTS: usize = 200;

/// Symbols that are less likely used than this are not worth their tokens.
const MIN_CHANCE: f32 = 0.000_02;
/// The number of symbols that are looked at more closely, and of those that are considered at any budget.
const MAX_JUDGED: usize = 1500;
const MAX_CANDIDATES: usize = 600;
/// Level 1 and level 2 divide what is not reserved by 40 to 30, but the signatures of level 2 have a claim to this many
/// tokens: below it they tell more than code.
const MIN_SIGNATURES: usize = 2_300;
const MAX_REASONS: usize = 3;
/// Tokens of the rules of a prompt and of what stands around its parts, and of what stands around a path.
const RULES: usize = 600;
const PATH: usize = 4;
/// Of what is not reserved, one part in so many may go to documents.
const DOCUMENTS_SHARE: usize = 10;
/// The same for signatures of libraries, of a budget of [`LIBRARY_BUDGET`] or more and never more than [`MAX_LIBRARY`] tokens: where
/// there is less room, the workspace's own code is worth more.
const LIBRARY_SHARE: usize = 6;
const LIBRARY_BUDGET: usize = 4_096;
const MAX_LIBRARY: usize = 1_000;
/// The same for files that the user named.
const INCLUDED_SHARE: usize = 5;
/// How many functions the ranker is refitted to, and how firmly the shipped weights are held against them.
const OWN_EXAMPLES: usize = 60;
const PRIOR_STRENGTH: f64 = 150.0;
const SMALL: usize = 4_000;

/// What to show beside `target` within `budget` tokens. Builds an [`Index`] for this one question.
pub fn context(analysis: &Analysis, target: SymbolId, budget: usize, options: &Options) -> Context {
    Index::new(analysis).context(target, budget, options)
}

impl Index {
    /// Fits the ranker to what the functions of this workspace use. Takes as long as some dozens of questions: where
    /// someone waits, only worth it in a small workspace ([`Self::is_small`]).
    pub fn refit(&mut self) {
        self.models = self.fit();
    }

    /// The ranker as [`Self::refit`] would leave it.
    pub fn fit(&self) -> Models {
        self.models.refit(&examples(self, OWN_EXAMPLES), PRIOR_STRENGTH, |_| false)
    }

    /// Ranks by `models` from now on.
    pub fn weigh(&mut self, models: Models) {
        self.models = models;
    }

    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Whether this is the index of `analysis`.
    pub fn is_of(&self, analysis: &Analysis) -> bool {
        self.analysis.is_same(analysis)
    }

    /// Whether [`Self::refit`] is a matter of moments.
    pub fn is_small(&self) -> bool {
        self.units.len() <= SMALL
    }

    /// What to show beside `target` within `budget` `o200k_base` tokens.
    ///
    /// `target` may be a function, a class, a module or a lambda, with or without a body. Of a function it is assumed
    /// that its body is still to be written; what an existing body uses is only one more piece of evidence.
    pub fn context(&self, target: SymbolId, budget: usize, options: &Options) -> Context {
        self.context_at(target, None, budget, options)
    }

    /// As [`Self::context`], asked at `place` in the target: that part of it is shown in any case.
    pub fn context_at(&self, target: SymbolId, place: Option<TextSize>, budget: usize, options: &Options) -> Context {
        self.context_with(target, place, budget, options, Sources::default())
    }

    /// As [`Self::context_with`], for a prompt: the target's own lines, imports, paths and rules are in the budget as well. Where
    /// the default reserve is not enough for them, there is less of the rest.
    pub fn context_for_prompt(&self, target: SymbolId, budget: usize, sources: &Sources) -> Context {
        let mut options = Options::default();
        loop {
            let context = self.context_with(target, None, budget, &options, sources.clone());
            let over = context.sent().saturating_sub(budget);
            if over == 0 || options.reserve >= 100 {
                return context;
            }
            let more = (over * 100).div_ceil(budget.max(1)).min(100) as u8;
            options.reserve = options.reserve.saturating_add(more).min(100);
        }
    }

    /// As [`Self::context_at`], with what there is in `sources`: first the files that the user named, then the passages that match
    /// well, then signatures of libraries.
    pub fn context_with(
        &self,
        target: SymbolId,
        place: Option<TextSize>,
        budget: usize,
        options: &Options,
        sources: Sources,
    ) -> Context {
        let view = self.analysis.symbol(target);
        let own = self.own_text(target, place, budget);
        let forms = Forms { index: self, target_file: target.file, target: view.range };
        let (ranked, rows) = self.rank(target, &forms);
        let reserve = percent(budget, usize::from(options.reserve.min(100)));
        let (mut documents, included_tokens) = self.include(&sources.included, (budget - reserve) / INCLUDED_SHARE);
        let (mut good, mut fair) = self.matching(&sources.query, sources.found);
        // What is shown because it was named is not shown again because it matches.
        let is_shown = |it: &Passage| documents.iter().any(|shown: &Passage| shown.covers(it));
        good.retain(|it| !is_shown(it));
        fair.retain(|it| !is_shown(it));
        let room = (budget - reserve) / DOCUMENTS_SHARE;
        let (good, good_tokens) = documents::fitting(good, room);
        documents.extend(good);
        let library = sources.libraries.as_ref().map_or_else(Vec::new, |libraries| {
            let whole = budget - reserve;
            let room = (whole / LIBRARY_SHARE).min(MAX_LIBRARY) * whole.min(LIBRARY_BUDGET) / LIBRARY_BUDGET;
            self.library_items(target, &sources.query, &**libraries, room)
        });
        let library_tokens: usize = library.iter().map(|item| item.tokens).sum();
        let rest = budget - reserve - included_tokens - good_tokens;
        let signatures = (rest / 7 * 3).max(rest.min(MIN_SIGNATURES));
        // Those of libraries are signatures too.
        let code = (rest - signatures).min(rest.saturating_sub(library_tokens));
        let rest = rest.saturating_sub(library_tokens);
        let token_budget = TokenBudget { code, signatures: rest - code };
        let selection = select::select(&forms, &ranked, token_budget);

        let mut items = self.items(&ranked, &rows, &selection);
        let tokens: usize = items.iter().map(|item| item.tokens).sum();
        let (fair, fair_tokens) = documents::fitting(fair, (room - good_tokens).min(rest - tokens));
        documents.extend(fair);
        let documents_tokens = included_tokens + good_tokens + fair_tokens;
        let left = rest - tokens - fair_tokens;
        let used = |level: u8| items.iter().filter(|item| item.level == level).map(|item| item.tokens).sum();
        let levels = Levels {
            reserve,
            level1: Share { share: token_budget.code, used: used(1) },
            level2: Share { share: token_budget.signatures, used: used(2) },
        };
        items.extend(library);
        Context {
            target: view.qualified_name(),
            imports: self.import_lines(target.file),
            left_out: self
                .cut_off(target, own.left_out)
                .chain(self.left_out(&ranked, &selection, left))
                .take(MAX_LEFT_OUT)
                .collect(),
            target_text: own.text,
            target_left_out: own.left_out,
            left_out_total: selection.refusals.iter().filter(|refusal| !refusal.in_part).count(),
            items,
            tokens: tokens + library_tokens,
            documents,
            documents_tokens,
            unread: sources.included.into_iter().filter_map(Included::unread).collect(),
            levels,
        }
    }

    /// The symbols worth showing, the likeliest first, and the evidence for every unit.
    fn rank(&self, target: SymbolId, forms: &Forms) -> (Vec<Candidate>, Vec<Row>) {
        let Some(focus) = Focus::new(self, target) else { return Default::default() };
        let rows = evidence::gather(self, &focus);
        let mut guesses: Vec<(f32, usize)> =
            rows.iter().enumerate().map(|(unit, row)| (self.models.first_guess(&row.values), unit)).collect();
        guesses.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        guesses.truncate(MAX_JUDGED);
        let candidate = |(_, unit): (f32, usize)| Candidate { unit, chance: self.models.chance(&rows[unit].values) };
        let mut ranked: Vec<Candidate> = guesses.into_iter().map(candidate).collect();
        ranked.retain(|candidate| candidate.chance >= MIN_CHANCE && forms.can_show(&self.units[candidate.unit]));
        ranked.sort_by(|a, b| b.chance.total_cmp(&a.chance).then(a.unit.cmp(&b.unit)));
        ranked.truncate(MAX_CANDIDATES);
        (ranked, rows)
    }

    fn items(&self, ranked: &[Candidate], rows: &[Row], selection: &Selection) -> Vec<Item> {
        let item = |choice: &select::Choice| {
            let candidate = &ranked[choice.candidate];
            let symbol = self.units[candidate.unit].symbols[0];
            Item {
                file: symbol.file,
                id: Some(symbol),
                path: form::display_path(self, symbol.file),
                symbol: self.analysis.symbol(symbol).qualified_name(),
                level: choice.level,
                form: choice.shape.form,
                start_line: choice.shape.start_line,
                end_line: choice.shape.end_line,
                exact: choice.shape.exact,
                text: choice.shape.text.clone(),
                tokens: choice.tokens,
                reason: self.reasons(&rows[candidate.unit]),
            }
        };
        selection.choices.iter().map(item).collect()
    }

    fn reasons(&self, row: &Row) -> Vec<String> {
        let name = |unit: usize| self.analysis.symbol(self.units[unit].symbols[0]).local_name();
        let reasons = row.reasons(self.models.of(&row.values), MAX_REASONS).into_iter();
        reasons.map(|(feature, via)| feature.reason.replace("{}", &via.map_or_else(String::new, name))).collect()
    }

    /// What there is to say of a target that is not shown in full.
    fn cut_off(&self, target: SymbolId, lines: usize) -> impl Iterator<Item = LeftOut> {
        let entry = || LeftOut {
            path: form::display_path(self, target.file),
            symbol: self.analysis.symbol(target).qualified_name(),
            form: Form::Body,
            why: format!("{lines} lines of its own text, which alone is more than the budget"),
        };
        (lines > 0).then(entry).into_iter()
    }

    fn left_out(&self, ranked: &[Candidate], selection: &Selection, left: usize) -> Vec<LeftOut> {
        let entry = |refusal: &select::Refusal| {
            let symbol = self.units[ranked[refusal.candidate].unit].symbols[0];
            let why = match refusal.tokens {
                0 => "its lines are too long to be shown".to_owned(),
                tokens if refusal.in_part => format!("its code takes {tokens} tokens, {left} are left"),
                tokens => format!("takes {tokens} tokens, {left} are left"),
            };
            let symbol_name = self.analysis.symbol(symbol).qualified_name();
            LeftOut { path: form::display_path(self, symbol.file), symbol: symbol_name, form: refusal.form, why }
        };
        selection.refusals.iter().take(MAX_LEFT_OUT).map(entry).collect()
    }

    fn import_lines(&self, file: FileId) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for import in self.analysis.imports(file) {
            // A statement that imports several names is listed once for each.
            if lines.last() != Some(&import.text) && lines.len() < MAX_IMPORTS {
                lines.push(import.text);
            }
        }
        lines
    }
}

fn percent(of: usize, percent: usize) -> usize {
    of / 100 * percent + of % 100 * percent / 100
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use fixture::Fixture;
    use graph::{AnalysisHost, Change};
    use proptest::prelude::*;

    use super::*;

    const SHOP: &str = r#"
#- /shop/__init__.py
#- /shop/money.py
class Money:
    """An amount with a currency.

    Never negative.
    """
    cents: int

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def plus(self, other: "Money") -> "Money":
        """The sum of two amounts."""
        return Money(self.cents + other.cents)
#- /shop/cart.py
from shop.money import Money

class Line:
    name: str
    price: Money

class Cart:
    """What a customer wants to buy."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def total(self) -> Money:
        total = Money(0)
        for line in self.lines:
            total = total.plus(line.price)
        return total

    @property
    def is_empty(self) -> bool:
        return not self.lines
#- /shop/discount.py
from shop.cart import Cart
from shop.money import Money

def best_discount(cart: Cart) -> Money:
    """The largest discount that applies."""
    if cart.is_empty:
        return Money(0)
    return halve(cart.total())

def halve(amount: Money) -> Money:
    return Money(amount.cents // 2)
#- /shop/unrelated.py
def parse_colour(text):
    return int(text, 16)
#- /shop/order.py
from shop.cart import Cart
from shop.discount import best_discount
from shop.money import Money

class Order:
    total: Money

def check$0out(cart: Cart) -> Order:
    """Turns a cart into an order, less the discount."""
    ...

def main():
    checkout(Cart())
#- /tests/test_order.py
from shop.cart import Cart
from shop.order import checkout

def test_checkout():
    assert checkout(Cart()).total.cents == 0
"#;

    /// The snapshot of a fixture and the definition around its cursor.
    fn load(text: &str) -> (Analysis, SymbolId) {
        let fixture = Fixture::parse(text.trim_start());
        let mut change = Change::default();
        for file in &fixture.files {
            change.set(PathBuf::from(&file.path), Arc::<str>::from(file.text.as_str()));
        }
        let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
        host.apply(change);
        let analysis = host.analysis();
        let cursor = fixture.cursor();
        let file = analysis.file(Path::new(&fixture.files[cursor.file].path)).expect("the file was added");
        let target = analysis.enclosing(file, TextSize::new(cursor.offset as u32));
        (analysis, target)
    }

    const ALL: Options = Options { reserve: 0 };

    fn check(text: &str, budget: usize, expected: Expect) {
        let (analysis, target) = load(text);
        let context = context(&analysis, target, budget, &ALL);
        let mut drawn = format!("{}: {} tokens\n", context.target, context.tokens);
        for item in &context.items {
            let Item { symbol, level, form, start_line, end_line, tokens, .. } = item;
            drawn +=
                &format!("{level} {form:?} {symbol} {start_line}-{end_line} {tokens}: {}\n", item.reason.join("; "));
        }
        expected.assert_eq(&drawn);
    }

    #[test]
    fn a_small_budget_goes_to_signatures() {
        check(
            SHOP,
            60,
            expect![[r#"
                shop.order.checkout: 57 tokens
                2 Signature shop.discount.best_discount 4-4 10: imported by the target's file and not used there yet; shares words with the target's docstring; in a module that shares words with the target
                2 Signature shop.order.Order 5-5 3: named in the target's signature or decorators; shares words with the target's docstring; close to the target in its file
                2 Signature shop.cart.Cart 7-7 3: used by main, which resembles the target; shares words with the target's docstring; in a module that shares words with the target
                2 Signature shop.cart.Cart.total 13-13 8: used by best_discount, which resembles the target; a member of Cart, a type that the target's file imports or makes; in a module that shares words with the target
                2 Signature shop.cart.Cart.is_empty 19-20 13: used by best_discount, which resembles the target; a member of Cart, a type that the target's file imports or makes; in a module that shares words with the target
                2 Signature shop.money.Money 1-1 3: used by best_discount, which resembles the target; the type of an attribute at hand; used elsewhere in the target's file
                2 Body shop.money.Money.cents 6-6 5: used by test_checkout, which resembles the target; a member of Money, a type that the target's file imports or makes; a member of Money, the type of an attribute at hand
                2 Signature shop.discount.halve 10-10 9: used by best_discount, which resembles the target; in a module that shares words with the target; often used where Cart is at hand
                2 Signature shop.cart.Line 3-3 3: used by Cart.__init__, which resembles the target; in a module that shares words with the target; the type of an attribute at hand
            "#]],
        );
    }

    #[test]
    fn a_larger_budget_shows_code() {
        check(
            SHOP,
            2_000,
            expect![[r#"
                shop.order.checkout: 275 tokens
                1 Body shop.discount.best_discount 4-8 36: imported by the target's file and not used there yet; shares words with the target's docstring; in a module that shares words with the target
                1 Body shop.order.Order 5-6 8: named in the target's signature or decorators; shares words with the target's docstring; close to the target in its file
                1 Body shop.cart.Cart 7-21 85: used by main, which resembles the target; shares words with the target's docstring; in a module that shares words with the target
                1 Body shop.discount.halve 10-11 19: used by best_discount, which resembles the target; in a module that shares words with the target; often used where Cart is at hand
                1 Body shop.money.Money 1-13 76: used by best_discount, which resembles the target; the type of an attribute at hand; used elsewhere in the target's file
                1 Body shop.cart.Line 3-5 13: used by Cart.__init__, which resembles the target; in a module that shares words with the target; the type of an attribute at hand
                1 Body shop.order.main 12-13 8: close to the target in its file; in a module that shares words with the target; the target's file uses more of its module
                1 Body tests.test_order.test_checkout 4-5 17: shares words with the target's name; in a module that shares words with the target; well connected to the target in the graph
                1 Body shop.unrelated.parse_colour 1-2 13: a function; used by nobody else yet; in a module that no other file imports yet
            "#]],
        );
    }

    #[test]
    fn texts_keep_their_class() {
        let (analysis, target) = load(SHOP);
        let context = context(&analysis, target, 120, &ALL);
        let texts: Vec<_> = context.items.iter().map(|item| item.text.as_str()).collect();
        expect![[r#"
            def best_discount(cart: Cart) -> Money:
                """The largest discount that applies."""
            class Order:
                total: Money
            class Cart:
                """What a customer wants to buy."""
                def total(self) -> Money:
                @property
                def is_empty(self) -> bool:
                    self.lines: list[Line] = []
            class Money:
                cents: int
                def plus(self, other: "Money") -> "Money":
            def halve(amount: Money) -> Money:
            class Line:
                price: Money
                name: str"#]]
        .assert_eq(&texts.join("\n"));
        for item in &context.items {
            let source = analysis.source(item.file).text();
            let lines: Vec<&str> = source.lines().collect();
            let shown = lines[item.start_line as usize - 1..item.end_line as usize].join("\n");
            assert!(!item.exact || shown == item.text, "{} claims to be exact", item.symbol);
        }
    }

    #[test]
    fn the_target_is_no_context_for_itself() {
        let text = SHOP.replace("    ...\n", "    secret = cart.total()\n    return Order()\n");
        let (analysis, target) = load(&text);
        let context = context(&analysis, target, 5_000, &ALL);
        assert!(context.target_text.contains("secret"));
        assert!(context.items.iter().all(|item| !item.text.contains("secret")));
        assert!(context.items.iter().all(|item| item.symbol != "shop.order.checkout"));
        assert_eq!(context.imports[0], "from shop.cart import Cart");
    }

    #[test]
    fn an_existing_body_is_evidence() {
        let text = SHOP.replace("    ...\n", "    from shop.unrelated import parse_colour\n    parse_colour('')\n");
        let (analysis, target) = load(&text);
        let context = context(&analysis, target, 5_000, &ALL);
        let used = context.items.iter().find(|item| item.symbol == "shop.unrelated.parse_colour");
        assert_eq!(used.map(|item| item.reason[0].as_str()), Some("the target's code uses it"));
    }

    #[test]
    fn what_is_missing_is_told() {
        let (analysis, target) = load(SHOP);
        let context = context(&analysis, target, 100, &Options::default());
        assert_eq!(context.levels.reserve, 30);
        assert_eq!(context.levels.level1.share + context.levels.level2.share, 70);
        assert!(context.tokens <= 70);
        assert!(!context.left_out.is_empty() && context.left_out.len() <= MAX_LEFT_OUT);
        assert!(context.left_out_total > 0);
        assert!(context.left_out[0].why.contains("tokens"), "{}", context.left_out[0].why);
    }

    #[test]
    fn json_has_the_fields_that_tools_read() {
        let (analysis, target) = load(SHOP);
        let json = serde_json::to_value(context(&analysis, target, 500, &ALL)).expect("plain data");
        let item = &json["items"][0];
        for field in ["path", "start_line", "end_line", "exact", "symbol", "text", "tokens", "reason"] {
            assert!(!item[field].is_null(), "no field {field}");
        }
        assert!(item["path"].as_str().is_some_and(|path| path.starts_with("shop/")));
        assert!(item.get("file").is_none());
    }

    #[test]
    fn extreme_budgets() {
        let (analysis, target) = load(SHOP);
        let nothing = context(&analysis, target, 0, &Options::default());
        assert!(nothing.items.is_empty() && nothing.tokens == 0 && !nothing.left_out.is_empty());
        let everything = context(&analysis, target, usize::MAX, &Options { reserve: 255 });
        assert!(everything.items.is_empty(), "all of it is reserved");
        let everything = context(&analysis, target, usize::MAX, &ALL);
        assert!(everything.left_out.is_empty());
        assert!(everything.items.iter().all(|item| item.form == Form::Body || item.symbol == "shop.order.Order"));
    }

    #[test]
    fn any_definition_can_be_a_target() {
        let cases = [
            ("#- /a.py\nimport b\n$0\nb.f()\n#- /b.py\ndef f(): return 1\n", "a", Some("b.f")),
            ("#- /a.py\nfrom b import B\nclass $0C(B):\n    pass\n#- /b.py\nclass B:\n    x = 1\n", "a.C", Some("b.B")),
            (
                "#- /a.py\nfrom b import f\ng = lambda x: f($0x)\n#- /b.py\ndef f(x): return x\n",
                "a.<lambda1>",
                Some("b.f"),
            ),
            ("#- /a.py\n$0", "a", None),
        ];
        for (text, name, expected) in cases {
            let (analysis, target) = load(text);
            let context = context(&analysis, target, 1_000, &ALL);
            assert_eq!(context.target, name);
            let found: Vec<_> = context.items.iter().map(|item| item.symbol.as_str()).collect();
            assert_eq!(expected.is_none(), found.is_empty(), "{name}: {found:?}");
            assert!(expected.is_none_or(|expected| found.contains(&expected)), "{name}: {found:?}");
        }
    }

    #[test]
    fn what_a_function_gives_is_known_without_annotations() {
        let (analysis, _) = load(
            "#- /a.py\nclass A:\n    def copy(self):\n        return self\n\ndef make():\n    return A()\n\
             \ndef many() -> list[A]: ...\n\ndef other():$0\n    return 1\n",
        );
        let given = |name: &str| {
            let types = analysis.returned_types(analysis.find(name)[0]);
            types.into_iter().map(|class| analysis.symbol(class).name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!([given("a.make"), given("a.many"), given("a.A.copy")], [["A"], ["A"], ["A"]]);
        assert!(given("a.other").is_empty());
    }

    #[test]
    fn broken_files_have_a_context() {
        let broken = SHOP.replace("def main():", "def broken(a, (:\n    x = [\n\ndef main():");
        let (analysis, target) = load(&broken);
        let context = context(&analysis, target, 1_000, &ALL);
        assert!(context.items.iter().any(|item| item.symbol == "shop.cart.Cart"));
    }

    #[test]
    fn enormous_definitions_are_cut() {
        let long = format!("def f():\n{}", "    x = 1\n".repeat(3_000));
        let (analysis, target) = load(&format!("#- /a.py\nfrom b import f\ndef g():$0\n    ...\n#- /b.py\n{long}"));
        let found = context(&analysis, target, 1_000_000, &ALL);
        let item = &found.items[0];
        assert_eq!((item.form, item.exact, item.text.lines().count()), (Form::Excerpt, false, 31));
        assert!(item.text.ends_with("    ..."));

        let target = analysis.find("b.f")[0];
        let found = context(&analysis, target, 1_000, &ALL);
        assert!(found.target_text.ends_with(" lines are left out here …"));

        let data =
            format!("#- /a.py\nfrom b import D\ndef g():$0\n    ...\n#- /b.py\nD = {:?}\n", "x".repeat(1_000_000));
        let (analysis, target) = load(&data);
        let found = context(&analysis, target, 1_000_000, &ALL);
        assert!(found.items.is_empty());
        assert_eq!(found.left_out[0].why, "its lines are too long to be shown");
    }

    #[test]
    fn files_in_any_order_give_the_same_bytes() {
        let fixture = Fixture::parse(SHOP.trim_start());
        let render = |reversed: bool| {
            let mut files: Vec<_> = fixture.files.iter().collect();
            if reversed {
                files.reverse();
            }
            let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
            for file in files {
                let mut change = Change::default();
                change.set(PathBuf::from(&file.path), Arc::<str>::from(file.text.as_str()));
                host.apply(change);
            }
            let analysis = host.analysis();
            let target = analysis.find("shop.order.checkout")[0];
            serde_json::to_string(&context(&analysis, target, 300, &ALL)).expect("plain data")
        };
        assert_eq!(render(false), render(true));
        assert_eq!(render(false), render(false));
    }

    proptest! {
        #[test]
        fn budgets_hold_and_grow(budget in 0usize..600, more in 0usize..600, reserve in 0u8..=100) {
            let (analysis, target) = load(SHOP);
            let index = Index::new(&analysis);
            let options = Options { reserve };
            let small = index.context(target, budget, &options);
            prop_assert!(small.tokens + small.levels.reserve <= budget);
            for item in &small.items {
                prop_assert_eq!(item.tokens, count_tokens(&(item.text.clone() + "\n")));
            }
            let large = index.context(target, budget + more, &options);
            // With hardly any tokens, more of them make room for what is likelier needed.
            if let Some(first) = small.items.first().filter(|_| small.tokens > 60) {
                prop_assert!(large.items.iter().any(|item| item.symbol == first.symbol));
            }
        }
    }
}
