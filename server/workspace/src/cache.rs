//! The user's cache directory.

use std::path::PathBuf;

/// `tantu` in the user's cache directory, which need not exist; `None` for a user without a home.
pub fn directory() -> Option<PathBuf> {
    let configured = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = configured.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    Some(cache?.join("tantu"))
}
