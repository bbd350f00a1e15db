//! What contexts know of every name in a workspace, kept for the next process: reading it takes as long as the graph.

use std::env;
use std::time::UNIX_EPOCH;

use context::Index;
use graph::Analysis;

use super::Persistence;

/// Under which resolved names are: there is one state of the workspace that they are kept of.
const KEY: store::Hash = *b"tantu: what names refer to      ";

impl Persistence {
    /// The index of `analysis`, and whether it had to be made anew.
    pub fn index(&self, analysis: &Analysis) -> (Index, bool) {
        let kept = self.store.summary(&KEY).and_then(|data| {
            let (state, resolved_names) = data.split_at_checked(32)?;
            if state == state_of(analysis)? { Index::restored(analysis, resolved_names) } else { None }
        });
        match kept {
            Some(index) => (index, false),
            None => (Index::new(analysis), true),
        }
    }

    /// Keeps what `index`, which is that of `analysis`, knows; of a small workspace it is known as quickly without.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_index(&self, index: &Index, analysis: &Analysis) -> Result<(), store::Error> {
        if index.is_small() {
            return Ok(());
        }
        let Some((state, resolved_names)) = state_of(analysis).zip(index.resolved_names()) else { return Ok(()) };
        self.store.insert_summaries([(KEY, [state.as_slice(), &resolved_names].concat())])
    }
}

/// All that resolved names depend on: paths, texts, and this very program.
fn state_of(analysis: &Analysis) -> Option<store::Hash> {
    let program = env::current_exe().ok()?.metadata().ok()?;
    let modified = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let mut digests: Vec<_> = analysis.files().filter_map(|file| analysis.digest(file)).collect();
    digests.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    let mut hasher = blake3::Hasher::new();
    hasher.update(&program.len().to_le_bytes()).update(&modified.as_nanos().to_le_bytes());
    for root in analysis.roots() {
        hasher.update(root.as_os_str().as_encoded_bytes()).update(&[0]);
    }
    for digest in &digests {
        hasher.update(digest.as_bytes());
    }
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};

    use super::*;

    #[test]
    fn an_index_is_restored_while_the_texts_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let persistence = Persistence::open(folder.path(), &["/".into()]).unwrap();
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut set = |path: &str, text: &str| {
            let mut change = Change::default();
            change.set(path, text);
            host.apply(change);
            host.analysis()
        };
        let many: String = (0..4_100).map(|n| format!("V{n} = {n}\n")).collect();
        set("/many.py", &many);
        let first = set("/a.py", "from many import V1\n\ndef f():\n    return V1\n");
        let (index, is_new) = persistence.index(&first);
        assert!(is_new && !index.is_small());
        persistence.keep_index(&index, &first).unwrap();
        let (restored, is_new) = persistence.index(&first);
        assert!(!is_new);
        let target = first.find("a.f")[0];
        let options = context::Options::default();
        assert_eq!(restored.context(target, 2_000, &options), index.context(target, 2_000, &options));
        let second = set("/a.py", "from many import V2\n\ndef f():\n    return V2\n");
        assert!(persistence.index(&second).1, "another text is another state");
    }
}
