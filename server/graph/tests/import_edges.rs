//! Which module an import leads to. The rules are those of grimp, with which the edges of whole packages were compared,
//! except that modules of namespace packages count too, and that a name which a module does not have leads nowhere.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fixture::Fixture;
use graph::{AnalysisHost, Change, ImportKind};

/// The edges as `from -> to`, sorted.
fn edges(files: &str) -> Vec<String> {
    let mut change = Change::default();
    Fixture::parse(files).files.into_iter().for_each(|file| change.set(file.path, file.text));
    let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
    host.apply(change);
    let analysis = host.analysis();
    let mut edges = BTreeSet::new();
    for file in analysis.files() {
        for import in analysis.imports(file) {
            if let ImportKind::Module(module) = import.kind {
                edges.insert(format!("{} -> {}", analysis.module_name(file), analysis.module_name(module)));
            }
        }
    }
    edges.into_iter().collect()
}

/// A package `pkg`, and `main.py` with `text`: the edges from `main`.
fn from_main(text: &str) -> Vec<String> {
    let files = "\
#- /w/pkg/__init__.py
from pkg.deep import leaf
#- /w/pkg/sub.py
def f(): ...
#- /w/pkg/deep/__init__.py
#- /w/pkg/deep/leaf.py
#- /w/space/inner.py
#- /w/main.py
";
    edges(&format!("{files}{text}"))
        .into_iter()
        .filter_map(|edge| Some(edge.strip_prefix("main -> ")?.to_owned()))
        .collect()
}

#[test]
fn a_submodule_counts_where_one_is_imported_and_its_package_where_a_name_is() {
    assert_eq!(from_main("from pkg import sub\n"), ["pkg.sub"]);
    assert_eq!(from_main("from pkg import sub as other\n"), ["pkg.sub"]);
    assert_eq!(from_main("from pkg import deep, missing\n"), ["pkg.deep"]);
    assert_eq!(from_main("from pkg import *\n"), ["pkg"]);
    assert_eq!(from_main("from pkg.sub import f\n"), ["pkg.sub"]);
    assert_eq!(from_main("from pkg.sub import *\n"), ["pkg.sub"]);
}

#[test]
fn a_module_that_a_package_only_passes_on_counts_as_a_name_of_it() {
    assert_eq!(from_main("from pkg import leaf\n"), ["pkg"]);
}

#[test]
fn a_dotted_import_leads_to_its_last_module_only() {
    assert_eq!(from_main("import pkg.deep.leaf\n"), ["pkg.deep.leaf"]);
    assert_eq!(from_main("import pkg.deep.leaf as leaf, pkg\n"), ["pkg", "pkg.deep.leaf"]);
    assert_eq!(from_main("import pkg.deep.missing\n"), [] as [&str; 0]);
}

#[test]
fn it_does_not_matter_where_an_import_stands() {
    for text in [
        "def f():\n    from pkg import sub\n",
        "class C:\n    import pkg.sub\n",
        "if TYPE_CHECKING:\n    from pkg import sub\n",
        "try:\n    from pkg import sub\nexcept ImportError:\n    sub = None\n",
        "try:\n    import json\nexcept ImportError:\n    import pkg.sub\n",
        "if False:\n    pass\nelse:\n    import pkg.sub\n",
        "with x:\n    for y in z:\n        match y:\n            case 1: import pkg.sub\n",
        "def f():\n    return 1\n    import pkg.sub\n",
    ] {
        assert_eq!(from_main(text), ["pkg.sub"], "{text}");
    }
}

#[test]
fn relative_imports_start_at_the_package_around() {
    let files = "\
#- /w/pkg/__init__.py
from . import a
from .sub import b
#- /w/pkg/a.py
from .sub.b import x
y = 1
#- /w/pkg/sub/__init__.py
from .. import a
#- /w/pkg/sub/b.py
from . import *
from ..a import y
from ... import outside
x = 1
";
    let expected = [
        "pkg -> pkg.a",
        "pkg -> pkg.sub.b",
        "pkg.a -> pkg.sub.b",
        "pkg.sub -> pkg.a",
        "pkg.sub.b -> pkg.a",
        "pkg.sub.b -> pkg.sub",
    ];
    assert_eq!(edges(files), expected);
}

#[test]
fn modules_of_a_namespace_package_count() {
    assert_eq!(from_main("from space import inner\n"), ["space.inner"]);
    assert_eq!(from_main("import space.inner\n"), ["space.inner"]);
    assert_eq!(from_main("import space\n"), [] as [&str; 0], "a folder is no module");
}
