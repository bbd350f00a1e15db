//! The VS Code client in `editors/vscode`, which npm builds: its checks, and the packages that the editor tests install.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;

/// Checks types and formatting, runs the unit tests and makes the packages.
///
/// # Errors
/// When Node or npm is missing, when a check fails, and when a file cannot be read or written.
pub fn ensure() -> Result<()> {
    install()?;
    npm(&["run", "--silent", "check"])?;
    npm(&["run", "--silent", "test"])?;
    package()
}

/// Puts `tantu.vsix`, the client without a server in it, and `tester.vsix`, what runs tests inside of VS Code, where the
/// tests look for them.
///
/// # Errors
/// As [`ensure`].
pub fn package() -> Result<()> {
    let target = process::target_directory(&process::metadata()?)?.join("vscode");
    fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    build()?;
    let vsix = target.join("tantu.vsix");
    process::run(process::program("node").arg(folder().join("package.mjs")).arg("--out").arg(&vsix))?;
    process::run(
        process::program("node")
            .arg(folder().join("node_modules/@vscode/vsce/vsce"))
            .args(["package", "--no-dependencies", "--skip-license", "--allow-missing-repository", "--out"])
            .arg(target.join("tester.vsix"))
            .current_dir(process::root().join("tests/tests/e2e/vscode/tester")),
    )
}

/// Bundles the client.
///
/// # Errors
/// When Node or npm is missing, and when it does not compile.
pub fn build() -> Result<()> {
    install()?;
    npm(&["run", "--silent", "build"])
}

/// Installs the packages that the lock file names, unless they are there.
fn install() -> Result<()> {
    let wanted = fs::read(folder().join("package-lock.json")).context("cannot read package-lock.json")?;
    let stamp = folder().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .context("the VS Code client needs Node 20 or newer with npm")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn npm(args: &[&str]) -> Result<()> {
    process::run(process::program("npm").args(args).current_dir(folder()))
}

fn folder() -> PathBuf {
    process::root().join("editors/vscode")
}
