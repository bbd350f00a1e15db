//! What the sandbox costs, beside pytest in an ordinary interpreter on the same machine in the same minutes:
//!
//! ```console
//! cargo run --release -p sandbox-wasi --example cost -- PYTHON [--cold]
//! ```
//!
//! PYTHON has pytest installed. `--cold` also compiles the interpreter anew, in a cache directory of its own. Linux only:
//! processor time and memory are what `/proc` says.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Action, Request, Runner, Status, Worker};
use sandbox_wasi::Host;

const TESTS: &str = r#"
import pytest


@pytest.fixture
def numbers():
    return [1, 2, 3]


def test_total(numbers):
    assert sum(numbers) == 6


def test_wrong(numbers):
    assert {"a": sum(numbers)} == {"a": 1}


@pytest.mark.parametrize("n", [0, 1])
def test_raises(n):
    with pytest.raises(TypeError):
        sum(n)


def test_tmp_path(tmp_path):
    (tmp_path / "a.txt").write_text("é")
"#;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [python, options @ ..] = arguments.as_slice() else {
        eprintln!("usage: cost PYTHON [--cold]");
        std::process::exit(2);
    };
    if python == "--worker" {
        sandbox_wasi::worker_main();
    }
    let root = std::env::temp_dir().join(format!("tantu-cost-{}", std::process::id()));
    fs::create_dir_all(root.join("ws"))?;
    fs::write(root.join("ws/test_five.py"), TESTS)?;
    fs::write(root.join("ws/sum.py"), "print(1 + 1)\n")?;
    if options.iter().any(|option| option == "--cold") {
        cold(&root)?;
    }
    start()?;
    let mut host = Host::load(&|_| {})?;
    let ws = root.join("ws");
    fresh(&mut host, &ws)?;
    five(&mut host, &ws, python)?;
    memory(&mut host, &ws)?;
    Ok(fs::remove_dir_all(&root)?)
}

/// In a process of its own, because the cache directory is named by its environment.
fn cold(root: &Path) -> Result<()> {
    let cache = root.join("cache");
    let own = std::env::current_exe()?;
    let usual = std::env::var_os("XDG_CACHE_HOME")
        .map_or_else(|| std::env::home_dir().unwrap_or_default().join(".cache"), std::path::PathBuf::from);
    fs::create_dir_all(cache.join("tantu"))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(usual.join("tantu/guest"), cache.join("tantu/guest"))?;
    let started = Instant::now();
    let cpu = children();
    let mut child = Command::new(own)
        .arg("--worker")
        .env("XDG_CACHE_HOME", &cache)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    use std::io::{BufRead, BufReader, Write};
    let mut input = child.stdin.take().ok_or("no input")?;
    input.write_all(b"{\"command\":\"prepare\"}\n")?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    for line in lines {
        if line?.contains("\"prepared\"") {
            break;
        }
    }
    let wall = started.elapsed();
    drop(input);
    child.wait()?;
    let size = fs::read_dir(cache.join("tantu/sandbox"))?.flatten();
    let bytes: u64 = size.filter_map(|entry| entry.metadata().ok()).filter(|it| it.is_file()).map(|it| it.len()).sum();
    println!("prepare: {} wall, {} CPU, {} MiB on disk", ms(wall), ms(children() - cpu), bytes >> 20);
    Ok(())
}

/// From nothing to a worker that is ready, when the interpreter is compiled already.
fn start() -> Result<()> {
    let own = std::env::current_exe()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut times = Vec::new();
    for _ in 0..15 {
        let started = Instant::now();
        let worker = Worker::new(&own, ["--worker"]);
        runtime.block_on(worker.prepare(&|_| {}))?;
        times.push(started.elapsed());
    }
    println!("worker, start to ready: {}", spread(times));
    Ok(())
}

fn fresh(host: &mut Host, ws: &Path) -> Result<()> {
    let script = Request::new(ws, Action::Script { path: "sum.py".into() });
    let code = |text: &str| Action::Code { text: text.into(), filename: "sum.py".into(), first_line: 1 };
    for (name, request) in
        [("print(1+1), fresh instance", Request::new(ws, code("print(1+1)"))), ("the same, a file", script)]
    {
        let cpu = process();
        let (times, outcomes) = repeat(300, || Ok(host.run(&request, &|_| {})?))?;
        assert!(outcomes.iter().all(|it| it.outcome == Status::Passed && it.stdout == "2\n"));
        println!("{name}: {}, CPU {} each", spread(times), ms((process() - cpu) / 300));
    }
    let cell =
        Action::Cell { session: "a".into(), text: "print(1+1)".into(), filename: "sum.py".into(), first_line: 1 };
    let request = Request::new(ws, cell);
    let (times, _) = repeat(300, || Ok(host.run(&request, &|_| {})?))?;
    println!("the same, a cell of a session: {}", spread(times));
    host.reset("a");
    Ok(())
}

fn five(host: &mut Host, ws: &Path, python: &str) -> Result<()> {
    let request = Request::new(ws, Action::Pytest { targets: vec!["test_five.py".into()] });
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let cpu = process();
        let (here, outcomes) = repeat(10, || Ok(host.run(&request, &|_| {})?))?;
        assert!(outcomes.iter().all(|it| (it.passed, it.failed) == (4, 1)), "{:?}", outcomes[0]);
        let here_cpu = (process() - cpu) / 10;
        let cpu = children();
        let (native, _) = repeat(5, || {
            let mut command = Command::new(python);
            command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_five.py"]).current_dir(ws);
            Ok(command.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::null()).status()?)
        })?;
        let native_cpu = (children() - cpu) / 5;
        ratios.push(here_cpu.as_secs_f64() / native_cpu.as_secs_f64());
        println!(
            "five tests: here {}, CPU {} each; pytest in {python} {}, CPU {} each",
            spread(here),
            ms(here_cpu),
            spread(native),
            ms(native_cpu)
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("five tests, CPU here / CPU native: {:.2} (median of {})", ratios[ratios.len() / 2], ratios.len());
    Ok(())
}

/// What each session that is alive takes.
fn memory(host: &mut Host, ws: &Path) -> Result<()> {
    let before = footprint();
    for session in ["a", "b", "c", "d"] {
        let action =
            Action::Cell { session: session.into(), text: "1".into(), filename: "sum.py".into(), first_line: 1 };
        host.run(&Request::new(ws, action), &|_| {})?;
    }
    let after = footprint();
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        println!("{name}: {} MiB, with four live sessions {} MiB", before >> 10, after >> 10);
    }
    Ok(())
}

/// Kibibytes that are resident, that are the process's share, and that it has written to.
fn footprint() -> Vec<(&'static str, u64)> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let value = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
    };
    ["Rss:", "Pss:", "Private_Dirty:"].map(|name| (name.trim_end_matches(':'), value(name))).to_vec()
}

fn repeat<T>(times: usize, mut act: impl FnMut() -> Result<T>) -> Result<(Vec<Duration>, Vec<T>)> {
    let measured = (0..times).map(|_| {
        let started = Instant::now();
        let result = act()?;
        Ok((started.elapsed(), result))
    });
    measured.collect()
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    format!("p50 {}, p95 {} ({} times)", ms(times[times.len() / 2]), ms(times[times.len() * 95 / 100]), times.len())
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Processor time of this process so far, in hundredths of a second as `/proc` counts.
fn process() -> Duration {
    ticks(13)
}

/// That of its children which have ended.
fn children() -> Duration {
    ticks(15)
}

fn ticks(field: usize) -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let value = |field: usize| fields.get(field - 2).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (value(field) + value(field + 1)))
}
