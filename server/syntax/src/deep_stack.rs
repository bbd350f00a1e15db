//! Room for work on deeply nested code.

use std::cell::Cell;
use std::sync::LazyLock;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Parsing and walking are recursive, and code may be nested a hundred thousand deep. The memory is only reserved, not used.
pub const DEEP_STACK_BYTES: usize = 256 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Whether the stack of the current thread is deep enough for any text.
pub fn is_deep() -> bool {
    IS_DEEP.get()
}

/// Starts a thread whose stack is.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_deep(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<thread::JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(DEEP_STACK_BYTES);
    builder.spawn(|| {
        IS_DEEP.set(true);
        work();
    })
}

/// Where many deep texts are worked on side by side. Whoever waits for it from outside waits and does nothing else, and
/// what runs on it never waits for another pool: else a thread that waits takes up the next piece of work on top of the one
/// that it is in, and so on, until the deepest stack is not deep enough.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let builder = ThreadPoolBuilder::new().stack_size(DEEP_STACK_BYTES).thread_name(|index| format!("deep-{index}"));
    builder.start_handler(|_| IS_DEEP.set(true)).build().ok()
});

/// What `work` makes, on a stack that is deep enough; at once where the caller is on one already. `None` when the system
/// gives no thread. The thread is as urgent as its caller, which may be one for what nobody waits for.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if IS_DEEP.get() {
        return Some(work());
    }
    thread::scope(|scope| {
        let deep = || {
            IS_DEEP.set(true);
            work()
        };
        let thread =
            thread::Builder::new().name("deep".to_owned()).stack_size(DEEP_STACK_BYTES).spawn_scoped(scope, deep);
        match thread.ok()?.join() {
            Ok(made) => Some(made),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// As [`on_deep_stack`], where rayon's parallel iterators run on threads with stacks as deep.
pub fn on_deep_pool<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let pool = POOL.as_ref()?;
    if pool.current_thread_index().is_some() || rayon::current_thread_index().is_none() {
        return Some(pool.install(work));
    }
    // A thread of another pool would take up more of that pool's work while it waits.
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || pool.install(work)).ok()?;
        match thread.join() {
            Ok(made) => Some(made),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Drops `value` where the stack is deep enough, some time.
pub fn drop_on_deep_pool(value: impl Send + 'static) {
    if let Some(pool) = &*POOL {
        pool.spawn(move || drop(value));
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn depth(levels: u64) -> u64 {
        let room = std::hint::black_box([levels; 16]);
        if levels == 0 { 0 } else { 1 + depth(room[3] - 1) }
    }

    #[test]
    fn nested_work_stays_on_its_stack() {
        let id = || thread::current().id();
        let outer = id();
        let (first, nested) = on_deep_stack(|| (id(), on_deep_stack(id).unwrap())).unwrap();
        assert_eq!(first, nested);
        assert_ne!(outer, first);
        assert_eq!(on_deep_stack(|| depth(200_000)), Some(200_000));
        let (first, nested) = on_deep_pool(|| (id(), on_deep_stack(id).unwrap())).unwrap();
        assert_eq!(first, nested);
        assert_eq!(on_deep_pool(|| depth(200_000)), Some(200_000));
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let panics = |work: fn()| std::panic::catch_unwind(work).is_err();
        assert!(panics(|| assert_eq!(on_deep_stack(|| assert_eq!(1, 2, "on purpose")), None)));
        assert!(panics(|| assert_eq!(on_deep_pool(|| assert_eq!(1, 2, "on purpose")), None)));
    }

    thread_local! {
        static NESTING: Cell<usize> = const { Cell::new(0) };
    }

    /// The most pieces of work that were begun on one thread and not ended when the next began.
    fn deepest_nesting(piece: impl Fn() + Sync) -> usize {
        let nested = |_| {
            NESTING.set(NESTING.get() + 1);
            let begun = NESTING.get();
            piece();
            NESTING.set(NESTING.get() - 1);
            begun
        };
        (0..2_000).into_par_iter().map(nested).max().unwrap_or(0)
    }

    #[test]
    fn who_waits_takes_up_no_other_work() {
        let work = || drop(std::hint::black_box(vec![0; 64]));
        assert_eq!(deepest_nesting(|| on_deep_stack(work).unwrap()), 1, "from rayon's own threads");
        assert_eq!(deepest_nesting(|| on_deep_pool(work).unwrap()), 1, "from one pool to the other");
        let inside = on_deep_pool(|| deepest_nesting(|| on_deep_stack(work).unwrap())).unwrap();
        assert_eq!(inside, 1, "on threads that are deep themselves");
        let inside = on_deep_pool(|| deepest_nesting(|| on_deep_pool(work).unwrap())).unwrap();
        assert_eq!(inside, 1, "from the pool to itself");
    }
}
