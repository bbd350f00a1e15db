//! Logistic regression: what each piece of evidence weighs, learned from functions whose bodies are known.
//!
//! Every function of a workspace is an example of what a function with such a signature, in such a place, uses. Its own
//! body is hidden while the evidence is gathered, and for seven of eight also the imports that only it needs. The
//! weights are the most probable ones given those examples and a normal distribution around the weights of
//! [`FEATURES`], found by Newton's method; the same workspace always gives the same.

use std::sync::{Arc, LazyLock};

use crate::evidence::{self, Focus, Unwritten};
use crate::features::{BASE, FEATURES, Feature, FeatureInfo, OWN_FILE_BASE, Values};
use crate::forest::{Forest, Growth};
use crate::index::{Function, Index};

/// The weight of each feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The log-odds of use when there is no evidence at all.
    pub base: f32,
    /// In the order of [`FEATURES`].
    pub weights: [f32; FEATURES.len()],
}

/// The rankers: what is in the target's own file is used for other reasons than what is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    pub elsewhere: Model,
    pub own_file: Model,
    /// What is added to the weighted sum.
    pub forest: Arc<Forest>,
}

/// The trees that are shipped.
static FOREST: LazyLock<Arc<Forest>> = LazyLock::new(|| Arc::new(Forest::from_bytes(include_bytes!("forest.bin"))));

impl Default for Models {
    /// The weights that are shipped.
    fn default() -> Self {
        let weights = |weight: fn(&FeatureInfo) -> f32| std::array::from_fn(|slot| weight(&FEATURES[slot]));
        Models {
            elsewhere: Model { base: BASE, weights: weights(|feature| feature.weight) },
            own_file: Model { base: OWN_FILE_BASE, weights: weights(|feature| feature.own_file_weight) },
            forest: FOREST.clone(),
        }
    }
}

impl Models {
    pub(crate) fn of(&self, values: &Values) -> &Model {
        if values[Feature::Sibling as usize] > 0.0 { &self.own_file } else { &self.elsewhere }
    }

    /// The probability that the target's body uses a symbol with this evidence.
    pub(crate) fn chance(&self, values: &Values) -> f32 {
        probability(self.of(values).odds(values) + self.forest.odds(values))
    }

    /// The same by the weighted sum alone: a rougher guess, quickly made.
    pub(crate) fn first_guess(&self, values: &Values) -> f32 {
        probability(self.of(values).odds(values))
    }

    /// How badly the models foresee `examples`: the mean negative log-likelihood, in nats for each use.
    pub fn loss(&self, examples: &[Example]) -> f64 {
        let loss = |example: &Example| {
            let chance = f64::from(self.chance(&example.values)).clamp(1e-9, 1.0 - 1e-9);
            -f64::from(example.weight) * if example.is_used { chance.ln() } else { (1.0 - chance).ln() }
        };
        let uses = examples.iter().filter(|example| example.is_used).count();
        examples.iter().map(loss).sum::<f64>() / uses.max(1) as f64
    }

    /// Both models, each fitted to the examples that are its.
    #[must_use]
    pub fn refit(&self, examples: &[Example], prior_strength: f64, frozen: impl Fn(usize) -> bool) -> Models {
        let is_own = |example: &&Example| example.values[Feature::Sibling as usize] > 0.0;
        let (own, other): (Vec<&Example>, Vec<&Example>) = examples.iter().partition(is_own);
        Models {
            elsewhere: self.elsewhere.refit(&other, &self.forest, prior_strength, &frozen),
            own_file: self.own_file.refit(&own, &self.forest, prior_strength, &frozen),
            forest: self.forest.clone(),
        }
    }

    /// The same weights with new trees, for what the weights leave unexplained of `examples`.
    #[must_use]
    pub fn regrown(self, examples: &[Example], growth: &Growth) -> Models {
        let odds: Vec<f32> = examples.iter().map(|example| self.of(&example.values).odds(&example.values)).collect();
        let allowed = |slot: usize| FIXED.iter().all(|&fixed| fixed as usize != slot);
        Models { forest: Arc::new(Forest::grow(examples, &odds, growth, allowed)), ..self }
    }
}

/// What is known of one symbol and one function.
#[derive(Clone, Debug)]
pub struct Example {
    pub(crate) values: Values,
    is_used: bool,
    /// For how many such examples it stands.
    weight: f32,
}

impl Example {
    /// The same example, had nobody looked for this evidence.
    #[must_use]
    pub fn without(&self, slot: usize) -> Example {
        let mut example = self.clone();
        example.values[slot] = 0.0;
        example
    }

    /// How the log-likelihood changes with the log-odds: its slope, and its second derivative with the sign turned.
    pub(crate) fn slope(&self, odds: f64) -> (f32, f32) {
        let (chance, weight) = (1.0 / (1.0 + (-odds).exp()), f64::from(self.weight));
        ((weight * (f64::from(u8::from(self.is_used)) - chance)) as f32, (weight * chance * (1.0 - chance)) as f32)
    }
}

fn probability(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

/// Of the symbols that a function does not use, those that are likeliest to be taken for used are all examples; of the
/// others every so many-th is.
const HARD: usize = 300;
const EASY_STEP: usize = 25;
/// Functions that use less tell little.
const MIN_USES: usize = 3;
const MIN_USES_ELSEWHERE: usize = 2;
/// The parameters of a model: the weights and the base.
const SIZE: usize = FEATURES.len() + 1;
const STEPS: usize = 12;

/// Features that say something about a body or imports that are already there; hidden bodies teach nothing about them.
const FIXED: [Feature; 1] = [Feature::BodyUse];

/// What at most `most` functions of `index` teach, spread evenly over all of them. Together they weigh as much as they are.
pub fn examples(index: &Index, most: usize) -> Vec<Example> {
    let is_telling = |function: &&Function| {
        let file = index.units[function.unit].file;
        let elsewhere = function.uses.iter().filter(|&&used| index.units[used].file != file).count();
        function.uses.len() >= MIN_USES && elsewhere >= MIN_USES_ELSEWHERE
    };
    let telling: Vec<_> = index.functions.iter().filter(is_telling).collect();
    let step = telling.len().div_ceil(most.max(1)).max(1);
    let mut examples = Vec::new();
    for (number, function) in telling.into_iter().step_by(step).enumerate() {
        let unwritten = if number % 8 != 7 { Unwritten::Imports } else { Unwritten::Body };
        let Some(focus) = Focus::unwritten(index, function, unwritten) else { continue };
        let rows = evidence::gather(index, &focus);
        let mut others: Vec<(f32, usize)> = Vec::new();
        for (unit, row) in rows.iter().enumerate().filter(|&(unit, _)| unit != function.unit) {
            if function.uses.binary_search(&unit).is_ok() {
                examples.push(Example { values: row.values, is_used: true, weight: 1.0 });
            } else {
                others.push((index.models.first_guess(&row.values), unit));
            }
        }
        others.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let hard = others.iter().take(HARD).map(|&(_, unit)| (unit, 1.0));
        let easy = others.iter().skip(HARD).step_by(EASY_STEP).map(|&(_, unit)| (unit, EASY_STEP as f32));
        examples.extend(hard.chain(easy).map(|(unit, weight)| Example {
            values: rows[unit].values,
            is_used: false,
            weight,
        }));
    }
    examples
}

impl Model {
    /// The log-odds that the target's body uses a symbol with this evidence.
    pub(crate) fn odds(&self, values: &Values) -> f32 {
        self.base + self.weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f32>()
    }

    /// The model that explains `examples` best, without straying from this one more than they warrant: `prior_strength` is how
    /// firmly each weight is held. Features for which `frozen` holds keep their weight. The forest stays as it is.
    fn refit(
        &self,
        examples: &[&Example],
        forest: &Forest,
        prior_strength: f64,
        frozen: impl Fn(usize) -> bool,
    ) -> Model {
        let offsets: Vec<f64> = examples.iter().map(|example| f64::from(forest.odds(&example.values))).collect();
        let start = |slot: usize| if slot < FEATURES.len() { self.weights[slot] } else { self.base };
        let prior: [f64; SIZE] = std::array::from_fn(|slot| f64::from(start(slot)));
        let is_frozen = |slot: usize| FIXED.iter().any(|&fixed| fixed as usize == slot) || frozen(slot);
        let mut at = prior;
        for _ in 0..STEPS {
            let (mut gradient, mut curvature) = derivatives(examples, &offsets, &at);
            for slot in 0..SIZE {
                gradient[slot] -= prior_strength * (at[slot] - prior[slot]);
                curvature[slot][slot] += prior_strength;
                if is_frozen(slot) {
                    gradient[slot] = 0.0;
                    (0..SIZE).for_each(|other| (curvature[slot][other], curvature[other][slot]) = (0.0, 0.0));
                    curvature[slot][slot] = 1.0;
                }
            }
            let step = solve(curvature, gradient);
            // Far steps of Newton's method may overshoot.
            let longest = step.iter().fold(0.0f64, |longest, part| longest.max(part.abs()));
            let scale = if longest > 4.0 { 4.0 / longest } else { 1.0 };
            at.iter_mut().zip(&step).for_each(|(at, step)| *at += scale * step);
            if longest < 1e-4 {
                break;
            }
        }
        Model { base: at[SIZE - 1] as f32, weights: std::array::from_fn(|slot| at[slot] as f32) }
    }
}

type Vector = [f64; SIZE];
type Matrix = Vec<Vector>;

/// The gradient of the log-likelihood, and its second derivatives with the sign turned.
fn derivatives(examples: &[&Example], offsets: &[f64], at: &Vector) -> (Vector, Matrix) {
    let (mut gradient, mut curvature) = ([0.0; SIZE], vec![[0.0; SIZE]; SIZE]);
    let mut present: Vec<(usize, f64)> = Vec::new();
    for (example, offset) in examples.iter().zip(offsets) {
        present.clear();
        let values = example.values.iter().enumerate().filter(|(_, value)| **value != 0.0);
        present.extend(values.map(|(slot, &value)| (slot, f64::from(value))));
        present.push((SIZE - 1, 1.0));
        let odds: f64 = present.iter().map(|&(slot, value)| at[slot] * value).sum();
        let (error, certainty) = example.slope(odds + offset);
        let (error, certainty) = (f64::from(error), f64::from(certainty));
        for (number, &(slot, value)) in present.iter().enumerate() {
            gradient[slot] += error * value;
            for &(other, other_value) in &present[number..] {
                curvature[slot][other] += certainty * value * other_value;
            }
        }
    }
    let upper = curvature.clone();
    for (row, values) in curvature.iter_mut().enumerate() {
        for (value, upper) in values.iter_mut().zip(&upper).take(row) {
            *value = upper[row];
        }
    }
    (gradient, curvature)
}

/// Solves `matrix * x = right` for a positive definite matrix, by Cholesky decomposition.
fn solve(mut matrix: Matrix, right: Vector) -> Vector {
    for row in 0..SIZE {
        for column in 0..=row {
            let sum: f64 = (0..column).map(|inner| matrix[row][inner] * matrix[column][inner]).sum();
            let rest = matrix[row][column] - sum;
            matrix[row][column] = if row == column { rest.max(1e-12).sqrt() } else { rest / matrix[column][column] };
        }
    }
    let mut x = right;
    for row in 0..SIZE {
        let sum: f64 = (0..row).map(|inner| matrix[row][inner] * x[inner]).sum();
        x[row] = (x[row] - sum) / matrix[row][row];
    }
    for row in (0..SIZE).rev() {
        let sum: f64 = (row + 1..SIZE).map(|inner| matrix[inner][row] * x[inner]).sum();
        x[row] = (x[row] - sum) / matrix[row][row];
    }
    x
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use graph::{AnalysisHost, Change};

    use super::*;

    fn example(feature: Feature, is_used: bool) -> Example {
        let mut values: Values = [0.0; FEATURES.len()];
        values[feature as usize] = 1.0;
        Example { values, is_used, weight: 1.0 }
    }

    #[test]
    fn weights_follow_the_examples_as_far_as_the_prior_allows() {
        let mut examples = vec![example(Feature::Caller, true); 40];
        examples.extend(vec![example(Feature::Caller, false); 10]);
        examples.extend(vec![example(Feature::Popular, false); 50]);
        let shipped = Models::default();
        let slot = Feature::Caller as usize;
        let fitted = shipped.refit(&examples, 1.0, |_| false);
        assert!(fitted.loss(&examples) < shipped.loss(&examples));
        assert!(fitted.elsewhere.weights[slot] > shipped.elsewhere.weights[slot] + 1.0);
        assert_eq!(fitted.own_file, shipped.own_file, "there was no example in the own file");
        assert_eq!(fitted, shipped.refit(&examples, 1.0, |_| false));
        let held = shipped.refit(&examples, 1e6, |_| false);
        assert!((held.elsewhere.weights[slot] - shipped.elsewhere.weights[slot]).abs() < 0.01);
        let frozen = shipped.refit(&examples, 1.0, |other| other == slot);
        assert_eq!(frozen.elsewhere.weights[slot], shipped.elsewhere.weights[slot]);
        assert_eq!(shipped.refit(&[], 1.0, |_| false), shipped);
    }

    #[test]
    fn trees_see_what_features_tell_together() {
        // Only one of the two, never both: no weights can say so.
        let mut examples = Vec::new();
        for (private, unused, is_used) in [(0.0, 0.0, false), (0.0, 1.0, true), (1.0, 0.0, true), (1.0, 1.0, false)] {
            let mut values: Values = [0.0; FEATURES.len()];
            values[Feature::Private as usize] = private;
            values[Feature::Unused as usize] = unused;
            examples.extend(vec![Example { values, is_used, weight: 1.0 }; 40]);
        }
        let sum = Models { forest: Arc::default(), ..Models::default() }.refit(&examples, 0.1, |_| false);
        let growth = Growth { trees: 40, rate: 0.3, regularization: 1.0 };
        let grown = sum.clone().regrown(&examples, &growth);
        assert!(sum.loss(&examples) > 1.3, "{}", sum.loss(&examples));
        assert!(grown.loss(&examples) < 0.3, "{}", grown.loss(&examples));
        assert_eq!(grown, sum.regrown(&examples, &growth));
    }

    #[test]
    fn a_hidden_body_leaves_no_trace() {
        let mut change = Change::default();
        change.set("/a.py", "def one(): ...\ndef two(): ...\ndef three(): ...\nKNOWN = 1\n");
        change.set("/b.py", "from a import one, two, three, KNOWN\n\ndef f():\n    return one() + two() + three()\n");
        let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
        host.apply(change);
        let index = Index::new(&host.analysis());
        let rows = |unwritten| {
            let focus = Focus::unwritten(&index, &index.functions[0], unwritten).expect("it is a function");
            evidence::gather(&index, &focus)
        };
        // `one` is used by the hidden body alone, `KNOWN` by nobody: only their names and places differ.
        let telling = [Feature::BodyUse, Feature::InFile, Feature::Users, Feature::Popular, Feature::Unused];
        let (one, known) = (index.named("one")[0], index.named("KNOWN")[0]);
        let body = rows(Unwritten::Body);
        for feature in telling.into_iter().chain([Feature::Imported, Feature::UnusedImport, Feature::ModuleNear]) {
            assert_eq!(body[one].values[feature as usize], body[known].values[feature as usize], "{feature:?}");
        }
        let imports = rows(Unwritten::Imports);
        assert_eq!(imports[one].values[Feature::Imported as usize], 0.0);
        assert_eq!(imports[known].values[Feature::Imported as usize], 1.0);
    }
}
