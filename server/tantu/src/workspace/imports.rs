//! Where the modules that a file imports may lie, before they are part of a graph.

use std::path::{Path, PathBuf};

use graph::{Analysis, is_test_file};

/// The existing files below `root` that are loaded before, with or by the files `paths`, which `analysis` knows.
pub(super) fn loaded_with(analysis: &Analysis, root: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)).collect();
        found.extend(folders.iter().map(|folder| folder.join("__init__.py")).take_while(|init| init.is_file()));
        if is_test_file(path) {
            found.extend(folders.iter().map(|folder| folder.join("conftest.py")));
        }
        let imports = analysis.file(path).map(|file| analysis.imports(file)).unwrap_or_default();
        for import in imports {
            let (module, name) = match import.text.split_once(" import ") {
                Some((from, name)) => (from.trim_start_matches("from "), Some(name)),
                None => (import.text.trim_start_matches("import "), None),
            };
            let level = module.len() - module.trim_start_matches('.').len();
            let parts: Vec<&str> = module.split('.').filter(|part| !part.is_empty()).chain(name).collect();
            let bases: Vec<PathBuf> = match level {
                // A script's own folder comes before all others, and `src` before nothing.
                0 => folders.iter().map(|folder| folder.to_path_buf()).chain([root.join("src")]).collect(),
                _ => path.ancestors().nth(level).map(Path::to_path_buf).into_iter().collect(),
            };
            for base in bases {
                let mut at = base;
                for part in &parts {
                    found.push(at.join(format!("{part}.py")));
                    at.push(part);
                    found.push(at.join("__init__.py"));
                }
            }
        }
    }
    found.retain(|path| path.is_file());
    found
}
