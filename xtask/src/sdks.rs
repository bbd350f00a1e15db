//! What tests are judged by that others have written, in virtual environments in the user's cache directory: for models the official
//! Python SDKs and the proxy `litellm`; for agents the official client of the Model Context Protocol, and pre-commit.

use std::fs;

use anyhow::{Context, Result};

use crate::{cache, process};

/// The folders, whose numbers grow with the pins beside them; the tests look for the same names.
const ENVIRONMENTS: [(&str, &[&str]); 2] = [
    ("sdks-1", &["openai==2.54.0", "anthropic==2.12.0", "litellm[proxy]==1.106.2"]),
    ("agents-1", &["mcp==2.3.0", "pre-commit==4.7.0", "jsonschema==4.26.0", "check-jsonschema==0.39.0"]),
];

/// Written last, so that a half-made installation is never mistaken for a whole one.
const COMPLETE: &str = "complete";

/// Makes the environments that are missing.
///
/// # Errors
/// When there is no cache directory, or pip cannot install the packages.
pub fn ensure() -> Result<()> {
    ENVIRONMENTS.iter().try_for_each(|(folder, packages)| ensure_one(folder, packages))
}

fn ensure_one(name: &str, packages: &[&str]) -> Result<()> {
    let folder = cache::e2e(name)?;
    let complete = folder.join(COMPLETE);
    if !complete.is_file() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        process::run(process::program("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        process::run(
            process::program(folder.join("bin/python"))
                .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
                .args(packages),
        )
        .context(
            "cannot install what models and agents are tested with (needs python3 with venv, and a package index)",
        )?;
        fs::write(&complete, packages.join("\n")).with_context(|| format!("cannot write {}", complete.display()))?;
    }
    println!("sdks: {}", folder.display());
    Ok(())
}
