//! What a string is for, told by its place in a call or a list.

use super::lexer::Literal;
use super::{Frame, Open, look_inside, offer, whole};
use crate::grammar::{Scan, Writing, line};
use crate::names::{self, LOOKUPS};
use crate::promises::{Promise, promise};
use crate::values;

/// Literals of one call that are kept until it ends.
pub(super) const MAX_ARGUMENTS: usize = 8;

/// Calls that take a user and then a password.
const AUTHENTICATORS: &[&str] = &[
    "login",
    "authenticate",
    "auth",
    "basicauth",
    "credentials",
    "credential",
    "creds",
    "logon",
    "signin",
    "useradd",
    "adduser",
    "user",
    "superuser",
    "connect",
    "account",
];

/// What a function does that gives back another thing than it says, or takes one.
const VERBS: &[&str] = &[
    "reset", "check", "validate", "verify", "change", "set", "update", "hash", "forgot", "confirm", "test", "is",
    "has", "on", "handle", "render", "parse", "ask", "prompt", "input", "send", "delete", "remove", "encrypt", "show",
    "hide", "clean", "with", "use", "no", "requires", "require",
];

/// What a function does that looks for a secret by the name that it is given.
const LOOKS_UP: &[&str] = &[
    "get", "read", "load", "fetch", "lookup", "find", "ask", "input", "prompt", "is", "has", "no", "require",
    "requires", "missing", "invalid",
];

/// Functions that give back their first argument in another form.
pub(super) fn hands_on(callee: &str) -> bool {
    [
        "dedent",
        "unquote",
        "decompress",
        "reversed",
        "join",
        "fromhex",
        "unhexlify",
        "decrypt",
        "deobfuscate",
        "cast",
        "field",
        "format",
    ]
    .contains(&callee)
        || callee.ends_with("decode") && callee != "decode"
        || callee.contains("secret")
}

/// Whether what a function returns is what its name promises.
pub(super) fn gives_what_it_says(function: &str) -> bool {
    promise(function).is_some()
        && !names::words(function).first().is_some_and(|verb| VERBS.contains(&&**verb) && function.contains(['_', '-']))
}

/// What the first hole of a template stands for, if that is a secret: `password=%s`, `https://bob:{}@`.
pub(super) fn template(content: &str) -> Option<&'static str> {
    if content.len() > 512 {
        return None;
    }
    let holes =
        ["%s", "{}", "{0}", "{1}", "%(", "{p"].iter().flat_map(|hole| content.match_indices(hole)).map(|(at, _)| at);
    let promises_it = |at: usize| {
        let before = content[..at].trim_end_matches(['"', '\'', ' ', '{']);
        let name = before.trim_end_matches([':', '=', ' ', '"', '\'']);
        let start = name.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).map_or(0, |at| at + 1);
        let is_url = || {
            name.len() < before.len()
                && before.ends_with(':')
                && content[..at].contains("://")
                && content[at..].contains('@')
        };
        let name = name.get(start..).unwrap_or_default();
        name.len() < before.len() && promise(name).is_some_and(|promise| promise < Promise::Hint) || is_url()
    };
    holes.into_iter().any(promises_it).then_some("password")
}

/// An argument: by its keyword, by the one before it, by what the call is given to.
pub(super) fn argument<'t>(scan: &mut Scan<'t>, frame: &mut Frame<'t>, value: &[Literal]) -> bool {
    if frame.compared.is_some_and(|name| offer(scan, name, None, value)) {
        return true;
    }
    if let Some(keyword) = frame.name {
        if offer(scan, keyword, None, value) {
            return true;
        }
        let is_default = matches!(
            keyword,
            "default"
                | "value"
                | "initial"
                | "const"
                | "secret_value"
                | "raw"
                | "plaintext"
                | "fallback"
                | "server_default"
                | "default_value"
        );
        return is_default && frame.label.or(frame.given).is_some_and(|name| offer(scan, name, None, value))
            || frame.callee == Some("format") && frame.given.is_some_and(|name| offer(scan, name, None, value));
    }
    let callee = frame.callee.unwrap_or_default();
    if let Some(name) = frame.before.filter(|name| frame.position > 0 && !name.contains(' ') && promise(name).is_some())
    {
        let is_lookup = LOOKUPS.contains(&callee)
            || callee.contains("env")
            || callee.contains("config")
            || callee.contains("header")
            || callee.contains("setenv");
        if (is_lookup || !is_words(scan, value)) && offer(scan, name, None, value) {
            return true;
        }
    }
    let is_of_all = matches!(callee, "format" | "join" | "replace");
    frame.given.filter(|_| frame.position == 0 || is_of_all).is_some_and(|name| offer(scan, name, None, value))
}

/// An element of a list or a tuple: behind an option, or behind a name.
pub(super) fn element<'t>(scan: &mut Scan<'t>, frame: &mut Frame<'t>, value: &[Literal]) -> bool {
    let Some(before) = frame.before.filter(|before| !before.contains(['=', ' ']) && promise(before).is_some()) else {
        return false;
    };
    let is_option = before.starts_with('-');
    let is_pair = matches!(frame.open, Open::Group | Open::List) && frame.position == 1 && !is_words(scan, value);
    (is_option || is_pair) && offer(scan, before, None, value)
}

/// What only the end of a call tells: `login("bob", "…")`, `set_password("…")`, `compare_digest(password, "…")`.
pub(super) fn end<'t>(scan: &mut Scan<'t>, frame: &Frame<'t>) {
    // `connect(HOST, USER, PASSWORD, DATABASE)`; else what is last.
    let place = if frame.callee == Some("connect") && frame.positional.len() > 2 {
        2
    } else {
        frame.positional.len().saturating_sub(1)
    };
    for (number, literal) in frame.positional.iter().enumerate() {
        let is_taken = number == place && takes(scan, frame, literal, number);
        if !is_taken {
            look_inside(scan, literal);
        }
    }
}

fn takes<'t>(scan: &mut Scan<'t>, frame: &Frame<'t>, last: &Literal, before: usize) -> bool {
    let is_alone = before == 0;
    let callee = frame.callee.unwrap_or_default();
    let words = names::words(callee);
    let first = words.first().map(String::as_str).unwrap_or_default();
    let kind = words.last().map(String::as_str).unwrap_or_default();
    let value = std::slice::from_ref(last);
    let compares = ["compare", "equal", "assert", "check", "verify", "eq", "match"]
        .iter()
        .any(|word| callee.to_ascii_lowercase().contains(word));
    if compares && frame.argument.is_some_and(|name| offer(scan, name, None, value)) {
        return true;
    }
    // `info("password=%s", "…")`
    if frame.template.is_some() && !is_alone && offer(scan, "password", Some(Promise::Password), value) {
        return true;
    }
    // `b64encode(b"bob:…")`
    if callee.ends_with("b64encode")
        && let Some(password) = scan.behind_user(Promise::Token, "auth", &last.content)
    {
        return scan.offer_as(Promise::Password, "auth", password, Writing::Literal);
    }
    if promise(callee).is_some_and(|promise| promise < Promise::Hint)
        && !LOOKS_UP.contains(&first)
        && !line::is_of_pair(callee)
    {
        return offer(scan, callee, None, value);
    }
    let is_authenticator = AUTHENTICATORS.contains(&kind)
        || callee.to_ascii_lowercase().ends_with("basicauth")
        || callee.to_ascii_lowercase().ends_with("digestauth")
        || callee.to_ascii_lowercase().ends_with("credentials");
    let content = &scan.text[last.content.clone()];
    // The last of several; a database's name or an address is none.
    let is_other = content.contains(['/', '@', ' ']) && content.contains('.')
        || content.starts_with('/')
        || kind == "connect" && before < 2 && is_words(scan, value);
    is_authenticator
        && frame.position > 0
        && (!is_alone || frame.argument.is_none() && frame.position == 1)
        && !is_other
        && offer(scan, "password", Some(Promise::Password), value)
}

fn is_words(scan: &Scan, value: &[Literal]) -> bool {
    values::is_words(&whole(scan.text, value).0)
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn what_a_string_is_by_its_place_in_a_call() {
        for text in [
            "login(\"bob\", \"«hunter2»\")\n",
            "os.getenv(\"DB_PASSWORD\", \"«hunter2»\")\n",
            "user.set_password(\"«hunter2»\")\n",
            "hmac.compare_digest(password, \"«hunter2»\")\n",
            "run([\"mysql\", \"--password\", \"«hunter2»\"])\n",
            "\"password=%s\" % \"«hunter2»\"\n",
            "getpass(\"Password: \")\n",
            "check_password(\"user_password\")\n",
        ] {
            check(Syntax::Python, text);
        }
    }
}
