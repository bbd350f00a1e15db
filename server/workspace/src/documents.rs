//! The prose of a workspace: readmes, documentation, decisions, and docstrings of modules and classes. It is cut into
//! passages and kept in the database, where it is searched when a context is made. What did not change is not read again.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use graph::Analysis;
use store::{Document, Error};

use crate::persistence::Persistence;

/// More documents than this are a library of their own; the first by path are searched.
const MAX_FILES: usize = 2_000;
/// Bytes; what is longer is data or a log.
const MAX_BYTES: u64 = 512 << 10;
/// Another process gets its turn to write after so many documents.
const BATCH: usize = 128;
/// Passages that are looked at for one context.
pub const MAX_FOUND: usize = 24;

impl Persistence {
    /// Brings the passages of the files `documents` and of the docstrings in `analysis` up to date.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_documents(&self, analysis: &Analysis, documents: &[PathBuf]) -> Result<(), Error> {
        let known = self.store().document_stamps()?;
        let is_new = |path: &str, stamp: i64| known.get(path) != Some(&stamp);
        let mut present = HashSet::new();
        let mut fresh = Vec::new();
        let allowed = documents.iter().filter(|path| !credential::files::holds_secrets(relative(analysis, path)));
        for path in allowed.take(MAX_FILES) {
            let (Some(key), Some(stamp)) = (path.to_str(), stamp(path)) else { continue };
            present.insert(key.to_owned());
            if is_new(key, stamp) {
                let text = syntax::read_source(path).unwrap_or_default();
                fresh.push(document(key, stamp, context::passages(&text)));
            }
        }
        for file in analysis.files() {
            let path = analysis.path(file);
            let (Some(key), Some(digest)) = (path.to_str(), analysis.digest(file)) else { continue };
            let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
            let stamp = i64::from_le_bytes([a, b, c, d, e, f, g, h]);
            if credential::files::holds_secrets(relative(analysis, path)) {
                continue;
            }
            present.insert(key.to_owned());
            if is_new(key, stamp) {
                fresh.push(document(key, stamp, context::docstrings(analysis, file)));
            }
        }
        for batch in fresh.chunks(BATCH) {
            self.store().update_documents(batch.iter().cloned())?;
        }
        self.store().retain_documents(&present)
    }

    /// What may match `query`, the likeliest first; nothing where the database cannot be read.
    pub fn search(&self, analysis: &Analysis, query: &context::Query) -> Vec<context::Passage> {
        let found = self.store().search_documents(&query.words, MAX_FOUND);
        let found = found.inspect_err(|error| tracing::debug!("documents are not searched: {error}"));
        found.unwrap_or_default().into_iter().map(|(path, passage)| found_at(analysis, &path, passage)).collect()
    }
}

/// A passage of the document at `path` as contexts take it.
pub fn found_at(analysis: &Analysis, path: &str, passage: store::Passage) -> context::Passage {
    context::Passage {
        path: relative(analysis, Path::new(path)).to_string_lossy().replace('\\', "/"),
        heading: passage.heading,
        start_line: passage.start_line,
        end_line: passage.end_line,
        text: passage.text,
        tokens: 0,
        reason: String::new(),
    }
}

fn document(path: &str, stamp: i64, passages: Vec<context::Passage>) -> Document {
    let passage = |passage: context::Passage| store::Passage {
        heading: passage.heading,
        text: passage.text,
        start_line: passage.start_line,
        end_line: passage.end_line,
    };
    Document { path: path.to_owned(), stamp, passages: passages.into_iter().map(passage).collect() }
}

/// Changes when a file does, as far as its size and time tell. `None` for what is not searched.
fn stamp(path: &Path) -> Option<i64> {
    let metadata = path.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_BYTES)?;
    let mut hasher = DefaultHasher::new();
    (metadata.len(), metadata.modified().ok()).hash(&mut hasher);
    Some(hasher.finish().cast_signed())
}

fn relative<'a>(analysis: &Analysis, path: &'a Path) -> &'a Path {
    analysis.inside_root(path)
}

/// The documents below `roots`.
pub fn discover(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = roots.iter().flat_map(|root| graph::discover(root).documents).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use context::Index;
    use graph::AnalysisHost;

    use super::*;

    #[test]
    fn prose_is_found_renewed_and_forgotten() {
        let (folder, databases) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("cart.py", "\"\"\"Carts.\n\nThe total of a cart is never below zero.\n\"\"\"\n\ndef cart_total(): ...\n");
        write("README.md", "# Shop\n\n## Totals\n\nThe total of a cart is rounded half up.\n\n## Licence\n\nMIT.\n");
        write("docs/adr/0001-cents.md", "# Cents\n\nA cart's total is in cents.\n");
        write("docs/secrets/total.md", "# Secret\n\nThe cart total of our best customer.\n");
        write("other/notes.md", "# Notes\n\nThe cart total is fun.\n");
        write(".gitignore", "docs/build\n");
        write("docs/build/copy.md", "# Copy\n\nThe cart total again.\n");

        let roots = vec![folder.path().to_path_buf()];
        let persistence = Persistence::open(databases.path(), &roots).unwrap();
        let (change, _) = graph::load(&graph::discover(folder.path()).files, &|_| ());
        let mut host = AnalysisHost::new(roots.clone());
        host.apply(change);
        let analysis = host.analysis();
        let query = Index::new(&analysis).query(analysis.find("cart.cart_total")[0], None);
        let shown = || {
            persistence.keep_documents(&analysis, &discover(&roots)).unwrap();
            let found = persistence.search(&analysis, &query);
            let mut shown: Vec<_> =
                found.iter().map(|it| format!("{}:{} {}", it.path, it.start_line, it.heading)).collect();
            shown.sort();
            shown
        };
        let all = ["README.md:3 Totals", "cart.py:1 ", "docs/adr/0001-cents.md:1 Cents"];
        assert_eq!(shown().iter().map(|it| it.trim_end_matches("cart")).collect::<Vec<_>>(), all);
        write("README.md", "# Shop\n\nNothing to see.\n");
        fs::remove_file(folder.path().join("docs/adr/0001-cents.md")).unwrap();
        assert_eq!(shown().len(), 1);
        assert_eq!(persistence.store().document_stamps().unwrap().len(), 2);
    }
}
