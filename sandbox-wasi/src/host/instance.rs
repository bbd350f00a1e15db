//! One instance of the guest: what it can reach, and what stops it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sandbox::{Failure, Limits};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use super::capture::{Capture, Overflow};
use crate::cache;
use crate::error::{Error, IoContext};
use crate::stage::Stage;

use bindings::{GuestPre, Verdict};

pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "guest/wit",
        world: "guest",
        exports: { default: async },
    });
}

/// How often the guest is interrupted to see whether its time is up.
const TICK: Duration = Duration::from_millis(10);

/// Every so many ticks the size of `/tmp` is checked.
const TMP_TICKS: u64 = 10;

/// Bytes in `/tmp`. It is measured and not metered, so that a fast writer gets some way past it.
const TMP: u64 = 64 << 20;

/// Findings that are kept of one run.
const MAX_FINDINGS: usize = 200;
/// Names of missing packages that are kept of one run.
const MAX_MISSING: usize = 20;
/// Bytes in the text of a finding; the guest's word is not taken for it.
const MAX_TEXT: usize = 16 << 10;

/// What the guest tells while it runs.
#[derive(Default)]
pub(super) struct Told {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) findings: Vec<Failure>,
    /// Packages that were asked for in vain.
    pub(super) missing: BTreeSet<String>,
    /// Where the test that is running stands.
    pub(super) place: Option<(String, u32)>,
}

/// How a run ended, and what was known by then.
pub(super) struct Ended {
    pub(super) result: wasmtime::Result<Verdict>,
    pub(super) timed_out: bool,
    pub(super) memory_denied: bool,
    pub(super) told: Told,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

pub(super) struct Instance {
    store: Store<State>,
    wall: Duration,
    stdout: Capture,
    stderr: Capture,
}

impl Instance {
    pub(super) fn new(engine: &Engine, stage: &Stage, limits: Limits) -> Result<Self, Error> {
        let (stdout, stderr) = (Capture::new(limits.output), Capture::new(limits.output));
        // Everything that is not named here is denied: arguments, environment, input, network.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        // Staged files are regular files on a local disk, and the runtime has nothing else to do.
        wasi.allow_blocking_current_thread(true);
        for (host, guest, permissions) in [
            (stage.workspace(), "/ws", FsPerms::ReadOnly),
            (stage.site(), "/site", FsPerms::ReadOnly),
            (stage.tmp(), "/tmp", FsPerms::ReadWrite),
            (stage.dev(), "/dev", FsPerms::ReadWrite),
        ] {
            let opened = wasi.preopened_dir(&host, guest, permissions);
            opened.map_err(|error| std::io::Error::other(error.to_string())).while_("open", &host)?;
        }
        let memory = Memory { limit: limits.memory, used: 0, denied: false };
        let state = State { wasi: wasi.build(), table: ResourceTable::new(), memory, told: Told::default() };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);

        let writable = [stage.tmp(), stage.dev()];
        let mut ticks = 0;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            ticks += 1;
            if ticks % TMP_TICKS == 0 && writable.iter().filter_map(|dir| cache::size(dir).ok()).sum::<u64>() > TMP {
                return Err(wasmtime::Error::new(Overflow::Tmp));
            }
            // Lets the runtime see whether the time is up.
            Ok(UpdateDeadline::Yield(1))
        });
        Ok(Self { store, wall: limits.wall, stdout, stderr })
    }

    /// Runs to the end, or to the limit of time: epochs interrupt the guest's own code, and the time-out what it is
    /// waiting for in the host.
    pub(super) async fn run(mut self, guest: &GuestPre<State>, action: &bindings::Action) -> Ended {
        let _ticker = Ticker::start(self.store.engine().clone());
        let store = &mut self.store;
        let run = async {
            let guest = guest.instantiate_async(&mut *store).await?;
            guest.call_run(&mut *store, action).await
        };
        let result = tokio::time::timeout(self.wall, run).await;
        let timed_out = result.is_err();
        let state = self.store.into_data();
        Ended {
            result: result.unwrap_or_else(|elapsed| Err(wasmtime::Error::new(elapsed))),
            timed_out,
            memory_denied: state.memory.denied,
            told: state.told,
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
    told: Told,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl bindings::GuestImports for State {
    fn begin(&mut self, path: String, line: u32) {
        self.told.place = Some((cut(path), line));
    }

    fn passed(&mut self) {
        self.told.passed = self.told.passed.saturating_add(1);
    }

    fn failed(&mut self) {
        self.told.failed = self.told.failed.saturating_add(1);
    }

    fn missing(&mut self, name: String) {
        if self.told.missing.len() < MAX_MISSING {
            self.told.missing.insert(cut(name));
        }
    }

    fn finding(&mut self, path: String, line: u32, message: String) {
        if self.told.findings.len() < MAX_FINDINGS {
            self.told.findings.push(Failure::new(cut(path), line, cut(message)));
        }
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
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

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("short".into()), "short");
        let long = cut("€".repeat(MAX_TEXT));
        assert!(long.len() <= MAX_TEXT && long.ends_with('€'));
    }
}
