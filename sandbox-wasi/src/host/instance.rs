//! One instance of the guest: what it can reach, and what stops it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use sandbox::{Event, Limits, Stream, TestResult};
use tokio::time::{Instant, MissedTickBehavior};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use super::capture::Capture;
use super::quota::{Metered, Quota};
pub(super) use super::told::Told;
use crate::error::{Error, IoContext};
use crate::stage::{Packages, Scratch, Stage};

use bindings::{Guest, GuestPre, Verdict};

pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "guest/wit",
        world: "guest",
        exports: { default: async },
    });
}

/// How often the guest is interrupted to see whether its time is up.
const TICK: Duration = Duration::from_millis(10);

/// How often is told what has been written and tested.
const NEWS: Duration = Duration::from_millis(50);

/// Time that is granted for copying packages while the guest waits for them.
const MAX_STAGING: Duration = Duration::from_secs(4);

/// How a run ended, and what was known by then.
pub(super) struct Ended {
    pub(super) result: wasmtime::Result<Verdict>,
    pub(super) timed_out: bool,
    pub(super) memory_denied: bool,
    pub(super) tmp_full: bool,
    /// The guest has tried to write what it may only read.
    pub(super) read_only_met: bool,
    pub(super) told: Told,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What a session keeps between its cells; every other run has its own.
pub(super) struct Instance {
    store: Store<State>,
    /// Absent before the first run.
    guest: Option<Guest>,
    stdout: Capture,
    stderr: Capture,
    tests: mpsc::Receiver<TestResult>,
    heard: mpsc::Sender<TestResult>,
}

impl Instance {
    /// With `writable`, the guest sees a copy of the workspace that is its own, and may write into it.
    pub(super) fn new(
        engine: &Engine,
        stage: &Arc<Stage>,
        packages: Packages,
        limits: Limits,
        writable: bool,
    ) -> Result<Self, Error> {
        let scratch = stage.scratch()?;
        let mut quota = Quota::new(vec![scratch.tmp(), scratch.dev(), scratch.home()]);
        let mut workspace = (stage.workspace(), "/ws", FsPerms::ReadOnly);
        if writable {
            let copy = scratch.copy_of(&stage.workspace())?;
            quota = quota.with_given(copy.clone()).while_("read", &copy)?;
            workspace = (copy, "/ws", FsPerms::ReadWrite);
        }
        let (stdout, stderr) = (Capture::new(limits.output), Capture::new(limits.output));
        // Everything that is not named here is denied: arguments, environment, input, network.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        // Staged files are regular files on a local disk, and the runtime has nothing else to do.
        wasi.allow_blocking_current_thread(true);
        for (host, guest, permissions) in [
            workspace,
            (stage.site(), "/site", FsPerms::ReadOnly),
            (scratch.tmp(), "/tmp", FsPerms::ReadWrite),
            (scratch.dev(), "/dev", FsPerms::ReadWrite),
            (scratch.home(), "/home", FsPerms::ReadWrite),
        ] {
            let opened = wasi.preopened_dir(&host, guest, permissions);
            opened.map_err(|error| std::io::Error::other(error.to_string())).while_("open", &host)?;
        }
        let state = State {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            memory: Memory { limit: limits.memory, used: 0, denied: false },
            quota: Arc::new(quota),
            packages,
            staging: Duration::ZERO,
            told: Told::default(),
            stage: Arc::clone(stage),
            _scratch: scratch,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        // Lets the runtime see whether the time is up.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        let (heard, tests) = mpsc::channel();
        Ok(Self { store, guest: None, stdout, stderr, tests, heard })
    }

    pub(super) fn stage(&self) -> &Arc<Stage> {
        &self.store.data().stage
    }

    /// Makes an instance of an earlier cell ready for the next one.
    pub(super) fn renew(&mut self, packages: Packages, limits: Limits) {
        let state = self.store.data_mut();
        state.packages = packages;
        state.memory.limit = limits.memory;
    }

    /// Runs to the end, or to the limit of time: epochs interrupt the guest's own code, and the time-out what it is
    /// waiting for in the host. After an error the instance is of no more use.
    pub(super) async fn run(
        &mut self,
        pre: &GuestPre<State>,
        action: &bindings::Action,
        (watched, whole): (&[String], bool),
        wall: Duration,
        on_event: &(dyn Fn(Event) + Send + Sync),
    ) -> Ended {
        let _ticker = Ticker::start(self.store.engine().clone());
        let Self { store, guest, stdout, stderr, tests, heard } = self;
        stdout.clear();
        stderr.clear();
        store.set_epoch_deadline(1);
        let state = store.data_mut();
        state.told = Told { listener: Some(heard.clone()), ..Told::default() };
        state.memory.denied = false;
        state.staging = Duration::ZERO;
        let (staging, staged) = mpsc::channel();
        state.told.staging = Some(staging);

        let mut deadline = Instant::now() + wall;
        let mut news = tokio::time::interval(NEWS);
        news.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tell = |is_last| {
            for (stream, capture) in [(Stream::Stdout, &*stdout), (Stream::Stderr, &*stderr)] {
                if let Some(text) = capture.news(is_last) {
                    on_event(Event::Output { stream, text });
                }
            }
            tests.try_iter().for_each(|result| on_event(Event::Test(result)));
        };
        let result = {
            let mut run = std::pin::pin!(async {
                let instance = match &*guest {
                    Some(instance) => instance,
                    None => guest.insert(pre.instantiate_async(&mut *store).await?),
                };
                instance.call_run(&mut *store, action, watched, whole).await
            });
            loop {
                tokio::select! {
                    result = &mut run => break Some(result),
                    () = tokio::time::sleep_until(deadline) => {
                        let granted: Duration = staged.try_iter().sum();
                        if granted.is_zero() {
                            break None;
                        }
                        deadline += granted;
                    }
                    _ = news.tick() => tell(false),
                }
            }
        };
        tell(true);
        let timed_out = result.is_none();
        let state = self.store.data_mut();
        Ended {
            result: result.unwrap_or_else(|| Err(wasmtime::Error::msg("out of time"))),
            timed_out,
            memory_denied: state.memory.denied,
            tmp_full: state.quota.was_met(),
            read_only_met: state.quota.was_read_only_met(),
            told: std::mem::take(&mut state.told),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }
}

/// Advances the epoch, which interrupts the guest, until it is dropped.
struct Ticker {
    stopped: Arc<AtomicBool>,
}

impl Ticker {
    fn start(engine: Engine) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        });
        Self { stopped }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// The host's side of one instance.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    memory: Memory,
    quota: Arc<Quota>,
    packages: Packages,
    /// Spent so far on copying packages in this run.
    staging: Duration,
    pub(super) told: Told,
    /// Keeps the copy of the workspace from being given to somebody else.
    stage: Arc<Stage>,
    _scratch: Scratch,
}

impl State {
    pub(super) fn metered(&mut self) -> Metered<'_> {
        let quota = Arc::clone(&self.quota);
        Metered { inner: self.filesystem(), quota }
    }

    /// Copies a package that the guest is importing. The time does not count as the guest's, up to a limit.
    pub(super) fn stage_package(&mut self, name: String) -> bool {
        let started = std::time::Instant::now();
        let result = self.packages.add(&BTreeSet::from([name]));
        let spent = started.elapsed().min(MAX_STAGING.saturating_sub(self.staging));
        self.staging += spent;
        if let Some(staging) = &self.told.staging {
            // The run waits for the end of this call.
            let _ = staging.send(spent);
        }
        result.unwrap_or_else(|error| {
            tracing::warn!("cannot stage a package: {error}");
            false
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Counts the bytes of all memories together.
struct Memory {
    limit: u64,
    used: u64,
    denied: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used + desired.saturating_sub(current) as u64;
        if used > self.limit {
            self.denied = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_over_all_memories() {
        let mut memory = Memory { limit: 100, used: 0, denied: false };
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert!(memory.denied);
    }
}
