//! Temporary files whose name another program cannot take first.

use syntax::ast::StringFlags;
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain};
use crate::{Applicability, Fix};

/// `tempfile.mktemp(…)` → `tempfile.NamedTemporaryFile(…, delete=False).name`: the file exists from the beginning.
pub(super) fn named_file(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "tempfile.mktemp")?;
    if !is_plain(&call.arguments) || call.arguments.args.len() > 3 {
        return None;
    }
    let mut edits = site.renamed(&call.func, "NamedTemporaryFile")?;
    for (argument, name) in call.arguments.args.iter().zip(["suffix", "prefix", "dir"]) {
        edits.push(TextEdit::insert(argument.start(), format!("{name}=")));
    }
    edits.push(site.add_argument(&call.arguments, "delete=False")?);
    edits.push(TextEdit::insert(call.end(), ".name"));
    fix("Create the file at once", Applicability::Unsafe, edits)
}

/// `"/tmp/name"` → `os.path.join(tempfile.gettempdir(), "name")`.
pub(super) fn below_temporary_folder(site: &Site) -> Option<Fix> {
    let ancestors = site.ancestors();
    let literal = ancestors.iter().find_map(|node| match node {
        ruff_python_ast::AnyNodeRef::ExprStringLiteral(literal) => Some(*literal),
        _ => None,
    })?;
    let part = literal.as_single_part_string()?;
    let name = ["/tmp/", "/var/tmp/"].into_iter().find_map(|folder| part.as_str().strip_prefix(folder))?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    // A pattern of `match` holds no call, and what is in brackets of an annotation is none.
    let is_no_value = ancestors
        .iter()
        .any(|node| node.is_expr_f_string() || node.is_pattern_match_value() || node.is_expr_subscript());
    let starts_statement = ancestors.iter().any(|node| node.is_stmt_expr() && node.range() == literal.range());
    if !is_name || name.contains("..") || is_no_value || starts_statement {
        return None;
    }
    let quote = part.flags.quote_style().as_char();
    let (os, import_os) = site.import("os")?;
    let (tempfile, import_tempfile) = site.import("tempfile")?;
    let mut edits: Vec<TextEdit> = import_os.into_iter().chain(import_tempfile).collect();
    let path = format!("{os}.path.join({tempfile}.gettempdir(), {quote}{name}{quote})");
    edits.push(TextEdit::replace(literal.range(), path));
    fix("Use the system's temporary folder", Applicability::Unsafe, edits)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn files_exist_from_the_beginning() {
        check(
            "S306",
            "import tempfile\nname = $0tempfile.mktemp$0()\n",
            "import tempfile\nname = tempfile.NamedTemporaryFile(delete=False).name\n",
        );
        check(
            "S306",
            "from tempfile import mktemp\nname = $0mktemp('.txt', dir=d)$0\n",
            "from tempfile import mktemp, NamedTemporaryFile\nname = NamedTemporaryFile(suffix='.txt', dir=d, delete=False).name\n",
        );
        refused("S306", "import tempfile\nname = $0tempfile.mktemp$0(*a)\n");
    }

    #[test]
    fn the_folder_of_the_system() {
        check(
            "S108",
            "import os\nf = open($0'/tmp/a.txt'$0)\n",
            "import tempfile\nimport os\nf = open(os.path.join(tempfile.gettempdir(), 'a.txt'))\n",
        );
        check(
            "S108",
            "f = $0'/tmp/a'$0\n",
            "import os\nimport tempfile\nf = os.path.join(tempfile.gettempdir(), 'a')\n",
        );
        refused("S108", "f = $0'/tmp/'$0\n");
        refused("S108", "f = $0'/tmp/{}'$0.format(x)\n");
        refused("S108", "match f:\n    case $0'/tmp/a'$0:\n        pass\n");
        refused("S108", "x: Literal[$0'/tmp/a'$0]\n");
        refused("S108", "f = f'{$0\"/tmp/a\"$0}'\n");
    }
}
