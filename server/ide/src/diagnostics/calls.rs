//! Calls that do not fit what they call.

use graph::{Analysis, FileId};

use super::{Code, Diagnostic, Related, diagnostic};

/// With each, where the callee is.
pub(super) fn diagnose(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let incompatible = analysis.incompatible_calls(file).into_iter();
    let one = |incompatibility: graph::IncompatibleCall| {
        let callee = analysis.symbol(incompatibility.callee);
        let message = format!("this call does not fit `{}`: {}", callee.local_name(), incompatibility.message);
        let related = Related {
            file: incompatibility.callee.file,
            range: callee.name_range,
            message: format!("`{}`", callee.signature()),
        };
        Diagnostic { related: vec![related], ..diagnostic(Code::IncompatibleCall, incompatibility.range, message) }
    };
    incompatible.map(one).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::tests::check;

    #[test]
    fn incompatible_calls_of_functions_in_other_files() {
        let text = "\
#- /main.py
from cart import Cart, total
total(1, 2)
total(1, rat=2)
Cart().add('apple')
Cart().add()
#- /cart.py
def total(parts, *, rate): ...
class Cart:
    def add(self, item): ...
";
        check(
            text,
            expect![[r#"
            /main.py:2
                total(1, 2)
                ^^^^^
                incompatible-call: this call does not fit `total`: too many arguments: 2 given, at most 1 taken
            /cart.py:1
                def total(parts, *, rate): ...
                    ^^^^^
                `def total(parts, *, rate)`
            /main.py:3
                total(1, rat=2)
                ^^^^^
                incompatible-call: this call does not fit `total`: unknown argument `rat`
            /cart.py:1
                def total(parts, *, rate): ...
                    ^^^^^
                `def total(parts, *, rate)`
            /main.py:5
                Cart().add()
                       ^^^
                incompatible-call: this call does not fit `Cart.add`: missing argument `item`
            /cart.py:3
                    def add(self, item): ...
                        ^^^
                `def add(self, item)`
        "#]],
        );
    }

    #[test]
    fn what_the_program_expects() {
        let text = "\
import pytest
def f(a): ...
with pytest.raises(TypeError):
    f()
try:
    f()
except TypeError:
    f(1)
f()  # tantu: ignore[incompatible-call]
";
        check(text, expect![[r#""#]]);
    }
}
