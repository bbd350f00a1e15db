//! How a project's own tool installs a distribution.

use std::path::{Path, PathBuf};

use toml::Table;

use crate::Environment;

/// A program that installs one distribution. Nothing is run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installer {
    /// A name that is looked for in `PATH`, or the interpreter of an environment.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Whether it also writes down that the project needs it.
    pub declares: bool,
}

/// What tells a tool, what it is called, and its command.
const TOOLS: [(&[&str], &str, &str); 4] = [
    (&["uv.lock"], "uv", "add"),
    (&["poetry.lock"], "poetry", "add"),
    (&["pdm.lock"], "pdm", "add"),
    (&["Pipfile", "Pipfile.lock"], "pipenv", "install"),
];

impl Installer {
    /// That of the project in the folder `root`: the tool whose lock file or table in `pyproject.toml` is there, else pip in the
    /// project's environment. `None` for what is no name of a distribution, and where there is nothing to install into.
    pub fn of(root: &Path, environment: &Environment, distribution: &str) -> Option<Self> {
        if !is_name(distribution) {
            return None;
        }
        let pyproject = disk::read_configuration(&root.join("pyproject.toml")).ok();
        let pyproject = pyproject.and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
        let tables = pyproject.get("tool").and_then(|tool| tool.as_table());
        let has_file = |names: &[&str]| names.iter().any(|name| root.join(name).is_file());
        let has_table = |tool: &str| tables.is_some_and(|tables| tables.contains_key(tool));
        let tool = TOOLS.iter().find(|(files, ..)| has_file(files));
        if let Some((_, tool, command)) = tool.or_else(|| TOOLS.iter().find(|(_, tool, _)| has_table(tool))) {
            let arguments = vec![(*command).to_owned(), distribution.to_owned()];
            return Some(Installer { program: PathBuf::from(tool), arguments, declares: true });
        }
        let program = environment.interpreter()?;
        let arguments = ["-m", "pip", "install", distribution].map(str::to_owned).into();
        Some(Installer { program, arguments, declares: false })
    }

    /// As it would be typed.
    pub fn command(&self) -> String {
        format!("{} {}", self.program.display(), self.arguments.join(" "))
    }
}

/// As PEP 508 has names: no option, no path, no address.
fn is_name(text: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    is_end(text.chars().next())
        && is_end(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_of_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let command = || {
            let installer = Installer::of(root, &Environment::find(root, None), "scikit-learn")?;
            Some((installer.command().replace(&root.display().to_string(), "."), installer.declares))
        };
        let said = |command: &str, declares| Some((command.to_owned(), declares));
        std::fs::create_dir_all(root.join(".venv/lib/python3.12/site-packages")).unwrap();
        std::fs::write(root.join(".venv/pyvenv.cfg"), "version = 3.12.1\n").unwrap();
        assert_eq!(command(), None, "an environment without an interpreter");
        std::fs::create_dir_all(root.join(".venv/bin")).unwrap();
        std::fs::write(root.join(".venv/bin/python"), "").unwrap();
        assert_eq!(command(), said("./.venv/bin/python -m pip install scikit-learn", false));
        std::fs::write(root.join("pyproject.toml"), "[tool.pdm]\n").unwrap();
        assert_eq!(command(), said("pdm add scikit-learn", true));
        std::fs::write(root.join("Pipfile"), "").unwrap();
        assert_eq!(command(), said("pipenv install scikit-learn", true));
        std::fs::write(root.join("uv.lock"), "").unwrap();
        assert_eq!(command(), said("uv add scikit-learn", true));
        for name in ["", "-r", "--index-url=x", "a b", "git+https://x", "../x", "x;y", "x/"] {
            assert_eq!(Installer::of(root, &Environment::find(root, None), name), None, "{name}");
        }
    }
}
