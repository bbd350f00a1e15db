//! The interpreter of an environment, and which files it takes to run it.

use std::fs;
use std::path::{Path, PathBuf};

/// An interpreter, as its environment starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) program: PathBuf,
    /// What may be read.
    pub(crate) read: Vec<PathBuf>,
}

impl Interpreter {
    /// That of the `site-packages` folders, the first of which belongs to the environment.
    pub(crate) fn of(sites: &[PathBuf]) -> Option<Self> {
        sites.iter().find_map(|site| Self::at(site.ancestors().nth(3)?))
    }

    fn at(folder: &Path) -> Option<Self> {
        let names = ["bin/python", "bin/python3"];
        let program = names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
        let real = program.canonicalize().ok()?;
        // A workspace may have made the environment, with links to wherever it likes: what is read has to be an
        // installation of Python, and inside of it.
        let base = real.parent()?.parent()?;
        let is_installation = libraries(base).is_some();
        let mut read = vec![real.clone()];
        if is_installation {
            read.extend(inside(base, &["lib", "lib64", "include"]));
        }
        let is_environment = folder.join("pyvenv.cfg").is_file() || folder.join("conda-meta").is_dir();
        let folder = folder.canonicalize().ok()?;
        if is_environment {
            read.extend(inside(&folder, &["bin", "lib", "lib64", "include", "share", "etc", "pyvenv.cfg"]));
        }
        (is_installation || is_environment).then_some(Interpreter { program, read })
    }
}

/// `lib/python3.14` of an installation.
fn libraries(base: &Path) -> Option<PathBuf> {
    let entries = ["lib", "lib64"].into_iter().filter_map(|it| fs::read_dir(base.join(it)).ok()).flatten().flatten();
    let mut versions = entries.filter(|it| it.file_name().to_string_lossy().starts_with("python3"));
    versions.find(|it| it.path().join("os.py").is_file()).map(|it| it.path())
}

/// Those of the `names` in `folder` that are there and do not lead out of it.
fn inside(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let paths = names.iter().filter_map(|name| folder.join(name).canonicalize().ok());
    paths.filter(|path| path.starts_with(&folder)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_environment_reads_itself_and_its_installation() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let base = root.join("python");
        let file = |path: &Path| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        file(&base.join("bin/python3.14"));
        file(&base.join("lib/python3.14/os.py"));
        file(&base.join("share/private"));
        let site = root.join("ws/.venv/lib/python3.14/site-packages");
        fs::create_dir_all(&site).unwrap();
        fs::create_dir_all(root.join("ws/.venv/bin")).unwrap();
        symlink(base.join("bin/python3.14"), root.join("ws/.venv/bin/python")).unwrap();
        file(&root.join("ws/.venv/pyvenv.cfg"));
        let found = Interpreter::of(std::slice::from_ref(&site)).unwrap();
        assert_eq!(found.program, root.join("ws/.venv/bin/python"));
        let expected = [
            base.join("bin/python3.14"),
            base.join("lib"),
            root.join("ws/.venv/bin"),
            root.join("ws/.venv/lib"),
            root.join("ws/.venv/pyvenv.cfg"),
        ];
        assert_eq!(found.read, expected);
    }

    #[test]
    fn links_of_an_environment_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("home/bin")).unwrap();
        fs::write(root.join("home/bin/tool"), "").unwrap();
        fs::create_dir_all(root.join("home/lib")).unwrap();
        let site = root.join("ws/.venv/lib/python3.14/site-packages");
        fs::create_dir_all(&site).unwrap();
        fs::create_dir_all(root.join("ws/.venv/bin")).unwrap();
        symlink(root.join("home/bin/tool"), root.join("ws/.venv/bin/python")).unwrap();
        // Neither an environment nor an installation.
        assert_eq!(Interpreter::of(std::slice::from_ref(&site)), None);
        fs::write(root.join("ws/.venv/pyvenv.cfg"), "").unwrap();
        symlink(root.join("home"), root.join("ws/.venv/share")).unwrap();
        let read = Interpreter::of(&[site]).unwrap().read;
        assert_eq!(
            read.iter().filter(|it| it.starts_with(root.join("home"))).collect::<Vec<_>>(),
            [&root.join("home/bin/tool")]
        );
        assert_eq!(Interpreter::of(&[]), None);
    }
}
