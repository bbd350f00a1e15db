//! Where a traceback of Python's that somebody has pasted leads to: the innermost function of the workspace in it.
//!
//! It may be from another machine, where the files lie elsewhere, and from a text that was edited since: a file is found by as much
//! of the end of its path as only one file has, and a line by what the traceback quotes of it.

use std::path::Path;

use assists::{AssistId, code_under_test};
use graph::{Analysis, FileId};
use propose::Task;
use syntax::{TextRange, TextSize};

/// Of a traceback as much is told a model, from its end.
const MAX_TOLD: usize = 4_000;

/// A line of a traceback with a place.
struct Frame<'a> {
    path: &'a str,
    /// 1-based.
    line: u32,
    quoted: Option<&'a str>,
}

/// What to ask for so that what was raised is mended.
///
/// # Errors
/// When there is no traceback in the text, or nothing of the workspace in the traceback; in words for the user.
pub fn task(analysis: &Analysis, text: &str) -> Result<Task, String> {
    let frames = frames(text);
    if frames.is_empty() {
        return Err(
            "there is no traceback in the text: a line such as `File \"shop/cart.py\", line 12, in total`".to_owned()
        );
    }
    let found: Vec<(FileId, TextRange)> = frames.iter().filter_map(|frame| place(analysis, frame)).collect();
    let Some(&(file, line)) = found.last() else {
        let paths: Vec<&str> = frames.iter().map(|frame| frame.path).collect();
        return Err(format!("no file of the traceback is in this workspace: {}", paths.join(", ")));
    };
    let starts: Vec<(FileId, TextSize)> = found.iter().map(|(file, line)| (*file, line.start())).collect();
    let symbol = code_under_test(analysis, file, line, &starts).ok_or_else(|| {
        let path = analysis.path(file).display();
        format!("{path}: there is no function here to mend; what runs outside of functions is left to you")
    })?;
    let told = &text[text.ceil_char_boundary(text.len().saturating_sub(MAX_TOLD))..];
    Ok(Task {
        assist: AssistId::RefactorFunction,
        path: analysis.path(symbol.file).to_path_buf(),
        symbol: analysis.symbol(symbol).qualified_name(),
        instruction: Some(format!("Mend what has raised this; do not only hide it:\n{}", told.trim())),
        fixes_code: None,
    })
}

/// The frames in the order in which Python prints them, the innermost last; of exceptions that follow each other, those of the last.
fn frames(text: &str) -> Vec<Frame<'_>> {
    let text = text.rfind("Traceback (most recent call last)").map_or(text, |at| &text[at..]);
    let mut lines = text.lines().peekable();
    let mut frames = Vec::new();
    while let Some(line) = lines.next() {
        let Some((path, line)) = frame(line) else { continue };
        let quoted = lines.peek().map(|next| next.trim()).filter(|next| !next.is_empty() && frame(next).is_none());
        frames.push(Frame { path, line, quoted });
    }
    frames
}

/// `File "shop/cart.py", line 12, in total`, also behind the bars that exception groups draw.
fn frame(line: &str) -> Option<(&str, u32)> {
    let rest = line.trim_start_matches([' ', '\t', '|']).strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((path, digits.parse().ok()?))
}

fn place(analysis: &Analysis, frame: &Frame<'_>) -> Option<(FileId, TextRange)> {
    let file = file(analysis, frame.path)?;
    let source = analysis.source(file);
    let of = |line: u32| source.lines().line_range(line, source.text());
    let is_quoted = |line: &u32| frame.quoted.is_none_or(|quoted| source.slice(of(*line)).trim() == quoted);
    let count = source.lines().line_count();
    let told = frame.line.saturating_sub(1);
    // The nearest line with what is quoted, else the one that is named.
    let nearest = (0..count).filter(is_quoted).min_by_key(|line| line.abs_diff(told));
    nearest.or((told < count).then_some(told)).map(|line| (file, of(line)))
}

fn file(analysis: &Analysis, path: &str) -> Option<FileId> {
    let path = Path::new(path.trim_start_matches("./"));
    let exact = analysis.roots().iter().find_map(|root| analysis.file(&root.join(path)));
    exact.or_else(|| {
        let parts: Vec<_> = path.iter().collect();
        (0..parts.len()).find_map(|first| {
            let end: std::path::PathBuf = parts[first..].iter().collect();
            let mut alike = analysis.files().filter(|file| analysis.path(*file).ends_with(&end));
            alike.next().filter(|_| alike.next().is_none())
        })
    })
}

#[cfg(test)]
mod tests {
    use fixture::Workspace;

    use super::*;

    const SHOP: &str = "\
#- /shop/cart.py
def mean(items):
    total = sum(items)
    return total / len(items)
#- /shop/app.py
from shop.cart import mean

def report(items):
    print(mean(items))

report([])
#- /tests/test_cart.py
from shop.cart import mean

def test_mean():
    assert mean([]) == 0
";

    fn found(text: &str) -> Result<String, String> {
        task(&Workspace::new(SHOP).analysis, text).map(|task| task.symbol)
    }

    #[test]
    fn the_innermost_function_of_the_workspace_is_meant() {
        let text = "\
INFO something
Traceback (most recent call last):
  File \"/srv/app/shop/app.py\", line 6, in <module>
    report([])
  File \"/srv/app/shop/cart.py\", line 3, in mean
    return total / len(items)
           ~~~~~~^~~~~~~~~~~~
  File \"/usr/lib/python3.13/statistics.py\", line 1, in x
    y
ZeroDivisionError: division by zero
";
        assert_eq!(found(text), Ok("shop.cart.mean".to_owned()));
        let instruction = task(&Workspace::new(SHOP).analysis, text).unwrap().instruction.unwrap();
        assert!(instruction.ends_with("ZeroDivisionError: division by zero"), "{instruction}");
    }

    #[test]
    fn lines_that_have_moved_are_found_by_their_text() {
        let text = "  File \"shop/app.py\", line 1, in report\n    print(mean(items))\n";
        assert_eq!(found(text), Ok("shop.app.report".to_owned()));
    }

    #[test]
    fn of_exceptions_that_follow_each_other_the_last_counts() {
        let text = "Traceback (most recent call last):\n  File \"shop/cart.py\", line 2, in mean\n    total = sum(items)\nTypeError: x\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"shop/app.py\", line 4, in report\n    print(mean(items))\nValueError: y\n";
        assert_eq!(found(text), Ok("shop.app.report".to_owned()));
    }

    #[test]
    fn a_test_leads_to_what_it_tests() {
        let text = "  File \"tests/test_cart.py\", line 4, in test_mean\n    assert mean([]) == 0\n";
        assert_eq!(found(text), Ok("shop.cart.mean".to_owned()));
    }

    #[test]
    fn what_leads_nowhere_is_said() {
        assert!(found("ZeroDivisionError").unwrap_err().starts_with("there is no traceback"));
        let elsewhere = found("  File \"/usr/lib/json.py\", line 2, in loads\n    x\n").unwrap_err();
        assert_eq!(elsewhere, "no file of the traceback is in this workspace: /usr/lib/json.py");
        let outside =
            found("  File \"shop/app.py\", line 1, in <module>\n    from shop.cart import mean\n").unwrap_err();
        assert!(outside.contains("no function here"), "{outside}");
    }
}
