//! Reading files that anybody may have written, without waiting and without end.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Files of settings that are larger than this are not read: nobody writes them by hand.
pub const MAX_CONFIGURATION_BYTES: u64 = 4 << 20;

/// Why a file is not read, in words that follow its path.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("is not a regular file")]
    NotAFile,
    #[error("is {bytes} bytes large, more than the limit of {limit}")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("is not UTF-8 (byte {offset})")]
    NotUtf8 { offset: usize },
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl ReadError {
    /// Whether there is nothing at the path.
    pub fn is_missing(&self) -> bool {
        matches!(self, ReadError::Io(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }
}

/// What a regular file of at most `limit` bytes holds. Links to one are followed.
///
/// Whatever else is at the path (a FIFO, a device, a socket, a folder) is not read at all, so that nothing blocks and
/// nothing goes on for ever.
///
/// # Errors
/// When it is not a regular file, too large, or cannot be read.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open_file(path)?;
    let too_large = |bytes| Err(ReadError::TooLarge { bytes, limit });
    if metadata.len() > limit {
        return too_large(metadata.len());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // The file may have grown since, and those of the system say that they are empty.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { too_large(bytes.len() as u64) } else { Ok(bytes) }
}

/// The first `limit` bytes of a regular file, or all of them. Links to one are followed.
///
/// # Errors
/// When it is not a regular file, or cannot be read.
pub fn read_beginning(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open_file(path)?;
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file, and says what it is. Links to one are followed. For whoever has to look at its size or time before
/// reading, or copies it; how much is read is up to the caller.
///
/// # Errors
/// When it is not a regular file, or cannot be opened.
pub fn open_file(path: &Path) -> Result<(File, Metadata), ReadError> {
    let file = match open(path) {
        Ok(file) => file,
        // Sockets, and devices without a driver, cannot be opened; what they are is clearer than the system's error.
        Err(_) if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) => return Err(ReadError::NotAFile),
        Err(error) => return Err(ReadError::Io(error)),
    };
    // Asked of what was opened: what is at the path may be something else by now.
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(ReadError::NotAFile) }
}

/// The text of a file of settings.
///
/// # Errors
/// As [`read_bytes`] with [`MAX_CONFIGURATION_BYTES`], and when it is not UTF-8.
pub fn read_configuration(path: &Path) -> Result<String, ReadError> {
    let bytes = read_bytes(path, MAX_CONFIGURATION_BYTES)?;
    String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to() })
}

/// Makes sure that somebody else's code, which reads the file by itself, will come to an end. A file that is not there is
/// fine.
///
/// # Errors
/// As [`read_configuration`].
pub fn is_readable_configuration(path: &Path) -> Result<(), ReadError> {
    match read_bytes(path, MAX_CONFIGURATION_BYTES) {
        Err(error) if !error.is_missing() => Err(error),
        _ => Ok(()),
    }
}

/// Does not wait for somebody to write into a FIFO, and takes no terminal over.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_regular_files_of_a_sensible_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("settings"), "x = 1\n").unwrap();
        symlink(at("settings"), at("link")).unwrap();
        assert_eq!(read_configuration(&at("link")).unwrap(), "x = 1\n");
        assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        let _socket = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        for name in ["fifo", "socket", "zero", "null", "."] {
            let error = read_configuration(&at(name)).unwrap_err();
            assert!(matches!(error, ReadError::NotAFile), "{name}: {error}");
            assert!(is_readable_configuration(&at(name)).is_err(), "{name}");
            assert!(matches!(read_beginning(&at(name), 9), Err(ReadError::NotAFile)), "{name}");
            assert!(matches!(open_file(&at(name)), Err(ReadError::NotAFile)), "{name}");
        }
        symlink("nowhere", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for name in ["dangling", "loop", "missing", "settings/below"] {
            assert!(matches!(read_configuration(&at(name)), Err(ReadError::Io(_))), "{name}");
        }
        assert!(is_readable_configuration(&at("missing")).is_ok());
    }

    #[test]
    fn the_limit_holds_for_files_that_do_not_know_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let sparse = folder.path().join("sparse");
        File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(read_configuration(&sparse), Err(ReadError::TooLarge { bytes, .. }) if bytes == 1 << 40));
        assert_eq!(read_beginning(&sparse, 9).unwrap(), [0; 9]);
        #[cfg(target_os = "linux")]
        assert!(matches!(read_bytes(Path::new("/proc/self/maps"), 64), Err(ReadError::TooLarge { limit: 64, .. })));
    }
}
