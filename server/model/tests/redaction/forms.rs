//! The forms of secrets in `fixtures/redaction`, each with every name and value that goes with it.

use std::fs;
use std::path::Path;

/// A text with a secret in it.
pub struct Case {
    /// What the file with the form is called.
    pub format: String,
    /// The form's place in it, from one.
    pub number: usize,
    /// Of the file that the text is from; empty where nobody knows.
    pub path: String,
    pub text: String,
    /// What must not be left of it.
    pub secrets: Vec<String>,
}

pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/redaction");
    // Panics where the repository is incomplete.
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (names, values) = (read("names.txt"), read("values.txt"));
    let mut files: Vec<_> =
        fs::read_dir(folder.join("forms")).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let format = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let forms = read(&format!("forms/{format}.txt"));
        for (number, form) in forms.split("#= ").skip(1).enumerate() {
            let (path, form) = form.split_once('\n').unwrap_or((form, ""));
            for (kind, name) in names.lines().filter_map(|line| line.split_once(' ')) {
                for (of, value) in values.lines().filter_map(|line| line.split_once(' ')) {
                    let is_named = form.contains("ame}") || form.contains("AME}");
                    let fits = of == "both" || of == kind || !is_named;
                    // A form without a name is tried once with each value.
                    if !fits || !is_named && name != "password" {
                        continue;
                    }
                    let half = value.len() / 2;
                    let (first, second) = value.split_at(half);
                    let mut secrets = vec![value.to_owned()];
                    if form.contains("¤1") {
                        secrets.extend([first.to_owned(), second.to_owned()]);
                    }
                    let text = named(form, name).replace("¤1", first).replace("¤2", second).replace('¤', value);
                    cases.push(Case {
                        format: format.clone(),
                        number: number + 1,
                        path: path.trim().to_owned(),
                        text,
                        secrets,
                    });
                }
            }
        }
    }
    cases
}

fn named(form: &str, name: &str) -> String {
    let words: Vec<&str> = name.split('_').collect();
    let title = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    let camel = words
        .iter()
        .enumerate()
        .map(|(at, word)| if at == 0 { (*word).to_owned() } else { title(word) })
        .collect::<String>();
    form.replace("{name}", name)
        .replace("{NAME}", &name.to_uppercase())
        .replace("{kebab-name}", &name.replace('_', "-"))
        .replace("{camelName}", &camel)
        .replace("{Title Name}", &title(&name.replace('_', " ")))
}

impl Case {
    /// As a prompt quotes it.
    pub fn quoted(&self) -> String {
        let path = if self.path.is_empty() { String::new() } else { format!("{}\n", self.path) };
        format!("Documentation of the same workspace:\n<data-00>\n{path}{}</data-00>\n", self.text)
    }
}
