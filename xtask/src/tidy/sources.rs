//! Rules about source files: their names, their length, how a crate introduces itself, what may panic.

use super::Violation;

/// Lines before a file's tests.
const MAX_LINES: usize = 800;

/// Words that could name any file or type, and so say nothing.
const EMPTY_NAMES: &[&str] = &["manager", "engine", "helper", "util", "common", "processor"];

pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    // Fixtures are data: they look like what users write.
    if path.starts_with("fixtures/") {
        return Vec::new();
    }
    let mut violations = Vec::new();
    let mut found = |line, what: String, remedy: &str| {
        violations.push(Violation { path: path.to_owned(), line, what, remedy: remedy.to_owned() });
    };

    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    if let Some(word) = stem.split(['_', '-']).find_map(empty_name) {
        found(1, format!("file name says \"{word}\""), "name what is in it");
    }
    if !name.ends_with(".rs") {
        return violations;
    }
    if name == "mod.rs" {
        found(1, "module in mod.rs".into(), "use a file with the module's name beside the folder");
    }
    if is_crate_root(path) && !text.starts_with("//! This crate ") {
        let remedy = "start with `//! This crate …`: what it does, and what is deliberately absent";
        found(1, "crate does not introduce itself".into(), remedy);
    }

    let lines: Vec<&str> = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect();
    if lines.len() > MAX_LINES {
        found(MAX_LINES + 1, format!("{} lines before the tests", lines.len()), "split the file");
    }
    for (index, line) in lines.iter().enumerate() {
        if let Some(word) = declared_type(line).and_then(|name| words(name).into_iter().find_map(empty_name)) {
            found(index + 1, format!("type name says \"{word}\""), "name what it is");
        }
        if !is_for_tests(path) && may_panic(line) && !is_commented(&lines, index) {
            found(
                index + 1,
                "unproven unwrap or expect".into(),
                "handle the case, or say in a comment why it cannot be",
            );
        }
    }
    violations
}

/// The empty word that a part of a name is, or is the plural of.
fn empty_name(part: &str) -> Option<&'static str> {
    let part = part.to_ascii_lowercase();
    EMPTY_NAMES.iter().copied().find(|word| part == *word || part.strip_suffix('s') == Some(word))
}

/// `<crate>/src/lib.rs` or `<crate>/src/main.rs`.
fn is_crate_root(path: &str) -> bool {
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
}

/// Code that only ever runs in tests, where a panic is a failed test.
fn is_for_tests(path: &str) -> bool {
    ["tests/", "server/fixture/"].iter().any(|folder| path.starts_with(folder))
        || ["/tests/", "/tests.rs", "/testing.rs", "/benches/"].iter().any(|part| path.contains(part))
}

/// The name in `struct Name`, `enum Name`, `trait Name` or `type Name`.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    let keyword = words.next()?;
    let name = words.next()?;
    let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
    matches!(keyword, "struct" | "enum" | "trait" | "type").then(|| &name[..end])
}

/// The words of a name in CamelCase.
fn words(name: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = name.char_indices().filter(|(_, c)| c.is_uppercase()).map(|(at, _)| at).collect();
    starts.push(name.len());
    starts.windows(2).map(|pair| &name[pair[0]..pair[1]]).collect()
}

fn may_panic(line: &str) -> bool {
    let code = line.trim_start();
    !code.starts_with("//") && [".unwrap()", ".expect(\""].iter().any(|call| code.contains(call)) // these are strings
}

/// Whether a comment stands on the line, or directly above the statement that it belongs to.
fn is_commented(lines: &[&str], index: usize) -> bool {
    let is_comment = |line: &str| line.trim_start().starts_with("//") && !line.trim_start().starts_with("///");
    let ends_statement = |line: &str| line.trim().is_empty() || line.trim_end().ends_with([';', '}']);
    lines[index].contains("// ")
        || lines[..index]
            .iter()
            .rev()
            .take_while(|line| is_comment(line) || !ends_statement(line))
            .any(|line| is_comment(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(path: &str, text: &str) -> Vec<String> {
        check(path, text).iter().map(ToString::to_string).collect()
    }

    const NOTHING: [&str; 0] = [];

    #[test]
    fn good_files_pass() {
        assert_eq!(violations("server/graph/src/link.rs", "struct Linker;\n"), NOTHING);
        assert_eq!(violations("server/graph/src/lib.rs", "//! This crate holds the graph.\n"), NOTHING);
        assert_eq!(violations("docs/engineering.md", "# How\n"), NOTHING);
    }

    #[test]
    fn crates_introduce_themselves() {
        let found = violations("server/graph/src/lib.rs", "//! The graph.\n");
        assert!(found[0].starts_with("server/graph/src/lib.rs:1: crate does not introduce itself"), "{found:?}");
        assert_eq!(violations("xtask/src/main.rs", "fn main() {}\n").len(), 1);
    }

    #[test]
    fn empty_names_are_refused() {
        let one = |path: &str, text: &str| violations(path, text).remove(0);
        assert_eq!(
            one("server/ide/src/utils.rs", ""),
            "server/ide/src/utils.rs:1: file name says \"util\", name what is in it"
        );
        assert!(one("editors/neovim/lua/tantu/test_helper.lua", "").contains("\"helper\""));
        assert_eq!(
            one("server/lsp/src/run.rs", "\npub(crate) struct SessionManager<T> {"),
            "server/lsp/src/run.rs:2: type name says \"manager\", name what it is"
        );
    }

    #[test]
    fn names_that_only_contain_such_a_word_pass() {
        assert_eq!(violations("server/ide/src/commonality.rs", "enum Utility {}\nfn engine() {}\n"), NOTHING);
        assert_eq!(violations("fixtures/workspaces/shop/shop/utils.py", ""), NOTHING);
    }

    #[test]
    fn modules_have_files_of_their_own_name() {
        assert!(violations("server/ide/src/assists/mod.rs", "")[0].contains("module in mod.rs"));
    }

    #[test]
    fn long_files_are_refused_but_their_tests_do_not_count() {
        let code = "fn f() {}\n".repeat(800);
        assert_eq!(violations("server/ide/src/hover.rs", &format!("{code}#[cfg(test)]\n{code}")), NOTHING);
        assert_eq!(
            violations("server/ide/src/hover.rs", &format!("{code}\n#[cfg(test)]\n")),
            ["server/ide/src/hover.rs:801: 801 lines before the tests, split the file"]
        );
    }

    #[test]
    fn an_unwrap_needs_a_proof() {
        let found = violations("server/ide/src/hover.rs", "fn f() {\n    x.unwrap();\n}\n");
        assert_eq!(
            found,
            [
                "server/ide/src/hover.rs:2: unproven unwrap or expect, handle the case, or say in a comment why it cannot be"
            ]
        );
        assert_eq!(violations("server/ide/src/hover.rs", "fn f() {\n    x.unwrap(); // x is a literal\n}\n"), NOTHING);
        assert_eq!(
            violations("server/ide/src/hover.rs", "// Checked above.\nlet y = x\n    .first()\n    .unwrap();\n"),
            NOTHING
        );
        assert_eq!(
            violations("server/ide/src/hover.rs", "/// x.unwrap()\nfn f() { parser.expect(Token::Colon) }\n"),
            NOTHING
        );
    }

    #[test]
    fn a_proof_of_another_statement_does_not_count() {
        let text = "// About y.\nlet y = 1;\nlet z = x.unwrap();\n";
        assert!(violations("server/ide/src/hover.rs", text)[0].starts_with("server/ide/src/hover.rs:3:"));
    }

    #[test]
    fn tests_may_unwrap() {
        assert_eq!(violations("tests/tests/e2e/run.rs", "x.unwrap();\n"), NOTHING);
        assert_eq!(violations("server/ide/src/hover.rs", "#[cfg(test)]\nx.unwrap();\n"), NOTHING);
    }
}
