//! What nobody expects to be asked.

use graph::{Analysis, AnalysisHost, Change, SymbolId};
use syntax::TextSize;

use context::{Index, Options};

const ALL: Options = Options { reserve: 0 };

fn load(files: &[(&str, &str)]) -> Analysis {
    let mut change = Change::default();
    for &(path, text) in files {
        change.set(path, text);
    }
    let mut host = AnalysisHost::new(vec!["/w".into()]);
    host.apply(change);
    host.analysis()
}

/// The innermost definition around the first occurrence of `text`.
fn around(analysis: &Analysis, path: &str, text: &str) -> SymbolId {
    let file = analysis.file(path.as_ref()).expect("the file was added");
    let offset = analysis.source(file).text().find(text).expect("the text is there");
    analysis.enclosing(file, TextSize::new(offset as u32))
}

const MONEY: &str = "class Money:\n    cents: int\n    def plus(self, other): ...\n\ndef free() -> Money: ...\n";

#[test]
fn budgets_of_nothing_little_and_everything() {
    let analysis = load(&[
        ("/w/money.py", MONEY),
        ("/w/cart.py", "from money import Money, free\n\ndef total(prices: list[Money]) -> Money:\n    ...\n"),
    ]);
    let index = Index::new(&analysis);
    let target = around(&analysis, "/w/cart.py", "total");
    for reserve in [0, 30, 100, 255] {
        for budget in [0, 1, 50, 10_000_000, usize::MAX] {
            let context = index.context(target, budget, &Options { reserve });
            assert!(context.tokens + context.levels.reserve <= budget);
            assert!(context.target_text.starts_with("def total"));
            // Nothing gets lost without a word.
            let shown = |name: &str| context.items.iter().any(|item| item.text.contains(name));
            let told = |name: &str| context.left_out.iter().any(|missing| missing.symbol == name);
            assert!(shown("class Money") || told("money.Money"), "{budget} {context:?}");
        }
    }
    let all = index.context(target, 10_000_000, &ALL);
    assert!(all.left_out.is_empty() && all.left_out_total == 0);
}

#[test]
fn targets_of_every_kind_and_state() {
    let broken =
        "from money import free\n\ndef whole():\n    ...\n\ndef half(a, (:\n    x = [\n\ndef last(:\n    free(\n";
    let odd = "from money import free\n\nclass C:\n    x = 1\n    key = lambda self: free()\n\nif free():\n    y = 2\n\
               \ndef outer():\n    def inner():\n        return free()\n    class Local:\n        z = 3\n    return inner\n";
    let analysis =
        load(&[("/w/money.py", MONEY), ("/w/broken.py", broken), ("/w/odd.py", odd), ("/else/where.py", odd)]);
    let index = Index::new(&analysis);
    let cases = [
        ("/w/broken.py", "whole", "broken.whole"),
        // What is broken belongs to whatever the parser can still tell is around it.
        ("/w/broken.py", "x = [", "broken"),
        ("/w/broken.py", "free(\n", "broken"),
        ("/w/odd.py", "lambda self", "odd.C.<lambda1>"),
        ("/w/odd.py", "x = 1", "odd.C"),
        ("/w/odd.py", "if free", "odd"),
        ("/w/odd.py", "return free", "odd.outer.inner"),
        ("/w/odd.py", "z = 3", "odd.outer.Local"),
        ("/else/where.py", "return inner", "where.outer"),
    ];
    for (path, text, name) in cases {
        let target = around(&analysis, path, text);
        let context = index.context(target, 2_000, &ALL);
        assert!(context.target.ends_with(name) || name == "broken", "{} for {name}", context.target);
        assert!(context.items.iter().any(|item| item.symbol == "money.free"), "{name}: {context:?}");
        assert_eq!(context, index.context(target, 2_000, &ALL));
    }
    let outside = index.context(around(&analysis, "/else/where.py", "return inner"), 2_000, &ALL);
    let own = outside.items.iter().find(|item| item.symbol.ends_with("where.C")).expect("it is in the same file");
    assert_eq!(own.path, "/else/where.py");
}

#[test]
fn a_hundred_thousand_symbols() {
    let file = |number: usize| {
        let mut text = format!("from m{} import f0 as other\n\n", (number + 1) % 100);
        for n in 0..500 {
            text.push_str(&format!("V{n} = {n}\n\ndef f{n}(x):\n    return other(V{n})\n\n"));
        }
        (format!("/w/m{number}.py"), text)
    };
    let files: Vec<_> = (0..100).map(file).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let analysis = load(&files);
    let symbols: usize = analysis.files().map(|file| analysis.symbols(file).len()).sum();
    assert!(symbols >= 100_000, "{symbols}");
    let index = Index::new(&analysis);
    assert!(!index.is_small());
    let target = around(&analysis, "/w/m7.py", "f250(");
    let context = index.context(target, 8_000, &ALL);
    assert!(context.tokens <= 8_000 && !context.items.is_empty());
    assert!(context.left_out.len() <= context::MAX_LEFT_OUT && context.left_out_total <= 600);
    let shown: Vec<&str> = context.items.iter().map(|item| item.symbol.as_str()).collect();
    assert!(shown.contains(&"m7.V250") && shown.contains(&"m8.f0"), "{shown:?}");
    assert_eq!(context, Index::new(&analysis).context(target, 8_000, &ALL));
}
