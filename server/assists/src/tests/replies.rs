//! What holds for every reply to every assist that asks a model: real code, replies that are right, wrong and broken.

use graph::{Analysis, SymbolId};
use syntax::{FileEdit, Ranged, TextEdit, TextRange, apply_edits, parse};

use super::everywhere::{analysis, files};
use super::{AssistId, Offer, accept, offered, scope};

/// Replies about `target`: itself, what becomes of it in many ways, and what no model should say.
fn replies(analysis: &Analysis, target: SymbolId) -> Vec<String> {
    let view = analysis.symbol(target);
    let source = analysis.source(target.file);
    let (own, name, header) = (source.slice(view.range), view.name, view.signature());
    let written = format!("import math\nfrom os import path as name\n\n{header}:\n    return math.floor(name)\n");
    let helper = format!("import json\ndef _new(self):\n    '''New.'''\n    return json\n\n{written}");
    let tests = format!("from a import {name}\nimport pytest\nX = 1\n\n\ndef test_new():\n    assert {name} == X\n");
    let places: String = (1..=4).map(|n| format!("# place {n}\nother({n})\n")).collect();
    let annotated = format!(
        "import decimal\ndef {name}(self, a: decimal.Decimal, cart: 'Cart' = 1, *items: int) -> list[\n  int]: ...\n"
    );
    let file = |path: &str| serde_json::json!({ "path": path, "content": "x = 1\n" });
    let blueprint = serde_json::json!({ "files": [file("new/a.py"), file("new/test_a.py")] }).to_string();
    let broken =
        [&written[..written.len() / 2], &own[..own.floor_char_boundary(own.len() / 2)], "(", "", "\u{feff}", "\\"];
    let odd =
        ["return 1", "x = 1", "pass", "    y = 2\n    return y", "# only a comment", "\"\"\"All.\"\"\"", "# place 1"];
    let awaiting = written.replace("def ", "async def ").replace("return", "await x()\n    return");
    let whole = [
        own.to_owned(),
        awaiting,
        written.replace('\n', "\r\n"),
        written.clone(),
        helper,
        tests,
        places,
        annotated,
        blueprint,
    ];
    whole.into_iter().chain(broken.into_iter().chain(odd).map(str::to_owned)).collect()
}

/// Whether an edit only adds import statements.
fn is_import(edit: &TextEdit) -> bool {
    let parsed = parse(&edit.text);
    let all_imports = parsed.statements().iter().all(|stmt| stmt.is_import_stmt() || stmt.is_import_from_stmt());
    edit.range.is_empty() && all_imports && !parsed.has_errors()
}

fn check(analysis: &Analysis, offer: &Offer, reply: &str) -> bool {
    let Offer { id, symbol, .. } = *offer;
    let Ok(change) = accept(id, analysis, symbol, reply) else { return false };
    let scope = scope(id, analysis, symbol).expect("what is accepted has a scope");
    for FileEdit { path, edits } in &change.files {
        let file = analysis.file(path);
        let before = file.map(|file| analysis.source(file).text().clone()).unwrap_or_default();
        let after = apply_edits(&before, edits).unwrap_or_else(|error| panic!("{id}: {error:?} in {edits:?}"));
        let is_sound = parse(&before).has_errors() || !parse(&after).has_errors();
        assert!(is_sound, "{id} for {reply}\nmakes\n{after}");
        let is_inside = |edit: &TextEdit| {
            let mut places = scope.places.iter().filter(|(of, _)| of == path);
            places.any(|(_, range)| range.contains_range(edit.range)) || is_import(edit)
        };
        let is_new = file.is_none() && scope.folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        assert!(is_new || edits.iter().all(is_inside), "{id}: {edits:?} in {:?}", scope.places);
    }
    true
}

#[test]
fn no_reply_edits_anything_else_or_breaks_a_file() {
    let mut files = files();
    files.push((
        "/calls.py".into(),
        "import json\ndef f(a, b):\n    # tantu: less\n    return json.loads(a)\nf(1); f()\nif f(2): x = f(3)\n"
            .to_owned(),
    ));
    files.push((
        "/blocks.py".into(),
        "import time\ndef g(a, b=(1)):\n    time.sleep(a)\nasync def h():\n    g(1).x; print(g(2) ** 2)\n".to_owned(),
    ));
    let branches: String = (0..9).map(|n| format!("    if a == {n}: return {n}\n")).collect();
    files.push((
        "/branches.py".into(),
        format!("class C:\n  def f(self, a):\n{}", branches.replace("    if", "      if")),
    ));
    let analysis = analysis(&files);
    let mut accepted = std::collections::BTreeMap::<AssistId, usize>::new();
    for (path, text) in &files {
        let file = analysis.file(path).expect("it was just added");
        let parsed = parse(text);
        let mut seen = std::collections::BTreeSet::new();
        for token in parsed.tokens().iter().step_by(3) {
            for offer in offered(&analysis, file, TextRange::empty(token.start())) {
                if seen.insert((offer.id, offer.symbol)) {
                    let taken =
                        replies(&analysis, offer.symbol).iter().filter(|it| check(&analysis, &offer, it)).count();
                    *accepted.entry(offer.id).or_default() += taken;
                }
            }
        }
    }
    for id in AssistId::all() {
        assert!(accepted.get(&id).is_some_and(|count| *count > 0), "nothing was accepted for {id}: {accepted:?}");
    }
}
