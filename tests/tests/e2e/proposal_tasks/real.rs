//! Answers like those that models give, for functions of real packages (`fixtures/proposals/real`). What comes of one is not
//! laid down: the table in `docs/proposals.md` says how many right ones are refused, how many wrong ones are not, and whether
//! the confidence tells them apart. None of these may get worse.

use std::fs;
use std::path::Path;

use super::recorded::{Expected, Task};
use super::{Came, is_updated, manual, run_all};

const FENCES: [&str; 2] =
    ["<!-- written by the test proposal_tasks of real packages -->\n", "<!-- end of real packages -->\n"];

/// How much may be otherwise than the table has it: some tests of these packages take nearly as long as a run may, and a
/// comparison's inputs may be cut off by its time.
const SLACK: f64 = 0.04;
const ANSWERS_OF_SLACK: usize = 6;

/// Answers of one kind that have a row of their own.
const LEAST_OF_KIND: usize = 4;

/// An answer, and whether it is right.
struct Answer {
    is_right: bool,
    /// Its style, or how it fails.
    kind: String,
    /// Whether tests of the function are in the workspace.
    is_tested: bool,
}

#[test]
fn no_more_right_answers_are_refused_and_no_fewer_wrong_ones() {
    let (answers, tasks): (Vec<Answer>, Vec<Task>) = read_all().into_iter().unzip();
    let outcomes = run_all(&tasks);
    let came: Vec<(&Answer, &Came)> = answers.iter().zip(outcomes.iter().map(|(_, came)| came)).collect();
    let nothing = outcomes.iter().filter(|(_, came)| matches!(came, Came::Nothing(_)));
    let nothing: Vec<String> = nothing.map(|(task, came)| format!("{}: {}", task.title, came.describe())).collect();
    assert!(nothing.is_empty(), "{}", nothing.join("\n"));
    let table = table(&came);
    if is_updated(FENCES, &table) {
        return;
    }
    let [_, written, _] = manual(FENCES);
    let (now, then) = (Totals::read(&table), Totals::read(&written));
    assert_eq!(now.answers, then.answers, "run this test with UPDATE_EXPECT=1; now it is\n{table}");
    let is_worse = now.right_refused > then.right_refused + ANSWERS_OF_SLACK
        || now.wrong_refused + ANSWERS_OF_SLACK < then.wrong_refused
        || now.auc + SLACK < then.auc;
    assert!(!is_worse, "{then:?} became {now:?}:\n{table}");
}

/// What must not get worse, as the table says it.
#[derive(Debug)]
struct Totals {
    answers: [usize; 2],
    right_refused: usize,
    wrong_refused: usize,
    auc: f64,
}

impl Totals {
    fn read(table: &str) -> Totals {
        let row = |name: &str| -> Vec<&str> {
            let row = table.lines().find(|line| line.starts_with(&format!("| {name} |")));
            row.unwrap_or_else(|| panic!("no row {name}: {table}")).split('|').map(str::trim).collect()
        };
        let number = |cell: &str| cell.parse::<usize>().unwrap_or_else(|e| panic!("{cell}: {e}"));
        let (right, wrong) = (row("**right**"), row("**wrong**"));
        Totals {
            answers: [number(right[2]), number(wrong[2])],
            right_refused: number(right[3]),
            wrong_refused: number(wrong[3]),
            auc: row("AUC")[6].parse().expect("a number"),
        }
    }
}

/// All answers to all tasks, each with the task as a model gets it.
fn read_all() -> Vec<(Answer, Task)> {
    let folder = tests::repository().join("fixtures/proposals/real");
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "md") && !path.ends_with("README.md"));
    paths.sort();
    let mut all: Vec<(Answer, Task)> = paths.iter().flat_map(|path| read(path)).collect();
    all.iter_mut().enumerate().for_each(|(number, (_, task))| task.number = number);
    all
}

fn read(path: &Path) -> Vec<(Answer, Task)> {
    let page = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut functions = page.split("\n## ");
    let heading = functions.next().and_then(|head| head.lines().next()).unwrap_or_default();
    let package = heading.strip_prefix("# ").unwrap_or_else(|| panic!("{}: no heading", path.display())).to_owned();
    functions.flat_map(|function| answers(&package, function)).collect()
}

fn answers(package: &str, function: &str) -> Vec<(Answer, Task)> {
    let mut sections = function.split("\n### ");
    let head = sections.next().unwrap_or_default();
    let name = head.lines().next().unwrap_or_default();
    let get = |key: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(key)?.strip_prefix(": "));
        line.map(str::to_owned)
    };
    let at = get("at").unwrap_or_else(|| panic!("{package}: {name}: no place"));
    let (file, place) = at.split_once(' ').unwrap_or_else(|| panic!("{package}: {name}: no place"));
    let place = place.trim_matches('`');
    let assist = get("assist").unwrap_or_else(|| "implement-function".to_owned());
    let workspace = format!("real/{package}");
    let path = tests::repository().join("fixtures/workspaces").join(&workspace).join(file);
    let whole = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // `class C...def f` is `f` of `C`.
    let (class, header) = place.split_once("...").unwrap_or(("", place));
    let find =
        |from: usize, piece: &str| whole[from..].find(piece).unwrap_or_else(|| panic!("{name}: no {piece}")) + from;
    let from = find(0, class);
    let at = find(from, &header.replace("$0", ""));
    let place = if class.is_empty() { header.to_owned() } else { format!("{}{header}", &whole[from..at]) };
    let text = if assist == "implement-function" { stub(&whole, at) } else { whole.clone() };
    let answer = |(number, section): (usize, &str)| {
        let (title, reply) = section.split_once("\n\n").unwrap_or((section, ""));
        let (truth, kind) = title.split_once(": ").unwrap_or_else(|| panic!("{package}: {name}: {title}: no truth"));
        let is_right = truth == "right";
        assert!(is_right || truth == "wrong", "{package}: {name}: {title}: {truth} is no truth");
        let task = Task {
            kind: kind.to_owned(),
            number: 0,
            title: format!("{name} {}", number + 1),
            assist: assist.clone(),
            workspace: workspace.clone(),
            file: file.to_owned(),
            place: place.clone(),
            instruction: get("instruction"),
            fixes_code: None,
            expected: if is_right { Expected::Ready } else { Expected::Missed },
            text: Some(text.clone()),
            reply: reply.to_owned(),
        };
        (Answer { is_right, kind: kind.to_owned(), is_tested: get("tests").is_none() }, task)
    };
    sections.enumerate().map(answer).collect()
}

/// `text` with nothing but `raise NotImplementedError` below the docstring of the function whose header begins at `at`.
fn stub(text: &str, at: usize) -> String {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = text[start..].len() - text[start..].trim_start().len();
    let mut depth = 0;
    let header = text[at..].char_indices().find(|(_, it)| {
        depth += i32::from("([{".contains(*it)) - i32::from(")]}".contains(*it));
        *it == ':' && depth == 0
    });
    let header = at + header.expect("a header ends").0;
    let below = header + text[header..].find('\n').expect("a body is below its header") + 1;
    let first = below + text[below..].len() - text[below..].trim_start().len();
    let quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| text[first..].starts_with(quotes));
    let body = quotes.map_or(below, |quotes| {
        let end = first + 3 + text[first + 3..].find(quotes).expect("a docstring ends");
        end + text[end..].find('\n').expect("a body is below its docstring") + 1
    });
    let mut end = body;
    for line in text[body..].split_inclusive('\n') {
        if !line.trim().is_empty() && line.len() - line.trim_start().len() <= indent {
            break;
        }
        end += line.len();
    }
    let blank = text[body..end].len() - text[body..end].trim_end().len();
    let margin = " ".repeat(indent + 4);
    format!("{}{margin}raise NotImplementedError{}", &text[..body], &text[end - blank..])
}

/// What came of the answers, by kind.
fn table(came: &[(&Answer, &Came)]) -> String {
    let mut table =
        "| answers | all | refused | in part | ready | confidence |\n|---|---|---|---|---|---|\n".to_owned();
    for is_right in [true, false] {
        let of_truth =
            |is_tested: bool| move |answer: &Answer| answer.is_right == is_right && answer.is_tested == is_tested;
        let word = if is_right { "right" } else { "wrong" };
        let mut kinds: Vec<&str> =
            came.iter().filter(|(it, _)| it.is_right == is_right).map(|(it, _)| it.kind.as_str()).collect();
        // Most kinds are of one answer or two, which say nothing by themselves.
        let count = |kind: &str| came.iter().filter(|(it, _)| it.is_right == is_right && it.kind == kind).count();
        kinds.retain(|kind| count(kind) >= LEAST_OF_KIND);
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            row(&mut table, &format!("{word}: {kind}"), came, |it| it.is_right == is_right && it.kind == kind);
        }
        row(&mut table, &format!("*{word}, with tests*"), came, of_truth(true));
        row(&mut table, &format!("*{word}, without tests*"), came, of_truth(false));
        row(&mut table, &format!("**{word}**"), came, |it| it.is_right == is_right);
    }
    table.push_str(&format!("| AUC |  |  |  |  | {:.2} |\n", auc(came)));
    table
}

fn row(table: &mut String, name: &str, came: &[(&Answer, &Came)], is_in: impl Fn(&Answer) -> bool) {
    let of_row: Vec<&Came> = came.iter().filter(|(it, _)| is_in(it)).map(|(_, came)| *came).collect();
    let refused = of_row.iter().filter(|it| matches!(it, Came::Caught(_) | Came::Nothing(_))).count();
    let in_part = of_row.iter().filter(|it| matches!(it, Came::LeftOut(_))).count();
    let scores: Vec<f64> = of_row.iter().filter_map(|it| score(it)).collect();
    let mean = match scores.len() {
        0 => String::new(),
        ready => format!("{:.2}", scores.iter().sum::<f64>() / ready as f64),
    };
    table.push_str(&format!("| {name} | {} | {refused} | {in_part} | {} | {mean} |\n", of_row.len(), scores.len()));
}

fn score(came: &Came) -> Option<f64> {
    match came {
        Came::Asked(score, _) => Some(*score),
        _ => None,
    }
}

/// Of a right and a wrong answer that are ready, how often the right one has the higher confidence; a tie is half.
fn auc(came: &[(&Answer, &Came)]) -> f64 {
    let scores = |is_right: bool| -> Vec<f64> {
        came.iter().filter(|(it, _)| it.is_right == is_right).filter_map(|(_, came)| score(came)).collect()
    };
    let (right, wrong) = (scores(true), scores(false));
    let wins = |score: &f64| -> f64 {
        wrong.iter().map(|other| if score > other { 1.0 } else { f64::from(u8::from(score == other)) / 2.0 }).sum()
    };
    right.iter().map(wins).sum::<f64>() / (right.len() * wrong.len()).max(1) as f64
}
