//! Limits on the worker process itself, should anything in it get out of hand: they hold even where the guest's own
//! limits, or this program's, have a hole.

use std::time::Duration;

/// Bytes that the process can write into one file. The largest it writes is the compiled interpreter, of some 70 MiB.
#[cfg(target_os = "linux")]
const FILE: u64 = 512 << 20;
/// Files that are open at a time.
#[cfg(target_os = "linux")]
const OPEN_FILES: u64 = 512;
/// Bytes of private, writable memory. Instances, their tables and stacks are set aside at once and take some 3 GiB, most
/// of which nobody ever touches; sessions and a run of 1 GiB each come on top.
#[cfg(target_os = "linux")]
const DATA: u64 = 16 << 30;
/// On top of a run's wall-clock time; compiling the interpreter takes half a minute on one core.
#[cfg(target_os = "linux")]
const CPU_GRACE: Duration = Duration::from_secs(300);

/// Restricts this process for good: no core dumps, which would hold what the code has seen, and bounds on memory, files
/// and open files. Does nothing on systems other than Linux.
///
/// # Errors
/// Never because the process is restricted more than that already.
pub(crate) fn restrict() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::Resource;
        lower(Resource::Core, 0)?;
        lower(Resource::Fsize, FILE)?;
        lower(Resource::Nofile, OPEN_FILES)?;
        lower(Resource::Data, DATA)?;
    }
    Ok(())
}

/// Gives the process so much of a processor from now on, and some more; after that the system ends it.
///
/// # Errors
/// When the system does not allow limits.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
pub(crate) fn allow_cpu(wall: Duration) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        use rustix::time::{ClockId, clock_gettime};
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
        let maximum = getrlimit(Resource::Cpu).maximum;
        let wanted = used + (wall + CPU_GRACE).as_secs();
        let current = Some(maximum.map_or(wanted, |maximum| wanted.min(maximum)));
        setrlimit(Resource::Cpu, Rlimit { current, maximum })?;
    }
    Ok(())
}

/// Both the limit and the limit on raising it; neither is raised.
#[cfg(target_os = "linux")]
fn lower(resource: rustix::process::Resource, to: u64) -> std::io::Result<()> {
    use rustix::process::{Rlimit, getrlimit, setrlimit};
    let least = |limit: Option<u64>| Some(limit.map_or(to, |limit| limit.min(to)));
    let now = getrlimit(resource);
    Ok(setrlimit(resource, Rlimit { current: least(now.current), maximum: least(now.maximum) })?)
}
