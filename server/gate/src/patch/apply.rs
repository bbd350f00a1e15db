//! A text with hunks applied.

use super::{Hunk, Line};

/// The text after `hunks`. Lines may have moved since the patch was made; they are looked for around the place that the patch names,
/// the nearest first. Ends of lines do not count: what is added gets those of the text.
///
/// # Errors
/// When the lines of a hunk are nowhere in the text; with a sentence that names the hunk, and the line where it differs.
pub(crate) fn apply(text: &str, hunks: &[Hunk]) -> Result<String, String> {
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    let bare: Vec<&str> = old.iter().map(|line| without_end(line)).collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::with_capacity(text.len());
    // Lines of the old text that are done.
    let mut done = 0;
    // How far lines have moved.
    let mut moved = 0isize;
    for (index, hunk) in hunks.iter().enumerate() {
        let wanted: Vec<&str> = hunk.lines.iter().filter_map(Line::of_old).collect();
        let at = find(&bare, &wanted, hunk, done, moved).ok_or_else(|| why_not(&bare, &wanted, hunk, index))?;
        if let Some(line) = hunk.line.filter(|_| !wanted.is_empty()) {
            moved = at as isize - (line.max(1) - 1) as isize;
        }
        old[done..at].iter().for_each(|line| out.push_str(line));
        let mut from = at;
        for line in &hunk.lines {
            match line {
                Line::Kept(_) => {
                    out.push_str(old[from]);
                    from += 1;
                }
                Line::Removed(_) => from += 1,
                Line::Added(added) => {
                    // What the last line lacks where more follows it.
                    if !out.is_empty() && !out.ends_with('\n') {
                        out.push_str(end);
                    }
                    out.push_str(without_end(added));
                    out.push_str(end);
                }
            }
        }
        done = from;
        if hunk.new_ends_open && done == old.len() && out.ends_with('\n') {
            out.truncate(without_end(&out).len());
        }
    }
    old[done..].iter().for_each(|line| out.push_str(line));
    Ok(out)
}

impl Line {
    /// The line as the old text has it, without its end.
    fn of_old(&self) -> Option<&str> {
        match self {
            Line::Kept(text) | Line::Removed(text) => Some(without_end(text)),
            Line::Added(_) => None,
        }
    }
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Where in `lines` the hunk begins, from `done` on.
fn find(lines: &[&str], wanted: &[&str], hunk: &Hunk, done: usize, moved: isize) -> Option<usize> {
    let mut first = done;
    for anchor in &hunk.anchors {
        first += lines.get(first..)?.iter().position(|line| line.trim() == anchor.trim())? + 1;
    }
    if wanted.is_empty() {
        // Nothing is looked for: it goes after the line that is named, or to the end.
        let named = hunk.line.map(|line| line.saturating_add_signed(moved));
        return Some(
            named.unwrap_or(if hunk.anchors.is_empty() { lines.len() } else { first }).clamp(done, lines.len()),
        );
    }
    let last = lines.len().checked_sub(wanted.len())?;
    if first > last {
        return None;
    }
    let is_here = |at: usize| lines[at..at + wanted.len()] == *wanted;
    if hunk.is_at_end && is_here(last) {
        return Some(last);
    }
    let guess = hunk.line.map_or(first, |line| (line.max(1) - 1).saturating_add_signed(moved)).clamp(first, last);
    let distances = 0..=(guess - first).max(last - guess);
    distances
        .flat_map(|distance| [guess.checked_sub(distance), Some(guess + distance)])
        .flatten()
        .find(|&at| (first..=last).contains(&at) && is_here(at))
}

/// The first line that differs where the hunk says that it begins.
fn why_not(lines: &[&str], wanted: &[&str], hunk: &Hunk, index: usize) -> String {
    let number = index + 1;
    let at = hunk.line.unwrap_or(1).max(1) - 1;
    let differs = wanted.iter().enumerate().find(|(offset, line)| lines.get(at + offset) != Some(line));
    let place = match (hunk.line, differs) {
        (Some(_), Some((offset, line))) => {
            let there = lines.get(at + offset).map_or("no line".to_owned(), |there| format!("`{}`", shown(there)));
            format!("the patch has `{}` at line {} and the file has {there}", shown(line), at + offset + 1)
        }
        _ => match wanted.iter().find(|line| !lines.contains(line)) {
            Some(line) => format!("`{}` is nowhere in the file", shown(line)),
            None => "its lines do not follow each other in the file".to_owned(),
        },
    };
    format!("hunk {number} does not apply: {place}; make the patch from the text as it is now, or give the whole file")
}

/// As much of a line as a message has room for.
fn shown(line: &str) -> String {
    const MOST: usize = 80;
    let mut text: String = line.chars().take(MOST).collect();
    if line.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, parse};
    use super::*;

    fn applied(text: &str, patch: &str) -> Result<String, String> {
        let files = parse(&format!("--- a/a\n+++ b/a\n{patch}")).unwrap();
        match &files[0].kind {
            Kind::Text(hunks) => apply(text, hunks),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_that_moved_are_found() {
        let patch = "@@ -2,2 +2,2 @@\n b\n-c\n+C\n@@ -5 +5,2 @@\n e\n+f\n";
        assert_eq!(applied("a\nb\nc\nd\ne\n", patch).unwrap(), "a\nb\nC\nd\ne\nf\n");
        assert_eq!(applied("new\nnew\na\nb\nc\nd\ne\n", patch).unwrap(), "new\nnew\na\nb\nC\nd\ne\nf\n");
    }

    #[test]
    fn ends_of_lines_are_those_of_the_text() {
        assert_eq!(applied("a\r\nb\r\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n").unwrap(), "a\r\nx\r\nb\r\n");
        assert_eq!(applied("a\nb\n", "@@ -1,2 +1,3 @@\n a\r\n+x\r\n b\r\n").unwrap(), "a\nx\nb\n");
        let open = "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n";
        assert_eq!(applied("a\nb", open).unwrap(), "a\nc");
        assert_eq!(applied("a\nb", "@@ -2 +2,2 @@\n b\n+c\n").unwrap(), "a\nb\nc\n");
        assert_eq!(applied("", "@@ -0,0 +1,2 @@\n+a\n+b\n").unwrap(), "a\nb\n");
        assert_eq!(applied("a\nb\n", "@@ -1,2 +0,0 @@\n-a\n-b\n").unwrap(), "");
    }

    #[test]
    fn what_does_not_apply_is_told() {
        let error = applied("a\nb\nc\n", "@@ -1,2 +1,2 @@\n a\n-x\n+y\n").unwrap_err();
        assert!(
            error.starts_with("hunk 1 does not apply: the patch has `x` at line 2 and the file has `b`"),
            "{error}"
        );
    }
}
