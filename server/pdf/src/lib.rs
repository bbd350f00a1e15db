//! This crate takes the text out of PDF files (ISO 32000-1), in lines as a reader sees them.
//!
//! A file is data from anywhere. Whatever it holds, reading ends: nesting, unpacked bytes, operators and pages are
//! counted ([`Error::TooMuch`]). The table of contents at a file's end is not believed: objects are found by looking for
//! them, so a file that is cut off gives what it has.
//!
//! Deliberately absent: drawing, pictures, passwords, writing. Scripts whose fonts tell no Unicode are not guessed at.

mod content;
mod file;
mod filter;
mod font;
mod glyphs;
mod lexer;

use crate::content::Writer;
use crate::file::File;
use crate::lexer::Object;

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it is no PDF file")]
    NotPdf,
    #[error("it is encrypted")]
    Encrypted,
    /// Also where fonts do not tell what their signs mean.
    #[error("it holds no text that can be read, such as scanned pages")]
    NoText,
    #[error("it takes too much to read")]
    TooMuch,
}

/// Pages that are looked at: those of a scan have no text, and there may be many.
const MAX_PAGES: usize = 500;
/// Nodes of the tree of pages.
const MAX_NODES: usize = 10_000;
const MAX_PENDING: usize = 500_000;
/// What a page inherits is not looked for further up.
const MAX_ANCESTORS: usize = 32;

/// The text of the file with the content `bytes`, or the first `most` bytes of it. Pages and paragraphs are parted by an
/// empty line.
///
/// # Errors
/// When there is none; see [`Error`].
pub fn text(bytes: &[u8], most: usize) -> Result<String, Error> {
    let file = File::read(bytes)?;
    let mut writer = Writer::new(&file, most);
    let mut failed = None;
    for page in pages(&file) {
        if let Err(error) = show(&file, &page, &mut writer) {
            failed = Some(error);
            break;
        }
        if writer.is_full() {
            break;
        }
    }
    let text = writer.finish();
    // Half a text is better than none.
    if text.is_empty() { Err(failed.unwrap_or(Error::NoText)) } else { Ok(text) }
}

/// The objects of the pages, in order.
fn pages(file: &File<'_>) -> Vec<u32> {
    let mut pending: Vec<u32> = file.page_tree().into_iter().collect();
    let (mut found, mut seen) = (Vec::new(), rustc_hash::FxHashSet::default());
    while let Some(number) = pending.pop() {
        if !seen.insert(number) {
            continue;
        }
        if seen.len() > MAX_NODES || pending.len() > MAX_PENDING || found.len() >= MAX_PAGES {
            break;
        }
        match file.get(number).and_then(|node| node.get("Kids")).map(|kids| file.resolve(kids)) {
            Some(Object::Array(kids)) => pending.extend(kids.iter().rev().filter_map(Object::reference)),
            _ => found.push(number),
        }
    }
    if found.is_empty() {
        // The tree is damaged or was cut off.
        found = file.of_type("Page");
        found.truncate(MAX_PAGES);
    }
    found
}

fn show(file: &File<'_>, &page: &u32, writer: &mut Writer<'_, '_>) -> Result<(), Error> {
    let Some(page) = file.get(page) else { return Ok(()) };
    let parent = |node: &&Object| file.get(node.get("Parent")?.reference()?);
    let mut ancestors = std::iter::successors(Some(page), parent).take(MAX_ANCESTORS);
    let resources = ancestors.find_map(|node| node.get("Resources")).map(|resources| file.resolve(resources));
    let mut content = Vec::new();
    let streams = match page.get("Contents").map(|contents| file.resolve(contents)) {
        Some(Object::Array(parts)) => parts.iter().filter_map(Object::reference).collect(),
        _ => page.get("Contents").and_then(Object::reference).into_iter().collect::<Vec<u32>>(),
    };
    for number in streams {
        content.extend(file.stream(number)?);
        // A word never goes on in the next stream.
        content.push(b'\n');
    }
    writer.page(&content, resources)
}

#[cfg(test)]
mod tests;
