//! Where the guest component lies.

use std::env;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::error::Error;

const FILE: &str = "tantu-guest.wasm";

/// What the sources of the guest hash to; see `build.rs`.
const KEY: &str = env!("TANTU_GUEST_KEY");

/// Where an installation with `bin` and `share` keeps it, seen from `bin`.
const SHARED: &str = "../share/tantu";

/// Finds the component: named by the environment variable `TANTU_GUEST` (for trying out another one), beside the binary or
/// in `share` (an installation), or where `guest/build.py` puts it (a checkout).
pub(crate) fn locate() -> Result<PathBuf, Error> {
    if let Some(path) = env::var_os("TANTU_GUEST") {
        let path = PathBuf::from(path);
        return match path.metadata() {
            Ok(_) => Ok(path),
            Err(source) => Err(Error::GuestUnreadable { path, source }),
        };
    }
    // A tool's environment is often entered through a link.
    let binary = env::current_exe().and_then(|path| path.canonicalize()).ok();
    let folder = binary.as_deref().and_then(Path::parent);
    let installed = folder.into_iter().flat_map(|it| [it.join(FILE), it.join(SHARED).join(FILE)]);
    let built = cache::tantu_dir()?.join("guest").join(KEY).join(FILE);
    match installed.chain([built.clone()]).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => Err(Error::GuestMissing { path: built }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_script_names_the_guest_alike() {
        let script = ["-B", "-c", "import build; print(build.key())"];
        let guest = concat!(env!("CARGO_MANIFEST_DIR"), "/guest");
        let output = std::process::Command::new("python3").args(script).current_dir(guest).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), KEY, "{output:?}");
    }
}
