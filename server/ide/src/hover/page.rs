//! A text that is written once and read in two ways: as Markdown, and plain.

/// Paragraphs and lists.
#[derive(Debug, Default)]
pub struct Page {
    markdown: String,
    plain: String,
    in_list: bool,
}

impl Page {
    /// A block of Python.
    pub fn code(&mut self, code: &str) {
        self.block();
        // A default such as "```" would end the fence.
        let fence = if code.contains("```") { "````" } else { "```" };
        self.markdown.push_str(&format!("{fence}python\n{code}\n{fence}\n"));
        self.plain.push_str(&format!("{code}\n"));
    }

    /// `mark`: `# ` or more of them.
    pub fn heading(&mut self, mark: &str, line: &Line) {
        self.block();
        self.markdown.push_str(&format!("{mark}{}\n", line.markdown));
        self.plain.push_str(&format!("{}\n", line.plain));
    }

    pub fn paragraph(&mut self, line: &Line) {
        self.block();
        self.push("", line);
    }

    /// An item of a list.
    pub fn item(&mut self, line: &Line) {
        if !self.in_list {
            self.block();
            self.in_list = true;
        }
        self.push("- ", line);
    }

    /// An item below the last one.
    pub fn detail(&mut self, line: &Line) {
        self.push("  - ", line);
    }

    pub fn into_texts(self) -> (String, String) {
        (self.markdown, self.plain)
    }

    fn block(&mut self) {
        self.in_list = false;
        if !self.markdown.is_empty() {
            self.markdown.push('\n');
            self.plain.push('\n');
        }
    }

    fn push(&mut self, bullet: &str, line: &Line) {
        self.markdown.push_str(&format!("{bullet}{}\n", line.markdown));
        self.plain.push_str(&format!("{bullet}{}\n", line.plain));
    }
}

/// Part of a paragraph or an item.
#[derive(Clone, Debug, Default)]
pub struct Line {
    markdown: String,
    plain: String,
}

impl Line {
    /// Our own words; no character of them means anything in Markdown.
    pub fn text(mut self, text: &str) -> Self {
        self.markdown.push_str(text);
        self.plain.push_str(text);
        self
    }

    /// Words of the user's.
    pub fn prose(mut self, text: &str) -> Self {
        self.markdown.push_str(&escape(text));
        self.plain.push_str(text);
        self
    }

    pub fn code(mut self, code: &str) -> Self {
        self.markdown.push_str(&span(code));
        self.plain.push_str(code);
        self
    }

    /// Code that leads to `uri`.
    pub fn code_link(mut self, code: &str, uri: &str) -> Self {
        self.markdown.push_str(&format!("[{}]({uri})", span(code)));
        self.plain.push_str(code);
        self
    }

    pub fn link(mut self, text: &str, uri: &str) -> Self {
        self.markdown.push_str(&format!("[{}]({uri})", escape(text)));
        self.plain.push_str(text);
        self
    }

    pub fn append(mut self, other: Line) -> Self {
        self.markdown.push_str(&other.markdown);
        self.plain.push_str(&other.plain);
        self
    }

    /// `", "` between parts, none before the first.
    pub fn separated(self, first: bool) -> Self {
        if first { self } else { self.text(", ") }
    }
}

fn span(code: &str) -> String {
    if code.contains('`') { format!("`` {code} ``") } else { format!("`{code}`") }
}

/// Docstrings are Markdown often enough to leave it alone; what must not happen is that `__init__` becomes a bold "init",
/// or that `<name>` is taken for HTML. An underscore inside a word means nothing.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_code = false;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        in_code ^= c == '`';
        let is_letter = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let in_word = is_letter(Some(&before)) && is_letter(chars.peek());
        if !in_code && (c == '<' || (c == '_' && !in_word)) {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_markdown() {
        assert_eq!(escape("__init__(*args) of `_b_` <x_y>"), r"\_\_init\_\_(*args) of `_b_` \<x_y>");
        assert_eq!(span("a`b"), "`` a`b ``");
    }

    #[test]
    fn blocks_are_apart_and_items_together() {
        let mut page = Page::default();
        page.code("x = '```'");
        page.item(&Line::default().text("one"));
        page.detail(&Line::default().code("f"));
        page.item(&Line::default().code_link("g", "file:///g.py#L1"));
        page.paragraph(&Line::default().prose("_b"));
        let (markdown, plain) = page.into_texts();
        assert_eq!(markdown, "````python\nx = '```'\n````\n\n- one\n  - `f`\n- [`g`](file:///g.py#L1)\n\n\\_b\n");
        assert_eq!(plain, "x = '```'\n\n- one\n  - f\n- g\n\n_b\n");
    }
}
