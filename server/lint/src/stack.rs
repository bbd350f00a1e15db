//! Room for deeply nested code.

use std::any::Any;
use std::{io, thread};

/// Ruff walks and drops trees recursively. The memory is only reserved, not used.
const STACK_BYTES: usize = 256 << 20;

/// Why `work` gave nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system gives no thread.
    NoThread(io::Error),
    /// What the work panicked with.
    Panic(String),
}

/// What `work` makes, on a stack that is deep enough. A panic of `work` ends here.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("lint".to_owned()).stack_size(STACK_BYTES);
        let working = builder.spawn_scoped(scope, work).map_err(Failure::NoThread)?;
        working.join().map_err(|panic| Failure::Panic(message(&*panic)))
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("of unknown cause").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here() {
        let failure = on_deep_stack(|| -> u32 { panic!("rule {}", "S101") });
        assert!(matches!(failure, Err(Failure::Panic(message)) if message == "rule S101"));
        assert_eq!(on_deep_stack(|| 1).ok(), Some(1));
    }
}
