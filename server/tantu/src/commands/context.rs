//! `tantu context FILE:LINE --budget N`

use ::context::{Context, Item, Passage, count_tokens};
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
    /// How many tokens may be printed
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
    let shown = |budget| contexts.shown(&workspace.analysis, target, Some(offset), budget);
    let context = shown(arguments.budget);
    match arguments.format {
        Format::Json => print_json(&context)?,
        Format::Human if arguments.explain => print(ledger(&context, arguments.budget))?,
        Format::Human => print(within(arguments.budget, context, shown))?,
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

/// The context as it is printed, with the places above its parts, in no more than `budget` tokens: with `shown` for less, if need be.
fn within(budget: usize, context: Context, shown: impl Fn(usize) -> Context) -> String {
    let mut text = human(&context);
    let mut less = budget;
    loop {
        let printed = count_tokens(&text);
        if printed <= budget || less == 0 {
            return text;
        }
        // As much as the places take goes of all parts alike.
        less = (less * budget / printed).min(less - 1);
        text = human(&shown(less));
    }
}

fn human(context: &Context) -> String {
    let mut text = String::new();
    for Item { path, start_line, text: code, .. } in &context.items {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {path}:{start_line}\n{}\n", code.trim_end());
    }
    for Passage { path, start_line, text: prose, .. } in &context.documents {
        let _ = writeln!(text, "# {path}:{start_line}\n{prose}\n");
    }
    text
}
