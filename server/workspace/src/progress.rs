//! Long work that somebody may watch.

/// Whoever watches. Dropped at the end of the work.
pub trait Progress: Send + Sync {
    fn say(&self, message: &str);

    /// `done` of `total` steps are done.
    fn advance(&self, done: usize, total: usize);
}
