//! What the checker may see of the machine: the workspace and its environment, with texts in place of what is on disk.

use std::any::Any;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, ErrorKind};
use std::sync::{Arc, PoisonError, RwLock};

use ruff_db::file_revision::FileRevision;
use ruff_db::system::walk_directory::WalkDirectoryBuilder;
use ruff_db::system::{
    DirectoryEntry, FileType, MemoryFileSystem, Metadata, Result, System, SystemPath, SystemPathBuf, SystemVirtualPath,
    WhichError, WhichResult, WritableSystem,
};
use ruff_notebook::{Notebook, NotebookError};

/// Bytes of a file that is read. What is larger is generated, and says nothing that is worth its memory.
pub(crate) const MAX_FILE: u64 = 2 << 20;

/// Texts by path; `None` where there is to be no file, whatever is on disk.
pub(crate) type Overlay = BTreeMap<SystemPathBuf, Option<Arc<str>>>;

/// Reads below the given folders and nowhere else, and writes and runs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    root: SystemPathBuf,
    /// The root and the environment's folders.
    folders: Arc<[SystemPathBuf]>,
    overlay: Arc<RwLock<Overlay>>,
}

impl Files {
    pub fn new(root: SystemPathBuf, sites: &[SystemPathBuf]) -> Self {
        let folders = std::iter::once(&root).chain(sites).cloned().collect();
        Files { root, folders, overlay: Arc::default() }
    }

    /// Puts `overlay` in place of the one before, and returns that.
    pub fn set(&self, overlay: Overlay) -> Overlay {
        std::mem::replace(&mut *self.overlay.write().unwrap_or_else(PoisonError::into_inner), overlay)
    }

    fn with<T>(&self, use_it: impl FnOnce(&Overlay) -> T) -> T {
        use_it(&self.overlay.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn may_see(&self, path: &SystemPath) -> Result<()> {
        if self.folders.iter().any(|folder| path.starts_with(folder)) { Ok(()) } else { Err(missing()) }
    }

    /// Whether a file is the workspace's own, and not of a package that is installed there.
    pub fn is_own(&self, path: &SystemPath) -> bool {
        path.starts_with(&self.root) && !self.folders[1..].iter().any(|site| path.starts_with(site))
    }

    /// What of the overlay lies in the folder `path`, directly or below: the names in it, and whether there is a file.
    fn children(&self, path: &SystemPath) -> BTreeMap<SystemPathBuf, (FileType, bool)> {
        let mut children = BTreeMap::new();
        self.with(|overlay| {
            for (file, text) in overlay.range(path.to_path_buf()..).take_while(|(file, _)| file.starts_with(path)) {
                let Ok(inside) = file.strip_prefix(path) else { continue };
                let mut parts = inside.as_utf8_path().components();
                let Some(first) = parts.next() else { continue };
                let kind = if parts.next().is_some() { FileType::Directory } else { FileType::File };
                if kind.is_file() || text.is_some() {
                    children.insert(path.join(first.as_str()), (kind, text.is_some()));
                }
            }
        });
        children
    }
}

impl System for Files {
    fn path_metadata(&self, path: &SystemPath) -> Result<Metadata> {
        self.may_see(path)?;
        if let Some(text) = self.with(|overlay| overlay.get(path).cloned()) {
            let text = text.ok_or_else(missing)?;
            return Ok(Metadata::new(revision(&text), None, FileType::File));
        }
        let on_disk = std::fs::metadata(path.as_std_path()).ok();
        let file = on_disk.as_ref().filter(|metadata| metadata.is_file());
        if let Some(file) = file {
            return Ok(Metadata::new(revision(&stamp(file)), None, FileType::File));
        }
        let children = self.children(path);
        let stamp = on_disk.as_ref().filter(|metadata| metadata.is_dir()).map(stamp);
        if stamp.is_none() && !children.values().any(|(_, is_there)| *is_there) {
            return Err(missing());
        }
        let names: Vec<_> = children.into_iter().map(|(path, (_, is_there))| (path, is_there)).collect();
        Ok(Metadata::new(revision(&(stamp, names)), None, FileType::Directory))
    }

    /// Links are left as they are: the client names files by their paths in the workspace.
    fn canonicalize_path(&self, path: &SystemPath) -> Result<SystemPathBuf> {
        let path = SystemPath::absolute(path, &self.root);
        self.path_metadata(&path).map(|_| path)
    }

    fn is_same_file(&self, first: &SystemPath, second: &SystemPath) -> Result<bool> {
        Ok(self.canonicalize_path(first)? == self.canonicalize_path(second)?)
    }

    fn which(&self, _: &str) -> WhichResult {
        Err(WhichError::CannotFindBinaryPath)
    }

    fn read_to_string(&self, path: &SystemPath) -> Result<String> {
        self.may_see(path)?;
        let text = match self.with(|overlay| overlay.get(path).cloned()) {
            Some(text) => text.ok_or_else(missing)?.to_string(),
            None => {
                let bytes = disk::read_bytes(path.as_std_path(), MAX_FILE).map_err(Error::other)?;
                // Its bytes that are no text are in comments and strings, where they change no type.
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            }
        };
        Ok(deaf(text))
    }

    fn read_to_notebook(&self, _: &SystemPath) -> std::result::Result<Notebook, NotebookError> {
        Err(NotebookError::Io(missing()))
    }

    fn read_virtual_path_to_string(&self, _: &SystemVirtualPath) -> Result<String> {
        Err(missing())
    }

    fn read_virtual_path_to_notebook(&self, _: &SystemVirtualPath) -> std::result::Result<Notebook, NotebookError> {
        Err(NotebookError::Io(missing()))
    }

    fn current_directory(&self) -> &SystemPath {
        &self.root
    }

    fn user_config_directory(&self) -> Option<SystemPathBuf> {
        None
    }

    fn cache_dir(&self) -> Option<SystemPathBuf> {
        None
    }

    fn read_directory<'a>(
        &'a self,
        path: &SystemPath,
    ) -> Result<Box<dyn Iterator<Item = Result<DirectoryEntry>> + 'a>> {
        self.may_see(path)?;
        let children = self.children(path);
        let mut entries = BTreeMap::new();
        match path.as_utf8_path().read_dir_utf8() {
            Ok(on_disk) => {
                for entry in on_disk.flatten() {
                    let Ok(kind) = entry.file_type() else { continue };
                    let kind = match () {
                        () if kind.is_dir() => FileType::Directory,
                        () if kind.is_symlink() => FileType::Symlink,
                        () => FileType::File,
                    };
                    entries.insert(SystemPathBuf::from_utf8_path_buf(entry.into_path()), kind);
                }
            }
            Err(error) if children.is_empty() => return Err(error),
            Err(_) => {}
        }
        for (path, (kind, is_there)) in children {
            if is_there {
                entries.insert(path, kind)
            } else {
                entries.remove(&path)
            };
        }
        Ok(Box::new(entries.into_iter().map(|(path, kind)| Ok(DirectoryEntry::new(path, kind)))))
    }

    /// Nothing that is asked here walks; there is nothing to be found.
    fn walk_directory(&self, path: &SystemPath) -> WalkDirectoryBuilder {
        MemoryFileSystem::with_current_directory(&self.root).walk_directory(path)
    }

    fn as_writable(&self) -> Option<&dyn WritableSystem> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn dyn_clone(&self) -> Box<dyn System> {
        Box::new(self.clone())
    }
}

/// A comment that silences the checker is not its own judge: what it hides is found, and told apart later.
fn deaf(text: String) -> String {
    if text.contains("ty:") { text.replace("ty: ignore", "ty. ignore").replace("ty:ignore", "ty.ignore") } else { text }
}

fn missing() -> Error {
    ErrorKind::NotFound.into()
}

fn stamp(metadata: &std::fs::Metadata) -> (Option<std::time::SystemTime>, u64) {
    (metadata.modified().ok(), metadata.len())
}

fn revision(of: &(impl Hash + ?Sized)) -> FileRevision {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let low = hasher.finish();
    0xa5_u8.hash(&mut hasher);
    FileRevision::new((u128::from(hasher.finish()) << 64) | u128::from(low))
}
