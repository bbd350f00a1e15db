//! The texts of PDF files, kept while the files stay as they are.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::include::unread;

/// Larger files are books, of which a context shows next to nothing.
const MAX_BYTES: u64 = 32 << 20;
/// Bytes of text that are more than any budget shows.
const MAX_TEXT: usize = 64 << 10;
/// Texts of more files than this are those of files that are gone.
const MAX_KNOWN: usize = 64;

/// What came of a file: its text, or why there is none, as in "`path`: it is encrypted".
type Text = Result<String, String>;

/// Changes when a file does, as far as its size and time tell.
type Stamp = (u64, Option<SystemTime>);

/// Reads PDF files, each once.
#[derive(Default)]
pub struct Pdfs {
    known: Mutex<HashMap<PathBuf, (Stamp, Text)>>,
}

impl Pdfs {
    /// The text of the file at `path`, or the beginning of it.
    pub fn text(&self, path: &Path) -> Text {
        let (file, metadata) = disk::open_file(path).map_err(|error| unread(&error))?;
        if metadata.len() > MAX_BYTES {
            return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
        }
        let stamp = stamp(&metadata);
        // Each entry is replaced as a whole.
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = known().get(path).filter(|(known, _)| *known == stamp) {
            return text.clone();
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| unread(&error.into()))?;
        let read = catch_unwind(AssertUnwindSafe(|| pdf::text(&bytes, MAX_TEXT)));
        let text = match read {
            Ok(text) => text.map_err(|error| error.to_string()),
            // A defect of ours; the file is to blame all the same.
            Err(_) => Err("it is damaged".to_owned()),
        };
        let mut known = known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(path.to_path_buf(), (stamp, text.clone()));
        text
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pdf");
        let document = |word: &str| {
            let content = format!("BT /F 9 Tf ({word}) Tj ET");
            format!(
                "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj 2 0 obj << /Kids [3 0 R] >> endobj 3 0 obj \
                 << /Type /Page /Resources << /Font << /F << /Subtype /Type1 >> >> >> /Contents 4 0 R >> endobj 4 0 obj \
                 << /Length {} >> stream\n{content}\nendstream endobj trailer << /Root 1 0 R >>",
                content.len()
            )
        };
        let pdfs = Pdfs::default();
        fs::write(&path, document("One")).unwrap();
        assert_eq!(pdfs.text(&path), Ok("One".to_owned()));
        pdfs.known.lock().unwrap().get_mut(&path).unwrap().1 = Ok("kept".to_owned());
        assert_eq!(pdfs.text(&path), Ok("kept".to_owned()));
        fs::write(&path, document("Three")).unwrap();
        assert_eq!(pdfs.text(&path), Ok("Three".to_owned()));
        fs::write(&path, "no such thing").unwrap();
        assert_eq!(pdfs.text(&path), Err("it is no PDF file".to_owned()));
        let missing = pdfs.text(&folder.path().join("b.pdf")).unwrap_err();
        assert!(missing.starts_with("it cannot be read: "), "{missing}");
        let large = folder.path().join("c.pdf");
        fs::File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert_eq!(pdfs.text(&large), Err("it is larger than 32 MiB".to_owned()));
    }
}
