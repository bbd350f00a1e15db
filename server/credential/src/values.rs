//! What a value looks like: a secret, a placeholder, or something else altogether.

use crate::{Confidence, names};

/// Bits per character that a token in a test or in documentation must have: those of random letters and digits, or of 24
/// hexadecimal digits, lie above, invented ones below.
pub const ENTROPY_IN_TESTS: f64 = 3.4;

/// Stands for an interpolated expression in the value of an f-string.
pub const HOLE: char = '\u{FFFC}';

/// A token that is evidently invented, although its form is right.
pub fn is_dummy(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    is_made_up(&lower) || has_run(&lower) || entropy(lower) < 2.5
}

/// How sure it is that `value` is a password, given to something called `name`. Words without digits and signs are passwords
/// only beside a user name: elsewhere they are labels, kinds and keys of dictionaries.
pub fn password(value: &str, name: &str, beside_user: bool) -> Option<Confidence> {
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
pub fn key(value: &str, name: &str) -> Option<Confidence> {
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
pub fn random(value: &str, name: &str) -> Option<Confidence> {
    const LENGTHS: std::ops::RangeInclusive<usize> = 24..=256;
    let is_one_run = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte));
    (LENGTHS.contains(&value.len()) && is_one_run && is_random(value) && !is_harmless(value, name) && !has_run(value))
        .then_some(Confidence::Low)
}

/// Shannon's entropy in bits per byte.
pub fn entropy(text: impl AsRef<[u8]>) -> f64 {
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

/// Whether a value, in lower case, holds a word of a placeholder.
pub fn is_made_up(lower: &str) -> bool {
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

/// Nothing but a template that is filled in elsewhere (`{password}`, `$PASSWORD`, `%s`, `<password>`) or a mask (`****`). Of
/// what only holds one somewhere, as a password may by chance, [`is_template`] decides.
pub fn is_whole_template(value: &str) -> bool {
    let is_variable = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    value.starts_with(['{', '<']) && value.ends_with(['}', '>'])
        || value.starts_with("${")
        || value.starts_with("%(")
        || value == "%s"
        || value.strip_prefix('$').is_some_and(is_variable)
        || value.bytes().all(|byte| byte == b'*')
}

/// Filled in elsewhere: `{password}`, `$PASSWORD`, `%s`, `<password>`, `{{ token }}`, or looked up by what reads it.
pub fn is_template(value: &str) -> bool {
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

pub(crate) fn is_one_character(value: &str) -> bool {
    let mut characters = value.chars();
    characters.next().is_none_or(|first| characters.all(|character| character == first))
}

/// Words and small numbers joined by underscores, hyphens or capitals: `access_token`, `id-token-2`, `http2Key`, `SHA256`.
pub fn is_words(value: &str) -> bool {
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
pub fn is_random(run: &str) -> bool {
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
    fn confidence_grows_with_the_classes_of_characters() {
        assert_eq!(password("Tr0ub4dor&3", "password", false), Some(Confidence::High));
        assert_eq!(password("hunter2", "password", false), Some(Confidence::Medium));
        assert_eq!(password("letmein", "password", true), Some(Confidence::Low));
        assert_eq!(password("letmein", "password", false), None);
    }
}
