//! Where SQL wants a value.

/// Stands for a value in the text of a statement.
pub(super) const HOLE: char = '\u{FFFC}';

/// For each value in `sql`, whether it is in quotes of its own; `None` when one of them is not a value.
pub(super) fn holes(sql: &str) -> Option<Vec<bool>> {
    let mut found = Vec::new();
    let mut quote: Option<char> = None;
    let characters: Vec<(usize, char)> = sql.char_indices().collect();
    for (index, (at, character)) in characters.iter().enumerate() {
        match *character {
            HOLE => {
                let is_quoted = quote.is_some();
                let neighbour = |step: isize| {
                    index
                        .checked_add_signed(step)
                        .and_then(|index| characters.get(index))
                        .map(|(_, character)| *character)
                };
                if is_quoted && (quote != Some('\'') || neighbour(-1) != quote || neighbour(1) != quote) {
                    return None;
                }
                let before = &sql[..at - usize::from(is_quoted)];
                let after = &sql[at + HOLE.len_utf8() + usize::from(is_quoted)..];
                if !wants_value(before, after) {
                    return None;
                }
                found.push(is_quoted);
            }
            '\'' | '"' | '`' => match quote {
                None => quote = Some(*character),
                Some(open) if open == *character => quote = None,
                Some(_) => {}
            },
            _ => {}
        }
    }
    quote.is_none().then_some(found)
}

fn wants_value(before: &str, after: &str) -> bool {
    let ends = after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ';'));
    let before = before.trim_end();
    let word = |text: &str| {
        let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        text[start..].to_ascii_uppercase()
    };
    let is_value = if before.ends_with(['=', '<', '>']) {
        true
    } else if before.ends_with(['(', ',']) {
        in_list(before, after, word)
    } else {
        let last = word(before);
        matches!(last.as_str(), "LIKE" | "ILIKE" | "LIMIT" | "OFFSET" | "BETWEEN")
            || last == "AND" && before.to_ascii_uppercase().contains("BETWEEN")
    };
    ends && is_value
}

/// Between parentheses after `VALUES`, or one of several after `IN`; commas elsewhere stand between columns.
fn in_list(before: &str, after: &str, word: impl Fn(&str) -> String) -> bool {
    let mut depth = 0;
    for (at, character) in before.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' if depth > 0 => depth -= 1,
            '(' => {
                let owner = before[..at].trim_end();
                let is_alone = before[at + 1..].trim().is_empty() && after.trim_start().starts_with(')');
                return match word(owner).as_str() {
                    "VALUES" => true,
                    // `IN ({ids})` is a list as a text.
                    "IN" => !is_alone,
                    "LOWER" | "UPPER" | "DATE" | "ABS" | "LENGTH" => is_alone,
                    _ => owner.ends_with(',') && owner.trim_end_matches(',').trim_end().ends_with(')'),
                };
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sql: &str) -> Option<Vec<bool>> {
        holes(&sql.replace('@', &HOLE.to_string()))
    }

    #[test]
    fn values_with_and_without_quotes() {
        assert_eq!(found("SELECT a FROM t WHERE b = @ AND c = '@' LIMIT @"), Some(vec![false, true, false]));
        assert_eq!(found("INSERT INTO t VALUES (@, '@'), (@, 1)"), Some(vec![false, true, false]));
        assert_eq!(found("SELECT a FROM t WHERE b BETWEEN @ AND @"), Some(vec![false, false]));
        assert_eq!(found("SELECT a FROM t WHERE b IN (@, @)"), Some(vec![false, false]));
        assert_eq!(found("UPDATE t SET a = @, b=@ WHERE lower(c) <> lower(@)"), Some(vec![false, false, false]));
    }

    #[test]
    fn names_and_parts_are_none() {
        for sql in [
            "SELECT @ FROM t",
            "FROM @",
            "b LIKE '%@'",
            "b = \"@\"",
            "b = @x",
            "b = x@",
            "IN (@)",
            "t (@, @)",
            "b = '@",
        ] {
            assert_eq!(found(sql), None, "{sql}");
        }
    }
}
