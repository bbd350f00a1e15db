//! How grave an advisory is.

use serde_json::Value;

use crate::Severity;

/// What the database says, else the base score, else a warning.
pub(super) fn of(advisory: &Value, affected: &Value) -> Severity {
    let word = advisory["database_specific"]["severity"].as_str();
    match word.map(str::to_ascii_uppercase).as_deref() {
        Some("CRITICAL" | "HIGH") => return Severity::Error,
        Some("MODERATE" | "MEDIUM") => return Severity::Warning,
        Some("LOW") => return Severity::Information,
        _ => {}
    }
    let vectors = [&advisory["severity"], &affected["severity"]].into_iter().filter_map(Value::as_array).flatten();
    let scores =
        vectors.filter(|severity| severity["type"] == "CVSS_V3").filter_map(|severity| severity["score"].as_str());
    match scores
        .filter_map(base_score)
        .fold(None, |best: Option<f64>, score| Some(best.map_or(score, |b| b.max(score))))
    {
        Some(score) if score >= 7.0 => Severity::Error,
        Some(score) if score < 4.0 => Severity::Information,
        _ => Severity::Warning,
    }
}

/// The base score of a CVSS vector, version 3.0 or 3.1: chapter 7.1 of its specification.
fn base_score(vector: &str) -> Option<f64> {
    let metrics = vector.strip_prefix("CVSS:3.0/").or_else(|| vector.strip_prefix("CVSS:3.1/"))?;
    let metric = |name: &str| {
        let mut pairs = metrics.split('/').filter_map(|metric| metric.split_once(':'));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let is_changed = metric("S")? == "C";
    let vector = match metric("AV")? {
        "N" => 0.85,
        "A" => 0.62,
        "L" => 0.55,
        "P" => 0.2,
        _ => return None,
    };
    let complexity = match metric("AC")? {
        "L" => 0.77,
        "H" => 0.44,
        _ => return None,
    };
    let privileges = match (metric("PR")?, is_changed) {
        ("N", _) => 0.85,
        ("L", false) => 0.62,
        ("L", true) => 0.68,
        ("H", false) => 0.27,
        ("H", true) => 0.5,
        _ => return None,
    };
    let interaction = match metric("UI")? {
        "N" => 0.85,
        "R" => 0.62,
        _ => return None,
    };
    let impact = |name: &str| match metric(name)? {
        "H" => Some(0.56),
        "L" => Some(0.22),
        "N" => Some(0.0),
        _ => None,
    };
    let lost: f64 = 1.0 - (1.0 - impact("C")?) * (1.0 - impact("I")?) * (1.0 - impact("A")?);
    let impact = if is_changed { 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15) } else { 6.42 * lost };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    let score = if is_changed { 1.08 * (impact + exploitability) } else { impact + exploitability };
    // Rounded up to one decimal; the hundred-thousandths are the specification's way around inexact numbers.
    Some(((score.min(10.0) * 100_000.0).round() / 10_000.0).ceil() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_published_vectors() {
        for (vector, score) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:H/A:N", 8.6),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", 2.5),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ] {
            assert_eq!(base_score(vector), Some(score), "{vector}");
        }
        assert_eq!(base_score("AV:N/AC:L/Au:N/C:N/I:N/A:P"), None);
    }

    #[test]
    fn words_come_first() {
        let of = |json: &str| super::of(&serde_json::from_str(json).unwrap(), &Value::Null);
        assert_eq!(of(r#"{"database_specific": {"severity": "MODERATE"}}"#), Severity::Warning);
        assert_eq!(
            of(r#"{"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#),
            Severity::Error
        );
        assert_eq!(of("{}"), Severity::Warning);
    }
}
