//! What has to hold of a function whatever it is for.

use sandbox::{Action, Law, Outcome, Status, Weight};

use super::support::Workspace;

fn tried(text: &str, function: &str, calls: &[&str]) -> Outcome {
    let ws = Workspace::new([("shelf.py", text)]);
    ws.run(Action::Generated {
        path: "shelf.py".into(),
        function: function.into(),
        inputs: 60,
        seed: 1,
        against: None,
        tests: vec![],
        calls: calls.iter().map(|&call| call.to_owned()).collect(),
    })
}

/// `weight sentence: held or broken`, of each.
fn laws(outcome: &Outcome) -> Vec<String> {
    let of = |law: &Law| {
        let weight = match law.weight {
            Weight::Sure => "!",
            Weight::Likely => "?",
            Weight::Extra => "+",
        };
        let how = law.example.as_ref().filter(|_| law.broken > 0).map_or("holds", String::as_str);
        format!("{weight} {}: {how}", law.sentence)
    };
    outcome.laws.iter().map(of).collect()
}

const SHELF: &str = r#"
import collections.abc

class Shelf(collections.abc.MutableMapping):
    def __init__(self, size):
        self.size = size
        self.data = {}

    def __getitem__(self, key):
        return self.data[key]

    def __setitem__(self, key, value):
        if key not in self.data and len(self.data) >= self.size:
            self.popitem()
        self.data[key] = value

    def __delitem__(self, key):
        del self.data[key]

    def __iter__(self):
        return iter(self.data)

    def __len__(self):
        return len(self.data)

    def popitem(self):
        for key in self.data:
            return key, self.data.pop(key)
        raise KeyError("empty")
"#;

const POPITEM: &str = "`popitem` takes out a pair that was in, or raises `KeyError`";

#[test]
fn a_mapping_that_keeps_its_contract_passes() {
    for function in ["Shelf.popitem", "Shelf.__delitem__", "Shelf.__getitem__", "Shelf.__setitem__", "Shelf.__len__"] {
        let outcome = tried(SHELF, function, &["(3)", "(size=2)", "(size=other)"]);
        assert_eq!(outcome.outcome, Status::Passed, "{function}: {outcome:#?}");
        assert!(outcome.laws.iter().all(|law| law.broken == 0 && law.held > 0), "{function}: {:#?}", outcome.laws);
        assert!(outcome.laws.len() > 1, "{function}: {:#?}", outcome.laws);
    }
}

#[test]
fn without_a_call_nobody_knows_how_such_an_object_is_made() {
    let outcome = tried(SHELF, "Shelf.popitem", &[]);
    assert_eq!((outcome.outcome, outcome.laws.len()), (Status::NotRunnable, 0), "{outcome:#?}");
}

#[test]
fn what_breaks_the_contract_of_a_mapping_is_told_with_an_object() {
    let broken = |from: &str, to: &str| {
        let outcome = tried(&SHELF.replace(from, to), "Shelf.popitem", &["(3)"]);
        assert_eq!(outcome.outcome, Status::Failed, "{outcome:#?}");
        laws(&outcome).into_iter().filter(|law| !law.ends_with("holds") && law.contains(POPITEM)).collect::<Vec<_>>()
    };
    let law = format!("! {POPITEM}: Shelf(size=3): popitem()");
    assert_eq!(
        broken("        raise KeyError(\"empty\")\n", "        raise StopIteration\n"),
        [format!("{law} of an empty one raises StopIteration, not KeyError")]
    );
    assert_eq!(
        broken("return key, self.data.pop(key)", "return self.data.pop(key)"),
        [format!("{law} gives 0, no pair of a key and its value")]
    );
    assert_eq!(
        broken("return key, self.data.pop(key)", "return key, self.data[key]"),
        [format!("{law} leaves 'a' in")]
    );
}

const BITS: &str = r#"
class Bits:
    def __init__(self, value=0, size=8):
        if value < 0 or value >= 1 << size:
            raise ValueError(value)
        self.value, self.size = value, size

    def as_bin(self):
        return format(self.value, f"0{self.size}b")

    @classmethod
    def from_bin(cls, text):
        return cls(int(text, 2), len(text))

    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        return (self.value, self.size) == (other.value, other.size)

    def __and__(self, other):
        return Bits(self.value & other.value, max(self.size, other.size))
"#;

#[test]
fn what_comes_back_is_what_went() {
    let held = laws(&tried(BITS, "Bits.as_bin", &[]));
    assert_eq!(held, ["? `from_bin` reads what `as_bin` makes: holds", "+ `from_bin` undoes `as_bin`: holds"]);
    let unpadded = BITS.replace("format(self.value, f\"0{self.size}b\")", "format(self.value, 'b')");
    let lost = laws(&tried(&unpadded, "Bits.as_bin", &[]));
    assert!(lost[0].ends_with("holds") && !lost[1].ends_with("holds"), "{lost:?}");
    let prefixed = BITS.replace("int(text, 2)", "int(text, 16)");
    let other = laws(&tried(&prefixed, "Bits.from_bin", &[]));
    assert!(other.is_empty() || !other[0].ends_with("holds"), "{other:?}");
    assert_eq!(laws(&tried(BITS, "Bits.__and__", &[])), ["+ `x & x` and `x | x` are `x`: holds"]);
}

#[test]
fn functions_keep_what_their_names_and_hints_say() {
    let text = r#"
def quote(text: str) -> str:
    return text.replace("%", "%25").replace(" ", "%20")

def unquote(text: str) -> str:
    return text.replace("%20", " ").replace("%25", "%")

def normalize(text: str) -> str:
    return text.strip().lower() + "."

def count(items: list[int]) -> int:
    if items:
        return len(items)

def fall(n: int) -> int:
    return fall(n)

def later(n: int) -> int:
    if n > 3:
        x = 1
    return x + 1
"#;
    let of = |function: &str| laws(&tried(text, function, &[]));
    assert_eq!(
        of("quote"),
        [
            "? Returns what is annotated, str: holds",
            "? `unquote` reads what `quote` makes: holds",
            "+ `unquote` undoes `quote`: holds",
        ]
    );
    assert_eq!(of("normalize")[1], "? Done twice, it is as done once: normalize(''): makes '.', and of that '..'");
    assert_eq!(of("count"), ["? Returns what is annotated, int: count([]): returns None"]);
    assert!(of("fall").iter().any(|law| law.starts_with("! does not crash: fall(")), "{:?}", of("fall"));
    let crash = "! does not crash: later(0): raises UnboundLocalError: ";
    assert!(of("later").iter().any(|law| law.starts_with(crash)), "{:?}", of("later"));
}

#[test]
fn objects_that_compare_are_alike_or_in_order() {
    let text = r#"
import dataclasses

@dataclasses.dataclass(eq=False)
class Point:
    x: int
    y: int

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __hash__(self):
        return id(self)

    def __lt__(self, other):
        return self.x <= other.x
"#;
    let broken = |function: &str| -> Vec<String> {
        let found = laws(&tried(text, function, &[]));
        found.into_iter().filter(|law| !law.ends_with("holds")).collect()
    };
    assert!(broken("Point.__hash__")[0].ends_with("has another hash than its like"), "{:?}", broken("Point.__hash__"));
    assert!(broken("Point.__lt__")[0].ends_with("are each less than the other"), "{:?}", broken("Point.__lt__"));
    let equality = text.replace("return id(self)", "return hash((self.x, self.y))");
    let found = laws(&tried(&equality, "Point.__eq__", &[]));
    assert!(found[0].ends_with("compared with an object of another class raises AttributeError"), "{found:?}");
}
