//! What the names in each file refer to: the expensive part of the tables, read in parallel and kept from one snapshot to the next.

mod kept;

use std::sync::Arc;

use graph::{Analysis, FileId, SymbolId, Target};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextSize;

use crate::words::identifiers;

pub(crate) use kept::{from_bytes, to_bytes};

/// The names of one file that refer to something in the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    /// By offset, and at one offset as the graph lists them.
    targets: Vec<(TextSize, SymbolId)>,
}

impl FileNames {
    fn of(analysis: &Analysis, file: FileId) -> Self {
        let imports = analysis.imports(file).into_iter().map(|import| import.range.start());
        let names = identifiers(analysis.source(file).text()).map(|(offset, _)| TextSize::new(offset as u32));
        let mut offsets: Vec<TextSize> = names.chain(imports).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut resolver = analysis.resolver(file);
        let mut targets = Vec::new();
        for offset in offsets {
            for target in resolver.targets(offset) {
                if let Target::Symbol(symbol, _) = target {
                    targets.push((offset, symbol));
                }
            }
        }
        targets.shrink_to_fit();
        FileNames { targets }
    }

    /// All of it: where a name is, and a definition that it may refer to.
    pub(crate) fn all(&self) -> &[(TextSize, SymbolId)] {
        &self.targets
    }

    /// The definitions that the name at `offset` may refer to.
    pub(crate) fn targets(&self, offset: TextSize) -> impl Iterator<Item = SymbolId> {
        let first = self.targets.partition_point(|&(at, _)| at < offset);
        self.targets[first..].iter().take_while(move |&&(at, _)| at == offset).map(|&(_, symbol)| symbol)
    }
}

/// The names of all files of a snapshot.
pub(crate) type ResolvedNames = FxHashMap<FileId, Arc<FileNames>>;

/// Reads all files of `analysis`, except those whose names cannot refer to anything else than `before`.
pub(crate) fn read(analysis: &Analysis, before: Option<(&Analysis, &ResolvedNames)>) -> ResolvedNames {
    let concerned = before.map(|(before, _)| concerned(before, analysis));
    let known = |file: FileId| {
        let (_, resolved_names) = before?;
        if concerned.as_ref()?.contains(&file) { None } else { resolved_names.get(&file).cloned() }
    };
    let files: Vec<FileId> = analysis.files().collect();
    let read = |&file: &FileId| (file, known(file).unwrap_or_else(|| Arc::new(FileNames::of(analysis, file))));
    files.par_iter().map(read).collect()
}

/// The files that changed, and those that import them, directly or through others: for no other can a name mean
/// something else.
fn concerned(before: &Analysis, now: &Analysis) -> FxHashSet<FileId> {
    let changed = now.changed_since(before);
    let [then, present]: [FxHashSet<FileId>; 2] = [before, now].map(|analysis| analysis.files().collect());
    // Also when `before` is of another host: there the same number may mean another file.
    if changed.len() == present.len() {
        return present;
    }
    let mut pending = changed;
    pending.extend(then.difference(&present));
    let mut concerned: FxHashSet<FileId> = pending.iter().copied().collect();
    while let Some(file) = pending.pop() {
        for (analysis, files) in [(before, &then), (now, &present)] {
            if files.contains(&file) {
                let importers = analysis.importers(file).into_iter();
                pending.extend(importers.filter(|&importer| concerned.insert(importer)));
            }
        }
    }
    concerned
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use graph::AnalysisHost;

    use super::*;

    #[test]
    fn only_what_an_edit_can_concern_is_read_again() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut set = |files: &[(&str, Option<&str>)]| {
            let change = files.iter().map(|&(path, text)| (path.into(), text.map(Into::into)));
            host.apply(change.collect());
            host.analysis()
        };
        let first = set(&[
            ("/a.py", Some("class A:\n    def f(self): ...\n")),
            ("/b.py", Some("from a import A\nx = A()\n")),
            ("/c.py", Some("import b\nb.x.f()\n")),
            ("/d.py", Some("def g(): ...\ng()\n")),
        ]);
        let before = read(&first, None);
        let steps: [&[(&str, Option<&str>)]; 4] = [
            &[("/e.py", Some("from a import A\nA().f()\n"))],
            &[("/a.py", Some("class A:\n    def h(self): ...\n    def f(self): ...\n"))],
            &[("/b.py", Some("from a import A\nx = A\n"))],
            &[("/a.py", None)],
        ];
        let mut last = (first, before);
        for step in steps {
            let now = set(step);
            let resolved_names = read(&now, Some((&last.0, &last.1)));
            assert_eq!(resolved_names, read(&now, None));
            let d = now.file(Path::new("/d.py")).expect("the file was added");
            assert!(Arc::ptr_eq(&resolved_names[&d], &last.1[&d]), "nothing was said of /d.py");
            last = (now, resolved_names);
        }
        // The numbers of files mean others elsewhere.
        let mut other = AnalysisHost::new(vec!["/".into()]);
        let files = [("/x.py", "x = 1\n"), ("/b.py", "import x\nx.x\n")];
        other.apply(files.into_iter().map(|(path, text)| (path.into(), Some(text.into()))).collect());
        let now = other.analysis();
        assert_eq!(read(&now, Some((&last.0, &last.1))), read(&now, None));
        let few = read(&now, None);
        assert_eq!(read(&last.0, Some((&now, &few))), last.1);
    }
}
