//! Fits the ranker to the functions of Python packages: writes the trees to `src/forest.bin`, and prints the rows of the
//! table of features, whose weights belong to them: `cargo run --release -p context --example fit -- FOLDER…`
//!
//! After the weights (elsewhere, own file) comes what each feature is worth: by how much a ranker that is fitted to four
//! of five folders foresees the fifth worse when it is not told that feature, in thousandths of a nat for each use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use context::{Example, FEATURES, Growth, Index, Models, examples};
use graph::AnalysisHost;

/// Functions that are taken of each folder.
const FUNCTIONS: usize = 110;
/// How firmly the weights are held that are there before.
const PRIOR_STRENGTH: f64 = 3.0;
const GROWTH: Growth = Growth { trees: 500, rate: 0.09, regularization: 20.0 };
/// One folder in so many is kept to find out what the features are worth.
const KEPT: usize = 5;

fn main() -> std::io::Result<()> {
    let (mut all, mut most, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (number, folder) in std::env::args().skip(1).enumerate() {
        let discovery = graph::discover(Path::new(&folder));
        let (change, _) = graph::load(&discovery.files, &|_| ());
        let mut host = AnalysisHost::new(vec![PathBuf::from(&folder)]);
        host.apply(change);
        let found = examples(&Index::new(&host.analysis()), FUNCTIONS);
        eprintln!("{folder}: {} examples", found.len());
        if number % KEPT == KEPT - 1 { &mut kept } else { &mut most }.extend(found.iter().cloned());
        all.extend(found);
    }
    let models = fitted(&all);
    drop(all);
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/forest.bin"), models.forest.to_bytes())?;

    let known = fitted(&most);
    drop(most);
    let whole = known.loss(&kept);
    println!("{:20} {:7.2} {:7.2}", "", models.elsewhere.base, models.own_file.base);
    for (slot, feature) in FEATURES.iter().enumerate() {
        let without: Vec<Example> = kept.iter().map(|example| example.without(slot)).collect();
        let worth = known.loss(&without) - whole;
        let (elsewhere, own_file) = (models.elsewhere.weights[slot], models.own_file.weights[slot]);
        println!("{:20} {elsewhere:7.2} {own_file:7.2} {:8.1}", feature.name, 1000.0 * worth);
    }
    Ok(())
}

fn fitted(examples: &[Example]) -> Models {
    let sum = Models { forest: Arc::default(), ..Models::default() };
    let sum = sum.refit(examples, PRIOR_STRENGTH, |_| false);
    eprintln!("the sum alone: {:.4}", sum.loss(examples));
    let models = sum.regrown(examples, &GROWTH);
    eprintln!("with trees: {:.4}", models.loss(examples));
    models
}
