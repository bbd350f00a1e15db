//! What was asked for, in words: the names of the function and its parameters, the first sentence of its docstring, a comment
//! that gives an order to a model, and the person's own words.

use super::super::Comparison;
use super::ways::Way;
use crate::Scope;

/// The words that speak of what a candidate is for, in lower case.
pub(super) struct Asked(Vec<String>);

impl Asked {
    /// `person` is what the person said.
    pub fn new(comparison: &Comparison, scope: &Scope, person: &str) -> Self {
        Asked(words(comparison, scope, person))
    }

    /// Whether any of the words asks for what the way does.
    pub fn for_way(&self, way: &Way) -> bool {
        self.0.iter().any(|word| way.words.iter().any(|start| word.starts_with(start)))
    }
}

fn words(comparison: &Comparison, scope: &Scope, asked: &str) -> Vec<String> {
    let before = &comparison.before;
    let mut text = asked.to_owned();
    for (path, range) in &scope.places {
        let Some(file) = before.file(path) else { continue };
        let orders = before.source(file).slice(*range).lines().filter_map(|line| line.split_once("# tantu:"));
        orders.for_each(|(_, order)| text.push_str(&format!(" {order}")));
        let mut around = Some(before.enclosing(file, range.start()));
        while let Some(id) = around {
            let symbol = before.symbol(id);
            if symbol.kind != graph::SymbolKind::Module {
                let first = symbol.docstring.and_then(|it| it.split("\n\n").next()).unwrap_or_default();
                let first = first.split(". ").next().unwrap_or_default();
                let params: Vec<String> = symbol.params.iter().map(|it| it.name.to_string()).collect();
                text.push_str(&format!(" {} {} {first}", symbol.name, params.join(" ")));
            }
            around = symbol.parent;
        }
    }
    split(&text)
}

/// `openURL`, `open_url` and `open url` are the same words.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in text.chars() {
        let begins = !before.is_alphanumeric() || before.is_lowercase() && c.is_uppercase();
        if c.is_alphanumeric() {
            match words.last_mut().filter(|_| !begins) {
                Some(word) => word.extend(c.to_lowercase()),
                None => words.push(c.to_lowercase().collect()),
            }
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_split_at_capitals_and_marks() {
        assert_eq!(split("openURL base_url, Größe"), ["open", "url", "base", "url", "größe"]);
    }
}
