//! `tantu index [DIR]`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use graph::Stats;
use serde::Serialize;

use crate::Status;
use crate::output::{Format, grouped, print, print_json};
use crate::workspace::{Timings, Workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to read
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Also say what each phase took, and how long it takes to follow values
    #[arg(long)]
    timings: bool,
    /// Also keep nodes and edges, those that values flow along included, in the database for SQL
    #[arg(long)]
    rows: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    stats: Stats,
    /// Files that were not parsed, because they are known from before.
    cached_files: usize,
    /// Has tables of nodes and edges. Absent where nothing can be kept.
    database: Option<PathBuf>,
    seconds: f64,
    /// Bytes; absent where the system does not tell.
    peak_memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<Phases>,
}

/// Seconds of wall time.
#[derive(Serialize)]
struct Phases {
    discover: f64,
    read: f64,
    parse: f64,
    summarise: f64,
    compare: f64,
    link: f64,
    /// Following values; answers do not wait for it.
    flow: f64,
    /// It was given up before its end.
    flow_cut: bool,
}

impl Phases {
    fn new(Timings { discover, read, graph }: Timings, flow: Duration, flow_cut: bool) -> Self {
        let [discover, read, parse, summarise, compare, link, flow] =
            [discover, read, graph.parse, graph.summarise, graph.compare, graph.link, flow].map(|it| it.as_secs_f64());
        Phases { discover, read, parse, summarise, compare, link, flow, flow_cut }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let start = Instant::now();
    let mut workspace = Workspace::read_links(&arguments.dir)?;
    let seconds = start.elapsed().as_secs_f64();
    let stats = workspace.analysis.stats();
    let start = Instant::now();
    if arguments.timings || arguments.rows {
        workspace.apply_flow();
    }
    let timings =
        arguments.timings.then(|| Phases::new(workspace.timings, start.elapsed(), workspace.analysis.is_flow_cut()));
    let report = Report {
        stats,
        cached_files: workspace.cached,
        database: workspace.persistence.as_ref().map(|persistence| persistence.path().to_path_buf()),
        seconds,
        peak_memory: peak_memory(),
        timings,
    };
    match arguments.format {
        Format::Json => print_json(&report)?,
        Format::Human => print(human(&report))?,
    }
    if arguments.rows {
        workspace.keep_rows();
    }
    Ok(Status::Fine)
}

fn human(report: &Report) -> String {
    let stats = &report.stats;
    let rows = [
        ("files", stats.files),
        ("  known from before", report.cached_files),
        ("  with syntax errors", stats.files_with_syntax_errors),
        ("lines", stats.lines),
        ("symbols", stats.symbols),
        ("imports, resolved", stats.import_edges),
        ("  unresolved", stats.unresolved_imports),
        ("inheritance edges", stats.inherits_edges),
        ("call edges, exact", stats.exact_edges),
        ("  inferred", stats.inferred_edges),
        ("  possible", stats.possible_edges),
        ("call sites", stats.call_sites),
        ("  to the outside", stats.external_calls),
        ("  unresolved", stats.unresolved_calls),
    ];
    let mut text: String = rows.iter().map(|(name, count)| format!("{name:<22}{:>12}\n", grouped(*count))).collect();
    let mut seconds = |name, value| text.push_str(&format!("{name:<22}{value:>12.3}\n"));
    seconds("seconds", report.seconds);
    if let Some(phases) = &report.timings {
        seconds("  discover", phases.discover);
        seconds("  read", phases.read);
        seconds("  parse", phases.parse);
        seconds("  summarise", phases.summarise);
        seconds("  compare", phases.compare);
        seconds("  link", phases.link);
        let values = if phases.flow_cut { "then, values, in part" } else { "then, values" };
        seconds(values, phases.flow);
    }
    if let Some(database) = &report.database {
        text.push_str(&format!("{:<22}{}\n", "database", database.display()));
    }
    if let Some(bytes) = report.peak_memory {
        text.push_str(&format!("{:<22}{:>9} MB\n", "peak memory", bytes / 1_000_000));
    }
    text
}

/// The most memory that this process has used, in bytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
