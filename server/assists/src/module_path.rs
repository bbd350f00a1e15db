//! How one module is called from another.

use std::path::Path;

use graph::{Analysis, FileId};

use super::stdlib::is_stdlib;

/// Whether a file is a package's own: `__init__.py`.
pub(super) fn is_package(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "__init__")
}

/// The dotted name of the package that relative imports in `file` start from; empty outside of packages.
pub(super) fn package(analysis: &Analysis, file: FileId) -> &str {
    let module = analysis.module_name(file);
    if is_package(analysis.path(file)) { module } else { module.rsplit_once('.').map_or("", |(package, _)| package) }
}

/// What stands between `from` and `import` to reach `target` relatively from `file`; `None` outside of its package.
pub(super) fn relative(analysis: &Analysis, file: FileId, target: &str) -> Option<String> {
    let package = package(analysis, file);
    let from: Vec<&str> = package.split('.').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = target.split('.').collect();
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    // The folder must be a package, or nothing is relative in there.
    if common == 0 || analysis.module_file(from[0]).is_none() {
        return None;
    }
    Some(format!("{}{}", ".".repeat(from.len() - common + 1), to[common..].join(".")))
}

/// The absolute name of what `level` dots and `module` mean in `file`; `None` when the dots leave the workspace.
pub(super) fn absolute(analysis: &Analysis, file: FileId, level: u32, module: &str) -> Option<String> {
    if level == 0 {
        return Some(module.to_owned());
    }
    let package = package(analysis, file);
    let mut parts: Vec<&str> = package.split('.').filter(|part| !part.is_empty()).collect();
    let keep = parts.len().checked_sub(level as usize - 1).filter(|keep| *keep > 0)?;
    parts.truncate(keep);
    parts.extend(module.split('.').filter(|part| !part.is_empty()));
    Some(parts.join("."))
}

/// The groups of imports, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Future,
    Stdlib,
    ThirdParty,
    Workspace,
    Relative,
}

/// The group of an import of `module`, which may begin with dots.
pub(super) fn group(analysis: &Analysis, module: &str) -> Group {
    let top = module.split('.').next().unwrap_or(module);
    match top {
        "" => Group::Relative,
        "__future__" => Group::Future,
        _ if is_in_workspace(analysis, top) => Group::Workspace,
        _ if is_stdlib(module) => Group::Stdlib,
        _ => Group::ThirdParty,
    }
}

fn is_in_workspace(analysis: &Analysis, top: &str) -> bool {
    analysis.module_file(top).is_some()
        || analysis
            .files()
            .any(|file| analysis.module_name(file).strip_prefix(top).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    #[test]
    fn there_and_back() {
        let workspace = Workspace::new(
            "#- /pkg/__init__.py\n#- /pkg/a.py\n#- /pkg/sub/__init__.py\n#- /pkg/sub/b.py\n#- /other.py\n",
        );
        let analysis = &workspace.analysis;
        for (path, target, expected) in [
            ("/pkg/a.py", "pkg.sub.b", Some(".sub.b")),
            ("/pkg/sub/b.py", "pkg.a", Some("..a")),
            ("/pkg/__init__.py", "pkg.a", Some(".a")),
            ("/pkg/sub/__init__.py", "pkg", Some("..")),
            ("/pkg/a.py", "other", None),
            ("/other.py", "pkg", None),
        ] {
            let file = workspace.file(path);
            let found = relative(analysis, file, target);
            assert_eq!(found.as_deref(), expected, "{path} {target}");
            if let Some(found) = found {
                let module = found.trim_start_matches('.');
                let level = (found.len() - module.len()) as u32;
                assert_eq!(absolute(analysis, file, level, module).as_deref(), Some(target));
            }
        }
    }
}
