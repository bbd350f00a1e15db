//! The modules of Python's standard library.

use std::collections::HashSet;
use std::sync::LazyLock;

/// `sys.stdlib_module_names` of Python 3.14, one per line.
const NAMES: &str = include_str!("stdlib.txt");

static MODULES: LazyLock<HashSet<&str>> = LazyLock::new(|| NAMES.lines().collect());

/// Whether `dotted` is a module of the standard library, or inside one.
pub fn is_standard(dotted: &str) -> bool {
    MODULES.contains(dotted.split('.').next().unwrap_or(dotted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_newest_and_not_the_removed() {
        for module in ["os.path", "annotationlib", "compression.zstd", "__future__", "tomllib"] {
            assert!(is_standard(module), "{module}");
        }
        for module in ["numpy", "imp", "distutils.core", "asyncore", ""] {
            assert!(!is_standard(module), "{module}");
        }
    }
}
