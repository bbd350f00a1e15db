//! What is true of all grammars: they end, and their work grows with the text.

use super::*;

/// Reads `marked` without the marks `«…»` around secrets, which have to be all that is found; in pieces where they are in pieces.
pub(super) fn check(syntax: Syntax, marked: &str) {
    let (mut text, mut expected) = (String::new(), Vec::new());
    for part in marked.split('«') {
        match part.split_once('»') {
            Some((secret, behind)) => {
                expected.push(secret.to_owned());
                text.push_str(secret);
                text.push_str(behind);
            }
            None => text.push_str(part),
        }
    }
    let found: Vec<String> =
        promised(&text, syntax).iter().map(|found| text[found.value.clone()].trim().to_owned()).collect();
    assert_eq!(found, expected, "{text}");
}

const SYNTAXES: [Syntax; 13] = [
    Syntax::Python,
    Syntax::Yaml,
    Syntax::Toml,
    Syntax::Ini,
    Syntax::Shell,
    Syntax::Dockerfile,
    Syntax::Json,
    Syntax::Xml,
    Syntax::Csv,
    Syntax::Netrc,
    Syntax::Hcl,
    Syntax::Markup,
    Syntax::Unknown,
];

/// What is repeated to make a hostile text: quotation marks and brackets that are not closed, names without end, one line.
const PIECES: &[&str] = &[
    "password=",
    "password = \"",
    "password: '",
    "token=token=",
    "\"",
    "'",
    "'''",
    "{\"password\":",
    "[",
    "{",
    "(",
    "password=[",
    "password: [\n",
    "password: |\n",
    "password:\n ",
    "- ",
    "<password ",
    "<password>",
    "<![CDATA[",
    "```\n",
    "```yaml\npassword: x\n",
    "| password ",
    "password,",
    "f'{",
    "a.b.",
    "password ",
    "-p ",
    "mysql -p",
    "INSERT INTO x (password) VALUES (",
    "INSERT INTO x (password) VALUES (\"",
    "INSERT INTO x (password) VALUES (\n(\"\n",
    "INSERT INTO x (password) VALUES (1\n\" ) \n",
    "://a:b",
    "+++ a.py\n",
    "\\",
    "password=\"\\\n",
    "kind: Secret\ndata:\n",
    "bearer ",
    "x = (password == ",
    "a = 'bbbbbbbb' + a\nf(a + a, a + a)\n",
    "a = 'b'\n+a,+a,",
    "def password(",
    "passwordpassword",
    "pass-",
    "#",
    "password = <<EOF\n",
];

#[test]
fn work_grows_with_the_text() {
    let work = |piece: &str, bytes: usize, syntax: Syntax| {
        let text = piece.repeat(bytes / piece.len());
        scan(&text, &[(0..text.len(), syntax)]).work
    };
    for piece in PIECES {
        for syntax in SYNTAXES {
            let (small, large) = (work(piece, 4_000, syntax), work(piece, 16_000, syntax));
            assert!(large <= small * 5 + 4_000, "{piece:?}, {syntax:?}: {small} and {large}");
        }
    }
}

#[test]
fn ranges_are_in_the_text_and_between_characters() {
    for (first, second) in PIECES.iter().zip(PIECES.iter().skip(7).cycle()) {
        let text = format!("{first}\u{e9}\n{second}\u{1f40d}hunter2\n{first}").repeat(3);
        for syntax in SYNTAXES {
            for found in promised(&text, syntax) {
                assert!(text.get(found.value.clone()).is_some(), "{text:?}, {syntax:?}: {found:?}");
            }
        }
    }
}
