//! What a stub says to one version of Python.

use std::fmt;
use std::sync::LazyLock;

use ruff_db::vendored::VendoredPath;

/// Such as 3.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u8,
    pub minor: u8,
}

impl Version {
    /// Of `3.12` or `3.12.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        let mut number = || parts.next()?.parse().ok();
        Some(Version { major: number()?, minor: number()? })
    }

    /// Whether the standard library of this version has a module, as typeshed's list says. What the list does not name is none
    /// of the standard library's.
    pub(crate) fn has(self, module: &str) -> bool {
        static LIST: LazyLock<String> = LazyLock::new(|| {
            let read = ty_vendored::file_system().read_to_string(VendoredPath::new("stdlib/VERSIONS"));
            read.unwrap_or_default()
        });
        let ends = module.match_indices('.').map(|(at, _)| at).chain([module.len()]);
        // The entry of a package holds for what is in it, unless that has one of its own.
        let named = |name: &str| LIST.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let Some(range) = ends.filter_map(|end| named(&module[..end])).next_back() else { return false };
        let range = range.split('#').next().unwrap_or_default();
        let (first, last) = range.split_once('-').unwrap_or((range, ""));
        Version::parse(first).is_none_or(|first| first <= self) && Version::parse(last).is_none_or(|last| self <= last)
    }

    /// The text without the suites that another version would run, each replaced by spaces and a `0`: offsets stay. Stubs are
    /// formatted, so that indentation alone tells where a suite ends; a test of anything but the version stays as it is.
    pub(crate) fn of_stub(self, text: String) -> String {
        if !text.contains("sys.version_info") {
            return text;
        }
        let mut bytes = text.into_bytes();
        // The clauses around a line: how far each is indented, whether one of its statement was taken, whether it is dead.
        let mut clauses: Vec<Clause> = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| start + at);
            let line = std::str::from_utf8(&bytes[start..end]).unwrap_or_default();
            let content = line.trim();
            let (indent, is_empty) = (line.len() - line.trim_start().len(), content.is_empty());
            // A closing bracket at the beginning of a line belongs to the statement above.
            if !is_empty && !content.starts_with([')', ']', '}', '#']) {
                let before = self.leave(&mut clauses, indent);
                let is_dead = clauses.iter().any(|clause| clause.is_dead);
                if !is_dead && let Some(clause) = self.clause(content, indent, before) {
                    clauses.push(clause);
                    start = end + 1;
                    continue;
                }
            }
            if let Some(clause) = clauses.iter_mut().find(|clause| clause.is_dead) {
                bytes[start..end].fill(b' ');
                if !clause.is_marked && !is_empty {
                    bytes[start + indent] = b'0';
                    clause.is_marked = true;
                }
            }
            start = end + 1;
        }
        // Whole lines were filled, and ASCII is text.
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Leaves the clauses that a line with this indentation ends; the one that it may go on with.
    fn leave(self, clauses: &mut Vec<Clause>, indent: usize) -> Option<Clause> {
        let mut before = None;
        while let Some(clause) = clauses.pop_if(|clause| clause.indent >= indent) {
            before = Some(clause).filter(|clause| clause.indent == indent);
        }
        before
    }

    /// What a line begins, if that is a clause about the version.
    fn clause(self, line: &str, indent: usize, before: Option<Clause>) -> Option<Clause> {
        let of = |is_taken, is_dead| Some(Clause { indent, is_taken, is_dead, is_marked: false });
        if let Some(test) = line.strip_prefix("if ") {
            let holds = self.holds(test)?;
            return of(holds, !holds);
        }
        let before = before?;
        if let Some(test) = line.strip_prefix("elif ") {
            return match self.holds(test) {
                _ if before.is_taken => of(true, true),
                Some(holds) => of(holds, !holds),
                None => None,
            };
        }
        line.starts_with("else:").then(|| of(true, before.is_taken))?
    }

    /// `sys.version_info >= (3, 12):`
    fn holds(self, test: &str) -> Option<bool> {
        let test = test.split('#').next()?.trim_end().strip_suffix(':')?;
        let (is_least, number) = match test.strip_prefix("sys.version_info ")?.split_once(' ')? {
            (">=", number) => (true, number),
            ("<", number) => (false, number),
            _ => return None,
        };
        let parts = number.strip_prefix('(')?.strip_suffix(')')?.replace(", ", ".");
        Some((self >= Version::parse(&parts)?) == is_least)
    }
}

#[derive(Clone, Copy)]
struct Clause {
    indent: usize,
    /// This one, or one before it in the same statement, is what runs.
    is_taken: bool,
    is_dead: bool,
    /// Something stands in its place.
    is_marked: bool,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENT: Version = Version { major: 3, minor: 12 };

    #[test]
    fn the_other_suites_are_blank() {
        let text = "\
import sys
if sys.version_info >= (3, 13):
    def new(
        a: int,
    ) -> None: ...

    class New: ...
elif sys.version_info >= (3, 12):
    def now(): ...
else:
    def old(): ...
class C:
    if sys.version_info < (3, 12):
        x: int
    else:
        if sys.platform == \"win32\":
            y: int
        else:
            z: int
    if sys.platform == \"win32\" and sys.version_info >= (3, 13):
        w: int
end = 1
";
        let left = PRESENT.of_stub(text.to_owned());
        let expected = "\
import sys
if sys.version_info >= (3, 13):
    0
elif sys.version_info >= (3, 12):
    def now(): ...
else:
    0
class C:
    if sys.version_info < (3, 12):
        0
    else:
        if sys.platform == \"win32\":
            y: int
        else:
            z: int
    if sys.platform == \"win32\" and sys.version_info >= (3, 13):
        w: int
end = 1
";
        assert_eq!(left.len(), text.len());
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        assert_eq!(lines(&left), lines(expected));
    }

    #[test]
    fn every_stub_is_as_long_as_it_was_and_parses() {
        let mut folders = vec![VendoredPath::new("stdlib").to_path_buf()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in ty_vendored::file_system().read_directory(&folder) {
                let path = entry.path().to_path_buf();
                if entry.file_type().is_directory() {
                    folders.push(path);
                } else if path.as_str().ends_with(".pyi") {
                    let text = ty_vendored::file_system().read_to_string(&path).unwrap();
                    let left = PRESENT.of_stub(text.clone());
                    assert_eq!(left.len(), text.len(), "{path:?}");
                    assert!(!syntax::parse(&left).has_errors(), "{path:?}");
                    count += 1;
                }
            }
        }
        assert!(count > 500, "{count}");
    }

    #[test]
    fn modules_come_and_go() {
        let has = |minor, module| Version { major: 3, minor }.has(module);
        assert!(has(11, "distutils.core") && !has(12, "distutils.core"));
        assert!(has(11, "tomllib") && !has(10, "tomllib"));
        assert!(has(12, "json.decoder") && !has(12, "numpy"));
        assert!(has(9, "importlib.metadata") && !has(9, "importlib.metadata._meta"));
    }
}
