//! Whether a value may be what its name promises. It leans to yes: a word that is hidden for nothing can be put back.

use crate::promises::{Promise, promise};
use crate::{Confidence, names, values};

/// How a value is written, which decides what can be told from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Between quotation marks, in a file of settings.
    Quoted,
    /// Without quotation marks, in a file of settings or on a command line.
    Bare,
    /// A literal of a program, which may as well be a label, a field or the name of a column.
    Literal,
    /// In a sentence.
    Prose,
}

/// `None` if `value` is no secret whatever `name` promises. `value` has no white space around it.
pub(super) fn confidence(promise: Promise, name: &str, value: &str, writing: Writing) -> Option<Confidence> {
    // Of a key on several lines the beginning says as much as all of it.
    let value = value[..value.floor_char_boundary(512)].trim_end_matches([',', ';']);
    if value.chars().count() < 3 || is_placeholder(value) || is_constant(value) || says_its_name(value, name) {
        return None;
    }
    if is_reference(value, writing) || values::is_one_character(value) {
        return None;
    }
    let has_digit = value.contains(|c: char| c.is_ascii_digit());
    let has_letter = value.contains(char::is_alphabetic);
    let is_number =
        !has_letter && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    let is_word = !has_digit && value.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.'));
    let is_sentence = value.contains(char::is_whitespace) && is_sentence(value);
    match promise {
        _ if is_sentence => None,
        Promise::Password => match writing {
            Writing::Prose if is_word || is_number && value.len() < 4 => None,
            // The name of a field or of a variable: `PASSWORD = "user_password"`.
            Writing::Literal if is_word && is_of_field(value) => None,
            _ => Some(if is_word { Confidence::Medium } else { Confidence::High }),
        },
        Promise::Key => match writing {
            _ if is_number && value.len() < 6 => None,
            Writing::Prose if !has_digit => None,
            Writing::Literal if is_word && (is_of_field(value) || value.len() < 8) => None,
            _ => Some(if has_digit { Confidence::High } else { Confidence::Medium }),
        },
        Promise::Token => match writing {
            _ if is_number || value.len() < 6 => None,
            Writing::Bare | Writing::Quoted if is_word => {
                let is_mixed = value.contains(char::is_lowercase) && value.chars().skip(1).any(char::is_uppercase);
                (is_mixed && value.len() >= 8 && !is_of_field(value)).then_some(Confidence::Low)
            }
            Writing::Literal | Writing::Prose if !has_digit || value.len() < 8 || values::is_words(value) => None,
            _ => Some(Confidence::Medium),
        },
        Promise::Hint => {
            let is_mixed = has_digit && has_letter && !value.contains(char::is_whitespace);
            let is_hex = value.len() >= 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_random = values::is_random(value)
                || value.len() >= 12
                    && values::entropy(value) >= 3.3
                    && !value.contains(['/', ':', '.', '{', '$', '(']);
            (is_mixed && (is_hex || is_random) && !values::is_words(value)).then_some(Confidence::Low)
        }
    }
}

/// Filled in elsewhere, a mask, or what a manual writes.
fn is_placeholder(value: &str) -> bool {
    const EXACT: &[&str] =
        &["changeme", "change-me", "change_me", "changeit", "placeholder", "redacted", "todo", "tbd", "fixme", "xxx"];
    let lower = value.to_ascii_lowercase();
    values::is_whole_template(value)
        || value.starts_with('%') && value.ends_with('%')
        || ["{{", "{%", "$(", "<%", "ENC[", "!vault", "$ANSIBLE_VAULT", "!ref", "!sub"].iter().any(|start| value.starts_with(start))
        || value.contains("${{")
        || EXACT.contains(&lower.as_str())
        || ["your-", "your_", "your ", "<your", "xxxx", "...", "…"].iter().any(|start| lower.starts_with(start))
        || value.bytes().all(|byte| b"*.-_xX#?".contains(&byte))
        // Of a literal with interpolated parts only what is between them counts.
        || value.contains(values::HOLE) && value.chars().filter(|c| c.is_alphanumeric()).count() < 4
}

fn is_constant(value: &str) -> bool {
    const CONSTANTS: &[&str] = &[
        "none",
        "null",
        "nil",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "required",
        "optional",
        "string",
        "str",
        "text",
        "int",
        "integer",
        "bool",
        "boolean",
        "bytes",
        "object",
        "array",
        "list",
        "dict",
        "any",
        "unset",
        "undefined",
        "empty",
        "default",
        "enabled",
        "disabled",
        "read",
        "write",
        "inherit",
        "ask",
        "prompt",
        "always",
        "never",
        "auto",
        "automatic",
        "self",
        "this",
        "unknown",
        "n/a",
        "na",
        "tbd",
        "not",
        "must",
        "and",
        "the",
        "see",
        "pass",
        "fail",
        "http",
        "https",
        "basic",
        "bearer",
        "digest",
        "oauth",
        "oauth2",
        "apikey",
        "header",
        "query",
        "cookie",
        "token",
        "cert",
        "keyring",
        "netrc",
        "env",
        "file",
        "public",
        "private",
    ];
    CONSTANTS.iter().any(|constant| value.eq_ignore_ascii_case(constant))
}

/// A path, an address, or what is looked up by whoever reads it.
fn is_reference(value: &str, writing: Writing) -> bool {
    const HEADS: &[&str] = &[
        "var.",
        "local.",
        "data.",
        "module.",
        "each.",
        "self.",
        "env.",
        "secrets.",
        "vars.",
        "process.env",
        "os.environ",
        "settings.",
        "config.",
        "vault:",
        "op://",
        "ssm:",
        "arn:",
        "file:",
        "env:",
        "secretref",
        "projects/",
        "keyring:",
        "sm://",
        "inputs.",
        "github.",
        "matrix.",
        "steps.",
        "this.",
        "Self::",
        "std::",
    ];
    let is_segment = |part: &str| values::is_words(part) || part.ends_with(".pem") || part.ends_with(".key");
    let is_path = || {
        let rest = value.trim_start_matches(['~', '.']);
        rest.starts_with('/')
            && rest[1..].contains('/')
            && rest.split('/').all(|part| part.is_empty() || is_segment(part))
    };
    let ends_as_file = || {
        [".txt", ".pem", ".json", ".key", ".yaml", ".yml", ".toml", ".py", ".html", ".crt", ".env"]
            .iter()
            .any(|end| value.ends_with(end))
    };
    let is_call = || {
        writing != Writing::Literal
            && writing != Writing::Quoted
            && (value.ends_with(')') && value.contains('(') || value.ends_with("]") && value.contains('['))
    };
    HEADS.iter().any(|head| value.starts_with(head))
        || is_path()
        || ends_as_file()
        || is_call()
        || value.starts_with("http://")
        || value.starts_with("https://")
}

/// All words of the value are words of the name: an error code, a field, the name of a variable. Not what only a sign or a
/// digit more tells from it.
fn says_its_name(value: &str, name: &str) -> bool {
    if !value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | ':' | '.')) {
        return false;
    }
    let (said, name) = (names::words(value), names::words(name));
    !said.is_empty() && said.iter().all(|word| name.contains(word))
}

/// The name of another field, of an option or of a header.
fn is_of_field(value: &str) -> bool {
    (value.contains(['_', '-', '.']) || !value.chars().skip(1).any(char::is_uppercase)) && promise(value).is_some()
}

/// Words that say something of a password, where a passphrase has words that say nothing.
fn is_sentence(value: &str) -> bool {
    const TELLING: &[&str] = &[
        "password",
        "passwords",
        "passphrase",
        "token",
        "key",
        "secret",
        "enter",
        "your",
        "must",
        "should",
        "cannot",
        "is",
        "are",
        "the",
        "for",
        "not",
        "invalid",
        "required",
        "please",
        "used",
        "to",
        "of",
        "this",
        "that",
        "with",
        "in",
        "or",
        "if",
        "be",
        "can",
        "use",
        "and",
        "from",
        "will",
        "has",
        "by",
    ];
    let mut words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| TELLING.iter().any(|telling| word.eq_ignore_ascii_case(telling)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_may_be() {
        use Promise::{Hint, Key, Password, Token};
        use Writing::{Bare, Literal, Prose, Quoted};
        let cases = [
            (Password, "password", "letmein", Bare, true),
            (Password, "password", "correct horse battery staple", Quoted, true),
            (Password, "password", "Enter your password:", Literal, false),
            (Password, "password", "password", Quoted, false),
            (Password, "password", "user_password", Literal, false),
            (Password, "password", "SuperSecretPassword", Literal, true),
            (Password, "password", "true", Bare, false),
            (Password, "password", "${{ secrets.PYPI }}", Bare, false),
            (Password, "password", "$ecret", Quoted, true),
            (Password, "password", "var.db_password", Bare, false),
            (Password, "password", "/run/secrets/db", Bare, false),
            (Password, "password", "required", Prose, false),
            (Password, "password", "hunter2", Prose, true),
            (Password, "password", "words", Prose, false),
            (Password, "pin", "4711", Bare, true),
            (Key, "api_key", "X-Api-Key", Literal, false),
            (Key, "api_key", "abcdefghijk", Literal, true),
            (Token, "token", "identifier", Literal, false),
            (Token, "token", "0123abcd", Literal, true),
            (Token, "max_tokens", "4096", Bare, false),
            (Hint, "key", "pip-linux-3.12", Bare, false),
            (Hint, "key", "q8Zt3LmXv0RkJ7wP", Bare, true),
        ];
        for (promise, name, value, writing, expected) in cases {
            assert_eq!(confidence(promise, name, value, writing).is_some(), expected, "{name}: {value}, {writing:?}");
        }
    }
}
