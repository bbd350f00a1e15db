//! How long hiding secrets takes: of real files in prompts of 25 KB, and of 1 MB of hostile text, beside a quarter of it:
//! `cargo run --release -p model --example redaction_speed [FOLDER…]`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{Prompt, Request};

const PROMPT_BYTES: usize = 25_000;
const HOSTILE_BYTES: usize = 1 << 20;

/// What is repeated: nesting, one long line, quotation marks and signs without end, values that are begun and never closed.
const PIECES: &[&str] = &[
    "[",
    "{",
    "(",
    "{\"password\":",
    "<a>",
    "<password ",
    "f'{",
    "password=[",
    "if password:\n ",
    "\"",
    "'",
    "\"\"\"",
    "'a' + ",
    "x = 'a'\n",
    "password = \"",
    "password: '",
    "password: |\n",
    "password = <<EOF\n",
    "=",
    "a=b ",
    "a=",
    "password=",
    "password=x ",
    "password=hunter2\n",
    "a",
    "aB3/",
    "aB3 ",
    "\n",
    " ",
    "\\",
    "# ",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7\n",
    "<redacted:password:1>",
    "<data-00>\n",
    "<data-00>\na.yml\n",
    "eyJ",
    "eyJa.",
    "://a:b@",
    "http://",
    "curl -u a:",
    "mysql -p",
    "INSERT INTO x (password) VALUES (",
    "| password ",
    "password,",
    "```yaml\n",
    "+++ a.py\n",
    "Authorization: Bearer ",
    "host=a;",
    "sk-",
    "password is ",
    "é",
    "def password(",
    "a = a + 'b'\n",
    "a = 'bbbbbbbb' + a\nf(a + a, a + a)\n",
    "+a,",
];

/// Files by which the text is read by the grammar that it is meant for.
const PATHS: &[&str] = &[
    "",
    "a.py",
    "a.yml",
    "a.toml",
    "a.ini",
    "a.sh",
    "Dockerfile",
    "a.json",
    "a.xml",
    "a.csv",
    ".netrc",
    "a.tf",
    "a.md",
];

fn spent(text: &str) -> Duration {
    let prompt = Prompt { system: String::new(), user: text.to_owned() };
    let start = Instant::now();
    let redacted = Request::redacted(prompt);
    let spent = start.elapsed();
    drop(redacted);
    spent
}

fn main() {
    for folder in std::env::args().skip(1) {
        real(Path::new(&folder));
    }
    hostile();
}

/// What a folder holds of texts, cut into prompts.
fn real(folder: &Path) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let (mut times, mut prompt) = (Vec::new(), String::new());
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        for line in format!("<data-00>\n{name}\n{text}\n</data-00>\n").split_inclusive('\n') {
            prompt.push_str(line);
            if prompt.len() >= PROMPT_BYTES {
                if prompt.len() < PROMPT_BYTES * 2 {
                    times.push(spent(&prompt));
                }
                prompt.clear();
            }
        }
    }
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default();
    println!(
        "{}: {} prompts of {} KB; p50 {:.2?}, p95 {:.2?}, most {:.2?}",
        folder.display(),
        times.len(),
        PROMPT_BYTES / 1000,
        at(50),
        at(95),
        at(100)
    );
}

fn hostile() {
    let mut rows = Vec::new();
    let blocks = (1..=40).map(mixed);
    for piece in PIECES.iter().map(|piece| (*piece).to_owned()).chain(blocks) {
        for path in PATHS {
            let text = |bytes: usize| {
                let piece = piece.repeat(bytes / piece.len());
                if path.is_empty() { piece } else { format!("<data-ff>\n{path}\n{piece}\n</data-ff>\n") }
            };
            // The best of three: other work takes its time from these as well.
            let least = |text: &str| (0..3).map(|_| spent(text)).min().unwrap_or_default();
            let (quarter, whole) = (least(&text(HOSTILE_BYTES / 4)), least(&text(HOSTILE_BYTES)));
            let ratio = whole.as_secs_f64() / quarter.as_secs_f64().max(1e-9);
            let shown: String = piece.chars().take(60).collect();
            rows.push((whole, quarter, ratio, shown, *path));
        }
    }
    let print = |rows: &[(Duration, Duration, f64, String, &str)]| {
        for (whole, quarter, ratio, piece, path) in rows.iter().rev().take(8) {
            println!("{whole:>10.1?} {quarter:>10.1?} {ratio:>5.1} times  {piece:?} in {path:?}");
        }
    };
    rows.sort_by_key(|row| row.0);
    println!("{} hostile texts of 1 MB; the slowest, with a quarter of it:", rows.len());
    print(&rows);
    rows.sort_by(|a, b| a.2.total_cmp(&b.2));
    println!("those that grow the most:");
    print(&rows);
}

/// Some of the pieces, many times over, in an order that `seed` decides.
fn mixed(seed: u64) -> String {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..200).map(|_| PIECES[next() % PIECES.len()].repeat(1 + next() % 20)).collect()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if let Ok(entries) = path.read_dir() {
        entries.flatten().for_each(|entry| collect(&entry.path(), files));
    } else {
        files.push(path.to_owned());
    }
}
