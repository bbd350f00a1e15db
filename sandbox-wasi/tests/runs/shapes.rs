//! Inputs for parameters without hints, made from what the function does with them.

use sandbox::{Action, Outcome, Status};

use crate::support::Workspace;

/// Runs `text` beside what it was before one change.
fn compare(text: &str, [old, new]: [&str; 2]) -> Outcome {
    assert!(text.contains(old), "{old}");
    let workspace = Workspace::new([("shop.py", &*text.replace(old, new))]);
    workspace.run(Action::Generated {
        path: "shop.py".into(),
        function: "f".into(),
        inputs: 200,
        seed: 0,
        against: Some(text.to_owned()),
        tests: Vec::new(),
        calls: Vec::new(),
    })
}

#[test]
fn a_change_is_noticed_behind_parameters_without_hints() {
    for (text, change, least) in [
        (
            "def f(cart):\n    total = 0\n    for line in cart.lines:\n        total += line.price * line.quantity\n    return total\n",
            ["line.price * line.quantity", "line.price"],
            50,
        ),
        (
            "def f(rows, key):\n    return sorted(row['name'] for row in rows if row['age'] > 3 and key != '')\n",
            ["> 3", "> 4"],
            50,
        ),
        ("def f(counts):\n    return {name: count + 1 for name, count in counts.items()}\n", ["+ 1", "+ 2"], 50),
        ("def f(word, width):\n    return word.strip().center(width - 2)\n", ["- 2", "- 3"], 50),
        ("def f(pairs):\n    return [a - b for a, b in pairs]\n", ["a - b", "b - a"], 50),
        (
            "def f(order):\n    if order.customer.level >= 2 and order.paid:\n        return order.total * 0.9\n    return order.total\n",
            ["* 0.9", "* 0.8"],
            50,
        ),
        (
            "def f(config, name):\n    section = config.get('main') or {}\n    return section[name] * 2\n",
            ["* 2", "* 3"],
            1,
        ),
    ] {
        let outcome = compare(text, change);
        assert_eq!(outcome.outcome, Status::Failed, "{text}{outcome:#?}");
        let compared = outcome.compared.unwrap();
        assert!(compared.returned >= least, "{text}{compared:?}");
        let same = compare(text, [change[0], change[0]]);
        assert_eq!((same.outcome, same.failed), (Status::Passed, 0), "{text}{same:#?}");
    }
}

#[test]
fn what_never_comes_to_a_result_is_counted() {
    let text = "import socketserver\ndef f(thing):\n    return thing.frobnicate(1).x\n";
    let outcome = compare(text, ["1", "2"]);
    let compared = outcome.compared.unwrap();
    assert!(compared.inputs() > 5 && compared.returned == 0 && compared.says_little(), "{outcome:#?}");
}
