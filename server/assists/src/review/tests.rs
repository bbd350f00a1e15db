use context::{Options, context};

use super::*;
use fixture::Workspace;

const TEXT: &str = "\
#- /shop.py
import os
import sys
from money import rate


def mean(prices, unused):
    total = sum(prices)
    for price in prices:
        tax = rate(price, 2)
        print(os.path, tax)
    return total / len(prices)$0


class Cart:
    def add(self, item):
        self.items = [item]
        missing(item)
        return rate(item)
#- /money.py
def rate(price, digits=2): ...
#- /app.py
from shop import mean
mean([1], 2)
";

fn claim(line: u32, code: &str, message: &str) -> Claim {
    Claim { line: Line::Number(line), code: code.to_owned(), message: message.to_owned(), ..Claim::default() }
}

/// The findings as lines and quotations, and why others were dropped.
fn review(claims: Vec<Claim>) -> (Vec<String>, Vec<String>) {
    let workspace = Workspace::new(TEXT);
    let (analysis, file) = (&workspace.analysis, workspace.first_file());
    let review = judge(analysis, analysis.module(file), claims, |symbol, message| {
        (symbol, normalized(message).as_str()) == ("shop.mean", "an old one")
    });
    let source = analysis.source(file);
    let found = review.findings.iter().map(|finding| {
        let name = analysis.symbol(finding.symbol).qualified_name();
        format!("{name} {}: {}", source.line_number(finding.range.start()), source.slice(finding.range))
    });
    (found.collect(), review.dropped.iter().map(|dropped| dropped.why.to_string()).collect())
}

#[track_caller]
fn check_place(line: u32, code: &str, expected: Option<&str>) {
    let (found, dropped) = review(vec![claim(line, code, "It is wrong.")]);
    match expected {
        Some(expected) => assert_eq!(found, [expected]),
        None => assert_eq!(dropped, ["it quotes no code of what was reviewed"], "{found:?}"),
    }
}

#[test]
fn a_quotation_says_where_a_finding_is() {
    check_place(11, "total / len(prices)", Some("shop.mean 11: total / len(prices)"));
    check_place(11, "    return total / len(prices)", Some("shop.mean 11: return total / len(prices)"));
    check_place(11, "11 |     return total / len(prices)", Some("shop.mean 11: return total / len(prices)"));
    check_place(11, "return total/len( prices )", Some("shop.mean 11: return total / len(prices)"));
    // The number of a line is a hint.
    check_place(3, "len(prices)", Some("shop.mean 11: len(prices)"));
    check_place(9, "rate", Some("shop.mean 9: rate"));
    check_place(18, "rate", Some("shop.Cart.add 18: rate"));
    check_place(8, "for price in prices:\n\n  tax = rate(price, 2)", {
        Some("shop.mean 8: for price in prices:\n        tax = rate(price, 2)")
    });
    check_place(1, "import os", Some("shop 1: import os"));
    for code in ["", ")", "otal", "len(price)", "def median(prices):", "tax = rate(price, 2)\n    return total"] {
        check_place(11, code, None);
    }
}

#[track_caller]
fn check_claim(code: &str, message: &str, refuted: Option<&str>) {
    let (found, dropped) = review(vec![claim(1, code, message)]);
    match refuted {
        Some(fact) => assert_eq!(dropped, [fact], "{message}"),
        None => assert_eq!((found.len(), dropped), (1, vec![]), "{message}"),
    }
}

#[test]
fn what_is_defined_cannot_be_called_undefined() {
    let rate = Some("`rate` is defined: money.py:1");
    check_claim("tax = rate(price, 2)", "`rate` is not defined.", rate);
    check_claim("tax = rate(price, 2)", "Missing import: `rate` would raise a NameError.", rate);
    check_claim("tax = rate(price, 2)", "The function rate() is undefined here", rate);
    check_claim("print(os.path, tax)", "'os' is never imported", Some("`os` is defined: it is `os`"));
    check_claim("print(os.path, tax)", "`print` is not defined", Some("`print` is defined: it is `builtins.print`"));
    check_claim("total = sum(prices)", "`prices` is undefined", Some("`prices` is defined: shop.py:6"));
    // It is true, or nobody knows, or it is about something else.
    check_claim("missing(item)", "`missing` is not defined.", None);
    check_claim("print(os.path, tax)", "`path` is not defined.", None);
    check_claim("return total / len(prices)", "`tax` is undefined if the list is empty.", None);
    check_claim("tax = rate(price, 2)", "What `rate` does for negative prices is not specified.", None);
}

#[test]
fn a_call_that_fits_cannot_be_called_incompatible() {
    let fits = "the arguments fit `def rate(price, digits=2)`";
    check_claim("tax = rate(price, 2)", "`rate` is called with too many arguments.", Some(fits));
    check_claim("return rate(item)", "The call is missing a required argument.", Some(fits));
    check_claim("missing(item)", "`missing` is called with too few arguments.", None);
}

#[test]
fn what_is_used_cannot_be_called_unused() {
    check_claim("import os", "`os` is unused.", Some("`os` is used at shop.py:10 (1 time in this file)"));
    check_claim("def mean(prices, unused):", "`mean` is never used", Some("`mean` is used at app.py:2"));
    check_claim("def mean(prices, unused):", "`prices` is never used", {
        Some("`prices` is used at shop.py:7 (3 times in this file)")
    });
    check_claim("import sys", "`sys` is unused.", None);
    check_claim("def mean(prices, unused):", "The parameter `unused` is never used.", None);
    check_claim("self.items = [item]", "`items` is not used.", None);
    check_claim("return rate(item)", "The result of `rate` is not used correctly.", None);
}

#[test]
fn dismissed_and_repeated_findings_are_counted() {
    let code = "total / len(prices)";
    let claims =
        vec![claim(11, code, "An OLD one, 10!"), claim(11, code, "New."), claim(11, code, "Said of the same code.")];
    let (found, dropped) = review(claims);
    assert_eq!(found, ["shop.mean 11: total / len(prices)"]);
    assert_eq!(dropped, ["it was dismissed", "it was said already"]);
}

#[test]
fn the_prompt_has_numbered_lines_and_what_need_not_be_said() {
    let workspace = Workspace::new(TEXT);
    let (file, offset) = workspace.cursor();
    let analysis = &workspace.analysis;
    let target = target(analysis, file, offset).unwrap();
    let seen = context(analysis, target, 1000, &Options::default());
    let asked = ask(analysis, target, &seen, &["F841 unused".to_owned()], &["Use a Decimal.".to_owned()]);
    assert_eq!(asked.title, "Review `shop.mean`");
    for part in ["  11 |     return total / len(prices)\n", "- F841 unused\n", "- Use a Decimal.\n", "def rate(price"] {
        assert!(asked.user.contains(part), "{part}: {}", asked.user);
    }
    assert!(!asked.user.contains(" 14 |"), "{}", asked.user);
}

#[test]
fn long_files_are_reviewed_in_parts() {
    let body = "    x = 1\n".repeat(300);
    let text =
        format!("#- /a.py\ndef f():\n{body}\nclass C:\n    def g(self):\n    {body}\n    def h(self):\n    {body}");
    let workspace = Workspace::new(&text.replace("\n    x", "\n        x"));
    let analysis = &workspace.analysis;
    let names = |ids: Vec<SymbolId>| ids.iter().map(|&id| analysis.symbol(id).local_name()).collect::<Vec<_>>();
    let file = workspace.first_file();
    assert_eq!(names(parts(analysis, file)), ["f", "C.g", "C.h"]);
    let all = analysis.symbols(file);
    assert_eq!(names(changed_parts(analysis, &all)), ["f", "C.g", "C.h"]);
    let short = Workspace::new(TEXT);
    let parts = parts(&short.analysis, short.first_file());
    assert_eq!(parts, [short.analysis.module(short.first_file())]);
}

#[test]
fn what_models_write_is_understood() {
    let severities = ["error", "HIGH", "warning", "", "Info", "nit"].map(severity);
    use Severity::{Error, Hint, Information, Warning};
    assert_eq!(severities, [Error, Error, Warning, Warning, Information, Hint]);
    assert_eq!(Line::Text("L12-14".to_owned()).number(), Some(12));
    let long = in_one_line(&"wörd \n ".repeat(500));
    assert_eq!(long.chars().count(), MAX_MESSAGE + 1);
}
