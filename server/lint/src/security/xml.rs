//! XML of others is read without what it names.

use syntax::ast::Expr;
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain};
use crate::weaknesses::xml::{open_flag, reads, takes_flags};
use crate::{Applicability, Fix};

/// `XMLParser(resolve_entities=True)` → `XMLParser(resolve_entities=False)`; `etree.parse(path)` →
/// `etree.parse(path, parser=etree.XMLParser(resolve_entities=False))`.
pub(super) fn closed(site: &Site) -> Option<Fix> {
    const TITLE: &str = "Resolve nothing that a document names";
    if let Some((call, _)) = site.call_of(takes_flags) {
        let flag = open_flag(call)?;
        let other = if flag.value.as_boolean_literal_expr()?.value { "False" } else { "True" };
        return fix(TITLE, Applicability::Unsafe, vec![TextEdit::replace(flag.value.range(), other)]);
    }
    let (call, name) = site.call_of(reads)?;
    let Expr::Attribute(function) = &*call.func else { return None };
    if !is_plain(&call.arguments) || !name.starts_with("lxml.etree.") {
        return None;
    }
    let module = site.text(function.value.range());
    let argument = format!("parser={module}.XMLParser(resolve_entities=False)");
    fix(TITLE, Applicability::Unsafe, vec![site.add_argument(&call.arguments, &argument)?])
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn parsers() {
        check(
            "xml-entities",
            "import lxml.etree\np = lxml.etree.XMLParser($0no_network=False$0)\n",
            "import lxml.etree\np = lxml.etree.XMLParser(no_network=True)\n",
        );
        check(
            "xml-entities",
            "from lxml import etree as E\nx = $0E.fromstring$0(text)\n",
            "from lxml import etree as E\nx = E.fromstring(text, parser=E.XMLParser(resolve_entities=False))\n",
        );
        refused("xml-entities", "from lxml.etree import parse\nparse$0(path)$0\n");
    }
}
