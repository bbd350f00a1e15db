//! The other places in the file where the name under the cursor is written.

use graph::{Analysis, FileId};
use syntax::{TextRange, TextSize};

/// A place where the name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub range: TextRange,
    /// It is bound there, or given as an argument.
    pub write: bool,
}

/// The places in `file` where what the name at `offset` stands for is written by the same name, in source order. Empty
/// where it is not known what that is: then editors look for the text themselves.
pub fn document_highlights(analysis: &Analysis, file: FileId, offset: TextSize) -> Vec<Highlight> {
    let found = analysis.highlights(file, offset).into_iter();
    found.map(|(range, write)| Highlight { range, write }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    /// Every highlight as `line:column`, writes with `=` behind.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let source = workspace.analysis.source(file);
        let found = document_highlights(&workspace.analysis, file, offset).into_iter().map(|highlight| {
            let at = source.position(highlight.range.start(), syntax::Encoding::Utf8);
            format!("{}:{}{}", at.line + 1, at.column, if highlight.write { "=" } else { "" })
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn reads_and_writes_of_a_local() {
        check("def f(x$0):\n    x += 1\n    return [x for y in x]\nx = 2\n", &["1:6=", "2:4=", "3:12", "3:23"]);
        check("def f(x):\n    return [x$0 for x in x]\n", &["2:12", "2:18="]);
    }

    #[test]
    fn members_by_their_class() {
        check(
            "class A:\n    def __init__(self):\n        self.n = 1\n    def m(self, o):\n        return self.n$0 + o.n\nclass B:\n    n = 2\n",
            &["3:13=", "5:20"],
        );
    }

    #[test]
    fn imported_names_are_highlighted() {
        check("#- /a.py\nfrom b import f\nf$0()\ndef g(f): f()\n#- /b.py\ndef f(): ...\n", &["1:14=", "2:0"]);
        check("import os\nos$0.getcwd()\n", &["1:7=", "2:0"]);
    }

    #[test]
    fn arguments_and_mentions() {
        check("def f(size): ...\nf(size$0=1)\nsize = 2\n", &["1:6=", "2:2="]);
        check("__all__ = ['f']\ndef f$0(): ...\n", &["1:12", "2:4="]);
    }

    #[test]
    fn unknown_names_have_no_highlights() {
        check("def f(x):\n    x.name$0\n    x.name\n", &[]);
        check("x = 1 $0 + 2\n", &[]);
    }
}
