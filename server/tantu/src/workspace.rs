//! Reading a workspace for one command.

mod imports;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::workspace::folders::{self, Root};
use ::workspace::persistence::{Persistence, default_directory};

use ::workspace::project;
use ::workspace::settings::{self, ConfigFile, Layer, Settings};
use anyhow::Context;
use graph::{Analysis, AnalysisHost, Change, FileId};

use crate::output;

/// A folder with its graph.
pub(crate) struct Workspace {
    /// Absolute.
    pub(crate) root: PathBuf,
    pub(crate) host: AnalysisHost,
    pub(crate) analysis: Analysis,
    /// How many files were not parsed, because they are known from before.
    pub(crate) cached: usize,
    /// Absent where nothing can be kept.
    pub(crate) persistence: Option<Arc<Persistence>>,
    pub(crate) timings: Timings,
    keeping: Option<Keeping>,
}

/// What reading a workspace took, in wall time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Timings {
    pub(crate) discover: Duration,
    pub(crate) read: Duration,
    pub(crate) graph: graph::Timings,
}

/// What was learned is kept while the command does its work.
struct Keeping(Option<JoinHandle<()>>);

impl Keeping {
    /// `None` without a database or a thread: then only the next command takes longer.
    fn start(persistence: Option<&Arc<Persistence>>, analysis: &Analysis, documents: Vec<PathBuf>) -> Option<Self> {
        let (persistence, analysis) = (persistence?.clone(), analysis.clone());
        let work = move || {
            let files: Vec<FileId> = analysis.files().collect();
            let result = persistence
                .keep_summaries(&analysis, &files)
                .and_then(|()| persistence.keep_documents(&analysis, &documents))
                .and_then(|()| persistence.prune());
            warn(&persistence, result);
        };
        let thread = std::thread::Builder::new().name("persistence".to_owned()).spawn(work).ok()?;
        Some(Keeping(Some(thread)))
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        // A panic has been reported.
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// Says on standard error what could not be kept.
pub(crate) fn warn<E: std::fmt::Display>(persistence: &Persistence, result: Result<(), E>) {
    if let Err(error) = result {
        output::warn(format!("not kept for the next time in {}: {error}", persistence.path().display()));
    }
}

impl Workspace {
    /// Reads all of the folder `root`, and follows where values flow, as an editor's server does. What cannot be read is named on
    /// standard error.
    ///
    /// # Errors
    /// When `root` is no folder.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut workspace = Self::read_links(root)?;
        workspace.apply_flow();
        Ok(workspace)
    }

    /// As [`Self::read`], without following values: for what asks for nobody's callers.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_links(root: &Path) -> anyhow::Result<Self> {
        Self::read_with(root, default_directory().as_deref())
    }

    /// As [`Self::read_links`]; what is known from before is in the folder `databases`.
    fn read_with(root: &Path, databases: Option<&Path>) -> anyhow::Result<Self> {
        let root = existing(root)?;
        anyhow::ensure!(root.is_dir(), "{} is not a folder", root.display());
        let start = Instant::now();
        let discovery = graph::discover(&root);
        let discover = start.elapsed();
        let bar = output::progress(discovery.files.len() as u64, "reading");
        let (mut change, skipped) = graph::load(&discovery.files, &|done| bar.set_position(done as u64));
        let read = start.elapsed() - discover;
        bar.finish_and_clear();
        let roots = vec![root.clone()];
        let persistence = databases.and_then(|folder| Persistence::open(folder, &roots)).map(Arc::new);
        let cached = persistence.as_ref().map_or(0, |persistence| persistence.restore(&mut change));
        for skipped in discovery.skipped.iter().chain(&skipped) {
            output::warn(format!("skipped: {} {}", skipped.path.display(), skipped.reason));
        }
        let mut host = AnalysisHost::new(roots).with_test_names(project::test_names(&root));
        let graph = host.apply(change);
        let timings = Timings { discover, read, graph };
        let analysis = host.analysis();
        let keeping = Keeping::start(persistence.as_ref(), &analysis, discovery.documents);
        Ok(Workspace { root, host, analysis, cached, persistence, timings, keeping })
    }

    /// Where the workspace's prose can be searched, as it is now.
    pub(crate) fn documents(&mut self) -> Option<Arc<Persistence>> {
        drop(self.keeping.take());
        self.persistence.clone()
    }

    /// Keeps nodes and edges for whoever asks with SQL.
    pub(crate) fn keep_rows(&self) {
        if let Some(persistence) = &self.persistence {
            let files: Vec<FileId> = self.analysis.files().collect();
            warn(persistence, persistence.keep_rows(&self.analysis, &files));
        }
    }

    /// Solves the flow of values as well.
    pub(crate) fn apply_flow(&mut self) {
        self.host.apply_flow(self.analysis.solve_flow());
        self.analysis = self.host.analysis();
        if self.analysis.is_flow_cut() {
            output::warn(
                "values were followed in part only, the rest takes too long here: some callers may be missing",
            );
        }
    }

    /// Reads the workspace around `paths` (the current folder if there are none); with its files that are at or below
    /// one of them, sorted by path.
    ///
    /// # Errors
    /// When one of them does not exist, or is a file that is no Python or ignored.
    pub(crate) fn around(paths: &[PathBuf]) -> anyhow::Result<(Self, Vec<FileId>)> {
        let (mut workspace, files) = Self::around_links(paths)?;
        workspace.apply_flow();
        Ok((workspace, files))
    }

    /// As [`Self::around`], without following values.
    ///
    /// # Errors
    /// As [`Self::around`].
    pub(crate) fn around_links(paths: &[PathBuf]) -> anyhow::Result<(Self, Vec<FileId>)> {
        let here = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &here } else { paths };
        let paths: Vec<PathBuf> = paths.iter().map(|path| existing(path)).collect::<anyhow::Result<_>>()?;
        let workspace = Workspace::read_links(&root_of_all(&paths)?)?;
        let analysis = &workspace.analysis;
        let is_meant = |file: &FileId| paths.iter().any(|path| analysis.path(*file).starts_with(path));
        let files = analysis.files().filter(is_meant).collect();
        for path in &paths {
            // A file that was named and not looked at must not pass for one with nothing to report.
            if path.is_file() {
                workspace.file(path)?;
            }
        }
        Ok((workspace, files))
    }

    /// Reads one file and nothing else of its workspace.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of_file(path: &Path) -> anyhow::Result<Self> {
        let path = existing(path)?;
        let name = path.display();
        let text = syntax::read_source(&path).map_err(|error| anyhow::anyhow!("{name} {error}"))?;
        anyhow::ensure!(graph::is_python(&path), "{name} is not a Python file");
        let root = folders::around(&path).folder;
        let mut host = AnalysisHost::new(vec![root.clone()]);
        let mut change = Change::default();
        change.set(path, text);
        let timings = Timings { graph: host.apply(change), ..Timings::default() };
        let analysis = host.analysis();
        Ok(Workspace { root, host, analysis, cached: 0, persistence: None, timings, keeping: None })
    }

    /// Reads one file, what it imports of its workspace, and what is loaded before it: the packages around it, and pytest's
    /// `conftest.py`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn of_imports(path: &Path) -> anyhow::Result<Self> {
        let mut workspace = Self::of_file(path)?;
        let path = existing(path)?;
        let mut known = HashSet::from([path.clone()]);
        let mut fresh = vec![path];
        while !fresh.is_empty() {
            let mut change = Change::default();
            let mut found = Vec::new();
            for path in imports::loaded_with(&workspace.analysis, &workspace.root, &fresh) {
                if known.insert(path.clone())
                    && let Ok(text) = syntax::read_source(&path)
                {
                    change.set(path.clone(), text);
                    found.push(path);
                }
            }
            workspace.host.apply(change);
            workspace.analysis = workspace.host.analysis();
            fresh = found;
        }
        Ok(workspace)
    }

    /// What tests are chosen by, and remembered with.
    pub(crate) fn state(&self) -> runs::affected::State<'_> {
        runs::affected::State {
            analysis: &self.analysis,
            root: &self.root,
            store: self.persistence.as_ref().map(|it| it.store()),
            unsaved: &[],
            edited: None,
        }
    }

    /// What the workspace's own files choose, and what it says of itself.
    pub(crate) fn settings(&self) -> Settings {
        let (layer, _) = settings::read(&self.root);
        Settings::new([&Layer::default(), &layer])
    }

    /// The files that have these settings, and what is wrong in them.
    pub(crate) fn config_files(&self) -> Vec<ConfigFile> {
        settings::read(&self.root).1
    }

    /// The file at `path`.
    ///
    /// # Errors
    /// When it does not exist, is no Python, or is not part of the workspace.
    pub(crate) fn file(&self, path: &Path) -> anyhow::Result<FileId> {
        let path = existing(path)?;
        if let Some(file) = self.analysis.file(&path) {
            return Ok(file);
        }
        let name = path.display();
        let is_notebook = path.extension().is_some_and(|it| it == "ipynb");
        anyhow::ensure!(!is_notebook, "{name} is a notebook; only Python files are looked into");
        anyhow::ensure!(graph::is_python(&path), "{name} is not a Python file");
        anyhow::bail!("{name} is not part of the workspace {}, or ignored by .gitignore", self.root.display())
    }

    /// The path as it is reported: relative to the current folder where that is possible.
    pub(crate) fn shown(&self, file: FileId) -> String {
        shown(self.analysis.path(file))
    }
}

/// The path as it is reported: relative to the current folder where that is possible.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    relative.unwrap_or(path).display().to_string()
}

/// The absolute path of something that exists, without `..` and symbolic links.
///
/// # Errors
/// When there is no such thing, or it must not be seen.
pub(crate) fn existing(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("cannot open {}", path.display()))
}

/// The folder of the workspace around what exists at `path`; says which one was taken where nothing marks it.
///
/// # Errors
/// When there is nothing at `path`.
pub(crate) fn root_of(path: &Path) -> anyhow::Result<PathBuf> {
    root_of_all(&[existing(path)?])
}

/// The same for several paths, which must be absolute.
fn root_of_all(paths: &[PathBuf]) -> anyhow::Result<PathBuf> {
    let Root { folder, is_guess } = folders::around_all(paths).context("no path is named")?;
    if is_guess && folder != existing(Path::new("."))? {
        output::warn(format!(
            "nothing such as pyproject.toml or .git marks the workspace: taken for it is {}",
            folder.display()
        ));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_read_once_is_known() {
        let (folder, databases) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("a.py"), "def f(): ...\n").unwrap();
        fs::write(folder.path().join("b.py"), "from a import f\nf()\n").unwrap();
        let read = |databases: Option<&Path>| {
            let workspace = Workspace::read_with(folder.path(), databases).unwrap();
            workspace.keep_rows();
            (workspace.cached, workspace.analysis.stats())
        };
        let (cached, cold) = read(Some(databases.path()));
        assert_eq!((cached, cold.exact_edges), (0, 1));
        assert_eq!(read(Some(databases.path())), (2, cold));
        assert_eq!(read(None), (0, cold));
        // No folder can be made below a file.
        assert_eq!(read(Some(&folder.path().join("a.py"))), (0, cold));
    }

    #[test]
    fn a_file_is_read_with_what_it_imports() {
        let folder = tempfile::tempdir().unwrap();
        let top = existing(folder.path()).unwrap();
        for (path, text) in [
            ("pyproject.toml", ""),
            ("conftest.py", ""),
            ("tests/test_a.py", "import shop.cart\nfrom . import extra\nimport os, numpy\n"),
            ("tests/__init__.py", ""),
            ("tests/extra.py", ""),
            ("src/shop/__init__.py", "from .money import price, tax\n"),
            ("src/shop/cart.py", ""),
            ("src/shop/money/__init__.py", "def price(): ...\n"),
            ("src/shop/money/tax.py", ""),
            ("src/shop/other.py", ""),
        ] {
            fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            fs::write(top.join(path), text).unwrap();
        }
        let workspace = Workspace::of_imports(&top.join("tests/test_a.py")).unwrap();
        let analysis = &workspace.analysis;
        let paths = analysis.files().map(|file| analysis.path(file).strip_prefix(&top).unwrap().display().to_string());
        let expected = [
            "conftest.py",
            "src/shop/__init__.py",
            "src/shop/cart.py",
            "src/shop/money/__init__.py",
            "src/shop/money/tax.py",
            "tests/__init__.py",
            "tests/extra.py",
            "tests/test_a.py",
        ];
        assert_eq!(paths.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_workspace_is_the_nearest_folder_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let top = existing(folder.path()).unwrap();
        fs::create_dir_all(top.join("shop/deep")).unwrap();
        fs::write(top.join("shop/deep/a.py"), "x = 1\n").unwrap();
        fs::write(top.join("shop/pyproject.toml"), "").unwrap();
        assert_eq!(root_of(&top.join("shop/deep/a.py")).unwrap(), top.join("shop"));
        let roundabout = top.join("shop/deep/../deep/a.py");
        let workspace = Workspace::of_file(&roundabout).unwrap();
        assert_eq!(workspace.root, top.join("shop"));
        assert!(workspace.file(&roundabout).is_ok());
        let missing = workspace.file(&top.join("b.py")).unwrap_err().to_string();
        assert!(missing.contains("b.py"), "{missing}");
    }
}
