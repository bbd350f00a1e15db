//! Words that must not be in the repository: they name one machine, or a service that users may have replaced.

use super::Violation;

/// Each word with the remedy.
const FORBIDDEN: &[(&str, &str)] = &[
    ("/work/main", RELATIVE),
    ("/work/shared", RELATIVE),
    ("../shared", RELATIVE),
    ("pyenv", "say `python3`"),
    ("pypi.org", UNNAMED),
    ("pythonhosted.org", UNNAMED),
    ("crates.io", UNNAMED),
    ("npmjs.", UNNAMED),
];

const RELATIVE: &str = "use a path relative to the repository";
const UNNAMED: &str = "name the package and leave the host to the client's configuration";

/// Names of Rust that readers had to look up, each with the word of the field.
const RETIRED: &[(&str, &str)] = &[
    ("Audience", "say `ProposalHost`"),
    ("Consultation", "say `ModelQuery`"),
    ("Desk", "say `ProposalSession`"),
    ("Essence", "say `EditFingerprint`"),
    ("FAREWELL", "say `SHUTDOWN_GRACE`"),
    ("Inquirer", "say `ModelClient`"),
    ("Purse", "say `TokenBudget`"),
    ("PORTION", "say `BATCH`"),
    ("Readings", "say `ResolvedNames`"),
    ("Resting", "say `CircuitOpen`"),
    ("Sureness", "say `PathConfidence`"),
    ("Survey", "say `WorkspaceDiagnostics`"),
    ("TRUST", "say `PRIOR_STRENGTH`"),
    ("bereft", "say `importers_of_removed`"),
    ("heirs", "say `subclasses`"),
    ("is_settling", "say `is_flow_outdated`"),
    ("mends", "say `fixes`"),
    ("resemble_by", "say `set_embeddings`"),
    ("survey", "say `workspace_diagnostics`"),
    ("ticket", "say which id it is"),
    ("wish", "say `adjustment`, or what is asked for"),
    ("wishes", "say `adjustments`"),
];

/// Phrases that hide a plain word.
const PHRASES: &[(&str, &str)] = &[
    ("a defect of ours", "say \"a bug\""),
    ("enough of waiting", "say \"cancelled\""),
    ("looked up in vain", "say \"found nothing\""),
    ("what is dear", "say \"expensive\""),
];

pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    // Lock files name the registry in every entry, and this file is the list.
    if path.ends_with("Cargo.lock") || path.ends_with("package-lock.json") || path == "xtask/src/tidy/words.rs" {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    let found = lines.flat_map(|(index, line)| {
        let words = FORBIDDEN.iter().chain(PHRASES).filter(move |(word, _)| line.contains(word));
        let is_rust = path.ends_with(".rs");
        let retired = RETIRED.iter().filter(move |(name, _)| is_rust && has_word(line, name));
        words.chain(retired).map(move |(word, remedy)| Violation {
            path: path.to_owned(),
            line: index + 1,
            what: format!("mentions \"{word}\""),
            remedy: (*remedy).to_owned(),
        })
    });
    found.collect()
}

/// Whether `name` stands in `line` by itself.
fn has_word(line: &str, name: &str) -> bool {
    let mut words = line.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_retired_names_in_rust_alone() {
        let text = "struct Desk;\nstruct Desktop;\n";
        let found: Vec<String> = check("a.rs", text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a.rs:1: mentions \"Desk\", say `ProposalSession`"]);
        assert_eq!(check("README.md", text), []);
    }

    #[test]
    fn finds_each_word_at_its_line() {
        let text = "fine\nsee /work/main/x and pyenv\n";
        let found: Vec<String> = check("README.md", text).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "README.md:2: mentions \"/work/main\", use a path relative to the repository",
                "README.md:2: mentions \"pyenv\", say `python3`",
            ]
        );
    }

    #[test]
    fn leaves_lock_files_alone() {
        assert_eq!(check("Cargo.lock", "registry+https://github.com/rust-lang/crates.io-index\n"), []);
    }

    #[test]
    fn other_text_passes() {
        assert_eq!(check("README.md", "a network/path, work/ in progress and crates of eggs\n"), []);
    }
}
