//! Files of logins: `.netrc`, `.pgpass`, `.htpasswd`.

use std::ops::Range;

use super::{Scan, Writing, lines};
use crate::promises::Promise;

/// Whether `text` looks like one of these files: each of its lines does.
pub(super) fn is_own(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let Some(first) = lines.peek().copied() else { return false };
    if is_machine(first) {
        let words = ["machine ", "default", "login ", "user ", "password ", "account ", "macdef "];
        return lines.all(|line| words.iter().any(|word| line.starts_with(word)));
    }
    lines.all(|line| is_pgpass(line) || is_htpasswd(line))
}

/// `machine HOST`, alone or with what else is known of it, and nothing besides.
fn is_machine(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("machine")
        && words.next().is_some_and(|host| host.contains(['.', ':']) || host == "localhost")
        && words.next().is_none_or(|word| matches!(word, "login" | "user" | "password" | "account"))
}

/// `host:port:database:user:password`
fn is_pgpass(line: &str) -> bool {
    let fields: Vec<&str> = line.splitn(5, ':').collect();
    matches!(fields.as_slice(), [host, port, _, _, password] if !host.is_empty()
        && !password.is_empty()
        && (*port == "*" || !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())))
        && !line.contains(char::is_whitespace)
}

/// `user:hash`
fn is_htpasswd(line: &str) -> bool {
    const HASHES: &[&str] = &["{SHA}", "$apr1$", "$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$"];
    line.split_once(':').is_some_and(|(user, hash)| {
        !user.is_empty() && !line.contains(char::is_whitespace) && HASHES.iter().any(|start| hash.starts_with(start))
    })
}

/// A line of any text that holds all of an entry.
pub(super) fn is_entry(line: &str) -> bool {
    let line = line.trim();
    is_machine(line) && line.contains(" password ") || is_htpasswd(line)
}

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let mut is_next = false;
    for line in lines(text, range) {
        let content = &text[line.clone()];
        if content.trim_start().starts_with('#') {
            continue;
        }
        let mut at = line.start;
        for word in content.split_whitespace() {
            // Words are parts of the text, in its order.
            at += text[at..line.end].find(word).unwrap_or(0);
            let value = at..at + word.len();
            at = value.end;
            if std::mem::replace(&mut is_next, matches!(word, "password" | "passwd" | "account")) {
                scan.offer_as(Promise::Password, "password", value, Writing::Bare);
            }
        }
        fields(scan, line);
    }
}

/// `host:port:database:user:password` and `user:hash`.
fn fields(scan: &mut Scan, line: Range<usize>) {
    let text = &scan.text[line.clone()];
    if text.contains(char::is_whitespace) || text.contains("://") {
        return;
    }
    let behind = match text.split(':').count() {
        5.. => text.splitn(5, ':').last(),
        2 => text.split_once(':').map(|(_, rest)| rest),
        _ => None,
    };
    if let Some(password) = behind {
        scan.offer_as(Promise::Password, "password", line.end - password.len()..line.end, Writing::Bare);
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn netrc_and_pgpass_values_are_found() {
        for text in [
            "machine api.local\n  login bob\n  password «hunter2»\n",
            "machine a.local login bob password «hunter2» # c\n",
            "db.local:5432:app:bob:«hunter2»\n",
            "# c\n",
        ] {
            check(Syntax::Netrc, text);
        }
    }
}
