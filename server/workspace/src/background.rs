//! Work that nobody waits for: the newest task is done once no other has come for a while.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::priority;

/// Asks whether there is a newer task, which makes the result of this one needless.
pub type IsSuperseded<'a> = &'a mut dyn FnMut() -> bool;

/// Starts a thread called `name` that hands `work` the newest of the tasks it is sent, once there was none for `quiet`. It lets
/// everything else go first, and ends when the sender is gone. What panics has been reported, and costs that task.
///
/// # Errors
/// When no thread can be started.
pub fn start<T: Send + 'static>(
    name: &str,
    quiet: Duration,
    mut work: impl FnMut(T, IsSuperseded<'_>) + Send + 'static,
) -> std::io::Result<Sender<T>> {
    let (sender, receiver) = channel::<T>();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        priority::lower();
        let mut waiting = None;
        while let Some(task) = newest(&receiver, waiting.take(), quiet) {
            let mut is_superseded = || {
                waiting = receiver.try_recv().ok().or(waiting.take());
                waiting.is_some()
            };
            let _ = catch_unwind(AssertUnwindSafe(|| work(task, &mut is_superseded)));
        }
    })?;
    Ok(sender)
}

/// The last of the tasks that arrive in a row, of which the first may have come already; `None` when there will be no more.
fn newest<T>(receiver: &Receiver<T>, waiting: Option<T>, quiet: Duration) -> Option<T> {
    let mut newest = match waiting {
        Some(task) => task,
        None => receiver.recv().ok()?,
    };
    loop {
        match receiver.recv_timeout(quiet) {
            Ok(task) => newest = task,
            Err(RecvTimeoutError::Timeout) => return Some(newest),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_a_row_is_worked_on() {
        let (sender, receiver) = channel();
        (1..=3).for_each(|task| sender.send(task).unwrap());
        assert_eq!(newest(&receiver, None, Duration::from_millis(1)), Some(3));
        assert_eq!(newest(&receiver, Some(4), Duration::from_millis(1)), Some(4));
        drop(sender);
        assert_eq!(newest(&receiver, None, Duration::from_millis(1)), None);
    }

    #[test]
    fn a_task_hears_of_the_next_one_which_is_not_lost() {
        let (done, all) = channel();
        let (entered, inside) = channel();
        let tasks = start("test", Duration::ZERO, move |task: u32, is_superseded| {
            entered.send(task).unwrap();
            while task == 1 && !is_superseded() {
                std::thread::yield_now();
            }
            assert_ne!(task, 2, "a panic costs its own task");
            done.send(task).unwrap();
        })
        .unwrap();
        for task in 1..=3 {
            tasks.send(task).unwrap();
            assert_eq!(inside.recv(), Ok(task));
        }
        assert_eq!([all.recv(), all.recv()], [Ok(1), Ok(3)]);
    }
}
