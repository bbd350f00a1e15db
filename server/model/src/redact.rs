//! Secrets in text: found by their form, replaced by placeholders, put back into answers.
//!
//! A wrong guess costs little, because [`Redactions::restore`] undoes it; a missed secret costs its owner. So the rules lean
//! towards guessing, except where ordinary code would be mistaken all the time: commit hashes, UUIDs, long names and words
//! are left alone unless they are assigned to something called a password or a key.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What was replaced in one request. Counts are for people; the secrets themselves are never printed.
#[derive(Default)]
pub struct Redactions {
    hidden: Vec<Hidden>,
}

struct Hidden {
    kind: &'static str,
    placeholder: String,
    secret: String,
}

impl Redactions {
    /// The number of different secrets.
    pub fn count(&self) -> usize {
        self.hidden.len()
    }

    /// The number of different secrets of each kind, e.g. `aws-key`.
    pub fn by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for hidden in &self.hidden {
            *kinds.entry(hidden.kind).or_default() += 1;
        }
        kinds
    }

    /// Puts the secrets back where an answer repeats their placeholders, so that an edit of the code around a secret does not
    /// destroy it. The result belongs in the user's file and nowhere else.
    pub fn restore(&self, answer: &str) -> String {
        self.hidden.iter().fold(answer.to_owned(), |text, hidden| text.replace(&hidden.placeholder, &hidden.secret))
    }

    /// Replaces each secret in `text`; one that was met before, in this text or an earlier one, keeps its placeholder.
    pub(crate) fn hide(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut end = 0;
        for (range, kind) in secrets(text) {
            shown.push_str(&text[end..range.start]);
            end = range.end;
            shown.push_str(self.placeholder(kind, &text[range]));
        }
        shown.push_str(&text[end..]);
        shown
    }

    fn placeholder(&mut self, kind: &'static str, secret: &str) -> &str {
        let known = self.hidden.iter().position(|hidden| hidden.secret == secret);
        let index = known.unwrap_or_else(|| {
            let number = 1 + self.hidden.iter().filter(|hidden| hidden.kind == kind).count();
            self.hidden.push(Hidden {
                kind,
                placeholder: format!("<redacted:{kind}:{number}>"),
                secret: secret.to_owned(),
            });
            self.hidden.len() - 1
        });
        &self.hidden[index].placeholder
    }
}

impl fmt::Debug for Redactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redactions").field(&self.by_kind()).finish()
    }
}

/// Whether `text` holds anything that looks like a secret.
pub(crate) fn has_secret(text: &str) -> bool {
    !secrets(text).is_empty()
}

/// The secrets in `text`, in order and apart. Where findings overlap, the whole stretch is one secret, named by the first rule.
fn secrets(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    for (order, (rule, pattern)) in RULES.iter().zip(&*PATTERNS).enumerate() {
        for captures in pattern.captures_iter(text) {
            // The first group that took part is the secret; without groups it is the whole match, which is group 0.
            if let Some(secret) = captures.iter().skip(1).flatten().next().or(captures.get(0))
                && (rule.accept)(secret.as_str())
            {
                found.push((secret.range(), order));
            }
        }
    }
    found.sort_by_key(|(range, order)| (range.start, *order));
    let mut merged: Vec<(Range<usize>, usize)> = Vec::with_capacity(found.len());
    for (range, order) in found {
        match merged.last_mut() {
            Some((last, first)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                *first = order.min(*first);
            }
            _ => merged.push((range, order)),
        }
    }
    merged.into_iter().map(|(range, order)| (range, RULES[order].kind)).collect()
}

struct Rule {
    kind: &'static str,
    /// The secret is the first group that takes part in the match, else the whole match.
    pattern: &'static str,
    accept: fn(&str) -> bool,
}

const fn form(kind: &'static str, pattern: &'static str) -> Rule {
    Rule { kind, pattern, accept: |_| true }
}

const fn guess(kind: &'static str, pattern: &'static str, accept: fn(&str) -> bool) -> Rule {
    Rule { kind, pattern, accept }
}

/// What stands between a name and the value it gets: `x = `, `x: str = `, `"x": `, `d["x"] = `, `x == `, up to the quote.
macro_rules! assigned {
    ($name:literal) => {
        concat!(
            "(?i)(?:",
            $name,
            r#")_?\d*["'\])]{0,2}[ \t]*(?::[ \t]*[a-z_][\w.\[\], |]*?)?[ \t]*(?:=>|[=!]?=|:)[ \t]*(?:\(\s*)?"#,
            quoted!()
        )
    };
}

macro_rules! quoted {
    () => {
        r#"[rbuf]{0,2}(?:"{1,3}((?:[^"\\\n]|\\.)+)"|'{1,3}((?:[^'\\\n]|\\.)+)')"#
    };
}

/// From the most to the least specific: where two overlap, the earlier one gives the name.
const RULES: &[Rule] = &[
    // With its footer; or, where the text was cut, as far as the lines look like the inside of a key.
    form(
        "private-key",
        r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[\sA-Za-z0-9+/=\\"',:#-]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|(?:(?:\\[nr]|[\s"'+,#])*[A-Za-z0-9+/=]{16,})+)"#,
    ),
    form("aws-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    form("github-token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}\b"),
    form("gitlab-token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    form("slack-token", r"\b(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}"),
    form("slack-webhook", r"https://hooks\.slack\.com/services/[A-Za-z0-9/_]{20,}"),
    form("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
    form("openai-key", r"\bsk-(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{16,}|\bsk-[A-Za-z0-9]{20,}\b"),
    form("huggingface-token", r"\bhf_[A-Za-z0-9]{30,}\b"),
    form("google-key", r"\bAIza[A-Za-z0-9_-]{35}"),
    form("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}\b"),
    form("package-token", r"\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}"),
    form("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.e[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*"),
    guess("url-password", r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>?#]*:([^\s/"'<>]+)@"#, is_literal),
    guess("credentials", r"(?i)\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{16,})", has_digit),
    guess("password", assigned!("password|passwd|passphrase|pwd|secret"), is_password),
    guess(
        "password",
        concat!(
            r#"(?i)(?:get|getenv|setdefault)\([ \t]*["'][\w.-]*(?:password|passwd|passphrase|pwd|secret)["'][ \t]*,[ \t]*"#,
            quoted!()
        ),
        is_password,
    ),
    guess(
        "secret",
        assigned!("(?:api|access|account|auth|encryption|private|secret|signing)[_-]?key|token|credentials?"),
        is_key,
    ),
    // Connection strings (`host=db password=x`, `;PWD=x;`, `?password=x&`) and lines of an environment file. Inside a call
    // of Python commas stand between the arguments, so `f(user=u, password=p)` is no connection string.
    guess(
        "password",
        r#"(?i)(?:[;&?]|\b\w+=[^\s,"'(]+[ ;&])(?:password|passwd|pwd)=([^\s"'(),;&]+)|\b(?:password|passwd|pwd)=([^\s"'(),;&]+)[ ;&]\w+="#,
        is_password,
    ),
    guess(
        "password",
        r#"(?m)^[ \t#]*(?:export[ \t]+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)=([^\s"'()\[\],]+)[ \t]*$"#,
        is_password,
    ),
    guess("high-entropy", r"[A-Za-z0-9+/=_-]{24,}", is_random),
];

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    RULES
        .iter()
        // The patterns are constants, and the tests of this module compile every one of them.
        .map(|rule| Regex::new(rule.pattern).expect("a valid pattern"))
        .collect()
});

/// Not a template that is filled in elsewhere (`{password}`, `$PASSWORD`, `%s`, `<password>`) or a mask (`****`), nor our
/// own placeholder.
fn is_literal(value: &str) -> bool {
    let is_variable = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_template = value.starts_with(['{', '<']) && value.ends_with(['}', '>'])
        || value.starts_with("${")
        || value.starts_with("%(")
        || value == "%s"
        || value.strip_prefix('$').is_some_and(is_variable)
        || value.bytes().all(|byte| byte == b'*');
    !is_template
}

/// A sentence is a message and not a password; nor is a word that merely names the field.
fn is_password(value: &str) -> bool {
    const FIELDS: &[&str] = &["password", "passwd", "passphrase", "secret"];
    value.len() >= 4
        && is_literal(value)
        && !value.contains(char::is_whitespace)
        && !FIELDS.contains(&value.to_ascii_lowercase().as_str())
}

/// `token = "identifier"` is what a parser says; a key has digits among its letters.
fn is_key(value: &str) -> bool {
    value.len() >= 8 && is_password(value) && has_digit(value) && value.contains(|c: char| c.is_ascii_alphabetic())
}

fn has_digit(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit())
}

/// Whether a run of letters, digits and a few signs looks drawn at random.
///
/// Entropy alone takes long names for keys, so what counts is how often the kind of character changes in a way that words
/// do not: a digit beside a letter, or a capital after a small letter. Among random letters and digits that is 0.45 of all
/// neighbours, in camel case with ordinary words at most 0.2. Hexadecimal parts are digests and ids far more often than keys.
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

/// Shannon's entropy in bits per byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0usize; 256];
    for &byte in bytes {
        counts[byte as usize] += 1;
    }
    let total = bytes.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f64 / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        Redactions::default().hide(text)
    }

    /// Secrets are put together here, so that scanners leave this file alone.
    fn check(secret: &[&str], kind: &str, around: &[(&str, &str)]) {
        let secret = secret.concat();
        for (before, after) in around {
            let text = format!("{before}{secret}{after}");
            let mut redactions = Redactions::default();
            let shown = redactions.hide(&text);
            assert_eq!(shown, format!("{before}<redacted:{kind}:1>{after}"), "{text}");
            assert_eq!(redactions.restore(&shown), text);
            assert_eq!(redactions.by_kind().into_iter().collect::<Vec<_>>(), [(kind, 1)]);
        }
    }

    #[test]
    fn known_forms() {
        let random = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        let places = &[("", ""), ("x = '", "'"), ("# see ", " here\n"), ("password = \"", "\"")];
        check(&["AKIA", "IOSFODNN7EXAMPLE"], "aws-key", places);
        check(&["ghp", "_", &random[..36]], "github-token", places);
        check(&["github", "_pat_", &random[..22], "_", random], "github-token", places);
        check(&["glpat", "-", &random[..20]], "gitlab-token", places);
        check(&["xoxb", "-123456789012-", &random[..24]], "slack-token", places);
        check(&["sk-ant", "-api03-", random, "-", random], "anthropic-key", places);
        check(&["sk-", random], "openai-key", places);
        check(&["sk-proj", "-", random, "_", random], "openai-key", places);
        check(&["hf_", &random[..34]], "huggingface-token", places);
        check(&["AIza", &random[..35]], "google-key", places);
        check(&["sk_", "live_", &random[..24]], "stripe-key", places);
        check(&["npm_", &random[..36]], "package-token", places);
        check(&["eyJ", "hbGciOiJIUzI1NiJ9.eyJ", "zdWIiOiIxIn0.", random], "jwt", places);
        check(&[random], "credentials", &[("{'Authorization': 'Bearer ", "'}")]);
        check(&["https://hooks.slack", ".com/services/T000/B000/", &random[..24]], "slack-webhook", places);
    }

    #[test]
    fn private_keys_whole_and_cut_off() {
        let header = ["-----BEGIN ", "RSA PRIVATE KEY-----"].concat();
        let footer = ["-----END ", "RSA PRIVATE KEY-----"].concat();
        let line = "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0buhUJ";
        let whole = format!("{header}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n{line}\n{line}==\n{footer}");
        check(&[&whole], "private-key", &[("KEY = '''", "\n'''\n"), ("", "\n")]);
        let quoted = format!("{header}\\n\"\n    \"{line}\\n\"\n    \"{footer}");
        check(&[&quoted], "private-key", &[("KEY = (\"", "\\n\")\n")]);
        let cut = format!("{header}\n{line}\n{line}");
        check(&[&cut], "private-key", &[("KEY = '''", "\n'''\ndef f(): ...\n")]);
        let parser = format!("if line == '{header}':\n    read(line)\nelif line == '{footer}':\n    done()\n");
        assert_eq!(hidden(&parser), parser);
    }

    #[test]
    fn passwords() {
        let quoted = &[
            ("password = \"", "\""),
            ("DB_PASSWORD='", "'"),
            ("password: str = \"", "\""),
            ("{\"password\": \"", "\"}"),
            ("config['password'] = '", "'"),
            ("f(user='u', passwd='", "')"),
            ("if password == \"", "\":"),
            ("password: Optional[str] = b'", "'"),
            ("user_password2 = '''", "'''"),
            ("Client_Secret => '", "'"),
            ("os.getenv('DB_PASSWORD', '", "')"),
            ("SECRET = (\n    '", "'\n)"),
        ];
        check(&["hunter2"], "password", quoted);
        for secret in ["$ecret", "{xyz", "%Pa55", "<3<3", "$HOME1"] {
            check(&[secret], "password", &[("password = '", "'")]);
        }
        check(&["let\\\"me-in"], "password", &quoted[..1]);
        check(
            &["hunter2"],
            "password",
            &[
                ("dsn = 'host=db password=", " user=u'"),
                ("dsn = 'password=", " host=db'"),
                ("'Server=x;PWD=", ";UID=y'"),
                ("https://host/?user=u&password=", "&x=1"),
                ("DB_PASSWORD=", "\n"),
                ("# export API_TOKEN=", ""),
            ],
        );
        check(&["hunter2"], "url-password", &[("postgres://user:", "@db:5432/x"), ("redis://:", "@localhost")]);
        check(&["p@ss"], "url-password", &[("postgres://user:", "@db/x")]);
        check(&["0123abcd"], "secret", &[("API_KEY = '", "'"), ("headers['X-Api-Key'] = '", "'"), ("token=\"", "\"")]);
    }

    #[test]
    fn random_runs() {
        check(&["q8Zt3LmX", "v0RkJ7wPyB2nHs5D"], "high-entropy", &[("x = '", "'"), ("# ", "")]);
        check(&["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYzEXAMPLE4KEY9"], "high-entropy", &[("x = '", "'")]);
    }

    #[test]
    fn most_random_keys_are_found() {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        // Knuth's linear congruential generator: the same keys in every run.
        let mut state = 1u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            LETTERS[(state >> 58) as usize] as char
        };
        for (length, expected) in [(24, 800), (32, 930), (40, 970)] {
            let found = (0..1000).filter(|_| has_secret(&(0..length).map(|_| draw()).collect::<String>())).count();
            assert!(found >= expected, "{found} of 1000 keys of {length} characters");
        }
    }

    #[test]
    fn ordinary_code_is_left_alone() {
        for code in [
            "password = get_password()",
            "password = \"\"",
            "password: str = None",
            "def login(user, password): ...",
            "f(user=user, password=password)",
            "f(password=password1 if x else y)",
            "fields = ['username', 'password', 'email']",
            "PASSWORD = 'password'",
            "error = 'The password must be given'",
            "password = _('Enter your password:')",
            "password = f'{prefix}{number}'",
            "password = '${DB_PASSWORD}'",
            "password = '$PASSWORD'",
            "password='********'",
            "dict(\n    TOKEN=token,\n)",
            "f'postgres://{user}:{password}@{host}/db'",
            "'postgres://user:%s@db' % password",
            "PASSWORD_RESET_URL = '/accounts/reset/'",
            "password_field = 'pw_field_1'",
            "token = 'identifier'",
            "Token(token='NAME', value='x')",
            "self.token = self.tokens[0]",
            "key = 'user_2'",
            "api_key = os.environ['API_KEY']",
            "revision = '3f786850e387550fdab836ed7e6dc881de23001b'",
            "id = '123e4567-e89b-12d3-a456-426614174000'",
            "sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
            "0xdeadbeefdeadbeefdeadbeefdeadbeef",
            "def test_the_second_version_of_http2_frames_with_3_headers(self): ...",
            "class TestHTTP2ConnectionPoolWithManyRequests: ...",
            "'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "http://localhost:8080/path",
            "https://example.com/a:b@c",
            "'2024-01-01T00:00:00+00:00'",
            "from sk-learn import x",
            "# Basic understanding_of_the_matter",
            "text[0:10]",
            "a=b, password=c",
            "-----BEGIN CERTIFICATE-----",
            "https://github.com/boto/botocore/commit/e26766703cd11937c144ad74edf16c657d13c3f9",
            "tests/fixtures/Data2/nested/Folder3/module.py",
            "token: str = field(default='x')",
        ] {
            assert_eq!(hidden(code), code);
        }
    }

    #[test]
    fn findings_that_overlap_leave_nothing_over() {
        let key = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
        assert_eq!(hidden(&format!("password = 'left-{key}-right'")), "password = '<redacted:aws-key:1>'");
    }

    #[test]
    fn placeholders_number_secrets_by_kind_and_stand_redacting_again() {
        let mut redactions = Redactions::default();
        let shown = redactions.hide("password = 'hunter2'; password = 'hunter3'; x = 'redis://:hunter2@h'");
        assert_eq!(
            shown,
            "password = '<redacted:password:1>'; password = '<redacted:password:2>'; x = 'redis://:<redacted:password:1>@h'"
        );
        assert_eq!(hidden(&shown), shown);
        assert_eq!(format!("{redactions:?}"), "Redactions({\"password\": 2})");
    }
}
