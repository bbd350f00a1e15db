//! `tantu context FILE:LINE --budget N`

use ::context::{Context, Passage};
use clap::Args;
use std::fmt::Write as _;

use crate::Status;
use crate::contexts::contexts;
use crate::output::{Format, print, print_json};
use crate::place::{Place, start_of_line};
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A line of the function, class or module, such as shop/cart.py:12
    #[arg(value_name = "FILE:LINE")]
    place: Place,
    /// How many tokens may be used
    #[arg(long, default_value_t = assistant::executor::BUDGET)]
    budget: usize,
    /// Tell what is shown, at what price and why, and what is not, instead of showing it
    #[arg(long, conflicts_with = "format")]
    explain: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let Place { file, line } = &arguments.place;
    let mut workspace = Workspace::read(&root_of(file)?)?;
    let id = workspace.file(file)?;
    let offset = start_of_line(workspace.analysis.source(id), line.unwrap_or(1))
        .map_err(|error| error.context(file.display().to_string()))?;
    let target = workspace.analysis.enclosing(id, offset);
    let contexts = contexts(&mut workspace);
    let context = contexts.shown(&workspace.analysis, target, Some(offset), arguments.budget);
    match arguments.format {
        Format::Json => print_json(&context)?,
        Format::Human if arguments.explain => print(ledger(&context, arguments.budget))?,
        Format::Human => print(human(&context))?,
    }
    Ok(Status::Fine)
}

/// The most likely needed first: level, tokens, form, symbol, reasons; then what was left out.
fn ledger(context: &Context, budget: usize) -> String {
    let used = context.tokens + context.documents_tokens;
    let mut text = format!("{}: {used} of {budget} tokens\n", context.target);
    for passage in &context.documents {
        let place = format!("{}:{}", passage.path, passage.start_line);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {:5} passage    {} ({place}): {}", passage.tokens, passage.heading, passage.reason);
    }
    for item in &context.items {
        let form = item.form.label();
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {:5} {form:10} {} ", item.level, item.tokens, item.symbol);
        let _ = writeln!(text, "({}:{}): {}", item.path, item.start_line, item.reason.join("; "));
    }
    for file in &context.unread {
        let _ = writeln!(text, "- left out: {}, named in context.include: {}", file.path, file.why);
    }
    for missing in &context.left_out {
        let _ = writeln!(text, "- left out: {} ({}): {}", missing.symbol, missing.path, missing.why);
    }
    if context.left_out_total > context.left_out.len() {
        let _ = writeln!(text, "- left out altogether: {} symbols", context.left_out_total);
    }
    text
}

fn human(context: &Context) -> String {
    let mut text = String::new();
    for item in &context.items {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {}:{} {} ({} tokens)", item.path, item.start_line, item.symbol, item.tokens);
        for reason in &item.reason {
            let _ = writeln!(text, "#   {reason}");
        }
        let _ = writeln!(text, "{}\n", item.text.trim_end());
    }
    for passage in &context.documents {
        let Passage { path, start_line, heading, tokens, reason, text: prose, .. } = passage;
        let _ = writeln!(text, "# {path}:{start_line} {heading} ({tokens} tokens)\n#   {reason}\n{prose}\n");
    }
    for file in &context.unread {
        let _ = writeln!(text, "# left out: {}, named in context.include: {}", file.path, file.why);
    }
    for missing in &context.left_out {
        let _ = writeln!(text, "# left out: {} ({}): {}", missing.symbol, missing.path, missing.why);
    }
    let _ = writeln!(text, "# {} tokens for {}", context.tokens + context.documents_tokens, context.target);
    text
}
