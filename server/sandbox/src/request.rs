//! What to run, and within which limits.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One run. The workspace is seen as it lies on disk, with `overlay` in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The workspace folder. A filtered copy of it is what the code can read; nothing in it can be changed.
    pub root: PathBuf,
    /// The `site-packages` folders of the project's interpreter, which may lie outside of the workspace. They are only
    /// read; what can be imported from them are distributions in pure Python.
    #[serde(default)]
    pub site: Vec<PathBuf>,
    /// Top-level modules or distributions that the code is known to import. They are staged before the run begins; what
    /// else turns out to be missing is staged when it is asked for, and the run begins again.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Unsaved or proposed texts by path relative to `root`. They shadow what is on disk, and may be new files.
    pub overlay: Vec<(PathBuf, String)>,
    /// Files whose lines are told of ([`Outcome::lines`](crate::Outcome::lines)), relative to `root`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watched: Vec<PathBuf>,
    /// Of these, the lines outside of functions are told of as well: those run when the file is imported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_files: bool,
    /// Whether tests may write into their copy of the workspace, which is then made anew. They could change tests that have not been
    /// imported yet, so this is for code that a person has written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub writable: bool,
    pub action: Action,
    pub limits: Limits,
}

impl Request {
    /// A run of what lies on disk, with the default limits.
    pub fn new(root: impl Into<PathBuf>, action: Action) -> Self {
        Self {
            root: root.into(),
            site: Vec::new(),
            packages: Vec::new(),
            overlay: Vec::new(),
            watched: Vec::new(),
            whole_files: false,
            writable: false,
            action,
            limits: Limits::default(),
        }
    }
}

/// What to run. Paths are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A file as `__main__`.
    Script { path: PathBuf },
    /// A selection as `__main__`; the value of a last expression is printed.
    Code {
        text: String,
        /// The file it was taken from; need not exist.
        filename: String,
        /// 1-based line of the text in that file.
        first_line: u32,
    },
    /// As [`Action::Code`], in the interpreter and the namespace that the cells of the same session before it have left.
    /// A session begins with its first cell. It ends with [`Runner::reset`](crate::Runner::reset), when a cell is
    /// stopped, when three others have been used since, and with the worker.
    Cell {
        /// Names the session within the workspace.
        session: String,
        text: String,
        filename: String,
        first_line: u32,
    },
    /// The doctests of a module or a text file.
    Doctest {
        path: PathBuf,
        /// Only those of the object with this qualified name in the module (`Class.method`) and of what it contains.
        name: Option<String>,
    },
    /// Tests by pytest node id (`tests/test_a.py::TestB::test_c`, a file, or a folder). Also runs unittest's cases.
    Pytest { targets: Vec<String> },
    /// A function on generated inputs, made from its type hints and its doctest.
    Generated {
        path: PathBuf,
        /// The function's qualified name in the module (`Class.method` for static and class methods).
        function: String,
        /// How many inputs, 1 to 10,000.
        inputs: u32,
        /// The same seed makes the same inputs.
        seed: u64,
        /// The older text of the same file, to compare with: both versions get the same inputs. Without it, what the
        /// function raises, and whether it answers twice alike, is what counts.
        against: Option<String>,
        /// Node ids of tests to run with the older text first: both versions are also given what these call the function
        /// with, as far as it can be copied. What the tests say is not told.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tests: Vec<String>,
        /// What the workspace calls the class of a method with, in parentheses and literals: `(maxsize=2)`. Objects are made
        /// so where nothing else says how.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<String>,
    },
}

/// When a run is stopped. Values outside the stated ranges are brought into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Time from the start of the interpreter, 100 ms to 10 minutes; each cell of a session has it anew. The wait for
    /// the worker is not counted.
    pub wall: Duration,
    /// Bytes of memory, 64 MiB to 1 GiB, for a session over all its life. The interpreter itself takes about 50 MiB.
    pub memory: u64,
    /// Bytes of standard output, and as many of standard error, 1 KiB to 16 MiB.
    pub output: u64,
    /// Bytes of stack, 2 MiB to 16 MiB. Python's own recursion limit is usually met first.
    pub stack: u64,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self { wall: Duration::from_secs(10), memory: 256 * MIB, output: MIB, stack: 8 * MIB }
    }
}

impl Limits {
    /// What this sets, where it is less; else what `given` says.
    #[must_use]
    pub fn within(self, given: Self) -> Self {
        let unset = Self::default();
        Self {
            wall: if self.wall == unset.wall { given.wall } else { self.wall.min(given.wall) },
            memory: if self.memory == unset.memory { given.memory } else { self.memory.min(given.memory) },
            output: if self.output == unset.output { given.output } else { self.output.min(given.output) },
            stack: if self.stack == unset.stack { given.stack } else { self.stack.min(given.stack) },
        }
    }

    /// The same limits, brought into the ranges that the sandbox supports.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            wall: self.wall.clamp(Duration::from_millis(100), Duration::from_secs(600)),
            memory: self.memory.clamp(64 * MIB, 1024 * MIB),
            output: self.output.clamp(KIB, 16 * MIB),
            stack: self.stack.clamp(2 * MIB, 16 * MIB),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_lowered_and_the_rest_given() {
        let given = Limits { wall: Duration::from_secs(30), memory: 128 * MIB, ..Limits::default() };
        let set = |wall| Limits { wall: Duration::from_secs(wall), ..Limits::default() }.within(given);
        assert_eq!(Limits::default().within(given), given);
        assert_eq!(set(3), Limits { wall: Duration::from_secs(3), ..given });
        assert_eq!(set(40), given);
    }

    #[test]
    fn limits_are_brought_into_range_and_may_be_partial() {
        let limits: Limits = serde_json::from_str(r#"{"memory": 1, "output": 99999999999}"#).unwrap();
        let clamped = limits.clamped();
        assert_eq!((clamped.memory, clamped.output), (64 * MIB, 16 * MIB));
        assert_eq!((clamped.wall, clamped.stack), (Limits::default().wall, Limits::default().stack));
        assert_eq!(Limits::default().clamped(), Limits::default());
    }
}
