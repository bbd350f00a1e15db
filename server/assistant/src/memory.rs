//! What models did wrong in a workspace: remembered, told to the next one, searched for in its answer.

use std::path::Path;

use assists::Fence;
use graph::Analysis;
use model::{Prompt, Request};
use propose::Lesson;
use store::{Journal, KnownMistake, Mistake};
use validate::PastMistake;

use crate::prose_embeddings::ProseEmbeddings;

/// Mistakes that one prompt tells of.
const MAX_TOLD: u32 = 5;
/// So many of them for their meaning alone, of so many that are compared.
const MAX_ALIKE: usize = 2;
const MAX_COMPARED: usize = 64;
/// Characters of one of them.
const MAX_LENGTH: usize = 400;

/// The name of the workspace that `path` belongs to, as the journal has it: its folder.
pub fn workspace(analysis: &Analysis, path: &Path) -> String {
    analysis.root_of(path).map(|root| root.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Keeps lessons, without the secrets in them.
pub fn learn(journal: &Journal, workspace: &str, model: &str, lessons: Vec<Lesson>) {
    for lesson in lessons {
        let mistake = Mistake {
            category: lesson.category,
            text: sanitized(lesson.text),
            snippet: sanitized(lesson.snippet),
            model: model.to_owned(),
            severity: if lesson.is_adjustment { "adjustment" } else { "error" }.to_owned(),
            forbidden: lesson.forbidden,
        };
        if let Err(error) = journal.learn(workspace, &mistake) {
            tracing::warn!("a mistake is not remembered: {error}");
        }
    }
}

fn sanitized(text: String) -> String {
    let (request, _) = Request::redacted(Prompt { system: String::new(), user: text });
    let limit = request.user().char_indices().nth(MAX_LENGTH).map_or(request.user().len(), |(at, _)| at);
    request.user()[..limit].to_owned()
}

/// The mistakes that are most like what `prompt` asks for: by their words and, where there are `embeddings`, by what they mean.
pub fn told(
    journal: &Journal,
    workspace: &str,
    prompt: &str,
    embeddings: Option<&ProseEmbeddings>,
) -> Vec<KnownMistake> {
    // The request stands at the end, after what surrounds it.
    let tail: String = prompt.chars().rev().take(4000).collect::<Vec<_>>().into_iter().rev().collect();
    let found = journal.mistakes_like(workspace, &tail, MAX_TOLD);
    let mut found =
        found.inspect_err(|error| tracing::warn!("mistakes cannot be looked up: {error}")).unwrap_or_default();
    if let Some(embeddings) = embeddings {
        let alike = by_meaning(journal, workspace, &tail, embeddings);
        let new = alike.into_iter().filter(|it| !found.iter().any(|known| known.id == it.id)).collect::<Vec<_>>();
        found.truncate(MAX_TOLD as usize - new.len());
        found.extend(new);
    }
    let ids: Vec<i64> = found.iter().map(|it| it.id).collect();
    if let Err(error) = journal.hit_mistakes(&ids) {
        tracing::warn!("mistakes are not counted: {error}");
    }
    found
}

/// The few mistakes that mean most nearly what `wanted` does.
fn by_meaning(journal: &Journal, workspace: &str, wanted: &str, embeddings: &ProseEmbeddings) -> Vec<KnownMistake> {
    let known = journal.mistakes(workspace).unwrap_or_default();
    let known: Vec<KnownMistake> = known.into_iter().filter(|it| !it.is_archived).take(MAX_COMPARED).collect();
    if known.is_empty() {
        return known;
    }
    let texts: Vec<String> = known.iter().map(|it| format!("{}\n{}", it.mistake.text, it.mistake.snippet)).collect();
    match embeddings.nearest(wanted, &texts) {
        Ok(places) => places.into_iter().take(MAX_ALIKE).map(|at| known[at].clone()).collect(),
        Err(error) => {
            tracing::warn!("mistakes are found by their words alone: {error}");
            Vec::new()
        }
    }
}

/// The section of a prompt that tells of them; nothing if there are none.
pub fn section(prompt: &str, mistakes: &[KnownMistake]) -> String {
    if mistakes.is_empty() {
        return String::new();
    }
    let line = |it: &KnownMistake| {
        let snippet = it.mistake.snippet.lines().next().unwrap_or_default().trim();
        let wrong = if snippet.is_empty() { String::new() } else { format!(": {snippet}") };
        format!("- {}{wrong}\n", it.mistake.text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let list: String = mistakes.iter().map(line).collect();
    let fence = Fence::around([prompt, &list].into_iter());
    let title = "What was wrong with earlier answers in this workspace; do not repeat it";
    format!("\n{}\n\n{}\n", fence.rule(), fence.quote(title, &list))
}

/// All mistakes that an answer can be searched for.
pub fn past(journal: &Journal, workspace: &str) -> Vec<PastMistake> {
    let known = journal.mistakes(workspace);
    let known = known.inspect_err(|error| tracing::warn!("mistakes cannot be looked up: {error}")).unwrap_or_default();
    let past = known.into_iter().filter(|it| !it.is_archived).map(|it| PastMistake {
        text: it.mistake.text,
        snippet: it.mistake.snippet,
        forbidden: it.mistake.forbidden,
    });
    past.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_holds_no_secret_and_is_told_to_who_is_asked_something_alike() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        let secret = "AKIAIOSFODNN7EXAMPLQ";
        let lesson = Lesson {
            category: "undefined-name".to_owned(),
            text: "`Cart` has no member `total_amount`".to_owned(),
            snippet: format!("cart.total_amount(key='{secret}')"),
            is_adjustment: false,
            forbidden: None,
        };
        learn(&journal, "/w", "local", vec![lesson]);
        let told = told(&journal, "/w", "Write `best`, which takes a Cart and answers its total_amount.", None);
        assert_eq!(told.len(), 1);
        assert!(!told[0].mistake.snippet.contains(secret), "{:?}", told[0]);
        let section = section("Write it.", &told);
        assert!(section.contains("- `Cart` has no member `total_amount`: cart.total_amount("), "{section}");
        assert_eq!(journal.mistakes("/w").unwrap()[0].hits, 1);
        assert_eq!(past(&journal, "/w").len(), 1);
        assert_eq!(super::section("Write it.", &[]), "");
    }
}
