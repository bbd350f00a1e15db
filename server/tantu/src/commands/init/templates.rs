//! What is written for whom.

use super::Target;
use super::merge::{self, Merged};

/// A file, what is to be in it, and how that gets in where the file is there.
pub(super) struct Piece {
    pub path: &'static str,
    pub text: &'static str,
    pub into: fn(&str, &str) -> Merged,
}

pub(super) fn pieces(target: Target) -> Vec<Piece> {
    let piece = |path, text, into| Piece { path, text, into };
    match target {
        Target::ClaudeCode => vec![
            piece(".mcp.json", include_str!("templates/claude-code.mcp.json"), merge::json),
            piece(".claude/settings.json", include_str!("templates/claude-code.settings.json"), merge::json),
        ],
        Target::Codex => vec![
            piece(".codex/config.toml", include_str!("templates/codex.toml"), merge::toml_table),
            piece(".codex/hooks.json", include_str!("templates/codex.hooks.json"), merge::json),
        ],
        Target::PreCommit => {
            vec![piece(".pre-commit-config.yaml", include_str!("templates/pre-commit.yaml"), merge::pre_commit)]
        }
        Target::Github => {
            vec![piece(".github/workflows/tantu.yml", include_str!("templates/github.yml"), merge::whole)]
        }
        Target::Gitlab => vec![
            piece(".gitlab/tantu.gitlab-ci.yml", include_str!("templates/gitlab.yml"), merge::whole),
            piece(".gitlab-ci.yml", include_str!("templates/gitlab-include.yml"), included),
        ],
        Target::Vscode => vec![piece(".vscode/mcp.json", include_str!("templates/vscode.json"), merge::json)],
    }
}

/// A file of GitLab's that is there may hold anything: whether it includes ours is all that is looked at.
fn included(now: &str, _: &str) -> Merged {
    match now.contains("tantu.gitlab-ci.yml") {
        true => Merged::Same,
        false => Merged::Not("it is there and does not include it"),
    }
}
