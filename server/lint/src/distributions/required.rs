//! What a project asks for, in its requirement file or `pyproject.toml`, and how to ask for one more.

use syntax::{TextEdit, TextRange, TextSize};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::normalize;

use crate::advisories::{get, lines, requirement, table};

/// Whether the text of `file` (a requirement file or `pyproject.toml`) asks for `distribution`, in any group, in any version.
pub fn requires(file: &str, text: &str, distribution: &str) -> bool {
    let wanted = normalize(distribution);
    if !is_pyproject(file) {
        return requirements(text).any(|(name, _)| name == wanted);
    }
    let (root, _) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    let in_list = |value: &Spanned<DeValue>| {
        let items = value.get_ref().as_array().into_iter().flat_map(|array| array.iter());
        items
            .filter_map(|item| item.get_ref().as_str())
            .filter_map(requirement)
            .any(|found| normalize(found.name) == wanted)
    };
    let in_groups =
        |path: &[&str]| table(root, path).is_some_and(|groups| groups.iter().any(|(_, list)| in_list(list)));
    let in_keys = |table: Option<&DeTable>| {
        table.is_some_and(|table| table.keys().any(|name| normalize(name.get_ref()) == wanted))
    };
    let poetry_groups = table(root, &["tool", "poetry", "group"]);
    get(root, &["project", "dependencies"]).is_some_and(in_list)
        || get(root, &["tool", "uv", "dev-dependencies"]).is_some_and(in_list)
        || in_groups(&["project", "optional-dependencies"])
        || in_groups(&["dependency-groups"])
        || in_groups(&["tool", "pdm", "dev-dependencies"])
        || in_keys(table(root, &["tool", "poetry", "dependencies"]))
        || in_keys(table(root, &["tool", "poetry", "dev-dependencies"]))
        || poetry_groups.is_some_and(|groups| {
            groups
                .iter()
                .any(|(_, group)| in_keys(group.get_ref().as_table().and_then(|group| table(group, &["dependencies"]))))
        })
}

/// Edits after which `file` asks for `distribution`, in any version. What is in order stays in order, what is formatted stays
/// formatted. `None` when it asks for it already, cannot be read, or has no place for it.
pub fn add_requirement(file: &str, text: &str, distribution: &str) -> Option<Vec<TextEdit>> {
    // The name is written as it is; nothing else may come in with it.
    let is_name = requirement(distribution).is_some_and(|found| found.name == distribution);
    if !is_name || requires(file, text, distribution) {
        return None;
    }
    if !is_pyproject(file) {
        return Some(vec![to_requirements(text, distribution)]);
    }
    let root = DeTable::parse(text).ok()?;
    let root = root.get_ref();
    let newline = newline(text);
    if let Some(list) = get(root, &["project", "dependencies"]) {
        return to_array(text, list, distribution);
    }
    if let Some(dependencies) = table(root, &["tool", "poetry", "dependencies"]) {
        return Some(vec![to_table(text, dependencies, &format!("{distribution} = \"*\""), newline)?]);
    }
    let project = table(root, &["project"])?;
    let dynamic = get(project, &["dynamic"]).and_then(|dynamic| dynamic.get_ref().as_array());
    if dynamic.is_some_and(|names| names.iter().any(|name| name.get_ref().as_str() == Some("dependencies"))) {
        return None;
    }
    Some(vec![to_table(text, project, &format!("dependencies = [\"{distribution}\"]"), newline)?])
}

fn is_pyproject(file: &str) -> bool {
    file.ends_with(".toml")
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Normalised names with the line that each begins on.
fn requirements(text: &str) -> impl Iterator<Item = (String, TextRange)> {
    lines(text).filter_map(|(line, offset)| {
        let found = requirement(line)?;
        Some((normalize(found.name), TextRange::at(offset, TextSize::of(line))))
    })
}

fn to_requirements(text: &str, distribution: &str) -> TextEdit {
    let newline = newline(text);
    let wanted = normalize(distribution);
    let known: Vec<(String, TextRange)> = requirements(text).collect();
    let is_sorted = known.len() > 1 && known.is_sorted_by(|a, b| a.0 <= b.0);
    let before = known.iter().rposition(|(name, _)| *name < wanted);
    match (is_sorted, before) {
        (true, None) => TextEdit::insert(known[0].1.start(), format!("{distribution}{newline}")),
        (true, Some(index)) if index + 1 < known.len() => {
            TextEdit::insert(end_of_entry(text, known[index].1), format!("{newline}{distribution}"))
        }
        _ => {
            let start = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
            TextEdit::insert(TextSize::of(text), format!("{start}{distribution}{newline}"))
        }
    }
}

/// The end of a requirement's last line: a backslash at the end of a line continues it.
fn end_of_entry(text: &str, line: TextRange) -> TextSize {
    let mut end = line.end();
    for (next, offset) in lines(text).skip_while(|(_, offset)| *offset < line.start()) {
        end = offset + TextSize::of(next);
        if !next.trim_end().ends_with('\\') {
            break;
        }
    }
    end
}

/// Into an array of strings, on one line or several.
fn to_array(text: &str, list: &Spanned<DeValue>, distribution: &str) -> Option<Vec<TextEdit>> {
    let array: &DeArray = list.get_ref().as_array()?;
    let span = list.span();
    let close = span.end.checked_sub(1)?;
    let at = |offset: usize| TextSize::new(offset as u32);
    let items: Vec<(String, std::ops::Range<usize>)> = array
        .iter()
        .map(|item| {
            let name = item.get_ref().as_str().and_then(requirement).map(|found| normalize(found.name));
            Some((name?, item.span()))
        })
        .collect::<Option<_>>()?;
    let Some((_, last)) = items.last() else {
        return Some(vec![TextEdit::insert(at(span.start + 1), format!("\"{distribution}\""))]);
    };
    let quote = if text[last.clone()].starts_with('\'') { '\'' } else { '"' };
    let entry = format!("{quote}{distribution}{quote}");
    let wanted = normalize(distribution);
    let indent = |item: &std::ops::Range<usize>| {
        let line = text[..item.start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &text[line..item.start];
        (line > span.start && before.trim().is_empty()).then(|| before.to_owned())
    };
    let newline = newline(text);
    if items.len() > 1
        && items.is_sorted_by(|a, b| a.0 <= b.0)
        && let Some((_, next)) = items.iter().find(|(name, _)| *name > wanted)
    {
        let separator = indent(next).map_or_else(|| " ".to_owned(), |indent| format!("{newline}{indent}"));
        return Some(vec![TextEdit::insert(at(next.start), format!("{entry},{separator}"))]);
    }
    let tail = &text[last.end..close];
    let has_comma = tail.trim_start().starts_with(',');
    let Some(indent) = indent(last) else {
        // A comment between the comma and the bracket would swallow what follows it.
        let comma = if has_comma { last.end + tail.find(',')? + 1 } else { last.end };
        let edit = if has_comma { format!(" {entry},") } else { format!(", {entry}") };
        return Some(vec![TextEdit::insert(at(comma), edit)]);
    };
    let end_of_line = tail.find('\n').map(|newline| newline - usize::from(tail[..newline].ends_with('\r')));
    let Some(end_of_line) = end_of_line else {
        return Some(vec![TextEdit::insert(at(last.end), format!(",{newline}{indent}{entry}"))]);
    };
    let mut edits = Vec::new();
    if !has_comma {
        edits.push(TextEdit::insert(at(last.end), ","));
    }
    let comma = if has_comma { "," } else { "" };
    edits.push(TextEdit::insert(at(last.end + end_of_line), format!("{newline}{indent}{entry}{comma}")));
    Some(edits)
}

/// As a line behind the last plain value of a table that has a header.
fn to_table(text: &str, table: &DeTable, line: &str, newline: &str) -> Option<TextEdit> {
    let is_plain = |value: &Spanned<DeValue>| {
        // The span of a table under a header of its own is that header.
        !value.get_ref().is_table() || text[value.span()].starts_with('{')
    };
    let values = table.iter().filter(|(key, value)| is_plain(value) && begins_line(text, key.span().start));
    let end = values.map(|(_, value)| value.span().end).max()?;
    let end = text[end..].find(['\r', '\n']).map_or(text.len(), |length| end + length);
    Some(TextEdit::insert(TextSize::new(end as u32), format!("{newline}{line}")))
}

/// Not `project.name = "x"` and not inside braces.
fn begins_line(text: &str, offset: usize) -> bool {
    let line = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..offset].trim_matches([' ', '\t', '"', '\'']).is_empty()
}

#[cfg(test)]
mod tests {
    use syntax::apply_edits;

    use super::*;

    #[track_caller]
    fn check(file: &str, before: &str, distribution: &str, after: &str) {
        let edits = add_requirement(file, before, distribution).unwrap();
        let changed = apply_edits(before, &edits).unwrap();
        assert_eq!(changed, after);
        assert!(requires(file, &changed, distribution));
        assert_eq!(add_requirement(file, &changed, distribution), None);
        if is_pyproject(file) {
            assert!(DeTable::parse(&changed).is_ok(), "{changed}");
        }
    }

    #[test]
    fn requirement_files() {
        check("requirements.txt", "", "PyYAML", "PyYAML\n");
        check("requirements.txt", "b==1\na==1\n", "PyYAML", "b==1\na==1\nPyYAML\n");
        check("requirements.txt", "b==1", "PyYAML", "b==1\nPyYAML\n");
        check("requirements.txt", "# top\nflask\nrich\n", "PyYAML", "# top\nflask\nPyYAML\nrich\n");
        check("requirements.txt", "# top\r\nflask\r\nrich\r\n", "bs4", "# top\r\nbs4\r\nflask\r\nrich\r\n");
        check(
            "requirements.txt",
            "flask==1 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\nrich==2\n",
            "PyYAML",
            "flask==1 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\nPyYAML\nrich==2\n",
        );
    }

    #[test]
    fn arrays_keep_their_form() {
        let project = |list: &str| format!("[project]\nname = \"x\"\ndependencies = {list}\n\n[tool.x]\na = 1\n");
        for (before, after) in [
            ("[]", "[\"numpy\"]"),
            ("[\"z\"]", "[\"z\", \"numpy\"]"),
            ("[\"a\", \"z>=1\"]", "[\"a\", \"numpy\", \"z>=1\"]"),
            ("['a', 'b',]", "['a', 'b', 'numpy',]"),
            ("[\n    \"a\",\n    \"z\",\n]", "[\n    \"a\",\n    \"numpy\",\n    \"z\",\n]"),
            ("[\n    \"z\",\n    \"a\",  # é\n]", "[\n    \"z\",\n    \"a\",  # é\n    \"numpy\",\n]"),
            ("[\n  \"z\",\n  \"a\"\n]", "[\n  \"z\",\n  \"a\",\n  \"numpy\"\n]"),
            ("[\n  \"z\",\n  \"a\"  # last\n  # more\n]", "[\n  \"z\",\n  \"a\",  # last\n  \"numpy\"\n  # more\n]"),
        ] {
            check("pyproject.toml", &project(before), "numpy", &project(after));
        }
    }

    #[test]
    fn tables() {
        check(
            "pyproject.toml",
            "[project]\nname = \"x\"  # é\n\n[project.scripts]\na = \"b\"\n",
            "numpy",
            "[project]\nname = \"x\"  # é\ndependencies = [\"numpy\"]\n\n[project.scripts]\na = \"b\"\n",
        );
        check(
            "pyproject.toml",
            "[tool.poetry]\nname = \"x\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nrich = { version = \"1\" }\n\n[tool.x]\n",
            "numpy",
            "[tool.poetry]\nname = \"x\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nrich = { version = \"1\" }\nnumpy = \"*\"\n\n[tool.x]\n",
        );
    }

    #[test]
    fn requirement_without_a_place_is_no_edit() {
        for text in [
            "[tool.x]\na = 1\n",
            "[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n",
            "[project\n",
            "project.name = \"x\"\n",
        ] {
            assert_eq!(add_requirement("pyproject.toml", text, "numpy"), None, "{text}");
        }
        assert_eq!(add_requirement("requirements.txt", "", "a\nb"), None);
        assert_eq!(add_requirement("requirements.txt", "NumPy>=1 ; x\n", "numpy"), None);
    }

    #[test]
    fn dependency_groups_count_as_required() {
        let text = "[project]\noptional-dependencies.x = ['A_b']\n[dependency-groups]\ndev = ['c', {include-group='y'}]\n[tool.poetry.group.t.dependencies]\nD = '1'\n";
        for name in ["a.b", "C", "d"] {
            assert!(requires("pyproject.toml", text, name), "{name}");
        }
        assert!(!requires("pyproject.toml", text, "y"));
    }
}
