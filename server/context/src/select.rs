//! Chooses what is shown, and how much of it, under a budget.
//!
//! Each symbol offers up to four steps: its signature's first line, its signature, its docstring's first line, its code. Steps are taken in the
//! order of what they promise per token; so a small budget goes to signatures, and code comes with a larger one.

use graph::SymbolKind;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::form::{Form, Forms, Shape, summary_line};
use crate::tokens::Counter;

/// A symbol that may be shown.
pub(crate) struct Candidate {
    pub unit: usize,
    /// The probability that the target uses it.
    pub chance: f32,
}

/// A symbol that is shown.
pub(crate) struct Choice {
    /// Index into the candidates.
    pub candidate: usize,
    /// 1 or 2.
    pub level: u8,
    pub shape: Shape,
    pub tokens: usize,
}

/// A symbol that is not shown, or whose code is not.
pub(crate) struct Refusal {
    pub candidate: usize,
    /// What is missing.
    pub form: Form,
    /// 0 when it cannot be shown at any budget.
    pub tokens: usize,
    /// Whether at least the signature is shown.
    pub in_part: bool,
}

pub(crate) struct Selection {
    /// In the order of the candidates.
    pub choices: Vec<Choice>,
    pub refusals: Vec<Refusal>,
}

/// Tokens that may be spent, by level.
#[derive(Clone, Copy)]
pub(crate) struct TokenBudget {
    pub code: usize,
    pub signatures: usize,
}

impl TokenBudget {
    /// Pays from the level's own share; with `pooled` also from what the other has left.
    fn pay(&mut self, level: u8, cost: usize, pooled: bool) -> bool {
        let (own, other) = self.shares(level);
        let rest = cost.saturating_sub(*own);
        if rest > 0 && (!pooled || rest > *other) {
            return false;
        }
        *own -= cost - rest;
        *other -= rest;
        true
    }

    fn shares(&mut self, level: u8) -> (&mut usize, &mut usize) {
        if level == 1 { (&mut self.code, &mut self.signatures) } else { (&mut self.signatures, &mut self.code) }
    }
}

/// What a step costs besides its tokens: attention. Keeps very short texts from winning by their shortness.
const SIGNATURE_OVERHEAD: f32 = 3.0;
const CODE_OVERHEAD: f32 = 12.0;
/// What the first line of a signature is worth beside all of it.
const LINE_WORTH: f32 = 0.9;
/// What a docstring's line is worth beside the signature.
const SUMMARY_WORTH: f32 = 0.03;
/// What a signature and code in the target's own file are worth beside those elsewhere, because its reader has them at
/// hand; still less below a budget of so many tokens, in proportion to it.
const OWN_SIGNATURE_WORTH: (f32, f32) = (0.35, 4096.0);
const OWN_CODE_WORTH: (f32, f32) = (0.05, 16_384.0);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Line,
    Signature,
    Summary,
    Code,
}

impl Step {
    /// Code belongs to level 1, all else to level 2.
    fn level(self) -> u8 {
        if self == Step::Code { 1 } else { 2 }
    }
}

/// The texts of one candidate and what has been taken of them.
struct Offer {
    line: Option<Shape>,
    signature: Shape,
    summary: Option<String>,
    code: Option<Shape>,
    taken: Option<Step>,
    paid: usize,
}

/// Chooses among `candidates`, which are sorted by falling chance.
pub(crate) fn select(forms: &Forms, candidates: &[Candidate], token_budget: TokenBudget) -> Selection {
    let offers = candidates.iter().map(|candidate| offer(forms, candidate.unit)).collect();
    let mut selecting = Selecting {
        forms,
        candidates,
        offers,
        token_budget,
        counter: forms.index.counter.clone(),
        code: FxHashMap::default(),
        placed: FxHashSet::default(),
    };
    selecting.run();
    selecting.finish()
}

fn offer(forms: &Forms, unit: usize) -> Option<Offer> {
    let unit = &forms.index.units[unit];
    let mut signature = forms.signature(unit)?;
    let mut code = forms.body(unit);
    if let Some(whole) = &code
        && whole.text == signature.text
    {
        signature.form = whole.form;
        code = None;
    }
    let line = forms.line(unit, &signature);
    let summary = if unit.symbols.len() == 1 { summary_line(forms.index, unit) } else { None };
    Some(Offer { line, signature, summary, code, taken: None, paid: 0 })
}

struct Selecting<'a> {
    forms: &'a Forms<'a>,
    candidates: &'a [Candidate],
    /// One per candidate; `None` for what cannot be shown.
    offers: Vec<Option<Offer>>,
    token_budget: TokenBudget,
    counter: Counter,
    /// By file the candidates whose code has been taken, if only for a time.
    code: FxHashMap<usize, Vec<usize>>,
    /// Classes whose `class` line is paid for.
    placed: FxHashSet<usize>,
}

impl Selecting<'_> {
    fn run(&mut self) {
        // Whatever else a larger budget buys, it never loses the symbol that is most likely needed.
        for candidate in 0..self.candidates.len() {
            if !self.is_own_file(candidate) && self.take(candidate, Step::Signature, true) {
                break;
            }
        }
        let steps = self.steps();
        let mut postponed = Vec::new();
        for (candidate, step) in steps {
            if !self.take(candidate, step, false) {
                postponed.push((candidate, step));
            }
        }
        // What one level left over flows to the other.
        for (candidate, step) in postponed {
            self.take(candidate, step, true);
        }
    }

    /// All steps, the most promising first.
    fn steps(&self) -> Vec<(usize, Step)> {
        let estimate = |text: &str| text.len() as f32 / 4.0;
        let total = (self.token_budget.code + self.token_budget.signatures) as f32;
        let mut steps = Vec::new();
        for (number, (candidate, offer)) in self.candidates.iter().zip(&self.offers).enumerate() {
            let Some(offer) = offer else { continue };
            let signature = estimate(&offer.signature.text);
            let (chance, code_chance) = if self.is_own_file(number) {
                let scaled = |(worth, full): (f32, f32)| candidate.chance * worth * (total / full).min(1.0);
                (scaled(OWN_SIGNATURE_WORTH), scaled(OWN_CODE_WORTH))
            } else {
                (candidate.chance, candidate.chance)
            };
            if let Some(line) = &offer.line {
                let line = estimate(&line.text);
                steps.push((LINE_WORTH * chance / (line + SIGNATURE_OVERHEAD), number, Step::Line));
                let promise = (1.0 - LINE_WORTH) * chance / (signature - line + SIGNATURE_OVERHEAD);
                steps.push((promise, number, Step::Signature));
            } else {
                steps.push((chance / (signature + SIGNATURE_OVERHEAD), number, Step::Signature));
            }
            if let Some(summary) = &offer.summary {
                let promise = SUMMARY_WORTH * chance / (estimate(summary) + SIGNATURE_OVERHEAD);
                steps.push((promise, number, Step::Summary));
            }
            if let Some(code) = &offer.code {
                let more = (estimate(&code.text) - signature).max(0.0);
                steps.push((code_chance / (more + CODE_OVERHEAD), number, Step::Code));
            }
        }
        // The sort is stable: equal promises stay in the order of the candidates.
        steps.sort_by(|a, b| b.0.total_cmp(&a.0));
        steps.into_iter().map(|(_, number, step)| (number, step)).collect()
    }

    /// Takes a step if it can be paid for; true also when there is nothing to do.
    fn take(&mut self, candidate: usize, step: Step, pooled: bool) -> bool {
        let Some(offer) = &self.offers[candidate] else { return false };
        let done = match (offer.taken, step) {
            (Some(taken), _) if taken >= step => true,
            // A summary without a signature says nothing; the signature did not fit.
            (None | Some(Step::Line), Step::Summary) => true,
            _ => self.is_covered(candidate, step),
        };
        if done {
            return true;
        }
        let Some(text) = offer.text(step) else { return true };
        let paid = offer.paid;
        let cost = self.counter.count(&text);
        let header = self.header(candidate);
        if !self.token_budget.pay(step.level(), cost.saturating_sub(paid) + header, pooled) {
            return false;
        }
        self.placed.extend(self.class_of(candidate));
        if step == Step::Code {
            self.code.entry(self.place(candidate)).or_default().push(candidate);
            self.drop_covered(candidate);
        }
        if let Some(offer) = &mut self.offers[candidate] {
            offer.taken = Some(step);
            offer.paid = offer.paid.max(cost);
        }
        true
    }

    fn class_of(&self, candidate: usize) -> Option<usize> {
        let number = self.candidates[candidate].unit;
        let unit = &self.forms.index.units[number];
        // A class in a class may yet be shown as a part of the other.
        unit.owner.or((unit.kind == SymbolKind::Class).then_some(number))
    }

    /// The tokens of the `class` line that a member needs, if it is the first of its class.
    fn header(&mut self, candidate: usize) -> usize {
        if self.class_of(candidate).is_some_and(|class| self.placed.contains(&class)) {
            return 0;
        }
        let line = self.forms.class_line(&self.forms.index.units[self.candidates[candidate].unit]);
        line.map_or(0, |line| self.counter.count(&(line + "\n")))
    }

    fn is_own_file(&self, candidate: usize) -> bool {
        self.forms.index.files[self.place(candidate)].id == self.forms.target_file
    }

    fn place(&self, candidate: usize) -> usize {
        self.forms.index.units[self.candidates[candidate].unit].file
    }

    /// Whether the lines of a step are already shown as part of other code.
    fn is_covered(&self, candidate: usize, step: Step) -> bool {
        let Some(shape) = self.offers[candidate].as_ref().and_then(|offer| offer.shape(step)) else { return false };
        let others = self.code.get(&self.place(candidate)).into_iter().flatten();
        others.filter(|&&other| other != candidate).any(|&other| {
            let other = self.offers[other].as_ref().filter(|other| other.taken == Some(Step::Code));
            other.and_then(|other| other.code.as_ref()).is_some_and(|shown| shown.covers(shape))
        })
    }

    /// Takes back what the code of `candidate` shows as well.
    fn drop_covered(&mut self, candidate: usize) {
        let Some(code) = self.offers[candidate].as_ref().and_then(|offer| offer.code.clone()) else { return };
        for other in 0..self.offers.len() {
            if other == candidate || self.place(other) != self.place(candidate) {
                continue;
            }
            if let Some(other) = &mut self.offers[other]
                && let Some(step) = other.taken
                && other.shape(step).is_some_and(|shape| code.covers(shape))
            {
                other.taken = None;
                *self.token_budget.shares(step.level()).0 += std::mem::take(&mut other.paid);
            }
        }
    }

    fn finish(mut self) -> Selection {
        let mut selection = Selection { choices: Vec::new(), refusals: Vec::new() };
        let mut chosen = Vec::new();
        let shown: Vec<bool> =
            (0..self.offers.len()).map(|candidate| self.is_covered(candidate, Step::Signature)).collect();
        let offers = std::mem::take(&mut self.offers);
        for (candidate, offer) in offers.iter().enumerate() {
            let mut refuse = |form, tokens, in_part| {
                selection.refusals.push(Refusal { candidate, form, tokens, in_part });
            };
            let Some(offer) = offer else {
                refuse(Form::Signature, 0, false);
                continue;
            };
            let Some(step) = offer.taken else {
                if !shown[candidate] {
                    refuse(offer.signature.form, self.counter.count(&offer.signature.text), false);
                }
                continue;
            };
            if step != Step::Code
                && let Some(code) = &offer.code
            {
                refuse(code.form, self.counter.count(&code.text), true);
            }
            chosen.push((candidate, step.level(), offer.show(step)));
        }
        selection.choices = self.grouped(chosen);
        selection
    }

    /// Members of a class follow each other and share one `class` line, or follow the class where it is shown itself.
    /// The groups are in the order of their best candidates.
    fn grouped(&mut self, mut chosen: Vec<(usize, u8, Shape)>) -> Vec<Choice> {
        let units = &self.forms.index.units;
        let mut first: FxHashMap<usize, usize> = FxHashMap::default();
        let group = |candidate: usize| {
            let number = self.candidates[candidate].unit;
            units[number].owner.unwrap_or(number)
        };
        for (candidate, ..) in &chosen {
            first.entry(group(*candidate)).or_insert(*candidate);
        }
        chosen.sort_by_key(|&(candidate, ..)| {
            let class = group(candidate);
            (first[&class], self.candidates[candidate].unit != class, candidate)
        });
        let mut open = None;
        let mut choices = Vec::new();
        for (candidate, level, mut shape) in chosen {
            let number = self.candidates[candidate].unit;
            let unit = &self.forms.index.units[number];
            if let Some(line) = self.forms.class_line(unit).filter(|_| open != unit.owner) {
                shape.text = format!("{line}\n{}", shape.text);
                shape.exact = false;
            }
            open = unit.owner.or(Some(number));
            let tokens = self.counter.count(&(shape.text.clone() + "\n"));
            choices.push(Choice { candidate, level, shape, tokens });
        }
        choices
    }
}

impl Offer {
    /// The lines of the file that a step shows.
    fn shape(&self, step: Step) -> Option<&Shape> {
        match step {
            Step::Line => self.line.as_ref(),
            Step::Signature | Step::Summary => Some(&self.signature),
            Step::Code => self.code.as_ref(),
        }
    }

    /// What is charged for a step: the text with its line break.
    fn text(&self, step: Step) -> Option<String> {
        let shape = self.shape(step)?;
        match (step, &self.summary) {
            (Step::Summary, Some(summary)) => Some(format!("{}\n{summary}\n", shape.text)),
            (Step::Summary, None) => None,
            _ => Some(format!("{}\n", shape.text)),
        }
    }

    fn show(&self, step: Step) -> Shape {
        let mut shape = self.shape(step).unwrap_or(&self.signature).clone();
        if step == Step::Summary
            && let Some(summary) = &self.summary
        {
            shape.text = format!("{}\n{summary}", shape.text);
            shape.exact = false;
        }
        shape
    }
}
