//! What a name promises of its value where a secret that is missed costs more than a word that is hidden for nothing.
//!
//! [`crate::names`] asks which names are worth a finding. Here every name counts whose last word that says something is one
//! for a password or a key, in the words of configuration files, command lines and some languages besides English.

use std::sync::LazyLock;

use regex::Regex;

use crate::names::{self, BEFORE_KEY, KEYS, PASSWORDS, SUFFIXES};

/// What to expect of the value, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Whatever is no template, no flag and no sentence.
    Password,
    /// As a password: names that only secrets have, such as `client_secret`.
    Key,
    /// `token`, `auth`: parsers and protocols have these too, so a word is none.
    Token,
    /// `key`, `session`, `salt`: only what was evidently drawn at random.
    Hint,
}

/// Every name that promises something contains one of these. Looked for before anything is split into words. Edges of words are
/// those of ASCII: where Unicode's are asked for, text in other scripts is searched twenty times as slowly.
pub(crate) const STEMS: &str = r"(?i)pas+[wcp]|pass?(?-u:\b)|[a-z0-9_.-]pass|_pass|(?-u:\b)pass|pwd|pw(?-u:\b)|pw[_.\d-]|psw|secret|secure|token|key|cred|auth|bearer|phrase|(?-u:\b)pin(?-u:\b)|_pin(?-u:\b)|(?-u:\b)otp(?-u:\b)|cookie|session|salt|signature|(?-u:\b)sig(?-u:\b)|login|webhook|mnemonic|seed|contrase|clave|(?-u:\b)passe(?-u:\b)|motdepasse|mot_de_passe|mdp|kennwort|senha|wachtwoord|haslo|hasło|парол|密码|密碼|口令|パスワード|パス|비밀번호";

/// Words for passwords besides [`PASSWORDS`].
const MORE_PASSWORDS: &[&str] = &[
    "pass",
    "pw",
    "psw",
    "pswd",
    "passw",
    "passphrase",
    "pin",
    "mnemonic",
    "contraseña",
    "contrasena",
    "motdepasse",
    "mdp",
    "kennwort",
    "senha",
    "wachtwoord",
    "haslo",
    "hasło",
    "пароль",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "비밀번호",
];

/// Words that end in `pass` or `pw` and are none.
const NO_PASSWORDS: &[&str] =
    &["bypass", "compass", "encompass", "surpass", "trespass", "overpass", "underpass", "onepass"];

/// Names of settings that hold no secret: what tox passes on of its environment.
const NO_SECRETS: &[&str] = &["pass_env", "passenv"];

/// Words behind the one that counts that say which part, copy or place it is.
const PARTS: &[&str] = &[
    "part",
    "half",
    "piece",
    "chunk",
    "head",
    "tail",
    "left",
    "right",
    "first",
    "second",
    "a",
    "b",
    "c",
    "x",
    "y",
    "env",
    "encoded",
    "backup",
    "test",
    "local",
    "stage",
    "qa",
    "main",
    "master",
    "primary",
    "secondary",
    "db",
    "admin",
    "root",
    "user",
];

/// Words that make a `token` or a `key` beside them one of a grammar, a page or a table.
const HARMLESS: &[&str] = &[
    "pad",
    "eos",
    "bos",
    "unk",
    "sep",
    "cls",
    "mask",
    "start",
    "end",
    "begin",
    "stop",
    "next",
    "prev",
    "page",
    "continuation",
    "special",
    "lexer",
    "separator",
    "public",
    "pub",
    "max",
    "min",
    "num",
    "total",
    "count",
    "sort",
    "cache",
    "primary",
    "foreign",
    "partition",
    "publishable",
    "prompt",
    "completion",
    "input",
    "output",
    "id",
    "lookahead",
    "syntax",
    "cancel",
    "cancellation",
];

/// What `name` promises; `None` for one that has nothing to do with secrets.
pub fn promise(name: &str) -> Option<Promise> {
    static STEM: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(STEMS).expect("a valid pattern")
    });
    if name.len() > 96 || !STEM.is_match(name) || NO_SECRETS.contains(&name) {
        return None;
    }
    let words = names::words(name);
    let mut head = words.as_slice();
    while let [rest @ .., last] = head
        && !rest.is_empty()
        && (SUFFIXES.contains(&&**last) || PARTS.contains(&&**last) || last.bytes().all(|byte| byte.is_ascii_digit()))
        // `db_user`, `key_id` and `first_part` are no secrets for what stands before.
        && rest.iter().any(|word| of_word(word).is_some_and(|promise| promise <= Promise::Token))
    {
        head = rest;
    }
    let (last, before) = head.split_last()?;
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_harmless = || before.iter().any(|word| HARMLESS.contains(&&**word));
    let before_last = before.last().map(String::as_str);
    match last {
        // `mot_de_passe`, `pass_phrase`.
        "passe" if before_last == Some("de") => Some(Promise::Password),
        "phrase" if matches!(before_last, Some("pass" | "seed" | "secret" | "mnemonic")) => Some(Promise::Password),
        "word" | "code" if before_last == Some("pass") => Some(Promise::Password),
        "key" | "keys" => match before_last {
            Some(word) if BEFORE_KEY.contains(&word) || word.ends_with("api") => Some(Promise::Key),
            _ if before.iter().any(|word| matches!(&**word, "secret" | "api" | "private")) => Some(Promise::Key),
            _ => (!is_harmless()).then_some(Promise::Hint),
        },
        _ => {
            let promise = of_word(last)?;
            (promise <= Promise::Password || !is_harmless()).then_some(promise)
        }
    }
}

/// Whether several secrets are behind the name: `passwords`, `credentials`.
pub fn is_plural(name: &str) -> bool {
    names::words(name).last().is_some_and(|word| word.ends_with('s') && !word.ends_with("ss"))
}

fn of_word(word: &str) -> Option<Promise> {
    let one = word.strip_suffix('s').filter(|one| !one.ends_with('s')).unwrap_or(word);
    if NO_PASSWORDS.contains(&one) {
        return None;
    }
    let is_password = PASSWORDS.contains(&one)
        || MORE_PASSWORDS.contains(&one)
        || ["password", "passwd", "passphrase", "pwd", "passwort"].iter().any(|end| one.ends_with(end))
        || one.ends_with("pass") && one.len() <= 12 && !one.starts_with("get")
        || one.ends_with("pw") && one.len() <= 8;
    if is_password {
        return Some(Promise::Password);
    }
    match one {
        "token" | "auth" | "authorization" | "bearer" | "credential" | "cred" | "otp" => Some(Promise::Token),
        _ if KEYS.contains(&one) || one.ends_with("secret") || one.ends_with("apikey") => Some(Promise::Key),
        _ if one.ends_with("token") || one.ends_with("auth") => Some(Promise::Token),
        "key" | "cookie" | "session" | "sessionid" | "sid" | "salt" | "signature" | "sig" | "seed" | "login"
        | "webhook" | "access" | "private" | "nonce" => Some(Promise::Hint),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_promise() {
        let cases = [
            ("password", Some(Promise::Password)),
            ("pass", Some(Promise::Password)),
            ("DB_PASS", Some(Promise::Password)),
            ("PGPASSWORD", Some(Promise::Password)),
            ("requirepass", Some(Promise::Password)),
            ("rootpw", Some(Promise::Password)),
            ("spring.datasource.password", Some(Promise::Password)),
            ("ansible_ssh_pass", Some(Promise::Password)),
            ("userPassword2", Some(Promise::Password)),
            ("password_part_a", Some(Promise::Password)),
            ("pass-phrase", Some(Promise::Password)),
            ("mot_de_passe", Some(Promise::Password)),
            ("Kennwort", Some(Promise::Password)),
            ("пароль", Some(Promise::Password)),
            ("passwords", Some(Promise::Password)),
            ("api_key", Some(Promise::Key)),
            ("X-Api-Key", Some(Promise::Key)),
            ("AWS_SECRET_ACCESS_KEY", Some(Promise::Key)),
            ("clientSecret", Some(Promise::Key)),
            ("_authToken", Some(Promise::Token)),
            ("token", Some(Promise::Token)),
            ("GITHUB_TOKEN_OLD", Some(Promise::Token)),
            ("key", Some(Promise::Hint)),
            ("password_file", None),
            ("PASSWORD_RESET_URL", None),
            ("password_field", None),
            ("token_type", None),
            ("pad_token", None),
            ("public_key", None),
            ("cache_key", None),
            ("bypass", None),
            ("compass", None),
            ("passed", None),
            ("passing", None),
            ("author", None),
            ("keyboard", None),
            ("secretary", None),
            ("db_user", None),
            ("pass_env", None),
            ("DB_PASS_ENV", Some(Promise::Password)),
        ];
        for (name, expected) in cases {
            assert_eq!(promise(name), expected, "{name}");
        }
    }
}
