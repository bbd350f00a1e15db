//! What tests are judged by that others have written, in the user's cache directory: for models the official Python SDKs and the proxy
//! `litellm`; for agents the official client and conformance checks of the Model Context Protocol, Claude Code, and pre-commit.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{cache, code_server, process};

/// The folders, whose numbers grow with the pins beside them; the tests look for the same names.
const ENVIRONMENTS: [(&str, &[&str]); 2] = [
    ("sdks-1", &["openai==2.54.0", "anthropic==2.12.0", "litellm[proxy]==1.106.2"]),
    ("agents-1", &["mcp==2.3.0", "pre-commit==4.7.0", "jsonschema==4.26.0", "check-jsonschema==0.39.0"]),
];

/// From the npm registry. Claude Code is one program for each platform; only that for Linux on x86-64 is tried.
const PROGRAMS: (&str, &[&str]) =
    ("programs-1", &["@modelcontextprotocol/conformance@0.1.16", "@anthropic-ai/claude-code-linux-x64@2.1.331"]);

/// Written last, so that a half-made installation is never mistaken for a whole one.
const COMPLETE: &str = "complete";

/// Makes the folders that are missing. The Node of [`code_server`] has to be there.
///
/// # Errors
/// When there is no cache directory, or pip or npm cannot install the packages.
pub fn ensure() -> Result<()> {
    ENVIRONMENTS.iter().try_for_each(|(folder, packages)| ensure_one(folder, packages, environment))?;
    let (folder, packages) = PROGRAMS;
    ensure_one(folder, packages, |folder, packages| {
        // Else npm installs to a folder above that looks like a package.
        let manifest = folder.join("package.json");
        fs::write(&manifest, "{}").with_context(|| format!("cannot write {}", manifest.display()))?;
        code_server::install_packages(packages, folder)
            .context("cannot install what agents are tested with (needs npm's package index)")
    })
}

fn environment(folder: &Path, packages: &[&str]) -> Result<()> {
    process::run(process::program("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    process::run(
        process::program(folder.join("bin/python"))
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
            .args(packages),
    )
    .context("cannot install what models and agents are tested with (needs python3 with venv, and a package index)")
}

fn ensure_one(name: &str, packages: &[&str], install: impl Fn(&Path, &[&str]) -> Result<()>) -> Result<()> {
    let folder = cache::e2e(name)?;
    let complete = folder.join(COMPLETE);
    if !complete.is_file() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        install(&folder, packages)?;
        fs::write(&complete, packages.join("\n")).with_context(|| format!("cannot write {}", complete.display()))?;
    }
    println!("sdks: {}", folder.display());
    Ok(())
}
