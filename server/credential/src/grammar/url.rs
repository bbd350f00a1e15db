//! Users and passwords in URLs. What a query gives to a name is found as on any line.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Scan, Writing};
use crate::promises::Promise;

/// The passwords in URLs, and tokens that stand where a user does.
pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    static WITH_PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(crate::URL).expect("a valid pattern")
    });
    static ALONE: LazyLock<Regex> = LazyLock::new(|| {
        // As above.
        Regex::new(r"://([A-Za-z0-9_.~+%-]{16,128})@").expect("a valid pattern")
    });
    let text = scan.text;
    for captures in WITH_PASSWORD.captures_iter(&text[range.clone()]) {
        let Some(secret) = captures.name("secret") else { continue };
        let value = range.start + secret.start()..range.start + secret.end();
        scan.offer_as(Promise::Password, super::URL, value, Writing::Bare);
    }
    for captures in ALONE.captures_iter(&text[range.clone()]) {
        let Some(token) = captures.get(1) else { continue };
        let value = range.start + token.start()..range.start + token.end();
        scan.offer_as(Promise::Token, super::URL, value, Writing::Literal);
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn users_and_passwords() {
        for text in [
            "see postgres://app:«hunter2»@db:5432/x\n",
            "redis://:«h8!xYz»@localhost\n",
            "https://«a1B2c3D4e5F6g7H8i9J0»@github.local/x\n",
            "http://localhost:8080/a@b\n",
            "база postgres://app:«hunter2»@db\n",
        ] {
            check(Syntax::Markup, text);
        }
    }
}
