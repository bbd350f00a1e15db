//! What a change introduced: findings that the state before it does not have.

use std::collections::HashMap;

/// What stays the same of a finding when lines move: file, definition, code and message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    path: String,
    symbol: String,
    code: String,
    message: String,
}

impl Identity {
    /// Of a finding inside of the definition `symbol`, or of none.
    pub fn new(path: impl Into<String>, symbol: Option<String>, code: impl Into<String>, message: &str) -> Self {
        // A message may name lines of its own; numbers are not what makes it another one.
        let message = message.chars().filter(|c| !c.is_ascii_digit()).collect();
        Identity { path: path.into(), symbol: symbol.unwrap_or_default(), code: code.into(), message }
    }
}

/// Of the findings `now` those that were not there `before`. Of several that are alike, as many as there were are known.
pub fn introduced<T>(
    before: impl IntoIterator<Item = Identity>,
    now: impl IntoIterator<Item = (Identity, T)>,
) -> Vec<T> {
    let mut known: HashMap<Identity, usize> = HashMap::new();
    for identity in before {
        *known.entry(identity).or_default() += 1;
    }
    let is_new = |(identity, finding)| match known.get_mut(&identity) {
        Some(left) if *left > 0 => {
            *left -= 1;
            None
        }
        _ => Some(finding),
    };
    now.into_iter().filter_map(is_new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_findings_are_known_by_their_number() {
        let of = |symbol: &str, message| Identity::new("a.py", Some(symbol.to_owned()), "S307", message);
        let before = [of("f", "eval in line 3"), of("f", "eval in line 4")];
        let now = [
            (of("f", "eval in line 13"), 1),
            (of("g", "eval in line 3"), 2),
            (of("f", "eval in line 14"), 3),
            (of("f", "eval in line 15"), 4),
        ];
        assert_eq!(introduced(before, now), [2, 4]);
    }
}
