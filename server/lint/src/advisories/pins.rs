//! Dependencies of which a project uses exactly one version.

use syntax::TextRange;

use super::{locks, requirements};

/// A distribution at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Normalised: `zope-interface`.
    pub distribution: String,
    /// As it is written, without operators.
    pub version: String,
    /// Of the version, in the text.
    pub range: TextRange,
    /// A person has written it: no tool, and no hashes that belong to the version.
    pub is_editable: bool,
}

/// The pins in the text of a file called `file` (its name or a path), in their order. None in a file of another kind or in
/// one that cannot be read.
pub fn pins(file: &str, text: &str) -> Vec<Pin> {
    let mut pins = match Kind::of(file) {
        Some(Kind::Requirements) => requirements::pins(text),
        Some(Kind::Pyproject) => locks::pyproject(text),
        Some(Kind::TomlLock) => locks::toml_lock(text),
        Some(Kind::PipfileLock) => locks::pipfile_lock(text),
        None => Vec::new(),
    };
    pins.sort_by_key(|pin| pin.range.start());
    pins
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Requirements,
    Pyproject,
    TomlLock,
    PipfileLock,
}

impl Kind {
    fn of(file: &str) -> Option<Kind> {
        let path = file.replace('\\', "/");
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let is_list = name.ends_with(".txt") || name.ends_with(".in");
        let is_among = folder.rsplit('/').next() == Some("requirements");
        match name {
            "pyproject.toml" => Some(Kind::Pyproject),
            "poetry.lock" | "uv.lock" | "pdm.lock" | "pylock.toml" => Some(Kind::TomlLock),
            "Pipfile.lock" => Some(Kind::PipfileLock),
            _ if is_list && (is_among || name.contains("requirements") || name.contains("constraints")) => {
                Some(Kind::Requirements)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (file, kind) in [
            ("requirements.txt", Some(Kind::Requirements)),
            ("dev-requirements.in", Some(Kind::Requirements)),
            ("/a/requirements/base.txt", Some(Kind::Requirements)),
            ("C:\\p\\constraints.txt", Some(Kind::Requirements)),
            ("p/pyproject.toml", Some(Kind::Pyproject)),
            ("uv.lock", Some(Kind::TomlLock)),
            ("Pipfile.lock", Some(Kind::PipfileLock)),
            ("notes.txt", None),
            ("Cargo.lock", None),
        ] {
            assert_eq!(Kind::of(file), kind, "{file}");
        }
    }
}
