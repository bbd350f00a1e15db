//! Secrets in text: found by their form, replaced by placeholders, put back into answers.
//!
//! A wrong guess costs little, because [`Redactions::restore`] undoes it; a missed secret costs its owner. So the rules lean
//! towards guessing, except where ordinary code would be mistaken all the time: commit hashes, UUIDs, long names and words
//! are left alone unless they are assigned to something called a password or a key.

mod parts;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use credential::promises::Promise;
use credential::{formats, grammar, values};
use regex::{Captures, Regex};

/// What was replaced in one request. Counts are for people; the secrets themselves are never printed.
#[derive(Default)]
pub struct Redactions {
    hidden: Vec<Hidden>,
    /// Where in `hidden` a secret is, and one behind a placeholder.
    by_secret: HashMap<String, usize>,
    by_placeholder: HashMap<String, usize>,
    of_kind: HashMap<&'static str, usize>,
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
        let secret = |found: &Captures| {
            let placeholder = &found[0];
            let hidden = self.by_placeholder.get(placeholder).map(|&index| &self.hidden[index]);
            hidden.map_or(placeholder, |hidden| hidden.secret.as_str()).to_owned()
        };
        PLACEHOLDER.replace_all(answer, secret).into_owned()
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
        let index = self.by_secret.get(secret).copied().unwrap_or_else(|| {
            let number = self.of_kind.entry(kind).and_modify(|number| *number += 1).or_insert(1);
            let placeholder = format!("<redacted:{kind}:{number}>");
            let index = self.hidden.len();
            self.by_secret.insert(secret.to_owned(), index);
            self.by_placeholder.insert(placeholder.clone(), index);
            self.hidden.push(Hidden { kind, placeholder, secret: secret.to_owned() });
            index
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

/// The secrets in `text`, in order and apart. Where findings overlap, the whole stretch is one secret, named by what is the
/// most specific: a format, then what stands in a URL or a header, then a name, then that it is random.
fn secrets(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let tokens = formats::candidates(text).map(|(index, range)| (range, index, format_kind(index)));
    let mut found: Vec<(Range<usize>, usize, &'static str)> = tokens.collect();
    let behind = formats::FORMATS.len();
    for promised in grammar::promised_in(text, &parts::parts(text)) {
        let (order, kind) = match (promised.promise, &*promised.name) {
            (_, grammar::URL) => (0, "url-password"),
            (_, grammar::AUTHORIZATION) => (1, "credentials"),
            (Promise::Password, _) => (2, "password"),
            _ => (3, "secret"),
        };
        found.push((promised.value, behind + order, kind));
    }
    let runs = RUNS.find_iter(text).filter(|run| values::is_random(run.as_str()) && !is_checksum(run.as_str()));
    found.extend(runs.map(|run| (run.range(), usize::MAX, "high-entropy")));
    found.sort_by_key(|(range, order, _)| (range.start, *order));
    let mut merged: Vec<(Range<usize>, usize, &'static str)> = Vec::with_capacity(found.len());
    for (range, order, kind) in found {
        match merged.last_mut() {
            Some((last, first, first_kind)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                if order < *first {
                    (*first, *first_kind) = (order, kind);
                }
            }
            _ => merged.push((range, order, kind)),
        }
    }
    // A prompt that was redacted before keeps its placeholders.
    let mut placeholders = PLACEHOLDER.find_iter(text).peekable();
    merged.retain(|(range, ..)| {
        while placeholders.next_if(|placeholder| placeholder.end() <= range.start).is_some() {}
        placeholders.peek().is_none_or(|placeholder| range.start < placeholder.start() || range.end > placeholder.end())
    });
    merged.into_iter().map(|(range, _, kind)| (range, kind)).collect()
}

/// What lock files say of a package: `sha512-…` in base 64, of the length that it must have.
fn is_checksum(run: &str) -> bool {
    [("sha1-", 28), ("sha256-", 44), ("sha384-", 64), ("sha512-", 88)]
        .iter()
        .any(|(start, length)| run.strip_prefix(start).is_some_and(|digest| digest.len() == *length))
}

fn format_kind(index: usize) -> &'static str {
    match formats::FORMATS[index].kind {
        "npm-token" | "pypi-token" | "rubygems-key" => "package-token",
        kind => kind,
    }
}

/// What may be random.
static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    // A constant that the tests compile.
    Regex::new(r"(?-u)[A-Za-z0-9+/=_-]{24,}").expect("a valid pattern")
});

/// What stands for a secret.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    // As above.
    Regex::new(r"(?-u)<redacted:[a-z0-9-]+:[0-9]+>").expect("a valid pattern")
});

#[cfg(test)]
mod planted;

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
            ("os.getenv('DB_PASSWORD', '", "')"),
            ("PASSPHRASE = (\n    '", "'\n)"),
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
                ("# export API_PASSWORD=", ""),
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
    fn checksums_of_lock_files_are_left_alone() {
        let digest = "rJ8L9Pv0qk3ZyXw2Nf5TmU".repeat(4);
        let line = |start: &str, length: usize| format!("\"integrity\": \"{start}{}==\"", &digest[..length]);
        assert_eq!(hidden(&line("sha512-", 86)), line("sha512-", 86));
        assert!(hidden(&line("sha512-", 60)).contains("<redacted:high-entropy:1>"));
        assert!(hidden(&line("", 86)).contains("<redacted:high-entropy:1>"));
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

    /// Cases and values are in the same order, a value a line, or several with spaces between them. They hold a sign that
    /// keeps scanners away.
    #[test]
    fn whatever_is_reported_is_hidden() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/lint/secrets");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap().replace('§', "");
        let (cases, values) = (read("positive.txt"), read("values.txt"));
        let cases: Vec<&str> = cases.split("#= ").skip(1).collect();
        let values: Vec<&str> = values.lines().collect();
        assert_eq!(cases.len(), values.len());
        for (case, values) in cases.into_iter().zip(values) {
            let shown = hidden(case);
            for value in values.split(' ') {
                assert!(case.contains(value), "{value} is not in {case}");
                assert!(!shown.contains(value), "{value} is left over in {shown}");
            }
        }
    }
}
