use std::path::PathBuf;

use fixture::Fixture;
use syntax::apply_edits;

use super::*;
use fixture::Workspace;

/// Moving `old` to `new` changes the fixture `text` to `expected`; what does not change need not be there.
#[track_caller]
fn check(text: &str, old: &str, new: &str, expected: &str) {
    let workspace = Workspace::new(text);
    let analysis = &workspace.analysis;
    let edits = import_edits(analysis, &[(PathBuf::from(old), PathBuf::from(new))]);
    let mut changed = Vec::new();
    for file in analysis.files() {
        let edits: Vec<TextEdit> = edits.iter().filter(|(at, _)| *at == file).map(|(_, edit)| edit.clone()).collect();
        if !edits.is_empty() {
            let text = apply_edits(analysis.source(file).text(), &edits).expect("no edits overlap");
            changed.push((analysis.path(file).display().to_string(), text));
        }
    }
    let mut expected: Vec<_> = Fixture::parse(expected).files.into_iter().map(|file| (file.path, file.text)).collect();
    expected.retain(|(_, text)| !text.is_empty());
    expected.sort();
    assert_eq!(changed, expected);
}

#[test]
fn a_module_gets_another_name() {
    check(
        "#- /pkg/__init__.py\nfrom . import old\nfrom .old import f\n#- /pkg/old.py\ndef f(): ...\n#- /main.py\nimport pkg.old\nimport pkg.old as o\nfrom pkg.old import f as g\npkg.old.f(), o.f(), g()\npkg.f\n#- /other.py\nimport os\n",
        "/pkg/old.py",
        "/pkg/new.py",
        "#- /pkg/__init__.py\nfrom . import new as old\nfrom .new import f\n#- /main.py\nimport pkg.new\nimport pkg.new as o\nfrom pkg.new import f as g\npkg.new.f(), o.f(), g()\npkg.f\n",
    );
}

#[test]
fn uses_of_an_imported_module_follow() {
    check(
        "#- /pkg/__init__.py\n#- /pkg/old.py\n#- /main.py\nfrom pkg import old\ndef f(): return old.x, [old for _ in 'a']\n",
        "/pkg/old.py",
        "/pkg/new.py",
        "#- /main.py\nfrom pkg import new\ndef f(): return new.x, [new for _ in 'a']\n",
    );
    // Where the name is taken, or known elsewhere, it stays.
    check(
        "#- /pkg/__init__.py\n#- /pkg/old.py\n#- /main.py\nfrom pkg import old\nnew = old\n",
        "/pkg/old.py",
        "/pkg/new.py",
        "#- /main.py\nfrom pkg import new as old\nnew = old\n",
    );
    check(
        "#- /old.py\n#- /main.py\nimport old\nold.f(old)\n",
        "/old.py",
        "/new.py",
        "#- /main.py\nimport new\nnew.f(new)\n",
    );
}

#[test]
fn a_module_moves_to_another_package() {
    check(
        "#- /a/__init__.py\n#- /a/m.py\nfrom . import helper\nfrom .helper import h\nfrom ..b import x\nimport a.helper\n#- /a/helper.py\nfrom .m import y\n#- /b/__init__.py\n#- /main.py\nfrom a import helper, m\nimport a.m, a.helper\na.m.y, a.helper\n",
        "/a/m.py",
        "/b/m.py",
        "#- /a/m.py\nfrom a import helper\nfrom a.helper import h\nfrom . import x\nimport a.helper\n#- /a/helper.py\nfrom b.m import y\n#- /main.py\nfrom b import m\nfrom a import helper\nimport b.m, a.helper\nb.m.y, a.helper\n",
    );
}

#[test]
fn relative_imports_climb_as_far_as_they_must() {
    check(
        "#- /p/__init__.py\n#- /p/a/__init__.py\n#- /p/a/m.py\nfrom . import s\nfrom .s import f\nfrom .. import top\nfrom ..top import t\n#- /p/a/s.py\n#- /p/top.py\nfrom .a.m import x\nfrom .a import (\n    s,\n    m,\n)\n#- /p/b/c/__init__.py\n#- /p/b/__init__.py\n",
        "/p/a/m.py",
        "/p/b/c/m.py",
        "#- /p/a/m.py\nfrom ...a import s\nfrom ...a.s import f\nfrom ... import top\nfrom ...top import t\n#- /p/top.py\nfrom .b.c.m import x\nfrom .b.c import m\nfrom .a import (\n    s,\n)\n",
    );
}

#[test]
fn a_package_moves_with_all_that_is_in_it() {
    check(
        "#- /old/__init__.py\nfrom .m import f\n#- /old/m.py\nimport old.n\nfrom old import n as k\nfrom . import n\ndef f(): old.n\n#- /old/n.py\n#- /main.py\nimport old\nfrom old.m import f\nimport old.m\nold.m.f, old.f\n",
        "/old",
        "/new",
        "#- /old/m.py\nimport new.n\nfrom new import n as k\nfrom . import n\ndef f(): new.n\n#- /main.py\nimport new\nfrom new.m import f\nimport new.m\nnew.m.f, new.f\n",
    );
}

#[test]
fn a_folder_without_a_module_moves() {
    check(
        "#- /space/m.py\n#- /main.py\nfrom space import m\nimport space.m as k\n",
        "/space",
        "/room",
        "#- /main.py\nfrom room import m\nimport room.m as k\n",
    );
}

#[test]
fn a_module_leaves_all_packages() {
    check(
        "#- /a/__init__.py\n#- /a/m.py\nfrom .n import x\n#- /a/n.py\n#- /main.py\nif 1: from a import m, n\nm\n#- /b.py\nfrom a import m\n",
        "/a/m.py",
        "/m.py",
        "#- /a/m.py\nfrom a.n import x\n#- /main.py\nif 1: import m; from a import n\nm\n#- /b.py\nimport m\n",
    );
}

#[test]
fn line_ends_and_odd_spacing_stay() {
    check(
        "#- /a/__init__.py\n#- /a/m.py\n#- /a/b.py\nfrom.m import(x)\nfrom . m import y\nfrom .import m\n",
        "/a/m.py",
        "/a/new.py",
        "#- /a/b.py\nfrom .new import(x)\nfrom .new import y\nfrom .import new\n",
    );
}
