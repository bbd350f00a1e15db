//! Patches as text: unified diffs as git and diff write them, and the format of Codex's `apply_patch`.

mod apply;
mod codex;
mod unified;

pub(crate) use apply::apply;

/// A patch that is larger is not read.
pub const MAX_PATCH_BYTES: usize = 32 << 20;

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePatch {
    /// As the patch names it; `None` for a file that comes.
    pub old: Option<String>,
    /// `None` for a file that goes.
    pub new: Option<String>,
    pub kind: Kind,
}

/// What kind of file it is, and what happens to its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Text(Vec<Hunk>),
    Binary,
    Submodule,
    Link,
}

/// Lines that stand together. What is kept, taken away and added, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// Where it begins in the old text, counted from 1; `None` where the patch does not say.
    pub line: Option<usize>,
    /// Lines that come before it, not necessarily right before it.
    pub anchors: Vec<String>,
    pub lines: Vec<Line>,
    /// Whether its last line is the last of the old text.
    pub is_at_end: bool,
    /// Whether the new text ends without a line end, where the hunk says anything about it.
    pub new_ends_open: bool,
}

/// A line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Kept(String),
    Removed(String),
    Added(String),
}

/// Why a text is no patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the patch: {reason}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    pub reason: String,
}

/// Reads a patch. Text before and between the patches of files, as mails and `git show` have it, is passed over.
///
/// # Errors
/// When a hunk is cut short or holds what no hunk holds, when the patch holds nothing at all, or is too large.
pub fn parse(text: &str) -> Result<Vec<FilePatch>, Malformed> {
    if text.len() > MAX_PATCH_BYTES {
        let reason = format!("it has more than {} MB; judge the files on disk instead", MAX_PATCH_BYTES >> 20);
        return Err(Malformed { line: 1, reason });
    }
    let files = if text.trim_start().starts_with(codex::BEGIN) { codex::parse(text)? } else { unified::parse(text)? };
    if files.is_empty() && !text.trim().is_empty() {
        let reason = "there is no file in it; a patch names its files with `--- a/FILE` and `+++ b/FILE`".to_owned();
        return Err(Malformed { line: 1, reason });
    }
    Ok(files)
}
