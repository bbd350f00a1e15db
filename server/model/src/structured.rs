//! Data out of a model's reply: a list in JSON, although it comes in a fence, with words around it, in a list's place alone,
//! or cut off.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use crate::answer::{fenced_blocks, without_thoughts};

/// The items of a list that a model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items<T> {
    pub items: Vec<T>,
    /// Items that are not what was asked for.
    pub malformed: usize,
    /// Whether the end of the list was seen.
    pub complete: bool,
}

/// Why a reply holds no list. The messages are fit to be sent back to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoItems {
    #[error("the reply is empty")]
    Empty,
    #[error("the reply has no JSON of the form that was asked for")]
    NoJson,
}

/// How many places of a reply are tried: prose has brackets, too.
const MAX_STARTS: usize = 256;

/// Finds the list in a reply that was asked for as `{"key": […]}`. A list alone, one item alone and items in a row are
/// understood as well.
///
/// # Errors
/// When there is none.
pub fn json_items<T: DeserializeOwned>(reply: &str, key: &str) -> Result<Items<T>, NoItems> {
    let reply = without_thoughts(reply);
    if reply.trim().is_empty() {
        return Err(NoItems::Empty);
    }
    let blocks = fenced_blocks(reply);
    let is_data = |language: &str| matches!(language, "" | "json" | "jsonc" | "json5" | "jsonl");
    let fenced = blocks.iter().filter(|block| is_data(&block.language)).map(|block| block.text.as_str());
    let mut empty = None;
    for text in fenced.chain([reply]) {
        for (start, _) in text.match_indices(['{', '[']).take(MAX_STARTS) {
            let Some((values, complete)) = list_at(&text[start..], key) else { continue };
            let all = values.len();
            let items: Vec<T> = values.into_iter().filter_map(|it| serde_json::from_value(it).ok()).collect();
            let found = Items { malformed: all - items.len(), items, complete };
            if !found.items.is_empty() {
                return Ok(found);
            }
            // Nothing to say is said like this; but so are brackets in prose.
            if all == 0 && complete && empty.is_none() {
                empty = Some(found);
            }
        }
    }
    empty.ok_or(NoItems::NoJson)
}

/// The values of the list that begins with `text`, and whether it has an end.
fn list_at(text: &str, key: &str) -> Option<(Vec<Value>, bool)> {
    if let Some(inside) = text.strip_prefix('[') {
        return Some(values(inside));
    }
    match first_value(text) {
        Some((Value::Object(mut object), end)) => match object.remove(key) {
            Some(Value::Array(values)) => Some((values, true)),
            Some(Value::Null) => Some((Vec::new(), true)),
            Some(_) => None,
            None => {
                // An item by itself, and perhaps more of them in lines of their own.
                let (mut rest, _) = values(&text[end..]);
                rest.insert(0, Value::Object(object));
                Some((rest, true))
            }
        },
        Some(_) => None,
        // It breaks off, or is not quite JSON; its items may be.
        None => {
            let behind = text.split_once(&format!("\"{key}\""))?.1;
            let inside = behind.trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?;
            Some(values(inside))
        }
    }
}

/// The values up to the end of a list, commas between them or not.
fn values(text: &str) -> (Vec<Value>, bool) {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_between);
    loop {
        if rest.is_empty() || rest.starts_with(']') {
            return (found, !rest.is_empty());
        }
        match first_value(rest) {
            Some((value, end)) => {
                found.push(value);
                rest = rest[end..].trim_start_matches(is_between);
            }
            // The next object may be sound.
            None => match rest.char_indices().skip(1).find(|(_, c)| *c == '{') {
                Some((at, _)) => rest = &rest[at..],
                None => return (found, false),
            },
        }
    }
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || c == ','
}

/// The JSON value that `text` begins with, and where it ends.
fn first_value(text: &str) -> Option<(Value, usize)> {
    let mut values = Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Item {
        name: String,
    }

    /// Names, how many are malformed, and whether the end was seen.
    fn read(reply: &str) -> Result<(String, usize, bool), NoItems> {
        let found = json_items::<Item>(reply, "items")?;
        let names: Vec<String> = found.items.into_iter().map(|item| item.name).collect();
        Ok((names.join(" "), found.malformed, found.complete))
    }

    fn all(names: &str) -> Result<(String, usize, bool), NoItems> {
        Ok((names.to_owned(), 0, true))
    }

    #[test]
    fn however_it_is_wrapped() {
        for reply in [
            r#"{"items": [{"name": "a"}, {"name": "b"}]}"#,
            "```json\n{\"items\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}\n```",
            "Here is what I found [1]:\n\n```\n[{\"name\": \"a\"}, {\"name\": \"b\"}]\n```\nThat is all {really}.",
            "<think>{\"items\": []}</think>\n{\"items\": [{\"name\": \"a\"},{\"name\": \"b\"},]}",
            "I looked at f[0] and {x}: {\"items\": [{\"name\": \"a\"}, {\"name\": \"b\", \"more\": [1]}]} Bye.",
            "{\"name\": \"a\"}\n{\"name\": \"b\"}\n",
            "```python\nx = []\n```\n```json\n{\"items\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}\n```",
        ] {
            assert_eq!(read(reply), all("a b"), "{reply}");
        }
        assert_eq!(read(r#"{"name": "a"}"#), all("a"));
    }

    #[test]
    fn nothing_to_say_is_an_answer() {
        for reply in [r#"{"items": []}"#, "```json\n[]\n```", "All is well.\n{\"items\": null}"] {
            assert_eq!(read(reply), all(""), "{reply}");
        }
        assert_eq!(read(" \n"), Err(NoItems::Empty));
        for reply in ["All is well.", "x[0] is {odd", "{\"other\": [1]", "é{é"] {
            assert_eq!(read(reply), Err(NoItems::NoJson), "{reply}");
        }
    }

    #[test]
    fn what_is_sound_is_kept() {
        let broken = r#"{"items": [{"name": "a"}, {"name": 7}, {"nam: "x"}, {"name": "b"}], "note": "x"}"#;
        assert_eq!(read(broken), Ok(("a b".to_owned(), 1, true)));
        let cut = r#"{"items": [{"name": "a"}, {"name": "b"}, {"name": "c"#;
        assert_eq!(read(cut), Ok(("a b".to_owned(), 0, false)));
        assert_eq!(read("{\"items\": [{\"name\": \"é\"}, é"), Ok(("é".to_owned(), 0, false)));
    }
}
