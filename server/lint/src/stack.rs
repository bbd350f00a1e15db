//! Room for deeply nested code, and an end to panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why `work` gave nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system gives no thread.
    NoThread,
    /// What the work panicked with.
    Panic(String),
}

/// What `work` makes, on a stack that is deep enough: ruff walks and drops trees recursively. A panic of `work` ends here.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let caught = || catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Failure::Panic(message(&*panic)));
    syntax::on_deep_stack(caught).unwrap_or(Err(Failure::NoThread))
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
