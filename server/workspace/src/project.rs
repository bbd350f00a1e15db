//! What a workspace folder says of itself beside its code: its entry points, and what is installed for it.
//!
//! Everything is only read, and nothing is run: names are taken from what installers leave behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::TestNames;
use ide::{KnownLibraries, Packages, Project, RequirementFile};
use library::{Installation, Library, Version};
use lint::Environment;
use toml::{Table, Value};

/// What is known of the folder `root`.
pub fn read(root: &Path) -> Project {
    let pyproject = disk::read_configuration(&root.join("pyproject.toml")).ok();
    let pyproject = pyproject.and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
    let mut scripts = scripts(&pyproject);
    scripts.extend(entry_points(&root.join("setup.cfg")));
    let distributions = distributions(root);
    scripts.extend(distributions.iter().flat_map(|folder| entry_points(&folder.join("entry_points.txt"))));
    let is_library = pyproject.contains_key("build-system")
        || !distributions.is_empty()
        || ["setup.py", "setup.cfg"].iter().any(|name| root.join(name).is_file());
    let environment = Environment::find(root, None);
    let packages = packages(&environment);
    // Without an environment of its own the standard library alone is known.
    let search_path = packages.as_ref().map(|_| environment.search_path()).unwrap_or_default();
    let library = Library::new(Installation {
        sites: search_path,
        standard: environment.standard_library(),
        version: environment.version().and_then(Version::parse),
        cache: crate::cache::directory(),
    });
    let libraries = Some(KnownLibraries(Arc::new(library)));
    Project { scripts, is_library, packages, libraries, requirements: requirements(root) }
}

/// The files in which pytest looks for its settings; the first that has any counts.
const PYTEST_FILES: [(&str, &str); 4] =
    [("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")];

/// What pytest's settings in the folder `root` make tests.
pub fn test_names(root: &Path) -> TestNames {
    const KEYS: [&str; 3] = ["python_files", "python_classes", "python_functions"];
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let in_pyproject = || {
        let text = disk::read_configuration(&root.join("pyproject.toml")).ok()?;
        let pyproject = text.parse::<Table>().ok()?;
        let pytest = pyproject.get("tool")?.as_table()?.get("pytest")?.as_table()?;
        // Since pytest 9 also without `ini_options`.
        let options = pytest.get("ini_options").and_then(Value::as_table).unwrap_or(pytest);
        Some(KEYS.map(|key| match options.get(key) {
            Some(Value::String(text)) => words(text),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }))
    };
    let in_ini =
        |name: &str, section: &str| {
            let text = disk::read_configuration(&root.join(name)).ok()?;
            let options = ini_section(&text, section)?;
            Some(KEYS.map(|key| {
                options.iter().find(|(name, _)| name == key).map(|(_, value)| words(value)).unwrap_or_default()
            }))
        };
    let [own, rest @ ..] = PYTEST_FILES;
    let found = in_ini(own.0, own.1).or_else(in_pyproject);
    let found = found.or_else(|| rest.iter().find_map(|(name, section)| in_ini(name, section)));
    let [files, classes, functions] = found.unwrap_or_default();
    TestNames::new(&files, &classes, &functions)
}

/// The options of a section of an INI file, as Python's `configparser` reads them: lines that are indented go on.
fn ini_section(text: &str, section: &str) -> Option<Vec<(String, String)>> {
    let mut lines = text.lines().skip_while(|line| line.trim() != format!("[{section}]"));
    lines.next()?;
    let mut options: Vec<(String, String)> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with('[')) {
        if line.trim_start().starts_with(['#', ';']) || line.trim().is_empty() {
            continue;
        }
        match (options.last_mut(), line.split_once(['=', ':'])) {
            (Some((_, value)), _) if line.starts_with([' ', '\t']) => *value += &format!(" {}", line.trim()),
            (_, Some((key, value))) => options.push((key.trim().to_owned(), value.trim().to_owned())),
            _ => {}
        }
    }
    Some(options)
}

/// What is installed; `None` where there is no environment, or one that sees more than its own folder.
fn packages(environment: &Environment) -> Option<Packages> {
    let is_known = environment.folder.is_some() && !environment.sees_more;
    is_known.then(|| Packages { places: environment.sites.clone(), names: environment.names().clone() })
}

fn requirements(root: &Path) -> Vec<RequirementFile> {
    let names = ["requirements.txt", "pyproject.toml"].map(|name| root.join(name)).into_iter();
    let read = |path: PathBuf| Some(RequirementFile { text: disk::read_configuration(&path).ok()?.into(), path });
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
    let Ok(text) = disk::read_configuration(path) else { return Vec::new() };
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
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
        assert_eq!(read(folder.path()).scripts, [""; 0]);
        let pyproject = "[project.scripts]\nshop = 'shop.cli:main [fast]'\n[project.entry-points.pytest11]\n\
                         shop = 'shop.plugin'\n[tool.poetry.scripts]\nold = 'shop.old:run'\n";
        let cfg = "[options.entry_points]\nconsole_scripts =\n    more = shop.more:go\nurl = http://x:80/\n";
        write(folder.path(), &[("pyproject.toml", pyproject)]);
        assert!(!read(folder.path()).is_library);
        write(folder.path(), &[("setup.cfg", cfg)]);
        let project = read(folder.path());
        assert_eq!(project.scripts, ["shop.cli:main", "shop.old:run", "shop.plugin", "shop.more:go"]);
        assert!(project.is_library);
    }

    #[test]
    fn tests_by_the_settings_of_pytest() {
        let folder = tempfile::tempdir().unwrap();
        let seen = || {
            let names = test_names(folder.path());
            let files = ["unittest_a.py", "check_a.py"].map(|file| names.is_file(Path::new(file)));
            (files, names.is_class("PriceSuite"), names.is_function("it_works"))
        };
        assert_eq!(seen(), ([false, false], false, false));
        let cfg = "[metadata]\nname = a\n[tool:pytest]\npython_files =\n    check_*.py\n    # old\npython_classes = *Suite\n[x]\n";
        write(folder.path(), &[("setup.cfg", cfg)]);
        assert_eq!(seen(), ([false, true], true, false));
        let pyproject = "[tool.pytest.ini_options]\npython_files = ['*test_*.py']\npython_functions = 'it_ test'\n";
        write(folder.path(), &[("pyproject.toml", pyproject)]);
        assert_eq!(seen(), ([true, false], false, true));
        write(folder.path(), &[("pytest.ini", "[pytest]\npython_files = check_a.py\n")]);
        assert_eq!(seen(), ([false, true], false, false));
    }

    #[test]
    fn project_lists_installed_packages() {
        let folder = tempfile::tempdir().unwrap();
        let site = ".venv/lib/python3.14/site-packages";
        write(folder.path(), &[(".venv/pyvenv.cfg", "home = /usr/bin\n"), (&format!("{site}/six.py"), "")]);
        let read = || packages(&Environment::find(folder.path(), Some(Path::new(".venv"))));
        let names = BTreeSet::from(["six".to_owned()]);
        assert_eq!(read(), Some(Packages { places: vec![folder.path().join(site)], names }));
        write(folder.path(), &[(".venv/pyvenv.cfg", "include-system-site-packages = true\n")]);
        assert_eq!(read(), None);
    }
}
