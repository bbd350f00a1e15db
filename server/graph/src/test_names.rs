//! What a project's settings for pytest make tests, beside what pytest collects without any: `python_files`, `python_classes`,
//! `python_functions`.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of names. What cannot be read as a pattern matches nothing.
#[derive(Clone, Debug, Default)]
pub struct TestNames {
    files: Patterns,
    classes: Patterns,
    functions: Patterns,
}

#[derive(Clone, Debug, Default)]
struct Patterns {
    globs: GlobSet,
    /// Names without wildcards stand for all that begin with them.
    prefixes: Vec<String>,
}

impl Patterns {
    fn new(patterns: &[String]) -> Self {
        let (globs, prefixes): (Vec<&String>, Vec<&String>) =
            patterns.iter().filter(|it| !it.is_empty()).partition(|it| it.contains(['*', '?', '[']));
        let mut builder = GlobSetBuilder::new();
        for glob in globs.into_iter().filter_map(|it| GlobBuilder::new(it).literal_separator(false).build().ok()) {
            builder.add(glob);
        }
        Patterns { globs: builder.build().unwrap_or_default(), prefixes: prefixes.into_iter().cloned().collect() }
    }

    fn matches(&self, name: &str) -> bool {
        self.globs.is_match(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

impl TestNames {
    pub fn new(files: &[String], classes: &[String], functions: &[String]) -> Self {
        TestNames { files: Patterns::new(files), classes: Patterns::new(classes), functions: Patterns::new(functions) }
    }

    /// Whether a file of this name is one of tests.
    pub fn is_file(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        // A pattern with a folder is about the end of the path.
        name.is_some_and(|name| self.files.globs.is_match(name) || self.files.prefixes.iter().any(|it| it == name))
            || self.files.globs.is_match(path)
    }

    pub fn is_class(&self, name: &str) -> bool {
        self.classes.matches(name)
    }

    pub fn is_function(&self, name: &str) -> bool {
        self.functions.matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_pytest_reads_them() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let names = TestNames::new(
            &list(&["*test_*.py", "checks.py"]),
            &list(&["*Suite", "Check"]),
            &list(&["check_", "it_*"]),
        );
        let files = ["/p/unittest_a.py", "/p/checks.py", "/p/a.py"].map(|path| names.is_file(Path::new(path)));
        assert_eq!(files, [true, true, false]);
        assert_eq!(["PriceSuite", "CheckPrice", "Price"].map(|name| names.is_class(name)), [true, true, false]);
        assert_eq!(["check_a", "it_is", "a_check"].map(|name| names.is_function(name)), [true, true, false]);
        let names = TestNames::new(&list(&["[", ""]), &list(&["["]), &list(&[""]));
        assert!(!names.is_file(Path::new("/p/a.py")) && !names.is_class("A") && !names.is_function("a"));
    }
}
