//! Names of files and folders that hold secrets, whatever is in them.
//!
//! The names are those of four public lists: GitHub's templates of `.gitignore`, gitleaks (`config/gitleaks.toml`, and the rule
//! for names in its former example `leaky-repo.toml`), shhgit (`config.yaml`) and the test repository leaky-repo; a few files of
//! programs that are common beside Python are added. What those lists name for other reasons is left out: data (dumps,
//! databases, logs, captures) and source code such as Django's `settings.py`, which people want to work on and in which
//! secrets are looked for.

use std::path::Path;

/// Whose secrets a file holds, which decides who must not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// What a person or a machine logs in with. No code that was not written by its owner gets to see it.
    Personal,
    /// Keys, certificates and settings of a project. Its own code reads them, and packages and tests bring such files along;
    /// nobody else gets them.
    OfProject,
}

/// Where people and programs keep secrets, and nothing else.
const HOMES: &[&str] =
    &[".aws", ".azure", ".docker", ".gnupg", ".kube", ".mozilla", ".password-store", ".purple", ".secrets", ".ssh"];

/// Folders of a project that are called by what they hold.
const FOLDERS: &[&str] = &["secrets"];

const PERSONAL: &[&str] = &[
    ".bash_history",
    ".boto",
    ".credentials",
    ".dockercfg",
    ".dockerconfigjson",
    ".env",
    ".envrc",
    ".esmtprc",
    ".ftpconfig",
    ".git-credentials",
    ".htpasswd",
    ".irb_history",
    ".muttrc",
    ".my.cnf",
    ".mylogin.cnf",
    ".mysql_history",
    ".netrc",
    ".node_repl_history",
    ".npmrc",
    ".passwd-s3fs",
    ".pgpass",
    ".psql_history",
    ".pypirc",
    ".python_history",
    ".remote-sync.json",
    ".s3cfg",
    ".sh_history",
    ".terraformrc",
    ".trc",
    ".tugboat",
    ".vault-token",
    ".vault_pass",
    ".zsh_history",
    "_netrc",
    "_pgpass",
    "accesstokens.json",
    "application_default_credentials.json",
    "credentials",
    "filezilla.xml",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "pgpass",
    "pgpass.conf",
    "recentservers.xml",
    "sftp-config.json",
    "sitemanager.xml",
    "terraform.rc",
];

const OF_PROJECT: &[&str] = &[
    "auth.json",
    "client_secret.json",
    "credentials.json",
    "credentials.xml",
    "credentials.yml.enc",
    "dbeaver-data-sources.xml",
    "deployment-config.json",
    "google-services.json",
    "heroku.json",
    "http-client.private.env.json",
    "key3.db",
    "key4.db",
    "knife.rb",
    "kubeconfig",
    "local_settings.php",
    "localsettings.php",
    "logins.json",
    "otr.private_key",
    "passwd",
    "proftpdpasswd",
    "robomongo.json",
    "secret_token.rb",
    "sftp.json",
    "shadow",
    "token.json",
    "token.pickle",
    "vault.yaml",
    "vault.yml",
    "vault_pass.txt",
    "webservers.xml",
    "wp-config.php",
];

const PREFIXES: &[&str] = &[
    ".env",
    "client-secret",
    "client_secret",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig.",
    "service-account",
    "service_account",
    "terraform.tfstate",
];

/// With what is before it: `deploy_rsa`, `prod.tfvars.json`.
const ENDINGS: &[&str] = &["_dsa", "_ecdsa", "_ed25519", "_rsa", ".tfvars.json"];

const EXTENSIONS: &[&str] = &[
    "agekey",
    "agilekeychain",
    "asc",
    "bek",
    "cscfg",
    "env",
    "gpg",
    "jks",
    "kdb",
    "kdbx",
    "key",
    "keychain",
    "keypair",
    "keyring",
    "keystore",
    "keytab",
    "kubeconfig",
    "kwallet",
    "netrc",
    "ovpn",
    "p12",
    "p8",
    "pem",
    "pfx",
    "pkcs12",
    "ppk",
    "psafe3",
    "rdp",
    "tblk",
    "tfstate",
    "tfvars",
    "truststore",
];

/// A Python module called `secrets` is code that people edit; a data file of that name is not.
const DATA_NAMES: &[&str] = &["credentials", "passwords", "secret", "secrets"];
const DATA: &[&str] = &["ini", "json", "toml", "yaml", "yml"];

/// `.env.example` and its like are documentation, as far as the project's own code is concerned.
const NOT_PERSONAL: &[&str] = &["dist", "example", "sample", "template"];

/// What the file `name` holds, if it holds secrets by its name. Letter case does not matter.
pub fn secrecy(name: &str) -> Option<Secrecy> {
    let name = name.to_lowercase();
    let of_environment = name.strip_prefix(".env.").is_some_and(|suffix| !NOT_PERSONAL.contains(&suffix));
    if of_environment || PERSONAL.contains(&&*name) {
        return Some(Secrecy::Personal);
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let is_of_project = OF_PROJECT.contains(&&*name)
        || EXTENSIONS.contains(&extension)
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || DATA_NAMES.contains(&stem) && DATA.contains(&extension)
        || extension != "py" && PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    is_of_project.then_some(Secrecy::OfProject)
}

/// Whether `folder`, a single name, is one in which people and programs keep secrets. Letter case does not matter.
pub fn is_home_of_secrets(folder: &str) -> bool {
    HOMES.contains(&&*folder.to_lowercase())
}

/// Whether the file at `path` holds secrets by its own name or by that of a folder that it is in.
///
/// `path` is best given relative to its workspace, so that the folders above it do not count. Letter case does not matter.
pub fn holds_secrets(path: &Path) -> bool {
    let mut parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    let Some(name) = parts.pop() else { return false };
    secrecy(&name).is_some()
        || parts.iter().any(|folder| is_home_of_secrets(folder) || FOLDERS.contains(&folder.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for path in [
            ".env",
            "app/.env.production",
            ".env.example",
            ".envrc",
            "prod.env",
            "certs/server.PEM",
            "tls/private.key",
            "id_rsa",
            "keys/id_rsa.bak",
            "id_ed25519",
            "deploy_rsa",
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
            ".idea/WebServers.xml",
            ".vscode/sftp.json",
            "home.ovpn",
        ] {
            assert!(holds_secrets(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn source_code_does_not_hold_them() {
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
            "app/test_rsa.py",
            "package.json",
            "tests/test_env.py",
            "README.md",
            "pyproject.toml",
            "secretsanta/gift.py",
            "docs/history.md",
            "",
        ] {
            assert!(!holds_secrets(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn what_code_may_read_is_told_from_what_it_may_not() {
        for name in [".env", ".ENV.local", ".netrc", "credentials", "id_rsa", ".zsh_history"] {
            assert_eq!(secrecy(name), Some(Secrecy::Personal), "{name}");
        }
        for name in [".env.example", "ca.pem", "id_rsa.pub", "test_rsa", "token.json", "prod.env"] {
            assert_eq!(secrecy(name), Some(Secrecy::OfProject), "{name}");
        }
        assert!(is_home_of_secrets(".ssh") && is_home_of_secrets(".Aws") && !is_home_of_secrets("secrets"));
    }

    #[test]
    fn the_lists_are_in_lower_case_and_in_order() {
        for list in [HOMES, PERSONAL, OF_PROJECT, PREFIXES, EXTENSIONS, DATA_NAMES, DATA, NOT_PERSONAL] {
            assert!(list.is_sorted(), "{list:?}");
            assert!(list.iter().all(|name| *name == name.to_lowercase()), "{list:?}");
        }
    }
}
