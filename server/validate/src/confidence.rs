//! How sure we are of a candidate.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Examined;

/// A weighted mean of what was measured. What was not measured is left out, and its weight is shared among the rest. What
/// failed a check is below [`Level::Medium`] whatever speaks for it, and so is what no check has executed; what passes its
/// checks with mistakes in it as well is below [`Level::High`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// From 0 to 1; absent when nothing was measured.
    pub score: Option<f64>,
    pub factors: Vec<Factor>,
}

/// One thing that makes us more or less sure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    pub name: String,
    pub weight: f64,
    /// From 0 to 1, the more the better; absent when it was not measured.
    pub value: Option<f64>,
}

/// What a score means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low,
    Medium,
    High,
}

/// What is known about a candidate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    /// The model's own statement, from 0 to 1.
    pub statement: Option<f64>,
    /// Tests, examples and compared inputs that say something of the edit: passed and failed.
    pub tests: Option<(u32, u32)>,
    pub examined: Examined,
    /// How much of an earlier mistake comes back, from 0 to 1.
    pub likeness: Option<f64>,
    /// Cyclomatic complexity of the most complex function that was edited.
    pub complexity: Option<u32>,
    /// Functions that call what was edited.
    pub callers: Option<u32>,
    /// Whether a check failed.
    pub failed: bool,
}

const TESTS: &str = "tests";
/// Where levels begin.
const HIGH: f64 = 0.8;
const MEDIUM: f64 = 0.5;
/// The most that is left of the confidence in what failed a check, or what none has executed.
const FAILED: f64 = 0.49;
const NOT_RUN: f64 = 0.45;
/// And in what no check was seen to notice a mistake in.
const UNNOTICED: f64 = 0.79;

impl Confidence {
    pub(crate) fn of(measured: Measured) -> Confidence {
        let tests = measured.tests.filter(|(passed, failed)| passed + failed > 0);
        let Examined { lines, executed, mutants, noticed } = measured.examined;
        let share = |part: u32, all: u32| (all > 0).then(|| f64::from(part) / f64::from(all));
        let factors = [
            (TESTS, 0.25, tests.and_then(|(passed, failed)| share(passed, passed + failed))),
            ("mistakes made on purpose that are noticed", 0.25, share(noticed, mutants)),
            ("changed lines that were executed", 0.15, share(executed, lines)),
            ("the model's own statement", 0.10, measured.statement.map(|value| value.clamp(0.0, 1.0))),
            ("unlike past mistakes", 0.10, measured.likeness.map(|likeness| 1.0 - likeness)),
            ("simplicity", 0.10, measured.complexity.map(|complexity| falling(complexity.saturating_sub(1)))),
            ("small blast radius", 0.05, measured.callers.map(falling)),
        ];
        let factors: Vec<Factor> =
            factors.map(|(name, weight, value)| Factor { name: name.to_owned(), weight, value }).into();
        let known = || factors.iter().filter_map(|factor| factor.value.map(|value| (factor.weight, value)));
        let weights: f64 = known().map(|(weight, _)| weight).sum();
        let sum: f64 = known().map(|(weight, value)| weight * value).sum();
        let limit = match (measured.failed, tests, noticed) {
            (true, _, _) => FAILED,
            (false, None, _) => NOT_RUN,
            (false, Some(_), 0) => UNNOTICED,
            (false, Some(_), _) => 1.0,
        };
        let score = (weights > 0.0).then(|| ((sum / weights * 100.0).round() / 100.0).min(limit));
        Confidence { score, factors }
    }

    /// What the score means.
    pub fn level(&self) -> Level {
        match self.score {
            Some(score) if score >= HIGH => Level::High,
            Some(score) if score >= MEDIUM => Level::Medium,
            _ => Level::Low,
        }
    }
}

/// 1 for nothing, one half for ten, towards 0 for many.
fn falling(count: u32) -> f64 {
    10.0 / (10.0 + f64::from(count))
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICED: Examined = Examined { lines: 4, executed: 4, mutants: 2, noticed: 2 };

    #[test]
    fn what_was_not_measured_is_left_out() {
        let nothing = Confidence::of(Measured::default());
        assert_eq!((nothing.score, nothing.level()), (None, Level::Low));

        let tested = Measured { tests: Some((3, 1)), ..Measured::default() };
        assert_eq!(Confidence::of(tested).score, Some(0.75));
        let none_ran = Measured { tests: Some((0, 0)), ..Measured::default() };
        assert_eq!(Confidence::of(none_ran).score, None);
    }

    #[test]
    fn weights_are_shared_among_what_was_measured() {
        let measured = Measured {
            statement: Some(0.5),
            tests: Some((4, 0)),
            examined: Examined { lines: 4, executed: 3, mutants: 6, noticed: 3 },
            complexity: Some(1),
            callers: Some(10),
            ..Measured::default()
        };
        // (.25 × 1 + .25 × .5 + .15 × .75 + .10 × .5 + .10 × 1 + .05 × .5) / .90
        let confidence = Confidence::of(measured);
        assert_eq!((confidence.score, confidence.level()), (Some(0.74), Level::Medium));
        assert_eq!(confidence.factors.iter().filter(|factor| factor.value.is_none()).count(), 1);
    }

    #[test]
    fn what_no_check_would_notice_is_not_high() {
        let sure = Measured { statement: Some(1.0), complexity: Some(1), ..Measured::default() };
        assert_eq!((Confidence::of(sure).score, Confidence::of(sure).level()), (Some(NOT_RUN), Level::Low));
        let tested = Measured { tests: Some((1, 0)), ..sure };
        assert_eq!((Confidence::of(tested).score, Confidence::of(tested).level()), (Some(UNNOTICED), Level::Medium));
        let noticed = Measured { examined: NOTICED, ..tested };
        assert_eq!((Confidence::of(noticed).score, Confidence::of(noticed).level()), (Some(1.0), Level::High));
        let failed = Measured { failed: true, ..noticed };
        assert_eq!(Confidence::of(failed).level(), Level::Low);
    }

    #[test]
    fn a_boastful_model_is_not_believed_beyond_certainty() {
        let measured = Measured { statement: Some(7.0), tests: Some((1, 0)), examined: NOTICED, ..Measured::default() };
        assert_eq!(Confidence::of(measured).score, Some(1.0));
    }
}
