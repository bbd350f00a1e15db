//! Settings line by line: INI, properties, `.npmrc`, environment files, what scripts export, `ENV` and `ARG` of a Dockerfile.

use std::ops::Range;

use super::{Scan, Syntax, Writing, indentation, lines};
use crate::promises::promise;

/// Words before a name that say that it is given a value.
const COMMANDS: &[&str] = &[
    "export",
    "set",
    "setenv",
    "setx",
    "declare",
    "local",
    "readonly",
    "typeset",
    "env",
    "ENV",
    "ARG",
    "SET",
    "SetEnv",
    "setEnv",
    "rem",
    "REM",
    "-x",
    "-gx",
    "-e",
    "--env",
    "--build-arg",
    "-Ux",
    "-r",
    "-g",
    "--export",
    "--global",
    "const",
    "let",
    "var",
    "define",
];

pub(super) fn scan(scan: &mut Scan, range: Range<usize>, syntax: Syntax) {
    let text = scan.text;
    // A name without a value on its own line, and how far it is indented.
    let mut waiting: Option<(&str, usize)> = None;
    let mut read_up_to = range.start;
    for line in lines(text, range.clone()) {
        if line.start < read_up_to {
            continue;
        }
        scan.work += line.len();
        let indent = indentation(&text[line.clone()]);
        if let Some((name, depth)) = waiting.take()
            && indent > depth
            && !text[line.clone()].trim().is_empty()
        {
            scan.offer(name, line.clone(), Writing::Bare);
            waiting = Some((name, depth));
            continue;
        }
        let Some(setting) = setting(text, line.clone(), syntax) else { continue };
        let name = text[setting.name.clone()].trim();
        if promise(name).is_none() {
            continue;
        }
        let value = &text[setting.value.clone()];
        if value.trim().is_empty() && syntax == Syntax::Ini && !setting.is_comment {
            waiting = Some((name, indent));
            continue;
        }
        let (value, writing, end) = value_of(text, setting.value, range.end, syntax);
        read_up_to = end;
        // Of comments only what no sentence is.
        let is_one = !text[value.clone()].trim().contains(char::is_whitespace);
        if setting.is_comment && !is_one {
            continue;
        }
        scan.offer(name, value, writing);
    }
}

struct Setting {
    name: Range<usize>,
    /// The rest of the line.
    value: Range<usize>,
    is_comment: bool,
}

/// What a line gives a value to.
fn setting(text: &str, line: Range<usize>, syntax: Syntax) -> Option<Setting> {
    let whole = &text[line.clone()];
    // The sign of a diff, a prompt, the beginning of a list.
    let mut rest = whole.trim_start_matches([' ', '\t', '+', '>', '$', '*']);
    let bare = rest.trim_start_matches(['#', ';', '!', '/']).trim_start();
    let is_comment = bare.len() < rest.len() && !rest.starts_with("//") || rest.starts_with("// ");
    if is_comment {
        rest = bare;
    }
    if let Some(of_environment) = rest.strip_prefix("$env:").or(rest.strip_prefix("env:")) {
        rest = of_environment;
    }
    let mut has_command = false;
    while let Some((_, more)) = rest.split_once([' ', '\t']).filter(|(word, _)| COMMANDS.contains(word)) {
        (rest, has_command) = (more.trim_start(), true);
    }
    rest = rest.trim_start_matches(['"', '\'']);
    let start = line.end - rest.len();
    let Some(sign) = rest.find(['=', ':', '\u{ff1a}']) else {
        let is_spaced = has_command || syntax == Syntax::Ini && rest.split_whitespace().count() == 2;
        return if is_spaced { spaced(start, rest, is_comment) } else { None };
    };
    let is_space_first =
        rest.find([' ', '\t']).is_some_and(|space| space < sign && !rest[space..sign].trim().is_empty());
    // `:` inside of a name, as in `//registry/:_authToken=…`, is not what ends it.
    let sign = match rest[sign..].strip_prefix(':') {
        Some(behind) if !behind.starts_with([' ', '\t']) && !behind.is_empty() => match rest.find('=') {
            Some(equals) if !rest[..equals].trim_end().contains(' ') => equals,
            _ => sign,
        },
        _ => sign,
    };
    let is_spaced = is_space_first && (has_command || syntax == Syntax::Ini && rest.split_whitespace().count() == 2);
    if is_spaced {
        return spaced(start, rest, is_comment);
    }
    let name = start..start + rest[..sign].trim_end_matches([' ', '\t', '?', '+', ':', '"', '\'']).len();
    let behind = start + sign + rest[sign..].chars().next().map_or(1, char::len_utf8);
    let is_double = text[behind..line.end].starts_with(['=', '>']);
    let value = behind + usize::from(is_double)..line.end;
    (text[name.clone()].split_whitespace().count() <= 4).then_some(Setting { name, value, is_comment })
}

/// `setenv NAME value`, `requirepass value`.
fn spaced(start: usize, rest: &str, is_comment: bool) -> Option<Setting> {
    let name = rest.find([' ', '\t'])?;
    Some(Setting { name: start..start + name, value: start + name + 1..start + rest.len(), is_comment })
}

/// The value at the beginning of `rest`, how it is written, and where reading goes on.
fn value_of(text: &str, rest: Range<usize>, end: usize, syntax: Syntax) -> (Range<usize>, Writing, usize) {
    let content = &text[rest.clone()];
    let start = rest.end - content.trim_start().len();
    let value = &text[start..rest.end];
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let triple = ["\"\"\"", "'''"].into_iter().find(|mark| value.starts_with(mark));
        let mark = triple.unwrap_or(&value[..1]);
        let inner = start + mark.len();
        // A value of several lines is closed by the same sign.
        let within = if value[1..].contains(quote) && triple.is_none() {
            rest.end
        } else {
            text.floor_char_boundary(end.min(start + (64 << 10)))
        };
        return match closing(&text[inner..within], mark) {
            Some(length) => (inner..inner + length, Writing::Quoted, inner + length + mark.len()),
            None => (inner.min(rest.end)..rest.end, Writing::Quoted, rest.end),
        };
    }
    let ends = match syntax {
        Syntax::Ini => [" #", " ;", "\t#"],
        _ => [" #", "; ", " &&"],
    };
    let mut length = ends.iter().filter_map(|sign| value.find(sign)).min().unwrap_or(value.len());
    if syntax == Syntax::Shell || syntax == Syntax::Dockerfile && value.contains('=') {
        // What follows is another one, or a command.
        let word = value[..length].find([' ', '\t']).unwrap_or(length);
        let is_command =
            value[word..length].trim_start().starts_with(|c: char| c.is_ascii_alphabetic() || c == '-' || c == '\\');
        length = if is_command || value.contains('=') { word } else { length };
    }
    (start..start + length, Writing::Bare, rest.end)
}

/// Where `mark` is that no backslash stands before.
fn closing(text: &str, mark: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let was_escaped = is_escaped;
        is_escaped = c == '\\' && !was_escaped;
        (!was_escaped && text[at..].starts_with(mark)).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn names_and_values_line_by_line() {
        for text in [
            "[db]\nhost = x\npassword = «hunter2»\n",
            "password: «hunter2»\n",
            "password=«hunter2» ; why\n",
            "password =\n    «hunter2»\n",
            "requirepass «hunter2»\n",
            "SetEnv DB_PASSWORD «hunter2»\n",
            ";password = «hunter2»\n",
            "password = %(other)s\n",
            "password_file = /run/x\n",
        ] {
            check(Syntax::Ini, text);
        }
    }
}
