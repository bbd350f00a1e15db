//! Where the tests of a module are, or would be.

use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, SymbolId, is_test_file};

/// The file that tests go into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// Absolute.
    pub path: PathBuf,
    /// `None` if it is to be made.
    pub file: Option<FileId>,
}

impl Home {
    /// A test file that imports the module of `target`: the one with its name, else the one that calls `target` most often. Or
    /// else a new file in the nearest folder that has tests; without any, `tests` in the workspace folder.
    pub fn of(analysis: &Analysis, target: SymbolId) -> Option<Home> {
        let module = analysis.path(target.file);
        let stem = match module.file_stem()?.to_str()? {
            "__init__" => module.parent()?.file_name()?.to_str()?,
            stem => stem,
        };
        let names = [format!("test_{stem}"), format!("{stem}_test")];
        let is_named = |file: FileId| {
            let stem = analysis.path(file).file_stem().and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| names.iter().any(|name| name == stem))
        };
        let calls = analysis.callers(target);
        let count = |file: FileId| calls.iter().filter(|call| call.other.file == file).count();
        let mut importing: Vec<FileId> = analysis.importers(target.file);
        importing.retain(|&file| is_test_file(analysis.path(file)));
        importing.sort_by_key(|&file| analysis.path(file));
        // The first one of those that are equal.
        let best = importing.into_iter().rev().max_by_key(|&file| (is_named(file), count(file)));
        if let Some(file) = best {
            return Some(Home { path: analysis.path(file).to_owned(), file: Some(file) });
        }
        let path = folder(analysis, module)?.join(format!("{}.py", names[0]));
        Some(Home { file: analysis.file(&path), path })
    }
}

/// Where a new test file goes.
fn folder(analysis: &Analysis, module: &Path) -> Option<PathBuf> {
    let root = analysis.root_of(module)?;
    let common = |folder: &Path| folder.components().zip(module.components()).take_while(|(a, b)| a == b).count();
    let paths = analysis.files().map(|file| analysis.path(file));
    let tests = paths.filter(|path| is_test_file(path) && path.starts_with(root));
    let mut folders: Vec<&Path> = tests.filter_map(Path::parent).collect();
    folders.sort();
    let nearest = folders.into_iter().rev().max_by_key(|folder| common(folder));
    Some(nearest.map_or_else(|| root.join("tests"), Path::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn check(text: &str, path: &str, exists: bool) {
        let workspace = Workspace::new(text);
        let home = Home::of(&workspace.analysis, workspace.symbol("shop.cart.total")).expect("a workspace folder");
        assert_eq!((home.path.to_str().unwrap(), home.file.is_some()), (path, exists));
    }

    const CART: &str = "#- /shop/__init__.py\n#- /shop/cart.py\ndef total(): return 1\n";

    #[test]
    fn the_file_that_imports_the_module_is_it() {
        let other = "#- /tests/test_all.py\nfrom shop.cart import total\ndef test_total(): assert total()\n";
        let named = "#- /tests/unit/test_cart.py\nimport shop.cart\n";
        check(&format!("{CART}{other}"), "/tests/test_all.py", true);
        check(&format!("{CART}{other}{named}"), "/tests/unit/test_cart.py", true);
    }

    #[test]
    fn new_test_file_is_placed_near() {
        check(CART, "/tests/test_cart.py", false);
        check(&format!("{CART}#- /test/test_other.py\n"), "/test/test_cart.py", false);
        check(
            &format!("{CART}#- /test/test_other.py\n#- /shop/tests/test_more.py\n"),
            "/shop/tests/test_cart.py",
            false,
        );
        check(&format!("{CART}#- /shop/money_test.py\n"), "/shop/test_cart.py", false);
        // Of that name, for something else.
        check(&format!("{CART}#- /tests/test_cart.py\nx = 1\n"), "/tests/test_cart.py", true);
    }
}
