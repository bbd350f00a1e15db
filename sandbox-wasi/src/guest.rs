//! Where the guest component lies.

use std::env;
use std::path::PathBuf;

use crate::cache;
use crate::error::Error;

const FILE: &str = "tantu-guest.wasm";

/// What the sources of the guest hash to; see `build.rs`.
const KEY: &str = env!("TANTU_GUEST_KEY");

/// Finds the component: named by the environment variable `TANTU_GUEST` (for trying out another one), beside the
/// binary (an installation), or where `guest/build.py` puts it (a checkout).
pub(crate) fn locate() -> Result<PathBuf, Error> {
    if let Some(path) = env::var_os("TANTU_GUEST") {
        let path = PathBuf::from(path);
        return match path.metadata() {
            Ok(_) => Ok(path),
            Err(source) => Err(Error::GuestUnreadable { path, source }),
        };
    }
    let installed = env::current_exe().ok().map(|binary| binary.with_file_name(FILE));
    let built = cache::tantu_dir()?.join("guest").join(KEY).join(FILE);
    match installed.into_iter().chain([built.clone()]).find(|path| path.is_file()) {
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
