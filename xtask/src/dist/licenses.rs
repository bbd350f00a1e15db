//! The licences of what is shipped: of each crate in the binary as cargo resolves it for this platform, and of what is inside
//! the sandbox's Python. Something without one stops the packaging.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

const RUFF: &str = "packaging/licenses/ruff.txt";
/// Crates whose packages lack the file that their repository has, by the beginning of their names; and the file, in our
/// `packaging/licenses` or in the package of a crate from the same repository.
const BORROWED: [(&str, &str); 6] = [
    ("ruff_", RUFF),
    ("ty_", RUFF),
    ("cranelift-", "wasmtime"),
    // MIT or Apache-2.0; the old version that is linked has neither file.
    ("defmt", "LICENSE-APACHE"),
    ("pulley-", "wasmtime"),
    ("wasmtime-", "wasmtime"),
];
/// Crates of ruff's repository with works of others in them, and where the licence of these is.
const CONTAINS: [(&str, &str); 1] = [("ty_vendored", "vendor/typeshed/LICENSE")];
/// Crates under the MIT licence without a file, which name their authors in the manifest or nowhere.
const PLAIN_MIT: [&str; 3] = ["quote-use", "quote-use-macros", "seahash"];

/// Writes all of them to `file`.
pub(super) fn write(file: &Path) -> Result<()> {
    let crates = of_crates()?;
    let guest = process::output(process::program("python3").arg("packaging/guest_licenses.py"))
        .context("cannot collect the licences of the sandbox's Python")?;
    let text = format!(
        "tantu contains the following works of others, each under the licence that follows its name.\n\
         The sandbox's Python is CPython; its licence is beside this file, in LICENSE-CPython.txt.\n\n{crates}{guest}"
    );
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn of_crates() -> Result<String> {
    let host = process::output(process::program("rustc").args(["--print", "host-tuple"]))?;
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", host.trim()];
    let metadata: Value = serde_json::from_str(&process::output(&mut process::cargo(&arguments))?)?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).filter_map(|it| Some((it["id"].as_str()?, it))).collect();
    // Many have the same text, which is the longest part.
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in linked(&metadata, &packages)? {
        let word = |key: &str| package[key].as_str().unwrap_or("unknown");
        let user = format!("{} {} ({}), {}", word("name"), word("version"), word("license"), word("repository"));
        for licence in licences(package, &packages)? {
            users.entry(licence).or_default().push(user.clone());
        }
    }
    let mut groups: Vec<_> = users.into_iter().collect();
    groups.sort_by(|a, b| a.1.cmp(&b.1));
    let mut text = String::new();
    for (licence, users) in groups {
        write!(text, "{}\n\n{}\n\n{licence}\n\n", "-".repeat(80), users.join("\n"))?;
    }
    Ok(text)
}

/// The crates of others that end in the binary, by name.
fn linked<'m>(metadata: &'m Value, packages: &BTreeMap<&'m str, &'m Value>) -> Result<Vec<&'m Value>> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).filter_map(|it| Some((it["id"].as_str()?, it))).collect();
    let root = packages.iter().find(|(_, it)| it["name"] == "tantu").context("there is no package `tantu`")?.0;
    let mut found = BTreeSet::new();
    let mut open = vec![*root];
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let is_linked = |it: &&Value| list(&it["dep_kinds"]).any(|kind| kind["kind"].is_null());
            let dependencies = nodes.get(id).map(|node| list(&node["deps"])).context("cargo resolved only half")?;
            open.extend(dependencies.filter(is_linked).filter_map(|it| it["pkg"].as_str()));
        }
    }
    let mut others: Vec<&Value> = found.into_iter().filter_map(|id| packages.get(id).copied()).collect();
    others.retain(|package| !package["source"].is_null());
    others.sort_by_key(|package| (package["name"].as_str(), package["version"].as_str()));
    Ok(others)
}

fn licences(package: &Value, packages: &BTreeMap<&str, &Value>) -> Result<Vec<String>> {
    let name = package["name"].as_str().unwrap_or_default();
    let own = texts(package)?;
    if !own.is_empty() {
        return Ok(own);
    }
    if let Some((_, inside)) = CONTAINS.iter().find(|(known, _)| *known == name) {
        let folder = package["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
        let path = folder.context("cargo names no folder of a package")?.join(inside);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lender = fs::read_to_string(process::root().join(RUFF)).context("cannot read the licence of ruff")?;
        return Ok(vec![lender.trim_end().to_owned(), text.trim().to_owned()]);
    }
    if PLAIN_MIT.contains(&name) && package["license"] == "MIT" {
        let authors: Vec<&str> = list(&package["authors"]).filter_map(Value::as_str).collect();
        let mit = fs::read_to_string(process::root().join("LICENSE-MIT")).context("cannot read LICENSE-MIT")?;
        let terms = mit.split_once("Permission is").context("LICENSE-MIT is not the MIT licence")?.1;
        return Ok(vec![format!("Copyright (c) {}\n\nPermission is{}", authors.join(", "), terms.trim_end())]);
    }
    let Some((_, from)) = BORROWED.iter().find(|(prefix, _)| name.starts_with(prefix)) else {
        bail!("{name} ships no licence file: name one in `xtask/src/dist/licenses.rs`, or do without the crate");
    };
    if let Some(lender) = packages.values().find(|it| it["name"] == **from) {
        return texts(lender);
    }
    let borrowed = fs::read_to_string(process::root().join(from)).with_context(|| format!("cannot read {from}"))?;
    Ok(vec![borrowed.trim_end().to_owned()])
}

/// The licences and notices in a package.
fn texts(package: &Value) -> Result<Vec<String>> {
    let folder = package["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
    let folder = folder.context("cargo names no folder of a package")?;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.is_file() && path.file_name().is_some_and(|name| is_licence(&name.to_string_lossy())));
    paths.sort();
    let read =
        |path| fs::read_to_string(path).with_context(|| format!("cannot read the licences in {}", folder.display()));
    paths.iter().map(|path| Ok(read(path)?.trim().to_owned())).collect()
}

fn is_licence(name: &str) -> bool {
    let name = name.to_lowercase();
    ["license", "licence", "copying", "copyright", "notice", "unlicense"].iter().any(|it| name.starts_with(it))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_in_the_binary_has_a_licence() {
        let text = of_crates().unwrap();
        for expected in ["\nserde 1.", "\nruff_linter 0.16.4 (MIT)", "\ncranelift-bitset ", "Charles Marsh", "typeshed"]
        {
            assert!(text.contains(expected), "{expected}");
        }
        assert!(!text.contains("\ncriterion "), "what only tests use is not shipped");
    }

    #[test]
    fn a_crate_without_one_stops_the_packaging() {
        let folder = process::root().join("xtask/src");
        let package = serde_json::json!({ "name": "left-pad", "manifest_path": folder.join("Cargo.toml") });
        let error = licences(&package, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().starts_with("left-pad ships no licence file"), "{error}");
    }
}
