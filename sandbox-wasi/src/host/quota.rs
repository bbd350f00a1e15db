//! What the guest may write: bytes and files in its own folders, as if these were a disk that is full.
//!
//! The folders are real ones. A file system of our own in memory would have to do again all that the runtime does for
//! real files: thirty operations, with links, renames and open files that have no name any more. Metering them takes a
//! hook before each operation that makes something larger.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError};

use super::capture::Overflow;

/// Bytes that can be written, over all files.
pub(super) const MAX_BYTES: u64 = 64 << 20;
/// Files and folders that can be made.
pub(super) const MAX_FILES: u64 = 4096;
/// Folders that can be inside each other.
pub(super) const MAX_DEPTH: u64 = 100;

/// What is left. It is counted down without looking, and counted anew when there seems to be nothing left: by then files
/// may have been removed, or written over.
pub(super) struct Quota {
    folders: Vec<PathBuf>,
    /// What was in them at the beginning and counts for nothing.
    given: Needed,
    /// Whether something was to be written where nothing can be.
    read_only_met: AtomicBool,
    left: Mutex<Left>,
}

#[derive(Clone, Copy)]
struct Left {
    bytes: u64,
    files: u64,
    /// How many folders more there can be inside each other.
    levels: u64,
    /// Whether something was denied since it was last asked.
    denied: bool,
}

impl Quota {
    /// The quota of these folders together, with what is in them. They are looked at when it is first needed.
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        let left = Mutex::new(Left { bytes: 0, files: 0, levels: 0, denied: false });
        Self { folders, given: Needed::default(), read_only_met: AtomicBool::new(false), left }
    }

    /// As [`Self::new`]; what is in `folder` now costs nothing, and what is added there does.
    pub(super) fn with_given(mut self, folder: PathBuf) -> io::Result<Self> {
        self.given = measure(std::slice::from_ref(&folder))?;
        self.folders.push(folder);
        Ok(self)
    }

    /// Whether the guest has tried to write what it may only read.
    pub(super) fn was_read_only_met(&self) -> bool {
        self.read_only_met.load(Ordering::Relaxed)
    }

    /// Notes what comes of an attempt to write.
    fn note<T>(&self, result: FsResult<T>) -> FsResult<T> {
        let is_refused = |error: &FsError| {
            matches!(error.downcast_ref(), Some(ErrorCode::ReadOnly | ErrorCode::NotPermitted | ErrorCode::Access))
        };
        if result.as_ref().err().is_some_and(is_refused) {
            self.read_only_met.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Whether the guest has met it since this was last asked.
    pub(super) fn was_met(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut left.denied)
    }

    fn take(&self, bytes: u64, files: u64) -> Result<(), ErrorCode> {
        self.take_all(|_| Needed { bytes, files, levels: 0 })
    }

    /// Room for a folder, which may be one level deeper than all others.
    fn take_folder(&self) -> Result<(), ErrorCode> {
        self.take_all(|_| Needed { bytes: 0, files: 1, levels: 1 })
    }

    /// Room for a folder that comes from elsewhere, with what is in it: at the worst what is deepest goes where it is deepest.
    fn take_moved(&self) -> Result<(), ErrorCode> {
        self.take_all(|left| Needed { bytes: 0, files: 0, levels: MAX_DEPTH - left.levels })
    }

    fn take_all(&self, needed: impl Fn(&Left) -> Needed) -> Result<(), ErrorCode> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if !needed(&left).fits(&left) {
            let used = measure(&self.folders).map_err(|_| ErrorCode::Io)?;
            left.bytes = MAX_BYTES.saturating_sub(used.bytes.saturating_sub(self.given.bytes));
            left.files = MAX_FILES.saturating_sub(used.files.saturating_sub(self.given.files));
            left.levels = MAX_DEPTH.saturating_sub(used.levels);
        }
        let needed = needed(&left);
        if !needed.fits(&left) {
            left.denied = true;
            return Err(ErrorCode::InsufficientSpace);
        }
        left.bytes -= needed.bytes;
        left.files -= needed.files;
        left.levels -= needed.levels;
        Ok(())
    }
}

/// What something takes of the quota.
#[derive(Default)]
struct Needed {
    bytes: u64,
    files: u64,
    levels: u64,
}

impl Needed {
    fn fits(&self, left: &Left) -> bool {
        self.bytes <= left.bytes && self.files <= left.files && self.levels <= left.levels
    }
}

/// What the folders hold.
fn measure(folders: &[PathBuf]) -> io::Result<Needed> {
    let mut used = Needed::default();
    let mut pending: Vec<(PathBuf, u64)> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, level)) = pending.pop() {
        used.levels = used.levels.max(level);
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            used.files += 1;
            if metadata.is_dir() {
                pending.push((entry.path(), level + 1));
            } else {
                used.bytes = used.bytes.saturating_add(metadata.len());
            }
        }
    }
    Ok(used)
}

/// The runtime's own file system, with the quota in front.
pub(super) struct Metered<'a> {
    pub(super) inner: WasiFilesystemCtxView<'a>,
    pub(super) quota: Arc<Quota>,
}

/// Ties [`Metered`] to the linker.
pub(super) struct HasMetered;

impl HasData for HasMetered {
    type Data<'a> = Metered<'a>;
}

impl Metered<'_> {
    fn meter(&mut self, stream: Resource<DynOutputStream>) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.inner.table.delete(stream)?;
        let metered: DynOutputStream = Box::new(Writer { inner, quota: Arc::clone(&self.quota) });
        Ok(self.inner.table.push(metered)?)
    }
}

/// A file that is being written.
struct Writer {
    inner: DynOutputStream,
    quota: Arc<Quota>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        // The guest's library takes an error of a stream for its end, and then writes nothing without a word.
        let room = self.quota.take(bytes.len() as u64, 0);
        room.map_err(|_| StreamError::Trap(wasmtime::Error::new(Overflow::Tmp)))?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

impl types::Host for Metered<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

impl HostDescriptor for Metered<'_> {
    // What makes something larger.

    async fn set_size(&mut self, file: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        self.quota.take(size, 0)?;
        self.inner.set_size(file, size).await
    }

    async fn write(&mut self, file: Resource<Descriptor>, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        if offset > MAX_BYTES {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        self.quota.take(bytes.len() as u64, 0)?;
        self.inner.write(file, bytes, offset).await
    }

    fn write_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        // A hole counts as if it were filled.
        if offset > MAX_BYTES {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        let stream = self.inner.write_via_stream(file, offset)?;
        self.meter(stream)
    }

    fn append_via_stream(&mut self, file: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.inner.append_via_stream(file)?;
        self.meter(stream)
    }

    async fn create_directory_at(&mut self, folder: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.quota.take_folder()?;
        let made = self.inner.create_directory_at(folder, path).await;
        self.quota.note(made)
    }

    async fn open_at(
        &mut self,
        folder: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if open_flags.contains(OpenFlags::CREATE) {
            self.quota.take(0, 1)?;
        }
        let writes = flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY)
            || open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let opened = self.inner.open_at(folder, path_flags, path, open_flags, flags).await;
        if writes { self.quota.note(opened) } else { opened }
    }

    async fn link_at(
        &mut self,
        from: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        to: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.quota.take(0, 1)?;
        self.inner.link_at(from, path_flags, path, to, new_path).await
    }

    async fn symlink_at(&mut self, folder: Resource<Descriptor>, from: String, to: String) -> FsResult<()> {
        self.quota.take(0, 1)?;
        self.inner.symlink_at(folder, from, to).await
    }

    async fn rename_at(
        &mut self,
        from: Resource<Descriptor>,
        path: String,
        to: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let same = Resource::new_borrow(from.rep());
        let moved = self.inner.stat_at(same, PathFlags::empty(), path.clone()).await?;
        if moved.type_ == DescriptorType::Directory {
            self.quota.take_moved()?;
        }
        let renamed = self.inner.rename_at(from, path, to, new_path).await;
        self.quota.note(renamed)
    }

    // All else.

    async fn advise(
        &mut self,
        file: Resource<Descriptor>,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.inner.advise(file, offset, length, advice).await
    }

    async fn sync_data(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        self.inner.sync_data(file).await
    }

    async fn get_flags(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.inner.get_flags(file).await
    }

    async fn get_type(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.inner.get_type(file).await
    }

    async fn set_times(
        &mut self,
        file: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.inner.set_times(file, accessed, modified).await
    }

    async fn read(
        &mut self,
        file: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.inner.read(file, length, offset).await
    }

    async fn read_directory(&mut self, folder: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        self.inner.read_directory(folder).await
    }

    async fn sync(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        self.inner.sync(file).await
    }

    async fn stat(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.inner.stat(file).await
    }

    async fn stat_at(
        &mut self,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        self.inner.stat_at(folder, flags, path).await
    }

    async fn set_times_at(
        &mut self,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.inner.set_times_at(folder, flags, path, accessed, modified).await
    }

    fn drop(&mut self, file: Resource<Descriptor>) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.inner, file)
    }

    async fn readlink_at(&mut self, folder: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.inner.readlink_at(folder, path).await
    }

    async fn remove_directory_at(&mut self, folder: Resource<Descriptor>, path: String) -> FsResult<()> {
        let removed = self.inner.remove_directory_at(folder, path).await;
        self.quota.note(removed)
    }

    async fn unlink_file_at(&mut self, folder: Resource<Descriptor>, path: String) -> FsResult<()> {
        let removed = self.inner.unlink_file_at(folder, path).await;
        self.quota.note(removed)
    }

    fn read_via_stream(&mut self, file: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(file, offset)
    }

    async fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> wasmtime::Result<bool> {
        self.inner.is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, file: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.inner.metadata_hash(file).await
    }

    async fn metadata_hash_at(
        &mut self,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.inner.metadata_hash_at(folder, flags, path).await
    }
}

impl HostDirectoryEntryStream for Metered<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_can_be_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota::new(vec![dir.path().to_owned()]);
        let file = dir.path().join("a");
        for _ in 0..3 {
            quota.take(MAX_BYTES, 1).unwrap();
            fs::File::create(&file).unwrap().set_len(MAX_BYTES).unwrap();
            assert_eq!(quota.take(1, 0), Err(ErrorCode::InsufficientSpace));
            assert!(quota.was_met() && !quota.was_met());
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn folders_inside_each_other_are_limited() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota::new(vec![dir.path().to_owned()]);
        // Side by side there can be more of them than inside each other.
        for number in 0..2 * MAX_DEPTH {
            quota.take_folder().unwrap();
            fs::create_dir(dir.path().join(number.to_string())).unwrap();
        }
        let mut path = dir.path().to_owned();
        for _ in 0..MAX_DEPTH / 2 + 1 {
            path.push("d");
        }
        fs::create_dir_all(&path).unwrap();
        // Of what is there a new one knows nothing before it looks.
        let quota = Quota::new(vec![dir.path().to_owned()]);
        assert_eq!(quota.take_moved(), Err(ErrorCode::InsufficientSpace));
        let mut made = 0;
        while quota.take_folder().is_ok() {
            path.push("d");
            fs::create_dir(&path).unwrap();
            made += 1;
        }
        assert_eq!(made + MAX_DEPTH / 2 + 1, MAX_DEPTH);
        assert!(quota.was_met());
    }

    #[test]
    fn files_and_folders_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota::new(vec![dir.path().to_owned()]);
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        for _ in 0..MAX_FILES {
            quota.take(0, 1).unwrap();
        }
        // Most of them have never come to be.
        quota.take(0, MAX_FILES - 2).unwrap();
        assert_eq!(quota.take(0, MAX_FILES - 1), Err(ErrorCode::InsufficientSpace));
    }
}
