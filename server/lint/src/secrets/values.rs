//! What a value looks like: a secret, a placeholder, or something else altogether.

use std::sync::LazyLock;

use regex::Regex;

use super::names;
use crate::Confidence;

/// Bits per character that a token in a test or in documentation must have: those of random letters and digits, or of 24
/// hexadecimal digits, lie above, invented ones below.
pub(super) const ENTROPY_IN_TESTS: f64 = 3.4;

/// Stands for an interpolated expression in the value of an f-string.
pub(super) const HOLE: char = '\u{FFFC}';

/// A token that is evidently invented, although its form is right.
pub(super) fn is_dummy(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    is_made_up(&lower) || has_run(&lower) || entropy(lower) < 2.5
}

/// How sure it is that `value` is a password, given to something called `name`. Words without digits and signs are passwords
/// only beside a user name: elsewhere they are labels, kinds and keys of dictionaries.
pub(super) fn password(value: &str, name: &str, beside_user: bool) -> Option<Confidence> {
    if value.chars().count() < 4 || is_harmless(value, name) || is_digest(value) {
        return None;
    }
    let classes = [
        value.contains(|c: char| c.is_ascii_digit()),
        value.contains(|c: char| c.is_ascii_uppercase()),
        value.contains(|c: char| c.is_ascii_lowercase()),
        value.contains(|c: char| c.is_ascii_punctuation()),
    ];
    if classes == [true, false, false, false] {
        return beside_user.then_some(Confidence::Low);
    }
    if is_words(value) {
        return (beside_user && !value.contains(['-', '_', '.', ' '])).then_some(Confidence::Low);
    }
    Some(if value.len() >= 8 && classes.iter().filter(|class| **class).count() >= 3 {
        Confidence::High
    } else {
        Confidence::Medium
    })
}

/// How sure it is that `value` is a key or a token, given to something called `name`.
pub(super) fn key(value: &str, name: &str) -> Option<Confidence> {
    const LENGTH: usize = 12;
    const ENTROPY: f64 = 3.0;
    let is_mixed = value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_ascii_alphabetic());
    if value.len() < LENGTH || !is_mixed || is_harmless(value, name) || is_words(value) || has_run(value) {
        return None;
    }
    if is_date(value) || entropy(value.as_bytes()) < ENTROPY {
        return None;
    }
    if is_random(value) || value.len() >= 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Confidence::High);
    }
    Some(if is_uuid(value) { Confidence::Low } else { Confidence::Medium })
}

/// How sure it is that `value` is a secret because it is random, given to something called `name`.
pub(super) fn random(value: &str, name: &str) -> Option<Confidence> {
    const LENGTHS: std::ops::RangeInclusive<usize> = 24..=256;
    let is_one_run = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte));
    (LENGTHS.contains(&value.len()) && is_one_run && is_random(value) && !is_harmless(value, name) && !has_run(value))
        .then_some(Confidence::Low)
}

/// The password in a URL such as `postgres://user:secret@host`.
pub(super) fn url_password(value: &str) -> Option<&str> {
    static URL: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(r#"\b[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@"'<>?#]*):([^\s/"'<>]+)@([^\s/:?#"'<>]*)"#).expect("valid")
    });
    if !value.contains("://") {
        return None;
    }
    URL.captures_iter(value).find_map(|captures| {
        let (user, password, host) = (captures.get(1)?, captures.get(2)?, captures.get(3)?);
        let is_example = |host: &str| {
            ["example.com", "example.org", "example.net"].iter().any(|name| host.ends_with(name))
                || host.ends_with(".example")
                || host.ends_with(".invalid")
                || host.contains(HOLE)
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
            && !is_template(password.as_str())
            && password.len() >= 3
            && !is_made_up(&password.as_str().to_ascii_lowercase()))
        .then_some(password.as_str())
    })
}

/// The password in a connection string such as `host=db;password=secret`.
pub(super) fn connection_password(value: &str) -> Option<&str> {
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
                && !is_template(password)
                && !is_made_up(&password.to_ascii_lowercase())
                && !matches!(
                    password.to_ascii_lowercase().as_str(),
                    "pass" | "password" | "passwd" | "secret" | "none" | "true" | "false"
                )
                && !password.contains('.')
        },
    )
}

/// What follows `Bearer` or `Basic` in the value of a header.
pub(super) fn header_credentials(value: &str) -> Option<&str> {
    let (scheme, credentials) = value.split_once(' ')?;
    let is_scheme = ["bearer", "basic", "token"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let is_opaque = credentials.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte));
    (is_scheme
        && is_opaque
        && credentials.len() >= 16
        && credentials.contains(|c: char| c.is_ascii_digit())
        && entropy(credentials.as_bytes()) >= 3.0
        && !is_words(credentials)
        && !is_dummy(credentials))
    .then_some(credentials)
}

/// Shannon's entropy in bits per byte.
pub(super) fn entropy(text: impl AsRef<[u8]>) -> f64 {
    let bytes = text.as_ref();
    let mut counts = [0usize; 256];
    for &byte in bytes {
        counts[byte as usize] += 1;
    }
    let total = bytes.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|&count| count as f64 / total);
    shares.map(|share| -share * share.log2()).sum()
}

/// Whatever a name promises, these are no secrets: placeholders, templates, sentences, paths, patterns, dotted names, and
/// words that the name itself says.
fn is_harmless(value: &str, name: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    !value.is_ascii()
        || value.contains(|c: char| c.is_whitespace() || c.is_control())
        || is_template(value)
        || is_made_up(&lower)
        || is_path(value)
        || is_pattern(value)
        || is_dotted_name(value)
        || says_its_name(value, name)
        || is_one_character(value)
        || ALPHABETS.iter().any(|alphabet| value.contains(alphabet))
}

const ALPHABETS: &[&str] = &["ABCDEFGHIJ", "abcdefghij"];

/// Words of placeholders, in lower case.
fn is_made_up(lower: &str) -> bool {
    const ANYWHERE: &[&str] = &[
        "changeme",
        "change_me",
        "change-me",
        "changeit",
        "change_this",
        "change-this",
        "changethis",
        "example",
        "sample",
        "placeholder",
        "dummy",
        "xxxx",
        "your_",
        "your-",
        "yourpass",
        "yoursecret",
        "yourtoken",
        "yourkey",
        "yourapi",
        "replace",
        "insert",
        "redacted",
        "todo",
        "fixme",
        "foobar",
        "fake",
        "mock",
        "not-a-",
        "not_a_",
        "notasecret",
        "not-secret",
        "not_secret",
        "deadbeef",
        "removed",
        "hidden",
        "masked",
        "undefined",
        "unused",
        "missing",
        "default",
        "lorem",
        "****",
        "....",
        "____",
        "testing",
        "enter_",
        "enter-",
        "my_secret",
        "my-secret",
        "mysecret",
        "my_password",
        "mypassword",
        "my_token",
        "my-token",
        "some_",
        "some-",
        "somesecret",
        "somepass",
        "supersecret",
        "super_secret",
        "super-secret",
        "topsecret",
        "top_secret",
        "top-secret",
        "secret_here",
        "key_here",
        "token_here",
        "goes_here",
        "goes-here",
    ];
    ANYWHERE.iter().any(|word| lower.contains(word))
        || lower.starts_with("test")
        || lower.ends_with("test")
        || lower.starts_with("xxx")
        || matches!(lower, "none" | "null" | "true" | "false" | "string" | "empty" | "blank" | "demo" | "foo" | "bar")
}

/// Filled in elsewhere: `{password}`, `$PASSWORD`, `%s`, `<password>`, `{{ token }}`, or looked up by what reads it.
fn is_template(value: &str) -> bool {
    const REFERENCES: &[&str] = &[
        "env:",
        "env.",
        "vault:",
        "op://",
        "ssm:",
        "arn:",
        "file:",
        "secret:",
        "secrets:",
        "secretref",
        "ref:",
        "projects/",
        "keyring:",
        "gcp:",
        "aws:",
        "sm://",
    ];
    let is_variable = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_enclosed = |open: char, close: char| value.starts_with(open) && value.ends_with(close);
    value.contains(HOLE)
        || is_enclosed('{', '}')
        || is_enclosed('<', '>')
        || is_enclosed('[', ']')
        || is_enclosed('(', ')')
        || is_enclosed('%', '%')
        || (value.starts_with("__") && value.ends_with("__"))
        || ["${", "{{", "{%", "%(", "$(", "<%", "#{"].iter().any(|open| value.contains(open))
        || has_format_field(value)
        || value.contains("%s")
        || value == "%r"
        || value.strip_prefix('$').is_some_and(is_variable)
        || REFERENCES.iter().any(|prefix| value.starts_with(prefix) && value.len() > prefix.len() + 2)
}

/// `{}`, `{0}`, `{name}`, `{self.name!r}` anywhere.
fn has_format_field(value: &str) -> bool {
    let Some((_, rest)) = value.split_once('{') else { return false };
    let Some((field, _)) = rest.split_once('}') else { return false };
    field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.![]:".contains(&byte))
}

fn is_path(value: &str) -> bool {
    const ENDINGS: &[&str] = &[
        ".txt", ".pem", ".json", ".key", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".py", ".html", ".crt", ".env",
        ".csv", ".xml", ".js", ".css", ".png", ".svg", ".md", ".rst", ".db", ".log", ".sql", ".conf",
    ];
    let segments = || value.split('/').filter(|segment| !segment.is_empty());
    let is_segment = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    value.starts_with(['/', '~']) && segments().count() > 1 && segments().all(is_segment)
        || value.starts_with('/') && is_words(&value[1..])
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("C:\\")
        || value.contains("://")
        || ENDINGS.iter().any(|ending| value.ends_with(ending))
        || segments().count() > 1 && segments().all(|segment| is_words(segment) || segment.starts_with(['<', ':', '{']))
}

/// A regular expression, a selector or a glob.
fn is_pattern(value: &str) -> bool {
    value.starts_with('^')
        || [r"\d", r"\w", r"\s", r"\b", r"\.", "(?", ".*", ".+", "[^", "[a-z", "[A-Z", "[0-9", "]+", "]*", "${"]
            .iter()
            .any(|sign| value.contains(sign))
        || value.contains("()")
        || value.contains('[') && value.contains(']')
        || value.contains(['<', '>']) && value.contains('/')
        || value.starts_with(['#', '.', '-', '&']) && is_words(&value[1..])
        || value.ends_with(':')
}

/// `package.module.Class`, `settings.SECRET`, `db.password`.
fn is_dotted_name(value: &str) -> bool {
    let is_identifier = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && is_words(part);
    value.contains(['.', ':']) && value.split(['.', ':']).all(is_identifier)
}

/// All words of the value are words of the name: an error code, a field, the name of a variable.
fn says_its_name(value: &str, name: &str) -> bool {
    let said = names::words(value);
    let name = names::words(name);
    let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    !said.is_empty() && said.iter().all(|word| name.contains(word) || is_number(word)) && !said.iter().all(is_number)
}

fn is_one_character(value: &str) -> bool {
    let mut characters = value.chars();
    characters.next().is_none_or(|first| characters.all(|character| character == first))
}

/// Words and small numbers joined by underscores, hyphens or capitals: `access_token`, `id-token-2`, `http2Key`, `SHA256`.
fn is_words(value: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = word.len() - letters.len();
        let is_alphabetic = letters.bytes().all(|byte| byte.is_ascii_alphabetic());
        let capitals = letters.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
        let is_cased = capitals + 1 >= letters.len() || capitals * 3 <= letters.len();
        is_alphabetic && is_cased && (letters.is_empty() && digits <= 4 || digits == 0)
    };
    // Of a word with a number behind it (`hunter2`) nobody can say which it is, so it counts only among others.
    let is_numbered = |word: &str| is_word(word.trim_end_matches(|c: char| c.is_ascii_digit()));
    let parts: Vec<&str> = value.split(['_', '-', '.', ' ', ':']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => true,
        [word] => is_word(word) && word.contains(|c: char| c.is_ascii_alphabetic()),
        words => words.iter().all(|word| is_numbered(word) && word.len() <= 20),
    }
}

/// A digest or what a password was hashed to.
fn is_digest(value: &str) -> bool {
    let is_hashed =
        ["$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$argon2", "$pbkdf2", "pbkdf2", "bcrypt", "argon2", "scrypt"];
    let has_length_of_digest = matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128);
    is_hashed.iter().any(|prefix| value.starts_with(prefix))
        || value.starts_with("{SHA")
        || value.starts_with("{SSHA")
        || ["md5$", "sha1$", "sha256$", "md5:", "sha1:", "sha256:", "sha512:", "sha256-", "sha512-"]
            .iter()
            .any(|prefix| value.starts_with(prefix))
        || has_length_of_digest && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_uuid(value: &str) -> bool {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn is_date(value: &str) -> bool {
    value.len() >= 10
        && value.bytes().filter(u8::is_ascii_digit).count() * 2 > value.len()
        && value.bytes().all(|byte| byte.is_ascii_digit() || b"-:TZ.+".contains(&byte))
}

/// Eight neighbours of the alphabet or of the digits, or seven times the same.
fn has_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    let counts = |step: u8| {
        let mut length = 1;
        bytes.windows(2).any(|pair| {
            length = if pair[0].checked_add(step) == Some(pair[1]) { length + 1 } else { 1 };
            length >= 8 - usize::from(step == 0)
        })
    };
    counts(1) || counts(0)
}

/// Whether a run of letters, digits and a few signs looks drawn at random.
///
/// Entropy alone takes long names for keys, so what counts as well is how often the kind of character changes in a way that
/// words do not: a digit beside a letter, or a capital after a small letter. Among random letters and digits that is 0.45 of
/// all neighbours, in camel case with ordinary words at most 0.2. Hexadecimal parts are digests and ids.
fn is_random(run: &str) -> bool {
    const LENGTH: usize = 24;
    const ENTROPY: f64 = 3.5;
    const CHANGES: f64 = 0.25;
    let is_id = |part: &&str| {
        let digits = part.trim_start_matches("0x");
        digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let parts = run.split(['/', '+', '=', '_', '-']).filter(|part| !is_id(part));
    let rest = parts.collect::<Vec<_>>().join("/").into_bytes();
    let changes = rest.windows(2).filter(|pair| {
        let [a, b] = [pair[0], pair[1]];
        (a.is_ascii_digit() && b.is_ascii_alphabetic())
            || (a.is_ascii_alphabetic() && b.is_ascii_digit())
            || (a.is_ascii_lowercase() && b.is_ascii_uppercase())
    });
    rest.len() >= LENGTH
        && rest.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && changes.count() as f64 >= CHANGES * (rest.len() - 1) as f64
        && entropy(&rest) >= ENTROPY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_is_none() {
        for words in ["access_token", "id-token-2", "httpKey", "SECRET", "username", "X-Api-Key", "csrfToken", "a.b"] {
            assert!(is_words(words), "{words}");
        }
        for other in ["hunter2", "S3cr3t", "p@ss", "q8Zt3LmX", "aB1cD2", "12345", "LeT mE!n"] {
            assert!(!is_words(other), "{other}");
        }
    }

    #[test]
    fn runs() {
        assert!(has_run("x12345678x") && has_run("abcdefgh") && has_run("aaaaaaa"));
        assert!(!has_run("1234567") && !has_run("aaaaaa") && !has_run("a1B2c3D4e5F6"));
    }

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

    #[test]
    fn confidence_grows_with_the_classes_of_characters() {
        assert_eq!(password("Tr0ub4dor&3", "password", false), Some(Confidence::High));
        assert_eq!(password("hunter2", "password", false), Some(Confidence::Medium));
        assert_eq!(password("letmein", "password", true), Some(Confidence::Low));
        assert_eq!(password("letmein", "password", false), None);
    }
}
