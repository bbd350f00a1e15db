//! Which grammar a text is read by: the one of its file's name, else of what it looks like.

/// The formats that have a grammar here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    Python,
    Yaml,
    Toml,
    /// `name = value`, `name: value` or `name value`: INI, properties, `.npmrc`, configuration of servers.
    Ini,
    /// `NAME=value` with what shells write before it; also a script.
    Shell,
    Dockerfile,
    Json,
    Xml,
    /// With a first line that names the columns.
    Csv,
    /// `.netrc`, `.pgpass`, `.htpasswd`.
    Netrc,
    Hcl,
    /// Markdown, reStructuredText, or prose with code in it.
    Markup,
    /// To be guessed from the text.
    Unknown,
}

impl Syntax {
    /// By the name of the file alone; [`Syntax::Unknown`] for one that says nothing.
    pub fn of_path(path: &str) -> Syntax {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
        // What a copy is called says nothing of what it holds.
        let name = ["example", "sample", "template", "tmpl", "tpl", "dist", "bak", "orig", "old", "j2", "in"]
            .iter()
            .fold(&*name, |name, ending| {
                name.strip_suffix(ending)
                    .and_then(|name| name.strip_suffix('.'))
                    .filter(|name| !name.is_empty())
                    .unwrap_or(name)
            });
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        if name.starts_with(".env")
            || name.starts_with("env.")
            || extension == "env"
            || name == ".envrc"
            || name == ".flaskenv"
        {
            return Syntax::Shell;
        }
        if stem == "dockerfile" || extension == "dockerfile" || matches!(name, "dockerfile" | "containerfile") {
            return Syntax::Dockerfile;
        }
        match name {
            "pipfile" | "poetry.lock" | "uv.lock" | "pdm.lock" | "cargo.lock" => return Syntax::Toml,
            "makefile" | "justfile" | "procfile" | "vagrantfile" | ".bashrc" | ".zshrc" | ".profile"
            | ".bash_profile" => return Syntax::Shell,
            ".npmrc" | ".yarnrc" | ".pypirc" | ".condarc" | ".my.cnf" | ".editorconfig" | ".gitconfig" | ".flake8"
            | ".coveragerc" | ".pylintrc" | ".s3cfg" | ".boto" => {
                return if name == ".condarc" { Syntax::Yaml } else { Syntax::Ini };
            }
            ".netrc" | "_netrc" | "netrc" | ".pgpass" | "pgpass.conf" | ".htpasswd" => return Syntax::Netrc,
            "kubeconfig" | ".yarnrc.yml" => return Syntax::Yaml,
            _ => {}
        }
        match extension {
            "py" | "pyi" | "pyw" | "pyx" | "wsgi" | "bzl" | "ipy" => Syntax::Python,
            "yaml" | "yml" | "cff" | "eyaml" | "clang-format" => Syntax::Yaml,
            "toml" => Syntax::Toml,
            "ini" | "cfg" | "conf" | "cnf" | "properties" | "props" | "rc" | "desktop" | "service" | "inf" | "reg"
            | "prefs" | "editorconfig" => Syntax::Ini,
            "sh" | "bash" | "zsh" | "fish" | "ksh" | "csh" | "ps1" | "bat" | "cmd" | "mk" => Syntax::Shell,
            "json" | "json5" | "jsonc" | "jsonl" | "ndjson" | "ipynb" | "har" | "tfstate" | "js" | "ts"
            | "webmanifest" | "avsc" => Syntax::Json,
            "xml" | "html" | "htm" | "xhtml" | "svg" | "plist" | "pom" | "xsd" | "xsl" | "csproj" | "resx"
            | "nuspec" => Syntax::Xml,
            "csv" | "tsv" | "psv" => Syntax::Csv,
            "tf" | "hcl" | "tfvars" | "nomad" => Syntax::Hcl,
            "md" | "markdown" | "rst" | "txt" | "adoc" | "asciidoc" | "org" | "log" | "tex" | "mdx" | "sql" | "pdf"
            | "diff" | "patch" => Syntax::Markup,
            _ => Syntax::Unknown,
        }
    }

    /// What code blocks call it: the words behind three backticks.
    pub(super) fn of_label(label: &str) -> Syntax {
        match label
            .trim()
            .trim_start_matches(['.', '{'])
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ':'))
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "python" | "python3" | "py" | "pycon" | "py3" | "ipython" | "starlark" => Syntax::Python,
            "yaml" | "yml" => Syntax::Yaml,
            "toml" => Syntax::Toml,
            "ini" | "cfg" | "conf" | "properties" | "dosini" | "apache" | "nginx" => Syntax::Ini,
            "sh" | "bash" | "shell" | "zsh" | "console" | "shell-session" | "dotenv" | "env" | "fish"
            | "powershell" | "bat" | "make" => Syntax::Shell,
            "dockerfile" | "docker" => Syntax::Dockerfile,
            "json" | "json5" | "jsonc" | "js" | "javascript" | "ts" | "typescript" => Syntax::Json,
            "xml" | "html" => Syntax::Xml,
            "csv" => Syntax::Csv,
            "hcl" | "terraform" | "tf" => Syntax::Hcl,
            "text" | "txt" | "plain" | "http" | "sql" | "diff" => Syntax::Markup,
            _ => Syntax::Unknown,
        }
    }

    /// Whether what stands on a line is meant to be read by a program.
    pub(super) fn is_configuration(self) -> bool {
        !matches!(self, Syntax::Python | Syntax::Markup | Syntax::Unknown)
    }
}

/// Lines that are looked at to guess by.
const MAX_LINES: usize = 200;

/// What `text` looks like; [`Syntax::Markup`] where it looks like nothing of its own.
pub(super) fn guess(text: &str) -> Syntax {
    let start = text.trim_start();
    if start.starts_with("<?xml")
        || start.starts_with("<!DOCTYPE")
        || start.starts_with('<') && start.trim_end().ends_with('>')
    {
        return Syntax::Xml;
    }
    let is_json = start.starts_with(['{', '[']) && {
        let behind = start[1..].trim_start();
        behind.starts_with(['"', '{', '[', '}', ']']) && start.trim_end().ends_with(['}', ']'])
    };
    if is_json {
        return Syntax::Json;
    }
    if start.starts_with("#!/bin/")
        || start.starts_with("#!/usr/bin/env bash")
        || start.starts_with("#!/usr/bin/env sh")
    {
        return Syntax::Shell;
    }
    if super::netrc::is_own(text) {
        return Syntax::Netrc;
    }
    let (mut python, mut yaml, mut toml, mut ini, mut shell, mut docker, mut hcl, mut other) = (0, 0, 0, 0, 0, 0, 0, 0);
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let mut open = None;
    for line in lines.take(MAX_LINES) {
        let kind = kind_of_line(line).or(super::yaml::goes_on(open, line).then_some(Syntax::Yaml));
        if kind == Some(Syntax::Yaml) {
            open = super::yaml::opened(line).or(open);
        }
        match kind {
            Some(Syntax::Python) => python += 1,
            Some(Syntax::Yaml) => yaml += 1,
            Some(Syntax::Toml) => toml += 1,
            Some(Syntax::Ini) => ini += 1,
            Some(Syntax::Shell) => shell += 1,
            Some(Syntax::Dockerfile) => docker += 1,
            Some(Syntax::Hcl) => hcl += 1,
            _ => other += 1,
        }
    }
    let lines = python + yaml + toml + ini + shell + docker + hcl + other;
    // One statement that nothing else has is enough for a language; settings have to be most of the text.
    if python > 0 && python >= docker && python >= hcl {
        return Syntax::Python;
    }
    if docker > 0 && docker * 3 >= lines {
        return Syntax::Dockerfile;
    }
    if hcl > 0 {
        return Syntax::Hcl;
    }
    let most = yaml.max(toml).max(ini).max(shell);
    if most == 0 || (yaml + toml + ini + shell) * 3 < lines * 2 {
        return Syntax::Markup;
    }
    // `[section]` belongs to TOML and INI: values in quotes tell.
    if toml > 0 && toml + ini >= yaml && toml * 2 >= ini {
        Syntax::Toml
    } else if most == shell {
        Syntax::Shell
    } else if most == ini {
        Syntax::Ini
    } else {
        Syntax::Yaml
    }
}

/// The format that has lines such as this one.
fn kind_of_line(line: &str) -> Option<Syntax> {
    let trimmed = line.trim();
    let first = trimmed.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '@').next().unwrap_or_default();
    let is_block = trimmed.ends_with(':');
    let is_python = match first {
        "def" | "class" | "async" | "elif" | "with" | "while" | "for" | "if" | "else" | "try" | "except"
        | "finally" => {
            is_block && (trimmed.contains('(') || trimmed.contains(' ') || matches!(first, "else" | "try" | "finally"))
        }
        "import" => !trimmed.contains(['"', ';', ':', '=']),
        "from" => trimmed.contains(" import "),
        "return" | "raise" | "assert" | "yield" | "await" | "lambda" | "del" | "global" | "nonlocal" => {
            !trimmed.contains(": ") && !trimmed[first.len()..].starts_with(':')
        }
        _ => {
            trimmed.starts_with('@') && !trimmed.contains(' ')
                || trimmed.starts_with(">>> ")
                || is_python_statement(trimmed)
        }
    };
    if is_python {
        return Some(Syntax::Python);
    }
    let instruction = trimmed.split(' ').next().unwrap_or_default();
    if matches!(
        instruction,
        "FROM" | "RUN" | "ENV" | "ARG" | "COPY" | "ENTRYPOINT" | "CMD" | "WORKDIR" | "LABEL" | "EXPOSE"
    ) && trimmed.len() > instruction.len()
    {
        return Some(Syntax::Dockerfile);
    }
    if trimmed.ends_with('{')
        && matches!(first, "resource" | "variable" | "provider" | "terraform" | "module" | "data" | "output" | "locals")
    {
        return Some(Syntax::Hcl);
    }
    if trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains(['(', '{']) {
        return Some(Syntax::Ini);
    }
    if trimmed.starts_with("- ") || trimmed == "---" {
        // A list of Markdown has no names.
        return (trimmed == "---" || trimmed.contains(": ") || trimmed.ends_with(':')).then_some(Syntax::Yaml);
    }
    for command in ["export ", "set ", "setenv ", "setx ", "$ ", "source ", "declare "] {
        if trimmed.starts_with(command) {
            return Some(Syntax::Shell);
        }
    }
    if trimmed.starts_with("SetEnv ") {
        return Some(Syntax::Ini);
    }
    let end = trimmed.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let (name, rest) = trimmed.split_at(end);
    if name.is_empty() {
        return None;
    }
    let value = |sign: &str| rest.trim_start().strip_prefix(sign).map(str::trim_start);
    // `x: str = …`, `x = y if z else "…"`, `x = y or "…"`, `x = f(…)`.
    let is_expression = |value: &str| {
        let is_literal = ["f'", "f\"", "b'", "b\"", "r'", "r\""].iter().any(|start| value.starts_with(start));
        is_literal
            || value.starts_with(char::is_alphabetic)
                && (value.contains(" or ") || value.contains(" else ") || value.contains('(') && value.ends_with(')'))
    };
    if value(":").is_some_and(|value| value.contains(" = ") && !value.starts_with(['"', '\'']))
        || rest.starts_with(" = ") && value("=").is_some_and(is_expression)
    {
        return Some(Syntax::Python);
    }
    if let Some(value) = value("=").filter(|value| !value.starts_with('=')) {
        return Some(match rest.starts_with('=') && !name.contains(['.', '-']) {
            true => Syntax::Shell,
            false if value.starts_with(['"', '\'', '[', '{']) || matches!(value, "true" | "false") => Syntax::Toml,
            false => Syntax::Ini,
        });
    }
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit());
    (is_name && rest.starts_with(':') && (rest.len() == 1 || rest.starts_with(": "))).then_some(Syntax::Yaml)
}

/// A call, or an assignment of one.
fn is_python_statement(line: &str) -> bool {
    let end = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_call = |text: &str| {
        let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(text.len());
        end > 0 && text[end..].starts_with('(')
    };
    is_name && (rest.starts_with('(') && rest.ends_with([')', '(']) || rest.strip_prefix(" = ").is_some_and(is_call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_by_their_names() {
        for (path, expected) in [
            ("app/settings.py", Syntax::Python),
            ("docker-compose.yml", Syntax::Yaml),
            (".github/workflows/ci.yaml", Syntax::Yaml),
            ("pyproject.toml", Syntax::Toml),
            ("setup.cfg", Syntax::Ini),
            (".env.production", Syntax::Shell),
            ("prod.env", Syntax::Shell),
            ("config.ini.example", Syntax::Ini),
            ("Dockerfile", Syntax::Dockerfile),
            ("Dockerfile.dev", Syntax::Dockerfile),
            ("main.tf", Syntax::Hcl),
            ("a\\users.CSV", Syntax::Csv),
            (".netrc", Syntax::Netrc),
            ("README", Syntax::Unknown),
        ] {
            assert_eq!(Syntax::of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn texts_by_what_they_look_like() {
        for (text, expected) in [
            ("import os\n\npassword = get_password()\n", Syntax::Python),
            ("client = Client(host)\n", Syntax::Python),
            ("db:\n  host: x\n  password: y\n", Syntax::Yaml),
            ("[db]\nhost = x\npassword = y\n", Syntax::Ini),
            ("[db]\nhost = \"x\"\nport = 1\n", Syntax::Toml),
            ("HOST=x\nexport PASSWORD=y\n", Syntax::Shell),
            ("FROM python\nENV A=b\n", Syntax::Dockerfile),
            ("{\"a\": 1}", Syntax::Json),
            ("<a><b/></a>\n", Syntax::Xml),
            ("env:\n  global:\n    - A=b\n", Syntax::Yaml),
            ("services:\n  db:\n    command:\n      - serve\n      - --all\n", Syntax::Yaml),
            ("password:\n  words of it\n", Syntax::Yaml),
            ("a: \"b\\\n  c\"\n", Syntax::Yaml),
            ("machine api.local login bob password x\n", Syntax::Netrc),
            ("setx A \"b\"\n", Syntax::Shell),
            ("SetEnv A b\n", Syntax::Ini),
            ("Words about it:\n- one\n- two\n", Syntax::Markup),
            ("variable \"x\" {\n  default = 1\n}\n", Syntax::Hcl),
            ("# Title\n\nSome words about it. More of them.\n- one\n- two\n", Syntax::Markup),
            ("", Syntax::Markup),
        ] {
            assert_eq!(guess(text), expected, "{text}");
        }
    }
}
