//! Definitions anywhere in the workspace, by a few letters of their name.

use graph::{Analysis, SymbolId, SymbolKind};

/// More results than this are no answer: the next letter narrows them down.
const MAX_RESULTS: usize = 128;

/// In longer names, which nobody wrote by hand, words are not looked for.
const MAX_LETTERS: usize = 120;

/// How well a name fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    ExactButCase,
    Prefix,
    /// Every letter begins a word of the name or follows the one before: `gcu` in `get_current_user`.
    Words,
    Inside,
    /// The letters are there, in order.
    Scattered,
}

/// The definitions that fit `query`, the best first; at most 128.
///
/// The letters of the query must be in the name, in order. Small letters stand for large ones too. Words before the last dot
/// must be in the names of what is around: `models.usr` finds `shop.models.User`.
pub fn workspace_symbols(analysis: &Analysis, query: &str) -> Vec<SymbolId> {
    let query: String = query.chars().filter(|c| !c.is_whitespace()).collect();
    let query = query.replace(':', ".");
    let (around, name) = query.rsplit_once('.').unwrap_or(("", &query));
    let pattern: Vec<char> = name.chars().collect();
    let mut found = Vec::new();
    analysis.each_symbol(|id, kind, name| {
        if kind != SymbolKind::Lambda
            && let Some(fit) = fit(&pattern, name)
        {
            let is_variable = matches!(kind, SymbolKind::Variable | SymbolKind::Attribute);
            found.push(((fit, name.starts_with('_'), is_variable, name.len()), id));
        }
    });
    if !around.is_empty() {
        let around: Vec<char> = around.chars().collect();
        found.retain(|(_, id)| {
            let qualified = analysis.symbol(*id).qualified_name();
            let container = qualified.rsplit_once('.').map_or("", |(container, _)| container);
            fit(&around, container).is_some()
        });
    }
    // Only what may be among the results is worth a look at its path.
    if found.len() > 4 * MAX_RESULTS {
        found.select_nth_unstable_by_key(4 * MAX_RESULTS, |(rank, _)| *rank);
        let last = found[4 * MAX_RESULTS].0;
        found.retain(|(rank, _)| *rank <= last);
    }
    found.sort_by_cached_key(|&(rank, id)| {
        let path = analysis.path(id.file);
        let (depth, start) = (path.components().count(), analysis.symbol(id).range.start());
        let is_test = path.components().any(|part| part.as_os_str().to_str().is_some_and(|part| part.contains("test")));
        ((rank.0, is_test, rank.1, rank.2, rank.3), depth, path.to_path_buf(), start)
    });
    found.truncate(MAX_RESULTS);
    found.into_iter().map(|(_, id)| id).collect()
}

/// `None` when `name` does not fit.
fn fit(pattern: &[char], name: &str) -> Option<Fit> {
    let mut rest = pattern.iter();
    let mut next = rest.next();
    for c in name.chars() {
        if next.is_some_and(|&wanted| is_letter(wanted, c)) {
            next = rest.next();
        }
    }
    if next.is_some() {
        return None;
    }
    // Few names come so far.
    let letters: Vec<char> = name.chars().collect();
    let begins = |at: usize| letters[at..].iter().zip(pattern).all(|(&c, &wanted)| is_letter(wanted, c));
    let fits_whole = letters.len() == pattern.len();
    Some(match () {
        () if fits_whole && letters == pattern => Fit::Exact,
        () if fits_whole => Fit::ExactButCase,
        () if begins(0) => Fit::Prefix,
        () if letters.len() <= MAX_LETTERS && fits_words(pattern, &letters) => Fit::Words,
        () if (1..=letters.len() - pattern.len()).any(begins) => Fit::Inside,
        () => Fit::Scattered,
    })
}

/// Small letters stand for large ones too.
fn is_letter(wanted: char, c: char) -> bool {
    wanted == c || !wanted.is_uppercase() && c.is_uppercase() && c.to_lowercase().eq([wanted])
}

/// Whether the pattern can be cut into beginnings of words of the name, in order.
fn fits_words(pattern: &[char], letters: &[char]) -> bool {
    let is_start = |at: usize| {
        let (c, before) = (letters[at], at.checked_sub(1).map(|before| letters[before]));
        c != '_' && before.is_none_or(|before| before == '_' || !before.is_uppercase() && c.is_uppercase())
    };
    // Where what has been matched so far may end.
    let mut reach: Vec<usize> = vec![0];
    for (nth, &wanted) in pattern.iter().enumerate() {
        let mut next = Vec::new();
        for &from in &reach {
            for (at, &c) in letters.iter().enumerate().skip(from) {
                let follows = nth > 0 && at == from;
                if (follows || is_start(at)) && is_letter(wanted, c) && !next.contains(&(at + 1)) {
                    next.push(at + 1);
                }
            }
        }
        reach = next;
    }
    !reach.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn check(text: &str, query: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let found = workspace_symbols(&workspace.analysis, query);
        let names: Vec<_> = found.iter().map(|&symbol| workspace.analysis.symbol(symbol).qualified_name()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn the_better_a_name_fits_the_earlier_it_comes() {
        let text = "def g_e_t(): ...\ndef forget(): ...\ndef great(): ...\ndef get_it(): ...\nclass GET: ...\ndef get(): ...\n";
        check(text, "get", &["main.get", "main.GET", "main.get_it", "main.g_e_t", "main.forget", "main.great"]);
        check(text, "GET", &["main.GET"]);
    }

    #[test]
    fn words_of_names() {
        assert_eq!(fit(&['g', 'c', 'u'], "get_current_user"), Some(Fit::Words));
        assert_eq!(fit(&['h', 'r'], "HttpResponse"), Some(Fit::Words));
        assert_eq!(fit(&['g', 'e', 'u', 's'], "get_user"), Some(Fit::Words));
        assert_eq!(fit(&['e', 'u'], "get_user"), Some(Fit::Scattered));
        assert_eq!(fit(&['u', 'g'], "get_user"), None);
        assert_eq!(fit(&['é'], "Été"), Some(Fit::Prefix));
        assert_eq!(fit(&[], "x"), Some(Fit::Prefix));
        assert_eq!(fit(&[], ""), Some(Fit::Exact));
    }

    #[test]
    fn public_names_in_near_files_come_first() {
        check(
            "#- /deep/er/a.py\ndef run(): ...\n#- /a.py\ndef run(): ...\n#- /test_a.py\ndef run(): ...\n#- /b.py\nclass C:\n    def _run(self): ...\n    run = 1\n",
            "run",
            &["a.run", "deep.er.a.run", "b.C.run", "test_a.run", "b.C._run"],
        );
    }

    #[test]
    fn qualified_queries_match_containers() {
        check(
            "#- /shop/models.py\nclass User:\n    def save(self): ...\n#- /other.py\ndef save(): ...\n",
            "mod.usr.save",
            &["shop.models.User.save"],
        );
        check(
            "#- /shop/models.py\nclass User:\n    def save(self): ...\n#- /other.py\ndef save(): ...\n",
            "user.save",
            &["shop.models.User.save"],
        );
        check("#- /shop/models.py\nx = lambda: 1\n", "models", &["shop.models"]);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let text: String = (0..900).map(|number| format!("def name{number}(): ...\n")).collect();
        let workspace = Workspace::new(&text);
        assert_eq!(workspace_symbols(&workspace.analysis, "name").len(), MAX_RESULTS);
        assert_eq!(workspace_symbols(&workspace.analysis, "").len(), MAX_RESULTS);
        assert_eq!(workspace_symbols(&workspace.analysis, "nothing of the kind"), []);
    }
}
