//! Removes a folder that hostile code has filled: however deep it is, without a path or a stack that grows with it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Removes `folder` and all in it. Nothing may be writing in it any more. Links are removed, not followed.
///
/// # Errors
/// When something cannot be removed.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let mut count = 0_u64;
    loop {
        // What is deeper was moved up to here since.
        let mut folders = Vec::new();
        open(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => fs::remove_file(entry.path())?,
            }
        }
        if folders.is_empty() {
            return fs::remove_dir(folder);
        }
        for inner in folders {
            open(&inner)?;
            for entry in fs::read_dir(&inner)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    fs::remove_file(entry.path())?;
                    continue;
                }
                // Moving a folder writes in it, where its parent is named.
                open(&entry.path())?;
                loop {
                    count += 1;
                    let moved = folder.join(format!("removed-{count}"));
                    if !moved.exists() {
                        fs::rename(entry.path(), moved)?;
                        break;
                    }
                }
            }
            fs::remove_dir(inner)?;
        }
    }
}

fn open(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_closed_and_linked_folders_are_removed_and_nothing_else() {
        let outer = tempfile::tempdir().unwrap();
        let kept = outer.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let folder = outer.path().join("folder");
        let mut deep = folder.clone();
        for _ in 0..300 {
            deep.push("deeper");
        }
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "x").unwrap();
        fs::create_dir(folder.join("removed-1")).unwrap();
        std::os::unix::fs::symlink(&kept, folder.join("link")).unwrap();
        fs::set_permissions(folder.join("deeper/deeper"), Permissions::from_mode(0o000)).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists() && kept.join("file").exists());
    }
}
