//! The good answers where nothing can be tested: an environment is never the answer's fault.

use tests::workspace::Workspace;

use super::recorded::{self, Expected};
use super::{Came, World};

/// Fails with whoever is refused where something is wrong with the workspaces.
#[track_caller]
fn nobody_is_refused(spoil: impl Fn(&Workspace)) {
    let tasks = recorded::tasks().into_iter().filter(|it| it.expected == Expected::Ready);
    let (shop, ledger): (Vec<_>, Vec<_>) = tasks.partition(|it| it.workspace == "shop");
    assert!(shop.len() > 3 && ledger.len() > 30);
    let mut refused = Vec::new();
    for (name, tasks) in [("shop", shop), ("ledger", ledger)] {
        let workspace = Workspace::fixture(name);
        spoil(&workspace);
        let mut world = World::new(&workspace);
        refused.extend(tasks.iter().filter_map(|task| match world.run(task) {
            Came::Asked(..) => None,
            came => Some(format!("{}: {}", task.title, came.describe())),
        }));
    }
    assert!(refused.is_empty(), "{}:\n{}", refused.len(), refused.join("\n"));
}

/// Puts a line before the shop's own, or makes one.
fn conftest(workspace: &Workspace, line: &str) {
    let path = "tests/conftest.py";
    let text = if workspace.path(path).is_file() { workspace.read(path) } else { String::new() };
    workspace.write(path, format!("{line}\n{text}"));
}

#[test]
fn where_conftest_is_broken() {
    nobody_is_refused(|workspace| conftest(workspace, "raise RuntimeError('no database')"));
}

#[test]
fn where_the_environment_is_empty() {
    nobody_is_refused(|workspace| {
        workspace.write(".venv/pyvenv.cfg", "version = 3.13.1\n");
        workspace.write(".venv/lib/python3.13/site-packages/README.txt", "");
    });
}

#[test]
fn where_packages_are_those_of_an_old_python() {
    let site = ".venv/lib/python3.9/site-packages";
    nobody_is_refused(|workspace| {
        workspace.write(".venv/pyvenv.cfg", "version = 3.9.18\n");
        // As setuptools had it until 2023.
        workspace
            .write(&format!("{site}/pkg_resources/__init__.py"), "import pkgutil\n\nFINDER = pkgutil.ImpImporter\n");
        workspace.write(&format!("{site}/setuptools-58.1.0.dist-info/METADATA"), "Name: setuptools\nVersion: 58.1.0\n");
        workspace.write(&format!("{site}/setuptools-58.1.0.dist-info/RECORD"), "pkg_resources/__init__.py,,\n");
        conftest(workspace, "import pkg_resources");
    });
}
