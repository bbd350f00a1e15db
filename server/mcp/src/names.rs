//! What an agent means by a name.

use std::path::Path;

use graph::{Analysis, FileId, SymbolId, SymbolKind};

/// Definitions that one term may mean; more are told in number.
const MOST: usize = 5;

/// Names that are told for one that does not exist.
const NEAREST: usize = 5;

/// What a term of a question means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Meant {
    pub files: Vec<FileId>,
    pub symbols: Vec<SymbolId>,
    /// How many more there are.
    pub more: usize,
    /// Names that come close, where nothing is called so.
    pub nearest: Vec<String>,
}

/// The terms of a question: names and paths, or words where none of them is one.
pub(crate) fn terms(query: &str) -> Vec<String> {
    let separated = query.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let clean = |term: &str| term.trim_matches(|c: char| "`'\"()?!".contains(c)).trim_end_matches("()").to_owned();
    separated.map(clean).filter(|term| !term.is_empty()).take(32).collect()
}

/// What `term` names exactly, or by its last parts: a path of a file, a definition.
pub(crate) fn exactly(analysis: &Analysis, term: &str) -> Meant {
    let mut meant = Meant::default();
    if term.contains('/') || term.ends_with(".py") || term.ends_with(".pyi") {
        let ends = |file: &FileId| analysis.inside_root(analysis.path(*file)).ends_with(Path::new(term));
        meant.files = analysis.files().filter(ends).collect();
        meant.files.sort_by_key(|&file| analysis.path(file).components().count());
        meant.more = meant.files.len().saturating_sub(MOST);
        meant.files.truncate(MOST);
        return meant;
    }
    let name = term.replace([':', '#'], ".");
    let name = name.trim_matches('.');
    let mut found = analysis.find(name);
    if found.is_empty() {
        let last = name.rsplit('.').next().unwrap_or(name);
        analysis.each_symbol(|id, kind, symbol| {
            if symbol == last && kind != SymbolKind::Lambda {
                found.push(id);
            }
        });
        if name.contains('.') {
            let suffix = format!(".{name}");
            found.retain(|&id| analysis.symbol(id).qualified_name().ends_with(&suffix));
        }
    }
    // Functions and classes before variables, code before tests.
    found.sort_by_cached_key(|&id| {
        let symbol = analysis.symbol(id);
        let path = analysis.inside_root(analysis.path(id.file)).to_path_buf();
        let is_test = path.to_string_lossy().contains("test");
        let is_variable = matches!(symbol.kind, SymbolKind::Variable | SymbolKind::Attribute);
        (is_variable, is_test, path.components().count(), path, symbol.range.start())
    });
    found.dedup();
    meant.more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    meant.symbols = found;
    meant
}

/// Definitions whose names are made of the letters of `term`, where nothing is called exactly so.
pub(crate) fn closest(analysis: &Analysis, term: &str) -> Vec<String> {
    let mut names: Vec<String> = ide::workspace_symbols(analysis, term)
        .into_iter()
        .take(NEAREST)
        .map(|id| analysis.symbol(id).qualified_name())
        .collect();
    if names.len() < NEAREST {
        let wanted: Vec<char> = term.rsplit('.').next().unwrap_or(term).to_lowercase().chars().collect();
        let most = wanted.len() / 3 + 1;
        let mut near: Vec<(usize, SymbolId)> = Vec::new();
        analysis.each_symbol(|id, kind, name| {
            if kind != SymbolKind::Lambda
                && let Some(distance) = distance(&wanted, name, most)
            {
                near.push((distance, id));
            }
        });
        near.sort_by_cached_key(|&(distance, id)| (distance, analysis.symbol(id).qualified_name()));
        for (_, id) in near {
            let name = analysis.symbol(id).qualified_name();
            if names.len() < NEAREST && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Definitions whose qualified names hold most of `words`, the best first.
pub(crate) fn by_words(analysis: &Analysis, words: &[String]) -> Vec<SymbolId> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).filter(|word| word.len() > 2).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    analysis.each_symbol(|id, kind, name| {
        let is_definition = matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class);
        let name = name.to_lowercase();
        if is_definition && words.iter().any(|word| name.contains(stem(word))) {
            found.push(id);
        }
    });
    let score = |id: SymbolId| {
        let symbol = analysis.symbol(id);
        let name = symbol.qualified_name().to_lowercase();
        let own = symbol.name.to_lowercase();
        let hits = words.iter().filter(|word| name.contains(stem(word))).count();
        let own_hits = words.iter().filter(|word| own.contains(stem(word))).count();
        let is_test = name.contains("test");
        (std::cmp::Reverse((hits, own_hits)), is_test, own.len(), name)
    };
    found.sort_by_cached_key(|&id| score(id));
    found.truncate(MOST);
    found
}

/// A word without the ends that it has in other forms.
fn stem(word: &str) -> &str {
    ["ing", "ed", "es", "s"].iter().find_map(|end| word.strip_suffix(end).filter(|it| it.len() > 3)).unwrap_or(word)
}

/// How many letters have to be changed, added or taken away; `None` where it is more than `most`.
fn distance(wanted: &[char], name: &str, most: usize) -> Option<usize> {
    let length = name.chars().count();
    if length.abs_diff(wanted.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (index, letter) in name.chars().flat_map(char::to_lowercase).enumerate() {
        let mut before = row[0];
        row[0] = index + 1;
        let mut smallest = row[0];
        for (column, &other) in wanted.iter().enumerate() {
            let changed = before + usize::from(letter != other);
            before = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(before + 1);
            smallest = smallest.min(row[column + 1]);
        }
        if smallest > most {
            return None;
        }
    }
    row.last().copied().filter(|&distance| distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        let of = |wanted: &str, name: &str| distance(&wanted.chars().collect::<Vec<_>>(), name, 3);
        assert_eq!(of("total", "Total"), Some(0));
        assert_eq!(of("totl", "total"), Some(1));
        assert_eq!(of("subtotl", "subtotal"), Some(1));
        assert_eq!(of("total", "something"), None);
    }

    #[test]
    fn questions_are_split_into_terms() {
        assert_eq!(terms("`Cart.total()`, shop/cart.py  what?"), ["Cart.total", "shop/cart.py", "what"]);
    }
}
