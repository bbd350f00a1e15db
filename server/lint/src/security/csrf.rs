//! Forms are protected from other sites.

use ruff_python_ast::AnyNodeRef;
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::site::{Site, fix};
use super::switch;
use crate::{Applicability, Fix};

/// Takes the decorator away, or switches the setting on.
pub(super) fn protected(site: &Site) -> Option<Fix> {
    const TITLE: &str = "Protect it from other sites";
    let ancestors = site.ancestors();
    let decorator = ancestors.iter().find_map(|node| match node {
        AnyNodeRef::Decorator(decorator) => Some(decorator.range()),
        _ => None,
    });
    let Some(decorator) = decorator else { return switch::on(site, TITLE) };
    let rest = &site.document.text[decorator.end().to_usize()..];
    let length = rest.find('\n').map(|end| end + 1)?;
    // A comment behind it is about it; anything else is not.
    let behind = rest[..length].trim();
    if !behind.is_empty() && !behind.starts_with('#') {
        return None;
    }
    let line = TextRange::new(site.line_start(decorator.start()), decorator.end() + TextSize::new(length as u32));
    fix(TITLE, Applicability::Unsafe, vec![TextEdit::replace(line, "")])
}

#[cfg(test)]
mod tests {
    use crate::security::testing::check;

    #[test]
    fn exemptions_go() {
        check(
            "exempt-from-csrf",
            "class A:\n    @$0csrf_exempt$0  # why\n    @other\n    def f(r): ...\n",
            "class A:\n    @other\n    def f(r): ...\n",
        );
        check(
            "exempt-from-csrf",
            "app.config['WTF_CSRF_ENABLED'] = $0False$0\n",
            "app.config['WTF_CSRF_ENABLED'] = True\n",
        );
    }
}
