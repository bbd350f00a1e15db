//! What a name says about the value that it is given.

/// What the value of a name is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything that is no word or sentence may be one.
    Password,
    /// Has letters and digits.
    Key,
    /// Might have to do with secrets; only what is evidently random counts.
    Hint,
}

/// Words after the one that counts that say nothing.
pub const SUFFIXES: &[&str] = &[
    "value",
    "default",
    "prod",
    "production",
    "dev",
    "development",
    "live",
    "staging",
    "old",
    "new",
    "current",
    "str",
    "string",
    "text",
    "raw",
    "b64",
    "base64",
    "plain",
    "plaintext",
    "bytes",
];

/// Words for passwords, in lower case.
pub const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "passwort",
    "userpass",
    "dbpass",
    "dbpassword",
    "dbpasswd",
    "userpassword",
    "rootpassword",
    "adminpassword",
    "mypassword",
];

/// Words that are a password only after another one: `db_pass`, not the verb.
pub const PASSWORDS_AFTER: &[&str] = &["pass", "pw", "pswd"];

/// Words for keys and tokens, in lower case.
pub const KEYS: &[&str] = &[
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "authtoken",
    "accesstoken",
    "apitoken",
    "clientsecret",
    "bearer",
    "credential",
    "credentials",
    "secrets",
    "apisecret",
    "appsecret",
    "masterkey",
    "encryptionkey",
    "signingkey",
];

/// Words that make a `key` after them a secret one.
pub const BEFORE_KEY: &[&str] = &[
    "api",
    "secret",
    "access",
    "private",
    "auth",
    "encryption",
    "signing",
    "account",
    "master",
    "app",
    "client",
    "service",
    "subscription",
    "hmac",
    "jwt",
    "license",
    "licence",
    "shared",
    "storage",
    "admin",
    "webhook",
    "fernet",
    "aes",
    "session",
    "openai",
    "anthropic",
    "stripe",
    "aws",
    "azure",
    "google",
    "gcp",
    "github",
    "deploy",
    "cipher",
    "crypto",
    "crypt",
    "consumer",
    "write",
    "functions",
    "decryption",
    "application",
];

/// Words that make a `token` before or after them one of a grammar, a vocabulary or a page.
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
    "page",
    "continuation",
    "special",
    "lexer",
    "first",
    "last",
    "separator",
    "type",
    "kind",
    "public",
    "hash",
    "hashed",
    "digest",
    "sha",
    "sha1",
    "sha256",
    "md5",
    "checksum",
    "fingerprint",
    "commit",
    "revision",
    "label",
    "placeholder",
    "regex",
    "pattern",
    "csrf",
    "field",
    "prompt",
    "error",
    "message",
    "invalid",
    "wrong",
    "unusable",
    "reset",
    "forgot",
    "confirm",
    "no",
    "is",
    "has",
    "use",
    "fake",
    "dummy",
    "mock",
    "example",
    "sample",
    "test",
    "testing",
    "url",
    "uri",
    "path",
    "template",
    "format",
    "magic",
    "sync",
    "cancel",
    "cancellation",
    "image",
    "audio",
    "video",
    "publishable",
    "encrypted",
];

const HINTS: &[&str] = &[
    "key",
    "keys",
    "secret",
    "secrets",
    "token",
    "tokens",
    "password",
    "passwords",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "access",
    "private",
    "bearer",
    "apikey",
    "apikeys",
    "salt",
    "cookie",
    "session",
    "seed",
    "signature",
    "login",
    "pass",
];

/// `None` for a name that has nothing to do with secrets.
pub fn kind(name: &str) -> Option<Kind> {
    // A sentence, a path or `AWS::IAM::AccessKey` is no name.
    let is_of_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    if name.len() > 64 || !name.chars().all(is_of_name) {
        return None;
    }
    let words = words(name);
    if words.iter().any(|word| HARMLESS.contains(&word.as_str())) {
        return None;
    }
    let mut head = words.as_slice();
    while let [rest @ .., last] = head
        && !rest.is_empty()
        && (SUFFIXES.contains(&last.as_str()) || last.bytes().all(|byte| byte.is_ascii_digit()))
    {
        head = rest;
    }
    let (last, before) = head.split_last()?;
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    if PASSWORDS.contains(&last) || (!before.is_empty() && PASSWORDS_AFTER.contains(&last)) {
        return Some(Kind::Password);
    }
    let is_key = KEYS.contains(&last)
        || last == "key" && before.last().is_some_and(|word| BEFORE_KEY.contains(&word.as_str()))
        || last == "auth" && !before.is_empty();
    if is_key {
        return Some(Kind::Key);
    }
    words.iter().any(|word| HINTS.contains(&word.as_str())).then_some(Kind::Hint)
}

/// The words of a name in lower case: `apiKey2`, `API_KEY_2` and `api-key-2` are `api`, `key` and `2`.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            before = ' ';
            continue;
        }
        let after_is_small = characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = !before.is_alphanumeric()
            || character.is_uppercase() && (!before.is_uppercase() || after_is_small)
            || character.is_ascii_digit() && before.is_lowercase() && words.last().is_some_and(|word| word.len() > 3);
        match words.last_mut() {
            Some(word) if !begins => word.extend(character.to_lowercase()),
            _ => words.push(character.to_lowercase().collect()),
        }
        before = character;
    }
    words
}

/// Calls that give back their argument in another form: `SecretStr("…")`.
pub const WRAPPERS: &[&str] = &[
    "SecretStr",
    "SecretBytes",
    "Secret",
    "str",
    "bytes",
    "bytearray",
    "b64decode",
    "b64encode",
    "unhexlify",
    "fromhex",
];

/// Calls with a name as the first and its value as the second argument. `setattr` has them one later.
pub const LOOKUPS: &[&str] =
    &["getenv", "get", "setdefault", "setattr", "pop", "config", "env", "set", "putenv", "add", "add_header", "append"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(words("apiKey"), ["api", "key"]);
        assert_eq!(words("HTTPToken"), ["http", "token"]);
        assert_eq!(words("DB_PASSWORD_2"), ["db", "password", "2"]);
        assert_eq!(words("X-Api-Key"), ["x", "api", "key"]);
        assert_eq!(words("password2"), ["password", "2"]);
        assert_eq!(words("sha256"), ["sha256"]);
    }

    #[test]
    fn what_names_promise() {
        let cases = [
            ("password", Some(Kind::Password)),
            ("DB_PASSWORD_PROD", Some(Kind::Password)),
            ("smtp_pass", Some(Kind::Password)),
            ("userPassword2", Some(Kind::Password)),
            ("api_key", Some(Kind::Key)),
            ("X-Api-Key", Some(Kind::Key)),
            ("clientSecret", Some(Kind::Key)),
            ("SECRET_KEY", Some(Kind::Key)),
            ("access_token", Some(Kind::Key)),
            ("cache_key", Some(Kind::Hint)),
            ("token_endpoint", Some(Kind::Hint)),
            ("pass", Some(Kind::Hint)),
            ("password_field", None),
            ("PASSWORD_RESET_URL", None),
            ("pad_token", None),
            ("token_type", None),
            ("password_hash", None),
            ("public_key", None),
            ("AWS::IAM::AccessKey", None),
            ("keyboard", None),
            ("monkey", None),
            ("author", None),
        ];
        for (name, expected) in cases {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
