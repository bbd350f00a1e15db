//! Findings in the Static Analysis Results Interchange Format 2.1.0 of OASIS.

use std::collections::BTreeSet;

use ide::{Code, Severity};
use serde_json::{Value, json};

use super::{Finding, Range};

/// A log with one run. Rules carry the pages of our manual, or of the linter's.
pub(in crate::commands) fn log(findings: &[Finding]) -> Value {
    let of_graph = Code::ALL.map(|code| code.as_str());
    let of_linters: BTreeSet<&str> = findings.iter().map(|it| &*it.code).filter(|it| !of_graph.contains(it)).collect();
    let codes: Vec<&str> = of_graph.into_iter().chain(of_linters.iter().copied()).collect();
    let rules: Vec<Value> =
        Code::ALL.into_iter().map(rule).chain(of_linters.iter().map(|code| lint_rule(code))).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tantu",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "results": findings.iter().map(|it| result(it, &codes)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: Code) -> Value {
    let level = match code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information | Severity::Hint => "note",
    };
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level },
    })
}

fn lint_rule(code: &str) -> Value {
    let Some(help) = lint::explain(code) else { return json!({ "id": code }) };
    json!({
        "id": code,
        "name": help.name,
        "shortDescription": { "text": help.summary },
        "help": { "text": help.explanation_markdown, "markdown": help.explanation_markdown },
        "helpUri": help.url,
    })
}

fn result(finding: &Finding, codes: &[&str]) -> Value {
    let level = if matches!(finding.severity, "error" | "warning") { finding.severity } else { "note" };
    let related = finding.related.iter().map(|it| {
        let mut place = location(&it.path, &it.range);
        place["message"] = json!({ "text": it.message });
        place
    });
    json!({
        "ruleId": finding.code,
        "ruleIndex": codes.iter().position(|code| *code == finding.code),
        "level": level,
        "message": { "text": finding.message },
        "locations": [location(&finding.path, &finding.range)],
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(path: &str, range: &Range) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(path) },
            "region": {
                "startLine": range.start.line + 1,
                "startColumn": range.start.character + 1,
                "endLine": range.end.line + 1,
                "endColumn": range.end.character + 1,
            },
        },
    })
}

/// A relative path as a relative reference, an absolute one as a `file` URI.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::super::Position;
    use super::*;

    #[test]
    fn a_log_of_one_finding() {
        let range = || Range { start: Position { line: 2, character: 4 }, end: Position { line: 2, character: 9 } };
        let finding = Finding {
            path: "a b/é.py".to_owned(),
            range: range(),
            code: "unused".to_owned(),
            source: "tantu",
            severity: "hint",
            confidence: None,
            message: "`f` is not used".to_owned(),
            related: Vec::new(),
        };
        let log = log(&[finding]);
        let result = &log["runs"][0]["results"][0];
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A9.py");
        assert_eq!(place["region"]["startLine"], 3);
        assert_eq!(place["region"]["startColumn"], 5);
        assert_eq!(result["level"], "note");
        let rules = &log["runs"][0]["tool"]["driver"]["rules"];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], "unused");
        assert_eq!(rules[index]["shortDescription"]["text"], Code::Unused.title());
        assert_eq!(rules.as_array().unwrap().len(), Code::ALL.len());
    }
}
