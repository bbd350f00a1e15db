//! What client and worker say to each other on the worker's standard input and output: frames of four bytes of length, lowest
//! first, and as many bytes of postcard.
//!
//! The worker speaks first, with [`Reply::Hello`], and answers each question once. It ends when its standard input does.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Raised with every change to this module's types. The worker is started from the program's file, which may have been
/// replaced by a newer one since the program was started.
pub const VERSION: u32 = 1;

/// Bytes in a frame. A longer one is an error: a workspace's unsaved texts stay far below.
const MAX_FRAME: u32 = 256 << 20;

/// Which errors does a change bring about?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The workspace folder, absolute.
    pub root: PathBuf,
    /// The folders below it that its modules are imported from, in the order in which they are looked at.
    pub sources: Vec<PathBuf>,
    /// The `site-packages` of its environment.
    pub sites: Vec<PathBuf>,
    /// The version of Python, such as 3 and 12; the newest one where it is not known.
    pub python: Option<(u8, u8)>,
    /// Texts that are not on disk, before the change and after it.
    pub unsaved: Vec<(PathBuf, String)>,
    pub edited: Vec<Edited>,
    /// Files that use the edited ones, those that matter most first.
    pub users: Vec<PathBuf>,
    /// After so many milliseconds no more of the users are looked at.
    pub millis: u64,
}

/// A file that the change writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// Absolute.
    pub path: PathBuf,
    /// `None` where it is not there yet.
    pub before: Option<String>,
    pub after: String,
}

/// What the change brings about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// New ones only, by file and place.
    pub errors: Vec<TypeError>,
    /// Files that were looked at.
    pub looked_at: u32,
    /// Files that were to be looked at and were not, and why.
    pub left_out: Vec<(PathBuf, String)>,
    /// Resident memory of the worker in bytes; 0 where that cannot be told.
    pub memory: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeError {
    pub path: PathBuf,
    /// Offsets in bytes of the text after the change.
    pub range: (u32, u32),
    /// Such as `invalid-return-type`.
    pub rule: String,
    pub message: String,
    pub severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    Error,
    /// What may be an error; the message says why it may be none.
    Question,
    Warning,
}

/// From worker to client.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Hello {
        version: u32,
    },
    Answer(Answer),
    /// Nothing could be looked at; the reason is for people.
    Failed(String),
}

/// Writes one frame.
///
/// # Errors
/// When the stream does not take it.
pub(crate) fn write(output: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::other("a message that is too long"))?;
    output.write_all(&length.to_le_bytes())?;
    output.write_all(&bytes)?;
    output.flush()
}

/// Reads one frame; `None` at the end of the stream.
///
/// # Errors
/// When the stream breaks off, or what comes is no such message.
pub(crate) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message that is too long"));
    }
    let mut bytes = Vec::new();
    input.take(u64::from(length)).read_to_end(&mut bytes)?;
    let message = postcard::from_bytes(&bytes);
    message.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_the_wire() {
        let edited = Edited { path: "/w/a.py".into(), before: None, after: "x = 'ü'\n".to_owned() };
        let question = Question {
            root: "/w".into(),
            python: Some((3, 12)),
            edited: vec![edited],
            unsaved: vec![("/w/b.py".into(), String::new())],
            ..Question::default()
        };
        let mut wire = Vec::new();
        write(&mut wire, &question).unwrap();
        write(&mut wire, &question).unwrap();
        let mut input = &*wire;
        assert_eq!(read::<Question>(&mut input).unwrap(), Some(question.clone()));
        assert_eq!(read::<Question>(&mut input).unwrap(), Some(question));
        assert_eq!(read::<Question>(&mut input).unwrap(), None);
    }

    #[test]
    fn nonsense_is_an_error_and_takes_no_memory() {
        for wire in [&b"\xff\xff\xff\xffabc"[..], b"\x02\x00\x00\x00a", b"\x01\x00\x00\x00\x09"] {
            assert!(read::<Reply>(&mut &*wire).is_err(), "{wire:?}");
        }
    }
}
