//! This crate tests the `tantu` binary from outside: it drives the real server over stdio as an editor does, puts a
//! scripted model server on loopback beside it, runs real Neovim and VS Code against it, and checks every message of every session
//! against the protocol's own meta model.
//!
//! It links none of our crates, so it can see nothing that an editor cannot see. Features are tested where they live;
//! here are only protocol, ordering, cancellation, limits and editors. There is no network access beyond loopback.

pub mod agent;
pub mod buffer;
pub mod client;
pub mod conformance;
pub mod emacs;
pub mod model_server;
pub mod neovim;
mod process;
pub mod vscode;
pub mod wire;
pub mod workspace;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a test waits for something that the server should do soon. Generous, because CI machines are small and a
/// wait that succeeds ends at once.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The server under test: `$TANTU_BIN`, else the debug build in the target directory.
///
/// # Panics
/// When it has not been built, with the command that builds it.
pub fn server_binary() -> PathBuf {
    let path = match std::env::var_os("TANTU_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_directory().join("debug").join(format!("tantu{}", std::env::consts::EXE_SUFFIX)),
    };
    assert!(
        path.is_file(),
        "no server at {}: run `cargo build -p tantu`, or set TANTU_BIN to a built one",
        path.display()
    );
    path
}

/// The virtual environment that `cargo xtask setup --e2e` makes for the tests of models.
pub fn sdks() -> PathBuf {
    cache_directory().join("e2e/sdks-1")
}

/// The virtual environment that `cargo xtask setup --e2e` makes for the tests of agents.
pub fn agents() -> PathBuf {
    cache_directory().join("e2e/agents-1")
}

/// What `cargo xtask setup --e2e` installs of npm's registry for the tests of agents.
pub fn programs() -> PathBuf {
    cache_directory().join("e2e/programs-1/node_modules")
}

/// The repository's root.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the crate is a folder of the repository").to_path_buf()
}

/// The real user's cache directory of tantu, where `cargo xtask` keeps what is too slow to make for each test.
fn cache_directory() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.expect("HOME or XDG_CACHE_HOME is set").join("tantu")
}

fn target_directory() -> PathBuf {
    // A relative CARGO_TARGET_DIR is relative to where cargo was called, which for this workspace is its root.
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => repository().join(target),
        None => repository().join("target"),
    }
}
