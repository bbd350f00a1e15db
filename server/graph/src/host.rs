//! The writer: applies changes, and links again what they concern.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::{Parsed, Source};

use crate::apply_flow::join_all;
use crate::eval::{Evaluator, file_item, files_of_keys, module_item};
use crate::link::{EditedBody, Links, link, link_body};
use crate::modules::Modules;
use crate::snapshot::{FileFacts, Retained, Slots, Snapshot};
use crate::summary::{Body, Replaced, Summary, replace, summarize_edited};
use crate::tree::SharedTree;
use crate::{Analysis, Archived, FileId, Flow, TestNames};

/// Runs `work` where the stack is deep enough for any file, and so are those of rayon's threads.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // Without threads nothing works at all; there is no sensible way on.
    syntax::on_deep_pool(work).expect("the system gives no threads")
}

/// What `work` makes of each of `items`: of one of them at once, where the stack is deep enough already; of several by several threads.
pub(crate) fn for_each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    if items.len() <= 1 && syntax::is_deep() {
        return items.into_iter().map(work).collect();
    }
    on_deep_stack(|| items.into_par_iter().map(work).collect())
}

/// What a host is told: texts that appeared or changed, and files that went away.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub files: Vec<(PathBuf, Option<Arc<str>>)>,
    /// What need not be parsed: the summaries of some of these texts.
    pub(crate) archived: FxHashMap<PathBuf, (Arc<str>, Archived)>,
    /// The trees of these texts will be asked for again and again.
    edited: FxHashMap<PathBuf, SharedTree>,
}

impl Change {
    /// The file at the absolute `path` says `text`, whatever is on disk.
    pub fn set(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) {
        self.files.push((path.into(), Some(text.into())));
    }

    /// The same for a text that somebody is editing: its tree is kept; see [`Analysis::tree`].
    pub fn edit(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) {
        self.edit_shared(path, SharedTree::new(text));
    }

    /// The same for a text into which others look as well.
    pub fn edit_shared(&mut self, path: impl Into<PathBuf>, tree: SharedTree) {
        let path = path.into();
        self.set(path.clone(), tree.text().clone());
        self.edited.insert(path, tree);
    }

    pub fn remove(&mut self, path: impl Into<PathBuf>) {
        self.files.push((path.into(), None));
    }

    /// First this change, then `other`.
    pub fn then(&mut self, other: Change) {
        self.files.extend(other.files);
        self.archived.extend(other.archived);
        self.edited.extend(other.edited);
    }
}

impl FromIterator<(PathBuf, Option<Arc<str>>)> for Change {
    fn from_iter<I: IntoIterator<Item = (PathBuf, Option<Arc<str>>)>>(files: I) -> Self {
        Change { files: files.into_iter().collect(), ..Change::default() }
    }
}

/// What applying a change took, in wall time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Texts to trees. Each thread parses and summarises file by file; the time of both is divided as the threads' is.
    pub parse: Duration,
    /// Trees to facts.
    pub summarise: Duration,
    /// What changed for other files: compared facts, names of modules.
    pub compare: Duration,
    /// Facts to edges.
    pub link: Duration,
}

/// Owns the graph and is the only one to change it. A clone is cheap and independent: a change applied to it is an overlay
/// that the original does not see.
#[derive(Clone, Debug, Default)]
pub struct AnalysisHost {
    snapshot: Arc<Snapshot>,
}

impl AnalysisHost {
    /// An empty graph of the workspace folders `roots`, absolute paths.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        AnalysisHost { snapshot: Arc::new(Snapshot { roots: roots.into(), ..Snapshot::default() }) }
    }

    /// The same, in which these are tests besides. Before there are files.
    pub fn with_test_names(mut self, names: TestNames) -> Self {
        Arc::make_mut(&mut self.snapshot).test_names = Arc::new(names);
        self
    }

    /// The current snapshot.
    pub fn analysis(&self) -> Analysis {
        Analysis::new(self.snapshot.clone())
    }

    /// Replaces the workspace folders; files stay until they are removed.
    pub fn set_roots(&mut self, roots: Vec<PathBuf>) {
        let mut next = Snapshot::clone(&self.snapshot);
        next.roots = roots.into();
        self.update(next, FxHashMap::default(), &Extras::default(), true);
    }

    /// Applies `change` and brings every edge up to date. Cannot fail. Where a path occurs twice the last one counts.
    pub fn apply(&mut self, change: Change) -> Timings {
        if change.files.len() <= 1 && syntax::is_deep() {
            return self.apply_there(change);
        }
        // As a whole: an edit of one file is done before another thread has woken up.
        on_deep_stack(|| self.apply_there(change))
    }

    fn apply_there(&mut self, change: Change) -> Timings {
        let mut next = Snapshot::clone(&self.snapshot);
        let mut texts: FxHashMap<FileId, Option<Arc<str>>> = FxHashMap::default();
        let mut membership = false;
        let Change { files, archived, edited } = change;
        for (path, text) in files {
            let file = match next.ids.get(&path) {
                Some(&file) => file,
                None if text.is_none() => continue,
                None => {
                    let file = FileId(next.files.len() as u32);
                    Arc::make_mut(&mut next.ids).insert(path.clone(), file);
                    next.files.push(None);
                    next.structure.push(Arc::default());
                    next.links.push(Arc::default());
                    next.inbound.push(Arc::default());
                    next.lookers.push(Arc::default());
                    next.paths.push(path.into());
                    file
                }
            };
            membership |= next.files[file.index()].is_some() != text.is_some();
            texts.insert(file, text);
        }
        if next.ranks.len() != next.paths.len() {
            next.rank();
        }
        self.update(next, texts, &Extras { archived, edited }, membership)
    }

    /// Joins a solution into the graph. Where texts have changed since it was begun, what linking says stands alone until
    /// the next one. Says whether any edge is different.
    pub fn apply_flow(&mut self, flow: Flow) -> bool {
        let mut next = Snapshot::clone(&self.snapshot);
        let joined = flow.join(&mut next);
        let is_different = !joined.is_empty();
        replace_links(&mut next, joined);
        next.revision += 1;
        self.snapshot = Arc::new(next);
        is_different
    }

    fn update(
        &mut self,
        mut next: Snapshot,
        texts: FxHashMap<FileId, Option<Arc<str>>>,
        extras: &Extras,
        membership: bool,
    ) -> Timings {
        let start = Instant::now();
        let cost = Cost::default();
        let summarized: Vec<(FileId, Option<Summarized>, Vec<u64>)> =
            for_each(texts.into_iter().collect(), |(file, text)| {
                let before = next.files[file.index()].as_deref();
                let path = &*next.paths[file.index()];
                let after = text.map(|text| facts(path, extras, text, before, &cost));
                let changed = compare(file, before, after.as_ref().map(|after| &after.facts));
                (file, after, changed)
            });
        let summarized_at = Instant::now();
        let mut stale: FxHashSet<FileId> = FxHashSet::default();
        let mut orphaned: FxHashSet<FileId> = FxHashSet::default();
        let mut edits = Edits::default();
        for (file, summarized, keys) in summarized {
            let (facts, replaced) = summarized.map(|it| (it.facts, it.replaced)).unzip();
            // What modules are called is nothing that code is asked for one by one.
            edits.bodies.extend(replaced.flatten().filter(|_| !membership).map(|it| (file, it)));
            let before = std::mem::replace(&mut next.files[file.index()], facts.map(Arc::new));
            let lost = lost_definitions(before.as_deref(), next.files[file.index()].as_deref());
            if !lost.is_empty() {
                let inbound = next.inbound[file.index()].iter().copied();
                orphaned.extend(inbound.filter(|&source| next.flow.leads_to(source, file, &lost)));
            }
            edits.changed.extend(keys);
            stale.insert(file);
        }
        if membership {
            let files = next.files.iter().enumerate().filter(|(_, facts)| facts.is_some());
            let files = files.map(|(index, _)| (FileId(index as u32), &*next.paths[index]));
            let modules = Modules::new(&next.roots, files);
            edits.changed.extend(modules.difference(&next.modules).into_iter().map(|name| module_item(&name)));
            stale.extend(modules.renamed(&next.modules));
            next.modules = Arc::new(modules);
        }
        if !edits.changed.is_empty() {
            stale.extend(concerned(&next, &edits.changed));
        }
        let compared_at = Instant::now();
        relink(&mut next, stale.into_iter().collect(), orphaned, &edits);
        next.revision += 1;
        self.snapshot = Arc::new(next);
        let (parse, summarise) = cost.divide(summarized_at - start);
        Timings { parse, summarise, compare: compared_at - summarized_at, link: compared_at.elapsed() }
    }
}

/// What an edit means for links.
#[derive(Default)]
struct Edits {
    /// The keys whose content is different.
    changed: FxHashSet<u64>,
    /// The files in which only one body is.
    bodies: FxHashMap<FileId, EditedBody>,
}

/// What is known of texts besides what they say.
#[derive(Default)]
struct Extras {
    archived: FxHashMap<PathBuf, (Arc<str>, Archived)>,
    edited: FxHashMap<PathBuf, SharedTree>,
}

impl Extras {
    /// The tree of a text that is being edited.
    fn tree(&self, path: &Path, text: &Arc<str>) -> Option<&SharedTree> {
        // As below.
        self.edited.get(path).filter(|of| Arc::ptr_eq(of.text(), text))
    }

    fn archived(&self, path: &Path, text: &Arc<str>) -> Option<Archived> {
        // Of what a path says the last counts, and it may not be what was archived.
        let (_, archived) = self.archived.get(path).filter(|(of, _)| Arc::ptr_eq(of, text))?;
        Some(archived.clone())
    }
}

/// Nanoseconds of all threads together.
#[derive(Default)]
struct Cost {
    parse: AtomicU64,
    summarise: AtomicU64,
}

impl Cost {
    fn add(to: &AtomicU64, time: Duration) {
        to.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// The facts of a text, and for one that is being edited from which body they come; with what that takes noted.
    fn summarize(&self, text: &str, edited: Option<&SharedTree>, is_test_file: bool) -> (Arc<Summary>, Vec<Body>) {
        let start = Instant::now();
        let (tree, own);
        let parsed: &Parsed = match edited {
            Some(edited) => {
                tree = edited.get();
                &tree
            }
            None => {
                own = syntax::parse(text);
                &own
            }
        };
        let parsed_at = Instant::now();
        Cost::add(&self.parse, parsed_at - start);
        let (summary, bodies) = summarize_edited(text, parsed, is_test_file);
        Cost::add(&self.summarise, parsed_at.elapsed());
        (Arc::new(summary), if edited.is_some() { bodies } else { Vec::new() })
    }

    /// Divides `wall` as the threads' time was.
    fn divide(self, wall: Duration) -> (Duration, Duration) {
        let (parse, summarise) = (self.parse.into_inner(), self.summarise.into_inner());
        let parse = wall.mul_f64(parse as f64 / (parse + summarise).max(1) as f64);
        (parse, wall.saturating_sub(parse))
    }
}

/// The facts of a text, with what stands in for what it lost.
fn facts(path: &Path, extras: &Extras, text: Arc<str>, before: Option<&FileFacts>, cost: &Cost) -> Summarized {
    let archived = extras.archived(path, &text);
    let restored = archived.is_some();
    let edited = extras.tree(path, &text).filter(|_| !restored);
    let is_test_file = is_test_file(path);
    let mut replaced = None;
    let (summary, bodies) = match archived {
        Some(archived) => (archived.0, Vec::new()),
        None => {
            let start = Instant::now();
            match before.filter(|_| edited.is_some()).and_then(|it| replace_body(it, &text, is_test_file)) {
                Some(part) => {
                    Cost::add(&cost.summarise, start.elapsed());
                    replaced = Some(EditedBody {
                        function: part.after.function,
                        before: part.before.begin..part.before.end,
                        after: part.after.begin..part.after.end,
                    });
                    (Arc::new(part.summary), part.bodies)
                }
                None => cost.summarize(&text, edited, is_test_file),
            }
        }
    };
    let (mut last_good, mut retained) = (None, None);
    if !summary.errors.is_empty()
        && let Some(before) = before
    {
        let good: &Arc<Summary> = before.last_good.as_ref().unwrap_or(&before.summary);
        if good.errors.is_empty() {
            retained = Retained::new(good, &summary).map(Arc::new);
            last_good = Some(good.clone());
        }
    }
    let slots = Slots::next(before.map(|before| &*before.slots), &summary, retained.as_deref());
    let fingerprint = crate::flow::fingerprint(&summary);
    let (source, slots) = (Source::new(text), Arc::new(slots));
    let (path, tree, bodies) = (path.into(), edited.cloned(), bodies.into());
    let facts = FileFacts { path, source, tree, summary, bodies, restored, last_good, retained, slots, fingerprint };
    Summarized { facts, replaced }
}

struct Summarized {
    facts: FileFacts,
    replaced: Option<EditedBody>,
}

/// The facts of a text that is the one before but for one body.
fn replace_body(before: &FileFacts, text: &str, is_test_file: bool) -> Option<Replaced> {
    let replaced = replace(&before.summary, &before.bodies, before.source.text(), text, is_test_file)?;
    #[cfg(debug_assertions)]
    if text.len().is_multiple_of(SAMPLED) {
        let (summary, bodies) = summarize_edited(text, &syntax::parse(text), is_test_file);
        assert_eq!(format!("{:#?}", replaced.summary), format!("{summary:#?}"), "a body was replaced");
        assert_eq!(replaced.bodies, bodies, "a body was replaced");
    }
    Some(replaced)
}

/// One of so many edits is compared with facts from scratch where assertions are on.
#[cfg(debug_assertions)]
const SAMPLED: usize = 8;

/// The paths of definitions that are gone, which values may still be thought to flow to.
fn lost_definitions(before: Option<&FileFacts>, after: Option<&FileFacts>) -> FxHashSet<u64> {
    let Some(before) = before else { return FxHashSet::default() };
    let is_gone = |path: &u64| after.is_none_or(|after| after.slots.of_path(*path).is_none());
    before.summary.symbols.iter().map(|symbol| symbol.path).filter(is_gone).collect()
}

/// Whether pytest would look for tests in the file: its own rule, and the `tests.py` of frameworks.
pub fn is_test_file(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.starts_with("test_") || stem.ends_with("_test") || stem == "tests"
}

/// The keys whose content differs between two states of a file. Nobody has looked up anything in a file that was not
/// there; that it is now concerns those who looked for its module.
fn compare(file: FileId, before: Option<&FileFacts>, after: Option<&FileFacts>) -> Vec<u64> {
    let Some(before) = before else { return Vec::new() };
    let no_items = FxHashMap::default();
    let before_items = before.summary.items();
    let after_items = after.map_or(&no_items, |facts| facts.summary.items());
    let gone_or_different = before_items.iter().filter(|(key, hash)| after_items.get(key) != Some(hash));
    let new = after_items.keys().filter(|key| !before_items.contains_key(key));
    let mut changed: Vec<u64> = gone_or_different.map(|(key, _)| *key).chain(new.copied()).collect();
    // Stand-ins come and go with the syntax errors; whoever looked at what is lost looks again.
    if before.retained != after.and_then(|facts| facts.retained.clone()) {
        for facts in [Some(before), after].into_iter().flatten() {
            for summary in facts.last_good.iter().chain([&facts.summary]) {
                changed.extend(summary.items().keys());
            }
        }
    }
    changed.iter_mut().for_each(|key| *key = file_item(file, *key));
    changed
}

/// The files that have looked up one of the keys. Nobody has looked up anything in a file that was not there.
fn concerned(next: &Snapshot, changed: &FxHashSet<u64>) -> Vec<FileId> {
    let mut keys: Vec<u64> = changed.iter().copied().collect();
    keys.sort_unstable();
    let files = files_of_keys(&keys);
    let candidates: FxHashSet<FileId> = match files.iter().copied().collect::<Option<Vec<_>>>() {
        Some(files) => files.iter().flat_map(|file| next.lookers[file.index()].iter().copied()).collect(),
        // Any may have looked for a module.
        None => (0..next.structure.len()).map(|index| FileId(index as u32)).collect(),
    };
    candidates.into_iter().filter(|file| depends_on(&next.structure[file.index()], changed)).collect()
}

fn depends_on(links: &Links, changed: &FxHashSet<u64>) -> bool {
    if changed.len() < links.dependencies.len() / 8 {
        changed.iter().any(|key| links.dependencies.binary_search(key).is_ok())
    } else {
        links.dependencies.iter().any(|key| changed.contains(key))
    }
}

/// Into how many batches each thread's files are divided. What is remembered while a batch is linked takes memory: half
/// as much, and a fiftieth more work, than with two.
const BATCHES: usize = 8;

/// Links `files` in parallel, and joins them and the `orphaned` ones with the flow of values. What is evaluated for
/// a file is remembered for the next one; no result depends on that.
fn relink(next: &mut Snapshot, mut files: Vec<FileId>, orphaned: FxHashSet<FileId>, edits: &Edits) {
    files.sort_unstable();
    let snapshot = &*next;
    let chunk = files.len().div_ceil(rayon::current_num_threads() * BATCHES).max(1);
    let linked: Vec<Vec<(FileId, Links)>> = for_each(files.chunks(chunk).collect(), |files| {
        let mut evaluator = Evaluator::new(snapshot.world());
        let link = |&file: &FileId| {
            let links = match edits.bodies.get(&file) {
                Some(body) => link_body(snapshot, &mut evaluator, file, body, &edits.changed),
                None => link(snapshot, &mut evaluator, file),
            };
            (file, links)
        };
        files.iter().map(link).collect()
    });
    let linked: Vec<(FileId, Links)> = linked.into_iter().flatten().collect();
    let mut changed = orphaned;
    changed.extend(linked.iter().map(|(file, _)| *file));
    let mut lookers = Sources::default();
    for (file, links) in linked {
        let before = std::mem::replace(&mut next.structure[file.index()], Arc::new(links));
        lookers.note(file, &before.looked_into, &next.structure[file.index()].looked_into);
    }
    lookers.update(&mut next.lookers, &next.ranks);
    let mut changed: Vec<FileId> = changed.into_iter().collect();
    changed.sort_unstable();
    let joined = join_all(next, changed);
    replace_links(next, joined);
}

fn replace_links(next: &mut Snapshot, links: Vec<(FileId, Arc<Links>)>) {
    let mut inbound = Sources::default();
    for (file, links) in links {
        let before = std::mem::replace(&mut next.links[file.index()], links);
        inbound.note(file, &before.targets, &next.links[file.index()].targets);
    }
    inbound.update(&mut next.inbound, &next.ranks);
}

/// For each target, the sources that it has lost and those that it has got.
#[derive(Default)]
struct Sources(FxHashMap<FileId, Vec<(FileId, bool)>>);

impl Sources {
    /// The targets of `source`, before and after, each sorted.
    fn note(&mut self, source: FileId, before: &[FileId], after: &[FileId]) {
        for target in before.iter().filter(|target| after.binary_search(target).is_err()) {
            self.0.entry(*target).or_default().push((source, false));
        }
        for target in after.iter().filter(|target| before.binary_search(target).is_err()) {
            self.0.entry(*target).or_default().push((source, true));
        }
    }

    /// Brings up to date the sources of each target, which stand in the order of their paths.
    fn update(self, sources: &mut [Arc<[FileId]>], ranks: &[u32]) {
        for (target, changes) in self.0 {
            let mut now: Vec<FileId> = sources[target.index()].to_vec();
            let gone: FxHashSet<FileId> = changes.iter().filter(|change| !change.1).map(|change| change.0).collect();
            now.retain(|source| !gone.contains(source));
            now.extend(changes.iter().filter(|change| change.1).map(|change| change.0));
            now.sort_unstable_by_key(|source| ranks[source.index()]);
            now.dedup();
            sources[target.index()] = now.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::host;
    use crate::{Analysis, Target};

    fn set(host: &mut AnalysisHost, path: &str, text: &str) {
        let mut change = Change::default();
        change.set(path, text);
        host.apply(change);
    }

    fn callers(analysis: &Analysis, name: &str) -> Vec<String> {
        let [id] = analysis.find(name)[..] else { panic!("{name} is not defined once") };
        callers_of(analysis, id)
    }

    fn callers_of(analysis: &Analysis, id: crate::SymbolId) -> Vec<String> {
        analysis.callers(id).iter().map(|call| analysis.symbol(call.other).qualified_name()).collect()
    }

    const TWO: &str = "#- /a.py\ndef f(): ...\n#- /b.py\nfrom a import f\ndef g():\n    f()\n";

    #[test]
    fn edges_from_files_that_are_not_edited_survive() {
        let mut host = host(TWO);
        let before = host.analysis();
        set(&mut host, "/a.py", "# a comment moves everything\ndef new(): ...\ndef f(x=1):\n    return new()\n");
        assert_eq!(callers(&host.analysis(), "a.f"), ["b.g"]);
        set(&mut host, "/a.py", "");
        assert!(host.analysis().find("a.f").is_empty());
        set(&mut host, "/a.py", "def f(): ...");
        assert_eq!(callers(&host.analysis(), "a.f"), ["b.g"]);
        assert_eq!(callers(&before, "a.f"), ["b.g"], "a snapshot never changes");
    }

    #[test]
    fn identities_outlive_edits() {
        let mut host = host(TWO);
        let id = host.analysis().find("a.f")[0];
        set(&mut host, "/a.py", "class Before: ...\ndef f(): ...\n");
        assert_eq!(host.analysis().find("a.f"), [id]);
        assert_eq!(host.analysis().symbol(id).name, "f");
    }

    #[test]
    fn a_decorator_that_comes_or_goes_concerns_who_uses_the_name() {
        let decorator =
            "import functools\ndef d(f):\n    @functools.wraps(f)\n    def inner(*a): return f(*a)\n    return inner\n";
        let a = |decorated: &str| format!("{decorator}class C:\n{decorated}    def m(self): ...\n");
        let b = "from a import C\nclass D(C):\n    def m(self):\n        super().m()\n";
        let mut host = host(&format!("#- /a.py\n{}#- /b.py\n{b}", a("    @d\n")));
        set(&mut host, "/a.py", &a(""));
        assert_eq!(callers(&host.analysis(), "a.C.m"), ["b.D.m"]);
        assert_eq!(
            host.analysis().stats().exact_edges,
            crate::testing::host(&format!("#- /a.py\n{}#- /b.py\n{b}", a(""))).analysis().stats().exact_edges
        );
    }

    #[test]
    fn what_was_looked_up_in_vain_is_looked_up_again() {
        let mut host = host("#- /b.py\nfrom a import f\nf()\n");
        assert_eq!(host.analysis().stats().exact_edges, 0);
        set(&mut host, "/a.py", "def f(): ...\n");
        assert_eq!(callers(&host.analysis(), "a.f"), ["b"]);
    }

    #[test]
    fn a_text_that_does_not_parse_keeps_what_it_defined() {
        let mut host =
            host("#- /a.py\nclass C:\n    def m(self): ...\ndef f(): ...\n#- /b.py\nimport a\na.f()\na.C().m()\n");
        // Cut out to be pasted elsewhere, on the way of typing something.
        set(&mut host, "/a.py", "x = {'a': \n");
        let analysis = host.analysis();
        let file = analysis.file(Path::new("/b.py")).unwrap();
        let targets = analysis.targets(file, syntax::TextSize::new("import a\na.".len() as u32));
        let [Target::Symbol(id, _)] = targets[..] else { panic!("{targets:?}") };
        assert_eq!(analysis.symbol(id).qualified_name(), "a.f");
        assert!(analysis.symbol(id).is_retained());
        assert!(callers_of(&analysis, id).contains(&"b".to_owned()));
        assert_eq!(analysis.symbol(id).signature(), "def f()");
        set(&mut host, "/a.py", "x = ''\ndef f(): ...\n");
        assert_eq!(callers(&host.analysis(), "a.f"), ["b"]);
        assert!(host.analysis().find("a.C").is_empty(), "mended text decides");
    }

    #[test]
    fn typing_where_it_does_not_parse_concerns_nobody_else() {
        let mut host = host(TWO);
        let links = |host: &AnalysisHost| {
            let file = host.analysis().file(Path::new("/b.py")).unwrap();
            host.snapshot.structure[file.index()].clone()
        };
        let good = links(&host);
        set(&mut host, "/a.py", "x = {'a': \n");
        let broken = links(&host);
        assert!(!Arc::ptr_eq(&good, &broken), "who calls what is lost is linked again");
        set(&mut host, "/a.py", "# still\nx = {'a': \n");
        assert!(Arc::ptr_eq(&broken, &links(&host)));
        set(&mut host, "/a.py", "x = {'a': 1}\n");
        assert!(!Arc::ptr_eq(&broken, &links(&host)));
    }

    #[test]
    fn what_follows_an_open_bracket_stays() {
        let mut host = host(TWO);
        set(&mut host, "/a.py", "x = {'a': \ndef f(): ...\nclass C: ...\n");
        let analysis = host.analysis();
        assert!(!analysis.symbol(analysis.find("a.f")[0]).is_retained());
        assert_eq!(callers(&analysis, "a.f"), ["b.g"]);
        assert_eq!(analysis.find("a.C").len(), 1);
    }

    #[test]
    fn an_overlay_does_not_touch_the_original() {
        let host = host(TWO);
        let mut overlay = host.clone();
        set(&mut overlay, "/b.py", "");
        assert!(callers(&overlay.analysis(), "a.f").is_empty());
        assert_eq!(callers(&host.analysis(), "a.f"), ["b.g"]);
    }

    #[test]
    fn nesting_and_cycles_end() {
        let nested = format!("x = {}1{}\n", "(".repeat(3000), ")".repeat(3000));
        let chain = format!("x = a{}\n", ".b".repeat(3000));
        let sum = format!("x = {}\n", vec!["1"; 20_000].join(" + "));
        let calls = format!("x = f{}\n", "()".repeat(3000));
        let ifs: String = (0..90).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
        let loops: String = (0..60).map(|depth| format!("while x{depth}: x = f(x)\n")).collect();
        let deep_loops: String = (0..40).map(|depth| format!("{}while x:\n", " ".repeat(depth))).collect();
        let deep_loops = format!("x = 1\n{deep_loops}{}x = f(x)\n", " ".repeat(40));
        for text in
            [nested, loops, deep_loops, chain, sum, calls, ifs, "class A(A): ...\nclass B(B.C): ...\n".to_owned()]
        {
            let mut host = AnalysisHost::new(Vec::new());
            set(&mut host, "/a.py", &text);
            let analysis = host.analysis();
            let file = analysis.file(Path::new("/a.py")).unwrap();
            for offset in (0..text.len()).step_by(text.len() / 50 + 1) {
                analysis.targets(file, syntax::TextSize::new(offset as u32));
            }
            analysis.undefined_names(file);
            analysis.missing_members(file);
        }
        let ring: String = (0..100)
            .map(|i| {
                format!("#- /m{i}.py\nfrom m{} import f as g\ndef f(): return g()\nclass C: x = g()\n", (i + 1) % 100)
            })
            .collect();
        assert_eq!(crate::testing::host(&ring).analysis().stats().exact_edges, 200);
    }
}
