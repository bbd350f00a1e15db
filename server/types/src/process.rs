//! The worker process itself.

use std::io;
use std::process::exit;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use crate::checker::Checker;
use crate::protocol::{Answer, Question, Reply, VERSION, read, write};

/// Resident bytes at which the process ends itself in the middle of its work.
const MOST_MEMORY: u64 = 768 << 20;
/// Resident bytes that it may keep from one question to the next: beyond, it ends itself after its answer.
const MEMORY_AT_REST: u64 = 120_000_000;
/// For so long it waits for the next question.
const REST: Duration = Duration::from_secs(60);
/// Inference follows the nesting of the code.
const STACK: usize = 256 << 20;

/// Answers the questions that come on standard input until it ends, a minute passes without one, or the process has grown
/// too large. Looks like any other program to whoever starts it: standard output is the protocol's, standard error is for
/// people.
pub fn worker_main() -> ! {
    if let Err(error) = restrict() {
        complain(&format!("cannot limit this process: {error}"));
    }
    let working = thread::Builder::new().stack_size(STACK).spawn(work);
    let status = working.ok().and_then(|thread| thread.join().ok());
    exit(status.unwrap_or(1))
}

/// When the process last had something to do; `None` while it works.
static RESTING: Mutex<Option<Instant>> = Mutex::new(None);

fn rest(since: Option<Instant>) {
    *RESTING.lock().unwrap_or_else(PoisonError::into_inner) = since;
}

fn work() -> i32 {
    let mut checker = Checker::default();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    if write(&mut output, &Reply::Hello { version: VERSION }).is_err() || thread::Builder::new().spawn(watch).is_err() {
        return 1;
    }
    loop {
        rest(Some(Instant::now()));
        let question: Question = match read(&mut input) {
            Ok(Some(question)) => question,
            Ok(None) => return 0,
            Err(error) => {
                complain(&format!("cannot read a question: {error}"));
                return 1;
            }
        };
        rest(None);
        let reply = match checker.answer(&question) {
            Ok(answer) => Reply::Answer(Answer { memory: resident(), ..answer }),
            Err(reason) => Reply::Failed(reason),
        };
        if write(&mut output, &reply).is_err() {
            return 0;
        }
        if resident() > MEMORY_AT_REST {
            return 0;
        }
    }
}

/// Ends the process when it has grown too large, or rested for too long.
fn watch() {
    loop {
        thread::sleep(Duration::from_millis(20));
        if resident() > MOST_MEMORY {
            complain(&format!("more than {} MB of memory were needed", MOST_MEMORY / 1_000_000));
            exit(1);
        }
        let resting = *RESTING.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.is_some_and(|since| since.elapsed() > REST) {
            exit(0);
        }
    }
}

fn complain(what: &str) {
    use io::Write;
    // Without anybody who listens there is nothing to say.
    let _ = writeln!(io::stderr(), "{what}");
}

/// Resident memory in bytes; 0 where that cannot be told.
fn resident() -> u64 {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) << 10
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// Lets everything else go first, and takes from the process what it does not need: it writes no file and leaves no image of
/// its memory behind. Does nothing on systems other than Linux.
fn restrict() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};
        /// What `nice` adds by default.
        const NICE: i32 = 10;
        /// Files that are open at a time.
        const OPEN_FILES: u64 = 128;
        /// Bytes of private, writable memory, of which most is never touched.
        const DATA: u64 = 8 << 30;
        // Threads that are started from here on are as nice.
        setpriority_process(None, NICE)?;
        for (resource, to) in
            [(Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, OPEN_FILES), (Resource::Data, DATA)]
        {
            let least = |limit: Option<u64>| Some(limit.map_or(to, |limit| limit.min(to)));
            let now = getrlimit(resource);
            setrlimit(resource, Rlimit { current: least(now.current), maximum: least(now.maximum) })?;
        }
    }
    Ok(())
}
