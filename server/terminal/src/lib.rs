//! This crate makes text from anywhere fit to be shown on a terminal.
//!
//! Names of files, code, what a program prints and what a model answers may hold escape sequences that clear the screen, set
//! its title or write to the clipboard, and controls that turn the direction of writing. [`escaped`] shows them as text.
//! [`Shown`] is text that has gone through it, with our own styles in between.
//!
//! Deliberately absent: streams, and whether one is a terminal; whoever prints knows that.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A style of ANSI's "select graphic rendition".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bold,
    Red,
    Green,
    Yellow,
}

impl Style {
    fn code(self) -> u8 {
        match self {
            Style::Bold => 1,
            Style::Red => 31,
            Style::Green => 32,
            Style::Yellow => 33,
        }
    }
}

/// Text that is safe to show. Everything that is written to it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    text: String,
    has_styles: bool,
}

impl Shown {
    /// Empty text; `has_styles` says whether its reader wants styles.
    pub fn new(has_styles: bool) -> Self {
        Shown { text: String::new(), has_styles }
    }

    /// Appends `text`.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(&escaped(text));
    }

    /// Appends `text` in a style, if styles are wanted.
    pub fn push_styled(&mut self, style: Style, text: &str) {
        if self.has_styles {
            self.text.push_str(&format!("\x1b[{}m{}\x1b[0m", style.code(), escaped(text)));
        } else {
            self.push(text);
        }
    }

    /// Appends `text`.
    pub fn append(&mut self, text: &Shown) {
        self.text.push_str(&text.text);
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Shown { text: escaped(text).into_owned(), has_styles: false }
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

/// `text` with its control characters as Rust writes them (`\u{1b}`): C0 but for line feed and tab, delete, C1, and the
/// controls of the direction and of the end of lines. The carriage return before a line feed is left out.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => shown.push_str("\\r"),
            control if is_control(control) => shown.extend(control.escape_unicode()),
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn is_control(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_as_it_is() {
        for plain in ["", "a\tb\n", "naïve 漢字 שלום 👩‍💻"] {
            assert!(matches!(escaped(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn controls_are_shown_as_text() {
        assert_eq!(escaped("\x1b]52;c;eA==\x07"), "\\u{1b}]52;c;eA==\\u{7}");
        assert_eq!(escaped("a\r\nb\rc\0\x7f\u{9b}2J"), "a\nb\\rc\\u{0}\\u{7f}\\u{9b}2J");
        assert_eq!(escaped("\u{202e}\u{2066}\u{2028}"), "\\u{202e}\\u{2066}\\u{2028}");
    }

    #[test]
    fn only_our_own_styles_reach_the_reader() {
        let mut shown = Shown::new(true);
        shown.push_styled(Style::Red, "no\x1b[0m");
        shown.push(": \x1b[32mfine");
        assert_eq!(shown.as_str(), "\x1b[31mno\\u{1b}[0m\x1b[0m: \\u{1b}[32mfine");
        let mut plain = Shown::new(false);
        plain.push_styled(Style::Red, "no");
        assert_eq!(plain.as_str(), "no");
    }
}
