//! Puts new texts on the disk: all of them or none, and none outside of the workspace.
//!
//! Their paths may come from a model, and what is in a workspace from anybody: a link in it may lead anywhere. What is
//! written is reached from the workspace's folder by descriptors that cannot leave it, whatever happens to its links
//! meanwhile.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

/// A file and what it is to hold.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Absolute.
    pub path: PathBuf,
    /// What it holds; `None` for a file that is to be made.
    pub before: Option<String>,
    pub after: String,
}

/// Why a file cannot be written, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// What is to be made is there.
    Exists(String),
    Unwritable(String),
}

/// What stands in the way of writing the file at the absolute `path` below `roots`, if anything does. A file that
/// `is_known` is one of the workspace, every other one is to be made.
pub fn obstacle(path: &Path, roots: &[PathBuf], is_known: bool) -> Option<Obstacle> {
    let unwritable = |message: String| Some(Obstacle::Unwritable(message));
    let Some(root) = innermost(roots, path) else {
        // An editor may have opened a file by itself.
        return if is_known {
            None
        } else {
            unwritable(format!("{} is in no folder of the workspace", path.display()))
        };
    };
    let shown = path.strip_prefix(root).unwrap_or(path).display();
    if !is_known && path.symlink_metadata().is_ok() {
        return Some(Obstacle::Exists(format!("{shown} is there already; nothing may be written over")));
    }
    // As far as it is there: of what is to be made, some folder; of a workspace that lives in an editor alone, nothing.
    let mut inside = path.ancestors().take_while(|path| path.starts_with(root));
    let there = inside.find(|path| path.symlink_metadata().is_ok())?;
    let Ok(real) = there.canonicalize() else {
        return unwritable(format!("{shown} is behind a link that leads nowhere"));
    };
    let is_inside = roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
    if !is_inside {
        return unwritable(format!("{shown} is behind a link that leads out of the workspace, to {}", real.display()));
    }
    if there != path && !real.is_dir() {
        return unwritable(format!("{shown} cannot be made: {} is a file and no folder", there.display()));
    }
    None
}

/// Writes `files` below `roots`. Each is replaced as a whole, and when one cannot be, none is.
///
/// # Errors
/// When a file cannot be written, which the message names; then everything is as it was.
pub fn replace(files: &[Replacement], roots: &[PathBuf]) -> io::Result<()> {
    let named = |file: &Replacement, what: &str, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}; {what}", file.path.display()))
    };
    let unchanged = "nothing was changed";
    let prepared: io::Result<Vec<Prepared>> =
        files.iter().map(|file| Prepared::new(file, roots).map_err(|error| named(file, unchanged, error))).collect();
    let mut prepared = prepared?;
    for done in 0..prepared.len() {
        if let Err(error) = prepared[done].put() {
            let is_undone = prepared[..done].iter().all(|file| file.undo().is_ok());
            let rest = if is_undone { unchanged } else { "what was written before could not be undone" };
            return Err(named(&files[done], rest, error));
        }
    }
    Ok(())
}

fn innermost<'a>(roots: &'a [PathBuf], path: &Path) -> Option<&'a Path> {
    let around = roots.iter().filter(|root| path.starts_with(root));
    around.max_by_key(|root| root.components().count()).map(PathBuf::as_path)
}

/// A file that is written beside the one that it will replace.
struct Prepared<'a> {
    file: &'a Replacement,
    folder: Dir,
    name: PathBuf,
    /// Where the new text is until it is put in its place.
    beside: PathBuf,
    /// The outermost folder that had to be made.
    made: Option<(Dir, PathBuf)>,
    is_put: bool,
}

impl<'a> Prepared<'a> {
    fn new(file: &'a Replacement, roots: &[PathBuf]) -> io::Result<Self> {
        let outside = || io::Error::other("it is in no folder of the workspace");
        let folder = innermost(roots, &file.path).ok_or_else(outside)?;
        let inside = file.path.strip_prefix(folder).map_err(|_| outside())?;
        let root = Dir::open_ambient_dir(folder, ambient_authority())?;
        // A link that stays in the workspace leads to the file that is meant.
        let inside = if file.before.is_some() { root.canonicalize(inside)? } else { inside.to_owned() };
        let name = inside.file_name().map(PathBuf::from).ok_or_else(|| io::Error::other("it names no file"))?;
        let parent = inside.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !root.exists(folder);
        let missing = parent.ancestors().take_while(is_missing).last().map(Path::to_owned);
        root.create_dir_all(parent)?;
        let folder = root.open_dir(parent)?;
        let made = missing.map(|folder| (root, folder));
        let beside = PathBuf::new();
        let mut prepared = Prepared { file, folder, name, beside, made, is_put: false };
        prepared.beside = prepared.write_beside(&file.after)?;
        Ok(prepared)
    }

    /// Writes `text` into a new file in the same folder, and returns its name.
    fn write_beside(&self, text: &str) -> io::Result<PathBuf> {
        // Keys of a new state are random, so nobody can have put something at the name before.
        let random = RandomState::new().build_hasher().finish();
        let beside = PathBuf::from(format!(".tantu-{random:016x}"));
        let mut file = self.folder.open_with(&beside, OpenOptions::new().write(true).create_new(true))?;
        let written = file.write_all(text.as_bytes()).and_then(|()| {
            if let Ok(metadata) = self.folder.metadata(&self.name) {
                file.set_permissions(metadata.permissions())?;
            }
            file.sync_all()
        });
        if written.is_err() {
            let _ = self.folder.remove_file(&beside);
        }
        written.map(|()| beside)
    }

    fn put(&mut self) -> io::Result<()> {
        if self.file.before.is_none() && self.folder.symlink_metadata(&self.name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.folder.rename(&self.beside, &self.folder, &self.name)?;
        self.is_put = true;
        Ok(())
    }

    fn undo(&self) -> io::Result<()> {
        match &self.file.before {
            Some(text) => self.folder.rename(self.write_beside(text)?, &self.folder, &self.name),
            None => self.folder.remove_file(&self.name).and_then(|()| self.remove_made()),
        }
    }

    fn remove_made(&self) -> io::Result<()> {
        self.made.as_ref().map_or(Ok(()), |(root, folder)| root.remove_dir_all(folder))
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        if !self.is_put {
            // What is left of a change that did not come about; nobody can do anything about a failure here.
            let _ = self.folder.remove_file(&self.beside);
            let _ = self.remove_made();
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Places {
        _folder: tempfile::TempDir,
        roots: Vec<PathBuf>,
        outside: PathBuf,
    }

    impl Places {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let base = folder.path().canonicalize().unwrap();
            let (root, outside) = (base.join("workspace"), base.join("outside"));
            for made in [&root.join("shop"), &outside] {
                fs::create_dir_all(made).unwrap();
            }
            fs::write(root.join("shop/totals.py"), "x = 1\n").unwrap();
            fs::write(outside.join("victim.py"), "safe\n").unwrap();
            Places { _folder: folder, roots: vec![root], outside }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.roots[0].join(name)
        }

        /// Files with a line before what they hold.
        fn replacements(&self, names: &[&str]) -> Vec<Replacement> {
            let replacement = |name: &&str| {
                let before = fs::read_to_string(self.at(name)).ok();
                let after = format!("new\n{}", before.as_deref().unwrap_or_default());
                Replacement { path: self.at(name), before, after }
            };
            names.iter().map(replacement).collect()
        }

        fn write(&self, names: &[&str]) -> io::Result<()> {
            replace(&self.replacements(names), &self.roots)
        }

        fn obstacle(&self, name: &str) -> Option<Obstacle> {
            obstacle(&self.at(name), &self.roots, name.ends_with("totals.py"))
        }

        /// Everything below the workspace's folder but links and what they lead to.
        fn listed(&self) -> Vec<String> {
            fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
                for entry in fs::read_dir(folder).unwrap() {
                    let entry = entry.unwrap();
                    found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
                    if entry.file_type().unwrap().is_dir() {
                        walk(&entry.path(), root, found);
                    }
                }
            }
            let mut found = Vec::new();
            walk(&self.roots[0], &self.roots[0], &mut found);
            found.sort();
            found
        }
    }

    #[test]
    fn files_are_replaced_and_made() {
        let places = Places::new();
        fs::set_permissions(places.at("shop/totals.py"), fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(places.obstacle("shop/totals.py").or(places.obstacle("shop/deep/new.py")), None);
        places.write(&["shop/totals.py", "shop/deep/new.py"]).unwrap();
        assert_eq!(fs::read_to_string(places.at("shop/totals.py")).unwrap(), "new\nx = 1\n");
        assert_eq!(fs::metadata(places.at("shop/totals.py")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(places.listed(), ["shop", "shop/deep", "shop/deep/new.py", "shop/totals.py"]);
    }

    #[test]
    fn no_link_leads_out() {
        let places = Places::new();
        symlink(&places.outside, places.at("link")).unwrap();
        symlink(places.outside.join("victim.py"), places.at("victim.py")).unwrap();
        symlink("../outside", places.at("shop/up")).unwrap();
        symlink("nowhere", places.at("dangling")).unwrap();
        for name in ["link/evil.py", "link/sub/evil.py", "shop/up/evil.py", "victim.py", "dangling/x.py", "dangling"] {
            assert!(places.obstacle(name).is_some(), "{name}");
            let before = places.listed();
            assert!(places.write(&["shop/totals.py", name]).is_err(), "{name}");
            assert_eq!(places.listed(), before, "{name}");
        }
        assert_eq!(fs::read_dir(&places.outside).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(places.outside.join("victim.py")).unwrap(), "safe\n");
        assert_eq!(fs::read_to_string(places.at("shop/totals.py")).unwrap(), "x = 1\n");
        let elsewhere = Replacement { path: places.outside.join("x.py"), before: None, after: String::new() };
        assert!(replace(&[elsewhere], &places.roots).is_err());
    }

    #[test]
    fn a_link_that_is_planted_where_the_text_is_written_first_is_not_followed() {
        let places = Places::new();
        // The name that an earlier version used, and everything that looks like today's.
        symlink(places.outside.join("victim.py"), places.at("shop/.totals.py.tantu")).unwrap();
        places.write(&["shop/totals.py"]).unwrap();
        assert_eq!(fs::read_to_string(places.outside.join("victim.py")).unwrap(), "safe\n");
        let file = &places.replacements(&["shop/totals.py"])[0];
        let names = |_| Prepared::new(file, &places.roots).unwrap().beside.clone();
        assert_eq!((0..64).map(names).collect::<std::collections::BTreeSet<_>>().len(), 64);
    }

    #[test]
    fn a_file_in_the_way_leaves_nothing_half_done() {
        let places = Places::new();
        let before = places.listed();
        assert!(matches!(places.obstacle("shop/totals.py/x.py"), Some(Obstacle::Unwritable(_))));
        assert!(places.write(&["new/a.py", "shop/totals.py", "shop/totals.py/x.py"]).is_err());
        assert_eq!(places.listed(), before);
        assert_eq!(fs::read_to_string(places.at("shop/totals.py")).unwrap(), "x = 1\n");
        // The last one fails when the others are in their places already.
        fs::create_dir(places.at("taken.py")).unwrap();
        let before = places.listed();
        assert!(places.write(&["new/a.py", "shop/totals.py", "taken.py"]).is_err());
        assert_eq!(places.listed(), before);
    }

    #[test]
    fn what_was_put_in_its_place_is_undone() {
        let places = Places::new();
        let before = places.listed();
        let files = places.replacements(&["shop/totals.py", "new/deep/a.py"]);
        let mut replaced = Prepared::new(&files[0], &places.roots).unwrap();
        let mut made = Prepared::new(&files[1], &places.roots).unwrap();
        for file in [&mut replaced, &mut made] {
            file.put().unwrap();
            file.undo().unwrap();
        }
        assert_eq!(places.listed(), before);
        assert_eq!(fs::read_to_string(places.at("shop/totals.py")).unwrap(), "x = 1\n");
        // Somebody was faster.
        let files = places.replacements(&["a.py"]);
        let mut late = Prepared::new(&files[0], &places.roots).unwrap();
        fs::write(places.at("a.py"), "theirs").unwrap();
        assert_eq!(late.put().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
