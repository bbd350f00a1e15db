//! MD5 and SHA-1 protect nothing; where they only tell things apart, Python wants to be told so.

use syntax::ast::Expr;
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain, keyword};
use crate::{Applicability, Fix};

fn is_weak(name: &str) -> bool {
    matches!(name, "hashlib.md5" | "hashlib.sha1" | "hashlib.md4" | "hashlib.sha" | "hashlib.new")
}

pub(super) fn sha256(site: &Site) -> Option<Fix> {
    let (call, name) = site.call_of(is_weak)?;
    let edits = if name == "hashlib.new" {
        let literal =
            call.arguments.find_argument_value("name", 0)?.as_string_literal_expr()?.as_single_part_string()?;
        vec![TextEdit::replace(literal.content_range(), "sha256")]
    } else {
        site.renamed(&call.func, "sha256")?
    };
    fix("Use SHA-256", Applicability::Unsafe, edits)
}

/// Since Python 3.9.
pub(super) fn not_for_security(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(is_weak)?;
    if !is_plain(&call.arguments) {
        return None;
    }
    let edit = match keyword(call, "usedforsecurity") {
        Some(Expr::BooleanLiteral(value)) if value.value => TextEdit::replace(value.range(), "False"),
        Some(_) => return None,
        None => site.add_argument(&call.arguments, "usedforsecurity=False")?,
    };
    fix("Say that this is not for security", Applicability::Unsafe, vec![edit])
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check_all, refused};

    #[test]
    fn two_ways() {
        check_all(
            "S324",
            "import hashlib as h\nx = $0h.md5$0(data).hexdigest()\n",
            &[
                "import hashlib as h\nx = h.sha256(data).hexdigest()\n",
                "import hashlib as h\nx = h.md5(data, usedforsecurity=False).hexdigest()\n",
            ],
        );
        check_all(
            "S324",
            "from hashlib import sha1\nx = $0sha1$0()\n",
            &[
                "from hashlib import sha1, sha256\nx = sha256()\n",
                "from hashlib import sha1\nx = sha1(usedforsecurity=False)\n",
            ],
        );
        check_all(
            "S324",
            "import hashlib\nx = hashlib.new($0'md5'$0, data,)\n",
            &[
                "import hashlib\nx = hashlib.new('sha256', data,)\n",
                "import hashlib\nx = hashlib.new('md5', data, usedforsecurity=False)\n",
            ],
        );
    }

    #[test]
    fn what_is_unclear_is_left() {
        refused("S324", "md5 = get()\nx = $0md5$0(data)\n");
        refused("S324", "import hashlib\nx = hashlib.new($0name$0, **options)\n");
    }
}
