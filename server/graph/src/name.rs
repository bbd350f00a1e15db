//! Interned identifiers.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::LazyLock;

use dashmap::DashSet;
use rustc_hash::FxBuildHasher;

/// An identifier or a dotted name. Equality and hashing are by address and cost nothing.
///
/// Interned text is never freed: a workspace has a bounded vocabulary, and typing adds little to it. Order is the text's,
/// so that sorted output does not depend on which thread saw a name first.
#[derive(Clone, Copy)]
pub struct Name(&'static &'static str);

/// Names that a thread keeps at hand: a file says the same few again and again, and the table is shared by all threads.
const AT_HAND: usize = 1024;

thread_local! {
    static RECENT: [Cell<Option<Name>>; AT_HAND] = const { [const { Cell::new(None) }; AT_HAND] };
}

static NAMES: LazyLock<DashSet<Entry, FxBuildHasher>> = LazyLock::new(DashSet::default);

/// Hashes by text, unlike [`Name`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Entry(&'static &'static str);

impl std::borrow::Borrow<str> for Entry {
    fn borrow(&self) -> &str {
        self.0
    }
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
        if let Some(entry) = NAMES.get(text) {
            return Name(entry.0);
        }
        let text: &'static str = Box::leak(text.into());
        let entry = Entry(Box::leak(Box::new(text)));
        // Another thread may have been faster; then its entry stays and ours is a few lost bytes.
        NAMES.insert(entry);
        NAMES.get(text).map_or(Name(entry.0), |entry| Name(entry.0))
    }

    /// The name, if anything has been called so: asking leaves no trace.
    pub(crate) fn existing(text: &str) -> Option<Self> {
        NAMES.get(text).map(|entry| Name(entry.0))
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// A number that is the same for equal names of this process only; for sorted look-up tables.
    pub(crate) fn address(self) -> usize {
        std::ptr::from_ref(self.0) as usize
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
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
