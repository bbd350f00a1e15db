//! Methods that cannot stand in for what they override.

use graph::{Analysis, FileId};

use super::{Code, Diagnostic, Related, diagnostic};

/// With each, where the overridden method is.
pub(super) fn diagnose(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let incompatible = analysis.incompatible_overrides(file).into_iter();
    let one = |incompatibility: graph::IncompatibleOverride| {
        let overridden = analysis.symbol(incompatibility.overridden);
        let name = overridden.local_name();
        let message = format!("this override does not fit `{name}`: it {}", incompatibility.message);
        let file = incompatibility.overridden.file;
        let related = Related { file, range: overridden.name_range, message: format!("`{}`", overridden.signature()) };
        Diagnostic { related: vec![related], ..diagnostic(Code::IncompatibleOverride, incompatibility.range, message) }
    };
    incompatible.map(one).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::tests::check;

    #[test]
    fn override_of_a_class_in_another_file() {
        let text = "\
#- /main.py
from rules import Rule
class Half(Rule):
    def apply(self): ...
class Other(Rule):
    def apply(self, cart, rate): ...
class Good(Rule):
    def apply(self, basket, rate=1): ...
#- /rules.py
class Rule:
    def apply(self, cart): ...
";
        check(
            text,
            expect![[r#"
                /main.py:3
                        def apply(self): ...
                            ^^^^^
                    incompatible-override: this override does not fit `Rule.apply`: it takes 0 arguments, the overridden method is given 1 argument
                /rules.py:2
                        def apply(self, cart): ...
                            ^^^^^
                    `def apply(self, cart)`
                /main.py:5
                        def apply(self, cart, rate): ...
                            ^^^^^
                    incompatible-override: this override does not fit `Rule.apply`: it requires `rate`, which the overridden method does not take
                /rules.py:2
                        def apply(self, cart): ...
                            ^^^^^
                    `def apply(self, cart)`
            "#]],
        );
    }
}
