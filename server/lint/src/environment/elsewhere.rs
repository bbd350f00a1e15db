//! Environments that lie outside of the project for which tools have made them.

use std::env;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use sha2::{Digest, Sha256};
use toml::Table;

use super::{entries, file_name, place};

/// The environment that a shell has switched on: `VIRTUAL_ENV`, or one of conda's that is not its own installation.
pub(super) fn active() -> Option<PathBuf> {
    let is_base = env::var_os("CONDA_DEFAULT_ENV").is_some_and(|name| name == "base");
    let conda = || env::var_os("CONDA_PREFIX").filter(|_| !is_base);
    env::var_os("VIRTUAL_ENV").or_else(conda).map(PathBuf::from)
}

/// What uv is told to use in place of `.venv`, and what pixi, poetry and pipenv make for the project in the folder `root`, the
/// likeliest first. Nothing is asked of the tools themselves.
pub(super) fn of_project(root: &Path) -> Vec<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut found: Vec<PathBuf> = variable("UV_PROJECT_ENVIRONMENT").map(|path| root.join(path)).into_iter().collect();
    found.push(root.join(".pixi/envs/default"));
    let Some(home) = env::home_dir() else { return found };
    let cache = || variable("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
    let poetry = variable("POETRY_VIRTUALENVS_PATH").unwrap_or_else(|| match variable("POETRY_CACHE_DIR") {
        Some(cache) => cache.join("virtualenvs"),
        None => cache().join("pypoetry/virtualenvs"),
    });
    found.extend(of_poetry(root, &poetry));
    let data = variable("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
    found.extend(of_pipenv(root, &variable("WORKON_HOME").unwrap_or_else(|| data.join("virtualenvs"))));
    found
}

/// Poetry's are named after the project and the digest of its path (`EnvManager.generate_env_name`): `shop-Ab3dE_g1-py3.12`.
fn of_poetry(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let Ok(pyproject) = disk::read_configuration(&root.join("pyproject.toml")) else { return Vec::new() };
    let Ok(pyproject) = pyproject.parse::<Table>() else { return Vec::new() };
    let name_in = |path: &[&str]| {
        let table = path.iter().try_fold(&pyproject, |table, name| table.get(*name)?.as_table());
        table?.get("name")?.as_str().map(str::to_lowercase)
    };
    let Some(name) = name_in(&["project"]).or_else(|| name_in(&["tool", "poetry"])) else { return Vec::new() };
    let Some(path) = root.canonicalize().ok().and_then(|root| root.to_str().map(str::to_owned)) else {
        return Vec::new();
    };
    let is_odd = |c: char| matches!(c, ' ' | '$' | '`' | '!' | '*' | '@' | '"' | '\\' | '\r' | '\n' | '\t');
    let name: String = name.chars().map(|c| if is_odd(c) { '_' } else { c }).take(42).collect();
    let digest = URL_SAFE.encode(Sha256::digest(path.as_bytes()));
    let prefix = format!("{name}-{}-py", &digest[..8]);
    let mut found: Vec<PathBuf> =
        entries(folder).into_iter().filter(|path| file_name(path).starts_with(&prefix)).collect();
    // The newest Python comes first.
    let version = |path: &PathBuf| {
        let version = file_name(path)[prefix.len()..].to_owned();
        version.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>()
    };
    found.sort_by_key(|path| std::cmp::Reverse(version(path)));
    found
}

/// Pipenv writes into each for which folder it is.
fn of_pipenv(root: &Path, folder: &Path) -> Vec<PathBuf> {
    if !root.join("Pipfile").is_file() {
        return Vec::new();
    }
    let Ok(root) = root.canonicalize() else { return Vec::new() };
    let is_it = |path: &PathBuf| Path::new(place::read(&path.join(".project")).trim()) == root;
    let name = file_name(&root).to_owned();
    entries(folder).into_iter().filter(|path| file_name(path).starts_with(&name) && is_it(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn poetry_names_them_after_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("my shop");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("pyproject.toml"), "[tool.poetry]\nname = \"My Shop\"\n").unwrap();
        let digest = URL_SAFE.encode(Sha256::digest(root.to_str().unwrap().as_bytes()));
        let all = folder.path().join("virtualenvs");
        for name in [
            format!("my_shop-{}-py3.9", &digest[..8]),
            format!("my_shop-{}-py3.12", &digest[..8]),
            "my_shop-AAAAAAAA-py3.13".to_owned(),
        ] {
            fs::create_dir_all(all.join(name)).unwrap();
        }
        let found = of_poetry(&root, &all);
        let names: Vec<&str> = found.iter().map(|path| file_name(path).rsplit_once('-').unwrap().1).collect();
        assert_eq!(names, ["py3.12", "py3.9"], "others of the same name are of other folders");
    }

    #[test]
    fn pipenv_says_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("shop");
        let all = folder.path().join("virtualenvs");
        for (name, of) in [("shop-1", root.display().to_string()), ("shop-2", "/elsewhere/shop".to_owned())] {
            fs::create_dir_all(all.join(name)).unwrap();
            fs::write(all.join(name).join(".project"), of).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        assert!(of_pipenv(&root, &all).is_empty());
        fs::write(root.join("Pipfile"), "").unwrap();
        assert_eq!(of_pipenv(&root, &all), [all.join("shop-1")]);
    }
}
