//! One request of the sandbox's protocol, run confined.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use rustix::process::Pid;
use rustix::rand::{GetRandomFlags, getrandom};
use sandbox::{Action, Event, Limits, Outcome, Request, Status};
use serde_json::json;

use crate::channel::Said;
use crate::interpreter::Interpreter;
use crate::process::{Confinement, Happened, Started};
use crate::remove::remove;
use crate::stage::{Stage, inside};
use crate::{Error, Spec, judge};

/// What runs inside, by name.
const GUEST: [(&str, &str); 4] = [
    // The same as in the sandbox.
    ("django_tests.py", include_str!("../../../sandbox-wasi/guest/tantu_guest/django_tests.py")),
    ("start.py", include_str!("../guest/start.py")),
    ("tantu_coverage.py", include_str!("../guest/tantu_coverage.py")),
    ("tantu_runner.py", include_str!("../guest/tantu_runner.py")),
];

/// Bytes of private memory: of one process, of all together at least. Compiled packages take more than the sandbox.
const MEMORY: u64 = 4 << 30;
/// Bytes in a file, and of all that is written.
const FILE: u64 = 512 << 20;
const DISK: u64 = 1 << 30;
/// Processes and threads, where the kernel counts them for this run alone.
const PROCESSES: u64 = 1024;

/// The private folders of one warden: the copy of the workspace, what runs inside, and what may be written.
pub(crate) struct Runs<'a> {
    /// This program's file.
    pub(crate) program: PathBuf,
    pub(crate) group: &'a Mutex<Option<Pid>>,
    folder: PathBuf,
    /// Held as long as the folders are in use.
    _lock: File,
    stage: Option<Stage>,
    /// An interpreter that has imported pytest and nothing of the workspace, for the next run.
    spare: Option<(Spec, Started)>,
    /// What the last run was.
    latest: Option<Spec>,
    /// Private folders that were made.
    made: u64,
}

impl<'a> Runs<'a> {
    /// Makes new folders below `cache`, and removes those of wardens that were killed.
    ///
    /// # Errors
    /// When folders or files cannot be made.
    pub(crate) fn new(program: PathBuf, cache: &Path, group: &'a Mutex<Option<Pid>>) -> Result<Self, Error> {
        let private = |folder: &Path| DirBuilder::new().recursive(true).mode(0o700).create(folder);
        private(cache).map_err(Error::io("make the folder of private copies"))?;
        let cache = cache.canonicalize().map_err(Error::io("find the folder of private copies"))?;
        remove_abandoned(&cache);
        let own = tempfile::Builder::new().prefix("run-").tempdir_in(&cache);
        let folder = own.map_err(Error::io("make a private folder"))?.keep();
        let lock = File::create(folder.join("lock")).map_err(Error::io("lock a private folder"))?;
        lock.lock().map_err(Error::io("lock a private folder"))?;
        let guest = folder.join("guest");
        private(&guest).map_err(Error::io("make a private folder"))?;
        for (name, text) in GUEST {
            fs::write(guest.join(name), text).map_err(Error::io("write what runs inside"))?;
        }
        Ok(Runs { program, group, folder, _lock: lock, stage: None, spare: None, latest: None, made: 0 })
    }

    /// Removes the folders.
    pub(crate) fn close(mut self) {
        self.spare = None;
        let _ = remove(&self.folder);
    }

    /// Starts the interpreter of the next run like this one. One that is not used costs its memory until the worker is dismissed.
    pub(crate) fn prepare_next(&mut self) {
        let Some(spec) = self.latest.take() else { return };
        let own = match self.private() {
            Ok(own) => own,
            // Then the next run says it.
            Err(_) => return,
        };
        let spec = within(&spec, own);
        self.spare = Started::new(&self.program, &spec).ok().map(|started| (spec, started));
    }

    /// A new private folder.
    fn private(&mut self) -> Result<PathBuf, Error> {
        self.made += 1;
        let own = self.folder.join(format!("own-{}", self.made));
        for folder in ["tmp", "home", "shm"] {
            fs::create_dir_all(own.join(folder)).map_err(Error::io("make a private folder"))?;
        }
        Ok(own)
    }

    /// A program of this specification that waits: the one that was started before, if it is the same but for its private folder.
    fn started(&mut self, spec: Spec) -> Result<(Spec, Started), Error> {
        if let Some((prepared, started)) = self.spare.take() {
            if within(&spec, prepared.write.clone()) == prepared {
                return Ok((prepared, started));
            }
            drop(started);
            let _ = remove(&prepared.write);
        }
        let spec = within(&spec, self.private()?);
        let started = Started::new(&self.program, &spec)?;
        Ok((spec, started))
    }

    /// Runs `request` within its limits.
    ///
    /// # Errors
    /// When the confinement itself does not work; what the code does is an outcome.
    pub(crate) fn run(&mut self, request: &Request, on_event: &dyn Fn(Event)) -> Result<Outcome, Error> {
        match self.try_run(request, on_event) {
            Err(Error::Refused(reason)) => {
                Ok(Outcome::without_run(Status::NotRunnable, format_args!("tantu: {reason}")))
            }
            result => result,
        }
    }

    fn try_run(&mut self, request: &Request, on_event: &dyn Fn(Event)) -> Result<Outcome, Error> {
        let Some(interpreter) = Interpreter::of(&request.site) else {
            return Err(Error::Refused("the project has no Python environment to run this in".to_owned()));
        };
        let root = request.root.canonicalize().map_err(Error::io("find the workspace"))?;
        let copy = self.folder.join("ws");
        let mut stage = match self.stage.take() {
            Some(stage) if stage.root() == root => stage,
            _ => {
                // It may read the folder that is removed here, and not the one of the same name.
                self.spare = None;
                if copy.exists() {
                    remove(&copy).map_err(Error::io("remove the copy of another workspace"))?;
                }
                fs::create_dir(&copy).map_err(Error::io("make the copy of the workspace"))?;
                Stage::new(root.clone(), copy.clone())
            }
        };
        stage.sync(&request.overlay)?;
        let mut random = [0_u8; 16];
        getrandom(&mut random, GetRandomFlags::empty())
            .map_err(|error| Error::io("read random bytes")(error.into()))?;
        let nonce = random.iter().map(|it| format!("{it:02x}")).collect::<String>();
        let mut told = json!({
            "nonce": nonce,
            "root": copy,
            "left_out": stage.left_out,
            "watched": request.watched,
            "whole": request.whole_files,
            "writable": request.writable,
        });
        match &request.action {
            Action::Pytest { targets } => {
                let everything = [".".to_owned()];
                let targets = if targets.is_empty() { &everything[..] } else { targets };
                for target in targets {
                    // An option is none.
                    let path = target.split("::").next().unwrap_or_default();
                    if path.starts_with('-') || (path != "." && !copy.join(inside(Path::new(path))?).exists()) {
                        self.stage = Some(stage);
                        return Err(Error::Refused(format!("there is no {path} in the copy of the workspace")));
                    }
                }
                (told["action"], told["targets"]) = ("pytest".into(), json!(targets));
            }
            Action::Script { path } => {
                (told["action"], told["path"]) = ("script".into(), json!(inside(path)?));
            }
            Action::Code { .. } | Action::Cell { .. } | Action::Doctest { .. } | Action::Generated { .. } => {
                self.stage = Some(stage);
                return Err(Error::Refused("only tests and scripts run confined".to_owned()));
            }
        }
        let also_write = if request.writable { vec![copy.clone()] } else { Vec::new() };
        let before = stage.size();
        if request.writable {
            stage.touch();
        }
        self.stage = Some(stage);

        let limits = request.limits.clamped();
        let longest = Limits { wall: Duration::MAX, ..Limits::default() }.clamped().wall;
        let mut read = interpreter.read;
        read.extend([copy.clone(), self.folder.join("guest")]);
        let spec = Spec {
            program: Some(interpreter.program),
            arguments: vec![self.folder.join("guest/start.py").to_string_lossy().into_owned()],
            environment: environment(&search_path(&request.site, &root, &copy)),
            folder: copy,
            read,
            also_write,
            data: MEMORY,
            file: FILE,
            // Whoever watches ends it long before; the next run may be longer than this one.
            cpu: (longest + Duration::from_secs(60)).as_secs() * 4,
            processes: PROCESSES,
            ..Spec::default()
        };
        let (spec, started) = self.started(spec)?;
        told["private"] = json!(spec.write);
        let told = told.to_string();
        let confinement = Confinement {
            program: &self.program,
            spec: &spec,
            told: told.as_bytes(),
            wall: limits.wall,
            output: limits.output,
            memory: MEMORY.max(limits.memory),
            disk: DISK,
            before,
            group: self.group,
        };
        on_event(Event::Running);
        let mut said = Said::default();
        let ended = confinement.watch(started, &mut |happened| match happened {
            Happened::Output(stream, text) => on_event(Event::Output { stream, text }),
            Happened::Line(line) => {
                if let Some(result) = said.take(line, &nonce) {
                    on_event(Event::Test(result));
                }
            }
        })?;
        let _ = remove(&spec.write);
        self.latest = Some(spec);
        Ok(judge::conclude(said, ended, &request.action, limits.wall.as_secs_f32()))
    }
}

/// The same with another private folder.
fn within(spec: &Spec, own: PathBuf) -> Spec {
    let variable = |name: &str, folder: &str| (name.to_owned(), own.join(folder).to_string_lossy().into_owned());
    let mut environment = vec![variable("HOME", "home"), variable("TMPDIR", "tmp")];
    let is_other = |it: &&(String, String)| it.0 != "HOME" && it.0 != "TMPDIR";
    environment.extend(spec.environment.iter().filter(is_other).cloned());
    Spec { environment, shared_memory: own.join("shm"), write: own, ..spec.clone() }
}

/// The environment but for the private folders, see [`within`].
fn environment(search: &[PathBuf]) -> Vec<(String, String)> {
    let search: Vec<_> = search.iter().map(|it| it.to_string_lossy()).collect();
    let mut variables = vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("USER", "user".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ];
    if !search.is_empty() {
        variables.push(("PYTHONPATH", search.join(":")));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Where the copy holds what the environment would import from the workspace: its `src`, and what editable installations name.
fn search_path(sites: &[PathBuf], root: &Path, copy: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if copy.join("src").is_dir() {
        found.push(copy.join("src"));
    }
    let entries = sites.iter().filter_map(|site| fs::read_dir(site).ok()).flatten().flatten();
    for entry in entries.filter(|it| it.path().extension().is_some_and(|it| it == "pth")) {
        let Ok(text) = disk::read_bytes(&entry.path(), 1 << 20) else { continue };
        for line in String::from_utf8_lossy(&text).lines() {
            let path = Path::new(line.trim());
            if let Some(inside) = path.is_absolute().then(|| path.strip_prefix(root).ok()).flatten() {
                let path = copy.join(inside);
                if path.is_dir() && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
    }
    found
}

/// Folders whose warden has not lived to remove them.
fn remove_abandoned(cache: &Path) {
    let Ok(entries) = fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let lock = File::open(entry.path().join("lock"));
        let is_young = |it: SystemTime| it.elapsed().is_ok_and(|it| it < Duration::from_secs(60));
        let is_ours = match lock {
            Ok(lock) => lock.try_lock().is_ok(),
            // Another warden is about to make the lock.
            Err(_) => !entry.metadata().and_then(|it| it.modified()).is_ok_and(is_young),
        };
        let is_new = entry
            .metadata()
            .and_then(|it| it.modified())
            .is_ok_and(|it| it.elapsed().is_ok_and(|it| it < Duration::from_secs(2)));
        if is_ours && !is_new {
            let _ = remove(&entry.path());
        }
    }
}
