//! What is hidden of secrets in every form, and what is not of text that holds none.

mod forms;

use std::collections::BTreeMap;

use model::{Prompt, Request};

fn sent(text: &str) -> String {
    Request::redacted(Prompt { system: String::new(), user: text.to_owned() }).0.user().to_owned()
}

#[test]
fn no_form_of_a_secret_is_sent() {
    let mut missed: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
    let cases = forms::cases();
    assert!(cases.len() > 5_000, "{}", cases.len());
    for case in &cases {
        let shown = sent(&case.quoted());
        if case.secrets.iter().any(|secret| shown.contains(secret)) {
            missed.entry((case.format.clone(), case.number)).or_default().push(shown);
        }
    }
    let shown: Vec<String> =
        missed.iter().map(|(form, shown)| format!("{form:?}, {} of its cases: {}", shown.len(), shown[0])).collect();
    assert!(missed.is_empty(), "{} forms are sent:\n{}", missed.len(), shown.join("\n"));
}
