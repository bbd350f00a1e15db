//! Which errors of the text after a change were not there before it.

use std::collections::HashMap;

use crate::protocol::Severity;

/// What the checker says of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The index of the file.
    pub file: usize,
    pub range: (u32, u32),
    pub rule: String,
    pub message: String,
    pub severity: Severity,
    /// The lines that it is about, with single blanks.
    pub text: String,
    /// The dotted name of the definition around it.
    pub definition: String,
}

/// Those of `after` that are not in `before`. An error is the same where rule, message and text are, in whatever file, for
/// code is moved; what is left over counts as the same where rule, message and definition are, for lines are edited. Of
/// several that are alike, as many as there were are known.
pub(crate) fn new(before: &[Found], after: Vec<Found>) -> Vec<Found> {
    let text = |it: &Found| (it.rule.clone(), it.message.clone(), it.text.clone(), 0);
    let definition = |it: &Found| (it.rule.clone(), it.message.clone(), it.definition.clone(), it.file);
    let mut left: Vec<&Found> = before.iter().collect();
    let after = unmatched(&mut left, after, text);
    unmatched(&mut left, after, definition)
}

type Key = (String, String, String, usize);

/// Those of `after` that nothing in `before` is like; what was like something leaves `before`.
fn unmatched(before: &mut Vec<&Found>, after: Vec<Found>, key: impl Fn(&Found) -> Key) -> Vec<Found> {
    let mut wanted: HashMap<Key, usize> = HashMap::new();
    for it in before.iter() {
        *wanted.entry(key(it)).or_default() += 1;
    }
    let mut matched: HashMap<Key, usize> = HashMap::new();
    let is_new = |it: &Found| match wanted.get_mut(&key(it)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            *matched.entry(key(it)).or_default() += 1;
            false
        }
        _ => true,
    };
    let new = after.into_iter().filter(is_new).collect();
    before.retain(|it| match matched.get_mut(&key(it)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: usize, line: u32, message: &str, text: &str, definition: &str) -> Found {
        let (rule, message) = ("unresolved-attribute".to_owned(), message.to_owned());
        let (text, definition) = (text.to_owned(), definition.to_owned());
        Found { file, range: (line, line), rule, message, severity: Severity::Error, text, definition }
    }

    fn lines(before: &[Found], after: Vec<Found>) -> Vec<u32> {
        new(before, after).into_iter().map(|it| it.range.0).collect()
    }

    #[test]
    fn what_moves_is_not_new() {
        let before = [found(0, 3, "no g", "x.g()", "f")];
        assert_eq!(lines(&before, vec![found(0, 30, "no g", "x.g()", "other")]), [0; 0]);
        assert_eq!(lines(&before, vec![found(1, 1, "no g", "x.g()", "f")]), [0; 0]);
    }

    #[test]
    fn an_error_that_stays_in_a_line_that_is_edited_is_not_new() {
        let before = [found(0, 3, "no g", "x.g()", "f")];
        assert_eq!(lines(&before, vec![found(0, 3, "no g", "x.g(1)", "f")]), [0; 0]);
        assert_eq!(lines(&before, vec![found(0, 3, "no g", "x.g(1)", "h")]), [3]);
        assert_eq!(lines(&before, vec![found(1, 3, "no g", "x.g(1)", "f")]), [3]);
        assert_eq!(lines(&before, vec![found(0, 3, "no h", "x.g()", "f")]), [3]);
    }

    #[test]
    fn as_many_as_there_were_are_known() {
        let before = [found(0, 3, "no g", "x.g()", "f"), found(0, 4, "no g", "y = x.g()", "f")];
        let after = vec![
            found(0, 3, "no g", "x.g()", "f"),
            found(0, 4, "no g", "x.g()", "f"),
            found(0, 5, "no g", "x.g()", "f"),
        ];
        assert_eq!(lines(&before, after), [5]);
    }
}
