//! The user's cache directory, where what is too slow to install for each test is kept.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/tantu/e2e/NAME`, where the tests look as well.
///
/// # Errors
/// When neither that variable nor `HOME` says where.
pub fn e2e(name: &str) -> Result<PathBuf> {
    in_cache(name, |variable| std::env::var_os(variable).map(PathBuf::from))
}

fn in_cache(name: &str, variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    // The XDG specification wants relative paths ignored.
    let cache = variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .with_context(|| format!("no place for {name}: set HOME or XDG_CACHE_HOME"))?;
    Ok(cache.join("tantu/e2e").join(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn directory(variables: &[(&str, &str)]) -> Result<PathBuf> {
        in_cache("editor-1", |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    fn prefers_the_xdg_cache() {
        let path = directory(&[("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/me")]).unwrap();
        assert_eq!(path, Path::new("/cache/tantu/e2e/editor-1"));
    }

    #[test]
    fn ignores_a_relative_xdg_cache() {
        let path = directory(&[("XDG_CACHE_HOME", "cache"), ("HOME", "/home/me")]).unwrap();
        assert_eq!(path, Path::new("/home/me/.cache/tantu/e2e/editor-1"));
    }

    #[test]
    fn says_what_to_set() {
        assert!(directory(&[]).unwrap_err().to_string().contains("set HOME or XDG_CACHE_HOME"));
    }
}
