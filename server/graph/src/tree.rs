//! Trees that are kept for a while.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use syntax::{Parsed, drop_on_deep_pool};

/// The tree of a text that is being edited.
///
/// It may be nested a hundred thousand deep: it is dropped where the stack is deep enough, and has to be walked there.
#[derive(Debug)]
pub struct Tree(Option<Box<Parsed>>);

impl Tree {
    pub(crate) fn new(parsed: Parsed) -> Self {
        Tree(Some(Box::new(parsed)))
    }
}

impl Deref for Tree {
    type Target = Parsed;

    fn deref(&self) -> &Parsed {
        // Only `drop` takes it.
        self.0.as_deref().expect("a tree that is not dropped")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        drop_on_deep_pool(self.0.take());
    }
}

/// The tree of a text into which several look at the same time: whoever comes first parses it, the others wait.
#[derive(Clone, Debug)]
pub struct SharedTree {
    text: Arc<str>,
    tree: Arc<OnceLock<Arc<Tree>>>,
}

impl SharedTree {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        SharedTree { text: text.into(), tree: Arc::default() }
    }

    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The tree, which the first who asks makes; it has to be walked where the stack is deep enough.
    pub fn get(&self) -> Arc<Tree> {
        let parse = || Arc::new(Tree::new(syntax::parse(&self.text)));
        // Without threads nothing works at all; there is no sensible way on.
        self.tree.get_or_init(|| syntax::on_deep_stack(parse).expect("the system gives no threads")).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{AnalysisHost, Change};

    #[test]
    fn a_text_is_parsed_once() {
        let tree = SharedTree::new("x = 1\n");
        let mut change = Change::default();
        change.edit_shared("/a.py", tree.clone());
        let mut host = AnalysisHost::new(Vec::new());
        host.apply(change);
        let analysis = host.analysis();
        let kept = analysis.tree(analysis.file(Path::new("/a.py")).unwrap()).unwrap();
        assert!(Arc::ptr_eq(&kept, &tree.get()));
        // Of two texts the later one counts.
        let mut change = Change::default();
        change.edit_shared("/a.py", SharedTree::new("y = 1\n"));
        change.set("/a.py", "z = 1\n");
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file(Path::new("/a.py")).unwrap();
        assert!(analysis.tree(file).is_none() && &**analysis.source(file).text() == "z = 1\n");
    }

    #[test]
    fn only_texts_that_are_edited_keep_their_trees() {
        let mut host = AnalysisHost::new(Vec::new());
        let mut change = Change::default();
        change.set("/a.py", "x = 1\n");
        change.edit("/b.py", format!("x = {}1{}", "f(".repeat(50_000), ")".repeat(50_000)));
        host.apply(change);
        let tree = |host: &AnalysisHost, path: &str| {
            let analysis = host.analysis();
            analysis.tree(analysis.file(Path::new(path)).unwrap())
        };
        assert!(tree(&host, "/a.py").is_none());
        assert_eq!(tree(&host, "/b.py").unwrap().statements().len(), 1);
        let mut change = Change::default();
        change.set("/b.py", "x = 1\n");
        host.apply(change);
        assert!(tree(&host, "/b.py").is_none());
    }
}
