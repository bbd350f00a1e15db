//! Known vulnerabilities of dependencies that are pinned to one version.
//!
//! Advisories are files in the OSV format (one JSON object each, ecosystem PyPI) in a directory that the user has. Nothing is
//! downloaded. [`read_advisories`] is the only function here that touches a disk.

mod locks;
mod osv;
mod pins;
mod requirements;
mod severity;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;
use syntax::TextEdit;

use crate::{Applicability, Confidence, Finding, Fix};
use osv::Advisory;

pub(crate) use locks::{get, table};
pub use pins::{Pin, pins};
pub use requirements::{Include, includes};
pub(crate) use requirements::{lines, requirement};

/// Files of one directory that are read; the whole database for PyPI has a quarter of it.
const MAX_FILES: usize = 100_000;

/// Bytes of one file that are read; real ones have some thousands.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Advisories by the normalised name of the distribution that they are about.
#[derive(Debug, Default)]
pub struct Advisories {
    by_distribution: BTreeMap<String, Vec<Advisory>>,
}

/// A file of advisories that could not be used, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    /// For a person.
    pub message: String,
}

/// Reads all `.json` files in `directory` and below. What cannot be used is told in the second part; the rest is used.
pub fn read_advisories(directory: &Path) -> (Advisories, Vec<Problem>) {
    let (mut advisories, mut problems) = (Advisories::default(), Vec::new());
    let (files, is_cut) = files(directory, &mut problems);
    if is_cut {
        let message = format!("has more than {MAX_FILES} files; the others are not used");
        problems.push(Problem { path: directory.to_owned(), message });
    }
    for path in files {
        if let Err(message) = read(&path).and_then(|text| advisories.add(&text)) {
            problems.push(Problem { path, message });
        }
    }
    (advisories, problems)
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = disk::read_bytes(path, MAX_FILE_BYTES).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// In the order of their paths, and whether there are more. Links are not followed, so that there is an end.
fn files(directory: &Path, problems: &mut Vec<Problem>) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(Problem { path: folder, message: error.to_string() });
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(path),
                // A FIFO is named when it is read.
                Ok(kind) if !kind.is_symlink() && path.extension().is_some_and(|extension| extension == "json") => {
                    if found.len() == MAX_FILES {
                        found.sort();
                        return (found, true);
                    }
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found.sort();
    (found, false)
}

impl Advisories {
    /// The number of distributions that there are advisories for.
    pub fn len(&self) -> usize {
        self.by_distribution.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_distribution.is_empty()
    }

    /// Adds one advisory. One that is withdrawn or about something other than PyPI is no error and changes nothing.
    ///
    /// # Errors
    /// Says what is wrong with the text. What could be used of it has been added.
    pub fn add(&mut self, json: &str) -> Result<(), String> {
        let (advisories, problem) = osv::parse(json)?;
        for (distribution, advisory) in advisories {
            self.by_distribution.entry(distribution).or_default().push(advisory);
        }
        problem.map_or(Ok(()), Err)
    }

    /// One finding for each pin and advisory that affects it, in the order of the pins. Two advisories that are aliases of each
    /// other are one.
    pub fn findings(&self, pins: &[Pin]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for pin in pins {
            let Ok(version) = Version::from_str(&pin.version) else { continue };
            let Some(advisories) = self.by_distribution.get(&pin.distribution) else { continue };
            let upgrade = upgrade(pin, &version, advisories);
            let mut told: Vec<&Advisory> = Vec::new();
            for advisory in advisories {
                if advisory.affects(&version) && !told.iter().any(|known| known.is_same(advisory)) {
                    told.push(advisory);
                    findings.push(Finding { fix: upgrade.clone(), ..finding(pin, &version, advisory) });
                }
            }
        }
        findings
    }
}

/// To the lowest version that fixes something and that nothing affects.
fn upgrade(pin: &Pin, version: &Version, advisories: &[Advisory]) -> Option<Fix> {
    let fixed = advisories.iter().flat_map(|advisory| advisory.fixed_after(version));
    let is_safe = |version: &&Version| !advisories.iter().any(|advisory| advisory.affects(version));
    let best = fixed.filter(is_safe).min().filter(|_| pin.is_editable)?;
    Some(Fix {
        title: format!("Require {} {best}", pin.distribution),
        applicability: Applicability::Unsafe,
        edits: vec![TextEdit::replace(pin.range, best.to_string())],
    })
}

fn finding(pin: &Pin, version: &Version, advisory: &Advisory) -> Finding {
    let aliases =
        if advisory.aliases.is_empty() { String::new() } else { format!(" ({})", advisory.aliases.join(", ")) };
    let summary = advisory.summary.trim_end_matches('.');
    let summary = if summary.is_empty() { String::new() } else { format!(": {summary}") };
    let fixed = advisory.fixed_after(version);
    let remedy = match fixed.as_slice() {
        [] => "No fixed version is known.".to_owned(),
        fixed => format!("Fixed in {}.", fixed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    Finding {
        range: pin.range,
        code: Cow::Owned(advisory.id.clone()),
        name: Cow::Borrowed("vulnerable-dependency"),
        message: format!(
            "{} {} is affected by {}{aliases}{summary}. {remedy}",
            pin.distribution, pin.version, advisory.id
        ),
        severity: advisory.severity,
        confidence: Some(Confidence::High),
        tag: None,
        fix: None,
        url: advisory.url.clone().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    fn fixtures() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lint/advisories")
    }

    fn found(file: &str, text: &str) -> Vec<String> {
        let (advisories, problems) = read_advisories(&fixtures().join("good"));
        assert_eq!(problems, []);
        advisories.findings(&pins(file, text)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn pinned_versions_are_compared_as_pep_440_says() {
        let affected = [
            ("1.0", false),
            ("1.2rc1", true),
            ("1.2", true),
            ("1.4.9", true),
            ("1.5.dev1", true),
            ("1.5", false),
            ("2.0", true),
            ("2.0.3", true),
            ("2.0.4", false),
            ("0.9.post1", true),
        ];
        for (version, expected) in affected {
            let found = found("requirements.txt", &format!("Example_Parcel=={version}\n"));
            assert_eq!(!found.is_empty(), expected, "{version}: {found:?}");
        }
    }

    #[test]
    fn a_finding_says_what_to_know() {
        let (advisories, _) = read_advisories(&fixtures().join("good"));
        let text = "# pinned\nexample-parcel[all]==1.3 ; python_version > '3'  # why\n";
        let found = advisories.findings(&pins("requirements.txt", text));
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].range], "1.3");
        assert_eq!(
            found[0].message,
            "example-parcel 1.3 is affected by GHSA-0000-1111-2222 (CVE-2099-0001): Parcels open themselves. Fixed in 1.5, 2.0.4."
        );
        assert_eq!((found[0].code.as_ref(), found[0].severity), ("GHSA-0000-1111-2222", Severity::Error));
        assert_eq!(found[0].url.as_deref(), Some("https://example.org/advisories/1"));
    }

    #[test]
    fn pins_of_a_person_can_be_raised() {
        let (mut advisories, _) = read_advisories(&fixtures().join("good"));
        let later = r#"{"id": "X-2", "affected": [{"package": {"ecosystem": "PyPI", "name": "example-parcel"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.4"}, {"fixed": "1.6"}]}]}]}"#;
        advisories.add(later).unwrap();
        let fixed = |file: &str, text: &str| {
            let found = advisories.findings(&pins(file, text));
            let fix = found.first().expect("a finding").fix.as_ref()?;
            Some(syntax::apply_edits(text, &fix.edits).unwrap())
        };
        // 1.5 is affected by the other one.
        assert_eq!(
            fixed("requirements.txt", "example-parcel==1.3 # x\n").as_deref(),
            Some("example-parcel==1.6 # x\n")
        );
        assert_eq!(
            fixed("pyproject.toml", "[project]\ndependencies = ['example-parcel==1.3']\n").as_deref(),
            Some("[project]\ndependencies = ['example-parcel==1.6']\n")
        );
        assert_eq!(fixed("requirements.txt", "example-parcel==1.3 --hash=sha256:a\n"), None);
        assert_eq!(
            fixed("requirements.txt", "# This file is autogenerated by pip-compile\nexample-parcel==1.3\n"),
            None
        );
        assert_eq!(fixed("uv.lock", "[[package]]\nname = 'example-parcel'\nversion = '1.3'\n"), None);
    }

    #[test]
    fn the_shape_of_a_real_advisory() {
        assert_eq!(
            found("requirements.txt", "jinja2==2.10\n"),
            [
                "jinja2 2.10 is affected by GHSA-462w-v97r-4m45 (CVE-2019-10906, PYSEC-2019-217): Jinja2 sandbox escape via string formatting. Fixed in 2.10.1."
            ]
        );
        assert_eq!(found("requirements.txt", "jinja2==2.10.1\n"), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_named_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe.json")).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", at("zero.json")).unwrap();
        std::fs::File::create(at("large.json")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        let (advisories, problems) = read_advisories(folder.path());
        let told: Vec<(PathBuf, &str)> =
            problems.iter().map(|problem| (problem.path.clone(), problem.message.as_str())).collect();
        let large = "is 4194305 bytes large, more than the limit of 4194304";
        assert_eq!(told, [(at("large.json"), large), (at("pipe.json"), "is not a regular file")]);
        assert!(advisories.is_empty());
        // Named by itself, as a lock file may be.
        assert_eq!(read(&at("zero.json")), Err("is not a regular file".to_owned()));
    }

    #[test]
    fn withdrawn_and_foreign_ones_are_not_used() {
        assert_eq!(found("requirements.txt", "withdrawn-parcel==1.0\nleft-pad==1.0\n"), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_used_is_told_and_the_rest_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let good = std::fs::read(fixtures().join("good/GHSA-0000-1111-2222.json")).unwrap();
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        std::fs::write(folder.path().join("deeper/good.json"), &good).unwrap();
        std::fs::write(folder.path().join("broken.json"), "{\"id\": ").unwrap();
        std::fs::write(folder.path().join("latin.json"), b"{\"id\": \"\xe9\"}").unwrap();
        std::fs::write(folder.path().join("list.json"), "[]").unwrap();
        std::fs::write(folder.path().join("readme.txt"), "not read").unwrap();
        let odd = r#"{"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "p"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "what?"}]}], "versions": ["1.0"]}]}"#;
        std::fs::write(folder.path().join("odd.json"), odd).unwrap();
        let (advisories, problems) = read_advisories(folder.path());
        let told: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path.file_name().unwrap().display(), problem.message))
            .collect();
        assert_eq!(
            told,
            [
                "broken.json: EOF while parsing a value at line 1 column 7",
                "latin.json: is not UTF-8",
                "list.json: is no advisory: it has no `id`",
                "odd.json: `what?` is no version of p",
            ]
        );
        assert_eq!(advisories.len(), 2);
        assert_eq!(advisories.findings(&pins("requirements.txt", "p==1.0\nexample-parcel==1.3")).len(), 2);
        let (advisories, problems) = read_advisories(&folder.path().join("missing"));
        assert!(advisories.is_empty() && problems.len() == 1);
    }
}
