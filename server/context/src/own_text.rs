//! The target's own text, cut where it alone is longer than the budget: its head stays, and what surrounds the place that
//! is asked about.

use graph::{SymbolId, SymbolKind};
use syntax::TextSize;

use crate::form::whole_lines;
use crate::index::Index;

/// The target's text as a reader sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnText {
    pub text: String,
    /// Lines that are not in it.
    pub left_out: usize,
}

/// A target is never cut to less, in tokens: without its head nobody could tell what it is.
const MIN_TOKENS: usize = 256;
/// Of a header that is longer, and of a module, so many lines are head.
const MAX_HEAD: usize = 20;
/// Longer lines are data, not code.
const MAX_LINE_BYTES: usize = 2_000;

impl Index {
    /// The lines of `target`; if they are more than `budget` tokens, its first ones and those around `place`, with a comment
    /// where others were.
    pub(crate) fn own_text(&self, target: SymbolId, place: Option<TextSize>, budget: usize) -> OwnText {
        let source = self.analysis.source(target.file);
        let view = self.analysis.symbol(target);
        let whole = whole_lines(source, view.range);
        let budget = budget.max(MIN_TOKENS);
        // A token is at least a byte: texts of megabytes that surely fit need not be counted.
        if whole.len() <= budget || self.counter.count(whole) <= budget {
            return OwnText { text: whole.to_owned(), left_out: 0 };
        }
        let lines: Vec<&str> = whole.lines().collect();
        let first = source.lines().line(view.range.start());
        let number =
            |offset: TextSize| (source.lines().line(offset).saturating_sub(first) as usize).min(lines.len() - 1);
        let head = match view.kind {
            SymbolKind::Module => 1,
            _ => (number(view.header.end()) + 1).min(MAX_HEAD),
        };
        let place = place.filter(|&place| view.range.contains_inclusive(place)).map(number);

        let mut kept = vec![false; lines.len()];
        let mut left = budget;
        let mut keep = |line: usize| {
            let Some(false) = kept.get(line) else { return true };
            let cost = self.counter.count(&format!("{}\n", shortened(lines[line]))) + GAP_TOKENS;
            let fits = cost <= left;
            if fits {
                (kept[line], left) = (true, left - cost);
            }
            fits
        };
        // Where the head does not fit, at least its first line is shown.
        let mut fits = (0..head).all(&mut keep);
        let mut distance = 0;
        while fits && distance < lines.len() {
            let around = place.map(|place| [Some(place + distance), place.checked_sub(distance)]);
            fits = around.into_iter().flatten().flatten().all(&mut keep);
            // The place matters more than how the text goes on from its head.
            fits = fits
                && (place.is_some() && distance % 2 == 1 || keep(head + distance / (1 + usize::from(place.is_some()))));
            distance += 1;
        }
        kept[0] = true;
        OwnText { text: joined(&lines, &kept), left_out: kept.iter().filter(|kept| !**kept).count() }
    }
}

/// Kept for a line's share of the comments about what is missing, of which there are at most two for each run of lines.
const GAP_TOKENS: usize = 1;

fn joined(lines: &[&str], kept: &[bool]) -> String {
    let mut text = String::new();
    let mut missing = 0;
    for (line, kept) in lines.iter().zip(kept.iter().copied()) {
        if kept {
            mark(&mut text, line, std::mem::take(&mut missing));
            text += &shortened(line);
            text.push('\n');
        } else {
            missing += 1;
        }
    }
    mark(&mut text, lines.last().unwrap_or(&""), missing);
    text.pop();
    text
}

/// Says that lines are missing, indented like `next`.
fn mark(text: &mut String, next: &str, missing: usize) {
    if missing > 0 {
        let indentation = &next[..next.len() - next.trim_start_matches([' ', '\t']).len()];
        let lines = if missing == 1 { "line is" } else { "lines are" };
        text.push_str(&format!("{indentation}# … {missing} {lines} left out here …\n"));
    }
}

fn shortened(line: &str) -> String {
    if line.len() <= MAX_LINE_BYTES {
        return line.to_owned();
    }
    format!("{} …", &line[..line.floor_char_boundary(MAX_LINE_BYTES)])
}

#[cfg(test)]
mod tests {
    use graph::{Analysis, AnalysisHost, Change};

    use super::*;
    use crate::{Options, count_tokens};

    fn load(text: &str) -> Analysis {
        let mut change = Change::default();
        change.set("/a.py", text);
        let mut host = AnalysisHost::new(vec!["/".into()]);
        host.apply(change);
        host.analysis()
    }

    fn long_function() -> String {
        let body: String = (0..3_000).map(|n| format!("    x{n} = {n}\n")).collect();
        format!("@cached\ndef f(\n    a,\n    b,\n):\n    \"\"\"Long.\"\"\"\n{body}")
    }

    #[test]
    fn the_head_and_the_place_stay() {
        let text = long_function();
        let analysis = load(&text);
        let target = analysis.find("a.f")[0];
        let place = TextSize::new(text.find("x1500 ").unwrap() as u32);
        let index = Index::new(&analysis);
        let context = index.context_at(target, Some(place), 1_000, &Options { reserve: 0 });
        let shown = &context.target_text;
        assert!(
            shown.starts_with("@cached\ndef f(\n    a,\n    b,\n):\n    \"\"\"Long.\"\"\"\n    x0 = 0\n"),
            "{shown}"
        );
        for line in ["x1480 =", "x1499 =", "x1500 =", "x1501 =", "x1520 ="] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
        assert!(count_tokens(shown) <= 1_000 && count_tokens(shown) > 800, "{}", count_tokens(shown));
        assert_eq!(shown.matches("lines are left out here").count(), 2);
        assert_eq!(shown.lines().count() - 2 + context.target_left_out, 3_006);
        let told = &context.left_out[0];
        assert_eq!((told.symbol.as_str(), told.path.as_str()), ("a.f", "a.py"));
        assert!(told.why.contains("its own text"), "{}", told.why);
        // Without a place how it begins tells most.
        let begin = index.own_text(target, None, 1_000);
        assert!(begin.text.contains("x50 =") && !begin.text.contains("x1500"));
        assert!(begin.text.ends_with(&format!("    # … {} lines are left out here …", begin.left_out)));
        // All of it, where it fits.
        assert_eq!(index.own_text(target, None, 100_000), OwnText { text: text.trim_end().to_owned(), left_out: 0 });
    }

    #[test]
    fn any_budget_and_any_text_end_in_something() {
        let data = format!("X = {:?}\n", "é".repeat(500_000));
        let long_header = format!("def f({}): ...\n", "argument, ".repeat(5_000));
        let blank = format!("def f():\n{}    x\n", "\n".repeat(10_000));
        for text in [long_function(), data, long_header, blank, String::new(), "\n\n".to_owned()] {
            let analysis = load(&text);
            let index = Index::new(&analysis);
            let module = analysis.module(analysis.files().next().unwrap());
            let targets = analysis.find("a.f").into_iter().chain([module]);
            for target in targets {
                for budget in [0, 50, 10_000_000] {
                    for place in [0, text.len() / 2, text.len(), text.len() + 100] {
                        let own = index.own_text(target, Some(TextSize::new(place as u32)), budget);
                        assert!(own.text.len() < budget.max(10_000), "{} bytes at {budget}", own.text.len());
                        assert_eq!(own.left_out == 0, !own.text.contains("left out here"));
                    }
                }
            }
        }
    }
}
