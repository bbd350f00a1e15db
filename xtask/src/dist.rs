//! What users install, for this platform: a wheel and a VSIX, both with the server, the sandbox's Python and the licences of
//! all that is in them. Each is tried out as a new user would have it, as is `cargo install`.

use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{cache, guest, process, vscode};

mod licenses;
mod smoke;

const MATURIN: &str = "maturin==1.16.0";
/// What the wheel puts into `share/tantu`, beside the licence of CPython that is always there.
const SHARED: &str = "packaging/tantu.data/data/share/tantu";
const GUEST: &str = "tantu-guest.wasm";
const LICENSES: &str = "THIRD-PARTY-LICENSES.txt";

/// Builds all packages into `target/dist` and tries them out.
///
/// # Errors
/// When something cannot be built, when what is shipped has no licence, and when a package does not work.
pub fn run() -> Result<()> {
    let target = process::target_directory(&process::metadata()?)?;
    let out = target.join("dist");
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let guest = guest::ensure()?;
    let licenses = out.join(LICENSES);
    licenses::write(&licenses)?;

    let wheel = wheel(&out, &guest, &licenses)?;
    smoke::wheel(&wheel)?;
    let vsix = vsix(&target, &out, &guest, &licenses)?;
    smoke::vsix(&vsix)?;
    smoke::cargo_install(&guest)?;
    for package in [wheel, vsix] {
        let bytes = fs::metadata(&package).with_context(|| format!("cannot read {}", package.display()))?.len();
        println!("{}: {:.1} MB", package.display(), bytes as f64 / 1e6);
    }
    Ok(())
}

/// maturin in the user's cache directory, where pip puts it.
fn maturin() -> Result<std::process::Command> {
    let home = cache::e2e(&MATURIN.replace("==", "-"))?;
    if !home.is_dir() {
        let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--target"];
        let mut install = process::program("python3");
        install.args(pip).arg(&home).arg(MATURIN).env("PIP_ROOT_USER_ACTION", "ignore");
        process::run(&mut install).context("the wheel needs python3 with pip")?;
    }
    Ok(process::program(home.join(format!("bin/maturin{EXE_SUFFIX}"))))
}

fn wheel(out: &Path, guest: &Path, licenses: &Path) -> Result<PathBuf> {
    let shared = process::root().join(SHARED);
    copy(guest, &shared.join(GUEST))?;
    copy(licenses, &shared.join(LICENSES))?;
    // Whatever is there is of another version or platform.
    for old in with_suffix(out, "whl")? {
        fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    let built = process::run(maturin()?.args(["build", "--release", "--locked", "--out"]).arg(out));
    for made in [GUEST, LICENSES] {
        fs::remove_file(shared.join(made)).with_context(|| format!("cannot remove {made} from {SHARED}"))?;
    }
    built?;
    with_suffix(out, "whl")?.pop().context("maturin has made no wheel")
}

fn vsix(target: &Path, out: &Path, guest: &Path, licenses: &Path) -> Result<PathBuf> {
    vscode::build()?;
    process::run(&mut process::cargo(&["build", "--release", "--locked", "--package", "tantu"]))?;
    let folder = out.join("server");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let binary = folder.join(format!("tantu{EXE_SUFFIX}"));
    copy(&target.join("release").join(format!("tantu{EXE_SUFFIX}")), &binary)?;
    // Symbols are half of it; where the tool is missing, the package is only larger.
    process::succeeds(process::program("strip").arg(&binary));
    copy(guest, &folder.join(GUEST))?;
    copy(licenses, &folder.join(LICENSES))?;
    copy(&process::root().join(SHARED).join("LICENSE-CPython.txt"), &folder.join("LICENSE-CPython.txt"))?;
    let platform = platform()?;
    let vsix = out.join(format!("tantu-{platform}.vsix"));
    let script = process::root().join("editors/vscode/package.mjs");
    process::run(process::program("node").arg(script).arg(platform).arg(&folder).arg("--out").arg(&vsix))?;
    Ok(vsix)
}

/// This platform as VS Code calls it.
fn platform() -> Result<&'static str> {
    Ok(match (OS, ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        ("windows", "x86_64") => "win32-x64",
        ("windows", "aarch64") => "win32-arm64",
        _ => bail!("VS Code has no name for {OS} on {ARCH}"),
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn with_suffix(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|it| it == suffix)).collect())
}
