//! `tantu mcp`

use std::path::PathBuf;
use std::sync::Arc;

use ::gate::Checkers;
use ::mcp::{Card, Services};
use ::workspace::persistence::default_directory;
use clap::Args;

use crate::Status;
use crate::sandboxed::worker;
use crate::type_checker::type_checker;
use crate::workspace::root_of;

/// Proposals whose cards are listed.
const LISTED: u32 = 20;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A folder of the workspace; the current one if there is none
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    root: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    ::mcp::serve_stdio(root_of(&arguments.root)?, services()?)?;
    Ok(Status::Fine)
}

/// What answers to agents are made with, alone or in an editor's server.
///
/// # Errors
/// When this program's own file cannot be found.
pub(crate) fn services() -> anyhow::Result<Services> {
    let checkers = Checkers { runner: Arc::new(worker()?), types: Arc::new(type_checker()?) };
    let cards = |root: &std::path::Path| {
        let latest = assistant::evidence::latest(root, LISTED).into_iter();
        latest
            .map(|card| Card {
                uri: format!("tantu://proposal/{}", card.id),
                title: card.title,
                markdown: card.markdown,
            })
            .collect()
    };
    Ok(Services { checkers, cache: default_directory(), cards: Arc::new(cards) })
}
