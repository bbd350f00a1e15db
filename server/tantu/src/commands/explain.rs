//! `tantu explain FILE:LINE`

use std::io::IsTerminal;
use std::sync::Arc;

use assistant::client::{Answer, ModelClient, Spent};
use assistant::contexts::Contexts;
use assistant::explain::{explain, introduction, without_model};
use assists::explain::{Facts, facts, target};
use clap::Args;
use graph::SymbolId;
use serde::Serialize;
use syntax::TextSize;

use crate::Status;
use crate::contexts::contexts;
use crate::output::{Format, print, print_json, warn};
use crate::place::{Place, start_of_line};
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A line of a definition, such as shop/cart.py:12; without a line, the module
    #[arg(value_name = "FILE[:LINE]")]
    place: Place,
    /// Say what the graph knows, and ask no model
    #[arg(long)]
    facts: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    symbol: String,
    /// Markdown.
    facts: String,
    /// A model's words, which nobody has verified.
    explanation: Option<String>,
    model: Option<String>,
    usage: Spent,
    /// Why there are no words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let mut workspace = Workspace::read(&root_of(&arguments.place.file)?)?;
    let file = workspace.file(&arguments.place.file)?;
    let source = workspace.analysis.source(file);
    let id = match arguments.place.line {
        Some(line) => {
            let offset = start_of_line(source, line);
            let offset = offset.map_err(|error| error.context(arguments.place.file.display().to_string()))?;
            target(&workspace.analysis, file, offset)
        }
        None => target(&workspace.analysis, file, TextSize::new(0)),
    };
    let facts = facts(&workspace.analysis, id);
    let is_human = arguments.format == Format::Human;
    if is_human {
        // Whoever reads a terminal cannot follow links; a file or a pager may.
        print(if std::io::stdout().is_terminal() { &facts.plain } else { &facts.markdown })?;
    }
    let settings = model::config::default_path();
    let client = match arguments.facts {
        true => None,
        false => ModelClient::configured(settings.as_deref()).map_err(anyhow::Error::msg)?.map(Arc::new),
    };
    let mut report = Report {
        symbol: facts.symbol.clone(),
        facts: facts.markdown.clone(),
        explanation: None,
        model: None,
        usage: Spent::default(),
        message: None,
    };
    let contexts = contexts(&mut workspace);
    let status = match client {
        None => {
            let reason = ModelClient::none(settings.as_deref());
            if is_human && !arguments.facts {
                print(without_model(&reason))?;
            }
            report.message = (!arguments.facts).then_some(reason);
            Status::Fine
        }
        Some(client) => match in_words(&workspace, &client, &contexts, id, facts, is_human)? {
            Ok(Answer { text, model, spent, .. }) => {
                if is_human {
                    print(format!("\n\n({model})\n"))?;
                }
                (report.explanation, report.model, report.usage) = (Some(text.trim().to_owned()), Some(model), spent);
                Status::Fine
            }
            Err(problem) => {
                if is_human {
                    warn(format!("there is no explanation in words: {problem}"));
                }
                report.message = Some(problem);
                Status::Failure
            }
        },
    };
    if !is_human {
        print_json(&report)?;
    }
    Ok(status)
}

/// Asks; what is heard is printed at once, where somebody reads it.
fn in_words(
    workspace: &Workspace,
    client: &Arc<ModelClient>,
    contexts: &Arc<Contexts>,
    id: SymbolId,
    facts: Facts,
    prints: bool,
) -> anyhow::Result<Result<Answer, String>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut told = 0;
    let heard = |text: &str| {
        if !prints {
            return;
        }
        // A reader that has gone is noticed at the end.
        if told == 0 {
            let _ = print(introduction("a model"));
        }
        // A model that took over begins anew, and its text may be shorter.
        let _ = print(text.get(told..).unwrap_or(text));
        told = text.len();
    };
    let analysis = workspace.analysis.clone();
    // The words themselves say how far it is.
    let say = |_: String| {};
    let answer = runtime.block_on(explain(client, analysis, contexts, (id, facts), &say, heard));
    runtime.shutdown_background();
    Ok(answer)
}
