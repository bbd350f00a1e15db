//! Pins in TOML and JSON: `pyproject.toml` and the files in which tools write down what they have resolved.

use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange, TextSize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Pin, requirements};
use crate::distributions::normalize;
use crate::stack::on_deep_stack;

/// Dependencies of all groups, as the standards and as Poetry, PDM and uv write them.
pub(super) fn pyproject(text: &str) -> Vec<Pin> {
    let (root, _) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    let mut pins = Vec::new();
    let mut list = |value: Option<&Spanned<DeValue>>| {
        for item in value.and_then(|value| value.get_ref().as_array()).into_iter().flat_map(|array| array.iter()) {
            if let Some((content, offset)) = content(text, item) {
                pins.extend(requirements::pin(content, offset));
            }
        }
    };
    list(get(root, &["build-system", "requires"]));
    list(get(root, &["project", "dependencies"]));
    list(get(root, &["tool", "uv", "dev-dependencies"]));
    for groups in
        [&["project", "optional-dependencies"][..], &["dependency-groups"], &["tool", "pdm", "dev-dependencies"]]
    {
        for (_, group) in table(root, groups).into_iter().flat_map(|groups| groups.iter()) {
            list(Some(group));
        }
    }
    let poetry = ["dependencies", "dev-dependencies"];
    let mut tables: Vec<&DeTable> = poetry.iter().filter_map(|name| table(root, &["tool", "poetry", name])).collect();
    for (_, group) in table(root, &["tool", "poetry", "group"]).into_iter().flat_map(|groups| groups.iter()) {
        tables.extend(group.get_ref().as_table().and_then(|group| table(group, &["dependencies"])));
    }
    for dependencies in tables {
        for (name, value) in dependencies {
            // `name = "1.0"` or `name = { version = "1.0" }`: a bare version is exactly that version.
            let version = value.get_ref().as_table().and_then(|table| table.get("version")).unwrap_or(value);
            let Some((content, offset)) = content(text, version) else { continue };
            let bare = content.trim_start_matches('=').trim_start();
            let is_exact =
                bare.starts_with(|c: char| c.is_ascii_digit()) && !bare.contains(['*', ',', '|', '<', '>', ' ']);
            if is_exact && name.get_ref() != "python" {
                let offset = offset + TextSize::new((content.len() - bare.len()) as u32);
                pins.push(Pin { is_editable: true, ..pin(name.get_ref(), bare, offset) });
            }
        }
    }
    pins
}

/// `[[package]]` with `name` and `version`: Poetry, uv, PDM; `[[packages]]` is PEP 751.
pub(super) fn toml_lock(text: &str) -> Vec<Pin> {
    const LOCAL: &[&str] = &["editable", "virtual", "directory", "path", "workspace"];
    let (root, _) = DeTable::parse_recoverable(text);
    let packages = ["package", "packages"].into_iter().filter_map(|name| root.get_ref().get(name));
    let packages = packages.filter_map(|packages| packages.get_ref().as_array()).flat_map(|packages| packages.iter());
    let package = |package: &Spanned<DeValue>| {
        let package = package.get_ref().as_table()?;
        let source = package.get("source").and_then(|source| source.get_ref().as_table());
        // What is not from an index may have its name and version by chance.
        if source.is_some_and(|source| source.keys().any(|key| LOCAL.contains(&key.get_ref().as_ref()))) {
            return None;
        }
        let name = package.get("name")?.get_ref().as_str()?;
        let (version, offset) = content(text, package.get("version")?)?;
        Some(pin(name, version, offset))
    };
    packages.filter_map(package).collect()
}

/// `{"default": {"name": {"version": "==1.0"}}}`.
pub(super) fn pipfile_lock(text: &str) -> Vec<Pin> {
    // Without a thread there are no pins.
    on_deep_stack(|| pipfile_pins(text)).unwrap_or_default()
}

fn pipfile_pins(text: &str) -> Vec<Pin> {
    // JSON is an expression of Python but for `true`, `false` and `null`, which are names then; and this parser tells ranges.
    let parsed = syntax::parse(text);
    let [Stmt::Expr(root)] = parsed.statements() else { return Vec::new() };
    let mut pins = Vec::new();
    for (section, packages) in entries(&root.value) {
        if section == "_meta" {
            continue;
        }
        for (name, package) in entries(packages) {
            let version = entries(package).find(|(key, _)| *key == "version").map(|(_, value)| value);
            let part =
                version.and_then(Expr::as_string_literal_expr).and_then(|literal| literal.as_single_part_string());
            if let Some(part) = part
                && let Some(bare) = text[part.content_range()].strip_prefix("==")
            {
                pins.push(pin(name, bare, part.content_range().start() + TextSize::new(2)));
            }
        }
    }
    pins
}

fn entries(expr: &Expr) -> impl Iterator<Item = (&str, &Expr)> {
    let items = expr.as_dict_expr().map(|dict| dict.items.as_slice()).unwrap_or_default();
    items.iter().filter_map(|item| {
        let key = item.key.as_ref()?.as_string_literal_expr()?;
        (!key.range().is_empty()).then_some((key.value.to_str(), &item.value))
    })
}

fn pin(name: &str, version: &str, offset: TextSize) -> Pin {
    Pin {
        distribution: normalize(name),
        version: version.to_owned(),
        range: TextRange::at(offset, TextSize::of(version)),
        is_editable: false,
    }
}

/// The value at a path of keys.
pub(crate) fn get<'a, 'i>(table: &'a DeTable<'i>, path: &[&str]) -> Option<&'a Spanned<DeValue<'i>>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { get(value.get_ref().as_table()?, rest) }
}

pub(crate) fn table<'a, 'i>(root: &'a DeTable<'i>, path: &[&str]) -> Option<&'a DeTable<'i>> {
    get(root, path)?.get_ref().as_table()
}

/// The inside of a string that needs no escape, and where it begins.
fn content<'a>(text: &'a str, value: &Spanned<DeValue>) -> Option<(&'a str, TextSize)> {
    let decoded = value.get_ref().as_str()?;
    let span = value.span();
    let written = text.get(span.clone())?;
    let start = written.find(decoded)?;
    Some((&written[start..start + decoded.len()], TextSize::new((span.start + start) as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pins: Vec<Pin>, text: &str, expected: &[(&str, &str)]) {
        for pin in &pins {
            assert_eq!(&text[pin.range], pin.version);
        }
        let mut pins: Vec<(&str, &str)> =
            pins.iter().map(|pin| (pin.distribution.as_str(), pin.version.as_str())).collect();
        pins.sort_unstable();
        assert_eq!(pins, expected);
    }

    #[test]
    fn project_files() {
        let text = r#"
[build-system]
requires = ["hatchling==1.21.0"]
[project]
dependencies = [
    "Django==5.0",  # é
    'requests[socks]>=2',
]
[project.optional-dependencies]
dev = ["pytest == 8.0.0 ; python_version > '3.8'"]
[dependency-groups]
lint = ["ruff===0.4.0", { include-group = "dev" }]
[tool.poetry.dependencies]
python = "3.12"
flask = "2.3.0"
rich = { version = "==13.0.0", extras = ["x"] }
click = "^8.0"
[tool.poetry.group.dev.dependencies]
black = "24.1.0"
"#;
        let expected = [
            ("black", "24.1.0"),
            ("django", "5.0"),
            ("flask", "2.3.0"),
            ("hatchling", "1.21.0"),
            ("pytest", "8.0.0"),
            ("rich", "13.0.0"),
            ("ruff", "0.4.0"),
        ];
        check(pyproject(text), text, &expected);
    }

    #[test]
    fn broken_ones_give_what_they_can() {
        let text = "[project]\ndependencies = [\"a==1.0\"]\n[tool\n";
        check(pyproject(text), text, &[("a", "1.0")]);
        check(toml_lock("]["), "", &[]);
        check(pipfile_lock("{\"default\": "), "", &[]);
        check(pipfile_lock("[1]"), "", &[]);
        check(pipfile_lock(&"[".repeat(20_000)), "", &[]);
        check(toml_lock(&format!("package = {}", "[".repeat(20_000))), "", &[]);
    }

    #[test]
    fn lock_files() {
        let text = r#"version = 1

[[package]]
name = "Zope.Interface"
version = "6.1"
source = { registry = "https://index.local/simple" }

[[package]]
name = "mine"
version = "0.1.0"
source = { editable = "." }
"#;
        check(toml_lock(text), text, &[("zope-interface", "6.1")]);
        let text = r#"{
    "_meta": {"hash": {"sha256": "x"}, "sources": [{"verify_ssl": true}]},
    "default": {
        "Django": {"hashes": ["sha256:a"], "index": null, "version": "==5.0"},
        "local": {"editable": true, "path": "."}
    },
    "develop": {"pytest": {"version": "==8.0.0", "markers": "python_version >= '3.8'"}}
}
"#;
        check(pipfile_lock(text), text, &[("django", "5.0"), ("pytest", "8.0.0")]);
    }
}
