//! Fits the ranker's weights to the functions of Python packages, and prints the rows of its table of features:
//! `cargo run -p context --example fit -- FOLDER…`
//!
//! The examples of each folder weigh the same, however many there are.

use std::path::{Path, PathBuf};

use context::{FEATURES, Index, Models, examples};
use graph::AnalysisHost;

/// Functions that are taken of each folder.
const FUNCTIONS: usize = 200;

fn main() {
    let mut all = Vec::new();
    for folder in std::env::args().skip(1) {
        let discovery = graph::discover(Path::new(&folder));
        let (change, _) = graph::load(&discovery.files, &|_| ());
        let mut host = AnalysisHost::new(vec![PathBuf::from(&folder)]);
        host.apply(change);
        let found = examples(&Index::new(&host.analysis()), FUNCTIONS);
        eprintln!("{folder}: {} examples", found.len());
        all.extend(found);
    }
    let models = Models::default().refit(&all, 3.0, |_| false);
    println!("{:20} {:7.2} {:7.2}", "", models.elsewhere.base, models.own_file.base);
    for (slot, feature) in FEATURES.iter().enumerate() {
        println!("{:20} {:7.2} {:7.2}", feature.name, models.elsewhere.weights[slot], models.own_file.weights[slot]);
    }
}
