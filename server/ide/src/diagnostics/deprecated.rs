//! Uses of what says of itself, with `@deprecated`, that it is to be used no longer.

use graph::{Analysis, Confidence, FileId, Relation};

use super::{Code, Diagnostic, Related, diagnostic};

/// Calls, and classes that derive from one, of the workspace's own definitions. The file that defines it may go on using it.
pub(super) fn diagnose(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let edges = analysis.edges(file).into_iter();
    let certain = edges.filter(|edge| {
        let is_use = matches!(edge.relation, Relation::Calls(_) | Relation::Inherits);
        is_use && edge.confidence == Confidence::Exact && edge.target.file != file
    });
    let mut found: Vec<Diagnostic> = certain
        .filter_map(|edge| {
            let target = analysis.symbol(edge.target);
            let message = message(&target.local_name(), &target.deprecation()?);
            let related = Related {
                file: edge.target.file,
                range: target.name_range,
                message: format!("`{}`", target.signature()),
            };
            Some(Diagnostic { related: vec![related], ..diagnostic(Code::Deprecated, edge.range, message) })
        })
        .collect();
    found.sort_by_key(|it| it.range.start());
    found.dedup_by_key(|it| it.range);
    found
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
