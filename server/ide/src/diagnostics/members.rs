//! Attributes of modules, classes and instances that are not there.

use graph::{Analysis, FileId, SymbolKind};

use super::{Code, Diagnostic, Related, diagnostic};

/// With each, where the class or module is.
pub(super) fn diagnose(analysis: &Analysis, file: FileId) -> Vec<Diagnostic> {
    let missing = analysis.missing_members(file).into_iter().filter(|it| it.is_certain);
    let one = |missing: graph::MissingMember| {
        let receiver = analysis.symbol(missing.receiver);
        let owner = match receiver.kind {
            SymbolKind::Module => receiver.qualified_name(),
            _ => receiver.local_name(),
        };
        let message = format!("`{owner}` has no `{}`", missing.name);
        let place = "this is where it was looked for".to_owned();
        let related = Related { file: missing.receiver.file, range: receiver.name_range, message: place };
        Diagnostic { related: vec![related], ..diagnostic(Code::MissingMember, missing.range, message) }
    };
    missing.map(one).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::diagnostics::tests::check;

    #[test]
    fn missing_members_of_modules_and_instances() {
        let text = "\
#- /main.py
import cart
cart.total()
cart.gone()
cart.Cart().add()
cart.Cart().gone()
try:
    cart.maybe
except AttributeError:
    pass
#- /cart.py
def total(): ...
class Cart:
    def add(self): ...
";
        check(
            text,
            expect![[r#"
            /main.py:3
                cart.gone()
                     ^^^^
                missing-member: `cart` has no `gone`
            /cart.py:1
                def total(): ...
                ^
                this is where it was looked for
            /main.py:5
                cart.Cart().gone()
                            ^^^^
                missing-member: `Cart` has no `gone`
            /cart.py:2
                class Cart:
                      ^^^^
                this is where it was looked for
        "#]],
        );
    }
}
