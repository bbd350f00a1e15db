//! Where a line has gone since it was read.

/// The place in `now` of the line that is at `line` in `before`, both counted from 0: lines that both texts begin with stay,
/// and lines that both end with move along. `None` for a line between, which may be another one.
pub(super) fn line(before: &str, now: &str, line: u32) -> Option<u32> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    let same = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let line = line as usize;
    if line < same {
        return u32::try_from(line).ok();
    }
    let shorter = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count().min(shorter);
    let from_end = old.len().checked_sub(line)?;
    (1..=tail).contains(&from_end).then(|| u32::try_from(new.len() - from_end).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_with_what_is_typed_around_them() {
        let before = "a\nb\nc\nd\n";
        let check = |now: &str, expected: [Option<u32>; 4]| {
            assert_eq!([0, 1, 2, 3].map(|at| line(before, now, at)), expected, "{now:?}");
        };
        check(before, [Some(0), Some(1), Some(2), Some(3)]);
        check("a\nx\ny\nb\nc\nd\n", [Some(0), Some(3), Some(4), Some(5)]);
        check("a\nd\n", [Some(0), None, None, Some(1)]);
        check("a\nB\nc\nd\n", [Some(0), None, Some(2), Some(3)]);
        check("", [None; 4]);
        check("a\na\nb\nc\nd\n", [Some(0), Some(2), Some(3), Some(4)]);
        assert_eq!(line(before, before, 99), None);
    }
}
