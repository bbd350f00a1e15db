//! Which crate may depend on which. The compiler refuses cycles only; these tables refuse the wrong direction.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Violation;

/// What a crate may depend on inside the workspace.
enum May {
    Use(&'static [&'static str]),
    UseAnything,
}
use May::{Use, UseAnything};

/// The arrows of ARCHITECTURE.md. Everybody's tests may use [`FOR_TESTS`] besides.
const ARROWS: &[(&str, May)] = &[
    ("confined", Use(&["credential", "disk", "sandbox"])),
    ("credential", Use(&[])),
    ("disk", Use(&[])),
    ("fixture", Use(&["graph", "syntax"])),
    ("syntax", Use(&["disk"])),
    ("model", Use(&["credential", "disk", "store"])),
    ("sandbox", Use(&[])),
    ("store", Use(&[])),
    ("pdf", Use(&[])),
    ("terminal", Use(&[])),
    ("types", Use(&["disk"])),
    ("repository", Use(&["disk"])),
    ("graph", Use(&["disk", "syntax"])),
    ("library", Use(&["disk", "graph", "syntax"])),
    ("lint", Use(&["credential", "disk", "syntax"])),
    ("context", Use(&["graph", "syntax"])),
    ("ide", Use(&["graph", "lint", "syntax"])),
    ("assists", Use(&["context", "graph", "ide", "lint", "syntax"])),
    ("validate", Use(&["graph", "ide", "lint", "sandbox", "syntax"])),
    ("propose", Use(&["assists", "model", "validate"])),
    (
        "workspace",
        Use(&[
            "context",
            "credential",
            "disk",
            "graph",
            "ide",
            "library",
            "lint",
            "repository",
            "sandbox",
            "store",
            "syntax",
        ]),
    ),
    ("sandbox-wasi", Use(&["credential", "disk", "sandbox"])),
    ("gate", Use(&["disk", "graph", "ide", "lint", "repository", "sandbox", "syntax", "validate", "workspace"])),
    ("runs", Use(&["graph", "ide", "lint", "sandbox", "store", "syntax", "workspace"])),
    (
        "assistant",
        Use(&[
            "assists",
            "context",
            "disk",
            "gate",
            "graph",
            "ide",
            "lint",
            "model",
            "pdf",
            "propose",
            "repository",
            "sandbox",
            "store",
            "syntax",
            "validate",
            "workspace",
        ]),
    ),
    (
        "lsp",
        Use(&[
            "assistant",
            "assists",
            "disk",
            "graph",
            "ide",
            "lint",
            "model",
            "propose",
            "runs",
            "sandbox",
            "syntax",
            "terminal",
            "validate",
            "workspace",
        ]),
    ),
    (
        "mcp",
        Use(&[
            "context",
            "disk",
            "gate",
            "graph",
            "ide",
            "lint",
            "repository",
            "runs",
            "sandbox",
            "store",
            "syntax",
            "validate",
            "workspace",
        ]),
    ),
    (
        "tantu",
        Use(&[
            "assistant",
            "assists",
            "confined",
            "context",
            "disk",
            "gate",
            "graph",
            "ide",
            "lint",
            "lsp",
            "mcp",
            "model",
            "propose",
            "runs",
            "sandbox",
            "sandbox-wasi",
            "store",
            "syntax",
            "terminal",
            "types",
            "validate",
            "workspace",
        ]),
    ),
    ("tests", UseAnything),
    ("xtask", UseAnything),
];

const FOR_TESTS: &str = "fixture";

/// External crates that only some of ours may link, tests and tooling excepted: each is either heavy, or a kind of
/// work (waiting, disk, network, a protocol's types) that must not spread.
const CONFINED: &[(&str, &[&str])] = &[
    ("cap-std", &["disk"]),
    ("close_fds", &["confined"]),
    ("gix", &["repository"]),
    ("landlock", &["confined"]),
    ("reqwest", &["model"]),
    ("rmcp", &["mcp"]),
    ("ruff_linter", &["lint"]),
    ("rusqlite", &["store"]),
    ("seccompiler", &["confined"]),
    ("tiktoken-rs", &["context"]),
    ("tokio", &["assistant", "gate", "lsp", "mcp", "model", "runs", "sandbox", "sandbox-wasi", "tantu", "workspace"]),
    ("tower-lsp-server", &["lsp"]),
    ("tree-sitter", &["syntax"]),
    ("tree-sitter-python", &["syntax"]),
    ("ty_python_semantic", &["types"]),
    ("wasmtime", &["sandbox-wasi"]),
    ("wasmtime-wasi", &["sandbox-wasi"]),
];

/// Compares `cargo metadata` with the tables. `read` returns the text of a file given its path below the root.
pub(super) fn check(metadata: &Value, read: impl Fn(&str) -> Result<String>) -> Result<Vec<Violation>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let root = metadata["workspace_root"].as_str().context("`cargo metadata` names no workspace root")?;
    let ours = |name: &str| packages.iter().any(|package| package["name"] == name);

    let mut violations = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has no name")?;
        let manifest_path = below(root, package["manifest_path"].as_str().context("a package has no manifest")?);
        let manifest = read(&manifest_path)?;
        let mut found = |line, what, remedy: &str| {
            violations.push(Violation { path: manifest_path.clone(), line, what, remedy: remedy.to_owned() });
        };

        let Some((_, may)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            found(
                1,
                format!("no arrows are agreed for crate {name}"),
                "add it to the table in xtask/src/tidy/arrows.rs",
            );
            continue;
        };
        let Use(allowed) = may else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(to) = dependency["name"].as_str() else { continue };
            let kind = dependency["kind"].as_str();
            let for_tests = kind == Some("dev");
            let line = line_of(&manifest, kind, to);
            if ours(to) {
                if !(allowed.contains(&to) || for_tests && to == FOR_TESTS) {
                    let what = format!("{name} must not depend on {to}");
                    found(line, what, "move the code to where the arrow is allowed, or agree on a new arrow");
                }
            } else if let Some((_, users)) = CONFINED.iter().find(|(confined, _)| *confined == to)
                && !users.contains(&name)
                && !for_tests
            {
                let what = format!("{name} must not link {to}");
                found(line, what, &format!("leave that to {}", users.join(", ")));
            }
        }
    }
    Ok(violations)
}

/// A path as the repository's root sees it.
fn below(root: &str, path: &str) -> String {
    path.strip_prefix(root).unwrap_or(path).replace('\\', "/").trim_start_matches('/').to_owned()
}

/// The line of a manifest, counted from 1, that declares a dependency; 1 when it is declared in some unusual way.
fn line_of(manifest: &str, kind: Option<&str>, name: &str) -> usize {
    let section = match kind {
        Some("dev") => "dev-dependencies",
        Some("build") => "build-dependencies",
        _ => "dependencies",
    };
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            // `[dependencies]`, `[target.'cfg(unix)'.dependencies]`, `[dependencies.name]`
            let header = header.trim_end().trim_end_matches(']');
            let (path, table) = header.rsplit_once('.').unwrap_or(("", header));
            if table == name && path.rsplit('.').next() == Some(section) {
                return index + 1;
            }
            inside = table == section;
        } else if inside && line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '='])) {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of crates, each with `(kind, dependency)` pairs and a manifest that declares them.
    fn violations(crates: &[(&str, &[(&str, &str)])]) -> Vec<String> {
        let packages: Vec<Value> = crates
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> = dependencies
                    .iter()
                    .map(|(kind, to)| json!({ "name": to, "kind": if kind.is_empty() { Value::Null } else { json!(kind) } }))
                    .collect();
                json!({ "name": name, "manifest_path": format!("/repo/server/{name}/Cargo.toml"), "dependencies": dependencies })
            })
            .collect();
        let read = |path: &str| {
            let name = path.split('/').nth(1).unwrap();
            let (_, dependencies) = crates.iter().find(|(known, _)| *known == name).unwrap();
            let section = |wanted: &str| -> String {
                dependencies
                    .iter()
                    .filter(|(kind, _)| *kind == wanted)
                    .map(|(_, to)| format!("{to}.workspace = true\n"))
                    .collect()
            };
            Ok(format!(
                "[package]\nname = \"{name}\"\n\n[dependencies]\n{}[dev-dependencies]\n{}",
                section(""),
                section("dev")
            ))
        };
        let metadata = json!({ "workspace_root": "/repo", "packages": packages });
        check(&metadata, read).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn agreed_arrows_pass() {
        assert_eq!(
            violations(&[
                ("syntax", &[("", "ropey"), ("dev", "fixture")]),
                ("fixture", &[]),
                ("graph", &[("", "syntax"), ("", "petgraph"), ("dev", "fixture")]),
                ("tests", &[("", "graph"), ("", "tokio")]),
            ]),
            [] as [&str; 0]
        );
    }

    #[test]
    fn a_wrong_arrow_is_found_at_its_line() {
        assert_eq!(
            violations(&[("graph", &[("", "syntax"), ("", "ide")]), ("syntax", &[]), ("ide", &[("", "graph")])]),
            ["server/graph/Cargo.toml:6: graph must not depend on ide, \
              move the code to where the arrow is allowed, or agree on a new arrow"]
        );
    }

    #[test]
    fn a_wrong_arrow_of_the_tests_is_found_too() {
        let found = violations(&[("model", &[("dev", "graph")]), ("graph", &[])]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("server/model/Cargo.toml:6: model must not depend on graph"), "{found:?}");
    }

    #[test]
    fn fixtures_are_for_tests_only() {
        let found = violations(&[("ide", &[("", "fixture")]), ("fixture", &[])]);
        assert!(found[0].contains("ide must not depend on fixture"), "{found:?}");
    }

    #[test]
    fn a_confined_crate_stays_where_it_is() {
        assert_eq!(
            violations(&[("ide", &[("", "tokio"), ("dev", "tokio")])]),
            [
                "server/ide/Cargo.toml:5: ide must not link tokio, leave that to assistant, gate, lsp, mcp, model, runs, sandbox, sandbox-wasi, tantu, workspace"
            ]
        );
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        let found = violations(&[("telepathy", &[])]);
        assert!(found[0].starts_with("server/telepathy/Cargo.toml:1: no arrows are agreed"), "{found:?}");
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        // In an order in which every crate's arrows point to earlier crates.
        let mut placed: Vec<&str> = Vec::new();
        let names: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
        while placed.len() < names.len() {
            let next = ARROWS.iter().find(|(name, may)| {
                let Use(allowed) = may else { return !placed.contains(name) };
                !placed.contains(name) && allowed.iter().all(|to| placed.contains(to))
            });
            placed.push(next.expect("the remaining crates depend on one another").0);
        }
    }

    #[test]
    fn finds_dependencies_in_their_section() {
        let manifest = "[dependencies]\nserde.workspace = true\nserde_json = \"1\"\n\n[dependencies.tokio]\nversion = \
                        \"1\"\n\n[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n\n[dev-dependencies]\nserde.workspace = true\n";
        assert_eq!(line_of(manifest, None, "serde"), 2);
        assert_eq!(line_of(manifest, None, "serde_json"), 3);
        assert_eq!(line_of(manifest, None, "tokio"), 5);
        assert_eq!(line_of(manifest, None, "nix"), 9);
        assert_eq!(line_of(manifest, Some("dev"), "serde"), 12);
        assert_eq!(line_of(manifest, None, "absent"), 1);
    }
}
