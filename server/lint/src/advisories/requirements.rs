//! Lines of requirement files, and dependencies as strings.

use std::sync::LazyLock;

use regex::Regex;
use syntax::{TextRange, TextSize};

use super::Pin;
use crate::distributions::normalize;

/// One dependency as PEP 508 writes it, as far as it matters here. Ranges count from the start of what was read.
pub(crate) struct Requirement<'a> {
    pub name: &'a str,
    /// The version behind `==` or `===`, without a wildcard.
    pub exact: Option<(&'a str, TextRange)>,
}

/// Another file of requirements that a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// As it is written: relative to the file.
    pub path: String,
    /// Of the path, in the text.
    pub range: TextRange,
}

/// `None` for an empty line, an option, a URL or a path.
pub(crate) fn requirement(text: &str) -> Option<Requirement<'_>> {
    static REQUIREMENT: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile. Name, extras, and what follows as far as the marker.
        Regex::new(r"^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*([^;#]*)").expect("valid")
    });
    static EXACT: LazyLock<Regex> = LazyLock::new(|| {
        // As above.
        Regex::new(r"(?:^|[\s,(])={2,3}\s*([A-Za-z0-9.!+_-]*[A-Za-z0-9])(\.\*)?").expect("valid")
    });
    let captures = REQUIREMENT.captures(text)?;
    let (name, rest) = (captures.get(1)?, captures.get(2)?);
    // A path or an archive: `./x`, `x/y`, `x.whl`; and what is no requirement at all.
    if !rest.as_str().is_empty() && !rest.as_str().starts_with(['=', '<', '>', '!', '~', '(', '@', '-', '\\']) {
        return None;
    }
    let is_url = rest.as_str().starts_with('@');
    let exact = EXACT.captures(rest.as_str()).filter(|captures| !is_url && captures.get(2).is_none());
    let exact = exact.and_then(|captures| captures.get(1)).map(|version| {
        let start = TextSize::new((rest.start() + version.start()) as u32);
        (version.as_str(), TextRange::at(start, TextSize::of(version.as_str())))
    });
    Some(Requirement { name: name.as_str(), exact })
}

/// The pin that a dependency is; `offset` is where its text begins.
pub(super) fn pin(text: &str, offset: TextSize) -> Option<Pin> {
    let Requirement { name, exact } = requirement(text)?;
    let (version, range) = exact?;
    Some(Pin { distribution: normalize(name), version: version.to_owned(), range: range + offset })
}

/// The pins of a file of requirements. Hashes and other options do not matter.
pub(super) fn pins(text: &str) -> Vec<Pin> {
    lines(text).filter_map(|(line, offset)| pin(line, offset)).collect()
}

/// Files that `-r` and `-c` name in a file of requirements; whoever reads files follows them.
pub fn includes(text: &str) -> Vec<Include> {
    static OPTION: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(r"^\s*(?:-[rc]|--requirement|--constraint)(?:\s+|=|\b)\s*([^\s#=]\S*)").expect("valid")
    });
    let include = |(line, offset): (&str, TextSize)| {
        let path = OPTION.captures(line)?.get(1)?;
        // pip reads URLs here as well.
        if path.as_str().contains("://") {
            return None;
        }
        let range = TextRange::at(offset + TextSize::new(path.start() as u32), TextSize::of(path.as_str()));
        Some(Include { path: path.as_str().to_owned(), range })
    };
    lines(text).filter_map(include).collect()
}

/// Lines without their ends, with where they begin.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, TextSize)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (line.trim_end_matches(['\r', '\n']), TextSize::new(start as u32))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file() {
        let text = "# all\r\n-r base.txt\r\n--constraint=../c.txt # x\n-e ./local\nDjango==5.0 \\\n    --hash=sha256:abc==\nrequests[socks,x] === 2.31.0 ; python_version == '3.8'\nflask>=2,==2.3.*\nnumpy (==1.26.0)\nx @ https://h/x==1.0\n./y==1.0\na==1.0#b\nzope.interface ~=6.0, ==6.1\nlocal==1.0+cu118\n";
        let pins = pins(text);
        let found: Vec<(&str, &str, &str)> =
            pins.iter().map(|pin| (pin.distribution.as_str(), pin.version.as_str(), &text[pin.range])).collect();
        assert_eq!(
            found,
            [
                ("django", "5.0", "5.0"),
                ("requests", "2.31.0", "2.31.0"),
                ("numpy", "1.26.0", "1.26.0"),
                ("a", "1.0", "1.0"),
                ("zope-interface", "6.1", "6.1"),
                ("local", "1.0+cu118", "1.0+cu118"),
            ]
        );
        let paths: Vec<String> = includes(text).into_iter().map(|include| include.path).collect();
        assert_eq!(paths, ["base.txt", "../c.txt"]);
    }
}
