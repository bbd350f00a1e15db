//! The format of `apply_patch`, by which Codex edits files: hunks have no numbers, and are found by what they hold.

use super::{FilePatch, Hunk, Kind, Line, Malformed};

pub(super) const BEGIN: &str = "*** Begin Patch";

pub(super) fn parse(text: &str) -> Result<Vec<FilePatch>, Malformed> {
    let mut files: Vec<FilePatch> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let malformed = |reason: &str| Malformed { line: number + 1, reason: reason.to_owned() };
        let new_file = |old: Option<&str>, new: Option<&str>, hunks: Vec<Hunk>| FilePatch {
            old: old.map(|name| name.trim().to_owned()),
            new: new.map(|name| name.trim().to_owned()),
            kind: Kind::Text(hunks),
        };
        if line.trim() == BEGIN || line.trim().is_empty() && files.is_empty() {
            continue;
        }
        if line.trim() == "*** End Patch" {
            break;
        }
        if let Some(name) = line.strip_prefix("*** Add File: ") {
            files.push(new_file(None, Some(name), vec![Hunk { line: Some(0), ..Hunk::default() }]));
        } else if let Some(name) = line.strip_prefix("*** Delete File: ") {
            files.push(new_file(Some(name), None, Vec::new()));
        } else if let Some(name) = line.strip_prefix("*** Update File: ") {
            files.push(new_file(Some(name), Some(name), Vec::new()));
        } else {
            let Some(FilePatch { new, kind: Kind::Text(hunks), .. }) = files.last_mut() else {
                return Err(malformed("a line before any `*** Update File: FILE`"));
            };
            if let Some(name) = line.strip_prefix("*** Move to: ") {
                *new = Some(name.trim().to_owned());
            } else if line.trim() == "*** End of File" {
                hunks.last_mut().into_iter().for_each(|hunk| hunk.is_at_end = true);
            } else if let Some(anchor) = line.strip_prefix("@@") {
                let anchor = anchor.trim();
                let anchors = if anchor.is_empty() { Vec::new() } else { vec![anchor.to_owned()] };
                match hunks.last_mut() {
                    // One anchor below the other: a function in its class.
                    Some(hunk) if hunk.lines.is_empty() && hunk.line.is_none() => hunk.anchors.extend(anchors),
                    _ => hunks.push(Hunk { anchors, ..Hunk::default() }),
                }
            } else {
                if hunks.is_empty() {
                    hunks.push(Hunk::default());
                }
                let text = || line.get(1..).unwrap_or_default().to_owned();
                let line = match line.as_bytes().first() {
                    Some(b'+') => Line::Added(text()),
                    Some(b'-') => Line::Removed(text()),
                    Some(b' ') => Line::Kept(text()),
                    None => Line::Kept(String::new()),
                    _ => return Err(malformed("a line of a hunk begins with a blank, `+` or `-`")),
                };
                hunks.last_mut().into_iter().for_each(|hunk| hunk.lines.push(line.clone()));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;

    #[test]
    fn files_come_go_change_and_move() {
        let patch = "*** Begin Patch\n*** Add File: new.py\n+x = 1\n*** Delete File: gone.py\n*** Update File: a.py\n*** Move to: b.py\n@@ class A:\n@@ def f(self):\n-        return 1\n+        return 2\n*** End Patch\n";
        let files = super::super::parse(patch).unwrap();
        let names: Vec<_> = files.iter().map(|file| (file.old.as_deref(), file.new.as_deref())).collect();
        assert_eq!(names, [(None, Some("new.py")), (Some("gone.py"), None), (Some("a.py"), Some("b.py"))]);
        let hunks = |file: &FilePatch| match &file.kind {
            Kind::Text(hunks) => hunks.clone(),
            _ => Vec::new(),
        };
        assert_eq!(apply("", &hunks(&files[0])).unwrap(), "x = 1\n");
        let text = "class B:\n    def f(self):\n        return 1\nclass A:\n    def f(self):\n        return 1\n";
        let expected = "class B:\n    def f(self):\n        return 1\nclass A:\n    def f(self):\n        return 2\n";
        assert_eq!(apply(text, &hunks(&files[2])).unwrap(), expected);
    }

    #[test]
    fn what_no_hunk_holds_is_told_with_its_line() {
        let error = super::super::parse("*** Begin Patch\n*** Update File: a.py\n@@\nreturn 1\n").unwrap_err();
        assert_eq!(error.line, 4);
    }
}
