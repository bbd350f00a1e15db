//! The evidence card for people.

use std::fmt::Write;

use super::Evidence;
use crate::{Confidence, Examined, Stage};

impl Evidence {
    /// The card as Markdown. What could not be checked and what was found come first, the diff last.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n", self.title);
        write_confidence(&mut out, &self.confidence);
        write_list(&mut out, "Files that it makes", self.created.iter().cloned());
        write_list(&mut out, "Not checked", self.unchecked.iter().cloned());
        write_list(&mut out, "Left out", self.left_out.iter().map(ToString::to_string));
        write_list(&mut out, "Findings", self.findings.iter().map(ToString::to_string));
        write_list(&mut out, "Warnings", self.warnings.iter().map(ToString::to_string));
        self.write_checks(&mut out);
        self.write_parts(&mut out);
        self.write_callers(&mut out);
        self.write_tests(&mut out);
        self.write_examined(&mut out);
        self.write_origin(&mut out);
        if !self.diff.is_empty() {
            let fence = "`".repeat(longest_run(&self.diff, '`').max(2) + 1);
            let diff = self.diff.trim_end_matches('\n');
            push(&mut out, format_args!("## Diff\n\n{fence}diff\n{diff}\n{fence}\n"));
        }
        out
    }

    fn write_checks(&self, out: &mut String) {
        push(out, format_args!("## Checks\n\n| check | result |\n|---|---|\n"));
        for (stage, result) in &self.checks {
            let result = one_line(&result.to_string()).replace('|', "\\|");
            push(out, format_args!("| {} | {result} |\n", stage.title()));
        }
        out.push('\n');
    }

    /// One part is all there is.
    fn write_parts(&self, out: &mut String) {
        if self.parts.len() > 1 {
            let mark = |it: &crate::Part| if it.is_confident { "nothing found there" } else { "look at it" };
            write_list(out, "Parts", self.parts.iter().map(|part| format!("{}: {}", part.name, mark(part))));
        }
    }

    fn write_callers(&self, out: &mut String) {
        let callers = self.callers;
        if self.checks.contains_key(&Stage::Graph) && callers.functions > 0 {
            let known = callers.exact + callers.inferred;
            push(out, format_args!("## Callers\n\n"));
            push(out, format_args!("- {} of {known} known call sites still fit", known.saturating_sub(callers.broken)));
            push(out, format_args!(" ({} exact, {} inferred)\n", callers.exact, callers.inferred));
            if callers.possible > 0 {
                push(out, format_args!("- {} more may or may not call it\n", callers.possible));
            }
            out.push('\n');
        }
    }

    fn write_tests(&self, out: &mut String) {
        if self.tests.is_empty() {
            return;
        }
        let lines = self.tests.iter().map(|run| {
            let (name, outcome, millis) = (&run.name, &run.outcome, run.millis);
            match (run.compared, run.failed) {
                (Some(inputs), 0) => format!("{name}: no difference in {inputs} ({millis} ms)"),
                (Some(inputs), count) => format!("{name}: {count} of {inputs} make a difference ({millis} ms)"),
                (None, failed) => format!("{name}: {outcome} ({} passed, {failed} failed, {millis} ms)", run.passed),
            }
        });
        write_list(out, "Tests", lines);
    }

    /// What a passed check is worth.
    fn write_examined(&self, out: &mut String) {
        let Examined { lines, executed, mutants, noticed } = self.examined;
        let executed = (lines > 0).then(|| format!("{executed} of {lines} changed lines were executed"));
        let noticed = (mutants > 0).then(|| format!("{noticed} of {mutants} mistakes made on purpose were noticed"));
        write_list(out, "How closely it was looked at", executed.into_iter().chain(noticed));
    }

    fn write_origin(&self, out: &mut String) {
        let Some(origin) = &self.origin else { return };
        push(out, format_args!("## Origin\n\n- model `{}`, attempt {}\n", origin.model, origin.attempts));
        match (origin.input_tokens, origin.output_tokens) {
            (0, 0) => push(out, format_args!("- tokens not counted by the provider")),
            (input, output) => push(out, format_args!("- {input} tokens in, {output} tokens out")),
        }
        match origin.cost {
            Some(cost) => push(out, format_args!(", {cost:.4} USD\n")),
            None => push(out, format_args!(", cost not known\n")),
        }
        if !origin.context.is_empty() {
            push(out, format_args!("- it was shown:\n"));
            origin.context.iter().for_each(|line| push(out, format_args!("  - {}\n", one_line(line))));
        }
        out.push('\n');
    }
}

fn write_confidence(out: &mut String, confidence: &Confidence) {
    match confidence.score {
        Some(score) => push(out, format_args!("**Confidence {score:.2} ({})**", confidence.level())),
        None => push(out, format_args!("**Confidence unknown**")),
    }
    let measured = confidence
        .factors
        .iter()
        // What would speak against it and is not there says nothing.
        .filter(|factor| factor.weight > 0.0 || factor.value != Some(0.0))
        .filter_map(|factor| factor.value.map(|value| format!("{} {value:.2} × {:.2}", factor.name, factor.weight)));
    let missing = confidence.factors.iter().filter(|factor| factor.value.is_none()).map(|factor| factor.name.as_str());
    let measured: Vec<String> = measured.collect();
    let missing: Vec<&str> = missing.collect();
    if !measured.is_empty() {
        push(out, format_args!(": {}", measured.join(", ")));
    }
    if !missing.is_empty() {
        push(out, format_args!("; not measured: {}", missing.join(", ")));
    }
    out.push_str("\n\n");
}

fn write_list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("- {}\n", one_line(&line))).collect();
    if !lines.is_empty() {
        push(out, format_args!("## {title}\n\n{}\n", lines.concat()));
    }
}

/// A line break inside a list would end it, and let quoted text pose as the card's own.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckResult, Finding};

    #[test]
    fn a_comparison_says_how_many_inputs_there_were() {
        let of = |failed, recorded| {
            let compared = Some(sandbox::Compared { generated: 120, recorded, returned: 90, results: 50 });
            let (name, outcome) = ("old and new f in a.py".to_owned(), "passed".to_owned());
            let run = crate::TestRun { name, outcome, passed: 120, failed, millis: 9, compared, telling: 120 };
            Evidence { tests: vec![run], ..Evidence::default() }.markdown()
        };
        let same = of(0, 14);
        assert!(same.contains("a.py: no difference in 120 generated and 14 recorded inputs (9 ms)"), "{same}");
        let other = of(2, 0);
        assert!(other.contains("a.py: 2 of 120 generated inputs make a difference (9 ms)"), "{other}");
    }

    #[test]
    fn quoted_text_cannot_pose_as_the_cards_own() {
        let finding = Finding {
            stage: Stage::Tests,
            code: "test-failed".to_owned(),
            message: "no\n\n## Checks\n\nall passed".to_owned(),
            path: "a.py".to_owned(),
            line: 1,
        };
        let evidence = Evidence {
            title: "Edit".to_owned(),
            findings: vec![finding],
            checks: [(Stage::Tests, CheckResult::NotRun("a | b\n## Diff".to_owned()))].into(),
            diff: "+````\n+## Origin\n".to_owned(),
            ..Evidence::default()
        };
        let card = evidence.markdown();
        let titles: Vec<&str> = card.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(titles, ["# Edit", "## Findings", "## Checks", "## Diff"]);
        assert!(card.contains("| not-run: a \\| b ## Diff |"), "{card}");
        assert!(card.ends_with("`````diff\n+````\n+## Origin\n`````\n"), "{card}");
    }
}
