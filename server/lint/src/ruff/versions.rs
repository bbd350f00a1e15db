//! Syntax that the Python which a project is for does not have yet, or no longer.

use ruff_python_ast::PythonVersion;
use ruff_python_parser::{UnsupportedSyntaxError, UnsupportedSyntaxErrorKind};

/// Of `errors`, which are those for the Python `syntax::OLDEST`, the ones for `target`, which is not older.
pub(super) fn unsupported(errors: &[UnsupportedSyntaxError], target: PythonVersion) -> Vec<UnsupportedSyntaxError> {
    let of_target = errors.iter().filter(|error| added(error.kind).is_none_or(|version| target < version));
    of_target.map(|error| UnsupportedSyntaxError { target_version: target, ..error.clone() }).collect()
}

/// The Python that brought the syntax; `None` for what `syntax::OLDEST` has dropped already. The parser's own table, which is
/// private.
fn added(kind: UnsupportedSyntaxErrorKind) -> Option<PythonVersion> {
    use UnsupportedSyntaxErrorKind as Kind;
    Some(match kind {
        Kind::ParenthesizedKeywordArgumentName => return None,
        Kind::Walrus | Kind::StarTuple(_) | Kind::PositionalOnlyParameter => PythonVersion::PY38,
        Kind::UnparenthesizedNamedExpr(_)
        | Kind::RelaxedDecorator(_)
        | Kind::ParenthesizedContextManager
        | Kind::UnparenthesizedUnpackInFor => PythonVersion::PY39,
        Kind::Match => PythonVersion::PY310,
        Kind::ExceptStar | Kind::StarExpressionInIndex | Kind::StarAnnotation => PythonVersion::PY311,
        Kind::TypeParameterList | Kind::TypeAliasStatement | Kind::Pep701FString(_) => PythonVersion::PY312,
        Kind::TypeParamDefault => PythonVersion::PY313,
        Kind::UnparenthesizedExceptionTypes | Kind::TemplateStrings => PythonVersion::PY314,
        Kind::LazyImportStatement | Kind::UnpackingInComprehension(_) => PythonVersion::PY315,
    })
}

#[cfg(test)]
mod tests {
    use ruff_python_ast::PySourceType;
    use ruff_python_parser::{ParseOptions, parse_unchecked};

    use super::*;

    /// Each with something that one of them brought.
    const TEXTS: &[&str] = &[
        "f((a)=1)\n",
        "x[a:=1]\nfor x in *a, *b: pass\nwith (a as b, c as d): pass\n@a[0].b\ndef f(): ...\n",
        "match x:\n    case 1: pass\n",
        "try: pass\nexcept* E: pass\nx[*a]\ndef f(*args: *T): ...\n",
        "type X = int\ndef f[T](): ...\nf\"{a[\"b\"]} {'\\n'}\"\nf'''{a # c\n}'''\n",
        "def f[T = int](): ...\n",
        "try: pass\nexcept A, B: pass\nt'{x}'\n",
        "[*x for x in y]\n{**d for d in e}\n",
    ];

    #[test]
    fn version_errors_are_those_that_the_parser_finds() {
        let mut found = 0;
        for text in TEXTS {
            let errors_for = |version| {
                let options = ParseOptions::from(PySourceType::Python).with_target_version(version);
                let parsed = parse_unchecked(text, options);
                assert!(parsed.has_valid_syntax(), "{text}");
                parsed.unsupported_syntax_errors().to_vec()
            };
            let parsed = syntax::parse(text);
            let oldest = parsed.verbatim().unwrap().unsupported_syntax_errors();
            assert_eq!(oldest, errors_for(syntax::OLDEST));
            assert!(!oldest.is_empty(), "{text}");
            for version in PythonVersion::iter().filter(|version| *version >= syntax::OLDEST) {
                assert_eq!(unsupported(oldest, version), errors_for(version), "{version}: {text}");
                found += oldest.len();
            }
        }
        assert!(found > 100, "{found}");
    }
}
