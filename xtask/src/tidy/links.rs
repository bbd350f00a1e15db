//! Links between the repository's own documents: what they lead to is there. And the manual's table of contents: it is whole.

use std::collections::BTreeSet;

use super::Violation;

const CONTENTS: &str = "docs/SUMMARY.md";

/// Checks the links of the document at `path`. `files` are all there are; `read` gives the text of one.
pub(super) fn check(
    path: &str,
    text: &str,
    files: &BTreeSet<&str>,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<Violation> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut violate = |line: usize, what: String, remedy: &str| {
        found.push(Violation { path: path.to_owned(), line, what, remedy: remedy.to_owned() });
    };
    for (line, link) in links(text) {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() { path.to_owned() } else { resolved(path, file) };
        let is_folder =
            files.range(&*format!("{target}/")..).next().is_some_and(|it| it.starts_with(&format!("{target}/")));
        if !files.contains(&*target) && !is_folder {
            violate(line, format!("links to {link}, which is not there"), "correct the link");
        } else if !anchor.is_empty() && target.ends_with(".md") {
            let there = if target == path { Some(text.to_owned()) } else { read(&target) };
            if !headings(&there.unwrap_or_default()).contains(anchor) {
                violate(line, format!("links to {link}, where no such heading is"), "correct the link");
            }
        }
    }
    if path == CONTENTS {
        let listed: BTreeSet<String> = links(text).map(|(_, link)| resolved(path, link)).collect();
        let pages = files.iter().filter(|it| it.starts_with("docs/") && it.ends_with(".md") && **it != CONTENTS);
        for page in pages.filter(|it| !listed.contains(**it)) {
            violate(1, format!("{page} is not in it"), "list the page, or nobody will find it");
        }
    }
    found
}

/// Links to files and headings, with their lines; code has none.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.flat_map(|(index, line)| {
        // What is between backquotes is code.
        let prose = line.split('`').step_by(2);
        let targets = prose.flat_map(|part| part.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
        targets.map(move |(target, _)| (index + 1, target)).filter(|(_, target)| !target.contains("://"))
    })
}

/// The path of `link`, as the document at `path` writes it.
fn resolved(path: &str, link: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/").trim_end_matches('/').to_owned()
}

/// What headings are called in links.
fn headings(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let titles = text.lines().filter_map(move |line| {
        is_code ^= line.starts_with("```");
        line.strip_prefix('#').filter(|_| !is_code).map(|it| it.trim_start_matches('#').trim())
    });
    let slug = |title: &str| {
        let kept = title.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
        kept.flat_map(char::to_lowercase).map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    titles.map(slug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let files = BTreeSet::from(["README.md", "docs/SUMMARY.md", "docs/a.md", "docs/images/x.png"]);
        let read = |path: &str| (path == "docs/a.md").then(|| "# A page\n## What `it` is for\n".to_owned());
        check(path, text, &files, read).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_lead_somewhere() {
        let fine =
            "[a](a.md) [b](../README.md) ![c](images/x.png) [d](images) [e](a.md#what-it-is-for) [f](https://x.y/z)\n";
        assert_eq!(complaints("docs/b.md", fine), [""; 0]);
        let code = "```\n[a](none.md)\n```\n`x[0](y.md)`\n";
        assert_eq!(complaints("docs/b.md", code), [""; 0]);
        assert_eq!(
            complaints("docs/b.md", "x\n[a](none.md) [b](a.md#else)\n"),
            [
                "docs/b.md:2: links to none.md, which is not there, correct the link",
                "docs/b.md:2: links to a.md#else, where no such heading is, correct the link",
            ]
        );
    }

    #[test]
    fn the_manual_lists_all_its_pages() {
        assert_eq!(complaints("docs/SUMMARY.md", "[A](a.md)\n"), [""; 0]);
        assert_eq!(
            complaints("docs/SUMMARY.md", "# Summary\n"),
            ["docs/SUMMARY.md:1: docs/a.md is not in it, list the page, or nobody will find it"]
        );
    }
}
