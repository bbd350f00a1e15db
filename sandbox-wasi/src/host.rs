//! Runs requests, each in a fresh instance of the guest.

mod capture;
mod conclude;
mod instance;

use std::path::{Path, PathBuf};
use std::time::Instant;

use sandbox::{Action, Event, Limits, Outcome, Request, Status};
use tokio::runtime::{Builder, Runtime};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::cache;
use crate::error::Error;
use crate::prepare;
use crate::stage::{self, Stage};

use instance::bindings::{self, Examples, GuestPre, Snippet};
use instance::{Instance, State};

/// The guest, loaded and ready.
pub struct Host {
    compiled: PathBuf,
    loaded: Loaded,
    /// Of the last request; most come from one workspace.
    stage: Option<Stage>,
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
    pub fn load(on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<Self, Error> {
        let compiled = prepare::prepare(on_event)?;
        let loaded = Loaded::load(&compiled, Limits::default().stack)?;
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Error::Load(error.into()))?;
        Ok(Self { compiled, loaded, stage: None, runtime })
    }

    /// Runs the request and returns what came of it, within its limits and a moment for clearing up.
    ///
    /// # Errors
    /// When the sandbox itself fails; what the code does, and what the request asks in vain, is an outcome.
    pub fn run(&mut self, request: &Request, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<Outcome, Error> {
        match self.try_run(request, on_event) {
            Err(Error::Refused(reason)) => Ok(Outcome::without_run(Status::Refused, format_args!("tantu: {reason}"))),
            result => result,
        }
    }

    fn try_run(&mut self, request: &Request, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<Outcome, Error> {
        let limits = request.limits.clamped();
        if limits.stack != self.loaded.stack {
            self.loaded = Loaded::load(&self.compiled, limits.stack)?;
        }
        let stage = match self.stage.take() {
            Some(stage) if stage.is_of(&request.root) => self.stage.insert(stage),
            _ => self.stage.insert(Stage::open(&cache::sandbox_dir()?, &request.root)?),
        };
        let too_large = stage.sync(&request.overlay)?;
        let action = guest_action(&request.action, &stage.workspace())?;

        // Again for every package that turns out to be needed and is installed, with the time counted anew.
        loop {
            on_event(Event::Running);
            stage.clean()?;
            let started = Instant::now();
            let instance = Instance::new(&self.loaded.engine, stage, limits)?;
            let ended = self.runtime.block_on(instance.run(&self.loaded.guest, &action));
            if ended.told.missing.is_empty() || !stage.add_packages(&ended.told.missing)? {
                let mut outcome = conclude::conclude(ended, &request.action, limits, &too_large);
                outcome.millis = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                return Ok(outcome);
            }
        }
    }
}

impl Loaded {
    fn load(compiled: &Path, stack: u64) -> Result<Self, Error> {
        let engine = prepare::engine(stack)?;
        let component = prepare::load(&engine, compiled)?;
        let link = || {
            let mut linker = Linker::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            bindings::Guest::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
            GuestPre::new(linker.instantiate_pre(&component)?)
        };
        let guest = link().map_err(Error::Load)?;
        Ok(Self { stack, engine, guest })
    }
}

/// Checks that the action stays inside the workspace and that its files are there, and puts it in the guest's terms.
fn guest_action(action: &Action, workspace: &Path) -> Result<bindings::Action, Error> {
    let existing = |path: &Path| {
        let path = stage::inside(path)?;
        if workspace.join(path).exists() {
            return slashed(path);
        }
        Err(Error::Refused(format!("there is no {} in the workspace that the sandbox sees", path.display())))
    };
    Ok(match action {
        Action::Script { path } => bindings::Action::Script(existing(path)?),
        Action::Code { text, filename, first_line } => bindings::Action::Code(Snippet {
            text: text.clone(),
            filename: slashed(stage::inside(Path::new(filename))?)?,
            first_line: (*first_line).max(1),
        }),
        Action::Cell { .. } | Action::Generated { .. } => {
            return Err(Error::Refused("this version of the sandbox cannot do that yet".into()));
        }
        Action::Doctest { path, name } => {
            bindings::Action::Doctest(Examples { path: existing(path)?, name: name.clone() })
        }
        Action::Pytest { targets } => {
            let targets = if targets.is_empty() { &[".".to_owned()] } else { targets.as_slice() };
            let target = |target: &String| {
                let (path, test) =
                    target.split_once("::").map_or((target.as_str(), None), |(path, test)| (path, Some(test)));
                let path = if path == "." { ".".to_owned() } else { existing(Path::new(path))? };
                Ok(test.map_or(path.clone(), |test| format!("{path}::{test}")))
            };
            bindings::Action::Pytest(targets.iter().map(target).collect::<Result<_, _>>()?)
        }
    })
}

/// A relative path as the guest writes it.
fn slashed(path: &Path) -> Result<String, Error> {
    let path = path.to_str().ok_or_else(|| Error::Refused(format!("{} is not valid Unicode", path.display())))?;
    Ok(if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() })
}
