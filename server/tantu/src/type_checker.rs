//! The type checker that proposals are checked with.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use syntax::{TextRange, TextSize};
use types::{Edited, Project, Question, Severity, Worker};
use validate::{Gravity, TypeAnswer, TypeChecker, TypeError, TypeQuestion};

/// For how long files are looked at that use the edited ones.
const MILLIS: u64 = 1500;

struct Checkers(Worker);

/// The one inside, in a process of its own, which is this program again; or the user's own, where the question names it.
///
/// # Errors
/// When this program's own file cannot be found.
pub(crate) fn type_checker() -> anyhow::Result<impl TypeChecker> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(Checkers(Worker::new(program, ["types-worker"])))
}

impl TypeChecker for Checkers {
    fn compare(&self, question: &TypeQuestion) -> Result<TypeAnswer, String> {
        let answer = match question.command.is_empty() {
            true => self.0.ask(&put(question)).map_err(|error| error.to_string())?,
            false => Project::new(&question.command)?.ask(&put(question))?,
        };
        let error = |it: types::TypeError| TypeError {
            path: it.path,
            range: TextRange::new(TextSize::new(it.range.0), TextSize::new(it.range.1)),
            rule: it.rule,
            message: it.message,
            gravity: match it.severity {
                Severity::Error => Gravity::Error,
                Severity::Question => Gravity::Question,
                Severity::Warning => Gravity::Warning,
            },
        };
        Ok(TypeAnswer { errors: answer.errors.into_iter().map(error).collect(), left_out: answer.left_out })
    }
}

fn put(question: &TypeQuestion) -> Question {
    let unsaved = |(path, text): &(PathBuf, Arc<str>)| (path.clone(), text.to_string());
    let edited = |(path, before, after): &(PathBuf, Option<Arc<str>>, Arc<str>)| Edited {
        path: path.clone(),
        before: before.as_deref().map(str::to_owned),
        after: after.to_string(),
    };
    Question {
        root: question.root.clone(),
        sources: question.sources.clone(),
        python: python(&question.sites),
        sites: question.sites.clone(),
        unsaved: question.unsaved.iter().map(unsaved).collect(),
        edited: question.edited.iter().map(edited).collect(),
        users: question.users.clone(),
        millis: MILLIS,
    }
}

/// The version that an environment's folders are named after, such as `lib/python3.12/site-packages`.
fn python(sites: &[PathBuf]) -> Option<(u8, u8)> {
    let mut folders = sites.iter().flat_map(|site| site.components());
    folders.find_map(|folder| {
        let version = folder.as_os_str().to_str()?.strip_prefix("python3.")?;
        Some((3, version.trim_end_matches('t').parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environments_folders_name_its_version() {
        let of = |path: &str| python(&[path.into()]);
        assert_eq!(of("/w/.venv/lib/python3.12/site-packages"), Some((3, 12)));
        assert_eq!(of("/w/.venv/lib/python3.14t/site-packages"), Some((3, 14)));
        assert_eq!(of("/w/python3/Lib/site-packages"), None);
    }
}
