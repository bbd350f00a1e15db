//! A command needs no shell where its words are known, and each value in it is one word or a part of one.

use syntax::ast::{Expr, ExprCall};
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain, keyword};
use super::template::{Part, literal, parts, quote_of, source};
use crate::{Applicability, Danger, Fix, Input};

/// What only a shell knows.
const BUILTINS: &[&str] = &[
    ".", ":", "alias", "bg", "builtin", "cd", "command", "eval", "exec", "exit", "export", "fg", "hash", "jobs",
    "local", "popd", "pushd", "read", "return", "set", "shift", "source", "times", "trap", "type", "ulimit", "umask",
    "unalias", "unset", "wait",
];

/// `run("ls -l", shell=True)` → `run(["ls", "-l"])`.
pub(super) fn without_shell(site: &Site) -> Option<Fix> {
    let takes_command = |name: &str| Danger::of(name).is_some_and(|danger| danger.input == Input::Command);
    let (call, _) = site.call_of(takes_command)?;
    let shell = call.arguments.find_keyword("shell")?;
    if !is_plain(&call.arguments)
        || !matches!(&shell.value, Expr::BooleanLiteral(value) if value.value)
        || keyword(call, "executable").is_some()
    {
        return None;
    }
    let command = call.arguments.find_argument_value("args", 0)?;
    let edits = vec![
        TextEdit::replace(command.range(), list(site, command)?),
        site.remove_argument(&call.arguments, shell.range())?,
    ];
    fix("Run the command without a shell", Applicability::Unsafe, edits)
}

/// `os.system("ls -l")` → `subprocess.run(["ls", "-l"], check=False)` where nobody looks at the result.
pub(super) fn subprocess_instead_of_system(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "os.system")?;
    let [command] = &*call.arguments.args else { return None };
    if !call.arguments.keywords.is_empty() || !is_statement(site, call) || site.has_comment(call.range()) {
        return None;
    }
    let list = list(site, command)?;
    let edits = site.with_import("subprocess", call.range(), |module| format!("{module}.run({list}, check=False)"))?;
    fix("Run the command without a shell", Applicability::Unsafe, edits)
}

/// `os.popen("ls -l").read()` → `subprocess.run(["ls", "-l"], stdout=subprocess.PIPE, text=True, check=False).stdout`.
pub(super) fn output_of_subprocess(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "os.popen")?;
    let [command] = &*call.arguments.args else { return None };
    let read = site.calls().find(|outer| {
        let method = outer.func.as_attribute_expr().filter(|method| method.attr.as_str() == "read");
        outer.arguments.is_empty() && method.is_some_and(|method| method.value.range() == call.range())
    });
    let read = read.filter(|read| call.arguments.keywords.is_empty() && !site.has_comment(read.range()))?;
    let list = list(site, command)?;
    let edits = site.with_import("subprocess", read.range(), |module| {
        format!("{module}.run({list}, stdout={module}.PIPE, text=True, check=False).stdout")
    })?;
    fix("Run the command without a shell", Applicability::Unsafe, edits)
}

fn is_statement(site: &Site, call: &ExprCall) -> bool {
    site.ancestors().iter().any(|node| node.is_stmt_expr() && node.range() == call.range())
}

/// What means something to a shell.
const SYNTAX: &str = "|&;<>()$`\\*?[]{}~#!%\n\r\t";

/// Stands for a value while a command is split into words: a character that no text has, and the number of the value.
const VALUE: char = '\u{F0000}';

/// The words of a command as a Python list. `None` where a shell would do more than split it.
fn list(site: &Site, command: &Expr) -> Option<String> {
    let (mut text, mut values) = (String::new(), Vec::new());
    for part in parts(command)? {
        match part {
            Part::Text(part) if part.contains(|c: char| c == VALUE || SYNTAX.contains(c)) => return None,
            Part::Text(part) => text.push_str(&part),
            Part::Value(value) => {
                text.extend([VALUE, char::from_u32(u32::from(VALUE) + 1 + values.len() as u32)?]);
                values.push(value);
            }
        }
    }
    let words = shlex::split(&text)?;
    let first = words.first()?;
    if first.contains(['=', VALUE]) || BUILTINS.contains(&first.as_str()) {
        return None;
    }
    let quote = quote_of(site, command);
    let words: Option<Vec<String>> = words.iter().map(|word| written(site, word, &values, quote)).collect();
    Some(format!("[{}]", words?.join(", ")))
}

/// A word of a command in Python.
fn written(site: &Site, word: &str, values: &[&Expr], quote: char) -> Option<String> {
    let mut pieces = word.split(VALUE);
    let mut text = pieces.next()?.to_owned();
    let is_whole = text.is_empty() && word.chars().count() == 2;
    let is_text = text.len() == word.len();
    for piece in pieces {
        let number = piece.chars().next()?;
        let value = values.get((u32::from(number) - u32::from(VALUE) - 1) as usize)?;
        let (value, is_quoted) = match unquoted(site, value) {
            Some(inner) => (inner, true),
            None => (*value, false),
        };
        let source = source(site, value)?;
        if is_whole {
            // A program takes texts and paths, and no numbers.
            return Some(if is_quoted { source.to_owned() } else { format!("str({source})") });
        }
        if !matches!(value, Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) | Expr::Call(_)) {
            return None;
        }
        text.extend(["{", source, "}", &piece[number.len_utf8()..]]);
    }
    let prefix = if is_text { "" } else { "f" };
    literal(&text, quote).map(|literal| format!("{prefix}{literal}"))
}

/// `x` of `shlex.quote(x)`: without a shell nothing needs its quotes.
fn unquoted<'a>(site: &Site, value: &'a Expr) -> Option<&'a Expr> {
    let call = value.as_call_expr()?;
    let name = site.imports.full_name(&call.func)?;
    matches!(&*name, "shlex.quote" | "pipes.quote").then(|| call.arguments.args.first())?
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn constants_are_split() {
        check(
            "S602",
            "import subprocess\nsubprocess.run('ls -l /tmp', $0shell=True$0, check=True)\n",
            "import subprocess\nsubprocess.run(['ls', '-l', '/tmp'], check=True)\n",
        );
        check(
            "S607",
            "from subprocess import Popen\np = Popen($0\"git commit -m 'a b'\"$0, shell=True)\n",
            "from subprocess import Popen\np = Popen([\"git\", \"commit\", \"-m\", \"a b\"])\n",
        );
        check(
            "S602",
            "import subprocess as sp\nsp.check_call(\n    shell=True,  # why\n    args=$0'true'$0,\n)\n",
            "import subprocess as sp\nsp.check_call(\n    # why\n    args=['true'],\n)\n",
        );
    }

    #[test]
    fn what_a_shell_does_is_left_to_it() {
        for command in
            ["'ls *.py'", "'a | b'", "'cd /tmp'", "'A=1 make'", "'echo $HOME'", "f'{x} -l'", "x", "'a \"b'", "''"]
        {
            refused("S602", &format!("import subprocess\nsubprocess.run($0{command}$0, shell=True)\n"));
        }
        refused("S602", "import subprocess\nsubprocess.run('ls', shell=$0flag$0)\n");
        refused("S602", "import subprocess\nsubprocess.run($0'ls'$0)\n");
    }

    #[test]
    fn system() {
        check(
            "S605",
            "import os\n\nos.system($0'make all'$0)\n",
            "import subprocess\nimport os\n\nsubprocess.run(['make', 'all'], check=False)\n",
        );
        refused("S605", "import os\nif os.system($0'make all'$0):\n    pass\n");
        refused("S605", "import os\nos.system($0f'make {x} > log'$0)\n");
    }

    #[test]
    fn values_are_words_or_parts_of_words() {
        for (command, list) in [
            ("f'ls -l {path}'", "['ls', '-l', str(path)]"),
            ("\"ls -l '\" + path + \"'\"", "[\"ls\", \"-l\", str(path)]"),
            ("'tar xf %s -C %s' % (a.b, c[0])", "['tar', 'xf', str(a.b), '-C', str(c[0])]"),
            ("'git log --author={}'.format(who)", "['git', 'log', f'--author={who}']"),
            ("f'ls {shlex.quote(path)} {n}.txt'", "['ls', path, f'{n}.txt']"),
        ] {
            check(
                "S602",
                &format!("import shlex\nimport subprocess\nsubprocess.run($0{command}$0, shell=True)\n"),
                &format!("import shlex\nimport subprocess\nsubprocess.run({list})\n"),
            );
        }
        check(
            "S605",
            "import os\nimport subprocess\nos.system($0'make ' + target$0)\n",
            "import os\nimport subprocess\nsubprocess.run(['make', str(target)], check=False)\n",
        );
    }

    #[test]
    fn output() {
        check(
            "S605",
            "import os\nimport subprocess\nx = $0os.popen(f'wc {path}')$0.read()\n",
            "import os\nimport subprocess\nx = subprocess.run(['wc', str(path)], stdout=subprocess.PIPE, text=True, check=False).stdout\n",
        );
        refused("S605", "import os\nfor line in $0os.popen('ls')$0: ...\n");
    }
}
