//! Signatures of tokens are verified, where the key is there to do it with.

use syntax::{Ranged, TextEdit, TextRange};

use super::site::{Site, fix, is_plain};
use crate::weaknesses::jwt::{algorithms, is_decode, is_none, option};
use crate::{Applicability, Fix};

pub(super) fn verified(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(is_decode)?;
    let has_key = call.arguments.find_argument("key", 1).is_some();
    if !is_plain(&call.arguments) || !has_key {
        return None;
    }
    let mut edits = Vec::new();
    if let Some(verify) = call.arguments.find_keyword("verify") {
        edits.push(site.remove_argument(&call.arguments, verify.range())?);
    }
    if let Some(option) = option(call, "verify_signature") {
        edits.push(TextEdit::replace(option.range(), "True"));
    }
    let all = algorithms(call);
    let others: Vec<&str> =
        all.iter().filter(|algorithm| !is_none(algorithm)).map(|algorithm| site.text(algorithm.range())).collect();
    if let (Some(first), Some(last)) = (all.first(), all.last())
        && others.len() < all.len()
    {
        let range = TextRange::new(first.start(), last.end());
        if others.is_empty() || site.has_comment(range) {
            return None;
        }
        edits.push(TextEdit::replace(range, others.join(", ")));
    }
    fix("Verify the signature", Applicability::Unsafe, edits)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn signatures() {
        for (before, after) in [
            ("t, key, $0verify=False$0, algorithms=['HS256']", "t, key, algorithms=['HS256']"),
            ("t, key, options={'verify_signature': $0False$0}", "t, key, options={'verify_signature': True}"),
            ("t, key, algorithms=['HS256', $0'none'$0]", "t, key, algorithms=['HS256']"),
        ] {
            let text = |arguments: &str| format!("import jwt\nx = jwt.decode({arguments})\n");
            check("unverified-jwt", &text(before), &text(after));
        }
        refused("unverified-jwt", "import jwt\njwt.decode(t, options={'verify_signature': $0False$0})\n");
        refused("unverified-jwt", "import jwt\njwt.decode(t, key, algorithms=[$0'none'$0])\n");
    }
}
