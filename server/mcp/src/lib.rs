//! This crate gives agents the workspace that people have: three tools that change nothing, by the Model Context Protocol.
//!
//! [`serve_stdio`] speaks the protocol with an agent. What it answers comes from the server that an editor runs on the workspace,
//! where there is one (`socket`), and so knows what is unsaved there; else from a workspace of its own (`alone`). The answers are
//! made by the same functions ([`Toolbox`]). Deliberately absent: the judgement of changes (`gate`), the choice of tests (`runs`), what
//! names mean (`graph`, `ide`), and anything that writes.

mod alone;
mod budget;
mod changes;
mod check;
mod explore;
mod names;
mod pace;
mod server;
#[cfg(unix)]
mod socket;
mod test_tool;
mod toolbox;
mod tools;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gate::Checkers;

pub use server::{Instructions, serve, serve_stdio};
#[cfg(unix)]
pub use socket::{Listening, directory, listen};
pub use toolbox::{Card, Source, Toolbox};

/// What answers are made with, besides the workspace.
#[derive(Clone)]
pub struct Services {
    pub checkers: Checkers,
    /// The folder for databases, which need not exist; without one nothing is kept.
    pub cache: Option<PathBuf>,
    /// What was checked of proposals in the workspace's folder, the latest first.
    pub cards: Arc<FindCards>,
}

/// Finds cards by a workspace's folder.
pub type FindCards = dyn Fn(&Path) -> Vec<Card> + Send + Sync;

/// Where there are no such sockets, every server is alone.
#[cfg(not(unix))]
mod socket_or_none {
    use std::path::Path;

    use crate::toolbox::Card;
    use crate::tools::{Answer, Ask};

    pub(crate) async fn ask(_: &Path, _: &Ask, _: &(dyn Fn(String) + Send + Sync)) -> Option<Result<Answer, String>> {
        None
    }

    pub(crate) async fn cards(_: &Path) -> Option<Vec<Card>> {
        None
    }

    pub(crate) async fn is_served(_: &Path) -> bool {
        false
    }
}

#[cfg(unix)]
use socket as socket_or_none;

#[cfg(test)]
mod testing {
    use std::sync::Arc;

    use sandbox::fake::Fake;
    use validate::{FakeTypeChecker, TypeAnswer, TypeQuestion};

    use crate::{Checkers, Services};

    /// Nothing is run, and no type checker looks.
    pub(crate) fn services() -> Services {
        let types = FakeTypeChecker(|_: &TypeQuestion| Ok(TypeAnswer::default()));
        let checkers = Checkers { runner: Arc::new(Fake::endless()), types: Arc::new(types) };
        Services { checkers, cache: None, cards: Arc::new(|_| Vec::new()) }
    }
}
