//! Arguments that make a call safe.

use syntax::ast::Expr;
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain, keyword};
use crate::{Applicability, Fix};

/// Seconds; long enough for a slow server, and an end.
const TIMEOUT: &str = "10";

/// `requests.get(url)` → `requests.get(url, timeout=10)`.
pub(super) fn with_timeout(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name.starts_with("requests.") || name.starts_with("httpx."))?;
    if !is_plain(&call.arguments) {
        return None;
    }
    let edit = match keyword(call, "timeout") {
        Some(Expr::NoneLiteral(none)) => TextEdit::replace(none.range(), TIMEOUT),
        Some(_) => return None,
        None => site.add_argument(&call.arguments, &format!("timeout={TIMEOUT}"))?,
    };
    fix(format!("Give up after {TIMEOUT} seconds"), Applicability::Unsafe, vec![edit])
}

/// `archive.extractall(path)` → `archive.extractall(path, filter="data")`.
pub(super) fn with_filter(site: &Site) -> Option<Fix> {
    let is_extraction =
        |expr: &Expr| expr.as_attribute_expr().is_some_and(|function| function.attr.as_str() == "extractall");
    let call = site.calls().find(|call| is_extraction(&call.func))?;
    // Members of a ZIP file are not filtered, and its method has no such parameter.
    if !is_plain(&call.arguments)
        || keyword(call, "filter").is_some()
        || !site.imports.uses("tarfile")
        || site.imports.uses("zipfile")
    {
        return None;
    }
    let edit = site.add_argument(&call.arguments, "filter=\"data\"")?;
    fix("Extract plain data only", Applicability::Unsafe, vec![edit])
}

/// `jinja2.Environment()` → `jinja2.Environment(autoescape=True)`.
pub(super) fn with_autoescape(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| matches!(name, "jinja2.Environment" | "jinja2.environment.Environment"))?;
    if !is_plain(&call.arguments) {
        return None;
    }
    let edit = match keyword(call, "autoescape") {
        Some(Expr::BooleanLiteral(value)) if !value.value => TextEdit::replace(value.range(), "True"),
        Some(_) => return None,
        None => site.add_argument(&call.arguments, "autoescape=True")?,
    };
    fix("Escape what templates insert", Applicability::Unsafe, vec![edit])
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn timeouts() {
        check("S113", "import requests\nrequests.get($0url$0)\n", "import requests\nrequests.get(url, timeout=10)\n");
        check(
            "S113",
            "from requests import post\npost(\n    url,  # there\n    $0timeout=None$0,\n)\n",
            "from requests import post\npost(\n    url,  # there\n    timeout=10,\n)\n",
        );
        check(
            "S113",
            "import requests\n$0requests.get$0(\n    (url),  # there\n)\n",
            "import requests\nrequests.get(\n    (url), timeout=10  # there\n)\n",
        );
        refused("S113", "import requests\nrequests.get($0url$0, timeout=3)\n");
        refused("S113", "import requests\nrequests.get($0url$0, **options)\n");
        refused("S113", "session.get($0url$0)\n");
    }

    #[test]
    fn archives() {
        check(
            "S202",
            "import tarfile\n$0tar.extractall$0(p)\n",
            "import tarfile\ntar.extractall(p, filter=\"data\")\n",
        );
        refused("S202", "import tarfile\n$0tar.extractall$0(p, filter='fully_trusted')\n");
        refused("S202", "import zipfile\nimport tarfile\n$0tar.extractall$0(p)\n");
    }

    #[test]
    fn templates() {
        check(
            "S701",
            "from jinja2 import Environment\ne = $0Environment$0(autoescape=False)\n",
            "from jinja2 import Environment\ne = Environment(autoescape=True)\n",
        );
        check(
            "S701",
            "import jinja2\ne = $0jinja2.Environment$0()\n",
            "import jinja2\ne = jinja2.Environment(autoescape=True)\n",
        );
        refused("S701", "import jinja2\ne = jinja2.Environment($0autoescape=choose$0)\n");
    }
}
