//! How counts and places are put into words and links.

use std::fmt::Write as _;
use std::path::Path;

use graph::{Analysis, FileId};
use syntax::TextSize;

/// "no callers", "1 caller", "7 callers".
pub fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {}", plural(noun)),
        1 => format!("1 {noun}"),
        _ => format!("{number} {}", plural(noun)),
    }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix("ss") {
        Some(_) => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

/// "shop/cart.py:52", relative to the workspace folder that holds the file.
pub fn place(analysis: &Analysis, file: FileId, offset: TextSize) -> String {
    let path = analysis.inside_root(analysis.path(file));
    format!("{}:{}", path.display(), analysis.source(file).line_number(offset))
}

/// `file:///abs/shop/cart.py#L52`.
pub fn uri(analysis: &Analysis, file: FileId, offset: TextSize) -> String {
    format!("{}#L{}", file_uri(analysis.path(file)), analysis.source(file).line_number(offset))
}

/// The path as a URI. Markdown ends a link at `)` and at a space, so everything but the plainest characters is escaped.
pub fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    let path = path.to_string_lossy().replace('\\', "/");
    if !path.starts_with('/') {
        uri.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:".contains(&byte) {
            uri.push(byte as char);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count(0, "caller"), "no callers");
        assert_eq!(count(1, "subclass"), "1 subclass");
        assert_eq!(count(2, "subclass"), "2 subclasses");
    }

    #[test]
    fn links_survive_awkward_paths() {
        assert_eq!(file_uri(Path::new("/a b/(é)/c.py")), "file:///a%20b/%28%C3%A9%29/c.py");
        assert_eq!(file_uri(Path::new(r"C:\work\c.py")), "file:///C:/work/c.py");
    }
}
