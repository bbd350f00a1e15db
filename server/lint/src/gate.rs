//! What code that nobody has read must not bring in, whatever a project's settings say.

use std::sync::LazyLock;

use ruff_linter::registry::Rule;
use ruff_linter::settings::LinterSettings;
use ruff_linter::settings::flags::Noqa;
use ruff_linter::settings::rule_table::RuleTable;

use crate::{Document, Finding, INVALID_SYNTAX, Linter, Ruff, secrets};

/// Mistakes that parse and that no compiler takes.
const COMPILER: &[Rule] = &[
    Rule::AwaitOutsideAsync,
    Rule::BreakOutsideLoop,
    Rule::ContinueOutsideLoop,
    Rule::DefaultExceptNotLast,
    Rule::FutureFeatureNotDefined,
    Rule::LateFutureImport,
    Rule::LoadBeforeGlobalDeclaration,
    Rule::MultipleStarredExpressions,
    Rule::NonlocalWithoutBinding,
    Rule::ReturnOutsideFunction,
    Rule::UndefinedLocalWithNestedImportStarUsage,
    Rule::YieldFromInAsyncFunction,
    Rule::YieldOutsideFunction,
];

/// Calls that run text or data as code, hand it to a shell, or leave a gap for others.
const DANGERS: &[Rule] = &[
    Rule::ExecBuiltin,
    Rule::StartProcessWithAShell,
    Rule::SubprocessPopenWithShellEqualsTrue,
    Rule::SuspiciousEvalUsage,
    Rule::SuspiciousMarshalUsage,
    Rule::SuspiciousMktempUsage,
    Rule::SuspiciousPickleUsage,
    Rule::UnsafeYAMLLoad,
];

/// The few of ruff's rules that hold for code from elsewhere in every project: what no compiler takes, and what runs text as
/// code; and secrets. Neither the project's selection and exclusions nor comments in the text switch them off; which Python the project
/// is for still counts.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a>(pub &'a Ruff);

impl Linter for Gate<'_> {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        static RULES: LazyLock<RuleTable> = LazyLock::new(|| COMPILER.iter().chain(DANGERS).copied().collect());
        let Gate(ruff) = self;
        let settings = ruff.settings_of(document.path);
        let settings =
            LinterSettings { rules: RULES.clone(), per_file_ignores: Default::default(), ..settings.linter.clone() };
        let mut found = ruff.findings(document, &settings, Noqa::Disabled);
        found.extend(secrets::unconsented(document.path, document.text, document.parsed));
        found
    }
}

/// Whether the rule `code` is about what parses and no compiler takes.
pub fn is_compile_error(code: &str) -> bool {
    code == INVALID_SYNTAX || Rule::from_code(code).is_ok_and(|rule| COMPILER.contains(&rule))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn codes(settings: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ruff.toml"), settings).unwrap();
        let path = folder.path().join("generated/a.py");
        let ruff = Ruff::with_user_settings(None);
        let parsed = syntax::parse(text);
        let found = Gate(&ruff).lint(&Document { path: Path::new(&path), text, parsed: &parsed });
        found.into_iter().map(|finding| finding.code.into_owned()).collect()
    }

    #[test]
    fn neither_settings_nor_comments_open_it() {
        let text = "import pickle, os\n\n\ndef f(a, a):\n    eval(a)  # noqa\n    pickle.loads(a)\n    assert os\npassword = 'hunter2'  # nosec\n";
        let expected = ["invalid-syntax", "S307", "S301", "secret"];
        for settings in [
            "lint.select = []\n",
            "lint.select = [\"ALL\"]\n",
            "exclude = [\"generated\"]\n",
            "lint.per-file-ignores = { \"*.py\" = [\"S\"] }\n",
        ] {
            assert_eq!(codes(settings, text), expected, "{settings}");
        }
        assert_eq!(
            codes("", "# ruff: noqa\nawait x\nreturn\nimport os\nos.system(y)\n"),
            ["F704", "PLE1142", "F706", "S605"]
        );
    }

    #[test]
    fn the_version_of_the_project_counts() {
        let text = "match 1:\n    case 1: pass\n";
        assert_eq!(codes("target-version = \"py39\"\n", text), ["invalid-syntax"]);
        assert_eq!(codes("target-version = \"py310\"\n", text), [""; 0]);
    }

    #[test]
    fn what_no_compiler_takes_is_told_from_the_rest() {
        for (code, expected) in [
            ("invalid-syntax", true),
            ("F706", true),
            ("PLE1142", true),
            ("F821", false),
            ("S307", false),
            ("x", false),
        ] {
            assert_eq!(is_compile_error(code), expected, "{code}");
        }
    }
}
