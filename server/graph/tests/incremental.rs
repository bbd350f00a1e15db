//! The graph after any sequence of edits equals the graph built from scratch, and does not depend on threads.
//!
//! The packages are real ones: the shop of `fixtures/workspaces` and packages of Python's own library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use dump::{difference, dump};
use graph::{Analysis, AnalysisHost, Change};
use proptest::prelude::*;

#[path = "shared/dump.rs"]
mod dump;

type Files = BTreeMap<PathBuf, String>;

fn fresh(root: &Path, files: &Files) -> AnalysisHost {
    let mut host = AnalysisHost::new(vec![root.to_path_buf()]);
    let mut change = Change::default();
    files.iter().for_each(|(path, text)| change.set(path, text.as_str()));
    host.apply(change);
    host
}

fn read(root: &Path, folder: &Path) -> Files {
    let found = graph::discover(folder);
    let (change, _) = graph::load(&found.files, &|_| ());
    let files = change.files.into_iter().filter_map(|(path, text)| Some((path, text?.to_string())));
    files.filter(|(path, _)| path.starts_with(root)).collect()
}

/// Root and files of each corpus.
static CORPORA: LazyLock<Vec<(PathBuf, Files)>> = LazyLock::new(|| {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/workspaces/shop");
    let mut corpora = vec![(shop.clone(), read(&shop, &shop))];
    let output = Command::new("python3")
        .args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])
        .output()
        .expect("python3 is needed for its library, which serves as a corpus");
    let stdlib = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    for package in ["json", "email", "asyncio", "unittest"] {
        let files = read(&stdlib, &stdlib.join(package));
        assert!(files.len() > 3, "{package} was not found in {}", stdlib.display());
        corpora.push((stdlib.clone(), files));
    }
    corpora
});

/// One random thing that a person does to a workspace.
#[derive(Clone, Debug)]
enum Edit {
    /// Replaces the nth occurrence of an identifier after `def`, `class` or `import`.
    Rename {
        file: usize,
        nth: usize,
        name: &'static str,
    },
    DeleteLines {
        file: usize,
        line: usize,
        count: usize,
    },
    Insert {
        file: usize,
        line: usize,
        text: &'static str,
    },
    MoveLines {
        from: usize,
        line: usize,
        count: usize,
        to: usize,
    },
    DeleteFile {
        file: usize,
    },
    AddFile {
        beside: usize,
        name: &'static str,
        text: &'static str,
    },
    Restore {
        file: usize,
    },
    /// Writes a line below the nth line that is indented, as deep as it, or takes that line out.
    Type {
        file: usize,
        nth: usize,
        text: Option<&'static str>,
    },
}

const LINES: &[&str] = &[
    "return self.run()",
    "self.made = Thing()",
    "def inner(a=1): return a",
    "import os, json as other",
    "x = [y for y in other if y]",
    "raise ValueError(x)",
    "global f",
    "f = lambda: f()",
    "yield from (lambda: 1)()",
    "\"\"\"Says `é`.\"\"\"",
    "x = (",
    "# a remark",
    "class Inner(Thing): pass",
    "print(eval('load()'))",
];

const SNIPPETS: &[&str] = &[
    "def f(): return Thing()\n",
    "class Thing(Base):\n    def run(self): return self.other.run()\n",
    "from . import *\n",
    "import os, json\n",
    "__all__ = ['f', 'Thing']\n",
    "x = (\n",
    "'''\n",
    "def broken(:\n",
    "if True:\n    pass\n",
    "self.cache = {}\n",
    "    return self\n",
    "@property\n",
    "x = [x]\n",
];

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let index = || 0usize..1000;
    let name = || prop::sample::select(vec!["f", "Thing", "run", "get", "Base", "load", "__init__"]);
    let edit = prop_oneof![
        4 => (index(), index(), name()).prop_map(|(file, nth, name)| Edit::Rename { file, nth, name }),
        3 => (index(), index(), 1usize..8).prop_map(|(file, line, count)| Edit::DeleteLines { file, line, count }),
        4 => (index(), index(), prop::sample::select(SNIPPETS.to_vec()))
            .prop_map(|(file, line, text)| Edit::Insert { file, line, text }),
        2 => (index(), index(), 1usize..20, index())
            .prop_map(|(from, line, count, to)| Edit::MoveLines { from, line, count, to }),
        1 => index().prop_map(|file| Edit::DeleteFile { file }),
        1 => (index(), prop::sample::select(vec!["os.py", "__init__.py", "shadow.py", "json.py"]),
              prop::sample::select(SNIPPETS.to_vec()))
            .prop_map(|(beside, name, text)| Edit::AddFile { beside, name, text }),
        3 => index().prop_map(|file| Edit::Restore { file }),
        8 => (index(), index(), prop::option::weighted(0.8, prop::sample::select(LINES.to_vec())))
            .prop_map(|(file, nth, text)| Edit::Type { file, nth, text }),
    ];
    prop::collection::vec(edit, 1..12)
}

fn perform(edit: &Edit, files: &mut Files, original: &Files) -> Change {
    let mut change = Change::default();
    if files.is_empty() {
        return change;
    }
    let path_of = |files: &Files, index: usize| files.keys().nth(index % files.len()).unwrap().clone();
    let mut set = |files: &mut Files, path: PathBuf, text: String| {
        change.edit(&path, text.as_str());
        files.insert(path, text);
    };
    match edit {
        Edit::Rename { file, nth, name } => {
            let path = path_of(files, *file);
            let mut text = files[&path].clone();
            let places: Vec<usize> = ["def ", "class ", "import "]
                .iter()
                .flat_map(|word| text.match_indices(word).map(|(at, word)| at + word.len()).collect::<Vec<_>>())
                .collect();
            if let Some(&start) = places.get(nth % places.len().max(1)) {
                let rest = &text[start..];
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                text.replace_range(start..start + length, name);
            }
            set(files, path, text);
        }
        Edit::DeleteLines { file, line, count } => {
            let path = path_of(files, *file);
            let lines: Vec<&str> = files[&path].split_inclusive('\n').collect();
            let at = line % lines.len().max(1);
            let kept = lines.iter().enumerate().filter(|(index, _)| !(at..at + count).contains(index));
            let text = kept.map(|(_, line)| *line).collect();
            set(files, path, text);
        }
        Edit::Insert { file, line, text } => {
            let path = path_of(files, *file);
            let mut lines: Vec<&str> = files[&path].split_inclusive('\n').collect();
            lines.insert(line % (lines.len() + 1), text);
            let text = lines.concat();
            set(files, path, text);
        }
        Edit::MoveLines { from, line, count, to } => {
            let (from, to) = (path_of(files, *from), path_of(files, *to));
            let lines: Vec<String> = files[&from].split_inclusive('\n').map(str::to_owned).collect();
            let at = line % lines.len().max(1);
            let end = (at + count).min(lines.len());
            let moved = lines[at..end].concat();
            let rest = [lines[..at].concat(), lines[end..].concat()].concat();
            set(files, from, rest);
            let joined = files[&to].clone() + &moved;
            set(files, to, joined);
        }
        Edit::DeleteFile { file } => {
            let path = path_of(files, *file);
            files.remove(&path);
            change.remove(path);
        }
        Edit::AddFile { beside, name, text } => {
            let path = path_of(files, *beside).with_file_name(name);
            set(files, path, (*text).to_owned());
        }
        Edit::Type { file, nth, text } => {
            let path = path_of(files, *file);
            let mut lines: Vec<String> = files[&path].split_inclusive('\n').map(str::to_owned).collect();
            let indented: Vec<usize> = (0..lines.len()).filter(|&line| lines[line].starts_with("    ")).collect();
            if let Some(&at) = indented.get(nth % indented.len().max(1)) {
                let indent = lines[at].len() - lines[at].trim_start().len();
                match text {
                    Some(text) => lines.insert(at + 1, format!("{:indent$}{text}\n", "")),
                    None => drop(lines.remove(at)),
                }
            }
            let text = lines.concat();
            set(files, path, text);
        }
        Edit::Restore { file } => {
            let path = path_of(original, *file);
            set(files, path.clone(), original[&path].clone());
        }
    }
    change
}

/// Files that do not parse may lean on what they were: those states are specified elsewhere.
fn all_parse(analysis: &Analysis) -> bool {
    analysis.files().all(|file| analysis.syntax_errors(file).is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn edits_lead_where_a_fresh_build_leads(corpus in 0usize..5, edits in edits()) {
        let (root, original) = &CORPORA[corpus];
        let mut files = original.clone();
        let mut host = fresh(root, &files);
        for edit in &edits {
            let change = perform(edit, &mut files, original);
            host.apply(change);
        }
        // Mends what does not parse: stand-ins must leave no trace.
        let analysis = host.analysis();
        let mut mend = Change::default();
        for file in analysis.files().filter(|&file| !analysis.syntax_errors(file).is_empty()) {
            let path = analysis.path(file).to_path_buf();
            let text = original.get(&path).filter(|text| !syntax::parse(text).has_errors()).cloned().unwrap_or_default();
            mend.set(&path, text.as_str());
            files.insert(path, text);
        }
        host.apply(mend);
        prop_assert!(all_parse(&host.analysis()));
        prop_assert_eq!(difference(&host, &fresh(root, &files)), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, ..ProptestConfig::default() })]

    /// What flowed before the edits has no part in what flows after them.
    #[test]
    fn values_flow_as_in_a_fresh_build(corpus in 0usize..2, edits in edits()) {
        let (root, original) = &CORPORA[corpus];
        let mut files = original.clone();
        let mut host = fresh(root, &files);
        host.apply_flow(host.analysis().solve_flow());
        for edit in &edits {
            host.apply(perform(edit, &mut files, original));
        }
        // Half settled: edges from before must lead somewhere or be gone.
        dump(&host.analysis());
        host.apply_flow(host.analysis().solve_flow());
        prop_assert!(!host.analysis().is_flow_outdated());
        let mut expected = fresh(root, &files);
        expected.apply_flow(expected.analysis().solve_flow());
        if all_parse(&expected.analysis()) {
            prop_assert_eq!(difference(&host, &expected), None);
        }
    }
}

#[test]
fn targets_stand_in_the_order_of_the_text_and_not_of_history() {
    let root = PathBuf::from("/w");
    let rest = "def f(): ...\nfor each in [f, g]:\n    each()\n";
    let (first, then) = (rest.to_owned(), format!("def g(): ...\n{rest}"));
    let mut host = fresh(&root, &Files::from([(root.join("a.py"), first)]));
    let files = Files::from([(root.join("a.py"), then)]);
    let mut change = Change::default();
    files.iter().for_each(|(path, text)| change.set(path, text.as_str()));
    host.apply(change);
    let mut expected = fresh(&root, &files);
    for host in [&mut host, &mut expected] {
        host.apply_flow(host.analysis().solve_flow());
    }
    assert!(dump(&expected.analysis()).contains("calls a.g"));
    assert_eq!(difference(&host, &expected), None);
}

/// What stands in for lost classes is not part of any text: values do not flow through it.
#[test]
fn values_flow_while_a_base_class_is_lost() {
    let root = PathBuf::from("/w");
    let base = "import a\nclass D(a.C, metaclass=a.M):\n    def n(self):\n        return self.m()\n";
    let rest =
        "d = D()\nd.n()\nif isinstance(d, a.C):\n    d.m()\ntry: pass\nexcept a.C as e: e.m()\nsuper(a.C, d).m()\n";
    let classes = "class M(type): ...\nclass C:\n    def m(self): ...\n".repeat(3);
    let files = Files::from([(root.join("a.py"), classes.clone()), (root.join("b.py"), format!("{base}{rest}"))]);
    let mut host = fresh(&root, &files);
    for text in ["x = {'a':\n", &classes] {
        let mut change = Change::default();
        change.set(root.join("a.py"), text);
        host.apply(change);
        host.apply_flow(host.analysis().solve_flow());
        assert!(dump(&host.analysis()).contains("calls b.D.n"));
    }
    let mut expected = fresh(&root, &files);
    expected.apply_flow(expected.analysis().solve_flow());
    assert_eq!(difference(&host, &expected), None);
}

#[test]
fn the_graph_does_not_depend_on_threads_or_order() {
    for (root, files) in CORPORA.iter() {
        let mut expected = fresh(root, files);
        // One file at a time, backwards, on whatever thread: the opposite of one parallel change.
        let mut host = AnalysisHost::new(vec![root.clone()]);
        for (path, text) in files.iter().rev() {
            let mut change = Change::default();
            change.set(path, text.as_str());
            host.apply(change);
        }
        assert_eq!(difference(&host, &expected), None, "{}", root.display());
        host.apply_flow(host.analysis().solve_flow());
        expected.apply_flow(expected.analysis().solve_flow());
        assert_eq!(difference(&host, &expected), None, "{}, settled", root.display());
    }
}
