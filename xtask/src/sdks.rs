//! What the tests of models are judged by: the official Python SDKs and the proxy `litellm`, in a virtual environment in the
//! user's cache directory.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{cache, process};

/// Grows with the pins below; the tests look for the same name.
const FOLDER: &str = "sdks-1";

const PACKAGES: &[&str] = &["openai==2.54.0", "anthropic==2.12.0", "litellm[proxy]==1.106.2"];

/// Written last, so that a half-made installation is never mistaken for a whole one.
const COMPLETE: &str = "complete";

/// Returns the environment's folder, making it first where it is missing.
///
/// # Errors
/// When there is no cache directory, or pip cannot install the packages.
pub fn ensure() -> Result<PathBuf> {
    let folder = cache::e2e(FOLDER)?;
    let complete = folder.join(COMPLETE);
    if !complete.is_file() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        process::run(process::program("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        process::run(
            process::program(folder.join("bin/python"))
                .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
                .args(PACKAGES),
        )
        .context(
            "cannot install the SDKs that models are tested with (needs python3 with venv, and a package index)",
        )?;
        fs::write(&complete, PACKAGES.join("\n")).with_context(|| format!("cannot write {}", complete.display()))?;
    }
    println!("sdks: {}", folder.display());
    Ok(folder)
}
