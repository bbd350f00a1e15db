//! Long work that somebody may watch.

/// Whoever watches. Dropped at the end of the work.
pub trait Progress: Send + Sync {
    fn say(&self, message: &str);

    /// `done` of `total` steps are done.
    fn advance(&self, done: usize, total: usize);
}

/// Nobody watches.
pub struct Unwatched;

impl Progress for Unwatched {
    fn say(&self, _: &str) {}

    fn advance(&self, _: usize, _: usize) {}
}
