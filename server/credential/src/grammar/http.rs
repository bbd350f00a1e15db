//! Headers: the scheme before what `Authorization` holds, and what follows it wherever it stands.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Scan, Writing};
use crate::promises::Promise;

const SCHEMES: &[&str] = &["bearer", "basic", "token", "digest", "apikey", "negotiate", "sso-key", "aws4-hmac-sha256"];

/// How many bytes of `value` are a scheme and the space behind it.
pub(super) fn scheme(value: &str) -> usize {
    let beginning = &value[..value.floor_char_boundary(20)];
    let Some((first, _)) = beginning.split_once(' ') else { return 0 };
    let is_scheme = SCHEMES.iter().any(|scheme| first.eq_ignore_ascii_case(scheme));
    if is_scheme { value.len() - value[first.len()..].trim_start().len() } else { 0 }
}

/// What follows `Bearer` and `Basic`.
pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    static CREDENTIALS: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(r"(?i-u)\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{16,})").expect("a valid pattern")
    });
    let text = scan.text;
    for captures in CREDENTIALS.captures_iter(&text[range.clone()]) {
        let Some(value) = captures.get(1).filter(|value| value.as_str().contains(|c: char| c.is_ascii_digit())) else {
            continue;
        };
        let value = range.start + value.start()..range.start + value.end();
        scan.offer_as(Promise::Key, super::AUTHORIZATION, value, Writing::Quoted);
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn credentials_after_an_authorization_scheme() {
        for text in [
            "Authorization: Bearer «a1B2c3D4e5F6g7H8i9J0»\n",
            "\"authorization\": \"Basic «Ym9iOmh1bnRlcjI9»\"\n",
            "the bearer understandingofthematter\n",
        ] {
            check(Syntax::Markup, text);
        }
    }
}
