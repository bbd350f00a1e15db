//! Room for deeply nested code.

use std::cell::{Cell, OnceCell};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Trees are walked and dropped recursively, and a generated file may nest a hundred thousand deep. The memory is only
/// reserved, not used.
const STACK_BYTES: usize = 256 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
    /// Kept as long as the thread that it works for: a new one for each question would leave its memory to nobody. It is as
    /// urgent as that thread, which may be one for what nobody waits for.
    static DEEP_THREAD: OnceCell<Option<ThreadPool>> = const { OnceCell::new() };
}

/// What `work` makes, on a stack that is deep enough; at once where the caller is on one already. `None` when the system
/// gives no thread.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if IS_DEEP.get() {
        return Some(work());
    }
    let start = || {
        let thread = ThreadPoolBuilder::new().num_threads(1).stack_size(STACK_BYTES);
        thread.thread_name(|_| "deep".to_owned()).start_handler(|_| IS_DEEP.set(true)).build().ok()
    };
    DEEP_THREAD.with(|thread| Some(thread.get_or_init(start).as_ref()?.install(work)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(levels: u64) -> u64 {
        let room = std::hint::black_box([levels; 16]);
        if levels == 0 { 0 } else { 1 + depth(room[3] - 1) }
    }

    #[test]
    fn nested_work_stays_on_its_stack() {
        let name = || std::thread::current().id();
        let outer = name();
        let (first, nested) = on_deep_stack(|| (name(), on_deep_stack(name).unwrap())).unwrap();
        assert_eq!(first, nested);
        assert_ne!(outer, first);
        assert_eq!(on_deep_stack(name), Some(first), "the thread is kept");
        assert_eq!(on_deep_stack(|| depth(200_000)), Some(200_000));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_thread_lives() {
        let caught = std::panic::catch_unwind(|| on_deep_stack(|| panic!("inside")));
        assert!(caught.is_err());
        assert_eq!(on_deep_stack(|| 1), Some(1));
    }
}
