//! Tries packages out where nothing of ours is: another home, another cache, no more environment than a path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::process;

/// Keeps the mode of files, which Python's own unpacking forgets; so a binary that was packed without it fails.
const UNPACK: &str = "
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    for file in archive.infolist():
        os.chmod(archive.extract(file, sys.argv[2]), file.external_attr >> 16 & 0o777 or 0o644)
";

/// A new user's machine, as far as a folder can be one. It goes when this is dropped.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("tantu-dist-{name}-{}", std::process::id()));
        let machine = Machine(folder);
        let write = |name: &str, text: &str| {
            let path = machine.0.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&machine.0))?;
            fs::write(path, text)
        };
        write(
            "project/shop.py",
            "import os\n\n\ndef total(prices):\n    return sum(prices)\n\n\nprint(total([1, 2]))\n",
        )
        .and_then(|()| {
            write(
                "project/test_shop.py",
                "from shop import total\n\n\ndef test_total():\n    assert total([2, 3]) == 5\n",
            )
        })
        .and_then(|()| fs::create_dir_all(machine.0.join("home")))
        .with_context(|| format!("cannot write to {}", machine.0.display()))?;
        Ok(machine)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let home = self.0.join("home");
        command
            .current_dir(self.0.join("project"))
            .env_clear()
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"));
        // Windows starts nothing without the second.
        for name in ["PATH", "SystemRoot"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
    }

    /// Runs `binary` with the arguments and expects an exit status, and a text in what it says.
    fn expect(&self, binary: &Path, arguments: &[&str], status: i32, text: &str) -> Result<()> {
        let start = Instant::now();
        let output = self.command(binary).args(arguments).output();
        let Output { status: ended, stdout, stderr } =
            output.with_context(|| format!("cannot start {}", binary.display()))?;
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        let line = arguments.join(" ");
        ensure!(ended.code() == Some(status) && said.contains(text), "`tantu {line}` ended with {ended}:\n{said}");
        println!("ok: tantu {line} ({:.1} s)", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// What a new user does first. `guest` says whether the sandbox's Python came along.
    fn first_steps(&self, binary: &Path, guest: bool) -> Result<()> {
        self.expect(binary, &["--version"], 0, concat!("tantu ", env!("CARGO_PKG_VERSION")))?;
        self.expect(binary, &["check"], 1, "`os` imported but unused")?;
        if guest {
            self.expect(binary, &["run", "shop.py"], 0, "3")?;
            return self.expect(binary, &["run", "test_shop.py"], 0, "1 passed");
        }
        self.expect(binary, &["run", "shop.py"], 2, "cargo xtask guest")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // What is left behind in the folder for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Installs the wheel into a fresh virtual environment.
pub(super) fn wheel(wheel: &Path) -> Result<()> {
    println!("== {}", wheel.display());
    let machine = Machine::new("wheel")?;
    let environment = machine.0.join("venv");
    process::run(machine.command("python3").args(["-m", "venv"]).arg(&environment))?;
    let bin = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let install = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index"];
    process::run(machine.command(bin.join("python")).args(install).arg(wheel))?;
    let shared = environment.join("share/tantu");
    for name in [super::LICENSES, "LICENSE-CPython.txt"] {
        ensure!(shared.join(name).is_file(), "the wheel ships no {name}");
    }
    machine.first_steps(&bin.join("tantu"), true)
}

/// Unpacks the VSIX as VS Code does.
pub(super) fn vsix(vsix: &Path) -> Result<()> {
    println!("== {}", vsix.display());
    let machine = Machine::new("vsix")?;
    process::run(machine.command("python3").args(["-c", UNPACK]).arg(vsix).arg(machine.0.join("unpacked")))?;
    let extension = machine.0.join("unpacked/extension");
    for name in ["dist/extension.js", "dist/licenses.txt", "server/LICENSE-CPython.txt"] {
        ensure!(extension.join(name).is_file(), "the VSIX ships no {name}");
    }
    machine.first_steps(&extension.join("server/tantu"), true)
}

/// `cargo install` of the sources: there the sandbox's Python is built by the user.
pub(super) fn cargo_install(guest: &Path) -> Result<()> {
    println!("== cargo install --path server/tantu");
    let machine = Machine::new("cargo")?;
    let root = machine.0.join("root");
    let install = ["install", "--quiet", "--locked", "--path", "server/tantu", "--no-track", "--root"];
    process::run(process::cargo(&install).arg(&root))?;
    let binary = root.join("bin/tantu");
    machine.first_steps(&binary, false)?;
    let key = guest.parent().and_then(Path::file_name).context("the guest lies in no folder")?;
    let built = machine.0.join("home/cache/tantu/guest").join(key);
    fs::create_dir_all(&built).and_then(|()| fs::copy(guest, built.join(super::GUEST)).map(drop))?;
    if !built.join(super::GUEST).is_file() {
        bail!("cannot put the guest where it is looked for");
    }
    machine.expect(&binary, &["run", "shop.py"], 0, "3")
}
