//! What programs take by a letter: `mysql -uroot -p…`, `curl -u user:…`, `sshpass -p …`. Long options are found by their
//! names, on any line. Also where a command is a list of strings.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Scan, Writing, lines};
use crate::promises::Promise;

/// Programs with the option that is followed by a password.
const PASSWORDS: &[(&str, &[&str])] = &[
    ("mysql", &["-p"]),
    ("mysqldump", &["-p"]),
    ("mysqladmin", &["-p"]),
    ("mariadb", &["-p"]),
    ("sshpass", &["-p"]),
    ("mongo", &["-p"]),
    ("mongosh", &["-p"]),
    ("mongodump", &["-p"]),
    ("mongorestore", &["-p"]),
    ("login", &["-p"]),
    ("twine", &["-p"]),
    ("smbclient", &["-p"]),
    ("influx", &["-p"]),
    ("clickhouse-client", &["-p"]),
    ("cypher-shell", &["-p"]),
    ("rabbitmqadmin", &["-p"]),
    ("ipmitool", &["-P"]),
    ("mosquitto_pub", &["-P"]),
    ("mosquitto_sub", &["-P"]),
    ("sqlcmd", &["-P"]),
    ("bcp", &["-P"]),
    ("zip", &["-P"]),
    ("unzip", &["-P"]),
    ("7z", &["-p"]),
    ("ldapsearch", &["-w"]),
    ("ldapadd", &["-w"]),
    ("ldapmodify", &["-w"]),
    ("ldapwhoami", &["-w"]),
    ("redis-cli", &["-a"]),
    ("openssl", &["-k", "-K", "-passin", "-passout", "-pass"]),
    ("htpasswd", &["-b"]),
    ("chpasswd", &[]),
    ("curl", &[]),
    ("wget", &[]),
    ("http", &[]),
];

/// Options that are followed by a user and a password with a colon between them, of any program.
const PAIRS: &[&str] = &["-u", "--user", "-U", "--proxy-user", "-a", "--auth", "--userpwd", "--basic-auth", "--basic"];

/// Lines on which a command may go on.
const MAX_LINES: usize = 12;

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    static PROGRAM: LazyLock<Regex> = LazyLock::new(|| {
        let names: Vec<String> = PASSWORDS.iter().map(|(name, _)| regex::escape(name)).collect();
        // Constants, which the tests compile.
        Regex::new(&format!(r"(?-u)\b(?:{}|--?[uU]|--user|--proxy-user|--auth|--basic)\b", names.join("|")))
            .expect("a valid pattern")
    });
    let text = scan.text;
    // Of most texts nothing is read a second time.
    let Some(first) = PROGRAM.find(&text[range.clone()]) else { return };
    let start =
        text[range.start..range.start + first.start()].rfind('\n').map_or(range.start, |at| range.start + at + 1);
    let mut command = Command { options: &[], expects: Expects::Nothing, lines: 0 };
    for line in lines(text, start..range.end) {
        scan.work += line.len();
        for word in words(text, line.clone()) {
            command.read(scan, word);
        }
        let continues = text[line.clone()].trim_end().ends_with(['\\', ',', '[', '(', '|']);
        command.lines += 1;
        if !continues || command.lines > MAX_LINES {
            command = Command { options: &[], expects: Expects::Nothing, lines: 0 };
        }
    }
}

/// What is known of a command before its next word.
struct Command {
    /// Of its program, those before a password.
    options: &'static [&'static str],
    expects: Expects,
    lines: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Nothing,
    Password,
    Pair,
    /// `htpasswd -b FILE USER PASSWORD`: so many words before it.
    After(usize),
}

impl Command {
    fn read(&mut self, scan: &mut Scan, word: Range<usize>) {
        let text = &scan.text[word.clone()];
        if let Some((_, options)) = PASSWORDS
            .iter()
            .find(|(name, _)| text == *name || text.strip_suffix(name).is_some_and(|path| path.ends_with('/')))
        {
            // `docker login`, not `login -p` of something else before.
            self.options = options;
            self.expects = Expects::Nothing;
            return;
        }
        match std::mem::replace(&mut self.expects, Expects::Nothing) {
            Expects::Password if !text.starts_with('-') => {
                // `pass:…` is how openssl is told.
                let start = word.start + if text.starts_with("pass:") { 5 } else { 0 };
                scan.offer_as(Promise::Password, "-p", start..word.end, Writing::Bare);
                return;
            }
            Expects::Pair => return pair(scan, word),
            Expects::After(0) => {
                scan.offer_as(Promise::Password, "-b", word, Writing::Bare);
                return;
            }
            Expects::After(left) => {
                self.expects = Expects::After(left - usize::from(!text.starts_with('-')));
                return;
            }
            _ => {}
        }
        if let Some(option) = self.options.iter().find(|option| text.starts_with(**option)) {
            match (text.len() > option.len(), *option) {
                (false, "-b") => self.expects = Expects::After(2),
                (false, _) => self.expects = Expects::Password,
                // `-phunter2`; a longer option is another one.
                (true, option) if option.len() == 2 && !text.starts_with("--") && !matches!(option, "-b") => {
                    let value = word.start + option.len()..word.end;
                    if !matches!(&scan.text[value.clone()], "ort" | "rivate" | "ass" | "assword" | "assin" | "assout") {
                        scan.offer_as(Promise::Password, option, value, Writing::Bare);
                    }
                }
                _ => {}
            }
        } else if PAIRS.contains(&text) {
            self.expects = Expects::Pair;
        } else if let Some(value) =
            text.strip_prefix("--user=").or(text.strip_prefix("-u")).filter(|value| value.contains(':'))
        {
            pair(scan, word.end - value.len()..word.end);
        }
    }
}

/// `user:password`, not the numbers of a user and a group.
fn pair(scan: &mut Scan, word: Range<usize>) {
    let text = &scan.text[word.clone()];
    if let Some((user, password)) = text.split_once(':')
        && !(is_number(user) && is_number(password))
        && !password.starts_with("//")
    {
        scan.offer_as(Promise::Password, "--user", word.end - password.len()..word.end, Writing::Bare);
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words of a line as a shell or a list of strings has them, without quotation marks.
fn words(text: &str, line: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = &text.as_bytes()[..line.end];
    let mut at = line.start;
    std::iter::from_fn(move || {
        let is_between = |at: usize| match bytes[at] {
            b' ' | b'\t' | b'"' | b'\'' | b'`' | b'[' | b']' | b'(' | b')' => true,
            b',' => bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'"' | b'\'')),
            _ => false,
        };
        while at < line.end && is_between(at) {
            at += 1;
        }
        let start = at;
        // What was opened by a quotation mark is closed by the same.
        let quote = start.checked_sub(1).map(|before| bytes[before]).filter(|byte| matches!(byte, b'"' | b'\''));
        let is_one =
            quote.is_some_and(|_| start >= line.start + 2 && matches!(bytes[start - 2], b' ' | b'=' | b',' | b'['));
        while at < line.end && (if is_one { Some(bytes[at]) != quote && bytes[at] != b' ' } else { !is_between(at) }) {
            at += 1;
        }
        (at > start).then_some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn what_programs_take_by_a_letter() {
        for text in [
            "mysql -uroot -p«hunter2» db\n",
            "sshpass -p «hunter2» ssh host\n",
            "curl -u bob:«hunter2» https://api.local\n",
            "htpasswd -b .htpasswd bob «hunter2»\n",
            "openssl enc -k «hunter2» -in a\n",
            "docker run -u 1000:1000 image\n",
            "mkdir -p folder/name\n",
            "curl \\\n  -u bob:«hunter2» \\\n  https://api.local\n",
            "python -m http.server -p 8080\n",
        ] {
            check(Syntax::Shell, text);
        }
    }
}
