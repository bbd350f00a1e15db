//! Results of tests in the XML of JUnit, as CI systems read it.

use gate::TestResult;

/// One suite with all tests.
pub(crate) fn xml(results: &[TestResult]) -> String {
    let count = |outcome: &str| results.iter().filter(|it| it.outcome == outcome).count();
    let skipped = count("skipped") + count("not-runnable");
    let millis: u64 = results.iter().map(|it| it.millis).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"tantu\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{skipped}\" time=\"{}\">\n",
        results.len(),
        count("failed"),
        seconds(millis),
    );
    results.iter().for_each(|test| text.push_str(&case(test)));
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn case(test: &TestResult) -> String {
    // `tests/test_a.py::TestB::test_c[1-x]` is what JUnit calls tests.test_a.TestB and test_c[1-x].
    let (path, rest) = test.id.split_once("::").unwrap_or((&test.id, ""));
    let module = path.trim_end_matches(".py").replace('/', ".");
    let parameters = rest.find('[').unwrap_or(rest.len());
    let (class, name) = match rest[..parameters].rsplit_once("::") {
        Some((class, _)) => (format!("{module}.{}", class.replace("::", ".")), &rest[class.len() + 2..]),
        None => (module, rest),
    };
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" time=\"{}\"",
        escaped(&class),
        escaped(name),
        escaped(path),
        seconds(test.millis)
    );
    let message = test.message.as_deref().unwrap_or_default();
    let first = escaped(message.lines().next().unwrap_or_default());
    match test.outcome {
        "failed" => {
            format!("{head}>\n      <failure message=\"{first}\">{}</failure>\n    </testcase>\n", escaped(message))
        }
        "passed" => format!("{head}/>\n"),
        _ => format!("{head}>\n      <skipped message=\"{first}\"/>\n    </testcase>\n"),
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// As text and as an attribute; characters that XML does not have at all are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_named_as_junit_does() {
        let test = |id: &str, outcome, message: Option<&str>| TestResult {
            id: id.to_owned(),
            outcome,
            message: message.map(str::to_owned),
            millis: 1234,
        };
        let results = vec![
            test("tests/test_a.py::TestB::test_c[x::y<]", "failed", Some("assert 1 == \"2\"\nmore\u{1b}[0m")),
            test("test_d.py::test_e", "passed", None),
        ];
        let text = xml(&results);
        for part in [
            "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"2.468\"",
            "classname=\"tests.test_a.TestB\" name=\"test_c[x::y&lt;]\" file=\"tests/test_a.py\" time=\"1.234\"",
            "<failure message=\"assert 1 == &quot;2&quot;\">assert 1 == &quot;2&quot;\nmore[0m</failure>",
            "classname=\"test_d\" name=\"test_e\" file=\"test_d.py\" time=\"1.234\"/>",
        ] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
    }
}
