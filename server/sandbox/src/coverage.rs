//! What tests have executed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The functions of the workspace that each test has executed, fixtures included: function coverage by test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub functions: Vec<Function>,
    pub tests: Vec<Covered>,
    /// Those that were executed before the first test was, while files were imported: indices as in [`Covered::functions`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loaded: Vec<u32>,
}

/// The lines of one file's functions, 1-based and ascending; what stands outside of them, which is executed whenever a file is
/// imported, only where [whole files](crate::Request::whole_files) are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    pub executed: Vec<u32>,
    /// All that could be.
    pub possible: Vec<u32>,
}

impl Lines {
    /// Of several runs, one for each file: what one of them has executed was executed.
    #[must_use]
    pub fn united(all: Vec<Lines>) -> Vec<Lines> {
        let mut files: BTreeMap<String, [BTreeSet<u32>; 2]> = BTreeMap::new();
        for Lines { path, executed, possible } in all {
            let [known, could] = files.entry(path).or_default();
            known.extend(executed);
            could.extend(possible);
        }
        let of = |(path, [executed, possible]): (String, [BTreeSet<u32>; 2])| Lines {
            path,
            executed: executed.into_iter().collect(),
            possible: possible.into_iter().collect(),
        };
        files.into_iter().map(of).collect()
    }
}

/// A function of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Function {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// The qualified name in the module, without `<locals>`: `Class.method`, `function.inner`.
    pub name: String,
}

/// What one test has executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// pytest's node id.
    pub test: String,
    /// Indices into [`Coverage::functions`], ascending.
    pub functions: Vec<u32>,
}

impl Coverage {
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Adds what another run has told.
    pub fn extend(&mut self, other: Coverage) {
        // Numbers of the other run are shifted; a function may then be in the table twice, which harms nothing.
        let shift = self.functions.len() as u32;
        self.functions.extend(other.functions);
        self.loaded.extend(other.loaded.iter().map(|number| number + shift));
        self.tests.extend(other.tests.into_iter().map(|it| Covered {
            functions: it.functions.iter().map(|number| number + shift).collect(),
            test: it.test,
        }));
    }
}
