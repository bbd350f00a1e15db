//! Templates that write what they are given as it is: markup of others becomes a part of the page.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::{Expr, StringLiteral};
use syntax::{Ranged, TextRange, TextSize};

use super::{Weakness, call_of, is_flag, is_text};
use crate::security::Imports;
use crate::{Confidence, Severity};

pub(super) const CODE: &str = "autoescape-off";

/// Who takes `autoescape`; that of jinja2's environment is ruff's S701.
fn takes_autoescape(name: &str) -> bool {
    name.starts_with("django.template.") || name.starts_with("tornado.template.") || name == "jinja2.Template"
}

pub(super) fn find(node: AnyNodeRef<'_>, imports: &Imports<'_>) -> Option<Weakness> {
    let range = switch(node, imports).map(Ranged::range).or_else(|| block(node))?;
    let message = "What templates insert is not escaped: markup in it becomes a part of the page";
    Some(Weakness { range, code: CODE, message, severity: Severity::Error, confidence: Confidence::High })
}

/// The value that switches escaping off.
fn switch<'a>(node: AnyNodeRef<'a>, imports: &Imports<'_>) -> Option<&'a Expr> {
    let value = match node {
        AnyNodeRef::StmtAssign(assign) => {
            let is_switch =
                |target: &Expr| target.as_attribute_expr().is_some_and(|it| it.attr.as_str() == "autoescape");
            assign.targets.iter().any(is_switch).then_some(&*assign.value)?
        }
        AnyNodeRef::ExprDict(dict) => {
            let is_key = |key: &Expr| is_text(key, "autoescape");
            &dict.items.iter().find(|item| item.key.as_ref().is_some_and(is_key))?.value
        }
        _ => {
            let call = call_of(node, imports, takes_autoescape)?;
            &call.arguments.find_keyword("autoescape")?.value
        }
    };
    (is_flag(value, false) || value.is_none_literal_expr()).then_some(value)
}

/// `off` in a block `{% autoescape off %}` of a template that is written in the program.
fn block(node: AnyNodeRef<'_>) -> Option<TextRange> {
    let AnyNodeRef::StringLiteral(literal) = node else { return None };
    let (at, length) = off(&literal.value)?;
    // Without escapes the text is in the source as it is.
    let is_plain = literal.content_range().len() == TextSize::of(&*literal.value);
    let at = |literal: &StringLiteral| literal.content_range().start() + TextSize::new(at as u32);
    Some(if is_plain { TextRange::at(at(literal), TextSize::new(length as u32)) } else { literal.range() })
}

fn off(template: &str) -> Option<(usize, usize)> {
    let mut blocks = template.match_indices("autoescape");
    blocks.find_map(|(at, word)| {
        let is_block = template[..at].trim_end().ends_with(['%', '-']);
        let rest = &template[at + word.len()..];
        let value = rest.trim_start();
        let length = ["off", "false"].into_iter().find(|off| value.starts_with(off))?.len();
        is_block.then_some((template.len() - value.len(), length))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn switches() {
        for text in [
            "from django.template import Context\nc = Context(values, autoescape=False)",
            "app.jinja_env.autoescape = False",
            "app.jinja_options = {'autoescape': False}",
            "TEMPLATES = [{'BACKEND': b, 'OPTIONS': {'autoescape': False}}]",
        ] {
            check(&format!("{text}\n"), &["Error autoescape-off False"]);
            check(&format!("{}\n", text.replace("False", "True")), &[]);
        }
        check(
            "import tornado.template\ntornado.template.Loader('t', autoescape=None)\n",
            &["Error autoescape-off None"],
        );
        check("f(autoescape=False)\n", &[]);
    }

    #[test]
    fn blocks_of_templates() {
        check("t = '<p>{% autoescape off %}{{ x }}{% endautoescape %}'\n", &["Error autoescape-off off"]);
        check("t = '''{%- autoescape false %}'''\n", &["Error autoescape-off false"]);
        check("t = '{% autoescape on %}{{ x }}{% endautoescape %}'\n", &[]);
        check("t = 'autoescape off'\n", &[]);
    }
}
