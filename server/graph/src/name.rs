//! Interned identifiers.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use dashmap::DashSet;
use rustc_hash::{FxBuildHasher, FxHasher};

/// An identifier or a dotted name. Equality and hashing are by number and cost nothing.
///
/// Interned text is never freed: a workspace has a bounded vocabulary, and typing adds little to it. Order is the text's,
/// so that sorted output does not depend on which thread saw a name first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(NonZeroU32);

/// Names that a thread keeps at hand: a file says the same few again and again, and the table is shared by all threads.
const AT_HAND: usize = 4096;

thread_local! {
    static RECENT: [Cell<Option<Name>>; AT_HAND] = const { [const { Cell::new(None) }; AT_HAND] };
}

/// The texts of names come in batches of so many, so that those that are there never move.
const BATCH: usize = 1 << 12;

/// Room for 2²⁸ names: their texts alone would fill the memory.
const BATCHES: usize = 1 << 16;

type Texts = Box<[OnceLock<&'static str>]>;

/// The text of each name by its number.
static TEXTS: [OnceLock<Texts>; BATCHES] = [const { OnceLock::new() }; BATCHES];

/// The number of the next name.
static NEXT: AtomicU32 = AtomicU32::new(1);

static NAMES: LazyLock<DashSet<Entry, FxBuildHasher>> = LazyLock::new(DashSet::default);

/// Compares and hashes by text, unlike [`Name`].
#[derive(Clone, Copy)]
struct Entry(Name);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Entry {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// Hashes for keys and contents of this process. The algorithm is linear and numbers of names are small: without a seed,
/// zeros at the beginning would not count, and the third name of all be the same as a variant's number three.
pub(crate) fn hasher() -> FxHasher {
    FxHasher::with_seed(0x243f_6a88_85a3_08d3)
}

impl Name {
    pub fn new(text: &str) -> Self {
        let place = FxBuildHasher.hash_one(text) as usize % AT_HAND;
        RECENT.with(|recent| match recent[place].get() {
            Some(name) if name.as_str() == text => name,
            _ => {
                let name = Name::intern(text);
                recent[place].set(Some(name));
                name
            }
        })
    }

    fn intern(text: &str) -> Self {
        if let Some(name) = Name::existing(text) {
            return name;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Numbers begin with one, and there is no memory for so many names that they begin again.
        let name = Name(NonZeroU32::new(number).expect("a number for each name"));
        name.place().get_or_init(|| Box::leak(text.into()));
        // Another thread may have been faster; then its entry stays, and ours is a few lost bytes.
        NAMES.insert(Entry(name));
        Name::existing(text).unwrap_or(name)
    }

    /// The name, if anything has been called so: asking leaves no trace.
    pub(crate) fn existing(text: &str) -> Option<Self> {
        NAMES.get(text).map(|entry| entry.0)
    }

    /// Where the text is.
    fn place(self) -> &'static OnceLock<&'static str> {
        let number = self.number() as usize;
        let batch = TEXTS[number / BATCH].get_or_init(|| (0..BATCH).map(|_| OnceLock::new()).collect());
        &batch[number % BATCH]
    }

    /// Whether this is one of `names` in one of `modules`, as in `typing.Protocol`.
    pub fn is_of(self, modules: &[&str], names: &[&str]) -> bool {
        self.as_str().rsplit_once('.').is_some_and(|(module, name)| modules.contains(&module) && names.contains(&name))
    }

    pub fn as_str(self) -> &'static str {
        // Set before anybody else has seen the name.
        self.place().get().copied().unwrap_or_default()
    }

    /// The same for equal names of this process only; for sorted look-up tables.
    pub(crate) fn number(self) -> u32 {
        self.0.get()
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_text_is_one_name() {
        let names: Vec<Name> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Name::new("interned_once"))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(names.iter().all(|name| *name == names[0]));
        assert!(Name::new("a") < Name::new("b"));
    }
}
