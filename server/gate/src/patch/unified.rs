//! Unified diffs, with git's headers and without.

use super::{FilePatch, Hunk, Kind, Line, Malformed};

const NO_FILE: &str = "/dev/null";

pub(super) fn parse(text: &str) -> Result<Vec<FilePatch>, Malformed> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut reader = Reader { lines, at: 0 };
    let mut files = Vec::new();
    while let Some(line) = reader.peek() {
        if line.starts_with("diff --git ") {
            files.extend(reader.git_file()?);
        } else if line.starts_with("--- ") && reader.following(1).is_some_and(|next| next.starts_with("+++ ")) {
            files.push(reader.plain_file()?);
        } else if line.starts_with("@@ -") {
            return Err(reader.malformed("a hunk before any `--- FILE` and `+++ FILE`"));
        } else {
            reader.at += 1;
        }
    }
    Ok(files)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

/// What git's extended headers say of a file.
#[derive(Default)]
struct Headers {
    from: Option<String>,
    to: Option<String>,
    is_new: bool,
    is_deleted: bool,
    mode: Option<String>,
    is_binary: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.following(0)
    }

    fn following(&self, lines: usize) -> Option<&'a str> {
        self.lines.get(self.at + lines).copied()
    }

    fn malformed(&self, reason: impl Into<String>) -> Malformed {
        Malformed { line: self.at + 1, reason: reason.into() }
    }

    /// A file with git's headers; `None` where nothing but its mode changes.
    fn git_file(&mut self) -> Result<Option<FilePatch>, Malformed> {
        let named = git_names(header(self.peek().unwrap_or_default(), "diff --git ").unwrap_or_default());
        self.at += 1;
        let mut headers = Headers::default();
        while let Some(line) = self.peek().map(|line| line.trim_end_matches('\r')) {
            let value = |name: &str| header(line, name).map(unquoted);
            if let Some(name) = value("rename from ").or_else(|| value("copy from ")) {
                headers.from = Some(name);
            } else if let Some(name) = value("rename to ").or_else(|| value("copy to ")) {
                headers.to = Some(name);
            } else if let Some(mode) = value("new file mode ") {
                (headers.is_new, headers.mode) = (true, Some(mode));
            } else if let Some(mode) = value("deleted file mode ") {
                (headers.is_deleted, headers.mode) = (true, Some(mode));
            } else if let Some(mode) = value("new mode ") {
                headers.mode = Some(mode);
            } else if let Some(rest) = line.strip_prefix("index ") {
                // Where the mode stays as it is, it stands here.
                if let Some((_, mode)) = rest.rsplit_once(' ') {
                    headers.mode = Some(mode.to_owned());
                }
            } else if line == "new file" {
                headers.is_new = true;
            } else if line == "deleted file" {
                headers.is_deleted = true;
            } else if line.starts_with("Binary files ") || line == "GIT binary patch" {
                headers.is_binary = true;
            } else if !["old mode ", "similarity index ", "dissimilarity index "].iter().any(|it| line.starts_with(it))
            {
                break;
            }
            self.at += 1;
        }
        let (mut old, mut new) = match named {
            Some((old, new)) => stripped(&old, &new),
            None => (String::new(), String::new()),
        };
        // A copy takes nothing away.
        let is_copy =
            headers.from.is_some() && self.lines[..self.at].iter().rev().take(8).any(|it| it.starts_with("copy to "));
        old = headers.from.unwrap_or(old);
        new = headers.to.unwrap_or(new);
        let kind = match headers.mode.as_deref() {
            _ if headers.is_binary => Some(Kind::Binary),
            Some("160000") => Some(Kind::Submodule),
            Some("120000") => Some(Kind::Link),
            _ => None,
        };
        // Text below belongs to another file where it has another name.
        let names_this = |line: &str| {
            let name = unquoted(line[4..].trim_end_matches('\r').split('\t').next().unwrap_or_default());
            let is_it = |known: &str| !known.is_empty() && name.ends_with(known);
            name == NO_FILE || old.is_empty() || is_it(&old) || is_it(&new)
        };
        let has_text = self.peek().is_some_and(|line| line.starts_with("--- ") && names_this(line));
        let (mut old, mut new) = (Some(old).filter(|_| !headers.is_new), Some(new).filter(|_| !headers.is_deleted));
        let mut hunks = Vec::new();
        if has_text {
            let file = self.plain_file()?;
            if let Kind::Text(found) = file.kind {
                hunks = found;
            }
            // `diff --git` cannot be split where names hold blanks; the lines below it can.
            if old.as_deref() == Some("") || old.is_some() && file.old.is_none() {
                old = file.old;
            }
            if new.as_deref() == Some("") || new.is_some() && file.new.is_none() {
                new = file.new;
            }
        }
        if is_copy {
            // The text that it is a copy of is not in the patch.
            return Ok(Some(FilePatch { old, new, kind: kind.unwrap_or(Kind::Text(hunks)) }));
        }
        let is_nothing = kind.is_none() && hunks.is_empty() && old == new;
        Ok((!is_nothing).then(|| FilePatch { old, new, kind: kind.unwrap_or(Kind::Text(hunks)) }))
    }

    /// A file that begins with `---` and `+++`.
    fn plain_file(&mut self) -> Result<FilePatch, Malformed> {
        let name = |line: Option<&str>, mark: &str| {
            let rest = header(line.unwrap_or_default().trim_end_matches('\r'), mark).unwrap_or_default();
            // A time may follow, after a tab.
            unquoted(rest.split('\t').next().unwrap_or_default())
        };
        let (old, new) = (name(self.peek(), "--- "), name(self.following(1), "+++ "));
        if !self.following(1).is_some_and(|next| next.starts_with("+++ ")) {
            return Err(self.malformed("`--- FILE` without `+++ FILE` below it"));
        }
        self.at += 2;
        let mut hunks = Vec::new();
        while self.peek().is_some_and(|line| line.starts_with("@@ -")) {
            hunks.push(self.hunk()?);
        }
        if hunks.is_empty() {
            return Err(
                self.malformed(format!("no hunk for {new}: a hunk begins with `@@ -LINE,COUNT +LINE,COUNT @@`"))
            );
        }
        let (is_old, is_new) = (old != NO_FILE, new != NO_FILE);
        let (old, new) = match (is_old, is_new) {
            (true, true) => stripped(&old, &new),
            (true, false) => (stripped(&old, &old).0, new),
            _ => (old, stripped(&new, &new).1),
        };
        // A file that has no line before comes with the patch, whatever its header says.
        Ok(FilePatch { old: Some(old).filter(|_| is_old), new: Some(new).filter(|_| is_new), kind: Kind::Text(hunks) })
    }

    fn hunk(&mut self) -> Result<Hunk, Malformed> {
        let head = self.peek().unwrap_or_default();
        let Some((line, old, new)) = numbers(head) else {
            return Err(self.malformed("a hunk begins with `@@ -LINE,COUNT +LINE,COUNT @@`"));
        };
        let begins = self.at;
        self.at += 1;
        let mut hunk = Hunk { line: Some(line), ..Hunk::default() };
        let (mut left_old, mut left_new) = (old, new);
        while left_old > 0 || left_new > 0 {
            let cut = || Malformed {
                line: begins + 1,
                reason: format!(
                    "the hunk is to have {old} old and {new} new lines, and {left_old} and {left_new} of them are missing"
                ),
            };
            let Some(line) = self.peek() else { return Err(cut()) };
            let text = || line.get(1..).unwrap_or_default().to_owned();
            let (takes_old, takes_new, line) = match line.as_bytes().first() {
                Some(b' ') => (1, 1, Line::Kept(text())),
                // Editors cut the blank of an empty line.
                None | Some(b'\r') if self.at + 1 < self.lines.len() => (1, 1, Line::Kept(line.to_owned())),
                Some(b'-') => (1, 0, Line::Removed(text())),
                Some(b'+') => (0, 1, Line::Added(text())),
                Some(b'\\') => {
                    mark_open(&mut hunk);
                    self.at += 1;
                    continue;
                }
                _ => return Err(cut()),
            };
            let (Some(old_left), Some(new_left)) = (left_old.checked_sub(takes_old), left_new.checked_sub(takes_new))
            else {
                return Err(cut());
            };
            (left_old, left_new) = (old_left, new_left);
            hunk.lines.push(line);
            self.at += 1;
        }
        if self.peek().is_some_and(|line| line.starts_with('\\')) {
            mark_open(&mut hunk);
            self.at += 1;
        }
        Ok(hunk)
    }
}

/// `\ No newline at end of file`, of the line before it.
fn mark_open(hunk: &mut Hunk) {
    match hunk.lines.last() {
        Some(Line::Added(_)) => hunk.new_ends_open = true,
        Some(Line::Kept(_)) => (hunk.new_ends_open, hunk.is_at_end) = (true, true),
        Some(Line::Removed(_)) => hunk.is_at_end = true,
        None => {}
    }
}

/// Where the hunk begins in the old text, and how many lines it has of the old text and of the new one.
fn numbers(head: &str) -> Option<(usize, usize, usize)> {
    let inner = head.strip_prefix("@@ -")?;
    let (inner, _) = inner.split_once(" @@")?;
    let (old, new) = inner.split_once(" +")?;
    let pair = |text: &str| -> Option<(usize, usize)> {
        match text.split_once(',') {
            Some((line, count)) => Some((line.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let ((line, old), (_, new)) = (pair(old)?, pair(new)?);
    Some((line, old, new))
}

fn header<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)
}

/// The two names after `diff --git`; `None` where blanks in them leave that open.
fn git_names(rest: &str) -> Option<(String, String)> {
    let rest = rest.trim_end_matches('\r');
    if rest.starts_with('"') || rest.ends_with('"') {
        let (first, second) = match rest.strip_prefix('"') {
            Some(inner) => {
                let end = closing_quote(inner)?;
                (rest.get(..end + 2)?, rest.get(end + 3..)?)
            }
            None => rest.split_once(' ')?,
        };
        return Some((unquoted(first), unquoted(second)));
    }
    // Where nothing was renamed both are the same but for their first letter.
    let middle = rest.len() / 2;
    if rest.len() % 2 == 1 && rest.is_char_boundary(middle) && rest.as_bytes().get(middle) == Some(&b' ') {
        return Some((rest[..middle].to_owned(), rest[middle + 1..].to_owned()));
    }
    match rest.split(' ').collect::<Vec<_>>()[..] {
        [old, new] => Some((old.to_owned(), new.to_owned())),
        _ => None,
    }
}

fn closing_quote(inner: &str) -> Option<usize> {
    let mut escaped = false;
    inner.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// A name as git writes it where it holds quotes, control characters or bytes beyond ASCII.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else { return name.to_owned() };
    let mut bytes = Vec::new();
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(digit) = rest.next_if(|it| (b'0'..=b'7').contains(it)) {
                        value = value * 8 + u32::from(digit - b'0');
                    }
                }
                bytes.push(value as u8);
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The names without the letters that git puts before them: `a/` and `b/`, or what `diff.mnemonicPrefix` has there.
fn stripped(old: &str, new: &str) -> (String, String) {
    let prefix = |name: &str| matches!(name.as_bytes(), [b'a' | b'b' | b'c' | b'i' | b'o' | b'w', b'/', _, ..]);
    match prefix(old) && prefix(new) {
        true => (old[2..].to_owned(), new[2..].to_owned()),
        false => (old.to_owned(), new.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(patch: &str, expected: Expect) {
        let drawn = match super::super::parse(patch) {
            Ok(files) => files
                .iter()
                .map(|file| {
                    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing".to_owned());
                    let kind = match &file.kind {
                        Kind::Text(hunks) => format!(
                            "{} hunks, {} lines",
                            hunks.len(),
                            hunks.iter().map(|it| it.lines.len()).sum::<usize>()
                        ),
                        other => format!("{other:?}"),
                    };
                    format!("{} → {}: {kind}\n", name(&file.old), name(&file.new))
                })
                .collect(),
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&drawn);
    }

    #[test]
    fn git_and_plain_headers() {
        check(
            "From 1234 Mon Sep 17\nSubject: x\n---\n a.py | 2 +-\n\ndiff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@ def f():\n-x\n+y\n--\n2.40\n--- old.py\t2024-01-01\n+++ old.py\t2024-01-02\n@@ -0,0 +1,2 @@\n+a\n+b\n",
            expect![[r#"
                a.py → a.py: 1 hunks, 2 lines
                old.py → old.py: 1 hunks, 2 lines
            "#]],
        );
    }

    #[test]
    fn what_came_went_and_moved() {
        check(
            "diff --git a/new.py b/new.py\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\ndiff --git a/empty.py b/empty.py\nnew file mode 100644\nindex 0..1\ndiff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\ndiff --git a/old name.py b/new name.py\nsimilarity index 90%\nrename from old name.py\nrename to new name.py\ndiff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n",
            expect![[r#"
                nothing → new.py: 1 hunks, 1 lines
                nothing → empty.py: 0 hunks, 0 lines
                gone.py → nothing: 1 hunks, 1 lines
                old name.py → new name.py: 0 hunks, 0 lines
            "#]],
        );
    }

    #[test]
    fn what_is_no_text() {
        check(
            "diff --git a/a.png b/a.png\nindex 1..2 100644\nBinary files a/a.png and b/a.png differ\ndiff --git a/b.bin b/b.bin\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ>A\n\nliteral 0\nHcmV?d00001\n\ndiff --git a/sub b/sub\nindex 1..2 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
            expect![[r#"
                a.png → a.png: Binary
                b.bin → b.bin: Binary
                sub → sub: Submodule
                nothing → l: Link
            "#]],
        );
    }

    #[test]
    fn quoted_names() {
        check(
            "diff --git \"a/caf\\303\\251.py\" \"b/caf\\303\\251.py\"\nindex 1..2 100644\n--- \"a/caf\\303\\251.py\"\n+++ \"b/caf\\303\\251.py\"\n@@ -1 +1 @@\n-x\n+y\n",
            expect![[r#"
                café.py → café.py: 1 hunks, 2 lines
            "#]],
        );
    }

    #[test]
    fn what_is_no_patch_gets_a_line_and_a_reason() {
        check(
            "hello\n",
            expect![[r#"
            line 1 of the patch: there is no file in it; a patch names its files with `--- a/FILE` and `+++ b/FILE`
        "#]],
        );
        check(
            "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n x\n-y\n",
            expect![[r#"
            line 3 of the patch: the hunk is to have 3 old and 3 new lines, and 1 and 2 of them are missing
        "#]],
        );
        check(
            "@@ -1 +1 @@\n-x\n+y\n",
            expect![[r#"
            line 1 of the patch: a hunk before any `--- FILE` and `+++ FILE`
        "#]],
        );
        check(
            "--- a/a.py\n+++ b/a.py\nnothing\n",
            expect![[r#"
            line 3 of the patch: no hunk for b/a.py: a hunk begins with `@@ -LINE,COUNT +LINE,COUNT @@`
        "#]],
        );
    }
}
