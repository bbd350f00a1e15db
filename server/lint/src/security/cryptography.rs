//! Keys that are long enough, and curves that nobody has broken.

use syntax::ast::{Expr, ExprCall, Number};
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix};
use crate::{Applicability, Fix};

/// In bits; what NIST takes to hold beyond 2030.
const BITS: u64 = 3072;

pub(super) fn stronger(site: &Site) -> Option<Fix> {
    let (call, name) = site.call_of(|name| name.contains("crypto") || name.starts_with("Crypto"))?;
    let edits = if let Some(size) = size(call) {
        vec![TextEdit::replace(size.range(), BITS.to_string())]
    } else if name.contains(".ec.") && !name.ends_with("generate_private_key") {
        site.renamed(&call.func, "SECP256R1")?
    } else {
        return None;
    };
    fix("Make a key that is strong enough", Applicability::Unsafe, edits)
}

/// The number of bits of a call that makes a key.
fn size(call: &ExprCall) -> Option<&Expr> {
    let named = ["key_size", "bits"].iter().find_map(|name| call.arguments.find_keyword(name)).map(|it| &it.value);
    let is_size = |expr: &&Expr| match expr {
        Expr::NumberLiteral(number) => {
            matches!(&number.value, Number::Int(value) if value.as_u64().is_some_and(|bits| (256..2048).contains(&bits)))
        }
        _ => false,
    };
    named.or_else(|| call.arguments.args.iter().find(is_size)).filter(is_size)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn keys() {
        let rsa = "from cryptography.hazmat.primitives.asymmetric import rsa\n";
        check(
            "S505",
            &format!("{rsa}k = rsa.generate_private_key(public_exponent=65537, $0key_size=1024$0)\n"),
            &format!("{rsa}k = rsa.generate_private_key(public_exponent=65537, key_size=3072)\n"),
        );
        check(
            "S505",
            "from Crypto.PublicKey import RSA\nk = $0RSA.generate(1024)$0\n",
            "from Crypto.PublicKey import RSA\nk = RSA.generate(3072)\n",
        );
        refused("S505", "from Crypto.PublicKey import RSA\nk = $0RSA.generate(bits)$0\n");
    }

    #[test]
    fn curves() {
        let ec = "from cryptography.hazmat.primitives.asymmetric import ec\n";
        check(
            "S505",
            &format!("{ec}k = ec.generate_private_key(curve=$0ec.SECT163K1()$0)\n"),
            &format!("{ec}k = ec.generate_private_key(curve=ec.SECP256R1())\n"),
        );
    }
}
