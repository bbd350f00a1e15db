//! Who is told of each state, besides those who ask.

use std::sync::Arc;

use graph::Analysis;

use crate::persistence::Persistence;
use crate::settings::Settings;

/// Told by the writer and its threads. None of these may wait for anything.
pub trait Observer: Send + Sync {
    /// The workspace is another one, and what is known of it from before is in `database`.
    fn opened(&self, _database: Option<Arc<Persistence>>) {}

    fn configured(&self, _settings: &Settings) {}

    /// The graph is complete, and it is known where values flow.
    fn settled(&self, _analysis: &Analysis) {}
}

/// Nobody.
impl Observer for () {}
