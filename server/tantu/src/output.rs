//! What people and programs see.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::ops::Range;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use terminal::Shown;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading
    Human,
    /// For programs; stable
    Json,
}

/// Whether `stream` shows colours and its reader wants them.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Empty text for standard output.
pub(crate) fn for_stdout() -> Shown {
    Shown::new(colours(&io::stdout()))
}

/// Empty text for standard error.
pub(crate) fn for_stderr() -> Shown {
    Shown::new(colours(&io::stderr()))
}

/// Writes `text` to standard output, escapes as text. That a reader such as `head` has enough is no error.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print(text: impl Into<Shown>) -> io::Result<()> {
    write(text.into().as_str())
}

/// The same for text that programs read, such as a patch: as it is, unless a terminal shows it.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_exactly(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() { print(text) } else { write(text) }
}

/// Writes a line to standard error, escapes as text. That nobody reads it is no error.
pub(crate) fn warn(text: impl Into<Shown>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.into().as_str());
}

/// Where the log goes: standard error, escapes as text.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(terminal::escaped(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes `value` as JSON.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(write(&text)?)
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(total: u64, message: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    // The template is a constant; were it wrong, the bar would have indicatif's own look.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(message);
    bar
}

/// A sign of life on a terminal, with the time that has passed; nothing elsewhere.
pub(crate) fn spinner(message: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    // As above.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// Says beside `bar` what is being done.
pub(crate) fn note(bar: &ProgressBar, what: &str) {
    bar.set_message(terminal::escaped(what).into_owned());
}

/// What is said while the sandbox is compiled for this machine.
pub(crate) fn preparing(done: u32, total: u32) -> String {
    let step = (done + 1).min(total);
    format!("preparing the Python sandbox, once on this machine: about half a minute, step {step} of {total}")
}

/// `1 234 567`
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Columns as wide as they must be. Those in `numbers` are aligned to the right.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], numbers: Range<usize>) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let cell = |(column, text): (usize, &String)| match numbers.contains(&column) {
        true => format!("{text:>width$}", width = widths[column]),
        false => format!("{text:<width$}", width = widths[column]),
    };
    rows.iter()
        .map(|row| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n")
        .collect()
}

/// `1 test`, `2 tests`
pub(crate) fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(123), "123");
        assert_eq!(grouped(1234567), "1 234 567");
    }
}
