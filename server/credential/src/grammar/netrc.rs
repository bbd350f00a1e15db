//! Files of logins: `.netrc`, `.pgpass`, `.htpasswd`.

use std::ops::Range;

use super::{Scan, Writing, lines};
use crate::promises::Promise;

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
