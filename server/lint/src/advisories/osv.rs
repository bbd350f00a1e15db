//! The OSV format, version 1: <https://ossf.github.io/osv-schema/>.

use std::str::FromStr;

use pep440_rs::Version;
use serde_json::Value;

use super::severity;
use crate::Severity;
use crate::distributions::normalize;

/// What one advisory says about one distribution.
#[derive(Clone, Debug)]
pub(super) struct Advisory {
    pub id: String,
    pub aliases: Vec<String>,
    pub summary: String,
    pub severity: Severity,
    pub url: Option<String>,
    ranges: Vec<Vec<Event>>,
    versions: Vec<Version>,
}

/// At this version something changes, in the order in which events of the same version count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// `None` is before all versions.
    Introduced(Option<Version>),
    Fixed(Version),
    /// The version itself is still affected.
    LastAffected(Version),
}

impl Event {
    fn version(&self) -> Option<&Version> {
        match self {
            Event::Introduced(version) => version.as_ref(),
            Event::Fixed(version) | Event::LastAffected(version) => Some(version),
        }
    }
}

impl Advisory {
    pub fn affects(&self, version: &Version) -> bool {
        self.versions.contains(version) || self.ranges.iter().any(|events| is_inside(events, version))
    }

    /// The versions after `version` that it is fixed in, in order.
    pub fn fixed_after(&self, version: &Version) -> Vec<&Version> {
        let fixed = self.ranges.iter().flatten().filter_map(|event| match event {
            Event::Fixed(fixed) if fixed > version => Some(fixed),
            _ => None,
        });
        let mut fixed: Vec<&Version> = fixed.collect();
        fixed.sort();
        fixed.dedup();
        fixed
    }

    /// Whether both are about the same vulnerability.
    pub fn is_same(&self, other: &Advisory) -> bool {
        self.id == other.id || self.aliases.contains(&other.id) || other.aliases.contains(&self.id)
    }
}

/// The evaluation of the format's specification; `events` are sorted.
fn is_inside(events: &[Event], version: &Version) -> bool {
    let mut inside = false;
    for event in events {
        match event {
            Event::Introduced(None) => inside = true,
            Event::Introduced(Some(introduced)) if version >= introduced => inside = true,
            Event::Fixed(fixed) if version >= fixed => inside = false,
            Event::LastAffected(last) if version > last => inside = false,
            _ => {}
        }
    }
    inside
}

type Parts = Vec<(String, Advisory)>;

/// The advisory for each distribution of PyPI that it names; none when it is withdrawn. The second part says what of it
/// could not be used.
pub(super) fn parse(json: &str) -> Result<(Parts, Option<String>), String> {
    let json: Value = serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())?;
    let Some(id) = json["id"].as_str() else { return Err("is no advisory: it has no `id`".to_owned()) };
    if json["withdrawn"].is_string() {
        return Ok((Vec::new(), None));
    }
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut problem = None;
    let mut parts: Parts = Vec::new();
    for affected in json["affected"].as_array().into_iter().flatten() {
        let package = &affected["package"];
        let (Some("PyPI"), Some(name)) = (package["ecosystem"].as_str(), package["name"].as_str()) else { continue };
        let mut version = |text: &str| {
            let version = Version::from_str(text).ok();
            if version.is_none() {
                problem = Some(format!("`{text}` is no version of {name}"));
            }
            version
        };
        let mut ranges = Vec::new();
        for range in affected["ranges"].as_array().into_iter().flatten() {
            if range["type"] != "ECOSYSTEM" {
                continue;
            }
            let events = range["events"].as_array().into_iter().flatten();
            let events: Option<Vec<Event>> = events.filter_map(|event| read_event(event, &mut version)).collect();
            // Without one of its events a range would say something else.
            if let Some(mut events) = events {
                events.sort_by(|a, b| a.version().cmp(&b.version()).then_with(|| a.cmp(b)));
                ranges.push(events);
            }
        }
        let versions = affected["versions"].as_array().into_iter().flatten();
        // Old releases have versions that no standard knows; nobody pins them.
        let versions = versions.filter_map(Value::as_str).filter_map(|text| Version::from_str(text).ok()).collect();
        let advisory = Advisory {
            id: id.to_owned(),
            aliases: strings(&json["aliases"]),
            summary: summary(&json),
            severity: severity::of(&json, affected),
            url: url(&json),
            ranges,
            versions,
        };
        let name = normalize(name);
        // One distribution may be named several times, once for each line of its releases.
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.ranges.extend(advisory.ranges);
                known.versions.extend(advisory.versions);
            }
            None => parts.push((name, advisory)),
        }
    }
    Ok((parts, problem))
}

/// `None` for what says nothing here (`limit`), `Some(None)` for an event whose version is none.
fn read_event(event: &Value, version: &mut impl FnMut(&str) -> Option<Version>) -> Option<Option<Event>> {
    if let Some(text) = event["introduced"].as_str() {
        return Some(if text == "0" {
            Some(Event::Introduced(None))
        } else {
            version(text).map(|v| Event::Introduced(Some(v)))
        });
    }
    if let Some(text) = event["fixed"].as_str() {
        return Some(version(text).map(Event::Fixed));
    }
    event["last_affected"].as_str().map(|text| version(text).map(Event::LastAffected))
}

/// The first line of the details where there is no summary, as in advisories of the Python packaging authority.
fn summary(json: &Value) -> String {
    const LENGTH: usize = 160;
    let text = json["summary"].as_str().or(json["details"].as_str()).unwrap_or_default();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

fn url(json: &Value) -> Option<String> {
    let references: Vec<&Value> = json["references"].as_array().into_iter().flatten().collect();
    let of_kind = |kind: &str| references.iter().find(|reference| reference["type"] == kind);
    let best = of_kind("ADVISORY").or_else(|| of_kind("WEB")).or_else(|| references.first());
    best.and_then(|reference| reference["url"].as_str()).filter(|url| url.starts_with("https://")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affects(events: &str, version: &str) -> bool {
        let json = format!(
            r#"{{"id": "X", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "p"}},
                "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}]}}"#
        );
        let (parts, problem) = parse(&json).unwrap();
        assert_eq!(problem, None);
        parts[0].1.affects(&version.parse().unwrap())
    }

    #[test]
    fn ranges() {
        let fixed = r#"{"fixed": "1.5"}, {"introduced": "1.0"}"#;
        assert!(!affects(fixed, "0.9") && affects(fixed, "1.0") && affects(fixed, "1.4") && !affects(fixed, "1.5"));
        let last = r#"{"introduced": "0"}, {"last_affected": "2.0"}"#;
        assert!(affects(last, "0.0.1.dev1") && affects(last, "2.0") && !affects(last, "2.0.post1"));
        let open = r#"{"introduced": "1!1.0"}"#;
        assert!(!affects(open, "99") && affects(open, "1!2"));
        let twice = r#"{"introduced": "1"}, {"fixed": "2"}, {"introduced": "3"}, {"fixed": "4"}"#;
        assert!(affects(twice, "1.1") && !affects(twice, "2.5") && affects(twice, "3.0") && !affects(twice, "4"));
    }

    #[test]
    fn long_details_are_cut() {
        let (parts, _) = parse(&format!(
            r#"{{"id": "X", "details": "\n{}", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "p"}}}}]}}"#,
            "é".repeat(300)
        ))
        .unwrap();
        assert_eq!(parts[0].1.summary.chars().count(), 161);
    }
}
