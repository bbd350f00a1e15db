//! The instances that cells have left, for the cells that follow.

use super::instance::Instance;

/// Each takes memory as long as it lives.
pub(crate) const MAX_SESSIONS: usize = 4;

/// The least recently used first.
pub(super) struct Sessions<T = Instance> {
    kept: Vec<(Key, T)>,
}

/// The directory of the staged workspace, and the caller's name for the session.
pub(super) type Key = (std::path::PathBuf, String);

impl<T> Sessions<T> {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// Takes it out: whatever goes wrong with it then, it is gone.
    pub(super) fn take(&mut self, key: &Key) -> Option<T> {
        let place = self.kept.iter().position(|(kept, _)| kept == key)?;
        Some(self.kept.remove(place).1)
    }

    /// Makes room for one more.
    pub(super) fn make_room(&mut self) {
        let surplus = (self.kept.len() + 1).saturating_sub(MAX_SESSIONS);
        self.kept.drain(..surplus);
    }

    pub(super) fn keep(&mut self, key: Key, session: T) {
        self.make_room();
        self.kept.push((key, session));
    }

    /// Forgets those of this name, in every workspace.
    pub(super) fn reset(&mut self, name: &str) {
        self.kept.retain(|((_, kept), _)| kept != name);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().map(|(_, session)| session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("/ws".into(), name.to_owned())
    }

    #[test]
    fn the_least_recently_used_goes() {
        let mut sessions = Sessions::new();
        for name in ["a", "b", "c", "d"] {
            sessions.keep(key(name), name);
        }
        let first = sessions.take(&key("a")).unwrap();
        sessions.keep(key("a"), first);
        sessions.keep(key("e"), "e");
        assert_eq!(sessions.iter().copied().collect::<Vec<_>>(), ["c", "d", "a", "e"]);
        sessions.reset("d");
        assert!(sessions.take(&key("d")).is_none() && sessions.take(&key("b")).is_none());
        assert!(sessions.take(&("/other".into(), "a".into())).is_none());
    }
}
