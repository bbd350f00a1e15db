//! Fingerprints everything that decides what a summary says and how it is written down, so that nobody has to remember
//! to raise a version: summaries of another build are simply not found.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Files and folders, seen from this crate: the summary's own sources, the parser's adapter, and what pins the parser, the
/// hashes and the format.
const SOURCES: &[&str] = &[
    "src/archive.rs",
    "src/host.rs",
    "src/name.rs",
    "src/summary.rs",
    "src/summary",
    "../syntax/src",
    "../../Cargo.lock",
    "../../rust-toolchain.toml",
];

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        for file in files(Path::new(source))? {
            hasher.write(&fs::read(&file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?);
        }
    }
    // The hashes in a summary depend on the size and the order of the bytes of integers.
    for variable in ["CARGO_CFG_TARGET_POINTER_WIDTH", "CARGO_CFG_TARGET_ENDIAN", "CARGO_PKG_VERSION"] {
        hasher.write(env::var(variable).unwrap_or_default().as_bytes());
    }
    println!("cargo::rustc-env=SUMMARY_FORMAT={:016x}", hasher.finish());
    Ok(())
}

/// The file, or the files below the folder in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries.iter().map(|entry| files(entry)).collect::<io::Result<Vec<_>>>()?.concat())
}
