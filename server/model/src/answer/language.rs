//! Whether code is in another language than it says.
//!
//! A parser would find it out as well, and call it a syntax error: a model that is told so fixes the error and stays with
//! the language.

/// What lines of a language look like that none of Python do.
struct Language {
    name: &'static str,
    /// Of a line without the spaces around it.
    is_line: fn(&str) -> bool,
    /// So many of them are proof.
    lines: usize,
}

const LANGUAGES: &[Language] = &[
    Language { name: "javascript", is_line: is_javascript, lines: 1 },
    Language { name: "java", is_line: is_java, lines: 1 },
    Language { name: "c", is_line: is_c, lines: 1 },
    Language { name: "go", is_line: is_go, lines: 1 },
    Language { name: "rust", is_line: is_rust, lines: 1 },
    Language { name: "ruby", is_line: is_ruby, lines: 2 },
    Language { name: "shell", is_line: is_shell, lines: 1 },
];

/// The language that `code` looks like; `None` where any line looks like Python.
pub(super) fn other_than_python(code: &str) -> Option<&'static str> {
    let lines = || code.lines().map(str::trim);
    if lines().any(is_python) {
        return None;
    }
    let counts = LANGUAGES.iter().map(|language| (lines().filter(|line| (language.is_line)(line)).count(), language));
    // Of equals the first.
    let most = counts.filter(|(count, language)| *count >= language.lines).rev().max_by_key(|(count, _)| *count);
    most.map(|(_, language)| language.name)
}

fn is_python(line: &str) -> bool {
    const HEADS: &[&str] =
        &["def ", "async def ", "class ", "if ", "elif ", "else", "for ", "while ", "with ", "try", "except", "match "];
    let code = line.split('#').next().unwrap_or_default().trim_end();
    let is_head = code.ends_with(':') && HEADS.iter().any(|head| code.starts_with(head));
    let is_import = line.starts_with("from ") && line.contains(" import ")
        || line.starts_with("import ") && !line.contains(['"', '\'', ';', '{', '(']) && !line.contains('/');
    is_head || is_import || line.starts_with("\"\"\"") || line.starts_with("'''") || line.starts_with("raise ")
}

/// Whether one of `words` stands before a name, and is no name itself.
fn is_before_name(line: &str, words: &[&str]) -> bool {
    let rest = words.iter().find_map(|word| line.strip_prefix(word));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{' | '[')))
}

/// Whether one of `words` is told something, and is no name that gets a value.
fn is_command(line: &str, words: &[&str]) -> bool {
    let rest = words.iter().find_map(|word| line.strip_prefix(word));
    rest.is_some_and(|rest| !rest.starts_with(['=', ':', '+', '-', '.', ',']))
}

fn is_javascript(line: &str) -> bool {
    let declares = is_before_name(line, &["const ", "let ", "var "]) && line.contains(" = ");
    let defines = (line.starts_with("function ") || line.starts_with("async function ")) && line.ends_with('{');
    let imports = line.starts_with("import ") && (line.contains(" from '") || line.contains(" from \""));
    let exports = line.starts_with("export ") || line.starts_with("module.exports");
    !line.starts_with("let mut ")
        && (declares || defines || imports || exports || line.ends_with("=> {") || line.starts_with("console."))
}

fn is_java(line: &str) -> bool {
    let is_member = is_before_name(line, &["public ", "private ", "protected "]) && line.ends_with(['{', ';']);
    is_member || line.starts_with("System.out.") || line.starts_with("using System")
}

fn is_c(line: &str) -> bool {
    let is_include = line.starts_with("#include");
    is_include && line.contains(['<', '"']) || line.starts_with("int main(") || line.starts_with("using namespace ")
}

fn is_go(line: &str) -> bool {
    let is_package = line.strip_prefix("package ").is_some_and(|name| !name.contains([' ', '=', '(']));
    let assigns = line
        .split_once(" := ")
        .is_some_and(|(names, _)| names.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ',' | ' ')));
    line.starts_with("func ") && line.ends_with('{') || is_package || assigns
}

fn is_rust(line: &str) -> bool {
    let defines = ["fn ", "pub fn ", "pub(crate) fn ", "impl ", "pub struct "].iter().any(|it| line.starts_with(it));
    defines && line.ends_with('{') || line.starts_with("let mut ") || line.starts_with("println!(")
}

fn is_ruby(line: &str) -> bool {
    let defines = line.starts_with("def ") && !line.contains(':');
    line == "end" || defines || is_command(line, &["puts ", "require "])
}

fn is_shell(line: &str) -> bool {
    let is_shebang = line.starts_with("#!") && line.contains("sh") && !line.contains("python");
    let is_condition = line.starts_with("if [") && line.ends_with("then");
    is_shebang || is_condition || matches!(line, "fi" | "esac") || is_command(line, &["echo "])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_languages() {
        for (language, code) in [
            ("javascript", "function sum(a, b) {\n  return a + b;\n}\n"),
            ("javascript", "import fs from 'fs';\nconsole.log(1);\n"),
            ("javascript", "const f = (a) => {\n  return a;\n};\n"),
            ("java", "public class A {\n    private int x;\n}\n"),
            ("c", "#include <stdio.h>\nint main(void) {\n  return 0;\n}\n"),
            ("go", "package main\n\nfunc sum(a, b int) int {\n\treturn a + b\n}\n"),
            ("rust", "pub fn sum(a: i32, b: i32) -> i32 {\n    let mut c = a + b;\n    c\n}\n"),
            ("ruby", "def sum(a, b)\n  a + b\nend\n"),
            ("shell", "#!/bin/sh\nif [ -z \"$1\" ]; then\n  exit 1\nfi\n"),
        ] {
            assert_eq!(other_than_python(code), Some(language), "{code}");
        }
    }

    #[test]
    fn python_is_python() {
        for code in [
            "x = 1\n",
            "    return total\n",
            "self.items.append(item)\n",
            "let = 1\nconst = let\n",
            "public = {\n    'a': 1,\n}\n",
            "package = 'x'\necho = 1\n",
            "# include <stdio.h> by hand\nx = 1\n",
            "def js():\n    return '''\nfunction f() {\n}\n'''\n",
            "end\n",
            "async def f(): ...\nif (n := 1) > 0:\n    pass\n",
            "print(n := 1)\n",
            "import os, sys\n",
        ] {
            assert_eq!(other_than_python(code), None, "{code}");
        }
    }
}
