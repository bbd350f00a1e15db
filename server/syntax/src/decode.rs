//! Reading source files.

use std::fmt;
use std::path::Path;

use disk::ReadError;

/// Files larger than this are not analysed: nobody writes them by hand, and they would stall everything else.
pub const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// Why a file's content is not Python source that we read.
#[derive(Debug)]
pub enum DecodeError {
    Binary,
    NotUtf8 { offset: usize },
    Unread(ReadError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Binary => f.write_str("is binary"),
            DecodeError::NotUtf8 { offset } => {
                write!(f, "is not UTF-8 (byte {offset}); convert it, for example with `iconv -t utf-8`")
            }
            DecodeError::Unread(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The text in `bytes`. A byte order mark stays part of the text, so that offsets agree with the editor's.
///
/// # Errors
/// When the bytes are binary or not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, DecodeError> {
    if bytes.contains(&0) {
        return Err(DecodeError::Binary);
    }
    String::from_utf8(bytes).map_err(|error| DecodeError::NotUtf8 { offset: error.utf8_error().valid_up_to() })
}

/// Reads and decodes the file at `path`.
///
/// # Errors
/// When it is not a regular file, too large, unreadable, binary or not UTF-8.
pub fn read_source(path: &Path) -> Result<String, DecodeError> {
    decode(disk::read_bytes(path, MAX_FILE_BYTES).map_err(DecodeError::Unread)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_file_is_not_read() {
        assert!(matches!(decode(b"\x7fELF\0".to_vec()), Err(DecodeError::Binary)));
        let latin1 = decode(b"x = '\xe9'".to_vec());
        assert!(matches!(latin1, Err(DecodeError::NotUtf8 { offset: 5 })));
        assert!(matches!(read_source(Path::new("/")), Err(DecodeError::Unread(ReadError::NotAFile))));
        assert!(matches!(read_source(Path::new("/nowhere/x.py")), Err(DecodeError::Unread(ReadError::Io(_)))));
    }

    #[test]
    fn a_byte_order_mark_stays() {
        assert_eq!(decode(b"\xef\xbb\xbfx".to_vec()).unwrap(), "\u{feff}x");
    }
}
