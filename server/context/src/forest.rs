//! What pieces of evidence tell only together: a sum of small decision trees on top of the weighted sum.
//!
//! The trees are oblivious: all nodes of one depth ask the same question, so that a tree is a table with one entry for
//! each combination of answers (Kohavi 1994; the trees of CatBoost, Prokhorenkova et al. 2018). They are grown by
//! gradient boosting with Newton steps (Friedman 2001), each where the ones before are most wrong.

use crate::features::{FEATURES, Values};
use crate::fit::Example;

/// Questions that a tree asks.
const DEPTH: usize = 6;
const LEAVES: usize = 1 << DEPTH;

/// Trees whose answers are added up, in log-odds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    trees: Vec<Tree>,
}

#[derive(Clone, Debug, PartialEq)]
struct Tree {
    /// Is the value of this feature greater than that?
    questions: [(u8, f32); DEPTH],
    /// By the answers as bits, the first the lowest.
    leaves: [f32; LEAVES],
}

/// What a tree takes in a file: a byte and four for each question, four for each leaf.
const TREE_BYTES: usize = 5 * DEPTH + 4 * LEAVES;

impl Tree {
    fn leaf(&self, values: &Values) -> usize {
        let bit =
            |(place, &(slot, least)): (usize, &(u8, f32))| usize::from(values[usize::from(slot)] > least) << place;
        self.questions.iter().enumerate().map(bit).sum()
    }
}

impl Forest {
    /// What the trees add to the log-odds of use.
    pub(crate) fn odds(&self, values: &Values) -> f32 {
        self.trees.iter().map(|tree| tree.leaves[tree.leaf(values)]).sum()
    }

    /// Reads what [`Self::to_bytes`] wrote. Bytes that are no whole tree, or that name no feature, are left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.try_into().map_or(0.0, f32::from_le_bytes);
        let tree = |bytes: &[u8]| {
            let (questions, leaves) = bytes.split_at(5 * DEPTH);
            let question = |at: usize| (questions[5 * at], number(&questions[5 * at + 1..5 * at + 5]));
            Tree {
                questions: std::array::from_fn(question),
                leaves: std::array::from_fn(|at| number(&leaves[4 * at..4 * at + 4])),
            }
        };
        let is_known = |tree: &Tree| tree.questions.iter().all(|&(slot, _)| usize::from(slot) < FEATURES.len());
        Forest { trees: bytes.chunks_exact(TREE_BYTES).map(tree).filter(is_known).collect() }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.trees.len() * TREE_BYTES);
        for tree in &self.trees {
            for (slot, least) in tree.questions {
                bytes.push(slot);
                bytes.extend(least.to_le_bytes());
            }
            tree.leaves.iter().for_each(|leaf| bytes.extend(leaf.to_le_bytes()));
        }
        bytes
    }
}

/// How a forest is grown.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    pub trees: usize,
    /// The part of a tree's answer that counts.
    pub rate: f64,
    /// How many doubtful examples a leaf needs to be believed by half.
    pub regularization: f64,
}

/// Thresholds that are tried for each feature.
const BINS: usize = 48;

impl Forest {
    /// Trees for what `odds`, the log-odds of each example without them, leaves unexplained. `allowed` says which
    /// features may be asked about. The same examples always give the same trees.
    pub fn grow(examples: &[Example], odds: &[f32], growth: &Growth, allowed: impl Fn(usize) -> bool) -> Self {
        let slots: Vec<usize> = (0..FEATURES.len()).filter(|&slot| allowed(slot)).collect();
        let columns: Vec<Column> = slots.iter().map(|&slot| Column::new(examples, slot)).collect();
        let mut odds: Vec<f64> = odds.iter().copied().map(f64::from).collect();
        let mut forest = Forest::default();
        let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
        for _ in 0..growth.trees {
            let slopes: Vec<(f32, f32)> =
                examples.iter().zip(&odds).map(|(example, &odds)| example.slope(odds)).collect();
            let rows: Vec<u32> = (0..examples.len() as u32).filter(|_| rng.roll(2) == 0).collect();
            let tried: Vec<&Column> = columns.iter().filter(|_| rng.roll(2) == 0).collect();
            let mut leaf_of = vec![0u8; rows.len()];
            let mut questions = [(0u8, f32::INFINITY); DEPTH];
            for (place, question) in questions.iter_mut().enumerate() {
                let split =
                    |column: &&Column| column.best_split(&rows, &leaf_of, &slopes, 1 << place, growth.regularization);
                let Some((column, bin, _)) = tried
                    .iter()
                    .filter_map(|column| split(column).map(|(bin, gain)| (column, bin, gain)))
                    .reduce(|best, next| if next.2 > best.2 { next } else { best })
                else {
                    break;
                };
                *question = (column.slot as u8, column.thresholds[bin]);
                for (leaf, &row) in leaf_of.iter_mut().zip(&rows) {
                    *leaf |= u8::from(usize::from(column.bins[row as usize]) > bin) << place;
                }
            }
            let mut tree = Tree { questions, leaves: [0.0; LEAVES] };
            let mut sums = [(0.0f64, 0.0f64); LEAVES];
            let leaves: Vec<usize> = examples.iter().map(|example| tree.leaf(&example.values)).collect();
            for (&leaf, &(slope, bend)) in leaves.iter().zip(&slopes) {
                sums[leaf].0 += f64::from(slope);
                sums[leaf].1 += f64::from(bend);
            }
            for (leaf, (slope, bend)) in tree.leaves.iter_mut().zip(sums) {
                *leaf = (growth.rate * slope / (bend + growth.regularization)) as f32;
            }
            odds.iter_mut().zip(&leaves).for_each(|(odds, &leaf)| *odds += f64::from(tree.leaves[leaf]));
            forest.trees.push(tree);
        }
        forest
    }
}

/// One feature of all examples, as the number of thresholds that its value is greater than.
struct Column {
    slot: usize,
    thresholds: Vec<f32>,
    bins: Vec<u8>,
}

impl Column {
    fn new(examples: &[Example], slot: usize) -> Self {
        let mut values: Vec<f32> = examples.iter().map(|example| example.values[slot]).collect();
        let all = values.clone();
        values.sort_by(f32::total_cmp);
        let mut distinct = values.clone();
        distinct.dedup();
        if distinct.len() > BINS {
            // Zero is what most values are; it shall not take all the quantiles.
            let some: Vec<f32> = values.into_iter().filter(|&value| value != 0.0).collect();
            distinct = (0..BINS).map(|part| some[part * (some.len() - 1) / BINS]).chain([0.0]).collect();
            distinct.sort_by(f32::total_cmp);
            distinct.dedup();
        }
        if distinct.len() <= BINS {
            distinct.pop(); // nothing is greater than the greatest
        }
        let bins = all.iter().map(|value| distinct.partition_point(|least| least < value) as u8).collect();
        Column { slot, thresholds: distinct, bins }
    }

    /// The threshold by which this feature divides each of so many leaves best, and what that gains.
    fn best_split(
        &self,
        rows: &[u32],
        leaf_of: &[u8],
        slopes: &[(f32, f32)],
        leaves: usize,
        regularization: f64,
    ) -> Option<(usize, f64)> {
        let width = self.thresholds.len() + 1;
        let mut sums = vec![(0.0f64, 0.0f64); leaves * width];
        for (&row, &leaf) in rows.iter().zip(leaf_of) {
            let (slope, bend) = slopes[row as usize];
            let sum = &mut sums[usize::from(leaf) * width + usize::from(self.bins[row as usize])];
            sum.0 += f64::from(slope);
            sum.1 += f64::from(bend);
        }
        let worth = |(slope, bend): (f64, f64)| slope * slope / (bend + regularization);
        let mut gains = vec![0.0; self.thresholds.len()];
        for leaf in sums.chunks_exact(width) {
            let add = |a: (f64, f64), b: &(f64, f64)| (a.0 + b.0, a.1 + b.1);
            let total = leaf.iter().fold((0.0, 0.0), add);
            let mut below = (0.0, 0.0);
            for (gain, part) in gains.iter_mut().zip(leaf) {
                below = add(below, part);
                *gain += worth(below) + worth((total.0 - below.0, total.1 - below.1)) - worth(total);
            }
        }
        gains.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|&(_, gain)| gain > 1e-9)
    }
}

/// Numbers that look random and are always the same: xorshift (Marsaglia 2003).
struct Rng(u64);

impl Rng {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forest_survives_being_written() {
        let shipped = Forest::from_bytes(include_bytes!("forest.bin"));
        assert!(!shipped.trees.is_empty());
        assert_eq!(shipped.to_bytes(), include_bytes!("forest.bin"), "a tree asks about an unknown feature");
        assert_eq!(Forest::from_bytes(&[255; TREE_BYTES + 3]), Forest::default());
    }

    #[test]
    fn a_tree_adds_the_leaf_of_its_answers() {
        let mut tree = Tree { questions: [(1, 0.5); DEPTH], leaves: [0.0; LEAVES] };
        (tree.leaves[0], tree.leaves[LEAVES - 1]) = (-1.0, 2.0);
        let forest = Forest { trees: vec![tree.clone(), tree] };
        let mut values: Values = [0.0; FEATURES.len()];
        assert_eq!(forest.odds(&values), -2.0);
        values[1] = 0.6;
        assert_eq!(forest.odds(&values), 4.0);
    }
}
