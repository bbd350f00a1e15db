//! Compiles the guest for this machine, once, and loads what was compiled.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use sandbox::Event;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

use crate::error::{Error, IoContext};
use crate::host::MAX_SESSIONS;
use crate::{cache, guest};

/// Bytes for the host's own frames, on top of the guest's stack.
const HOST_STACK: usize = 2 << 20;

/// A compiled guest that nothing has used for so long is removed: it belongs to an older version.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes of an instance's memory that are not given back to the system when it ends.
const KEPT_RESIDENT: usize = 8 << 20;

const STEPS: u32 = 3;

/// Instances that live at a time.
const INSTANCES: u32 = MAX_SESSIONS as u32 + 2;

/// Makes sure that the guest is compiled for this machine and undamaged. Returns the file. Takes half a minute the first
/// time and some milliseconds afterwards.
///
/// # Errors
/// When there is no guest, when it cannot be compiled, and when the cache directory cannot be written.
pub fn prepare(on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<PathBuf, Error> {
    let component = guest::locate()?;
    let directory = cache::sandbox_dir()?;
    cache::create_private(&directory)?;
    cache::tag(&directory)?;

    let engine = engine(sandbox::Limits::default().stack)?;
    let bytes = fs::read(&component).while_("read", &component)?;
    let file = directory.join(file_name(&engine, &bytes));
    if is_intact(&file) {
        touch(&file).while_("touch", &file)?;
        return Ok(file);
    }
    // Whoever comes second waits, and finds the work done.
    let lock_path = directory.join("prepare.lock");
    let lock = File::create(&lock_path).while_("create", &lock_path)?;
    let preparing = |done| on_event(Event::Preparing { done, total: STEPS });
    preparing(0);
    with_heartbeat(&|| preparing(1), || {
        lock.lock().while_("lock", &lock_path)?;
        if is_intact(&file) {
            return Ok(());
        }
        tracing::info!(guest = %component.display(), "compiling the sandbox's Python");
        let compiled = engine.precompile_component(&bytes).map_err(Error::Compile)?;
        write(&file, &compiled).while_("write", &file)
    })?;
    preparing(2);
    remove_unused(&directory).while_("tidy", &directory)?;
    preparing(STEPS);
    Ok(file)
}

/// The file that [`prepare`] would return, if it is there.
pub(crate) fn existing(component: &Path) -> Result<Option<PathBuf>, Error> {
    let bytes = fs::read(component).while_("read", component)?;
    let file = cache::sandbox_dir()?.join(file_name(&engine(sandbox::Limits::default().stack)?, &bytes));
    Ok(is_intact(&file).then_some(file))
}

/// Removes every compiled guest.
pub(crate) fn clear(directory: &Path) -> io::Result<()> {
    remove_where(directory, |_| true)
}

/// How guests are compiled and run, with `stack` bytes of stack. Everything but the stack is part of what is compiled.
pub(crate) fn engine(stack: u64) -> Result<Engine, Error> {
    // A stack that does not fit the address space is clamped; the limits keep it far below.
    let stack = usize::try_from(stack).unwrap_or(usize::MAX / 4);
    let mut config = Config::new();
    config.epoch_interruption(true).max_wasm_stack(stack).async_stack_size(stack + HOST_STACK);
    let mut pool = PoolingAllocationConfig::new();
    // One run at a time, room for the one before it to go, and the sessions. A component made by componentize-py consists
    // of dozens of core instances and tables around one memory.
    pool.total_component_instances(INSTANCES)
        .max_component_instance_size(16 << 20)
        .total_core_instances(100 * INSTANCES)
        .max_core_instances_per_component(100)
        .max_core_instance_size(16 << 20)
        .total_memories(4 * INSTANCES)
        .max_memories_per_component(4)
        .max_memory_size(1 << 30)
        .total_tables(60 * INSTANCES)
        .max_tables_per_component(60)
        .table_elements(200_000)
        .total_stacks(INSTANCES)
        // What a run has written to, some megabytes, is put back by copying where the system can tell which pages these
        // are. Otherwise the next run meets a page fault at each of them.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(KEPT_RESIDENT)
        .table_keep_resident(1 << 20);
    config.allocation_strategy(pool);
    Engine::new(&config).map_err(Error::Load)
}

/// Loads what [`prepare`] returned.
#[expect(unsafe_code, reason = "machine code from our own cache directory")]
pub(crate) fn load(engine: &Engine, file: &Path) -> Result<Component, Error> {
    // SAFETY: the file was written by `write` in a directory that only this user can enter, its hash was checked
    // when it was prepared, and wasmtime itself rejects code of another version, configuration or machine.
    unsafe { Component::deserialize_file(engine, file) }.map_err(Error::Load)
}

/// Runs `work` while calling `beat` every second.
fn with_heartbeat<T>(beat: &(dyn Fn() + Sync), work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (working, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            beat();
            while ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                beat();
            }
        });
        let result = work();
        drop(working);
        result
    })
}

/// Named after all that decides the content: the guest, and wasmtime's version, configuration and target machine.
fn file_name(engine: &Engine, guest: &[u8]) -> String {
    let mut machine = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut machine);
    format!("{}-{:016x}.cwasm", &blake3::hash(guest).to_hex()[..16], machine.finish())
}

fn hash_file(file: &Path) -> PathBuf {
    file.with_extension("blake3")
}

fn is_intact(file: &Path) -> bool {
    let (Ok(expected), Ok(bytes)) = (fs::read_to_string(hash_file(file)), fs::read(file)) else { return false };
    expected == *blake3::hash(&bytes).to_hex()
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let replace = |path: &Path, bytes: &[u8]| {
        let partial = path.with_extension("partial");
        fs::write(&partial, bytes)?;
        fs::rename(&partial, path)
    };
    replace(file, bytes)?;
    replace(&hash_file(file), blake3::hash(bytes).to_hex().as_bytes())
}

/// Records that a compiled guest is in use.
fn touch(file: &Path) -> io::Result<()> {
    for file in [file, &hash_file(file)] {
        File::options().append(true).open(file)?.set_modified(SystemTime::now())?;
    }
    Ok(())
}

fn remove_unused(directory: &Path) -> io::Result<()> {
    remove_where(directory, |file| {
        let age = file.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age > KEPT)
    })
}

fn remove_where(directory: &Path, condition: impl Fn(&Path) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|suffix| ["cwasm", "blake3", "partial"].iter().any(|it| suffix == *it));
        if ours && condition(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.cwasm");
        assert!(!is_intact(&file));
        write(&file, b"machine code").unwrap();
        assert!(is_intact(&file));
        fs::write(&file, b"machine c0de").unwrap();
        assert!(!is_intact(&file));
        write(&file, b"machine code").unwrap();
        fs::remove_file(hash_file(&file)).unwrap();
        assert!(!is_intact(&file));
    }

    #[test]
    fn names_differ_by_guest() {
        let engine = engine(8 << 20).unwrap();
        assert_ne!(file_name(&engine, b"a"), file_name(&engine, b"b"));
        assert_eq!(file_name(&engine, b"a"), file_name(&super::engine(4 << 20).unwrap(), b"a"));
    }

    #[test]
    fn only_unused_guests_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new] = ["old.cwasm", "new.cwasm"].map(|name| dir.path().join(name));
        let other = dir.path().join("prepare.lock");
        for file in [&old, &new] {
            write(file, b"machine code").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * KEPT;
        for file in [&old, &hash_file(&old), &new, &hash_file(&new), &other] {
            File::options().create(true).append(true).open(file).unwrap().set_modified(long_ago).unwrap();
        }
        touch(&new).unwrap();
        remove_unused(dir.path()).unwrap();
        assert!(is_intact(&new) && other.exists());
        assert!(!old.exists() && !hash_file(&old).exists());
    }

    #[test]
    fn the_heart_beats_while_work_goes_on() {
        let beats = AtomicU32::new(0);
        let beat = || {
            beats.fetch_add(1, Ordering::Relaxed);
        };
        with_heartbeat(&beat, || thread::sleep(Duration::from_millis(1500)));
        assert!(beats.into_inner() >= 2);
    }
}
