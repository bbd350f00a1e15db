//! The system's packages, where it is Debian's and we are root.

use anyhow::{Context, Result};

use crate::process;

/// Installs packages.
///
/// # Errors
/// When the system has no apt, does not let us, or has no such package; the message says what to do instead.
pub fn install(packages: &[&str]) -> Result<()> {
    let quiet = ["-qq", "-o", "Dpkg::Use-Pty=0"];
    let apt = |args: &[&str]| {
        process::run(process::program("apt-get").args(quiet).args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    println!("installing {} from the system's packages", packages.join(" "));
    apt(&["update"])
        .and_then(|()| apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat()))
        .with_context(|| format!("cannot install {}: do it by hand", packages.join(" ")))
}
