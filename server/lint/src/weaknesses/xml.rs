//! XML of others, read by lxml: an entity in it can stand for a file of this machine, or for a text without end.

use ruff_python_ast::AnyNodeRef;
use syntax::Ranged;
use syntax::ast::{Expr, ExprCall, Keyword};

use super::{Weakness, call_of, is_flag};
use crate::security::Imports;
use crate::{Confidence, Severity};

pub(super) const CODE: &str = "xml-entities";

/// Flags of lxml's parsers, with the value that lets too much in.
const FLAGS: &[(&str, bool)] =
    &[("resolve_entities", true), ("load_dtd", true), ("no_network", false), ("huge_tree", true)];

/// What makes a parser, or takes its flags.
pub(crate) fn takes_flags(name: &str) -> bool {
    matches!(name, "lxml.etree.XMLParser" | "lxml.etree.ETCompatXMLParser" | "lxml.etree.iterparse")
}

/// What reads with a parser that lxml chooses where none is given.
pub(crate) fn reads(name: &str) -> bool {
    const FUNCTIONS: &[&str] = &["parse", "fromstring", "fromstringlist", "XML"];
    let function = name.strip_prefix("lxml.etree.").or_else(|| name.strip_prefix("lxml.objectify."));
    function.is_some_and(|function| FUNCTIONS.contains(&function))
}

/// The first flag of a call that lets too much in.
pub(crate) fn open_flag(call: &ExprCall) -> Option<&Keyword> {
    let is_open = |keyword: &&Keyword| {
        let flag = FLAGS.iter().find(|(name, _)| keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == *name));
        flag.is_some_and(|(_, value)| is_flag(&keyword.value, *value))
    };
    call.arguments.keywords.iter().find(is_open)
}

pub(super) fn find(node: AnyNodeRef<'_>, imports: &Imports<'_>) -> Option<Weakness> {
    if let Some(call) = call_of(node, imports, takes_flags) {
        let message = "This parser reads what a document names: files of this machine, servers, or text without end";
        let range = open_flag(call)?.range();
        return Some(Weakness { range, code: CODE, message, severity: Severity::Error, confidence: Confidence::High });
    }
    let call = call_of(node, imports, reads)?;
    let is_own = matches!(call.arguments.args.first(), Some(Expr::StringLiteral(_) | Expr::BytesLiteral(_)));
    if is_own || call.arguments.find_argument("parser", 1).is_some() {
        return None;
    }
    let message =
        "Before its version 5, lxml's usual parser reads files that a document names; give it one that does not";
    let (severity, confidence) = (Severity::Information, Confidence::Low);
    Some(Weakness { range: call.func.range(), code: CODE, message, severity, confidence })
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn parsers_that_let_too_much_in() {
        check(
            "from lxml import etree\np = etree.XMLParser(recover=True, resolve_entities=True)\n",
            &["Error xml-entities resolve_entities=True"],
        );
        check(
            "import lxml.etree as E\nfor x in E.iterparse(f, huge_tree=True): ...\n",
            &["Error xml-entities huge_tree=True"],
        );
        check("from lxml.etree import XMLParser\nXMLParser(no_network=True, resolve_entities=False)\n", &[]);
    }

    #[test]
    fn the_usual_parser() {
        check("from lxml import etree\netree.fromstring(text)\n", &["Information xml-entities etree.fromstring"]);
        check("from lxml import etree\netree.fromstring('<a/>')\n", &[]);
        check("from lxml import etree\netree.parse(path, p)\netree.tostring(x)\n", &[]);
        check("import lxml.html\nlxml.html.fromstring(text)\n", &[]);
    }
}
