//! What somebody who types waits for, with tantu and with other servers, and the page that says so.
//!
//! Every time is checked to be one of the right answer: after an edit hover has to show the new name, and findings the new unknown one.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::client::Client;
use crate::process;

/// Each server is measured so often, by turns.
const RUNS: usize = 3;

/// Edits of one run and kind.
const EDITS: usize = 200;

/// Everything between these lines of the page is written by the bench.
const MARKS: (&str, &str) = ("<!-- written by cargo xtask bench -->\n", "<!-- to here -->\n");

#[derive(clap::Args)]
pub struct Editing {
    /// A file of Python in the folder of `--corpus`: also measure what somebody waits for who types in it, and write docs/performance.md
    #[arg(long, value_name = "FILE", requires = "corpus")]
    pub edit: Option<PathBuf>,
    /// A folder with other servers to compare with: ty, zuban, pyrefly and ruff, each an environment that has it
    #[arg(long, value_name = "DIR")]
    pub peers: Option<PathBuf>,
}

/// Milliseconds, and megabytes; absent where a server has no such answer.
#[derive(Default)]
struct Run {
    first_hover: Option<f64>,
    hover: Vec<f64>,
    findings: Vec<f64>,
    memory: Option<f64>,
}

pub fn measure(tantu: &Path, corpus: &Path, file: &Path, peers: Option<&Path>) -> Result<()> {
    let mut servers = vec![("tantu", vec![tantu.to_path_buf(), "lsp".into()])];
    for (name, arguments) in
        [("ty", &["server"][..]), ("zuban", &["server"]), ("pyrefly", &["lsp"]), ("ruff", &["server"])]
    {
        let program = peers.map(|peers| peers.join(name).join("bin").join(name)).filter(|program| program.is_file());
        servers.extend(program.map(|it| (name, [it].into_iter().chain(arguments.iter().map(PathBuf::from)).collect())));
    }
    let mut runs: Vec<Vec<Run>> = servers.iter().map(|_| Vec::new()).collect();
    for turn in 0..RUNS {
        for ((name, command), runs) in servers.iter().zip(&mut runs) {
            println!("{name}, run {} of {RUNS}", turn + 1);
            runs.push(run(command, corpus, file).with_context(|| format!("{name} cannot be measured"))?);
        }
    }
    let mut table = format!(
        "{EDITS} edits of `{}` in a folder of {}, {RUNS} runs of each server by turns; medians of the runs, with the lowest and the highest. {} \
         processors, load {} at the end. Milliseconds.\n\n| server | first hover | edit → hover, p50 | p95 | edit → findings, p50 | p95 | peak memory, \
         MB |\n|---|---|---|---|---|---|---|\n",
        file.display(),
        corpus.file_name().unwrap_or_default().display(),
        std::thread::available_parallelism().map_or(1, usize::from),
        fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?"),
    );
    for ((name, _), runs) in servers.iter().zip(&runs) {
        let of = |value: &dyn Fn(&Run) -> Option<f64>| spread(runs.iter().filter_map(value).collect());
        let share = |times: fn(&Run) -> &[f64], share| move |run: &Run| percentile(times(run), share);
        writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            of(&|run| run.first_hover),
            of(&share(|run| &run.hover, 50)),
            of(&share(|run| &run.hover, 95)),
            of(&share(|run| &run.findings, 50)),
            of(&share(|run| &run.findings, 95)),
            of(&|run| run.memory),
        )?;
    }
    print!("{table}");
    let page = process::root().join("docs/performance.md");
    let text = fs::read_to_string(&page).with_context(|| format!("no page {}", page.display()))?;
    fs::write(&page, between_marks(&text, &table)?).with_context(|| format!("cannot write {}", page.display()))
}

fn between_marks(page: &str, table: &str) -> Result<String> {
    let (Some(begin), Some(end)) = (page.find(MARKS.0), page.find(MARKS.1)) else { bail!("the page has no marks") };
    Ok(format!("{}{table}{}", &page[..begin + MARKS.0.len()], &page[end..]))
}

/// Types a name and an unknown name at the head of a function in the middle of the file.
fn run(command: &[PathBuf], corpus: &Path, file: &Path) -> Result<Run> {
    let path = corpus.join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("no file {}", path.display()))?;
    let mut lines: Vec<&str> = text.lines().collect();
    let (at, indent) = middle(&lines).with_context(|| format!("no function in {}", path.display()))?;
    let typed = [format!("{indent}def edited000(): return unknown000"), format!("{indent}edited000()")];
    typed.iter().rev().for_each(|line| lines.insert(at, line));
    let (name, unknown) = (indent.len() + "def edited".len(), indent.len() + "def edited000(): return unknown".len());
    let mut client = Client::start(command, corpus)?;
    client.open(&path, &(lines.join("\n") + "\n"))?;
    let mut run = Run::default();
    if client.capabilities["hoverProvider"] != serde_json::Value::Null && !command[0].ends_with("ruff") {
        while !client.ask_at("textDocument/hover", at, name - 1)?.contains("edited000") {}
        run.first_hover = Some(milliseconds(client.started));
        client.wait_for_finding("unknown000")?;
        for edit in 1..=EDITS {
            let begun = Instant::now();
            let number = format!("{edit:03}");
            client.change(at, name..name + 3, &number)?;
            while !client.ask_at("textDocument/hover", at, name - 1)?.contains(&format!("edited{number}")) {}
            run.hover.push(milliseconds(begun));
        }
    }
    for edit in 1..=EDITS {
        let begun = Instant::now();
        let number = format!("{edit:03}");
        client.change(at, unknown..unknown + 3, &number)?;
        client.wait_for_finding(&format!("unknown{number}"))?;
        run.findings.push(milliseconds(begun));
    }
    run.memory = client.peak_memory();
    Ok(run)
}

/// The line after the header of the function in the middle, and how it is indented.
fn middle<'a>(lines: &[&'a str]) -> Option<(usize, &'a str)> {
    let indent = |line: &'a str| &line[..line.len() - line.trim_start().len()];
    let begins = |&at: &usize| {
        let line = lines[at].trim_start();
        line.starts_with("def ") && line.ends_with(':') && indent(lines[at + 1]).len() > indent(lines[at]).len()
    };
    let all: Vec<usize> = (0..lines.len().saturating_sub(1)).filter(begins).collect();
    let at = *all.get(all.len() / 2)?;
    Some((at + 1, indent(lines[at + 1])))
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

fn percentile(times: &[f64], share: usize) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() * share / 100).copied()
}

/// The median, and between what the values lie.
fn spread(values: Vec<f64>) -> String {
    match (percentile(&values, 50), percentile(&values, 0), values.iter().copied().reduce(f64::max)) {
        (Some(median), Some(low), Some(high)) => format!("{median:.1} ({low:.1}–{high:.1})"),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_between_its_marks() {
        let page = format!("# Page\n{}old\n{}rest\n", MARKS.0, MARKS.1);
        assert_eq!(between_marks(&page, "new\n").unwrap(), format!("# Page\n{}new\n{}rest\n", MARKS.0, MARKS.1));
        assert!(between_marks("# Page\n", "new").is_err());
    }

    #[test]
    fn a_name_is_typed_in_the_middle_function() {
        let lines =
            ["def a():", "    pass", "class C:", "  def b(self):", "    x", "def c(): pass", "def d():", "    y"];
        assert_eq!(middle(&lines), Some((4, "    ")));
        assert_eq!(middle(&["x = 1"]), None);
    }

    #[test]
    fn values_have_a_median_and_ends() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), "2.0 (1.0–3.0)");
        assert_eq!(spread(Vec::new()), "–");
    }
}
