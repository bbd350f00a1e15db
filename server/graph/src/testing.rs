//! Graphs from fixtures, and graphs as text.

use std::path::PathBuf;

use fixture::Fixture;

use crate::{Analysis, AnalysisHost, Change};

pub(crate) fn host(text: &str) -> AnalysisHost {
    let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
    let mut change = Change::default();
    for file in Fixture::parse(text).files {
        change.set(file.path, file.text);
    }
    host.apply(change);
    host
}

pub(crate) fn analysis(text: &str) -> Analysis {
    host(text).analysis()
}
