//! Runs requests: cells in the instance of their session, all else in a fresh instance of the guest.

mod capture;
mod conclude;
mod instance;
mod quota;
mod sessions;
mod told;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::{Action, Event, Limits, Outcome, Request, Session, Status};
use tokio::runtime::{Builder, Runtime};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings::filesystem;

use crate::cache;
use crate::error::{Error, IoContext};
use crate::prepare;
use crate::stage::{self, Stage};

use instance::bindings::{self, Examples, GuestPre, Inputs, Snippet};
use instance::{Instance, State};
use quota::HasMetered;
pub(crate) use sessions::MAX_SESSIONS;
use sessions::Sessions;

/// A run that has tried to write into the workspace, and may, is begun again with a copy of its own, unless that would take longer
/// again than this and has been of use. Most never try, and to copy a large workspace takes longer than a few tests.
const AGAIN: Duration = Duration::from_secs(5);

/// Receives events while a request is run.
type OnEvent<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// The guest, loaded and ready.
pub struct Host {
    compiled: PathBuf,
    loaded: Loaded,
    /// Of the last request; most come from one workspace.
    stage: Option<Arc<Stage>>,
    sessions: Sessions,
    runtime: Runtime,
}

/// The size of the stack is a property of the engine, so another size means loading again.
struct Loaded {
    stack: u64,
    engine: Engine,
    guest: GuestPre<State>,
}

impl Host {
    /// Compiles the guest for this machine if that has not been done, and loads it.
    ///
    /// # Errors
    /// When there is no guest, it cannot be compiled, or the cache directory cannot be used.
    pub fn load(on_event: OnEvent<'_>) -> Result<Self, Error> {
        let compiled = prepare::prepare(on_event)?;
        let loaded = Loaded::load(&compiled, Limits::default().stack)?;
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Error::Load(error.into()))?;
        Ok(Self { compiled, loaded, stage: None, sessions: Sessions::new(), runtime })
    }

    /// Runs the request and returns what came of it, within its limits and a moment for clearing up.
    ///
    /// # Errors
    /// When the sandbox itself fails; what the code does, and what the request asks in vain, is an outcome.
    pub fn run(&mut self, request: &Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        match self.try_run(request, on_event) {
            Err(Error::Refused(reason)) => Ok(Outcome::without_run(Status::Refused, format_args!("tantu: {reason}"))),
            result => result,
        }
    }

    /// Forgets the state of the sessions with this name.
    pub fn reset(&mut self, session: &str) {
        self.sessions.reset(session);
    }

    fn try_run(&mut self, request: &Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        let limits = request.limits.clamped();
        let stage = self.stage(&request.root)?;
        let too_large = stage.sync(&request.overlay)?;
        let action = guest_action(&request.action, &stage.workspace(), limits.wall)?;
        let watched = request.watched.iter().map(|path| slashed(stage::inside(path)?));
        let watched: Vec<String> = watched.collect::<Result<_, Error>>()?;
        let key = match &request.action {
            Action::Cell { session, .. } => Some((stage.workspace(), session.clone())),
            _ => None,
        };
        let mut known: BTreeSet<String> = request.packages.iter().cloned().collect();
        let packages = stage.packages(&request.site)?;
        if matches!(request.action, Action::Pytest { .. }) {
            known.extend(packages.plugins().while_("list packages in", &stage.site())?);
        }
        packages.add(&known).while_("stage packages in", &stage.site())?;

        let mut continued = key.as_ref().and_then(|key| self.sessions.take(key));
        if continued.is_none() && limits.stack != self.loaded.stack {
            self.loaded = Loaded::load(&self.compiled, limits.stack)?;
        }
        let mut writable = false;
        let mut session = if continued.is_some() { Session::Continued } else { Session::New };
        // Again for every package that turns out to be needed and is installed, with the time counted anew.
        loop {
            on_event(Event::Running);
            let packages = stage.packages(&request.site)?;
            let started = Instant::now();
            let mut instance = match continued.take() {
                Some(mut instance) => {
                    instance.renew(packages, limits);
                    instance
                }
                None => {
                    self.sessions.make_room();
                    Instance::new(&self.loaded.engine, &stage, packages, limits, writable)?
                }
            };
            let ended = self.runtime.block_on(instance.run(
                &self.loaded.guest,
                &action,
                (&watched, request.whole_files),
                limits.wall,
                on_event,
            ));
            let missing = &ended.told.missing;
            let is_new = session == Session::New;
            if is_new
                && !missing.is_empty()
                && stage.packages(&request.site)?.add(missing).while_("read", &stage.site())?
            {
                continue;
            }
            let elapsed = started.elapsed();
            let is_early = ended.told.tests.is_empty() || elapsed < AGAIN;
            let may_write = request.writable && matches!(request.action, Action::Pytest { .. });
            if may_write && !writable && ended.read_only_met && is_early {
                writable = true;
                continue;
            }
            let millis = elapsed.as_millis().try_into().unwrap_or(u64::MAX);
            let survives = ended.result.is_ok();
            let mut outcome = conclude::conclude(ended, &request.action, limits, &too_large);
            if let Some(key) = key {
                if survives {
                    self.sessions.keep(key, instance);
                } else {
                    session = Session::Lost;
                    outcome.stderr.push_str("tantu: what earlier cells have left is gone\n");
                }
                return Ok(Outcome { millis, session: Some(session), ..outcome });
            }
            return Ok(Outcome { millis, ..outcome });
        }
    }

    /// The copy of the workspace that was used last, or that a session uses; else a new one.
    fn stage(&mut self, root: &Path) -> Result<Arc<Stage>, Error> {
        let used = self.stage.iter().chain(self.sessions.iter().map(Instance::stage));
        let stage = match { used }.find(|stage| stage.is_of(root)) {
            Some(stage) => Arc::clone(stage),
            None => Arc::new(Stage::open(&cache::sandbox_dir()?, root)?),
        };
        Ok(Arc::clone(self.stage.insert(stage)))
    }
}

impl Loaded {
    fn load(compiled: &Path, stack: u64) -> Result<Self, Error> {
        let engine = prepare::engine(stack)?;
        let component = prepare::load(&engine, compiled)?;
        let link = || {
            let mut linker = Linker::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            linker.allow_shadowing(true);
            filesystem::types::add_to_linker::<State, HasMetered>(&mut linker, State::metered)?;
            linker.allow_shadowing(false);
            bindings::Guest::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
            GuestPre::new(linker.instantiate_pre(&component)?)
        };
        let guest = link().map_err(Error::Load)?;
        Ok(Self { stack, engine, guest })
    }
}

/// Checks that the action stays inside the workspace and that its files are there, and puts it in the guest's terms.
fn guest_action(action: &Action, workspace: &Path, wall: Duration) -> Result<bindings::Action, Error> {
    let existing = |path: &Path| {
        let path = stage::inside(path)?;
        if workspace.join(path).exists() {
            return slashed(path);
        }
        Err(Error::Refused(format!("there is no {} in the workspace that the sandbox sees", path.display())))
    };
    let target = |target: &String| {
        let (path, test) = target.split_once("::").map_or((target.as_str(), None), |(path, test)| (path, Some(test)));
        let path = if path == "." { ".".to_owned() } else { existing(Path::new(path))? };
        Ok(test.map_or(path.clone(), |test| format!("{path}::{test}")))
    };
    let targets = |targets: &[String]| targets.iter().map(target).collect::<Result<Vec<String>, Error>>();
    Ok(match action {
        Action::Script { path } => bindings::Action::Script(existing(path)?),
        Action::Code { text, filename, first_line } => bindings::Action::Code(snippet(text, filename, *first_line)?),
        Action::Cell { text, filename, first_line, .. } => {
            bindings::Action::Cell(snippet(text, filename, *first_line)?)
        }
        Action::Generated { path, function, inputs, seed, against, tests, calls } => {
            bindings::Action::Generated(Inputs {
                path: existing(path)?,
                function: function.clone(),
                count: *inputs,
                seed: *seed,
                against: against.clone(),
                // Time is left to tell what has come of it.
                millis: (wall / 2).as_millis().try_into().unwrap_or(u64::MAX),
                tests: targets(tests)?,
                calls: calls.clone(),
            })
        }
        Action::Doctest { path, name } => {
            bindings::Action::Doctest(Examples { path: existing(path)?, name: name.clone() })
        }
        Action::Pytest { targets: chosen } => {
            let everything = [".".to_owned()];
            bindings::Action::Pytest(targets(if chosen.is_empty() { &everything } else { chosen })?)
        }
    })
}

fn snippet(text: &str, filename: &str, first_line: u32) -> Result<Snippet, Error> {
    let filename = slashed(stage::inside(Path::new(filename))?)?;
    Ok(Snippet { text: text.to_owned(), filename, first_line: first_line.max(1) })
}

/// A relative path as the guest writes it.
fn slashed(path: &Path) -> Result<String, Error> {
    let path = path.to_str().ok_or_else(|| Error::Refused(format!("{} is not valid Unicode", path.display())))?;
    Ok(if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() })
}
