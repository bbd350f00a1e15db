//! The files that the setting `context.include` names.

use std::path::{Path, PathBuf};

use context::Included;
use disk::ReadError;

use crate::pdfs::Pdfs;
use workspace::settings;

/// More files than this leave next to nothing of each.
const MAX_FILES: usize = 20;
/// Bytes that are read of a file: more than any budget shows.
const MAX_BYTES: u64 = 64 << 10;

/// The files below `roots` that `globs` name, by path: texts and PDF files. What is neither a file nor a folder is named with the
/// reason. No links are followed, and what may hold secrets or is ignored by the workspace is left out.
pub fn read(roots: &[PathBuf], globs: &[String], pdfs: &Pdfs) -> Vec<Included> {
    if globs.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for root in roots {
        for path in graph::matching(root, globs) {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            if found.len() < MAX_FILES
                && !model::is_denied(relative)
                && let Some(text) = text_of(&path, pdfs)
            {
                found.push(Included { path: relative.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    found
}

/// The globs that the settings in the workspace folder `root` give.
pub fn globs_of(root: &Path) -> Vec<String> {
    settings::read(root).0.include.unwrap_or_default()
}

/// `None` for what is neither a text nor a PDF file.
fn text_of(path: &Path, pdfs: &Pdfs) -> Option<Result<String, String>> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf")) {
        return Some(pdfs.text(path));
    }
    match disk::read_beginning(path, MAX_BYTES) {
        Ok(bytes) => text_in(bytes).map(Ok),
        // Gone since it was listed.
        Err(error) if error.is_missing() => None,
        Err(error) => Some(Err(unread(&error))),
    }
}

/// Why a file was not read, as [`Included::text`] has it.
pub fn unread(error: &ReadError) -> String {
    format!("it {error}")
}

/// `None` where it is no text.
fn text_in(mut bytes: Vec<u8>) -> Option<String> {
    let end = match std::str::from_utf8(&bytes) {
        Ok(_) => bytes.len(),
        // A character may be cut in two where reading stopped.
        Err(error) if bytes.len() as u64 == MAX_BYTES && error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return None,
    };
    bytes.truncate(end);
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_texts_of_the_workspace_that_hold_no_secrets() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |path: &str, text: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("data/a.csv", b"n\n1\n");
        write("data/picture.csv", b"\x89PNG\0");
        write("data/long.csv", "é\n".repeat(50_000).as_bytes());
        write("secrets/b.csv", b"n\n2\n");
        write("data/.env", b"TOKEN=1\n");
        write("build/c.csv", b"n\n3\n");
        write(".gitignore", b"build/\n");
        write("notes.txt", b"Notes.\n");
        write("tantu.toml", b"context.include = ['data/*', '*.csv', '/../x.csv']\n");
        fs::write(outside.path().join("d.csv"), "n\n4\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("d.csv"), folder.path().join("data/d.csv")).unwrap();
        write("data/spec.PDF", b"%PDF-1.4");
        let found = read(&[folder.path().to_path_buf()], &globs_of(folder.path()), &Pdfs::default());
        let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["data/a.csv", "data/long.csv", "data/spec.PDF"]);
        assert_eq!(found[2].text, Err("it holds no text that can be read, such as scanned pages".to_owned()));
        let long = found[1].text.as_ref().unwrap();
        assert!(long.len() as u64 <= MAX_BYTES && long.len() > 60_000);
        assert_eq!(read(&[folder.path().to_path_buf()], &[], &Pdfs::default()), []);
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_named_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["pipe.csv", "pipe.pdf"] {
            assert!(std::process::Command::new("mkfifo").arg(at(name)).status().unwrap().success());
        }
        std::os::unix::fs::symlink("/dev/zero", at("zero.csv")).unwrap();
        let found = read(&[folder.path().to_path_buf()], &["*".to_owned()], &Pdfs::default());
        let told: Vec<(&str, Result<&str, &str>)> = found
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_ref().map(String::as_str).map_err(String::as_str)))
            .collect();
        let reason = Err("it is not a regular file");
        assert_eq!(told, [("pipe.csv", reason), ("pipe.pdf", reason)]);
        // A link that takes the place of a file after it was listed.
        assert_eq!(text_of(&at("zero.csv"), &Pdfs::default()), Some(Err("it is not a regular file".to_owned())));
    }
}
