//! What is remembered of tests from one run to the next, and from one start to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use graph::{Analysis, FileId, SymbolId};
use ide::{Affected, AffectedTest, TestRecord, node_id};
use sandbox::{Outcome, Verdict};
use store::Store;

/// How many of the tests that are known to execute what changed are run before all others. Few enough that what they say is
/// there in a moment.
const LIKELIEST: usize = 24;
/// Of how many files these may be: each is imported, which takes longer than most tests.
const FILES: usize = 4;

/// What `store` knows of the tests of the folder `root`, once it is known what has `changed`.
pub fn records<'a>(
    store: Option<&'a Store>,
    root: &'a Path,
    analysis: &'a Analysis,
) -> impl FnOnce(&[SymbolId]) -> Box<dyn Fn(SymbolId) -> TestRecord + 'a> {
    move |changed| {
        let Some(store) = store else { return Box::new(|_| TestRecord::default()) };
        let changed: Vec<String> = changed.iter().map(|&symbol| function(analysis, root, symbol)).collect();
        // Without a database that can be read there is less to go by.
        let failed = store.failed_tests().unwrap_or_default();
        let (known, covering) =
            (store.covered_tests().unwrap_or_default(), store.tests_covering(&changed).unwrap_or_default());
        Box::new(move |test| {
            let id = node_id(analysis, root, test);
            TestRecord {
                failed: contains(&failed, &id),
                executed: contains(&known, &id).then(|| contains(&covering, &id)),
            }
        })
    }
}

/// Moves those of the affected tests to the front that are to run before the others, and returns how many they are: the
/// likeliest of a few files.
pub fn likeliest(affected: &mut Affected) -> usize {
    let is_likely = |test: &AffectedTest| test.record.failed || test.record.executed == Some(true);
    let likely = affected.tests.iter().take_while(|test| is_likely(test)).count();
    let among = if likely == 0 { affected.tests.len() } else { likely };
    let mut files: Vec<FileId> = Vec::new();
    let mut count = 0;
    for index in 0..among {
        let file = affected.tests[index].test.file;
        if !files.contains(&file) && files.len() < FILES {
            files.push(file);
        }
        if files.contains(&file) && count < LIKELIEST {
            affected.tests[count..=index].rotate_right(1);
            count += 1;
        }
    }
    count
}

/// Notes which tests failed, and what they executed.
///
/// # Errors
/// When that cannot be written.
pub fn note(store: &Store, outcome: &Outcome) -> Result<(), store::Error> {
    let with = |verdict: Verdict| {
        let tests = outcome.tests.iter().filter(move |test| test.verdict == verdict);
        tests.map(|test| test.id.clone()).collect::<BTreeSet<String>>()
    };
    store.note_tests(&with(Verdict::Passed), &with(Verdict::Failed))?;
    let coverage = &outcome.coverage;
    let mut executed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in &coverage.tests {
        let functions = it.functions.iter().filter_map(|&number| coverage.functions.get(number as usize));
        // What changes is a test with all of its parameters.
        let test = it.test.split('[').next().unwrap_or(&it.test);
        let functions = functions.map(|function| format!("{}::{}", function.path, function.name));
        executed.entry(test.to_owned()).or_default().extend(functions);
    }
    store.note_coverage(&executed)
}

/// As the sandbox names it.
fn function(analysis: &Analysis, root: &Path, symbol: SymbolId) -> String {
    let module = node_id(analysis, root, analysis.module(symbol.file));
    format!("{module}::{}", analysis.symbol(symbol).local_name())
}

/// Whether `id` is among the names, or something inside of it is.
fn contains(names: &BTreeSet<String>, id: &str) -> bool {
    let mut following =
        names.range::<str, _>((Bound::Included(id), Bound::Unbounded)).take_while(|name| name.starts_with(id));
    following.any(|name| name[id.len()..].is_empty() || name[id.len()..].starts_with(['[', ':']))
}

#[cfg(test)]
mod tests {
    use ide::Step;

    use super::*;

    #[test]
    fn a_name_stands_for_what_is_inside() {
        let names: BTreeSet<String> = ["a::ab", "a::b::c", "a::d[1]"].map(str::to_owned).into();
        assert_eq!(["a::ab", "a::b", "a::d", "a"].map(|id| contains(&names, id)), [true; 4]);
        assert_eq!(["a::a", "a::b::c::d", "a::e", "b"].map(|id| contains(&names, id)), [false; 4]);
    }

    #[test]
    fn the_likeliest_are_those_of_few_files_in_their_order() {
        let mut change = graph::Change::default();
        for file in 0..6 {
            change.set(format!("/test_{file}.py"), "def test_a(): pass\ndef test_b(): pass\n");
        }
        let mut host = graph::AnalysisHost::new(vec!["/".into()]);
        host.apply(change);
        let analysis = host.analysis();
        let tests = |name: &str| {
            let files = analysis.files();
            let all = files.flat_map(|file| analysis.symbols(file));
            all.filter(|&id| analysis.symbol(id).name == name).collect::<Vec<_>>()
        };
        let of = |executed: Option<bool>| {
            move |test| AffectedTest {
                test,
                via: vec![test],
                step: Step::Calls,
                record: TestRecord { failed: false, executed },
            }
        };
        let mut affected = Affected::default();
        affected.tests.extend(tests("test_a").into_iter().map(of(None)));
        affected.tests.extend(tests("test_b").into_iter().map(of(None)));
        let shown = |affected: &Affected| {
            let name = |it: &AffectedTest| {
                format!("{}{}", analysis.module_name(it.test.file), &analysis.symbol(it.test).name[4..])
            };
            affected.tests.iter().map(name).collect::<Vec<_>>().join(" ").replace("test_", "")
        };
        assert_eq!(likeliest(&mut affected), 8);
        assert_eq!(shown(&affected), "0_a 1_a 2_a 3_a 0_b 1_b 2_b 3_b 4_a 5_a 4_b 5_b");
        affected.tests[0].record.executed = Some(true);
        affected.tests[1].record.failed = true;
        assert_eq!(likeliest(&mut affected), 2);
    }
}
