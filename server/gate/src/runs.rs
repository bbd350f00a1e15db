//! Running what a check wants run.

use std::path::PathBuf;
use std::sync::Arc;

use lint::Environment;
use sandbox::{Event, Limits, Outcome, Request, Runner};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

/// Runs `requests` one after the other, with the packages of the environment and what is `unsaved` in an editor. An error says why
/// one could not be run; from `deadline` on, none is.
pub async fn perform(
    runner: &dyn Runner,
    requests: Vec<Request>,
    unsaved: &[(PathBuf, Arc<str>)],
    limits: Limits,
    deadline: Option<Instant>,
    say: &(dyn Fn(String) + Send + Sync),
) -> Vec<Result<Outcome, String>> {
    let mut outcomes = Vec::new();
    let total = requests.len();
    for (number, mut request) in requests.into_iter().enumerate() {
        say(format!("running tests, {} of {total}", number + 1));
        add_unsaved(&mut request, unsaved);
        request.limits = request.limits.within(limits);
        let root = request.root.clone();
        request.site = spawn_blocking(move || Environment::find(&root, None).sites).await.unwrap_or_default();
        let on_event = |event| {
            if let Event::Preparing { .. } = event {
                say("preparing the Python sandbox, once on this machine".to_owned());
            }
        };
        let run = runner.run(request, &on_event);
        let outcome = match deadline {
            Some(deadline) => match timeout_at(deadline, run).await {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(_) => Err(NOT_FINISHED.to_owned()),
            },
            None => run.await.map_err(|error| error.to_string()),
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// Why a run has no outcome where there was no more time.
pub const NOT_FINISHED: &str = "not finished within the time limit";

/// The tests see what the person sees: the texts in the editor, except where the change has its own.
fn add_unsaved(request: &mut Request, unsaved: &[(PathBuf, Arc<str>)]) {
    for (path, text) in unsaved {
        if let Ok(inside) = path.strip_prefix(&request.root)
            && !request.overlay.iter().any(|(known, _)| known == inside)
        {
            request.overlay.push((inside.to_path_buf(), text.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use sandbox::Action;

    use super::*;

    #[test]
    fn a_changes_own_text_comes_before_the_editors() {
        let mut request = Request {
            overlay: vec![("a.py".into(), "proposed".to_owned())],
            ..Request::new("/w", Action::Script { path: "a.py".into() })
        };
        let unsaved = [("/w/a.py", "typed"), ("/w/b.py", "typed"), ("/elsewhere/c.py", "typed")];
        add_unsaved(&mut request, &unsaved.map(|(path, text)| (path.into(), text.into())));
        let overlay: Vec<_> = request.overlay.iter().map(|(path, text)| (path.to_str().unwrap(), &**text)).collect();
        assert_eq!(overlay, [("a.py", "proposed"), ("b.py", "typed")]);
    }
}
