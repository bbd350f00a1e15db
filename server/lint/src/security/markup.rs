//! Markup that is put together from values: the values are escaped, the rest is not.

use syntax::ast::{Expr, ExprCall};
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain};
use super::template::{Part, is_mixed, literal, parts, quote_of, source};
use crate::{Applicability, Fix};

const TITLE: &str = "Escape the values that are inserted";

/// `Markup(f"<b>{name}</b>")` → `Markup("<b>{}</b>").format(name)`.
pub(super) fn format(site: &Site) -> Option<Fix> {
    let is_markup = |name: &str| {
        name.ends_with(".Markup") && ["markupsafe", "flask", "jinja2"].iter().any(|it| name.starts_with(it))
    };
    let (call, _) = site.call_of(is_markup)?;
    let (template, values) = escaped(site, call)?;
    let function = site.text(call.func.range());
    let text = format!("{function}({template}).format({})", values.join(", "));
    fix(TITLE, Applicability::Unsafe, vec![TextEdit::replace(call.range(), text)])
}

/// `mark_safe("<b>" + name + "</b>")` → `format_html("<b>{}</b>", name)`.
pub(super) fn format_html(site: &Site) -> Option<Fix> {
    let is_mark =
        |name: &str| matches!(name, "django.utils.safestring.mark_safe" | "django.utils.safestring.SafeString");
    let (call, _) = site.call_of(is_mark)?;
    let (template, values) = escaped(site, call)?;
    let (function, import) = site.import_member("django.utils.html", "format_html")?;
    let text = format!("{function}({template}, {})", values.join(", "));
    fix(TITLE, Applicability::Unsafe, import.into_iter().chain([TextEdit::replace(call.range(), text)]).collect())
}

/// The only argument of a call as a template for `format`, and the values for it.
fn escaped<'a>(site: &Site<'a>, call: &'a ExprCall) -> Option<(String, Vec<&'a str>)> {
    let [argument] = &*call.arguments.args else { return None };
    if !is_plain(&call.arguments) || !call.arguments.keywords.is_empty() || site.has_comment(call.range()) {
        return None;
    }
    let parts = parts(argument).filter(|parts| is_mixed(parts))?;
    let (mut template, mut values) = (String::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) => template.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Value(value) => {
                template.push_str("{}");
                values.push(source(site, value).filter(|_| !is_escaped(site, value))?);
            }
        }
    }
    Some((literal(&template, quote_of(site, argument))?, values))
}

/// Whether a value is a text that was escaped already, and would be a second time.
fn is_escaped(site: &Site, value: &Expr) -> bool {
    let Expr::Call(call) = value else { return false };
    let name = site.text(call.func.range());
    name.contains("escape") && site.imports.full_name(&call.func).as_deref() != Some("markupsafe.escape")
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn markup() {
        for before in [
            "f'<b>{name}</b>'",
            "'<b>' + name + '</b>'",
            "'<b>%s</b>' % name",
            "'<b>{}</b>'.format(name)",
            "'<b>' f'{name}' '</b>'",
        ] {
            check(
                "S704",
                &format!("from markupsafe import Markup\nm = $0Markup({before})$0\n"),
                "from markupsafe import Markup\nm = Markup('<b>{}</b>').format(name)\n",
            );
        }
        check(
            "S704",
            "import flask\nm = $0flask.Markup(f'<a href=\"{{}}{url}\">{a.b}</a>')$0\n",
            "import flask\nm = flask.Markup('<a href=\"{{}}{}\">{}</a>').format(url, a.b)\n",
        );
    }

    #[test]
    fn safe_strings_of_django() {
        check(
            "S308",
            "from django.utils.safestring import mark_safe\n\nm = $0mark_safe$0('<b>%s</b>' % name)\n",
            "from django.utils.html import format_html\nfrom django.utils.safestring import mark_safe\n\nm = format_html('<b>{}</b>', name)\n",
        );
        check(
            "S308",
            "from django.utils.html import format_html as h\nfrom django.utils.safestring import mark_safe\nm = $0mark_safe(f'<b>{name}</b>')$0\n",
            "from django.utils.html import format_html as h\nfrom django.utils.safestring import mark_safe\nm = h('<b>{}</b>', name)\n",
        );
    }

    #[test]
    fn what_is_unclear_is_left() {
        for argument in [
            "name",
            "f'{name}'",
            "f'<b>{name:>8}</b>'",
            "'<b>%5d</b>' % n",
            "'<b>{x}</b>'.format(x=1)",
            "f'<b>{html.escape(name)}</b>'",
            "f'<b>\\n{name}</b>'",
            "'%s %s' % (a,)",
        ] {
            refused("S704", &format!("from markupsafe import Markup\nm = $0Markup({argument})$0\n"));
        }
        refused(
            "S308",
            "from django.utils.safestring import mark_safe\nformat_html = 1\nm = $0mark_safe('<b>' + x)$0\n",
        );
    }
}
