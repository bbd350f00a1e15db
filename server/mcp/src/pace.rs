//! How often an agent may ask.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Questions within a minute. One that is answered at once costs some 25 ms, so this keeps a core half free.
const MOST: usize = 300;
const WINDOW: Duration = Duration::from_secs(60);

/// When the latest questions came.
#[derive(Debug, Default)]
pub(crate) struct Pace(VecDeque<Instant>);

impl Pace {
    /// Notes a question that comes `now`.
    ///
    /// # Errors
    /// When there were too many; a sentence for the agent, with when to ask again.
    pub(crate) fn note(&mut self, now: Instant) -> Result<(), String> {
        while self.0.front().is_some_and(|&then| now.duration_since(then) >= WINDOW) {
            self.0.pop_front();
        }
        if self.0.len() >= MOST {
            let oldest = self.0.front().copied().unwrap_or(now);
            let wait = WINDOW.saturating_sub(now.duration_since(oldest)).as_secs() + 1;
            return Err(format!(
                "more than {MOST} questions within a minute; ask again in {wait} s, and for several names in one question"
            ));
        }
        self.0.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_questions_are_told_when_to_ask_again() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!((0..MOST).all(|_| pace.note(start).is_ok()));
        let told = pace.note(start + Duration::from_secs(20)).unwrap_err();
        assert!(told.contains("ask again in 41 s"), "{told}");
        assert!(pace.note(start + WINDOW).is_ok());
    }
}
