//! What a workspace folder says of itself beside its code: its entry points, and what is installed for it.
//!
//! Everything is only read, and nothing is run: names are taken from what installers leave behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ide::{Packages, Project, RequirementFile};
use toml::Table;

/// What is known of the folder `root`.
pub fn read(root: &Path) -> Project {
    read_with(root, std::env::var_os("VIRTUAL_ENV").map(PathBuf::from))
}

/// As [`read`], with the environment that is switched on.
fn read_with(root: &Path, active: Option<PathBuf>) -> Project {
    let pyproject = syntax::read_source(&root.join("pyproject.toml")).ok();
    let pyproject = pyproject.and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
    let mut scripts = scripts(&pyproject);
    scripts.extend(entry_points(&root.join("setup.cfg")));
    let distributions = distributions(root);
    scripts.extend(distributions.iter().flat_map(|folder| entry_points(&folder.join("entry_points.txt"))));
    let is_library = pyproject.contains_key("build-system")
        || !distributions.is_empty()
        || ["setup.py", "setup.cfg"].iter().any(|name| root.join(name).is_file());
    let local = [".venv", "venv"].map(|name| root.join(name));
    let environment = active.into_iter().chain(local).find(|folder| folder.join("pyvenv.cfg").is_file());
    let packages = environment.and_then(|folder| packages(&folder));
    Project { scripts, is_library, packages, requirements: requirements(root) }
}

fn requirements(root: &Path) -> Vec<RequirementFile> {
    let names = ["requirements.txt", "pyproject.toml"].map(|name| root.join(name)).into_iter();
    let read = |path: PathBuf| Some(RequirementFile { text: syntax::read_source(&path).ok()?.into(), path });
    names.filter_map(read).collect()
}

/// The programs and plug-ins in `[project]`, and those of Poetry.
fn scripts(pyproject: &Table) -> Vec<String> {
    let section = |path: &[&str]| {
        let mut at = pyproject;
        for name in path {
            at = at.get(*name)?.as_table()?;
        }
        Some(at)
    };
    let mut tables: Vec<&Table> = Vec::new();
    tables.extend(section(&["project", "scripts"]));
    tables.extend(section(&["project", "gui-scripts"]));
    tables.extend(section(&["tool", "poetry", "scripts"]));
    let groups = section(&["project", "entry-points"]).into_iter().flat_map(|groups| groups.values());
    tables.extend(groups.filter_map(|group| group.as_table()));
    let values = tables.into_iter().flat_map(|table| table.values());
    values.filter_map(|value| value.as_str()).map(|value| object(value).to_owned()).collect()
}

/// `package.module:name` without the extras that may follow.
fn object(reference: &str) -> &str {
    reference.split('[').next().unwrap_or(reference).trim()
}

/// The right sides of `name = package.module:object` in `setup.cfg` or `entry_points.txt`.
fn entry_points(path: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let values = text.lines().filter_map(|line| Some(object(line.split_once('=')?.1)));
    let is_reference = |value: &&str| {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
        value.matches(':').count() == 1 && value.chars().all(is_name)
    };
    values.filter(is_reference).map(str::to_owned).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// What installers write about each distribution.
fn distributions(folder: &Path) -> Vec<PathBuf> {
    let mut found = entries(folder);
    found.retain(|path| file_name(path).ends_with(".dist-info") || file_name(path).ends_with(".egg-info"));
    found
}

/// What is installed in a virtual environment; `None` when it sees more than its own folder.
fn packages(environment: &Path) -> Option<Packages> {
    let configuration = std::fs::read_to_string(environment.join("pyvenv.cfg")).ok()?.to_lowercase();
    let is_set = |line: &str| {
        line.split_once('=')
            .is_some_and(|(key, value)| key.trim() == "include-system-site-packages" && value.trim() == "true")
    };
    if configuration.lines().any(is_set) {
        return None;
    }
    let mut packages = Packages::default();
    let unix = entries(&environment.join("lib")).into_iter().map(|version| version.join("site-packages"));
    for folder in unix.chain([environment.join("Lib/site-packages")]).filter(|folder| folder.is_dir()) {
        add_folder(&folder, &mut packages.names);
        packages.places.push(folder);
    }
    (!packages.places.is_empty()).then_some(packages)
}

fn add_folder(folder: &Path, names: &mut BTreeSet<String>) {
    for path in entries(folder) {
        let name = file_name(&path);
        if name.ends_with(".dist-info") || name.ends_with(".egg-info") {
            names.extend(top_level(&path));
        } else if name.ends_with(".pth") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let is_path = |line: &&str| !line.is_empty() && !line.starts_with(['#']) && !line.starts_with("import");
            for line in text.lines().map(str::trim).filter(is_path) {
                names.extend(entries(&folder.join(line)).iter().filter_map(|path| importable(path)));
            }
        } else {
            names.extend(importable(&path));
        }
    }
}

/// What a distribution gives to import: what it says, and its own name, for those that say nothing and are found by a hook.
fn top_level(distribution: &Path) -> Vec<String> {
    let listed = std::fs::read_to_string(distribution.join("top_level.txt")).unwrap_or_default();
    let own = file_name(distribution).split('-').next().unwrap_or_default().replace('-', "_");
    listed.lines().map(|line| line.trim().to_owned()).chain([own]).collect()
}

/// `name` of `name/`, `name.py` and `name.cpython-314-x86_64-linux-gnu.so`.
fn importable(path: &Path) -> Option<String> {
    let name = file_name(path);
    let (stem, extension) = match name.split_once('.') {
        Some((stem, _)) => (stem, name.rsplit('.').next().unwrap_or_default()),
        None => (name, ""),
    };
    let is_module = matches!(extension, "py" | "pyi" | "pyc" | "so" | "pyd" | "") || path.is_dir();
    let is_name = !stem.is_empty() && stem.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_module && is_name).then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
    }

    #[test]
    fn entry_points_of_a_project() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_with(folder.path(), None), Project::default());
        let pyproject = "[project.scripts]\nshop = 'shop.cli:main [fast]'\n[project.entry-points.pytest11]\n\
                         shop = 'shop.plugin'\n[tool.poetry.scripts]\nold = 'shop.old:run'\n";
        let cfg = "[options.entry_points]\nconsole_scripts =\n    more = shop.more:go\nurl = http://x:80/\n";
        write(folder.path(), &[("pyproject.toml", pyproject)]);
        assert!(!read_with(folder.path(), None).is_library);
        write(folder.path(), &[("setup.cfg", cfg)]);
        let project = read_with(folder.path(), None);
        assert_eq!(project.scripts, ["shop.cli:main", "shop.old:run", "shop.plugin", "shop.more:go"]);
        assert!(project.is_library);
    }

    #[test]
    fn what_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let site = ".venv/lib/python3.14/site-packages";
        let in_site = |name: &str| format!("{site}/{name}");
        write(
            folder.path(),
            &[
                (".venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n"),
                (&in_site("requests/__init__.py"), ""),
                (&in_site("six.py"), ""),
                (&in_site("_fast.cpython-314-x86_64-linux-gnu.so"), ""),
                (&in_site("PyYAML-6.0.dist-info/top_level.txt"), "_yaml\nyaml\n"),
                (&in_site("hatched-1.0.dist-info/METADATA"), ""),
                (&in_site("editable.pth"), "../../../../src\nimport hook\n"),
                (&in_site("notes.txt"), ""),
                ("src/edited/__init__.py", ""),
            ],
        );
        let packages = read_with(folder.path(), None).packages.unwrap();
        let names: Vec<&str> = packages.names.iter().map(String::as_str).collect();
        assert_eq!(names, ["PyYAML", "_fast", "_yaml", "edited", "hatched", "requests", "six", "yaml"]);
        assert_eq!(packages.places, [folder.path().join(site)]);
        write(folder.path(), &[("other/pyvenv.cfg", "include-system-site-packages = TRUE\n")]);
        assert_eq!(read_with(folder.path(), Some(folder.path().join("other"))).packages, None);
    }
}
