//! Cells: the parts of a file between comments such as `# %%`, which are run one by one as those of a notebook are.

use graph::{Analysis, FileId};
use syntax::ast::token::TokenKind;
use syntax::{Parsed, Ranged, TextRange, TextSize};

use crate::tree::with_tree_of;

/// A cell that holds code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Counts the cells of the file that hold code, from 1.
    pub number: usize,
    /// From the comment that begins it, or the start of the file, to the next such comment.
    pub range: TextRange,
    /// That comment; empty where there is none.
    pub marker: TextRange,
}

/// The cells of `file` in order; none unless it has at least one comment that begins a cell. What stands before the first
/// of these is a cell too. Cells of text (`# %% [markdown]`), and those without a statement, are left out.
pub fn cells(analysis: &Analysis, file: FileId) -> Vec<Cell> {
    let text = analysis.source(file).text();
    // Parsing costs more than reading, and most files have no cells.
    if !text.lines().any(|line| marker(line).is_some()) {
        return Vec::new();
    }
    with_tree_of(analysis, file, |parsed| of_tree(text, parsed)).unwrap_or_default()
}

fn of_tree(text: &str, parsed: &Parsed) -> Vec<Cell> {
    let mut starts: Vec<(TextRange, Content)> = Vec::new();
    for token in parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment) {
        let range = token.range();
        let is_own_line = text[..range.start().to_usize()].ends_with('\n') || range.start() == TextSize::new(0);
        // A comment in the middle of a statement splits nothing.
        let is_inside = || parsed.statements().iter().any(|it| it.range().contains(range.start()));
        match marker(&text[range]) {
            Some(content) if is_own_line && !is_inside() => starts.push((range, content)),
            _ => {}
        }
    }
    if starts.is_empty() {
        return Vec::new();
    }
    if starts[0].0.start() > TextSize::new(0) {
        starts.insert(0, (TextRange::default(), Content::Code));
    }
    let ends: Vec<TextSize> =
        starts[1..].iter().map(|(marker, _)| marker.start()).chain([TextSize::of(text)]).collect();
    let mut cells = Vec::new();
    for ((marker, content), end) in starts.into_iter().zip(ends) {
        let range = TextRange::new(marker.start(), end);
        let has_code = || parsed.statements().iter().any(|it| range.contains(it.start()));
        if content == Content::Code && has_code() {
            cells.push(Cell { number: cells.len() + 1, range, marker });
        }
    }
    cells
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Code,
    Text,
}

/// What a line begins, if it begins a cell: `# %%` as in most editors, `# In[3]:` as notebooks are exported, `# <codecell>`
/// as they once were.
fn marker(line: &str) -> Option<Content> {
    let comment = line.strip_prefix('#')?.trim_start();
    if let Some(title) = comment.strip_prefix("%%") {
        // `#%%timeit` is IPython's.
        let is_magic = title.starts_with(|c: char| c.is_alphanumeric() || c == '%');
        let is_text = ["[markdown]", "[md]", "[raw]"].iter().any(|kind| title.contains(kind));
        return (!is_magic).then_some(if is_text { Content::Text } else { Content::Code });
    }
    if let Some(rest) = comment.strip_prefix("In[") {
        let (count, after) = rest.split_once(']')?;
        let is_count = count.trim().chars().all(|c| c.is_ascii_digit());
        return (is_count && matches!(after.trim(), "" | ":")).then_some(Content::Code);
    }
    match comment.trim_end() {
        "<codecell>" => Some(Content::Code),
        "<markdowncell>" | "<rawcell>" => Some(Content::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let source = workspace.analysis.source(file);
        let shown = |cell: Cell| {
            let (first, last) = (source.line_number(cell.range.start()), source.line_number(cell.range.end()));
            format!("{} lines {first}-{last}: {:?}\n", cell.number, source.slice(cell.marker))
        };
        expected.assert_eq(&cells(&workspace.analysis, file).into_iter().map(shown).collect::<String>());
    }

    #[test]
    fn what_stands_before_the_first_marker_is_a_cell_too() {
        check(
            "import os\n# %% load\nx = 1\n# %%\nx\n#%%   \n# nothing\n# %% [markdown]\n# Text\n# %%\ny = 2",
            expect![[r##"
                1 lines 1-2: ""
                2 lines 2-4: "# %% load"
                3 lines 4-6: "# %%"
                4 lines 10-11: "# %%"
            "##]],
        );
    }

    #[test]
    fn notebooks_that_were_exported() {
        check(
            "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\nx = 1\n\n# In[ ]:\n\nx\n",
            expect![[r##"
                1 lines 4-8: "# In[1]:"
                2 lines 8-11: "# In[ ]:"
            "##]],
        );
    }

    #[test]
    fn comments_that_are_no_cell_markers() {
        let texts = [
            "x = '''\n# %%\n'''\n",
            "x = [\n# %%\n1]\n",
            "def f():\n    # %%\n    pass\n",
            "x = 1  # %%\n",
            "# %%timeit\nx = 1\n",
            "# In[x]\nx = 1\n",
            "# %\nx = 1\n",
        ];
        for text in texts {
            check(text, expect![[""]]);
        }
    }

    #[test]
    fn a_text_that_does_not_parse_has_cells_all_the_same() {
        check(
            "# %%\nx = (\n# %%\ny = 1\n# %%\nz = 1\n",
            expect![[r##"
                1 lines 1-5: "# %%"
                2 lines 5-7: "# %%"
            "##]],
        );
    }
}
