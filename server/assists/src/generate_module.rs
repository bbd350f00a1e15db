//! Generate a module or a small package from a description.
//!
//! ```python
//! # tantu: a currency converter with rates from a CSV file      ← offered here
//! ```
//!
//! The description is a comment outside of all functions and classes, or what the person says when asked there.
//!
//! The model answers with a blueprint: the files, as JSON. Each is new and stays inside of the workspace folder; how many
//! there are and how large they are is limited. The blueprint is read strictly: what is not understood is refused.

use std::collections::BTreeSet;
use std::path::Path;

use context::Context;
use graph::{Analysis, FileId, SymbolId, SymbolKind, is_test_file};
use serde::Deserialize;
use syntax::{FileEdit, Parsed, SourceChange, TextEdit, TextRange, TextSize};

use super::follow_comment::asked;
use super::question::{Question, Quoted};
use super::{Answer, Ask, Assist, AssistId, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::GenerateModule,
    name: "generate-module",
    title: "Generate a module from a description (preview)",
    prompt: Some("What is to be generated?"),
    offered,
    scope,
    ask,
    accept,
    answer: Answer::Json,
    is_beside: true,
    described: Some(described),
    needs_instruction: true,
    ..Assist::PLAIN
};

/// The most files, and the most bytes in one and in all of them.
const MAX_FILES: usize = 20;
const MAX_BYTES: usize = 64 * 1024;
const MAX_TOTAL: usize = 256 * 1024;

/// What the names of files may end in.
const KINDS: [&str; 6] = ["py", "md", "toml", "txt", "cfg", "json"];

/// The paths of the workspace that are shown.
const SHOWN: usize = 100;

/// What the model answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Blueprint {
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    path: String,
    content: String,
}

/// On lines outside of functions and classes that hold no code but imports.
pub(super) fn offered(analysis: &Analysis, _: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let source = analysis.source(file);
    let line = source.slice(source.lines().line_range(source.lines().line(range.start()), source.text())).trim();
    let is_free = line.is_empty() || ["#", "\"\"\"", "import ", "from "].iter().any(|start| line.starts_with(start));
    let symbol = analysis.enclosing(file, range.start());
    (is_free && analysis.symbol(symbol).kind == SymbolKind::Module && root(analysis, file).is_some()).then_some(symbol)
}

/// The description in the comment that the line of `range` is a part of: from its mark to the last line of the comment.
pub(super) fn described(analysis: &Analysis, file: FileId, range: TextRange) -> Option<String> {
    let source = analysis.source(file);
    let at = source.lines().line(range.start()) as usize;
    let lines: Vec<&str> = source.text().lines().collect();
    let comment = |line: &&str| line.starts_with('#');
    lines.get(at).filter(|line| comment(line))?;
    let first = (0..=at).rev().take_while(|&line| comment(&lines[line])).find(|&line| asked(lines[line]).is_some())?;
    let rest =
        lines[first + 1..].iter().take_while(|line| comment(line)).map(|line| line.trim_start_matches('#').trim());
    let all: Vec<&str> = asked(lines[first]).into_iter().chain(rest).collect();
    Some(all.join("\n").trim().to_owned()).filter(|text| !text.is_empty())
}

/// The innermost workspace folder around a file.
fn root(analysis: &Analysis, file: FileId) -> Option<&Path> {
    analysis.root_of(analysis.path(file))
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let folder = root(analysis, target.file)?.to_owned();
    Some(Scope { places: Vec::new(), folder: Some(folder) })
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let instruction = instruction.map(str::trim).filter(|it| !it.is_empty())?;
    let root = root(analysis, target.file)?;
    let inside = |path: &Path| path.strip_prefix(root).ok().map(|path| path.to_string_lossy().replace('\\', "/"));
    let mut paths: Vec<String> = analysis.files().filter_map(|file| inside(analysis.path(file))).collect();
    paths.sort_unstable();
    paths.truncate(SHOWN);
    let here = inside(analysis.path(target.file)).unwrap_or_default();
    let question = Question {
        title: format!("Generate what was described in {here}"),
        system: SYSTEM,
        code: "The file in which it was asked for",
        instruction: "What is to be generated",
        request: "Write the blueprint.".to_owned(),
    };
    let files = Quoted {
        label: "Python files of the workspace".to_owned(),
        text: paths.join("\n"),
        path: analysis.path(target.file).to_owned(),
    };
    Some(question.ask_with(context, Some(instruction), vec![files]))
}

const SYSTEM: &str = "\
You write a new Python module, or a small package, for an existing program. Answer with one ```json block and nothing else but, \
after it, one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right. The block is a blueprint:

{\"files\": [{\"path\": \"shop/rates.py\", \"content\": \"...\"}, {\"path\": \"tests/test_rates.py\", \"content\": \"...\"}]}

Rules:
- Paths are relative to the workspace folder, with forward slashes, and none exists yet. At most 20 files of 64 KiB.
- Files end in .py, .md, .toml, .txt, .cfg or .json. A package has its `__init__.py`, and a README.md that says how to use it.
- There are tests for pytest where the workspace has its tests, and each asserts something.
- Use Python's standard library, what the workspace has, and packages that the workspace uses already. Do not guess names.
- Every function has a docstring and type annotations. No placeholders, no stubs.
- ";

fn unfit(code: &'static str, message: String) -> Refusal {
    Refusal::Unfit { code, message }
}

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let root = root(analysis, target.file).ok_or(Refusal::NoTarget)?;
    let blueprint: Blueprint =
        serde_json::from_str(code).map_err(|error| unfit("no-blueprint", format!("this is no blueprint: {error}")))?;
    if blueprint.files.len() > MAX_FILES
        || blueprint.files.iter().map(|file| file.content.len()).sum::<usize>() > MAX_TOTAL
    {
        let message = format!("it is too much: at most {MAX_FILES} files and {} KiB in all", MAX_TOTAL / 1024);
        return Err(unfit("too-large", message));
    }
    let mut names = BTreeSet::new();
    let mut change = SourceChange { files: Vec::new() };
    for file in &blueprint.files {
        let path = checked(file).map_err(|why| unfit("bad-file", format!("`{}` {why}", file.path)))?;
        // Some file systems tell no capitals.
        if !names.insert(file.path.to_lowercase()) {
            return Err(unfit("bad-file", format!("`{}` is there twice", file.path)));
        }
        let path = root.join(path);
        if analysis.file(&path).is_some() {
            return Err(unfit("file-exists", format!("`{}` is there already; choose another name", file.path)));
        }
        let edits = vec![TextEdit::insert(TextSize::new(0), file.content.clone())];
        change.files.push(FileEdit { path, edits });
    }
    // A file cannot be a folder as well.
    let is_folder =
        |name: &String| names.range(format!("{name}/")..).next().is_some_and(|it| it.starts_with(&format!("{name}/")));
    if let Some(name) = names.iter().find(|name| is_folder(name)) {
        return Err(unfit("bad-file", format!("`{name}` is a file and a folder")));
    }
    let is_python = |file: &&FileEdit| file.path.extension().is_some_and(|it| it == "py");
    let (tests, modules): (Vec<&FileEdit>, Vec<&FileEdit>) =
        change.files.iter().filter(is_python).partition(|file| is_test_file(&file.path));
    match (modules.is_empty(), tests.is_empty()) {
        (true, _) => Err(unfit("no-module", "the blueprint has no Python module".to_owned())),
        (_, true) => Err(unfit("no-tests", "the blueprint has no tests".to_owned())),
        _ => Ok(change),
    }
}

/// The path of a file, relative and plain.
///
/// # Errors
/// Why there can be no such file.
fn checked(file: &File) -> Result<&Path, String> {
    let File { path, content } = file;
    let is_plain = |part: &str| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && part.chars().all(is_known)
    };
    if path.len() > 200 || !path.split('/').all(is_plain) {
        return Err("is no plain relative path".to_owned());
    }
    let path = Path::new(path);
    if !path.extension().is_some_and(|it| KINDS.iter().any(|kind| it == *kind)) {
        return Err(format!("is not one of the kinds of files that can be made: {}", KINDS.join(", ")));
    }
    if content.len() > MAX_BYTES {
        return Err(format!("is larger than {} KiB", MAX_BYTES / 1024));
    }
    if content.contains('\0') {
        return Err("is no text".to_owned());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use context::{Options, context};

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "#- /shop/__init__.py\n#- /shop/cart.py\n$0\nimport shop\ndef f():\n    return 1\n";

    #[test]
    fn offered_outside_of_functions_and_classes() {
        let is_offered = |text: &str| Workspace::with_target(text, offered).1.is_some();
        assert!(is_offered(TEXT));
        assert!(is_offered("$0"));
        assert!(is_offered("import a$0\n"));
        assert!(!is_offered("x = 1$0\n"));
        assert!(!is_offered("def f():\n    import a$0\n"));
    }

    #[test]
    fn a_comment_is_a_description() {
        let text = |text: &str| {
            let workspace = Workspace::new(text);
            let (file, offset) = workspace.cursor();
            described(&workspace.analysis, file, TextRange::empty(offset))
        };
        assert_eq!(
            text("x = 1\n# why\n# tantu: a converter$0\n# with rates\nx = 2\n").as_deref(),
            Some("a converter\nwith rates")
        );
        assert_eq!(text("# tantu: a converter\n#$0 with rates\n").as_deref(), Some("a converter\nwith rates"));
        assert_eq!(text("# tantu: a converter\n\n#$0 with rates\n"), None);
        assert_eq!(text("# tantu:$0\n"), None);
        assert_eq!(text("$0\n"), None);
    }

    /// The code of the refusal, or the paths that are made.
    fn answer(files: &[(&str, &str)]) -> String {
        let files: Vec<String> = files
            .iter()
            .map(|(path, content)| serde_json::json!({ "path": path, "content": content }).to_string())
            .collect();
        answer_to(&format!("{{\"files\": [{}]}}", files.join(",")))
    }

    fn answer_to(code: &str) -> String {
        let (workspace, target) = Workspace::with_target(TEXT, offered);
        match accept(&workspace.analysis, target.unwrap(), code) {
            Err(refusal) => format!("{}: {refusal}", refusal.code()),
            Ok(change) => change.files.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn a_blueprint_becomes_files() {
        let files = [
            ("shop/rates.py", "RATE = 1\n"),
            ("tests/test_rates.py", "def test_a(): assert 1\n"),
            ("shop/README.md", ""),
        ];
        assert_eq!(answer(&files), "/shop/rates.py /tests/test_rates.py /shop/README.md");
    }

    #[test]
    fn files_stay_inside_and_are_new() {
        let tests = ("test_a.py", "");
        let refused = |path: &str| answer(&[(path, "x = 1\n"), tests]);
        for path in [
            "../a.py",
            "/a.py",
            "a/../b.py",
            "a\\b.py",
            ".github/a.py",
            "a//b.py",
            "./a.py",
            "",
            "~/a.py",
            "C:a.py",
            "-a.py",
        ] {
            assert!(refused(path).contains("is no plain relative path"), "{path}: {}", refused(path));
        }
        assert!(refused("a.sh").contains("kinds"), "{}", refused("a.sh"));
        assert!(refused("Makefile").contains("kinds"));
        assert!(refused("shop/cart.py").starts_with("file-exists"));
        assert!(answer(&[("a.py", ""), ("A.py", ""), tests]).contains("twice"));
        assert!(answer(&[("a.py", ""), ("a.py/b.py", ""), tests]).contains("a file and a folder"));
        assert!(answer(&[("a.py", &"x".repeat(MAX_BYTES + 1)), tests]).contains("larger than 64 KiB"));
        let many: Vec<(String, &str)> = (0..=MAX_FILES).map(|n| (format!("a{n}.py"), "")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert!(answer(&many).starts_with("too-large"));
        assert!(answer(&[tests]).starts_with("no-module"));
        assert!(answer(&[("a.py", "")]).starts_with("no-tests"));
    }

    #[test]
    fn what_is_no_blueprint_is_refused() {
        for code in
            ["", "[]", "{\"files\": {}}", "{\"files\": [], \"run\": \"rm\"}", "{\"files\": [{\"path\": \"a.py\"}]}"]
        {
            assert!(!answer_to(code).starts_with('/'), "{code}");
        }
        assert!(answer_to("{\"files\": [{\"path\": \"a.py\"}]}").contains("missing field `content`"));
    }

    #[test]
    fn the_description_is_asked_for() {
        let (workspace, target) = Workspace::with_target(TEXT, offered);
        let target = target.unwrap();
        let seen = context(&workspace.analysis, target, 1000, &Options::default());
        assert_eq!(ask(&workspace.analysis, target, &seen, Some(" ")), None);
        let asked = ask(&workspace.analysis, target, &seen, Some("a currency converter")).unwrap();
        assert!(
            asked.user.contains("a currency converter") && asked.user.contains("shop/__init__.py"),
            "{}",
            asked.user
        );
        assert_eq!(asked.title, "Generate what was described in shop/cart.py");
    }
}
