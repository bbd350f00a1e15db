//! Who goes first where processors are few.

/// Lets everything else go first from now on, as far as the system tells threads apart: what this thread and those that it
/// starts do, nobody waits for.
pub fn lower() {
    #[cfg(target_os = "linux")]
    {
        // What `nice` adds by default. On Linux a nice value belongs to a thread, although the call is named after processes.
        const NICE: i32 = 10;
        let lowered = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        if let Err(error) = lowered {
            tracing::debug!("a background thread runs like all others: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_thread_itself_is_lowered() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = nice();
        let lowered = std::thread::spawn(move || {
            super::lower();
            (nice(), std::thread::spawn(nice).join().unwrap())
        });
        let (own, started) = lowered.join().unwrap();
        assert!(own >= before && own > 0 && started == own);
        assert_eq!(nice(), before);
    }
}
