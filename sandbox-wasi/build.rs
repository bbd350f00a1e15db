//! Names the guest that this crate is written for, so that a binary never runs one built from other sources.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where the guest's sources are, and which files in it count. The same as `SOURCES` in `guest/build.py`.
const SOURCES: [(&str, &str); 4] =
    [("", "build.py"), ("", "requirements.txt"), ("tantu_guest", ".py"), ("wit", ".wit")];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=guest");
    let guest = Path::new("guest");
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for (folder, suffix) in SOURCES {
        for entry in fs::read_dir(guest.join(folder))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_file() && name.ends_with(suffix) {
                files.push((if folder.is_empty() { name } else { format!("{folder}/{name}") }, path));
            }
        }
    }
    files.sort();

    // FNV-1a, because Python's standard library and ours have no hash in common.
    let mut key: u64 = 0xCBF2_9CE4_8422_2325;
    for (name, path) in files {
        for byte in [name.as_bytes(), b"\0", &fs::read(path)?, b"\0"].concat() {
            key = (key ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    println!("cargo::rustc-env=TANTU_GUEST_KEY={key:016x}");
    Ok(())
}
