//! This crate reads what libraries offer: the standard library from typeshed, which is built in, and installed packages from the
//! folders of an environment, in the order of PEP 561. Modules are read when somebody asks for them, into a graph of their own.
//!
//! Deliberately absent: what is asked of libraries and what is wrong with it (`graph`), which environment is the project's
//! (`lint`), running any of it. Import hooks, `.pth` files and archives are not followed: what only they lead to is not known.

mod places;
mod summaries;
mod version;

use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use graph::{Analysis, AnalysisHost, Change, Libraries, LibraryModule, LibraryOrigin, Verdicts};
use rustc_hash::FxHashMap;

use places::{Found, Places};
use summaries::Summaries;
pub use version::Version;

/// Where libraries are.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    /// What is installed: folders like `site-packages`, in the order in which they are looked at.
    pub sites: Vec<PathBuf>,
    /// The sources of the standard library, where they are known.
    pub standard: Option<PathBuf>,
    /// Which Python runs. Where nobody knows, what any version offers is there.
    pub version: Option<Version>,
    /// A folder of the user's own, for what is made once: summaries, and stubs that are on no disk when somebody wants to see them.
    pub cache: Option<PathBuf>,
}

/// Modules of one environment; nothing is forgotten until it is dropped.
#[derive(Debug)]
pub struct Library {
    places: Places,
    summaries: Option<Summaries>,
    state: Mutex<State>,
    verdicts: Verdicts,
}

#[derive(Debug)]
struct State {
    host: AnalysisHost,
    known: FxHashMap<String, LibraryModule>,
    files: usize,
}

/// How many modules are read. Beyond that libraries are not known: whoever asks for so many does not use them by hand.
const MAX_MODULES: usize = 4_000;

impl Library {
    pub fn new(installation: Installation) -> Self {
        let summaries = installation.cache.as_deref().map(Summaries::new);
        let places = Places::new(installation);
        let host = AnalysisHost::new(places.roots());
        let state = State { host, known: FxHashMap::default(), files: 0 };
        Library { places, summaries, state: Mutex::new(state), verdicts: Verdicts::default() }
    }
}

impl Library {
    /// Applies the change, with the summaries that are already there; keeps the others for the next time.
    fn apply(&self, host: &mut AnalysisHost, mut change: Change) {
        let Some(summaries) = &self.summaries else {
            host.apply(change);
            return;
        };
        change.restore(|digest| summaries.read(digest));
        let texts = change.files.iter();
        let long = texts.filter(|(_, text)| text.as_ref().is_some_and(|text| text.len() >= summaries::MIN_TEXT));
        let long: Vec<PathBuf> = long.map(|(path, _)| path.clone()).collect();
        host.apply(change);
        let analysis = host.analysis();
        let new = long.iter().filter_map(|path| analysis.file(path)).filter(|&file| !analysis.is_restored(file));
        for file in new {
            if let (Some(digest), Some(bytes)) = (analysis.digest(file), analysis.archive(file)) {
                summaries.write(&digest, &bytes);
            }
        }
    }
}

impl Libraries for Library {
    fn analysis(&self) -> Analysis {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).host.analysis()
    }

    fn read(&self, modules: &[&str]) -> Vec<LibraryModule> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { host, known, files } = &mut *state;
        let mut change = Change::default();
        let mut is_changed = false;
        let mut look = |module: &str| {
            let entry = match known.entry(module.to_owned()) {
                Entry::Occupied(known) => return *known.get(),
                Entry::Vacant(entry) => entry,
            };
            let found = match self.places.find(module) {
                Some(Found::Text(path, text)) if *files < MAX_MODULES => {
                    change.set(path, text);
                    (is_changed, *files) = (true, *files + 1);
                    LibraryModule::Read
                }
                Some(Found::Text(..) | Found::Opaque) => LibraryModule::Opaque,
                None => LibraryModule::Absent,
            };
            *entry.insert(found)
        };
        let found = modules.iter().map(|module| look(module)).collect();
        if is_changed {
            self.apply(host, change);
        }
        found
    }

    fn may_leave_out(&self, module: &str, name: &str) -> bool {
        match self.places.source(module) {
            Some((_, text)) => mentions(&text, name),
            None => name.starts_with('_'),
        }
    }

    fn origin(&self, module: &str) -> LibraryOrigin {
        self.places.origin(module)
    }

    fn source(&self, module: &str) -> Option<(PathBuf, String)> {
        self.places.source(module)
    }

    fn file(&self, path: &Path) -> Option<PathBuf> {
        self.places.file(path)
    }

    fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }
}

/// Whether `name` is a word of `text`.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + name.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use graph::{LibraryMistakeKind, LibraryPath};

    use super::*;

    /// An environment with these files, and what `text` asks of it in vain.
    #[track_caller]
    fn check(files: &[(&str, &str)], text: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let library = Library::new(Installation {
            sites: vec![folder.path().to_owned()],
            standard: Some(folder.path().join("standard")),
            ..Installation::default()
        });
        let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
        let mut change = Change::default();
        change.set("/w/main.py", text);
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file(Path::new("/w/main.py")).unwrap();
        let mistakes = analysis.library_mistakes(file, &library);
        let said: Vec<String> = mistakes
            .iter()
            .map(|mistake| {
                let line = analysis.source(file).line_number(mistake.range.start());
                match &mistake.kind {
                    LibraryMistakeKind::MissingModule { module } => format!("{line}: no module {module}"),
                    LibraryMistakeKind::MissingName { owner, name } => format!("{line}: {owner} exports no {name}"),
                    LibraryMistakeKind::MissingMember { owner, name } => format!("{line}: {owner} has no {name}"),
                    LibraryMistakeKind::Deprecated { name, reason } => format!("{line}: {name} goes: {reason}"),
                    LibraryMistakeKind::IncompatibleCall { callee, message } => format!("{line}: {callee}: {message}"),
                }
            })
            .collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn what_the_file_itself_may_add_is_not_missing() {
        let text = "import json\njson.first()\njson.second()\njson.third()\njson.first = 1\nhasattr(json, 'second')\n";
        check(&[], text, &["4: json has no third"]);
        // Quotes of two kinds, and such as hold more than a name, are no names in quotes.
        check(&[], "import json\njson.first()\nx = 'first\"', \"it's first's\", 'first '\n", &["2: json has no first"]);
    }

    /// Each name is looked for once, however often it is used: what is counted here took a minute when it was looked for at
    /// each use.
    #[test]
    fn very_many_mistakes_in_one_file() {
        const USES: usize = 40_000;
        const NAMES: usize = 4_000;
        let library = Library::new(Installation::default());
        let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
        let mut change = Change::default();
        let names: String = (0..NAMES).map(|n| format!("json.missing{n}\n")).collect();
        change.set("/w/main.py", format!("import json\n{}{names}", "json.missing()\n".repeat(USES)));
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file(Path::new("/w/main.py")).unwrap();
        assert_eq!(analysis.library_mistakes(file, &library).len(), USES + NAMES);
    }

    #[test]
    fn constructors_do_not_depend_on_what_was_read_before() {
        let constructor = |read: &[&str]| {
            let library = Library::new(Installation::default());
            library.read(read);
            let names = LibraryPath::all_of("importlib.metadata", &library);
            let class = names.into_iter().find(|path| path.name() == Some("PackageNotFoundError")).unwrap();
            let found = class.definition(&library).unwrap().constructor(&library).unwrap();
            let symbol = found.analysis.symbol(found.symbols[0]);
            format!("{} {}", found.module(), symbol.local_name())
        };
        assert_eq!(constructor(&[]), "builtins ImportError.__init__");
        assert_eq!(constructor(&["builtins"]), constructor(&[]));
    }

    #[test]
    fn modules_of_the_standard_library() {
        check(&[], "from json import dumps, dump_string\n", &["1: json exports no dump_string"]);
        check(&[], "import json\njson.dumps({})\njson.dump_string({})\n", &["3: json has no dump_string"]);
        check(&[], "import os\nos.path.join('a')\nos.path.joint('a')\nos.getcwd()\n", &["3: os.path has no joint"]);
        check(
            &[],
            "import xml.etree.ElementTree as e\ne.parse('a')\ne.parze('a')\n",
            &["3: xml.etree.ElementTree has no parze"],
        );
        check(
            &[],
            "import collections.abc\ncollections.abc.Mapping\ncollections.deque\ncollections.dequeue\n",
            &["4: collections has no dequeue"],
        );
        check(
            &[],
            "try:\n    from json import gone\nexcept ImportError:\n    pass\nimport json\njson.loads = 1\njson.loads\n",
            &[],
        );
    }

    #[test]
    fn calls_of_the_standard_library() {
        check(
            &[],
            "import csv\ncsv.reader()\nimport textwrap\ntextwrap.dedent('a', wide=1)\n",
            &["2: reader: missing argument `iterable`", "4: dedent: unknown argument `wide`"],
        );
        check(&[], "import json\njson.loads()\n", &["2: loads: missing argument `s`"]);
        check(&[], "import re\nre.compile('a', 0)\nre.compile()\n", &["3: compile: missing argument `pattern`"]);
        check(
            &[],
            "import subprocess\nsubprocess.run(['a'], check=True, text=True)\nsubprocess.run(['a'], chek=True)\n",
            &["3: run: unknown argument `chek`"],
        );
        check(
            &[],
            "from pathlib import Path\nPath('a').read_text(encodng='x')\nPath('a', 'b')\n",
            &["2: Path.read_text: unknown argument `encodng`"],
        );
        check(
            &[],
            "import argparse\nargparse.ArgumentParser(descr=1)\n",
            &["2: ArgumentParser: unknown argument `descr`"],
        );
        check(&[], "import shutil\nshutil.copy('a')\n", &["2: copy: missing argument `dst`"]);
    }

    #[test]
    fn members_of_results_and_instances() {
        check(&[], "import re\nr = re.compile('a')\nr.match('b')\nr.macth('b')\n", &["4: Pattern has no macth"]);
        check(
            &[],
            "from pathlib import Path\ndef f(p: Path):\n    p.exists()\n    p.exist()\n    return p.parent.nam\n",
            &["4: Path has no exist", "5: Path has no nam"],
        );
        check(&[], "with open('a') as f:\n    f.readline()\n    f.readine()\n", &["3: TextIOWrapper has no readine"]);
        check(
            &[],
            "from datetime import datetime\ndatetime.now().isoformat()\ndatetime.now().iso()\n",
            &["3: datetime has no iso"],
        );
        check(
            &[],
            "import threading\nthreading.Thread(target=print).start()\nthreading.Thread(target=print).begin()\n",
            &["3: Thread has no begin"],
        );
        check(
            &[],
            "import logging\nlog = logging.getLogger('a')\nlog.info('x')\nlog.inform('x')\n",
            &["4: Logger has no inform"],
        );
        check(&[], "import re\nm = re.match('a', 'b')\nm.group(1).anything\nm.groop()\n", &["4: Match has no groop"]);
        check(&[], "'a'.join([])\nstr.joint\n''.lower().loower()\n", &["2: str has no joint"]);
        check(&[], "import os\nos.sep.join('a')\nos.sep.joint('a')\n", &[]);
        check(
            &[],
            "import tempfile\ntempfile.SpooledTemporaryFile(max_size=3, mode='w+b')\ntempfile.SpooledTemporaryFile(maxsize=3)\n",
            &["3: SpooledTemporaryFile: unknown argument `maxsize`"],
        );
        check(
            &[],
            "import collections.abc, io\ncollections.abc.Mapping.register(int)\nio.TextIOBase.registre(int)\n",
            &["3: TextIOBase has no registre"],
        );
        check(&[], "import typing\nT = typing.TypeVar('T', default=int)\n", &[]);
        check(&[], "import enum\nclass C(enum.Enum):\n    A = 1\nC.A.value\nC.A.other\n", &[]);
        check(&[], "import argparse\na = argparse.ArgumentParser().parse_args()\na.anything\n", &[]);
    }

    #[test]
    fn what_is_deprecated() {
        let stub = "\
import sys
from typing import overload
from warnings import deprecated
if sys.version_info >= (3, 13):
    @deprecated('use the other')
    def one(): ...
else:
    def one(): ...
@overload
def two(a: int) -> int: ...
@overload
@deprecated('no texts')
def two(a: str) -> int: ...
class C:
    @deprecated('gone in 4')
    def three(self) -> None: ...
@deprecated('D is E')
class D: ...
";
        let text = "from lib import C, D, one, two\none()\ntwo('')\nC().three()\nC().three\nD()\n";
        let said =
            ["1: D goes: D is E", "4: C.three goes: gone in 4", "5: C.three goes: gone in 4", "6: D goes: D is E"];
        check(&[("lib-stubs/__init__.pyi", stub)], text, &said);
    }

    #[test]
    fn installed_packages() {
        let files = [
            ("shop/__init__.py", "from .cart import Cart\nfrom . import _fast\n__version__ = '1'\n"),
            (
                "shop/cart.py",
                "class Base:\n    def add(self, item, *, count=1): ...\nclass Cart(Base):\n    def __init__(self, owner):\n        self.owner = owner\n",
            ),
            ("shop/_fast.cpython-312-x86_64-linux-gnu.so", ""),
            ("magic/__init__.py", "def __getattr__(name): ...\n"),
            ("typed/__init__.py", "def f(a): ...\n"),
            ("typed-stubs/__init__.pyi", "def f(a: int, b: int) -> None: ...\n"),
            ("space/part/mod.py", "X = 1\n"),
            ("half/__init__.py", "def told(): ...\ndef untold(): ...\n"),
            ("half-stubs/__init__.pyi", "def told() -> None: ...\n"),
            ("standard/json/__init__.py", "def untold(): ...\n"),
        ];
        check(&files, "from shop import Cart, Basket\n", &["1: shop exports no Basket"]);
        check(
            &files,
            "import shop\nshop.Cart('me').add(1)\nshop.Cart('me').add(1, cont=2)\nshop.Cart('me').ad\nshop._fast.any\n",
            &["3: Base.add: unknown argument `cont`", "4: Cart has no ad"],
        );
        check(
            &files,
            "import shop\nshop.Cart()\nshop.Cart('me').owner.anything\n",
            &["2: Cart: missing argument `owner`"],
        );
        check(&files, "import magic\nmagic.anything()\nfrom magic import more\n", &[]);
        check(&files, "import typed\ntyped.f(1)\ntyped.f(1, 2)\n", &["2: f: missing argument `b`"]);
        check(&files, "import space.part.mod\nspace.part.mod.X\nspace.part.mod.Y\n", &["3: space.part.mod has no Y"]);
        check(&files, "import half\nhalf.told()\nhalf.untold()\nhalf.unheard()\n", &["4: half has no unheard"]);
        check(&files, "import json\njson.untold()\njson.unheard()\n", &["3: json has no unheard"]);
        check(&[], "import http.cookiejar as c\nc._unsaid\nc.unsaid\n", &["3: http.cookiejar has no unsaid"]);
        check(&files, "import absent\nabsent.f()\n", &[]);
    }
}
