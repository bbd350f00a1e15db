//! Secrets that are a part of a longer value: of a URL, of a connection string, of a header.

use std::sync::LazyLock;

use regex::Regex;

use crate::values;

/// A URL with a user and a password; its groups are `user`, `secret` and `host`.
pub const URL: &str =
    r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]*://(?<user>[^\s/:@"'<>?#]*):(?<secret>[^\s/"'<>]+)@(?<host>[^\s/:?#"'<>]*)"#;

/// The password in a URL such as `postgres://user:secret@host`.
pub fn url_password(value: &str) -> Option<&str> {
    // A constant that the tests compile.
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(URL).expect("valid"));
    if !value.contains("://") {
        return None;
    }
    PATTERN.captures_iter(value).find_map(|captures| {
        let (user, password, host) = (captures.name("user")?, captures.name("secret")?, captures.name("host")?);
        let is_example = |host: &str| {
            ["example.com", "example.org", "example.net"].iter().any(|name| host.ends_with(name))
                || host.ends_with(".example")
                || host.ends_with(".invalid")
                || host.contains(values::HOLE)
                || matches!(host, "host" | "hostname" | "server" | "domain")
        };
        // `user:pass@`, `user:user@`: what a manual writes.
        let says_nothing = password.as_str().eq_ignore_ascii_case(user.as_str())
            || matches!(
                password.as_str().to_ascii_lowercase().as_str(),
                "pass" | "password" | "passwd" | "pwd" | "pw" | "secret" | "token" | "port" | "x-oauth-basic" | "x"
            );
        (!says_nothing
            && !is_example(host.as_str())
            && !values::is_template(password.as_str())
            && password.len() >= 3
            && !values::is_made_up(&password.as_str().to_ascii_lowercase()))
        .then_some(password.as_str())
    })
}

/// The password in a connection string such as `host=db;password=secret`.
pub fn connection_password(value: &str) -> Option<&str> {
    static PAIR: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(r#"(?i)(?:^|[;\s&?])(?:password|passwd|pwd)\s*=\s*['"]?([^\s"'(),;&]+)"#).expect("valid")
    });
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        // As above.
        Regex::new(r"(?i)(?:^|[;\s&?])(?:host|server|data source|user|uid|user id|username|dbname|database|initial catalog|login)\s*=\s*[^\s=;]").expect("valid")
    });
    if !value.contains('=') || !OTHER.is_match(value) {
        return None;
    }
    PAIR.captures_iter(value).filter_map(|captures| captures.get(1)).map(|password| password.as_str()).find(
        |password| {
            password.len() >= 4
                && !values::is_template(password)
                && !values::is_made_up(&password.to_ascii_lowercase())
                && !matches!(
                    password.to_ascii_lowercase().as_str(),
                    "pass" | "password" | "passwd" | "secret" | "none" | "true" | "false"
                )
                && !password.contains('.')
        },
    )
}

/// What follows `Bearer` or `Basic` in the value of a header.
pub fn header_credentials(value: &str) -> Option<&str> {
    let (scheme, credentials) = value.split_once(' ')?;
    let is_scheme = ["bearer", "basic", "token"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let is_opaque = credentials.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte));
    (is_scheme
        && is_opaque
        && credentials.len() >= 16
        && credentials.contains(|c: char| c.is_ascii_digit())
        && values::entropy(credentials.as_bytes()) >= 3.0
        && !values::is_words(credentials)
        && !values::is_dummy(credentials))
    .then_some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(url_password("see postgres://app:hunter2@db:5432/x"), Some("hunter2"));
        assert_eq!(url_password("redis://:h8!x@localhost"), Some("h8!x"));
        for harmless in [
            "http://localhost:8080/a@b",
            "postgres://user:password@host/db",
            "https://user:hunter2@example.com",
            "postgres://{u}:{p}@db",
            "ftp://u:%s@h",
            "postgres://app:app@db/app",
            "https://x.org/a:b@c",
        ] {
            assert_eq!(url_password(harmless), None, "{harmless}");
        }
    }
}
