//! `tantu audit`

use assistant::client::models;
use clap::Args;
use model::dollars;
use serde_json::{Value, json};
use store::Call;

use crate::Status;
use crate::output::{Format, print, print_json};
use crate::time::{now, utc};

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many days to look back
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// How many calls to list at most, the latest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Print prompts as well, as far as `prompts = true` in [audit] of config.toml has kept them
    #[arg(long)]
    prompts: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Every question to a model: when, for what, how it ended.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let since = now() - i64::from(arguments.days) * 24 * 60 * 60;
    let calls = match models().journal() {
        Some(journal) => journal.calls(since, arguments.limit)?,
        None => Vec::new(),
    };
    match arguments.format {
        Format::Json => {
            print_json(&calls.iter().map(|call| to_json(call, arguments.prompts)).collect::<Vec<_>>())?;
        }
        Format::Human => {
            let text: String = calls.iter().map(|call| human(call, arguments.prompts)).collect();
            print(if text.is_empty() { "no model was asked\n" } else { &text })?;
        }
    }
    Ok(Status::Fine)
}

fn to_json(call: &Call, with_prompt: bool) -> Value {
    let mut value = json!({
        "time": utc(call.at),
        "model": call.model,
        "provider": call.provider,
        "server_model": call.server_model,
        "assist": call.assist,
        "input": call.input,
        "output": call.output,
        "estimated": call.estimated,
        "cost": call.cost.map(|micros| micros as f64 / 1e6),
        "millis": call.millis,
        "outcome": call.outcome,
        "prompt_hash": call.prompt_hash,
    });
    if with_prompt {
        value["prompt"] = call.prompt.clone().into();
    }
    value
}

fn human(call: &Call, with_prompt: bool) -> String {
    let about = if call.estimated { "~" } else { "" };
    let cost = call.cost.map_or("no price".to_owned(), dollars);
    let hash = call.prompt_hash.get(..12).unwrap_or_default();
    let mut text = format!(
        "{}  {:<13} {} for {}, {about}{} + {about}{} tokens, {cost}, {} ms, prompt {hash}\n",
        utc(call.at),
        call.outcome,
        call.model,
        call.assist,
        call.input,
        call.output,
        call.millis,
    );
    if let Some(prompt) = call.prompt.as_deref().filter(|_| with_prompt) {
        text.extend(prompt.lines().map(|line| format!("    {line}\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_line_for_each_call() {
        let call = Call {
            at: 0,
            model: "cloud".into(),
            provider: "anthropic".into(),
            server_model: "x".into(),
            assist: "review".into(),
            input: 1200,
            output: 30,
            estimated: true,
            cost: Some(4500),
            millis: 812,
            outcome: "cancelled".into(),
            prompt_hash: "0123456789abcdef".into(),
            prompt: Some("be brief\n\nreview this".into()),
        };
        expect![[r#"
            1970-01-01T00:00:00Z  cancelled     cloud for review, ~1200 + ~30 tokens, $0.0045, 812 ms, prompt 0123456789ab
                be brief

                review this
        "#]]
        .assert_eq(&human(&call, true).replace("    \n", "\n"));
        assert_eq!(human(&call, false).lines().count(), 1);
        assert_eq!((to_json(&call, false).get("prompt"), to_json(&call, true)["cost"].as_f64()), (None, Some(0.0045)));
    }
}
