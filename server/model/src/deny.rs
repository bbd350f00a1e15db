//! Files whose content is never part of a prompt, whatever they hold.

use std::path::Path;

/// Folders that exist to hold secrets.
const FOLDERS: &[&str] = &["secrets", ".secrets", ".ssh", ".aws", ".gnupg", ".kube", ".docker"];

const NAMES: &[&str] = &[
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "credentials",
    "credentials.json",
];

const PREFIXES: &[&str] = &[".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "service-account", "service_account"];

const EXTENSIONS: &[&str] = &["env", "gpg", "jks", "kdbx", "key", "keystore", "p12", "pem", "pfx", "ppk"];

/// A Python module called `secrets` is code that people edit; a data file of that name is not.
const DATA: &[&str] = &["ini", "json", "toml", "yaml", "yml"];

/// Whether a file must never reach a model: `.env*`, keys, credentials, and everything in a folder such as `secrets`.
///
/// `path` is best given relative to its workspace, so that the folders above it do not count. Letter case does not matter.
pub fn is_denied(path: &Path) -> bool {
    let mut parts: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    let Some(name) = parts.pop() else {
        return false;
    };
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    parts.iter().any(|folder| FOLDERS.contains(&folder.as_str()))
        || NAMES.contains(&name.as_str())
        || EXTENSIONS.contains(&extension)
        || (stem == "secrets" && DATA.contains(&extension))
        || (extension != "py" && PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_denied() {
        for path in [
            ".env",
            "app/.env.production",
            ".envrc",
            "prod.env",
            "certs/server.PEM",
            "tls/private.key",
            "id_rsa",
            "keys/id_rsa.bak",
            "id_ed25519",
            "secrets/api.py",
            "a/Secrets/b/c.txt",
            ".aws/credentials",
            ".streamlit/secrets.toml",
            "service-account-prod.json",
            ".netrc",
            "store.p12",
        ] {
            assert!(is_denied(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn source_code_is_not() {
        for path in [
            "app/views.py",
            "app/secrets.py",
            "environment.py",
            "env/models.py",
            "keys.py",
            "app/key.py",
            "service_account.py",
            "tests/test_env.py",
            "README.md",
            "pyproject.toml",
            "secretsanta/gift.py",
            "",
        ] {
            assert!(!is_denied(Path::new(path)), "{path}");
        }
    }
}
