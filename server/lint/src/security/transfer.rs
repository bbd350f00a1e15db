//! Files and commands go to other machines so that nobody on the way reads them or answers instead.

use syntax::ast::Expr;

use super::site::{Site, fix};
use crate::{Applicability, Fix};

/// `ftplib.FTP(host)` → `ftplib.FTP_TLS(host)`.
pub(super) fn over_tls(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| name == "ftplib.FTP")?;
    let edits = site.renamed(&call.func, "FTP_TLS")?;
    fix("Use FTP over TLS, whose `prot_p()` protects the files as well", Applicability::Unsafe, edits)
}

/// `client.set_missing_host_key_policy(AutoAddPolicy())` → `….RejectPolicy()`.
pub(super) fn known_hosts(site: &Site) -> Option<Fix> {
    let call = site.calls().find(|call| {
        call.func.as_attribute_expr().is_some_and(|function| function.attr.as_str() == "set_missing_host_key_policy")
    })?;
    let policy = match call.arguments.find_argument_value("policy", 0)? {
        Expr::Call(call) => &*call.func,
        policy => policy,
    };
    let name = site.imports.full_name(policy)?;
    let trusts =
        name.starts_with("paramiko.") && (name.ends_with(".AutoAddPolicy") || name.ends_with(".WarningPolicy"));
    let edits = site.renamed(policy, "RejectPolicy").filter(|_| trusts)?;
    fix("Refuse hosts that are not known", Applicability::Unsafe, edits)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn files() {
        check("S321", "import ftplib\nf = $0ftplib.FTP(host)$0\n", "import ftplib\nf = ftplib.FTP_TLS(host)\n");
        check(
            "S321",
            "from ftplib import FTP\nwith $0FTP(host)$0 as f: ...\n",
            "from ftplib import FTP, FTP_TLS\nwith FTP_TLS(host) as f: ...\n",
        );
        refused("S321", "import ftplib\n$0ftplib.parse227(x)$0\n");
    }

    #[test]
    fn hosts() {
        check(
            "S507",
            "import paramiko\nc.set_missing_host_key_policy($0paramiko.AutoAddPolicy()$0)\n",
            "import paramiko\nc.set_missing_host_key_policy(paramiko.RejectPolicy())\n",
        );
        check(
            "S507",
            "from paramiko import client\nc.set_missing_host_key_policy($0client.WarningPolicy$0)\n",
            "from paramiko import client\nc.set_missing_host_key_policy(client.RejectPolicy)\n",
        );
        refused("S507", "c.set_missing_host_key_policy($0policy$0)\n");
    }
}
