//! A context as people read it: what is shown, at what price and why, and what is not.

use std::fmt::Write as _;

use crate::{Context, Form, Item};

impl Form {
    /// In a word or two.
    pub fn label(self) -> &'static str {
        match self {
            Form::Body => "code",
            Form::Excerpt => "beginning",
            Form::Signature => "signature",
            Form::Line => "first line",
            Form::Library => "library",
        }
    }
}

impl Context {
    /// The ledger as a Markdown document, followed by the texts.
    pub fn to_markdown(&self, budget: usize) -> String {
        let mut text = format!("# Context of `{}`\n\n", self.target);
        // Writing to a string cannot fail.
        let used = self.tokens + self.documents_tokens;
        let _ = writeln!(text, "{used} of {budget} tokens, besides the target itself.\n");
        let levels = [("code", self.levels.level1), ("signatures", self.levels.level2)];
        text += "| level | used | share |\n|---|---|---|\n";
        for (name, level) in levels {
            let _ = writeln!(text, "| {name} | {} | {} |", level.used, level.share);
        }
        if self.documents_tokens > 0 {
            let _ = writeln!(text, "| documents | {} |  |", self.documents_tokens);
        }
        let _ = writeln!(text, "| kept free |  | {} |", self.levels.reserve);
        if !self.items.is_empty() {
            text += "\n| tokens | what | symbol | where | why |\n|---|---|---|---|---|\n";
        }
        for item in &self.items {
            let Item { tokens, form, symbol, path, start_line, reason, .. } = item;
            let (place, why) = (cell(&format!("{path}:{start_line}")), cell(&reason.join("; ")));
            let _ = writeln!(text, "| {tokens} | {} | `{symbol}` | {place} | {why} |", form.label());
        }
        if !self.documents.is_empty() {
            text += "\n| tokens | document | where | why |\n|---|---|---|---|\n";
        }
        for passage in &self.documents {
            let (heading, why) = (cell(&passage.heading), cell(&passage.reason));
            let place = cell(&format!("{}:{}", passage.path, passage.start_line));
            let _ = writeln!(text, "| {} | {heading} | {place} | {why} |", passage.tokens);
        }
        if self.left_out_total > 0 || !self.left_out.is_empty() || !self.unread.is_empty() {
            text += "\n## Left out\n\n";
        }
        for file in &self.unread {
            let _ = writeln!(text, "- {}, named in `context.include`: {}", file.path, file.why);
        }
        for missing in &self.left_out {
            let _ = writeln!(
                text,
                "- `{}` ({}), its {}: {}",
                missing.symbol,
                missing.path,
                missing.form.label(),
                missing.why
            );
        }
        if self.left_out_total > 0 {
            let _ = writeln!(text, "\nNot shown at all: {} symbols.", self.left_out_total);
        }
        if !self.items.is_empty() || !self.documents.is_empty() {
            text += "\n## What is shown\n";
        }
        for passage in &self.documents {
            let _ = write!(text, "\n{}:{}\n\n", passage.path, passage.start_line);
            text += &fenced("text", &passage.text);
        }
        for item in &self.items {
            let _ = write!(text, "\n{}:{}\n\n", item.path, item.start_line);
            text += &fenced("python", &item.text);
        }
        text
    }
}

/// What can stand in a table: there a bar ends a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}

/// A block of code that ends where it should, whatever it holds.
fn fenced(language: &str, code: &str) -> String {
    let run = code.lines().map(|line| line.trim_start().bytes().take_while(|&byte| byte == b'`').count()).max();
    let fence = "`".repeat(run.unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("python", "x = 1\n"), "```python\nx = 1\n```\n");
        assert_eq!(fenced("", "\"\"\"\n  ````\n"), "`````\n\"\"\"\n  ````\n`````\n");
        assert_eq!(cell("a|b\nc"), "a\\|b c");
    }
}
