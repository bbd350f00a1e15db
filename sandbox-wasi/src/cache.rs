//! The sandbox's part of the user's cache directory: the compiled interpreter and the staged workspaces. Deleting it
//! costs time, nothing else.

use std::env;
use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext};
use crate::{guest, prepare, remove, stage};

/// What `tantu sandbox status` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    pub directory: PathBuf,
    /// The guest component, or what to do about its absence.
    pub guest: Result<PathBuf, String>,
    /// The guest compiled for this machine, if that is done.
    pub prepared: Option<PathBuf>,
    /// How many workspaces are staged.
    pub workspaces: usize,
    /// Bytes in `directory`.
    pub bytes: u64,
}

/// Looks, and changes nothing.
///
/// # Errors
/// When there is no cache directory or it cannot be read.
pub fn status() -> Result<CacheStatus, Error> {
    let directory = sandbox_dir()?;
    let guest = guest::locate();
    let prepared = match &guest {
        Ok(path) => prepare::existing(path)?,
        Err(_) => None,
    };
    Ok(CacheStatus {
        guest: guest.map_err(|error| error.to_string()),
        prepared,
        workspaces: stage::count(&directory).while_("read", &directory)?,
        bytes: size(&directory),
        directory,
    })
}

/// What [`clear`] has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Bytes freed.
    pub bytes: u64,
    /// What runs have left and nothing here can remove. It is in nobody's way.
    pub left: Vec<PathBuf>,
}

/// Removes what the sandbox has prepared and staged, except workspaces in use.
///
/// # Errors
/// When there is no cache directory or a file cannot be removed.
pub fn clear() -> Result<Cleared, Error> {
    let directory = sandbox_dir()?;
    let before = size(&directory);
    prepare::clear(&directory).while_("clear", &directory)?;
    stage::clear(&directory).while_("clear", &directory)?;
    let left = remove::retry(&directory);
    Ok(Cleared { bytes: before.saturating_sub(size(&directory)), left })
}

/// `tantu` in the user's cache directory.
pub(crate) fn tantu_dir() -> Result<PathBuf, Error> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(env::home_dir()?.join(".cache"));
    Ok(named.or_else(home).ok_or(Error::NoCache)?.join("tantu"))
}

/// The directory that this crate owns. It need not exist.
pub(crate) fn sandbox_dir() -> Result<PathBuf, Error> {
    Ok(tantu_dir()?.join("sandbox"))
}

/// Creates a directory that nobody but the user can enter, or makes it so.
pub(crate) fn create_private(path: &Path) -> Result<(), Error> {
    let create = || {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
            builder.mode(0o700).create(path)?;
            // It may have existed with other permissions; this fails when it is another user's.
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        }
        #[cfg(not(unix))]
        builder.create(path)
    };
    create().while_("create the private directory", path)
}

/// Marks the directory as a cache, for backup programs and for the staging of a workspace that contains it.
pub(crate) fn tag(path: &Path) -> Result<(), Error> {
    let tag = path.join("CACHEDIR.TAG");
    if tag.exists() {
        return Ok(());
    }
    fs::write(&tag, "Signature: 8a477f597d28d172789f06886806bc55\n# This directory belongs to tantu.\n")
        .while_("write", &tag)
}

/// Bytes of the files under `path`, each counted in blocks of 4 KiB, and one block for each entry. What is absent, or too
/// deep to be reached, counts nothing.
pub(crate) fn size(path: &Path) -> u64 {
    const BLOCK: u64 = 4096;
    let mut total: u64 = 0;
    let mut pending = vec![path.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Whatever vanishes meanwhile takes no space.
            let Ok(metadata) = entry.metadata() else { continue };
            let inside = if metadata.is_dir() { 0 } else { metadata.len().div_ceil(BLOCK) * BLOCK };
            total = total.saturating_add(inside).saturating_add(BLOCK);
            if metadata.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_blocks_and_entries() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(size(dir.path()), 0);
        assert_eq!(size(&dir.path().join("absent")), 0);
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/one"), "x").unwrap();
        fs::write(dir.path().join("empty"), "").unwrap();
        assert_eq!(size(dir.path()), 4 * 4096);
    }

    #[cfg(unix)]
    #[test]
    fn private_directories_are_private_even_if_they_were_not() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        create_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
