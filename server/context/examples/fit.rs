//! Fits the ranker's weights to the functions of Python packages, and prints the rows of its table of features:
//! `cargo run -p context --example fit -- FOLDER…`
//!
//! After the weights (elsewhere, own file) comes what each feature is worth: by how much the rest, fitted to the first
//! half of the folders without it, foresees the other half worse, in thousandths of a nat for each use.

use std::path::{Path, PathBuf};

use context::{FEATURES, Index, Models, examples};
use graph::AnalysisHost;

/// Functions that are taken of each folder.
const FUNCTIONS: usize = 200;
/// How firmly the weights are held that are there before.
const TRUST: f64 = 3.0;

fn main() {
    let (mut all, mut halves) = (Vec::new(), [Vec::new(), Vec::new()]);
    let folders = std::env::args().len() - 1;
    for (number, folder) in std::env::args().skip(1).enumerate() {
        let discovery = graph::discover(Path::new(&folder));
        let (change, _) = graph::load(&discovery.files, &|_| ());
        let mut host = AnalysisHost::new(vec![PathBuf::from(&folder)]);
        host.apply(change);
        let found = examples(&Index::new(&host.analysis()), FUNCTIONS);
        eprintln!("{folder}: {} examples", found.len());
        halves[usize::from(number >= folders.div_ceil(2))].extend(found.iter().cloned());
        all.extend(found);
    }
    let models = Models::default().refit(&all, TRUST, |_| false);
    drop(all);
    let [known, unknown] = halves;
    let whole = models.refit(&known, TRUST, |_| false).loss(&unknown);
    println!("{:20} {:7.2} {:7.2}", "", models.elsewhere.base, models.own_file.base);
    for (slot, feature) in FEATURES.iter().enumerate() {
        let mut without = models.clone();
        (without.elsewhere.weights[slot], without.own_file.weights[slot]) = (0.0, 0.0);
        let worth = without.refit(&known, TRUST, |other| other == slot).loss(&unknown) - whole;
        let (elsewhere, own_file) = (models.elsewhere.weights[slot], models.own_file.weights[slot]);
        println!("{:20} {elsewhere:7.2} {own_file:7.2} {:8.1}", feature.name, 1000.0 * worth);
    }
}
