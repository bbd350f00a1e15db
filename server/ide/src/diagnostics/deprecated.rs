//! Uses of what says of itself, with `@deprecated`, that it is to be used no longer.

use graph::{Analysis, FileId};

use super::{Code, Diagnostic, Related, diagnostic};

/// Of the workspace's own definitions; see [`Analysis::deprecated_uses`].
pub(super) fn diagnose(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let uses = analysis.deprecated_uses(file).into_iter();
    let one = |(range, target): (_, graph::SymbolId)| {
        let target = analysis.symbol(target);
        let message = message(&target.local_name(), &target.deprecation()?);
        let signature = format!("`{}`", target.signature());
        let related = Related { file: target.id.file, range: target.name_range, message: signature };
        Some(Diagnostic { related: vec![related], ..diagnostic(Code::Deprecated, range, message) })
    };
    uses.filter_map(one).collect()
}

pub(super) fn message(name: &str, reason: &str) -> String {
    match reason {
        "" => format!("`{name}` is deprecated"),
        _ => format!("`{name}` is deprecated: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::tests::check;

    #[test]
    fn what_the_workspace_deprecates() {
        let text = "\
#- /main.py
from old import Cart, Plain, total
total(1)
Cart().add(2)
class Mine(Plain): ...
def total(x): ...
total(2)
#- /old.py
from warnings import deprecated
@deprecated('use `sum`')
def total(parts): ...
class Cart:
    @deprecated(
        'carts are '
        'for good'
    )
    def add(self, item): ...
@deprecated
class Plain: ...
total(3)
";
        check(
            text,
            expect![[r#"
                /main.py:2
                    total(1)
                    ^^^^^
                    deprecated: `total` is deprecated: use `sum`
                /old.py:3
                    def total(parts): ...
                        ^^^^^
                    `def total(parts)`
                /main.py:3
                    Cart().add(2)
                           ^^^
                    deprecated: `Cart.add` is deprecated: carts are for good
                /old.py:9
                        def add(self, item): ...
                            ^^^
                    `def add(self, item)`
                /main.py:4
                    class Mine(Plain): ...
                          ^^^^
                    deprecated: `Plain` is deprecated
                /old.py:11
                    class Plain: ...
                          ^^^^^
                    `class Plain`
            "#]],
        );
    }
}
