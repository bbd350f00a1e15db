//! Which of the workspace's folders a file belongs to. Nobody else decides.

use std::path::{Path, PathBuf};

use super::Analysis;

impl Analysis {
    /// The workspace folder that `path` belongs to: the innermost around it.
    pub fn root_of(&self, path: &Path) -> Option<&Path> {
        let around = self.roots().iter().filter(|root| path.starts_with(root));
        around.max_by_key(|root| root.components().count()).map(PathBuf::as_path)
    }

    /// `path` as it is seen from its workspace folder; all of it where it belongs to none.
    pub fn inside_root<'p>(&self, path: &'p Path) -> &'p Path {
        self.root_of(path).and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnalysisHost;

    #[test]
    fn the_innermost_folder_counts() {
        let analysis = AnalysisHost::new(["/w", "/w/inner", "/other"].map(PathBuf::from).into()).analysis();
        assert_eq!(analysis.root_of(Path::new("/w/inner/a.py")), Some(Path::new("/w/inner")));
        assert_eq!(analysis.root_of(Path::new("/w/innermost/a.py")), Some(Path::new("/w")));
        assert_eq!(analysis.inside_root(Path::new("/w/inner/b/a.py")), Path::new("b/a.py"));
        assert_eq!(analysis.inside_root(Path::new("/else/a.py")), Path::new("/else/a.py"));
    }
}
