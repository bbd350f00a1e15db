//! `tantu usage`

use assistant::client::models;
use clap::Args;
use model::dollars;
use serde_json::json;
use store::Sum;

use crate::Status;
use crate::output::{Format, counted, grouped, print, print_json, table};
use crate::time::now;

const DAY: i64 = 24 * 60 * 60;

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many days to look back, today included; a day begins at midnight UTC
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// What models were used for, and what that cost.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let since = now() / DAY * DAY - i64::from(arguments.days - 1) * DAY;
    let sums = match models().journal() {
        Some(journal) => journal.usage(since)?,
        None => Vec::new(),
    };
    match arguments.format {
        Format::Json => print_json(&sums.iter().map(to_json).collect::<Vec<_>>())?,
        Format::Human => print(human(&sums, arguments.days))?,
    }
    Ok(Status::Fine)
}

fn to_json(sum: &Sum) -> serde_json::Value {
    json!({
        "day": sum.day,
        "assist": sum.assist,
        "model": sum.model,
        "calls": sum.calls,
        "input": sum.input,
        "output": sum.output,
        "cost": sum.cost as f64 / 1e6,
        "unpriced": sum.unpriced,
    })
}

fn human(sums: &[Sum], days: u32) -> String {
    if sums.is_empty() {
        return format!("no model was asked in {}\n", counted(days as usize, "day"));
    }
    let header = ["day", "assist", "model", "calls", "input", "output", "cost"].map(str::to_owned);
    let rows = sums.iter().map(|sum| {
        [
            sum.day.clone(),
            sum.assist.clone(),
            sum.model.clone(),
            sum.calls.to_string(),
            grouped(sum.input as usize),
            grouped(sum.output as usize),
            cost(sum.cost, sum.unpriced),
        ]
    });
    let total = |number: fn(&Sum) -> u64| sums.iter().map(number).sum::<u64>();
    let last = [
        "total".to_owned(),
        String::new(),
        String::new(),
        total(|sum| sum.calls).to_string(),
        grouped(total(|sum| sum.input) as usize),
        grouped(total(|sum| sum.output) as usize),
        cost(total(|sum| sum.cost), total(|sum| sum.unpriced)),
    ];
    table(&std::iter::once(header).chain(rows).chain([last]).collect::<Vec<_>>(), 3..7)
}

/// What has no price makes the sum a lower bound.
fn cost(micros: u64, unpriced: u64) -> String {
    match unpriced {
        0 => dollars(micros),
        _ => format!("{} + {unpriced} unpriced", dollars(micros)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_table_with_a_total() {
        let sum = |day: &str, model: &str, cost: u64, unpriced: u64| Sum {
            day: day.to_owned(),
            assist: "implement-function".to_owned(),
            model: model.to_owned(),
            calls: 3,
            input: 12_345,
            output: 678,
            cost,
            unpriced,
        };
        let sums = [sum("2026-01-02", "cloud", 1_234_567, 0), sum("2026-01-01", "lab", 460, 2)];
        expect![[r#"
            day         assist              model  calls   input  output                  cost
            2026-01-02  implement-function  cloud      3  12 345     678                 $1.23
            2026-01-01  implement-function  lab        3  12 345     678  $0.0005 + 2 unpriced
            total                                      6  24 690   1 356    $1.24 + 2 unpriced
        "#]]
        .assert_eq(&human(&sums, 30));
        assert_eq!(human(&[], 1), "no model was asked in 1 day\n");
    }
}
