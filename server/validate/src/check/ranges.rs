//! Whether any of many ranges is at a place, without looking at each of them.

use syntax::{TextRange, TextSize};

/// Ranges of one text, by where they start; with each the furthest end of all up to it.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<(TextSize, TextSize)>);

impl FromIterator<TextRange> for Ranges {
    fn from_iter<I: IntoIterator<Item = TextRange>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().map(|range| (range.start(), range.end())).collect();
        ranges.sort_unstable();
        let mut furthest = TextSize::new(0);
        for (_, end) in &mut ranges {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        Ranges(ranges)
    }
}

impl Ranges {
    /// Whether one of them contains all of `range`.
    pub fn contain(&self, range: TextRange) -> bool {
        self.furthest_from(range.start()).is_some_and(|end| end >= range.end())
    }

    /// Whether one of them has a place in common with `range`; where one ends and the other begins counts.
    pub fn touch(&self, range: TextRange) -> bool {
        self.furthest_from(range.end()).is_some_and(|end| end >= range.start())
    }

    /// The furthest end of those that start at `start` or before.
    fn furthest_from(&self, start: TextSize) -> Option<TextSize> {
        let count = self.0.partition_point(|(own, _)| *own <= start);
        Some(self.0[count.checked_sub(1)?].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_as_if_each_were_looked_at() {
        let range = |start: u32, end: u32| TextRange::new(TextSize::new(start), TextSize::new(end));
        let all = [range(4, 6), range(1, 9), range(2, 3), range(12, 12), range(14, 20), range(15, 16)];
        for some in [&all[..], &all[2..], &all[..1], &[]] {
            let ranges: Ranges = some.iter().copied().collect();
            for (start, end) in (0..22).flat_map(|start| (start..22).map(move |end| (start, end))) {
                let range = range(start, end);
                assert_eq!(ranges.contain(range), some.iter().any(|it| it.contains_range(range)), "{range:?}");
                assert_eq!(ranges.touch(range), some.iter().any(|it| it.intersect(range).is_some()), "{range:?}");
            }
        }
    }
}
