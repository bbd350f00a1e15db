//! Summaries as bytes, so that the next start need not parse what has not changed.
//!
//! An archive is a checksum, the summary's names as text, each once, and the summary with numbers in place of names. Its
//! format has no version: a [`Digest`] depends on the sources that decide what a summary is (see `build.rs`), so that no
//! program ever asks for what another one wrote. Damaged bytes are an error: the checksum is looked at first.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::host::{is_test_file, on_deep_stack};
use crate::summary::Summary;
use crate::{Analysis, Change, FileId, Name};

/// Tells builds of the program apart whose summaries differ.
const FORMAT: &str = env!("SUMMARY_FORMAT");

const CHECKSUM_BYTES: usize = 16;

/// Names all that a file's summary depends on: the text, whether pytest would collect the file, and this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of the file at `path` with `text`.
    pub fn new(path: &Path, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(FORMAT.as_bytes());
        hasher.update(&[u8::from(is_test_file(path))]);
        hasher.update(text.as_bytes());
        Digest(*hasher.finalize().as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A summary that was read from bytes.
#[derive(Clone, Debug)]
pub struct Archived(pub(crate) Arc<Summary>);

impl Archived {
    /// Reads back what [`Analysis::archive`] wrote; `None` when the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (sum, content) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        if checksum(content) != *sum {
            return None;
        }
        decode(content).inspect_err(|error| tracing::error!("an archive: {error}")).ok()
    }
}

/// The summary as bytes.
///
/// # Errors
/// None that is known: every part of a summary can be written.
pub(crate) fn encode(summary: &Summary) -> postcard::Result<Vec<u8>> {
    let (body, names) = Table::filled(|| postcard::to_stdvec(summary));
    let body = body?;
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let mut bytes = postcard::to_extend(&names, vec![0; CHECKSUM_BYTES])?;
    bytes.extend(body);
    let sum = checksum(&bytes[CHECKSUM_BYTES..]);
    bytes[..CHECKSUM_BYTES].copy_from_slice(&sum);
    Ok(bytes)
}

fn decode(content: &[u8]) -> postcard::Result<Archived> {
    let (names, body) = postcard::take_from_bytes::<Vec<&str>>(content)?;
    let names = names.into_iter().map(Name::new).collect();
    let mut summary: Summary = Table::with(names, || postcard::from_bytes(body))?;
    // The order is this process's.
    summary.names.sort_unstable_by_key(|name| name.number());
    Ok(Archived(Arc::new(summary)))
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&blake3::hash(content).as_bytes()[..CHECKSUM_BYTES]);
    sum
}

impl Change {
    /// Asks `find` for the archives of these texts, from any thread, so that they need not be parsed. Bytes that turn
    /// out to be damaged count as not found. Returns how many texts were found.
    pub fn restore(&mut self, find: impl Fn(&Digest) -> Option<Vec<u8>> + Sync) -> usize {
        let restore = |(path, text): &(PathBuf, Option<Arc<str>>)| {
            let text = text.as_ref()?;
            let bytes = find(&Digest::new(path, text))?;
            Some((path.clone(), (text.clone(), Archived::decode(&bytes)?)))
        };
        let found: Vec<_> = on_deep_stack(|| self.files.par_iter().filter_map(restore).collect());
        let count = found.len();
        self.archived.extend(found);
        count
    }
}

impl Analysis {
    /// Whether the file's summary was read from an archive.
    pub fn is_restored(&self, file: FileId) -> bool {
        self.facts(file).is_some_and(|facts| facts.restored)
    }

    /// What the file's archive is found by; `None` for a file that is gone.
    pub fn digest(&self, file: FileId) -> Option<Digest> {
        self.facts(file).map(|facts| Digest::new(&facts.path, facts.source.text()))
    }

    /// The file's summary as bytes for [`Archived::decode`]; `None` for a file that is gone.
    pub fn archive(&self, file: FileId) -> Option<Vec<u8>> {
        let facts = self.facts(file)?;
        let bytes = encode(&facts.summary).inspect_err(|error| tracing::error!("{}: {error}", facts.path.display()));
        bytes.ok()
    }
}

/// The names of the summary that this thread is just writing or reading; serde has no other way to hand them on.
#[derive(Default)]
struct Table {
    names: Vec<Name>,
    /// Only while writing.
    numbers: FxHashMap<Name, u32>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

impl Table {
    /// Runs `write`, and gives the names that it met.
    fn filled<T>(write: impl FnOnce() -> T) -> (T, Vec<Name>) {
        TABLE.take();
        let written = write();
        (written, TABLE.take().names)
    }

    fn with<T>(names: Vec<Name>, read: impl FnOnce() -> T) -> T {
        TABLE.set(Table { names, numbers: FxHashMap::default() });
        let result = read();
        TABLE.take();
        result
    }

    fn number(&mut self, name: Name) -> u32 {
        *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() as u32 - 1
        })
    }
}

/// A number in archives, text in formats for people.
impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(self);
        }
        TABLE.with_borrow_mut(|table| table.number(*self)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Ok(Name::new(&String::deserialize(deserializer)?));
        }
        let number = u32::deserialize(deserializer)?;
        let name = TABLE.with_borrow(|table| table.names.get(number as usize).copied());
        name.ok_or_else(|| serde::de::Error::custom("a name without text"))
    }
}

/// [`Summary::errors`]: the type is not ours.
pub(crate) mod errors {
    use syntax::{SyntaxError, TextRange};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(errors: &[SyntaxError], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(errors.iter().map(|error| (&error.message, error.range)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SyntaxError>, D::Error> {
        let errors = Vec::<(String, TextRange)>::deserialize(deserializer)?;
        Ok(errors.into_iter().map(|(message, range)| SyntaxError { message, range }).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every kind of fact.
    const TEXT: &str = r#"
"""Doc. >>> f()"""
from __future__ import annotations
import os.path as p, a.b
from .c import *
try:
    from d import e as f
except ImportError:
    f = None
__all__ = ["C", "g"]
class C(a.b.D[int], metaclass=f):
    x: int = 1
    def __init__(self, a, /, b: "C" = f(), *args, c=lambda y: y.z, **kw) -> None:
        self.x = self.y = super().m(a, *args, k=b)
    @property
    async def m(self): return [await q async for q in self.x]
def g(n):
    global x
    while n:
        with open(n) as x, f: yield (x, *n), {n: x[0]}
    return type(x).__class__ or g
"#;

    fn bytes(text: &str) -> Vec<u8> {
        encode(&crate::summary::summarize(text, &syntax::parse(text), true)).unwrap()
    }

    /// All of it, but for order: a hash map's depends on how it was filled.
    fn shown(summary: &Summary) -> String {
        let mut characters: Vec<char> = format!("{summary:?}").chars().collect();
        characters.sort_unstable();
        characters.into_iter().collect()
    }

    #[test]
    fn what_was_written_is_read_back() {
        for text in [TEXT, "", "x = (\n", "def f(:\n    '''"] {
            let summary = crate::summary::summarize(text, &syntax::parse(text), true);
            let read = Archived::decode(&encode(&summary).unwrap()).unwrap();
            assert_eq!(shown(&read.0), shown(&summary));
            assert_eq!(read.0.items(), summary.items());
            assert_eq!(read.0.names, summary.names);
            assert_eq!(read.0.errors, summary.errors);
            assert_eq!(format!("{:?}", read.0.exprs), format!("{:?}", summary.exprs));
            assert_eq!(format!("{:?}", read.0.occurrences), format!("{:?}", summary.occurrences));
        }
    }

    #[test]
    fn a_digest_names_all_that_a_summary_depends_on() {
        let digest = |path: &str, text: &str| Digest::new(Path::new(path), text);
        assert_eq!(digest("/a.py", "x"), digest("/b/c.py", "x"));
        assert_ne!(digest("/a.py", "x"), digest("/a.py", "y"));
        assert_ne!(digest("/a.py", "def test(): ..."), digest("/test_a.py", "def test(): ..."));
    }

    #[test]
    fn an_archive_is_for_its_own_text_only() {
        let mut change = Change::default();
        change.set("/a.py", "def f(): ...\n");
        assert_eq!(change.restore(|_| Some(bytes("def f(): ...\n"))), 1);
        change.set("/a.py", "def g(): ...\n");
        let mut host = crate::AnalysisHost::new(Vec::new());
        host.apply(change);
        let analysis = host.analysis();
        assert_eq!((analysis.find("a.f").len(), analysis.find("a.g").len()), (0, 1));
        assert!(!analysis.is_restored(analysis.file(Path::new("/a.py")).unwrap()));
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<prop::sample::Index>()) {
            let whole = bytes(TEXT);
            let mut flipped = whole.clone();
            let at = at.index(flipped.len());
            flipped[at] ^= flip;
            prop_assert!(Archived::decode(&flipped).is_none());
            prop_assert!(Archived::decode(&whole[..cut.index(whole.len())]).is_none());
            // Neither does it end badly should the checksum not notice.
            let _ = decode(&flipped[CHECKSUM_BYTES..]);
            let _ = decode(whole[CHECKSUM_BYTES..].get(..cut.index(whole.len())).unwrap_or_default());
        }

        #[test]
        fn nonsense_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Archived::decode(&bytes).is_none());
            let _ = decode(&bytes);
        }
    }
}
