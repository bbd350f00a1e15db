//! Files whose content is never part of a prompt, whatever they hold.

use std::path::Path;

use disk::IgnoreRules;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Folders that exist to hold secrets.
const FOLDERS: &[&str] = &["secrets", ".secrets", ".ssh", ".aws", ".gnupg", ".kube", ".docker"];

/// Names from the rules of gitleaks, detect-secrets and GitHub's templates of `.gitignore`.
const NAMES: &[&str] = &[
    ".boto",
    ".dockercfg",
    ".dockerconfigjson",
    ".envrc",
    ".my.cnf",
    ".mylogin.cnf",
    ".passwd-s3fs",
    ".remote-sync.json",
    ".s3cfg",
    ".terraformrc",
    ".vault-token",
    ".vault_pass",
    "_pgpass",
    "accesstokens.json",
    "application_default_credentials.json",
    "auth.json",
    "client_secret.json",
    "credentials.yml.enc",
    "filezilla.xml",
    "kubeconfig",
    "local_settings.php",
    "master.key",
    "passwd",
    "pgpass.conf",
    "recentservers.xml",
    "shadow",
    "sitemanager.xml",
    "terraform.rc",
    "token.json",
    "token.pickle",
    "vault.yaml",
    "vault.yml",
    "vault_pass.txt",
    "wp-config.php",
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

const PREFIXES: &[&str] = &[
    ".env",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "service-account",
    "service_account",
    "client_secret",
    "client-secret",
    "terraform.tfstate",
    "kubeconfig.",
];

const EXTENSIONS: &[&str] = &[
    "agekey",
    "env",
    "gpg",
    "jks",
    "kdb",
    "kdbx",
    "key",
    "keystore",
    "keytab",
    "kubeconfig",
    "kwallet",
    "p12",
    "p8",
    "pem",
    "pfx",
    "pkcs12",
    "ppk",
    "tfstate",
    "tfvars",
    "truststore",
];

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
        || name.ends_with(".tfvars.json")
        || EXTENSIONS.contains(&extension)
        || (matches!(stem, "secret" | "secrets" | "credentials" | "passwords") && DATA.contains(&extension))
        || (extension != "py" && PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// What is never sent: what [`is_denied`] says, what the user's settings name, and what the workspace's `.gitignore` files
/// leave out, where keys and data tend to lie.
#[derive(Debug, Clone)]
pub struct Denied {
    of_user: Gitignore,
}

impl Denied {
    /// `lines` as in a `.gitignore`.
    ///
    /// # Errors
    /// With a message that names the line that is no pattern.
    pub fn new(lines: &[String]) -> Result<Denied, String> {
        let mut builder = GitignoreBuilder::new("");
        for line in lines {
            builder.add_line(None, line).map_err(|error| format!("privacy.deny: {error}"))?;
        }
        Ok(Denied { of_user: builder.build().map_err(|error| format!("privacy.deny: {error}"))? })
    }

    /// Whether the file `relative` of the workspace folder `root` must never reach a model.
    pub fn is_denied(&self, root: &Path, relative: &Path) -> bool {
        is_denied(relative)
            || self.of_user.matched_path_or_any_parents(relative, false).is_ignore()
            || IgnoreRules::default().leaves_out_below(root, &root.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_leaves_out_and_what_the_user_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "local_settings.py\n/dumps/\n*.sql\n");
        write("app/.gitignore", "!kept.sql\ngenerated.py\n");
        let denied = Denied::new(&["internal/".to_owned(), "*_private.py".to_owned()]).unwrap();
        for (path, expected) in [
            ("app/local_settings.py", true),
            ("dumps/users.py", true),
            ("app/dumps/users.py", false),
            ("app/kept.sql", false),
            ("other/kept.sql", true),
            ("app/generated.py", true),
            ("generated.py", false),
            ("internal/a/b.py", true),
            ("a/keys_private.py", true),
            (".env", true),
            ("app/views.py", false),
        ] {
            assert_eq!(denied.is_denied(folder.path(), Path::new(path)), expected, "{path}");
        }
        assert!(Denied::new(&["[b-a]".to_owned()]).unwrap_err().starts_with("privacy.deny: "));
    }

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
            "terraform.tfstate",
            "infra/terraform.tfstate.backup",
            "prod.tfvars",
            "prod.auto.tfvars.json",
            "client_secret.json",
            "client_secret_123.apps.json",
            "kubeconfig",
            "group_vars/all/vault.yml",
            "token.json",
            "credentials.yml",
            ".my.cnf",
            "wp-config.php",
            "config/master.key",
            ".docker/config.json",
            "secrets.yml",
            "db.keystore",
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
            "client_secret.py",
            "token.py",
            "app/credentials.py",
            "package.json",
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
