//! The Emacs of the editor tests, the system's: it is a third client, whichever version it has.

use anyhow::{Result, bail};

use crate::{apt, process};

/// Installs Emacs and eglot unless they are there.
///
/// # Errors
/// When the system's packages cannot provide them; the message says what is missing.
pub fn ensure() -> Result<()> {
    if !is_there() {
        apt::install(&["emacs-nox", "elpa-eglot"])?;
        if !is_there() {
            bail!("the installed Emacs has no eglot: install Emacs 29 or newer, or eglot from its packages");
        }
    }
    println!("emacs: from the PATH");
    Ok(())
}

fn is_there() -> bool {
    let load = ["--batch", "--no-init-file", "--eval", "(progn (package-initialize) (require 'eglot))"];
    process::succeeds(process::program("emacs").args(load))
}
