//! Commands that are constant need no shell.

use syntax::ast::{Expr, ExprCall, StringFlags, StringLiteral};
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain, keyword};
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
    let edits =
        vec![TextEdit::replace(command.range(), list(command)?), site.remove_argument(&call.arguments, shell.range())?];
    fix("Run the command without a shell", Applicability::Unsafe, edits)
}

/// `os.system("ls -l")` → `subprocess.run(["ls", "-l"], check=False)` where nobody looks at the result.
pub(super) fn subprocess_instead_of_system(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "os.system")?;
    let [command] = &*call.arguments.args else { return None };
    if !call.arguments.keywords.is_empty() || !is_statement(site, call) || site.has_comment(call.range()) {
        return None;
    }
    let list = list(command)?;
    let edits = site.with_import("subprocess", call.range(), |module| format!("{module}.run({list}, check=False)"))?;
    fix("Run the command without a shell", Applicability::Unsafe, edits)
}

fn is_statement(site: &Site, call: &ExprCall) -> bool {
    site.ancestors().iter().any(|node| node.is_stmt_expr() && node.range() == call.range())
}

/// The words of a constant command as a Python list. `None` where a shell would do more than split it.
fn list(command: &Expr) -> Option<String> {
    let literal = command.as_string_literal_expr()?.as_single_part_string()?;
    let text = literal.as_str();
    if text.contains(|c: char| "|&;<>()$`\\*?[]{}~#!%\n\r\t".contains(c)) {
        return None;
    }
    let words = shlex::split(text)?;
    let first = words.first()?;
    if first.contains('=') || BUILTINS.contains(&first.as_str()) {
        return None;
    }
    let words: Option<Vec<String>> = words.iter().map(|word| quoted(word, literal)).collect();
    Some(format!("[{}]", words?.join(", ")))
}

/// In the quotes of the command where that needs no escape.
fn quoted(word: &str, like: &StringLiteral) -> Option<String> {
    let own = like.flags.quote_style().as_char();
    [own, '"', '\''].into_iter().find(|quote| !word.contains(*quote)).map(|quote| format!("{quote}{word}{quote}"))
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
            ["'ls *.py'", "'a | b'", "'cd /tmp'", "'A=1 make'", "'echo $HOME'", "f'ls {x}'", "x", "'a \"b'", "''"]
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
        refused("S605", "import os\nos.system($0f'make {x}'$0)\n");
    }
}
