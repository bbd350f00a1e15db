//! Resolved names as bytes, for the next process that looks at the same texts.
//!
//! Files are numbered by path and definitions by place, so that nothing depends on the process. Numbers are written in
//! groups of seven bits, the lowest first (LEB128).

use std::sync::Arc;

use graph::{Analysis, FileId, SymbolId};
use rustc_hash::FxHashMap;
use syntax::TextSize;

use super::{FileNames, ResolvedNames};

/// The files of `analysis` by path, and the definitions of each.
fn numbered(analysis: &Analysis) -> Vec<(FileId, Vec<SymbolId>)> {
    let mut files: Vec<FileId> = analysis.files().collect();
    files.sort_by(|&a, &b| analysis.path(a).cmp(analysis.path(b)));
    files.into_iter().map(|file| (file, analysis.symbols(file))).collect()
}

/// `None` where something refers to what is no definition of a file, as while a text is broken.
pub(crate) fn to_bytes(analysis: &Analysis, resolved_names: &ResolvedNames) -> Option<Vec<u8>> {
    let files = numbered(analysis);
    let mut places: FxHashMap<SymbolId, (usize, usize)> = FxHashMap::default();
    for (file, (_, symbols)) in files.iter().enumerate() {
        places.extend(symbols.iter().enumerate().map(|(place, &symbol)| (symbol, (file, place))));
    }
    let mut bytes = Vec::new();
    for (file, _) in &files {
        let targets = &resolved_names.get(file)?.targets;
        put(&mut bytes, targets.len());
        let mut last = 0;
        for (offset, symbol) in targets {
            let (file, place) = *places.get(symbol)?;
            let offset = usize::from(*offset);
            put(&mut bytes, offset - last);
            put(&mut bytes, file);
            put(&mut bytes, place);
            last = offset;
        }
    }
    Some(bytes)
}

/// `None` where the bytes are not those of such an analysis.
pub(crate) fn from_bytes(analysis: &Analysis, mut bytes: &[u8]) -> Option<ResolvedNames> {
    let files = numbered(analysis);
    let mut resolved_names = ResolvedNames::default();
    for (file, _) in &files {
        let count = take(&mut bytes)?;
        // Each takes three bytes at least.
        let mut targets = Vec::with_capacity(count.min(bytes.len() / 3));
        let mut offset = 0usize;
        for _ in 0..count {
            offset = offset.checked_add(take(&mut bytes)?)?;
            let (file, place) = (take(&mut bytes)?, take(&mut bytes)?);
            let symbol = *files.get(file)?.1.get(place)?;
            targets.push((TextSize::new(u32::try_from(offset).ok()?), symbol));
        }
        if offset > analysis.source(*file).text().len() {
            return None;
        }
        resolved_names.insert(*file, Arc::new(FileNames { targets }));
    }
    bytes.is_empty().then_some(resolved_names)
}

fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use graph::AnalysisHost;

    use super::super::read;
    use super::*;

    fn load(files: &[(&str, &str)]) -> Analysis {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        host.apply(files.iter().map(|&(path, text)| (path.into(), Some(text.into()))).collect());
        host.analysis()
    }

    const FILES: [(&str, &str); 3] = [
        ("/b.py", "from a import A, f\nx = A()\nx.g().g()\n\ndef h():\n    return f(x)\n"),
        ("/a.py", "class A:\n    def g(self): return A()\n\ndef f(a: A): ...\n"),
        ("/c.py", ""),
    ];

    #[test]
    fn another_process_reads_the_same() {
        let analysis = load(&FILES);
        let resolved_names = read(&analysis, None);
        let bytes = to_bytes(&analysis, &resolved_names).unwrap();
        assert_eq!(from_bytes(&analysis, &bytes), Some(resolved_names.clone()));
        // The files have other numbers there.
        let mut files = FILES;
        files.reverse();
        let other = load(&files);
        assert_eq!(from_bytes(&other, &bytes), Some(read(&other, None)));
    }

    #[test]
    fn other_bytes_are_nothing() {
        let analysis = load(&FILES);
        let bytes = to_bytes(&analysis, &read(&analysis, None)).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(from_bytes(&analysis, &bytes[..end]), None);
        }
        assert_eq!(from_bytes(&analysis, &[bytes.as_slice(), &[0]].concat()), None);
        assert_eq!(from_bytes(&load(&FILES[1..]), &bytes), None);
        assert_eq!(from_bytes(&analysis, &[0xff; 64]), None);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            // Whatever it means, it is an answer.
            let _ = from_bytes(&analysis, &changed);
        }
    }
}
