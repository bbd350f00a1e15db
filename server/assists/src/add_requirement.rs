//! Add the distribution of a missing package to the project's requirements.
//!
//! ```python
//! import yaml      # ← offered here: `PyYAML` into requirements.txt
//! ```

use super::action::{ActionKind, AssistContext, Change, Offers, Rewrite, TextFileEdit};
use ide::missing_package;

pub(super) const REWRITE: Rewrite = Rewrite { id: "add-requirement", tolerant: true, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let requirements = &context.project.requirements;
    let missing = missing_package(context.analysis, context.project, context.file, context.range);
    let Some(package) = missing.filter(|_| !requirements.is_empty()) else { return };
    // Most distributions are called like their package.
    let distribution = lint::distribution_of(&package).unwrap_or(&package);
    if requirements.iter().any(|file| lint::requires(file.name(), &file.text, distribution)) {
        return;
    }
    for file in requirements {
        let Some(edits) = lint::add_requirement(file.name(), &file.text, distribution) else { continue };
        let text = TextFileEdit { path: file.path.clone(), before: file.text.clone(), edits };
        let title = format!("Add `{distribution}` to {}", file.name());
        offers.made(ActionKind::QuickFix, title, Ok(Change { texts: vec![text], ..Change::default() }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles};
    use super::*;

    #[test]
    fn into_a_list_that_is_sorted() {
        let text = "#- /a.py\nimport ya$0ml\n#- /requirements.txt\nattrs==23.1\nrequests>=2\n";
        check(
            &REWRITE,
            text,
            expect![[r#"
            #- /requirements.txt
            attrs==23.1
            PyYAML
            requests>=2
        "#]],
        );
    }

    #[test]
    fn into_the_project_table() {
        let text =
            "#- /a.py\nfrom PI$0L import Image\n#- /pyproject.toml\n[project]\ndependencies = [\n    \"attrs\",\n]\n";
        check(
            &REWRITE,
            text,
            expect![[r##"
            #- /pyproject.toml
            [project]
            dependencies = [
                "attrs",
                "Pillow",
            ]
        "##]],
        );
    }

    #[test]
    fn requirement_that_is_listed_or_unknown_is_not_offered() {
        check_titles(&REWRITE, "#- /a.py\nimport ya$0ml\n#- /requirements.txt\npyyaml==6.0\n", expect![""]);
        check_titles(&REWRITE, "#- /a.py\nimport o$0s\n#- /requirements.txt\nattrs\n", expect![""]);
        check_titles(&REWRITE, "#- /a.py\nimport ya$0ml\n", expect![""]);
    }
}
