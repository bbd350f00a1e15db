//! The imports that a module cannot do without.

use syntax::ast::{Expr, Stmt, StmtTry};

/// An import as it is written: `from ..module import name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub level: u32,
    pub module: String,
    pub name: Option<String>,
}

/// The imports that run whenever the module does, and whose failure is its own: neither those in functions, nor under a
/// condition, nor in a `try` that goes on without them.
pub(super) fn required(body: &[Stmt]) -> Vec<Import> {
    let mut found = Vec::new();
    collect(body, &mut found);
    found
}

fn collect(body: &[Stmt], found: &mut Vec<Import>) {
    for statement in body {
        match statement {
            Stmt::Import(import) => {
                let names = import.names.iter().map(|alias| alias.name.to_string());
                found.extend(names.map(|module| Import { level: 0, module, name: None }));
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
                found.extend(import.names.iter().map(|alias| Import {
                    level: import.level,
                    module: module.clone(),
                    name: (alias.name.as_str() != "*").then(|| alias.name.to_string()),
                }));
            }
            Stmt::Try(it) => {
                if !survives(it) {
                    collect(&it.body, found);
                }
                collect(&it.finalbody, found);
            }
            Stmt::With(it) if !it.items.iter().any(|item| suppresses(&item.context_expr)) => collect(&it.body, found),
            Stmt::ClassDef(it) => collect(&it.body, found),
            _ => {}
        }
    }
}

/// Whether the module goes on when an import in the `try` fails.
fn survives(statement: &StmtTry) -> bool {
    statement.handlers.iter().filter_map(|handler| handler.as_except_handler()).any(|handler| {
        let catches = match handler.type_.as_deref() {
            None => true,
            Some(Expr::Tuple(types)) => types.elts.iter().any(is_import_error),
            Some(caught) => is_import_error(caught),
        };
        catches && !matches!(handler.body.last(), Some(Stmt::Raise(_)))
    })
}

fn is_import_error(caught: &Expr) -> bool {
    let name = match caught {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        // Computed: who knows.
        _ => return true,
    };
    matches!(name, "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException")
}

/// `contextlib.suppress(ImportError)`, and whatever else may swallow an error.
fn suppresses(context: &Expr) -> bool {
    let Expr::Call(call) = context else { return false };
    match &*call.func {
        Expr::Name(name) => name.id.as_str() == "suppress",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "suppress",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let show = |it: Import| {
            let dots = ".".repeat(it.level as usize);
            it.name.map_or(format!("{dots}{}", it.module), |name| format!("{dots}{} {name}", it.module))
        };
        required(syntax::parse(text).statements()).into_iter().map(show).collect()
    }

    #[test]
    fn what_runs_whenever_the_module_does() {
        let text =
            "import a.b, c\nfrom . import d as x\nfrom ..e import f, g\nfrom h import *\nclass K:\n    import i\n";
        assert_eq!(names(text), ["a.b", "c", ". d", "..e f", "..e g", "h", "i"]);
    }

    #[test]
    fn what_it_can_do_without() {
        let dispensable = [
            "try:\n    import a\nexcept ImportError:\n    a = None\n",
            "try:\n    import a\nexcept (KeyError, ModuleNotFoundError):\n    pass\n",
            "try:\n    import a\nexcept:\n    pass\n",
            "if sys.platform == 'win32':\n    import a\n",
            "def f():\n    import a\n",
            "with contextlib.suppress(ImportError):\n    import a\n",
        ];
        for text in dispensable {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_error_that_is_only_explained_is_an_error() {
        let needed = [
            "try:\n    import a\nexcept ImportError as e:\n    raise ImportError('build it') from e\n",
            "try:\n    import a\nexcept KeyError:\n    pass\n",
            "try:\n    pass\nfinally:\n    import a\n",
            "with open('x'):\n    import a\n",
        ];
        for text in needed {
            assert_eq!(names(text), ["a"], "{text}");
        }
    }
}
