//! Add missing import.
//!
//! ```python
//! print(Path.cwd())      # ← offered on `Path`, which nothing binds
//! ```

use graph::{Analysis, Importable};

use super::action::{ActionKind, AssistContext, Offers, Rewrite};
use super::import_block::{NewImport, add};
use super::module_path::{package, relative};
use super::stdlib;

pub(super) const REWRITE: Rewrite = Rewrite { id: "add-import", tolerant: true, offer };

/// More are no help.
const MAX_OFFERS: usize = 8;

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let AssistContext { analysis, file, parsed, .. } = *context;
    let Some(name) = undefined(context) else { return };
    for (nth, import) in candidates(context, name).into_iter().take(MAX_OFFERS).enumerate() {
        let title = match (&import.member, &import.alias) {
            (Some(member), Some(alias)) => format!("Import `{member}` as `{alias}` from `{}`", import.module),
            (Some(member), None) => format!("Import `{member}` from `{}`", import.module),
            (None, Some(alias)) => format!("Import `{}` as `{alias}`", import.module),
            (None, None) => format!("Import `{}`", import.module),
        };
        offers.made(ActionKind::QuickFix, title, Ok(context.change([add(analysis, file, parsed, &import)])));
        if nth == 0 {
            offers.prefer();
        }
    }
}

/// The name at the cursor, if nothing binds it.
fn undefined<'a>(context: &AssistContext<'a>) -> Option<&'a str> {
    let analysis = context.analysis;
    let range = analysis.name_at(context.file, context.range.start())?;
    let name = &context.text[range];
    if Analysis::is_builtin(name) || !range.contains_range(context.range) {
        return None;
    }
    let is_attribute = context.text[..range.start().to_usize()].trim_end().ends_with('.');
    let broken = !analysis.syntax_errors(context.file).is_empty();
    let undefined = analysis.undefined_names(context.file).iter().any(|(other, _)| *other == range)
        // While something is half-typed nothing is called undefined, but what has no target at all may be imported.
        || broken && !is_attribute && analysis.targets(context.file, range.start()).is_empty();
    undefined.then_some(name)
}

/// The imports that bind `name`, the likeliest first.
fn candidates(context: &AssistContext<'_>, name: &str) -> Vec<NewImport> {
    let analysis = context.analysis;
    let own = analysis.module_name(context.file);
    let own_package = package(analysis, context.file);
    let mut found: Vec<Importable> = analysis.importable(name);
    let external = |module: &str, member: Option<&str>| Importable {
        module: module.to_owned(),
        member: member.map(str::to_owned),
        renamed: false,
        file: None,
        users: 0,
        is_reexport: false,
    };
    let mut more: Vec<Importable> = stdlib::homes(name).map(|module| external(module, Some(name))).collect();
    if stdlib::is_stdlib(name) && !name.starts_with('_') {
        more.push(external(name, None));
    }
    for candidate in more {
        let known = |other: &Importable| other.module == candidate.module && other.member == candidate.member;
        if !found.iter().any(known) {
            found.push(candidate);
        }
    }
    found.retain(|it| it.file != Some(context.file) && it.module != own);
    found.sort_by_cached_key(|it| {
        let dotted = format!(".{}", it.module);
        let is_private = dotted.contains("._") || it.member.as_ref().is_some_and(|member| member.starts_with('_'));
        let top = |module: &str| module.split('.').next().unwrap_or_default().to_owned();
        let is_near = !own_package.is_empty() && top(&it.module) == top(own_package) && it.file.is_some();
        let in_tests = dotted.contains(".test");
        (
            // What others do most is what is meant, unless it is somebody's private thing.
            is_private && it.users == 0,
            in_tests && !format!(".{own}").contains(".test"),
            std::cmp::Reverse(it.users),
            !is_near,
            it.is_reexport,
            it.module.matches('.').count(),
            it.module.clone(),
        )
    });
    let is_relative = prefers_relative(context);
    let written = found.into_iter().map(|it| {
        let module = match relative(analysis, context.file, &it.module).filter(|_| is_relative && it.member.is_some()) {
            Some(relative) => relative,
            None => it.module,
        };
        NewImport { module, member: it.member, alias: it.renamed.then(|| name.to_owned()) }
    });
    let mut unique: Vec<NewImport> = Vec::new();
    for import in written {
        if !unique.contains(&import) {
            unique.push(import);
        }
    }
    unique
}

/// Whether the file imports its neighbours by dots.
fn prefers_relative(context: &AssistContext<'_>) -> bool {
    let imports = context.analysis.imports(context.file);
    let dots = |text: &str| text.starts_with("from .");
    let is_own = |text: &str| {
        let top = package(context.analysis, context.file).split('.').next().unwrap_or_default();
        !top.is_empty() && text.starts_with(&format!("from {top}"))
    };
    let relative = imports.iter().filter(|import| dots(&import.text)).count();
    relative > imports.iter().filter(|import| is_own(&import.text)).count()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titled, check_titles};
    use super::*;

    #[test]
    fn from_the_workspace_and_the_standard_library() {
        let text = "\
#- /shop/__init__.py
from .cart import Cart
#- /shop/cart.py
class Cart: ...
#- /shop/other.py
from shop.cart import Cart
#- /shop/more.py
from shop.cart import Cart
#- /main.py
\"\"\"Doc.\"\"\"
import os
def f() -> Cart$0: ...
";
        check_titles(
            &REWRITE,
            text,
            expect![[r#"
                Import `Cart` from `shop.cart`
                Import `Cart` from `shop`
            "#]],
        );
        check(
            &REWRITE,
            text,
            expect![[r#"
                """Doc."""
                import os

                from shop.cart import Cart
                def f() -> Cart: ...
            "#]],
        );
        check(
            &REWRITE,
            "from pathlib import PurePath\nPath$0()\n",
            expect![[r#"
            from pathlib import Path, PurePath
            Path()
        "#]],
        );
        check(
            &REWRITE,
            "x = sys$0.argv\n",
            expect![[r#"
            import sys

            x = sys.argv
        "#]],
        );
    }

    #[test]
    fn import_is_written_as_other_files_write_it() {
        check(
            &REWRITE,
            "#- /a.py\nimport numpy as np\n#- /b.py\nfrom requests import get as fetch\n#- /main.py\nimport os\r\nnp$0.zeros(1)\r\n",
            expect![[r#"
                import os␍
                ␍
                import numpy as np␍
                np.zeros(1)␍
            "#]],
        );
        check_titles(
            &REWRITE,
            "#- /b.py\nfrom requests import get as fetch\n#- /main.py\nfetch$0()\n",
            expect![[r#"
                Import `get` as `fetch` from `requests`
            "#]],
        );
    }

    #[test]
    fn import_is_relative_where_the_file_uses_relative_ones() {
        check_titled(
            &REWRITE,
            "Import `f` from",
            "#- /pkg/__init__.py\n#- /pkg/a.py\ndef f(): ...\n#- /pkg/b.py\ndef g(): ...\n#- /pkg/c.py\nfrom .b import g\nf$0()\n",
            expect![[r#"
                from .a import f
                from .b import g
                f()
            "#]],
        );
    }

    #[test]
    fn while_something_is_half_typed() {
        check_titles(
            &REWRITE,
            "@dataclass$0\nclass C:\n",
            expect![[r#"
                Import `dataclass` from `dataclasses`
            "#]],
        );
    }

    #[test]
    fn bound_and_built_in_names_are_not_imported() {
        for text in
            ["x = 1\nx$0\n", "len$0(1)\n", "def f(Path): return Path$0\n", "a = 1\na.Path$0\n", "nowhere_at_all$0\n"]
        {
            check_titles(&REWRITE, text, expect![""]);
        }
    }
}
