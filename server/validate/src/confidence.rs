//! How sure we are of a candidate.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Examined;

/// How likely it is that an answer about which a person is asked is right, as far as that can be told from what was looked at.
///
/// Each factor moves the odds: its weight is what it adds to their logarithm where its value is 1, and [`PRIOR`] is where they
/// begin. The weights are round numbers close to a logistic regression on the answers of `fixtures/proposals/real` that pass; what
/// came out with another sign for each package was left out, as complexity and the number of callers were. What failed a check
/// is below [`Level::Medium`] whatever speaks for it, and so is what no check has executed; what passes its checks with mistakes
/// in it as well is below [`Level::High`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// From 0 to 1.
    pub score: Option<f64>,
    pub factors: Vec<Factor>,
}

/// One thing that makes us more or less sure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    pub name: String,
    /// What a value of 1 adds to the logarithm of the odds; below 0 where it speaks against the candidate.
    pub weight: f64,
    /// From 0 to 1; absent when it was not measured.
    pub value: Option<f64>,
}

/// What a score means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low,
    Medium,
    High,
}

/// What is known about a candidate. Of the checks, only what says something of the edit counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    /// The model's own statement, from 0 to 1.
    pub statement: Option<f64>,
    /// Tests that passed, and inputs on which it does what the text before does.
    pub tests: u32,
    /// Examples in docstrings that passed.
    pub examples: u32,
    /// Of what has to hold of it whatever it is for, how much does, and how much does not.
    pub laws: [u32; 2],
    pub examined: Examined,
    /// How much of an earlier mistake comes back, from 0 to 1.
    pub likeness: Option<f64>,
    /// Whether somebody has to be asked about what the docstring or the header promises.
    pub promises: bool,
    /// Whether somebody has to be asked about a type.
    pub types: bool,
    /// Whether something that holds as a rule does not.
    pub unusual: bool,
    /// Whether a check failed.
    pub failed: bool,
}

/// The logarithm of the odds where nothing was looked at: of such answers, about a quarter are right.
const PRIOR: f64 = -1.4;
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
        let Examined { lines, executed, mutants, noticed } = measured.examined;
        let share = |part: u32, all: u32| (all > 0).then(|| f64::from(part) / f64::from(all));
        let is = |is: bool| Some(f64::from(u8::from(is)));
        let factors = [
            ("tests or compared inputs", 1.5, is(measured.tests > 0)),
            ("examples", 0.5, is(measured.examples > 0)),
            ("laws that held", 0.9, share(measured.laws[0], measured.laws[0] + measured.laws[1])),
            ("mistakes made on purpose that are noticed", 0.8, share(noticed, mutants)),
            ("changed lines that were executed", 0.5, share(executed, lines)),
            ("the model's own statement", 0.4, measured.statement.map(|value| value.clamp(0.0, 1.0))),
            ("questions about what was promised", -2.0, is(measured.promises)),
            ("questions about types", -0.7, is(measured.types)),
            ("laws that hold as a rule and were broken", -1.5, is(measured.unusual)),
            ("likeness to past mistakes", -1.0, measured.likeness.map(|it| it.clamp(0.0, 1.0))),
        ];
        let factors: Vec<Factor> =
            factors.map(|(name, weight, value)| Factor { name: name.to_owned(), weight, value }).into();
        let odds: f64 = PRIOR + factors.iter().map(|it| it.weight * it.value.unwrap_or_default()).sum::<f64>();
        let has_run = measured.tests + measured.examples + measured.laws[0] > 0;
        let limit = match (measured.failed, has_run, noticed) {
            (true, ..) => FAILED,
            (false, false, _) => NOT_RUN,
            (false, true, 0) => UNNOTICED,
            (false, true, _) => 1.0,
        };
        let probability = 1.0 / (1.0 + (-odds).exp());
        Confidence { score: Some(((probability * 100.0).round() / 100.0).min(limit)), factors }
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

    fn told(measured: Measured) -> (Option<f64>, Level) {
        let confidence = Confidence::of(measured);
        (confidence.score, confidence.level())
    }

    #[test]
    fn what_nobody_has_looked_at_is_low_and_what_tests_would_notice_is_high() {
        assert_eq!(told(Measured::default()), (Some(0.2), Level::Low));
        let tested = Measured { tests: 4, examined: NOTICED, statement: Some(0.9), ..Measured::default() };
        // -1.4 + 1.5 + .8 + .5 + .4 × .9 = 1.76
        assert_eq!(told(tested), (Some(0.85), Level::High));
        assert_eq!(told(Measured { examples: 2, ..tested }), (Some(0.91), Level::High));
        let examples = Measured { tests: 0, examples: 2, ..tested };
        assert_eq!(told(examples), (Some(0.68), Level::Medium));
    }

    #[test]
    fn each_factor_adds_to_the_odds_and_what_was_not_measured_does_not() {
        let half =
            Measured { tests: 1, examined: Examined { executed: 2, noticed: 1, ..NOTICED }, ..Measured::default() };
        let confidence = Confidence::of(half);
        // -1.4 + 1.5 + .4 + .25 = .75
        assert_eq!(confidence.score, Some(0.68));
        assert_eq!(confidence.factors.iter().filter(|factor| factor.value.is_none()).count(), 3);
        assert!(told(Measured { likeness: Some(1.0), ..half }).0 < told(half).0);
    }

    #[test]
    fn questions_lower_it() {
        let tested = Measured { tests: 4, examined: NOTICED, ..Measured::default() };
        assert_eq!(told(tested).1, Level::High);
        assert_eq!(told(Measured { types: true, ..tested }).1, Level::Medium);
        assert_eq!(told(Measured { promises: true, ..tested }).1, Level::Low);
    }

    #[test]
    fn what_no_check_would_notice_is_not_high() {
        let sure = Measured { statement: Some(1.0), ..Measured::default() };
        assert_eq!(told(sure).1, Level::Low);
        let examined = Examined { noticed: 0, ..NOTICED };
        let idle = Measured { tests: 9, examples: 9, examined, ..sure };
        assert_eq!(told(idle), (Some(UNNOTICED), Level::Medium));
        assert!(told(Measured { examined: NOTICED, ..idle }).1 == Level::High);
        let unseen = Measured { examined: NOTICED, ..sure };
        assert_eq!(told(unseen), (Some(NOT_RUN), Level::Low));
        let failed = Measured { failed: true, examined: NOTICED, ..idle };
        assert_eq!(told(failed), (Some(FAILED), Level::Low));
    }

    #[test]
    fn a_boastful_model_is_not_believed_beyond_certainty() {
        let sure = |statement| {
            told(Measured { statement: Some(statement), tests: 1, examined: NOTICED, ..Measured::default() })
        };
        assert_eq!(sure(7.0), sure(1.0));
    }
}
