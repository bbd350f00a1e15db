use super::*;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
}

const SITE: &str = "lib/python3.14/site-packages";

fn environment(root: &Path, name: &str) -> PathBuf {
    let folder = root.join(name);
    write(&folder, &[("pyvenv.cfg", "home = /usr/bin\n"), (&format!("{SITE}/six.py"), "")]);
    folder
}

#[test]
fn an_explicit_choice_comes_first_and_the_workspace_last() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let found = |chosen: Option<&Path>, active: Option<&Path>| {
        Environment::find_with(root, chosen, active.map(Path::to_path_buf)).folder
    };
    assert_eq!(found(None, None), None);
    let other = environment(root, "tools");
    assert_eq!(found(None, None), Some(other.clone()));
    let local = environment(root, ".venv");
    assert_eq!(found(None, None), Some(local.clone()));
    assert_eq!(found(None, Some(&other)), Some(other.clone()));
    assert_eq!(found(None, Some(&root.join("gone"))), Some(local.clone()));
    let set = environment(root, "set");
    write(root, &[("pyproject.toml", "[tool.tantu]\npython = 'set'\n")]);
    assert_eq!(found(None, Some(&other)), Some(set.clone()));
    write(root, &[("tantu.toml", "python = 'gone'\n")]);
    assert_eq!(found(None, Some(&other)), Some(other.clone()));
    assert_eq!(found(Some(&local), Some(&other)), Some(local));
}

#[test]
fn environments_of_conda_and_pixi_are_of_one_project() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let conda = |name: &str| {
        let folder = root.join(name);
        let site = format!("{SITE}/numpy/__init__.py");
        write(&folder, &[("conda-meta/history", ""), ("bin/python3.14", ""), (&site, "")]);
        folder
    };
    let pixi = conda(".pixi/envs/default");
    let found = Environment::find_with(root, None, None);
    assert_eq!((found.folder.as_deref(), found.sees_more, found.version()), (Some(&*pixi), false, Some("3.14")));
    assert!(found.names().contains("numpy"));
    let active = conda("elsewhere/shop");
    assert_eq!(Environment::find_with(root, None, Some(active.clone())).folder, Some(active.clone()));
    // conda's own installation is shared by whoever has no environment.
    write(&active, &[("condabin/conda", "")]);
    assert_eq!(Environment::find_with(root, None, Some(active)).folder, Some(pixi));
}

#[cfg(unix)]
#[test]
fn an_interpreter_stands_for_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    write(
        &root,
        &[
            ("usr/bin/python3.14", ""),
            ("usr/lib/python3.14/site-packages/a.py", ""),
            ("usr/lib/python3/dist-packages/b.py", ""),
            ("usr/lib/python3.9/site-packages/old.py", ""),
        ],
    );
    std::os::unix::fs::symlink("python3.14", root.join("usr/bin/python3")).unwrap();
    let installed = Environment::find_with(&root, Some(Path::new("usr/bin/python3")), None);
    assert_eq!(installed.names().iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(installed.sees_more);
    let venv = environment(&root, "env");
    fs::create_dir(venv.join("bin")).unwrap();
    std::os::unix::fs::symlink(root.join("usr/bin/python3"), venv.join("bin/python")).unwrap();
    let found = Environment::find_with(&root, Some(Path::new("env/bin/python")), None);
    assert_eq!((found.folder, found.sites), (Some(venv.clone()), vec![venv.join(SITE)]));
    // It looks into that of the interpreter too.
    let cfg =
        format!("home = {}\ninclude-system-site-packages = TRUE\nversion = 3.14.0\n", root.join("usr/bin").display());
    write(&venv, &[("pyvenv.cfg", &cfg)]);
    let found = Environment::find_with(&root, Some(&venv), None);
    assert!(found.sees_more);
    assert_eq!(found.names().iter().collect::<Vec<_>>(), ["a", "b", "six"]);
}

#[test]
fn environment_lists_installed_packages() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let venv = environment(root, ".venv");
    write(
        &venv.join(SITE),
        &[
            ("requests/__init__.py", ""),
            ("_fast.cpython-314-x86_64-linux-gnu.so", ""),
            ("PyYAML-6.0.dist-info/top_level.txt", "_yaml\nyaml\n"),
            ("hatched-1.0.dist-info/METADATA", ""),
            ("editable.pth", "../../../../src\nimport hook\n"),
            ("notes.txt", ""),
        ],
    );
    write(root, &[("src/edited/__init__.py", "")]);
    let found = Environment::find_with(root, None, None);
    assert_eq!(
        found.names().iter().collect::<Vec<_>>(),
        ["PyYAML", "_fast", "_yaml", "edited", "hatched", "requests", "six", "yaml"]
    );
}

/// What is said of `package` where these files are installed.
fn judge(files: &[(&str, &str)], package: &str) -> Availability {
    let folder = tempfile::tempdir().unwrap();
    let venv = environment(folder.path(), ".venv");
    write(&venv.join(SITE), files);
    Environment::find_with(folder.path(), None, None).availability(package)
}

fn compiled(package: &str) -> Availability {
    Availability::Compiled { package: package.to_owned() }
}

fn importable_with(packages: &[&str]) -> Availability {
    Availability::Importable { packages: packages.iter().map(ToString::to_string).collect() }
}

#[test]
fn pure_packages_and_what_they_import() {
    let files = [
        ("flask/__init__.py", "from .app import Flask\nimport os, sys\n"),
        ("flask/app.py", "from jinja2 import Template\nfrom . import views\n"),
        ("flask/views.py", ""),
        ("jinja2/__init__.py", "from .env import Template\n"),
        ("jinja2/env.py", "import six\nfrom google.cloud import storage\n"),
        ("google/cloud/storage.py", ""),
    ];
    assert_eq!(judge(&files, "flask"), importable_with(&["flask", "google", "jinja2", "six"]));
    assert_eq!(judge(&files, "absent"), Availability::NotInstalled);
    assert_eq!(judge(&files, "pytest"), importable_with(&[]));
}

#[test]
fn a_compiled_module_counts_where_it_is_needed() {
    let numpy = [
        ("numpy/__init__.py", "from ._core import multiarray\n"),
        (
            "numpy/_core/__init__.py",
            "try:\n    from . import umath\nexcept ImportError as e:\n    raise ImportError() from e\n",
        ),
        ("numpy/_core/umath.cpython-314-x86_64-linux-gnu.so", ""),
        ("pandas/__init__.py", "import numpy as np\n"),
    ];
    assert_eq!(judge(&numpy, "numpy"), compiled("numpy"));
    assert_eq!(judge(&numpy, "pandas"), compiled("numpy"));
    let speedups = [
        ("markup/__init__.py", "try:\n    from ._speedups import f\nexcept ImportError:\n    from ._native import f\n"),
        ("markup/_native.py", ""),
        ("markup/_speedups.abi3.so", ""),
    ];
    assert_eq!(judge(&speedups, "markup"), importable_with(&["markup"]));
    // Both are there: the source is what the sandbox takes.
    let both = [("fast/__init__.py", "from .md import f\n"), ("fast/md.py", ""), ("fast/md.cpython-314.so", "")];
    assert_eq!(judge(&both, "fast"), importable_with(&["fast"]));
    assert_eq!(judge(&[("_cffi.abi3.so", "")], "_cffi"), compiled("_cffi"));
}

#[test]
fn what_counts_is_the_module_that_is_imported() {
    let files = [
        ("crypto/__init__.py", ""),
        ("crypto/version.py", ""),
        ("crypto/fernet.py", "from crypto.bindings import rust\nname = 1\n"),
        ("crypto/bindings/__init__.py", ""),
        ("crypto/bindings/rust.abi3.so", ""),
    ];
    assert_eq!(judge(&files, "crypto"), importable_with(&["crypto"]));
    assert_eq!(judge(&files, "crypto.version.number"), importable_with(&["crypto"]));
    for module in ["crypto.fernet", "crypto.fernet.name", "crypto.bindings.rust"] {
        assert_eq!(judge(&files, module), compiled("crypto"), "{module}");
    }
    assert_eq!(judge(&files, "absent.module"), Availability::NotInstalled);
}

#[test]
fn what_needs_an_operating_system() {
    let needs = |module: &str| Availability::NeedsSystem { module: module.to_owned() };
    assert_eq!(judge(&[("lock/__init__.py", "import curses\n")], "lock"), needs("curses"));
    assert_eq!(judge(&[], "tkinter"), needs("tkinter"));
    let guarded = [("lock/__init__.py", "import sys\nif sys.platform != 'win32':\n    import curses\n")];
    assert_eq!(judge(&guarded, "lock"), importable_with(&["lock"]));
}

#[test]
fn an_installation_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let venv = environment(folder.path(), ".venv");
    let found = Environment::find_with(folder.path(), None, None);
    assert!(found.is_current());
    fs::File::open(venv.join(SITE)).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(!found.is_current());
}

#[test]
fn imports_that_go_round_come_to_an_end() {
    let files = [("a/__init__.py", "from . import b\n"), ("a/b.py", "import a.b\nfrom .... import x\n")];
    assert_eq!(judge(&files, "a"), importable_with(&["a"]));
}

/// Folders that look like environments, each with what a sandbox would get to see of a home with secrets; none must.
#[cfg(unix)]
#[test]
fn what_is_no_environment_or_leads_out_of_one_is_not_served() {
    let link = |to: &Path, at: PathBuf| {
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, at).unwrap();
    };
    type Plant<'a> = &'a dyn Fn(&Path, &Path);
    let cfg = |root: &Path, text: &str| write(root, &[(".venv/pyvenv.cfg", text)]);
    let cases: [(&str, Plant); 9] = [
        ("site-packages is a link", &|root, home| {
            cfg(root, "home = /usr/bin\n");
            link(home, root.join(".venv").join(SITE));
        }),
        ("lib is a link", &|root, home| {
            cfg(root, "home = /usr/bin\n");
            link(&home.join("lib"), root.join(".venv/lib"));
        }),
        ("a version is a link", &|root, home| {
            cfg(root, "home = /usr/bin\n");
            link(&home.join("lib/python3.14"), root.join(".venv/lib/python3.14"));
        }),
        ("the environment is a link to what is none", &|root, home| link(home, root.join(".venv"))),
        ("pyvenv.cfg is a link", &|root, home| {
            write(root, &[("cfg", "home = /usr/bin\n"), (".venv/x", "")]);
            link(&root.join("cfg"), root.join(".venv/pyvenv.cfg"));
            link(&home.join("lib"), root.join(".venv/lib"));
        }),
        ("home leads elsewhere", &|root, home| {
            cfg(root, &format!("home = {}\ninclude-system-site-packages = true\n", home.join("bin").display()));
        }),
        ("the setting leads up", &|root, _| write(root, &[("tantu.toml", "python = '../home'\n")])),
        ("the setting is absolute", &|root, home| {
            write(root, &[("tantu.toml", &format!("python = '{}'\n", home.display()))]);
        }),
        ("the setting leads into a place of secrets", &|root, home| {
            write(&home.join(".ssh/env"), &[("pyvenv.cfg", "home = /usr/bin\n"), (&format!("{SITE}/id.py"), "")]);
            write(root, &[("tantu.toml", "python = '../home/.ssh/env'\n")]);
        }),
    ];
    for (case, plant) in cases {
        let folder = tempfile::tempdir().unwrap();
        let [root, home] = ["workspace", "home"].map(|name| folder.path().join(name));
        write(&home, &[(&format!("{SITE}/token.py"), "secret"), (".ssh/id_rsa", "secret")]);
        fs::create_dir(&root).unwrap();
        plant(&root, &home);
        let found = Environment::find_with(&root, None, None);
        assert_eq!(found.sites, [] as [PathBuf; 0], "{case}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_an_environment_is_that_environment() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let venv = environment(&root, "venvs/shop");
    fs::create_dir(root.join("workspace")).unwrap();
    std::os::unix::fs::symlink(&venv, root.join("workspace/.venv")).unwrap();
    assert_eq!(Environment::find_with(&root.join("workspace"), None, None).sites, [venv.join(SITE)]);
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let venv = environment(folder.path(), ".venv");
    let fifo = |path: PathBuf| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    fifo(venv.join(SITE).join("a.pth"));
    fs::create_dir(venv.join(SITE).join("a-1.0.dist-info")).unwrap();
    fifo(venv.join(SITE).join("a-1.0.dist-info/top_level.txt"));
    std::os::unix::fs::symlink("/dev/zero", venv.join(SITE).join("b.pth")).unwrap();
    let found = Environment::find_with(folder.path(), None, None);
    assert!(found.names().contains("six"));
    fs::remove_file(venv.join("pyvenv.cfg")).unwrap();
    fifo(venv.join("pyvenv.cfg"));
    assert_eq!(Environment::find_with(folder.path(), Some(&venv), None).sites, [] as [PathBuf; 0]);
}
