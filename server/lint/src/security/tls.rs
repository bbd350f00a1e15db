//! Certificates are checked, and with a version that is not broken.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::ExprAttribute;
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix};
use crate::{Applicability, Fix};

/// `verify=False` → nothing: to check is the default of requests and httpx.
pub(super) fn verify(site: &Site) -> Option<Fix> {
    let call = site.calls().find(|call| call.arguments.find_keyword("verify").is_some())?;
    let argument = call.arguments.find_keyword("verify")?;
    if argument.value.as_boolean_literal_expr().is_none_or(|literal| literal.value) {
        return None;
    }
    let is_default = site
        .imports
        .full_name(&call.func)
        .is_some_and(|name| name.starts_with("requests.") || name.starts_with("httpx."));
    let removed = if is_default { site.remove_argument(&call.arguments, argument.range()) } else { None };
    let edit = removed.unwrap_or_else(|| TextEdit::replace(argument.value.range(), "True"));
    fix("Check the certificate", Applicability::Unsafe, vec![edit])
}

/// `ssl._create_unverified_context` → `ssl.create_default_context`.
pub(super) fn checked_context(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "ssl._create_unverified_context")?;
    fix("Check the certificate", Applicability::Unsafe, site.renamed(&call.func, "create_default_context")?)
}

/// `ssl.PROTOCOL_SSLv3` → `ssl.PROTOCOL_TLSv1_2`, in calls and in defaults of parameters.
pub(super) fn newer_version(site: &Site) -> Option<Fix> {
    let ancestors = site.ancestors();
    let direct = ancestors.iter().find_map(|node| match node {
        AnyNodeRef::ExprAttribute(attribute) => is_old(site, attribute).then_some(*attribute),
        _ => None,
    });
    let in_call = || {
        let keywords = site.calls().flat_map(|call| call.arguments.keywords.iter()).filter(|keyword| {
            keyword.arg.as_ref().is_some_and(|name| matches!(name.as_str(), "ssl_version" | "protocol"))
        });
        keywords.filter_map(|keyword| keyword.value.as_attribute_expr()).find(|attribute| is_old(site, attribute))
    };
    let attribute = direct.or_else(in_call)?;
    let edit = TextEdit::replace(attribute.attr.range(), "PROTOCOL_TLSv1_2");
    fix("Use TLS 1.2", Applicability::Unsafe, vec![edit])
}

fn is_old(site: &Site, attribute: &ExprAttribute) -> bool {
    let is_ssl = site.imports.full_name(&attribute.value).as_deref() == Some("ssl");
    let old = ["PROTOCOL_SSLv2", "PROTOCOL_SSLv3", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1"];
    is_ssl && old.contains(&attribute.attr.as_str())
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn certificates_are_checked() {
        check(
            "S501",
            "import requests\nrequests.get(url, $0verify=False$0, timeout=5)\n",
            "import requests\nrequests.get(url, timeout=5)\n",
        );
        check("S501", "session.get(url, verify=$0False$0)\n", "session.get(url, verify=True)\n");
        check(
            "S501",
            "import httpx\nhttpx.Client($0verify=False$0, http2=True)\n",
            "import httpx\nhttpx.Client(http2=True)\n",
        );
        refused("S501", "session.get(url, verify=$0flag$0)\n");
    }

    #[test]
    fn contexts_and_versions() {
        check(
            "S323",
            "import ssl\nc = $0ssl._create_unverified_context()$0\n",
            "import ssl\nc = ssl.create_default_context()\n",
        );
        check(
            "S502",
            "import ssl\nssl.wrap_socket(s, ssl_version=$0ssl.PROTOCOL_SSLv3$0)\n",
            "import ssl\nssl.wrap_socket(s, ssl_version=ssl.PROTOCOL_TLSv1_2)\n",
        );
        check(
            "S503",
            "import ssl\ndef f(v=$0ssl.PROTOCOL_TLSv1$0): ...\n",
            "import ssl\ndef f(v=ssl.PROTOCOL_TLSv1_2): ...\n",
        );
        refused("S502", "import ssl\nssl.wrap_socket(s, ssl_version=$0ssl.PROTOCOL_TLS_CLIENT$0)\n");
    }
}
