//! `tantu init`

mod merge;
mod ordered;
mod templates;

use std::path::Path;

use clap::{Args, ValueEnum};
use disk::Replacement;
use terminal::Style;

use self::merge::Merged;
use self::templates::Piece;
use crate::Status;
use crate::output::{for_stdout, print};
use crate::workspace::root_of;

#[derive(Args)]
pub(crate) struct Arguments {
    /// What is to use tantu
    #[arg(long = "for", value_name = "NAME", value_enum, required = true)]
    targets: Vec<Target>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// .mcp.json with the tools, .claude/settings.json with a hook after each write
    ClaudeCode,
    /// .codex/config.toml with the tools, .codex/hooks.json with a hook after each write
    Codex,
    /// .pre-commit-config.yaml with the gate on what is staged
    PreCommit,
    /// .github/workflows/tantu.yml with a review of each pull request
    Github,
    /// .gitlab/tantu.gitlab-ci.yml with a review of each merge request
    Gitlab,
    /// .vscode/mcp.json with the tools
    Vscode,
}

/// Writes what is missing. What is there already stays as it is, and what cannot be merged is shown for a person to add.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let root = root_of(Path::new("."))?;
    let mut text = for_stdout();
    let mut writes = Vec::new();
    let mut is_left = false;
    for &target in &arguments.targets {
        for piece in templates::pieces(target) {
            let path = root.join(piece.path);
            let now = match path.symlink_metadata() {
                Ok(_) => {
                    Some(disk::read_configuration(&path).map_err(|error| anyhow::anyhow!("{} {error}", piece.path))?)
                }
                Err(_) => None,
            };
            let (style, title, shown) = match piece.merge(now.as_deref()) {
                Merged::Same => (Style::Green, "there already", String::new()),
                Merged::Text(merged) => {
                    let title = if now.is_some() { "changed" } else { "new" };
                    let shown = difference(now.as_deref().unwrap_or_default(), &merged);
                    writes.push(Replacement { path, before: now.clone(), after: merged });
                    (Style::Yellow, title, shown)
                }
                Merged::Not(why) => {
                    is_left = true;
                    (Style::Red, "left as it is", format!("{why}; add this yourself:\n{}", piece.text))
                }
            };
            text.push_styled(Style::Bold, piece.path);
            text.push(": ");
            text.push_styled(style, title);
            text.push(&format!("\n{shown}"));
        }
    }
    if arguments.dry_run {
        text.push("Nothing was written.\n");
    } else {
        disk::replace(&writes, std::slice::from_ref(&root))?;
    }
    print(text)?;
    Ok(if is_left { Status::Findings } else { Status::Fine })
}

/// The lines that come and go, with one line around them.
fn difference(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after).unified_diff().context_radius(1).to_string()
}

impl Piece {
    fn merge(&self, now: Option<&str>) -> Merged {
        match now {
            None => Merged::Text(self.text.to_owned()),
            Some(now) => (self.into)(now, self.text),
        }
    }
}
