//! `tantu evidence [ID]`

use anyhow::Context;
use assistant::evidence::{Card, card, latest};
use clap::Args;

use crate::Status;
use crate::output::{Format, print, print_json, table};
use crate::time::utc;
use crate::workspace::root_of;

/// Proposals that are listed.
const LISTED: u32 = 20;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The number of the proposal; without one the latest ones of this workspace are listed
    id: Option<i64>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    match arguments.id {
        Some(id) => {
            let card = card(&[], Some(id))
                .with_context(|| format!("there is no proposal {id}; `tantu evidence` lists them"))?;
            match arguments.format {
                Format::Json => print_json(&card)?,
                Format::Human => print(&card.markdown)?,
            }
        }
        None => {
            let cards = latest(&root_of(std::path::Path::new("."))?, LISTED);
            match arguments.format {
                Format::Json => print_json(&cards)?,
                Format::Human => print(human(&cards))?,
            }
        }
    }
    Ok(Status::Fine)
}

fn human(cards: &[Card]) -> String {
    if cards.is_empty() {
        return "there are no proposals for this workspace\n".to_owned();
    }
    let rows = cards.iter().map(|card| {
        let confidence = card.summary.as_ref().and_then(|it| it.confidence);
        let confidence = confidence.map_or("-".to_owned(), |score| format!("{score:.2}"));
        [card.id.to_string(), utc(card.at), card.state.clone(), confidence, card.title.clone()]
    });
    let header = ["id", "when", "state", "confidence", "what"].map(str::to_owned);
    table(&std::iter::once(header).chain(rows).collect::<Vec<_>>(), 0..1)
}
