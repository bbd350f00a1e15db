//! Add the distribution of a missing package to the project's requirements.
//!
//! ```python
//! import yaml      # ← offered here: `PyYAML` into requirements.txt
//! ```

use super::action::{ActionKind, AssistContext, Change, Offers, Rewrite, TextFileEdit};
use ide::{Project, RequirementFile, missing_package};

pub(super) const REWRITE: Rewrite = Rewrite { id: "add-requirement", tolerant: true, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let missing = missing_package(context.analysis, context.project, context.file, context.range);
    let Some(package) = missing else { return };
    // Most distributions are called like their package.
    let distribution = lint::distribution_of(&package).unwrap_or(&package);
    for (name, change) in require(context.project, distribution) {
        offers.made(ActionKind::QuickFix, format!("Add `{distribution}` to {name}"), Ok(change));
    }
}

/// The files that may say that a project needs a distribution, and what makes each of them say so. None where one of them does.
pub fn require<'a>(project: &'a Project, distribution: &str) -> Vec<(&'a str, Change)> {
    let requirements = &project.requirements;
    if requirements.iter().any(|file| lint::requires(file.name(), &file.text, distribution)) {
        return Vec::new();
    }
    let one = |file: &'a RequirementFile| {
        let edits = lint::add_requirement(file.name(), &file.text, distribution)?;
        let text = TextFileEdit { path: file.path.clone(), before: file.text.clone(), edits };
        Some((file.name(), Change { texts: vec![text], ..Change::default() }))
    };
    requirements.iter().filter_map(one).collect()
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
